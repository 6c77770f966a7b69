from __future__ import annotations

import itertools
import json
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from feeds_by_hand import contract, form
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources import decoding, reading
from assets.sources.decoding import private_use
from assets.sources.raw import Raw
from assets.sources.reading import read
from liangcang.engine import Engine
from liangcang.errors import ContractError, DeliveryError

SECRET = "330327199001011234"
COLUMNS = ("a", "b", "c")
SEMICOLON: dict[str, Any] = {"delimiter": ";", "quote": '"'}

Rows = list[tuple[Any, ...]]
_numbers = itertools.count()


def taken(room: Path, data: bytes | str) -> Path:
    path = room / f"taken{next(_numbers)}"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows_of(engine: Engine, raw: Raw) -> Rows:
    return engine.rows(f"select * from {raw.raw} order by _row_no")


def rejects_of(engine: Engine, raw: Raw) -> Rows:
    return engine.rows(f"select * from {raw.rejected} order by _row_no")


class Reader:
    """Reads text with three columns, or as said, and shows what came of it."""

    def __init__(self, engine: Engine, room: Path) -> None:
        self.engine, self.room = engine, room

    def __call__(self, data: bytes | str, *, columns: tuple[str, ...] = COLUMNS, **said: Any) -> tuple[Rows, Rows]:
        raw = read(
            self.engine, taken(self.room, data), contract(*columns), form(**{**SEMICOLON, **said}), file_name="feed.dat"
        )
        found = rows_of(self.engine, raw), rejects_of(self.engine, raw)
        assert (raw.rows, raw.rejects) == (len(found[0]), len(found[1]))
        return found

    def refused(self, data: bytes | str, what: str, **said: Any) -> dict[str, str]:
        """What the error says; it names the file, and no value of any row."""
        with pytest.raises(DeliveryError, match=what) as caught:
            self(data, **said)
        assert str(caught.value).startswith("feed.dat: ")
        assert SECRET not in str(caught.value)
        assert caught.value.details["file"] == "feed.dat"
        assert {"expected", "found", "kept", "next"} <= caught.value.details.keys()
        return dict(caught.value.details)


@pytest.fixture
def reader(engine: Engine, room: Path) -> Iterator[Reader]:
    before = set(room.iterdir())
    yield Reader(engine, room)
    left = [path for path in set(room.iterdir()) - before if path.suffix == ".utf8"]
    assert not left, "a decoded copy was left behind"


# What is read


def test_rows_have_their_number_their_line_and_their_text(reader: Reader) -> None:
    rows, rejects = reader('a;b;c\n1;"x";2.50\n2;" y ";\n', header=True)
    assert rows == [(1, 2, "1", "x", "2.50"), (2, 3, "2", " y ", "")]
    assert rejects == []


def test_empty_fields_stay_empty_text_and_are_not_null(reader: Reader) -> None:
    assert reader(';"";x\n;;\n')[0] == [(1, 1, "", "", "x"), (2, 2, "", "", "")]


def test_nothing_is_guessed_about_what_text_means(reader: Reader) -> None:
    rows, _ = reader("NULL;\\N;1e5\n#1; 12 ;007\n")
    assert [row[2:] for row in rows] == [("NULL", "\\N", "1e5"), ("#1", " 12 ", "007")]


def test_quoted_separators_quotes_and_line_ends_are_part_of_the_field(reader: Reader) -> None:
    rows, _ = reader('1;"a;b";"say ""no"""\n2;"two\nlines";x\n3;y;z\n')
    assert rows == [(1, 1, "1", "a;b", 'say "no"'), (2, 2, "2", "two\nlines", "x"), (3, 4, "3", "y", "z")]


def test_without_a_quote_character_a_quote_is_text(reader: Reader) -> None:
    assert reader('1|@|"open|@|\n', delimiter="|@|", quote="")[0] == [(1, 1, "1", '"open', "")]


def test_lines_that_end_in_cr_lf_lose_both(reader: Reader) -> None:
    assert reader("1;2;3\r\n4;5;6\r\n", line_terminator="\r\n")[0] == [(1, 1, "1", "2", "3"), (2, 2, "4", "5", "6")]


