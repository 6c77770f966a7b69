"""Who belongs together, and who stands on a list: relations between customers, and names in black, grey and white."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.cast import PLACE
from pipelines.demo.days import NEVER, Numbers
from pipelines.demo.people import Way
from pipelines.demo.systems.feeds import States
from pipelines.demo.systems.firms import SELF_EMPLOYED, Firms
from pipelines.demo.systems.world import World, numbered

SOURCES = {"B": "风险管理部", "G": "贷后管理", "W": "普惠金融部"}
YEARS = {"B": 5, "G": 1, "W": 2}


def spouses(world: World) -> tuple[Numbers, Numbers]:
    """Pairs of a woman and a man of one town and about one age; two thirds of the adults who find somebody."""
    people = world.people
    pairs: list[tuple[Numbers, Numbers]] = []
    able = world.adult & ~people.quiet & (people.way != Way.STUDENT)
    for town in np.unique(people.town):
        women, men = (np.flatnonzero(able & (people.town == town) & (people.female == sex)) for sex in (True, False))
        women, men = women[np.argsort(people.born[women])], men[np.argsort(people.born[men])]
        many = min(len(women), len(men))
        pairs.append((women[:many], men[:many]))
    wife, husband = (np.concatenate(side) for side in zip(*pairs, strict=True))
    lasting = (wife + husband) % 3 > 0
    return wife[lasting], husband[lasting]


def bc_relation(firms: Firms) -> States:
    """Spouses, parents of children, the brothers of the cast, and what ties owners to their firms."""
    world, people = firms.world, firms.world.people
    wife, husband = spouses(world)
    married = np.maximum(people.born[wife], people.born[husband]) + 25 * 365
    child = np.flatnonzero(people.way == Way.MINOR)
    grown = np.flatnonzero((people.way <= Way.MIGRANT) & ~people.quiet)
    parent = grown[child * 7 % len(grown)] if len(grown) else child[:0]
    firm = firms.owned
    limited = firm[firms.size[firm] != SELF_EMPLOYED]
    brother, helped = np.array([PLACE["brother"]] * 1), np.array([PLACE["paid for"]])
    numbers, papers = world.persons["cust_no"], firms.papers["cust_no"]
    parts = [
        (numbers[wife], numbers[husband], "01", None, married, _later(world, wife, husband)),
        (numbers[parent], numbers[child], "02", None, people.born[child], _later(world, parent, child)),
        (numbers[brother], numbers[helped], "03", None, people.born[helped], _later(world, brother, helped)),
        *(
            (
                numbers[firms.owner[of]],
                papers[of],
                rel,
                pct,
                firms.opened[of],
                np.maximum(firms.opened[of], world.span.start),
            )
            for of, rel, pct in ((firm, "11", None), (limited, "12", 6_000), (limited, "13", None))
        ),
    ]
    frames = [
        pl.DataFrame({"a_no": a, "b_no": b, "start_date": begun, "state_date": since}).with_columns(
            pl.lit(rel).alias("rel"),
            pl.lit(pct, dtype=pl.Int64).alias("pct"),
            pl.lit(NEVER).cast(pl.Int64).alias("end_date"),
        )
        for a, b, rel, pct, begun, since in parts
    ]
    rows = pl.concat(frames).with_columns(pl.min_horizontal("start_date", "state_date").alias("start_date"))
    return States(rows, ("a_no", "b_no", "rel"), world.span, full=True)


def _later(world: World, one: Numbers, other: Numbers) -> Numbers:
    return np.maximum(world.since[one], world.since[other])


def bc_list(firms: Firms) -> States:
    """Lists by what is known on the day: in default, watched, under stress; and whom the bank would like to lend to."""
    world, people = firms.world, firms.world.people
    everybody, begin = np.arange(people.count), world.since + 1
    hash_ = everybody * 7_919 % 100
    listed = {
        "B04": world.first_late[91],
        "G01": world.first_late[31],
        "G03": np.where(people.severity > 0.75, people.stress_from + 40, NEVER),
        "W01": np.where((people.way == Way.FARMER) & (hash_ < 60), begin, NEVER),
        "W02": np.where((people.way == Way.PAYROLL) & (hash_ < 40), begin, NEVER),
        "W04": np.where((people.way == Way.TRADER) & (hash_ < 25), begin, NEVER),
        "W05": np.where((people.way == Way.CIVIL) & (hash_ < 90), begin, NEVER),
    }
    frames = []
    for kind, on in listed.items():
        who = np.flatnonzero(world.sound & (on < world.span.horizon) & (on > people.opened) & world.adult)
        since = np.maximum(on[who], world.span.start - 200)
        frames.append(
            pl.DataFrame(
                {
                    "state_date": since,
                    "list_id": numbered(f"BL{kind}", who, 8),
                    "id_no": world.persons["id_no"][who],
                    "eff_date": since,
                    "exp_date": since + YEARS[kind[0]] * 365,
                }
            ).with_columns(
                pl.lit(kind[0]).alias("list_color"), pl.lit(kind).alias("list_kind"), pl.lit(SOURCES[kind[0]]).alias("source"),
                pl.lit("逾期超过90天" if kind == "B04" else None, dtype=pl.String).alias("reason"),
            )
        )  # fmt: skip
    return States(pl.concat(frames), ("list_id",), world.span, full=True)
