"""The county's loans: receipts, schedules and repayments say the same, on every day."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest


@pytest.fixture(params=["county", "cast_alone", pytest.param("five_thousand", marks=pytest.mark.slow)], scope="module")
def files(request):
    return request.getfixturevalue(request.param).files


def test_what_is_owed_is_what_was_paid_out_less_the_repayments(files):
    repaid = files.events("ln_repay").group_by("due_no", "repay_date").agg(pl.col("prin_amt").sum())
    running = repaid.sort("repay_date").with_columns(pl.col("prin_amt").cum_sum().over("due_no").alias("paid"))
    states = files.states("ln_due").sort("state_date")
    compared = states.join_asof(
        running, left_on="state_date", right_on="repay_date", by="due_no", check_sortedness=False
    )
    assert compared.filter(pl.col("disb_amt") - pl.col("paid").fill_null(0) != pl.col("principal")).height == 0
    settled = states.filter(pl.col("settle_date").is_not_null())
    assert settled.height
    assert (settled["principal"] == 0).all()
    owing = states.filter(pl.col("settle_date").is_null(), pl.col("principal") == 0)
    assert owing.height == 0, "what is paid back is settled"


def test_the_schedule_adds_up_to_the_receipt_and_its_payments_to_the_repayments(files):
    whole = files.last("ln_sched").group_by("due_no").agg(pl.col("prin_due", "prin_paid", "int_paid").sum())
    receipts = files.last("ln_due")
    assert set(whole["due_no"]) == set(receipts["due_no"])
    assert whole.join(receipts, on="due_no").filter(pl.col("prin_due") != pl.col("disb_amt")).height == 0
    repaid = files.events("ln_repay").group_by("due_no").agg(pl.col("prin_amt", "int_amt").sum())
    compared = whole.join(repaid, on="due_no", how="left").fill_null(0)
    assert compared.filter(pl.col("prin_paid") != pl.col("prin_amt")).height == 0
    assert compared.filter(pl.col("int_paid") != pl.col("int_amt")).height == 0


def test_a_period_is_paid_on_the_day_its_last_fen_came(files):
    rows = files.states("ln_sched")
    whole = (pl.col("prin_paid") == pl.col("prin_due")) & (pl.col("int_paid") == pl.col("int_due"))
    assert rows.filter(whole != pl.col("paid_date").is_not_null()).height == 0
    assert rows.filter(pl.col("paid_date") > pl.col("state_date")).height == 0
    assert (
        rows.filter((pl.col("prin_paid") > pl.col("prin_due")) | (pl.col("int_paid") > pl.col("int_due"))).height == 0
    )
    numbered = files.last("ln_sched").group_by("due_no").agg(pl.len(), pl.col("period_no").max())
    assert (numbered["len"] == numbered["period_no"]).all()


def test_arrears_are_those_of_the_schedule_on_every_night_and_some_days_before(files):
    """Days past due count from the earliest unpaid due date; the due date itself is not yet late."""
    schedule, receipts = files.states("ln_sched"), files.states("ln_due")
    days = [dt.date(2026, 7, 15), dt.date(2026, 8, 31), dt.date(2026, 10, 31)]
    days += [dt.datetime.strptime(night, "%Y%m%d").date() for night in files.nights]
    late = 0
    for day in days:
        known, newest = (
            frame.filter(pl.col("state_date") <= day)
            .sort("state_date", maintain_order=True)
            .unique(keys, keep="last", maintain_order=True)
            for frame, keys in ((schedule, ["due_no", "period_no"]), (receipts, ["due_no"]))
        )
        unpaid = known.with_columns(
            (pl.col("prin_due") - pl.col("prin_paid")).alias("principal_left"),
            (pl.col("int_due") - pl.col("int_paid")).alias("interest_left"),
        ).filter(pl.col("due_date") < day, pl.col("principal_left") + pl.col("interest_left") > 0)
        owed = unpaid.group_by("due_no").agg(
            (day - pl.col("due_date").min()).dt.total_days().alias("days"),
            pl.col("principal_left", "interest_left").sum(),
        )
        compared = newest.join(owed, on="due_no", how="left").with_columns(
            pl.col("days", "principal_left", "interest_left").fill_null(0)
        )
        for ours, theirs in (("dpd", "days"), ("ovd_prin", "principal_left"), ("ovd_int", "interest_left")):
            assert compared.filter(pl.col(ours) != pl.col(theirs)).height == 0, (day, ours)
        late += owed.height
    assert late


def test_the_class_is_no_better_than_days_past_due_allow(files):
    states = files.states("ln_due")
    for more_than, floor in ((0, 2), (90, 3), (270, 4), (360, 5)):
        assert states.filter(pl.col("dpd") > more_than, pl.col("five_class") < floor).height == 0
    assert states.filter((pl.col("dpd") > 0) != (pl.col("ovd_prin") + pl.col("ovd_int") > 0)).height == 0
    assert states.filter(writeoff="1").filter(pl.col("five_class") != 5).height == 0


def test_flags_have_their_dates(files):
    states = files.states("ln_due")
    assert states.filter((pl.col("ext_flag") == "1") != pl.col("ext_date").is_not_null()).height == 0
    assert states.filter((pl.col("restr_flag") == "1") != pl.col("restr_date").is_not_null()).height == 0
    assert states.filter(pl.col("mature_date") < pl.col("disb_date")).height == 0


def test_loans_are_booked_as_they_are_paid_out_and_paid_back(files):
    """2009 and 2010 of the accounts are the receipts' amounts and the repayments, account by account and day by day."""
    booked = files.events("cb_txn")
    first, last = booked["txn_date"].min(), booked["txn_date"].max()
    lent = files.last("ln_due").filter(pl.col("disb_date").is_between(first, last))
    lent = lent.group_by(pl.col("disb_acct").alias("acct_no"), pl.col("disb_date").alias("txn_date"))
    out = booked.filter(txn_type="2009").group_by("acct_no", "txn_date").agg(pl.col("amount").sum())
    assert out.sort(pl.all()).equals(lent.agg(pl.col("disb_amt").sum().alias("amount")).sort(pl.all()))
    repaid = files.events("ln_repay").filter(pl.col("repay_date") >= first).drop_nulls("payer_acct")
    paid = repaid.group_by(pl.col("payer_acct").alias("acct_no"), pl.col("repay_date").alias("txn_date")).agg(
        (pl.col("prin_amt") + pl.col("int_amt") + pl.col("pen_amt")).sum().alias("amount")
    )
    back = booked.filter(txn_type="2010").group_by("acct_no", "txn_date").agg(pl.col("amount").sum())
    assert back.sort(pl.all()).equals(paid.sort(pl.all()))


def test_draws_stay_within_the_contract(files):
    contracts, receipts = files.last("ln_contract"), files.last("ln_due")
    owed = receipts.group_by("contract_no").agg(pl.col("principal", "disb_amt").sum())
    joined = contracts.join(owed, on="contract_no")
    assert joined.filter(pl.col("principal") > pl.col("amount")).height == 0
    once = joined.filter(revolving="0")
    new = receipts.filter(renew_type="2").select("contract_no")
    assert once.join(new, on="contract_no", how="anti").filter(pl.col("disb_amt") > pl.col("amount")).height == 0
    assert contracts.filter(pl.col("end_date") < pl.col("sign_date")).height == 0
