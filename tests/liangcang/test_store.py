"""What analysts get: the right rows of the right date, as they stand or as they stood."""

from __future__ import annotations

import datetime as dt
import zlib
from decimal import Decimal

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_by_hand import ACCOUNT, D1, D2, D3, D4, PAYMENT, TAGS, contents, publish, publish_rows

import liangcang as lc
from liangcang.errors import UsageError, WarehouseError
from liangcang.frames import dtype, frame
from liangcang.store import Warehouse
from liangcang.table import Table


def test_three_lines_are_enough(wh: Warehouse) -> None:
    publish_rows(wh, TAGS, D1, [{"party_id": "a", "age": 61}])
    assert lc.open(str(wh.place.root)).scan("products.customer_tags", as_of="2026-10-29").collect().to_dicts() == [
        {"party_id": "a", "business_date": D1, "age": 61}
    ]


def test_a_snapshot_is_that_of_its_date_and_of_no_other(wh: Warehouse) -> None:
    for day, age in ((D1, 1), (D2, 2), (D4, 4)):
        publish_rows(wh, TAGS, day, [{"party_id": "a", "age": age}])
    assert wh.scan(TAGS.name, as_of=D2).collect()["age"].to_list() == [2]
    assert wh.scan(TAGS.name).collect()["age"].to_list() == [1, 2, 4]
    with pytest.raises(UsageError) as caught:
        wh.scan(TAGS.name, as_of=D3)
    assert "nearest published dates: 2026-10-30 and 2026-11-01" in str(caught.value)
    with pytest.raises(UsageError, match="2026-10-01 is not published"):
        wh.scan(TAGS.name, as_of="2026-10-01")


def test_an_event_table_is_its_rows_up_to_the_date(wh: Warehouse) -> None:
    for day in (D1, D2, D4):
        publish_rows(wh, PAYMENT, day, [{"transaction_id": str(day), "amount": Decimal("1.50")}])
    assert wh.scan(PAYMENT.name, as_of=D3).collect()["business_date"].to_list() == [D1, D2]
    assert wh.scan(PAYMENT.name, as_of=D1 - dt.timedelta(days=1)).collect().height == 0
    assert wh.scan(PAYMENT.name).collect().schema["amount"] == pl.Decimal(18, 2)


CHANGES = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.sampled_from(["open", "closed"]), st.sampled_from("IUD"))),
    min_size=1,
    max_size=4,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=CHANGES, engine=st.sampled_from(["in-memory", "streaming"]))
def test_a_state_is_the_newest_change_of_each_key_without_the_deleted(
    no_catalogue: None, wh: Warehouse, changes: list[dict[str, tuple[str, str]]], engine: str
) -> None:
    """Against a dictionary that is updated day by day."""
    account = Table(
        name=f"conformed.a{zlib.crc32(str(changes).encode())}", columns=ACCOUNT.columns, key=ACCOUNT.key, kind="state"
    )
    state: dict[str, str] = {}
    by_day: dict[dt.date, dict[str, str]] = {}
    for number, change in enumerate(changes):
        day = D1 + dt.timedelta(days=number)
        publish_rows(wh, account, day, [{"account_id": k, "status": s, "_op": op} for k, (s, op) in change.items()])
        for key, (status, op) in change.items():
            if op == "D":
                state.pop(key, None)
            else:
                state[key] = status
        by_day[day] = dict(state)
    for day, expected in by_day.items():
        found = wh.scan(account.name, as_of=day).collect(engine=engine)
        assert dict(found.select("account_id", "status").iter_rows()) == expected
        assert found.height == len(expected)
    assert dict(wh.scan(account.name).select("account_id", "status").collect().iter_rows()) == state


def test_a_night_is_read_as_it_was_published(wh: Warehouse, no_catalogue: None) -> None:
    publish(wh, "r1", (TAGS, D1, "first"), nights=(D1,))
    publish(wh, "r2", (TAGS, D2, "x"), nights=(D2,))
    publish(wh, "r3", (TAGS, D1, "restated"))
    assert wh.files(TAGS.name, as_of=D1)[0].read_text() == "restated"
    assert wh.files(TAGS.name, as_of=D1, published_on=D1)[0].read_text() == "first"
    assert wh.files(TAGS.name, as_of=D1, published_on="2026-10-30")[0].read_text() == "first"
    assert wh.manifest(published_on=D2).nights == [D1, D2]
    with pytest.raises(UsageError, match="no night of 2026-10-31") as caught:
        wh.manifest(published_on=D3)
    assert "nearest published night: 2026-10-30" in str(caught.value)


def test_a_night_that_ran_again_is_the_later_one(wh: Warehouse, no_catalogue: None) -> None:
    publish(wh, "r1", (TAGS, D1, "first"), nights=(D1,))
    publish(wh, "r2", (TAGS, D1, "again"), nights=(D1,))
    assert contents(wh.manifest(published_on=D1)) == {(TAGS.name, D1): "again"}


