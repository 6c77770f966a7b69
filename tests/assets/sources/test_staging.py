from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from feeds_by_hand import contract, form
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources.breaches import breaches
from assets.sources.raw import Raw
from assets.sources.reading import read
from assets.sources.staging import (
    Filed,
    check_own_date,
    daily_select,
    file_history,
    full_changes,
    held_in_quarantine,
    held_keys,
    quality_select,
    quarantine_select,
    unreadable_in_quarantine,
    unreadable_keys,
)
from data_contracts import tables
from data_contracts.contract import Contract, Property, Rule, Temporal, Volume
from data_contracts.judge import judge
from data_contracts.judgement import Judgement
from liangcang.engine import Engine
from liangcang.errors import DeliveryError, EngineError

D = dt.date(2026, 11, 20)
START = dt.date(2026, 1, 1)
ID = "0123456789ab"
_numbers = itertools.count()

NUMBER = Property(name="id", type="BIGINT", key=True, null_values=("",))
AMOUNT = Property(name="amount", type="DECIMAL(18,2)", null_values=("",))
HAPPENED = Property(name="happened", type="DATE", null_values=("",))
TYPE = Property(name="type", type="VARCHAR", null_values=("",))
EVENT = Temporal(kind="event", column="happened")
LOOSE: dict[str, Any] = {"max_quarantined": 1.0, "max_rejected": 1.0}
NO_GUARD = Volume(min_ratio=0, max_ratio=1e9, max_deleted_share=1, min_rows=0)


class Desk:
    """Reads and judges lines of a file, as a night would; keeps what `staging` needs."""

    def __init__(self, engine: Engine, room: Path) -> None:
        self.engine, self.room = engine, room

    def judged(self, feed: Contract, *lines: str, kind: str = "daily") -> tuple[Raw, Judgement]:
        path = self.room / f"staging{next(_numbers)}"
        path.write_text("".join(f"{line}\n" for line in lines))
        raw = read(self.engine, path, feed, form(kind, delimiter=";", quote='"'), file_name="feed.dat")
        return raw, judge(self.engine.con, feed, business_date=D)

    def history(self, feed: Contract, *lines: str) -> Filed:
        raw, judgement = self.judged(feed, *lines, kind="history")
        return self.filed(feed, raw, judgement)

    def filed(self, feed: Contract, raw: Raw, judgement: Judgement) -> Filed:
        return file_history(self.engine, feed, judgement, raw=raw, start_date=START, delivery=ID, file_name="feed.dat")

    def written(self, sql: str, table: tables.Table) -> Path:
        return self.engine.write(sql, table, self.room / f"{table.name}{next(_numbers)}.parquet").path

    def stored(self, sql: str, table: tables.Table, columns: str = "*") -> list[tuple[Any, ...]]:
        """Rows as they stand in the Parquet file that the engine makes of the SELECT, in order of the key."""
        return self.engine.rows(f"select {columns} from read_parquet($file)", file=str(self.written(sql, table)))


@pytest.fixture
def desk(engine: Engine, room: Path) -> Desk:
    return Desk(engine, room)


def events(**said: Any) -> Contract:
    return contract(NUMBER, HAPPENED, AMOUNT, **{"temporal": EVENT, **LOOSE, **said})


def accounts(**said: Any) -> Contract:
    given: dict[str, Any] = {"delivery": "full", "temporal": Temporal(kind="interval"), "volume": NO_GUARD, **LOOSE}
    return contract(NUMBER, AMOUNT, **{**given, **said})


# Daily


def test_a_daily_delivery_is_filed_under_its_own_date_even_where_events_are_late(desk: Desk) -> None:
    feed = events()
    _, judgement = desk.judged(feed, "1;2026-11-20;1.50", "2;2026-11-18;2.00")
    rows = desk.stored(daily_select(feed, judgement, day=D, delivery=ID), tables.staged(feed))
    happened = dt.date(2026, 11, 18)
    assert [(row[0], row[1], *row[3:]) for row in rows] == [(1, D, D, D, ID, 1), (2, happened, D, D, ID, 2)]


