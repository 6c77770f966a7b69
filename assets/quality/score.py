"""Scores: of what was checked on a date, how much held, and how that stands to the 28 days before.

A rule of rows checks every row that was judged; a rule of the delivery as a whole makes one check. What could not be judged
is no check. Numerator and denominator are whole numbers, so they add up over feeds, owners and dates in any order, and no
rate is ever the mean of rates.

The trend is against the 28 days before taken together, not against one day a week ago: four of each weekday are in them, so
a weekday's own habit cancels out; a feed that comes once a week or a month is still compared with something; and one bad
day moves it by a twenty-eighth, where it would turn the next week's trend around.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from assets.quality.judgements import Found
from data_contracts.scan_sql import ROW_KINDS

BASE_DAYS = 28
ALL = "all"
Cell = tuple[str, str, str, str]
"""Scope, feed, owner, dimension; what the scope does not tell apart is `all`."""
Counts = Mapping[Cell, tuple[int, int]]
"""Numerator and denominator."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """One cell of a date: `base` are numerator and denominator of the 28 days before."""

    day: dt.date
    cell: Cell
    held: int
    checked: int
    base: tuple[int, int]

    def row(self) -> dict[str, object]:
        """The row of `quality.score`."""
        scope, feed, owner, dimension = self.cell
        rate = _rate(self.held, self.checked)
        return {
            "business_date": self.day,
            "scope": scope,
            "feed": feed,
            "owner": owner,
            "dimension": dimension,
            "numerator": self.held,
            "denominator": self.checked,
            "rate": rate,
            "base_numerator": self.base[0],
            "base_denominator": self.base[1],
            "trend": rate - _rate(*self.base) if self.base[1] else None,
        }


def counted(found: Collection[Found]) -> Counts:
    """What was checked on a date and what of it held, by feed, owner and dimension and by each of them alone."""
    held: Counter[Cell] = Counter()
    checked: Counter[Cell] = Counter()
    delivered = {one.feed: one.checked for one in found if (one.kind, one.rule) == ("conservation", "delivered")}
    for one in found:
        for cell in _cells(one):
            good, of = _checks(one, delivered.get(one.feed, 0))
            held[cell] += good
            checked[cell] += of
    return {cell: (held[cell], of) for cell, of in checked.items() if of}


def scores(day: dt.date, counts: Mapping[dt.date, Counts]) -> list[Score]:
    """The scores of a date, from its counts and those of the days before it."""
    base_held: Counter[Cell] = Counter()
    base_checked: Counter[Cell] = Counter()
    for n in range(1, BASE_DAYS + 1):
        for cell, (held, checked) in counts.get(day - dt.timedelta(days=n), {}).items():
            base_held[cell] += held
            base_checked[cell] += checked
    return [
        Score(day=day, cell=cell, held=held, checked=checked, base=(base_held[cell], base_checked[cell]))
        for cell, (held, checked) in sorted(counts.get(day, {}).items())
    ]


def _cells(one: Found) -> Iterator[Cell]:
    dimension = "conformity" if _unreadable(one) else one.dimension
    if dimension is None:
        return
    yield "each", one.feed, one.owner, dimension
    yield "feed", one.feed, ALL, ALL
    yield "owner", ALL, one.owner, ALL
    yield "dimension", ALL, ALL, dimension


def _checks(one: Found, delivered: int) -> tuple[int, int]:
    """How many checks held, of how many."""
    if _unreadable(one):
        return delivered - one.checked, delivered
    if one.passed is None:
        return 0, 0
    if one.kind in ROW_KINDS:
        return one.checked - one.failed, one.checked
    return int(one.passed), 1


def _unreadable(one: Found) -> bool:
    """Whether it counts the lines that are no rows: that every line can be read is checked of each."""
    return (one.kind, one.rule) == ("conservation", "rejected")


def _rate(held: int, checked: int) -> Decimal:
    """Six decimals, rounded down: 1 is said only where everything held."""
    return (Decimal(held) / Decimal(checked)).quantize(Decimal("0.000001"), rounding=ROUND_DOWN)
