"""Files of a table as a polars frame."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
from polars.datatypes import DataType, DataTypeClass

from liangcang.errors import WarehouseError
from liangcang.table import Table

_PLAIN: dict[str, DataTypeClass] = {
    "BOOLEAN": pl.Boolean,
    "TINYINT": pl.Int8,
    "SMALLINT": pl.Int16,
    "INTEGER": pl.Int32,
    "BIGINT": pl.Int64,
    "HUGEINT": pl.Int128,
    "UTINYINT": pl.UInt8,
    "USMALLINT": pl.UInt16,
    "UINTEGER": pl.UInt32,
    "UBIGINT": pl.UInt64,
    "FLOAT": pl.Float32,
    "DOUBLE": pl.Float64,
    "VARCHAR": pl.String,
    "BLOB": pl.Binary,
    "DATE": pl.Date,
    "TIME": pl.Time,
}


def dtype(kind: str) -> DataType | DataTypeClass:
    """The polars type of a DuckDB type that a table may have. Raises WarehouseError for any other."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "TIMESTAMP":
        return pl.Datetime("us")
    if kind.endswith("[]"):
        return pl.List(dtype(kind[:-2]))
    if decimal := re.fullmatch(r"DECIMAL\((\d+), ?(\d+)\)", kind):
        return pl.Decimal(int(decimal[1]), int(decimal[2]))
    raise WarehouseError("a table's column has a type that is not read here", found=kind)


def frame(table: Table, files: Sequence[Path], *, to: dt.date | None = None) -> pl.LazyFrame:
    """The rows of these files, oldest first: as they are, or for a state table the newest row of each key, if alive.

    `to`: rows of later dates, which a file of a history may hold, are left out. A column that older files lack is null
    there; one that the table no longer has is left out.
    """
    schema = pl.Schema({name: dtype(kind) for name, kind in table.columns.items()})
    if not files:
        return pl.LazyFrame(schema=schema)
    rows = pl.scan_parquet(
        list(files),
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        cast_options=pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast"),
        hive_partitioning=False,
        glob=False,
    )
    if to is not None and "business_date" in table.columns:
        rows = rows.filter(pl.col("business_date") <= to)
    if table.kind != "state":
        return rows
    newest = rows.unique(subset=list(table.key), keep="last", maintain_order=False)
    return newest.filter(pl.col("_op") != "D") if "_op" in table.columns else newest
