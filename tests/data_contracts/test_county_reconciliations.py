"""The county's rules across feeds and days: money that must roll forward, schedules, days past due."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import duckdb
import pytest

from data_contracts import tables
from data_contracts.bank import read_bank
from data_contracts.judge import judge
from data_contracts.judgement import Judgement

FEEDS = read_bank("county").feeds
DAY = dt.date(2026, 11, 21)

BOOKED = {
    "channel": "03",
    "txn_date": "20261121",
    "txn_time": "090000",
    "dc_flag": "C",
    "amount": "50.00",
    "ccy": "CNY",
    "bal_after": "150.00",
    "txn_type": "1001",
    "rev_flag": "0",
}
GAINED = BOOKED | {"txn_id": "1", "acct_no": "A"}
LATER = {"due_no": "J1", "int_due": "0.00", "prin_paid": "0.00", "int_paid": "0.00"}
PAID = LATER | {
    "period_no": "2",
    "due_date": "20261120",
    "prin_due": "100.00",
    "prin_paid": "100.00",
    "paid_date": "20261121",
}


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two accounts, of which A gained 50 in the day, and a receipt on which 10 of 100 were repaid in the day."""
    with duckdb.connect() as opened:
        for schema in ("staged", "before", "quarantine"):
            opened.execute(f"create schema {schema}")
        for feed in (
            "cb_cust_ind",
            "cb_dep_acct",
            "ln_due",
            "ln_sched",
            "cb_org",
            "cb_product",
            "ln_contract",
            "cb_cust_corp",
        ):
            contract = FEEDS[feed]
            for schema, table in (("staged", tables.staged(contract)), ("before", tables.staged(contract))):
                columns = ", ".join(f'"{name}" {kind}' for name, kind in table.columns.items())
                opened.execute(f"create table {schema}.{feed} ({columns})")
            columns = ", ".join(f'"{name}" {kind}' for name, kind in tables.quarantine(contract).columns.items())
            opened.execute(f"create table quarantine.{feed} ({columns})")
        rates = ", ".join(f'"{name}" {kind}' for name, kind in FEEDS["cb_fx"].columns.items())
        opened.execute(f"create schema recent; create table recent.cb_fx ({rates})")
        for row in (
            "before.cb_dep_acct by name select unnest(['A', 'B']) as acct_no, unnest([100, 7]) as balance",
            "staged.cb_dep_acct by name select unnest(['A', 'B']) as acct_no, unnest([150, 7]) as balance",
            "before.ln_due by name select 'J1' as due_no, 100 as principal, 120 as disb_amt",
            "staged.ln_due by name select 'J1' as due_no, 90 as principal, 120 as disb_amt, 0 as dpd",
            """before.ln_sched by name select 'J1' as due_no, unnest([1, 2]) as period_no, unnest([20, 100]) as prin_due,
            unnest([date '2026-10-21', date '2026-11-20']) as due_date, unnest([date '2026-10-21', null]) as paid_date""",
        ):
            opened.execute(f"insert into {row}")
        yield opened


def judged(con: duckdb.DuckDBPyConnection, feed: str, *rows: Mapping[str, str], without: str = "") -> Judgement:
    """What is found of these rows, whose other fields are empty; `without` leaves out what rules look into."""
    contract = FEEDS[feed]
    con.execute(
        f"create or replace temp table raw (_row_no bigint, _line bigint, {', '.join(f'{n} varchar' for n in contract.columns)})"
    )
    for number, row in enumerate(rows, 1):
        assert set(row) <= set(contract.columns)
        values = [row.get(name, "") for name in contract.columns]
        con.execute(f"insert into raw values (?, ?{', ?' * len(values)})", [number, number, *values])
    con.execute("create or replace temp table rejected (_row_no bigint, _line bigint, _text varchar)")
    there = {name: name for name in contract.looks_into if not (without and name.startswith(without))}
    return judge(con, contract, references=there, business_date=DAY)


def failed(found: Judgement) -> dict[str, int]:
    """How often each reconciliation failed."""
    return {
        r.rule_id: r.failed
        for r in found.results
        if r.rule_id in ("Q24", "Q30", "Q30_many", "Q31", "Q35", "Q40", "Q41", "Q42") and r.failed
    }


def test_balances_roll_forward_from_the_day_before(con):
    assert failed(judged(con, "cb_txn", GAINED)) == {}


