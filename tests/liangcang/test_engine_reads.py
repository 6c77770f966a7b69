"""Files as views and tables with exactly the columns asked for."""

from __future__ import annotations

import os
from collections.abc import Callable

import polars as pl
import pytest
from engine_at_work import COLUMNS, FEW, ROWS, Folders, stored
from hypothesis import given
from hypothesis import strategies as st

from liangcang.engine import Engine
from liangcang.errors import EngineError, WarehouseError


def test_a_view_has_exactly_the_columns_asked_for(folders: Folders, engine: Engine):
    old = stored(folders.data, "old.parquet", "select 1::integer as id, 'a' as name, 9 as gone")
    new = stored(folders.data, "new.parquet", "select ['x'] as codes, 2::bigint as id, 'b' as name")
    engine.view("staged.thing", [old, new], COLUMNS)
    assert engine.describe("select * from staged.thing") == COLUMNS
    assert engine.rows("select * from staged.thing order by id") == [
        (1, "a", None, None, None),
        (2, "b", None, None, ["x"]),
    ]


@pytest.mark.parametrize("make", [Engine.view, Engine.load])
def test_no_file_is_an_empty_view_of_the_same_shape(engine: Engine, make: Callable[..., None]):
    make(engine, "staged.thing", [], COLUMNS)
    assert engine.describe("select * from staged.thing") == COLUMNS
    assert engine.rows("select * from staged.thing") == []


def test_a_view_is_cut_and_narrowed(folders: Folders, engine: Engine):
    file = stored(folders.data, "a.parquet", ROWS.format(rows=10))
    engine.view("staged.thing", [file], COLUMNS, select="* exclude (codes, name)", where="day <= date '2026-01-03'")
    assert engine.rows("select id from staged.thing order by id") == [(0,), (1,), (2,)]
    assert list(engine.describe("select * from staged.thing")) == ["id", "amount", "day"]


def test_a_view_is_remade_for_each_date_and_may_become_a_table(folders: Folders, engine: Engine):
    files = [stored(folders.data, f"{n}.parquet", f"select {n} as id") for n in range(3)]
    for n, make in ((0, engine.view), (1, engine.load), (2, engine.view), (1, engine.view)):
        make("staged.thing", [files[n]], {"id": "BIGINT"})
        assert engine.rows("select id from staged.thing") == [(n,)]


def test_a_loaded_table_outlives_its_file(folders: Folders, engine: Engine):
    file = stored(folders.data, "a.parquet", "select 5 as id")
    engine.load("staged.thing", [file], {"id": "BIGINT"})
    file.unlink()
    assert engine.rows("select id from staged.thing") == [(5,)]


def test_a_thousand_small_files_are_one_view(folders: Folders, engine: Engine):
    one = stored(folders.data, "0.parquet", "select 1 as id")
    files = [one]
    for n in range(1, 1000):
        files.append(folders.data / f"{n}.parquet")
        os.link(one, files[-1])
    engine.view("staged.thing", files, COLUMNS)
    assert engine.rows("select count(*), sum(id), count(amount) from staged.thing") == [(1000, 1000, 0)]


@pytest.mark.parametrize(
    "name", ["it's.parquet", "名.parquet", "{a,b}.parquet", "a\\b.parquet", "$HOME.parquet", "a\nb.parquet"]
)
def test_a_file_s_name_is_never_syntax(folders: Folders, engine: Engine, name: str):
    pl.DataFrame({"id": [1]}).write_parquet(folders.data / name)
    pl.DataFrame({"id": [2]}).write_parquet(folders.data / "a.parquet")
    engine.view("staged.thing", [folders.data / name], {"id": "BIGINT"})
    assert engine.rows("select id from staged.thing") == [(1,)]


@pytest.mark.parametrize("name", ["a[1].parquet", "*.parquet", "a?.parquet"])
def test_a_file_s_name_is_never_a_pattern(folders: Folders, engine: Engine, name: str):
    """DuckDB reads `a1.parquet` where `a[1].parquet` is asked for, although that file is there."""
    pl.DataFrame({"id": [1]}).write_parquet(folders.data / name)
    pl.DataFrame({"id": [2]}).write_parquet(folders.data / "a1.parquet")
    with pytest.raises(WarehouseError, match="pattern"):
        engine.view("staged.thing", [folders.data / name], {"id": "BIGINT"})


@pytest.mark.parametrize("name", ["Thing", "staged.thing; drop", "a.b.c", "", "staged."])
def test_a_view_has_a_plain_name(engine: Engine, name: str):
    with pytest.raises(EngineError, match="small letters"):
        engine.view(name, [], {"id": "BIGINT"})


@pytest.mark.parametrize(
    "kind", ["VARCHAR); drop table x; --", "ENUM('a')", "DECIMAL(39,2)", "DECIMAL(2,3)", "", "STRUCT(a INT)"]
)
def test_a_type_is_never_syntax(engine: Engine, kind: str):
    with pytest.raises(WarehouseError, match="not a type"):
        engine.view("staged.thing", [], {"id": kind})


@pytest.mark.parametrize(
    "frame", [pl.DataFrame({"id": [1, 2], "t": ["a", "b"]}), pl.DataFrame({"id": [1, 2], "t": ["a", "b"]}).to_arrow()]
)
@pytest.mark.parametrize("name", ["staged.frame", "frame"])
def test_a_frame_becomes_a_table(engine: Engine, name: str, frame: object):
    engine.register(name, frame)  # type: ignore[arg-type]
    engine.register(name, frame)  # type: ignore[arg-type]
    assert engine.rows(f"select * from {name} order by id") == [(1, "a"), (2, "b")]


def test_rows_takes_values_by_name(engine: Engine):
    assert engine.rows("select $a || 'x', $b + 1", a="'; drop", b=2) == [("'; dropx", 3)]


SMALL = st.lists(st.tuples(st.integers(-3, 3), st.none() | st.integers(-3, 3)), max_size=8)


@FEW
@given(st.lists(st.tuples(SMALL, st.booleans()), min_size=1, max_size=3), st.integers(-3, 3))
def test_a_view_filters_like_a_naive_reader(tmp_path_factory: pytest.TempPathFactory, parts: list, bound: int):
    folder = tmp_path_factory.mktemp("view")
    expected, files = [], []
    for n, (rows, has_b) in enumerate(parts):
        frame = pl.DataFrame(rows, schema={"a": pl.Int32, "b": pl.Int64}, orient="row")
        files.append(folder / f"{n}.parquet")
        (frame if has_b else frame.drop("b")).write_parquet(files[-1])
        expected += [(a, b if has_b else None) for a, b in rows]
    with Engine(read=[folder], write=None, spill=folder) as engine:
        engine.view("staged.x", files, {"a": "BIGINT", "b": "BIGINT"})
        for where, test in {
            f"a > {bound}": lambda a, _: a > bound,
            f"b <= {bound}": lambda _, b: b is not None and b <= bound,
            "b is null": lambda _, b: b is None,
            f"coalesce(b, a) = {bound}": lambda a, b: (a if b is None else b) == bound,
        }.items():
            found = engine.rows(f"select a, b from staged.x where {where}")
            assert sorted(found, key=str) == sorted((row for row in expected if test(*row)), key=str)
