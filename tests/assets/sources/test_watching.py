"""Deliveries beside the clock and beside the nights before, on entries that a real warehouse holds."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from feeds_by_hand import contract, form
from hypothesis import given
from hypothesis import strategies as st

from assets.conformed.conforming import NIGHT
from assets.sources.landing import Delivery
from assets.sources.reading import read
from assets.sources.watching import ARRIVED, note_of, stability_index, watched
from data_contracts import tables
from data_contracts.bank import Bank, read_bank
from data_contracts.contract import Property, Rule, Temporal
from data_contracts.judge import judge
from data_contracts.judgement import RuleResult
from liangcang.engine import Engine
from liangcang.place import create
from liangcang.store import Warehouse
from liangcang.table import Entry

D = dt.date(2026, 11, 20)
ID = "0123456789ab"
_numbers = itertools.count()
COMMON = {"severity": "warning", "owner": "运营管理部"}
KIND = Property(name="kind", type="VARCHAR", codes={"a": "", "b": "", "c": ""})
AMOUNT = Property(name="amount", type="DECIMAL(18,2)")
FEED = contract(
    Property(name="id", type="BIGINT", key=True),
    Property(name="happened", type="DATE"),
    KIND,
    AMOUNT,
    temporal=Temporal(kind="event", column="happened"),
    rules=(
        Rule(id="arrival", kind="arrival", dimension="timeliness", **COMMON),  # type: ignore[arg-type]
        Rule(id="weekdays", kind="weekdays", dimension="completeness", minimum="0.5", maximum="2", days=56, least_days=4, least_rows=4, **COMMON),  # type: ignore[arg-type]
        *(
            Rule(id=f"drift.{name}", kind="drift", dimension="accuracy", columns=(name,), maximum="0.25", days=28, least_days=3, least_rows=10, **COMMON)  # type: ignore[arg-type]
            for name in ("kind", "amount")
        ),
    ),
)  # fmt: skip
Night = Callable[..., Mapping[str, RuleResult]]
Rows = list[tuple[str, str]]


class Bench:
    """A warehouse with nights of one feed in it, and what the next delivery is found to be beside them."""

    def __init__(self, folder: Path, room: Path, engine: Engine) -> None:
        folder.mkdir()
        create(folder, bank="county")
        self.warehouse, self.room, self.engine = Warehouse.open(folder), room, engine
        self.bank: Bank = read_bank("county")
        self.came = self.bank.cut_off_of(D) - dt.timedelta(hours=1)

    def nights(self, days: Mapping[dt.date, Rows], **note: object) -> None:
        """Stage these rows as the nights of these dates."""
        table = tables.staged(FEED)
        with self.warehouse.transaction("nights", atomic=False) as transaction:
            for day, rows in days.items():
                lines = ", ".join(f"({n}, date '{day}', '{kind}', {amount}, date '{day}', date '{day}', '{ID}', {n})" for n, (kind, amount) in enumerate(rows))  # fmt: skip
                file = self.room / f"night{next(_numbers)}.parquet"
                select = f"select * from (values {lines}) as v({', '.join(table.columns)})"
                self.engine.write(select, table, file)
                entry = Entry(sha256="", rows=len(rows), bytes=0, note={"kind": NIGHT, "delivery": ID, **note})
                copy = transaction.path("rows.parquet")
                copy.write_bytes(file.read_bytes())
                transaction.stage_many(table, [(copy, {day: entry})])
            transaction.commit()

    def delivery(self) -> Delivery:
        moment = int(self.came.timestamp()) * 1_000_000_000
        return Delivery(
            feed="feed", kind="daily", path=self.room / "x", name="x", business_date=D, sequence=1, size=1,
            mtime_ns=moment,
        )  # fmt: skip

    def found(self, rows: Rows, *, day: dt.date | None = D) -> Mapping[str, RuleResult]:
        path = self.room / f"watched{next(_numbers)}"
        path.write_text("".join(f"{n};{D};{kind};{amount}\n" for n, (kind, amount) in enumerate(rows)))
        raw = read(self.engine, path, FEED, form(delimiter=";", quote='"'), file_name="feed.dat")
        judgement = judge(self.engine.con, FEED, raw=raw.raw, rejected=raw.rejected, business_date=D)
        assert judgement.good == len(rows)
        results = watched(
            FEED, self.delivery(), judgement, engine=self.engine, view=self.warehouse.current, bank=self.bank, day=day,
            id=ID,
        )  # fmt: skip
        return {result.rule_id: result for result in results}


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Engine]]:
    room = tmp_path_factory.mktemp("watching")
    for name in ("spill", "faults"):
        (room / name).mkdir()
    with Engine(read=[room], write=room, spill=room / "spill", faults=room / "faults") as engine:
        yield room, engine


@pytest.fixture
def bench(everywhere: tuple[Path, Engine]) -> Bench:
    room, engine = everywhere
    return Bench(room / f"warehouse{next(_numbers)}", room, engine)


def before(rows: Callable[[int], Rows], *, step: int, times: int) -> dict[dt.date, Rows]:
    return {D - dt.timedelta(days=step * nth): rows(nth) for nth in range(times, 0, -1)}


def mixed(a: int, b: int, *, amount: str = "1.00") -> Rows:
    return [("a", amount)] * a + [("b", amount)] * b


def test_what_comes_after_the_cut_off_is_late_and_says_by_how_much(bench: Bench) -> None:
    assert bench.found(mixed(1, 1))["arrival"].passed
    bench.came += dt.timedelta(hours=1)
    assert bench.found(mixed(1, 1))["arrival"].passed, "at the very cut-off"
    bench.came += dt.timedelta(minutes=31)
    late = bench.found(mixed(1, 1))["arrival"]
    assert (late.passed, late.failed, late.severity, late.owner) == (False, 1, "warning", "运营管理部")
    assert late.observation == "came 2026-11-21 05:31, the cut-off was 2026-11-21 05:00"


def test_what_is_delivered_again_came_when_it_came_first(bench: Bench) -> None:
    said = note_of(bench.warehouse.current, FEED, bench.delivery(), day=D, id=ID)
    bench.nights({D: mixed(1, 1)}, **{ARRIVED: str(said[ARRIVED])})
    bench.came += dt.timedelta(days=3)
    assert bench.found(mixed(1, 1))["arrival"].passed
    assert note_of(bench.warehouse.current, FEED, bench.delivery(), day=D, id=ID) == said


@pytest.mark.parametrize(("rows", "passed"), [(4, False), (5, True), (20, True), (21, False)])
def test_rows_are_held_to_the_median_of_the_same_weekday(bench: Bench, rows: int, *, passed: bool) -> None:
    sizes = [10, 10, 500, 10, 1]
    bench.nights(before(lambda nth: mixed(sizes[nth - 1], 0), step=7, times=5))
    found = bench.found(mixed(rows, 0))["weekdays"]
    assert found.passed is passed
    assert passed or f"{rows} rows, {rows / 10:.2f} times the median of 5 such weekdays" == found.observation


def test_too_few_weekdays_and_too_few_rows_are_not_judged_and_say_so(bench: Bench) -> None:
    bench.nights(before(lambda _: mixed(10, 0), step=7, times=3))
    found = bench.found(mixed(1, 0))["weekdays"]
    assert (found.passed, found.failed) == (None, 0)
    assert "3 of the same weekdays of 8 weeks are known, 4 needed" in str(found.observation)
    bench.nights({D - dt.timedelta(weeks=4): mixed(1, 0), D - dt.timedelta(weeks=5): mixed(1, 0)} | before(lambda _: mixed(2, 0), step=7, times=3))  # fmt: skip
    assert "their median is 2 rows, 4 needed" in str(bench.found(mixed(1, 0))["weekdays"].observation)


def test_drift_is_the_index_of_exact_counts_of_the_days_before_alone(bench: Bench) -> None:
    bench.nights(before(lambda _: mixed(6, 4), step=1, times=4) | {D - dt.timedelta(days=29): mixed(0, 999)})
    same, other = bench.found(mixed(12, 8)), bench.found(mixed(4, 16))
    assert same["drift.kind"].passed and same["drift.amount"].passed
    expected = stability_index([(24, 4), (16, 16)])
    assert expected == pytest.approx((4.5 / 21 - 24.5 / 41) * math.log((4.5 / 21) / (24.5 / 41)) * 2, rel=0.2)
    assert not other["drift.kind"].passed
    assert f"index {expected:.4f} against 40 rows of 4 days, at most 0.25" == other["drift.kind"].observation
    assert other["drift.amount"].passed, "the amounts are what they were"


def test_numbers_drift_between_the_deciles_of_what_was(bench: Bench) -> None:
    bench.nights(before(lambda nth: [("a", f"{n * 10 + nth}.00") for n in range(10)], step=1, times=4))
    assert bench.found([("a", f"{n * 4 + 3}.00") for n in range(25)])["drift.amount"].passed
    assert not bench.found([("a", f"{n * 400 + 3}.00") for n in range(25)])["drift.amount"].passed


def test_too_little_base_and_a_history_are_not_judged(bench: Bench) -> None:
    bench.nights(before(lambda _: mixed(10, 10), step=1, times=2))
    assert "2 of the 28 days before have rows, 3 needed" in str(bench.found(mixed(9, 9))["drift.kind"].observation)
    bench.nights({D - dt.timedelta(days=5): mixed(10, 10)})
    assert "9 rows beside 60, 10 needed of both" in str(bench.found(mixed(5, 4))["drift.kind"].observation)
    history = bench.found(mixed(1, 1), day=None)
    assert {result.passed for result in history.values()} == {None}


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=12), st.randoms())
def test_the_index_is_the_same_in_any_order_and_never_negative(counts: list[tuple[int, int]], random: object) -> None:
    shuffled = list(counts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert stability_index(counts) == stability_index(shuffled) >= 0
    assert stability_index([(then, then) for then, _ in counts]) == 0
