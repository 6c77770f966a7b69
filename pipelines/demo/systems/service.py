"""Points, surveys and complaints: who is about to leave is less content, and says so."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.days import Numbers
from pipelines.demo.systems.feeds import Events, Monthly, States
from pipelines.demo.systems.world import World, drawn, masked, numbered, serial
from pipelines.demo.texts import DAY, dates

ENTRIES = 0.015
"""Entries of points a customer and day, at the activity of 0.2."""
SURVEYS, COMPLAINTS = 0.0012, 0.000_06
JOURNEYS = ("J001", "J002", "J003", "J004", "J005", "J006")


def cu_points(world: World) -> Monthly:
    """Points earned by paying, now and then turned into something."""
    return Monthly(lambda first, last: _points(world, first, last), world.span)


def _points(world: World, first: int, last: int) -> pl.DataFrame:
    people, chance = world.people, world.chance(60, first)
    rate = ENTRIES * world.activity / 0.2 * (last - first + 1) * people.intensity * people.slackens(first)
    active = np.flatnonzero(world.adult & people.mobile)
    who = np.repeat(active, chance.poisson(rate[active] * 2.2))
    who = who if len(who) else active[:1]
    day = np.sort(chance.integers(first, last + 1, size=len(who)))
    there = world.there(who, day)
    who, day = who[there], day[there]
    side = drawn("124", len(who), chance, (0.88, 0.115, 0.005))
    earned = side == "1"
    frame = pl.DataFrame(
        {
            "state_date": day,
            "entry_date": day,
            "entry_id": pl.Series("PT" + dates(day) + numbered("", serial(day), 6)),
            "cust_no": world.persons["cust_no"][who],
            "side": side,
            "points": np.where(
                earned, chance.integers(1, 200, size=len(who)), chance.integers(1, 10, size=len(who)) * 100
            ),
            "rule_code": np.where(earned, "PTR00001", "PTB00001"),
        }
    )
    return frame.with_columns((pl.col("entry_date") + 800).alias("expire_date"))


def _discontent(world: World, who: Numbers, day: Numbers) -> np.ndarray:
    people = world.people
    leaving = (people.leaves_from[who] <= day + 30) & (day < people.left_on[who])
    return leaving | (world.strain(day, who) > 0.5)


def fb_survey(world: World) -> Events:
    """Answers after a deed: recommendation from 0 to 10, satisfaction from 1 to 5."""
    who, day, chance = _said(world, SURVEYS, 61)
    count, unhappy = len(who), _discontent(world, who, day)
    nps = np.clip(chance.normal(np.where(unhappy, 5.0, 8.6), 1.8), 0, 10).astype(np.int64)
    rows = pl.DataFrame(
        {
            "state_date": day,
            "resp_id": pl.Series("F" + dates(day) + numbered("", serial(day), 5)),
            "cust_no": masked(world.persons["cust_no"][who].to_numpy(), chance.random(count) < 0.9),
            "ts": day * DAY + chance.integers(9 * 3_600, 20 * 3_600, size=count) * 1_000,
            "journey": drawn(JOURNEYS, count, chance),
            "nps": nps,
            "csat": np.clip(nps // 2, 1, 5),
            "channel": drawn(("01", "03", "03", "07"), count, chance),
        }
    )
    return Events(rows, world.span)


def fb_complaint(world: World) -> States:
    """Complaints, most of who is discontent; closed within weeks, which is told on the day of it."""
    who, day, chance = _said(world, COMPLAINTS, 62)
    more = np.flatnonzero(world.people.leaves_from <= world.span.horizon)
    more = more[chance.random(len(more)) < 0.05]
    on = np.clip(world.people.leaves_from[more] + 5, world.span.start, world.span.horizon)
    kept = world.people.opened[more] < on
    who, day = np.r_[who, more[kept]], np.r_[day, on[kept]]
    order = np.argsort(day, kind="stable")
    who, day = who[order], day[order]
    count = len(who)
    begun = day * DAY + chance.integers(9 * 3_600, 20 * 3_600, size=count) * 1_000
    closes = day + chance.integers(1, 20, size=count)
    base = pl.DataFrame(
        {
            "state_date": day,
            "cmp_id": pl.Series("CM" + dates(day) + numbered("", serial(day), 4)),
            "cust_no": world.persons["cust_no"][who],
            "ts": begun,
            "cause": drawn(("101", "102", "103", "104", "201", "202", "301"), count, chance),
            "family": masked(drawn(("DP", "LN", "CC", "WM", "EB"), count, chance), chance.random(count) < 0.9),
            "level": drawn("123", count, chance, (0.85, 0.12, 0.03)),
        }
    )
    opened = base.with_columns(
        pl.lit(None, dtype=pl.Int64).alias("close_ts"), pl.lit(None, dtype=pl.String).alias("satisfied")
    )
    closed = base.with_columns(
        pl.Series("state_date", closes),
        pl.Series("close_ts", closes * DAY + 57_600_000),
        pl.Series("satisfied", drawn("1110", count, chance)),
    )
    return States(pl.concat([opened, closed]), ("cmp_id",), world.span, first_load=True)


def _said(world: World, often: float, stream: int) -> tuple[Numbers, Numbers, np.random.Generator]:
    """Customers and days, some a day."""
    chance, span = world.chance(stream), world.span
    count = int(often * world.people.count * (span.horizon - span.start + 1)) + 3
    who = chance.choice(np.flatnonzero(world.adult), size=count)
    day = np.sort(chance.integers(span.start, span.horizon + 1, size=count))
    there = world.there(who, day)
    return who[there], day[there], chance
