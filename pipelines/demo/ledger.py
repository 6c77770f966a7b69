"""The books: what is wanted becomes what is booked, in order of time, and no balance falls below zero.

`post` goes through some days twice. First each account's bookings are taken one after another (the first of every
account, then the second of every account, …): a payment that is not covered is refused, a repayment that is not covered
is topped up with cash. What one customer pays another comes in after that, and interest: both only add, so what was
covered stays covered. Then the running balances are summed up, in whole fen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipelines.demo.bookings import NOBODY, OF_CUSTOMERS, Bookings, Kind, Rule, bookings, joined
from pipelines.demo.days import Numbers, date_of

ROUND = 10_000
"""Fen of a hundred yuan: what people draw, pay in and top up is a multiple of it."""
BASE = 360
"""Days of a year, as interest on deposits counts them."""


@dataclass(frozen=True)
class Posted:
    """What was booked, ordered by account, day and second. `signed` is positive for credits."""

    rows: Bookings
    signed: Numbers
    after: Numbers
    changed: Numbers
    """Accounts of which a new state is due: as of the day beside it, with its balance and its last deed."""
    changed_on: Numbers
    balance: Numbers
    last_deed: Numbers

    def of_day(self, day: int) -> Posted:
        """The bookings of one day, without the states."""
        which, none = self.rows.day == day, self.changed[:0]
        return Posted(self.rows.take(which), self.signed[which], self.after[which], none, none, none, none)


class Ledger:
    """The balances of all accounts, carried on from post to post."""

    def __init__(self, *, opening: Numbers, last_deed: Numbers, rate: Numbers) -> None:
        """`rate` is in millionths of a per cent a year; accounts with 0 earn nothing here."""
        self.balance = opening.copy()
        self.last_deed = last_deed.copy()
        self._rate = rate
        self._reckoned = np.zeros(len(opening), dtype=np.int64)  # fen times days since the last quarter day

    def post(self, wanted: Bookings, first: int, last: int) -> Posted:
        """Book what is wanted on the days from `first` to `last`, in which interest is paid on `first` or on no day."""
        wanted = wanted.take(_in_order(wanted))
        booked = self._decided(wanted)
        if pays_interest(first):
            booked = joined([booked, self._interest(booked, first)])
            self._reckoned[:] = 0
        booked = joined([booked, self._closing_interest(booked, first)])
        booked = booked.take(_in_order(booked))
        signed = self._signed(booked)
        after = self.balance[booked.account] + _running(signed, booked.account)
        self._reckoned += self._moved(booked, signed, first, last)
        self._reckoned[booked.account[booked.rule == Rule.CLOSE]] = 0
        return self._posted(booked, signed, after)

    def _decided(self, wanted: Bookings) -> Bookings:
        """What is booked of it: drains with their amounts, cash before what had to be paid, and both sides."""
        account, rules, amounts = wanted.account, wanted.rule, wanted.amount
        starts = _starts(account)
        counts = np.diff(np.r_[starts, len(wanted)])
        by_count = np.argsort(-counts, kind="stable")
        starts, counts = starts[by_count], counts[by_count]
        left = self.balance[account[starts]]
        paid, cash = np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.int64)
        for nth in range(int(counts[0]) if len(counts) else 0):
            busy = int(np.searchsorted(-counts, -nth, side="left"))
            at = starts[:busy] + nth
            rule, amount, have = rules[at], amounts[at], left[:busy]
            above = np.maximum(have - amount, 0) * wanted.share[at] // 1_000 // ROUND * ROUND
            out = np.select(
                [rule == Rule.REFUSED, rule == Rule.MUST, rule == Rule.DRAIN, rule == Rule.CLOSE],
                [np.where(amount <= have, amount, 0), amount, above, have],
                0,
            )
            short = -(np.minimum(have - out, 0) // ROUND) * ROUND
            left[:busy] += np.where(rule == Rule.CREDIT, amount, short - out)
            paid[at], cash[at] = out, short
        debits = np.isin(rules, (Rule.REFUSED, Rule.MUST, Rule.DRAIN))
        topped = wanted.take(cash > 0)
        top_ups = bookings(
            account=topped.account,
            day=topped.day,
            second=np.maximum(topped.second - 60, 0),
            amount=cash[cash > 0],
            kind=Kind.TOP_UP,
        )
        kept = replace(wanted, amount=np.where(debits, paid, amounts)).take(~debits | (paid > 0))
        return joined([top_ups, kept, _other_sides(kept)])

    def _signed(self, booked: Bookings) -> Numbers:
        """Positive for credits. A closing takes all that is there then, interest and late receipts included."""
        signed = np.where(booked.rule == Rule.CREDIT, booked.amount, -booked.amount)
        signed[np.isin(booked.rule, (Rule.STATE, Rule.CLOSE))] = 0
        closing = booked.rule == Rule.CLOSE
        if closing.any():
            total = self.balance.copy()
            np.add.at(total, booked.account, signed)
            signed[closing] = -total[booked.account[closing]]
        return np.asarray(signed, dtype=np.int64)

    def _interest(self, booked: Bookings, day: int) -> Bookings:
        """The quarter's interest, on accounts that are still open at the end of the day."""
        earned = _yield(self._reckoned, self._rate)
        earned[booked.account[(booked.rule == Rule.CLOSE) & (booked.day == day)]] = 0
        paid = np.flatnonzero(earned)
        return bookings(account=paid, day=day, second=7_200, amount=earned[paid], kind=Kind.INTEREST)

    def _closing_interest(self, booked: Bookings, first: int) -> Bookings:
        """What an account has earned, up to the day before it is closed, and not been paid yet."""
        closing = np.flatnonzero(booked.rule == Rule.CLOSE)
        if not len(closing):
            return booked.take(closing)
        account, day = booked.account[closing].astype(np.int64), booked.day[closing].astype(np.int64)
        until = np.zeros(len(self.balance), dtype=np.int64)
        until[account] = day
        reckoned = self._reckoned + self.balance * np.maximum(until - first, 0)
        weight = np.maximum(until[booked.account] - booked.day, 0)
        np.add.at(reckoned, booked.account, self._signed(booked) * weight)
        earned = _yield(reckoned, self._rate)[account]
        at, second = earned > 0, np.maximum(booked.second[closing] - 1, 0)
        return bookings(account=account[at], day=day[at], second=second[at], amount=earned[at], kind=Kind.INTEREST)

    def _moved(self, booked: Bookings, signed: Numbers, first: int, last: int) -> Numbers:
        """Fen times days of each account's end of day, from `first` to `last`."""
        total = self.balance * (last - first + 1)
        np.add.at(total, booked.account, signed * (last - booked.day + 1))
        return total

    def _posted(self, booked: Bookings, signed: Numbers, after: Numbers) -> Posted:
        account, day = booked.account.astype(np.int64), booked.day.astype(np.int64)
        deed = OF_CUSTOMERS[(signed < 0).astype(np.int8), booked.kind] & (booked.reversed == 0) & (signed != 0)
        # The newest deed of the account so far: days lie below 2^20, so an account's never reach the next one's.
        seen = np.maximum.accumulate((account << 20) + np.where(deed, day, 0)) - (account << 20)
        ends = np.flatnonzero(np.r_[(account[1:] != account[:-1]) | (day[1:] != day[:-1]), len(account) > 0])
        newest = np.maximum(seen[ends], self.last_deed[account[ends]])
        self.balance[account[ends]] = after[ends]
        self.last_deed[account[ends]] = newest
        real = signed != 0
        return Posted(
            rows=booked.take(real),
            signed=signed[real],
            after=after[real],
            changed=account[ends],
            changed_on=day[ends],
            balance=after[ends],
            last_deed=newest,
        )


