"""The truth behind the county: what it says happened can be seen in the files, and a county is like this."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from county_files import Landing

from pipelines.demo.__main__ import commands

END = dt.date(2026, 10, 31)


def balances(files: Landing, on: dt.date) -> pl.DataFrame:
    """Every customer's deposits at the end of a day."""
    known = files.states("cb_dep_acct").filter(pl.col("state_date") <= on, pl.col("ccy") == "CNY")
    newest = known.sort("state_date", maintain_order=True).unique("acct_no", keep="last", maintain_order=True)
    return newest.group_by("cust_no").agg(pl.col("balance").sum())


def test_the_truth_has_one_row_a_customer(county):
    known = county.files.last("cb_cust_ind").join(county.truth, on="cust_no")
    assert (county.truth.height, county.truth["cust_no"].n_unique()) == (200, 200)
    assert known.height == county.files.last("cb_cust_ind").height
    assert (known["birth_date"] == known["born"]).all()
    assert (known["open_date"] == known["opened"]).all()
    assert set(county.truth["way_of_life"]) >= {"payroll", "pensioner", "farmer", "trader", "migrant", "student"}


def test_default_is_the_first_day_with_more_than_ninety_days_past_due(cast_alone):
    overdue = cast_alone.files.states("ln_due").filter(pl.col("dpd") > 90)
    first = overdue.group_by("cust_no").agg(pl.col("state_date").min())
    said = cast_alone.truth.drop_nulls("default_on").filter(pl.col("default_on") <= dt.date(2026, 11, 5))
    compared = first.join(said, on="cust_no", how="full", coalesce=True)
    before = cast_alone.files.of("ln_due")["state_date"].min()
    assert compared.height >= 3
    assert compared.filter(pl.max_horizontal("default_on", pl.lit(before)) != pl.col("state_date")).height == 0


def test_the_command_writes_what_the_function_writes(county, tmp_path: Path):
    said = ["write", str(tmp_path / "bank"), "--customers", "60", "--months", "1", "--nights", "1", "--seed", "3"]
    result = CliRunner().invoke(commands, said, catch_exceptions=False)
    assert result.output == "made 60 customers with a history from 2026-10-01 to 2026-10-31\n"
    assert sorted(path.name for path in (tmp_path / "bank").iterdir()) == ["landing", "truth.parquet"]
    helped = CliRunner().invoke(commands, ["run", "--help"]).output
    assert "--customers" in helped


# -- a county is like this -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_deposits_are_as_uneven_as_a_countys(five_thousand):
    held = balances(five_thousand.files, END)["balance"].sort() / 100
    assert 1_500 < held.median() < 6_000
    assert 0.45 < held.tail(len(held) // 20).sum() / held.sum() < 0.70


@pytest.mark.slow
def test_people_do_as_much_as_was_asked_for(five_thousand):
    booked = five_thousand.files.of("cb_txn")
    days = (booked["txn_date"].max() - booked["txn_date"].min()).days + 1
    assert 0.31 < booked.height / days / 5_000 < 0.39


@pytest.mark.slow
def test_one_in_seven_borrows_and_half_of_the_limits_are_not_drawn(five_thousand):
    receipts = five_thousand.files.last("ln_due").filter(pl.col("settle_date").is_null())
    assert 0.11 < receipts["cust_no"].n_unique() / 5_000 < 0.16
    limits = five_thousand.files.last("ln_contract").filter(revolving="1", status="1")
    drawn = limits["contract_no"].is_in(receipts["contract_no"].implode()).mean()
    assert 0.4 < drawn < 0.6


@pytest.mark.slow
def test_hard_times_come_before_the_arrears(five_thousand):
    """The inflow of those who default falls before the first day past due; the lead time is 120 days in the mean."""
    truth = five_thousand.truth.filter(pl.col("cast").is_null(), pl.col("lead_days") > 0)
    assert 95 < truth["lead_days"].mean() < 145
    late = truth.filter(
        pl.col("loan_outcome") == "default", pl.col("first_arrears").is_between(dt.date(2025, 12, 1), END)
    )
    inflow = five_thousand.files.of("cb_txn").filter(
        pl.col("dc_flag") == "C",
        ~pl.col("txn_type").is_in(["2003", "2004", "2008", "2009"]),
        pl.col("remark") != "还款现金存入",
        pl.col("cp_cust_no").ne_missing(pl.col("cust_no")),
    )
    before = inflow.join(late, on="cust_no").with_columns(
        (pl.col("first_arrears") - pl.col("txn_date")).dt.total_days().alias("days")
    )
    just, long = (
        before.filter(pl.col("days").is_between(*span))["amount"].sum() / 60 for span in ((1, 60), (181, 240))
    )
    assert late.height > 5
    assert just < 0.75 * long


@pytest.mark.slow
def test_who_leaves_is_gone_and_who_only_needed_money_is_back(five_thousand):
    truth = five_thousand.truth.filter(pl.col("wealth") > 5_000)
    begin = five_thousand.files.of("cb_txn")["txn_date"].min()
    now = balances(five_thousand.files, END)
    gone = truth.filter(
        pl.col("leaving_cause").is_in(["salary_moved", "better_rate", "moved_away"]),
        pl.col("leaves_from") > begin,
        pl.col("left_on") <= END,
    ).join(now, on="cust_no")
    assert gone.height > 30
    assert (gone["balance"] / 100 < 0.25 * gone["wealth"]).mean() > 0.8
    back = truth.filter(
        pl.col("dip").is_in(["house", "wedding"]), pl.col("dip_on") > begin, pl.col("dip_back_on") <= END
    )
    back = back.join(now, on="cust_no")
    assert back.height > 15
    assert (back["balance"] / 100 > 0.3 * back["wealth"]).mean() > 0.6


@pytest.mark.slow
def test_a_tenth_of_the_years_inflow_comes_before_the_new_year(five_thousand):
    booked = five_thousand.files.of("cb_txn").filter(
        pl.col("dc_flag") == "C",
        ~pl.col("txn_type").is_in(["2003", "2004", "2008", "2009"]),
        pl.col("txn_date").is_between(dt.date(2025, 11, 1), END),
    )
    eve = booked.filter(pl.col("txn_date").is_between(dt.date(2026, 1, 27), dt.date(2026, 2, 16)))
    assert 0.075 < eve["amount"].sum() / booked["amount"].sum() < 0.13
