"""What the county's written rules catch: a row or a delivery that keeps each of them, and one that breaks it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import duckdb
import pytest

from data_contracts.bank import read_bank
from data_contracts.contract import Contract
from data_contracts.judge import judge
from data_contracts.judgement import Judgement

DAY = dt.date(2026, 11, 21)
FEEDS = read_bank("county").feeds
PERSON, OTHER, FIRM = "11010519491231002X", "330327198001011238", "91350100M000100Y43"

ROWS = [
    ("cb_cust_ind", "Q15", {"id_type": "10", "id_no": PERSON}, {"id_no": "110105194912310021"}),
    ("cb_cust_ind", "Q21", {"cust_name": "欧阳·㐀"}, {"cust_name": "未知"}),
    ("cb_cust_corp", "Q17", {"uscc": FIRM}, {"uscc": "91350100M000100Y44"}),
    ("cb_cust_corp", "Q17_organisation", {"uscc": FIRM}, {"uscc": "92330327MA97298150"}),
    ("cb_dep_acct", "Q27", {"acct_no": "6222020000001234566"}, {"acct_no": "6222020000001234567"}),
    ("cb_dep_acct", "Q27", {"acct_no": "101003300000003"}, {"acct_no": "6222020000001234"}),
    ("cb_fx", "fx_home", {"ccy": "CNY", "mid": "1.00000000"}, {"mid": "7.00000000"}),
    ("cc_acct", "overdue_and_days", {"ovd_amt": "1.00", "dpd": "3"}, {"dpd": "0"}),
    ("cc_txn", "Q34", {"txn_date": "20261118"}, {"txn_date": "20261117"}),
    ("wm_hold", "Q50", {"units": "50000.0000", "nav": "1.023400", "market_value": "51170.01"}, {"market_value": "51170.02"}),
    ("wm_risk_eval", "expires_later", {"eval_date": "20260301", "expiry": "20270301"}, {"expiry": "20260301"}),
    ("bc_app", "Q15", {"id_no": PERSON}, {"id_no": FIRM}),
    ("bc_app", "Q19", {"mobile": "13957700123"}, {"mobile": "12957700123"}),
    ("bc_app", "approved_has_amount", {"result": "1", "approve_amt": "1.00"}, {"result": "2"}),
    ("bc_guarantee", "Q48", {"borrower_no": "8801", "guarantor_no": "8802"}, {"guarantor_no": "8801"}),
    ("bc_guarantee", "Q15", {"guarantor_id": FIRM}, {"guarantor_id": "91350100M000100Y4Z"}),
    ("bc_collateral", "Q49", {"value": "1.00", "value_date": "20240101"}, {"value_date": "20231101"}),
    ("bc_list", "colour_of_its_kind", {"list_color": "B", "list_kind": "B01"}, {"list_color": "G"}),
    ("bc_list", "black_and_grey_end", {"list_color": "B", "list_kind": "B05"}, {"list_kind": "B01"}),
    (
        "cr_report",
        "Q52",
        {"auth_no": "AU1", "auth_end": "20261120", "report_ts": "20261120081000"},
        {"auth_end": "20261119"},
    ),
    ("cr_report", "Q52", {"auth_no": "AU1", "auth_end": "20261120", "report_ts": "20261120081000"}, {"auth_no": ""}),
    ("cr_report", "Q15", {"subject_kind": "2", "subject_id": FIRM}, {"subject_kind": "1"}),
    ("cr_acct", "Q53", {"hist60": "N" * 59 + "1"}, {"hist60": "N" * 59 + "X"}),
    ("cr_acct", "Q53", {"hist60": "*#1234567BMDZCGA" + "N" * 44}, {"hist60": "N" * 59}),
    ("px_tax", "Q55", {"auth_no": "AUX001"}, {"auth_no": ""}),
    ("px_util", "Q55", {"auth_no": "AUX001"}, {"auth_no": "none"}),
    ("px_tax", "Q56", {"period": "202607"}, {"period": "202606"}),
    ("px_social", "Q56", {"month": "202608"}, {"month": "202612"}),
    ("px_shop", "Q17", {"owner_id": PERSON}, {"owner_id": "11010519491231002"}),
    ("px_control", "release_names_its_request", {"action": "4", "orig_req_no": "WK1"}, {"action": "2"}),
    ("px_village", "Q59", {"eval_n": "3", "survey_date": "2024-12-01"}, {"survey_date": "2024-11-01"}),
    ("mc_day", "Q58", {"amt": "9.00", "night_amt": "9.00", "credit_amt": "0.00", "max_amt": "1.00"}, {"night_amt": "9.01"}),
    ("sc_order", "Q17", {"buyer": FIRM, "seller": "91512081MA62K0260E"}, {"seller": "91512081MA62K0260F"}),
    ("sc_invoice", "pledged_to", {"pledge_seq": "1", "pledged_due": "JJ1"}, {"pledge_seq": "0"}),
    ("cu_points", "earning_expires", {"side": "1", "entry_date": "20261120", "expire_date": "20281231"}, {"expire_date": "20261120"}),
]  # fmt: skip

LEDGER = {"gl_date": "20261121", "org_no": "330327001", "ccy": "CNY"}
DELIVERIES = [
    (
        "cb_gl",
        "Q36",
        [LEDGER | {"subject": "10010101", "dr_bal": "5.00", "cr_bal": "0.00"}, LEDGER | {"subject": "20110101", "dr_bal": "0.00", "cr_bal": "5.00"}],
        [LEDGER | {"subject": "10010101", "dr_bal": "5.00", "cr_bal": "0.00"}],
    ),
    (
        "cb_gl",
        "Q37",
        [LEDGER | {"subject": "20110101", "dr_bal": "0.00", "cr_bal": "30.00"}],
        [LEDGER | {"subject": "20110101", "dr_bal": "0.00", "cr_bal": "30.01"}],
    ),
    ("cb_gl", "Q38", [LEDGER | {"subject": "13010101", "dr_bal": "8.00", "cr_bal": "0.00"}], []),
    ("px_share", "Q57", [{"uscc": FIRM, "pct": "0.6"}, {"uscc": FIRM, "pct": "0.4"}], [{"uscc": FIRM, "pct": "0.6"}, {"uscc": FIRM, "pct": "0.5"}]),
    ("hr_kpi", "weights_add_up", [{"emp_id": "E1", "month": "202610", "weight": "1"}], [{"emp_id": "E1", "month": "202610", "weight": "0.9"}]),
    ("wm_order", "Q51", [{"cust_no": "88", "product_code": "WM030007", "side": "1", "order_date": "20261121"}], [{"cust_no": "89", "product_code": "WM030007", "side": "1", "order_date": "20261121"}]),
    ("bc_guarantee", "Q47", [{"guar_id": "1", "contract_no": "HT2"}], [{"guar_id": "1", "contract_no": "HT3"}]),
    ("bc_collateral", "Q47", [{"coll_id": "1", "contract_no": "HT3"}], [{"coll_id": "1", "contract_no": "HT2"}]),
    ("cr_summary", "Q54", [{"report_no": "1", "card_cnt": "1"}], [{"report_no": "1", "card_cnt": "2"}]),
    ("cb_org", "Q12_parent", [{"org_no": "330327000", "parent_no": "330327000"}], [{"org_no": "330327001", "parent_no": "330327000"}]),
]  # fmt: skip
"""Deliveries that keep a rule, and ones that break it, beside what stands in other feeds."""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in which every feed has a state, with what the rules about deliveries look up."""
    with duckdb.connect() as opened:
        opened.execute("create schema staged")
        for feed, contract in FEEDS.items():
            columns = ", ".join(f'"{name}" {kind}' for name, kind in contract.columns.items())
            opened.execute(f"create table staged.{feed} ({columns})")
        rates = ", ".join(f'"{name}" {kind}' for name, kind in FEEDS["cb_fx"].columns.items())
        opened.execute(f"create schema recent; create table recent.cb_fx ({rates})")
        for row in (
            "cb_product by name select 'DP010001' as product_code, '20110101' as subject, null as risk_level",
            "cb_product by name select 'LN020003' as product_code, '13010101' as subject, null as risk_level",
            "cb_product by name select 'WM030007' as product_code, null as subject, 'R3' as risk_level",
            "cb_dep_acct by name select 'DP010001' as product_code, '330327001' as org_no, 'CNY' as ccy, unnest([10, 20]) as balance",
            "ln_due by name select 'LN020003' as product_code, '330327001' as org_no, '0' as writeoff, 8 as principal",
            "wm_risk_eval by name select '88' as cust_no, date '2025-01-01' as eval_date, 'C1' as level",
            "wm_risk_eval by name select '88' as cust_no, date '2026-01-01' as eval_date, 'C3' as level",
            "wm_risk_eval by name select '89' as cust_no, date '2026-01-01' as eval_date, 'C2' as level",
            "ln_contract by name select 'HT2' as contract_no, '2' as guar_type, '1' as status",
            "ln_contract by name select 'HT3' as contract_no, '3' as guar_type, '1' as status",
            "cr_acct by name select '1' as report_no, 'R2' as acct_kind, unnest(['1', '6']) as acct_status",
        ):
            opened.execute(f"insert into staged.{row}")
        yield opened


