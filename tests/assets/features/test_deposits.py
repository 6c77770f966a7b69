"""What a party holds: accounts about to mature, asleep or large, the least of ninety days, and balances without a rate."""

from __future__ import annotations

import datetime as dt
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
    features_of,
    months,
    side_by_side,
    transaction,
    world,
)

from assets.features.parameters import Parameters


def holding(*told: Row, **said: Any) -> World:
    return world(account(**said), balance_history=told)


def test_the_least_of_ninety_days_is_that_of_a_days_end_over_all_demand_accounts() -> None:
    two = [account("A1"), account("A2", account_type="notice"), account("A3", account_type="time")]
    swapped = [
        balance(400, 500),
        balance(20, 200),
        balance(400, 100, account_id="A2"),
        balance(20, 400, account_id="A2"),
    ]
    late = [*swapped[:3], balance(19, 400, account_id="A2"), balance(400, 7000, account_id="A3")]
    cases = {
        "steady": holding(balance(900, 300)),
        "dip": holding(balance(900, 300), balance(89, 10), balance(88, 300)),
        "dip before": holding(balance(900, 300), balance(90, 10), balance(89, 300)),
        "on one day": world(*two[:2], balance_history=swapped),
        "on the way": world(*two, balance_history=late),
        "new": holding(balance(5, 300), opened=5),
        "overdrawn": holding(balance(50, -40), balance(40, 300)),
        "left": holding(balance(900, 300), balance(3, None, op="D")),
        "no rate": holding(balance(900, 300), balance(50, None), balance(40, 300)),
        "no rate before": holding(balance(900, None), balance(89, 300)),
        "time only": holding(balance(900, 300), account_type="time"),
    }
    got = dict(zip(cases, features_of(cases), strict=True))
    assert {name: row["dem_min_90"] for name, row in got.items()} == {
        "steady": 300, "dip": 10, "dip before": 300, "on one day": 600, "on the way": 300, "new": 0, "overdrawn": -40,
        "left": 0, "no rate": None, "no rate before": 300, "time only": 0,
    }  # fmt: skip
    late_start = Parameters(history_from=D - days(88))
    assert features_of({"steady": cases["steady"]}, late_start)[0]["dem_min_90"] is None


def test_a_month_with_a_balance_that_nobody_knows_is_not_known() -> None:
    october, september = (D - dt.date(2026, 10, 15)).days, (D - dt.date(2026, 9, 1)).days
    other = [balance(900, 50, account_id="A2")]
    cases = {
        "a day": world(
            account("A1"), account("A2"),
            balance_history=[balance(900, 300), balance(october, None), balance(october - 1, 300), *other],
        ),
        "margin": world(
            account("A1"), account("A2", account_type="margin"),
            balance_history=[balance(900, 300), balance(900, None, account_id="A2")],
        ),
        "the month before": world(
            account(), balance_history=[balance(900, 300), balance(september, None), balance(october + 15, 300)]
        ),
        "today": world(account("A1"), account("A2"), balance_history=[balance(900, 300), balance(900, None, account_id="A2")]),
    }  # fmt: skip
    whole = side_by_side(cases)
    means = {case: [months(whole)[f"{case}:P1", ago]["dep_m"] for ago in (1, 2, 3)] for case in cases}
    assert means == {
        "a day": [None, 350, 350], "margin": [300, 300, 300], "the month before": [300, None, 300],
        "today": [None, None, None],
    }  # fmt: skip
    rows = dict(zip(cases, features_of(cases), strict=True))
    assert {name: row["aum_m"] for name, row in rows.items()} == {
        "a day": None, "margin": 300, "the month before": 300, "today": None,
    }  # fmt: skip
    assert [rows[name]["dep_d"] for name in cases] == [350, 300, 300, None]
    assert (rows["a day"]["aum_q"], rows["the month before"]["aum_max12"], rows["margin"]["aum_q"]) == (None, None, 300)


def test_a_payment_against_a_balance_that_nobody_knew_is_not_judged() -> None:
    def case(*told: Row) -> World:
        paid = [transaction(3, "60000", counterparty_bank="X")]
        return world(account("A1"), account("A2"), transaction_history=paid, balance_history=told)

    known = balance(900, 90_000, account_id="A2")
    cases = {
        "known": case(balance(900, 10), known),
        "unknown": case(balance(900, None), balance(3, 10), known),
        "known again": case(balance(900, None), balance(4, 10), known),
    }
    assert [row["big_out_7"] for row in features_of(cases)] == [True, None, True]


