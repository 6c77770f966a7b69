"""The two doors to DuckDB: `Engine` for the night, `reader` for all that shows data. Nothing else connects.

A plain DuckDB connection reads any file of the machine, writes anywhere and reads the variables of the Python code
that calls it. Ours are sealed before they see any SQL: no file outside the given folders, no extension, no network,
no Python variables, a fixed time zone, and a configuration that can no longer be changed. An allowed folder is
allowed for reading *and* writing, so what may be written is held by `Engine.write` and by the modes of the folders.

What a library says about data may hold the data. Every exception of DuckDB becomes one of ours without it; the
library's own text goes to a file that only the owner of the night can read.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import duckdb
import polars as pl
import pyarrow as pa

from liangcang.column_types import type_name
from liangcang.errors import DiskError, EngineError, LiangcangError, SqlError, WarehouseError
from liangcang.faults import translate
from liangcang.fitting import fitted
from liangcang.keys import key_fault, prove_key
from liangcang.quoting import literal, quoted
from liangcang.table import Table
from liangcang.watchdog import Watchdog

__all__ = ["Engine", "Written", "catalogue", "literal", "parquet", "quoted", "reader"]

ROW_GROUP_ROWS = 122_880

_AT_OPEN: dict[str, str | bool | int | float | list[str]] = dict.fromkeys(
    (
        "python_enable_replacements",
        "autoinstall_known_extensions",
        "autoload_known_extensions",
        "allow_community_extensions",
        "allow_persistent_secrets",
    ),
    "false",
)
# A branch that is empty, but not to the planner. DuckDB declares a column REQUIRED where its statistics say that no null
# can come, and so the same rows from a table and from a file would be different bytes.
_NO_ROW = "select {} where random() > 2"
_DATE = re.compile(r"'\d{4}-\d{2}-\d{2}'")
_PATTERN = re.compile(r"[*?\[]")
_NAME = re.compile(r"^[a-z_][a-z0-9_]{0,126}(\.[a-z_][a-z0-9_]{0,126})?$")


@dataclass(frozen=True)
class Written:
    """A Parquet file that `Engine.write` made, and its number of rows. It is not fsynced yet."""

    path: Path
    rows: int


class Engine:
    """One sealed connection of the night: reads and writes below the given folders and nowhere else.

    `read` and `write` are folders that exist. `spill` is the folder under which this engine makes one of its own for
    what does not fit into `memory`. `faults` takes the library's own words on errors. `seconds` bounds any one
    statement, because DuckDB has no such setting.
    """

    def __init__(
        self,
        *,
        read: Sequence[Path],
        write: Path | None,
        spill: Path,
        memory: str = "2GB",
        threads: int = 2,
        time_zone: str = "Asia/Shanghai",
        spill_limit: str = "20GB",
        faults: Path | None = None,
        seconds: float = 7200,
    ) -> None:
        self._write = write.resolve() if write else None
        self._faults = faults
        self._made: dict[str, str] = {}
        self._schemas: set[str] = set()
        self._repeated: dict[tuple[str, str], str] = {}
        self._packed: dict[str, Path] = {}
        folders = [folder.resolve() for folder in read]
        self._spill = spill.resolve() / f"{os.getpid()}-{secrets.token_hex(4)}"
        try:
            self._spill.mkdir(mode=0o700)  # spilled rows are plain text, so the mode does not depend on the umask
        except OSError as error:
            raise DiskError("the engine's spill folder cannot be made", file=spill, found=error.strerror) from None
        self.con: duckdb.DuckDBPyConnection = _sealed(
            folders=[*folders, self._write, self._spill] if self._write else [*folders, self._spill],
            spill=self._spill,
            memory=memory,
            threads=threads,
            time_zone=time_zone,
            spill_limit=spill_limit,
        )
        self._watchdog = Watchdog(self.con, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection and remove its spill folder."""
        self._watchdog.close()
        self.con.close()
        shutil.rmtree(self._spill, ignore_errors=True)

    def view(
        self,
        name: str,
        files: Sequence[Path],
        columns: Mapping[str, str],
        *,
        select: str = "*",
        where: str | None = None,
    ) -> None:
        """Show Parquet files as the view `name` (`schema.table`) with exactly these columns and types.

        A column that a file does not have is null there; no file at all gives an empty view of the same shape. No
        footer is read before the view is used, so that a view over thousands of files costs little. `select` and
        `where` are our own SQL.
        """
        self._make("view", name, _query(files, columns, select, where))

    def load(
        self,
        name: str,
        files: Sequence[Path],
        columns: Mapping[str, str],
        *,
        select: str = "*",
        where: str | None = None,
    ) -> None:
        """Like `view`, but read once and kept as a table until the engine closes."""
        self._make("table", name, _query(files, columns, select, where))

    def define(self, name: str, query: str) -> None:
        """Show a query of our own as the view `name`, in place of what it showed."""
        self._make("view", name, query)

    def register(self, name: str, frame: pl.DataFrame | pa.Table) -> None:
        """Copy a frame into the table `name`."""
        passing = f"_frame_{secrets.token_hex(4)}"
        self.con.register(passing, frame.to_arrow() if isinstance(frame, pl.DataFrame) else frame)
        try:
            self._make("table", name, f"select * from {passing}")
        finally:
            self.con.unregister(passing)

    def describe(self, sql: str, *, what: str = "a query") -> dict[str, str]:
        """The columns that one SELECT yields, with their types, without running it. SqlError if it does not fit."""
        self._one_select(sql, what)
        found = self._run(f"describe select * from (\n{sql}\n)", what, author=True)
        return {str(row[0]): str(row[1]) for row in found}

    def write(
        self,
        sql: str,
        table: Table,
        to: Path,
        *,
        optional: frozenset[str] = frozenset(),
        what: str = "",
        repeated: bool = False,
    ) -> Written:
        """Run one SELECT into a new Parquet file with exactly the columns of `table`, ordered by its key.

        The query must yield each column in its type or in one that widens without loss; columns named in `optional`
        may be left out and become nulls. Rounding or cutting is for the author to write down, never done here. The
        key is proven unique and complete. The same rows give the same bytes on any number of threads and with any
        memory limit; a table without a key is ordered by all its columns.

        `repeated`: this query is run once a date over inputs of the same types; of those that differ in dates alone,
        only the first is asked for its columns.

        Raises SqlError if the query does not fit the table, EngineError if data do not (the file is then gone).
        """
        what = what or table.name
        target = self._target(to)
        shape = (table.name, _DATE.sub("a date", sql))
        projection = self._repeated.get(shape) or self._projection(sql, table, optional, what)
        if repeated:
            self._repeated[shape] = projection
        written = self._copy(f"select {projection} from (\n{sql}\n)", table, target, what)
        if table.key and written.rows:
            try:
                prove_key(target, table, what=what)
            except LiangcangError:
                target.unlink(missing_ok=True)
                raise
        return written

    def write_spans(
        self, relation: str, table: Table, spans: Mapping[tuple[dt.date, dt.date], Path], *, what: str = ""
    ) -> dict[tuple[dt.date, dt.date], Written]:
        """Write the rows of a relation to one file a span of their `business_date`, first to last, ordered by it.

        For a history of hundreds of dates: what `write` asks of every query is asked once of the whole relation. The
        key is proven unique and complete within each date.
        """
        what = what or table.name
        projection = self._projection(f"select * from {relation}", table, frozenset(), what)
        written: dict[tuple[dt.date, dt.date], Written] = {}
        try:
            for (first, last), path in spans.items():
                span = f"{relation} where business_date between date '{first}' and date '{last}'"
                self._prove_dated_key(span, table, what)
                written[first, last] = self._copy(
                    f"select {projection} from {span}", table, self._target(path), what, dated=True
                )
        except LiangcangError:
            for file in written.values():
                file.path.unlink(missing_ok=True)
            raise
        return written

    def _prove_dated_key(self, rows: str, table: Table, what: str) -> None:
        """Raise unless the key stands complete in each row and once a date."""
        key = [quoted(column) for column in table.key]
        if not key:
            return
        repeated, incomplete = self._run(
            f"select count(*) - count(distinct row(business_date, {', '.join(key)})), "
            f"count(*) filter (where {' or '.join(f'{column} is null' for column in key)}) from {rows}",
            what,
        )[0]
        if repeated or incomplete:
            raise key_fault(table, what, repeated=repeated, incomplete=incomplete)

    def _projection(self, sql: str, table: Table, optional: frozenset[str], what: str) -> str:
        """The table's columns over a query that fits it."""
        found = self.describe(sql, what=what)
        return fitted(found, table, optional, nulls=partial(self._only_nulls, sql), what=what)

    def _copy(self, rows: str, table: Table, target: Path, what: str, *, dated: bool = False) -> Written:
        """Write rows that fit the table, in the order that makes the same rows the same bytes."""
        order = ", ".join([*(["business_date"] if dated else []), *map(quoted, table.key or table.columns)])
        copy = (
            f"copy ({rows} union all {_NO_ROW.format(_nulls(table.columns))} order by {order}) to {literal(target)} "
            f"(format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
        )
        try:
            return Written(target, int(self._run(copy, what)[0][0]))
        except LiangcangError:
            target.unlink(missing_ok=True)
            raise

    def keep(self, name: str, query: str, *, packed: bool = False, **named: object) -> int:
        """Keep the rows of a query as the temporary relation `name`, in place of what it held; how many there are.

        `packed`: in a compressed file of the spill folder, for what is larger than memory: that takes a tenth of the room
        of a table that is spilled, and columns that nobody asks for are not read.
        """
        if not packed:
            made = f"create or replace temp table {quoted(name)} as {query}"
            if name in self._packed:
                made = f"create temp table {quoted(f'_kept_{name}')} as {query}"
            count = int(self._run(made, name, named or None)[0][0])
            if name in self._packed:
                self.drop(name)
                self._run(f"alter table {quoted(f'_kept_{name}')} rename to {quoted(name)}", name)
            return count
        file = self._spill / f"{name}-{secrets.token_hex(4)}.parquet"
        copy = f"copy ({query}) to {literal(file)} (format parquet, compression zstd, row_group_size {ROW_GROUP_ROWS})"
        count = int(self._run(copy, name, named or None)[0][0])
        self.drop(name)
        self._run(f"create temp view {quoted(name)} as select * from read_parquet({literal(file)})", name)
        self._packed[name] = file
        return count

    def drop(self, name: str) -> None:
        """Forget what was kept as `name`, if anything was."""
        file = self._packed.pop(name, None)
        self._run(f"drop {'view' if file else 'table'} if exists {quoted(name)}", name)
        if file:
            file.unlink()

    def packs(self, name: str) -> bool:
        """Whether what is kept as `name` is packed: what is made of all of it is as large."""
        return name in self._packed

    def rows(self, sql: str, /, **named: object) -> list[tuple[Any, ...]]:
        """A small result of our own SQL; `$name` in it takes the keyword's value."""
        return self._run(sql, "a query", named or None)

    def frame(self, sql: str, *, what: str = "a query") -> pl.DataFrame:
        """The rows of our own SQL as a frame, for what is learned from them."""
        try:
            with self._watchdog.statement():
                return cast(pl.DataFrame, pl.from_arrow(self.con.sql(sql).to_arrow_table()))
        except duckdb.Error as error:
            fault = translate(error, what, sql=sql, faults=self._faults, author=False)
        raise fault

    def _make(self, kind: str, name: str, query: str) -> None:
        if not _NAME.match(name):
            raise EngineError("a view is called schema.table in small letters", found=name)
        schema, _, short = name.rpartition(".")
        if schema and schema not in self._schemas:
            self._run(f"create schema if not exists {quoted(schema)}", name)
            self._schemas.add(schema)
        full = f"{quoted(schema)}.{quoted(short)}" if schema else quoted(short)
        before = self._made.get(name)
        if before and before != kind:
            self._run(f"drop {before} if exists {full}", name)
        self._run(f"create or replace {kind} {full} as {query}", name)
        self._made[name] = kind

    def _one_select(self, sql: str, what: str) -> None:
        fault: LiangcangError | None
        try:
            statements = self.con.extract_statements(sql)
            good = len(statements) == 1 and statements[0].type == duckdb.StatementType.SELECT
            fault = (
                None
                if good
                else SqlError(f"{what}: SQL must be exactly one SELECT", found=f"{len(statements)} statements")
            )
        except duckdb.Error as error:
            fault = translate(error, what, sql=sql, faults=self._faults, author=True)
        if fault:
            raise fault

    def _target(self, to: Path) -> Path:
        target = to.parent.resolve() / to.name
        if self._write is None or not target.is_relative_to(self._write):
            raise EngineError("a file is written only below the engine's own folder", expected=self._write, found=to)
        if os.path.lexists(target):
            raise EngineError("a file is written under a new name only", found=to)
        return target

    def _only_nulls(self, sql: str, column: str, got: str) -> bool:
        """Whether a column said to be INTEGER is an untyped null: DuckDB before 2.0 describes both alike."""
        if got not in ("INTEGER", "INTEGER[]"):
            return False
        probe = f"strlen({quoted(column)}{'[1]' if got.endswith('[]') else ''})"
        try:
            self.con.execute(f"describe select {probe} from (\n{sql}\n)").fetchall()
        except duckdb.BinderException:
            return False
        return True

    def _run(
        self, sql: str, what: str, named: Mapping[str, object] | None = None, *, author: bool = False
    ) -> list[tuple[Any, ...]]:
        """Execute to the end, bounded in time. The library's exception never leaves: not as cause, not as context."""
        try:
            with self._watchdog.statement():
                # Fetched here because results stream: an error over data may come with any row.
                return (self.con.execute(sql, dict(named)) if named else self.con.execute(sql)).fetchall()
        except duckdb.Error as error:
            fault = translate(error, what, sql=sql, faults=self._faults, author=author)
        raise fault


