"""Card accounts and instalments as they stand, day by day: what follows from bookings, statements and payments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo.days import NEVER, Numbers, add_months
from pipelines.demo.systems.world import World, numbered

DAYS_TO_PAY = 20
PRODUCT = "CC010001"
LOST = 180
"""Days past due from which an account is bad debt."""


@dataclass
class Book:
    """Accounts while the months go by. Amounts are fen."""

    owner: Numbers
    opened: Numbers
    limit: Numbers
    day: Numbers
    """Days into the month on which the statement comes."""
    ends: Numbers


@dataclass(frozen=True)
class Months:
    """What came of the months: purchases as they were allowed, payments, statements (card, day, due, sum, least)."""

    allowed: Numbers
    payments: pl.DataFrame
    statements: pl.DataFrame


def states(
    world: World, book: Book, names: pl.Series, *, bookings: pl.DataFrame, months: Months, plans: pl.DataFrame
) -> pl.DataFrame:
    """An account's row on each day on which something of it changed."""
    moved = bookings.group_by("card", "day").agg(
        pl.when(pl.col("cc_type").is_in(["5", "6"])).then(-pl.col("amount")).otherwise("amount").sum().alias("moved"),
        pl.when(pl.col("cc_type") == "2").then("amount").otherwise(0).sum().alias("cash"),
    )
    asked = months.statements
    overdue = _overdue(asked, book, world.span.horizon)
    left = _left(plans)
    opened = pl.DataFrame({"card": np.arange(len(book.owner)), "day": book.opened})
    closed = pl.DataFrame({"card": np.arange(len(book.owner)), "day": book.ends}).filter(pl.col("day") < NEVER)
    days = [frame.select("card", "day") for frame in (moved, asked, overdue, left, opened, closed)]
    static = pl.DataFrame(
        {
            "card": np.arange(len(book.owner)),
            "card_acct": names,
            "cust_no": world.persons["cust_no"][book.owner],
            "org_no": world.persons["org_no"][book.owner],
            "open_date": book.opened,
            "limit_amt": book.limit,
            "first_day": book.day,
            "ends": book.ends,
        }
    )
    rows = pl.concat(days).unique().join(static, on="card").sort("card", "day")
    rows = rows.filter((pl.col("day") >= pl.col("open_date")) & (pl.col("day") <= world.span.horizon))
    rows = rows.join(moved, on=["card", "day"], how="left", maintain_order="left").with_columns(
        pl.col("moved", "cash").fill_null(0).cum_sum().over("card")
    )
    told = asked.select("card", "day", pl.col("day").alias("stmt_date"), "due", "asked", "least", "paid", "paid_on")
    rows = rows.sort("day").join_asof(told.sort("day"), on="day", by="card", check_sortedness=False)
    rows = rows.join_asof(left.sort("day"), on="day", by="card", check_sortedness=False)
    rows = rows.join(overdue, on=["card", "day"], how="left", maintain_order="left")
    balance = pl.col("moved")
    paid = pl.when(pl.col("paid_on") <= pl.col("day")).then("paid").otherwise(0)
    instalments = pl.min_horizontal(pl.col("left").fill_null(0), pl.max_horizontal(balance, pl.lit(0)))
    coming = pl.col("open_date") + 30 + pl.col("first_day") % 5 + DAYS_TO_PAY
    late = pl.col("dpd").fill_null(0)
    status = (
        pl.when(pl.col("day") >= pl.col("ends")).then(pl.lit("3"))
        .when(late >= LOST).then(pl.lit("4"))
        .when(late > 60).then(pl.lit("2"))
        .when((pl.col("moved") == 0) & pl.col("stmt_date").is_null()).then(pl.lit("1"))
        .otherwise(pl.lit("0"))
    )  # fmt: skip
    return rows.select(
        pl.col("day").alias("state_date"), "card_acct", "cust_no", pl.lit(PRODUCT).alias("product_code"), "org_no",
        "open_date", status.alias("status"), "limit_amt", balance.alias("balance"),
        pl.min_horizontal(pl.col("cash") % 2_000_000, pl.max_horizontal(balance, pl.lit(0)) - instalments).alias("cash_bal"),
        instalments.alias("inst_bal"), "stmt_date", pl.coalesce("due", coming).alias("pay_due_date"),
        pl.col("asked").fill_null(0).alias("stmt_bal"), pl.col("least").fill_null(0).alias("min_due"),
        paid.fill_null(0).alias("paid_amt"), late.alias("dpd"), pl.col("ovd_amt").fill_null(0),
    ).sort("state_date", "card_acct")  # fmt: skip


