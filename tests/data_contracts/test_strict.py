"""The strict loader: what people write is what is read, or the file is refused with its line."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from by_hand import dump
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts import strict
from data_contracts.strict import MAX_BYTES, load
from liangcang.errors import ContractError

printable = st.text(st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufeff\u2028\u2029"))
keys = st.from_regex(r"[a-z_][a-z_0-9]*", fullmatch=True)  # a text, whatever YAML thinks of 1e0
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | printable,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "text",
    [
        *("NO", "no", "yes", "on", "Off", "12:30:45", "1:30", "010", "-07", "1_000", "0x1F", "0o17", "0b1", ".5", "5."),
        *(".inf", ".nan", "2026-11-20", "2026-11-20 10:00:00", "1e999", "1.5.2", "9" * 60),
    ],
)
def test_what_looks_like_a_number_a_date_or_a_word_stays_as_it_was_written(text: str) -> None:
    assert load(f"value: {text}").data["value"] == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", 1), ("-12", -12), ("+3", 3), ("0", 0), ("2.50", 2.5), ("-0.7", -0.7), ("1e5", 1e5), ("1.5e-3", 0.0015)]
    + [("true", True), ("FALSE", False), ("null", None), ("~", None), ("", None), ("'1'", "1"), ('"true"', "true")],
)
def test_numbers_truth_and_null_are_read_as_yaml_1_2_has_them(text: str, value: object) -> None:
    read = load(f"value: {text}").data["value"]
    assert read == value
    assert type(read) is type(value)


def test_a_date_is_a_date_only_when_asked_for() -> None:
    assert load("d: 2026-11-20").data == {"d": "2026-11-20"}
    assert load("d: 2026-11-20\ne: '2026-11-20'", dates=True).data == {"d": dt.date(2026, 11, 20), "e": "2026-11-20"}


@settings(deadline=None)
@given(values)
def test_whatever_is_written_with_quotes_where_needed_is_read_back(value: Any) -> None:
    assert load(dump({"value": value})).data == {"value": value}


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_no_float_is_ever_changed_in_silence(value: float) -> None:
    read = load(f"v: {value!r}").data["v"]
    assert math.isclose(float(read), value, rel_tol=0, abs_tol=0)


@pytest.mark.parametrize(
    ("text", "line", "phrase"),
    [
        ("a: &x [1]\nb: *x", 1, "anchors"),
        ("a: 1\nb: *x", 2, "aliases"),
        ("a: 1\nb: 2\na: 3", 3, "repeated"),
        ("x:\n  - id: 1\n    id: 2", 3, "repeated"),
        ("a: 1\n2: 3", 2, "not text"),
        ("true: 1", 1, "not text"),
        ("? [a, b]\n: 1", 1, "not text"),
        ("a: !!python/object/apply:os.system [ls]", 1, "tags"),
        ("a: !!binary aGk=", 1, "tags"),
        ("a: !thing 1", 1, "tags"),
        ("a: 1\n--- \nb: 2", 2, "document"),
        ("a: [1, 2", 1, "expected"),
        ("a: 'x\nb: 1", 2, "quoted"),
        ("a: 1\n\tb: 1", 2, "tab"),
        ("[" * 100_000, 1, "nested"),
        ("{a: " * 100_000, 1, "nested"),
        ("- " * 100 + "1", 1, "nested"),
        ("a: 1\nb: x\x07y", 2, "control character"),
    ],
)
def test_what_hides_a_meaning_is_refused_with_its_line(text: str, line: int, phrase: str) -> None:
    with pytest.raises(ContractError) as error:
        load(text, where="some.yaml")
    assert phrase in error.value.what
    assert error.value.details["file"] == "some.yaml"
    assert error.value.details["line"] == str(line)


def test_an_alias_bomb_is_not_expanded() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    with pytest.raises(ContractError, match="anchors"):
        load(bomb)


def test_a_date_that_does_not_exist_is_refused_when_dates_are_asked_for() -> None:
    with pytest.raises(ContractError) as error:
        load("a: 1\nd: 2026-02-30", dates=True)
    assert error.value.details["line"] == "2"


def test_a_file_is_bounded_before_it_is_parsed(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"a: " + b"x" * MAX_BYTES)
    with pytest.raises(ContractError, match="too large"):
        load(path)
    with pytest.raises(ContractError, match="too large"):
        load("a: " + "x" * MAX_BYTES)


def test_many_nodes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "MAX_NODES", 1000)
    assert len(load("[" + "1," * 999 + "]").data) == 999
    with pytest.raises(ContractError, match="1,000 nodes"):
        load("[" + "1," * 1000 + "]")


def test_a_wrong_byte_is_told_with_its_line_and_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "gbk.yaml"
    path.write_bytes("a: 1\nname: 粮仓\n".encode("gb18030"))
    with pytest.raises(ContractError, match="not UTF-8") as error:
        load(path)
    assert error.value.details["line"] == "2"


def test_a_byte_order_mark_and_dos_line_ends_are_no_matter(tmp_path: Path) -> None:
    path = tmp_path / "dos.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: NO\r\n")
    document = load(path)
    assert document.data == {"a": 1, "b": "NO"}
    assert document.line_of("b") == 2


def test_a_file_that_is_not_there_is_our_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="cannot read") as error:
        load(tmp_path / "none.yaml")
    assert error.value.details["file"].endswith("none.yaml")


def test_every_place_knows_its_line_and_how_it_was_written() -> None:
    document = load("a: 1\nlist:\n  - x: 010\n  - x: 1.10\n    y: >\n      folded\n      text\nb: 'q'\n")
    assert [document.line_of("list"), document.line_of("list", 1), document.line_of("list", 1, "y")] == [2, 4, 5]
    assert document.line_of("list", 1, "nothing", "here") == 4
    assert document.line_of("list", 9) == 2
    assert document.text_of("list", 0, "x") == "010"
    assert document.text_of("list", 1, "x") == "1.10"
    assert document.text_of("b") == "q"
    assert document.text_of("list") is None
    assert document.text_of("nothing") is None


@settings(deadline=None)
@given(st.dictionaries(keys, st.integers(0, 9), min_size=1, max_size=20))
def test_lines_are_those_of_the_file(values: dict[str, int]) -> None:
    text = dump(values)
    document = load(text)
    for key in values:
        assert text.splitlines()[document.line_of(key) - 1].lstrip("'\"").startswith(key)


def test_an_empty_file_is_null() -> None:
    assert load("").data is None
    assert load("# nothing but a comment\n").data is None


def test_nodes_are_put_together_in_python():
    """The composer in C crashes the interpreter on deep nesting."""
    assert strict._Loader.compose_node.__qualname__ == "_Loader.compose_node"
    assert not issubclass(strict._Loader, yaml.CSafeLoader)
    assert strict._Loader.get_single_node is yaml.composer.Composer.get_single_node
