"""A JSON object a line: digits stay digits, and what is no record of the contract is rejected as it came."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from feeds_by_hand import contract, form
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources.raw import Raw
from assets.sources.reading import read
from data_contracts.contract import Contract, Property, Rule
from data_contracts.judge import judge
from liangcang.engine import Engine
from liangcang.errors import DeliveryError

FEED = contract(
    Property(name="no", type="VARCHAR"),
    Property(name="amount", type="DECIMAL(38,10)"),
    Property(name="count", type="INTEGER"),
    Property(name="flag", type="BOOLEAN"),
    Property(name="day", type="DATE", format="yyyyMMdd"),
    Property(name="city", type="VARCHAR", path="customer.address.city"),
    max_rejected=1.0,
)
SECRET = "330327199001011234"
WHOLE = (
    '{"no": "007", "amount": 12345678901234567890.1234567890, "count": 3, "flag": true, "day": 20261101, '
    '"customer": {"address": {"city": "某县"}}}\n'
)
_numbers = itertools.count()

Rows = list[tuple[Any, ...]]


def read_lines(engine: Engine, room: Path, data: str | bytes, feed: Contract = FEED, **said: Any) -> Raw:
    path = room / f"lines{next(_numbers)}"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read(engine, path, feed, form(layout="jsonl", **said), file_name="feed.jsonl")


def rows(engine: Engine, raw: Raw) -> tuple[Rows, Rows]:
    good = engine.rows(f"select * from {raw.raw} order by _row_no")
    bad = engine.rows(f"select * from {raw.rejected} order by _row_no")
    assert (len(good), len(bad)) == (raw.rows, raw.rejects)
    assert raw.rows + raw.rejects == raw.lines
    return good, bad


def test_values_are_the_digits_and_the_text_of_the_file(engine: Engine, room: Path) -> None:
    good, bad = rows(engine, read_lines(engine, room, WHOLE))
    assert good == [(1, 1, "007", "12345678901234567890.1234567890", "3", "true", "20261101", "某县")]
    assert bad == []


def test_null_and_what_is_left_out_are_null_and_not_empty_text(engine: Engine, room: Path) -> None:
    text = '{"no": "", "amount": null}\n{"customer": null}\n{"customer": {"address": null}}\n{"customer": {}}\n{}\n'
    good, _ = rows(engine, read_lines(engine, room, text))
    assert good[0][2:] == ("", None, None, None, None, None)
    assert all(row[2:] == (None,) * 6 for row in good[1:])


def test_fields_may_stand_in_any_order_and_text_may_break_its_line(engine: Engine, room: Path) -> None:
    good, _ = rows(engine, read_lines(engine, room, '{"amount": "1.50", "no": "a\\nb\\u5104\\u0022"}\r\n',
                                      line_terminator="\r\n"))  # fmt: skip
    assert good[0][2:4] == ('a\nb億"', "1.50")


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "",
        "[1]",
        "12",
        '"text"',
        "null",
        '{"no": "1"} {"no": "2"}',
        '{"no": "1", "no": "2"}',
        '{"no": 7}',
        '{"no": true}',
        '{"no": ["1"]}',
        '{"no": {"inner": "1"}}',
        '{"amount": NaN}',
        '{"amount": -Infinity}',
        '{"amount": true}',
        '{"flag": 1}',
        '{"name": "x"}',
        '{"customer": "x"}',
        '{"customer": {"city": "x"}}',
        '{"customer.address.city": "x"}',
        '{"no": "a\\u0000b"}',
        '{"no": "\\ud840"}',
        "[" * 100_000,
        '{"no": "' + "\t" + '"}',
    ],
)
def test_a_line_that_is_no_record_of_the_contract_is_rejected_as_it_came(engine: Engine, room: Path, line: str) -> None:
    good, bad = rows(engine, read_lines(engine, room, WHOLE + line + "\n" + WHOLE))
    assert [row[:2] for row in good] == [(1, 1), (3, 3)]
    assert bad == [(2, 2, line)]


def test_numbers_that_a_column_cannot_hold_are_quarantined_with_their_digits(engine: Engine, room: Path) -> None:
    lines = ['{"no": "1", "amount": 1e5}', '{"no": "2", "amount": 0.12345678901}', '{"no": "3", "count": 1.0}',
             '{"no": "4", "amount": 1E400}', '{"no": "5", "amount": -0.10}']  # fmt: skip
    read_lines(engine, room, "\n".join(lines) + "\n")
    found = judge(engine.con, FEED)
    assert dict(found.conservation) == {
        "delivered": 5, "staged": 1, "quarantined": 4, "rejected": 0, "exact_duplicate": 0,
    }  # fmt: skip
    texts = engine.rows(f"select no, coalesce(amount, count) from {found.bad_rows} order by _row_no")
    assert texts == [("1", "1e5"), ("2", "0.12345678901"), ("3", "1.0"), ("4", "1E400")]
    assert engine.rows(f"select amount from {found.good_rows}") == [(Decimal("-0.1000000000"),)]


def test_what_is_left_out_breaks_the_rule_that_requires_it(engine: Engine, room: Path) -> None:
    needed = Rule(id="no.required", kind="required", severity="quarantine", dimension="completeness", columns=("no",))
    feed = contract(*FEED.properties, rules=(needed,))
    read_lines(engine, room, WHOLE + '{"count": 1}\n', feed)
    found = judge(engine.con, feed)
    assert engine.rows(f"select _row_no, _rules from {found.bad_rows}") == [(2, ["no.required"])]


def test_a_file_in_which_nothing_is_of_the_contract_is_refused_and_the_field_named(engine: Engine, room: Path) -> None:
    data = f'{{"no": "{SECRET}", "amuont": 1}}\n' * 3
    with pytest.raises(DeliveryError, match="shape") as caught:
        read_lines(engine, room, data)
    assert "a field that no column takes: amuont" in caught.value.details["found"]
    assert SECRET not in str(caught.value)


def test_the_bytes_are_held_to_their_encoding_as_those_of_any_text(engine: Engine, room: Path) -> None:
    good, _ = rows(engine, read_lines(engine, room, '{"no": "億園"}\n'.encode("gb18030"), encoding="gb18030"))
    assert good[0][2] == "億園"
    good, _ = rows(engine, read_lines(engine, room, b"\xef\xbb\xbf" + WHOLE.encode(), encoding="utf-8-sig"))
    assert good[0][2] == "007"
    with pytest.raises(DeliveryError, match="not utf-8") as caught:
        read_lines(engine, room, b'{"no": "1"}\n{"no": "\xff"}\n')
    assert (caught.value.details["line"], caught.value.details["found"][-10:]) == ("2", "at byte 20")
    with pytest.raises(DeliveryError, match="cut in mid-line"):
        read_lines(engine, room, WHOLE[:-1])
    with pytest.raises(DeliveryError, match="cut in mid-line") as caught:
        read_lines(engine, room, WHOLE + WHOLE[:-9], last_line_terminated=False)
    assert caught.value.details["line"] == "2"
    assert len(rows(engine, read_lines(engine, room, WHOLE + WHOLE[:-1], last_line_terminated=False))[0]) == 2


_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=10)
_MONEY = st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**27), max_value=10**27)


@settings(max_examples=15, deadline=None)
@given(
    records=st.lists(
        st.tuples(
            st.none() | _TEXT, st.none() | _MONEY, st.none() | st.integers(-(2**31), 2**31 - 1), st.none() | _TEXT
        ),
        min_size=1,
        max_size=15,
    ),
    ascii_only=st.booleans(),
)
def test_every_record_that_is_written_is_read_back_exactly(
    engine: Engine, room: Path, records: list[tuple[Any, ...]], ascii_only: bool
) -> None:
    lines = []
    for no, amount, count, city in records:
        said = json.dumps({"no": no, "count": count, "customer": {"address": {"city": city}}}, ensure_ascii=ascii_only)
        lines.append(f'{said[:-1]}, "amount": {"null" if amount is None else f"{amount:f}"}}}\n')
    feed = contract(
        *(Property(name=p.name, type=p.type, format=p.format, path=p.path, null_values=()) for p in FEED.properties)
    )
    raw = read_lines(engine, room, "".join(lines), feed)
    found = judge(engine.con, feed)
    good = engine.rows(f"select no, amount, count, city from {found.good_rows} order by _row_no")
    assert (raw.rejects, good) == (0, records)
