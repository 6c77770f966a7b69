"""A steward's correction file: which cells of quarantined rows are to be read as another text, by whom and why.

    delivery,row,column,old,new,by,reason
    3ab83d0ee01a,1,born_on,31/02/2026,28/02/1986,Wang Fang,as on the paper file

CSV in UTF-8. Delivery and row are those of `quarantine.<feed>`, `old` is the text as it was delivered and must match to the
letter: who corrects a cell has looked at it. Only rows that are kept back can be corrected. What was delivered stays in
landing and in quarantine as it was; the correction stands beside it, with its author.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts.contract import Contract
from liangcang.errors import UsageError

COLUMNS = ("delivery", "row", "column", "old", "new", "by", "reason")
MAX_BYTES = 20_000_000
SHOWN = 20
LONGEST = 4_000

Cell = tuple[str, int, str]
"""Delivery, row number, column."""


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One cell. `line` is that of the file which says it."""

    delivery: str
    row: int
    column: str
    old: str
    new: str
    by: str
    reason: str
    line: int

    @property
    def cell(self) -> Cell:
        return self.delivery, self.row, self.column


def read_corrections(file: Path, contract: Contract) -> list[Correction]:
    """The corrections of a file, in its order. Raises UsageError with every line that is not one, and no value of it."""
    rows = _rows(file)
    if not rows or tuple(rows[0]) != COLUMNS:
        raise UsageError(
            "no correction file", file=file, line=1, expected=",".join(COLUMNS), found="another first line"
        )
    made: list[Correction] = []
    wrong: list[str] = []
    for line, row in enumerate(rows[1:], start=2):
        if fault := _fault(row, contract):
            wrong.append(f"line {line}: {fault}")
            continue
        said = dict(zip(COLUMNS, row, strict=True))
        made.append(Correction(**{**said, "row": int(said["row"])}, line=line))  # type: ignore[arg-type]
    seen: set[Cell] = set()
    for one in made:
        if one.cell in seen:
            wrong.append(f"line {one.line}: this cell was corrected above")
        seen.add(one.cell)
    refuse(file, wrong)
    return made


def refuse(file: Path, wrong: Sequence[str]) -> None:
    """Raise UsageError with what is wrong with a correction file, if anything is."""
    if wrong:
        more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
        raise UsageError(
            "the corrections cannot be used",
            file=file,
            found="\n            ".join([*wrong[:SHOWN], *more]),
            kept="nothing was corrected",
            next="take delivery, row and old text from quarantine, as they stand there",
        )


def matched(
    corrections: Sequence[Correction],
    *,
    quarantined: Mapping[tuple[str, int], Mapping[str, str | None]],
    standing: Mapping[Cell, tuple[str, str]],
) -> tuple[list[Correction], list[str]]:
    """Those that say something new, and what is wrong with the others.

    `quarantined` are the rows that are kept back, by delivery and row number, with their texts; `standing` old and new text
    of the corrections that were made before: to say one of them again is no fault, whether it has mended its row or not.
    """
    new: list[Correction] = []
    wrong: list[str] = []
    for one in corrections:
        before, row = standing.get(one.cell), quarantined.get((one.delivery, one.row))
        if before == (one.old, one.new):
            continue
        if row is None:
            wrong.append(f"line {one.line}: row {one.row} of delivery {one.delivery} is not kept back")
        elif (row[one.column] or "") != one.old:
            wrong.append(f"line {one.line}: the old text is not what was delivered as {one.column}")
        else:
            new.append(one)
    return new, wrong


def _rows(file: Path) -> list[list[str]]:
    try:
        return list(csv.reader(io.StringIO(_text(file), newline=""), strict=True))
    except csv.Error:
        raise UsageError("the corrections are no CSV", file=file, expected=",".join(COLUMNS)) from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError("the corrections cannot be read", file=file, found=error.strerror) from None
    if len(content) > MAX_BYTES:
        raise UsageError("the file is too large to be written by people", file=file, expected=f"{MAX_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError("the corrections are not UTF-8", file=file) from None


def _fault(row: Sequence[str], contract: Contract) -> str | None:
    """What is wrong with a line, without its values."""
    if len(row) != len(COLUMNS):
        return f"{len(row)} fields, expected {len(COLUMNS)}"
    said = dict(zip(COLUMNS, row, strict=True))
    if not re.fullmatch(r"[0-9a-f]{12}", said["delivery"]):
        return "delivery is 12 hex digits"
    if not re.fullmatch(r"[1-9][0-9]{0,17}", said["row"], re.ASCII):
        return "row is a number from 1"
    if said["column"] not in contract.columns:
        return f"{contract.feed} has no such column"
    if said["old"] == said["new"]:
        return "the new text is the old one"
    if not said["by"].strip() or not said["reason"].strip():
        return "by and reason are said in words"
    if any(len(text) > LONGEST for text in row):
        return f"a text of more than {LONGEST:,} characters"
    return None
