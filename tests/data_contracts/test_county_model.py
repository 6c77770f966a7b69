"""The county's SELECTs into the model: all of them run, and foreign money is worth what the last rate says.

Oracle: each date by itself, row by row in Python, from what was delivered up to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts import tables
from data_contracts.bank import conformed_contracts, read_bank

FIRST = dt.date(2026, 10, 1)
DAYS = [FIRST + dt.timedelta(days=number) for number in range(12)]
MONEY = st.integers(-(10**11), 10**15).map(lambda fen: Decimal(fen).scaleb(-2))
RATE = st.integers(1, 10**10).map(lambda rate: Decimal(rate).scaleb(-8))

Rows = list[dict[str, Any]]


class Staging:
    """DuckDB with the staged tables as a SELECT sees them, empty until rows are put into them."""

    def __init__(self) -> None:
        self.duckdb = duckdb.connect()
        bank, model = read_bank("county"), conformed_contracts()
        for schema in ("staged", "parties", "conformed"):
            self.duckdb.execute(f"create schema {schema}")
        made = [*map(tables.staged, bank.feeds.values()), tables.party_map(), *map(tables.conformed, model.values())]
        self.columns = {table.name: table.columns for table in made}
        for name, columns in self.columns.items():
            kinds = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            self.duckdb.execute(f"create table {name} ({kinds})")
            self.duckdb.execute(f"create table {name}_history ({kinds})")
        self.selects = {
            name: select.sql.sql({name: bank.parameters[name] for name in select.sql.parameters})
            for name, select in bank.conform.items()
        }

    def put(self, table: str, rows: Rows) -> None:
        """Have these rows in a table, and no others."""
        self.duckdb.execute(f"delete from {table}")
        for row in rows:
            names = ", ".join(f'"{name}"' for name in row)
            self.duckdb.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", [*row.values()])

    def made(self, entity: str) -> Rows:
        """What the SELECT of an entity yields."""
        found = self.duckdb.execute(self.selects[entity])
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@pytest.fixture(scope="module")
def staging() -> Iterator[Staging]:
    made = Staging()
    yield made
    made.duckdb.close()


@dataclass(frozen=True)
class Valued:
    """A table whose money is converted: feed and its key, delivered amounts by name, the model's names for both."""

    feed: str
    key: str
    money: Mapping[str, str]
    id: str
    beside: Mapping[str, Any]


TABLES = {
    "balance": Valued("cb_dep_acct", "acct_no", {"balance": "balance", "hold_amt": "held_amount"}, "account_id", {}),
    "loan_contract": Valued("ln_contract", "contract_no", {"amount": "amount"}, "contract_id", {}),
    "loan_receipt": Valued(
        "ln_due",
        "due_no",
        {"disb_amt": "disbursed_amount", "principal": "outstanding_principal", "ovd_int": "overdue_interest"},
        "receipt_id",
        {"contract_no": "of the same currency"},
    ),
}


@st.composite
def delivered(draw: st.DrawFn, table: Valued) -> tuple[Rows, Rows]:
    """States of three keys, each of one currency, on some days; rates of two currencies on some days."""
    states = [
        {
            table.key: key,
            "ccy": ccy,
            "business_date": day,
            "known_at": day,
            **{name: draw(MONEY) for name in table.money},
        }
        for key, ccy in (("1", "CNY"), ("2", "USD"), ("3", "HKD"))
        for day in sorted(draw(st.sets(st.sampled_from(DAYS), max_size=5)))
    ]
    rates = [
        {"ccy": ccy, "rate_date": day, "mid": draw(RATE), "business_date": day, "known_at": day}
        for ccy in ("USD", "HKD")
        for day in sorted(draw(st.sets(st.sampled_from(DAYS), max_size=6)))
    ]
    return states, [*rates, *({**rate, "ccy": "CNY", "mid": Decimal(1)} for rate in rates if rate["ccy"] == "USD")]


def by_hand(table: Valued, states: Rows, rates: Rows, day: dt.date) -> dict[str, tuple[Decimal | None, ...]]:
    """What each key's amounts are worth in yuan at the end of a day."""
    worth: dict[str, tuple[Decimal | None, ...]] = {}
    for state in states:
        if state["business_date"] > day:
            continue
        known = [rate for rate in rates if rate["ccy"] == state["ccy"] and rate["rate_date"] <= day]
        mid = max(known, key=lambda rate: rate["rate_date"])["mid"] if known else None
        if state["ccy"] == "CNY":
            mid = Decimal(1)
        worth[state[table.key]] = tuple(
            None if mid is None else (state[name] * mid).quantize(Decimal("0.01"), ROUND_HALF_UP)
            for name in table.money
        )
    return worth


