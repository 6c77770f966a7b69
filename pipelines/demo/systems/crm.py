"""Grids and visits, campaigns and what they brought: who is visited lives in the village, who is asked agreed to it."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.days import Numbers, date_of
from pipelines.demo.people import Way
from pipelines.demo.systems.feeds import Events, States
from pipelines.demo.systems.world import VILLAGES_A_TOWN, World, drawn, numbered, serial
from pipelines.demo.texts import DAY, dates

VISITS = 0.0024
"""A customer and day."""
GOALS = (
    ("DP", "旺季存款"),
    ("LN", "助农贷款"),
    ("WM", "金秋理财"),
    ("CC", "分期优惠"),
    ("EB", "手机银行活动"),
    ("AC", "商户收款"),
)
REACHES = 0.02
"""Share of the customers that a campaign's list holds."""


def _grid_of(town: Numbers, village: Numbers) -> pl.Series:
    codes = np.array([code for _, code in words.TOWNS])[town]
    return pl.DataFrame({"c": codes, "v": village + 1}).select(
        pl.concat_str(pl.lit(f"G{words.COUNTY}-"), "c", pl.col("v").cast(pl.String).str.zfill(2)).alias("g")
    )["g"]


def household_of(world: World, who: Numbers) -> pl.Series:
    """The household of customers: three of them with a roof in common."""
    return "H" + world.persons["village_code"][who] + "-" + numbered("", who // 3, 6)


def crm_grid(world: World) -> States:
    """A grid a village, with the employee who looks after it."""
    town = np.repeat(np.arange(len(words.TOWNS)), VILLAGES_A_TOWN)
    village = np.tile(np.arange(VILLAGES_A_TOWN), len(words.TOWNS))
    codes = np.array([code for _, code in words.TOWNS])[town]
    lives = np.bincount(world.people.town * VILLAGES_A_TOWN + world.village, minlength=len(town))
    rows = pl.DataFrame(
        {
            "state_date": np.full(len(town), world.span.start - 300),
            "grid_id": _grid_of(town, village),
            "village_code": words.COUNTY + pl.Series(codes) + pl.Series(village + 201).cast(pl.String),
            "org_no": numbered(words.BANK_CODE, town * 2 + village % 2 + 20, 3),
            "emp_id": numbered("E", town * 7 + 100, 5),
            "hh_count": lives // 3 + 60,
        }
    )
    return States(rows, ("grid_id",), world.span, full=True)


def crm_visit(world: World) -> Events:
    """Visits to villages on workdays, by those who look after the grid; who is short of money asks for a loan."""
    people, span, chance = world.people, world.span, world.chance(50)
    count = max(int(VISITS * people.count * (span.horizon - span.start + 1)), 40)
    who = np.sort(chance.choice(np.flatnonzero(world.adult), size=count))
    day = np.sort(chance.integers(span.start, span.horizon + 1, size=count))
    chance.shuffle(who)
    ours = world.there(who, day)
    result = drawn("1234", count, chance, (0.72, 0.2, 0.05, 0.03))
    met = result == "1"
    needs = world.strain(day, who) > 0.2
    family = np.where(needs | (people.way[who] == Way.TRADER), "LN", drawn(("DP", "WM", "EB"), count, chance))
    frame = pl.DataFrame({"state_date": day, "met": met, "ours": ours}).with_columns(
        world.persons["cust_no"][who],
        household_of(world, who).alias("household_id"),
        _grid_of(people.town[who], world.village[who]).alias("grid_id"),
        numbered("E", people.town[who] * 7 + 100, 5).alias("emp_id"),
        pl.Series("visit_ts", day * DAY + chance.integers(8 * 3_600, 18 * 3_600, size=count) * 1_000),
        pl.Series("mode", drawn("1234", count, chance, (0.6, 0.2, 0.1, 0.1))),
        pl.Series("result", result),
        pl.Series("intent_family", family),
        pl.Series("intent_level", np.where(needs, "3", drawn("012", count, chance))),
        pl.Series("gps_ok", drawn("1110", count, chance)),
        (pl.lit("V") + dates(day) + numbered("", serial(day), 4)).alias("visit_id"),
    )
    none = pl.lit(None, dtype=pl.String)
    return Events(
        frame.with_columns(
            pl.when("ours").then("cust_no").otherwise(none).alias("cust_no"),
            *(pl.when("met").then(name).otherwise(none).alias(name) for name in ("intent_family", "intent_level")),
            pl.when(pl.col("mode") == "1").then("gps_ok").otherwise(none).alias("gps_ok"),
        ),
        span,
    )


def crm_campaign(world: World) -> States:
    """A campaign a month, planned a fortnight before it begins; the first was under way when the history began."""
    rows = []
    for nth, (first, last) in enumerate(world.span.months()):
        family, title = GOALS[date_of(first).month % len(GOALS)]
        month = f"{date_of(first):%Y%m}"
        event = "sign_quick_pay" if family == "EB" else None
        planned = first - 14 if nth else world.span.start
        rows.append(
            (
                planned,
                f"CP{month}0001",
                f"{month[4:]}月{title}",
                family,
                first,
                last,
                f"SG{month}0001",
                event,
                8_000_000,
            )
        )
    names = [
        "state_date",
        "campaign_id",
        "name",
        "goal_family",
        "start_date",
        "end_date",
        "whitelist_id",
        "event_rule",
        "budget",
    ]
    schema = {
        name: pl.Int64 if name in ("state_date", "start_date", "end_date", "budget") else pl.String for name in names
    }
    return States(pl.DataFrame(rows, schema=schema, orient="row"), ("campaign_id",), world.span, full=True)


def crm_touch(world: World) -> States:
    """Who a campaign reached, one in five kept back as a control; on the next day what became of the touch is known."""
    people, parts = world.people, []
    for first, _ in world.span.months():
        chance = world.chance(51, first)
        able = np.flatnonzero(world.adult & world.there(np.arange(people.count), np.full(people.count, first)))
        who = world.share_of(able, REACHES, chance)
        count = len(who)
        control = chance.random(count) < 0.2
        if first == world.span.start and count:
            control[0] = False
        on = np.where(control, first, first + chance.integers(0, 20, size=count))
        keen = 0.25 * (1 - world.strain(on, who)) * np.where(people.mobile[who], 1.0, 0.3)
        base = pl.DataFrame(
            {
                "state_date": on,
                "touch_id": numbered(f"T{date_of(first):%Y%m}", np.arange(count) + 1, 6),
                "campaign_id": np.full(count, f"CP{date_of(first):%Y%m}0001"),
                "cust_no": world.persons["cust_no"][who],
                "arm": np.where(control, "C", "T"),
                "touch_ts": on * DAY + 32_400_000 + np.arange(count) % 7_200 * 1_000,
                "channel": np.where(people.mobile[who], "02", "01"),
                "cost": np.where(control, 0, 400),
                "got": chance.random(count) < 0.95,
                "clicks": chance.random(count) < keen,
                "leaves": chance.random(count) < 0.01,
            }
        ).with_columns(pl.when(pl.col("arm") == "T").then("touch_ts").alias("touch_ts"))
        none = pl.lit(None, dtype=pl.String)
        sent = base.with_columns(*(none.alias(name) for name in ("delivered", "clicked", "opted_out")))
        known = base.filter(pl.col("arm") == "T").with_columns(
            (pl.col("state_date") + 1).alias("state_date"),
            *(pl.when(flag).then(pl.lit("1")).otherwise(pl.lit("0")).alias(name)
              for name, flag in (("delivered", "got"), ("clicked", pl.col("got") & pl.col("clicks")), ("opted_out", "leaves"))),
        )  # fmt: skip
        parts += [sent, known.select(sent.columns)]
    return States(pl.concat(parts), ("touch_id",), world.span)
