"""The night as a job: every asset up to publication, for one date or a range."""

import datetime as dt
import zoneinfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from data_contracts.bank import Bank

NIGHTLY = "nightly"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def nightly_job() -> UnresolvedAssetJobDefinition:
    """Everything that a business date needs, published as one transaction."""
    return dg.define_asset_job(
        NIGHTLY,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        config=QUIET,
        description="One business date: deliveries, conformed tables, features, products, publication.",
    )


def nightly_schedule(bank: Bank) -> dg.ScheduleDefinition:
    """02:30 in the bank's time zone, for the day before."""

    @dg.schedule(
        name="nightly_0230",
        job_name=NIGHTLY,
        cron_schedule="30 2 * * *",
        execution_timezone=bank.time_zone,
        description="Starts the night of yesterday.",
    )
    def nightly_0230(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        local = context.scheduled_execution_time.astimezone(zoneinfo.ZoneInfo(bank.time_zone))
        yesterday = (local - dt.timedelta(days=1)).date().isoformat()
        return dg.RunRequest(run_key=yesterday, partition_key=yesterday)

    return nightly_0230
