"""Where every delivered row and its amount ended, counted by hand: the bytes of a delivery against the files we wrote.

A delivery is read here line by line in plain Python, and the warehouse's Parquet files as they lie on disk: nothing of
the reading, judging or scanning that is to be shown is used. Only the contract's columns are.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from banks_at_work import Hands

from data_contracts.contract import Contract

PLACES = ("staged", "quarantined", "rejected", "exact_duplicate")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Sheet:
    """How a feed's text stands in a file, said by hand: separator, encoding, header, and the column with the money."""

    feed: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    amount: str | None
    full: bool
    separator: str
    encoding: str
    header: bool

    @classmethod
    def of(cls, contract: Contract, *, amount: str | None, separator: str, encoding: str, header: bool) -> Sheet:
        full = contract.delivery == "full"
        columns, key = tuple(contract.columns), tuple(contract.key)
        return cls(contract.feed, columns, key, amount, full, separator, encoding, header)

    def lines(self, file: Path) -> list[str]:
        """The delivered lines, the first of them row 1."""
        *lines, rest = file.read_bytes().decode(self.encoding).split("\n")
        assert not rest, f"{file.name} is cut in mid-line"
        return lines[1:] if self.header else lines

    def fields(self, line: str) -> list[str]:
        if self.header:  # a file with quotes
            return next(csv.reader([line], delimiter=self.separator))
        return line.split(self.separator)

    def money(self, fields: list[str]) -> Decimal:
        """The amount of a row; nothing where the feed has none, or the row none that can be read."""
        place = self.columns.index(self.amount) if self.amount else len(fields)
        said = fields[place] if place < len(fields) else ""
        return Decimal(said) if re.fullmatch(r"-?\d+(\.\d+)?", said) else Decimal(0)


@dataclass
class Seen:
    """What the nights of an example came to, so that a test can say that there was something to see."""

    accepted: int = 0
    refused: int = 0
    rows: Counter[str] | None = None

    def add(self, counts: Mapping[str, int] | None) -> None:
        self.rows = self.rows or Counter()
        if counts is None:
            self.refused += 1
        else:
            self.accepted += 1
            self.rows.update(counts)


def as_delivered(value: object) -> str:
    """A value of a key as its file wrote it; a key with a date in it is the county's."""
    return f"{value:%Y%m%d}" if isinstance(value, dt.date) else str(value)


def parquet(hands: Hands, table: str, where: str) -> list[Row]:
    """Rows of a table's files as they lie on disk."""
    files = [str(path) for path in hands.open.current.paths(table)] if table in hands.open.current.tables() else []
    if not files:
        return []
    with duckdb.connect() as con:
        found = con.execute(f"select * from read_parquet({files!r}, union_by_name = true) where {where}")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row)) for row in found.fetchall()]


def conserved(hands: Hands, sheet: Sheet, day: dt.date, file: Path) -> dict[str, int] | None:
    """Assert that every row of a file, and its amount, ended in one place; the counts, or None if it was not accepted.

    A delivery that was not accepted has left nothing anywhere.
    """
    delivery = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    of_day, about = f"business_date = date '{day}'", f"{sheet.feed} {day} {file.name}"
    mine = f"{of_day} and _delivery = '{delivery}'"
    quality = parquet(hands, f"quality.{sheet.feed}", f"{mine} and kind = 'conservation'")
    kept = parquet(hands, f"quarantine.{sheet.feed}", of_day)
    if not quality:
        for table in ("staged", "quarantine", "quality"):
            assert not parquet(hands, f"{table}.{sheet.feed}", mine), f"{about}: refused, and rows in {table}"
        return None
    assert {row["_delivery"] for row in kept} <= {delivery}, about
    said = {row["rule_id"]: row["checked"] for row in quality}
    rows = {number: sheet.fields(line) for number, line in enumerate(sheet.lines(file), start=1)}
    lines = dict(enumerate(sheet.lines(file), start=1))
    whole = {number: fields for number, fields in rows.items() if len(fields) == len(sheet.columns)}
    first_of = {tuple(fields): number for number, fields in reversed(whole.items())}
    ended: dict[str, set[int]] = {
        "rejected": set(rows) - set(whole),
        "exact_duplicate": set(whole) - set(first_of.values()),
        "quarantined": set(_kept_as_they_came(sheet, kept, rows, lines, about)),
    }
    good = set(rows) - set().union(*ended.values())
    assert {row["_row_no"] for row in kept if row["_kind"] == "rejected"} == ended["rejected"], about
    ended["staged"] = _staged_full(hands, sheet, day, whole, good, set(rows) - good, about) if sheet.full else (
        _staged_rows(hands, sheet, mine, rows, about)
    )  # fmt: skip
    assert ended["staged"] == good, f"{about}: rows {sorted(ended['staged'] ^ good)[:5]} are lost or doubled"
    counts = {"delivered": len(rows), **{place: len(ended[place]) for place in PLACES}}
    assert said == counts, about
    assert sum(counts[place] for place in PLACES) == len(rows), about
    amounts = {place: sum((sheet.money(rows[n]) for n in ended[place]), Decimal(0)) for place in PLACES}
    assert sum(amounts.values()) == sum((sheet.money(fields) for fields in rows.values()), Decimal(0)), about
    return counts


