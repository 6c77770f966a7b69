"""A history and the nights of its run: each date of a conformed state says what was delivered for it, and no later one undoes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets.conformed import conforming
from assets.night import Step
from liangcang.place import create
from liangcang.store import Warehouse
from liangcang.table import Table
from liangcang.transaction import Transaction

Row = tuple[str, str, str]
TYPES = {
    "k": "VARCHAR",
    "v": "VARCHAR",
    "business_date": "DATE",
    "known_at": "DATE",
    "_feed": "VARCHAR",
    "_delivery": "VARCHAR",
    "_row_no": "BIGINT",
    "_op": "VARCHAR",
}
STAGED = Table(name="staged.acc", columns=TYPES, key=("k",), kind="state")
CONFORMED = Table(name="conformed.acc", columns=TYPES, key=("k",), kind="state")
SELECT: Any = SimpleNamespace(
    table=CONFORMED.name,
    sql=SimpleNamespace(parameters=(), sql=lambda _: f"select * exclude _op from {STAGED.name}"),
    path=Path("acc.sql"),
    inputs=(STAGED.name,),
    history=(),
    unfed=(),
)


def on(day: int) -> dt.date:
    return dt.date(2026, 1, day)


class Bank:
    """A warehouse with one feed and one table made of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.warehouse = Warehouse(create(folder, bank="demo"))

    def run(
        self,
        name: str,
        days: Sequence[int],
        *,
        history: Mapping[int, Sequence[Row]] | None = None,
        nights: Mapping[int, Sequence[Row]] | None = None,
    ) -> dict[int, list[tuple[str, str]]]:
        """Stage what came, conform it, and say what the state is as of each date that has an entry."""
        with self.warehouse.transaction(name, atomic=True) as transaction:
            step = self._step(transaction, days)
            for day, rows in (history or {}).items():
                stage(step, day, "history", rows)
            if history is not None:
                transaction.note(STAGED, {"history": {name: {}}})
            for day, rows in (nights or {}).items():
                stage(step, day, "night", rows)
            conforming.conform(step, SELECT, CONFORMED)
            states = {}
            for day in step.view().entries(CONFORMED.name):
                conforming._state(step, CONFORMED, day, name="as_of_day")
                states[day.day] = sorted(step.engine.rows("select k, v from as_of_day"))
            step.close()
            transaction.commit()
        return states

    def _step(self, transaction: Transaction, days: Sequence[int]) -> Step:
        context: Any = SimpleNamespace(
            asset_key=SimpleNamespace(to_user_string=lambda: "conformed/acc"),
            partition_keys=[on(day).isoformat() for day in days],
        )
        bank: Any = SimpleNamespace(feeds={"acc": None}, parameters={}, time_zone="Asia/Shanghai")
        place = self.warehouse.place
        return Step(context, bank=bank, landing=place.root, transaction=transaction, place=place, threads=1)


def stage(step: Step, day: int, kind: str, rows: Sequence[Row]) -> None:
    at = f"date '{on(day)}'"
    values = ", ".join(
        f"('{k}', '{v}', {at}, {at}, 'acc', 'd', {number}, '{op}')" for number, (k, v, op) in enumerate(rows)
    )
    query = f"select * replace (_row_no::bigint as _row_no) from (values {values}) as rows({', '.join(TYPES)})"
    step.write(STAGED, on(day), query, note={"kind": kind})


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bank:
    monkeypatch.setattr(conforming, "input_table", lambda *_: STAGED)
    return Bank((tmp_path / "w").resolve())


def test_dates_of_a_history_after_a_night_of_its_run_do_not_undo_the_night(bank: Bank) -> None:
    states = bank.run(
        "one",
        [10],
        history={1: [("a", "1", "I")], 20: [("c", "1", "I")]},
        nights={10: [("a", "2", "U"), ("b", "1", "I")]},
    )
    assert states[10] == [("a", "2"), ("b", "1")]
    assert states[20] == [("a", "2"), ("b", "1"), ("c", "1")]


def test_a_history_with_its_nights_says_what_they_say_in_runs_of_their_own(bank: Bank, tmp_path: Path) -> None:
    history: dict[int, list[Row]] = {1: [("a", "1", "I")], 5: [("b", "1", "I"), ("a", "2", "U")]}
    nights: dict[int, list[Row]] = {10: [("a", "3", "U")], 11: [("b", "1", "D")], 13: [("c", "1", "I")]}
    together = bank.run("together", [10, 11, 12, 13], history=history, nights=nights)
    apart = Bank((tmp_path / "apart").resolve())
    apart.run("history", [6], history=history)
    for day, rows in nights.items():
        found = apart.run(f"night-{day}", [day], nights={day: rows})
    assert together == found
    assert together[11] == [("a", "3")]
    assert together[13] == [("a", "3"), ("c", "1")]


def test_a_night_made_again_with_a_second_history_is_not_undone_by_the_next(bank: Bank) -> None:
    nights: dict[int, list[Row]] = {day: [(f"n{day}", "1", "I")] for day in (10, 11, 12)}
    bank.run("first", [10, 11, 12], history={1: [("a", "1", "I"), ("gone", "1", "I")]}, nights=nights)
    states = bank.run(
        "second",
        [10],
        history={1: [("a", "2", "I")]},
        nights={10: [("n10", "2", "I"), ("also", "1", "I")]},
    )
    assert {("n10", "2"), ("also", "1")} <= set(states[10])
    assert {("n10", "2"), ("also", "1"), ("n11", "1")} <= set(states[11])


def test_no_night_keeps_the_file_of_a_history_that_was_replaced(bank: Bank) -> None:
    nights: dict[int, list[Row]] = {day: [(f"n{day}", "1", "I")] for day in (10, 11, 12)}
    bank.run("first", [10, 11, 12], history={1: [("a", "1", "I")]}, nights=nights)
    bank.run("second", [13], history={1: [("a", "2", "I"), ("gone", "1", "I")]}, nights={13: [("n13", "1", "I")]})
    states = bank.run("third", [10], history={1: [("a", "3", "I")]})
    assert [("gone", "1") in states[day] for day in (10, 11, 12, 13)] == [False] * 4
    assert [("a", "3") in states[day] for day in (10, 11, 12, 13)] == [True] * 4
