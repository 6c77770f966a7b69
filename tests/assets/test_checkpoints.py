"""A checkpoint and the changes after it say exactly what all the changes say, in every form in which they are read."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.inputs import Inputs, Wanted
from liangcang import checkpoints
from liangcang.engine import Engine
from liangcang.place import create
from liangcang.store import Warehouse
from liangcang.table import Table

START = dt.date(2026, 1, 1)
BALANCE = Table(
    name="conformed.balance",
    columns={
        "account_id": "VARCHAR",
        "balance": "INTEGER",
        "business_date": "DATE",
        "known_at": "DATE",
        "_op": "VARCHAR",
    },
    key=("account_id",),
    kind="state",
)
Change = tuple[int, str, int, str, bool]
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 40), st.sampled_from("abc"), st.integers(0, 3), st.sampled_from("IUD"), st.booleans()
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda change: change[:2],
)  # fmt: skip


def publish(wh: Warehouse, engine: Engine, changes: list[Change]) -> None:
    by_day: dict[int, list[Change]] = {}
    for change in changes:
        by_day.setdefault(change[0], []).append(change)
    with wh.transaction("changes", atomic=False) as transaction:
        for day, rows in sorted(by_day.items()):
            on = START + dt.timedelta(days=day)
            values = ", ".join(
                f"('{key}', {value}, date '{on}', {f'date {str(on)!r}' if dated else 'null::date'}, '{op}')"
                for _, key, value, op, dated in rows
            )
            file = transaction.path("rows.parquet")
            engine.con.execute(
                f"copy (select * from (values {values}) as v({', '.join(BALANCE.columns)})) to '{file}' (format parquet)"
            )
            transaction.stage(BALANCE, on, file, rows=len(rows))
        transaction.commit()


def read(engine: Engine, wh: Warehouse, wanted: Wanted, day: dt.date) -> list[tuple[object, ...]]:
    Inputs(engine, wh.current, [wanted], [day]).at(day)
    return sorted(engine.rows(f"select * from {wanted.view_name}"), key=repr)


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "ENOUGH", 4)
    monkeypatch.setattr(checkpoints, "SHARE", 0)


@pytest.mark.usefixtures("eager")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, again=CHANGES, lookback=st.integers(0, 30), at=st.integers(0, 45))
def test_what_is_read_is_the_same_with_checkpoints_and_without(
    changes: list[Change], again: list[Change], lookback: int, at: int
) -> None:
    forms = [
        Wanted(table=BALANCE),
        Wanted(table=BALANCE, point_in_time=True),
        Wanted(table=BALANCE, form="history", lookback=lookback),
        Wanted(table=BALANCE, form="history", lookback=lookback, point_in_time=True),
    ]
    day = START + dt.timedelta(days=at)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        (root / "w").mkdir()
        wh = Warehouse(create(root / "w", bank="demo"))
        with Engine(read=[root], write=root, spill=wh.place.spill) as engine:
            for delivered in (changes, again):  # what comes again replaces dates that checkpoints cover
                publish(wh, engine, delivered)
                plain = [read(engine, wh, form, day) for form in forms]
                checkpoints.keep(engine, wh.current, BALANCE, root / "scratch.parquet")
                assert [read(engine, wh, form, day) for form in forms] == plain
                if len(delivered) > 2 * checkpoints.ENOUGH:
                    assert list(checkpoints.valid(wh.current, BALANCE.name))
                for path in wh.place.states.glob("*/*"):
                    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("eager")
def test_where_a_row_was_known_later_than_its_date_there_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    wh = Warehouse(create((tmp_path / "w").resolve(), bank="demo"))
    with Engine(read=[tmp_path], write=tmp_path, spill=wh.place.spill) as engine:
        publish(wh, engine, [(day, "a", day % 3, "U", True) for day in range(12)])
        with wh.transaction("late", atomic=False) as transaction:
            file = transaction.path("late.parquet")
            engine.con.execute(
                f"copy (select 'b' as account_id, 1 as balance, date '2026-01-01' as business_date, "
                f"date '2026-01-09' as known_at, 'I' as _op) to '{file}' (format parquet)"
            )
            transaction.stage(BALANCE, START, file, rows=1)
            transaction.commit()
        checkpoints.keep(engine, wh.current, BALANCE, tmp_path / "scratch.parquet")
        assert not list(checkpoints.valid(wh.current, BALANCE.name))


@pytest.mark.usefixtures("eager")
def test_fsck_names_a_spoilt_checkpoint_and_gc_removes_what_nobody_finds(tmp_path: Path) -> None:
    from liangcang.care import fsck, gc

    (tmp_path / "w").mkdir()
    wh = Warehouse(create((tmp_path / "w").resolve(), bank="demo"))
    with Engine(read=[tmp_path], write=tmp_path, spill=wh.place.spill) as engine:
        publish(wh, engine, [(day, "a", day % 3, "U", True) for day in range(12)])
        checkpoints.keep(engine, wh.current, BALANCE, tmp_path / "scratch.parquet")
        old = {found.path for found in checkpoints.valid(wh.current, BALANCE.name)}
        publish(wh, engine, [(0, "a", 7, "U", True)])
        checkpoints.keep(engine, wh.current, BALANCE, tmp_path / "scratch.parquet")
    gc(wh, grace_hours=0, dry_run=False)
    (path, *_) = {found.path for found in checkpoints.valid(wh.current, BALANCE.name)}
    assert old
    assert not any(one.exists() for one in old)
    assert not [finding for finding in fsck(wh) if finding.level == "error"]
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
    assert any(str(path) in finding.what for finding in fsck(wh) if finding.level == "error")
