"""The code location: one bank, its assets, its nightly job, and what asks for nights: a sensor, or a schedule."""

import os

import dagster as dg

from assets import building
from assets.night import WarehouseResource
from data_contracts.bank import read_bank
from pipelines import settings
from pipelines.arrivals import Clock, now
from pipelines.jobs import NIGHTLY, nightly_job
from pipelines.schedule import nightly_0230
from pipelines.sensor import arrivals


def build(given: settings.Settings, *, clock: Clock = now) -> dg.Definitions:
    """Definitions of one bank. Fails, naming file and line, when a contract or catalogue entry is wrong."""
    bank = read_bank(given.bank)
    return dg.Definitions(
        assets=building.assets(bank),
        jobs=[nightly_job()],
        schedules=[nightly_0230(bank, given)],
        sensors=[arrivals(bank, given, clock=clock)],
        resources={
            "warehouse": WarehouseResource(bank=given.bank, warehouse=str(given.warehouse), landing=str(given.landing))
        },
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Read from the environment: LIANGCANG_BANK, LIANGCANG_WAREHOUSE, LIANGCANG_LANDING."""
    os.umask(0o077)
    return build(settings.read())


__all__ = ["NIGHTLY", "build", "defs"]
