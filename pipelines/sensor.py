"""The arrival sensor: it alone asks Dagster for nights.

It looks back over `LOOK_BACK` days up to yesterday by the bank's clock, so that a landing folder full of old dates starts
nothing. A date that is not published is asked for when its night is to start; one that is published, when something came
for it that no night has looked at. It asks once for each state of a date's deliveries: its cursor remembers what it saw
and asked for; Dagster starts a run key once; and what is published, with the ledger of deliveries, says the same if both
are lost.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from assets.sources import ledger
from assets.sources.landing import find
from data_contracts.bank import Bank
from liangcang.store import View, Warehouse
from pipelines.arrivals import LOOK_SECONDS, Arrived, Clock, arrived, cut_off, nothing, now, waits_for, yesterday
from pipelines.dead_runs import report_dead_runs
from pipelines.jobs import NIGHTLY
from pipelines.settings import Settings

ARRIVALS = "arrivals"
LOOK_BACK = 35
"""Days. For older dates a person says `liangcang nightly DATE`."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the cursor remembers of a date: the deliveries' digest at the last look, and that of the last request."""

    looked: str = ""
    asked: str = ""


def arrivals(bank: Bank, given: Settings, *, clock: Clock = now) -> dg.SensorDefinition:
    """The sensor of one bank."""

    @dg.sensor(name=ARRIVALS, job_name=NIGHTLY, minimum_interval_seconds=LOOK_SECONDS)
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        """Asks for the night of a date when it is to start, and again for what came later; looks once a minute."""
        report_dead_runs(context.instance, given.warehouse)
        view = Warehouse.open(given.warehouse, bank=bank.code).current
        at, seen = clock(), _remembered(context.cursor)
        due = yesterday(bank, at)
        came = _dates(bank, view, arrived(bank, find(given.landing, bank.feeds.values())), due)
        new = unpublished(view, came)
        wanted = {day: one for day, one in new.items() if _starts(bank, day, one, seen.get(day, Seen()), at)}
        asked = {day: one.digest for day, one in wanted.items()}
        after = {str(day): [one.digest, asked.get(day, seen.get(day, Seen()).asked)] for day, one in came.items()}
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{day}:{digest}", partition_key=str(day)) for day, digest in asked.items()
            ],
            skip_reason=None if asked else _why_not(bank, due, new, seen),
            cursor=json.dumps(after),
        )

    return sensor


def _remembered(cursor: str | None) -> dict[dt.date, Seen]:
    """What the cursor says; one that is lost, or written by another version, says nothing."""
    try:
        said = json.loads(cursor or "{}")
        return {dt.date.fromisoformat(day): Seen(looked=looked, asked=asked) for day, (looked, asked) in said.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _dates(bank: Bank, view: View, came: Mapping[dt.date, Arrived], due: dt.date) -> dict[dt.date, Arrived]:
    """The dates to look at. Where the night before yesterday's was run, yesterday is one, though nothing has come."""
    first = max(bank.start_date, due - dt.timedelta(days=LOOK_BACK - 1))
    dates = {day: one for day, one in came.items() if first <= day <= due}
    if due not in dates and view.night(due - dt.timedelta(days=1)) is not None:
        dates[due] = nothing(bank)
    return dates


def unpublished(view: View, came: Mapping[dt.date, Arrived]) -> dict[dt.date, Arrived]:
    """Of the dates those that are not published, and those for which came what no night has looked at."""
    known = ledger.looked_at(view.place)
    return {
        day: one
        for day, one in came.items()
        if view.night(day) is None or not all(ledger.knows(known, delivery) for delivery in one.newest)
    }


def _starts(bank: Bank, day: dt.date, came: Arrived, seen: Seen, at: dt.datetime) -> bool:
    """Whether the night of a date is to be asked for: once for each state of its deliveries."""
    late = at >= cut_off(bank, day)
    if came.digest == seen.asked:
        return False
    steady = came.digest == seen.looked
    return (late and not seen.asked) or (steady and (came.complete or (late and not came.missing)))


def _why_not(bank: Bank, due: dt.date, new: Mapping[dt.date, Arrived], seen: Mapping[dt.date, Seen]) -> str:
    """What the interface shows of a look that asked for nothing."""
    if due not in new:
        return f"nothing has come for {due} that is not published"
    if new[due].digest == seen.get(due, Seen()).asked:
        return f"the night of {due} was asked for"
    return f"the night of {due} waits for {waits_for(new[due])}, until {cut_off(bank, due):%Y-%m-%d %H:%M}"
