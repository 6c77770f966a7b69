"""Employees, what is asked of them each month, and what they learn."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.days import add_months
from pipelines.demo.systems.feeds import States
from pipelines.demo.systems.world import World, months_of, numbered

EMPLOYEES = 100
"""E00100 to E00199: the managers that customers, contracts and firms name are among them."""
WEIGHTS = {
    "K01": 2_000,
    "K02": 1_000,
    "K03": 1_500,
    "K04": 1_000,
    "K05": 1_000,
    "K06": 1_000,
    "K07": 500,
    "K08": 500,
    "K09": 500,
    "K10": 1_000,
}
"""Ten thousandths of the score; they add up to one."""
TARGETS = {
    "K01": 50_000_000_000,
    "K02": 120_000,
    "K03": 80_000_000_000,
    "K04": 5_000_000_000,
    "K05": 600_000,
    "K06": 12_000,
    "K07": 450_000,
    "K08": 980_000,
    "K09": 60_000,
    "K10": 3_000_000,
}
COURSES = 40


def _ids(place: np.ndarray) -> pl.Series:
    return numbered("E", place + 100, 5)


def hr_emp(world: World) -> States:
    """The bank's people: some are its customers, one in forty has left."""
    chance = world.chance(40)
    place = np.arange(EMPLOYEES)
    female = chance.random(EMPLOYEES) < 0.5
    hired = world.span.start - chance.integers(100, 6_000, size=EMPLOYEES)
    own = chance.permutation(np.flatnonzero(world.adult))[: EMPLOYEES // 4]
    number = pl.concat([world.persons["cust_no"][own], pl.Series([None] * (EMPLOYEES - len(own)), dtype=pl.String)])
    post = np.array(["01", "02", "01", "03", "02", "04", "01", "02", "05", "06"])[place % 10]
    base = pl.DataFrame(
        {
            "emp_id": _ids(place),
            "name": words.names(chance, female),
            "org_no": numbered(words.BANK_CODE, place % 24 + 20, 3),
            "post": post,
            "hire_date": hired,
            "level": chance.integers(1, 12, size=EMPLOYEES),
            "cust_no": number,
        }
    )
    left = base.filter(pl.Series(place % 40 == 39)).with_columns(
        pl.Series("state_date", np.full(EMPLOYEES // 40, world.span.end - 200)), pl.lit("2").alias("status")
    )
    working = base.with_columns(pl.Series("state_date", hired), pl.lit("1").alias("status"))
    return States(pl.concat([working, left]), ("emp_id",), world.span, full=True)


def hr_kpi(world: World) -> States:
    """The month's targets of everybody, said on its first day."""
    firsts = np.array([first for first, _ in world.span.months()])
    months = pl.DataFrame({"state_date": firsts, "month": months_of(firsts)})
    people = pl.DataFrame({"emp_id": _ids(np.arange(EMPLOYEES)), "size": 80 + np.arange(EMPLOYEES) * 7 % 60})
    asked = pl.DataFrame({"kpi_code": list(WEIGHTS), "weight": list(WEIGHTS.values()), "usual": list(TARGETS.values())})
    rows = months.join(people, how="cross").join(asked, how="cross")
    return States(
        rows.with_columns((pl.col("usual") * pl.col("size") // 100).alias("target")),
        ("emp_id", "month", "kpi_code"),
        world.span,
    )


def hr_learn(world: World) -> States:
    """Courses that were done: each once, two a year in the mean."""
    chance = world.chance(41)
    months = int(np.ceil((world.span.horizon - world.span.start) / 30))
    first = add_months(np.array([world.span.start]), 0)[0]
    taken = chance.random((EMPLOYEES, COURSES)) < min(0.005 * months + 0.02, 0.9)
    taken[0, 0] = True
    who, course = np.nonzero(taken)
    on = first + chance.integers(0, world.span.horizon - first + 1, size=len(who))
    on[0] = first + 3
    rows = pl.DataFrame(
        {
            "state_date": on,
            "done_date": on,
            "emp_id": _ids(who),
            "course_id": numbered("C", course + 1, 4),
            "score": np.clip(chance.normal(84, 9, size=len(who)).astype(np.int64), 0, 100),
            "hours": np.array([100, 150, 200, 400])[course % 4],
        }
    )
    return States(rows, ("emp_id", "course_id", "done_date"), world.span)
