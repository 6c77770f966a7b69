"""The night room: what one asset reads, stages and audits for the business dates of its run.

Only this module knows both Dagster and the warehouse. A run whose planned selection contains `publication` is one
transaction: everything it made becomes visible together, or not at all. Any other run commits table by table, each
asset when it is done. The transaction belongs to the nearest ancestor run that executed the whole plan, so a
re-execution from failure finds what its parent staged, and «re-execute all» begins anew. Steps of a night that is
published already commit table by table.
"""

import datetime as dt
import gc
import logging
import os
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.snap.execution_plan_snapshot import ExecutionPlanSnapshot
from pydantic import PrivateAttr

from data_contracts.bank import Bank, read_bank
from liangcang import checkpoints
from liangcang.engine import ROW_GROUP_ROWS, Engine
from liangcang.errors import LiangcangError
from liangcang.faults import keep
from liangcang.place import Place
from liangcang.showing import for_log
from liangcang.store import View, Warehouse
from liangcang.table import Entry, Table
from liangcang.transaction import Transaction

LOG = logging.getLogger("liangcang.night")
PUBLICATION = dg.AssetKey("publication")
Outcome = dg.MaterializeResult[Any] | dg.AssetCheckResult
ONE_THREAD_BELOW = 1_000_000_000
"""Bytes of deliveries and tables below which a second thread takes a sixth more CPU seconds and ends no sooner."""


def partitions(bank: Bank) -> dg.DailyPartitionsDefinition:
    """One calendar date a night, in the bank's time zone; shared by all assets so that ranges run as one."""
    return dg.DailyPartitionsDefinition(start_date=bank.start_date.isoformat(), timezone=bank.time_zone)


def asset_key(table: str) -> dg.AssetKey:
    """`layer.table` as Dagster's key."""
    return dg.AssetKey(table.split("."))


