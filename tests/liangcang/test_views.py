"""`warehouse.duckdb` shows what is published, to any client, and mends itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from warehouse_by_hand import ACCOUNT, D1, D2, TAGS, publish, publish_rows

from liangcang import views
from liangcang.care import doctor, fsck, rollback
from liangcang.store import Warehouse
from liangcang.table import Table


def asked(wh: Warehouse, sql: str) -> list[tuple[object, ...]]:
    """As an analyst would: a fresh connection to the file, read-only."""
    with duckdb.connect(str(wh.place.catalogue), read_only=True) as con:
        return con.execute(sql).fetchall()


@pytest.fixture
def published(wh: Warehouse) -> Warehouse:
    publish_rows(wh, TAGS, D1, [{"party_id": "a", "age": 1}])
    publish_rows(wh, TAGS, D2, [{"party_id": "a", "age": 2}, {"party_id": "b", "age": 3}])
    publish_rows(wh, ACCOUNT, D1, [{"account_id": "1", "status": "open", "_op": "I"}])
    return wh


def test_views_show_everything_and_macros_one_date(published: Warehouse) -> None:
    assert asked(published, "select count(*) from products.customer_tags") == [(3,)]
    assert asked(published, "select age from products.customer_tags_on(date '2026-10-30') order by 1") == [(2,), (3,)]
    assert asked(published, "from products.customer_tags_on('2026-10-31')") == []


def test_only_products_are_shown(published: Warehouse) -> None:
    names = asked(published, "select schema_name || '.' || view_name from duckdb_views() where not internal")
    assert names == [("products.customer_tags",)]
    everything = published.place.catalogue.read_bytes()
    assert b"conformed" not in everything


def test_titles_and_comments_are_in_the_catalogue(published: Warehouse) -> None:
    assert asked(published, "select comment from duckdb_views() where view_name = 'customer_tags'") == [
        ("Tags of a customer's night",)
    ]
    assert asked(published, "select comment from duckdb_columns() where column_name = 'age'") == [
        ("Age in whole years 周岁",)
    ]


def test_any_client_from_duckdb_1_2_on_can_open_it(published: Warehouse) -> None:
    """The header's version number: 64 is DuckDB 1.0, 65 is 1.2; DuckDB 1.5 reads up to 68, 2.0 writes 999."""
    header = published.place.catalogue.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 65


def test_it_opens_in_the_other_duckdb(published: Warehouse) -> None:
    """`make test-oldest` names the interpreter with the newest DuckDB: each opens what the other has made."""
    other = os.environ.get("LIANGCANG_OTHER_PYTHON")
    if not other:
        pytest.skip("LIANGCANG_OTHER_PYTHON names no interpreter with another DuckDB")
    sql = "select count(*), sum(age) from products.customer_tags"
    code = (
        "import os, sys, duckdb; con = duckdb.connect(sys.argv[1], read_only=True); "
        "print(duckdb.__version__, *con.execute(sys.argv[2]).fetchone(), flush=True); os._exit(0)"
    )
    ran = subprocess.run(
        [other, "-c", code, str(published.place.catalogue), sql], capture_output=True, text=True, check=True
    )
    version, *found = ran.stdout.split()
    assert version != duckdb.__version__
    assert found == ["3", "6"]
    published.place.catalogue.unlink()
    refresh = (
        "import os, sys; from pathlib import Path; from liangcang import views; from liangcang.place import find; "
        "print(views.refresh(find(Path(sys.argv[1]))), flush=True); os._exit(0)"
    )
    made = subprocess.run([other, "-c", refresh, str(published.place.root)], capture_output=True, text=True, check=True)
    assert made.stdout == "True\n"
    assert asked(published, sql) == [(3, 6)]


def test_it_is_whole_in_one_file(published: Warehouse) -> None:
    assert [path.name for path in published.place.root.glob("warehouse*")] == ["warehouse.duckdb"]
    assert list(published.place.scratch.iterdir()) == []


