"""What happens once in a life, as bookings: leaving over weeks, a house, a wedding, hard times, a balance dressed up."""

from __future__ import annotations

import numpy as np

from pipelines.demo.bookings import Bookings, Kind, Rule, bookings
from pipelines.demo.counterparties import NOBODY_NAMED, SELF_ELSEWHERE, Counterparties
from pipelines.demo.days import NEVER, Numbers, Span
from pipelines.demo.people import Cause, Dip, Flags, People


def of_all(people: People, others: Counterparties, span: Span, chance: np.random.Generator) -> list[Bookings]:
    """The planned bookings of everybody's own account; account n is that of customer n."""
    parts = [
        *_leaving(people, span, chance),
        *_closing(people, span),
        *_dips(people, others, chance),
        *_hard_times(people, span, chance),
        *_dressed(people, span, chance),
    ]
    kept = []
    for part in parts:
        own = part.account.astype(np.int64)
        end = np.where(part.rule == Rule.CLOSE, people.closed_on[own] + 1, people.gone_on[own])
        there = (part.day > people.opened[own]) & (part.day >= span.start) & (part.day < end)
        kept.append(part.take(there & ~people.quiet[own]))
    return kept


def _hours(count: int, chance: np.random.Generator) -> Numbers:
    return chance.integers(8 * 3_600, 17 * 3_600, size=count)