def daily(
    bank: Bank,
    table: Table,
    *,
    group: str,
    deps: Sequence[str] = (),
    owner: str = "",
    description: str = "",
    metadata: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The arguments of `@dg.asset` that every table of the night shares, its contract check included."""
    key = asset_key(table.name)
    schema = dg.TableSchema(
        columns=[
            dg.TableColumn(name=column, type=kind, description=for_log(table.comments.get(column, "")))
            for column, kind in table.columns.items()
        ]
    )
    return {
        "key": key,
        "deps": [asset_key(name) for name in deps],
        "group_name": group,
        "partitions_def": partitions(bank),
        "backfill_policy": dg.BackfillPolicy.single_run(),
        "check_specs": [dg.AssetCheckSpec(name="contract", asset=key, description="What the table promises held.")],
        "kinds": {"duckdb", "parquet"},
        "tags": {"layer": table.layer, "public": "yes" if table.public else "no"},
        "description": description or table.title,
        "metadata": {
            "dagster/column_schema": schema,
            "dagster/table_name": table.name,
            **({"owner": owner} if owner else {}),
            **(metadata or {}),
        },
    }


def planned_keys(context: dg.AssetExecutionContext) -> set[dg.AssetKey]:
    """The assets that the whole run was asked for, whichever way it was started.

    The job's name, run tags and `run.asset_selection` each differ between ways of starting; this alone does not.
    """
    return set(context.job_def.asset_layer.selected_asset_keys)


def transaction_run(context: dg.AssetExecutionContext) -> str:
    """The id of the nearest ancestor run that executed the whole plan: the owner of the transaction.

    The whole plan is that of the run with which it began: «from failure» leaves steps out, «from asset failure» is a new
    plan of the assets that are lacking, and what is whole there would publish half a night.
    """
    run, instance = context.run, context.instance
    root = instance.get_run_by_id(run.root_run_id) if run.root_run_id else run
    whole = {step.key for step in _plan(instance, root).steps}
    while run.run_id != run.root_run_id and run.parent_run_id and not whole <= _executed(instance, run):
        run = _existing(instance.get_run_by_id(run.parent_run_id))
    return run.run_id


def _executed(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    return set(_plan(instance, run).step_keys_to_execute)


def _plan(instance: dg.DagsterInstance, run: dg.DagsterRun | None) -> ExecutionPlanSnapshot:
    """What a run was to do, as Dagster's interface shows it."""
    return instance.get_execution_plan_snapshot(str(_existing(run).execution_plan_snapshot_id))


def _existing(run: dg.DagsterRun | None) -> dg.DagsterRun:
    if run is None:
        raise dg.Failure("a run that this one continues was deleted: start the night anew", allow_retries=False)
    return run


PROCESS = "liangcang/process"


def process_tag(run_id: str) -> dict[str, str]:
    """The run tag that says who carries the run: host, process id and its start in clock ticks, for ids are used again.

    A re-execution inherits its parent's tags, so the run is named too.
    """
    return {PROCESS: f"{run_id} {os.uname().nodename} {os.getpid()} {_started(os.getpid())}"}


def _started(pid: int) -> str:
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "gone"
    return "gone" if state in "ZX" else fields[18]


def run_is_alive(run: dg.DagsterRun) -> bool:
    """Whether the process that carries a run still exists. Of another host, or of nobody yet, nothing can be said."""
    run_id, host, pid, started = (run.tags.get(PROCESS, "").split(" ") + [""] * 4)[:4]
    if run_id != run.run_id or host != os.uname().nodename:
        return True
    return _started(int(pid)) == started


class Step:
    """One asset in one run: the dates it was asked for, what it may read and where its rows go."""

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        *,
        bank: Bank,
        landing: Path,
        transaction: Transaction,
        place: Place,
        threads: int,
    ) -> None:
        self.context, self.bank, self.landing, self.place = context, bank, landing, place
        self.transaction, self.threads = transaction, threads
        self.name = context.asset_key.to_user_string().replace("/", ".")
        self.days = tuple(dt.date.fromisoformat(key) for key in context.partition_keys)
        self.staged: dict[tuple[str, dt.date], Entry] = {}
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """The sealed connection of this step; opened when first needed."""
        if self._engine is None:
            self._engine = Engine(
                read=[self.place.data, self.place.states, self.transaction.folder],
                write=self.transaction.folder,
                spill=self.place.spill,
                threads=self.threads,
                time_zone=self.bank.time_zone,
                faults=self.place.faults,
            )
        return self._engine

    def close(self) -> None:
        if self._engine is not None:
            self._engine.close()

    def view(self) -> View:
        """What this run reads: the base manifest and what the run staged so far."""
        return self.transaction.candidate()

    def write(
        self,
        table: Table,
        day: dt.date,
        sql: str,
        *,
        optional: frozenset[str] = frozenset(),
        inputs: Mapping[str, str] | None = None,
        note: Mapping[str, object] | None = None,
        repeated: bool = False,
    ) -> Entry:
        """Run a SELECT into the table's entry of `day` and stage it. The arguments are those of `Engine.write`."""
        path = self.transaction.path(f"{table.name}-{day.isoformat()}.parquet")
        what = f"{table.name} {day.isoformat()}"
        written = self.engine.write(sql, table, path, optional=optional, what=what, repeated=repeated)
        entry = Entry(sha256="", rows=written.rows, bytes=0, inputs=inputs or {}, note=note or {})
        staged = self.transaction.stage_many(table, [(path, {day: entry}), *self._without(table, day)])
        self.staged[table.name, day] = staged[day]
        self._keep_state(table)
        return staged[day]

    def _keep_state(self, table: Table) -> None:
        if table.kind == "state":
            checkpoints.keep(self.engine, self.view(), table, self.transaction.path(f"{table.name}.checkpoint"))

    def _without(self, table: Table, day: dt.date) -> list[tuple[Path, dict[dt.date, Entry]]]:
        """Where a date shares its file with others, theirs without it: the date gets a file of its own."""
        version = self.view().version(table.name)
        shared = version.entries.get(day) if version else None
        if version is None or shared is None or shared.at is None:
            return []
        whole = self.place.root / shared.path(table.name, day)
        others = {
            at: entry
            for at, entry in version.entries.items()
            if at != day and (entry.at, entry.sha256) == (shared.at, shared.sha256)
        }
        if not others:
            return []
        self.engine.view("base.shared", [whole], table.columns)
        self.engine.rows(
            f"create or replace temp table shared as select * from base.shared where business_date <> date '{day}'"
        )
        span = min(others), max(others)
        path = self.transaction.path(f"{table.name}-{span[0]}.parquet")
        self.engine.write_spans("shared", table, {span: path}, what=table.name)
        return [(path, others)]

    def write_dates(
        self,
        table: Table,
        relation: str,
        *,
        note: Mapping[str, object],
        nights: Collection[dt.date] = (),
        inputs: Mapping[str, str] | None = None,
    ) -> None:
        """File the rows of a relation under their `business_date`: an entry a date, a file for whole months.

        All that was filed so before is replaced: its dates have an entry too, if need be without rows. So no date
        keeps a file of which another has moved out. The run makes `nights` by themselves afterwards: they are left out
        where nothing needs them before.
        """
        before = self.view().entries(table.name)
        counts = {day: 0 for day, entry in before.items() if entry.note.get("kind") == note["kind"]}
        counts |= dict(self.engine.rows(f"select business_date, count(*) from {relation} group by all"))
        if nights and _told_by_none(table, nights, [*before, *counts]):
            listed = ", ".join(f"date '{day}'" for day in nights)
            relation = f"(select * from {relation} where business_date not in ({listed}))"
            counts = {day: rows for day, rows in counts.items() if day not in nights}
        files = list(whole_months(counts))
        paths = {(days[0], days[-1]): self.transaction.path(f"{table.name}-{days[0]}.parquet") for days in files}
        written = self.engine.write_spans(relation, table, paths)
        parts = [
            (
                written[days[0], days[-1]].path,
                {day: Entry(sha256="", rows=counts[day], bytes=0, inputs=inputs or {}, note=note) for day in days},
            )
            for days in files
        ]
        for day, entry in self.transaction.stage_many(table, parts).items():
            self.staged[table.name, day] = entry
        self._keep_state(table)

    def say(self, day: dt.date, text: str) -> None:
        """One line of progress: to the run's log, and to whoever watches the command line."""
        LOG.info("%s %s %s", self.name, day.isoformat(), for_log(text), extra={"asset": self.name, "day": day})

    def rows(self) -> Mapping[dt.date, int]:
        """Rows of the asset's own table by date, as staged in this step."""
        return {day: entry.rows for (table, day), entry in self.staged.items() if table == self.name}


