"""No value that leaves is run by a terminal, a log reader, a spreadsheet or a browser."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liangcang.showing import SHOWN, for_csv, for_html, for_log, for_terminal, mask


@given(st.text())
def test_what_a_terminal_shows_is_one_line_without_controls(text: str) -> None:
    shown = for_terminal(text)
    assert len(shown) <= SHOWN
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


def test_a_value_cannot_colour_the_terminal_or_turn_the_text() -> None:
    assert for_terminal("\x1b[31mred") == "\\u001b[31mred"
    assert for_terminal("abc\u202egpj.exe") == "abc\\u202egpj.exe"
    assert for_terminal("\U000e0041") == "\\U000e0041"


def test_a_value_cannot_forge_the_next_line_of_a_log() -> None:
    assert for_log("a\n2026-11-01 INFO all is well") == "a\\u000a2026-11-01 INFO all is well"
    assert len(for_log("a\u2028b").splitlines()) == 1


def test_chinese_is_shown_as_it_is() -> None:
    assert for_terminal("粮仓 R045 账户流入骤降") == "粮仓 R045 账户流入骤降"


def test_a_long_text_says_that_it_was_cut() -> None:
    assert for_log("x" * 500) == "x" * 199 + "…"


@pytest.mark.parametrize("first", list("=+-@\t\r＝＋－＠"))
def test_a_spreadsheet_does_not_calculate_a_value(first: str) -> None:
    assert for_csv(first + "SUM(A1)") == "'" + first + "SUM(A1)"


def test_numbers_keep_their_sign_and_only_numbers_do() -> None:
    assert for_csv("-12.50", numeric=True) == "-12.50"
    assert for_csv("-12.50") == "'-12.50"
    assert for_csv("-1+cmd|' /C calc'!A0", numeric=True) == "'-1+cmd|' /C calc'!A0"
    assert for_csv("12") == "12"


def test_a_browser_shows_a_script_and_does_not_run_it() -> None:
    assert for_html('<script>"it\'s"&</script>') == "&lt;script&gt;&quot;it&#x27;s&quot;&amp;&lt;/script&gt;"
    assert for_html("a\nb\x00") == "a\nb\\u0000"


@pytest.mark.parametrize(
    ("value", "kind", "shown"),
    [
        ("张三丰", "name", "张*"),
        ("张", "name", "*"),
        ("330327199003070011", "id_number", "330***********0011"),
        ("13800138000", "mobile", "138****8000"),
        ("6222021234567890123", "card", "622202*********0123"),
        ("浙江省温州市苍南县灵溪镇人民路1号", "address", "浙江省温州市苍南县灵溪镇*"),
        ("somewhere", "address", "*"),
        ("anything", "other", "*"),
        ("1380013", "mobile", "*******"),
        ("", "name", "*"),
        (None, "name", None),
    ],
)
def test_displays_mask_by_kind(value: str | None, kind: str, shown: str | None) -> None:
    assert mask(value, kind) == shown


@given(st.text(min_size=1, max_size=40), st.sampled_from(["name", "id_number", "mobile", "card", "other"]))
def test_a_masked_value_never_shows_more_than_its_ends(value: str, kind: str) -> None:
    shown = mask(value, kind)
    assert shown is not None
    assert sum(c != "*" for c in shown) <= {"name": 1, "id_number": 7, "mobile": 7, "card": 10, "other": 0}[kind]
    assert "*" in shown