def test_a_balance_that_moved_without_a_booking_and_a_booking_without_a_balance_are_found(con):
    assert failed(judged(con, "cb_txn")) == {"Q30": 1, "Q30_many": 1}
    both = GAINED, BOOKED | {"txn_id": "2", "acct_no": "B", "dc_flag": "D", "amount": "0.01"}
    assert failed(judged(con, "cb_txn", *both)) == {"Q30": 1, "Q30_many": 1}


def test_one_account_in_ten_thousand_is_an_issue_and_more_refuse_the_delivery(con):
    for schema in ("staged", "before"):
        con.execute(
            f"insert into {schema}.cb_dep_acct by name select 'C' || range as acct_no, 1 as balance from range(9998)"
        )
    found = judged(con, "cb_txn", GAINED | {"amount": "50.01"})
    assert failed(found) == {"Q30": 1}
    assert "Q30" not in found.refused, "for other reasons: these rows have no more than what is looked at"
    con.execute("update staged.cb_dep_acct set balance = 2 where acct_no = 'C7'")
    found = judged(con, "cb_txn", GAINED | {"amount": "50.01"})
    assert failed(found) == {"Q30": 2, "Q30_many": 1}
    assert "Q30_many" in found.refused


def test_an_orphan_booking_does_not_break_the_roll_forward(con):
    assert failed(judged(con, "cb_txn", GAINED, BOOKED | {"txn_id": "2", "acct_no": "nobody's"})) == {}


def test_a_new_account_begins_with_nothing(con):
    con.execute("insert into staged.cb_dep_acct by name select 'N' as acct_no, 9 as balance")
    opened = BOOKED | {"txn_id": "2", "acct_no": "N", "amount": "9.00", "bal_after": "9.00"}
    assert failed(judged(con, "cb_txn", GAINED, opened)) == {}
    assert failed(judged(con, "cb_txn", GAINED)) == {"Q30": 1, "Q30_many": 1}


def test_a_quarantined_row_counts_with_the_balance_that_was_delivered(con):
    """Its last good state stands in the warehouse; the bank's books moved all the same."""
    con.execute("update staged.cb_dep_acct set balance = 100, _held_since = date '2026-11-21' where acct_no = 'A'")
    con.execute("insert into quarantine.cb_dep_acct by name select 'A' as acct_no, '150.00' as balance")
    assert failed(judged(con, "cb_txn", GAINED)) == {}
    con.execute("update before.cb_dep_acct set _held_since = date '2026-11-20', balance = 1 where acct_no = 'A'")
    assert failed(judged(con, "cb_txn", GAINED)) == {}, "what was held the day before is not known"


def test_without_the_day_before_nothing_is_said_and_nothing_refused(con):
    found = judged(con, "cb_txn", GAINED, without="before")
    assert found.result("Q30").passed is None
    assert found.result("Q30_many").passed is None
    assert "Q30" not in found.refused
    assert "before.cb_dep_acct is not there" in found.result("Q30").observation


def test_bookings_of_a_day_are_a_chain_of_balances(con):
    first = GAINED | {"amount": "20.00", "bal_after": "120.00"}
    second = GAINED | {"txn_id": "2", "txn_time": "090001", "amount": "30.00", "bal_after": "150.00"}
    assert failed(judged(con, "cb_txn", second, first)) == {}
    assert failed(judged(con, "cb_txn", second, first | {"bal_after": "119.99"})) == {"Q31": 1}


def test_a_transfer_between_two_of_our_accounts_is_booked_on_both(con):
    out = BOOKED | {
        "txn_id": "1",
        "acct_no": "B",
        "dc_flag": "D",
        "txn_type": "2001",
        "cp_acct": "A",
        "bal_after": "-43.00",
    }
    into = GAINED | {"txn_id": "2", "txn_type": "2001", "cp_acct": "B"}
    con.execute("update staged.cb_dep_acct set balance = -43 where acct_no = 'B'")
    assert failed(judged(con, "cb_txn", out, into)) == {}
    found = failed(judged(con, "cb_txn", out, into | {"cp_acct": "elsewhere"}))
    assert found == {"Q35": 1}
    con.execute("insert into staged.cb_dep_acct by name select 'A' as acct_no, 150 as balance")
    found = failed(judged(con, "cb_txn", out, into | {"cp_acct": "elsewhere"}))
    assert found == {"Q35": 1}, "beside a history an account has many states; the transfer is one"


