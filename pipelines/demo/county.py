"""A county bank out of nothing: `write_county` writes a landing with a history and some nights, and the truth behind it.

One latent truth (`people`) drives all feeds: the ten of core banking and loans, and, where they are asked for, the 54
of the other systems (`systems`). The loan book and the deposits are planned whole; bookings are drawn,
booked and written a month at a time, so memory is that of a month. The same arguments give the same bytes; more nights
change nothing that was written with fewer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from liangcang.errors import UsageError
from pipelines.demo import (
    accounts,
    cast,
    cast_lives,
    cast_loans,
    counterparties,
    customers,
    fates,
    lives,
    loan_feeds,
    loans,
)
from pipelines.demo.bookings import Bookings, Kind, Plan, Rule, bookings, joined
from pipelines.demo.core_feeds import ACCOUNT_LINE, Bank, branches, calendar, products
from pipelines.demo.customers import LINE, Customers
from pipelines.demo.days import MOST_MONTHS, MOST_NIGHTS, Numbers, Span, column, date_of
from pipelines.demo.delivery import BLOCK, Delivery
from pipelines.demo.faults import plant
from pipelines.demo.flows import Flows
from pipelines.demo.ledger import Ledger, Posted
from pipelines.demo.systems.all_feeds import Systems
from pipelines.demo.systems.world import World
from pipelines.demo.texts import SEPARATOR, day, fields
from pipelines.demo.truth import truth

STATED = pl.concat_str(day("day"), pl.lit(SEPARATOR))
"""The first column of a history of dated states."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A bank that was written: its landing, the dates it has, and the file with the truth behind it."""

    landing: Path
    history: tuple[dt.date, dt.date]
    nights: tuple[dt.date, ...]
    truth: Path


def write_county(
    folder: Path,
    *,
    customers: int = 5_000,
    months: int = 18,
    nights: int = 3,
    seed: int = 7,
    activity: float = 0.35,
    bad_row: bool = True,
    flaws: bool = True,
    feeds: Literal["ten", "all"] = "ten",
) -> Demo:
    """Write `folder/landing` with a history of so many months to 2026-10-31 and the nights after it, and the truth.

    `activity` is the mean number of transactions a customer and day. With `bad_row`, a customer of the first night has
    a date that is none; with `flaws`, a few IDs are wrong, and somebody pays after his death: without them no row breaks a
    rule. `feeds`: the ten of core banking and loans, or all 64 of the bank. Raises UsageError for sizes that cannot be made, or when the folder has a landing already.
    """
    _check(folder, customers=customers, months=months, nights=nights, activity=activity)
    landing, span = folder / "landing", Span.of(months)
    made = Made.of(customers, span, seed=seed, activity=activity, further=feeds == "all", flaws=flaws)
    days = tuple(date_of(span.end + nth) for nth in range(1, nights + 1))
    made.write(landing, last=span.end + nights)
    made.truth.write_parquet(folder / "truth.parquet")
    if bad_row and days:
        plant(landing, days[0], "bad_row")
    history = (date_of(span.start), date_of(span.end))
    return Demo(landing=landing, history=history, nights=days, truth=folder / "truth.parquet")


def _check(folder: Path, *, customers: int, months: int, nights: int, activity: float) -> None:
    fewest = len(cast.MEMBERS)
    if customers < fewest:
        raise UsageError("the cast alone is more than that", expected=f"{fewest} customers or more", found=customers)
    if not 1 <= months <= MOST_MONTHS or not 0 <= nights <= MOST_NIGHTS:
        raise UsageError(
            "the demo bank cannot have that", expected=f"1 to {MOST_MONTHS} months, 0 to {MOST_NIGHTS} nights"
        )
    if not 0 < activity <= 10:
        raise UsageError("nobody is that active", expected="above 0, at most 10", found=activity)
    if (folder / "landing").exists():
        raise UsageError(
            "there is a landing in this folder already", file=folder, next="take a new folder, or remove it"
        )


