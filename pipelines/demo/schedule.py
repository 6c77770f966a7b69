"""Repayment schedules, and what is paid on them: whole fen, so that a receipt's parts add up to what was paid out.

A row of a schedule has versions: it is made when the money is paid out, and made anew when the rest is paid early, the
term is extended, or the debt is restructured. Its principal parts always sum to what was disbursed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo.days import NEVER, add_months, column

ANNUITY, EQUAL_PRINCIPAL, INTEREST_MONTHLY, BULLET = 1, 2, 3, 4
NOBODY = -1
MONTHLY = 1_200_000_000
"""Rates are millionths of a per cent a year: fen times rate, over this, is a month's interest."""

RECEIPT = pl.Schema(
    {
        "receipt": pl.Int32,
        "contract": pl.Int32,
        "customer": pl.Int32,
        "disbursed_on": pl.Int32,
        "months": pl.Int32,
        "amount": pl.Int64,
        "rate": pl.Int64,
        "mode": pl.Int32,
        "unpaid_from": pl.Int32,
        "cured_on": pl.Int32,
        "settles_on": pl.Int32,
        "prolonged_on": pl.Int32,
        "prolonged_by": pl.Int32,
        "restructured": pl.Boolean,
        "renewal": pl.Int32,
        "written_off_on": pl.Int32,
        "worse_class": pl.Int32,
        "worse_until": pl.Int32,
    }
)
"""A receipt, and what becomes of it: unpaid from a due date on, until all is paid on `cured_on`; settled early;
prolonged (extended, or restructured); written off; of a worse class than its days past due say, until a day."""


ROW = pl.Schema(
    {**dict.fromkeys(("receipt", "period", "day", "due_on"), pl.Int32), "principal": pl.Int64, "interest": pl.Int64}
)
"""A version of a row of a schedule, and the day on which it was made."""


@dataclass(frozen=True)
class Schedule:
    """Versions of rows (receipt, period, day on which made, due_on, principal, interest) and payments on them."""

    versions: pl.DataFrame
    payments: pl.DataFrame


