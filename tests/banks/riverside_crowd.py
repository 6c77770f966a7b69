"""The crowd of the small bank: customers drawn at random around the cast, the same ones for the same seed.

Salaries, pensions, harvests, shops, QR payments, cash: what a county's customers do in a month, drawn as whole columns,
so that thousands of customers take a second. Amounts are in fen.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from banks.riverside_people import (
    BANK,
    VIA,
    Account,
    Customer,
    Loan,
    People,
    booking_frame,
    due_date,
    months_between,
)
from numpy.typing import NDArray

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀英华玉兰桂平刚红梅建国文斌辉鹏飞雪琳佳怡浩宇欣然㐂𠮷"
SALARIED, PENSIONER, FARMER, TRADER, FIRM = range(5)
SHARES = (0.45, 0.18, 0.22, 0.12, 0.03)
"""Ways of life, and how many of the crowd lead each."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Habit:
    """A kind of booking that some ways of life make: how often a month, how large (median in fen, spread), when, and
    with how many others. `via` says how it reaches the bank where that is not the kind's usual way.
    """

    lives: tuple[int, ...]
    kind: str
    credit: bool
    times: int
    median: int
    spread: float = 0.6
    day: int | None = None
    months: tuple[int, ...] = tuple(range(1, 13))
    parties: int = 0
    via: str = ""


EVERYBODY = (SALARIED, PENSIONER, FARMER, TRADER)
HABITS = (
    Habit((SALARIED,), "SA", credit=True, times=1, median=620_000, spread=0.35, day=10, parties=40),
    Habit((PENSIONER,), "SU", credit=True, times=1, median=190_000, spread=0.3, day=15, parties=1),
    Habit((FARMER,), "SU", credit=True, times=1, median=120_000, spread=0.4, day=20, months=(3,), parties=1),
    Habit((FARMER,), "TR", credit=True, times=1, median=2_200_000, spread=0.5, months=(6, 10), parties=12),
    Habit((FARMER,), "CO", credit=False, times=1, median=350_000, spread=0.5, months=(3, 4), via="SVC"),
    Habit((TRADER,), "TR", credit=True, times=8, median=110_000, spread=0.8, parties=400),
    Habit((TRADER,), "TR", credit=False, times=3, median=220_000, parties=60),
    Habit((FIRM,), "TR", credit=True, times=8, median=2_500_000, spread=0.9, parties=80, via="CTR"),
    Habit((FIRM,), "TR", credit=False, times=7, median=2_600_000, spread=0.9, parties=80, via="CTR"),
    Habit(EVERYBODY, "QP", credit=False, times=3, median=16_000, spread=0.9, parties=200),
    Habit(EVERYBODY, "BI", credit=False, times=1, median=14_000, spread=0.5, day=18, parties=3),
    Habit(EVERYBODY, "CO", credit=False, times=1, median=90_000),
    Habit((SALARIED,), "TR", credit=False, times=1, median=180_000, spread=0.8, parties=300),
    Habit((SALARIED, TRADER), "PO", credit=False, times=1, median=45_000, spread=0.8, parties=90),
    Habit((PENSIONER, FARMER), "CI", credit=True, times=1, median=60_000, spread=0.7, months=(1, 2, 9)),
    Habit((*EVERYBODY, FIRM), "IT", credit=True, times=1, median=900, spread=0.8, day=21, months=(3, 6, 9, 12)),
)


def crowd(first: int, count: int, *, start: dt.date, end: dt.date, seed: int) -> People:
    """`count` customers numbered from `first`, with their rows from `start` to `end`."""
    chance = np.random.default_rng(seed)
    lives = chance.choice(len(SHARES), size=count, p=SHARES)
    customers = tuple(_customers(first, lives, start, chance))
    accounts = tuple(_accounts(customers, chance))
    loans = tuple(_loans(customers, end, chance))
    habits = HABITS if count else ()
    bookings = pl.concat(
        [
            booking_frame(()),
            *(_booked(habit, customers, lives, start=start, end=end, chance=chance) for habit in habits),
        ]
    )
    return People(customers, accounts, loans, bookings)


