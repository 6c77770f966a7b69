"""The cast of the small bank: 25 customers made by hand, each there to show one thing.

`Customer.shows` is what holds on each night of 2026-11-01 to 11-05 after 14 months of history: the indicators of the
first eight that are a HIT, with their level. The others of the eight are a MISS for that customer, or UNKNOWN.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from datetime import date as day

from banks.riverside_people import (
    BANK,
    LAST_HISTORY,
    VIA,
    Account,
    Booking,
    Customer,
    Loan,
    People,
    booking_frame,
    day_of,
    months_between,
)

CUSTOMERS = (
    Customer(number=1, name="李安", born=day(1984, 3, 5), why="a salary, daily payments, one taken back"),
    Customer(
        number=2,
        name="王静宜",
        sex="F",
        born=day(1990, 11, 23),
        why="the salary stopped after August",
        shows={"R045": "yellow", "R046": "yellow"},
    ),
    Customer(
        number=3,
        name="张立本",
        kind="S",
        born=day(1976, 1, 30),
        why="the inflow broke down",
        shows={"R045": "orange"},
    ),
    Customer(
        number=4,
        name="刘启明",
        kind="S",
        born=day(1988, 6, 17),
        why="the inflow nearly halved",
        shows={"R045": "yellow"},
    ),
    Customer(
        number=5,
        name="陈小满",
        sex="F",
        born=day(1993, 9, 9),
        why="a few days late",
        shows={"R025": "blue", "R026": "yellow"},
    ),
    Customer(
        number=6,
        name="杨开河",
        born=day(1981, 12, 2),
        why="weeks late",
        shows={"R025": "yellow", "R026": "yellow"},
    ),
    Customer(
        number=7,
        name="赵如兰",
        sex="F",
        born=day(1979, 4, 26),
        why="more than a month late",
        shows={"R025": "orange", "R026": "yellow"},
    ),
    Customer(
        number=8,
        name="黄石生",
        kind="S",
        born=day(1970, 8, 14),
        why="more than 90 days late",
        shows={"R025": "red", "R026": "red"},
    ),
    Customer(
        number=9,
        name="周婉",
        sex="F",
        born=day(1985, 2, 3),
        why="written off, and still a debtor",
        shows={"R025": "red", "R026": "red"},
    ),
    Customer(
        number=10,
        name="吴刚毅",
        born=day(1991, 7, 19),
        why="special mention, yet never late",
        shows={"R026": "yellow"},
    ),
    Customer(number=11, name="徐丽华", sex="F", born=day(1974, 10, 8), why="a borrower who pays, and saves"),
    Customer(
        number=12,
        name="孙望涛",
        born=day(1982, 5, 31),
        why="a borrower whose deposits left",
        shows={"R048": "yellow"},
    ),
    Customer(number=13, name="马平川", born=day(1968, 3, 12), why="the deposits left, but nothing is owed"),
    Customer(number=14, name="朱琳琅", sex="F", born=day(1996, 1, 6), why="a borrower with little to lose"),
    Customer(
        number=15,
        name="胡若谷",
        born=day(1987, 9, 27),
        why="many pay in, few are paid",
        shows={"R050": "orange"},
    ),
    Customer(number=16, name="郭敏行", sex="F", kind="S", born=day(1972, 6, 21), why="many pay in, many are paid"),
    Customer(
        number=17,
        name="何静波",
        born=day(1965, 12, 15),
        why="asleep for a year, then 60,000",
        shows={"R051": "yellow"},
    ),
    Customer(number=18, name="高远", born=day(1978, 4, 4), why="asleep for a year, then a small sum"),
    Customer(
        number=19,
        name="林疏影",
        sex="F",
        born=day(1989, 8, 28),
        why="three times cash just under 50,000",
        shows={"R052": "orange"},
    ),
    Customer(number=20, name="罗承志", born=day(1983, 2, 11), why="cash of 50,000 and more, openly"),
    Customer(
        number=21, name="梁丰年", born=day(1963, 10, 1), branch="RV002", why="a farmer, who moves to another town"
    ),
    Customer(number=22, name="宋𠮷", born=day(1952, 2, 29), why="a pensioner, a rare character, a leap-day child"),
    Customer(number=23, name="河畔食品有限公司", kind="E", sex=None, why="an enterprise"),
    Customer(
        number=24,
        name="邓初晴",
        sex="F",
        born=day(2003, 7, 1),
        joined=day(2026, 9, 15),
        why="too new to be judged",
    ),
    Customer(
        number=25,
        name="河东小吃店",
        kind="S",
        born=day(1986, 5, 20),
        joined=day(2020, 1, 9),
        why="a loan, paid back and settled",
    ),
)

SALARY = {1: 8_000, 5: 7_000, 6: 6_500, 7: 6_000, 9: 5_500, 10: 9_000, 11: 12_000} | {
    12: 6_000,
    13: 6_000,
    14: 5_500,
    19: 6_000,
    20: 7_000,
}
TURNOVER = {3: (20_000, 3_000), 4: (10_000, 5_500), 8: (6_000, 6_000), 25: (9_000, 9_000)}
"""Yuan a month: before August 2026, and from then on."""
OPENING = {1: 20_000, 2: 15_000, 3: 30_000, 4: 20_000, 8: 15_000, 11: 60_000, 12: 90_000, 13: 90_000, 14: 9_000} | {
    16: 150_000,
    17: 30_000,
    18: 4_000,
    23: 200_000,
    24: 0,
}
LOANS = {  # paid out on, yuan, months, late since
    5: (day(2026, 1, 31), 24_000, 24, day(2026, 10, 31)),
    6: (day(2025, 12, 15), 24_000, 24, day(2026, 10, 15)),
    7: (day(2025, 11, 15), 36_000, 24, day(2026, 9, 15)),
    8: (day(2025, 10, 20), 60_000, 24, day(2026, 6, 20)),
    9: (day(2024, 12, 10), 50_000, 24, day(2025, 9, 10)),
    10: (day(2026, 2, 12), 40_000, 36, None),
    11: (day(2026, 3, 3), 60_000, 36, None),
    12: (day(2026, 5, 5), 50_000, 36, None),
    14: (day(2026, 4, 8), 12_000, 36, None),
    25: (day(2025, 6, 30), 12_000, 12, None),
}


@dataclass
class Diary:
    """What happens on a customer's first account. Amounts are in yuan."""

    customer: Customer
    bookings: list[Booking] = field(default_factory=list)

    def into(
        self, on: dt.date, yuan: int, kind: str = "TR", party: str | None = None, *, via: str = "", minute: int = 600
    ) -> None:
        """Money comes in."""
        self._book(on, yuan, kind, party=party, credit=True, via=via, minute=minute)

    def out_of(
        self, on: dt.date, yuan: int, kind: str = "TR", party: str | None = None, *, via: str = "", minute: int = 600
    ) -> None:
        """Money goes out."""
        self._book(on, yuan, kind, party=party, credit=False, via=via, minute=minute)

    def _book(
        self, on: dt.date, yuan: int, kind: str, *, party: str | None, credit: bool, via: str, minute: int
    ) -> None:
        self.bookings.append(
            Booking(
                account=self.customer.account,
                cust_id=self.customer.cust_id,
                day=on,
                amount=yuan * 100,
                kind=kind,
                credit=credit,
                via=via or VIA.get(kind, "APP"),
                minute=minute,
                party=party,
                bank=BANK.get(kind),
                reversed=party == "误转",
            )
        )


