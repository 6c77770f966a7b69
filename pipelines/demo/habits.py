"""What people do again and again: shopping, cash, transfers, bills, and what traders sell and buy.

`activity` (transactions a customer and day) sets how often they do it, not how much money they have: who shops more
often spends less at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.demo.accounts import Accounts
from pipelines.demo.bookings import Bookings, Kind, Rule, bookings
from pipelines.demo.counterparties import NOBODY_NAMED, SELF_ELSEWHERE, Counterparties
from pipelines.demo.days import NEVER, Numbers, before_new_year
from pipelines.demo.people import Flags, People, Shares, Way

STEADY = 2.4
"""Bookings a customer and month that do not depend on `activity`: wages, interest, loans, deposits, what is left over."""
HAPPENS = 0.77
"""Share of what is drawn that is booked: some are not customers then, some are leaving, some payments are refused."""


@dataclass(frozen=True)
class Habit:
    """How often a month each way of life does something, and which share of the income it takes or brings."""

    often: tuple[float, ...]
    share: float
    credit: bool = False


HABITS = {
    #                 wages civil pension farm trader migrant student minor
    "fast pay": Habit((14.0, 16.0, 4.0, 6.0, 10.0, 6.0, 14.0, 2.0), 0.28),
    "pos": Habit((1.2, 1.5, 0.3, 0.2, 1.0, 0.2, 0.5, 0.0), 0.06),
    "cash out": Habit((0.8, 0.6, 1.6, 1.5, 1.5, 0.8, 0.4, 0.1), 0.25),
    "cash in": Habit((0.1, 0.1, 0.2, 0.5, 2.0, 0.3, 0.05, 0.1), 0.10, credit=True),
    "sent": Habit((1.4, 1.4, 0.2, 0.6, 3.0, 0.5, 0.3, 0.0), 0.15),
    "received": Habit((0.5, 0.5, 0.3, 0.6, 0.5, 0.5, 1.5, 0.1), 0.12, credit=True),
    "to a friend": Habit((0.8, 0.8, 0.2, 0.5, 1.0, 0.3, 0.3, 0.0), 0.05),
    "sold": Habit((0.0, 0.0, 0.0, 0.3, 15.0, 0.0, 0.0, 0.0), 0.80, credit=True),
    "bought": Habit((0.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0), 0.55),
    "bill": Habit((1.0, 1.0, 0.6, 0.5, 0.9, 0.2, 0.2, 0.0), 0.05),
    "dollars": Habit((0.0, 0.0, 0.0, 0.0, 0.8, 0.5, 0.0, 0.0), 0.20, credit=True),
}
SHOPPING = {
    Way.STUDENT: (("5814", 0.30), ("5411", 0.20), ("5499", 0.20), ("8220", 0.05), ("8299", 0.03), ("5651", 0.12)),
    Way.FARMER: (("5411", 0.35), ("5191", 0.12), ("763", 0.04), ("5912", 0.10), ("5814", 0.15), ("5541", 0.09)),
    Way.PENSIONER: (("5411", 0.45), ("5912", 0.20), ("8062", 0.08), ("5814", 0.12), ("5499", 0.10)),
}
USUAL = (
    *(("5411", 0.26), ("5499", 0.14), ("5812", 0.14), ("5814", 0.16), ("5311", 0.05), ("5651", 0.06), ("5541", 0.05)),
    *(("7523", 0.04), ("5912", 0.03), ("4814", 0.02), ("8211", 0.01), ("8299", 0.01), ("4111", 0.01), ("5200", 0.005)),
    *(("5712", 0.003), ("5722", 0.006), ("7011", 0.003), ("4511", 0.002), ("8062", 0.01)),
)
"""Where people shop, by merchant category; what is missing to 1 goes to supermarkets."""
HOURS_OF_SHOPS = np.array((1, 1, 1, 1, 1, 2, 8, 25, 40, 45, 50, 70, 85, 55, 45, 45, 55, 75, 90, 80, 60, 40, 20, 6))
HOURS_OF_BANKS = np.array((0, 0, 0, 0, 0, 0, 0, 0, 30, 90, 100, 70, 20, 30, 70, 80, 50, 0, 0, 0, 0, 0, 0, 0))


class Habits:
    """Draws a month's bookings of what is done again and again."""

    def __init__(self, people: People, accounts: Accounts, others: Counterparties, *, activity: float) -> None:
        self._people, self._others = people, others
        self._foreign = np.full(people.count, -1)
        abroad = np.flatnonzero(accounts.is_foreign)
        self._foreign[accounts.customer[abroad]] = abroad
        self._books: dict[str, Callable[[Numbers, Numbers, Numbers, np.random.Generator], Bookings]] = {
            "fast pay": self._fast_pay,
            "pos": self._pos,
            "cash out": self._cash_out,
            "cash in": self._cash_in,
            "sent": self._sent,
            "received": self._received,
            "to a friend": self._to_a_friend,
            "sold": self._sold,
            "bought": self._bought,
            "bill": self._bill,
            "dollars": self._dollars,
        }
        rate = np.sum([self._often(name) for name in HABITS], axis=0)
        usual = float((rate * people.intensity * ~(people.sleeps | people.quiet)).mean()) or 1.0
        self._pace = max(activity * 30.4 - STEADY, 0.05 * STEADY) / usual / HAPPENS

    def month(self, first: int, last: int, chance: np.random.Generator) -> list[Bookings]:
        """All of it on the days from `first` to `last`."""
        pace = self._pace * self._people.intensity * self._people.slackens((first + last) // 2)
        return [self._habit(name, pace, first, last, chance) for name in HABITS]

    def _often(self, name: str) -> Shares:
        """How often a month each customer does something, at the pace of the table."""
        often = np.array(HABITS[name].often)[self._people.way]
        if name == "dollars":
            return np.where(self._foreign >= 0, often, 0.0)
        return often * np.where(self._people.mobile, 1.0, 0.0 if name == "fast pay" else 0.5)

    def _habit(self, name: str, pace: Shares, first: int, last: int, chance: np.random.Generator) -> Bookings:
        """Who does it, on which days, and with how much: a share of the income, divided among the times."""
        people, habit = self._people, HABITS[name]
        often = self._often(name) * pace
        who = np.repeat(np.arange(people.count), chance.poisson(often))
        days = first + chance.integers(last - first + 1, size=len(who))
        usual = people.income[who] * habit.share / np.maximum(often[who], 0.4)
        amount = usual * np.exp(chance.normal(-0.32, 0.8, size=len(who)))
        amount *= np.where(before_new_year(days), 2.2 if habit.credit else 1.8, 1.0)
        if habit.credit:
            amount *= 1 - people.strain(days, who)
        return self._books[name](who, days, amount.astype(np.int64) + 1, chance)

    def _fast_pay(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        exact = np.where(chance.random(len(who)) < 0.45, np.maximum(amount // 100, 1) * 100, amount)
        return self._shopping(who, days, exact, Kind.FAST_PAY, chance)

    def _pos(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        return self._shopping(who, days, np.maximum(amount // 100, 1) * 100, Kind.POS, chance)

    def _shopping(
        self, who: Numbers, days: Numbers, amount: Numbers, kind: Kind, chance: np.random.Generator
    ) -> Bookings:
        """A shop by way of life; one payment in 400 is taken back a few minutes later."""
        shop = np.zeros(len(who), dtype=np.int64)
        of_way = self._people.way[who]
        for way in np.unique(of_way):
            places = np.flatnonzero(of_way == way)
            shop[places] = self._shops(Way(way), len(places), chance)
        taken_back = chance.random(len(who)) < 0.0025
        return bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_SHOPS, len(who), chance),
            rule=Rule.REFUSED,
            amount=amount,
            kind=kind,
            other=shop,
            partner=np.where(taken_back, who, -1),
            back=Kind.REFUND,
            delay=chance.integers(60, 900, size=len(who)),
            reversed=taken_back,
        )

    def _shops(self, way: Way, count: int, chance: np.random.Generator) -> Numbers:
        groups, shares = zip(*SHOPPING.get(way, USUAL), strict=True)
        begins, ends = np.array([self._others.ranges[f"{int(group):04}"] for group in groups]).T
        edges = np.cumsum(shares)
        picked = np.searchsorted(edges, chance.random(count))
        picked = np.where(picked < len(groups), picked, 0)
        return np.asarray(begins[picked] + (chance.random(count) * (ends - begins)[picked]).astype(np.int64))

    def _cash_out(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        where, country = chance.random(len(who)), self._in_the_country(who)
        at = np.where(country & (where < 0.35), Kind.VILLAGE_OUT, Kind.ATM_OUT)
        at = np.where(where > 0.8, Kind.COUNTER_OUT, at)
        return self._cash(who, days, amount, at, chance)

    def _cash_in(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        where, country = chance.random(len(who)), self._in_the_country(who)
        at = np.where(country & (where < 0.3), Kind.VILLAGE_IN, Kind.COUNTER_IN)
        return self._cash(who, days, amount, np.where(where > 0.6, Kind.ATM_IN, at), chance)

    def _in_the_country(self, who: Numbers) -> Flags:
        return np.isin(self._people.way[who], (Way.FARMER, Way.PENSIONER))

    @staticmethod
    def _cash(who: Numbers, days: Numbers, amount: Numbers, kind: Numbers, chance: np.random.Generator) -> Bookings:
        """Whole hundreds of yuan; nobody of the crowd draws just under the line of 50,000."""
        whole = np.clip(amount // 10_000, 1, 440) * 10_000
        comes = np.isin(kind, (Kind.COUNTER_IN, Kind.ATM_IN, Kind.VILLAGE_IN))
        return bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_BANKS, len(who), chance),
            rule=np.where(comes, Rule.CREDIT, Rule.REFUSED),
            amount=whole,
            kind=kind,
            other=NOBODY_NAMED,
        )

    def _sent(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        own = chance.random(len(who)) < 0.1
        stranger = self._others.of("person", who * 13 + chance.integers(6, size=len(who)) ** 2)
        return bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_SHOPS, len(who), chance),
            rule=Rule.REFUSED,
            amount=np.maximum(amount // 1_000, 1) * 1_000,
            kind=np.where(chance.random(len(who)) < 0.9, Kind.TRANSFER, Kind.TRANSFER_WEB),
            other=np.where(own, SELF_ELSEWHERE, stranger),
        )

    def _received(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        return bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_SHOPS, len(who), chance),
            amount=np.maximum(amount // 1_000, 1) * 1_000,
            kind=Kind.TRANSFER,
            other=self._others.of("person", who * 17 + chance.integers(5, size=len(who))),
        )

    def _to_a_friend(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        """To another customer of ours, who must be able to take it on that day, or to the own second account."""
        people = self._people
        friend = people.contacts[who, chance.integers(3, size=len(who))]
        open_then = (people.opened[friend] < days) & (people.closed_on[friend] > days + 31)
        free = ~people.quiet[friend] & ~people.sleeps[friend] & (people.frozen_on[friend] == NEVER)
        able = open_then & free & (friend != who) & (people.died_on[friend] > days)
        transfer = bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_SHOPS, len(who), chance),
            rule=Rule.REFUSED,
            amount=np.maximum(amount // 1_000, 1) * 1_000,
            kind=Kind.TRANSFER,
            other=-1 - friend,
            partner=friend,
            back=Kind.TRANSFER,
        )
        return transfer.take(able)

    def _sold(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        return bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_SHOPS, len(who), chance),
            amount=amount,
            kind=Kind.RECEIPT,
            other=self._others.pick("person", chance, len(who)),
        )

    def _bought(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        taxed = chance.random(len(who)) < 0.03
        return bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_BANKS, len(who), chance),
            rule=Rule.REFUSED,
            amount=np.where(taxed, amount // 20 + 1, np.maximum(amount // 100, 1) * 100),
            kind=np.where(taxed, Kind.TAX, Kind.TRANSFER_WEB),
            other=np.where(taxed, self._others.of("tax", 0), self._others.of("supplier", who * 7 + days % 4)),
        )

    def _bill(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        automatic = (who % 3 == 0) | ~self._people.mobile[who]
        paid_to = chance.choice(3, size=len(who), p=[0.5, 0.2, 0.3])
        payees = np.array([int(self._others.of(name, 0)) for name in ("power", "water", "telecom")])
        return bookings(
            account=who,
            day=days,
            second=at_hours(HOURS_OF_SHOPS, len(who), chance),
            rule=Rule.REFUSED,
            amount=np.clip(amount, 500, 90_000),
            kind=np.where(automatic, Kind.BILL_AUTO, Kind.BILL),
            other=payees[paid_to],
        )

    def _dollars(self, who: Numbers, days: Numbers, amount: Numbers, chance: np.random.Generator) -> Bookings:
        """Sent from abroad, and drawn: in dollars."""
        out = chance.random(len(who)) < 0.4
        return bookings(
            account=self._foreign[who],
            day=days,
            second=at_hours(HOURS_OF_BANKS, len(who), chance),
            rule=np.where(out, Rule.REFUSED, Rule.CREDIT),
            amount=np.maximum(amount // 70_000, 1) * 10_000,
            kind=Kind.TRANSFER_COUNTER,
            other=self._others.of("person", who),
        )


def at_hours(hours: Numbers, count: int, chance: np.random.Generator) -> Numbers:
    """Seconds of the day, in hours as people keep them."""
    edges = np.cumsum(hours / hours.sum())
    hour = np.minimum(np.searchsorted(edges, chance.random(count), side="right"), 23)
    return np.asarray(hour * 3_600 + chance.integers(3_600, size=count), dtype=np.int64)
