"""What falls due and who paid it: late instalments, burdens, what an account lacks, and other people's money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from features_by_hand import (
    D,
    Row,
    World,
    account,
    balance,
    contract,
    days,
    instalment,
    party,
    receipt,
    told,
    transaction,
    world,
)

from assets.features.parameters import Parameters

NO_SCHEDULE = Parameters(schedules_fresh=False)


def planned(*plan: Row, loans: tuple[Row, ...] | None = None, **tables: Any) -> World:
    """A receipt of a contract paid back in instalments, with its schedule."""
    return world(
        account(),
        loan_receipt=loans or [receipt(contract_id="C1", disbursed_date=D - days(900))],
        loan_contract=[contract()],
        schedule=plan,
        **tables,
    )


def test_an_instalment_is_late_after_the_days_of_grace() -> None:
    settled = receipt(disbursed_date=D - days(900), settled_date=D - days(40))
    cases = {
        "in time": planned(instalment(1, 30, paid=27)),
        "late": planned(instalment(1, 30, paid=26)),
        "unpaid": planned(instalment(1, 4)),
        "unpaid, in grace": planned(instalment(1, 3)),
        "due": planned(instalment(1, -1)),
        "a year": planned(instalment(1, 364, paid=300), instalment(2, 365, paid=300), instalment(3, 729, paid=700)),
        "two years": planned(instalment(1, 730, paid=700)),
        "settled": planned(instalment(1, 60), instalment(2, 30), loans=(settled,)),
        "settled in time": planned(instalment(1, 43), instalment(2, 30), loans=(settled,)),
        "no plan": planned(),
        "one without": planned(instalment(1, 30, paid=26), loans=(receipt(), receipt("L2"))),
        "settled without": planned(loans=(settled,)),
        "none": world(account()),
    }
    names = ("late_cnt_12m", "due_cnt_24m", "late_cnt_24m")
    assert told(cases, *names) == {
        "in time": (0, 1, 0), "late": (1, 1, 1), "unpaid": (1, 1, 1), "unpaid, in grace": (0, 1, 0), "due": (0, 0, 0),
        "a year": (1, 3, 3), "two years": (0, 0, 0), "settled": (1, 1, 1), "settled in time": (0, 1, 0),
        "no plan": (None, None, None), "one without": (None, None, None), "settled without": (0, 0, 0),
        "none": (0, 0, 0),
    }  # fmt: skip
    assert told({"late": cases["late"]}, *names, parameters=NO_SCHEDULE) == {"late": (None, None, None)}
    patient = Parameters(features={"grace_days": 4})
    assert told({"late": cases["late"]}, *names, parameters=patient) == {"late": (0, 1, 0)}


def test_a_first_instalment_in_default_is_one_of_the_first_period() -> None:
    settled = receipt(settled_date=D - days(40))
    cases = {
        "unpaid": planned(instalment(1, 8)),
        "unpaid for a week": planned(instalment(1, 7)),
        "second": planned(instalment(1, 40, paid=40), instalment(2, 8)),
        "paid late": planned(instalment(1, 187, paid=179)),
        "paid late, long ago": planned(instalment(1, 190, paid=180)),
        "paid within a week": planned(instalment(1, 30, paid=23)),
        "settled": planned(instalment(1, 60), loans=(settled,)),
        "two": planned(
            instalment(1, 8), instalment(1, 9, receipt_id="L2"), loans=(receipt(), receipt("L2"), receipt("L3"))
        ),
        "no plan": planned(),
        "none": world(account()),
    }
    assert told(cases, "first_default_cnt") == {
        "unpaid": 1, "unpaid for a week": 0, "second": 0, "paid late": 1, "paid late, long ago": 0,
        "paid within a week": 0, "settled": 0, "two": 2, "no plan": None, "none": 0,
    }  # fmt: skip


def test_the_burden_of_a_month_leaves_out_what_is_paid_back_at_the_end() -> None:
    def case(mode: str | None, *plan: Row, **said: Any) -> World:
        loans = [receipt(contract_id="C1", **said)]
        return world(account(), loan_receipt=loans, loan_contract=[contract(repay_mode=mode)], schedule=plan)

    partly = {"principal_paid": Decimal(40), "interest_paid": Decimal(10)}
    cases = {
        "instalments": case("annuity", instalment(1, -1), instalment(2, -30), instalment(3, -31), instalment(4, 0)),
        "bullet": case("bullet", instalment(1, -1)),
        "partly paid": case("equal_principal", instalment(1, -5, **partly)),
        "mode unknown": case(None, instalment(1, -5)),
        "mode unknown, interest alone": case(None, instalment(1, -5, principal_due=Decimal(0))),
        "no rate": case("bullet", instalment(1, -5, interest_due=None)),
        "settled": case("annuity", instalment(1, -5), settled_date=D),
        "no plan": case("annuity"),
        "none": world(account()),
    }
    assert told(cases, "mon_due") == {
        "instalments": 200, "bullet": 10, "partly paid": 50, "mode unknown": None, "mode unknown, interest alone": 10,
        "no rate": None, "settled": 0, "no plan": None, "none": 0,
    }  # fmt: skip


def test_a_burden_is_judged_against_what_comes_in() -> None:
    def case(*, paid: int = 0, came: int = 0, stated: str | None = None, opened: int = 900, due: int = 1) -> World:
        rows = [transaction(30 * n, paid, direction="C", type="salary") for n in range(1, 7) if paid]
        rows += [transaction(30 * n, came, direction="C", type="transfer") for n in range(1, 7) if came]
        plan = [instalment(n, -n) for n in range(1, due + 1)]
        known = [party(annual_income=stated and Decimal(stated))]
        tables = {"loan_receipt": [receipt(contract_id="C1")], "loan_contract": [contract()], "schedule": plan}
        return world(account(opened=opened), parties=known, transaction_history=rows, **tables)

    cases = {
        "salary": case(paid=2000, came=9000, stated="12000"),
        "inflow": case(came=9000, stated="12000"),
        "stated": case(stated="12000", due=5),
        "stated, young": case(came=9000, stated="24000", opened=40),
        "small": case(stated="5999.99"),
        "nobody knows": case(),
    }
    assert told(cases, "inc_est", "inc_source", "dti") == {
        "salary": (2000, "salary", 0.05), "inflow": (2700, "inflow", 100 / 2700), "stated": (1000, "stated", 0.5),
        "stated, young": (2000, "stated", 0.05), "small": (5999.99 / 12, "stated", None),
        "nobody knows": (None, None, None),
    }  # fmt: skip
    stale = told(cases, "inc_est", "dti", parameters=Parameters(flows_fresh=False))
    assert stale["stated"] == (None, None), "whether there is a salary is not known"


def test_a_restructured_loan_is_watched_for_a_year_and_two_payments() -> None:
    def case(since: int | None, *due: int, **said: Any) -> World:
        start = None if since is None else D - days(since)
        changed = receipt(restructured=True, restructured_date=start, **said)
        return planned(*(instalment(n, age) for n, age in enumerate(due, start=1)), loans=(changed,))

    cases = {
        "young": case(364, 300, 200, 100),
        "a year": case(365, 300, 200, 100),
        "a year, one payment": case(365, 365, 200, -1),
        "a year, second today": case(365, 200, 0),
        "no date": case(None, 300, 200),
        "settled": case(30, 20, settled_date=D),
        "no plan": case(400),
        "no plan, young": case(40),
        "not said": planned(instalment(1, 3), loans=(receipt(),)),
        "not": planned(instalment(1, 3), loans=(receipt(restructured=False),)),
        "one known": planned(instalment(1, 3), loans=(receipt(), receipt("L2", restructured=True))),
        "none": world(account()),
    }
    assert told(cases, "restructured_cnt") == {
        "young": 1, "a year": 0, "a year, one payment": 1, "a year, second today": 0, "no date": 1, "settled": 0,
        "no plan": None, "no plan, young": 1, "not said": None, "not": 0, "one known": 1, "none": 0,
    }  # fmt: skip


def test_an_account_lacks_what_falls_due_within_days() -> None:
    def case(held: Any, *plan: Row, frozen: Any = "0", paying: str | None = "A1", **more: Any) -> World:
        loans = [receipt(account_id=paying), *more.pop("loans", ())]
        lying = [balance(9, held, held=frozen)]
        return world(account("A1"), loan_receipt=loans, schedule=plan, balance_history=lying, **more)

    two = (receipt("L2", account_id="A1"),)
    strange = [balance(9, 30, account_id="X")]
    cases = {
        "enough": case(100, instalment(1, -1)),
        "lacking": case("99.99", instalment(1, -3)),
        "later": case(0, instalment(1, -4)),
        "today": case(0, instalment(1, 0)),
        "frozen": case(130, instalment(1, -1), frozen="31"),
        "frozen, unknown": case(130, instalment(1, -1), frozen=None),
        "two loans": case(150, instalment(1, -1), instalment(1, -2, receipt_id="L2"), loans=two),
        "paid": case(0, instalment(1, -1, paid=0)),
        "no rate": case(None, instalment(1, -1)),
        "amount unknown": case(0, instalment(1, -1, interest_due=None)),
        "account unknown": case(0, instalment(1, -1), paying=None),
        "account elsewhere": case(0, instalment(1, -1), paying="Z"),
        "of another": case(900, instalment(1, -1), paying="X").plus(balance_history=strange),
        "no plan": case(0),
        "paid, no rate": case(0, instalment(1, -1, paid=0, interest_due=None)),
        "one unknown": case(150, instalment(1, -1), instalment(2, -2, interest_due=None)),
        "none": world(account()),
    }
    assert told(cases, "due_lacking") == {
        "enough": 0, "lacking": Decimal("0.01"), "later": 0, "today": 0, "frozen": 1, "frozen, unknown": None,
        "two loans": 50, "paid": 0, "no rate": None, "amount unknown": None, "account unknown": None,
        "account elsewhere": None, "of another": 70, "no plan": None, "paid, no rate": 0, "one unknown": None,
        "none": 0,
    }  # fmt: skip
    assert told({"lacking": cases["lacking"]}, "due_lacking", parameters=Parameters(balances_fresh=False)) == {
        "lacking": None
    }


def test_what_others_pay_for_a_borrower() -> None:
    def case(*paid: tuple[int, str | None, str | None], **said: Any) -> World:
        rows = [
            {"repayment_id": f"R{n}", "receipt_id": "L1", "event_date": D - days(age), "repayment_type": kind,
             "payer_account_id": payer}
            for n, (age, kind, payer) in enumerate(paid)
        ]  # fmt: skip
        joint = {"account_id": "J", "party_id": "P1", "role": "owner"}
        user = {"account_id": "A2", "party_id": "P1", "role": "authorised"}
        accounts = [account("A1"), account("A2", party_id="P2"), account("J", party_id="P2")]
        return world(*accounts, loan_receipt=[receipt(**said)], repayment_history=rows).plus(
            account_holder=[joint, user]
        )

    cases = {
        "own": case((3, "scheduled", "A1")),
        "guarantor": case((179, "guarantor", "A2"), (180, "collateral", None)),
        "collateral": case((0, "collateral", None)),
        "another": case((3, "scheduled", "A2"), (180, "scheduled", "A2")),
        "joint": case((3, "early", "J")),
        "elsewhere": case((3, "scheduled", "Z"), (3, "overdue", None)),
        "unknown": case((3, None, "A2")),
        "settled": case((3, "guarantor", "A2"), settled_date=D),
        "after": case((-1, "guarantor", "A2")),
        "none": world(account()),
    }
    assert told(cases, "secured_paid_cnt_180", "others_paid_cnt_180") == {
        "own": (0, 0), "guarantor": (1, 1), "collateral": (1, 0), "another": (0, 1), "joint": (0, 0),
        "elsewhere": (0, 0), "unknown": (None, 1), "settled": (1, 1), "after": (0, 0), "none": (0, 0),
    }  # fmt: skip
    stale = Parameters(repayments_fresh=False)
    assert told({"own": cases["own"]}, "secured_paid_cnt_180", "others_paid_cnt_180", parameters=stale) == {
        "own": (None, None)
    }