def _kept_as_they_came(
    sheet: Sheet, kept: list[Row], rows: Mapping[int, list[str]], lines: Mapping[int, str], about: str
) -> Iterator[int]:
    """The rows in quarantine: each with its own text, amount included, at its own line, and once."""
    assert len({row["_row_no"] for row in kept}) == len(kept), about
    for row in kept:
        number = row["_row_no"]
        assert row["_line"] == number + sheet.header, about
        if row["_kind"] == "rejected":
            assert row["_text"] == lines[number], about
            continue
        assert row["_rules"], f"{about}: row {number} is kept back without a reason"
        assert [row[column] or "" for column in sheet.columns] == rows[number], about
        yield number


def _staged_rows(hands: Hands, sheet: Sheet, mine: str, rows: Mapping[int, list[str]], about: str) -> set[int]:
    """The rows of a feed of events or changes that its own file of the date holds, each with its key and amount."""
    staged = parquet(hands, f"staged.{sheet.feed}", mine)
    for row in staged:
        came = rows[row["_row_no"]]
        assert [as_delivered(row[c]) for c in sheet.key] == [came[sheet.columns.index(c)] for c in sheet.key], about
        assert sheet.amount is None or row[sheet.amount] == sheet.money(came), about
    numbers = {row["_row_no"] for row in staged}
    assert len(numbers) == len(staged), f"{about}: a row is staged twice"
    return numbers


def _staged_full(
    hands: Hands, sheet: Sheet, day: dt.date, whole: Mapping[int, list[str]], good: set[int], bad: set[int], about: str
) -> set[int]:
    """The rows of a full file that the state as of the date has, built by hand of every change up to it.

    What the state has beside them are keys that the file left in quarantine: held, and not new.
    """
    state: dict[tuple[str, ...], Row] = {}
    changes = parquet(hands, f"staged.{sheet.feed}", f"business_date <= date '{day}'")
    for row in sorted(changes, key=lambda row: row["business_date"]):
        key = tuple(as_delivered(row[c]) for c in sheet.key)
        state.pop(key, None)
        if row["_op"] != "D":
            state[key] = row
    places = [sheet.columns.index(c) for c in sheet.key]
    number_of = {tuple(whole[n][at] for at in places): n for n in sorted(good)}
    assert len(number_of) == len(good), f"{about}: two good rows of one key"
    ended = set()
    for key, row in state.items():
        if row["_held_since"] is not None:
            assert key not in number_of, f"{about}: held, though it came well"
            continue
        assert key in number_of, f"{about}: a row that nobody delivered"
        assert sheet.amount is None or row[sheet.amount] == sheet.money(whole[number_of[key]]), about
        ended.add(number_of[key])
    held = {key for key, row in state.items() if row["_held_since"] == day}
    if all(n in whole and all(whole[n][at] for at in places) for n in bad):
        assert held <= {tuple(whole[n][at] for at in places) for n in bad}, f"{about}: held without a reason"
    return ended
