"""The deposit accounts: what customers pay from, a second pocket, dollars; the time deposits come from `deposits`."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import polars as pl

from pipelines.demo import deposits
from pipelines.demo.bookings import Bookings, Kind, Rule, bookings
from pipelines.demo.counterparties import NOBODY_NAMED, SELF_ELSEWHERE
from pipelines.demo.days import NEVER, Numbers, Span
from pipelines.demo.deposits import DEMAND_RATE, TERM_RATES, TERMS, Deposits
from pipelines.demo.people import Cause, Flags, People, Way
from pipelines.demo.words import luhn

LARGE = 20_000_000
"""Fen from which a deposit of a year or more is a large certificate."""
DEMAND, SECOND, FARM_CARD, DOLLARS = range(4)
PRODUCTS = (
    *("DP010001", "DP010002", "DP010003", "DP040001"),
    *(f"DP02{months:04}" for months in TERMS),
    *(f"DP03{months:04}" for months in TERMS[2:]),
)
"""Products by their place; time deposits begin at 4, large ones at 9."""


@dataclass(frozen=True)
class Accounts:
    """All accounts, each customer's own demand account first: account n belongs to customer n for n below `people`."""

    customer: Numbers
    product: Numbers
    opened: Numbers
    closed: Numbers
    matures: Numbers
    term: Numbers
    rate: Numbers
    opening: Numbers
    """What lies on it when the history begins."""
    passbook: Flags

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def is_time(self) -> Flags:
        return np.asarray(self.product > DOLLARS)

    @property
    def is_foreign(self) -> Flags:
        return np.asarray(self.product == DOLLARS)

    def numbers(self) -> pl.Series:
        """Account numbers: cards of 19 digits with a check digit, and passbooks of 15 without one."""
        nth = np.arange(len(self), dtype=np.int64)
        stem = 622_202_000_000_000_000 + nth * 7 % 10**11 + 1_000
        card = pl.Series(stem).cast(pl.String) + pl.Series(luhn(stem, 18)).cast(pl.String)
        book = pl.Series(101_003_300_000_000 + nth * 3).cast(pl.String)
        return pl.DataFrame({"card": card, "book": book, "is_book": self.passbook}).select(
            pl.when("is_book").then("book").otherwise("card").alias("number")
        )["number"]


def draw(people: People, span: Span, chance: np.random.Generator) -> tuple[Accounts, list[Bookings]]:
    """The accounts of all customers, and the bookings of their time deposits."""
    count = people.count
    own = np.arange(count)
    demand = _accounts(
        customer=own,
        product=np.where((people.way == Way.FARMER) & (chance.random(count) < 0.7), FARM_CARD, DEMAND),
        opened=people.opened,
        closed=people.closed_on,
        opening=_opening(people, span, chance),
        passbook=(people.born < -3_000) & (chance.random(count) < 0.6),
    )
    second = np.flatnonzero(people.mobile & (chance.random(count) < 0.45) & ~people.sleeps & ~people.quiet)
    later = people.opened[second] + chance.integers(20, 2_000, size=len(second))
    lasting = (later < span.horizon) & (later < people.gone_on[second])
    second, later = second[lasting], later[lasting]
    pockets = _accounts(
        customer=second,
        product=np.full(len(second), SECOND),
        opened=later,
        closed=people.closed_on[second],
        opening=np.where(later < span.start, chance.integers(100, 90_000, size=len(second)), 0),
    )
    pockets.opening[pockets.closed <= span.start] = 0
    trades = np.isin(people.way, (Way.TRADER, Way.MIGRANT)) & (people.cause == Cause.NONE) & ~people.quiet
    abroad = np.flatnonzero(trades & (chance.random(count) < 0.03) & (people.opened < span.start))
    dollars = _accounts(
        customer=abroad,
        product=np.full(len(abroad), DOLLARS),
        opened=people.opened[abroad],
        closed=np.full(len(abroad), NEVER),
        opening=chance.integers(20_000, 900_000, size=len(abroad)),
    )
    put_away = deposits.draw(people, span, chance)
    accounts = _together([demand, pockets, dollars, _time_accounts(put_away, span)])
    moves = put_away.moves(len(demand) + len(pockets) + len(dollars), span)
    return accounts, moves + _closed_pockets(pockets, len(demand), people, span)


def _accounts(
    *,
    customer: Numbers,
    product: Numbers,
    opened: Numbers,
    closed: Numbers,
    opening: Numbers,
    passbook: Flags | None = None,
    matures: Numbers | None = None,
    term: Numbers | None = None,
    rate: Numbers | None = None,
) -> Accounts:
    count = len(customer)
    return Accounts(
        customer=customer,
        product=product,
        opened=opened,
        closed=closed,
        matures=np.full(count, NEVER) if matures is None else matures,
        term=np.zeros(count, dtype=np.int64) if term is None else term,
        rate=np.full(count, DEMAND_RATE) if rate is None else rate,
        opening=opening,
        passbook=np.zeros(count, dtype=bool) if passbook is None else passbook,
    )


def _together(parts: list[Accounts]) -> Accounts:
    return Accounts(*(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(Accounts)))


def _time_accounts(put_away: Deposits, span: Span) -> Accounts:
    """An account a term; a large sum put away for a year or more is a certificate."""
    place = np.searchsorted(TERMS, put_away.term)
    large = (put_away.principal >= LARGE) & (put_away.term >= 12)
    return _accounts(
        customer=put_away.customer,
        product=np.where(large, 7 + place, 4 + place),
        opened=put_away.opened,
        closed=put_away.closed,
        opening=np.where(put_away.opened < span.start, put_away.principal, 0),
        matures=put_away.matures,
        term=put_away.term,
        rate=TERM_RATES[place],
    )


def _opening(people: People, span: Span, chance: np.random.Generator) -> Numbers:
    """What lies on a demand account on the eve of the history: its usual balance, or what those who left have left."""
    usual = people.demand * np.exp(np.where(people.quiet, 0, chance.normal(0, 0.3, size=people.count)))
    usual = np.where(people.left_on <= span.start, usual * 0.02, usual)
    here = (people.opened < span.start) & (people.closed_on > span.start)
    return np.where(here, usual, 0).astype(np.int64)


def _closed_pockets(pockets: Accounts, first: int, people: People, span: Span) -> list[Bookings]:
    """Second accounts that are closed with their customer."""
    closing = np.flatnonzero((pockets.closed >= span.start) & (pockets.closed <= span.horizon))
    own = pockets.customer[closing]
    return [
        bookings(
            account=first + closing,
            day=pockets.closed[closing],
            second=59_000,
            rule=Rule.CLOSE,
            kind=Kind.CLOSING,
            other=np.where(people.cause[own] == Cause.DIED, NOBODY_NAMED, SELF_ELSEWHERE),
        )
    ]
