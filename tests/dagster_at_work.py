"""Runs of a bank's own job in this process, started and re-executed as Dagster's interface does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import dagster as dg
from banks_at_work import Hands
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import create_execution_plan, execute_run
from dagster._core.execution.plan.state import KnownExecutionState

from liangcang import archive
from pipelines import settings
from pipelines.definitions import build
from pipelines.instance import prepare
from pipelines.jobs import NIGHTLY, QUIET

RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def step_of(table: str) -> str:
    return table.replace(".", "__")


@dataclass
class Ended:
    """How a run ended."""

    run_id: str
    success: bool
    planned: tuple[str, ...]
    executed: frozenset[str]
    failure: dict[str, str]
    attempts: int


@dataclass
class Dagster:
    """A bank's definitions and its instance; every run is narrowed to `tables`. Used as `with Dagster(...) as dagster`."""

    hands: Hands
    tables: Sequence[str]
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        os.environ["LIANGCANG_KEY_FILE"] = str(self.hands.key)
        os.environ.pop("DAGSTER_HOME", None)
        given = settings.read(
            bank=self.hands.bank, warehouse=str(self.hands.warehouse), landing=str(self.hands.landing)
        )
        given.export()
        prepare(given.dagster_home)
        self.whole = build(given).resolve_job_def(NIGHTLY)
        self.instance = dg.DagsterInstance.get()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.instance.dispose()

    def start(self, first: str, last: str | None = None) -> Ended:
        """A run over one date or a range, without a parent."""
        self.tags = {"dagster/partition": first} if last is None else dict(zip(RANGE, (first, last), strict=True))
        return self._run(self.tables)

    def known(self, run_id: str, *, day: str) -> Ended:
        """A whole night of a date that another process ran, and that failed."""
        self.tags = {"dagster/partition": day}
        return Ended(run_id, False, tuple(self.tables), frozenset(), {}, 0)

    def from_failure(self, parent: Ended) -> Ended:
        """The steps that failed, and those that were left out for them."""
        run = self.instance.get_run_by_id(parent.run_id)
        steps, known = KnownExecutionState.build_resume_retry_reexecution(self.instance, run)
        return self._run(parent.planned, parent=parent, steps=steps, known=known)

    def from_asset_failure(self, parent: Ended) -> Ended:
        """A new plan: the assets that the parent was to make and did not."""
        return self._run([table for table in parent.planned if step_of(table) not in parent.executed], parent=parent)

    def steps(self, parent: Ended, *tables: str) -> Ended:
        """These steps of the parent's plan alone."""
        return self._run(parent.planned, parent=parent, steps=[step_of(table) for table in tables])

    def all(self, parent: Ended) -> Ended:
        """The parent's whole plan again."""
        return self._run(parent.planned, parent=parent)

    def _run(
        self,
        tables: Sequence[str],
        *,
        parent: Ended | None = None,
        steps: Sequence[str] | None = None,
        known: KnownExecutionState | None = None,
    ) -> Ended:
        keys = frozenset(dg.AssetKey(table.split(".")) for table in tables)
        job = self.whole.get_subset(asset_selection=keys)
        before = self.instance.get_run_by_id(parent.run_id) if parent else None
        plan = create_execution_plan(job, QUIET, step_keys_to_execute=steps, known_state=known, tags=self.tags)
        run = self.instance.create_run_for_job(
            job,
            execution_plan=plan,
            run_config=QUIET,
            tags=self.tags,
            parent_run_id=before.run_id if before else None,
            root_run_id=(before.root_run_id or before.run_id) if before else None,
            asset_selection=keys,
        )
        success = execute_run(InMemoryJob(job), run, self.instance).success
        events = [entry.dagster_event for entry in self.instance.all_logs(run.run_id) if entry.is_dagster_event]
        failed = next((event for event in events if event.is_step_failure), None)
        told = failed.step_failure_data.user_failure_data if failed else None
        return Ended(
            run_id=run.run_id,
            success=success,
            planned=tuple(tables),
            executed=frozenset(event.step_key for event in events if event.is_step_success),
            failure={name: str(value.value) for name, value in told.metadata.items()} if told else {},
            attempts=sum(event.event_type_value in ("STEP_START", "STEP_RESTARTED") for event in events),
        )


def manifests(hands: Hands) -> int:
    """How many manifests were published: a night that is killed before its commit leaves one that never was."""
    place = hands.open.place
    there, now, count = set(archive.ids(place)), archive.current(place), 1
    while now.parent in there:
        now, count = archive.load(place, now.parent), count + 1
    return count