def test_text_that_is_larger_than_memory_is_read_to_the_same_rows(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = '1;"two\nlines";3\n1;2\n4;"five;";6\n1;2;3;4\n7;8;9\n'
    found = reader(data)
    assert [len(rows) for rows in found] == [3, 2]
    monkeypatch.setattr(reading, "PACKED_ABOVE", 0)
    assert reader(data) == found
    assert reader.engine.packs("raw")
    assert reader("1;2;3\n", layout="csv") == ([(1, 1, "1", "2", "3")], [])
    assert reader("") == ([], [])
    assert not reader.engine.packs("raw")


def test_a_header_may_be_quoted_and_in_capital_letters(reader: Reader) -> None:
    assert reader('"A";"B";"c"\r\n1;2;3\r\n', header=True, line_terminator="\r\n")[0] == [(1, 2, "1", "2", "3")]


def test_a_header_alone_is_a_delivery_without_rows(reader: Reader) -> None:
    assert reader("a;b;c\n", header=True) == ([], [])


def test_a_file_whose_last_line_is_never_terminated_is_read_whole(reader: Reader) -> None:
    assert len(reader("1;2;3\n4;5;6", last_line_terminated=False)[0]) == 2


def test_a_single_column_may_be_empty(reader: Reader) -> None:
    assert reader("a\n\nb\n", columns=("only",))[0] == [(1, 1, "a"), (2, 2, ""), (3, 3, "b")]


def test_a_history_of_dated_states_has_its_date_first(engine: Engine, room: Path) -> None:
    dated = contract("a", "b", delivery="full", state_date="as_at")
    file = taken(room, "2026-01-31;1;x\n")
    raw = read(engine, file, dated, form("history", "h.csv", **SEMICOLON), file_name="h.csv")
    assert raw.columns == ("as_at", "a", "b")
    assert rows_of(engine, raw) == [(1, 1, "2026-01-31", "1", "x")]
    daily = read(engine, taken(room, "1;x\n"), dated, form(**SEMICOLON), file_name="d.csv")
    assert daily.columns == ("a", "b")


def test_a_state_date_that_is_a_column_stands_where_the_contract_says(engine: Engine, room: Path) -> None:
    dated = contract("a", "as_at", delivery="full", state_date="as_at")
    raw = read(engine, taken(room, "1;x\n"), dated, form("history", "h.csv", **SEMICOLON), file_name="h.csv")
    assert raw.columns == ("a", "as_at")


# Single faulty lines


def test_a_line_with_too_few_or_too_many_fields_is_rejected_and_the_others_stay(reader: Reader) -> None:
    rows, rejects = reader("a;b;c\n1;2;3\n4;5\n6;7;8;9\n10;11;12\n", header=True)
    assert rows == [(1, 2, "1", "2", "3"), (4, 5, "10", "11", "12")]
    assert rejects == [(2, 3, "4;5"), (3, 4, "6;7;8;9")]


def test_text_after_a_closing_quote_rejects_its_line_only(reader: Reader) -> None:
    rows, rejects = reader('1;"ab"x;3\n4;5;6\n')
    assert rows == [(2, 2, "4", "5", "6")]
    assert rejects == [(1, 1, '1;"ab"x;3')]


def test_rejected_lines_are_numbered_right_behind_line_ends_in_fields(reader: Reader) -> None:
    rows, rejects = reader('1;"p\nq\nr";x\nbad\n2;"s\nt";y\nworse;1\nworst\n3;4;5\n')
    assert [row[:2] for row in rows] == [(1, 1), (3, 5), (6, 9)]
    assert rejects == [(2, 4, "bad"), (4, 7, "worse;1"), (5, 8, "worst")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_rejected_lines_are_numbered_right_beyond_the_readers_buffer(reader: Reader, end: str) -> None:
    """DuckDB's own line numbers go wrong after 32 MB of a file with CR LF."""
    filler, bad = "x" * 1000, {1, 7, 33_000, 39_998}
    lines = [f"{n};bad" if n in bad else f"{n};{filler};c" for n in range(1, 40_001)]
    rows, rejects = reader(end.join(lines) + end, line_terminator=end)
    assert [row[:2] for row in rejects] == [(n, n) for n in sorted(bad)]
    assert all(row[0] == row[1] == int(row[2]) for row in rows)


# Files that are refused


def test_a_file_cut_in_mid_line_is_refused(reader: Reader) -> None:
    assert reader.refused(f"1;2;3\n4;{SECRET};6", "cut in mid-line")["line"] == "2"
    assert reader.refused(f"1;2;3\n4;{SECRET}\n", "cut in mid-line")["line"] == "2"
    assert reader.refused(f"1;2;3\n4;{SECRET}", "cut in mid-line", last_line_terminated=False)["line"] == "2"
    assert reader.refused(f'1;2;3\n4;5;"{SECRET}', "cut in mid-line", last_line_terminated=False)["line"] == "2"


def test_a_character_cut_in_half_at_the_end_is_a_cut_file(reader: Reader) -> None:
    reader.refused("1;2;億".encode()[:-1], "cut in mid-line")


def test_bytes_that_are_not_the_encoding_are_named_by_offset_and_line(reader: Reader) -> None:
    found = reader.refused(f"1;é;3\n4;{SECRET}".encode() + b"\xff;6\n", "not utf-8")
    assert (found["line"], found["found"]) == ("2", "bytes that are no character of it, at byte 27")
    assert reader.refused("1;2;é\n", "not ascii", encoding="ascii")["line"] == "1"
    assert reader.refused(b"1;2;3\n4;\x81;6\n", "not gb18030", encoding="gb18030")["found"].endswith("at byte 8")


def test_a_byte_beyond_the_first_block_is_named_by_its_place_in_the_file(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 16)
    found = reader.refused(b"1;2;3\n" * 100 + b"1;2;\xff\n", "not utf-8")
    assert (found["line"], found["found"]) == ("101", "bytes that are no character of it, at byte 604")


def test_nul_bytes_are_refused(reader: Reader) -> None:
    assert reader.refused(f"1;2;3\n{SECRET};\0;6\n", "a NUL byte")["line"] == "2"


@pytest.mark.parametrize(
    ("data", "contracted", "line", "found"),
    [
        ("1;2;3\n4;5;6\r\n", "\n", "2", "CR LF"),
        ("1;2;3\r\n4;5;6\n", "\r\n", "2", "LF"),
        ("1;2;3\r\n4;5;6\r\n", "\n", "1", "CR LF"),
        ("1;2;3\n4;5\r;6\n", "\n", "2", "CR"),
        ("1;2\r;3\r\n", "\r\n", "1", "CR"),
        ('1;"2\n";3\r\n', "\r\n", "1", "LF"),
    ],
)
def test_line_ends_other_than_the_contracts_are_refused(
    reader: Reader, data: str, contracted: str, line: str, found: str
) -> None:
    said = reader.refused(data, "line ends", line_terminator=contracted)
    assert said["line"] == line
    assert said["found"].startswith(f"{found}, at byte")


def test_a_byte_order_mark_is_taken_off_only_where_the_contract_says_so(reader: Reader) -> None:
    with_mark = "\ufeff" + "1;2;3\n"
    assert reader(with_mark, encoding="utf-8-sig")[0] == [(1, 1, "1", "2", "3")]
    assert reader("1;2;3\n", encoding="utf-8-sig")[0] == [(1, 1, "1", "2", "3")]
    reader.refused(with_mark, "byte order mark")
    reader.refused(with_mark, "byte order mark", encoding="gb18030")
    reader.refused(with_mark.encode("gb18030"), "byte order mark", encoding="gb18030")


def test_a_missing_column_is_named(reader: Reader) -> None:
    assert reader.refused("a;b\n1;2\n", "header", header=True)["found"] == "a missing column: c"


def test_an_extra_column_is_named(reader: Reader) -> None:
    assert reader.refused("a;b;c;d\n1;2;3;4\n", "header", header=True)["found"] == "an extra column: d"


def test_columns_in_another_order_are_named(reader: Reader) -> None:
    found = reader.refused("a;c;b\n1;2;3\n", "another order", header=True)
    assert (found["expected"], found["found"]) == ("a, b, c", "a, c, b")


def test_a_column_named_twice_is_refused(reader: Reader) -> None:
    reader.refused("a;b;c;c\n1;2;3;4\n", "twice", header=True)


def test_a_row_where_the_header_should_be_is_not_shown(reader: Reader) -> None:
    assert reader.refused(f"{SECRET};2;3\n", "not the header", header=True)["line"] == "1"


def test_without_a_header_an_extra_or_missing_column_is_another_shape(reader: Reader) -> None:
    reader.refused(f"1;2;3;{SECRET}\n4;5;6;7\n", "shape")
    reader.refused(f"1;{SECRET}\n4;5\n", "shape")
    reader.refused(f"1,2,{SECRET}\n4,5,6\n", "shape")


def test_an_extra_empty_column_is_not_swallowed(reader: Reader) -> None:
    assert reader.refused('1;";;";3\n4;5;6;\n', "separator too many")["found"].startswith("1 ")
    reader.refused("1|@|2|@|3|@|\n", "separator too many", delimiter="|@|", quote="")


def test_empty_lines_are_not_swallowed(reader: Reader) -> None:
    for data in ("1;2;3\n\n4;5;6\n", "\n1;2;3\n", "1;2;3\n\n", "1;2;3\n\n4;5\n6;7;8\n", '1;"2\n";3\n\n4;5;6\n'):
        assert reader.refused(data, "no record")["found"].endswith("1 of them empty")


def test_an_open_quote_does_not_swallow_half_a_file_as_one_bad_row(reader: Reader) -> None:
    many = f"4;{SECRET};6\n" * 50
    assert reader.refused(f'1;2;3\n1;"ab;3\n{many}', "quote")["line"] == "2"
    assert reader.refused(f'1;2;3\n1;"ab;3\n{many}7;"x";8\n{many}', "quote")["line"] == "2"


def test_a_line_without_end_is_refused_before_it_is_kept(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 1 << 16)
    reader.refused("1;2;" + "x" * decoding.MAX_LINE * 2 + "\n", "longer than any record")


def test_a_file_that_is_nearly_all_faulty_is_not_read_row_by_row(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.sources.reading.REJECTS", 10)
    reader.refused("1;2;3\n" * 3 + f"4;{SECRET}\n" * 20 + "1;2;3\n", "shape")


@pytest.mark.parametrize("said", [{"encoding": "gbk"}, {"encoding": "klingon"}, {"line_terminator": "\r"}])
def test_what_we_do_not_read_is_the_contracts_fault(reader: Reader, said: dict[str, str]) -> None:
    with pytest.raises(ContractError):
        reader("1;2;3\n", **said)


# GB18030


@pytest.mark.parametrize(("delimiter", "quote"), [("|", ""), ("@", ""), ("|@|", ""), ("|", '"'), ("\\", "")])
def test_characters_whose_second_byte_is_the_separator_stay_whole(reader: Reader, delimiter: str, quote: str) -> None:
    """億 ends in the byte of `|`, 園 in that of `@`, 俓 in that of a backslash."""
    assert ("億".encode("gb18030")[1:], "園".encode("gb18030")[1:]) == (b"|", b"@")
    text = delimiter.join(["億", "園俓", "亅㐀𠮷"]) + "\n"
    rows, _ = reader(text.encode("gb18030"), encoding="GB18030", delimiter=delimiter, quote=quote)
    assert rows == [(1, 1, "億", "園俓", "亅㐀𠮷")]


def test_a_field_that_ends_in_part_of_the_separator_stays_whole(reader: Reader) -> None:
    rows, _ = reader("億|@|x||@|@\n".encode("gb18030"), encoding="gb18030", delimiter="|@|", quote="")
    assert rows == [(1, 1, "億", "x|", "@")]


@pytest.mark.parametrize("delimiter", ["|@|", "|+|", "\x1b", "\x01", "!^"])
def test_the_separators_of_core_systems_split_text_in_gb18030(reader: Reader, delimiter: str) -> None:
    """0x1B and 0x01 are in no character; the others only look as if they were where a byte is looked at alone."""
    texts = [("億", "園@", "㐀𠮷"), ("+|億", "", "|"), ("某", '"', "^!")]
    data = "".join(delimiter.join(row) + "\n" for row in texts).encode("gb18030")
    rows, rejects = reader(data, encoding="gb18030", delimiter=delimiter, quote="")
    assert ([row[2:] for row in rows], rejects) == (texts, [])


def test_every_character_of_gb18030_comes_back(reader: Reader) -> None:
    """All that Unicode has assigned outside its private-use areas, beside the separators that they may be taken for."""
    held = set(map(chr, private_use().values()))
    assigned = [
        sign for sign in map(chr, range(0x20, 0x110000)) if unicodedata.category(sign) not in ("Cs", "Co", "Cn", "Cc")
    ]
    assert len(assigned) > 140_000
    assert held <= set(assigned)
    for delimiter in ("|@|", "\x1b"):
        lines = ["".join(assigned[at : at + 200]) for at in range(0, len(assigned), 200)]
        text = "".join(delimiter.join((line, line[::-1], str(n))) + "\n" for n, line in enumerate(lines))
        rows, rejects = reader(text.encode("gb18030"), encoding="gb18030", delimiter=delimiter, quote="")
        assert ([row[2] for row in rows], [row[3][::-1] for row in rows], rejects) == (lines, lines, [])


def test_the_private_use_table_is_that_of_gb18030_2022() -> None:
    """Pinned: 25 two-byte codes, of which Python still makes private-use characters."""
    assert len(private_use()) == len(set(private_use().values())) == 25
    for old, new in private_use().items():
        assert len(chr(old).encode("gb18030")) == 2
        assert unicodedata.category(chr(old)) == "Co"
        assert len(chr(new).encode("gb18030")) == 4, "the character has a code of its own too, so nothing is lost"
        assert chr(new).encode("gb18030").decode("gb18030") == chr(new)
    pinned = {
        b"\xa6\xd9": "\ufe10",
        b"\xa6\xf3": "\ufe19",
        b"\xa8\xbc": "\u1e3f",
        b"\xfe\x51": "\U00020087",
        b"\xfe\xa0": "\u9fbb",
    }
    for code, character in pinned.items():
        assert private_use()[ord(code.decode("gb18030"))] == ord(character)


def test_the_table_is_sorted_and_readable_by_people() -> None:
    listed = json.loads(Path(decoding.__file__).with_name("gb18030_private_use.json").read_text())
    assert list(listed) == sorted(listed)


def test_a_rare_name_is_the_same_text_whichever_code_a_system_sends(reader: Reader) -> None:
    for old, new in private_use().items():
        both = chr(old).encode("gb18030") + b"|" + chr(new).encode("gb18030") + b"|x\n"
        (row,), _ = reader(both, encoding="gb18030", delimiter="|", quote="")
        assert row[2] == row[3] == chr(new)


# Properties

_ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\n"), max_size=12)
_SPECIAL = st.text(st.sampled_from('";|@,\\ #ab億園'), max_size=8)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.one_of(_ANY_TEXT, _SPECIAL)] * 3), min_size=1, max_size=12),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    delimiter=st.sampled_from([";", ",", "\t", "|", "|@|", "|+|", "\x01", "\x1b"]),
    end=st.sampled_from(["\n", "\r\n"]),
    breaks=st.booleans(),
)
def test_every_text_that_is_written_is_read_back(
    engine: Engine, room: Path, rows: list[tuple[str, ...]], encoding: str, delimiter: str, end: str, breaks: bool
) -> None:
    if breaks and end == "\n":
        rows = [(row[0], f"{row[1]}\n{row[2]}", row[2]) for row in rows]
    quoted = [['"' + value.replace('"', '""') + '"' for value in row] for row in rows]
    text = "".join(delimiter.join(row) + end for row in quoted)
    raw = read(
        engine,
        taken(room, text.encode(encoding)),
        contract(*COLUMNS),
        form(delimiter=delimiter, quote='"', encoding=encoding, line_terminator=end),
        file_name="feed.dat",
    )
    kept = [tuple(value.translate(private_use()) if encoding == "gb18030" else value for value in row) for row in rows]
    assert [row[2:] for row in rows_of(engine, raw)] == kept
    assert raw.rejects == 0


