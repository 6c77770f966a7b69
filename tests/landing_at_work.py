"""A landing folder into which files arrive, and a clock that a test moves."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

MUST = ("accounts", "loans", "transactions")
SHANGHAI = zoneinfo.ZoneInfo("Asia/Shanghai")


def at(day: dt.date, hours: float) -> dt.datetime:
    """So many hours after a date began, in Shanghai; said in UTC, as the machine's clock says it."""
    begins = dt.datetime.combine(day, dt.time(), SHANGHAI)
    return (begins + dt.timedelta(hours=hours)).astimezone(dt.UTC)


@dataclass
class Sender:
    """Writes riverside's daily files as its source systems do."""

    landing: Path

    def file(self, day: dt.date, feed: str, *, sequence: int = 1) -> Path:
        return self.landing / "daily" / day.isoformat() / f"{feed}.{sequence}.csv"

    def send(self, day: dt.date, *feeds: str, text: str = "a row\n", sequence: int = 1) -> None:
        for feed in feeds:
            file = self.file(day, feed, sequence=sequence)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)


@dataclass
class Watch:
    """A clock whose pauses pass at once; what is to happen at a moment happens when it has passed it."""

    time: dt.datetime
    events: dict[dt.datetime, Callable[[], object]] = field(default_factory=dict)

    def clock(self) -> dt.datetime:
        return self.time

    def pause(self, seconds: float) -> None:
        assert 0 < seconds <= 60
        self.time += dt.timedelta(seconds=seconds)
        for moment in [moment for moment in self.events if moment <= self.time]:
            self.events.pop(moment)()
