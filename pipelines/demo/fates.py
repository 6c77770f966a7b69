"""Draws the customers and their fates: who lives how, and who dies, leaves, needs all money at once, or has hard times."""

from __future__ import annotations

import numpy as np

from pipelines.demo import words
from pipelines.demo.days import HISTORY_END, NEVER, Numbers, Span
from pipelines.demo.people import Cause, Dip, Flags, People, Shares, Way

SHARES = (0.25, 0.04, 0.19, 0.24, 0.09, 0.11, 0.05, 0.03)
AGES = ((20, 59), (23, 59), (60, 88), (35, 75), (25, 60), (20, 55), (18, 24), (1, 17))
INCOME = (550_000, 750_000, 190_000, 400_000, 2_500_000, 420_000, 120_000, 5_000)
"""Median a month: wages, pensions, a twelfth of two harvests, turnover, what is sent home, what parents give."""
INCOME_SPREAD = (0.40, 0.30, 0.50, 0.55, 0.70, 0.40, 0.30, 0.60)
MOBILE = (0.75, 0.80, 0.15, 0.25, 0.70, 0.45, 0.95, 0.10)
"""How many use the mobile bank and fast pay."""
NEWCOMERS = 30
"""Days after the history in which customers still join."""


def draw(count: int, quiet: int, span: Span, chance: np.random.Generator) -> People:
    """`count` customers, of whom the first `quiet` are the cast and have no fate of their own."""
    way = chance.choice(len(SHARES), size=count, p=SHARES)
    youngest, oldest = np.array(AGES).T
    age = chance.uniform(youngest[way], oldest[way] + 1)
    born = HISTORY_END - (age * 365.25).astype(np.int64)
    leap = chance.random(count) < 0.002
    born = np.where(leap, _leap_day(born), born)
    female = chance.random(count) < 0.5
    taste = chance.normal(size=count)
    income = np.exp(np.log(np.array(INCOME)[way]) + np.array(INCOME_SPREAD)[way] * taste)
    # Of a log-normal with a sigma of 1.9 the largest twentieth holds some 60 %.
    wealth = 300_000 * np.exp(1.9 * (0.3 * taste + np.sqrt(1 - 0.3**2) * chance.normal(size=count)))
    wealth = np.where(way >= Way.STUDENT, wealth * 0.3, wealth)
    sleeps = (chance.random(count) < 0.07) & ~np.isin(way, (Way.PAYROLL, Way.CIVIL, Way.TRADER))
    wealth = np.where(sleeps, np.minimum(wealth, chance.uniform(100, 60_000, size=count)), wealth)
    pocket = income * chance.uniform(0.3, 5.0, size=count)
    adult = age >= 18
    saves = adult & (wealth > 500_000) & ~sleeps
    demand = np.where(saves, np.minimum(wealth * chance.uniform(0.15, 0.5, size=count), pocket), wealth)
    opened = HISTORY_END + NEWCOMERS - (chance.random(count) * (15 * 365 + NEWCOMERS)).astype(np.int64)
    never = np.full(count, NEVER)
    none = np.zeros(count, dtype=np.int64)
    people = People(
        quiet=np.arange(count) < quiet,
        way=way,
        female=female,
        name=words.names(chance, female),
        born=born,
        opened=np.maximum(opened, np.where(adult, born + 16 * 366, born + 30)),
        mobile=chance.random(count) < np.array(MOBILE)[way],
        income=income.astype(np.int64),
        intensity=0.3 + 0.7 * chance.gamma(2.0, 0.5, size=count),
        wealth=wealth.astype(np.int64),
        demand=demand.astype(np.int64),
        payday=chance.integers(5, 29, size=count),
        employer=chance.integers(1 << 30, size=count),
        town=chance.integers(len(words.TOWNS), size=count),
        outlet=chance.integers(2, size=count),
        contacts=chance.integers(count, size=(count, 3)),
        salary_until=never.copy(),
        stress_from=never.copy(),
        stress_until=never.copy(),
        severity=chance.uniform(0.4, 0.95, size=count),
        salary_stops=chance.random(count) < 0.35,
        cause=none.copy(),
        leaves_from=never.copy(),
        drains_from=never.copy(),
        left_on=never.copy(),
        closed_on=never.copy(),
        died_on=never.copy(),
        death_known_on=never.copy(),
        dip=none.copy(),
        dip_on=never.copy(),
        dip_share=chance.uniform(0.5, 0.85, size=count),
        dip_back_on=never.copy(),
        looks_from=never.copy(),
        dresses=np.zeros(count, dtype=bool),
        sleeps=sleeps,
        asleep_on=never.copy(),
        frozen_on=never.copy(),
        thawed_on=never.copy(),
    )
    _deaths(people, age, span, chance)
    _leaving(people, span, chance)
    _dips(people, span, chance)
    _stress(people, span, chance)
    _asleep_or_frozen(people, span, chance)
    for day in (people.dip_on, people.looks_from, people.stress_from, people.asleep_on, people.frozen_on):
        day[people.quiet] = NEVER
    people.sleeps[people.quiet] = False
    people.dresses[people.quiet] = False
    return people


def _some_day(span: Span, count: int, chance: np.random.Generator) -> Numbers:
    """A day of the time in which lives change: from four months before the history to four after it."""
    return chance.integers(span.start - 120, span.end + 120, size=count)


