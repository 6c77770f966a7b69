"""What comes and goes every month, drawn anew for each: wages and harvests, what is sent home, what is left over.

A month's draw depends on the seed and the month alone.
"""

from __future__ import annotations

import numpy as np

from pipelines.demo.accounts import SECOND, Accounts
from pipelines.demo.bookings import Bookings, Kind, Rule, bookings, joined
from pipelines.demo.counterparties import NOBODY_NAMED, SELF_ELSEWHERE, Counterparties
from pipelines.demo.days import before_new_year, date_of, in_month
from pipelines.demo.habits import HOURS_OF_BANKS, HOURS_OF_SHOPS, Habits, at_hours
from pipelines.demo.people import Cause, Dip, Flags, People, Way

SOLD = {6: 0.40, 7: 0.40, 10: 0.45, 11: 0.45}
"""The months in which the two harvests are sold, and the part of the year's income that each brings in two months."""


class Flows:
    """Draws the bookings of a month for all customers."""

    def __init__(self, people: People, accounts: Accounts, others: Counterparties, *, activity: float) -> None:
        self._people, self._accounts, self._others = people, accounts, others
        self._habits = Habits(people, accounts, others, activity=activity)

    def month(self, first: int, last: int, chance: np.random.Generator) -> list[Bookings]:
        """All that is drawn for the days from `first` to `last`."""
        parts = self._habits.month(first, last, chance)
        parts += [
            self._wages(first, last, chance),
            self._pensions(first, last),
            self._harvest(first, last, chance),
            self._sent_home(first, last, chance),
            self._left_over(first, last, chance),
            self._pocketed(first, last, chance),
            self._fees(first),
            self._dividend(first, chance),
        ]
        return [self._possible(part) for part in parts]

    def _possible(self, part: Bookings) -> Bookings:
        """Only of those who are customers, alive and free to act on that day."""
        people, who = self._people, self._accounts.customer[part.account]
        there = (part.day > people.opened[who]) & (part.day < people.gone_on[who])
        free = (part.day < people.frozen_on[who]) | (part.day >= people.thawed_on[who])
        return part.take(there & free & ~people.quiet[who] & ~people.sleeps[who])

    def _wages(self, first: int, last: int, chance: np.random.Generator) -> Bookings:
        """Wages on the employer's day; in the month before New Year a bonus too."""
        people = self._people
        who = np.flatnonzero(np.isin(people.way, (Way.PAYROLL, Way.CIVIL)))
        day = in_month(first, last, people.payday[who])
        strain = people.strain(day, who)
        comes = (day < people.salary_until[who]) & ~(people.salary_stops[who] & (strain > 0.5 * people.severity[who]))
        amount = people.income[who] * (1 - 0.6 * strain) * chance.normal(1, 0.03, size=len(who)).clip(0.8, 1.3)
        employer = np.where(
            people.way[who] == Way.CIVIL,
            self._others.of("civil employer", people.employer[who]),
            self._others.of("employer", people.employer[who]),
        )
        wages = bookings(
            account=who,
            day=day,
            second=33_000 + people.employer[who] % 3_000,
            amount=np.maximum(amount.astype(np.int64), 1),
            kind=Kind.SALARY,
            other=employer,
        ).take(comes)
        bonus = before_new_year(day + 6) & comes & (chance.random(len(who)) < 0.8)
        extra = bookings(
            account=who,
            day=day,
            second=40_000,
            amount=(people.income[who] * chance.uniform(0.5, 3.0, size=len(who))).astype(np.int64) // 10_000 * 10_000
            + 10_000,
            kind=Kind.BONUS,
            other=employer,
        ).take(bonus)
        return joined([wages, extra])

    def _pensions(self, first: int, last: int) -> Bookings:
        people = self._people
        who = np.flatnonzero(people.way == Way.PENSIONER)
        return bookings(
            account=who,
            day=in_month(first, last, np.full(len(who), 15)),
            second=21_600 + who % 3_600,
            amount=np.maximum(people.income[who], 10_000),
            kind=Kind.PENSION,
            other=self._others.of("pensions", 0),
        )

    def _harvest(self, first: int, last: int, chance: np.random.Generator) -> Bookings:
        """Two harvests a year, seed and fertiliser before them, and the subsidy in spring."""
        people, month = self._people, date_of(first).month
        who = np.flatnonzero(people.way == Way.FARMER)
        days = first + chance.integers(last - first + 1, size=len(who))
        strain = 1 - self._people.strain(days, who)
        yearly = people.income[who] * 12
        parts = []
        if month in SOLD:
            early = 0.5 + 0.2 * (who % 10) / 9  # who sells more of a harvest at once sells less of it a month later
            part = SOLD[month] * np.where(month in (6, 10), early, 1 - early)
            amount = yearly * part * strain * chance.uniform(0.8, 1.2, size=len(who))
            parts.append(
                bookings(
                    account=who,
                    day=days,
                    second=at_hours(HOURS_OF_BANKS, len(who), chance),
                    amount=amount.astype(np.int64) + 100,
                    kind=Kind.RECEIPT,
                    other=self._others.of("granary", 0),
                )
            )
        if month in (3, 4):
            inputs = bookings(
                account=who,
                day=days,
                second=at_hours(HOURS_OF_BANKS, len(who), chance),
                rule=Rule.REFUSED,
                amount=(yearly * chance.uniform(0.03, 0.12, size=len(who))).astype(np.int64) // 1_000 * 1_000 + 1_000,
                kind=Kind.POS,
                other=self._others.pick("5191", chance, len(who)),
            )
            parts.append(inputs.take(chance.random(len(who)) < 0.6))
        if month == 5:
            parts.append(
                bookings(
                    account=who,
                    day=first + 11,
                    second=30_000 + who % 3_000,
                    amount=(yearly * 0.02).astype(np.int64) + 5_000,
                    kind=Kind.SUBSIDY,
                    other=self._others.of("finance bureau", 0),
                )
            )
        return joined(parts)

    def _sent_home(self, first: int, last: int, chance: np.random.Generator) -> Bookings:
        """What migrants send home; much of the year's comes in the weeks before New Year. Students live on it."""
        people = self._people
        who = np.flatnonzero(np.isin(people.way, (Way.MIGRANT, Way.STUDENT)))
        days = in_month(first, last, people.payday[who])
        eve = before_new_year(days, within=25) & (people.way[who] == Way.MIGRANT)
        amount = people.income[who] * np.where(eve, 3.5, 0.9) * (1 - self._people.strain(days, who))
        sent = bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_SHOPS, len(who), chance),
            amount=(amount * chance.uniform(0.7, 1.3, size=len(who))).astype(np.int64) // 10_000 * 10_000 + 10_000,
            kind=Kind.TRANSFER,
            other=np.where(people.way[who] == Way.MIGRANT, SELF_ELSEWHERE, self._others.of("person", who)),
        )
        away = (days >= people.leaves_from[who]) & (people.cause[who] == Cause.MOVED_AWAY)
        return sent.take((chance.random(len(who)) < 0.95) & ~away)

    def _left_over(self, first: int, last: int, chance: np.random.Generator) -> Bookings:
        """What stands above a customer's usual balance goes out after the month's money came in, and what is left later."""
        people = self._people
        who = np.tile(np.arange(people.count), 2)
        second = np.arange(len(who)) >= people.count
        after = np.where(second, chance.integers(14, 20, size=len(who)), chance.integers(1, 9, size=len(who)))
        days = in_month(first, last, people.payday[who]) + after
        days = np.where(days > last, days - (last - first + 1), days)
        usual = 0.7 * people.demand[who] * np.exp(chance.normal(0, 0.25, size=len(who)))
        dipped = np.isin(people.dip[who], (Dip.HOUSE, Dip.WEDDING))
        usual = np.where(dipped & (days > people.dip_on[who]), people.wealth[who] * 0.9, usual)
        usual = np.where(days > people.drains_from[who], usual * 0.05, usual)  # what still comes in goes at once
        cash = (people.born[who] < -1_500) | ~people.mobile[who]
        elsewhere = np.where(who % 2 == 0, SELF_ELSEWHERE, self._others.of("landlord", 0))
        drains = bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_BANKS, len(who), chance),
            rule=Rule.DRAIN,
            amount=usual.astype(np.int64),
            share=chance.integers(750, 1_000, size=len(who)),
            kind=np.where(cash, Kind.COUNTER_OUT, Kind.TRANSFER),
            other=np.where(cash, NOBODY_NAMED, elsewhere),
        )
        return drains.take(chance.random(len(who)) < np.where(second, 0.35, 0.9))

    def _pocketed(self, first: int, last: int, chance: np.random.Generator) -> Bookings:
        """Between the own accounts: some of the income into the second one, and back when it has piled up."""
        held = self._accounts
        pocket = np.flatnonzero(held.product == SECOND)
        pocket = pocket[(held.opened[pocket] < first) & (held.closed[pocket] > last + 1)]
        who = held.customer[pocket]
        days = first + chance.integers(last - first + 1, size=len(pocket))
        second = at_hours(HOURS_OF_SHOPS, len(pocket), chance)
        put = bookings(
            account=who,
            day=days,
            second=second,
            rule=Rule.REFUSED,
            amount=(self._people.income[who] * chance.uniform(0.01, 0.08, size=len(who))).astype(np.int64)
            // 1_000
            * 1_000
            + 1_000,
            kind=Kind.TRANSFER,
            other=-1 - pocket,
            partner=pocket,
            back=Kind.TRANSFER,
        )
        taken = bookings(
            account=pocket,
            day=days,
            second=np.maximum(second - 900, 0),
            rule=Rule.DRAIN,
            share=chance.integers(500, 1_000, size=len(pocket)),
            kind=Kind.TRANSFER,
            other=-1 - who,
            partner=who,
            back=Kind.TRANSFER,
        )
        return joined([put.take(chance.random(len(who)) < 0.4), taken.take(chance.random(len(who)) < 0.15)])

    def _fees(self, first: int) -> Bookings:
        """Two yuan for text messages, on the 25th."""
        who = np.flatnonzero(self._people.mobile & (np.arange(self._people.count) % 4 == 0))
        return bookings(
            account=who, day=first + 24, second=3_600, rule=Rule.REFUSED, amount=200, kind=Kind.FEE, other=NOBODY_NAMED
        )

    def _dividend(self, first: int, chance: np.random.Generator) -> Bookings:
        """What the village's cooperative pays its members, in January."""
        people = self._people
        members: Flags = (people.way == Way.FARMER) & (np.arange(people.count) % 3 == 0)
        who = np.flatnonzero(members if date_of(first).month == 1 else members[:0])
        return bookings(
            account=who,
            day=first + 19,
            second=37_000 + who % 2_000,
            amount=chance.integers(200, 3_000, size=len(who)) * 100,
            kind=Kind.DIVIDEND,
            other=self._others.of("cooperative", 0),
        )
