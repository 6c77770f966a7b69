"""The arrival sensor: asks for the night of D when every delivery that D must have is there."""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable

import dagster as dg

from assets.night import partitions
from assets.sources.landing import Delivery, find
from data_contracts.bank import Bank
from pipelines.jobs import NIGHTLY
from pipelines.settings import Settings


def complete(bank: Bank, deliveries: Iterable[Delivery]) -> dict[dt.date, str]:
    """The dates for which every `must` feed has a delivery, each with a digest of all that came for it.

    The digest is over names, sizes and times of change: files are read by the night, not by the sensor.
    """
    by_day: defaultdict[dt.date, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.business_date is not None:
            by_day[delivery.business_date].append(delivery)
    must = {contract.feed for contract in bank.feeds.values() if contract.absent == "must"}
    return {
        day: _digest(came)
        for day, came in sorted(by_day.items())
        if day >= bank.start_date and must <= {delivery.feed for delivery in came}
    }


def _digest(deliveries: Iterable[Delivery]) -> str:
    lines = sorted(f"{item.name}\t{item.size}\t{item.mtime_ns}" for item in deliveries)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def arrivals(bank: Bank, given: Settings) -> dg.SensorDefinition:
    """The sensor of one bank. A corrected delivery of an old date makes it ask for that date again."""

    @dg.sensor(name="arrivals", job_name=NIGHTLY, minimum_interval_seconds=60)
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Looks at landing once a minute."""
        found = find(given.landing, bank.feeds.values())
        ready = complete(bank, found)
        known = set(partitions(bank).get_partition_keys())
        seen = dict(line.split(" ") for line in (context.cursor or "").splitlines())
        wanted = {
            day.isoformat(): digest
            for day, digest in ready.items()
            if day.isoformat() in known and seen.get(day.isoformat()) != digest
        }
        if not wanted:
            return dg.SkipReason("no business date is newly complete")
        seen.update(wanted)
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{day}:{digest}", partition_key=day) for day, digest in sorted(wanted.items())
            ],
            cursor="\n".join(f"{day} {digest}" for day, digest in sorted(seen.items())[-400:]),
        )

    return sensor
