"""The seal: what neither the night nor an analyst can make DuckDB do."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import duckdb
import polars as pl
import pytest
from engine_at_work import SECRET, Folders, stored
from escapes import ESCAPES, Escape

import liangcang
from liangcang.engine import Engine, catalogue, parquet, reader


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory):
    """One engine for all attacks: none of them leaves a trace."""
    folders = Folders(tmp_path_factory.mktemp("besieged"))
    with folders.engine() as made:
        yield made, folders


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
