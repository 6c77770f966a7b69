"""Dagster's records in SQLite, with connections that stay open.

Dagster's own SQLite storage opens a file, compiles each statement, and closes the file for every single event: more than
100 CPU milliseconds an asset, and more than most assets' work. Here each file has one engine a process, which keeps its
compiled statements and a connection, and events that Dagster hands over together are written together. Files, tables and
rows are Dagster's own: either storage goes on with what the other wrote.

This is the only module that leans on what Dagster does not promise. `tests/pipelines/test_storage.py` says what it takes
for granted.
"""

from __future__ import annotations

import os
import shutil
import threading
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite_storage import (
    DagsterSqliteStorage,
    _event_logs_directory,
    _runs_directory,
    _schedule_directory,
)
from dagster._serdes import ConfigurableClassData

BUSY_SECONDS = 30
"""How long one process waits for another's transaction; Dagster's own choice for events."""

OPEN_FILES = 16
"""Each run has a file of its own, and the interface looks at many."""

BATCH_SIZE = "DAGSTER_EVENT_BATCH_SIZE"
"""Dagster's setting: how many events of one step are handed over together. Its default, 0, is each alone."""

INDEXED = {*ASSET_EVENTS, *ASSET_CHECK_EVENTS, *EVENT_TYPE_TO_PIPELINE_RUN_STATUS}
"""What Dagster writes twice: to the run's file, and to the index over all runs."""


class Connections:
    """The engines of one storage by address, each with at most one idle connection; the least used are closed.

    An SQLite connection must not cross a fork, not even to be closed there, nor may another thread be inside SQLite
    meanwhile. So a fork waits for the turn, and finds nothing open.
    """

    def __init__(self) -> None:
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()
        self._joined: dict[str, sa.Connection] = {}
        self.turn = threading.RLock()
        _ALL.add(self)

    def engine(self, address: str) -> sa.Engine:
        """The engine of a file; for whoever has the turn."""
        if address not in self._engines:
            self._engines[address] = sa.create_engine(
                address,
                poolclass=sa.QueuePool,
                pool_size=1,
                max_overflow=-1,
                connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            )
        self._engines.move_to_end(address)
        while len(self._engines) > OPEN_FILES:
            self._engines.popitem(last=False)[1].dispose()
        return self._engines[address]

    @contextmanager
    def transaction(self, address: str) -> Iterator[sa.Connection]:
        """One thread at a time; a thread that is within a transaction of the same file goes on with that."""
        with self.turn:
            if address in self._joined:
                yield self._joined[address]
                return
            with self.engine(address).begin() as connection:
                self._joined[address] = connection
                try:
                    yield connection
                finally:
                    del self._joined[address]

    def close(self) -> None:
        """Close what is idle. The next transaction opens its file again."""
        with self.turn:
            for engine in self._engines.values():
                engine.dispose()


_ALL: weakref.WeakSet[Connections] = weakref.WeakSet()
_FROZEN: list[Connections] = []


def _before_fork() -> None:
    for connections in tuple(_ALL):
        connections.turn.acquire()
        connections.close()
        _FROZEN.append(connections)


def _after_fork() -> None:
    while _FROZEN:
        _FROZEN.pop().turn.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


