"""Text that leaves the warehouse: four escapers, one for each place where a value could be run instead of shown.

No library does this by itself: CSV writers keep a leading `=`, terminals obey escape sequences, logs break at line
ends. Parquet stays raw; what people see goes through here.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Literal

SHOWN = 200
"""Characters of a text that terminals and logs show."""

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
"""Unicode categories that act instead of being seen: controls, bidi marks, private use, half surrogates, line ends."""

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")

Sensitive = Literal["name", "id_number", "mobile", "card", "address", "other"]


def for_terminal(text: str) -> str:
    """One line of at most 200 characters, in which nothing moves the cursor, changes colour or turns direction."""
    return _cut(_seen(text))


def for_log(text: str) -> str:
    """One line of at most 200 characters: a record cannot forge the next one."""
    return _cut(_seen(text))


def for_csv(text: str, *, numeric: bool = False) -> str:
    """A field that a spreadsheet shows and does not calculate: a leading formula sign gets a `'` before it.

    `numeric`: the column holds numbers; one that is a number keeps its sign. Quoting is the CSV writer's business.
    """
    if numeric and _NUMBER.fullmatch(text):
        return text
    return "'" + text if text.startswith(_FORMULA) else text


def for_html(text: str) -> str:
    """Text for an element or a quoted attribute of a page; controls other than line ends are spelled out."""
    return html.escape(spelled_out(text), quote=True)


def spelled_out(text: str) -> str:
    """Text of a page in which controls other than line ends are spelled out; what is mark-up stays mark-up."""
    return _seen(text, but="\n\t")


def mask(value: str | None, kind: Sensitive) -> str | None:
    """A value of a class C2 column as a display shows it; None stays None.

    name: first character. id_number, mobile: first 3 and last 4. card: first 6 and last 4. address: to township.
    other: nothing. What is too short to hide anything becomes stars altogether.
    """
    if value is None:
        return None
    match kind:
        case "name":
            return value[:1] + "*" if len(value) > 1 else "*"
        case "id_number" | "mobile":
            return _ends(value, 3, 4)
        case "card":
            return _ends(value, 6, 4)
        case "address":
            town = re.match(r"(?:.*?[省市])?(?:.*?[市州盟])?.*?[区县市旗].*?(?:镇|乡|街道)", value)
            return town[0] + "*" if town else "*"
        case "other":
            return "*"


def _ends(value: str, first: int, last: int) -> str:
    hidden = len(value) - first - last
    return value[:first] + "*" * hidden + value[-last:] if hidden >= last else "*" * len(value)


def _seen(text: str, but: str = "") -> str:
    if text.isascii() and text.isprintable():
        return text
    acting = {character for character in set(text) - set(but) if unicodedata.category(character) in _UNSEEN}
    return text.translate({ord(character): _spelled(character) for character in acting}) if acting else text


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
