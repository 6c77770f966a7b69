"""What is said when data, disk or memory break a statement."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from pathlib import Path

import pytest
from engine_at_work import COLUMNS, ROWS, SECRET, TABLE, Folders, stored

import liangcang
from liangcang.engine import Engine, literal, quoted
from liangcang.errors import DiskError, EngineError, LiangcangError, SqlError
from liangcang.faults import MAX_FAULTS, keep

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


def watchdogs() -> int:
    return sum(thread.name == "statement watchdog" for thread in threading.enumerate())


def test_no_watchdog_outlives_its_engine(folders: Folders):
    before = watchdogs()
    closed, dropped = folders.engine(), folders.engine()
    assert watchdogs() == before + 2
    closed.close()
    del dropped
    gc.collect()
    for _ in range(100):
        if watchdogs() == before:
            break
        time.sleep(0.05)
    assert watchdogs() == before


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