def judged(con: duckdb.DuckDBPyConnection, contract: Contract, rows: list[dict[str, str]]) -> Judgement:
    """What is found of these rows, whose other fields are empty."""
    fields = ", ".join(f'"{name}" varchar' for name in contract.columns)
    con.execute(f"create or replace temp table raw (_row_no bigint, _line bigint, {fields})")
    for number, row in enumerate(rows, 1):
        values = [row.get(name, "") for name in contract.columns]
        con.execute(f"insert into raw values (?, ?{', ?' * len(values)})", [number, number, *values])
    con.execute("create or replace temp table rejected (_row_no bigint, _line bigint, _text varchar)")
    return judge(con, contract, references={table: table for table in contract.looks_into}, business_date=DAY)


@pytest.mark.parametrize(("feed", "rule", "good", "change"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS])
def test_a_row_that_breaks_a_rule_is_told_from_one_that_keeps_it(
    con: duckdb.DuckDBPyConnection, feed: str, rule: str, good: dict[str, str], change: dict[str, str]
) -> None:
    contract = FEEDS[feed]
    assert {*good, *change} <= set(contract.columns)
    keys = [{name: f"{n}" for name in contract.key if name not in good} for n in (1, 2)]
    found = judged(con, contract, [good | keys[0], good | change | keys[1]])
    breaches = con.execute(f"select _row_no from {found.violations} where rule_id = '{rule}'").fetchall()
    assert breaches == [(2,)]


@pytest.mark.parametrize(
    ("feed", "rule", "good", "broken"), DELIVERIES, ids=[f"{row[0]}-{row[1]}" for row in DELIVERIES]
)
def test_a_delivery_that_breaks_a_rule_is_told_from_one_that_keeps_it(
    con: duckdb.DuckDBPyConnection, feed: str, rule: str, good: list[dict[str, str]], broken: list[dict[str, str]]
) -> None:
    contract = FEEDS[feed]
    assert judged(con, contract, good).result(rule).passed is True
    assert judged(con, contract, broken).result(rule).passed is False
