"""The demo bank's writer: the bytes that a contract asks for, in every layout and packing, worked out by hand."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import tarfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from data_contracts.contract import Contract, FileFormat, Property, Temporal
from pipelines.demo import delivered
from pipelines.demo.days import NEVER, number
from pipelines.demo.delivery import Delivery

DAY = dt.date(2026, 11, 1)
COLUMNS = (
    Property(name="id", type="VARCHAR", key=True, width=4),
    Property(name="name", type="VARCHAR", width=8, path="who.name"),
    Property(name="amount", type="DECIMAL(18,2)", width=8, path="who.amount"),
    Property(name="rate", type="DECIMAL(9,6)", width=9),
    Property(name="since", type="DATE", format="yyyyMMdd", width=8),
    Property(name="at", type="TIMESTAMP", format="yyyy-MM-dd HH:mm:ss.SSS", width=23),
    Property(name="hour", type="TIME", format="HHmmss", width=6),
    Property(name="times", type="INTEGER", width=3),
)
ROWS = pl.DataFrame(
    {
        "id": ["a1", "b2"],
        "name": ["億,園", None],
        "amount": [-150, 5],
        "rate": [4_350_000, 1],
        "since": [number(dt.date(2026, 10, 31)), NEVER],
        "at": [number(dt.date(2026, 11, 1)) * 86_400_000 + 3_723_004, None],
        "hour": [3_723, None],
        "times": [7, None],
    }
)


def contract(**form: object) -> Contract:
    said = {"path": "*/x_{business_date:%Y%m%d}_inc_{sequence}.dat", **form}
    return Contract(
        id="by-hand",
        version="1.0.0",
        table="staged.x",
        title="",
        description="",
        path=Path("x.odcs.yaml"),
        digest="",
        properties=COLUMNS,
        rules=(),
        temporal=Temporal(kind="event"),
        formats=(FileFormat(kind="daily", **said),),  # type: ignore[arg-type]
        control_amount="amount",
    )


def delivered_as(landing: Path, **form: object) -> Path:
    with Delivery(landing, contract(**form), number(DAY)) as file:
        file.write(ROWS)
    return file.path


def test_text_with_a_delimiter_of_many_signs_in_gb18030(tmp_path):
    file = delivered_as(tmp_path, delimiter="|@|", encoding="GB18030", control="flg")
    text = "a1|@|億,園|@|-1.50|@|4.350000|@|20261031|@|2026-11-01 01:02:03.004|@|010203|@|7\nb2|@||@|0.05|@|0.000001|@||@||@||@|\n"
    assert file.read_bytes() == text.encode("gb18030")
    assert file.relative_to(tmp_path) == Path("20261101/x_20261101_inc_01.dat")
    digest = hashlib.md5(text.encode("gb18030"), usedforsecurity=False).hexdigest()
    said = f"x_20261101_inc_01.dat|@|{len(text.encode('gb18030'))}|@|2|@|-1.45|@|{digest}|@|20261101|@|inc\n"
    assert file.with_suffix(".flg").read_bytes() == said.encode("gb18030")


def test_quoted_text_with_a_header_a_mark_and_the_line_ends_of_windows(tmp_path):
    file = delivered_as(
        tmp_path, delimiter=",", encoding="utf-8-sig", header=True, quote='"', line_terminator="\r\n", control="ok"
    )
    assert (
        file.read_bytes()
        == (
            "\ufeffid,name,amount,rate,since,at,hour,times\r\n"
            'a1,"億,園",-1.50,4.350000,20261031,2026-11-01 01:02:03.004,010203,7\r\n'
            "b2,,0.05,0.000001,,,,\r\n"
        ).encode()
    )
    assert file.with_suffix(".ok").read_text() == "2"
    assert not file.with_suffix(".flg").exists()


def test_fixed_widths_are_bytes_and_not_characters(tmp_path):
    file = delivered_as(tmp_path, layout="fixed", encoding="GB18030")
    first, second, end = file.read_bytes().split(b"\n")
    assert first == "a1  億,園      -1.50 4.350000202610312026-11-01 01:02:03.004010203  7".encode("gb18030")
    assert len(first) == len(second) == sum(prop.width or 0 for prop in COLUMNS)
    assert (second.decode("gb18030").split(), end) == (["b2", "0.05", "0.000001"], b"")
    too_wide = ROWS.with_columns(pl.lit("五個漢字。").alias("name"))
    with (
        pytest.raises(ValueError, match="name does not fit its field of 8 bytes"),
        Delivery(tmp_path / "wide", contract(layout="fixed", encoding="GB18030"), number(DAY)) as wide,
    ):
        wide.write(too_wide)
    assert not list((tmp_path / "wide").rglob("*.flg"))


def test_an_object_a_line_with_fields_inside_and_exact_numbers(tmp_path):
    odd = ROWS.with_columns(pl.Series("id", ['a"1', "b\\2"]))
    with Delivery(tmp_path, contract(layout="jsonl"), number(DAY)) as file:
        file.write(odd)
    assert file.path.read_text() == (
        '{"id":"a\\"1","who":{"name":"億,園","amount":-1.50},"rate":4.350000,"since":"20261031",'
        '"at":"2026-11-01 01:02:03.004","hour":"010203","times":7}\n'
        '{"id":"b\\\\2","who":{"name":null,"amount":0.05},"rate":0.000001,"since":null,"at":null,"hour":null,"times":null}\n'
    )


def test_a_history_of_nothing_is_not_delivered(tmp_path):
    with Delivery(tmp_path, "wm_order", number(DAY), history=True):
        pass
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_parquet_has_the_contracts_types(tmp_path):
    table = pq.read_table(delivered_as(tmp_path, layout="parquet"))
    first, second = table.to_pylist()
    assert first["amount"] == Decimal("-1.50")
    assert (first["rate"], first["since"], first["hour"]) == (
        Decimal("4.350000"),
        dt.date(2026, 10, 31),
        dt.time(1, 2, 3),
    )
    assert (first["at"], first["times"]) == (dt.datetime(2026, 11, 1, 1, 2, 3, 4_000), 7)
    assert second == {"id": "b2", "amount": Decimal("0.05"), "rate": Decimal("0.000001")} | dict.fromkeys(
        ("name", "since", "at", "hour", "times")
    )


@pytest.mark.parametrize("compression", ["gzip", "tar.gz"])
def test_what_is_packed_is_the_same_text_and_the_same_bytes_each_time(tmp_path, compression):
    plain = delivered_as(tmp_path / "plain", delimiter="|+|").read_bytes()
    name = {"gzip": "x.dat.gz", "tar.gz": "x.tar.gz"}[compression]
    said = {
        "delimiter": "|+|",
        "compression": compression,
        "path": f"*/{name}",
        "member": "x_{sequence}.txt",
        "control": "ok",
    }
    one, other = (delivered_as(tmp_path / folder, **said) for folder in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    assert [path.name for path in one.parent.iterdir() if path.suffix != ".ok"] == [name], "nothing is left beside it"
    if compression == "gzip":
        assert gzip.decompress(one.read_bytes()) == plain
    else:
        with tarfile.open(one) as archive:
            (member,) = archive.getmembers()
            inside = archive.extractfile(member)
            assert inside is not None
            assert (member.name, inside.read()) == ("x_01.txt", plain)


@pytest.mark.parametrize(
    "form",
    [
        {"delimiter": "|@|", "encoding": "GB18030"},
        {"delimiter": ",", "header": True, "quote": '"', "encoding": "utf-8-sig", "line_terminator": "\r\n"},
        {"layout": "fixed", "encoding": "GB18030"},
        {"layout": "jsonl", "compression": "gzip"},
    ],
)
def test_what_is_read_again_and_written_again_is_the_same_file(tmp_path, form):
    file, held = delivered_as(tmp_path, control="flg", **form), contract(control="flg", **form)
    before = {path: path.read_bytes() for path in file.parent.iterdir()}
    rows = delivered.read(tmp_path, held, DAY)
    assert rows.columns == [prop.name for prop in COLUMNS]
    assert rows["amount"].to_list() == ["-1.50", "0.05"]
    delivered.write(tmp_path, held, DAY, rows)
    assert {path: path.read_bytes() for path in file.parent.iterdir()} == before
