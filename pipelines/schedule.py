"""The schedule: for a bank that would have its landing folder looked at twice a night rather than once a minute.

At 02:30 it asks for yesterday's night when every `must` delivery is there, at the cut-off whatever is there. Off unless
somebody switches it on; beside the sensor it asks for nothing that was asked for.
"""

from __future__ import annotations

import dagster as dg

from assets.sources.landing import find
from data_contracts.bank import Bank
from liangcang.store import Warehouse
from pipelines.arrivals import arrived, cut_off, nothing, waits_for, yesterday
from pipelines.dead_runs import CARRIED, report_dead_runs
from pipelines.jobs import NIGHTLY
from pipelines.sensor import unpublished
from pipelines.settings import Settings

NIGHTLY_0230 = "nightly_0230"


def nightly_0230(bank: Bank, given: Settings) -> dg.ScheduleDefinition:
    """The schedule of one bank, by its own clock."""

    @dg.schedule(
        name=NIGHTLY_0230,
        job_name=NIGHTLY,
        cron_schedule=["30 2 * * *", f"{bank.cut_off.minute} {bank.cut_off.hour} * * *"],
        execution_timezone=bank.time_zone,
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Asks for yesterday's night at 02:30 if it is complete, and at the cut-off."""
        report_dead_runs(context.instance, given.warehouse)
        at = context.scheduled_execution_time
        day = yesterday(bank, at)
        came = arrived(bank, find(given.landing, bank.feeds.values())).get(day) or nothing(bank)
        if not unpublished(Warehouse.open(given.warehouse, bank=bank.code).current, {day: came}):
            return dg.SkipReason(f"the night of {day} is published")
        if (run := _running(context.instance, str(day))) is not None:
            return dg.SkipReason(f"the night of {day} was asked for: run {run}")
        if not came.complete and at < cut_off(bank, day):
            return dg.SkipReason(f"the night of {day} waits for {waits_for(came)}, until {cut_off(bank, day):%H:%M}")
        return dg.RunRequest(run_key=f"{day}:{came.digest}", partition_key=str(day))

    return schedule


def _running(instance: dg.DagsterInstance, day: str) -> str | None:
    """The run that makes the night of a date now, or is about to."""
    waiting = [*CARRIED, dg.DagsterRunStatus.QUEUED]
    found = instance.get_runs(
        dg.RunsFilter(job_name=NIGHTLY, statuses=waiting, tags={"dagster/partition": day}), limit=1
    )
    return found[0].run_id if found else None
