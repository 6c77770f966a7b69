"""What is written: the columns of the table, in the order of its key, the same rows as the same bytes."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from engine_at_work import COLUMNS, FEW, ROWS, TABLE, Folders, sha, stored
from hypothesis import given
from hypothesis import strategies as st

from liangcang.engine import Engine
from liangcang.errors import EngineError, SqlError
from liangcang.table import Table


def test_a_file_is_written_with_the_table_s_columns_in_the_order_of_its_key(folders: Folders, engine: Engine):
    sql = "select codes, id, day, amount, name from (" + ROWS.format(rows=1000) + ") order by id desc"
    written = engine.write(sql, TABLE, folders.write / "a.parquet")
    frame = pl.read_parquet(written.path)
    assert written.rows == frame.height == 1000
    assert frame.columns == list(COLUMNS)
    assert frame["id"].to_list() == list(range(1000))
    assert written.path.stat().st_mode & 0o777 == 0o666 & ~current_umask()
    metadata = pq.ParquetFile(written.path).metadata
    assert metadata.row_group(0).column(0).compression == "ZSTD"
    assert metadata.metadata is None or b"liangcang" not in str(metadata.metadata).encode()


def current_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def test_the_same_rows_are_the_same_bytes(folders: Folders):
    rows = 250_000
    sql = f"select * from ({ROWS.format(rows=rows)})"
    mixed = [f"{sql} where id % 3 = {n} order by hash(id)" for n in (2, 0, 1)]
    files = [stored(folders.data, f"{n}.parquet", part) for n, part in enumerate(mixed)]
    hashes = set()
    for n, (threads, memory) in enumerate([(1, "2GB"), (2, "2GB"), (2, "2GB"), (1, "60MB"), (2, "80MB")]):
        with folders.engine(threads=threads, memory=memory) as engine:
            engine.view("staged.thing", files if n % 2 else files[::-1], COLUMNS)
            hashes.add(sha(engine.write("select * from staged.thing", TABLE, folders.write / f"{n}.parquet").path))
    assert len(hashes) == 1
    file = pq.ParquetFile(folders.write / "0.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(3)] == [122_880, 122_880, rows - 2 * 122_880]
    assert list(folders.spill.iterdir()) == []


KEYED = st.lists(
    st.tuples(st.text(max_size=3), st.integers(-5, 5), st.none() | st.text(max_size=3)),
    unique_by=lambda row: row[:2],
    max_size=30,
)
PAIRS = Table(
    name="staged.pairs", columns={"t": "VARCHAR", "n": "BIGINT", "v": "VARCHAR"}, key=("t", "n"), kind="event"
)


@FEW
@given(KEYED, st.randoms(use_true_random=False))
def test_the_order_of_rows_leaves_no_trace(tmp_path_factory: pytest.TempPathFactory, rows: list, chance):
    folder = tmp_path_factory.mktemp("bytes")
    found = set()
    for n in range(2):
        chance.shuffle(rows)
        with Engine(read=[], write=folder, spill=folder, threads=n + 1) as engine:
            engine.register(
                "staged.rows", pl.DataFrame(rows, schema=["t", "n", "v"], orient="row", schema_overrides=PL)
            )
            written = engine.write("select * from staged.rows", PAIRS, folder / f"{n}.parquet")
            assert pl.read_parquet(written.path).rows() == sorted(rows, key=lambda row: (row[0].encode(), row[1]))
            found.add(sha(written.path))
    assert len(found) == 1


PL = {"t": pl.String, "n": pl.Int64, "v": pl.String}


@pytest.mark.parametrize(
    ("sql", "field", "found"),
    [
        ("select * exclude (day) from things", "day", "left out"),
        ("select *, 1 as more from things", "more", "also more"),
        ("select * replace (amount::double as amount) from things", "conformed.thing.amount", "DOUBLE"),
        ("select * replace (amount::decimal(18, 3) as amount) from things", "conformed.thing.amount", "DECIMAL(18,3)"),
        ("select * replace (amount * 1.5 as amount) from things", "conformed.thing.amount", "DECIMAL(18,3)"),
        ("select * replace (day::varchar as day) from things", "conformed.thing.day", "VARCHAR"),
        ("select * replace (day::timestamp as day) from things", "conformed.thing.day", "TIMESTAMP"),
        ("select * replace (id::varchar as id) from things", "conformed.thing.id", "VARCHAR"),
        ("select * replace (id as name) from things", "conformed.thing.name", "BIGINT"),
        ("select * replace (1::integer as name) from things", "conformed.thing.name", "INTEGER"),
        ("select * replace (1::integer as day) from things", "conformed.thing.day", "INTEGER"),
        ("select * replace ([1::integer] as codes) from things", "conformed.thing.codes", "INTEGER[]"),
    ],
)
def test_a_query_that_would_be_rounded_or_cut_is_refused(
    engine: Engine, folders: Folders, sql: str, field: str, found: str
):
    engine.rows(f"create table things as {ROWS.format(rows=3)}")
    with pytest.raises(SqlError) as refused:
        engine.write(sql, TABLE, folders.write / "a.parquet", what="conformed.thing 2026-01-01")
    assert refused.value.details["field"] == field
    assert refused.value.details["found"] == found
    assert list(folders.write.iterdir()) == []


def test_a_type_that_does_not_fit_tells_its_author_what_to_write(engine: Engine, folders: Folders):
    sql = ROWS.format(rows=3).replace("(range / 4)::decimal(18, 2)", "range / 4")
    with pytest.raises(SqlError) as refused:
        engine.write(sql, TABLE, folders.write / "a.parquet")
    assert "CAST(amount AS DECIMAL(18,2))" in refused.value.details["next"]


def test_optional_columns_become_typed_nulls(engine: Engine, folders: Folders):
    optional = frozenset({"amount", "codes", "day"})
    written = engine.write("select 1 as id, 'a' as name", TABLE, folders.write / "a.parquet", optional=optional)
    assert pl.read_parquet(written.path).schema == pl.read_parquet(whole(engine, folders)).schema
    assert pl.read_parquet(written.path).rows() == [(1, "a", None, None, None)]
    with pytest.raises(SqlError):
        engine.write("select 1 as id", TABLE, folders.write / "b.parquet", optional=optional)


def whole(engine: Engine, folders: Folders) -> Path:
    return engine.write(ROWS.format(rows=1), TABLE, folders.write / "whole.parquet").path


def test_an_untyped_null_goes_into_any_column(engine: Engine, folders: Folders):
    sql = "select 1 as id, null as name, null as amount, case when false then null end as day, [] as codes"
    written = engine.write(sql, TABLE, folders.write / "a.parquet")
    assert pl.read_parquet(written.path).rows() == [(1, None, None, None, [])]


def test_a_sum_of_whole_numbers_goes_into_bigint_or_raises(engine: Engine, folders: Folders):
    table = Table(name="features.sums", columns={"k": "INTEGER", "s": "BIGINT"}, key=("k",), kind="snapshot")
    sql = "select 1::integer as k, sum(range) as s from range({0}, {0} + 3)"
    assert engine.write(sql.format(5), table, folders.write / "a.parquet").rows == 1
    with pytest.raises(EngineError):
        engine.write(f"select 1::integer as k, sum({2**62}) as s from range(4)", table, folders.write / "b.parquet")
    assert not (folders.write / "b.parquet").exists()


@pytest.mark.parametrize(
    ("rows", "repeated"),
    [("(1, 'a'), (2, 'b'), (1, 'c')", 1), ("(1, 'a'), (1, 'a'), (1, 'a')", 2), ("(null, 'a'), (2, 'b')", 0)],
)
def test_a_key_that_names_no_one_row_is_refused(engine: Engine, folders: Folders, rows: str, repeated: int):
    table = Table(name="staged.keyed", columns={"k": "INTEGER", "t": "VARCHAR"}, key=("k",), kind="event")
    with pytest.raises(EngineError, match="does not name one row") as refused:
        engine.write(f"select * from (values {rows}) as v(k, t)", table, folders.write / "a.parquet")
    assert refused.value.details["found"].startswith(f"{repeated} rows too many")
    assert list(folders.write.iterdir()) == []


@pytest.mark.parametrize("doubled", [0, 5, 122_878, 122_879, 122_880, 245_759, 249_999])
def test_a_doubled_key_is_found_on_both_sides_of_a_row_group(engine: Engine, folders: Folders, doubled: int):
    table = Table(name="staged.keyed", columns={"k": "BIGINT", "t": "VARCHAR"}, key=("k", "t"), kind="event")
    sql = f"select range as k, 'a' as t from range(250000) union all select {doubled}, 'a'"
    with pytest.raises(EngineError, match="does not name one row"):
        engine.write(sql, table, folders.write / "a.parquet")
    assert engine.write(sql.replace("'a'", "'b'", 1), table, folders.write / "a.parquet").rows == 250_001


@FEW
@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["a", "b", None])), max_size=8))
def test_the_proof_of_a_key_agrees_with_counting(tmp_path_factory: pytest.TempPathFactory, keys: list):
    folder = tmp_path_factory.mktemp("keys")
    table = Table(name="staged.keyed", columns={"k": "BIGINT", "t": "VARCHAR"}, key=("k", "t"), kind="event")
    frame = pl.DataFrame(keys, schema={"k": pl.Int64, "t": pl.String}, orient="row")
    right = len(set(keys)) == len(keys) and all(None not in key for key in keys)
    with Engine(read=[], write=folder, spill=folder) as engine:
        engine.register("staged.frame", frame)
        try:
            engine.write("select * from staged.frame", table, folder / "a.parquet")
        except EngineError:
            assert not right
        else:
            assert right


def test_a_table_without_a_key_is_ordered_by_everything(engine: Engine, folders: Folders):
    table = Table(name="staged.loose", columns={"a": "INTEGER", "t": "VARCHAR"}, key=(), kind="event")
    one = engine.write(
        "select * from (values (2, 'b'), (1, 'a'), (2, 'b')) as v(a, t)", table, folders.write / "a.parquet"
    )
    two = engine.write(
        "select * from (values (2, 'b'), (2, 'b'), (1, 'a')) as v(a, t)", table, folders.write / "b.parquet"
    )
    assert sha(one.path) == sha(two.path)


def test_nothing_is_a_file_too(engine: Engine, folders: Folders):
    written = engine.write(ROWS.format(rows=0), TABLE, folders.write / "a.parquet")
    assert written.rows == 0
    assert pl.read_parquet(written.path).columns == list(COLUMNS)


@pytest.mark.parametrize("where", ["data/a.parquet", "outside/a.parquet", "write/../data/a.parquet", "a.parquet"])
def test_a_file_is_written_below_its_folder_only(engine: Engine, folders: Folders, where: str):
    with pytest.raises(EngineError, match="only below"):
        engine.write(ROWS.format(rows=1), TABLE, folders.root / where)
    assert not (folders.root / where).exists()


def test_an_engine_without_a_folder_writes_nothing(folders: Folders):
    with folders.engine(write=None) as engine, pytest.raises(EngineError, match="only below"):
        engine.write(ROWS.format(rows=1), TABLE, folders.write / "a.parquet")


def test_a_name_is_used_once(engine: Engine, folders: Folders):
    target = folders.write / "a.parquet"
    engine.write(ROWS.format(rows=1), TABLE, target)
    before = sha(target)
    with pytest.raises(EngineError, match="new name"):
        engine.write(ROWS.format(rows=2), TABLE, target)
    assert sha(target) == before
    (folders.write / "link.parquet").symlink_to(folders.outside / "new.parquet")
    with pytest.raises(EngineError, match="new name"):
        engine.write(ROWS.format(rows=2), TABLE, folders.write / "link.parquet")


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 as id) to '{0}/out.parquet' --",
        "select 1 as id; copy (select 1 as a) to '{0}/out.parquet'",
        "copy (select 1 as a) to '{0}/out.parquet'",
        "create table t as select 1 as id",
        "select 1 as id;",
        "",
        "select nothing from nowhere",
        "select 1 as id) as q cross join (select 2 as b",
    ],
)
def test_only_one_select_is_written(engine: Engine, folders: Folders, sql: str):
    before = folders.everything()
    with pytest.raises(SqlError):
        engine.write(sql.format(folders.write), TABLE, folders.write / "a.parquet")
    after = folders.everything()
    assert {name for name in after if not name.startswith(str(folders.faults))} == set(before)


DATED = Table(
    name="staged.dated",
    columns={"business_date": "DATE", "id": "BIGINT", "name": "VARCHAR"},
    key=("id",),
    kind="event",
)
DATED_ROWS = (
    "create table dated as select date '2026-01-01' + (range % 3)::integer as business_date, range::integer as id, "
    "'n' || range as name from range(1000) order by hash(range)"
)


SPANS = {
    (dt.date(2026, 1, 1), dt.date(2026, 1, 2)): "first.parquet",
    (dt.date(2026, 1, 3), dt.date(2026, 1, 3)): "third.parquet",
    (dt.date(2026, 1, 4), dt.date(2026, 1, 9)): "none.parquet",
}


def spans(folders: Folders) -> dict[tuple[dt.date, dt.date], Path]:
    return {span: folders.write / name for span, name in SPANS.items()}


def test_each_span_of_dates_is_a_file_ordered_by_date_and_key(engine: Engine, folders: Folders):
    engine.rows(DATED_ROWS)
    written = engine.write_spans("dated", DATED, spans(folders))
    assert [part.rows for part in written.values()] == [667, 333, 0]
    first = pl.read_parquet(folders.write / "first.parquet")
    assert first.select("business_date", "id").rows() == sorted(first.select("business_date", "id").rows())
    assert set(first["business_date"]) == {dt.date(2026, 1, 1), dt.date(2026, 1, 2)}
    sql = "select * from dated where business_date = date '2026-01-03'"
    alone = engine.write(sql, DATED, folders.write / "alone.parquet")
    assert sha(alone.path) == sha(folders.write / "third.parquet")


def test_rows_of_a_table_and_of_files_are_the_same_bytes(engine: Engine, folders: Folders):
    """The planner knows of a table, and not of a view over files, that a column has no null."""
    file = stored(folders.data, "a.parquet", ROWS.format(rows=100))
    hashes = set()
    for name, make in {"staged.viewed": engine.view, "staged.loaded": engine.load}.items():
        make(name, [file], COLUMNS)
        hashes.add(sha(engine.write(f"select * from {name}", TABLE, folders.write / f"{name}.parquet").path))
    engine.rows("create table mixed as select * from staged.loaded union all select null, null, null, null, null")
    mixed = engine.write("select * from mixed where id is not null", TABLE, folders.write / "mixed.parquet")
    assert {sha(mixed.path)} == hashes
    schema = pq.ParquetFile(mixed.path).schema
    assert {schema.column(n).max_definition_level for n in range(4)} == {1}


@pytest.mark.parametrize(
    "wrong",
    [
        "insert into dated values (date '2026-01-02', 1, 'again')",
        "insert into dated values (date '2026-01-03', null, 'nobody')",
        "alter table dated rename column name to other",
        "alter table dated alter column name type integer using 1",
    ],
)
def test_spans_are_written_all_or_none(engine: Engine, folders: Folders, wrong: str):
    engine.rows(DATED_ROWS)
    engine.rows(wrong)
    with pytest.raises((EngineError, SqlError)):
        engine.write_spans("dated", DATED, spans(folders))
    assert list(folders.write.iterdir()) == []


def test_a_span_that_cannot_be_written_takes_the_others_along(engine: Engine, folders: Folders):
    engine.rows(DATED_ROWS)
    (folders.write / "third.parquet").write_bytes(b"another's")
    with pytest.raises(EngineError, match="new name"):
        engine.write_spans("dated", DATED, spans(folders))
    assert [path.name for path in folders.write.iterdir()] == ["third.parquet"]


def test_what_is_kept_packed_is_what_is_kept_in_memory_and_each_takes_the_place_of_the_other(folders: Folders):
    sql = "select *, $day::date as day from range(5) as r(n)"
    with folders.engine() as engine:
        for packed in (True, True, False, False, True):
            assert engine.keep("big", sql, packed=packed, day="2026-11-01") == 5
            assert engine.packs("big") == packed
            assert engine.rows("select sum(n), any_value(day) from big") == [(10, dt.date(2026, 11, 1))]
            assert len(list(folders.spill.rglob("big-*.parquet"))) == packed
        assert engine.keep("big", "select n + 1 as n from big where n < 3", packed=True) == 3
        assert engine.rows("select list(n order by n) from big") == [([1, 2, 3],)]
        assert engine.keep("big", "select n from big where n > 1") == 2
        engine.drop("big")
        engine.drop("big")
        with pytest.raises(EngineError):
            engine.rows("from big")
    assert list(folders.spill.iterdir()) == []
