"""Credit cards: what is bought, when statements come and whether they are paid, and what is paid in instalments.

One in twelve has a card. A month is reckoned at a time, all accounts together: who is under stress uses more of the
limit and pays the least that is asked, and who is late with a loan stops paying the card a little earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.days import Numbers, add_months, date_of, number
from pipelines.demo.systems.card_states import DAYS_TO_PAY, Book, Months, instalments, states
from pipelines.demo.systems.feeds import Events, States
from pipelines.demo.systems.world import World, drawn, numbered, serial

HELD = (0.16, 0.25, 0.02, 0.03, 0.16, 0.05, 0.0, 0.0)
"""Share of each way of life that has a card."""
CATEGORIES = ("5411", "5812", "5311", "5541", "5651", "7011", "4511", "5722", "5912")
TERMS = (3, 6, 12, 24)
_MONTHS_BEFORE = 3
_EPOCH = number(date_of(19_662))
"""2023-11-01: cards' months are counted from here on, so that what is drawn does not depend on the history's length."""


@dataclass(frozen=True)
class Cards:
    """The three feeds, and what the bureau has to know of the accounts: number and owner."""

    accounts: States
    bookings: Events
    instalments: States
    numbers: pl.DataFrame


def draw(world: World, merchants: pl.Series) -> Cards:
    """All cards and what is done with them, up to the horizon; goods in instalments are bought at `merchants`."""
    chance = world.chance(10)
    book = _accounts(world, chance)
    names = numbered("CA", np.arange(len(book.owner)) * 7 + 100_001, 10)
    spent, plans = _wishes(world, book, merchants, chance)
    months = _months(world, book, spent, chance)
    spent = spent.with_columns(pl.Series("amount", months.allowed))
    spent = spent.filter(pl.col("amount") > 0)
    paid = months.payments
    bookings = pl.concat([spent, paid.select(spent.columns)]).sort("day", "second", "card")
    accounts = states(world, book, names, bookings=bookings, months=months, plans=plans)
    fixed = pl.DataFrame({"card_acct": names, "cust_no": world.persons["cust_no"][book.owner]}).with_columns(
        pl.Series("owner", book.owner), pl.Series("opened", book.opened)
    )
    rows = bookings.filter(pl.col("day") >= world.span.start).rename({"day": "state_date", "second": "txn_time"})
    days = rows["state_date"].to_numpy()
    rows = rows.with_columns(
        pl.col("state_date").alias("txn_date"),
        names[rows["card"].to_numpy()].alias("card_acct"),
        pl.lit(words.COUNTY).alias("region_code"),
        (pl.lit("CC") + pl.Series(_dated(days)) + numbered("", serial(days), 6)).alias("txn_id"),
    )
    return Cards(
        accounts=States(accounts, ("card_acct",), world.span, full=True),
        bookings=Events(rows, world.span),
        instalments=States(instalments(plans, names), ("inst_no",), world.span, full=True),
        numbers=fixed,
    )


def _dated(days: Numbers) -> list[str]:
    known = {day: f"{date_of(day):%Y%m%d}" for day in np.unique(days).tolist()}
    return [known[day] for day in days.tolist()]


def _accounts(world: World, chance: np.random.Generator) -> Book:
    people = world.people
    able = world.adult & ~people.sleeps & (people.gone_on > world.span.start) & (people.opened < world.span.start)
    has = able & (chance.random(people.count) < np.array(HELD)[people.way]) & ~people.quiet
    owner = np.flatnonzero(has) if has.any() else np.flatnonzero(able)[:1]
    count = len(owner)
    opened = np.maximum(people.opened[owner], world.span.start - 1_500) + chance.integers(5, 1_700, size=count)
    opened = np.where(np.arange(count) % 3 == 0, np.minimum(opened, world.span.start - 40), opened)
    limit = np.maximum(people.income[owner] * chance.uniform(1.5, 5.0, size=count) // 100_000, 5).astype(np.int64)
    return Book(owner, opened, limit * 100_000, chance.integers(1, 26, size=count), people.gone_on[owner])


def _wishes(
    world: World, book: Book, merchants: pl.Series, chance: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What is to be bought, and the plans of instalments."""
    span, count = world.span, len(book.owner)
    begin = np.maximum(book.opened + 3, span.start - 31 * _MONTHS_BEFORE)
    days = np.maximum(np.minimum(span.horizon, book.ends) - begin, 0)
    times = chance.poisson(days * 0.14 * world.people.intensity[book.owner])
    card = np.repeat(np.arange(count), times)
    day = begin[card] + (chance.random(len(card)) * days[card]).astype(np.int64)
    kind = drawn("1246", len(card), chance, (0.94, 0.04, 0.005, 0.015))
    sized = np.exp(chance.normal(-4.2, 0.9, size=len(card))) * (1 + 1.2 * world.strain(day, book.owner[card]))
    amount = np.maximum(book.limit[card] * sized.clip(0, 0.3), 100).astype(np.int64)
    amount = np.where(kind == "2", np.maximum(amount // 10_000, 1) * 10_000, np.where(kind == "4", 1_000, amount))
    bought = pl.DataFrame(
        {
            "card": card,
            "day": day,
            "second": chance.integers(7 * 3_600, 23 * 3_600, size=len(card)),
            "amount": amount,
            "cc_type": kind,
            "mcc": np.where(np.isin(kind, ("1", "6")), drawn(CATEGORIES, len(card), chance), ""),
            "shop": chance.integers(0, max(len(merchants), 1), size=len(card)),
        }
    )
    at_shop = pl.col("mcc") != ""
    bought = bought.with_columns(
        pl.when(at_shop).then("mcc").alias("mcc"),
        pl.when(at_shop).then(pl.lit(merchants).gather("shop")).alias("merchant_id"),
    ).drop("shop")
    plans = _plans(world, book, merchants, chance)
    goods = plans.filter(~pl.col("refused")).with_columns(
        (pl.col("asked_on") + 1).alias("day"), pl.lit("3").alias("cc_type"), pl.lit("5722").alias("mcc"),
        pl.lit(43_200).cast(pl.Int64).alias("second"),
    )  # fmt: skip
    return pl.concat([bought, goods.select(bought.columns)]).sort("day", "card", "second"), plans


def _plans(world: World, book: Book, merchants: pl.Series, chance: np.random.Generator) -> pl.DataFrame:
    """Instalments: one in three accounts has some, the first account always."""
    count = len(book.owner)
    card = np.unique(np.r_[0, np.flatnonzero(chance.random(count) < 0.35)])
    earliest = np.maximum(book.opened[card] + 20, world.span.start - 60)
    latest = np.maximum(np.minimum(world.span.horizon, book.ends[card]) - 40, earliest + 1)
    asked = earliest + (chance.random(len(card)) * (latest - earliest)).astype(np.int64)
    asked[0] = earliest[0]
    refused = (chance.random(len(card)) < 0.15) & (card != 0)
    amount = (book.limit[card] * chance.uniform(0.05, 0.2, size=len(card))).astype(np.int64) // 10_000 * 10_000 + 20_000
    kind = np.where(chance.random(len(card)) < 0.6, "3", "2")
    shop = pl.Series(merchants)[chance.integers(0, len(merchants), size=len(card))]
    return pl.DataFrame(
        {
            "card": card,
            "asked_on": asked,
            "refused": refused,
            "amount": amount,
            "terms": chance.choice(TERMS, size=len(card)),
            "inst_kind": kind,
            "merchant_id": shop,
        }
    )


def _months(world: World, book: Book, spent: pl.DataFrame, chance: np.random.Generator) -> Months:
    """Statement by statement: what was bought within the limit, what is asked, and what is paid of it and when."""
    span, count, people = world.span, len(book.owner), world.people
    first = int(add_months(np.array([span.start]), -_MONTHS_BEFORE)[0])
    starts = [first]
    while starts[-1] <= span.horizon:
        starts.append(int(add_months(np.array([first]), len(starts))[0]))
    card, day, amount = (spent[name].to_numpy() for name in ("card", "day", "amount"))
    sign = np.where(spent["cc_type"].to_numpy() == "6", 0, 1)  # refunds are counted where they are booked
    allowed = amount.copy()
    balance = np.zeros(count, dtype=np.int64)
    late_loan = world.first_late[1][book.owner]
    careful = chance.random(count) < 0.8
    payments, statements = [], []
    for begin, end in pairwise(starts):
        opens, closes = begin + book.day, end + book.day  # the statement at `opens` closes the month before it
        due = opens + DAYS_TO_PAY
        alive = (book.opened < opens) & (opens < book.ends)
        asked = np.where(alive, np.maximum(balance, 0), 0)
        least = np.where(asked > 0, np.minimum(np.maximum(asked // 10, 10_000), asked), 0)
        broke = world.strain(due, book.owner)
        stops = (late_loan - 25 <= due) & (people.stress_until[book.owner] > due)
        whole = careful & (broke < 0.3)
        pays = np.where(stops | (chance.random(count) < 0.01), 0, np.where(whole, asked, np.minimum(least * 2, asked)))
        on = np.minimum(opens + chance.integers(2, DAYS_TO_PAY + 1, size=count), closes - 1)
        pays = np.where(on < book.ends, pays, 0)
        balance = balance - pays
        mine = (day >= opens[card]) & (day < closes[card]) & (sign > 0)
        wanted = np.bincount(card[mine], weights=amount[mine], minlength=count)
        # Refunds of purchases that were allowed: of small amounts, taken from the month's wishes.
        room = np.maximum(book.limit - balance, 0)
        factor = np.where(wanted > room, room / np.maximum(wanted, 1), 1.0)
        allowed[mine] = (amount[mine] * factor[card[mine]]).astype(np.int64)
        balance = balance + np.bincount(card[mine], weights=allowed[mine], minlength=count).astype(np.int64)
        back = (day >= opens[card]) & (day < closes[card]) & (sign == 0)
        allowed[back] = np.minimum(allowed[back], np.maximum(balance[card[back]], 0) // 4)
        balance = balance - np.bincount(card[back], weights=allowed[back], minlength=count).astype(np.int64)
        paying = pays > 0
        payments.append(_paid(np.flatnonzero(paying), on[paying], pays[paying]))
        statements.append(
            pl.DataFrame({"card": np.flatnonzero(alive), "day": opens[alive], "due": due[alive], "asked": asked[alive],
                          "least": least[alive], "paid": pays[alive], "paid_on": on[alive]})
        )  # fmt: skip
    inside = (day >= starts[0] + book.day[card]) & (day < starts[-1] + book.day[card])
    allowed[~inside] = 0
    return Months(allowed, pl.concat(payments), pl.concat(statements))


def _paid(card: Numbers, on: Numbers, amount: Numbers) -> pl.DataFrame:
    """Repayments, as bookings."""
    said = pl.DataFrame({"card": card, "day": on, "amount": amount, "second": 30_000 + card % 20_000})
    none = pl.lit(None, dtype=pl.String)
    return said.with_columns(pl.lit("5").alias("cc_type"), none.alias("mcc"), none.alias("merchant_id"))
