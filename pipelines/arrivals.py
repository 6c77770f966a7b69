"""What has come for a business date, and when its night starts.

The night of D starts when every `must` delivery of D is there and has not changed for a minute, or at the bank's cut-off
on the day after, whatever is there. A bank without `must` feeds waits for the cut-off. Whoever waits (`liangcang nightly
--wait`, the sensor) reads names, sizes and times of change; the night reads the files.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import time
import zoneinfo
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from assets.sources.landing import Delivery, find
from data_contracts.bank import Bank
from liangcang.errors import NotMountedError

LOOK_SECONDS = 60
"""How often landing is looked at."""

Clock = Callable[[], dt.datetime]


def now() -> dt.datetime:
    """The clock of this machine."""
    return dt.datetime.now(dt.UTC)


def yesterday(bank: Bank, at: dt.datetime) -> dt.date:
    """The business date whose night is due: the day before, in the bank's time zone."""
    return (at.astimezone(zoneinfo.ZoneInfo(bank.time_zone)) - dt.timedelta(days=1)).date()


def cut_off(bank: Bank, day: dt.date) -> dt.datetime:
    """The moment at which the night of a date starts though a delivery is missing."""
    return bank.cut_off_of(day)


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What has come for one date. `digest` is over names, sizes and times of change; `missing` are `must` feeds.

    `complete`: the bank has `must` feeds, and each has come.
    """

    deliveries: tuple[Delivery, ...]
    digest: str
    missing: tuple[str, ...]
    complete: bool

    @property
    def newest(self) -> tuple[Delivery, ...]:
        """Of each feed what counts: the highest sequence."""
        highest: dict[str, int] = {}
        for item in self.deliveries:
            highest[item.feed] = max(item.sequence, highest.get(item.feed, 0))
        return tuple(item for item in self.deliveries if item.sequence == highest[item.feed])


def arrived(bank: Bank, deliveries: Iterable[Delivery]) -> dict[dt.date, Arrived]:
    """The dates for which a daily delivery has come, in order. Only what `find` calls a delivery counts."""
    by_day: defaultdict[dt.date, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.kind == "daily" and delivery.business_date is not None:
            by_day[delivery.business_date].append(delivery)
    return {day: _arrived(bank, came) for day, came in sorted(by_day.items())}


def nothing(bank: Bank) -> Arrived:
    """A date for which nothing has come."""
    return _arrived(bank, ())


def _arrived(bank: Bank, deliveries: Iterable[Delivery]) -> Arrived:
    came = tuple(deliveries)
    lines = sorted(f"{item.name}\t{item.size}\t{item.mtime_ns}" for item in came)
    must = [feed for feed, contract in sorted(bank.feeds.items()) if contract.absent == "must"]
    missing = tuple(feed for feed in must if feed not in {item.feed for item in came})
    return Arrived(
        deliveries=came,
        digest=hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12],
        missing=missing,
        complete=bool(must) and not missing,
    )


def wait(
    bank: Bank,
    landing: Path,
    day: dt.date,
    *,
    say: Callable[[str], None],
    clock: Clock = now,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Return when the night of a date is to start; say what it waits for, whenever that changes."""
    until = cut_off(bank, day)
    before, told = "", ""
    while (at := clock()) < until:
        came, what = _look(bank, landing, day)
        if came.complete and came.digest == before:
            say(f"every must delivery of {day} is there")
            return
        if what != told:
            say(f"the night of {day} waits for {what}, until {until:%Y-%m-%d %H:%M}")
        before, told = came.digest, what
        pause(min(LOOK_SECONDS, (until - at).total_seconds()))
    came, what = _look(bank, landing, day)
    say(f"the cut-off of {day} has passed" + ("" if came.complete else f"; not there: {what}"))


def _look(bank: Bank, landing: Path, day: dt.date) -> tuple[Arrived, str]:
    """What is there now, and in words what is not."""
    try:
        came = arrived(bank, find(landing, bank.feeds.values())).get(day) or nothing(bank)
    except NotMountedError:
        return nothing(bank), f"the landing folder {landing}"
    return came, waits_for(came)


def waits_for(came: Arrived) -> str:
    """In words what a night waits for, when it is not yet to start."""
    if came.missing:
        return ", ".join(came.missing)
    return "what came to stay as it is" if came.complete else "the cut-off, for this bank has no must feed"