def test_who_has_died_initiates_nothing_from_then_on(con):
    con.execute("""insert into staged.cb_cust_ind by name
        select 'P' as cust_no, unnest(['0', '4']) as cust_status, unnest([date '2020-01-01', date '2026-11-20']) as business_date""")
    found = failed(judged(con, "cb_txn", GAINED | {"cust_no": "P"}))
    assert found == {"Q24": 1}
    for allowed in ({"txn_type": "2006"}, {"channel": "09"}, {"txn_type": "2001", "channel": "01", "dc_flag": "D"}):
        found = failed(judged(con, "cb_txn", GAINED | {"cust_no": "P"} | allowed))
        assert "Q24" not in found, "interest and batches go on, and the estate is settled at the counter"
    con.execute("update staged.cb_cust_ind set business_date = date '2026-11-22' where cust_status = '4'")
    assert failed(judged(con, "cb_txn", GAINED | {"cust_no": "P"})) == {}, "alive on the day of the booking"


def test_what_is_owed_is_what_was_owed_less_what_was_repaid(con):
    repaid = {
        "repay_id": "1",
        "due_no": "J1",
        "repay_date": "20261121",
        "prin_amt": "10.00",
        "int_amt": "1.00",
        "pen_amt": "0.00",
        "repay_type": "1",
    }
    assert failed(judged(con, "ln_repay", repaid)) == {}
    assert failed(judged(con, "ln_repay", repaid | {"prin_amt": "9.99"})) == {"Q40": 1}
    con.execute("insert into staged.ln_due by name select 'J2' as due_no, 5 as principal, 5 as disb_amt, 0 as dpd")
    assert failed(judged(con, "ln_repay", repaid)) == {}, "paid out today"
    con.execute("update staged.ln_due set disb_amt = 6 where due_no = 'J2'")
    assert failed(judged(con, "ln_repay", repaid)) == {"Q40": 1}
    con.execute("insert into quarantine.ln_due by name select 'J2' as due_no, '6.00' as principal, '6.00' as disb_amt")
    assert failed(judged(con, "ln_repay", repaid)) == {}, "as it was delivered, not as it is held"


def test_periods_add_up_to_what_was_paid_out_and_open_ones_are_in_order(con):
    assert failed(judged(con, "ln_sched", PAID)) == {}
    assert failed(judged(con, "ln_sched", PAID | {"prin_due": "100.01", "prin_paid": "100.01"})) == {"Q41": 1}
    more = LATER | {"period_no": "3", "due_date": "20261221", "prin_due": "0.00"}
    assert failed(judged(con, "ln_sched", PAID, more)) == {}
    assert failed(judged(con, "ln_sched", PAID, more, more | {"period_no": "4"})) == {"Q41": 1}


def test_days_past_due_are_counted_from_the_earliest_open_period(con):
    assert failed(judged(con, "ln_sched")) == {"Q42": 1}
    con.execute("update staged.ln_due set dpd = 1")
    assert failed(judged(con, "ln_sched")) == {}
    assert failed(judged(con, "ln_sched", PAID)) == {"Q42": 1}, "paid today: nothing is past due"


def test_a_currency_is_warned_of_only_where_no_rate_of_the_last_seven_days_has_come(
    con: duckdb.DuckDBPyConnection,
) -> None:
    dollars = GAINED | {"ccy": "USD", "txn_date": "20261120"}
    assert judged(con, "cb_txn", GAINED | {"ccy": "CNY"}).result("fx_without_rate").failed == 0
    assert judged(con, "cb_txn", dollars).result("fx_without_rate").failed == 1, "nothing has ever come"
    for ccy, day, warned in (("EUR", "2026-11-20", 1), ("USD", "2026-11-12", 1), ("USD", "2026-11-21", 1), ("USD", "2026-11-13", 0)):  # fmt: skip
        con.execute(f"insert into recent.cb_fx by name select '{ccy}' as ccy, date '{day}' as rate_date, 7 as mid")
        assert judged(con, "cb_txn", dollars).result("fx_without_rate").failed == warned, (ccy, day)
    state = {"acct_no": "A", "ccy": "USD", "balance": "1.00"}
    assert judged(con, "cb_dep_acct", state).result("fx_without_rate").failed == 0
    con.execute("delete from recent.cb_fx where rate_date = date '2026-11-13'")
    con.execute("delete from recent.cb_fx where rate_date > date '2026-11-20'")
    assert judged(con, "cb_dep_acct", state).result("fx_without_rate").failed == 1