def reader(
    files: Sequence[Path],
    *,
    spill: Path | None = None,
    memory: str = "1GB",
    threads: int = 2,
    time_zone: str = "Asia/Shanghai",
    spill_limit: str = "2GB",
) -> duckdb.DuckDBPyConnection:
    """A sealed connection that sees exactly these files: for analysts, pages and all that shows data.

    Views over them are made with `parquet`. Without `spill` a query must fit into `memory`.
    """
    return _sealed(
        files=files, spill=spill, memory=memory, threads=threads, time_zone=time_zone, spill_limit=spill_limit
    )


def catalogue(file: Path, *, folders: Sequence[Path] = (), new: bool = False) -> duckdb.DuckDBPyConnection:
    """A sealed connection whose default database is the file of views that analysts open.

    `new` makes it, readable by DuckDB from 1.2 on; else it is opened for reading. The file is looked at, never
    believed: a view in it can name any file, so `folders` are what its views may read.
    """
    mode = "storage_version 'v1.2.0'" if new else "read_only"
    attach = f"attach {literal(file.resolve())} as catalogue ({mode})"
    return _sealed(folders=[folder.resolve() for folder in folders], first=(attach, "use catalogue"))


def parquet(files: Sequence[Path], columns: Mapping[str, str]) -> str:
    """A SELECT over Parquet files with exactly these columns and types, as SQL.

    Naming the schema spares DuckDB the footers when the view is made, gives null for a column that a file lacks, and
    leaves out a column that is not asked for. WarehouseError for a path that DuckDB would take for a pattern.
    """
    if not files:
        return f"select {_nulls(columns)} where false"
    schema = ", ".join(
        f"{literal(name)}: {{name: {literal(name)}, type: {literal(type_name(kind))}, default_value: null}}"
        for name, kind in columns.items()
    )
    if strange := next((file for file in files if _PATTERN.search(str(file))), None):
        raise WarehouseError("a path may not hold * ? [, which DuckDB takes for a pattern", found=strange)
    listed = ", ".join(literal(file) for file in files)
    return f"select {', '.join(map(quoted, columns))} from read_parquet([{listed}], schema = map {{{schema}}})"


