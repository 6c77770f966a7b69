"""The truth behind the files, one row a customer. Only tests and benchmarks read it: no feature may know it."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.cast import MEMBERS
from pipelines.demo.days import NEVER, Numbers, column
from pipelines.demo.loan_feeds import LoanFeeds
from pipelines.demo.loans import LoanBook
from pipelines.demo.people import Cause, Dip, People, Way
from pipelines.demo.trouble import OUTCOMES


def truth(people: People, book: LoanBook, lent: LoanFeeds, numbers: pl.Series) -> pl.DataFrame:
    """Way of life, hard times with their lead time, default, leaving with its cause, dips that come back.

    `default_on` is the first day with more than 90 days past due; `leaves_from` shows the first signs, from
    `drains_from` on money leaves, by `left_on` it is gone. Dates are null for what does not happen; plans reach beyond
    the last night.
    """
    dates = {
        "born": people.born,
        "opened": people.opened,
        "stress_from": people.stress_from,
        "stress_until": people.stress_until,
        "first_arrears": book.trouble.first_arrears,
        "salary_until": people.salary_until,
        "leaves_from": people.leaves_from,
        "drains_from": people.drains_from,
        "left_on": people.left_on,
        "closed_on": people.closed_on,
        "died_on": people.died_on,
        "dip_on": people.dip_on,
        "dip_back_on": people.dip_back_on,
        "looks_from": people.looks_from,
        "asleep_on": people.asleep_on,
        "frozen_on": people.frozen_on,
    }
    in_default = lent.receipts.filter(pl.col("days_past_due") > 90)
    since = in_default.group_by("cust_no").agg(pl.col("day").min().cast(pl.Int32).cast(pl.Date).alias("default_on"))
    borrowers = np.unique(column(book.receipts, "customer"))
    borrows = np.zeros(people.count, dtype=bool)
    borrows[borrowers] = True
    members = [*MEMBERS, *[None] * (people.count - len(MEMBERS))]
    paid = np.isin(people.way, (Way.PAYROLL, Way.CIVIL))
    return (
        pl.DataFrame(
            {
                "cust_no": numbers,
                "cast": pl.Series(members, dtype=pl.String),
                "way_of_life": _names(Way, people.way),
                "payroll": paid & ~people.quiet,
                "seasonal": np.isin(people.way, (Way.FARMER, Way.MIGRANT)),
                "mobile_user": people.mobile,
                "income": people.income / 100,
                "wealth": people.wealth / 100,
                "intensity": people.intensity,
                "severity": np.where(people.stress_from < NEVER, people.severity, 0.0),
                "salary_stops": people.salary_stops,
                "borrower": borrows,
                "loan_outcome": [OUTCOMES[n] for n in book.trouble.outcome],
                "lead_days": book.trouble.lead_days,
                "leaving_cause": _names(Cause, people.cause),
                "dip": _names(Dip, people.dip),
                "dresses_month_ends": people.dresses,
                **{name: _dates(days) for name, days in dates.items()},
            }
        )
        .join(since, on="cust_no", how="left", maintain_order="left")
        .with_columns(pl.when(pl.col("lead_days") > 0).then("lead_days").alias("lead_days"))
    )


def _names(kinds: type[Way | Cause | Dip], values: Numbers) -> list[str]:
    return [kinds(value).name.lower() for value in values.tolist()]


def _dates(days: Numbers) -> pl.Series:
    frame = pl.DataFrame({"day": days})
    return frame.select(pl.when(pl.col("day") < NEVER).then(pl.col("day").cast(pl.Int32).cast(pl.Date)).alias("day"))[
        "day"
    ]
