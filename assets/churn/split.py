"""Rows of the past to learn from, rows after them to be judged by, and nothing that both know of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from assets.churn.labels import Outcome


@dataclass(frozen=True, kw_only=True)
class PanelSplit:
    """As-of dates, each in order: to learn from, to be judged by, and between them those that may do neither.

    The outcome of every date in `train` has ended when the first date of `test` begins, so that nobody who trains on
    the day of the test knows anything of it.
    """

    train: tuple[dt.date, ...]
    embargo: tuple[dt.date, ...]
    test: tuple[dt.date, ...]

    @classmethod
    def of(cls, dates: Collection[dt.date], outcome: Outcome, *, tests: int) -> PanelSplit:
        """Split dates: the last `tests` of them judge."""
        ordered = sorted(set(dates))
        test, before = ordered[len(ordered) - min(tests, len(ordered)) :], ordered[: -tests or None]
        train = [day for day in before if test and outcome.end(day) <= test[0]]
        return cls(train=tuple(train), embargo=tuple(day for day in before if day not in train), test=tuple(test))
