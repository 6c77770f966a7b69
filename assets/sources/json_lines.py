"""One JSON object a line, as partners send it.

Numbers keep the digits that stand in the file: nothing becomes a binary number on the way to a DECIMAL. A value takes the
column that has its name, or that names its path (`customer.address.city`); a null and a field that is left out are null.
A line that is no such object, has a field that no column takes, names a field twice, or has another kind of value than the
column's is rejected as it came: a number where the contract says text has lost its leading zeros already.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from assets.sources.decoding import decode
from assets.sources.places import Places, places_of
from assets.sources.raw import Filling, Raw, refused, shown
from data_contracts.contract import Contract, FileFormat

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
BLOCK = 20_000
"""Records that are held in Python at once."""


class _Number(str):
    """The digits of a number, as they stand in the file."""

    __slots__ = ()


class _FaultyError(Exception):
    """What is wrong with a line, without a value of it."""


def read_json_lines(filling: Filling, taken: Path, contract: Contract, form: FileFormat) -> Raw:
    """Read a JSON object a line. Raises DeliveryError for a file that is not whole or not of the contract's shape."""
    places = places_of(contract, filling.columns)
    text = decode(taken, form, file_name=filling.file_name)
    why = ""
    try:
        with text.path.open(encoding="utf-8", newline="\n") as lines:
            numbered = enumerate(lines, start=1)
            while block := list(islice(numbered, BLOCK)):
                why = _block(filling, places, block, cut=not form.last_line_terminated) or why
    finally:
        if text.copied:
            text.path.unlink(missing_ok=True)
    return filling.filled(lines=text.lines, shape=f"a JSON object with {', '.join(places.by_path)}", why=why)


def _block(filling: Filling, places: Places, block: Sequence[tuple[int, str]], *, cut: bool) -> str:
    """The records of some lines; the first fault that was found, in words."""
    good: list[tuple[int, list[str | None]]] = []
    faulty: list[tuple[int, int, str]] = []
    why = ""
    for line, text in block:
        try:
            good.append((line, record(text, places)))
        except _FaultyError as fault:
            why = why or str(fault)
            if cut and not text.endswith("\n"):
                raise refused(
                    filling.file_name, "a file cut in mid-line", line=line, expected="a whole object", found=str(fault)
                ) from None
            faulty.append((line, line, text.rstrip("\r\n")))
    if good:
        lines = [line for line, _ in good]
        filling.add(lines, lines, list(zip(*(values for _, values in good), strict=True)))
    filling.reject(faulty)
    return why


def record(text: str, places: Places) -> list[str | None]:
    """The values of one line in the order of the columns."""
    try:
        found = json.loads(
            text, object_pairs_hook=_Pairs, parse_float=_Number, parse_int=_Number, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        raise _FaultyError("not JSON") from None
    if not isinstance(found, _Pairs):
        raise _FaultyError("no object")
    values: list[str | None] = [None] * len(places.columns)
    _take(found, "", values, places)
    return values


class _Pairs(list[tuple[str, Any]]):
    """An object with its fields as they stand, so that one that stands twice is seen."""

    __slots__ = ()


def _no_number(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _take(pairs: _Pairs, path: str, values: list[str | None], places: Places) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise _FaultyError("a field that stands twice")
    for name, value in pairs:
        here = f"{path}.{name}" if path else name
        at = None if "." in name else places.by_path.get(here)
        if at is not None:
            values[at] = _text(value, at, places)
        elif "." in name or here not in places.above:
            raise _FaultyError(f"a field that no column takes: {shown(here)}")
        elif isinstance(value, _Pairs):
            _take(value, here, values, places)
        elif value is not None:
            raise _FaultyError(f"{shown(here)} is no object")


def _text(value: Any, at: int, places: Places) -> str | None:
    """A value as the text that the judge sees."""
    if value is None:
        return None
    if isinstance(value, bool):
        if at in places.truth:
            return "true" if value else "false"
        raise _FaultyError(f"{places.columns[at]} is true or false")
    if not isinstance(value, str):
        raise _FaultyError(f"{places.columns[at]} is a field with fields inside, or a list")
    if isinstance(value, _Number):
        if at in places.text or at in places.truth:
            raise _FaultyError(f"{places.columns[at]} is a number")
        return str(value)
    if not value.isascii() or "\0" in value:
        _check_text(value, at, places)
    return value


def _check_text(value: str, at: int, places: Places) -> None:
    """Refuse a NUL, and half of a pair of surrogates, which no file can hold."""
    if _NO_TEXT.search(value):
        raise _FaultyError(f"{places.columns[at]} holds what is no text")