def test_a_feed_without_a_key_is_staged_with_equal_rows(desk: Desk) -> None:
    feed = contract(HAPPENED, AMOUNT, temporal=EVENT, keyless=True, **LOOSE)
    _, judgement = desk.judged(feed, "2026-11-20;1.00", "2026-11-20;1.00")
    rows = desk.stored(daily_select(feed, judgement, day=D, delivery=ID), tables.staged(feed), "_delivery, _row_no")
    assert rows == [(ID, 1), (ID, 2)]


def test_a_delta_says_the_new_values_of_its_keys(desk: Desk) -> None:
    feed = accounts(delivery="delta")
    _, judgement = desk.judged(feed, "1;1.00")
    rows = desk.stored(daily_select(feed, judgement, day=D, delivery=ID), tables.staged(feed), "id, _op, _held_since")
    assert rows == [(1, "U", None)]


def test_a_delivery_is_called_by_its_digest_and_nothing_else(desk: Desk) -> None:
    feed = events()
    _, judgement = desk.judged(feed, "1;2026-11-20;1.50")
    with pytest.raises(EngineError):
        daily_select(feed, judgement, day=D, delivery="x' or 1=1 --")


@pytest.mark.parametrize(
    ("own", "other", "taken"), [(2, 2, True), (1, 2, False), (0, 1, False), (1, 0, True), (0, 0, True)]
)
def test_a_delivery_whose_events_are_mostly_of_other_days_is_another_dates(
    desk: Desk, own: int, other: int, taken: bool
) -> None:
    feed = events()
    lines = [f"{n};2026-11-20;1" for n in range(own)] + [f"{n + 50};2026-11-19;1" for n in range(other)]
    _, judgement = desk.judged(feed, *lines, "99;;1")
    if taken:
        check_own_date(desk.engine, feed, judgement, day=D, file_name="feed.dat")
        return
    with pytest.raises(DeliveryError, match="a delivery of another date") as caught:
        check_own_date(desk.engine, feed, judgement, day=D, file_name="feed.dat")
    assert caught.value.details["found"].startswith(f"{own} of {own + other} rows")
    assert caught.value.details["field"] == "happened"


def test_states_have_no_date_of_their_own_to_be_wrong_about(desk: Desk) -> None:
    feed = accounts()
    _, judgement = desk.judged(feed, "1;1.00")
    check_own_date(desk.engine, feed, judgement, day=D, file_name="feed.dat")


# Full feeds


def empty_state(desk: Desk, feed: Contract) -> str:
    columns = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in tables.staged(feed).columns.items())
    desk.engine.rows(f"create or replace temp table state_before as select {columns} where false")
    return "state_before"


def staged_full(desk: Desk, feed: Contract, before: str, *lines: str, day: dt.date = D) -> list[tuple[Any, ...]]:
    _, judgement = desk.judged(feed, *lines)
    full_changes(
        desk.engine, feed, judgement, name="changed", before=before, day=day, delivery=ID, file_name="feed.dat"
    )
    desk.engine.rows("create or replace temp table state_before as select * from changed")
    return desk.stored("select * from changed", tables.staged(feed), "id, amount::varchar, _op, _held_since")


def test_a_full_delivery_becomes_the_change_set_that_its_table_stores(desk: Desk) -> None:
    feed = accounts()
    assert staged_full(desk, feed, empty_state(desk, feed), "1;1.00", "2;2.00") == [
        (1, "1.00", "I", None),
        (2, "2.00", "I", None),
    ]
    assert staged_full(desk, feed, "state_before", "1;1.00", "2;5.00", day=D + dt.timedelta(1)) == [
        (2, "5.00", "U", None)
    ]


def test_a_row_that_broke_its_contract_holds_its_key(desk: Desk) -> None:
    feed = accounts()
    before = empty_state(desk, feed)
    staged_full(desk, feed, before, "1;1.00", "2;2.00")
    assert staged_full(desk, feed, before, "1;1.00", "2;two") == [(2, "2.00", "U", D)]


def test_a_repeated_key_is_held_and_not_deleted(desk: Desk) -> None:
    feed = accounts()
    before = empty_state(desk, feed)
    staged_full(desk, feed, before, "1;1.00", "2;2.00")
    assert staged_full(desk, feed, before, "1;1.00", "2;3.00", "2;4.00") == [(2, "2.00", "U", D)]


