"""What the cast does with its money: wages, daily payments, and that for which each is there. Amounts are in yuan."""

from __future__ import annotations

import datetime as dt
from datetime import date
from functools import partial

import numpy as np

from pipelines.demo.bookings import Bookings, Kind, Rule, bookings
from pipelines.demo.cast import MEMBERS, PLACE
from pipelines.demo.counterparties import NOBODY_NAMED, SELF_ELSEWHERE, Counterparties
from pipelines.demo.days import HISTORY_END, Span, date_of, in_month, number

TURNOVER = {"inflow gone": (20_000, 3_000), "inflow halved": (10_000, 5_500)}
"""A month before August 2026, and from then on."""
SALARY = {"salary stopped": ((date(2000, 1, 1), 6_000), (date(2026, 9, 1), 0))} | {
    "salary fell": ((date(2000, 1, 1), 8_000), (date(2026, 8, 1), 5_000))
}
EVE = date_of(HISTORY_END)


def october(day: int) -> dt.date:
    """A day of the last month of the history."""
    return date(2026, 10, day)


class Diary:
    """What happens on the cast's accounts."""

    def __init__(self, others: Counterparties) -> None:
        self._others = others
        self.written: list[Bookings] = []

    def into(self, who: str, on: dt.date, yuan: int, kind: Kind, other: int = 0, *, second: int = 36_000) -> None:
        """Money comes in."""
        self._write(who, on, yuan, kind, other, second=second, rule=Rule.CREDIT)

    def out_of(
        self, who: str, on: dt.date, yuan: int, kind: Kind, other: int = 0, *, second: int = 50_000, to: str = ""
    ) -> None:
        """Money goes out; `to` is the member of the cast who gets it."""
        if to:
            self._write(to, on, yuan, kind, -1 - PLACE[who], second=second + 1, rule=Rule.CREDIT)
        other = -1 - PLACE[to] if to else other
        self._write(who, on, yuan, kind, other, second=second, rule=Rule.MUST if to else Rule.REFUSED)

    def one(self, group: str, place: int = 0) -> int:
        """A counterparty of a group."""
        return int(self._others.of(group, place))

    def _write(self, who: str, on: dt.date, yuan: int, kind: Kind, other: int, *, second: int, rule: Rule) -> None:
        book = partial(bookings, account=PLACE[who], day=number(on), kind=kind, amount=yuan * 100)
        self.written.append(book(other=other, second=second, rule=rule))


def of_cast(others: Counterparties, span: Span, *, flaws: bool = True) -> list[Bookings]:
    """The cast's bookings from the first day of the history on, but for those of its loans; with `flaws` one of the dead."""
    diary = Diary(others)
    for first, last in span.months():
        for nth, who in enumerate(MEMBERS):
            _month(diary, who, nth, first, last)
    _events(diary, flaws=flaws)
    return [part for part in diary.written if span.start <= part.day[0] <= span.horizon]