def _sealed(
    *,
    folders: Sequence[Path] = (),
    files: Sequence[Path] = (),
    spill: Path | None = None,
    memory: str = "1GB",
    threads: int = 2,
    time_zone: str = "Asia/Shanghai",
    spill_limit: str = "0GB",
    first: Sequence[str] = (),
) -> duckdb.DuckDBPyConnection:
    settings = {
        "threads": str(threads),
        "TimeZone": literal(time_zone),
        "preserve_insertion_order": "false",
        "enable_progress_bar": "false",
        "memory_limit": literal(memory),
        "temp_directory": literal(spill or ""),
        "max_temp_directory_size": literal(spill_limit),
        "allowed_directories": f"[{', '.join(literal(f'{folder}/') for folder in folders)}]",
        "allowed_paths": f"[{', '.join(literal(file.resolve()) for file in files)}]",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }
    con = duckdb.connect(":memory:", config=_AT_OPEN)
    try:
        for statement in first:
            con.execute(statement)
        for name, value in settings.items():  # in this order: a sealed connection refuses the settings before it
            con.execute(f"set {name} = {value}")
    except BaseException:
        con.close()
        raise
    return con


def _nulls(columns: Mapping[str, str]) -> str:
    return ", ".join(f"cast(null as {type_name(kind)}) as {quoted(name)}" for name, kind in columns.items())


def _query(files: Sequence[Path], columns: Mapping[str, str], select: str, where: str | None) -> str:
    query = f"select {select} from ({parquet(files, columns)})"
    return f"{query} where {where}" if where else query
