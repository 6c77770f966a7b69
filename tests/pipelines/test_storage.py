"""Dagster's records over connections that stay open: the same rows, whoever else is at work on the same files."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.methods.event_methods import EventMethods
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from pipelines import storage
from pipelines.instance import CONFIGURATION, prepare
from pipelines.jobs import QUIET

DAILY = dg.DailyPartitionsDefinition(start_date="2026-11-01", end_date="2026-12-01", timezone="Asia/Shanghai")
FORMER = "".join(line for line in CONFIGURATION.splitlines(keepends=True) if not line.startswith("storage:"))
"""What `liangcang init` wrote before: Dagster's own storage."""


@contextmanager
def home(folder: Path, *, configuration: str = CONFIGURATION) -> Iterator[dg.DagsterInstance]:
    prepare(folder)
    (folder / "dagster.yaml").write_text(configuration)
    with pytest.MonkeyPatch.context() as here:
        here.setenv("DAGSTER_HOME", str(folder))
        with dg.DagsterInstance.get() as instance:
            yield instance


def daily(**arguments):
    return dg.asset(partitions_def=DAILY, backfill_policy=dg.BackfillPolicy.single_run(), **arguments)


@daily(check_specs=[dg.AssetCheckSpec("contract", asset="first")])
def first(context):
    for day in context.partition_keys:
        context.add_asset_metadata({"dagster/partition_row_count": int(day[-2:])}, partition_key=day)
    context.log_event(dg.AssetObservation("seen", metadata={"files": 3}, tags={"dagster/data_version": "7"}))
    yield dg.AssetCheckResult(check_name="contract", passed=True, metadata={"rows": 5})
    yield dg.MaterializeResult()


@daily(check_specs=[dg.AssetCheckSpec("contract", asset="second")], deps=["first"])
def second(context):
    yield dg.AssetCheckResult(check_name="contract", passed=False, severity=dg.AssetCheckSeverity.WARN)
    if context.partition_keys[-1] == "2026-11-09":
        raise dg.Failure("no such night", metadata={"exit_code": 65}, allow_retries=False)
    yield dg.MaterializeResult(data_version=dg.DataVersion("8"))


JOB = dg.Definitions(assets=[first, second], jobs=[dg.define_asset_job("job")]).resolve_job_def("job")


def run(instance: dg.DagsterInstance, begin: str, end: str) -> bool:
    """A run of both assets over a range of dates."""
    tags = {"dagster/asset_partition_range_start": begin, "dagster/asset_partition_range_end": end}
    return dg.materialize([first, second], instance=instance, tags=tags, run_config=QUIET, raise_on_error=False).success


def work(instance: dg.DagsterInstance) -> None:
    """A run of several dates, one that fails, and what is reported without a run."""
    assert run(instance, "2026-11-01", "2026-11-03")
    assert not run(instance, "2026-11-08", "2026-11-09")
    instance.report_runless_asset_event(dg.AssetMaterialization("first", partition="2026-11-20"))
    instance.report_runless_asset_event(dg.AssetCheckEvaluation(dg.AssetKey("first"), "contract", passed=False))


DRAWN = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|(?<=\"log_key\": \")\w+"
)
OF_THE_MOMENT = re.compile(r"\b\d{10}\.\d+|[\d.]+m?s\b|\d+:\d\d:\d\d(\.\d+)?|\"(pid|duration_ms)\": [\d.]+|pid: \d+")