@dataclass
class Made:
    """Everything that is planned; what is drawn by the month is still to come."""

    seed: int
    span: Span
    bank: Bank
    records: Customers
    loans: loan_feeds.LoanFeeds
    plan: Plan
    flows: Flows
    truth: pl.DataFrame
    further: Systems | None

    @classmethod
    def of(
        cls, count: int, span: Span, *, seed: int, activity: float, further: bool = False, flaws: bool = True
    ) -> Made:
        """A population with its accounts, loans and plans. Each kind of thing is drawn from a stream of its own."""
        chances = [np.random.default_rng([seed, nth]) for nth in range(6)]
        everybody = fates.draw(count, len(cast.MEMBERS), span, chances[0])
        cast.settle(everybody)
        book = loans.draw(everybody, span, chances[1])
        book = cast_loans.joined_to(book)
        held, moves = accounts.draw(everybody, span, chances[2])
        others = counterparties.draw(count, chances[3])
        records = cast.papers(customers.draw(everybody, span, chances[4], flaws=flaws), flaws=flaws)
        bank = Bank(everybody, held, records, others)
        lent = loan_feeds.of(
            book, span, customers=records.numbers, accounts=bank.numbers, outlets=customers.outlets(everybody)
        )
        moves += lives.of_all(everybody, others, span, chances[5]) + cast_lives.of_cast(others, span, flaws=flaws)
        keeps = np.zeros(count, dtype=bool)
        keeps[[cast.PLACE[who] for who in cast_loans.SPENT_BY_HAND]] = True
        bank_side, supplier = int(others.of("loans", 0)), int(others.of("supplier", 5))
        moves += loan_feeds.money_moves(book, lent.plan, span, bank=bank_side, supplier=supplier, keeps=keeps)
        changes = bank.account_changes().filter(pl.col("day") > span.start)
        first = np.flatnonzero(held.opened <= span.start)
        moves += [
            _state_changes(column(changes, "account"), column(changes, "day")),
            _state_changes(first, np.full(len(first), span.start)),
        ]
        return cls(
            seed=seed,
            span=span,
            bank=bank,
            records=records,
            loans=lent,
            plan=Plan(moves),
            flows=Flows(everybody, held, others, activity=activity),
            truth=truth(everybody, book, lent, records.numbers),
            further=Systems(
                World(
                    seed=seed,
                    span=span,
                    bank=bank,
                    records=records,
                    others=others,
                    book=book,
                    lent=lent,
                    activity=activity,
                )
            )
            if further
            else None,
        )

    def write(self, landing: Path, *, last: int) -> None:
        """The history's files, and those of the nights up to `last`."""
        self._write_small_histories(landing)
        held = self.bank.accounts
        last_deed = np.where(held.opening > 0, self.span.start - 5 - np.arange(len(held)) % 60, 0)
        sleeping = self.bank.people.sleeps[held.customer]
        last_deed = np.where(sleeping & (last_deed > 0), np.maximum(self.span.start - 800, held.opened), last_deed)
        ledger = Ledger(
            opening=held.opening, last_deed=np.maximum(last_deed, 0), rate=np.where(held.is_time, 0, held.rate)
        )
        with ExitStack() as open_files:
            booked = open_files.enter_context(Delivery(landing, "cb_txn", self.span.end, history=True))
            states = open_files.enter_context(Delivery(landing, "cb_dep_acct", self.span.end, history=True))
            for first, end in self.span.months():
                if first > self.span.end:
                    break
                for posted in self.posted(ledger, first, end):
                    if self.further:
                        self.further.post(posted)
                    self._write_bookings(booked, posted)
                    order = np.argsort(posted.changed_on, kind="stable")
                    columns = (posted.changed, posted.changed_on, posted.balance, posted.last_deed)
                    self._write_accounts(states, *(column[order] for column in columns), dated=True)
        if self.further:
            self.further.write_history(landing)
        for first, end in self.span.months():
            if self.span.end < first <= last:
                self._write_nights(landing, ledger, first, end, last)

    def posted(self, ledger: Ledger, first: int, last: int) -> Iterator[Posted]:
        """A month's books, a third at a time."""
        chance = np.random.default_rng([self.seed, 100, first])
        wanted = joined([self.plan.between(first, last), *self.flows.month(first, last, chance)])
        for begin, end in self.span.thirds(first, last):
            yield ledger.post(wanted.take((wanted.day >= begin) & (wanted.day <= end)), begin, end)

    def _write_bookings(self, file: Delivery, posted: Posted) -> None:
        for block in self.bank.transactions(posted):
            file.write(block)

    def _write_accounts(
        self, file: Delivery, account: Numbers, on: Numbers, balance: Numbers, last_deed: Numbers, *, dated: bool
    ) -> None:
        line = (STATED, *ACCOUNT_LINE) if dated else ACCOUNT_LINE
        for place in range(0, len(account), BLOCK):
            part = slice(place, place + BLOCK)
            rows = self.bank.account_states(account[part], on[part], balance[part], last_deed[part])
            file.write_lines(rows, *line, fen="balance")

    def _write_nights(self, landing: Path, ledger: Ledger, first: int, end: int, last: int) -> None:
        """The files of a month's nights up to `last`, day by day from the books of the day before."""
        balance, last_deed, opened = ledger.balance.copy(), ledger.last_deed.copy(), self.bank.accounts.opened
        for (begin, until), posted in zip(self.span.thirds(first, end), self.posted(ledger, first, end), strict=True):
            if self.further and begin <= last:
                self.further.post(posted)
            for night in range(begin, min(until, last) + 1):
                changed = posted.changed_on == night
                balance[posted.changed[changed]] = posted.balance[changed]
                last_deed[posted.changed[changed]] = posted.last_deed[changed]
                there = np.flatnonzero(opened <= night)
                with Delivery(landing, "cb_txn", night) as file:
                    self._write_bookings(file, posted.of_day(night))
                with Delivery(landing, "cb_dep_acct", night) as file:
                    on = np.full(len(there), night)
                    self._write_accounts(file, there, on, balance[there], last_deed[there], dated=False)
                self._write_small_night(landing, night)
                if self.further:
                    self.further.write_night(landing, night)

    def _write_small_histories(self, landing: Path) -> None:
        """The feeds that are few enough to be written whole: states as of the first day, and every change after it."""
        span, lent = self.span, self.loans
        opened = np.flatnonzero(self.bank.people.opened <= span.start)
        changes = self.records.changes().filter(pl.col("day").is_between(span.start + 1, span.end))
        with Delivery(landing, "cb_cust_ind", span.end, history=True) as file:
            for who, on in (
                (opened, np.full(len(opened), span.start)),
                (column(changes, "customer"), column(changes, "day")),
            ):
                rows = self.records.as_of(who, on).with_columns(pl.Series("day", on))
                file.write_lines(rows, STATED, *LINE)
        same = pl.lit(span.start).alias("day")
        stated = {
            "cb_org": branches().with_columns(same),
            "cb_product": products(further=self.further is not None).with_columns(same),
        }
        for feed, rows in (stated | {"cb_calendar": calendar(span).filter(pl.col("day") <= span.end)}).items():
            with Delivery(landing, feed, span.end, history=True) as file:
                file.write_lines(rows, STATED, *_plain(rows))
        for feed, states in lent.states().items():
            with Delivery(landing, feed, span.end, history=True) as file:
                file.write_lines(lent.dated(feed, span.start, span.end), STATED, *states.line, fen=states.summed)
        with Delivery(landing, "ln_repay", span.end, history=True) as file:
            rows = lent.repayments.filter(pl.col("day") <= span.end)
            file.write_lines(rows, *loan_feeds.REPAY_LINE, fen="principal")

    def _write_small_night(self, landing: Path, night: int) -> None:
        lent = self.loans
        there = np.flatnonzero(self.bank.people.opened <= night)
        with Delivery(landing, "cb_cust_ind", night) as file:
            file.write_lines(self.records.as_of(there, np.full(len(there), night)), *LINE)
        days = calendar(self.span).filter(pl.col("day") <= night).sort("cal_date")
        sold = products(further=self.further is not None)
        for feed, rows in {"cb_org": branches(), "cb_product": sold, "cb_calendar": days}.items():
            with Delivery(landing, feed, night) as file:
                file.write_lines(rows, *_plain(rows))
        for feed, states in lent.states().items():
            with Delivery(landing, feed, night) as file:
                file.write_lines(lent.on(feed, night), *states.line, fen=states.summed)
        with Delivery(landing, "ln_repay", night) as file:
            rows = lent.repayments.filter(pl.col("day") == night)
            file.write_lines(rows, *loan_feeds.REPAY_LINE, fen="principal")


def _state_changes(account: Numbers, on: Numbers) -> Bookings:
    return bookings(account=account, day=on, second=0, rule=Rule.STATE, kind=Kind.OTHER)


def _plain(rows: pl.DataFrame) -> tuple[pl.Expr, ...]:
    """All columns but the day, as they are."""
    return fields(*(pl.col(name) for name in rows.columns if name != "day"))