def cast(start: dt.date, end: dt.date) -> People:
    """The 25 customers with their rows from `start` to `end`, both included."""
    by_number = {customer.number: customer for customer in CUSTOMERS}
    accounts = [
        Account(
            account=customer.account,
            cust_id=customer.cust_id,
            opened=customer.joined,
            opening=OPENING.get(customer.number, 10_000) * 100,
            branch=customer.branch,
        )
        for customer in CUSTOMERS
    ]
    saver = by_number[11]
    accounts.append(
        Account(account=saver.savings, cust_id=saver.cust_id, opened=saver.joined, opening=5_000_000, product="TD")
    )
    loans = tuple(_loan(by_number[number]) for number in LOANS)
    lives = [booking for customer in CUSTOMERS for booking in _life(customer, start, end)]
    saved = Booking(
        account=saver.savings,
        cust_id=saver.cust_id,
        day=day(2026, 7, 1),
        amount=1_000_000,
        kind="OT",
        credit=True,
        via="APP",
        party=saver.account,
        bank=BANK["OT"],
    )
    joined = {customer.cust_id: customer.joined for customer in CUSTOMERS}
    rows = [row for row in (*lives, saved) if max(start, joined[row.cust_id]) <= row.day <= end]
    return People(CUSTOMERS, tuple(accounts), loans, booking_frame(rows))


def _loan(customer: Customer) -> Loan:
    paid_out, yuan, months, late_since = LOANS[customer.number]
    return Loan(
        number=customer.number,
        cust_id=customer.cust_id,
        account=customer.account,
        paid_out=paid_out,
        months=months,
        granted=yuan * 100,
        late_since=late_since,
        grade="SM" if customer.number == 10 else None,
        written_off=customer.number == 9,
    )


