"""What a feed delivers: dated states, events, or what is drawn a month at a time; the history of it, and each night's file.

Rows have the contract's columns and `state_date`, the day on which they came to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from pipelines.demo.days import Span

STATE_DATE = "state_date"


class Feed(Protocol):
    """The deliveries of a feed."""

    def history(self) -> Iterator[pl.DataFrame]:
        """The rows up to the end of the history, in order of date."""

    def night(self, day: int) -> pl.DataFrame:
        """The rows of a night's file."""


@dataclass(frozen=True)
class States:
    """Rows of things that change: a row a key and day on which it changed.

    `full`: a night's file has every key as it is, and not only what changed. `first_load`: there is no history, and the
    first night has all that is known by then.
    """

    rows: pl.DataFrame
    key: tuple[str, ...]
    span: Span
    full: bool = False
    first_load: bool = False

    def history(self) -> Iterator[pl.DataFrame]:
        start, end = self.span.start, self.span.end
        known = self._as_of(start).with_columns(pl.lit(start, dtype=self.rows.schema[STATE_DATE]).alias(STATE_DATE))
        later = self.rows.filter(pl.col(STATE_DATE).is_between(start + 1, end))
        yield pl.concat([known, later]).sort(STATE_DATE, *self.key)

    def night(self, day: int) -> pl.DataFrame:
        if self.full or (self.first_load and day == self.span.end + 1):
            return self._as_of(day)
        return self.rows.filter(pl.col(STATE_DATE) == day).sort(self.key)

    def _as_of(self, day: int) -> pl.DataFrame:
        known = self.rows.filter(pl.col(STATE_DATE) <= day).sort(STATE_DATE, maintain_order=True)
        return known.unique(self.key, keep="last", maintain_order=True).sort(self.key)


@dataclass(frozen=True)
class Events:
    """Rows of what happened, each on its day."""

    rows: pl.DataFrame
    span: Span

    def history(self) -> Iterator[pl.DataFrame]:
        yield self.rows.filter(pl.col(STATE_DATE).is_between(self.span.start, self.span.end)).sort(
            STATE_DATE, maintain_order=True
        )

    def night(self, day: int) -> pl.DataFrame:
        return self.rows.filter(pl.col(STATE_DATE) == day)


@dataclass
class Monthly:
    """Events that are too many to be held at once: drawn for a month, from its first day to its last, when it is asked."""

    month: Callable[[int, int], pl.DataFrame]
    span: Span
    _last: tuple[int, pl.DataFrame] | None = field(default=None, init=False)

    def history(self) -> Iterator[pl.DataFrame]:
        for first, last in self.span.months():
            if first > self.span.end:
                break
            yield self.month(first, last).sort(STATE_DATE, maintain_order=True)

    def night(self, day: int) -> pl.DataFrame:
        first, last = next(month for month in self.span.months() if month[0] <= day <= month[1])
        if self._last is None or self._last[0] != first:
            self._last = (first, self.month(first, last))
        return self._last[1].filter(pl.col(STATE_DATE) == day)


@dataclass(frozen=True)
class Nightly:
    """What is made for a night alone, out of what stands on it; there is no history of it."""

    made: Callable[[int], pl.DataFrame]

    def history(self) -> Iterator[pl.DataFrame]:
        return iter(())

    def night(self, day: int) -> pl.DataFrame:
        return self.made(day)