def pays_interest(day: int) -> bool:
    """Whether interest is paid on a day: it is reckoned up to 20 March, June, September and December."""
    date = date_of(day)
    return date.month % 3 == 0 and date.day == 21


def _in_order(rows: Bookings) -> Numbers:
    """By account, day and second; what was said first comes first."""
    place = (rows.account.astype(np.int64) << 40) + (rows.day.astype(np.int64) << 20) + rows.second
    return np.argsort(place, kind="stable")


def _starts(account: Numbers) -> Numbers:
    """Where each account's rows begin."""
    return np.flatnonzero(np.r_[len(account) > 0, account[1:] != account[:-1]])


def _running(signed: Numbers, account: Numbers) -> Numbers:
    """Sums within each account, up to and with each row."""
    total, starts = np.cumsum(signed), _starts(account)
    before = (total - signed)[starts]
    return np.asarray(total - np.repeat(before, np.diff(np.r_[starts, len(account)])), dtype=np.int64)


def _yield(reckoned: Numbers, rate: Numbers) -> Numbers:
    """Interest in whole fen on fen times days, half a fen rounded up."""
    per = BASE * 100_000_000
    return np.asarray((reckoned * rate + per // 2) // per, dtype=np.int64)


def _other_sides(kept: Bookings) -> Bookings:
    """What arrives on an account of ours: the credit of a transfer, or the entry that takes a booking back."""
    sent = kept.take(kept.partner != NOBODY)
    return bookings(
        account=sent.partner,
        day=sent.day,
        second=np.minimum(sent.second + sent.delay, 86_398),
        amount=sent.amount,
        kind=sent.back,
        other=np.where(sent.reversed == 1, sent.other, -1 - sent.account),
        reversed=sent.reversed * 2,
    )