def _life(customer: Customer, start: dt.date, end: dt.date) -> list[Booking]:
    """A customer's bookings of whole months; the caller cuts them at both ends."""
    diary = Diary(customer)
    for month in months_between(start, end):
        _month(diary, customer.number, month)
    _events(diary, customer)
    return diary.bookings


def _month(diary: Diary, number: int, month: dt.date) -> None:
    """What comes again every month."""
    if month.month % 3 == 0 and number != 24:
        diary.into(day_of(month, 21), 10 + number, "IT")
    if salary := SALARY.get(number):
        diary.into(day_of(month, 10), salary, "SA", "河畔食品有限公司")
        for on in (4, 12, 19, 26):  # nine tenths of it are spent
            diary.out_of(day_of(month, on), salary * 12 // 100, "QP", "河畔超市", minute=660 + on)
        diary.out_of(day_of(month, 18), salary * 12 // 100, "BI", "河畔供电所", minute=1_140)
        diary.out_of(day_of(month, 25), salary * 30 // 100, "CO")
    if turnover := TURNOVER.get(number):
        yuan = turnover[0] if month < day(2026, 8, 1) else turnover[1]
        for on, party in ((3, "甲商行"), (11, "乙商行"), (20, "丙商行"), (27, "丁商行")):
            diary.into(day_of(month, on), yuan // 4, party=party)
        diary.out_of(day_of(month, 28), yuan * 8 // 10, party="进货")
    match number:
        case 2 if month < day(2026, 9, 1):
            diary.into(day_of(month, 10), 6_000, "SA", "河西纺织厂")
            diary.out_of(day_of(month, 12), 5_000, party="房东")
        case 15:
            diary.into(day_of(month, 8), 7_000, party="老主顾")
            diary.out_of(day_of(month, 24), 6_000, "PO", "河畔建材")
        case 16:
            for one in range(24):
                diary.into(day_of(month, one + 1), 6_000, party=f"顾客{one:02}", minute=540 + one)
            for one in range(6):
                diary.out_of(day_of(month, one + 5), 23_000, party=f"供货商{one}")
        case 21:
            _farm(diary, month)
        case 22:
            diary.into(day_of(month, 15), 2_100, "SU", "县社保中心")
            diary.out_of(day_of(month, 16), 1_800, "CO", via="SVC")
        case 23:
            for one in range(8):
                diary.into(day_of(month, 2 + 3 * one), 40_000, party=f"客户{one}公司", via="CTR")
                diary.out_of(day_of(month, 3 + 3 * one), 38_000, party=f"供应商{one}公司", via="CTR")
        case 24:
            diary.into(day_of(month, 20), 3_000, party="父亲")
            diary.out_of(day_of(month, 23), 2_500, "QP", "河畔书店")


def _farm(diary: Diary, month: dt.date) -> None:
    """A subsidy and seed in spring, harvests in June and October, cash from the village point."""
    diary.out_of(day_of(month, 6), 1_200, "CO", via="SVC")
    if month.month == 3:
        diary.into(day_of(month, 15), 1_800, "SU", "县财政局")
        diary.out_of(day_of(month, 20), 6_000, "CO", via="SVC")
    if month.month in (6, 10):
        diary.into(day_of(month, 22), 45_000, party="河畔粮库")


def _events(diary: Diary, customer: Customer) -> None:
    """What happens once: that for which most of the cast are there."""
    eve, first_night = LAST_HISTORY - dt.timedelta(days=1), LAST_HISTORY + dt.timedelta(days=1)
    match customer.number:
        case 1:  # two rows of a payment that was taken back: none of them is a deed of the customer
            diary.out_of(day(2026, 9, 7), 888, party="误转")
            diary.into(day(2026, 9, 7), 888, party="误转", minute=615)
        case 11:
            diary.out_of(day(2026, 7, 1), 10_000, "OT", customer.savings)
        case 12 | 13:
            diary.out_of(day(2026, 8, 20), 82_000, party="他行本人")
        case 14:
            diary.out_of(day(2026, 8, 18), 10_000, party="他行本人")
        case 15:
            for one in range(24):
                on = day(2026, 10, 8) + dt.timedelta(days=one % 21)
                diary.into(on, 6_900, party=f"散户{one:02}", minute=480 + one)
            for one in range(2):
                diary.out_of(LAST_HISTORY, 75_000, party=f"归集{one}")
        case 17 | 18:
            diary.into(first_night, 60_000 if customer.number == 17 else 2_000, "CI")
        case 19 | 20:
            sums = (48_000, 49_500, 46_000) if customer.number == 19 else (50_000, 62_000, 49_000)
            for on, yuan in zip((eve, LAST_HISTORY, first_night), sums, strict=True):
                diary.into(on, yuan, "CI")
