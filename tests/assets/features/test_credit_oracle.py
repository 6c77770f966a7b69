from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from credit_oracle import expected_credit, state_at
from features_by_hand import (
    D,
    Row,
    World,
    account,
    balance,
    contract,
    days,
    engine,
    fill,
    instalment,
    make,
    receipt,
    slim,
    state,
    world,
)
from features_oracle import differences
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.features.parameters import Parameters
from liangcang.engine import Engine

AGES = (-1, 0, 1, 29, 30, 31, 58, 59, 60, 61, 88, 89, 90, 91, 179, 180, 363, 364, 365, 366, 500)
OWNERS = ("P1", "P2", "P3")
HISTORIES = {
    "loan_receipt": ("receipt_id",),
    "loan_contract": ("contract_id",),
    "schedule": ("receipt_id", "period"),
}

ages = st.sampled_from(AGES)
amounts = st.sampled_from((None, "0", "500", "999.99", "1000", "2000"))
nights = st.builds(
    Parameters,
    history_from=st.sampled_from((None, D - days(58), D - days(59), D - days(89), D - days(364), D - days(600))),
    silent_after_days=st.sampled_from((None, 399)),
)


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


@st.composite
def states_of_receipts(draw: st.DrawFn, number: int, owner: str) -> list[Row]:
    """The dated states of one receipt, the oldest on the day of its draw."""
    drawn = draw(st.sampled_from((5, 29, 30, 31, 100, 400, 900)))
    since = sorted({drawn, *(age for age in draw(st.lists(ages, max_size=4)) if age < drawn)}, reverse=True)
    rows = []
    for age in since:
        said = receipt(
            f"L{number}",
            party_id=owner,
            contract_id=f"C{number}",
            disbursed_date=D - days(drawn),
            outstanding_principal=money(draw(amounts)),
            dpd=draw(st.sampled_from((None, 0, 0, 0, 3, 40))),
            five_class=draw(st.sampled_from((None, 1, 1, 2, 3))),
            settled_date=draw(st.sampled_from((None, None, None, D - days(age)))),
            written_off=draw(st.sampled_from((None, False, False, True))),
        )
        rows.append(state(age, said, op=draw(st.sampled_from("UUUUUD")) if age < drawn else "I"))
    return rows


@st.composite
def states_of_contracts(draw: st.DrawFn, number: int, owner: str) -> list[Row]:
    rows = {}
    for age in {900, *draw(st.lists(ages, max_size=3))}:
        rows[age] = state(
            age,
            contract(
                f"C{number}",
                draw(amounts),
                party_id=owner,
                sign_date=D - days(900),
                repay_mode=draw(st.sampled_from(("annuity", "bullet", "interest_monthly", None))),
                status=draw(st.sampled_from(("active", "active", "frozen", "ended", None))),
            ),
        )
    return list(rows.values())


@st.composite
def plans(draw: st.DrawFn, number: int) -> list[Row]:
    """A schedule whose periods are told when it is made and told again when they are paid."""
    rows = []
    for period, due in enumerate(
        draw(st.lists(st.sampled_from((-31, -30, -1, 0, 3, 4, 7, 8, 40, 364, 365, 729, 730)), max_size=4)), start=1
    ):
        said = {"receipt_id": f"L{number}", "interest_due": draw(st.sampled_from((Decimal(10), Decimal(10), None)))}
        rows.append(state(900, instalment(period, due, **said)))
        paid = draw(st.sampled_from((None, due, due - 3, due - 4, due - 8, 179, 180)))
        if paid is not None:
            rows.append(state(paid, instalment(period, due, paid=paid, **said)))
    return rows


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three borrowers, two receipts each, with all that was ever told of them; states are put in by `seen`."""
    histories: dict[str, list[Row]] = {name: [] for name in HISTORIES}
    for number in range(6):
        owner = OWNERS[number % 3]
        if draw(st.booleans()):
            histories["loan_receipt"] += draw(states_of_receipts(number, owner))
            histories["loan_contract"] += draw(states_of_contracts(number, owner))
            histories["schedule"] += draw(plans(number))
    kinds = [draw(st.sampled_from(("demand", "notice", "agreement", "time"))) for _ in OWNERS]
    accounts = [account(f"A{n}", party_id=owner, account_type=kinds[n]) for n, owner in enumerate(OWNERS)]
    accounts += [account("B", party_id="P1", opened=draw(st.sampled_from((30, 89, 300))))]
    told = {
        (name, age): balance(
            age, draw(st.sampled_from((None, "-5", "10", "700"))), account_id=name, op=draw(st.sampled_from("UUUD"))
        )
        for name in ("A0", "A1", "A2", "B")
        for age in draw(st.lists(ages, max_size=4))
    }
    return world(
        *accounts,
        balance_history=[row if row["_op"] != "D" else {**row, "balance": None} for row in told.values()],
        loan_receipt_history=histories["loan_receipt"],
        loan_contract_history=histories["loan_contract"],
        schedule_history=histories["schedule"],
    )


def seen(bank: World, as_of: dt.date) -> World:
    """The world as a night sees it: the states as of the date, and the histories whole."""
    states = {name: state_at(bank.rows(f"{name}_history"), keys, as_of) for name, keys in HISTORIES.items()}
    return replace(bank, tables={**bank.tables, **states})


def cut(bank: World, as_of: dt.date) -> World:
    """The world of which nothing was told after a date."""
    dated = {
        name: [row for row in rows if row.get("business_date", as_of) <= as_of] for name, rows in bank.tables.items()
    }
    return replace(bank, tables=dated)


@pytest.fixture(scope="module")
def made() -> Iterator[Engine]:
    with engine() as it:
        yield it


@settings(deadline=None, max_examples=5)
@given(worlds(), nights)
def test_limits_loans_and_idle_money_equal_loops_in_python(made: Engine, bank: World, night: Parameters) -> None:
    whole = seen(bank, D)
    fill(made, whole)
    got = {row["party_id"]: row for row in make(made, night, spec=slim())[1]}
    expected = expected_credit(whole, night, D)
    assert sorted(got) == sorted(expected)
    assert {owner: differences(got[owner], row) for owner, row in expected.items()} == {owner: [] for owner in expected}


@settings(deadline=None, max_examples=3)
@given(worlds(), nights, st.sampled_from((1, 30, 60, 180)))
def test_what_is_told_of_loans_after_a_date_changes_nothing_as_of_it(
    made: Engine, bank: World, night: Parameters, age: int
) -> None:
    as_of = D - days(age)
    fill(made, seen(bank, as_of))
    before = make(made, night, as_of=as_of, spec=slim())
    fill(made, seen(cut(bank, as_of), as_of))
    assert make(made, night, as_of=as_of, spec=slim()) == before


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(worlds(), nights, st.sampled_from((0, 0, 1, 30, 365)))
def test_limits_loans_and_idle_money_of_many_worlds_equal_loops_in_python(
    made: Engine, bank: World, night: Parameters, age: int
) -> None:
    as_of = D - days(age)
    whole = seen(bank, as_of)
    fill(made, whole)
    got = {row["party_id"]: row for row in make(made, night, as_of=as_of, spec=slim())[1]}
    expected = expected_credit(whole, night, as_of)
    assert {owner: differences(got[owner], row) for owner, row in expected.items()} == {owner: [] for owner in expected}
