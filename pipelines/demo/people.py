"""The latent truth behind all files: who the customers are, how they live, and what will happen to them.

Everything else follows from it. A customer leads a way of life; some come under stress, leave, take out most of what
they have for a house or a wedding and bring it back, sleep, are frozen, or die; `fates` draws it. Columns are one entry a
customer, amounts fen, days whole numbers; what never happens is on the day NEVER.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo.days import Numbers, ramp

Flags = NDArray[np.bool_]
Shares = NDArray[np.float64]


class Way(IntEnum):
    """Ways of life."""

    PAYROLL = 0
    CIVIL = 1
    PENSIONER = 2
    FARMER = 3
    TRADER = 4
    MIGRANT = 5
    STUDENT = 6
    MINOR = 7


class Cause(IntEnum):
    """Why a customer leaves."""

    NONE = 0
    SALARY_MOVED = 1
    BETTER_RATE = 2
    MOVED_AWAY = 3
    DIED = 4


class Dip(IntEnum):
    """Why a balance is gone for a while, and comes back."""

    NONE = 0
    HOUSE = 1
    WEDDING = 2
    WEALTH = 3


@dataclass
class People:
    """All customers. `quiet` are those of the cast: nothing is drawn for them."""

    quiet: Flags
    way: Numbers
    female: Flags
    name: pl.Series
    born: Numbers
    opened: Numbers
    mobile: Flags
    income: Numbers
    intensity: Shares
    wealth: Numbers
    demand: Numbers
    payday: Numbers
    employer: Numbers
    town: Numbers
    outlet: Numbers
    contacts: NDArray[np.int64]
    salary_until: Numbers
    stress_from: Numbers
    stress_until: Numbers
    severity: Shares
    salary_stops: Flags
    cause: Numbers
    leaves_from: Numbers
    drains_from: Numbers
    left_on: Numbers
    closed_on: Numbers
    died_on: Numbers
    death_known_on: Numbers
    dip: Numbers
    dip_on: Numbers
    dip_share: Shares
    dip_back_on: Numbers
    looks_from: Numbers
    dresses: Flags
    sleeps: Flags
    asleep_on: Numbers
    frozen_on: Numbers
    thawed_on: Numbers

    @property
    def count(self) -> int:
        return len(self.way)

    @property
    def gone_on(self) -> Numbers:
        """The day from which a customer does nothing any more: death, the closing, or never."""
        return np.minimum(self.died_on, self.closed_on)

    def strain(self, day: Numbers, who: Numbers) -> Shares:
        """From 0 to a customer's severity while less and less comes in."""
        begins = ramp(day, self.stress_from[who], 60)
        ends = 1 - ramp(day, self.stress_until[who], 60)
        return np.asarray(begins * ends * self.severity[who])

    def slackens(self, day: int) -> Shares:
        """How much of the usual everybody does here: less who leave, who look around, who have little."""
        days = np.full(self.count, day)
        leaving = 1 - 0.9 * ramp(days, self.leaves_from, self.left_on - self.leaves_from)
        looking = np.where((days >= self.looks_from) & (days < self.looks_from + 60), 0.45, 1.0)
        strained = 1 - 0.4 * self.strain(days, np.arange(self.count))
        return np.asarray(leaving * looking * strained)