_PLAIN = st.text(st.sampled_from("ab1 .-"), max_size=4)
_GOOD = st.tuples(_PLAIN, _PLAIN, _PLAIN).map(lambda row: (True, ";".join(row), 1))
_LONG = st.tuples(_PLAIN, _PLAIN).map(lambda row: (True, f'{row[0]};"x\n\n;{row[1]}";y', 3))
_SHORT = st.tuples(_PLAIN, _PLAIN).map(lambda row: (False, "z" + ";".join(row), 1))
_WIDE = st.tuples(_PLAIN, _PLAIN, _PLAIN, _PLAIN).map(lambda row: (False, ";".join(row) + "z", 1))


@settings(max_examples=40, deadline=None)
@given(
    records=st.lists(st.one_of(_GOOD, _LONG, _SHORT, _WIDE), min_size=1, max_size=25),
    header=st.booleans(),
    crlf=st.booleans(),
)
def test_every_record_ends_in_one_table_with_its_number_and_line(
    engine: Engine, room: Path, records: list[tuple[bool, str, int]], header: bool, crlf: bool
) -> None:
    end = "\r\n" if crlf else "\n"
    if crlf:
        records = [record for record in records if record[2] == 1]
    records = [*records, (True, "1;2;3", 1)]  # a bad last record is a cut file
    text = ("a;b;c" + end if header else "") + "".join(record + end for _, record, _ in records)
    raw = read(
        engine,
        taken(room, text),
        contract(*COLUMNS),
        form(**SEMICOLON, header=header, line_terminator=end),
        file_name="feed.dat",
    )
    good, bad, line = [], [], 1 + header
    for number, (fits, record, lines) in enumerate(records, start=1):
        (good if fits else bad).append((number, line, record))
        line += lines
    assert [row[:2] for row in rows_of(engine, raw)] == [row[:2] for row in good]
    assert rejects_of(engine, raw) == bad
    assert raw.lines == line - 1