def _customers(first: int, lives: Numbers, start: dt.date, chance: np.random.Generator) -> Iterator[Customer]:
    count = len(lives)
    surnames, given = chance.integers(len(SURNAMES), size=count), chance.integers(len(GIVEN), size=(count, 2))
    female, ages = chance.random(count) < 0.5, chance.random(count)
    since, towns = chance.integers(30, 6_000, size=count), chance.integers(1, 5, size=count)
    for i, life in enumerate(lives):
        oldest, years = (dt.date(1932, 1, 1), 30) if life == PENSIONER else (dt.date(1961, 1, 1), 45)
        name = SURNAMES[surnames[i]] + GIVEN[given[i, 0]] + GIVEN[given[i, 1]]
        firm = life == FIRM
        yield Customer(
            number=first + i,
            name=f"{name}商贸有限公司" if firm else name,
            kind="E" if firm else "S" if life == TRADER else "P",
            sex=None if firm else "F" if female[i] else "M",
            born=None if firm else oldest + dt.timedelta(days=int(ages[i] * years * 365)),
            joined=start - dt.timedelta(days=int(since[i])),
            branch=f"RV{towns[i]:03}",
        )


def _accounts(customers: Sequence[Customer], chance: np.random.Generator) -> Iterator[Account]:
    """A demand deposit each; one in six has a time deposit too. Balances are log-normal, as deposits are."""
    count = len(customers)
    opening = chance.lognormal(np.log(300_000), 1.4, size=count)
    saved = np.where(chance.random(count) < 1 / 6, chance.lognormal(np.log(3_000_000), 1.0, size=count), 0)
    for customer, fen, deposit in zip(customers, opening, saved, strict=True):
        demand = Account(
            account=customer.account,
            cust_id=customer.cust_id,
            opened=customer.joined,
            opening=int(fen),
            branch=customer.branch,
        )
        yield demand
        if deposit:
            yield replace(demand, account=customer.savings, opening=int(deposit), product="TD")


def _loans(customers: Sequence[Customer], end: dt.date, chance: np.random.Generator) -> Iterator[Loan]:
    """One in eight borrows; one in sixteen of those stops paying."""
    count = len(customers)
    borrows, stops = chance.random(count) < 1 / 8, chance.random(count) < 1 / 16
    ago, terms = chance.integers(40, 700, size=count), chance.choice((12, 24, 36, 60), size=count)
    granted = chance.lognormal(np.log(50_000), 0.7, size=count)
    missed = chance.integers(1, 9, size=count)
    for i, customer in enumerate(customers):
        if borrows[i]:
            loan = Loan(
                number=customer.number,
                cust_id=customer.cust_id,
                account=customer.account,
                paid_out=max(end - dt.timedelta(days=int(ago[i])), customer.joined),
                months=int(terms[i]),
                granted=int(granted[i] // 1_000 + 1) * 100_000,
                rate_pct=5,
            )
            yield replace(loan, late_since=due_date(loan, int(missed[i]))) if stops[i] else loan


def _booked(
    habit: Habit,
    customers: Sequence[Customer],
    lives: Numbers,
    *,
    start: dt.date,
    end: dt.date,
    chance: np.random.Generator,
) -> pl.DataFrame:
    """All bookings of one habit: every customer who has it, every month in which it falls."""
    having = np.flatnonzero(np.isin(lives, habit.lives))
    months = [first for first in months_between(start, end) if first.month in habit.months]
    who = np.repeat(having, len(months) * habit.times)
    month = np.tile(np.repeat(np.arange(len(months)), habit.times), len(having))
    own_size = chance.normal(0, habit.spread / 2, size=len(lives))  # who earns more, earns more every month
    size = np.exp(np.log(habit.median) + own_size[who] + chance.normal(0, habit.spread / 2, size=len(who)))
    regular = habit.day is not None  # comes on its day, and from the same one each month
    day = chance.integers(0, 28, size=len(who)) if habit.day is None else np.full(len(who), habit.day - 1)
    party = who * 7 % max(habit.parties, 1) if regular else chance.integers(max(habit.parties, 1), size=len(who))
    firsts = np.array([*months, start], dtype="datetime64[D]")
    named = pl.format(f"{habit.kind}-{{}}", "party") if habit.parties else pl.lit(None, dtype=pl.String)
    columns = {
        "account": np.array([customer.account for customer in customers])[who],
        "cust_id": np.array([customer.cust_id for customer in customers])[who],
        "day": firsts[month] + day,
        "amount": size.astype(np.int64) + 1,
        "minute": chance.integers(420, 1_320, size=len(who)),
        "party": party,
    }
    return (
        pl.DataFrame(columns)
        .filter(pl.col("day").is_between(start, end))
        .select(
            "account",
            "cust_id",
            pl.col("day").cast(pl.Date),
            "amount",
            pl.lit(habit.kind).alias("kind"),
            pl.lit(habit.credit).alias("credit"),
            pl.lit(habit.via or VIA.get(habit.kind, "APP")).alias("via"),
            "minute",
            named.alias("party"),
            pl.lit(BANK.get(habit.kind), dtype=pl.String).alias("bank"),
            pl.lit(False).alias("reversed"),
        )
    )