def _told_by_none(table: Table, nights: Collection[dt.date], dates: Collection[dt.date]) -> bool:
    """Whether nights can be made after a history: not where the changes of a later date are told against their state."""
    return table.kind != "state" or not any(day > min(nights) and day not in nights for day in dates)


def whole_months(counts: Mapping[dt.date, int]) -> Iterator[list[dt.date]]:
    """The dates that share a file: of one month, and of the next ones as long as all their rows fit into one row group."""
    days: list[dt.date] = []
    rows = 0
    for _, of_month in groupby(sorted(counts), key=lambda day: (day.year, day.month)):
        month = list(of_month)
        more = sum(counts[day] for day in month)
        if days and rows + more > ROW_GROUP_ROWS:
            yield days
            days, rows = [], 0
        days, rows = [*days, *month], rows + more
    if days:
        yield days


class WarehouseResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The warehouse, the bank and its landing folder: opened once a run."""

    bank: str
    warehouse: str
    landing: str
    _transaction: Transaction | None = PrivateAttr(default=None)
    _stack: ExitStack | None = PrivateAttr(default=None)
    _opened: tuple[Bank, Warehouse] | None = PrivateAttr(default=None)
    _threads: int = PrivateAttr(default=1)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["WarehouseResource"]:  # noqa: ARG002
        with seldom_collected(), ExitStack() as stack:
            self._stack, self._opened, self._transaction = stack, None, None
            yield self
            self._stack = None

    @contextmanager
    def step(self, context: dg.AssetExecutionContext) -> Iterator[Step]:
        """Open the run's transaction (once) and give the asset its step; commit it where the run is not atomic."""
        with reported(self._faults):
            if self._opened is None:
                self._open(context)
            assert self._opened is not None and self._transaction is not None  # noqa: S101, PT018
            bank, warehouse = self._opened
            step = Step(
                context,
                bank=bank,
                landing=Path(self.landing),
                transaction=self._transaction,
                place=warehouse.place,
                threads=self._threads,
            )
            try:
                yield step
            except BaseException as error:
                self._transaction.failed(error)  # what a failed asset staged is nobody else's to publish
                raise
            finally:
                step.close()
            if not self._transaction.atomic and context.asset_key != PUBLICATION:
                self._transaction.commit()

    def _faults(self) -> Path | None:
        return self._opened[1].place.faults if self._opened else None

    def _open(self, context: dg.AssetExecutionContext) -> None:
        bank = read_bank(self.bank)
        warehouse = Warehouse.open(Path(self.warehouse), bank=bank.code)
        if self._stack is None:
            raise dg.Failure("the warehouse is opened by a run, not by hand", allow_retries=False)
        context.instance.add_run_tags(context.run.run_id, process_tag(context.run.run_id))
        days = [dt.date.fromisoformat(key) for key in context.partition_keys]
        atomic = PUBLICATION in planned_keys(context)
        if atomic:
            self._stack.enter_context(warehouse.place.night(days, what=f"run {context.run.run_id[:8]}"))
        owner = transaction_run(context)
        transaction = warehouse.transaction(owner, atomic=atomic, resume=owner != context.run.run_id)
        if transaction.atomic and transaction.published:
            transaction.commit()  # is done, and says so; what a killed process left of it goes
            transaction.close()
            transaction = warehouse.transaction(context.run.run_id, atomic=False)
        self._transaction = transaction
        self._stack.callback(self._transaction.close)
        self._threads = 2 if _larger([Path(self.landing), warehouse.place.data], ONE_THREAD_BELOW) else 1
        self._opened = bank, warehouse


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Look for cycles of objects every hundred thousand new ones inside the block.

    Python looks every seven hundred, and among the million objects of the libraries of a night that is a twentieth of it.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _larger(folders: Sequence[Path], size: int) -> bool:
    """Whether the files below some folders come to more than so many bytes; looks no further than it must."""
    seen = 0
    for folder in folders:
        for below, _, names in os.walk(folder):
            for name in names:
                with suppress(FileNotFoundError):  # landing belongs to others, who come and go
                    seen += Path(below, name).lstat().st_size
            if seen > size:
                return True
    return False