class Events(SqliteEventLogStorage):
    """Dagster's event log: a file a run, and an index of what concerns assets, checks and the states of runs."""

    def __init__(self, base_dir: str) -> None:
        self._connections = Connections()
        self._tables: set[str] = set()
        self._columns: set[str] = set()
        self._migrated: set[str] = set()
        os.environ.setdefault(BATCH_SIZE, "1000")
        super().__init__(base_dir)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sa.Connection]:
        address = self.conn_string_for_shard(shard)
        with self._connections.turn:
            if shard not in self._initialized_dbs:
                self._initdb(self._connections.engine(address))
                self._initialized_dbs.add(shard)
            with self._connections.transaction(address) as connection:
                yield connection

    def _initdb(self, engine: sa.Engine, for_index_shard: bool = False) -> None:  # noqa: FBT002  (as Dagster has it)
        """A run's file begins as a copy of an empty one: to make tables and stamp them costs 120 CPU milliseconds."""
        file = Path(str(engine.url.database))
        empty = file.with_name(f"empty-{dg.__version__}")
        if not for_index_shard and empty.exists() and not file.exists():
            copy = Path(shutil.copyfile(empty, f"{file}.{os.getpid()}"))
            with suppress(FileExistsError):
                os.link(copy, file)
            copy.unlink()
            return
        super()._initdb(engine, for_index_shard)
        if not for_index_shard and not empty.exists():
            engine.dispose()
            if not Path(f"{file}-wal").exists():
                Path(shutil.copyfile(file, f"{empty}.{os.getpid()}")).replace(empty)

    def store_event(self, event: EventLogEntry) -> None:
        self.store_event_batch([event])

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Write events in one transaction a file. The run's is committed first; what cannot be written is in neither."""
        for run_id, of_run in groupby(events, key=lambda event: event.run_id):
            rows = [(event, self._event_to_row(event)) for event in of_run]
            indexed = [(event, row) for event, row in rows if event.dagster_event_type in INDEXED]
            with self.index_connection() if indexed else nullcontext() as index, self.run_connection(run_id) as shard:
                if index is not None:
                    self._index(index, indexed)
                shard.execute(SqlEventLogStorageTable.insert(), [row for _, row in rows])
            os.utime(self.path_for_shard(run_id))  # who watches a run watches this file; SQLite writes beside it

    def _index(self, index: sa.Connection, rows: Sequence[tuple[EventLogEntry, dict[str, Any]]]) -> None:
        """As Dagster does for each event; of an asset's own row, which says what came last, only the last."""
        last: dict[tuple[Any, Any], tuple[EventLogEntry, int]] = {}
        for event, row in rows:
            event_id = index.execute(SqlEventLogStorageTable.insert(), row).lastrowid
            if event.dagster_event_type in ASSET_EVENTS:
                self._store_asset_event_tags(index, [event], [event_id])
                last[row["asset_key"], event.dagster_event_type] = event, event_id
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, event_id)
        for event, event_id in last.values():
            self._store_asset_event(index, event, event_id)

    def has_table(self, table_name: str) -> bool:
        """Asked for every materialisation; tables only ever come."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def has_secondary_index(self, name: str) -> bool:
        """Asked four times an asset; what was migrated stays so."""
        if name not in self._migrated and super().has_secondary_index(name):
            self._migrated.add(name)
        return name in self._migrated

    def _has_asset_key_col_on_connection(self, conn: sa.Connection, column_name: str) -> bool:
        if column_name not in self._columns and super()._has_asset_key_col_on_connection(conn, column_name):
            self._columns.add(column_name)
        return column_name in self._columns

    def wipe(self) -> None:
        self._connections.close()
        self._migrated.clear()
        super().wipe()

    def dispose(self) -> None:
        super().dispose()
        self._connections.close()


class Runs(SqliteRunStorage):
    """Dagster's runs, and the heartbeats of its daemon."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._connections = Connections()
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        with self._connections.transaction(self._conn_string) as connection:
            yield connection

    def dispose(self) -> None:
        super().dispose()
        self._connections.close()


class Records(DagsterSqliteStorage):
    """What `dagster.yaml` names. Schedules and sensors are asked once a minute: Dagster's own storage is good for them."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self.base_dir = base_dir
        self._run_storage = Runs.from_local(_runs_directory(base_dir))
        self._event_log_storage = Events(_event_logs_directory(base_dir))
        self._schedule_storage = SqliteScheduleStorage.from_local(_schedule_directory(base_dir))
        self._inst_data = inst_data
        DagsterStorage.__init__(self)  # type: ignore[no-untyped-call, arg-type]

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Records:
        return cls(config_value["base_dir"], inst_data)