def test_who_opened_a_night_keeps_it(wh: Warehouse, no_catalogue: None) -> None:
    publish(wh, "r1", (TAGS, D1, "old"))
    view = wh.current
    publish(wh, "r2", (TAGS, D1, "new"), (PAYMENT, D1, "too"))
    assert contents(view) == {(TAGS.name, D1): "old"}
    assert view.table(PAYMENT.name) is None
    assert view.entries(PAYMENT.name) == {}
    assert view.facts(PAYMENT.name) == {}
    assert view.files(PAYMENT.name) == []


def test_files_are_those_after_one_date_up_to_another(wh: Warehouse, no_catalogue: None) -> None:
    publish(wh, "r1", *((TAGS, day, str(day)) for day in (D1, D2, D3, D4)))
    assert [day for day, _ in wh.current.files(TAGS.name, after=D1, to=D3)] == [D2, D3]
    assert [day for day, _ in wh.current.files(TAGS.name)] == [D1, D2, D3, D4]


def test_an_unknown_table_is_answered_with_the_nearest(wh: Warehouse, no_catalogue: None) -> None:
    publish(wh, "r1", (TAGS, D1, "x"))
    with pytest.raises(UsageError, match=r"no table products\.customer_tag") as caught:
        wh.scan("products.customer_tag")
    assert "did you mean products.customer_tags?" in str(caught.value)


def test_a_date_is_a_date(wh: Warehouse, no_catalogue: None) -> None:
    publish(wh, "r1", (TAGS, D1, "x"))
    with pytest.raises(UsageError, match="YYYY-MM-DD"):
        wh.scan(TAGS.name, as_of="29.10.2026")


def test_an_older_file_without_a_column_shows_null_and_a_dropped_column_is_gone(wh: Warehouse) -> None:
    publish_rows(wh, TAGS, D1, [{"party_id": "a", "age": 1}])
    other = Table(
        name=TAGS.name,
        columns={"party_id": "VARCHAR", "business_date": "DATE", "sex": "VARCHAR", "score": "DOUBLE"},
        key=TAGS.key,
        kind="snapshot",
    )
    publish_rows(wh, other, D2, [{"party_id": "a", "sex": "1", "score": 0.5}])
    expected = [("a", D1, None, None), ("a", D2, "1", 0.5)]
    assert wh.scan(TAGS.name).collect().rows() == expected
    with duckdb.connect(str(wh.place.catalogue), read_only=True) as con:
        assert con.execute("select * from products.customer_tags order by 2").fetchall() == expected


def test_a_widened_column_reads_the_older_files(wh: Warehouse) -> None:
    narrow = Table(name=TAGS.name, columns={**TAGS.columns, "age": "INTEGER"}, key=TAGS.key, kind="snapshot")
    publish_rows(wh, narrow, D1, [{"party_id": "a", "age": 1}])
    publish_rows(wh, TAGS, D2, [{"party_id": "a", "age": 2**40}])
    assert wh.scan(TAGS.name).collect()["age"].to_list() == [1, 2**40]


def test_a_table_without_entries_is_an_empty_frame_of_its_types(wh: Warehouse) -> None:
    with wh.transaction("r1", atomic=True) as run:
        run.note(TAGS, {"planned": True})
        run.commit()
    assert wh.scan(TAGS.name).collect().schema == {"party_id": pl.String, "business_date": pl.Date, "age": pl.Int64}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("DECIMAL(18,2)", pl.Decimal(18, 2)),
        ("DECIMAL(9, 6)", pl.Decimal(9, 6)),
        ("VARCHAR[]", pl.List(pl.String)),
        ("TIMESTAMP", pl.Datetime("us")),
    ],
)
def test_types_are_those_of_polars(kind: str, expected: pl.DataType) -> None:
    assert dtype(kind) == expected


def test_a_type_that_is_not_read_is_named(wh: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="not read here") as caught:
        frame(Table(name="a.b", columns={"x": "UNION(a INTEGER)"}, key=("x",), kind="event"), [])
    assert "UNION(a INTEGER)" in str(caught.value)


def test_a_reader_sees_the_published_products_and_no_other_file(wh: Warehouse) -> None:
    publish_rows(wh, TAGS, D1, [{"party_id": "a", "age": 61}])
    publish_rows(wh, ACCOUNT, D1, [{"account_id": "1", "status": "open", "_op": "I"}])
    restricted = wh.files(ACCOUNT.name)[0]
    con = wh.reader()
    try:
        assert con.execute("select age from products.customer_tags").fetchall() == [(61,)]
        assert con.execute("select age from products.customer_tags_on(date '2026-10-29')").fetchall() == [(61,)]
        for path in (restricted, wh.place.pointer, "/etc/passwd"):
            with pytest.raises(duckdb.Error):
                con.execute(f"select * from read_text('{path}')").fetchall()
    finally:
        con.close()
