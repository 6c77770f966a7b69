"""What partners send with people's consent: taxes, social security, shops on platforms, electricity, the village survey.

Months come in during the one after them. Nothing was agreed before the first night, so that night has the last three
months, and what comes later comes by the day. Each row names the authorisation that it came with.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.days import NEVER, Numbers, add_months
from pipelines.demo.people import Way
from pipelines.demo.systems.crm import household_of
from pipelines.demo.systems.feeds import States
from pipelines.demo.systems.firms import Firms
from pipelines.demo.systems.world import World, drawn, masked, months_of, numbered

BACK = 3
"""Months that the first night has."""
ELECTRICITY = 0.25
SURVEYED = 0.3


def _monthly(world: World, who: Numbers, *, within: int) -> tuple[Numbers, Numbers, Numbers]:
    """For each of them and each month of which something is told: its place, the month's first day, and when it is told."""
    first = int(add_months(np.array([world.span.end + 1]), -BACK)[0])
    begins = add_months(np.full(BACK + 4, first), np.arange(BACK + 4))
    place, month = np.repeat(np.arange(len(who)), len(begins)), np.tile(begins, len(who))
    told = add_months(month, 1) + who[place] % within
    kept = told <= world.span.horizon
    return place[kept], month[kept], told[kept]


def px_tax(firms: Firms) -> States:
    """What firms declare: less in hard times, late, and red invoices among it."""
    world, chance = firms.world, firms.world.chance(110)
    who = np.flatnonzero(firms.size != "6")
    place, month, told = _monthly(world, who, within=15)
    firm = who[place]
    here = firms.there(month, firm)
    firm, month, told = firm[here], month[here], told[here]
    count, strain = len(firm), firms.strain(month + 15, firm)
    sales = (firms.sales[firm] * (1 - 0.6 * strain) * chance.uniform(0.8, 1.2, size=count)).astype(np.int64)
    none = (strain > 0.7) & (chance.random(count) < 0.5)
    sales = np.where(none, 0, sales)
    rows = pl.DataFrame(
        {
            "state_date": told,
            "uscc": firms.papers["uscc"][firm],
            "period": months_of(month),
            "grade": np.where(strain > 0.5, "C", np.array(list("ABBM"))[firm % 4]),
            "sales": sales,
            "tax_paid": sales * 3 // 100,
            "arrear_amt": np.where(strain > 0.6, sales // 50, 0),
            "late_files": (strain > 0.4).astype(np.int64),
            "zero_file": np.where(sales == 0, "1", "0"),
            "red_amt": (sales * (0.01 + 0.1 * strain)).astype(np.int64),
            "inv_amt": sales * 101 // 100,
            "inv_days": np.where(sales == 0, 0, 5 + firm % 18),
            "top1_buyer": 1_000 + firm % 60 * 100,
            "auth_no": numbered("AUX1", firm, 8),
        }
    )
    return States(rows, ("uscc", "period"), world.span, first_load=True)


def px_social(firms: Firms) -> States:
    """Social security and housing fund of who is paid wages; it stops when the wages do."""
    world, people = firms.world, firms.world.people
    who = np.flatnonzero(np.isin(people.way, (Way.PAYROLL, Way.CIVIL)) & world.sound & world.adult)
    place, month, told = _monthly(world, who, within=10)
    person = who[place]
    here = (people.opened[person] < told) & (people.died_on[person] > month)
    person, month, told = person[here], month[here], told[here]
    paid = (people.salary_until[person] > month + 20) & ~(
        people.salary_stops[person] & (world.strain(month + 15, person) > 0.5)
    )
    first, end = world.others.ranges["employer"]
    employers = np.flatnonzero(firms.owner < 0)
    unit = firms.papers["uscc"][employers[people.employer[person] % (end - first)]]
    base = people.income[person] // 10_000 * 10_000
    status = np.where(paid, "1", "2")
    rows = pl.DataFrame(
        {
            "state_date": told,
            "id_no": world.persons["id_no"][person],
            "person_name": people.name[person],
            "month": months_of(month),
            "emp_uscc": masked(unit.to_numpy(), paid & (people.way[person] == Way.PAYROLL)),
            "ss_base": base,
            "ss_status": status,
            "hf_base": np.where(paid, base, 0),
            "hf_status": status,
            "auth_no": numbered("AUX2", person, 8),
        }
    )
    return States(rows, ("id_no", "month"), world.span, first_load=True)


def px_shop(firms: Firms) -> States:
    """Shops on platforms of one trader in five."""
    world, chance = firms.world, firms.world.chance(111)
    owned = firms.owned[firms.size[firms.owned] != "6"]
    owned = owned[world.sound[firms.owner[owned]]]
    who = owned[owned % 5 == 0] if (owned % 5 == 0).any() else owned[:1]
    place, month, told = _monthly(world, who, within=12)
    firm = who[place]
    here = firms.there(month, firm)
    firm, month, told = firm[here], month[here], told[here]
    sold = (
        firms.sales[firm] * (1 - 0.6 * firms.strain(month + 15, firm)) * chance.uniform(0.1, 0.4, size=len(firm))
    ).astype(np.int64)
    rows = pl.DataFrame(
        {
            "state_date": told,
            "shop_id": numbered("TB-", firm + 100, 6),
            "month": months_of(month),
            "owner_id": world.persons["id_no"][firms.owner[firm]],
            "gmv": sold,
            "orders": sold // 9_000 + 1,
            "refund_rate": 100 + firm % 30 * 20,
            "score": 420 + firm % 8 * 10,
            "complaint_rate": firm % 20,
            "auth_no": numbered("AUX3", firm, 8),
        }
    )
    return States(rows, ("shop_id", "month"), world.span, first_load=True)


def px_util(firms: Firms) -> States:
    """Meters of firms and of some households."""
    world, chance = firms.world, firms.world.chance(112)
    owned, people = firms.owned, world.people
    homes = np.flatnonzero(world.sound & world.adult & (people.employer % 100 < ELECTRICITY * 100))
    sound = owned[world.sound[firms.owner[owned]]]
    meters = pl.concat(
        [
            pl.DataFrame({"acct": numbered("D33", sound, 9), "owner_id": firms.papers["uscc"][sound], "who": firms.owner[sound], "usual": firms.sales[sound] // 400 + 20_000}),
            pl.DataFrame({"acct": numbered("D88", homes, 9), "owner_id": world.persons["id_no"][homes], "who": homes, "usual": 12_000 + homes * 37 % 30_000}),
        ]
    )  # fmt: skip
    place, month, told = _monthly(world, np.arange(meters.height), within=8)
    who = meters["who"].to_numpy()[place]
    here = (people.opened[who] < told) & (people.died_on[who] > month)
    place, month, told, who = place[here], month[here], told[here], who[here]
    strain = world.strain(month + 15, who)
    used = (meters["usual"].to_numpy()[place] * (1 - 0.5 * strain) * chance.uniform(0.8, 1.2, size=len(place))).astype(
        np.int64
    )
    rows = meters.select("acct", "owner_id")[place].with_columns(
        pl.Series("state_date", told), pl.Series("month", months_of(month)), pl.Series("kwh", used),
        pl.Series("arrear", np.where(strain > 0.5, used * 6 // 10, 0)), numbered("AUX4", place, 8).alias("auth_no"),
    )  # fmt: skip
    return States(rows, ("acct", "month"), world.span, first_load=True)


def px_village(world: World) -> States:
    """Households as the village sees them: surveyed within two years of any night, some of them anew on each."""
    people, chance = world.people, world.chance(113)
    able = np.flatnonzero(
        world.sound
        & world.adult
        & ((people.way == Way.FARMER) | (people.way == Way.MIGRANT))
        & (people.opened < world.span.start)
    )
    head = np.unique(able // 3, return_index=True)[1]
    heads = able[head][chance.random(len(head)) < SURVEYED] if len(head) else able
    heads = heads if len(heads) else np.flatnonzero(world.sound & world.adult)[:1]
    on = (
        world.span.end
        - 400
        + (chance.random(len(heads)) * (400 + world.span.horizon - world.span.end)).astype(np.int64)
    )
    count, strain = len(heads), world.strain(on, heads)
    bad = drawn(("3", "4", "5,6", "7"), count, chance)
    known = (world.first_late[31][heads] < on) | (chance.random(count) < 0.03)
    flags = np.where(people.death_known_on[heads] <= on, "8", bad)
    scored = np.clip(chance.normal(84 - 20 * strain, 6), 30, 99)
    yearly = people.income[heads] * 12 // 100_000 * 100_000
    rows = pl.DataFrame(
        {
            "state_date": on,
            "survey_date": on,
            "household_id": household_of(world, heads),
            "head_id": world.persons["id_no"][heads],
            "head_name": people.name[heads],
            "village_code": world.persons["village_code"][heads],
            "members": chance.integers(1, 7, size=count),
            "labour": chance.integers(1, 4, size=count),
            "annual_income": yearly,
            "land_mu": np.where(people.way[heads] == Way.FARMER, chance.integers(100, 4_000, size=count), 0),
            "crop": masked(drawn(("A011", "A012", "A014", "A031"), count, chance), people.way[heads] == Way.FARMER),
            "house_value": chance.integers(10, 80, size=count) * 1_000_000,
            "ext_debt": np.where(strain > 0.3, chance.integers(1, 30, size=count) * 500_000, 0),
            "eval_avg": (scored * 100).astype(np.int64),
            "eval_n": chance.integers(3, 8, size=count),
            "neg_flags": masked(flags, known | (people.death_known_on[heads] <= on)),
            "pre_credit": np.where(known, 0, yearly // 2),
            "emp_id": numbered("E", people.town[heads] * 7 + 100, 5),
            "auth_no": numbered("AUX5", heads, 8),
        }
    ).with_columns(pl.when(pl.col("pre_credit") > 0).then("pre_credit").alias("pre_credit"))
    return States(
        rows.unique("household_id", keep="first", maintain_order=True),
        ("household_id", "survey_date"),
        world.span,
        first_load=True,
    )


def px_control(world: World) -> States:
    """Courts and police: of every account that is frozen the order, and half a year later its release; queries beside."""
    people, chance = world.people, world.chance(114)
    frozen = np.flatnonzero(people.frozen_on < world.span.horizon)
    asked = np.maximum(int(world.people.count * 0.000_05 * (world.span.horizon - world.span.start)), 2)
    queried = chance.choice(np.flatnonzero(world.adult), size=asked)
    on = chance.integers(world.span.start, world.span.horizon, size=asked)
    number = numbered("WK", frozen, 8)
    day = pl.DataFrame
    parts = [
        day({"who": frozen, "state_date": people.frozen_on[frozen], "req_no": number + "F", "action": np.full(len(frozen), "2"), "orig_req_no": pl.Series([None] * len(frozen), dtype=pl.String)}),
        day({"who": frozen, "state_date": people.thawed_on[frozen], "req_no": number + "R", "action": np.full(len(frozen), "4"), "orig_req_no": number + "F"}),
        day({"who": queried, "state_date": on, "req_no": numbered("WKQ", np.arange(asked), 8), "action": np.full(asked, "1"), "orig_req_no": pl.Series([None] * asked, dtype=pl.String)}),
    ]  # fmt: skip
    rows = pl.concat(parts).filter(pl.col("state_date") < NEVER)
    who = rows["who"].to_numpy()
    rows = rows.filter(pl.Series(people.opened[who] < rows["state_date"].to_numpy()))
    who = rows["who"].to_numpy()
    holds = pl.col("action") == "2"
    rows = rows.with_columns(
        world.persons["cust_no"][who], world.persons["acct_no"][who], pl.lit("1").alias("authority"),
        pl.col("state_date").alias("act_date"), pl.lit("0").alias("fraud_case"),
        pl.when(holds).then(pl.Series(people.income[who] * 4)).alias("amount"),
        pl.when(holds).then(pl.col("state_date") + 364).alias("expire_date"),
    )  # fmt: skip
    return States(rows, ("req_no",), world.span, first_load=True)
