"""Electronic channels: who signed for what, and what they do in the app.

Who is leaving opens the app less and looks at rates; who is short of money looks at loans, and asks for one.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.days import NEVER, Numbers
from pipelines.demo.people import Flags, Way
from pipelines.demo.systems.feeds import Monthly, States
from pipelines.demo.systems.world import World, drawn, numbered, serial
from pipelines.demo.texts import DAY, dates

MOBILE, MERCHANT_CODE, FAST_PAY, UTILITIES, PAYROLL, SMS = "03", "12", "14", "18", "19", "11"
SESSIONS = 2.6
"""Times a month that somebody who uses the app opens it, at the activity of 0.2."""
PAGES = ("home", "account_list", "transfer", "bill_pay", "wealth_list", "deposit_rates", "loan_home", "points_shop")
LOOKS = (0.3, 0.25, 0.15, 0.1, 0.08, 0.05, 0.04, 0.03)


def eb_sign(world: World) -> States:
    """Contracts for channels, with the day on which each was used last as the month's end knew it."""
    people, chance = world.people, world.chance(30)
    everybody = np.arange(people.count)
    uses = people.mobile & world.adult
    signs: dict[str, Flags] = {
        MOBILE: uses,
        FAST_PAY: uses & (chance.random(people.count) < 0.8),
        SMS: world.adult & (chance.random(people.count) < 0.3),
        MERCHANT_CODE: (people.way == Way.TRADER) & (chance.random(people.count) < 0.8),
        UTILITIES: world.adult & (chance.random(people.count) < 0.15),
        PAYROLL: np.isin(people.way, (Way.PAYROLL, Way.CIVIL)) & (people.salary_until > people.opened),
    }
    frames = []
    for channel, flags in signs.items():
        who = everybody[flags]
        on = people.opened[who] + chance.integers(0, 400, size=len(who))
        kept = (on < people.gone_on[who]) & (on < world.span.horizon)
        who, on = who[kept], on[kept]
        frames.append(_signed(world, who, on, channel, chance))
    rows = pl.concat(frames).with_columns(world.persons["cust_no"][pl.concat(frames)["customer"].to_numpy()])
    return States(rows, ("cust_no", "eb_channel"), world.span, full=True)


def _signed(world: World, who: Numbers, on: Numbers, channel: str, chance: np.random.Generator) -> pl.DataFrame:
    """A contract's rows: when it was signed, at each month's begin after it was used, and when it ended."""
    people = world.people
    base = {"customer": who, "sign_date": on}
    first = pl.DataFrame(base | {"state_date": on, "last_use": np.full(len(who), NEVER)})
    parts = [first.with_columns(pl.lit("1").alias("status"))]
    if channel in (MOBILE, FAST_PAY):
        for begin, _ in world.span.months():
            active = (on < begin - 31) & world.there(who, np.full(len(who), begin)) & (chance.random(len(who)) < 0.5)
            used = np.full(int(active.sum()), begin) - chance.integers(1, 29, size=int(active.sum()))
            part = pl.DataFrame({"customer": who[active], "sign_date": on[active], "last_use": used})
            parts.append(
                part.with_columns(pl.lit(begin).cast(pl.Int64).alias("state_date"), pl.lit("1").alias("status"))
            )
    gone = people.gone_on[who] < world.span.horizon
    ended = pl.DataFrame({name: value[gone] for name, value in base.items()}).with_columns(
        pl.Series("state_date", np.maximum(people.gone_on[who], on + 1)[gone]),
        pl.lit(NEVER).cast(pl.Int64).alias("last_use"),
        pl.lit("0").alias("status"),
    )
    columns = ["customer", "sign_date", "state_date", "last_use", "status"]
    return pl.concat([part.select(columns) for part in (*parts, ended)]).with_columns(
        pl.lit(channel).alias("eb_channel")
    )


def eb_event(world: World) -> Monthly:
    """What is done in the app, a month at a time."""
    return Monthly(lambda first, last: _month(world, first, last), world.span)


def _month(world: World, first: int, last: int) -> pl.DataFrame:
    people, chance = world.people, world.chance(31, first)
    often = SESSIONS * world.activity / 0.2 * people.intensity * people.slackens(first)
    users = np.flatnonzero(people.mobile & world.adult)
    times = chance.poisson(often[users])
    who = np.repeat(users, times)
    day = chance.integers(first, last + 1, size=len(who))
    there = world.there(who, day)
    who, day = who[there], day[there]
    begun = (
        day * DAY
        + chance.integers(7 * 3_600, 23 * 3_600, size=len(who)) * 1_000
        + chance.integers(1_000, size=len(who))
    )
    looks = chance.integers(1, 5, size=len(who))
    of = np.repeat(np.arange(len(who)), looks + 2)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(looks + 2) - looks - 2, looks + 2)
    is_first, is_last = nth == 0, nth == looks[of] + 1
    needs = (world.strain(day, who)[of] > 0.4) & (chance.random(len(of)) < 0.25)
    leaves = ((people.leaves_from[who] <= day) & (day < people.left_on[who]))[of] & (chance.random(len(of)) < 0.35)
    page = drawn(PAGES, len(of), chance, LOOKS)
    page = np.where(needs, "loan_apply", np.where(leaves, "deposit_rates", page))
    wrong = is_first & (chance.random(len(of)) < 0.02)
    kind = np.select(
        [wrong, is_first, is_last, needs & (nth == 1), page == "transfer", page == "bill_pay"],
        ["login_fail", "login", "logout", "apply_start", "transfer", "pay"],
        np.where(chance.random(len(of)) < 0.3, "click", "view"),
    )
    about = np.select([page == "wealth_list", np.isin(page, ("loan_home", "loan_apply"))], ["WM010001", "LN020002"], "")
    inside = ~(is_first | is_last)
    moment = begun[of] + nth * (4_000 + of % 40_000)
    owner = world.persons[who[of]]
    frame = pl.DataFrame(
        {
            "state_date": day[of],
            "ts": np.minimum(moment, (day[of] + 1) * DAY - 1),
            "cust_no": owner["cust_no"],
            "user_id": numbered("u-", who[of] + 1, 7),
            "device_id": owner["device_id"],
            "session": of,
            "event_type": kind,
            "page_id": page,
            "product_code": about,
            "inside": inside,
            "os": np.array(["1", "1", "2", "3"])[who[of] % 4],
        }
    ).sort("ts", "session", maintain_order=True)
    days = frame["state_date"].to_numpy()
    dated = dates(days)
    return frame.with_columns(
        ("e-" + dated + numbered("-", serial(days), 7)).alias("event_id"),
        ("s-" + pl.Series([first] * frame.height, dtype=pl.Int64).cast(pl.String) + "-" + frame["session"].cast(pl.String)).alias("session_id"),
        pl.when(pl.col("inside")).then("page_id").alias("page_id"),
        pl.when(pl.col("inside") & (pl.col("product_code") != "")).then("product_code").alias("product_code"),
        pl.when(pl.col("event_type") != "login_fail").then("cust_no").alias("cust_no"),
        pl.lit(None, dtype=pl.String).alias("invite_code"),
        pl.when(pl.col("session") % 5 > 0).then(pl.lit(words.COUNTY)).alias("region_code"),
    )  # fmt: skip
