"""What a report of the credit bureau says beside our own loans: what others have lent, and the summary of it all."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.demo.days import add_months
from pipelines.demo.people import Shares
from pipelines.demo.systems.world import drawn


def loans_elsewhere(strain: Shares, day: int, chance: np.random.Generator) -> pl.DataFrame:
    """Loans of other institutions: small and dear ones in hard times."""
    of = np.repeat(np.arange(len(strain)), chance.poisson(0.7 + 2.5 * strain))
    hard, count = strain[of], len(of)
    institution = np.where(
        chance.random(count) < 0.2 + 0.5 * hard,
        drawn(("21", "41"), count, chance),
        drawn(("11", "12", "15"), count, chance),
    )
    amount = (
        np.where(
            np.isin(institution, ("21", "41")), chance.integers(3, 50, size=count), chance.integers(20, 400, size=count)
        )
        * 100_000
    )
    opened = day - chance.integers(30, 900, size=count)
    late = np.where(chance.random(count) < 0.4 * hard, chance.integers(1, 4, size=count), 0)
    due = amount // 18
    return pl.DataFrame(
        {
            "subject": of,
            "acct_kind": np.full(count, "D1"),
            "own_flag": np.full(count, "0"),
            "org_type": institution,
            "biz": drawn(("91", "41", "11"), count, chance, (0.6, 0.25, 0.15)),
            "open_date": opened,
            "mature_date": add_months(opened, 36),
            "loan_amt": amount,
            "balance": amount * chance.integers(20, 96, size=count) // 100,
            "five_class": np.where(late > 0, "2", "1"),
            "acct_status": np.where(late > 0, "2", "1"),
            "mon_due": due,
            "ovd_amt": due * late,
            "ovd_periods": late,
        }
    )


def cards_elsewhere(strain: Shares, day: int, chance: np.random.Generator) -> pl.DataFrame:
    """Cards of other banks, used the more the harder the times are."""
    of = np.repeat(np.arange(len(strain)), chance.poisson(0.6 + 0.8 * strain))
    count = len(of)
    limit = chance.integers(5, 80, size=count) * 100_000
    used = np.clip(chance.normal(0.37 + 0.5 * strain[of], 0.2), 0, 1)
    closed = chance.random(count) < 0.1
    return pl.DataFrame(
        {
            "subject": of,
            "acct_kind": np.full(count, "R2"),
            "own_flag": np.full(count, "0"),
            "org_type": np.full(count, "11"),
            "biz": np.full(count, "71"),
            "open_date": day - chance.integers(60, 2_500, size=count),
            "mature_date": pl.Series([None] * count, dtype=pl.Int64),
            "loan_amt": limit,
            "balance": np.where(closed, 0, (limit * used).astype(np.int64)),
            "five_class": np.full(count, "9"),
            "acct_status": np.where(closed, "6", "1"),
            "mon_due": np.where(closed, 0, (limit * used).astype(np.int64) // 10),
            "ovd_amt": np.zeros(count, dtype=np.int64),
            "ovd_periods": np.zeros(count, dtype=np.int64),
        }
    )


def summary(
    persons: pl.DataFrame,
    *,
    accounts: pl.DataFrame,
    queries: pl.DataFrame,
    liabilities: pl.DataFrame,
    strain: Shares,
    day: int,
) -> pl.DataFrame:
    """The details, counted."""
    card, open_ = pl.col("acct_kind") == "R2", ~pl.col("acct_status").is_in(["3", "5", "6"])
    loan, used = ~card & open_, card & open_
    late, balance = pl.col("ovd_periods") > 0, pl.col("balance").clip(lower_bound=0)
    told = accounts.group_by("report_no").agg(
        loan.sum().alias("loan_cnt"), pl.col("org_type").filter(loan).n_unique().alias("loan_org_cnt"),
        balance.filter(loan).sum().alias("loan_bal"), pl.col("mon_due").filter(loan).sum().alias("mon_pay_6m"),
        (loan & (pl.col("biz") == "11")).sum().alias("house_loan_cnt"), used.sum().alias("card_cnt"),
        pl.col("org_type").filter(used).n_unique().alias("card_org_cnt"), pl.col("loan_amt").filter(used).sum().alias("card_limit"),
        balance.filter(used).sum().alias("card_used"), pl.col("loan_amt").filter(used).max().alias("card_max_limit"),
        late.sum().alias("ovd_acct_cnt"), pl.col("ovd_periods").sum().alias("ovd_month_cnt"),
        pl.col("ovd_amt").max().alias("ovd_max_amt"), pl.col("ovd_periods").max().alias("ovd_max_months"),
        (pl.col("acct_status") == "4").sum().alias("rec_acct_cnt"), balance.filter(pl.col("acct_status") == "4").sum().alias("rec_bal"),
    )  # fmt: skip
    near = pl.col("q_date") > day - 30
    asked = queries.group_by("report_no").agg(
        (near & (pl.col("q_reason") == "02")).sum().alias("q1m_loan_org"), (near & (pl.col("q_reason") == "03")).sum().alias("q1m_card_org"),
        (pl.col("q_reason") == "01").sum().alias("q24m_post"),
    )  # fmt: skip
    vouched = liabilities.group_by("report_no").agg(pl.col("l_bal").sum().alias("guar_bal"))
    rows = persons.select("report_no").with_columns(pl.Series("score", (760 - 260 * strain).astype(np.int64)))
    for part in (told, asked, vouched):
        rows = rows.join(part, on="report_no", how="left", maintain_order="left")
    amounts = [name for name in rows.columns if name not in ("report_no", "score", "card_max_limit")]
    return rows.with_columns(pl.col(amounts).fill_null(0).cast(pl.Int64)).with_columns(
        (pl.col("card_used") * 9 // 10).alias("card_used_6m"), pl.lit(0).alias("q1m_self")
    )