def _leaving(people: People, span: Span, chance: np.random.Generator) -> list[Bookings]:
    """A few small transfers to see whether it works; then, week by week, a growing share of what is there."""
    leaving = (people.cause != Cause.NONE) & (people.cause != Cause.DIED) & (people.drains_from <= span.horizon)
    who = np.flatnonzero(leaving)
    tries = np.repeat(who, chance.integers(1, 4, size=len(who)))
    signs = people.drains_from[tries] - people.leaves_from[tries]
    trying = (signs > 0) & ((people.cause[tries] == Cause.BETTER_RATE) | (chance.random(len(tries)) < 0.3))
    tries, signs = tries[trying], signs[trying]
    tested = bookings(
        account=tries,
        day=people.leaves_from[tries] + (chance.random(len(tries)) * signs).astype(np.int64),
        second=_hours(len(tries), chance),
        rule=Rule.REFUSED,
        amount=chance.integers(2, 30, size=len(tries)) * 10_000,
        kind=Kind.TRANSFER,
        other=SELF_ELSEWHERE,
    )
    weeks = (people.left_on - people.drains_from)[who] // 7 + 1
    drains = np.repeat(who, weeks)
    nth = np.arange(len(drains)) - np.repeat(np.cumsum(weeks) - weeks, weeks)
    drained = bookings(
        account=drains,
        day=people.drains_from[drains] + nth * 7 + chance.integers(0, 5, size=len(drains)),
        second=_hours(len(drains), chance),
        rule=Rule.DRAIN,
        amount=chance.integers(0, 20_000, size=len(drains)),
        share=np.clip(200 + 600 * (nth + 1) // np.repeat(weeks, weeks), 0, 900),
        kind=np.where(people.mobile[drains], Kind.TRANSFER, Kind.TRANSFER_COUNTER),
        other=SELF_ELSEWHERE,
    )
    return [tested, drained]


def _closing(people: People, span: Span) -> list[Bookings]:
    who = np.flatnonzero((people.closed_on >= span.start) & (people.closed_on <= span.horizon))
    return [
        bookings(
            account=who,
            day=people.closed_on[who],
            second=61_200,
            rule=Rule.CLOSE,
            kind=Kind.CLOSING,
            other=np.where(people.cause[who] == Cause.DIED, NOBODY_NAMED, SELF_ELSEWHERE),
        )
    ]


def _dips(people: People, others: Counterparties, chance: np.random.Generator) -> list[Bookings]:
    """Most of what there is goes out in two payments, and something like it comes back in a few."""
    who = np.flatnonzero(people.dip != Dip.NONE)
    dip = people.dip[who]
    kinds = np.array([Kind.OTHER, Kind.TRANSFER_COUNTER, Kind.COUNTER_OUT, Kind.WEALTH_OUT])
    to = np.array([0, others.of("developer", 0), others.of("wedding", 0), others.of("wealth", 0)])
    parts = []
    for days in (0, 6):
        parts.append(  # noqa: PERF401
            bookings(
                account=who,
                day=people.dip_on[who] + days,
                second=_hours(len(who), chance),
                rule=Rule.DRAIN,
                share=(people.dip_share[who] * 700).astype(np.int64),
                kind=kinds[dip],
                other=np.where(dip == Dip.WEDDING, NOBODY_NAMED, to[dip]),
            )
        )
    whole = np.where(dip == Dip.WEALTH, people.demand[who], people.wealth[who]) * people.dip_share[who]
    times = np.where(dip == Dip.WEALTH, 1, chance.integers(1, 5, size=len(who)))
    back = np.repeat(np.arange(len(who)), times)
    nth = np.arange(len(back)) - np.repeat(np.cumsum(times) - times, times)
    length = people.dip_back_on[who] - people.dip_on[who]
    amount = (whole * chance.uniform(0.75, 1.1, size=len(who)) / times)[back] // 10_000
    returns = np.array([Kind.OTHER, Kind.TRANSFER, Kind.COUNTER_IN, Kind.WEALTH_BACK])
    origin = np.array([0, SELF_ELSEWHERE, NOBODY_NAMED, to[Dip.WEALTH]])
    some = amount > 0
    parts.append(
        bookings(
            account=who[back],
            day=people.dip_on[who][back] + length[back] * (nth + 1) // times[back],
            second=_hours(len(back), chance),
            amount=amount.astype(np.int64) * 10_000,
            kind=returns[dip[back]],
            other=origin[dip[back]],
        ).take(some)
    )
    return parts


def _hard_times(people: People, span: Span, chance: np.random.Generator) -> list[Bookings]:
    """While less comes in, what was put by is eaten up: cash and transfers every other week."""
    who = np.flatnonzero(people.stress_from < NEVER)
    until = np.minimum(people.stress_until[who], span.horizon)
    times = np.maximum(until - people.stress_from[who], 0) // 14
    eats = np.repeat(who, times)
    nth = np.arange(len(eats)) - np.repeat(np.cumsum(times) - times, times)
    return [
        bookings(
            account=eats,
            day=people.stress_from[eats] + nth * 14 + chance.integers(0, 12, size=len(eats)),
            second=_hours(len(eats), chance),
            rule=Rule.DRAIN,
            share=(people.severity[eats] * chance.uniform(150, 400, size=len(eats))).astype(np.int64),
            kind=np.where(chance.random(len(eats)) < 0.5, Kind.COUNTER_OUT, Kind.TRANSFER_COUNTER),
            other=NOBODY_NAMED,
        )
    ]


def _dressed(people: People, span: Span, chance: np.random.Generator) -> list[Bookings]:
    """On the last day of a month money lies here that lay elsewhere the day before, and does again on the 2nd."""
    who = np.flatnonzero(people.dresses)
    ends = np.array([last for _, last in span.months()], dtype=np.int64)
    each, end = np.repeat(who, len(ends)), np.tile(ends, len(who))
    asked: Flags = chance.random(len(each)) < 0.6
    each, end = each[asked], end[asked]
    amount = (people.wealth[each] * chance.uniform(0.4, 1.5, size=len(each)) // 100_000).astype(np.int64) * 100_000
    some = amount > 0
    seconds = _hours(len(each), chance)
    come = bookings(account=each, day=end, second=seconds, amount=amount, kind=Kind.TRANSFER_WEB, other=SELF_ELSEWHERE)
    go = bookings(
        account=each,
        day=end + 2,
        second=seconds,
        rule=Rule.REFUSED,
        amount=amount,
        kind=Kind.TRANSFER_WEB,
        other=SELF_ELSEWHERE,
    )
    return [come.take(some), go.take(some)]
