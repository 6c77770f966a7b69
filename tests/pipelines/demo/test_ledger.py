"""The ledger against one account after another, by hand and by a loop that anybody can read."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.demo.bookings import Bookings, Kind, Rule, bookings, joined
from pipelines.demo.days import number
from pipelines.demo.ledger import Ledger, pays_interest

FIRST = number(dt.date(2026, 8, 1))
YUAN = 100


def ledger(*balances: int, rate: int = 0) -> Ledger:
    count = len(balances)
    return Ledger(
        opening=np.array(balances, dtype=np.int64),
        last_deed=np.zeros(count, dtype=np.int64),
        rate=np.full(count, rate, dtype=np.int64),
    )


def row(account: int, amount: int, rule: Rule, **said: int) -> Bookings:
    kind = said.pop("kind", Kind.TRANSFER)
    return bookings(account=account, day=said.pop("day", FIRST), kind=kind, amount=amount, rule=rule, **said)


def posted(book: Ledger, *rows: Bookings, last: int = FIRST + 9) -> list[tuple[int, int, int]]:
    """Account, signed amount and balance after it, in order."""
    found = book.post(joined(rows), FIRST, last)
    return list(zip(found.rows.account.tolist(), found.signed.tolist(), found.after.tolist(), strict=True))


def test_a_payment_that_is_not_covered_is_refused_and_the_next_one_is_not():
    rows = posted(
        ledger(500),
        row(0, 600, Rule.REFUSED, second=10),
        row(0, 400, Rule.REFUSED, second=20),
        row(0, 300, Rule.CREDIT, second=30),
    )
    assert rows == [(0, -400, 100), (0, 300, 400)]


def test_what_must_be_paid_is_topped_up_with_whole_hundreds_of_yuan_before_it():
    rows = posted(ledger(50 * YUAN), row(0, 260 * YUAN, Rule.MUST, second=600))
    assert rows == [(0, 300 * YUAN, 350 * YUAN), (0, -260 * YUAN, 90 * YUAN)]


def test_a_drain_takes_a_share_of_what_lies_above_a_floor():
    rows = posted(ledger(10_250 * YUAN), row(0, 1_000 * YUAN, Rule.DRAIN, share=500))
    assert rows == [(0, -4_600 * YUAN, 5_650 * YUAN)]
    assert posted(ledger(1_050 * YUAN), row(0, 1_000 * YUAN, Rule.DRAIN, share=900)) == []


def test_what_is_sent_to_another_account_arrives_there_and_what_is_refused_does_not():
    rows = posted(
        ledger(500, 0),
        row(0, 400, Rule.REFUSED, second=10, partner=1),
        row(0, 400, Rule.REFUSED, second=20, partner=1),
    )
    assert rows == [(0, -400, 100), (1, 400, 400)]


def test_a_reversal_stands_beside_what_it_takes_back():
    book = ledger(500)
    found = book.post(row(0, 200, Rule.REFUSED, partner=0, reversed=1, delay=60, kind=Kind.FAST_PAY), FIRST, FIRST + 9)
    assert found.signed.tolist() == [-200, 200]
    assert found.rows.reversed.tolist() == [1, 2]
    assert found.last_deed.tolist() == [0], "no deed of the customer"


def test_a_closed_account_is_empty_and_has_its_interest():
    """36,000.00 yuan at 0.36 % for four days: 1.44."""
    book = ledger(36_000 * YUAN, rate=360_000)
    rows = posted(book, row(0, 0, Rule.CLOSE, day=FIRST + 4))
    assert rows == [(0, 144, 3_600_144), (0, -3_600_144, 0)]
    assert book.balance.tolist() == [0]


def test_interest_is_paid_on_the_day_after_the_quarter_and_reckoned_anew():
    first = number(dt.date(2026, 9, 11))
    book = ledger(36_000 * YUAN, rate=360_000)
    nothing = bookings(account=[], day=[], kind=[])
    assert len(book.post(nothing, first, first + 9).rows) == 0
    paid = book.post(nothing, first + 10, first + 19)
    assert (paid.signed.tolist(), paid.rows.day.tolist()) == ([360], [first + 10])
    assert [pays_interest(number(dt.date(2026, month, 21))) for month in (3, 4, 6, 9, 12)] == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_a_change_of_state_is_no_booking():
    found = ledger(700).post(row(0, 0, Rule.STATE, day=FIRST + 2), FIRST, FIRST + 9)
    assert len(found.rows) == 0
    assert (found.changed.tolist(), found.changed_on.tolist(), found.balance.tolist()) == ([0], [FIRST + 2], [700])


def naive(opening: list[int], rows: Bookings) -> tuple[dict[int, list[tuple[int, int]]], list[int]]:
    """Each account's bookings (day and second as one number, signed amount) and the balances at the end."""
    order = sorted(range(len(rows)), key=lambda n: (rows.account[n], rows.day[n], rows.second[n], n))
    left, entries = list(opening), defaultdict(list)
    for n in order:
        account, amount, rule = int(rows.account[n]), int(rows.amount[n]), Rule(rows.rule[n])
        at = int(rows.day[n]) * 100_000 + int(rows.second[n])
        if rule == Rule.CREDIT:
            left[account] += amount
            entries[account].append((at, amount))
            continue
        if rule == Rule.DRAIN:
            amount = max(left[account] - amount, 0) * int(rows.share[n]) // 1_000 // 10_000 * 10_000
        short = amount - left[account]
        if rule == Rule.MUST and short > 0:
            cash = (short + 9_999) // 10_000 * 10_000
            left[account] += cash
            entries[account].append((at - min(60, int(rows.second[n])), cash))
        elif short > 0:
            continue
        if amount:
            left[account] -= amount
            entries[account].append((at, -amount))
            if (partner := int(rows.partner[n])) >= 0:
                entries[partner].append((at + int(rows.delay[n]), amount))
    return entries, [balance + sum(signed for _, signed in entries.get(n, [])) for n, balance in enumerate(opening)]


RULES = st.sampled_from([Rule.CREDIT, Rule.REFUSED, Rule.MUST, Rule.DRAIN])
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 9),
        st.integers(100, 80_000),
        RULES,
        st.integers(1, 60_000),
        st.integers(-1, 3),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(opening=st.lists(st.integers(0, 100_000), min_size=4, max_size=4), drawn=ROWS)
def test_any_bookings_end_as_a_loop_over_each_account_says(opening, drawn):
    account, day, second, rule, amount, partner = (np.array(column) for column in zip(*drawn, strict=True))
    debit = (rule == Rule.REFUSED) & (partner != account)
    rows = bookings(
        account=account,
        day=FIRST + day,
        second=second,
        rule=rule,
        amount=amount,
        share=500,
        kind=Kind.TRANSFER,
        partner=np.where(debit, partner, -1),
    )
    book = ledger(*opening)
    found = book.post(rows, FIRST, FIRST + 9)
    entries, balances = naive(opening, rows)
    assert book.balance.tolist() == balances
    assert (found.after >= 0).all()
    ours = defaultdict(list)
    for who, on, at, signed in zip(found.rows.account, found.rows.day, found.rows.second, found.signed, strict=True):
        ours[int(who)].append((int(on) * 100_000 + int(at), int(signed)))
    assert {who: sorted(kept) for who, kept in ours.items()} == {who: sorted(kept) for who, kept in entries.items()}
    running = list(opening)
    for who, signed, after in zip(found.rows.account, found.signed, found.after, strict=True):
        running[who] += signed
        assert running[who] == after
