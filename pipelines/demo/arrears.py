"""How loans stand on each day: what is paid, what is overdue since when, of which class, and the days on which it changes.

Everything follows from the versions of the schedules and the payments on them; no state is kept by hand.
"""

from __future__ import annotations

import polars as pl

from pipelines.demo.days import NEVER
from pipelines.demo.schedule import Schedule

CLASS_FLOORS = ((360, 5), (270, 4), (90, 3), (0, 2))
"""The best class that more days past due than these allow; rules on risk classification of 2023."""
OBSERVED = (180, 400)
"""Days after a change of the contract until which a receipt is substandard, and special mention, at best."""


def schedule_states(schedule: Schedule) -> pl.DataFrame:
    """A row a period and day on which it changed: what is due, what was paid by then, and when all of it was."""
    keys = ["receipt", "period"]
    made = schedule.versions.select(*keys, "day", "due_on", "principal", "interest")
    paid = schedule.payments.select(
        *keys, "day", pl.col("principal").alias("principal_paid"), pl.col("interest").alias("interest_paid")
    )
    due = ["due_on", "principal", "interest"]
    states = (
        pl.concat([made, paid], how="diagonal")
        .sort(*keys, "day", "due_on", nulls_last=True, maintain_order=True)
        .with_columns(
            pl.col(due).forward_fill().over(keys),
            pl.col("principal_paid", "interest_paid").fill_null(0).cum_sum().over(keys),
        )
        .group_by(*keys, "day", maintain_order=True)
        .last()
    )
    whole = (pl.col("principal_paid") == pl.col("principal")) & (pl.col("interest_paid") == pl.col("interest"))
    return states.with_columns(pl.when(whole).then("day").alias("paid_on")).sort("day", *keys)


def overdue(states: pl.DataFrame, last: int) -> pl.DataFrame:
    """A row a receipt and day on which something was overdue at the end of the day, up to `last`."""
    keys = ["receipt", "period"]
    spans = (
        states.sort(*keys, "day")
        .with_columns(pl.col("day").shift(-1).over(keys).fill_null(last + 1).alias("until"))
        .with_columns(
            (pl.col("principal") - pl.col("principal_paid")).alias("overdue_principal"),
            (pl.col("interest") - pl.col("interest_paid")).alias("overdue_interest"),
            pl.max_horizontal("day", pl.col("due_on") + 1).alias("from"),
        )
        .filter((pl.col("overdue_principal") + pl.col("overdue_interest") > 0) & (pl.col("from") < pl.col("until")))
        .filter(pl.col("from") <= last)
    )
    return (
        spans.select(
            "receipt",
            "due_on",
            "overdue_principal",
            "overdue_interest",
            pl.int_ranges("from", pl.min_horizontal("until", pl.lit(last + 1)), dtype=pl.Int32).alias("day"),
        )
        .explode("day")
        .group_by("receipt", "day")
        .agg(
            (pl.col("day").first() - pl.col("due_on").min()).alias("days_past_due"),
            pl.col("overdue_principal", "overdue_interest").sum(),
        )
        .sort("receipt", "day")
    )


def receipt_states(receipts: pl.DataFrame, schedule: Schedule, late: pl.DataFrame, *, last: int) -> pl.DataFrame:
    """A row a receipt and day on which it changed, from the day it was paid out to `last`; `late` is that of `overdue`."""
    paid = schedule.payments.group_by("receipt", "day").agg(pl.col("principal").sum().alias("repaid"))
    ends = schedule.versions.group_by("receipt", "day").agg(pl.col("due_on").max().alias("matures"))
    owed = schedule.versions.group_by("receipt", "period", maintain_order=True).last()
    rows_due = owed.filter(pl.col("principal") + pl.col("interest") > 0).group_by("receipt").len("due")
    rows_paid = schedule.payments.group_by("receipt").agg(pl.len().alias("done"), pl.col("day").max().alias("settled"))
    settled = (
        rows_due.join(rows_paid, on="receipt")
        .filter(pl.col("due") == pl.col("done"))
        .select("receipt", pl.col("settled").alias("settled_on"))
    )
    facts = receipts.join(settled, on="receipt", how="left").with_columns(pl.col("settled_on").fill_null(NEVER))
    days = [
        facts.select("receipt", pl.col("disbursed_on").alias("day")),
        paid.select("receipt", "day"),
        ends.select("receipt", "day"),
        late.select("receipt", "day"),
        facts.select("receipt", pl.col("written_off_on").alias("day")),
        facts.filter(pl.col("worse_class") > 0).select("receipt", pl.col("worse_until").alias("day")),
        *(facts.select("receipt", (pl.col("prolonged_on") + days).alias("day")) for days in OBSERVED),
    ]
    changes = pl.concat(days).unique().join(facts, on="receipt")
    changes = changes.filter(
        (pl.col("day") >= pl.col("disbursed_on")) & (pl.col("day") <= last) & (pl.col("day") <= pl.col("settled_on"))
    )
    return _classed(
        changes.sort("day", "receipt")
        .join_asof(
            paid.sort("day").with_columns(pl.col("repaid").cum_sum().over("receipt")),
            on="day",
            by="receipt",
            check_sortedness=False,
        )
        .join_asof(ends.sort("day"), on="day", by="receipt", check_sortedness=False)
        .join(late, on=["receipt", "day"], how="left", maintain_order="left")
        .with_columns(
            pl.col("repaid", "days_past_due", "overdue_principal", "overdue_interest").fill_null(0),
        )
    )


