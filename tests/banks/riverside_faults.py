"""The ways in which files break on their way to a bank, each planted on purpose.

`plant` changes one file of a UTF-8 landing with a header, a comma and LF, such as riverside's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from liangcang.errors import UsageError

DATE = re.compile(rb"\b\d{2}/\d{2}/\d{4}\b")


def plant(file: Path, fault: str) -> None:
    """Break a file in one of the ways of `FAULTS`, in place. Raises UsageError for another."""
    if fault not in FAULTS:
        raise UsageError(f"no fault is called {fault!r}", expected=", ".join(FAULTS))
    header, *rows = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(FAULTS[fault](header, rows))


def _cut(header: bytes, rows: list[bytes]) -> bytes:
    whole = header + b"".join(rows)
    return whole[: len(whole) * 2 // 3].rstrip(b"\n")


def _half(header: bytes, rows: list[bytes]) -> bytes:
    return header + b"".join(rows[: len(rows) // 2])


def _empty(header: bytes, rows: list[bytes]) -> bytes:
    return header


def _extra_column(header: bytes, rows: list[bytes]) -> bytes:
    return b"".join([_with(header, b"remark"), *(_with(row, b"") for row in rows)])


def _missing_column(header: bytes, rows: list[bytes]) -> bytes:
    return b"".join(row.rstrip(b"\n").rpartition(b",")[0] + b"\n" for row in [header, *rows])


def _extra_field(header: bytes, rows: list[bytes]) -> bytes:
    return header + b"".join([_with(rows[0], b"x"), *rows[1:]])


def _impossible_date(header: bytes, rows: list[bytes]) -> bytes:
    return header + b"".join([DATE.sub(b"31/02/2026", rows[0], count=1), *rows[1:]])


def _duplicate(header: bytes, rows: list[bytes]) -> bytes:
    return header + b"".join([*rows, rows[-1]])


def _conflict(header: bytes, rows: list[bytes]) -> bytes:
    """The first row again, with another last date: two rows of one key, and nobody knows which is right."""
    dates = list(DATE.finditer(rows[0]))
    if not dates:
        raise UsageError("the file has no date to change")
    last = dates[-1]
    return header + b"".join([*rows, rows[0][: last.start()] + b"29/02/2024" + rows[0][last.end() :]])


def _not_utf8(header: bytes, rows: list[bytes]) -> bytes:
    return header + b"".join([rows[0].rstrip(b"\n") + b"\xff\n", *rows[1:]])


def _with(row: bytes, field: bytes) -> bytes:
    return row.rstrip(b"\n") + b"," + field + b"\n"


FAULTS: Mapping[str, Callable[[bytes, list[bytes]], bytes]] = {
    "cut": _cut,
    "half": _half,
    "empty": _empty,
    "extra_column": _extra_column,
    "missing_column": _missing_column,
    "extra_field": _extra_field,
    "impossible_date": _impossible_date,
    "duplicate": _duplicate,
    "conflict": _conflict,
    "not_utf8": _not_utf8,
}
"""cut: ends in the middle of a line. half: the second half of the rows is gone. empty: only the header. extra_column,
missing_column: in header and rows. extra_field: one row has a field too many. impossible_date: 31 February in the first
row. duplicate: the last row twice. conflict: two rows of one key. not_utf8: a byte that is no text."""