@contextmanager
def reported(faults: Callable[[], Path | None]) -> Iterator[None]:
    """Turn errors into Dagster failures that are not retried: a data fault does not mend itself.

    An error of ours says what to do and holds no value of a row. Any other may hold one, and Dagster would keep its
    text: that goes to a 0600 file, and the failure only names it. The failure is raised outside the `except`, so that
    the library's exception is neither its cause nor its context.
    """
    try:
        yield
    except (dg.Failure, GeneratorExit):
        raise
    except LiangcangError as error:
        failure = failed(error)
    except Exception as error:  # noqa: BLE001  (whatever a library raises)
        file = keep("".join(traceback.format_exception(error)), faults())
        failure = failed(
            LiangcangError(
                f"an unexpected {type(error).__name__}",
                file=file,
                kept="what was published stays published",
                next="the file holds the error's own words; it may name values, so treat it as the data itself",
            )
        )
    else:
        return
    raise failure from None


def failed(error: LiangcangError) -> dg.Failure:
    """The failure that carries an error's parts to the command line and the interface."""
    return dg.Failure(
        for_log(error.what),
        metadata={"exit_code": error.exit_code, "what": error.what, **dict(error.details)},
        allow_retries=False,
    )


def outcome(
    step: Step,
    *,
    metadata: Mapping[str, Any] | None = None,
    passed: bool = True,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
) -> Iterator[Outcome]:
    """The asset's check and materialisation, with the rows of each date."""
    rows = step.rows()
    for day, count in rows.items():
        if day in step.days:
            step.context.add_asset_metadata({"dagster/partition_row_count": count}, partition_key=day.isoformat())
    filed = len(rows) - sum(day in step.days for day in rows)
    extra: dict[str, Any] = {"other dates written": filed} if filed else {}
    yield dg.AssetCheckResult(check_name="contract", passed=passed, severity=severity, metadata=dict(metadata or {}))
    yield dg.MaterializeResult(metadata={**extra, **(metadata or {})})


AssetBuilder = Callable[[Bank], Sequence[dg.AssetsDefinition]]
