"""Texts of values, a column at a time: days, amounts, rates, flags, and what a contract's types look like in a file."""

from __future__ import annotations

import re
from functools import cache

import polars as pl

from data_contracts.contract import Property
from liangcang.errors import ContractError
from pipelines.demo.days import NEVER, Numbers, date_of, number

SEPARATOR = "|@|"
OLDEST = number(date_of(-25_567))
"""1900-01-01."""
DAYS = pl.Series([f"{date_of(OLDEST + n):%Y%m%d}" for n in range(64_000)])
"""The texts of all days from 1900 to 2075."""
CENTS = pl.Series([f".{n:02}" for n in range(100)])
DAY = 86_400_000
"""Milliseconds: a moment is so many of them since 1970, in local time."""
_SCALED = re.compile(r"DECIMAL\(\d+,\s*(\d+)\)")
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")


@cache
def _days(layout: str) -> pl.Series:
    """The texts of `DAYS` in a format."""
    if layout == "yyyyMMdd":
        return DAYS
    return pl.DataFrame({"d": DAYS}).select(
        pl.concat_str(*(pl.col("d").str.slice(*part) for part in ((0, 4), (4, 2), (6, 2))), separator="-")
    )["d"]


@cache
def _seconds(layout: str) -> pl.Series:
    """The texts of all seconds of a day in a format."""
    mark = ":" if ":" in layout else ""
    return pl.Series([f"{s // 3600:02}{mark}{s // 60 % 60:02}{mark}{s % 60:02}" for s in range(86_400)])


def text(prop: Property, kind: pl.DataType) -> pl.Expr:
    """The text of a column by its contract; null where it has nothing.

    What is text already stays as it is. An amount is whole units of its last decimal (fen of money), a date days and a
    time of day seconds; a moment is milliseconds; what never happens has no date. Raises ContractError for a type or a
    format that nobody writes.
    """
    value = pl.col(prop.name)
    if kind == pl.String:
        return value
    if prop.type in _WHOLE or prop.type == "VARCHAR":
        return value.cast(pl.String)
    if scaled := _SCALED.fullmatch(prop.type):
        return decimal(value, int(scaled[1]))
    if prop.type == "DATE" and (layout := prop.format or "yyyy-MM-dd") in ("yyyyMMdd", "yyyy-MM-dd"):
        return pl.lit(_days(layout)).gather(pl.when(value < NEVER).then(value - OLDEST))
    if prop.type == "TIME" and (layout := prop.format or "HH:mm:ss") in ("HHmmss", "HH:mm:ss"):
        return pl.lit(_seconds(layout)).gather(value)
    if prop.type == "TIMESTAMP":
        return _moment(prop, value)
    raise ContractError(
        "the demo bank writes no such column", field=prop.name, found=f"{prop.type} {prop.format or ''}"
    )


def _moment(prop: Property, value: pl.Expr) -> pl.Expr:
    layout = prop.format or "yyyy-MM-dd HH:mm:ss"
    form = re.fullmatch(r"(yyyyMMdd|yyyy-MM-dd)( ?)(HHmmss|HH:mm:ss)(\.SSS)?", layout)
    if form is None:
        raise ContractError("the demo bank writes no such moment", field=prop.name, found=layout)
    day, of_day = value // DAY - OLDEST, value % DAY
    parts = [pl.lit(_days(form[1])).gather(day), pl.lit(form[2]), pl.lit(_seconds(form[3])).gather(of_day // 1_000)]
    if form[4]:
        parts += [pl.lit("."), (of_day % 1_000).cast(pl.String).str.zfill(3)]
    return pl.concat_str(*parts)


def decimal(value: pl.Expr, scale: int) -> pl.Expr:
    """Whole units of the last decimal as a number with all its decimals."""
    if not scale:
        return value.cast(pl.String)
    size = value.abs()
    fraction = (
        pl.lit(CENTS).gather(size % 100)
        if scale == 2
        else pl.concat_str(pl.lit("."), (size % 10**scale).cast(pl.String).str.zfill(scale))
    )
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return pl.concat_str(sign, (size // 10**scale).cast(pl.String), fraction)


def day(name: str) -> pl.Expr:
    """A day as yyyyMMdd; nothing for what never happens, and for null."""
    value = pl.col(name)
    here = value.is_not_null() & (value < NEVER)
    place = pl.when(here).then(value - OLDEST).otherwise(0)
    return pl.when(here).then(pl.lit(DAYS).gather(place)).otherwise(pl.lit(""))


def dates(days: Numbers) -> pl.Series:
    """Days as yyyyMMdd; what has no end is 99991231."""
    known = pl.Series(days < NEVER)
    texts = DAYS[(days - OLDEST) * (days < NEVER)]
    return pl.select(pl.when(known).then(texts).otherwise(pl.lit("99991231")).alias("text"))["text"]


def money(name: str) -> pl.Expr:
    """Fen as yuan with two decimals; for amounts that are not below zero."""
    value = pl.col(name)
    return pl.concat_str((value // 100).cast(pl.String), pl.lit(CENTS).gather(value % 100))


def rate(name: str) -> pl.Expr:
    """Millionths of a per cent, as a per cent with six decimals."""
    return decimal(pl.col(name), 6)


def flag(name: str) -> pl.Expr:
    """1 or 0."""
    return pl.when(pl.col(name)).then(pl.lit("1")).otherwise(pl.lit("0"))


def fields(*values: pl.Expr) -> tuple[pl.Expr, ...]:
    """Texts with the separator between them."""
    separated: list[pl.Expr] = []
    for value in values:
        separated += [pl.lit(SEPARATOR), value]
    return tuple(separated[1:])
