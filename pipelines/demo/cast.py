"""The cast: customers made by hand, each there for one indicator, in front of the crowd.

`Member.shows` is what holds on each of the first five nights when there are at least 13 months of history: the
indicators of which the member is a HIT, and the level. Nothing is drawn for a member: what is not written here, or in
`cast_lives` and `cast_loans`, does not happen to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
import polars as pl

from pipelines.demo.customers import Customers
from pipelines.demo.days import NEVER, number
from pipelines.demo.people import Cause, People, Way

JOINED = date(2018, 5, 14)
SHARED_MOBILE = "13857700066"


@dataclass(frozen=True, kw_only=True)
class Member:
    """A customer of the cast. `opening` is the balance in yuan on the eve of the history."""

    name: str
    why: str
    shows: Mapping[str, str] = field(default_factory=dict)
    female: bool = False
    born: dt.date = date(1984, 3, 5)
    way: Way = Way.PAYROLL
    salary: int = 0
    opening: int = 20_000


MEMBERS: dict[str, Member] = {
    "payer": Member(name="陈家和", why="borrows, and pays on the day", salary=8_000),
    "checksum": Member(name="王静宜", female=True, why="an ID with a wrong check character", shows={"R001": "orange"}),
    "expired": Member(
        name="李存厚", why="an ID that expired months ago, and a loan", salary=6_000, shows={"R002": "orange"}
    ),
    "deceased": Member(
        name="周远山",
        born=date(1951, 9, 1),
        way=Way.PENSIONER,
        why="died, and yet there is a payment after it",
        shows={"R011": "red"},
    ),
    "days late": Member(
        name="杨开河", why="a few days late", shows={"R025": "blue", "R026": "yellow", "R027": "orange"}, opening=300
    ),
    "weeks late": Member(
        name="赵如兰",
        female=True,
        why="weeks late",
        shows={"R025": "yellow", "R026": "yellow", "R027": "orange"},
        opening=300,
    ),
    "months late": Member(
        name="黄石生", why="more than a month late", shows={"R025": "orange", "R026": "yellow"}, opening=300
    ),
    "in default": Member(
        name="吴刚毅", why="more than 90 days late", shows={"R025": "red", "R026": "red", "R028": "yellow"}, opening=300
    ),
    "written off": Member(
        name="徐丽华",
        female=True,
        why="written off, and still a debtor",
        shows={"R025": "red", "R026": "red", "R028": "orange"},
        opening=100,
    ),
    "special mention": Member(
        name="孙望涛", why="special mention, yet never late", salary=9_000, shows={"R026": "yellow"}
    ),
    "migrated": Member(
        name="马平川",
        why="became substandard two weeks ago",
        shows={"R025": "red", "R026": "red", "R027": "orange", "R028": "yellow"},
        opening=300,
    ),
    "often late": Member(
        name="朱琳琅", female=True, why="three short arrears in a year", salary=7_000, shows={"R028": "yellow"}
    ),
    "first payment": Member(
        name="胡若谷",
        why="did not pay even once",
        shows={"R025": "yellow", "R026": "yellow", "R027": "orange", "R029": "orange"},
        opening=300,
    ),
    "extended": Member(
        name="郭敏行", female=True, why="got a longer term", salary=8_000, shows={"R030": "yellow", "R040": "blue"}
    ),
    "restructured": Member(
        name="何静波", why="got a new plan", salary=6_000, shows={"R026": "yellow", "R031": "orange"}
    ),
    "new for old": Member(
        name="高远",
        why="a new loan for the old one",
        salary=6_000,
        shows={"R026": "yellow", "R032": "yellow", "R040": "blue"},
    ),
    "short of money": Member(
        name="林疏影", female=True, why="two instalments due, and nothing there", shows={"R033": "blue"}, opening=900
    ),
    "paid for": Member(name="罗承志", why="the brother pays", salary=4_000, shows={"R034": "yellow"}),
    "brother": Member(name="罗承业", why="pays what others owe", salary=12_000, opening=60_000),
    "vouched for": Member(name="梁丰年", why="the guarantor had to pay", salary=4_000, shows={"R034": "orange"}),
    "burdened": Member(name="宋小满", why="most of the wage goes to the loan", salary=5_000, shows={"R037": "yellow"}),
    "overburdened": Member(
        name="邓初晴",
        female=True,
        why="nearly all of the wage goes to the loan",
        salary=5_000,
        shows={"R037": "orange"},
    ),
    "limit used up": Member(
        name="谢安石", why="the limit is drawn to the last yuan", salary=7_000, shows={"R040": "blue"}
    ),
    "inflow gone": Member(name="韩秋水", way=Way.TRADER, why="the inflow broke down", shows={"R045": "orange"}),
    "inflow halved": Member(name="唐半溪", way=Way.TRADER, why="the inflow nearly halved", shows={"R045": "yellow"}),
    "salary stopped": Member(
        name="冯素心",
        female=True,
        why="no salary since August",
        shows={"R045": "yellow", "R046": "yellow", "R047": "blue"},
    ),
    "salary fell": Member(name="于谦和", why="the salary fell by more than a third", shows={"R047": "blue"}),
    "deposits left": Member(
        name="董梅臣", female=True, why="a borrower whose deposits left", shows={"R048": "yellow"}, opening=90_000
    ),
    "passing through": Member(
        name="萧行舟", way=Way.TRADER, why="twice money came and went at once", shows={"R049": "yellow"}, opening=500
    ),
    "always passing": Member(
        name="程万里", way=Way.TRADER, why="money comes and goes at once", shows={"R049": "orange"}, opening=500
    ),
    "collector": Member(
        name="曹百川", way=Way.TRADER, why="many pay in, few are paid", shows={"R050": "orange"}, opening=30_000
    ),
    "sleeper": Member(
        name="袁梦回",
        way=Way.FARMER,
        born=date(1965, 12, 15),
        why="asleep for a year, then 60,000",
        shows={"R051": "yellow"},
        opening=30_000,
    ),
    "just under": Member(
        name="许分明", way=Way.TRADER, why="three times cash just under 50,000", shows={"R052": "orange"}
    ),
    "gambler": Member(name="傅一掷", why="pays a betting site again and again", salary=6_000, shows={"R053": "orange"}),
    "tempted": Member(name="沈小试", why="paid a betting site once", salary=6_000, shows={"R053": "yellow"}),
    "at night": Member(name="曾不眠", why="pays at night", salary=6_000, shows={"R054": "yellow"}),
    "back-flow": Member(
        name="彭转运", way=Way.TRADER, why="the loan came back through another's account", shows={"R055": "orange"}
    ),
    "go-between": Member(name="吕过手", why="the account through which it came back", opening=5_000),
    "speculator": Member(name="苏逐利", why="the loan went to a broker", salary=9_000, shows={"R056": "orange"}),
    "buyer": Member(name="卢置业", way=Way.TRADER, why="a business loan went to a developer", shows={"R056": "orange"}),
    "splitter": Member(
        name="蒋分心", why="two draws in a week, to stay below the line", salary=15_000, shows={"R057": "yellow"}
    ),
    **{
        f"one mobile {n}": Member(
            name=f"蔡{given}", why="one of six with one mobile", shows={"R004": "orange"}, opening=1_000
        )
        for n, given in enumerate(("同一", "同二", "同三", "同四", "同億", "同𠮷"), start=1)
    },
}
"""The cast by what each is there for; customer n is the n-th."""
PLACE = {name: place for place, name in enumerate(MEMBERS)}


def settle(people: People) -> None:
    """Make the first customers those of the cast: nothing of what was drawn for them is left."""
    members = list(MEMBERS.values())
    count = len(members)
    for column, values in (
        (people.way, [member.way for member in members]),
        (people.born, [number(member.born) for member in members]),
        (people.income, [max(member.salary, 3_000) * 100 for member in members]),
        (people.wealth, [member.opening * 100 for member in members]),
        (people.demand, [member.opening * 100 for member in members]),
        (people.female, [member.female for member in members]),
    ):
        column[:count] = np.array(values)
    people.name = pl.concat([pl.Series([member.name for member in members]), people.name[count:]])
    people.opened[:count] = number(JOINED)
    people.mobile[:count] = True
    for day in (
        *(people.stress_from, people.stress_until, people.leaves_from, people.drains_from, people.left_on),
        *(people.closed_on, people.died_on, people.death_known_on, people.dip_on, people.dip_back_on),
        *(people.looks_from, people.asleep_on, people.frozen_on, people.thawed_on),
    ):
        day[:count] = NEVER
    people.cause[:count], people.dip[:count] = Cause.NONE, 0
    people.salary_until[:count] = np.where(np.array([member.salary for member in members]) > 0, NEVER, 0)
    people.salary_until[PLACE["salary stopped"]] = number(date(2026, 8, 31))
    people.salary_until[PLACE["salary fell"]] = NEVER
    people.death_known_on[PLACE["deceased"]] = number(date(2026, 9, 12))
    people.cause[PLACE["deceased"]] = Cause.DIED


def papers(customers: Customers, *, flaws: bool = True) -> Customers:
    """The cast's documents: with `flaws` one with a wrong check character; one that expired, one mobile for six."""
    customers.expires[PLACE["expired"]] = number(date(2026, 6, 15))
    right = customers.static["id"][PLACE["checksum"]]
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    place = pl.int_range(pl.len())
    six = place.is_between(PLACE["one mobile 1"], PLACE["one mobile 6"])
    changed = customers.static.with_columns(
        pl.when((place == PLACE["checksum"]) & flaws).then(pl.lit(wrong)).otherwise("id").alias("id"),
        pl.when(six).then(pl.lit(SHARED_MOBILE)).otherwise("mobile").alias("mobile"),
    )
    return replace(customers, static=changed)
