"""The county's books: every balance is the one before it and what was booked, to the fen, and none is below zero."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

DEEDS = ("1002", "2001", "2003", "2004", "2005", "2008", "2012")


@pytest.fixture(params=["county", pytest.param("five_thousand", marks=pytest.mark.slow)], scope="module")
def files(request):
    return request.getfixturevalue(request.param).files


@pytest.fixture(scope="module")
def booked(files) -> pl.DataFrame:
    """All bookings in the order of the files, signed."""
    signed = pl.when(pl.col("dc_flag") == "C").then("amount").otherwise(-pl.col("amount"))
    return files.events("cb_txn").with_columns(signed.alias("signed"))


@pytest.fixture(scope="module")
def states(files) -> pl.DataFrame:
    return files.states("cb_dep_acct")


def test_the_balance_of_a_day_is_that_of_the_day_before_and_the_bookings_of_the_day(booked, states):
    net = booked.group_by("acct_no", pl.col("txn_date").alias("state_date")).agg(pl.col("signed").sum())
    before = pl.col("balance").shift(1).over("acct_no")
    moved = states.sort("acct_no", "state_date").join(net, on=["acct_no", "state_date"], how="left")
    moved = moved.with_columns(before.alias("before"), pl.col("signed").fill_null(0))
    later = moved.filter((pl.col("state_date") > states["state_date"].min()) | pl.col("before").is_not_null())
    assert later.filter(pl.col("before").fill_null(0) + pl.col("signed") != pl.col("balance")).height == 0
    days = net.join(states, on=["acct_no", "state_date"], how="anti")
    assert days.height == 0, "every day with a booking has a state"


def test_the_running_balance_follows_the_order_of_time_and_number(booked, states):
    ordered = booked.sort("txn_date", "txn_time", "txn_id")
    assert ordered["txn_id"].equals(booked["txn_id"]), "files are in that order"
    before = pl.col("bal_after").shift(1).over("acct_no")
    chained = ordered.with_columns(before.alias("before")).drop_nulls("before")
    assert chained.filter(pl.col("before") + pl.col("signed") != pl.col("bal_after")).height == 0
    last = ordered.group_by("acct_no", "txn_date", maintain_order=True).agg(pl.col("bal_after").last())
    closed = last.join(states, left_on=["acct_no", "txn_date"], right_on=["acct_no", "state_date"])
    assert closed.height == last.height
    assert (closed["bal_after"] == closed["balance"]).all()


def test_no_balance_is_negative_and_no_amount_is_nothing(booked, states):
    assert (booked["amount"] > 0).all()
    assert (booked["bal_after"] >= 0).all()
    assert (states["balance"] >= 0).all()
    assert (states["hold_amt"] <= states["balance"]).all()


def test_numbers_of_bookings_count_from_one_on_each_day(booked):
    nth = booked["txn_id"].str.slice(9, 10).cast(pl.Int64)
    wanted = booked.select((pl.int_range(pl.len()).over("txn_date") + 1).alias("n"))["n"]
    assert (nth == wanted).all()
    assert (booked["txn_id"].str.slice(0, 8) == booked["txn_date"].dt.strftime("%Y%m%d")).all()


def test_accounts_keep_their_currency_and_their_owner(booked, states):
    owned = states.select("acct_no", "cust_no", "ccy").unique()
    assert owned.height == states["acct_no"].n_unique()
    assert booked.join(owned, on=["acct_no", "cust_no", "ccy"], how="anti").height == 0


def test_nothing_is_booked_on_an_account_that_was_closed(booked, states):
    closed = states.filter(acct_status="5")
    assert closed.height
    assert (closed["balance"] == 0).all()
    assert closed["close_date"].null_count() == 0
    assert states.filter(pl.col("acct_status") != "5")["close_date"].null_count() == states.height - closed.height
    since = closed.group_by("acct_no").agg(pl.col("close_date").min().alias("gone"))
    assert booked.join(since, on="acct_no").filter(pl.col("txn_date") > pl.col("gone")).height == 0
    again = states.join(since, on="acct_no").filter(pl.col("state_date") > pl.col("gone"))
    assert (again["acct_status"] == "5").all()


def test_the_last_deed_of_an_account_is_the_newest_booking_that_the_customer_initiated(booked, states):
    deeds = booked.filter(
        pl.col("rev_flag") == "0",
        pl.col("channel") != "09",
        (pl.col("txn_type") == "1001") | ((pl.col("dc_flag") == "D") & pl.col("txn_type").is_in(DEEDS)),
    )
    newest = deeds.group_by("acct_no").agg(pl.col("txn_date").max())
    last = states.sort("state_date", maintain_order=True).group_by("acct_no").last()
    compared = newest.join(last, on="acct_no")
    assert compared.height > 50
    assert (compared["txn_date"] == compared["last_txn_date"]).all()
    quiet = last.join(newest, on="acct_no", how="anti")
    assert quiet.filter(pl.col("last_txn_date") >= booked["txn_date"].min()).height == 0


def test_interest_is_that_of_the_balances_of_the_quarter(files, booked, states):
    """Fen times days from 21 June to 20 September, at the account's rate over 360 days, half a fen rounded up."""
    begin, paid = dt.date(2026, 6, 21), dt.date(2026, 9, 21)
    spans = states.sort("acct_no", "state_date").with_columns(
        pl.col("state_date").shift(-1).over("acct_no").fill_null(dt.date(2026, 12, 31)).alias("until")
    )
    inside = spans.filter((pl.col("until") > begin) & (pl.col("state_date") < paid)).with_columns(
        (pl.min_horizontal("until", pl.lit(paid)) - pl.max_horizontal("state_date", pl.lit(begin)))
        .dt.total_days()
        .alias("days")
    )
    rate = pl.col("rate").str.replace(".", "", literal=True).cast(pl.Int64).first()
    reckoned = inside.group_by("acct_no").agg((pl.col("balance") * pl.col("days")).sum().alias("fen_days"), rate)
    open_then = states.filter(pl.col("acct_type") == "01", pl.col("state_date") <= paid).sort("state_date")
    open_then = open_then.group_by("acct_no").last().filter(pl.col("acct_status") != "5")
    per = 360 * 100_000_000
    wanted = reckoned.join(open_then.select("acct_no"), on="acct_no", how="semi").with_columns(
        ((pl.col("fen_days") * pl.col("rate") + per // 2) // per).alias("wanted")
    )
    found = booked.filter(txn_type="2006", txn_date=paid, txn_time="020000").select("acct_no", "amount")
    compared = wanted.filter(pl.col("wanted") > 0).join(found, on="acct_no", how="full", coalesce=True)
    assert compared.height > 100
    assert compared.filter(pl.col("wanted").ne_missing(pl.col("amount"))).height == 0


def test_a_transfer_between_our_accounts_has_both_sides(booked):
    sides = ["txn_date", "amount", "txn_type"]
    sent = booked.filter(pl.col("cp_cust_no").is_not_null() & (pl.col("dc_flag") == "D"))
    came = booked.filter(pl.col("cp_cust_no").is_not_null() & (pl.col("dc_flag") == "C"))
    from_, to = (
        sent.group_by("acct_no", "cp_acct", *sides).len().sort(pl.all()),
        came.group_by(pl.col("cp_acct").alias("acct_no"), pl.col("acct_no").alias("cp_acct"), *sides)
        .len()
        .sort(pl.all()),
    )
    assert sent.height > 20
    assert from_.equals(to)


def test_what_was_taken_back_nets_to_nothing(booked):
    back = booked.filter(pl.col("rev_flag") != "0")
    assert back.height
    net = back.group_by("acct_no", "txn_date").agg(pl.col("signed").sum(), pl.col("rev_flag").n_unique())
    assert (net["signed"] == 0).all()
    assert (net["rev_flag"] == 2).all()


def test_time_deposits_come_and_go_whole(files, booked):
    deposits = files.last("cb_dep_acct").filter(acct_type="02")
    assert deposits.filter(pl.col("acct_status") == "5").height
    of_time = booked.join(deposits.select("acct_no", "open_date", "close_date"), on="acct_no")
    assert of_time.filter(
        (pl.col("txn_date") != pl.col("open_date")) & pl.col("txn_date").ne_missing(pl.col("close_date"))
    ).is_empty()
