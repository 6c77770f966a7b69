from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import pytest
from features_by_hand import D, Row, World, account, balance, days, engine, fill, make, slim, transaction, world
from features_oracle import differences, expected_bands, expected_months, expected_points
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.features.parameters import Parameters
from assets.features.spec import party_spec
from liangcang.engine import Engine

AGES = (0, 1, 6, 7, 8, 29, 30, 31, 89, 90, 91, 179, 180, 181, 185, 186, 187, 364, 365, 366, 395, 399, -1, -5)
AMOUNTS = (None, "0.01", "0.02", "100", "44999.99", "45000", "49999.99", "50000", "999999999999.99", "10000000000000",
           "10000000000000.01", "9999999999999999.99")  # fmt: skip
TYPES = (
    "cash_in",
    "cash_out",
    "transfer",
    "salary",
    "fast_pay",
    "pos",
    "wealth",
    "loan_disbursement",
    "loan_repayment",
    "bill",
)
CHANNELS = (None, "counter", "atm", "mobile", "batch", "api")
OWNERS = ("P1", "P2", "P3")

ages = st.sampled_from(AGES) | st.integers(0, 399)
rows_of_transactions = st.builds(
    lambda age, amount, owner, **said: transaction(age, amount, account_id=f"A{owner[1]}", party_id=owner, **said),
    age=ages,
    amount=st.sampled_from(AMOUNTS) | st.decimals("0.01", "1000000", places=2) | st.just("100"),
    owner=st.sampled_from(OWNERS),
    direction=st.sampled_from("CD"),
    type=st.sampled_from(TYPES),
    channel=st.sampled_from(CHANNELS),
    customer_initiated=st.booleans(),
    own_transfer=st.booleans(),
    reversal=st.sampled_from((False, False, False, True)),
    counterparty=st.sampled_from((None, "x", "y", "z")),
)
rows_of_balances = st.builds(
    balance,
    age=ages | st.integers(0, 900),
    amount=st.decimals("-1000", "1000000", places=2) | st.sampled_from(("999999999999.99", None)),
    account_id=st.sampled_from(("A1", "A2", "A3", "B1")),
    op=st.sampled_from(("U", "U", "U", "D")),
)
nights = st.builds(
    Parameters,
    silent_after_days=st.sampled_from((None, 30, 45, 399)),
    history_from=st.sampled_from(
        (None, D - days(29), D - days(30), D - days(200), D - days(364), D - days(365), D - days(500))
    ),
    flows_fresh=st.sampled_from((True, True, True, False)),
    balances_fresh=st.sampled_from((True, True, True, False)),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    opened = [draw(st.sampled_from((0, 5, 20, 31, 100, 200, 300, 380, 500, 2000))) for _ in range(4)]
    closed = draw(st.sampled_from((None, D - days(10), D + days(1))))
    kind = draw(st.sampled_from(("demand", "time", "margin")))
    accounts = [
        account("A1", opened=opened[0], close_date=closed),
        account("A2", party_id="P2", opened=opened[1], account_type=kind),
        account("A3", party_id="P3", opened=opened[2], status=draw(st.sampled_from(("normal", "closed", "dormant")))),
        account("B1", party_id="P1", opened=opened[3]),
    ]
    changes = {(b["account_id"], b["business_date"]): b for b in draw(st.lists(rows_of_balances, max_size=12))}
    told = [{**b, "balance": None} if b["_op"] == "D" else b for b in changes.values()]
    return world(*accounts, transaction_history=draw(st.lists(rows_of_transactions, max_size=25)), balance_history=told)


def cut(rows: list[Row], column: str, to: dt.date) -> list[Row]:
    return [row for row in rows if row[column] <= to]


@pytest.fixture(scope="module")
def made() -> Iterator[Engine]:
    with engine() as it:
        yield it


@settings(deadline=None, max_examples=6)
@given(worlds(), nights)
def test_ring_bands_equal_one_filter_aggregate_a_feature(made: Engine, bank: World, night: Parameters) -> None:
    fill(made, bank)
    got = {row["party_id"]: row for row in make(made, night, spec=slim())[1]}
    expected = expected_bands(made, bank, night, D, slim())
    assert sorted(got) == sorted(expected)
    assert {owner: differences(got[owner], row) for owner, row in expected.items()} == {owner: [] for owner in expected}


@settings(deadline=None, max_examples=6)
@given(
    worlds(),
    nights,
    st.sampled_from((D, dt.date(2026, 11, 30), dt.date(2026, 11, 29), dt.date(2026, 3, 1), dt.date(2028, 2, 29))),
)
def test_months_balances_and_counterparties_equal_loops_in_python(
    made: Engine, bank: World, night: Parameters, as_of: dt.date
) -> None:
    fill(made, bank)
    months, parties = make(made, night, as_of=as_of, spec=slim())
    got_months = {(row["party_id"], row["months_ago"]): row for row in months}
    expected_values = expected_months(bank, night, as_of)
    assert sorted(got_months) == sorted(expected_values)
    assert [d for key, row in expected_values.items() for d in differences(got_months[key], row)] == []
    got = {row["party_id"]: row for row in parties}
    expected = expected_points(bank, night, as_of)
    assert sorted(got) == sorted(expected)
    assert {owner: differences(got[owner], row) for owner, row in expected.items()} == {owner: [] for owner in expected}


@settings(deadline=None, max_examples=4)
@given(worlds(), nights, st.sampled_from((0, 3, 20, 90, 200)))
def test_what_happens_after_a_date_changes_nothing_as_of_it(
    made: Engine, bank: World, night: Parameters, age: int
) -> None:
    as_of = D - days(age)
    fill(made, bank)
    before = make(made, night, as_of=as_of, spec=slim())
    past = {
        **bank.tables,
        "transaction_history": cut(list(bank.rows("transaction_history")), "event_date", as_of),
        "balance_history": cut(list(bank.rows("balance_history")), "business_date", as_of),
    }
    fill(made, replace(bank, tables=past))
    assert make(made, night, as_of=as_of, spec=slim()) == before


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(worlds(), nights)
def test_all_ring_bands_equal_one_filter_aggregate_a_feature(made: Engine, bank: World, night: Parameters) -> None:
    fill(made, bank)
    got = {row["party_id"]: row for row in make(made, night)[1]}
    expected = expected_bands(made, bank, night, D, party_spec())
    assert {owner: differences(got[owner], row) for owner, row in expected.items()} == {owner: [] for owner in expected}
    points = expected_points(bank, night, D)
    assert {owner: differences(got[owner], row) for owner, row in points.items()} == {owner: [] for owner in points}
