"""Who cannot pay back what was borrowed: hard times first, then arrears, and how it ends.

A borrower's trouble is drawn among the due dates; the hard times begin a gamma distributed time (120 days in the mean)
before the first arrears. Of those in trouble two in five default (after which a collateral is sold, or the loan is
written off, or nothing happens), most others recover, and some get a longer term, a new plan, or a new loan for the old.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo import schedule
from pipelines.demo.days import NEVER, Numbers, Span, column
from pipelines.demo.people import Cause, People, Shares

OUTCOMES = ("none", "default", "recovered", "restructured", "extended", "new for old", "died")
NONE, DEFAULT, RECOVERED, RESTRUCTURED, EXTENDED, NEW_FOR_OLD, DIED = range(7)
TROUBLE = 0.07
"""Chance a year that a due date is the first of a trouble; who leaves, or owes no more, has none. Some 1.8 % default."""
AT_THE_END = 5.0
"""How much more likely it is where all the principal is due at once."""
LATE = dict.fromkeys(("receipt", "period", "days"), pl.Int32)
FATE = {
    **dict.fromkeys(("customer", "fatal_receipt", "hard_from", "due"), pl.Int32),
    **dict.fromkeys(("f_unpaid", "f_cured", "f_long", "f_by", "f_off", "f_sold", "outcome"), pl.Int32),
    "f_new": pl.Boolean,
}
"""What becomes of a customer in trouble, and of the receipt with which it begins."""


@dataclass(frozen=True)
class Trouble:
    """One entry a customer: the outcome by its place in OUTCOMES, the day of the first arrears, and the days before it."""

    outcome: Numbers
    first_arrears: Numbers
    lead_days: Numbers


def strike(
    people: People, receipts: pl.DataFrame, rows: pl.DataFrame, span: Span, chance: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, Trouble]:
    """Receipts with what trouble makes of them, the periods that are late before it, and the trouble itself.

    Sets the hard times of borrowers in `people`. Who dies stops paying too.
    """
    fatal = _fatal(people, receipts, rows, span, chance)
    who, due, period = (column(fatal, name) for name in ("customer", "due_on", "period"))
    at_the_end = (column(fatal, "is_last") == 1) & (column(fatal, "mode") == schedule.INTEREST_MONTHLY)
    luck = chance.random(len(who))
    outcome = np.select([luck < 0.40, luck < 0.85], [DEFAULT, RECOVERED], RESTRUCTURED)
    outcome = np.where(at_the_end & (luck > 0.40), np.where(luck < 0.7, EXTENDED, NEW_FOR_OLD), outcome)
    before = [_short_arrears(period > back, odds, chance) for back, odds in ((1, 0.5), (2, 0.25))]
    gap = column(fatal, "gap")
    first_arrears = np.where(before[1] > 0, due - 2 * gap, np.where(before[0] > 0, due - gap, due))
    lead = np.maximum(chance.gamma(4.0, 30.0, size=len(who)).astype(np.int64), 10)
    fates = _fates(fatal, outcome, first_arrears - lead, chance)
    people.stress_from[who] = first_arrears - lead
    until = np.minimum(column(fates, "f_cured"), due + 120) + 60
    people.stress_until[who] = np.where(outcome == DEFAULT, NEVER, until)
    late = pl.concat(
        pl.DataFrame({"receipt": fatal["receipt"], "period": period - back, "days": days}, schema=LATE)
        for back, days in zip((1, 2), before, strict=True)
    ).filter(pl.col("days") > 0)
    receipts = _with_fates(receipts, rows, fates, people.died_on)
    outcomes, arrears = np.zeros(people.count, dtype=np.int64), np.full(people.count, NEVER)
    leads, owing = np.zeros(people.count, dtype=np.int64), np.zeros(people.count, dtype=bool)
    outcomes[who], arrears[who], leads[who] = outcome, first_arrears, lead
    owing[column(receipts, "customer")] = True
    outcomes[owing & (people.died_on < NEVER)] = DIED
    return receipts, late, Trouble(outcomes, arrears, leads)


def settled_early(receipts: pl.DataFrame, trouble: Trouble, span: Span, chance: np.random.Generator) -> pl.DataFrame:
    """One in thirty a year pays all back before its time."""
    begun, months, who = (column(receipts, name) for name in ("disbursed_on", "months", "customer"))
    length = months * 30
    early = chance.random(len(begun)) < 0.033 * length / 365
    day = begun + 40 + (chance.random(len(begun)) * np.maximum(length - 80, 1)).astype(np.int64)
    early &= (trouble.outcome[who] == NONE) & (months >= 12) & (day <= span.horizon)
    early &= np.isin(column(receipts, "mode"), (schedule.ANNUITY, schedule.EQUAL_PRINCIPAL))
    sooner = pl.Series(np.where(early, day, NEVER), dtype=pl.Int32)
    return receipts.with_columns(pl.min_horizontal("settles_on", sooner))


def _fatal(
    people: People, receipts: pl.DataFrame, rows: pl.DataFrame, span: Span, chance: np.random.Generator
) -> pl.DataFrame:
    """Of each borrower who comes into trouble, the row of a schedule with which it begins."""
    of_receipt = receipts.select("receipt", "customer", "disbursed_on", "mode")
    told = rows.join(of_receipt, on="receipt", maintain_order="left")
    before = pl.col("due_on").shift(1).over("receipt").fill_null(pl.col("disbursed_on"))
    told = told.with_columns(
        (pl.col("due_on") - before).alias("gap"),
        (pl.col("period") == pl.col("period").max().over("receipt")).alias("is_last"),
        pl.Series("luck", chance.random(rows.height)),
        pl.Series("calm", people.cause[column(told, "customer")] == Cause.NONE),
    )
    at_once = pl.col("is_last") & (pl.col("mode") == schedule.INTEREST_MONTHLY)
    struck = told.filter(
        "calm",
        pl.col("luck") < TROUBLE * pl.col("gap") / 365 * pl.when(at_once).then(AT_THE_END).otherwise(1.0),
        pl.col("due_on").is_between(span.start - 200, span.horizon + 120),
    )
    return struck.sort("due_on", "receipt").unique("customer", keep="first", maintain_order=True)


def _short_arrears(able: Numbers | np.ndarray, odds: float, chance: np.random.Generator) -> Numbers:
    """Days by which a period before the trouble is late already."""
    late = able & (chance.random(len(able)) < odds)
    return np.where(late, chance.integers(2, 10, size=len(able)), 0)


def _fates(fatal: pl.DataFrame, outcome: Numbers, hard_from: Numbers, chance: np.random.Generator) -> pl.DataFrame:
    """The days of each outcome: when all is paid, changed, sold or written off."""
    due, count = column(fatal, "due_on"), fatal.height
    soon, later = chance.integers(6, 86, size=count), chance.integers(20, 80, size=count)
    cured = np.select([outcome == RECOVERED, outcome == RESTRUCTURED], [due + soon, due + later], NEVER)
    end: Shares = np.where(outcome == DEFAULT, chance.random(count), 1.0)
    sold, lost = end < 0.45, (end >= 0.45) & (end < 0.9)
    unpaid = np.isin(outcome, (DEFAULT, RECOVERED, RESTRUCTURED))
    return pl.DataFrame(
        {
            "customer": fatal["customer"],
            "fatal_receipt": fatal["receipt"],
            "hard_from": hard_from,
            "due": due,
            "f_unpaid": np.where(unpaid, due, NEVER),
            "f_cured": cured,
            "f_long": np.select([outcome == RESTRUCTURED, outcome == EXTENDED], [cured, due], NEVER),
            "f_by": np.select([outcome == RESTRUCTURED, outcome == EXTENDED], [18, 6], 0),
            "f_off": np.where(lost, due + chance.integers(150, 300, size=count), NEVER),
            "f_sold": np.where(sold, due + chance.integers(120, 250, size=count), NEVER),
            "outcome": outcome,
            "f_new": outcome == RESTRUCTURED,
        },
        schema=FATE,
    )


def _with_fates(receipts: pl.DataFrame, rows: pl.DataFrame, fates: pl.DataFrame, died_on: Numbers) -> pl.DataFrame:
    """Receipts with what trouble and death make of them; nothing is drawn any more once hard times have begun."""
    ends = rows.group_by("receipt").agg(pl.col("due_on").max().alias("last_due"))
    died = pl.Series("died_on", died_on[column(receipts, "customer")], dtype=pl.Int32)
    all_of = (
        receipts.with_columns(died)
        .join(fates, on="customer", how="left", maintain_order="left")
        .join(ends, on="receipt", maintain_order="left")
    )
    mine = pl.col("receipt") == pl.col("fatal_receipt")
    later = (pl.col("disbursed_on") > pl.col("hard_from")) & ~mine
    hit = (pl.col("last_due") >= pl.col("f_unpaid")) & (mine | (pl.col("outcome") == DEFAULT))
    kept = all_of.filter(~later.fill_null(value=False)).with_columns(
        pl.when(hit).then("f_unpaid").otherwise("died_on").alias("unpaid_from"),
        pl.when(hit & mine).then(pl.min_horizontal("f_cured", "f_sold")).otherwise(NEVER).alias("cured_on"),
        pl.when(hit & mine).then("f_sold").otherwise(NEVER).alias("settles_on"),
        pl.when(mine).then("f_long").otherwise(NEVER).alias("prolonged_on"),
        pl.when(mine).then("f_by").otherwise(0).alias("prolonged_by"),
        pl.when(mine).then("f_new").otherwise(statement=False).alias("restructured"),
        pl.when(hit).then("f_off").otherwise(NEVER).alias("written_off_on"),
    )
    first_free = int(column(receipts, "receipt").max(initial=-1)) + 1
    new = kept.filter(mine & (pl.col("outcome") == NEW_FOR_OLD)).with_columns(
        (pl.int_range(pl.len()) + first_free).alias("receipt"),
        pl.col("due").alias("disbursed_on"),
        pl.lit(12).alias("months"),
        pl.lit(2).alias("renewal"),
        pl.lit(2).alias("worse_class"),
        pl.lit(NEVER).alias("worse_until"),
    )
    return pl.concat([frame.select(*schedule.RECEIPT).cast(schedule.RECEIPT) for frame in (kept, new)])
