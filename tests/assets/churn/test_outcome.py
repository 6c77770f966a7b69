"""What came after, against loops in Python over the days of the outcome."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.churn.labels import Label, Outcome, all_labels
from assets.churn.outcome import READS, outcome_select
from assets.features.parameters import Parameters
from assets.features.sources import SOURCES
from liangcang.engine import Engine
from liangcang.portability import lint
from liangcang.sql import check_select

T = dt.date(2026, 1, 31)
C1 = all_labels()["c1_aum_drop"]
DAYS = replace(C1, outcome=Outcome(unit="day", gap=0, length=5))
Balances = Mapping[tuple[str, dt.date], Decimal | None]
"""Account and the day of a change to the balance from then on; None where the account left its feed."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with TemporaryDirectory() as folder, Engine(read=[], write=None, spill=Path(folder)) as made:
        made.con.execute("create schema conformed")
        yield made


def futures(
    made: Engine,
    label: Label,
    balances: Balances,
    *,
    owners: Mapping[str, str],
    types: Mapping[str, str] | None = None,
    closed: Mapping[str, dt.date] | None = None,
    silent: int | None = None,
) -> dict[str, float | None]:
    """The future of each owner as the SELECT makes it, with only what is known by its last day."""
    last = label.outcome.end(T)
    tables = {
        "conformed.account": [
            {
                "account_id": name,
                "account_type": (types or {}).get(name, "demand"),
                "open_date": dt.date(2020, 1, 1),
                "close_date": (closed or {}).get(name),
                "status": "normal",
            }
            for name in owners
        ],
        "conformed.account_holder": [
            {"account_id": name, "party_id": party, "role": "owner"} for name, party in owners.items()
        ],
        "conformed.balance_history": [
            {"account_id": name, "balance": amount, "business_date": day, "_op": "D" if amount is None else "U"}
            for (name, day), amount in balances.items()
            if day <= last
        ],
    }
    kinds = {"VARCHAR": pl.String, "DATE": pl.Date, "INTEGER": pl.Int32, "DECIMAL(18,2)": pl.Decimal(18, 2)}
    for table, rows in tables.items():
        schema = {column: kinds[kind] for column, kind in SOURCES[table].items()}
        made.register(table, pl.DataFrame(rows, schema=schema))
    return dict(made.rows(outcome_select(label, T, Parameters(silent_after_days=silent))))


def naive(label: Label, balances: Balances, owners: Mapping[str, str], party: str) -> float:
    """The mean of the parts' means, day by day."""
    means = []
    for first, last in label.outcome.windows(T):
        days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        held = Fraction(0)
        for name in (name for name, owner in owners.items() if owner == party):
            for day in days:
                told = [at for account, at in balances if account == name and at <= day]
                held += Fraction(balances[name, max(told)] or 0) if told else 0
        means.append(held / len(days))
    return float(sum(means) / len(means))


def test_the_worked_example_of_c1(engine: Engine) -> None:
    """Base months 100, 110, 90 thousand; the month after is skipped; 45, 40, 35 thousand: 40 of 100 is churn."""
    months = {dt.date(2026, 2, 1): 1_000_000, dt.date(2026, 3, 1): 45_000, dt.date(2026, 4, 1): 40_000}
    told = {("A", day): Decimal(amount) for day, amount in {**months, dt.date(2026, 5, 1): 35_000}.items()}
    future = futures(engine, C1, told, owners={"A": "P"})["P"]
    assert future == 40_000
    churned = C1.sql(C1.churned)
    judge = f"select {churned} from (select 100000.0 as base, {{}} as future)"
    assert engine.rows(judge.format(future)) == [(True,)]
    assert engine.rows(judge.format(50_000.01)) == [(False,)]
    assert engine.rows(judge.format("cast(null as double)")) == [(None,)]


def test_what_is_opened_later_counts_and_what_left_its_feed_holds_nothing(engine: Engine) -> None:
    told = {
        ("A", T): Decimal(100),
        ("A", T + dt.timedelta(days=3)): None,
        ("B", T + dt.timedelta(days=2)): Decimal(50),
        ("M", T): Decimal(900),
    }
    got = futures(engine, DAYS, told, owners={"A": "P", "B": "P", "M": "P"}, types={"M": "margin"})
    assert got == {"P": (2 * 100 + 4 * 50) / 5}


def test_the_balance_of_a_silent_account_is_not_known_and_that_of_a_closed_one_is(engine: Engine) -> None:
    told = {("A", T - dt.timedelta(days=60)): Decimal(100), ("B", T - dt.timedelta(days=60)): Decimal(7)}
    got = futures(engine, DAYS, told, owners={"A": "P", "B": "Q"}, closed={"B": T}, silent=45)
    assert got == {"P": None, "Q": 7.0}
    assert futures(engine, DAYS, told, owners={"A": "P"}, silent=65) == {"P": 100.0}
    assert futures(engine, DAYS, {}, owners={"A": "P"}) == {"P": None}, "an account of which nothing was ever told"


changes = st.dictionaries(
    st.tuples(st.sampled_from("ABC"), st.dates(T - dt.timedelta(days=40), T + dt.timedelta(days=125))),
    st.none() | st.decimals("-1000", "1000000", places=2) | st.just(Decimal("999999999999.99")),
    max_size=12,
)


@settings(deadline=None, max_examples=25)
@given(changes, st.sampled_from((C1, DAYS, all_labels()["churn_balance_90"])))
def test_the_future_is_the_mean_of_its_days(engine: Engine, told: Balances, label: Label) -> None:
    owners = {"A": "P", "B": "P", "C": "Q"}
    known = {("A", dt.date(2020, 1, 1)): Decimal(1), ("B", dt.date(2020, 1, 1)): Decimal(0)}
    told = {**known, ("C", dt.date(2020, 1, 1)): Decimal("0.01"), **told}
    got = futures(engine, label, told, owners=owners)
    assert got == {party: pytest.approx(naive(label, told, owners, party), rel=1e-12, abs=1e-9) for party in "PQ"}


def test_the_sql_reads_its_inputs_only_and_runs_alike_elsewhere() -> None:
    types = {table: SOURCES[table] for table in READS}
    checked = check_select(outcome_select(C1, T, Parameters()), tables=types, where="outcome")
    assert set(checked.inputs) == READS
    assert lint(checked.tree, types=types) == []
