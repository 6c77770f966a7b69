"""Finance: exchange rates, the curve of internal prices, and the month's parameters of management accounting."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.days import Numbers, Span, date_of, number
from pipelines.demo.systems.feeds import Events, States
from pipelines.demo.systems.world import World, months_of

CURRENCIES = {"USD": 7.10, "EUR": 7.75, "HKD": 0.91, "JPY": 0.048, "GBP": 9.10, "AUD": 4.70}
TENORS = (0, 1, 3, 6, 12, 24, 36, 60)
LIABILITIES = (350_000, 900_000, 1_150_000, 1_350_000, 1_600_000, 1_750_000, 2_000_000, 2_150_000)
"""Millionths of a per cent that head office pays for deposits of each tenor."""
RISKS = {
    "1": (1.9, 2.4, 65.0),
    "2": (1.2, 1.8, 55.0),
    "3": (0.9, 1.1, 35.0),
    "4": (0.6, 0.4, 20.0),
    "5": (1.4, 2.1, 60.0),
}
"""Cost, chance of default and loss given default, in per cent, by the way in which a loan is secured."""
_FIRST = number(date_of(19_723))
"""2024-01-01: rates begin with the bank, so that a day's rate is the same however long the history is."""


def cb_fx(world: World) -> Events:
    """The mid rate of each currency on every day; on days without a quote that of the day before."""
    days = _all_days(world.span)
    chance = np.random.default_rng([world.seed, 1_100])
    frames = [_quoted("CNY", days, np.full(len(days), 10**8))]
    for currency, usual in CURRENCIES.items():
        steps = chance.normal(0, 0.0022, size=world.span.horizon + 400 - _FIRST)[: days[-1] - _FIRST + 1]
        weekday = (np.arange(_FIRST, days[-1] + 1) + 3) % 7
        path = np.cumsum(np.where(weekday < 5, steps, 0.0))
        frames.append(
            _quoted(
                currency, days, (usual * np.exp(path - path.mean()) * 10**4).astype(np.int64)[days - _FIRST] * 10**4
            )
        )
    return Events(pl.concat(frames).sort("state_date", "ccy"), world.span)


def _quoted(currency: str, days: Numbers, mid: Numbers) -> pl.DataFrame:
    return pl.DataFrame({"state_date": days, "rate_date": days, "mid": mid}).with_columns(pl.lit(currency).alias("ccy"))


def ma_ftp(world: World) -> Events:
    """The price of money between head office and branches, a day, side and tenor."""
    days = _all_days(world.span)
    every, tenor = np.repeat(days, len(TENORS)), np.tile(np.array(TENORS), len(days))
    level = (np.sin(every / 97.0) * 60_000).astype(np.int64) // 5_000 * 5_000
    paid = np.tile(np.array(LIABILITIES), len(days)) + level
    sides = [
        pl.DataFrame({"state_date": every, "curve_date": every, "tenor_m": tenor, "rate": paid + above}).with_columns(
            pl.lit(side).alias("side"), pl.lit("CNY").alias("ccy")
        )
        for side, above in (("1", 250_000), ("2", 0))
    ]
    return Events(pl.concat(sides).sort("state_date", "side", "tenor_m"), world.span)


def ma_param(world: World) -> States:
    """Cost and risk of loans by the way in which they are secured, and of deposits, said on the first of each month."""
    firsts = np.array([first for first, _ in world.span.months()])
    lines = [(key, "ALL", *values, 75.0) for key, values in RISKS.items()]
    lines += [
        ("D", "ALL", 0.45, 0.0, 0.0, 0.0),
        ("W", "WM030007", 0.3, 0.0, 0.0, 0.0),
        ("C", "CC010001", 2.6, 2.2, 75.0, 75.0),
    ]
    schema = ["key1", "product_code", "opex", "pd", "lgd", "rw"]
    table = pl.DataFrame(lines, schema=schema, orient="row")
    millionths = [(pl.col(name) * 1_000_000).round().cast(pl.Int64) for name in ("opex", "pd", "lgd", "rw")]
    rows = table.select("key1", "product_code", *millionths, pl.lit(6_000_000).alias("vat"))
    months = pl.DataFrame({"state_date": firsts, "month": months_of(firsts)})
    return States(months.join(rows, how="cross"), ("month", "key1", "product_code"), world.span)


def _all_days(span: Span) -> Numbers:
    return np.arange(span.start, span.horizon + 1)
