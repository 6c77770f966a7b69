"""Time deposits: one account a term.

When a deposit matures, principal and interest go to the customer's own demand account; most are put away again on the
same day, as a new account. Who leaves, or buys a house, breaks them before their time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from pipelines.demo.bookings import Bookings, Kind, Rule, bookings
from pipelines.demo.counterparties import NOBODY_NAMED, SELF_ELSEWHERE
from pipelines.demo.days import NEVER, Numbers, Span, add_months
from pipelines.demo.people import Cause, Dip, Flags, People, Way

TERMS = np.array((3, 6, 12, 24, 36))
TERM_SHARES = (0.12, 0.18, 0.42, 0.13, 0.15)
TERM_RATES = np.array((950_000, 1_150_000, 1_450_000, 1_550_000, 1_900_000))
"""Millionths of a per cent a year."""
DEMAND_RATE = 50_000


@dataclass(frozen=True)
class Deposits:
    """One entry a term; it is `closed` when it matures, or before."""

    customer: Numbers
    opened: Numbers
    term: Numbers
    principal: Numbers
    closed: Numbers
    matures: Numbers
    interest: Numbers
    fresh: Flags
    """Paid in with new money, not out of one that matured."""
    in_cash: Flags
    """New money of those who bring it in their pocket."""

    def moves(self, first: int, span: Span) -> list[Bookings]:
        """Both sides of every opening and every end of a time deposit; account `first` + n holds deposit n."""
        own, time = self.customer, first + np.arange(len(self.customer))
        begun = self.opened >= span.start
        new = begun & self.fresh
        paid_in = bookings(
            account=own[new],
            day=self.opened[new],
            second=34_000 + own[new] % 9_000,
            amount=self.principal[new],
            kind=np.where(self.in_cash[new], Kind.COUNTER_IN, Kind.TRANSFER),
            other=np.where(self.in_cash[new], NOBODY_NAMED, SELF_ELSEWHERE),
        )
        saved = bookings(
            account=own[begun],
            day=self.opened[begun],
            second=44_000 + own[begun] % 9_000,
            amount=self.principal[begun],
            rule=Rule.MUST,
            kind=Kind.SAVED,
            other=-1 - time[begun],
        )
        received = bookings(
            account=time[begun],
            day=self.opened[begun],
            second=44_001 + own[begun] % 9_000,
            amount=self.principal[begun],
            kind=Kind.SAVED,
            other=-1 - own[begun],
        )
        ended = (self.closed >= span.start) & (self.closed <= span.horizon)
        day, all_of_it = self.closed[ended], (self.principal + self.interest)[ended]
        earned = self.interest[ended] > 0
        interest = bookings(
            account=time[ended][earned],
            day=day[earned],
            second=10_000,
            amount=self.interest[ended][earned],
            kind=Kind.INTEREST,
        )
        kind = np.where((self.closed == self.matures)[ended], Kind.MATURED, Kind.CLOSING)
        out = bookings(
            account=time[ended],
            day=day,
            second=10_001,
            amount=all_of_it,
            rule=Rule.MUST,
            kind=kind,
            other=-1 - own[ended],
        )
        back = bookings(account=own[ended], day=day, second=10_002, amount=all_of_it, kind=kind, other=-1 - time[ended])
        return [paid_in, saved, received, interest, out, back]


def draw(people: People, span: Span, chance: np.random.Generator) -> Deposits:
    """Chains of time deposits: those that lie there when the history begins, and those that are begun within it."""
    kept = people.wealth - people.demand
    savers = np.flatnonzero((kept > 200_000) & ~people.quiet & ~people.sleeps)
    many = np.where(kept[savers] > 5_000_000, chance.integers(1, 4, size=len(savers)), 1)
    who = np.repeat(savers, many)
    principal = np.repeat(kept[savers] // many, many) * chance.uniform(0.7, 1.3, size=len(who))
    term = chance.choice(TERMS, size=len(who), p=TERM_SHARES)
    ago = (chance.random(len(who)) * term * 30).astype(np.int64) + 1
    opened = np.maximum(span.start - ago, people.opened[who])
    fresh = opened >= span.start
    # New savings, most of them when the harvest is sold or the migrants are home: a deposit that was not there before.
    able = np.flatnonzero((people.way < Way.STUDENT) & ~people.sleeps & ~people.quiet & (people.income > 150_000))
    new = able[chance.random(len(able)) < 0.10 * span.years]
    begun = chance.integers(span.start, span.horizon, size=len(new))
    who, fresh = np.r_[who, new], np.r_[fresh, np.ones(len(new), dtype=bool)]
    principal = np.r_[principal, people.income[new] * chance.uniform(1.0, 6.0, size=len(new))]
    term = np.r_[term, chance.choice(TERMS, size=len(new), p=TERM_SHARES)]
    opened = np.r_[opened, np.maximum(begun, people.opened[new] + 1)]
    principal = np.maximum(principal // 100_000, 1).astype(np.int64) * 100_000
    broken = _broken_on(people, chance)[who]
    links = []
    for nth in range(14):
        link = _link(
            who,
            opened=opened,
            term=term,
            principal=principal,
            broken=np.maximum(broken, opened + 1),
            fresh=fresh,
            people=people,
        )
        links.append(link)
        again = (link.closed == link.matures) & (link.matures < np.minimum(span.horizon + 1, people.leaves_from[who]))
        again &= (chance.random(len(who)) < 0.92 ** (term / 12)) & (people.dip_on[who] > link.matures)
        grown = (link.principal + link.interest) // 100_000 * 100_000
        who, opened, broken = who[again], link.closed[again], broken[again]
        principal, fresh = grown[again], np.zeros(int(again.sum()), dtype=bool)
        term = np.where(chance.random(len(who)) < 0.7, term[again], chance.choice(TERMS, size=len(who), p=TERM_SHARES))
        if not len(who) or nth == 13:
            break
    deposits = Deposits(
        *(np.concatenate([getattr(link, column.name) for link in links]) for column in fields(Deposits))
    )
    return _seen(deposits, people, span)


def _broken_on(people: People, chance: np.random.Generator) -> Numbers:
    """The day on which who leaves or needs all money breaks what has not matured."""
    width = np.maximum(people.left_on - people.drains_from, 8)
    leaving = people.drains_from + (chance.random(people.count) * (width - 7)).astype(np.int64)
    leaving = np.where(people.cause == Cause.DIED, people.closed_on - 1, leaving)
    broken = np.where(people.cause == Cause.NONE, NEVER, np.minimum(leaving, people.closed_on - 1))
    needs = np.isin(people.dip, (Dip.HOUSE, Dip.WEDDING)) & (chance.random(people.count) < 0.7)
    return np.where(needs, np.minimum(broken, people.dip_on - 1), broken)


def _link(
    who: Numbers,
    *,
    opened: Numbers,
    term: Numbers,
    principal: Numbers,
    broken: Numbers,
    fresh: Flags,
    people: People,
) -> Deposits:
    """One term of each chain: until it matures, or is broken for the interest of a demand deposit."""
    matures = add_months(opened, term)
    closed = np.minimum(matures, broken)
    full = principal * TERM_RATES[np.searchsorted(TERMS, term)] * term // 1_200_000_000
    short = principal * DEMAND_RATE * (closed - opened) // 36_000_000_000
    return Deposits(
        customer=who,
        opened=opened,
        term=term,
        principal=principal,
        closed=closed,
        matures=matures,
        interest=np.where(closed == matures, full, short),
        fresh=fresh,
        in_cash=np.isin(people.way[who], (Way.MIGRANT, Way.FARMER, Way.PENSIONER)),
    )


def _seen(deposits: Deposits, people: People, span: Span) -> Deposits:
    """Those that the files know: not closed before the history, opened by a customer who is still here."""
    gone = np.minimum(people.gone_on, people.drains_from)[deposits.customer]
    seen = (deposits.closed >= span.start) & (deposits.opened <= span.horizon) & (deposits.opened < gone)
    seen &= deposits.opened >= people.opened[deposits.customer]
    seen &= deposits.closed > deposits.opened
    return Deposits(*(getattr(deposits, column.name)[seen] for column in fields(Deposits)))
