"""Small banks for the tests of features: rows in Python, views as the night gives them, and what the SELECTs make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assets.features.parameters import Parameters, Unfed
from assets.features.party import party_draft, party_month_select, party_select, values_of
from assets.features.sources import SOURCES
from assets.features.spec import Aggregate, Spec, party_spec
from assets.features.tree import Draft
from liangcang.engine import Engine

D = dt.date(2026, 11, 20)

Row = Mapping[str, Any]


def days(n: int) -> dt.timedelta:
    return dt.timedelta(days=n)


@dataclass(frozen=True)
class World:
    """The rows behind the views: table (without schema) to rows."""

    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)

    def rows(self, table: str) -> Sequence[Row]:
        return self.tables.get(table, ())

    def plus(self, **tables: Sequence[Row]) -> World:
        """The same world with more rows."""
        return replace(self, tables={**self.tables, **{t: [*self.rows(t), *rows] for t, rows in tables.items()}})


def party(party_id: str = "P1", **said: Any) -> Row:
    return {"party_id": party_id, "party_type": "person", **said}


def account(account_id: str = "A1", *, party_id: str = "P1", opened: int = 2000, **said: Any) -> tuple[Row, Row]:
    """An account opened so many days before D, and its owner."""
    row = {
        "account_id": account_id,
        "account_type": "demand",
        "open_date": D - days(opened),
        "status": "normal",
        **said,
    }
    return row, {"account_id": account_id, "party_id": party_id, "role": "owner"}


def transaction(age: int, amount: Any = "100", *, account_id: str = "A1", party_id: str = "P1", **said: Any) -> Row:
    """A cash withdrawal at a machine `age` days before D, unless said otherwise."""
    return {
        "account_id": account_id,
        "party_id": party_id,
        "event_date": D - days(age),
        "direction": "D",
        "amount": None if amount is None else Decimal(amount),
        "type": "cash_out",
        "channel": "atm",
        "customer_initiated": True,
        "own_transfer": False,
        "reversal": False,
        **said,
    }


def balance(age: int, amount: Any, *, account_id: str = "A1", op: str = "U", held: Any = "0") -> Row:
    """The balance of an account from `age` days before D on."""
    value = None if amount is None else Decimal(amount)
    held_amount = None if held is None else Decimal(held)
    since = D - days(age)
    return {"account_id": account_id, "balance": value, "held_amount": held_amount, "business_date": since, "_op": op}


def contract(contract_id: str = "C1", amount: Any = "100000", **said: Any) -> Row:
    """A running unsecured limit for production, signed a year before D, unless said otherwise."""
    return {
        "contract_id": contract_id,
        "party_id": "P1",
        "product_code": "LN1",
        "amount": None if amount is None else Decimal(amount),
        "sign_date": D - days(365),
        "guarantee_type": "credit",
        "purpose": "production",
        "repay_mode": "annuity",
        "revolving": True,
        "entrusted_payment": False,
        "online": False,
        "status": "active",
        **said,
    }


def receipt(receipt_id: str = "L1", **said: Any) -> Row:
    """An open receipt of which 100 of 500 is owed, drawn 90 days before D and never late, unless said otherwise."""
    return {
        "receipt_id": receipt_id,
        "party_id": "P1",
        "disbursed_date": D - days(90),
        "outstanding_principal": Decimal(100),
        "disbursed_amount": Decimal(500),
        "overdue_principal": Decimal(0),
        "overdue_interest": Decimal(0),
        "dpd": 0,
        "five_class": 1,
        **said,
    }


def state(age: int, row: Row, *, op: str = "U") -> Row:
    """A row of a history: what was so from `age` days before D on."""
    return {**row, "business_date": D - days(age), "_op": op}


def instalment(period: int, due: int, *, paid: int | None = None, receipt_id: str = "L1", **said: Any) -> Row:
    """Ten of interest and ninety of principal that fall due `due` days before D (negative: after it), paid `paid` days
    before D."""
    whole = Decimal(0) if paid is None else None
    return {
        "receipt_id": receipt_id,
        "period": period,
        "due_date": D - days(due),
        "principal_due": Decimal(90),
        "interest_due": Decimal(10),
        "principal_paid": Decimal(90) if whole is None else whole,
        "interest_paid": Decimal(10) if whole is None else whole,
        "paid_date": None if paid is None else D - days(paid),
        **said,
    }


def world(*accounts: tuple[Row, Row], parties: Sequence[Row] = (), **tables: Sequence[Row]) -> World:
    """A world of accounts with their owners; without `parties`, every owner is a person."""
    owners = dict.fromkeys(holder["party_id"] for _, holder in accounts)
    known = parties or [party(owner) for owner in owners]
    made = {"party": known, "account": [a for a, _ in accounts], "account_holder": [h for _, h in accounts]}
    return World({**made, **tables})


@contextmanager
def engine(threads: int = 2) -> Iterator[Engine]:
    with (
        TemporaryDirectory() as folder,
        Engine(read=[], write=Path(folder), spill=Path(folder), threads=threads) as made,
    ):
        made.con.execute("create schema conformed")
        made.con.execute("create schema features")
        yield made


def fill(made: Engine, world: World, *, without: Mapping[str, str] | None = None) -> None:
    """Put the rows of a world where the SELECTs look for them. `without` leaves a column of a table out."""
    for table, kinds in SOURCES.items():
        columns = {c: kind for c, kind in kinds.items() if (without or {}).get(table) != c}
        listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        made.con.execute(f"create or replace table {table} ({listed})")
        values = [[row.get(column) for column in columns] for row in world.rows(table.partition(".")[2])]
        if values:
            marks = ", ".join("(" + ", ".join("?" * len(columns)) + ")" for _ in values)
            made.con.execute(f"insert into {table} values {marks}", [value for row in values for value in row])


_DRAFTS: dict[tuple[int, Unfed], tuple[Spec, Draft]] = {}
"""SELECTs of specifications; each holds its specification, so that no other one gets its number."""


def make(
    made: Engine,
    parameters: Parameters | None = None,
    *,
    as_of: dt.date = D,
    spec: Spec | None = None,
    only: frozenset[str] | None = None,
) -> tuple[list[Row], list[Row]]:
    """The rows of features.party_month and features.party as of a date; of `spec`, or of `only` some features."""
    given = parameters or Parameters()
    made.con.execute(f"create or replace table features.party_month as {party_month_select(as_of, given, only=only)}")
    months = rows(made, "select * from features.party_month order by party_id, month")
    if spec is None:
        select = party_select(as_of, given, only=only)
    else:
        if (id(spec), given.lacking) not in _DRAFTS:
            _DRAFTS[id(spec), given.lacking] = spec, party_draft(spec, given.lacking)
        select = _DRAFTS[id(spec), given.lacking][1].sql(values_of(as_of, given))
    return months, rows(made, f"select * from ({select}) order by party_id")


@cache
def slim() -> Spec:
    """Every point feature, and as few ring bands as they ask for besides some whole ones: planned in a third of the time."""
    whole = party_spec()
    asked: dict[str, tuple[Aggregate, ...]] = {
        **dict.fromkeys(("in", "debit"), ("count", "sum", "min", "max", "mean", "std")),
        **dict.fromkeys(("out", "credit"), ("count", "sum")),
        "act": ("count", "last"),
        "atm": ("count", "sum"),
        "cash_band": ("count",),
    }
    channels = ("counter", "mobile", "web", "pos", "fast_pay", "village", "api")
    return replace(
        whole,
        dimensions=(
            *(replace(whole.dimension(name), aggregates=aggregates) for name, aggregates in asked.items()),
            *(replace(whole.dimension(name), aggregates=("count",), windows=(90,)) for name in channels),
        ),
    )


def rows(made: Engine, sql: str) -> list[Row]:
    answer = made.con.execute(sql)
    names = [column[0] for column in answer.description or []]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]


def features(
    world: World, parameters: Parameters | None = None, *, as_of: dt.date = D, only: frozenset[str] | None = None
) -> dict[str, Row]:
    """The features of each party of a world: `only` some, or those of the slim specification."""
    with engine() as made:
        fill(made, world)
        found = make(made, parameters, as_of=as_of, spec=None if only else slim(), only=only)
        return {row["party_id"]: row for row in found[1]}


def months(world: World, parameters: Parameters | None = None, *, as_of: dt.date = D) -> dict[tuple[str, int], Row]:
    """The month values of a world by party and months ago."""
    with engine() as made:
        fill(made, world)
        values = rows(made, party_month_select(as_of, parameters or Parameters()))
        return {(row["party_id"], row["months_ago"]): row for row in values}


def side_by_side(cases: Mapping[Any, World]) -> World:
    """Several worlds in one, each with a P1 of its own: `<case>:P1`."""
    merged: dict[str, list[Row]] = {}
    for case, alone in cases.items():
        for table, found in alone.tables.items():
            own = [
                {k: f"{case}:{v}" if k in IDENTITIES and v is not None else v for k, v in row.items()} for row in found
            ]
            merged.setdefault(table, []).extend(own)
    return World(merged)


IDENTITIES = frozenset(
    {"party_id", "account_id", "receipt_id", "contract_id", "repayment_id", "product_code", "counterparty_party_id",
     "payer_account_id"}
)  # fmt: skip


def features_of(
    cases: Mapping[Any, World],
    parameters: Parameters | None = None,
    *,
    as_of: dt.date = D,
    only: frozenset[str] | None = None,
) -> list[Row]:
    """The features of the P1 of each world, in their order."""
    got = features(side_by_side(cases), parameters, as_of=as_of, only=only)
    return [got[f"{case}:P1"] for case in cases]


def told(
    cases: Mapping[str, World], *names: str, parameters: Parameters | None = None, as_of: dt.date = D
) -> dict[str, Any]:
    """Case to the value of a feature of its P1, or to the tuple of several."""
    rows = features_of(cases, parameters, as_of=as_of, only=frozenset(names))
    return {
        case: row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)
        for case, row in zip(cases, rows, strict=True)
    }
