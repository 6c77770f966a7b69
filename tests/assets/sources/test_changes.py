from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
import pytest
from feeds_by_hand import contract
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources.changes import (
    Changes,
    diff,
    guard_volume,
    history_changes,
    same_state,
    state_as_of,
    successor_diff,
)
from data_contracts.contract import Property, Volume
from liangcang.engine import Engine
from liangcang.errors import DeliveryError, EngineError

KEY, COLUMNS = ("id", "sub"), ("id", "sub", "value", "note")
D1, D2, D3 = (dt.date(2026, 11, day) for day in (1, 2, 3))
_PLACED = {"_delivery": pl.String, "_row_no": pl.Int64}
_CHANGED = {"business_date": pl.Date, "known_at": pl.Date, **_PLACED, "_op": pl.String, "_held_since": pl.Date}
_OWN = {"id": pl.Int64, "sub": pl.String, "value": pl.Int64, "note": pl.String}

Key = tuple[int, str]
Value = tuple[int | None, str | None]
State = dict[Key, tuple[Value, dt.date | None]]


@dataclass(frozen=True)
class Night:
    """What a full feed delivered: good rows, keys that were quarantined, and records whose key nobody can read."""

    good: Mapping[Key, Value]
    held: frozenset[Key] = frozenset()
    unreadable: int = 0


class Book:
    """A feed's change sets, date by date, in an engine; `load` and `redeliver` do what a night does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sets: dict[dt.date, list[tuple[object, ...]]] = {}
        self.nights: dict[dt.date, Night] = {}

    def state(self, day: dt.date, name: str) -> str:
        rows = [row for changed in self.sets.values() for row in changed]
        self.engine.register("changes", pl.DataFrame(rows, schema={**_OWN, **_CHANGED}, orient="row"))
        self.engine.rows(f"create or replace temp table {name} as {state_as_of('changes', KEY, day)}")
        return name

    def held(self, day: dt.date) -> str:
        keys = pl.DataFrame(list(self.nights[day].held), schema={"id": pl.Int64, "sub": pl.String}, orient="row")
        self.engine.register("held", keys)
        return "held"

    def load(self, day: dt.date, night: Night) -> Changes:
        self.nights[day] = night
        rows = [(*key, *value, day.isoformat(), n) for n, (key, value) in enumerate(night.good.items(), start=1)]
        self.engine.register("delivered", pl.DataFrame(rows, schema={**_OWN, **_PLACED}, orient="row"))
        found = diff(
            self.engine,
            "change_set",
            new="delivered",
            old=self.state(day - dt.timedelta(days=1), "state_before"),
            held=self.held(day),
            key=KEY,
            columns=COLUMNS,
            day=day,
            unreadable=night.unreadable,
        )
        self.sets[day] = self.engine.rows("select * from change_set")
        return found

    def redeliver(self, day: dt.date, night: Night) -> list[dt.date]:
        """Replace the delivery of a date; returns the later dates whose change sets were recomputed."""
        later = sorted(at for at in self.sets if at > day)
        olds = {at: self.state(at, f"old_{n}") for n, at in enumerate(later)}
        self.load(day, night)
        restated: list[dt.date] = []
        for at in later:
            successor_diff(
                self.engine,
                "change_set",
                new_before=self.state(day, "state_before"),
                old_state=olds[at],
                held=self.held(at),
                unreadable=self.nights[at].unreadable,
                key=KEY,
                columns=COLUMNS,
                day=at,
            )
            self.sets[at] = self.engine.rows("select * from change_set")
            restated.append(at)
            if same_state(self.engine, self.state(at, "state_now"), olds[at], COLUMNS):
                break
            day = at
        return restated

    def states(self) -> dict[dt.date, State]:
        return {day: self.shown(day) for day in sorted(self.sets)}

    def shown(self, day: dt.date) -> State:
        found = self.engine.rows(f"select {', '.join(COLUMNS)}, _held_since from {self.state(day, 'shown')}")
        return {(row[0], row[1]): ((row[2], row[3]), row[4]) for row in found}


def naive_states(nights: Mapping[dt.date, Night]) -> dict[dt.date, State]:
    """The states by the rules as they are told, in plain Python."""
    state: State = {}
    states = {}
    for day, night in sorted(nights.items()):
        now: State = {key: (value, None) for key, value in night.good.items()}
        for key, (value, since) in state.items():
            if key not in now and (key in night.held or night.unreadable):
                now[key] = (value, since or day)
        states[day] = state = now
    return states


_KEYS = st.tuples(st.integers(1, 5), st.sampled_from(["a", "b"]))
_VALUES = st.tuples(st.one_of(st.none(), st.integers(0, 2)), st.sampled_from([None, "", "x"]))


@st.composite
def nights(draw: st.DrawFn) -> Night:
    delivered = draw(st.dictionaries(_KEYS, st.one_of(_VALUES, st.just("quarantined")), max_size=8))
    return Night(
        good={key: value for key, value in delivered.items() if value != "quarantined"},
        held=frozenset(key for key, value in delivered.items() if value == "quarantined"),
        unreadable=draw(st.sampled_from([0, 0, 0, 1])),
    )


_DATES = st.lists(st.integers(0, 40), min_size=1, max_size=5, unique=True).map(
    lambda offsets: [D1 + dt.timedelta(days=n) for n in sorted(offsets)]
)


def one(engine: Engine, *loaded: Night) -> tuple[Book, Changes]:
    """A book after these nights, and the last night's counts."""
    book = Book(engine)
    counts = [book.load(D1 + dt.timedelta(days=n), night) for n, night in enumerate(loaded)]
    return book, counts[-1]