def rows(folder: Path) -> dict[str, list[list[object]]]:
    """All rows of all tables in a home, in order. What is drawn becomes a number, what is of the moment is left out."""
    numbers: dict[str, str] = {}

    def plain(value: object) -> object:
        if not isinstance(value, str):
            return value
        numbered = DRAWN.sub(lambda found: numbers.setdefault(found[0], f"no. {len(numbers)}"), value)
        return OF_THE_MOMENT.sub("~", numbered)

    def read(file: Path) -> None:
        con = sqlite3.connect(file)
        for (table,) in con.execute("select name from sqlite_master where type = 'table' order by name").fetchall():
            cursor = con.execute(f"select * from {table}")
            kept = [n for n, column in enumerate(cursor.description) if "time" not in column[0]]
            found[f"{plain(file.stem)} {table}"] = [[plain(row[n]) for n in kept] for row in cursor]
        con.close()

    found: dict[str, list[list[object]]] = {}
    runs = folder / "history" / "runs.db"
    read(runs)  # its rows number the runs in their order; each run has a file that is named for it
    for file in sorted(set(folder.rglob("*.db")) - {runs}, key=lambda file: str(plain(file.stem))):
        read(file)
    return found


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two homes that saw the same work: `own` with Dagster's own storage, `open` with ours."""
    folder = tmp_path_factory.mktemp("worked")
    for name, configuration, kind in (
        ("own", FORMER, SqliteEventLogStorage),
        ("open", CONFIGURATION, storage.Events),
    ):
        with home(folder / name, configuration=configuration) as instance:
            assert type(instance.event_log_storage) is kind
            work(instance)
    return folder


def test_the_rows_are_those_of_dagsters_own_storage(worked):
    expected = rows(worked / "own")
    assert rows(worked / "open") == expected
    assert {"no. 0 event_logs", "no. 1 event_logs", "runs runs", "index asset_check_executions"} <= set(expected)
    assert len(expected["index event_logs"]) > 30


def test_either_storage_goes_on_with_what_the_other_wrote(worked, tmp_path):
    """A home made before, `dagster instance migrate`, and one whose owner goes back."""
    made = Path(shutil.copytree(worked / "own", tmp_path / "home"))
    there = ["2026-11-01", "2026-11-02", "2026-11-03"]
    for night, configuration in {"2026-11-11": CONFIGURATION, "2026-11-12": FORMER}.items():
        with home(made, configuration=configuration) as instance:
            if configuration == CONFIGURATION:
                instance.upgrade()
            assert run(instance, night, night)
            there.append(night)
            found = instance.fetch_materializations(dg.AssetKey("second"), limit=9, ascending=True).records
            assert [record.partition_key for record in found] == there
            last = instance.get_run_records(limit=1)[0].dagster_run.run_id
            assert instance.all_logs(last)[-1].dagster_event_type == dg.DagsterEventType.RUN_SUCCESS


AT_ONCE = """
import os, signal, sys, threading, time
import dagster as dg

with dg.DagsterInstance.get() as instance:
    def report(key, to=None):
        for n in range(25):
            instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata={"n": n}))
            os.write(to, b".") if to else None

    def count(key):
        return len(instance.fetch_materializations(dg.AssetKey(key), limit=100).records)

    report("before")
    stop = threading.Event()
    faults = []

    def look():
        while not stop.is_set():
            try:
                count("before")
            except Exception as error:
                faults.append(error)

    reader = threading.Thread(target=look)
    reader.start()
    children = {}
    for key in ("one", "other", "killed"):
        read, write = os.pipe()
        child = os.fork()
        if not child:
            report(key, write)
            os._exit(0)
        os.close(write)
        children[key] = child, read
    victim, told = children["killed"]
    acknowledged = 0
    while acknowledged < 10:
        acknowledged += len(os.read(told, 1))
    os.kill(victim, signal.SIGKILL)
    report("parent")
    ended = {key: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for key, (child, _) in children.items()}
    while more := os.read(told, 100):
        acknowledged += len(more)
    stop.set()
    reader.join()
    assert ended == {"one": 0, "other": 0, "killed": -signal.SIGKILL}, ended
    assert not faults, faults
    for key in ("before", "one", "other", "parent"):
        assert count(key) == 25, (key, count(key))
    assert acknowledged <= count("killed") <= acknowledged + 1, (acknowledged, count("killed"))
os._exit(0)
"""