def test_deposits_that_mature_within_days_and_accounts_that_sleep() -> None:
    def ending(after: int | None, **said: Any) -> World:
        end = None if after is None else D + days(after)
        return holding(balance(9, 700), **{"account_type": "time", "mature_date": end, **said})

    cases = {
        "today": ending(0),
        "tomorrow": ending(1),
        "in 30 days": ending(30, status="dormant"),
        "in 31 days": ending(31),
        "structured": ending(5, account_type="structured"),
        "closed": ending(5, status="closed"),
        "nobody knows": ending(None, status=None),
        "demand": holding(balance(9, 700), status="dormant"),
        "no rate": world(account(account_type="time", mature_date=D + days(3)), balance_history=[balance(9, None)]),
    }
    rows = dict(zip(cases, features_of(cases), strict=True))
    assert {name: (row["time_maturing_cnt"], row["time_maturing_amt"]) for name, row in rows.items()} == {
        "today": (0, 0), "tomorrow": (1, 700), "in 30 days": (1, 700), "in 31 days": (0, 0), "structured": (0, 0),
        "closed": (0, 0), "nobody knows": (None, None), "demand": (0, 0), "no rate": (1, None),
    }  # fmt: skip
    assert {name: (row["open_account_cnt"], row["dormant_account_cnt"]) for name, row in rows.items()} == {
        **dict.fromkeys(cases, (1, 0)), "in 30 days": (1, 1), "demand": (1, 1), "closed": (0, 0), "nobody knows": (1, None),
    }  # fmt: skip


def test_a_large_certificate_is_long_recent_and_large_by_its_first_balance() -> None:
    def of(*told: Row, **said: Any) -> World:
        return holding(*told, **{"account_type": "time", "term_months": 12, "opened": 700, **said})

    cases = {
        "large": of(balance(400, 200_000), balance(30, 10)),
        "small at first": of(balance(400, "199999.99"), balance(30, 900_000)),
        "short": of(balance(400, 200_000), term_months=6),
        "old": of(balance(400, 200_000), opened=730),
        "closed": of(balance(400, 200_000), status="closed"),
        "term unknown": of(balance(400, 200_000), term_months=None),
        "small, term unknown": of(balance(400, 10), term_months=None),
        "no rate": of(balance(400, None)),
        "demand": holding(balance(400, 200_000)),
        "unheard": of(status="closed"),
    }
    rows = dict(zip(cases, features_of(cases), strict=True))
    assert {name: row["large_certificate"] for name, row in rows.items()} == {
        "large": True, "small at first": False, "short": False, "old": False, "closed": True, "term unknown": None,
        "small, term unknown": False, "no rate": None, "demand": False, "unheard": None,
    }  # fmt: skip


def test_product_families_are_counted_once_and_unknown_ones_make_the_count_unknown() -> None:
    sold = [("DP1", "deposit"), ("DP2", "deposit"), ("LN1", "loan"), ("WM1", "wealth"), ("LN2", "card")]
    products = [{"product_code": code, "family": family} for code, family in sold]

    def case(*codes: str | None, **tables: list[Row]) -> World:
        accounts = [account(f"A{place}", product_code=code) for place, code in enumerate(codes)]
        return world(*accounts, product=products, **tables)

    card = {"card_id": "K", "party_id": "P1", "issued_date": D, "limit_amount": Decimal(9)}
    cases = {
        "two of one": case("DP1", "DP2"),
        "with a loan": case("DP1", loan_contract=[contract()]),
        "ended loan": case("DP1", loan_contract=[contract(status="ended")]),
        "to be signed": case("DP1", loan_contract=[contract(sign_date=D + days(1))]),
        "unknown": case("DP1", "XX"),
        "unnamed": case("DP1", None),
        "with a card": case("DP1", "WM1", card=[card]),
        "card twice": case("DP1", card=[card], loan_contract=[contract(product_code="LN2")]),
        "debit card": case("DP1", card=[{**card, "limit_amount": None}]),
    }
    assert [row["prod_cnt"] for row in features_of(cases)] == [1, 2, 1, 1, None, None, 3, 2, 1]