A, B, C = (1, "a"), (2, "b"), (3, "a")
OLD, NEW = (1, "x"), (2, "x")


def changes_on(book: Book, day: dt.date) -> list[tuple[object, ...]]:
    """Key, values, operation and mark of the change rows of a date."""
    return sorted((*row[:4], row[8], row[9]) for row in book.sets[day])


def test_a_first_delivery_inserts_every_key(engine: Engine) -> None:
    book, counts = one(engine, Night({A: OLD, B: NEW}))
    assert changes_on(book, D1) == [(*A, *OLD, "I", None), (*B, *NEW, "I", None)]
    assert (counts.inserted, counts.changed, counts.unchanged, counts.deleted, counts.held) == (2, 0, 0, 0, 0)


def test_only_what_differs_is_stored(engine: Engine) -> None:
    book, counts = one(engine, Night({A: OLD, B: OLD}), Night({A: OLD, B: NEW, C: NEW}))
    assert changes_on(book, D2) == [(*B, *NEW, "U", None), (*C, *NEW, "I", None)]
    assert (counts.inserted, counts.changed, counts.unchanged) == (1, 1, 1)
    assert counts.good == 3


def test_a_null_is_a_value_like_any_other(engine: Engine) -> None:
    empty = (None, None)
    book, counts = one(engine, Night({A: empty, B: OLD}), Night({A: empty, B: empty}))
    assert changes_on(book, D2) == [(*B, *empty, "U", None)]
    assert counts.unchanged == 1


def test_a_key_absent_from_the_delivery_gets_a_tombstone_with_its_last_values(engine: Engine) -> None:
    book, counts = one(engine, Night({A: OLD, B: OLD}), Night({A: OLD}))
    assert changes_on(book, D2) == [(*B, *OLD, "D", None)]
    assert counts.deleted == 1
    assert B not in book.shown(D2)


def test_a_quarantined_key_keeps_its_last_good_state_and_says_since_when(engine: Engine) -> None:
    bad = Night({A: OLD}, held=frozenset({B}))
    book, counts = one(engine, Night({A: OLD, B: OLD}), bad, bad)
    assert changes_on(book, D2) == [(*B, *OLD, "U", D2)]
    assert changes_on(book, D3) == [], "it has been held since the first date; the second adds nothing"
    assert book.shown(D3)[B] == (OLD, D2)
    assert (counts.held, counts.newly_held, counts.deleted) == (1, 0, 0)


def test_a_held_key_that_comes_back_unchanged_loses_its_mark(engine: Engine) -> None:
    book, _ = one(engine, Night({B: OLD}), Night({}, held=frozenset({B})), Night({B: OLD}))
    assert changes_on(book, D3) == [(*B, *OLD, "U", None)]
    assert book.shown(D3)[B] == (OLD, None)


def test_a_quarantined_key_without_a_good_state_is_not_there(engine: Engine) -> None:
    book, _ = one(engine, Night({A: OLD}), Night({A: OLD}, held=frozenset({B})))
    assert changes_on(book, D2) == []


def test_nobody_is_buried_while_a_rows_key_cannot_be_read(engine: Engine) -> None:
    book, counts = one(engine, Night({A: OLD, B: OLD}), Night({A: OLD}, unreadable=1))
    assert changes_on(book, D2) == [(*B, *OLD, "U", D2)]
    assert (counts.deleted, counts.held) == (0, 1)
    book.load(D3, Night({A: OLD}))
    assert changes_on(book, D3) == [(*B, *OLD, "D", None)]