def _happens(yearly: float | Shares, span: Span, count: int, chance: np.random.Generator) -> Flags:
    """To whom something happens that comes so often a year."""
    return np.asarray(chance.random(count) < 1 - np.exp(-np.asarray(yearly) * span.years), dtype=bool)


def _leap_day(born: Numbers) -> Numbers:
    """29 February of the leap year nearest before."""
    years = born.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    leap = (years // 4 * 4 - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    return np.asarray(leap + 59, dtype=np.int64)


def _deaths(people: People, age: Shares, span: Span, chance: np.random.Generator) -> None:
    yearly = np.select([age < 50, age < 65, age < 75], [0.001, 0.006, 0.02], 0.06)
    dies = _happens(yearly, span, people.count, chance) & ~people.quiet
    on = _some_day(span, people.count, chance)
    known, inherited = chance.integers(3, 60, size=people.count), chance.integers(60, 240, size=people.count)
    dies &= on > people.opened + 90
    people.cause[dies] = Cause.DIED
    for day, value in (
        (people.died_on, on),
        (people.leaves_from, on),
        (people.drains_from, on),
        (people.left_on, on + known + inherited),
        (people.death_known_on, on + known),
        (people.closed_on, on + known + inherited),
    ):
        day[dies] = value[dies]


def _leaving(people: People, span: Span, chance: np.random.Generator) -> None:
    """First signs, then money leaves over weeks; for one in five there are no signs. Half of them close the account."""
    count = people.count
    adult = people.way != Way.MINOR
    leaves = _happens(0.08, span, count, chance) & adult & ~people.quiet & ~people.sleeps & (people.cause == Cause.NONE)
    begins = _some_day(span, count, chance)
    leaves &= begins > people.opened + 180
    waged, rich = np.isin(people.way, (Way.PAYROLL, Way.CIVIL)), people.wealth > 2_000_000
    draw_, u = chance.random(count), chance.random(count)
    rate = np.where(rich, 0.55, 0.35)
    cause = np.where(draw_ < rate, Cause.BETTER_RATE, np.where(waged & (u < 0.7), Cause.SALARY_MOVED, Cause.MOVED_AWAY))
    signs = np.where(chance.random(count) < 0.2, 0, chance.integers(20, 75, size=count))
    weeks, closing = chance.integers(21, 100, size=count), chance.integers(5, 60, size=count)
    closes = chance.random(count) < 0.45
    people.cause[leaves] = cause[leaves]
    people.leaves_from[leaves] = begins[leaves]
    people.drains_from[leaves] = (begins + signs)[leaves]
    people.left_on[leaves] = (begins + signs + weeks)[leaves]
    people.closed_on[leaves & closes] = (begins + signs + weeks + closing)[leaves & closes]
    gone = leaves & waged & np.isin(people.cause, (Cause.SALARY_MOVED, Cause.MOVED_AWAY))
    people.salary_until[gone] = (begins + chance.integers(0, 40, size=count))[gone]
    people.salary_until = np.minimum(people.salary_until, people.died_on)


def _dips(people: People, span: Span, chance: np.random.Generator) -> None:
    """What looks like leaving and is not: large payments that come back, and people who only look around."""
    count = people.count
    free = (people.cause == Cause.NONE) & ~people.sleeps & (people.way < Way.STUDENT)
    dips = _happens(0.12, span, count, chance) & free & (people.wealth > 500_000)
    kind = chance.choice([Dip.HOUSE, Dip.WEDDING, Dip.WEALTH], size=count, p=[0.4, 0.35, 0.25])
    on = _some_day(span, count, chance)
    months = np.select([kind == Dip.HOUSE, kind == Dip.WEDDING], [chance.integers(75, 240, size=count)] * 2, 120)
    months = np.where(kind == Dip.WEDDING, chance.integers(40, 110, size=count), months)
    months = np.where(kind == Dip.WEALTH, chance.choice([91, 182], size=count), months)
    dips &= on > people.opened + 120
    people.dip[dips] = kind[dips]
    people.dip_on[dips] = on[dips]
    people.dip_back_on[dips] = (on + months)[dips]
    looks = _happens(0.12, span, count, chance) & free & ~dips
    people.looks_from[looks] = _some_day(span, count, chance)[looks]
    people.dresses[:] = (chance.random(count) < 0.012) & free & (people.wealth > 2_000_000)


def _stress(people: People, span: Span, chance: np.random.Generator) -> None:
    """Those who owe nothing come under stress too; of borrowers the loan book decides."""
    count = people.count
    hit = _happens(0.03, span, count, chance) & (people.cause == Cause.NONE) & (people.way < Way.STUDENT)
    on = _some_day(span, count, chance)
    people.stress_from[hit] = on[hit]
    people.stress_until[hit] = (on + chance.integers(150, 420, size=count))[hit]


def _asleep_or_frozen(people: People, span: Span, chance: np.random.Generator) -> None:
    count = people.count
    on = np.maximum(_some_day(span, count, chance), people.opened + 400)
    people.asleep_on[:] = np.where(people.sleeps, np.where(chance.random(count) < 0.8, people.opened + 700, on), NEVER)
    calm = (people.cause == Cause.NONE) & (people.dip == Dip.NONE) & ~people.sleeps & (people.wealth < 500_000)
    frozen = (chance.random(count) < 0.003) & calm & (people.opened < span.start)
    people.frozen_on[frozen] = on[frozen]
    people.thawed_on[frozen] = (on + 180)[frozen]