@pytest.mark.parametrize("broken", ["2;2.00;more", "two;2.00"])
def test_while_a_key_cannot_be_read_absent_keys_are_held(desk: Desk, broken: str) -> None:
    feed = accounts()
    before = empty_state(desk, feed)
    staged_full(desk, feed, before, "1;1.00", "2;2.00", "3;3.00")
    assert staged_full(desk, feed, before, broken, "1;1.00") == [(2, "2.00", "U", D), (3, "3.00", "U", D)]


def test_a_row_without_a_key_names_nobody_and_holds_nobody(desk: Desk) -> None:
    feed = accounts()
    before = empty_state(desk, feed)
    staged_full(desk, feed, before, "1;1.00", "2;2.00")
    assert staged_full(desk, feed, before, ";7.00", "1;1.00") == [(2, "2.00", "D", None)]


def test_the_guard_stands_before_the_diff(desk: Desk) -> None:
    feed = accounts(volume=Volume())
    before = empty_state(desk, feed)
    staged_full(desk, feed, before, *(f"{n};1.00" for n in range(10)))
    with pytest.raises(DeliveryError, match="half a full file"):
        staged_full(desk, feed, before, *(f"{n};1.00" for n in range(4)))


def test_the_date_that_a_state_carries_is_kept_and_not_compared(desk: Desk) -> None:
    feed = contract(
        NUMBER,
        HAPPENED,
        AMOUNT,
        delivery="full",
        state_date="happened",
        temporal=Temporal(kind="snapshot"),
        volume=NO_GUARD,
        **LOOSE,
    )
    before = empty_state(desk, feed)
    staged_full(desk, feed, before, "1;2026-11-20;1.00", "2;2026-11-20;2.00")
    _, judgement = desk.judged(feed, "1;2026-11-21;1.00", "2;2026-11-21;3.00")
    full_changes(desk.engine, feed, judgement, name="changed", before=before, day=D, delivery=ID, file_name="feed.dat")
    assert desk.stored("select * from changed", tables.staged(feed), "id, happened, _op") == [
        (2, dt.date(2026, 11, 21), "U")
    ]


# Quarantine and quality


def test_quarantine_holds_the_text_as_it_came_and_the_rules_it_broke(desk: Desk) -> None:
    feed = events()
    raw, judgement = desk.judged(feed, "1;2026-11-20;1.00", "2;20 Nov; x ", "3;2026-11-20", "4;2026-11-20;4.00")
    sql = quarantine_select(feed, judgement, raw=raw, day=D, delivery=ID, file_name="feed's.dat")
    rows = desk.stored(sql, tables.quarantine(feed))
    assert rows == [
        (D, ID, 2, 2, "quarantined", ["happened.parse", "amount.parse"], "feed's.dat", "2", "20 Nov", " x ", None),
        (D, ID, 3, 3, "rejected", [], "feed's.dat", None, None, None, "3;2026-11-20"),
    ]


def test_quality_counts_add_up_to_what_was_delivered(desk: Desk) -> None:
    feed = events()
    raw, judgement = desk.judged(feed, "1;2026-11-20;1.00", "2;2026-11-20;x", "3;2026-11-20", "1;2026-11-20;1.00")
    breached = breaches(desk.engine, feed, judgement, raw=raw, delivery=ID, bank="riverside")
    assert breached == {"amount.parse": [("2", 2, 2)]}
    sql = quality_select(desk.engine, feed, judgement, day=D, delivery=ID, breaches=breached)
    rows = desk.stored(sql, tables.quality(feed), "rule_id, kind, checked")
    counts = {name: checked for name, kind, checked in rows if kind == "conservation"}
    assert counts == {"delivered": 4, "staged": 1, "quarantined": 1, "rejected": 1, "exact_duplicate": 1}


