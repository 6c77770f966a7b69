"""What every layout of a delivery is read into: `raw`, one row a record, and `rejected`, what is no record.

Nothing is interpreted yet: every column is text, whatever the file called it, so that one judge holds all deliveries to
their contracts and quarantine keeps what came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import polars as pl

from assets.sources.decoding import KEPT, RESEND
from data_contracts import numbers
from data_contracts.contract import Contract, FileFormat
from liangcang.engine import Engine
from liangcang.errors import DeliveryError, EngineError
from liangcang.quoting import quoted

REJECTS = 100_000
"""Faulty lines that are looked at. A file with more of them has another shape than the contract says."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """What was read. `raw` and `rejected` name temporary tables of the engine.

    raw: `_row_no BIGINT` (the record's number in the file, from 1, rejected ones counted), `_line BIGINT` (the line on
    which it begins, the header counted; in Parquet, which has no lines, the record's number), then `columns`, all VARCHAR:
    null only where the layout has a null of its own. rejected: `_row_no`, `_line`, `_text VARCHAR`. `lines` counts the
    lines of the file.
    """

    raw: str
    rejected: str
    columns: tuple[str, ...]
    rows: int
    rejects: int
    lines: int


def columns_of(contract: Contract, form: FileFormat) -> tuple[str, ...]:
    """The columns of a file in order. A history of dated states has the state's date first, if it is no column of its own."""
    dated = form.kind == "history" and contract.state_date is not None and contract.state_date not in contract.columns
    return (contract.state_date, *contract.columns) if dated and contract.state_date else tuple(contract.columns)


@dataclass(kw_only=True)
class Filling:
    """The tables `raw` and `rejected` while records come in, block by block, in the order of the file."""

    engine: Engine
    columns: tuple[str, ...]
    file_name: str
    raw: str
    rejected: str
    rows: int = field(default=0, init=False)
    rejects: int = field(default=0, init=False)
    _begun: bool = field(default=False, init=False)

    @property
    def records(self) -> int:
        """Records so far, faulty ones counted: the next one's number is one more."""
        return self.rows + self.rejects

    def add(self, numbers: Sequence[int], lines: Sequence[int], values: Sequence[Sequence[str | None]]) -> None:
        """Records with their numbers and lines; `values` holds a column after the other."""
        named = zip(self.columns, values, strict=True)
        frame = pl.DataFrame(
            {"_row_no": numbers, "_line": lines, **dict(named)},
            schema={"_row_no": pl.Int64, "_line": pl.Int64, **dict.fromkeys(self.columns, pl.String)},
        )
        self._insert(self.raw, frame)
        self.rows += frame.height

    def reject(self, faulty: Iterable[tuple[int, int, str]]) -> None:
        """Records that cannot be split, as they came: number, line, text."""
        frame = pl.DataFrame(
            list(faulty), schema={"_row_no": pl.Int64, "_line": pl.Int64, "_text": pl.String}, orient="row"
        )
        self._insert(self.rejected, frame)
        self.rejects += frame.height

    def filled(self, *, lines: int, shape: str = "records", why: str = "") -> Raw:
        """What was read. Raises DeliveryError when nearly nothing has the `shape`; `why` is the first fault found."""
        self._begin()
        if self.rejects >= REJECTS or (not self.rows and self.rejects > 1):
            raise refused(
                self.file_name,
                "does not have the shape that the contract says",
                expected=shape,
                found=f"{self.rejects:,} records that have not{f' ({why})' if why else ''}, {self.rows:,} that have",
            )
        counts = f"select (select count(*) from {quoted(self.raw)}), (select count(*) from {quoted(self.rejected)})"
        if self.engine.rows(counts) != [(self.rows, self.rejects)]:
            raise EngineError(
                f"{self.file_name}: records were lost or doubled while they were read",
                file=self.file_name,
                expected=f"{self.rows:,} records and {self.rejects:,} rejected",
                kept=KEPT,
                next="this is our fault or DuckDB's, not the sender's: report it",
            )
        return Raw(
            raw=self.raw,
            rejected=self.rejected,
            columns=self.columns,
            rows=self.rows,
            rejects=self.rejects,
            lines=lines,
        )

    def select(self, rows: int, select: str, **named: object) -> None:
        """Records as a SELECT of our own yields them, with `_row_no` and `_line` in front; it must yield so many."""
        self._begin()
        self.engine.rows(f"insert into {quoted(self.raw)} {select}", **named)
        self.rows += rows

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        names = "".join(f", {quoted(column)} varchar" for column in self.columns)
        self.engine.drop(self.raw)
        self.engine.rows(
            f"create or replace temp table {quoted(self.raw)} (_row_no bigint, _line bigint{names});"
            f"create or replace temp table {quoted(self.rejected)} (_row_no bigint, _line bigint, _text varchar)"
        )

    def _insert(self, table: str, frame: pl.DataFrame) -> None:
        self._begin()
        if frame.height:
            block = f"_{self.raw}_block"
            self.engine.register(block, frame)
            self.engine.rows(f"insert into {quoted(table)} select * from {quoted(block)}; drop table {quoted(block)}")


def differing(columns: Sequence[str], found: Sequence[str]) -> tuple[list[str], list[str]]:
    """The contract's columns that a file does not name, and what it names beside them; capital letters do not matter."""
    wanted, names = {name.casefold() for name in columns}, {name.casefold() for name in found}
    return (
        [name for name in columns if name.casefold() not in names],
        [name for name in found if name.casefold() not in wanted],
    )


def said_of(missing: Sequence[str], extra: Sequence[str]) -> str:
    """Missing and extra columns in words."""
    parts = [f"a missing column: {', '.join(missing)}"] if missing else []
    return "; ".join([*parts, f"an extra column: {', '.join(map(shown, extra))}"] if extra else parts)


def shown(name: str) -> str:
    """A name from a file as it may stand in an error."""
    return "".join(c if c.isprintable() else "?" for c in name[:63])


def other_columns(file_name: str, what: str, columns: Sequence[str], found: str) -> DeliveryError:
    """The error of a file whose first line, or whose own schema, is not the contract's."""
    return DeliveryError(
        f"{file_name}: {what}",
        file=file_name,
        line=1,
        rule=numbers.COLUMNS,
        expected=", ".join(columns),
        found=found,
        kept=KEPT,
        next="if the sender changed the layout, the contract needs a new version; else " + RESEND,
    )


def refused(file_name: str, what: str, *, expected: str, found: str, line: int | None = None) -> DeliveryError:
    """The error of a delivery that cannot be read."""
    return DeliveryError(
        f"{file_name}: {what}",
        file=file_name,
        line=line,
        rule=numbers.COLUMNS,
        expected=expected,
        found=found,
        kept=KEPT,
        next=RESEND,
    )