def test_held_rows_and_tombstones_say_where_their_values_came_from(engine: Engine) -> None:
    book, _ = one(engine, Night({A: OLD, B: OLD}), Night({}, held=frozenset({B})))
    assert {row[6] for row in book.sets[D2]} == {D1.isoformat()}
    assert {row[4] for row in book.sets[D2]} == {row[5] for row in book.sets[D2]} == {D2}


def test_a_key_that_comes_back_after_its_tombstone_is_inserted_again(engine: Engine) -> None:
    book, _ = one(engine, Night({A: OLD, B: OLD}), Night({A: OLD}), Night({A: OLD, B: OLD}))
    assert changes_on(book, D3) == [(*B, *OLD, "I", None)]


def test_a_key_that_stands_twice_does_not_pass(engine: Engine) -> None:
    engine.rows(
        "create or replace temp table twice as select 1 as id, 'a' as sub, unnest([1, 2]) as value, 'x' as note, "
        "'d' as _delivery, 1 as _row_no"
    )
    book, _ = one(engine, Night({A: OLD}))
    old, held = book.state(D1, "state_before"), book.held(D1)
    with pytest.raises(EngineError, match="does not add up"):
        diff(engine, "change_set", new="twice", old=old, held=held, key=KEY, columns=COLUMNS, day=D2)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_change_sets_replayed_are_the_states_that_were_delivered(engine: Engine, data: st.DataObject) -> None:
    days = data.draw(_DATES)
    loaded = {day: data.draw(nights()) for day in days}
    book = Book(engine)
    for day, night in loaded.items():
        counts = book.load(day, night)
        assert counts.good == len(night.good)
        assert counts.rows == len(book.sets[day])
    assert book.states() == naive_states(loaded)


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_after_a_redelivery_every_state_is_as_if_it_had_been_right_at_first(
    engine: Engine, data: st.DataObject
) -> None:
    days = data.draw(_DATES)
    loaded = {day: data.draw(nights()) for day in days}
    book = Book(engine)
    for day, night in loaded.items():
        book.load(day, night)
    day, corrected = data.draw(st.sampled_from(days)), data.draw(nights())
    restated = book.redeliver(day, corrected)
    assert book.states() == naive_states({**loaded, day: corrected})
    if not any(night.held or night.unreadable for night in loaded.values()):
        assert len(restated) <= 1, "full deliveries fix the states after them: one successor is enough"


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_date_that_comes_late_is_a_redelivery_of_nothing(engine: Engine, data: st.DataObject) -> None:
    days = data.draw(_DATES)
    loaded = {day: data.draw(nights()) for day in days}
    late = data.draw(st.sampled_from(days))
    book = Book(engine)
    for day, night in loaded.items():
        if day != late:
            book.load(day, night)
    book.redeliver(late, loaded[late])
    assert book.states() == naive_states(loaded)


def test_replacing_one_change_set_alone_would_have_been_wrong(engine: Engine) -> None:
    """What the successor's change set is for."""
    book, _ = one(engine, Night({A: OLD}), Night({A: NEW}), Night({A: NEW}))
    book.load(D2, Night({A: OLD}))
    assert book.shown(D3)[A] == (OLD, None), "the delivery of D3 said NEW"
    book, _ = one(engine, Night({A: OLD}), Night({A: NEW}), Night({A: NEW}))
    assert book.redeliver(D2, Night({A: OLD})) == [D3]
    assert book.shown(D3)[A] == (NEW, None)


def test_a_key_that_only_the_redelivery_knows_is_held_by_the_successors_unreadable_row(engine: Engine) -> None:
    book, _ = one(engine, Night({A: OLD}), Night({A: OLD}, unreadable=1), Night({A: OLD}))
    assert book.redeliver(D1, Night({A: OLD, B: OLD})) == [D2, D3]
    assert book.shown(D2)[B] == (OLD, D2)
    assert B not in book.shown(D3)


def test_the_marks_of_a_state_hold_its_keys_where_quarantine_is_gone(engine: Engine) -> None:
    book, _ = one(engine, Night({A: OLD, B: OLD}), Night({A: OLD}, held=frozenset({B})))
    book.nights[D2] = Night({A: OLD})
    book.redeliver(D1, Night({A: OLD, B: NEW}))
    assert book.shown(D2)[B] == (NEW, D2)


# The guard before the diff