def _month(diary: Diary, who: str, nth: int, first: int, last: int) -> None:
    """What comes again every month."""

    def on(place: int) -> dt.date:
        return date_of(int(in_month(first, last, np.array([place]))[0]))

    month = date_of(first)
    wages = [yuan for since, yuan in SALARY.get(who, ((date(2000, 1, 1), MEMBERS[who].salary),)) if since <= month]
    if salary := wages[-1]:
        diary.into(who, on(10), salary, Kind.SALARY, diary.one("employer", nth))
        if who not in ("at night", "burdened", "overburdened"):
            for place in (4, 12, 19, 26):
                diary.out_of(who, on(place), salary * 8 // 100, Kind.FAST_PAY, diary.one("5411", nth + place))
            diary.out_of(who, on(18), 160 + nth, Kind.BILL, diary.one("power"))
            diary.out_of(who, on(25), salary * 15 // 100, Kind.ATM_OUT)
    if who in TURNOVER:
        yuan = TURNOVER[who][month >= date(2026, 8, 1)]
        for place, payer in ((3, 11), (11, 12), (20, 13), (27, 14)):
            diary.into(who, on(place), yuan // 4, Kind.RECEIPT, diary.one("person", payer))
        diary.out_of(who, on(28), yuan * 8 // 10, Kind.TRANSFER_WEB, diary.one("supplier", nth))
    if who == "deceased" and month < date(2026, 9, 1):
        diary.into(who, on(15), 2_300, Kind.PENSION, diary.one("pensions"))
        diary.out_of(who, on(16), 1_800, Kind.VILLAGE_OUT)
    if who in ("collector", "just under"):
        diary.out_of(who, on(5), 300, Kind.ATM_OUT)
    if who == "short of money":
        diary.out_of(who, on(22), 40, Kind.FAST_PAY, diary.one("5814", nth))
    if who == "collector":
        diary.into(who, on(8), 7_000, Kind.RECEIPT, diary.one("person", 21))
    if who.startswith("one mobile"):
        diary.into(who, on(9), 1_200, Kind.TRANSFER, SELF_ELSEWHERE)
        diary.out_of(who, on(14), 1_100, Kind.FAST_PAY, diary.one("5812", nth))


def _events(diary: Diary, *, flaws: bool) -> None:
    """What happens once: that for which most of the cast are there."""
    first_night = EVE + dt.timedelta(days=1)
    if flaws:
        diary.out_of("deceased", october(30), 200, Kind.FAST_PAY, diary.one("5411"), second=71_000)
    diary.out_of("deposits left", date(2026, 8, 20), 82_000, Kind.TRANSFER, SELF_ELSEWHERE)
    for who, days in (("passing through", (12, 20)), ("always passing", (8, 12, 16, 20, 24, 28))):
        for day in days:
            diary.into(who, october(day), 60_000, Kind.TRANSFER, diary.one("person", 30 + day))
            diary.out_of(who, october(day), 60_000, Kind.TRANSFER, diary.one("person", 70 + day))
    for nth in range(24):
        on = october(8) + dt.timedelta(days=nth % 21)
        diary.into("collector", on, 6_900, Kind.RECEIPT, diary.one("person", 100 + nth), second=30_000 + nth)
    for nth in range(2):
        diary.out_of("collector", october(30), 75_000, Kind.TRANSFER_WEB, diary.one("supplier", 3 + nth))
    diary.into("sleeper", first_night, 60_000, Kind.COUNTER_IN, NOBODY_NAMED)
    for on, yuan in zip((october(30), october(31), first_night), (48_000, 49_500, 46_000), strict=True):
        diary.into("just under", on, yuan, Kind.COUNTER_IN, NOBODY_NAMED)
    for nth in range(6):
        diary.out_of("gambler", october(10 + 3 * nth), 300, Kind.FAST_PAY, diary.one("lottery"), second=80_000)
    diary.out_of("tempted", october(25), 100, Kind.FAST_PAY, diary.one("lottery"), second=80_000)
    for nth in range(12):
        on, second = october(8 + 2 * (nth % 12)) if nth < 11 else october(30), 3_600 + 600 * nth
        diary.out_of("at night", on, 350, Kind.TRANSFER, diary.one("person", 200 + nth % 5), second=second)
    diary.out_of("back-flow", date(2026, 9, 16), 95_000, Kind.TRANSFER, to="go-between")
    diary.out_of("go-between", date(2026, 9, 18), 80_000, Kind.TRANSFER, to="back-flow")
    diary.out_of("speculator", date(2026, 9, 14), 50_000, Kind.TRANSFER, diary.one("securities"))
    diary.out_of("buyer", date(2026, 9, 20), 90_000, Kind.TRANSFER_COUNTER, diary.one("developer"))
    for on in (date(2026, 9, 23), date(2026, 9, 26)):
        diary.out_of("splitter", on, 150_000, Kind.TRANSFER, diary.one("supplier", 9))
