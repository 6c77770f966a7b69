"""Parquet from partners: the contract's columns and types or none of it, and exact."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feeds_by_hand import contract, form
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources.raw import Raw
from assets.sources.reading import read
from data_contracts.contract import Contract, Property
from data_contracts.judge import judge
from liangcang.engine import Engine
from liangcang.errors import DeliveryError

FEED = contract(
    Property(name="no", type="VARCHAR"),
    Property(name="amount", type="DECIMAL(38,10)"),
    Property(name="count", type="INTEGER"),
    Property(name="rate", type="DOUBLE"),
    Property(name="flag", type="BOOLEAN"),
    Property(name="day", type="DATE", format="yyyyMMdd"),
    Property(name="clock", type="TIME", format="HHmmss"),
    Property(name="at", type="TIMESTAMP"),
    Property(name="city", type="VARCHAR", path="customer.address.city"),
    max_rejected=1.0,
)
ROW: dict[str, Any] = {
    "no": "007",
    "amount": Decimal("1234567890123456789012345678.1234567890"),
    "count": 3,
    "rate": 0.1,
    "flag": True,
    "day": dt.date(2026, 11, 1),
    "clock": dt.time(23, 59, 58),
    "at": dt.datetime(2026, 11, 1, 12, 30),
    "customer": {"address": {"city": "億園𠮷"}},
}
SCHEMA = pa.schema(
    [
        ("no", pa.string()),
        ("amount", pa.decimal128(38, 10)),
        ("count", pa.int32()),
        ("rate", pa.float64()),
        ("flag", pa.bool_()),
        ("day", pa.date32()),
        ("clock", pa.time64("us")),
        ("at", pa.timestamp("us")),
        ("customer", pa.struct([("address", pa.struct([("city", pa.string())]))])),
    ]
)
_numbers = itertools.count()


def written(room: Path, table: pa.Table, **said: Any) -> Path:
    path = room / f"parquet{next(_numbers)}"
    pq.write_table(table, path, **said)
    return path


def table_of(*rows: dict[str, Any], **types: pa.DataType) -> pa.Table:
    schema = SCHEMA
    for name, kind in types.items():
        schema = schema.set(schema.get_field_index(name), pa.field(name, kind))
    return pa.Table.from_pylist(list(rows), schema=schema)


def read_file(engine: Engine, path: Path, feed: Contract = FEED, **said: Any) -> Raw:
    return read(engine, path, feed, form(layout="parquet", **said), file_name="feed.parquet")


def refused(engine: Engine, path: Path, what: str, **said: Any) -> dict[str, str]:
    with pytest.raises(DeliveryError, match=what) as caught:
        read_file(engine, path, **said)
    assert {"file", "expected", "found", "kept", "next"} <= caught.value.details.keys()
    return dict(caught.value.details)


def judged(engine: Engine, feed: Contract = FEED) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    found = judge(engine.con, feed)
    assert sum(count for _, count in found.conservation[1:]) == found.delivered
    return (
        engine.rows(f"select * from {found.good_rows} order by _row_no"),
        engine.rows(f"select * from {found.bad_rows} order by _row_no"),
    )


def test_a_file_is_read_as_the_text_that_a_text_file_would_have_held(engine: Engine, room: Path) -> None:
    nulls = dict.fromkeys(ROW)
    raw = read_file(engine, written(room, table_of(ROW, nulls)))
    assert engine.rows(f"select * from {raw.raw} order by _row_no") == [
        (1, 1, "007", "1234567890123456789012345678.1234567890", "3", "0.1", "true", "20261101", "235958",
         "2026-11-01 12:30:00", "億園𠮷"),
        (2, 2, *[None] * 9),
    ]  # fmt: skip
    assert (raw.rows, raw.rejects, raw.lines) == (2, 0, 2)
    good, bad = judged(engine)
    assert good == [(1, *list(ROW.values())[:8], "億園𠮷"), (2, *[None] * 9)]
    assert bad == []


def test_rows_are_numbered_as_they_stand_whatever_reads_them(engine: Engine, room: Path) -> None:
    one = contract("n", feed="numbered")
    path = room / f"parquet{next(_numbers)}"
    pl.DataFrame({"n": [str(n) for n in range(300_000)]}).write_parquet(path, row_group_size=10_000)
    raw = read_file(engine, path, one)
    assert engine.rows(f"select count(*), count(*) filter (where _row_no = n::bigint + 1) from {raw.raw}") == [
        (300_000, 300_000)
    ]


def test_a_column_without_any_value_may_be_of_any_type(engine: Engine, room: Path) -> None:
    """pandas writes such a column as it likes."""
    for kind in (pa.null(), pa.float64(), pa.list_(pa.int8())):
        others = {"no": None, "amount": None, "day": None}
        read_file(engine, written(room, table_of({**ROW, **others}, **dict.fromkeys(others, kind))))
        good, bad = judged(engine)
        assert (good[0][1], good[0][2], good[0][6], good[0][3], bad) == (None, None, None, 3, [])


def test_columns_may_stand_in_any_order(engine: Engine, room: Path) -> None:
    read_file(engine, written(room, table_of(ROW).select(SCHEMA.names[::-1])))
    assert judged(engine)[0][0][1] == "007"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda t: t.drop_columns(["amount"]), "a missing column: amount"),
        (lambda t: t.append_column("more", pa.array(["x"])), "an extra column: more"),
        (lambda t: t.rename_columns([n.replace("no", "number") for n in t.column_names]),
         "a missing column: no; an extra column: number"),
        (lambda t: t.drop_columns(["customer"]), "a missing column: customer.address.city"),
        (lambda t: t.drop_columns(["customer"]).append_column("customer", pa.array([{"address": {"town": "x"}}])),
         "a missing column: customer.address.city; an extra column: customer.address.town"),
        (lambda t: t.append_column("inner", pa.array([{"a": 1}])), "an extra column: inner"),
    ],
)  # fmt: skip
def test_a_file_of_another_schema_is_refused_with_the_columns_name(
    engine: Engine, room: Path, change: Any, found: str
) -> None:
    assert refused(engine, written(room, change(table_of(ROW))), "schema is not the contract's")["found"] == found


@pytest.mark.parametrize(
    ("column", "kind", "value", "expected"),
    [
        ("amount", pa.float64(), 1.1, "an exact number"),
        ("amount", pa.float32(), 1.5, "an exact number"),
        ("amount", pa.decimal256(50, 10), Decimal(1), "an exact number"),
        ("no", pa.int64(), 7, "text"),
        ("no", pa.binary(), b"7", "text"),
        ("no", pa.list_(pa.string()), ["7"], "text"),
        ("no", pa.struct([("inner", pa.string())]), {"inner": "7"}, "text"),
        ("count", pa.float64(), 1.0, "a whole number"),
        ("count", pa.decimal128(10, 2), Decimal(1), "a whole number"),
        ("flag", pa.int8(), 1, "true and false"),
        ("day", pa.int32(), 20261101, "a date"),
        ("clock", pa.timestamp("us"), dt.datetime(2026, 11, 1), "a time of day"),
        ("at", pa.timestamp("us", tz="UTC"), dt.datetime(2026, 11, 1, tzinfo=dt.UTC), "local time"),
        ("at", pa.date32(), dt.date(2026, 11, 1), "local time"),
    ],
)
def test_a_column_from_whose_type_the_contracts_cannot_come_exactly_is_refused_by_name(
    engine: Engine, room: Path, column: str, kind: pa.DataType, value: Any, expected: str
) -> None:
    path = written(room, table_of({**ROW, column: value}, **{column: kind}))
    said = refused(engine, path, f"column {column} is of another type")
    assert expected in said["expected"]
    assert said["expected"].startswith(f"{column} as ")


@pytest.mark.parametrize(
    ("column", "kind", "value", "kept"),
    [
        ("amount", pa.string(), "12.50", Decimal("12.50")),
        ("amount", pa.int64(), 2**62, Decimal(2**62)),
        ("amount", pa.decimal128(10, 2), Decimal("-0.05"), Decimal("-0.05")),
        ("count", pa.uint64(), 7, 7),
        ("count", pa.decimal128(10, 0), Decimal(7), 7),
        ("rate", pa.float64(), 1e-7, 1e-7),
        ("rate", pa.float64(), -1.2345678901234567e25, -1.2345678901234567e25),
        ("rate", pa.float64(), 5e-324, 5e-324),
        ("rate", pa.float64(), 1.7976931348623157e308, 1.7976931348623157e308),
        ("day", pa.string(), "20261102", dt.date(2026, 11, 2)),
        ("day", pa.timestamp("ns"), dt.datetime(2026, 11, 2), dt.date(2026, 11, 2)),
        ("at", pa.timestamp("ms"), dt.datetime(2026, 11, 2, 1), dt.datetime(2026, 11, 2, 1)),
        ("no", pa.large_string(), "ab", "ab"),
        ("no", pa.dictionary(pa.int32(), pa.string()), "ab", "ab"),
    ],
)
def test_values_of_a_type_that_fits_are_kept_exactly(
    engine: Engine, room: Path, column: str, kind: pa.DataType, value: Any, kept: Any
) -> None:
    read_file(engine, written(room, table_of({**ROW, column: value}, **{column: kind})))
    good, bad = judged(engine)
    assert (good[0][1 + SCHEMA.get_field_index(column)], bad) == (kept, [])


@pytest.mark.parametrize(
    ("column", "kind", "value", "text"),
    [
        ("rate", pa.float64(), float("nan"), "nan"),
        ("rate", pa.float64(), float("inf"), "inf"),
        ("day", pa.timestamp("us"), dt.datetime(2026, 11, 2, 10), "2026-11-02 10:00:00"),
        ("at", pa.timestamp("us"), dt.datetime(2026, 11, 2, 1, 0, 0, 5), "2026-11-02 01:00:00.000005"),
        ("clock", pa.time64("us"), dt.time(1, 2, 3, 4), "01:02:03.000004"),
        ("count", pa.int64(), 2**40, str(2**40)),
        ("amount", pa.decimal128(38, 12), Decimal("0.123456789012"), "0.123456789012"),
    ],
)
def test_what_the_contracts_type_cannot_hold_is_quarantined_and_not_cut(
    engine: Engine, room: Path, column: str, kind: pa.DataType, value: Any, text: str
) -> None:
    others = {**ROW, column: None}
    read_file(engine, written(room, table_of({**ROW, column: value}, others, others, **{column: kind})))
    good, bad = judged(engine)
    assert len(good) == 2
    assert (bad[0][2], bad[0][3 + SCHEMA.get_field_index(column)]) == ([f"{column}.parse"], text)


def test_a_file_that_is_no_parquet_is_refused_and_its_words_are_kept_apart(engine: Engine, room: Path) -> None:
    whole = written(room, table_of(ROW)).read_bytes()
    for data in (b"330327199001011234;1\n" * 9, whole[:-5], whole[: len(whole) // 2], whole[:4] + whole[40:]):
        path = room / f"parquet{next(_numbers)}"
        path.write_bytes(data)
        assert "330327199001011234" not in str(refused(engine, path, "no Parquet file that can be read"))


def test_flipped_pages_are_refused_or_read_the_same(engine: Engine, room: Path) -> None:
    """No byte of a page may change a value unseen: pages are checked by their packing, or by their checksum."""
    whole = written(room, table_of(*[ROW] * 50), compression="zstd", write_page_checksum=True).read_bytes()
    expected = [(50,)]
    for at in range(4, len(whole) - 8, 97):
        path = room / f"parquet{next(_numbers)}"
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            raw = read_file(engine, path)
        except DeliveryError:
            continue
        assert engine.rows(f"select count(*) from {raw.raw}") == expected


def test_what_a_file_unfolds_to_is_bounded_before_it_is_kept(engine: Engine, room: Path) -> None:
    one = contract("text", feed="bomb")
    folded = pa.DictionaryArray.from_arrays(pa.array([0] * 2_000, pa.int32()), pa.array(["x" * 1_000_000]))
    path = written(room, pa.table({"text": folded}), compression="zstd")
    assert path.stat().st_size < 1_000_000
    found = refused(engine, path, "larger than the contract allows", feed=one, max_bytes=100_000_000)
    assert found["found"] == "at least 2,000,000,000 bytes unfolded"
    many = written(room, pa.table({"text": pa.nulls(5_000_000, pa.string())}))
    refused(engine, many, "larger than the contract allows", feed=one, max_bytes=1_000_000)


def test_a_nul_byte_is_named_by_its_record(engine: Engine, room: Path) -> None:
    path = written(room, table_of(ROW, {**ROW, "no": "a\0b"}))
    assert refused(engine, path, "a NUL byte")["found"].endswith("in record 2")


def test_a_row_group_of_nothing_is_a_delivery_without_rows(engine: Engine, room: Path) -> None:
    raw = read_file(engine, written(room, table_of()))
    assert (raw.rows, engine.rows(f"select * from {raw.raw}")) == (0, [])


_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=10)
_ROWS = st.fixed_dictionaries(
    {
        "no": st.none() | _TEXT,
        "amount": st.none()
        | st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**27), max_value=10**27),
        "count": st.none() | st.integers(-(2**31), 2**31 - 1),
        "rate": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.none() | st.booleans(),
        "day": st.none() | st.dates(),
        "clock": st.none() | st.times().map(lambda t: t.replace(microsecond=0)),
        "at": st.none() | st.datetimes(min_value=dt.datetime(1, 1, 1)).map(lambda t: t.replace(microsecond=0)),
    }
)


@settings(max_examples=10, deadline=None)
@given(
    rows=st.lists(_ROWS, min_size=1, max_size=12),
    writer=st.sampled_from(["pyarrow", "polars", "duckdb"]),
    compression=st.sampled_from(["zstd", "snappy", "gzip"]),
)
def test_every_row_that_is_written_is_read_back_exactly(
    engine: Engine, room: Path, rows: list[dict[str, Any]], writer: str, compression: str
) -> None:
    feed = contract(
        *(Property(name=p.name, type=p.type, format=p.format, null_values=()) for p in FEED.properties if not p.path)
    )
    table = pa.Table.from_pylist(rows, schema=pa.schema([field for field in SCHEMA if field.name != "customer"]))
    path = room / f"parquet{next(_numbers)}"
    if writer == "pyarrow":
        pq.write_table(table, path, compression=compression)
    elif writer == "polars":
        pl.from_arrow(table).write_parquet(path, compression=compression)  # type: ignore[union-attr,arg-type]
    else:
        with duckdb.connect() as con:
            con.register("rows", table)
            con.execute(f"copy (select * from rows) to '{path}' (format parquet, compression {compression})")
    read_file(engine, path, feed)
    good, bad = judged(engine, feed)
    assert bad == []
    assert good == [(n, *(row[name] for name in table.column_names)) for n, row in enumerate(rows, start=1)]
