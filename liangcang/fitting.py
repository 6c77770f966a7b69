"""From what a query yields to what a table holds, without a value changed in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from liangcang.column_types import fits, type_name
from liangcang.errors import SqlError
from liangcang.quoting import quoted
from liangcang.table import Table


def fitted(
    got: Mapping[str, str],
    table: Table,
    optional: frozenset[str],
    *,
    nulls: Callable[[str, str], bool],
    what: str,
) -> str:
    """The select list that turns a query's columns (name to type) into exactly the table's, in its order.

    A final list of casts alone would drop a column that the table does not have and round what it does not hold, so
    names are compared both ways and types must widen. Columns in `optional` may be absent. `nulls(column, type)`
    tells whether a column holds nothing but untyped nulls. Raises SqlError that tells the author what to write.
    """
    missing = [column for column in table.columns if column not in got and column not in optional]
    extra = [column for column in got if column not in table.columns]
    if missing or extra:
        raise SqlError(
            f"{what}: the query's columns are not those of {table.name}",
            field=", ".join(missing + extra),
            expected=f"also {', '.join(missing)}" if missing else "nothing more than the table has",
            found=f"also {', '.join(extra)}" if extra else "left out",
            next="name each column as the table does, once; leave out what the table does not have",
        )
    return ", ".join(_column(name, got.get(name), table, nulls, what) for name in table.columns)


def _column(name: str, got: str | None, table: Table, nulls: Callable[[str, str], bool], what: str) -> str:
    wanted = type_name(table.columns[name])
    if got == wanted:
        return quoted(name)
    if got is None:
        return f"cast(null as {wanted}) as {quoted(name)}"
    if fits(got, wanted) or nulls(name, got):
        return f"cast({quoted(name)} as {wanted}) as {quoted(name)}"
    raise SqlError(
        f"{what}: a column of the query does not have the table's type",
        field=f"{table.name}.{name}",
        expected=wanted,
        found=got,
        next=f"write CAST({name} AS {wanted}), or round it, yourself: the engine never does it in silence",
    )
