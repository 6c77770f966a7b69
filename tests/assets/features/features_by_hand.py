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

from assets.features.parameters import Parameters
from assets.features.party import party_draft, party_month_select, party_select, values_of
from assets.features.sources import SOURCES
from assets.features.spec import Aggregate, Spec, party_spec
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


def balance(age: int, amount: Any, *, account_id: str = "A1", op: str = "U") -> Row:
    """The balance of an account from `age` days before D on."""
    value = None if amount is None else Decimal(amount)
    return {"account_id": account_id, "balance": value, "business_date": D - days(age), "_op": op}


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


def make(
    made: Engine, parameters: Parameters | None = None, *, as_of: dt.date = D, spec: Spec | None = None
) -> tuple[list[Row], list[Row]]:
    """The rows of features.party_month and features.party as of a date; of `spec`, if that is given."""
    given = parameters or Parameters()
    made.con.execute(f"create or replace table features.party_month as {party_month_select(as_of, given)}")
    months = rows(made, "select * from features.party_month order by party_id, month")
    select = party_draft(spec, given.lacking).sql(values_of(as_of, given)) if spec else party_select(as_of, given)
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


def features(world: World, parameters: Parameters | None = None, *, as_of: dt.date = D) -> dict[str, Row]:
    """The features of each party of a world, of the slim specification."""
    with engine() as made:
        fill(made, world)
        return {row["party_id"]: row for row in make(made, parameters, as_of=as_of, spec=slim())[1]}


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
                {k: f"{case}:{v}" if k in ("party_id", "account_id") else v for k, v in row.items()} for row in found
            ]
            merged.setdefault(table, []).extend(own)
    return World(merged)


def features_of(cases: Mapping[Any, World], parameters: Parameters | None = None, *, as_of: dt.date = D) -> list[Row]:
    """The features of the P1 of each world, in their order."""
    got = features(side_by_side(cases), parameters, as_of=as_of)
    return [got[f"{case}:P1"] for case in cases]
