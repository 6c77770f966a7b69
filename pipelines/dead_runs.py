"""Runs whose process died: Dagster would call them started for ever, and start no other while it does."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from assets.night import PUBLICATION, run_is_alive
from liangcang.errors import WarehouseError
from liangcang.store import Warehouse

CARRIED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
"""A queued run has no process that could die: the daemon starts it when it lives."""


def report_dead_runs(instance: dg.DagsterInstance, warehouse: Path) -> list[str]:
    """Say of each run whose process is gone, in its own history, that it failed and what it left; return their ids.

    Called whenever a night begins, the interface starts, or the sensor looks. Never of a run on another host, nor of one
    that has not said yet who carries it: of those that do not start, Dagster's daemon says so after three minutes.
    """
    gone = [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=CARRIED)) if not run_is_alive(run)]
    dead = (
        instance.get_runs(dg.RunsFilter(run_ids=gone, statuses=CARRIED)) if gone else []
    )  # the others just ended well
    for run in dead:
        instance.report_run_failed(run, f"its process is gone; {_left(instance, run, warehouse)}")
    return [run.run_id for run in dead]


def _left(instance: dg.DagsterInstance, run: dg.DagsterRun, warehouse: Path) -> str:
    """What of a dead run is published: readers see all of it or nothing."""
    try:
        published = Warehouse.open(warehouse).current.manifest.published
    except WarehouseError:
        return "the warehouse cannot be read"
    at: dg.DagsterRun | None = run
    while at is not None:
        if at.run_id in published:
            return f"it was published before, as {published[at.run_id]}"
        at = instance.get_run_by_id(at.parent_run_id) if at.parent_run_id else None
    if run.asset_selection and PUBLICATION not in run.asset_selection:  # a whole night has none, or an empty one
        return "the tables that it had finished are published"
    return "nothing of it was published"
