"""The night as a job: every asset up to publication, for one date or a range."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

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
