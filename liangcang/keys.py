"""The proof that a table's key names one row, read from the ordered file itself.

In a file that is ordered by its key, rows of one key stand next to each other: comparing neighbours, one row group at
a time, costs a quarter of counting distinct keys and needs no memory to speak of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from liangcang.errors import EngineError
from liangcang.table import Table


def prove_key(file: Path, table: Table, *, what: str) -> None:
    """EngineError unless each row of `file`, which is ordered by the table's key, has a key of its own without nulls."""
    repeated = incomplete = 0
    last: tuple[Any, ...] | None = None
    with pq.ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            rows = parquet.read_row_group(group, columns=list(table.key), use_threads=False)
            keys = [rows.column(name).combine_chunks() for name in table.key]
            repeated += _repeated(keys) + (last == _row(keys, 0))
            incomplete += max(key.null_count for key in keys)
            last = _row(keys, -1)
    if repeated or incomplete:
        raise key_fault(table, what, repeated=repeated, incomplete=incomplete)


def key_fault(table: Table, what: str, *, repeated: int, incomplete: int) -> EngineError:
    """The error of a key that does not name one row."""
    return EngineError(
        f"{what}: the key of {table.name} does not name one row",
        field=", ".join(table.key),
        expected="each key once, and no part of it null",
        found=f"{repeated:,} rows too many, {incomplete:,} or more rows with a null in the key",
        kept="nothing was written",
        next="look for a join that multiplies rows, or a source that delivers a key twice",
    )


def _repeated(keys: list[pa.Array]) -> int:
    """How many rows have the same key as the row before."""
    same: pa.Array | None = None
    for key in keys:
        equal = pc.equal(key.slice(1), key.slice(0, len(key) - 1))
        same = equal if same is None else pc.and_(same, equal)
    return int(pc.sum(same).as_py() or 0)


def _row(keys: list[pa.Array], place: int) -> tuple[Any, ...]:
    return tuple(key[place].as_py() for key in keys)