@dataclass
class Guarded:
    engine: Engine
    volume: Volume = field(default_factory=Volume)

    def __call__(
        self,
        *,
        before: int,
        good: Sequence[int],
        delivered: int | None = None,
        held: Sequence[int] = (),
        unreadable: int = 0,
    ) -> None:
        rows = self.engine.rows
        rows(f"create or replace temp table guarded_before as select range as id from range({before})")
        rows("create or replace temp table guarded_good as select unnest($ids) as id", ids=list(good) or [-1])
        rows("create or replace temp table guarded_held as select unnest($ids) as id", ids=list(held) or [-1])
        guard_volume(
            self.engine,
            contract(Property(name="id", type="BIGINT", key=True), delivery="full", volume=self.volume),
            delivered=len(good) if delivered is None else delivered,
            good="guarded_good",
            old="guarded_before",
            held="guarded_held",
            unreadable=unreadable,
            day=D2,
            file_name="full.dat",
        )


@pytest.fixture
def guard(engine: Engine) -> Guarded:
    return Guarded(engine)


def test_half_a_full_file_buries_nobody(guard: Guarded) -> None:
    with pytest.raises(DeliveryError, match=r"staged\.feed 2026-11-02: half a full file") as caught:
        guard(before=1000, good=range(499))
    assert caught.value.details["found"] == "499 rows, 49.9% of the 1,000 that were known"
    assert {"file", "expected", "found", "kept", "next"} <= caught.value.details.keys()


def test_a_full_file_that_lacks_more_keys_than_a_day_can_lose_is_half_a_file(guard: Guarded) -> None:
    guard(before=1000, good=range(995))
    with pytest.raises(DeliveryError, match="half a full file") as caught:
        guard(before=1000, good=range(994))
    assert caught.value.details["found"] == "6 of 1,000 keys absent (0.60%)"


def test_new_keys_do_not_hide_that_old_ones_are_gone(guard: Guarded) -> None:
    with pytest.raises(DeliveryError, match="half a full file"):
        guard(before=1000, good=range(500, 1500))


def test_quarantined_keys_are_not_absent(guard: Guarded) -> None:
    guard(before=1000, good=range(900), held=range(900, 1000), delivered=1000)


def test_keys_that_may_be_those_of_unreadable_rows_are_not_absent(guard: Guarded) -> None:
    guard(before=100, good=range(99), delivered=100, unreadable=1)
    with pytest.raises(DeliveryError, match="half a full file") as caught:
        guard(before=100, good=range(97), delivered=98, unreadable=1)
    assert caught.value.details["found"] == "2 of 100 keys absent (2.00%)"


def test_a_file_of_twice_the_size_is_refused(guard: Guarded) -> None:
    with pytest.raises(DeliveryError, match="more than a full file"):
        guard(before=1000, good=range(2001))


def test_a_first_delivery_has_nothing_to_be_compared_with(guard: Guarded) -> None:
    guard(before=0, good=range(5))


def test_fewer_rows_than_the_contract_asks_for_are_refused_even_at_first(engine: Engine) -> None:
    with pytest.raises(DeliveryError, match="half a full file"):
        Guarded(engine, Volume(min_rows=10))(before=0, good=range(9))


# Dated states


@settings(max_examples=30, deadline=None)
@given(
    states=st.dictionaries(
        st.tuples(st.integers(1, 3), st.sampled_from([D1, D2, D3, dt.date(2026, 12, 1)])), _VALUES, max_size=12
    )
)
def test_dated_states_keep_the_rows_that_differ_from_the_one_before(
    engine: Engine, states: dict[tuple[int, dt.date], Value]
) -> None:
    rows = [(key, "a", *value, day) for (key, day), value in states.items()]
    engine.register("states", pl.DataFrame(rows, schema={**_OWN, "business_date": pl.Date}, orient="row"))
    found = engine.rows(
        f"select id, business_date, value, note, _op, _held_since from ({history_changes('states', KEY, COLUMNS)})"
    )
    expected = []
    last: dict[int, Value] = {}
    for (key, day), value in sorted(states.items(), key=lambda item: item[0][1]):
        if key not in last or last[key] != value:
            expected.append((key, day, *value, "U" if key in last else "I", None))
        last[key] = value
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def test_dated_states_of_a_key_alone_are_one_insertion(engine: Engine) -> None:
    engine.rows(
        "create or replace temp table key_alone as select 1 as id, unnest([date '2026-01-01', date '2026-02-01']) as business_date"
    )
    found = engine.rows(f"select business_date, _op from ({history_changes('key_alone', ['id'], ['id'])})")
    assert found == [(dt.date(2026, 1, 1), "I")]