@pytest.mark.parametrize(
    "lines",
    [
        ("1;1.00", "2;two", "3;3.00", "3;4.00"),
        ("one;1.00", "2;2.00", "3", "4;4.00"),
        (";1.00", "2;2.00"),
        ("1;x", "1;y", "007;z", "8;8.00"),
    ],
)
def test_held_and_unreadable_keys_are_the_same_when_read_back_from_quarantine(
    desk: Desk, lines: tuple[str, ...]
) -> None:
    feed = accounts()
    raw, judgement = desk.judged(feed, *lines)
    file = desk.written(
        quarantine_select(feed, judgement, raw=raw, day=D, delivery=ID, file_name="feed.dat"), tables.quarantine(feed)
    )
    desk.engine.view("quarantine.feed", [file], tables.quarantine(feed).columns)
    again = desk.engine.rows(f"select * from {held_in_quarantine(feed, 'quarantine.feed', D)} order by all")
    assert again == desk.engine.rows(f"select * from {held_keys(feed, judgement)} order by all")
    unreadable = unreadable_in_quarantine(desk.engine, feed, "quarantine.feed", D)
    assert unreadable == unreadable_keys(desk.engine, feed, judgement)
    assert desk.engine.rows(f"select * from {held_in_quarantine(feed, 'quarantine.feed', START)}") == []


# History


def filed_rows(desk: Desk, feed: Contract, filed: Filed, columns: str) -> list[tuple[Any, ...]]:
    """The rows of all entries, each written to its own file as a night does."""
    table = tables.staged(feed)
    return [row for day in filed.days for row in desk.stored(filed.select(day), table, columns)]


def test_events_are_filed_under_the_day_on_which_they_happened(desk: Desk) -> None:
    feed = events(known_at_days=2)
    filed = desk.history(feed, "1;2026-11-20;1.00", "2;2025-06-30;2.00", "3;2026-11-20;3.00")
    june = dt.date(2025, 6, 30)
    assert filed.rows == {june: 1, D: 2}
    assert filed_rows(desk, feed, filed, "id, business_date, known_at, _delivery, _row_no") == [
        (2, june, june + dt.timedelta(2), ID, 2),
        (1, D, D + dt.timedelta(2), ID, 1),
        (3, D, D + dt.timedelta(2), ID, 3),
    ]


def test_a_column_may_say_when_a_row_was_known(desk: Desk) -> None:
    booked = Property(name="booked", type="DATE", null_values=("",))
    feed = contract(NUMBER, HAPPENED, booked, temporal=EVENT, known_at_column="booked", **LOOSE)
    filed = desk.history(feed, "1;2026-11-20;2026-11-25", "2;2026-11-20;")
    assert filed_rows(desk, feed, filed, "id, known_at") == [(1, dt.date(2026, 11, 25)), (2, None)]


def test_what_exists_since_a_date_is_there_from_that_date_or_from_the_banks_start(desk: Desk) -> None:
    feed = contract(NUMBER, HAPPENED, temporal=Temporal(kind="since", column="happened"), delivery="full", **LOOSE)
    filed = desk.history(feed, "1;2026-11-20", "2;1987-03-01")
    assert filed_rows(desk, feed, filed, "id, business_date, known_at, happened, _op") == [
        (2, START, START, dt.date(1987, 3, 1), "I"),
        (1, D, D, D, "I"),
    ]


@pytest.mark.parametrize(("kind", "known"), [("identity", START), ("undated", None), ("snapshot", None)])
def test_what_has_no_date_is_filed_at_the_banks_start(desk: Desk, kind: str, known: dt.date | None) -> None:
    feed = contract(NUMBER, AMOUNT, temporal=Temporal(kind=kind), delivery="full", **LOOSE)  # type: ignore[arg-type]
    filed = desk.history(feed, "1;1.00")
    assert filed_rows(desk, feed, filed, "business_date, known_at, _op, _held_since") == [(START, known, "I", None)]


def test_rows_of_one_table_may_say_different_things_of_time(desk: Desk) -> None:
    """As in the Czech bank: an owner has always been one, an authorised user may have become one yesterday."""
    feed = contract(
        NUMBER,
        TYPE,
        HAPPENED,
        temporal=Temporal(kind="undated"),
        row_temporals=(
            Temporal(kind="identity", where="type = 'OWNER'"),
            Temporal(kind="since", column="happened", where="type = 'PROXY'"),
        ),
        delivery="full",
        **LOOSE,
    )
    filed = desk.history(feed, "1;OWNER;", "2;USER;2026-11-20", "3;PROXY;2026-11-20", "4;;")
    assert filed_rows(desk, feed, filed, "id, business_date, known_at") == [
        (1, START, START),
        (2, START, None),
        (4, START, None),
        (3, D, D),
    ]


