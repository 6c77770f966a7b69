"""The sealed connection, what is written through it, and what is said when data break it."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import os
import re
import subprocess
import sys
import textwrap
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from escapes import ESCAPES, Escape
from hypothesis import given, settings
from hypothesis import strategies as st

import liangcang
from liangcang.column_types import fits, type_name
from liangcang.engine import Engine, catalogue, literal, parquet, quoted, reader
from liangcang.errors import DiskError, EngineError, LiangcangError, SqlError, WarehouseError
from liangcang.faults import MAX_FAULTS, keep
from liangcang.table import Table

SECRET = "330327198804170230"
COLUMNS = {"id": "BIGINT", "name": "VARCHAR", "amount": "DECIMAL(18,2)", "day": "DATE", "codes": "VARCHAR[]"}
TABLE = Table(name="conformed.thing", columns=COLUMNS, key=("id",), kind="event")
ROWS = (
    "select range as id, 'n' || range as name, (range / 4)::decimal(18, 2) as amount, "
    "date '2026-01-01' + range::integer as day, ['a', 'b'] as codes from range({rows})"
)


class Folders:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("data", "write", "spill", "faults", "outside", "data-beside"):
            (root / name).mkdir()
            setattr(self, name.replace("-", "_"), root / name)
        self.data: Path = root / "data"
        self.write: Path = root / "write"
        self.spill: Path = root / "spill"
        self.faults: Path = root / "faults"
        self.outside: Path = root / "outside"
        self.secret = self.outside / "secret.csv"
        self.secret.write_text(f"id\n{SECRET}\n")
        (root / "data-beside" / "secret.csv").write_text(f"id\n{SECRET}\n")
        (self.data / "link.csv").symlink_to(self.secret)

    def engine(self, **more: object) -> Engine:
        settings = {"read": [self.data], "write": self.write, "spill": self.spill, "faults": self.faults, **more}
        return Engine(**settings)  # type: ignore[arg-type]

    def everything(self) -> dict[str, bytes]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in found if self.spill not in path.parents}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


@pytest.fixture
def engine(folders: Folders):
    with folders.engine() as made:
        yield made


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory):
    """One engine for all attacks: none of them leaves a trace."""
    folders = Folders(tmp_path_factory.mktemp("besieged"))
    with folders.engine() as made:
        yield made, folders


def stored(folder: Path, name: str, sql: str) -> Path:
    """A file as another program would leave it."""
    with duckdb.connect() as con:
        con.execute(f"copy ({sql}) to '{folder / name}' (format parquet)")
    return folder / name


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def attack(con: duckdb.DuckDBPyConnection, escape: Escape, folders: Folders) -> None:
    """The escape is refused, and no file has changed or appeared."""
    before = folders.everything()
    con.execute("create schema if not exists staged")
    con.execute("create or replace view staged.x as select 1 as id")
    frame_of_the_caller = pl.DataFrame({"a": [SECRET]})
    sql = escape.sql.format(
        secret=folders.secret,
        outside=folders.outside,
        inside=folders.data,
        link=folders.data / "link.csv",
        beside=folders.root / "data-beside",
    )
    with pytest.raises(duckdb.Error):
        con.execute(sql).fetchall()
    assert not frame_of_the_caller.is_empty()
    assert folders.everything() == before


FEW = settings(deadline=None, max_examples=25)  # an engine for each example
SEALED = [escape for escape in ESCAPES if escape.sealed]


def test_there_are_at_least_fifty_escapes():
    assert len(ESCAPES) > 100
    assert len(SEALED) > 50
    assert len({escape.name for escape in ESCAPES}) == len(ESCAPES)


@pytest.mark.parametrize("escape", SEALED, ids=lambda escape: escape.name)
def test_the_fifty_escapes_are_refused_by_the_seal_alone(besieged: tuple[Engine, Folders], escape: Escape):
    engine, folders = besieged
    attack(engine.con, escape, folders)


def test_the_reader_and_cursors_are_sealed_too(folders: Folders, engine: Engine):
    with reader([stored(folders.data, "a.parquet", "select 1 as id")]) as con:
        for escape in SEALED:
            attack(con, escape, folders)
            attack(engine.con.cursor(), escape, folders)


@pytest.mark.parametrize(
    "sql", ["select content from read_text('{0}')", "select * from '{0}'", "copy (select 1 as a) to '{0}.out'"]
)
def test_a_plain_connection_would_have_obeyed(folders: Folders, sql: str):
    with duckdb.connect() as con:
        con.execute(sql.format(folders.secret)).fetchall()


def test_the_reader_sees_its_files_and_writes_none(folders: Folders):
    shown = stored(folders.data, "shown.parquet", "select 1 as id")
    hidden = stored(folders.data, "hidden.parquet", "select 2 as id")
    with reader([shown]) as con:
        assert con.execute(parquet([shown], {"id": "BIGINT"})).fetchall() == [(1,)]
        for sql in (f"select * from '{hidden}'", f"copy (select 1) to '{folders.data}/new.parquet'"):
            with pytest.raises(duckdb.PermissionException):
                con.execute(sql)
        with pytest.raises(duckdb.Error):
            con.execute(f"copy (select 3 as id) to '{shown}'")
    assert pl.read_parquet(shown)["id"].to_list() == [1]


def test_a_catalogue_is_not_believed(folders: Folders):
    evil = folders.root / "evil.duckdb"
    with duckdb.connect(str(evil)) as con:
        con.execute(f"create view v as select * from read_text('{folders.secret}')")
    with catalogue(evil) as con, pytest.raises(duckdb.PermissionException):
        con.execute("select * from v")


def test_a_catalogue_holds_views_that_any_duckdb_opens(folders: Folders):
    file, data = folders.root / "warehouse.duckdb", stored(folders.data, "a.parquet", "select 7 as id")
    with catalogue(file, folders=[folders.data], new=True) as con:
        con.execute("create schema products")
        con.execute(f"create view products.things as {parquet([data], {'id': 'BIGINT'})}")
    with catalogue(file, folders=[folders.data]) as con:
        assert con.execute("select id from products.things").fetchall() == [(7,)]
        with pytest.raises(duckdb.Error):
            con.execute("create table products.t as select 1 as a")
    with duckdb.connect(str(file), read_only=True) as con:
        assert con.execute("select id from products.things").fetchall() == [(7,)]
        assert "v1.2" in str(
            con.execute("select tags from duckdb_databases() where database_name = 'warehouse'").fetchall()
        )


def test_nothing_else_connects():
    house = Path(liangcang.__file__).parent.parent
    opens = re.compile(r"duckdb\.(connect|sql|execute|query|default_connection|read_\w+|from_\w+)\b")
    for floor in ("liangcang", "data_contracts", "assets", "pipelines"):
        for file in (house / floor).rglob("*.py"):
            if file.name != "engine.py" or floor != "liangcang":
                assert not opens.search(file.read_text(encoding="utf-8")), file


def test_the_time_zone_is_the_bank_s_and_not_the_host_s(folders: Folders, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "America/New_York")
    question = "select cast(cast('2026-11-20 23:30:00+00' as timestamptz) as date)"
    with folders.engine() as shanghai, folders.engine(time_zone="Europe/Prague") as prague:
        assert shanghai.rows(question) == [(dt.date(2026, 11, 21),)]
        assert prague.rows(question) == [(dt.date(2026, 11, 21),)]
    with folders.engine(time_zone="UTC") as utc:
        assert utc.rows(question) == [(dt.date(2026, 11, 20),)]


def test_a_folder_reached_by_a_link_is_the_folder(tmp_path: Path):
    real = Folders(tmp_path)
    (tmp_path / "mounted").symlink_to(real.data)
    file = stored(real.data, "a.parquet", "select 1 as id")
    with Engine(read=[tmp_path / "mounted"], write=None, spill=real.spill) as engine:
        engine.view("staged.x", [tmp_path / "mounted" / file.name], {"id": "BIGINT"})
        assert engine.rows("select * from staged.x") == [(1,)]


# ---- views ----------------------------------------------------------------------------------------------------------


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


# ---- writing --------------------------------------------------------------------------------------------------------


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


def test_dates_written_together_are_the_bytes_of_dates_written_alone(engine: Engine, folders: Folders):
    engine.rows(DATED_ROWS)
    days = [dt.date(2026, 1, n) for n in (1, 2, 3, 4)]
    together = engine.write_dates("dated", DATED, {day: folders.write / f"{day}.parquet" for day in days})
    assert [written.rows for written in together.values()] == [334, 333, 333, 0]
    for day in days:
        sql = f"select * from dated where business_date = date '{day}'"
        alone = engine.write(sql, DATED, folders.write / f"{day}-alone.parquet")
        assert sha(alone.path) == sha(together[day].path)


@pytest.mark.parametrize(
    "wrong",
    [
        "insert into dated values (date '2026-01-02', 1, 'again')",
        "insert into dated values (date '2026-01-03', null, 'nobody')",
        "alter table dated rename column name to other",
        "alter table dated alter column name type integer using 1",
    ],
)
def test_dates_are_written_all_or_none(engine: Engine, folders: Folders, wrong: str):
    engine.rows(DATED_ROWS)
    engine.rows(wrong)
    with pytest.raises((EngineError, SqlError)):
        engine.write_dates("dated", DATED, {dt.date(2026, 1, n): folders.write / f"{n}.parquet" for n in (1, 2, 3)})
    assert list(folders.write.iterdir()) == []


def test_a_date_that_cannot_be_written_takes_the_others_along(engine: Engine, folders: Folders):
    engine.rows(DATED_ROWS)
    (folders.write / "2.parquet").write_bytes(b"another's")
    with pytest.raises(EngineError, match="new name"):
        engine.write_dates("dated", DATED, {dt.date(2026, 1, n): folders.write / f"{n}.parquet" for n in (1, 2, 3)})
    assert [path.name for path in folders.write.iterdir()] == ["2.parquet"]


# ---- types ----------------------------------------------------------------------------------------------------------

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
DECIMALS = ("DECIMAL(4,2)", "DECIMAL(18,2)", "DECIMAL(18,4)", "DECIMAL(20,4)", "DECIMAL(38,0)", "DECIMAL(38,2)")
EXTREMES: dict[str, list[str]] = {
    **{
        kind: [str(-(2**bits)) if not kind.startswith("U") else "0", str(2**bits - 1)]
        for kind, bits in zip(WHOLE, (7, 15, 31, 63, 8, 16, 32, 64, 126), strict=True)
    },
    "DECIMAL(4,2)": ["-99.99", "99.99"],
    "DECIMAL(18,2)": ["-9999999999999999.99", "9999999999999999.99"],
    "DECIMAL(18,4)": ["-99999999999999.9999", "99999999999999.9999"],
    "DECIMAL(20,4)": ["-9999999999999999.9999", "9999999999999999.9999"],
    "DECIMAL(38,0)": ["-" + "9" * 38, "9" * 38],
    "DECIMAL(38,2)": ["-" + "9" * 36 + ".99", "9" * 36 + ".99"],
    "FLOAT": ["0.1", "3.4028235e38"],
    "DOUBLE": ["0.1", "1.7976931348623157e308"],
    "VARCHAR": ["'1'", "'2026-01-01'"],
    "DATE": ["'2026-01-01'", "'9999-12-31'"],
    "TIMESTAMP": ["'2026-01-01 10:11:12.123456'"],
    "BOOLEAN": ["true", "false"],
    "TIME": ["'10:11:12.123456'"],
}


def test_what_fits_loses_nothing():
    """Each value at the edge of a type that fits comes back as it was; HUGEINT into BIGINT may raise instead."""
    tried = 0
    with duckdb.connect() as con:
        for got, wanted in itertools.product(EXTREMES, repeat=2):
            for value in EXTREMES[got] if fits(got, wanted) else ():
                there = f"cast(cast({value} as {got}) as {wanted})"
                question = f"select cast({there} as {got}) = cast({value} as {got}), typeof({there})"
                tried += 1
                if (got, wanted) == ("HUGEINT", "BIGINT"):
                    with pytest.raises(duckdb.ConversionException):
                        con.execute(question).fetchall()
                else:
                    assert con.execute(question).fetchall() == [(True, wanted)], (got, wanted)
    assert tried > 80


def test_every_type_fits_itself_and_takes_nulls():
    for kind in EXTREMES:
        assert fits(kind, kind)
        assert fits(f"{kind}[]", f"{kind}[]")
        assert fits('"NULL"', kind)
        assert not fits(kind, f"{kind}[]")


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        ("BIGINT", "DOUBLE"),
        ("DECIMAL(18,2)", "DOUBLE"),
        ("DOUBLE", "DECIMAL(18,2)"),
        ("INTEGER", "DECIMAL(11,2)"),
        ("BIGINT", "DECIMAL(18,0)"),
        ("HUGEINT", "INTEGER"),
        ("TINYINT", "UTINYINT"),
        ("INTEGER", "VARCHAR"),
        ("DATE", "TIMESTAMP"),
        ("TIMESTAMP", "DATE"),
        ("BOOLEAN", "INTEGER"),
        ("ENUM('a')", "VARCHAR"),
    ],
)
def test_what_could_lose_or_hide_something_does_not_fit(got: str, wanted: str):
    assert not fits(got, wanted)


def test_types_are_spelled_alike():
    assert type_name("decimal(18, 2)") == "DECIMAL(18,2)"
    assert type_name("timestamp  with time zone") == "TIMESTAMP WITH TIME ZONE"
    assert type_name("varchar[]") == "VARCHAR[]"


# ---- faults ---------------------------------------------------------------------------------------------------------

BREAKS = {
    "a cast": "select cast(name as bigint) as id, name, null as amount, null as day, null as codes from staged.people",
    "a date": "select id, name, null as amount, cast(name as date) as day, null as codes from staged.people",
    "a pattern": "select id, name, null as amount, cast(strptime(name, '%Y') as date) as day, null as codes from staged.people",
    "an overflow": "select id * id * id as id, name, null as amount, null as day, null as codes from staged.people",
    "an error()": "select id, error(name) as name, null as amount, null as day, null as codes from staged.people",
    "a sub-query": "select (select id from staged.people) as id, name, null as amount, null as day, null as codes from staged.people",
}


@pytest.mark.parametrize("sql", BREAKS.values(), ids=BREAKS.keys())
def test_an_error_over_data_never_shows_the_data(engine: Engine, folders: Folders, sql: str):
    engine.rows(f"create schema staged; create table staged.people as select {SECRET[:18]} as id, 'x{SECRET}' as name")
    engine.rows("insert into staged.people select * from staged.people")
    with pytest.raises(EngineError) as raised:
        engine.write(sql, TABLE, folders.write / "a.parquet", what="conformed.thing 2026-01-01")
    shown = "".join(traceback.format_exception(raised.value)) + repr(raised.value) + str(raised.value.__dict__)
    assert SECRET[:12] not in shown
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert "conformed.thing 2026-01-01" in str(raised.value)
    assert list(folders.write.iterdir()) == []
    file = Path(raised.value.details["file"])
    assert file.parent == folders.faults
    assert file.stat().st_mode & 0o777 == 0o600
    assert "conformed.thing 2026-01-01" in file.read_text()


def test_the_library_s_own_words_are_kept_once(engine: Engine, folders: Folders):
    names = set()
    for _ in range(3):
        with pytest.raises(EngineError) as raised:
            engine.rows("select cast($v as integer)", v=f"x{SECRET}")
        names.add(raised.value.details["file"])
    assert len(names) == len(list(folders.faults.iterdir())) == 1
    assert SECRET in Path(names.pop()).read_text()


def test_kept_words_are_bounded(folders: Folders):
    kept = [keep(f"fault {n}", folders.faults) for n in range(MAX_FAULTS + 20)]
    assert len(list(folders.faults.iterdir())) == MAX_FAULTS
    assert kept[-1].exists()  # type: ignore[union-attr]


def test_a_fault_is_told_where_nothing_can_be_kept(folders: Folders):
    with folders.engine(faults=None) as engine, pytest.raises(EngineError) as raised:
        engine.rows("select cast('x' as integer)")
    assert "file" not in raised.value.details
    with folders.engine(faults=folders.root / "absent") as engine, pytest.raises(EngineError):
        engine.rows("select cast('x' as integer)")


def test_a_name_that_is_not_there_is_the_author_s_to_mend(engine: Engine, folders: Folders):
    engine.view("staged.thing", [], COLUMNS)
    with pytest.raises(SqlError) as refused:
        engine.write("select amuont from staged.thing", TABLE, folders.write / "a.parquet")
    assert "amuont" in refused.value.details["found"]


def test_an_author_s_text_is_not_repeated(engine: Engine):
    with pytest.raises(SqlError) as refused:
        engine.describe(f"select no_such_function('{SECRET}')")
    assert SECRET not in str(refused.value)


def test_a_lost_file_is_named_by_its_view(engine: Engine, folders: Folders):
    file = stored(folders.data, "a.parquet", "select 1 as id")
    engine.view("staged.thing", [file], COLUMNS)
    file.unlink()
    with pytest.raises(LiangcangError) as raised:
        engine.write(
            "select * from staged.thing", TABLE, folders.write / "a.parquet", what="conformed.thing 2026-01-01"
        )
    assert "conformed.thing 2026-01-01" in str(raised.value)


def test_an_endless_query_ends(folders: Folders):
    endless = "with recursive r as (select 1 as n union all select n + 1 - 1 from r) select count(*) from r"
    with folders.engine(seconds=0.3) as engine:
        with pytest.raises(EngineError, match="too long"):
            engine.rows(endless)
        assert engine.rows("select 1") == [(1,)]


def test_too_little_memory_says_so(folders: Folders):
    with (
        folders.engine(memory="20MB", spill_limit="1MB") as engine,
        pytest.raises(EngineError, match="memory or spill"),
    ):
        engine.write(ROWS.format(rows=2_000_000), TABLE, folders.write / "a.parquet")
    assert list(folders.write.iterdir()) == []


def test_a_full_disk_says_so_and_leaves_nothing(folders: Folders):
    """A bound on the size of files stands for a full disk: the same errors from the same calls."""
    program = f"""
        import resource, signal, sys
        from pathlib import Path
        from liangcang.engine import Engine
        from liangcang.errors import DiskError
        from liangcang.table import Table
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        root = Path({str(folders.root)!r})
        table = Table(name="staged.x", columns={{"id": "BIGINT", "t": "VARCHAR"}}, key=("id",), kind="event")
        with Engine(read=[], write=root / "write", spill=root / "spill", faults=root / "faults") as engine:
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
            try:
                engine.write("select range as id, md5(range::varchar) as t from range(300000)", table, root / "write" / "a.parquet")
            except DiskError as error:
                sys.exit(error.exit_code)
    """
    house = Path(liangcang.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=house, check=False)
    assert done.returncode == DiskError.exit_code
    assert list(folders.write.iterdir()) == []


def test_spill_is_a_folder_of_its_own_and_gone_afterwards(folders: Folders):
    much = "create table much as select md5(range::varchar) as t from range(1500000)"
    with folders.engine(memory="40MB", threads=1) as one, folders.engine(memory="40MB", threads=1) as two:
        for engine in (one, two):
            engine.rows(much)
        own = list(folders.spill.iterdir())
        assert [folder.stat().st_mode & 0o777 for folder in own] == [0o700, 0o700]
        assert all(list(folder.iterdir()) for folder in own)
        assert one.rows("select count(distinct t) from much where t < '1'") == two.rows(
            "select count(*) from much where t < '1'"
        )
    assert list(folders.spill.iterdir()) == []


def test_a_spill_folder_that_is_not_there_is_not_made(folders: Folders):
    with pytest.raises(DiskError, match="spill"):
        folders.engine(spill=folders.root / "unmounted" / "spill")
    assert not (folders.root / "unmounted").exists()


def test_names_and_texts_are_quoted(engine: Engine):
    text, name = literal("it's"), quoted('a"b')
    assert engine.rows(f"select {text} as {name}") == [("it's",)]
    assert list(engine.describe(f"select 1 as {name}")) == ['a"b']