def test_a_state_table_is_shown_as_of_a_date(wh: Warehouse) -> None:
    state = Table(name="products.account", columns=ACCOUNT.columns, key=ACCOUNT.key, kind="state")
    publish_rows(wh, state, D1, [{"account_id": k, "status": "open", "_op": "I"} for k in "abc"])
    publish_rows(wh, state, D2, [{"account_id": "a", "status": "closed", "_op": "U"}, {"account_id": "b", "_op": "D"}])
    assert asked(wh, "select account_id, status from products.account order by 1") == [("a", "closed"), ("c", "open")]
    assert asked(wh, "select account_id, status from products.account_on('2026-10-29') order by 1") == [
        ("a", "open"), ("b", "open"), ("c", "open"),
    ]  # fmt: skip


def test_an_event_table_is_shown_up_to_a_date(wh: Warehouse) -> None:
    event = Table(name="products.issue", columns={"id": "VARCHAR", "business_date": "DATE"}, key=("id",), kind="event")
    for day in (D1, D2):
        publish_rows(wh, event, day, [{"id": str(day)}])
    assert asked(wh, "select count(*) from products.issue") == [(2,)]
    assert asked(wh, "select id from products.issue_on('2026-10-29')") == [("2026-10-29",)]


def test_who_has_the_old_one_open_keeps_it(published: Warehouse) -> None:
    command = """
import duckdb, sys
con = duckdb.connect(sys.argv[1], read_only=True)
print(con.execute("select count(*) from products.customer_tags").fetchone()[0], flush=True)
input()
print(con.execute("select count(*) from products.customer_tags").fetchone()[0], flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", command, str(published.place.catalogue)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as analyst:  # fmt: skip
        assert analyst.stdout is not None
        assert analyst.stdout.readline() == "3\n"
        publish_rows(published, TAGS, D2, [{"party_id": "z", "age": 9}])
        assert asked(published, "select count(*) from products.customer_tags") == [(2,)]
        assert analyst.communicate("\n")[0] == "3\n"


def test_it_follows_a_rollback(published: Warehouse) -> None:
    first = published.current.manifest.parent
    while (parent := published.manifest(id=first).manifest.parent) and published.manifest(id=parent).tables():
        first = parent
    rollback(published, first)
    assert asked(published, "select count(*) from products.customer_tags") == [(1,)]


def test_a_restricted_commit_leaves_it_alone(published: Warehouse) -> None:
    before = published.place.catalogue.stat().st_mtime_ns
    publish(published, "r1", (ACCOUNT, D2, "x"))
    assert published.place.catalogue.stat().st_mtime_ns == before
    assert not views.refresh(published.place)


@pytest.mark.parametrize("damage", ["removed", "older", "garbage"])
def test_a_catalogue_that_does_not_fit_is_found_and_made_anew(published: Warehouse, damage: str) -> None:
    catalogue = published.place.catalogue
    older = catalogue.read_bytes()
    publish_rows(published, TAGS, D2, [{"party_id": "z", "age": 9}])
    match damage:
        case "removed":
            catalogue.unlink()
        case "older":
            catalogue.write_bytes(older)
        case _:
            catalogue.write_bytes(b"not a database")
    assert views.stale(published.place)
    assert any("warehouse.duckdb" in finding.what for finding in fsck(published))
    assert any("warehouse.duckdb" in finding.what for finding in doctor(published.place))
    assert views.refresh(published.place)
    assert views.stale(published.place) is None
    assert asked(published, "select count(*) from products.customer_tags") == [(2,)]


def test_a_warehouse_that_was_moved_mends_its_catalogue(published: Warehouse, tmp_path: Path) -> None:
    shutil.copytree(published.place.root, tmp_path / "moved", symlinks=True)
    shutil.rmtree(published.place.data)
    moved = Warehouse.open(tmp_path / "moved")
    assert views.stale(moved.place) is not None
    publish(moved, "r1", (ACCOUNT, D2, "x"))
    assert views.stale(moved.place) is None
    assert asked(moved, "select count(*) from products.customer_tags") == [(3,)]


def test_a_publication_stands_when_the_catalogue_cannot_be_made(
    wh: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise duckdb.IOException("no space")

    monkeypatch.setattr("liangcang.engine.catalogue", fails)
    publish(wh, "r1", (TAGS, D1, "x"))
    assert wh.current.tables() == [TAGS.name]
    assert "the catalogue is not up to date" in caplog.text
    monkeypatch.undo()
    publish(wh, "r2", (ACCOUNT, D1, "y"))
    assert views.stale(wh.place) is None