def test_a_row_without_the_date_it_is_filed_under_refuses_the_history(desk: Desk) -> None:
    for feed in (
        events(),
        contract(NUMBER, HAPPENED, AMOUNT, temporal=Temporal(kind="since", column="happened"), **LOOSE),
    ):
        with pytest.raises(DeliveryError, match="without the date") as caught:
            desk.history(feed, "1;2026-11-20;1.00", "2;;2.00")
        assert caught.value.details["found"] == "1 of 2 rows"
        assert caught.value.details["field"] == "happened"


def by_hand(engine: Engine, feed: Contract, raw: Raw) -> Judgement:
    """A judgement that found every row good: keys of dated states stand in the file once a date."""
    texts = ", ".join(f"try_cast(nullif({name}, '') as {kind}) as {name}" for name, kind in feed.columns.items())
    engine.rows(f"create or replace temp table all_good as select _row_no, {texts} from raw")
    return Judgement(
        delivered=raw.rows,
        good=raw.rows,
        quarantined=0,
        rejected=0,
        exact_duplicates=0,
        results=(),
        observations=(),
        refused=None,
        good_rows="all_good",
        typed_rows="all_good",
        bad_rows="none",
        duplicate_rows="none",
        judged_text="none",
        violations="none",
    )


@pytest.mark.parametrize("written", ["%Y-%m-%d", "%Y%m%d"])
def test_dated_states_become_changes_on_their_dates(engine: Engine, room: Path, desk: Desk, written: str) -> None:
    feed = accounts(state_date="as_at")
    october, november, december = (dt.date(2026, month, 28) for month in (10, 11, 12))
    states = [(october, "1;1.00"), (october, "2;2.00"), (november, "1;1.00"), (november, "2;9.00"), (december, "1;")]
    path = room / f"states{written.count('-')}"
    path.write_text("".join(f"{day.strftime(written)};{row}\n" for day, row in states))
    raw = read(engine, path, feed, form("history", "h", delimiter=";"), file_name="h.dat")
    filed = desk.filed(feed, raw, by_hand(engine, feed, raw))
    assert filed_rows(desk, feed, filed, "business_date, id, amount::varchar, _op, known_at") == [
        (october, 1, "1.00", "I", october),
        (october, 2, "2.00", "I", october),
        (november, 2, "9.00", "U", november),
        (december, 1, None, "U", december),
    ]


def test_a_state_date_that_is_no_date_refuses_the_history(engine: Engine, room: Path, desk: Desk) -> None:
    feed = accounts(state_date="as_at")
    path = room / "states without date"
    path.write_text("2026-10-31;1;1.00\nOctober;2;2.00\n2026-02-30;3;3.00\n")
    raw = read(engine, path, feed, form("history", "h", delimiter=";"), file_name="h.dat")
    with pytest.raises(DeliveryError, match="without the date") as caught:
        desk.filed(feed, raw, by_hand(engine, feed, raw))
    assert caught.value.details["found"] == "2 of 3 rows"


def test_a_quarantined_row_is_not_filed(desk: Desk) -> None:
    feed = events(
        rules=(Rule(id="positive", kind="row", severity="quarantine", dimension="accuracy", predicate="amount > 0"),)
    )
    filed = desk.history(feed, "1;2026-11-20;1.00", "2;2026-11-19;-1.00")
    assert filed.rows == {D: 1}


@settings(max_examples=20, deadline=None)
@given(days=st.lists(st.integers(0, 400), max_size=40))
def test_every_good_row_of_a_history_is_filed_once_under_its_own_date(
    engine: Engine, room: Path, days: list[int]
) -> None:
    desk, feed = Desk(engine, room), events()
    dates = [START + dt.timedelta(days=n) for n in days]
    filed = desk.history(feed, *(f"{n};{day};{n}.00" for n, day in enumerate(dates)), "x;2026-01-01;1.00")
    assert filed.rows == dict(sorted(Counter(dates).items()))
    found = [
        row
        for day in filed.days
        for row in engine.rows(f"select business_date, id, _row_no from ({filed.select(day)})")
    ]
    assert sorted(found) == sorted((day, n, n + 1) for n, day in enumerate(dates))
