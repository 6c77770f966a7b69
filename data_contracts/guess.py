"""What a column of a sample may be: its type, whether it may be empty, its codes, its class. All of it is a proposal."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

import polars as pl

from data_contracts.personal import looks_hashed, looks_personal
from data_contracts.sample import NULLS, Sample

MAX_CODES = 20
MAX_KEY = 3
WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,17})")
DECIMAL = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,12})?")
LIKE_A_CODE = re.compile(r"[0-9]{1,4}|[A-Z]{1,3}|[a-z]{1,3}|[A-Z][0-9]{1,3}")
MOMENTS: Mapping[str, tuple[str, str, str]] = {
    "yyyyMMdd": (r"[0-9]{8}", "%Y%m%d", "DATE"),
    "yyyy-MM-dd": (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "%Y-%m-%d", "DATE"),
    "yyyy/MM/dd": (r"[0-9]{4}/[0-9]{2}/[0-9]{2}", "%Y/%m/%d", "DATE"),
    "dd/MM/yyyy": (r"[0-9]{2}/[0-9]{2}/[0-9]{4}", "%d/%m/%Y", "DATE"),
    "MM/dd/yyyy": (r"[0-9]{2}/[0-9]{2}/[0-9]{4}", "%m/%d/%Y", "DATE"),
    "dd.MM.yyyy": (r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}", "%d.%m.%Y", "DATE"),
    "yyyyMMddHHmmss": (r"[0-9]{14}", "%Y%m%d%H%M%S", "TIMESTAMP"),
    "yyyy-MM-dd HH:mm:ss": (r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", "%Y-%m-%d %H:%M:%S", "TIMESTAMP"),
    "HHmmss": (r"[0-9]{6}", "%H%M%S", "TIME"),
    "HH:mm:ss": (r"[0-9]{2}:[0-9]{2}:[0-9]{2}", "%H:%M:%S", "TIME"),
}
"""The formats that banks write: shape, how Python reads it, type. The plain ones are those of the contract's cells."""
FAULTY = 0.01
"""The share of values that may be no date where the others are: samples hold faults."""
SURE = 20
"""So many different values make a time of the day of six digits: fewer may be codes."""


@dataclass(frozen=True, kw_only=True)
class Guess:
    """One column. `personal` is what of a person it looks like, `notes` are what somebody has to look at; neither holds
    a value of the sample.
    """

    name: str
    title: str
    type: str
    format: str | None
    required: bool
    null_values: tuple[str, ...]
    codes: tuple[str, ...]
    pattern: str | None
    personal: str | None
    notes: tuple[str, ...]


def guesses(sample: Sample, names: Sequence[str]) -> tuple[Guess, ...]:
    """A guess for each column of a sample."""
    return tuple(_guess(sample, index, name) for index, name in enumerate(names))


def _guess(sample: Sample, index: int, name: str) -> Guess:
    title = sample.names[index] if sample.names else ""
    texts = sample.column(index)
    tokens = _null_tokens(texts)
    values = [text for text in texts if text not in tokens]
    distinct = Counter(values)
    kind, layout, misfits = _type(distinct, len(texts))
    personal = looks_personal(f"{name} {title}", values)
    codes = _codes(distinct, len(texts)) if kind == "VARCHAR" and personal is None else ()
    return Guess(
        name=name,
        title=title,
        type=kind,
        format=layout,
        required=len(values) == len(texts),
        null_values=tokens,
        codes=codes,
        pattern=_pattern(values) if kind == "VARCHAR" and not codes else None,
        personal=personal,
        notes=tuple(
            _notes(
                values, distinct, kind=kind, layout=layout, codes=codes, tokens=tokens, rows=len(texts), misfits=misfits
            )
        ),
    )


def _null_tokens(texts: Sequence[str]) -> tuple[str, ...]:
    """The empty text, and words for nothing beside which all other values are of another kind or there are none."""
    there = set(texts)
    return ("", *(token for token in NULLS if token in there))


def _type(distinct: Counter[str], rows: int) -> tuple[str, str | None, int]:
    """The type that the values have, how a date is written, and how many do not fit. Codes with leading zeros and numbers
    of one length stay text: nobody adds them up.
    """
    if not distinct:
        return "VARCHAR", None, 0
    for layout, (shape, read, kind) in MOMENTS.items():
        misfits = sum(count for value, count in distinct.items() if not _is_moment(value, shape, read))
        if misfits <= FAULTY * distinct.total() and (layout != "HHmmss" or len(distinct) >= SURE):
            return kind, None if layout in PLAIN else layout, misfits
    if all(WHOLE.fullmatch(value) for value in distinct):
        lengths = {len(value) for value in distinct}
        digits = max(len(value.lstrip("+-")) for value in distinct)
        if len(lengths) == 1 and (digits >= 6 or (len(distinct) <= MAX_CODES and rows > 5 * len(distinct))):
            return "VARCHAR", None, 0
        return ("INTEGER" if digits <= 9 else "BIGINT"), None, 0
    if all(DECIMAL.fullmatch(value) for value in distinct) and any("." in value for value in distinct):
        whole, scale = (max(map(len, parts)) for parts in zip(*map(_parts, distinct), strict=True))
        if not any(re.match(r"[+-]?0[0-9]", value) for value in distinct) and whole + scale <= 36:
            return f"DECIMAL({max(18, whole + scale + 2)},{max(scale, 2)})", None, 0
    return "VARCHAR", None, 0