def test_processes_at_once_threads_forks_and_a_kill_lose_nothing(tmp_path):
    """What a process was told is stored is there, whoever was killed; nothing is there twice, and no file is damaged."""
    made = prepare(tmp_path / "home")
    subprocess.run([sys.executable, "-c", AT_ONCE], env=os.environ | {"DAGSTER_HOME": str(made)}, check=True)
    for file in made.rglob("*.db"):
        con = sqlite3.connect(file)
        assert con.execute("pragma integrity_check").fetchall() == [("ok",)], file
        con.close()


def test_who_watches_a_run_is_told_of_each_event_at_once(tmp_path):
    """As the interface does, in another process and with either storage, while the run's connection stays open."""
    seen: dict[str, list[str]] = {FORMER: [], CONFIGURATION: []}
    told = threading.Condition()
    with home(tmp_path / "home") as writer, ExitStack() as stack:
        run_id = writer.create_run_for_job(JOB).run_id
        for configuration, messages in seen.items():
            watcher = stack.enter_context(home(tmp_path / "home", configuration=configuration))

            def tell(entry, cursor, messages=messages):
                with told:
                    messages.append(entry.message)
                    told.notify()

            watcher.watch_event_logs(run_id, None, tell)
            stack.callback(watcher.end_watch_event_logs, run_id, tell)
        for n in range(3):
            writer.report_engine_event(f"step {n}", job_name="job", run_id=run_id)
            with told:
                assert told.wait_for(lambda n=n: all(f"step {n}" in messages for messages in seen.values()), 20)


def test_the_interface_may_look_at_many_runs(tmp_path, monkeypatch):
    """Each run has a file of its own: those looked at least recently are closed, and opened again; in the end, all."""
    monkeypatch.setattr(storage, "OPEN_FILES", 3)
    runs = [f"run-{n}" for n in range(6)]

    def opened() -> set[str]:
        found = set()
        for descriptor in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):  # that of this look itself
                found.add(descriptor.readlink())
        return {file.stem for file in found if file.suffix == ".db" and tmp_path in file.parents}

    with home(tmp_path / "home") as instance:
        for n in range(2):
            for run_id in runs:
                instance.report_engine_event(f"hello {n}", job_name="job", run_id=run_id)
        assert all(len(instance.all_logs(run_id)) == 2 for run_id in runs)
        assert opened() <= {"runs", "index", *runs[-3:]}
    assert opened() == set()


TAKEN_FOR_GRANTED = {
    SqliteEventLogStorage.__init__: "264c15baa761",
    SqliteEventLogStorage._initdb: "7a302d98eb61",
    SqliteEventLogStorage._connect: "b8435f266568",
    SqliteEventLogStorage.store_event: "f89aed406024",
    SqliteEventLogStorage.has_table: "577d801c70b2",
    SqliteEventLogStorage.wipe: "de02c63676e7",
    SqlEventLogStorage.index_transaction: "00b2488c8cdf",
    SqlEventLogStorage._event_to_row: "93d47fbe7edc",
    SqlEventLogStorage._has_asset_key_col_on_connection: "981049dfa81d",
    SqlEventLogStorage._store_asset_event: "fdb9340b9eef",
    SqlEventLogStorage._store_asset_event_tags: "85d6f17ef04b",
    SqlEventLogStorage.store_asset_check_event: "6d148295fa69",
    SqliteRunStorage.connect: "d343abae6e9b",
    SqliteRunStorage.from_local: "50b4181e1491",
    DagsterSqliteStorage.__init__: "bcf5aa27a5dd",
    EventMethods.handle_new_event: "db900859da5b",
}


@pytest.mark.parametrize("function", TAKEN_FOR_GRANTED, ids=lambda function: function.__qualname__)
def test_dagster_still_does_what_the_storage_takes_for_granted(function):
    """Another Dagster: compare the function with `pipelines/storage.py`, run the tests above, then set the new digest."""
    digest = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]
    assert digest == TAKEN_FOR_GRANTED[function], f"Dagster {dg.__version__} has another {function.__qualname__}"
