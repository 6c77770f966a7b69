"""Records of fixed width: cut by bytes of the file's own encoding, decoded field by field, nothing lost."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from feeds_by_hand import contract, form
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources import decoding
from assets.sources.decoding import private_use
from assets.sources.raw import Raw
from assets.sources.reading import read
from data_contracts.contract import Property
from data_contracts.judge import judge
from liangcang.engine import Engine
from liangcang.errors import ContractError, DeliveryError

WIDTHS = {"no": 4, "name": 8, "amount": 8}
FEED = contract(
    Property(name="no", type="VARCHAR", width=4),
    Property(name="name", type="VARCHAR", width=8),
    Property(name="amount", type="DECIMAL(18,2)", width=8),
    max_rejected=1.0,
)
SECRET = "李某某"
_numbers = itertools.count()

Rows = list[tuple[Any, ...]]


def record(no: str, name: str, amount: str, encoding: str = "gb18030") -> bytes:
    parts = (no.encode(encoding).ljust(4), name.encode(encoding).ljust(8), amount.encode(encoding).rjust(8))
    return b"".join(parts) + b"\n"


def kept(room: Path, data: bytes) -> Path:
    path = room / f"fixed{next(_numbers)}"
    path.write_bytes(data)
    return path


def read_fixed(engine: Engine, room: Path, data: bytes, **said: Any) -> Raw:
    how = form(layout="fixed", **{"encoding": "gb18030", **said})
    return read(engine, kept(room, data), FEED, how, file_name="feed.dat")


def rows(engine: Engine, raw: Raw) -> tuple[Rows, Rows]:
    good = engine.rows(f"select * from {raw.raw} order by _row_no")
    bad = engine.rows(f"select * from {raw.rejected} order by _row_no")
    assert (len(good), len(bad)) == (raw.rows, raw.rejects)
    assert raw.rows + raw.rejects == raw.lines
    return good, bad


def test_fields_are_cut_by_bytes_and_lose_the_spaces_that_fill_them(engine: Engine, room: Path) -> None:
    """億 and 園 hold the bytes of `|` and `@`, 㐀 and 𠮷 have four bytes each, and a field may be full."""
    data = record("1", "億園", "10.00") + record("0002", "㐀𠮷", "-1.50") + record("3", " a ", "7")
    good, bad = rows(engine, read_fixed(engine, room, data))
    assert good == [
        (1, 1, "1", "億園", "10.00"),
        (2, 2, "0002", "㐀𠮷", "-1.50"),
        (3, 3, "3", " a", "7"),
    ]
    assert bad == []


def test_the_same_record_has_other_widths_in_another_encoding(engine: Engine, room: Path) -> None:
    data = b"\xef\xbb\xbf" + record("1", "億園", "10.00", "utf-8")
    good, _ = rows(engine, read_fixed(engine, room, data, encoding="utf-8-sig"))
    assert good == [(1, 1, "1", "億園", "10.00")]
    longer = "1   億園某".encode() + b"   10.00\n"
    assert len(longer) == 22
    _, bad = rows(engine, read_fixed(engine, room, record("1", "a", "1") + longer, encoding="utf-8"))
    assert [row[:2] for row in bad] == [(2, 2)]


def test_a_record_of_another_length_is_rejected_by_its_line_and_keeps_its_text(engine: Engine, room: Path) -> None:
    short, long = b"1   short\n", record("4", "億", "4.00")[:-1] + b" \n"
    data = record("1", "a", "1.00") + short + record("3", "園", "3.00") + long + b"\n" + record("6", "b", "6.00")
    good, bad = rows(engine, read_fixed(engine, room, data))
    assert [row[:3] for row in good] == [(1, 1, "1"), (3, 3, "3"), (6, 6, "6")]
    assert bad == [(2, 2, "1   short"), (4, 4, "4   億          4.00 "), (5, 5, "")]


@pytest.mark.parametrize("name", [b"a" * 7 + "億".encode("gb18030"), b"a" * 6 + "𠮷".encode("gb18030")])
def test_a_field_that_ends_inside_a_character_rejects_its_line(engine: Engine, room: Path, name: bytes) -> None:
    over = len(name) - 8
    faulty = b"2   " + name + b"2.00".rjust(8 - over) + b"\n"
    data = record("1", "a", "1.00") + faulty + record("3", "b", "3.00")
    good, bad = rows(engine, read_fixed(engine, room, data))
    assert [row[2] for row in good] == ["1", "3"]
    assert bad == [(2, 2, faulty[:-1].decode("gb18030"))]


def test_a_record_that_ends_inside_a_character_keeps_its_bytes(engine: Engine, room: Path) -> None:
    cut = record("2", "b", "2.00")[:-2] + "億".encode("gb18030")[:1] + b"\n"
    good, bad = rows(engine, read_fixed(engine, room, record("1", "a", "1.00") + cut))
    assert [row[2] for row in good] == ["1"]
    assert bad == [(2, 2, cut[:-2].decode() + "\\x83")]


def test_bytes_that_are_no_character_refuse_the_delivery_by_line_and_offset(engine: Engine, room: Path) -> None:
    data = record("1", SECRET, "1.00") * 3 + b"2   ab\xffd    " + b"2.00".rjust(8) + b"\n"
    with pytest.raises(DeliveryError, match="not gb18030") as caught:
        read_fixed(engine, room, data)
    assert caught.value.details["line"] == "4"
    assert caught.value.details["found"] == "bytes that are no character of it, at byte 69"
    assert SECRET not in str(caught.value)


def test_offsets_are_those_of_the_file_beyond_the_first_block(
    engine: Engine, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 64)
    data = record("1", "億園", "1.00") * 100
    good, _ = rows(engine, read_fixed(engine, room, data + b"short\n" + record("9", "x", "9.00")))
    assert [row[:2] for row in good] == [*((n, n) for n in range(1, 101)), (102, 102)]
    with pytest.raises(DeliveryError) as caught:
        read_fixed(engine, room, data + b"2   \xff" + b" " * 15 + b"\n")
    assert (caught.value.details["line"], caught.value.details["found"][-13:]) == ("101", "at byte 2,104")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (record("1", "a", "1.00")[:-1], "cut in mid-line"),
        (record("1", "a", "1.00") + b"2\0  " + b" " * 16 + b"\n", "a NUL byte"),
        (record("1", "a", "1.00")[:-1] + b"\r\n", "line ends"),
        (b"1;a;1.00\n2;b;2.00\n", "does not have the shape"),
    ],
)
def test_what_is_no_file_of_such_records_is_refused(engine: Engine, room: Path, data: bytes, what: str) -> None:
    with pytest.raises(DeliveryError, match=what):
        read_fixed(engine, room, data)


def test_a_last_record_may_lack_its_end_but_not_its_rest(engine: Engine, room: Path) -> None:
    data = record("1", "a", "1.00") + record("2", "b", "2.00")[:-1]
    good, _ = rows(engine, read_fixed(engine, room, data, last_line_terminated=False))
    assert len(good) == 2
    with pytest.raises(DeliveryError, match="cut in mid-line") as caught:
        read_fixed(engine, room, data[:-1], last_line_terminated=False)
    assert caught.value.details["line"] == "2"


def test_records_end_in_cr_lf_where_the_contract_says_so(engine: Engine, room: Path) -> None:
    data = b"".join(record("1", "億", "1.00")[:-1] + b"\r\n" for _ in range(3)) + b"short\r\n"
    good, bad = rows(engine, read_fixed(engine, room, data, line_terminator="\r\n"))
    assert ([row[3] for row in good], bad) == (["億"] * 3, [(4, 4, "short")])


def test_a_column_without_a_width_is_the_contracts_fault(engine: Engine, room: Path) -> None:
    with pytest.raises(ContractError, match="without a width") as caught:
        read(engine, kept(room, b"x\n"), contract("a"), form(layout="fixed"), file_name="feed.dat")
    assert caught.value.details["field"] == "a"


def test_a_history_of_states_begins_with_a_date_of_eight_bytes(engine: Engine, room: Path) -> None:
    dated = contract(Property(name="a", type="VARCHAR", width=3), delivery="full", state_date="state_date")
    how = form("history", "h.dat", layout="fixed")
    raw = read(engine, kept(room, b"20261031abc\n"), dated, how, file_name="h.dat")
    assert engine.rows(f"select * from {raw.raw}") == [(1, 1, "20261031", "abc")]


def test_every_line_ends_in_one_place_and_quarantine_keeps_what_came(engine: Engine, room: Path) -> None:
    data = record("1", "億", "1.00") + record("2", "園", "1,50") + b"short\n" + record("4", "", "4.00")
    read_fixed(engine, room, data)
    found = judge(engine.con, FEED)
    assert dict(found.conservation) == {
        "delivered": 4, "staged": 2, "quarantined": 1, "rejected": 1, "exact_duplicate": 0,
    }  # fmt: skip
    bad = engine.rows(f"select _row_no, _line, _rules, name, amount from {found.bad_rows}")
    assert bad == [(2, 2, ["amount.parse"], "園", "1,50")]
    assert engine.rows(f"select name from {found.good_rows} order by _row_no") == [("億",), (None,)]


_TEXT = st.text(st.sampled_from("ab 億園㐀𠮷某|@é"), max_size=5).map(lambda text: text.rstrip(" "))


@settings(max_examples=40, deadline=None)
@given(
    records=st.lists(st.one_of(st.tuples(_TEXT, _TEXT, _TEXT), st.binary(max_size=3)), min_size=1, max_size=20),
    encoding=st.sampled_from(["gb18030", "utf-8"]),
    block=st.integers(30, 400),
)
def test_every_record_that_is_written_is_read_back_or_rejected_by_its_line(
    engine: Engine, room: Path, records: list[Any], encoding: str, block: int
) -> None:
    """Oracle: each record cut by hand. Texts that are too wide for their field spill into the next one, or beyond."""
    texts = contract(*(Property(name=name, type="VARCHAR", width=width) for name, width in WIDTHS.items()))
    lines, good, bad = [], [], []
    for record in [*records, ("1", "a", "2")]:
        if isinstance(record, bytes):
            line = bytes(byte & 0x7F | 0x20 for byte in record)
        else:
            line = b"".join(
                text.encode(encoding).ljust(width) for text, width in zip(record, WIDTHS.values(), strict=True)
            )
        lines.append(line)
        cuts = line[:4], line[4:12], line[12:]
        try:
            fields = tuple(cut.decode(encoding).rstrip(" ") for cut in cuts)
        except UnicodeDecodeError:
            fields = ()
        at = (len(lines), len(lines))
        if len(line) == 20 and fields:
            good.append((*at, *(field.translate(private_use()) for field in fields)))
        else:
            bad.append((*at, line.decode(encoding)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK", block)
        path = kept(room, b"".join(line + b"\n" for line in lines))
        try:
            raw = read(engine, path, texts, form(layout="fixed", encoding=encoding), file_name="feed.dat")
        except DeliveryError as error:
            assert "no character" in str(error)
            assert any(len(line) == 20 for line in lines)
            return
    assert rows(engine, raw) == (good, bad)