PLAIN = frozenset({"yyyy-MM-dd", "HH:mm:ss", "yyyy-MM-dd HH:mm:ss"})
"""Formats that a contract means when it gives none."""


def _parts(value: str) -> tuple[str, str]:
    whole, _, part = value.lstrip("+-").partition(".")
    return whole, part


def _is_moment(value: str, shape: str, read: str) -> bool:
    if not re.fullmatch(shape, value, re.ASCII):
        return False
    try:
        moment = dt.datetime.strptime(value, read)  # noqa: DTZ007  (a form is tried, no moment is meant)
    except ValueError:
        return False
    return "%Y" not in read or 1850 <= moment.year <= 2200 or moment.year == 9999


def _codes(distinct: Counter[str], rows: int) -> tuple[str, ...]:
    """A code list, if values are few, short, of one kind and come again and again: those show nothing of a person."""
    if not 1 < len(distinct) <= MAX_CODES or rows < 5 * len(distinct) or not all(map(LIKE_A_CODE.fullmatch, distinct)):
        return ()
    words = {len(value) for value in distinct if value.isalpha()}
    return tuple(sorted(distinct)) if len(words) <= 1 else ()


def _pattern(values: Sequence[str]) -> str | None:
    """The shape of numbers of one length, by which a shifted column shows."""
    lengths = {len(value) for value in values}
    digits = len(lengths) == 1 and all(value.isascii() and value.isdigit() for value in values)
    return f"^[0-9]{{{lengths.pop()}}}$" if digits and len(values) >= SURE else None


def _notes(
    values: Sequence[str],
    distinct: Counter[str],
    *,
    kind: str,
    layout: str | None,
    codes: Sequence[str],
    tokens: Sequence[str],
    rows: int,
    misfits: int,
) -> Iterator[str]:
    if not values:
        yield "no value in the sample: what is it?"
    if layout == "dd/MM/yyyy" and all(_is_moment(value, *MOMENTS["MM/dd/yyyy"][:2]) for value in distinct):
        yield "day or month first? the sample fits both"
    if misfits:
        yield f"{misfits} value(s) are no {kind}: such rows would be quarantined"
    if looks_hashed(values):
        yield "digests: of a password or a biometric they would be C3, and may not land"
    if len(tokens) > 1:
        yield f"{', '.join(tokens[1:])} taken for nothing"
    if codes:
        yield f"a code list of {len(codes)}? label them, and add those that the sample lacks"
    elif kind == "VARCHAR" and 1 < len(distinct) <= MAX_CODES and rows >= 5 * len(distinct):
        yield f"{len(distinct)} different texts: a code list? (not shown here)"
    if 0 < len(values) < rows:
        yield f"empty in {(rows - len(values)) / rows:.1%} of the rows"
    if kind == "VARCHAR" and any("," in value for value in distinct) and all(re.fullmatch(r"[+-]?[0-9,]+(\.[0-9]+)?", v) for v in distinct):  # fmt: skip
        yield "numbers with commas: kept as text; ask for plain ones"


def key_candidates(sample: Sample, columns: Sequence[Guess]) -> list[tuple[str, ...]]:
    """The smallest sets of columns, at most three, that no two rows share. Amounts and what may be empty are no keys."""
    rows = len(sample.rows)
    if rows < 2:
        return []
    usable = [c for c in columns if c.required and not c.type.startswith("DECIMAL")]
    index = {c.name: n for n, c in enumerate(columns)}
    frame = pl.DataFrame({c.name: sample.column(index[c.name]) for c in usable})
    counts: dict[str, int] = {name: frame[name].n_unique() for name in frame.columns}
    first = frame.head(2000)
    for size in range(1, MAX_KEY + 1):
        found = [
            names
            for names in combinations(counts, size)
            if _product(counts[name] for name in names) >= rows
            and _unique(first, names)
            and (_unique(frame, names) if size > 1 else counts[names[0]] == rows)
        ]
        if found:
            return found
    return []


def _product(numbers: Iterator[int]) -> int:
    total = 1
    for number in numbers:
        total *= number
    return total


def _unique(frame: pl.DataFrame, names: Sequence[str]) -> bool:
    return bool(frame.select(pl.struct(names).n_unique()).item() == frame.height)


def summed(sample: Sample, columns: Sequence[Guess], said: str) -> list[str]:
    """The columns of amounts whose sum is what the control file says."""
    amounts = [(index, c) for index, c in enumerate(columns) if said and c.type.startswith("DECIMAL")]
    return [c.name for index, c in amounts if _sum(sample, index, c.null_values) == said]


def _sum(sample: Sample, index: int, nulls: Sequence[str]) -> str:
    return f"{sum((Decimal(text) for text in sample.column(index) if text not in nulls), Decimal()):.2f}"
