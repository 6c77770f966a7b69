"""The demo bank's calendar, which is fixed: history ends on 2026-10-31, whenever the bank is made.

Inside the demo a day is a whole number, the days since 1970-01-01, so that the days of thousands are one column.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def column(frame: pl.DataFrame, name: str) -> Numbers:
    """A column as whole numbers. It is a copy: what polars shows of an empty column, numpy cannot bear to read."""
    return np.array(frame[name].to_numpy(), dtype=np.int64)


def number(day: dt.date) -> int:
    """A date as days since 1970-01-01."""
    return (day - dt.date(1970, 1, 1)).days


def date_of(day: int) -> dt.date:
    """The date of a number of days."""
    return dt.date(1970, 1, 1) + dt.timedelta(days=int(day))


HISTORY_END = number(dt.date(2026, 10, 31))
NEVER = number(dt.date(9999, 12, 31))
"""What does not happen, or has no end."""
MOST_MONTHS = 34
"""The bank's first date is 2024-01-01."""

LUNAR_NEW_YEARS = tuple(number(dt.date(*day)) for day in ((2024, 2, 10), (2025, 1, 29), (2026, 2, 17), (2027, 2, 6)))

HOLIDAYS = (
    *((dt.date(2024, 1, 1), 1), (dt.date(2024, 2, 10), 8), (dt.date(2024, 4, 4), 3), (dt.date(2024, 5, 1), 5)),
    *((dt.date(2024, 6, 8), 3), (dt.date(2024, 9, 15), 3), (dt.date(2024, 10, 1), 7)),
    *((dt.date(2025, 1, 1), 1), (dt.date(2025, 1, 28), 8), (dt.date(2025, 4, 4), 3), (dt.date(2025, 5, 1), 5)),
    *((dt.date(2025, 5, 31), 3), (dt.date(2025, 10, 1), 8)),
    *((dt.date(2026, 1, 1), 3), (dt.date(2026, 2, 15), 9), (dt.date(2026, 4, 4), 3), (dt.date(2026, 5, 1), 5)),
    *((dt.date(2026, 6, 19), 3), (dt.date(2026, 9, 25), 3), (dt.date(2026, 10, 1), 7)),
)
"""First day and length of each holiday, as the State Council announced them."""
WORKED = {
    *(dt.date(2024, *day) for day in ((2, 4), (2, 18), (4, 7), (4, 28), (5, 11), (9, 14), (9, 29), (10, 12))),
    *(dt.date(2025, *day) for day in ((1, 26), (2, 8), (4, 27), (9, 28), (10, 11))),
    *(dt.date(2026, *day) for day in ((1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10))),
}
"""Days at a weekend on which people work, for a holiday."""
FREE = {first + dt.timedelta(days=n) for first, length in HOLIDAYS for n in range(length)}


MOST_NIGHTS = 90


@dataclass(frozen=True)
class Span:
    """The history from `start` to `end`, and the days after it up to `horizon` for which lives are planned.

    The horizon is the same however many nights are written, so more nights change nothing in what came before them.
    """

    start: int
    end: int
    horizon: int

    @classmethod
    def of(cls, months: int) -> Span:
        """So many whole months of history."""
        first = add_months(np.array([HISTORY_END + 1]), -months)
        return cls(int(first[0]), HISTORY_END, HISTORY_END + MOST_NIGHTS + 31)

    @property
    def years(self) -> float:
        """Length of the time in which people's lives change: the history, and some months before and after it."""
        return (self.end + 240 - self.start) / 365

    def months(self) -> Iterator[tuple[int, int]]:
        """First and last day of each month from the first of the history to the horizon; whole months."""
        first = self.start
        while first <= self.horizon:
            following = int(add_months(np.array([first]), 1)[0])
            yield first, following - 1
            first = following

    @staticmethod
    def thirds(first: int, last: int) -> tuple[tuple[int, int], ...]:
        """The three parts of a month, the last from the 21st on, when interest is paid."""
        return ((first, first + 9), (first + 10, first + 19), (first + 20, last))


def is_workday(day: dt.date) -> bool:
    """Whether people work on a day."""
    return day in WORKED or (day.weekday() < 5 and day not in FREE)


def add_months(days: Numbers, months: Numbers | int) -> Numbers:
    """The same day of the month so many months later, or the last one where the month is shorter."""
    of_month = days.astype("datetime64[D]").astype("datetime64[M]")
    place = days - of_month.astype("datetime64[D]").astype(np.int64)
    target = of_month + np.asarray(months)
    first = target.astype("datetime64[D]").astype(np.int64)
    length = (target + 1).astype("datetime64[D]").astype(np.int64) - first
    return np.asarray(first + np.minimum(place, length - 1), dtype=np.int64)


def in_month(first: int, last: int, place: Numbers) -> Numbers:
    """The n-th days of a month, or its last where it is shorter; `place` counts from 1."""
    return np.minimum(first + place - 1, last)


def ramp(days: Numbers, begin: Numbers, length: Numbers | int) -> NDArray[np.float64]:
    """From 0 on `begin` to 1 after `length` days, along a line."""
    return np.clip((days - begin) / np.maximum(length, 1), 0.0, 1.0)


def before_new_year(days: Numbers, *, within: int = 21) -> NDArray[np.bool_]:
    """Whether a day lies in the weeks before the lunar New Year, when people come home with what they earned."""
    found = np.zeros(len(days), dtype=bool)
    for eve in LUNAR_NEW_YEARS:
        found |= (days < eve) & (days >= eve - within)
    return found