def rows(receipts: pl.DataFrame) -> pl.DataFrame:
    """The schedules as they were when the money was paid out, ordered by receipt and period."""
    id, disbursed, months, amount, rate, mode = (
        column(receipts, name) for name in ("receipt", "disbursed_on", "months", "amount", "rate", "mode")
    )
    monthly = rate / MONTHLY
    annuity = np.round(amount * monthly / (1 - (1 + monthly) ** -months)).astype(np.int64)
    left, parts = amount.copy(), []
    for nth in range(1, int(months.max()) + 1 if len(months) else 1):
        at = np.flatnonzero(months >= nth)
        debt, last = left[at], months[at] == nth
        interest = (debt * rate[at] + MONTHLY // 2) // MONTHLY
        principal = np.select(
            [mode[at] == ANNUITY, mode[at] == EQUAL_PRINCIPAL],
            [np.clip(annuity[at] - interest, 0, debt), amount[at] // months[at]],
            0,
        )
        principal = np.where(last, debt, principal)
        bullet = mode[at] == BULLET
        interest = np.where(bullet, interest * months[at], interest)
        left[at] -= principal
        due = add_months(disbursed[at], nth)
        shown = ~bullet | last
        parts.append((id[at][shown], np.where(bullet, 1, nth)[shown], due[shown], principal[shown], interest[shown]))
    columns = [np.concatenate(values) for values in zip(*parts, strict=True)] if parts else [months] * 5
    made = receipts.select("receipt", pl.col("disbursed_on").alias("day"))
    names = ("receipt", "period", "due_on", "principal", "interest")
    schema = {name: ROW[name] for name in names}
    frame = pl.DataFrame(dict(zip(names, columns, strict=True)), schema=schema)
    return frame.join(made, on="receipt").sort("receipt", "period").select(*ROW)


def of(receipts: pl.DataFrame, late: pl.DataFrame, paid_by: pl.DataFrame) -> Schedule:
    """The schedules with all that becomes of them.

    `late` has the days by which single periods are late (receipt, period, days), `paid_by` the payments that somebody
    else makes (receipt, period, payer, type).
    """
    first = rows(receipts)
    told = first.join(receipts.drop("contract", "months", "amount", "mode"), on="receipt", maintain_order="left")
    settled, prolonged = pl.col("settles_on") < NEVER, pl.col("prolonged_on") < NEVER
    later = [_settled(told.filter(settled)), *_prolonged(told.filter(prolonged))]
    versions = pl.concat([first, *(frame.select(*ROW).cast(ROW) for frame in later)])
    versions = versions.sort("receipt", "period", "day")
    newest = versions.group_by("receipt", "period", maintain_order=True).last()
    payments = _payments(newest, receipts, late, paid_by)
    return Schedule(versions=versions, payments=payments)


def _settled(told: pl.DataFrame) -> pl.DataFrame:
    """On the day of an early settlement the next row has all that is left, and the later ones nothing."""
    open_then = told.filter(pl.col("due_on") > pl.col("settles_on"))
    before = pl.col("due_on").shift(1).over("receipt").fill_null(pl.col("disbursed_on"))
    is_next = pl.int_range(pl.len()).over("receipt") == 0
    accrued = pl.col("interest") * (pl.col("settles_on") - pl.col("before")).clip(0, 31) // 31
    since = told.with_columns(before.alias("before")).select("receipt", "period", "before")
    return (
        open_then.join(since, on=["receipt", "period"], maintain_order="left")
        .with_columns(pl.col("principal").sum().over("receipt").alias("rest"), is_next.alias("is_next"))
        .select(
            "receipt",
            "period",
            pl.col("settles_on").alias("day"),
            "due_on",
            pl.when("is_next").then("rest").otherwise(0).alias("principal"),
            pl.when("is_next").then(accrued).otherwise(0).alias("interest"),
        )
    )


def _prolonged(told: pl.DataFrame) -> list[pl.DataFrame]:
    """What was unpaid moves to new rows behind the old ones: interest monthly, and the principal with the last."""
    unpaid = (pl.col("due_on") >= pl.col("unpaid_from")) | (pl.col("due_on") >= pl.col("prolonged_on"))
    moved = told.filter(unpaid)
    old = moved.select(
        "receipt",
        "period",
        pl.col("prolonged_on").alias("day"),
        "due_on",
        pl.lit(0, dtype=pl.Int64).alias("principal"),
        pl.when(pl.col("due_on") > pl.col("prolonged_on")).then(0).otherwise(pl.col("interest")).alias("interest"),
    )
    rest = moved.group_by("receipt", maintain_order=True).agg(
        pl.col("principal").sum(),
        pl.col("period").max().alias("last"),
        pl.col("prolonged_on", "prolonged_by", "rate").first(),
    )
    by = column(rest, "prolonged_by")
    at = np.repeat(np.arange(rest.height), by)
    nth = np.arange(len(at)) - np.repeat(np.cumsum(by) - by, by) + 1 if len(at) else np.zeros(0, dtype=np.int64)
    principal, rate, day = (column(rest, name)[at] for name in ("principal", "rate", "prolonged_on"))
    new = pl.DataFrame(
        {
            "receipt": column(rest, "receipt")[at],
            "period": column(rest, "last")[at] + nth,
            "day": day,
            "due_on": add_months(day, nth),
            "principal": np.where(nth == by[at], principal, 0),
            "interest": (principal * rate + MONTHLY // 2) // MONTHLY,
        },
    )
    return [old, new]


def _payments(newest: pl.DataFrame, receipts: pl.DataFrame, late: pl.DataFrame, paid_by: pl.DataFrame) -> pl.DataFrame:
    """Each row that is paid, in one payment: on its day, some days late, or with all that was overdue.

    What the sale of a collateral brings is paid by nobody's account.
    """
    keys = ["receipt", "period"]
    facts = receipts.select("receipt", "customer", "rate", "unpaid_from", "cured_on", "settles_on", "prolonged_on")
    due = newest.join(facts, on="receipt", maintain_order="left").join(late, on=keys, how="left", maintain_order="left")
    due = due.join(paid_by, on=keys, how="left", maintain_order="left")
    in_arrears = (pl.col("due_on") >= pl.col("unpaid_from")) & (pl.col("due_on") <= pl.col("cured_on"))
    made_later = pl.col("day") == pl.col("prolonged_on")  # of the new plan: paid as it says
    new_row = made_later & (pl.col("due_on") > pl.col("prolonged_on"))
    on_time = pl.col("due_on") + pl.col("days").fill_null(0)
    day = (
        pl.when(pl.col("day") == pl.col("settles_on"))
        .then(pl.col("settles_on"))
        .when(~new_row & in_arrears)
        .then(pl.col("cured_on"))
        .otherwise(on_time)
    )
    overdue_days = pl.col("paid_on") - pl.col("due_on")
    penalty = (pl.col("principal") + pl.col("interest")) * pl.col("rate") * 3 // 2 * overdue_days // (30 * MONTHLY)
    sold = (pl.col("paid_on") == pl.col("settles_on")) & (pl.col("unpaid_from") < NEVER)
    kind = (
        pl.when(sold)
        .then(5)
        .when(pl.col("day") == pl.col("settles_on"))
        .then(2)
        .when(pl.col("paid_on") > pl.col("due_on"))
        .then(3)
        .otherwise(1)
    )
    return (
        due.with_columns(day.alias("paid_on"))
        .filter((pl.col("paid_on") < NEVER) & (pl.col("principal") + pl.col("interest") > 0))
        .select(
            *keys,
            "customer",
            pl.col("paid_on").alias("day"),
            "principal",
            "interest",
            pl.when(overdue_days > 0).then(penalty).otherwise(0).alias("penalty"),
            pl.coalesce("type", kind).cast(pl.Int32).alias("type"),
            pl.when(sold).then(NOBODY).otherwise(pl.coalesce("payer", "customer")).cast(pl.Int32).alias("payer"),
        )
        .sort("day", *keys)
    )
