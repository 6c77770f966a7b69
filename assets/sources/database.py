"""Tables of a PostgreSQL database as they stood at one moment, exactly.

All tables are read in one snapshot: a REPEATABLE READ transaction exports it, and the readers that work beside each other
take it over. Money that moves between two tables while they are read is so in exactly one of them. Numbers come as the
digits that the server holds, 38 of them and more, and are kept as text; what could not be kept exactly is refused with the
column's name. Neither the secret of a connection nor what the driver says of it stands in an error: it may quote both.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from assets.sources.parquet_files import unfit
from data_contracts.contract import Contract, Property
from liangcang.errors import DeliveryError, UsageError
from liangcang.quoting import quoted

KINDS: Mapping[str, str] = {
    "int2": "SMALLINT",
    "int4": "INTEGER",
    "int8": "BIGINT",
    "float4": "FLOAT",
    "float8": "DOUBLE",
    "text": "VARCHAR",
    "varchar": "VARCHAR",
    "bpchar": "VARCHAR",
    "bool": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "numeric": "DECIMAL(38,0)",
}
"""PostgreSQL's types that can be kept, as the types of a Parquet file that say the same."""
ENDLESS = frozenset(("date", "timestamp"))
ISOLATION = "set transaction isolation level repeatable read read only"


@dataclass(frozen=True)
class Column:
    """A column of a table: the contract's, and its type in PostgreSQL."""

    prop: Property
    type: str

    @property
    def value(self) -> str:
        """The column in a SELECT. The spaces that fill a char(n) are no part of its value."""
        name = quoted(self.prop.name)
        return f"{name}::text as {name}" if self.type in ("bpchar", "numeric") else name


def secret(name: str, place: Mapping[str, str]) -> str:
    """The connection's secret, from the environment or from a file that its owner alone can read.

    Raises UsageError that says where it was looked for, and never what was found there.
    """
    if variable := place.get("env"):
        if said := os.environ.get(variable, "").strip():
            return said
        raise UsageError(
            f"connection {name}: its secret is not there", field=variable, expected="the variable to be set"
        )
    path = Path(place["file"])
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077 or status.st_uid != os.geteuid():
                raise UsageError(
                    f"connection {name}: others could read its secret",
                    file=path,
                    expected="a plain file of mode 0600 that belongs to who runs this",
                    found=f"mode {stat.S_IMODE(status.st_mode):04o}",
                )
            return file.read(1 << 16).strip()
    except OSError as error:
        raise UsageError(f"connection {name}: its secret cannot be read", file=path, found=error.strerror) from None


class Snapshot:
    """One moment of a database. `readers` take it over, each with a connection of its own, as long as it is open."""

    def __init__(self, name: str, dsn: str) -> None:
        self.name, self._dsn = name, dsn
        self._first = self._connected()
        try:
            (self.id,) = self._first.rows("select pg_export_snapshot()")[0]
        except BaseException:
            self._first.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._first.close()

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        """A connection that sees the database as it was when the snapshot was taken."""
        reader = self._connected()
        try:
            reader.run(f"set transaction snapshot '{self.id}'")
            yield reader
        finally:
            reader.close()

    def _connected(self) -> Reader:
        pg = _driver()
        code: object = None
        try:
            connection = pg.connect(self._dsn, autocommit=False)
        except pg.Error as error:
            code = error.sqlstate or error.status_code
        else:
            reader = Reader(self.name, connection)
            reader.run(ISOLATION)
            reader.run("set local time zone 'UTC'")
            return reader
        raise _failed(self.name, "the database cannot be reached", code)


class Reader:
    """One connection inside the snapshot."""

    def __init__(self, name: str, connection: Any) -> None:
        self.name, self._connection = name, connection
        self._faults = (_driver().Error, pa.ArrowException, OSError)

    def close(self) -> None:
        self._connection.close()

    def run(self, sql: str) -> None:
        self.rows(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """A small result."""
        code: object
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        except self._faults as error:
            code = getattr(error, "sqlstate", None) or type(error).__name__
        raise _failed(self.name, "the database did not answer as it should", code)

    def batches(self, sql: str) -> Iterator[pa.RecordBatch]:
        """The rows of a SELECT as they come."""
        code: object
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                yield from cursor.fetch_record_batch()
        except self._faults as error:
            code = getattr(error, "sqlstate", None) or type(error).__name__
        else:
            return
        raise _failed(self.name, "the database did not answer as it should", code)

    def columns(self, contract: Contract, table: str) -> list[Column]:
        """The contract's columns in a table or view. Raises DeliveryError for one that is not there or does not fit."""
        schema, _, name = table.partition(".")
        found = dict(
            self.rows(
                "select a.attname::text, t.typname::text from pg_attribute a "
                "join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
                "join pg_type t on t.oid = a.atttypid "
                f"where n.nspname = '{schema}' and c.relname = '{name}' and a.attnum > 0 and not a.attisdropped"
            )
        )
        columns = []
        for prop in contract.properties:
            kind = found.get(prop.name)
            known = KINDS.get(str(kind))
            expected = unfit(prop, known) if known else "a type that can be kept exactly"
            if kind is None or known is None or expected or _uncertain(prop, kind):
                raise DeliveryError(
                    f"{contract.table}: column {prop.name} of {table} cannot be read",
                    file=contract.path,
                    line=prop.line,
                    field=prop.name,
                    expected=expected or prop.type,
                    found=kind or "no such column",
                    next="let the bank's database show it so in a view, or correct the contract",
                )
            columns.append(Column(prop, kind))
        return columns

    def check_ends(self, table: str, columns: Sequence[Column], where: str) -> None:
        """Refuse dates without end: the driver would hand them over as some day of some year, unseen."""
        endless = [column for column in columns if column.type in ENDLESS]
        if not endless:
            return
        counts = ", ".join(f"count(*) filter (where not isfinite({quoted(c.prop.name)}))" for c in endless)
        for column, count in zip(endless, self.rows(f"select {counts} from {_table(table)} {where}")[0], strict=True):
            if count:
                raise DeliveryError(
                    f"{table}: infinite dates",
                    field=column.prop.name,
                    expected="a day of the calendar, or null",
                    found=f"{count:,} rows with infinity",
                    next="let the bank's database show them in a view as null, or as a date that the contract knows",
                )

    def select(self, table: str, columns: Sequence[Column], where: str, key: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows of a table in the order of the key, so that the same rows are the same file."""
        values = ", ".join(column.value for column in columns)
        text = {column.prop.name for column in columns if KINDS[column.type] == "VARCHAR"}
        order = ", ".join(f'{quoted(name)} collate "C"' if name in text else quoted(name) for name in key)
        return self.batches(f"select {values} from {_table(table)} {where}" + (f" order by {order}" if order else ""))


def _uncertain(prop: Property, kind: str) -> bool:
    """A numeric has any number of digits. Only a contract that says how many fixes what is kept of them."""
    return kind == "numeric" and not prop.type.startswith("DECIMAL")


def _table(table: str) -> str:
    return ".".join(map(quoted, table.split(".")))


def _driver() -> Any:
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise UsageError(
            "PostgreSQL's driver is not installed",
            expected="the packages of the extra `postgres`",
            next="pip install 'liangcang[postgres]'",
        ) from None
    return dbapi


def _failed(name: str, what: str, code: object) -> DeliveryError:
    return DeliveryError(
        f"connection {name}: {what}",
        expected="tables that may be read",
        found=f"SQLSTATE or status {code}; the server's own log has the words",
        kept="nothing was delivered",
        next="look at the server, the connection's secret and the rights of its user, and run it again",
    )
