"""Limits, receipts and their past: what is drawn, for what, how late, and what became of the money."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from features_by_hand import (
    D,
    Row,
    World,
    account,
    contract,
    days,
    receipt,
    state,
    told,
    transaction,
    world,
)

from assets.features.parameters import Parameters


def owing(*receipts: Row, **tables: Any) -> World:
    return world(account(), loan_receipt=receipts, **tables)


def test_limits_are_those_of_running_and_frozen_contracts_and_of_cards() -> None:
    card = {"card_id": "K", "party_id": "P1", "issued_date": D, "limit_amount": Decimal(400), "balance": Decimal(300)}
    frozen = contract("C2", "200", status="frozen")
    cases = {
        "none": world(account()),
        "two": owing(receipt(), loan_contract=[contract(amount="1000"), frozen]),
        "over": owing(loan_contract=[contract(status="ended"), contract("C2", status="cancelled")]),
        "small": owing(receipt(), loan_contract=[contract(amount="999.99")]),
        "no rate": owing(receipt(), loan_contract=[contract(amount=None), frozen]),
        "no rate, over": owing(
            receipt(), loan_contract=[contract(amount=None, status="ended"), contract("C2", "1000")]
        ),
        "no status": owing(receipt(), loan_contract=[contract(amount="1000", status=None)]),
        "owes no one knows what": owing(receipt(outstanding_principal=None), loan_contract=[contract()]),
        "written off": owing(receipt(written_off=True), loan_contract=[contract(amount="1000")]),
        "card": owing(receipt(), loan_contract=[contract(amount="600")], card=[card]),
        "card, unknown": owing(receipt(), loan_contract=[contract(amount="600")], card=[{**card, "balance": None}]),
    }
    assert told(cases, "limit_total", "limit_used", "util") == {
        "none": (0, 0, None), "two": (1200, 100, 100 / 1200), "over": (0, 0, None),
        "small": (Decimal("999.99"), 100, None), "no rate": (None, 100, None), "no rate, over": (1000, 100, 0.1),
        "no status": (None, 100, None), "owes no one knows what": (100_000, None, None), "written off": (1000, 0, 0),
        "card": (1000, 400, 0.4), "card, unknown": (1000, None, None),
    }  # fmt: skip
    stale = told(cases, "limit_total", "limit_used", "util", parameters=Parameters(contracts_fresh=False))
    assert stale["two"] == (None, 100, None)


def test_an_unsecured_limit_is_running_revolving_and_without_security() -> None:
    drawn = receipt(contract_id="C1")
    cases = {
        "signed": owing(loan_contract=[contract()]),
        "drawn": owing(drawn, loan_contract=[contract()]),
        "paid back": owing({**drawn, "settled_date": D}, loan_contract=[contract()]),
        "secured": owing(drawn, loan_contract=[contract(guarantee_type="mortgage")]),
        "once": owing(drawn, loan_contract=[contract(revolving=False)]),
        "frozen": owing(drawn, loan_contract=[contract(status="frozen")]),
        "unknown": owing(drawn, loan_contract=[contract(revolving=None)]),
        "one known": owing(loan_contract=[contract(), contract("C2", guarantee_type=None)]),
        "no contract": owing(drawn),
        "not signed yet": owing(loan_contract=[contract(sign_date=D + days(1))]),
    }
    assert told(cases, "unsecured_limit_cnt", "unsecured_drawn_cnt") == {
        "signed": (1, 0), "drawn": (1, 1), "paid back": (1, 0), "secured": (0, 0), "once": (0, 0), "frozen": (0, 0),
        "unknown": (None, None), "one known": (1, 0), "no contract": (0, None), "not signed yet": (0, 0),
    }  # fmt: skip


def test_what_loans_are_for_stands_on_their_contracts() -> None:
    kinds = ["housing", "working_capital", "medical", "other", None]
    contracts = [contract(f"C{n}", purpose=kind, online=kind == "other") for n, kind in enumerate(kinds)]
    cases: dict[str, World] = {
        str(kind): owing(receipt(contract_id=f"C{n}"), loan_contract=[contracts[n]]) for n, kind in enumerate(kinds)
    }
    cases["settled"] = owing(receipt(contract_id="C1", settled_date=D), loan_contract=contracts[1:2])
    cases["two"] = owing(*(receipt(f"L{n}", contract_id=f"C{n}") for n in (1, 4)), loan_contract=contracts)
    names = ("mortgage_cnt", "business_receipt_cnt", "consumer_receipt_cnt", "online_receipt_cnt")
    assert told(cases, *names) == {
        "housing": (1, 0, 0, 0), "working_capital": (0, 1, 0, 0), "medical": (0, 0, 1, 0), "other": (0, 0, 0, 1),
        "None": (None, None, None, 0), "settled": (0, 0, 0, 0), "two": (1, 1, None, 0),
    }  # fmt: skip


def test_the_main_guarantee_is_that_of_the_largest_open_receipt() -> None:
    contracts = [
        contract(f"C{n}", guarantee_type=kind) for n, kind in enumerate(("pledge", "guarantor", "credit", None))
    ]

    def case(*owed: tuple[int, str | None], **said: Any) -> World:
        receipts = [
            receipt(f"L{n}", contract_id=f"C{n}", outstanding_principal=None if much is None else Decimal(much), **said)
            for n, much in owed
        ]
        return owing(*receipts, loan_contract=contracts)

    cases = {
        "largest": case((0, "300"), (1, "200"), (2, "100")),
        "tie": case((0, "300"), (1, "300"), (2, "100")),
        "unknown": case((0, "300"), (3, "1")),
        "unknown amount": case((0, "300"), (1, None)),
        "none": case((0, "300"), settled_date=D),
    }
    assert told(cases, "main_guarantee") == {
        "largest": "pledge", "tie": "guarantor", "unknown": None, "unknown amount": None, "none": None,
    }  # fmt: skip


def test_receipts_mature_are_extended_and_renewed_within_their_days() -> None:
    cases = {
        "plain": owing(receipt(mature_date=D, extended=False, renewal="none")),
        "first": owing(
            receipt(mature_date=D + days(1), extended=True, extended_date=D - days(364), renewal="new_for_old",
                    disbursed_date=D - days(364))
        ),
        "last": owing(receipt(mature_date=D + days(60), extended=True, extended_date=D, renewal="no_principal")),
        "outside": owing(
            receipt(mature_date=D + days(61), extended=True, extended_date=D - days(365), renewal="new_for_old",
                    disbursed_date=D - days(365))
        ),
        "settled": owing(receipt(mature_date=D + days(9), settled_date=D, extended=True, extended_date=D - days(9),
                                 renewal="new_for_old")),
        "unknown": owing(receipt(extended=True)),
        "unknown flag": owing(receipt(renewal=None)),
        "one known": owing(
            receipt("L1"), receipt("L2", mature_date=D + days(9), extended=True, extended_date=D, renewal="new_for_old")
        ),
        "none": world(account()),
    }  # fmt: skip
    assert told(cases, "loan_maturing_cnt", "extended_cnt_12m", "new_for_old_cnt_12m") == {
        "plain": (0, 0, 0), "first": (1, 1, 1), "last": (1, 1, 0), "outside": (0, 0, 0), "settled": (0, 1, 1),
        "unknown": (None, None, None), "unknown flag": (None, None, None), "one known": (1, 1, 1), "none": (0, 0, 0),
    }  # fmt: skip


def test_the_worst_lateness_of_a_year_outlives_the_receipt() -> None:
    def case(*past: tuple[int, dict[str, Any]], op: str = "U") -> World:
        return world(account(), loan_receipt_history=[state(age, receipt(**said), op=op) for age, said in past])

    long_ago = {"disbursed_date": D - days(900)}
    cases = {
        "never": case((900, long_ago)),
        "inside": case((900, long_ago), (365, {"dpd": 40, **long_ago}), (363, long_ago)),
        "before": case((900, {"dpd": 40, **long_ago}), (364, long_ago)),
        "settled since": case((200, {"dpd": 9}), (100, {"settled_date": D - days(100), "dpd": 50})),
        "unknown": case((200, {"dpd": None}), (100, {})),
        "unknown and late": case((200, {"dpd": None}), (100, {"dpd": 3})),
        "left": case((900, {"dpd": 40}), (370, {"dpd": 99}), op="D"),
        "later": case((90, {}), (-1, {"dpd": 70})),
    }
    assert told(cases, "dpd_max_12m") == {
        "never": 0, "inside": 40, "before": 0, "settled since": 9, "unknown": None, "unknown and late": 3, "left": 0,
        "later": 0,
    }  # fmt: skip
    card = {"card_id": "K", "party_id": "P1", "issued_date": D, "limit_amount": Decimal(9), "dpd": 0}
    plastic = {"calm": world(account(), card=[card]), "late": world(account(), card=[{**card, "dpd": 12}])}
    assert told(plastic, "dpd_max_12m") == {"calm": None, "late": 12}, "the model keeps no past of cards"
    started = Parameters(history_from=D - days(363))
    assert told(cases, "dpd_max_12m", parameters=started)["never"] is None


def test_a_class_falls_against_that_of_thirty_days_ago() -> None:
    def case(*past: tuple[int, int | None], **said: Any) -> World:
        history = [state(age, receipt(five_class=worst, **said)) for age, worst in past]
        return world(account(), loan_receipt_history=history)

    other = [state(60, receipt("L2", five_class=None))]
    cases = {
        "fell": case((60, 1), (29, 2)),
        "fell before": case((60, 1), (30, 2)),
        "fell and rose": case((60, 1), (20, 3), (10, 1)),
        "rose": case((60, 3), (10, 2)),
        "new": case((20, 2), disbursed_date=D - days(20)),
        "not seen then": case((20, 2), disbursed_date=D - days(40)),
        "unknown": case((60, 1), (10, None)),
        "settled": case((60, 1), (10, 3), settled_date=D - days(5)),
        "one known": case((60, 1), (29, 2)).plus(loan_receipt_history=other),
        "none": world(account()),
    }
    got = told(cases, "class_down_cnt_30")
    assert got == {
        "fell": 1, "fell before": 0, "fell and rose": 0, "rose": 0, "new": 0, "not seen then": None, "unknown": None,
        "settled": 1, "one known": 1, "none": 0,
    }  # fmt: skip


def test_a_limit_is_drawn_at_the_least_on_the_worst_of_sixty_days() -> None:
    def case(*owed: tuple[int, Any], limits: tuple[tuple[int, dict[str, Any]], ...] = ((900, {}),)) -> World:
        past = [
            state(age, receipt(outstanding_principal=None if much is None else Decimal(much))) for age, much in owed
        ]
        contracts = [state(age, contract(amount="1000", **said)) for age, said in limits]
        return world(account(), loan_receipt_history=past, loan_contract_history=contracts)

    cases = {
        "full": case((900, "1000")),
        "dip": case((900, "1000"), (59, "600"), (58, "990")),
        "dip before": case((900, "1000"), (60, "600"), (59, "990")),
        "raised": world(
            account(),
            loan_contract_history=[state(900, contract(amount="1000")), state(10, contract(amount="4000"))],
            loan_receipt_history=[state(900, receipt(outstanding_principal=Decimal(1000)))],
        ),
        "young": case((30, "1000"), limits=((30, {}),)),
        "ended": case((900, "1000"), limits=((900, {}), (20, {"status": "ended"}))),
        "small": world(
            account(),
            loan_contract_history=[state(900, contract(amount="999"))],
            loan_receipt_history=[state(900, receipt(outstanding_principal=Decimal(999)))],
        ),
        "unknown": case((900, "1000"), (40, None), (30, "1000")),
        "unknown before": case((900, None), (59, "1000")),
        "no limit": world(account(), loan_receipt_history=[state(900, receipt())]),
        "none": world(account()),
    }
    assert told(cases, "util_min_60") == {
        "full": 1, "dip": 0.6, "dip before": 0.99, "raised": 0.25, "young": 0, "ended": 0, "small": 0, "unknown": None,
        "unknown before": 1, "no limit": 0, "none": 0,
    }  # fmt: skip
    late = Parameters(history_from=D - days(58))
    assert told({"full": cases["full"]}, "util_min_60", parameters=late) == {"full": None}


def moved(age: int, amount: Any, who: str, other: str | None = None, **said: Any) -> Row:
    """A transfer out of an account of `who`, to `other` if that is a party of the bank."""
    return transaction(
        age, amount, account_id=f"A-{who}", party_id=who, counterparty_party_id=other, type="transfer", **said
    )


def test_loan_money_comes_back_through_one_or_two_parties() -> None:
    def case(*rows: Row, age: int = 20, amount: Any = "1000") -> World:
        drawn = receipt(disbursed_date=D - days(age), disbursed_amount=None if amount is None else Decimal(amount))
        return world(account("A-P1"), loan_receipt=[drawn], transaction_history=rows)

    def back(age: int, amount: Any, other: str) -> Row:
        return moved(age, amount, "P1", other, direction="C")

    cases = {
        "one": case(moved(20, 900, "P1", "A"), back(13, 600, "A")),
        "too late": case(moved(20, 900, "P1", "A"), back(12, 600, "A")),
        "two": case(moved(19, 900, "P1", "A"), moved(18, 700, "A", "B"), back(17, 800, "B")),
        "three": case(
            moved(19, 900, "P1", "A"), moved(18, 900, "A", "B"), moved(18, 900, "B", "C"), back(17, 900, "C")
        ),
        "more than reached it": case(moved(19, 200, "P1", "A"), back(17, 900, "A")),
        "from a stranger": case(back(17, 900, "A")),
        "own": case(moved(19, 900, "P1", "P1"), back(17, 900, "P1")),
        "reversed": case(moved(19, 900, "P1", "A", reversal=True), back(17, 900, "A")),
        "both ways": case(
            moved(19, 500, "P1", "A"), moved(19, 300, "P1", "B"), moved(18, 100, "A", "B"), back(17, 450, "A"),
            back(17, 900, "B"),
        ),
        "old draw": case(moved(89, 900, "P1", "A"), back(88, 900, "A"), age=90),
        "unknown draw": case(moved(20, 900, "P1", "A"), back(13, 600, "A"), amount=None),
        "unknown amount": case(moved(20, None, "P1", "A"), back(13, 600, "A")),
    }  # fmt: skip
    assert told(cases, "backflow_share") == {
        "one": 0.6, "too late": 0, "two": 0.7, "three": 0, "more than reached it": 0.2, "from a stranger": 0, "own": 0,
        "reversed": 0, "both ways": 0.85, "old draw": 0, "unknown draw": None, "unknown amount": None,
    }  # fmt: skip


def test_loan_money_goes_into_property_or_securities() -> None:
    def case(*rows: Row, purpose: str | None = "production", age: int = 40) -> World:
        drawn = receipt(contract_id="C1", disbursed_date=D - days(age), disbursed_amount=Decimal(1000))
        contracts = [contract(purpose=purpose)]
        return world(account(), loan_receipt=[drawn], loan_contract=contracts, transaction_history=rows)

    houses, shares = {"mcc": "6513"}, {"mcc": "6211"}
    cases = {
        "both": case(transaction(40, 200, **houses), transaction(10, 150, **shares)),
        "too late": case(transaction(9, 900, **houses)),
        "before": case(transaction(41, 900, **houses)),
        "for housing": case(transaction(30, 900, **houses), purpose="housing"),
        "purpose unknown": case(transaction(30, 900, **houses), purpose=None),
        "purpose unknown, unspent": case(transaction(30, 900, mcc="5411"), purpose=None),
        "named": case(
            transaction(30, 300, counterparty_name="某地产"), transaction(30, 9, counterparty_name="某地产二")
        ),
        "credit": case(transaction(30, 300, direction="C", **shares)),
        "old draw": case(transaction(89, 300, **shares), age=90),
    }
    own = Parameters(features={"property_payees": "别家|某地产"})
    assert told(cases, "diverted_share", parameters=own) == {
        "both": 0.35, "too late": 0, "before": 0, "for housing": 0, "purpose unknown": None,
        "purpose unknown, unspent": 0, "named": 0.3, "credit": 0, "old draw": 0,
    }  # fmt: skip


def test_draws_below_the_line_are_added_up_over_a_week() -> None:
    def case(*draws: tuple[int, Any], **said: Any) -> World:
        receipts = [
            receipt(
                f"L{n}", contract_id="C1", disbursed_date=D - days(age), disbursed_amount=amount and Decimal(amount)
            )
            for n, (age, amount) in enumerate(draws)
        ]
        return owing(*receipts, loan_contract=[contract(**said)])

    cases = {
        "split": case((20, "299999"), (14, "200000"), purpose="vehicle"),
        "over more than a week": case((20, "299999"), (13, "200000"), purpose="vehicle"),
        "three": case((20, "400000"), (18, "400000"), (15, "450000")),
        "one at the line": case((20, "500000"), (18, "400000")),
        "single": case((20, "499999")),
        "paid by the bank": case((20, "400000"), (18, "400000"), entrusted_payment=True),
        "housing": case((20, "400000"), (18, "400000"), purpose="housing"),
        "old": case((90, "400000"), (88, "400000")),
        "purpose unknown": case((20, "400000"), purpose=None),
        "payment unknown": case((20, "400000"), (18, "400000"), entrusted_payment=None),
        "amount unknown": case((20, "400000"), (18, None)),
        "split all the same": case((20, "400000"), (18, "400000"), (17, None)),
        "none": world(account()),
    }
    got = told(cases, "split_share")
    assert got == {
        "split": pytest.approx(499_999 / 300_000), "over more than a week": 0, "three": 2.5, "one at the line": 0,
        "single": 0, "paid by the bank": 0, "housing": 0, "old": 0, "purpose unknown": None, "payment unknown": None,
        "amount unknown": None, "split all the same": 1.6, "none": 0,
    }  # fmt: skip


def test_a_loan_without_a_rate_is_no_known_loan() -> None:
    cases = {"known": owing(receipt()), "unknown": owing(receipt(disbursed_amount=None))}
    assert told(cases, "loan_orig") == {"known": 500, "unknown": None}