def put(staging: Staging, table: Valued, states: Rows) -> None:
    """The states, and what a receipt needs beside it: a contract, which has its currency."""
    if not table.beside:
        staging.put(f"staged.{table.feed}", states)
        return
    contracts = {state["ccy"]: state["business_date"] for state in reversed(states)}
    staging.put(
        "staged.ln_contract",
        [
            {"contract_no": f"of {ccy}", "ccy": ccy, "business_date": day, "known_at": day}
            for ccy, day in contracts.items()
        ],
    )
    rows = [{**state, "contract_no": f"of {state['ccy']}"} for state in states]
    staging.put(f"staged.{table.feed}", [{name: row[name] for name in row if name != "ccy"} for row in rows])


def newest(table: Valued, entity: str, rows: Rows, day: dt.date) -> dict[str, tuple[Decimal | None, ...]]:
    """Each key's newest row up to a day: the state that is stored of it."""
    upto = [row for row in rows if row["business_date"] <= day]
    dates = [(row[table.id], row["business_date"]) for row in upto]
    assert len(set(dates)) == len(dates), f"{entity} has one state a key and day"
    upto.sort(key=lambda row: row["business_date"])
    return {row[table.id]: tuple(row[name] for name in table.money.values()) for row in upto}


@pytest.mark.parametrize("entity", sorted(read_bank("county").conform))
def test_every_select_of_the_county_runs(staging: Staging, entity: str) -> None:
    for table in staging.columns:
        if table.startswith("staged."):
            staging.put(table, [])
            staging.put(f"{table}_history", [])
    assert staging.made(entity) == []


@pytest.mark.parametrize("entity", TABLES)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_foreign_money_is_worth_what_the_last_rate_says(staging: Staging, entity: str, data: st.DataObject) -> None:
    """A history says of each date what the night of that date would have said."""
    table = TABLES[entity]
    states, rates = data.draw(delivered(table))
    put(staging, table, states)
    staging.put("staged.cb_fx", rates)
    staging.put("staged.cb_fx_history", rates)
    history = staging.made(entity)
    for day in (DAYS[0], data.draw(st.sampled_from(DAYS)), DAYS[-1]):
        worth = by_hand(table, states, rates, day)
        assert newest(table, entity, history, day) == worth
        put(staging, table, [*{state[table.key]: state for state in states if state["business_date"] <= day}.values()])
        staging.put("staged.cb_fx", [rate for rate in rates if rate["business_date"] == day])
        staging.put("staged.cb_fx_history", [rate for rate in rates if rate["business_date"] <= day])
        assert newest(table, entity, staging.made(entity), day) == worth


@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_a_booking_in_foreign_money_is_worth_the_last_rate_up_to_its_day(staging: Staging, data: st.DataObject) -> None:
    rates = data.draw(delivered(TABLES["balance"]))[1]
    booked = [
        {"txn_id": str(number), "ccy": ccy, "txn_date": day, "business_date": day, "amount": data.draw(MONEY)}
        for number, (ccy, day) in enumerate((ccy, day) for ccy in ("CNY", "USD", "JPY") for day in DAYS[::3])
    ]
    staging.put("staged.cb_txn", booked)
    staging.put("staged.cb_fx_history", rates)
    assert {(row["transaction_id"], row["amount"]) for row in staging.made("transaction")} == {
        (row["txn_id"], by_hand(BOOKED, [row], rates, row["txn_date"])[row["txn_id"]][0]) for row in booked
    }


BOOKED = Valued("cb_txn", "txn_id", {"amount": "amount"}, "transaction_id", {})


def test_a_document_leads_to_the_first_customer_who_showed_it(staging: Staging) -> None:
    shown = [("8801000000000002", "X", 1), ("8801000000000001", "X", 5), ("8801000000000003", "Y", 2)]
    at = {number: FIRST + dt.timedelta(days=number) for number in (1, 2, 5)}
    persons = [{"cust_no": cust_no, "id_no": id_no, "business_date": at[day]} for cust_no, id_no, day in shown]
    staging.put("staged.cb_cust_ind", persons)
    firms = [{"cust_no": "8802000000000001", "uscc": "Z", "business_date": at[1]}]
    staging.put("staged.cb_cust_corp", [*firms, {**firms[0], "cust_no": "8802000000000002", "uscc": None}])
    rows = staging.made("party_map")
    own = {row["cust_no"] for row in rows if row["source_system"] == "core"}
    assert own == {*(cust_no for cust_no, _, _ in shown), "8802000000000001", "8802000000000002"}
    documents = {(row["cust_no"], row["member_no"]) for row in rows if row["source_system"] == "document"}
    assert documents == {("X", "8801000000000001"), ("Y", "8801000000000003"), ("Z", "8802000000000001")}