def _classed(states: pl.DataFrame) -> pl.DataFrame:
    """With principal, flags and the five-class as of each day."""
    late, day = pl.col("days_past_due"), pl.col("day")
    by_days = pl.lit(1)
    for more_than, floor in reversed(CLASS_FLOORS):
        by_days = pl.when(late > more_than).then(floor).otherwise(by_days)
    prolonged = day >= pl.col("prolonged_on")
    restructured = prolonged & pl.col("restructured")
    since = day - pl.col("prolonged_on")
    observed = (
        pl.when(restructured & (since < OBSERVED[0]))
        .then(3)
        .when((restructured & (since < OBSERVED[1])) | (prolonged & (since < OBSERVED[0])))
        .then(2)
        .otherwise(1)
    )
    marked = pl.when(day < pl.col("worse_until")).then(pl.col("worse_class")).otherwise(1)
    off = day >= pl.col("written_off_on")
    return states.select(
        "receipt",
        "day",
        "matures",
        (pl.col("amount") - pl.col("repaid")).alias("principal"),
        "overdue_principal",
        "overdue_interest",
        "days_past_due",
        pl.max_horizontal(by_days, observed, marked, pl.when(off).then(5).otherwise(1)).alias("five_class"),
        (prolonged & ~pl.col("restructured")).alias("extended"),
        restructured.alias("is_restructured"),
        off.alias("written_off"),
        pl.when(day >= pl.col("settled_on")).then("settled_on").alias("settled_on"),
    )


def contract_states(contracts: pl.DataFrame, states: pl.DataFrame, receipts: pl.DataFrame) -> pl.DataFrame:
    """A row a contract and day on which its status changed: active, frozen for a debtor in default, ended."""
    of = receipts.select("receipt", "contract")
    open_until = (
        receipts.select("receipt", "contract")
        .join(states.group_by("receipt").agg(pl.col("settled_on").max()), on="receipt", how="left")
        .group_by("contract")
        .agg(pl.col("settled_on").fill_null(NEVER).max().alias("settled_on"))
    )
    frozen = (
        states.join(of, on="receipt")
        .filter(pl.col("days_past_due") > 60)
        .group_by("contract")
        .agg(pl.col("day").min().alias("frozen_on"))
    )
    facts = (
        contracts.join(open_until, on="contract", how="left")
        .join(frozen, on="contract", how="left")
        .with_columns(
            pl.col("frozen_on").fill_null(NEVER),
            pl.when("revolving")
            .then(pl.max_horizontal("ends_on", pl.col("settled_on").fill_null(0)))
            .otherwise(pl.col("settled_on").fill_null(NEVER))
            .alias("ended_on"),
        )
    )
    begun = facts.select("contract", pl.col("signed_on").alias("day"), pl.lit(1).alias("status"))
    cold = facts.filter(pl.col("frozen_on") < pl.col("ended_on")).select(
        "contract", pl.col("frozen_on").alias("day"), pl.lit(4).alias("status")
    )
    ended = facts.select("contract", pl.col("ended_on").alias("day"), pl.lit(2).alias("status"))
    return pl.concat([begun, cold, ended]).filter(pl.col("day") < NEVER).sort("day", "contract")