def _overdue(asked: pl.DataFrame, book: Book, horizon: int) -> pl.DataFrame:
    """A row an account and day on which the least that was asked is not paid: days past due, and how much it is.

    What was missed stands until the next payment of that account, if there is one.
    """
    ordered = asked.sort("card", "day").with_columns(
        pl.when(pl.col("paid") > 0).then("paid_on").otherwise(NEVER).alias("pays_on")
    )
    until = pl.col("pays_on").reverse().cum_min().reverse().over("card")
    missed = (pl.col("least") > 0) & (pl.col("pays_on") > pl.col("due"))
    spans = ordered.with_columns(until.alias("until")).filter(missed)
    ends = pl.Series(book.ends)[spans["card"].to_numpy()]
    spans = spans.with_columns(pl.min_horizontal(pl.col("until"), ends, pl.lit(horizon + 1)).alias("until"))
    spans = spans.filter(pl.col("due") + 1 < pl.col("until"))
    each = spans.select("card", "due", "least", pl.int_ranges(pl.col("due") + 1, "until").alias("day")).explode("day")
    return each.group_by("card", "day").agg(
        (pl.col("day").first() - pl.col("due").min()).alias("dpd"), pl.col("least").sum().alias("ovd_amt")
    )


def _left(plans: pl.DataFrame) -> pl.DataFrame:
    """What is left of an account's instalments, from the day on which it changed."""
    rows = []
    for card, asked, refused, amount, terms in plans.select(
        "card", "asked_on", "refused", "amount", "terms"
    ).iter_rows():
        if refused:
            continue
        begun = np.array([asked + 1])
        for nth in range(terms + 1):
            rows.append((card, int(add_months(begun, nth)[0]), amount * (terms - nth) // terms))  # noqa: PERF401
    schema = {"card": pl.Int64, "day": pl.Int64, "left": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("day", "card")


def instalments(plans: pl.DataFrame, names: pl.Series) -> pl.DataFrame:
    """Applications, the answer on the day after, a row each month while it runs, and the end."""
    number_ = numbered("FQ2026", np.arange(plans.height) + 1, 6)
    base = plans.with_columns(
        number_.alias("inst_no"), names[plans["card"].to_numpy()].alias("card_acct"),
        pl.when(pl.col("inst_kind") == "3").then("merchant_id").alias("merchant_id"),
        pl.col("asked_on").alias("apply_date"), (pl.col("terms") * 500_000).alias("fee_rate"),
    )  # fmt: skip
    terms = pl.col("terms")
    asked = base.with_columns(
        pl.col("asked_on").alias("state_date"),
        pl.lit("1").alias("status"),
        terms.alias("terms_left"),
        pl.col("asked_on").alias("status_date"),
    )
    answer = pl.when("refused").then(pl.lit("2")).otherwise(pl.lit("3")).alias("status")
    said = (pl.col("asked_on") + 1).alias("state_date")
    answered = base.with_columns(said, answer, terms.alias("terms_left"), (pl.col("asked_on") + 1).alias("status_date"))
    running = base.filter(~pl.col("refused"))
    counts = running["terms"].to_numpy()
    which = np.repeat(np.arange(running.height), counts)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
    paid = running[which].with_columns(pl.Series("nth", nth))
    on = add_months(paid["asked_on"].to_numpy() + 1, nth)
    done = pl.col("nth") == terms
    paid = paid.with_columns(
        pl.Series("state_date", on), pl.when(done).then(pl.lit("4")).otherwise(pl.lit("3")).alias("status"),
        (terms - pl.col("nth")).alias("terms_left"),
    ).with_columns(pl.when(done).then("state_date").otherwise(pl.col("asked_on") + 1).alias("status_date"))  # fmt: skip
    return pl.concat([frame.select(asked.columns) for frame in (asked, answered, paid)])
