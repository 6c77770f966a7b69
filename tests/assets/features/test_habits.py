"""What single kinds of movements say: shopping, gambling, nights, money that only passes through."""

from __future__ import annotations

import datetime as dt
from typing import Any

from features_by_hand import D, Row, World, account, balance, days, told, transaction, world

from assets.features.parameters import Parameters


def moving(*rows: Row, **tables: Any) -> World:
    return world(account(), transaction_history=rows, **tables)


def test_spending_is_sorted_by_merchant_category() -> None:
    groups = {
        "mcc_daily_90": ("5411", "5331"), "mcc_catering_90": ("5811", "5814"), "mcc_travel_90": ("3000", "3999", "7011"),
        "mcc_education_90": ("8211", "8299"), "mcc_home_90": ("1520", "5722"), "mcc_farm_90": ("0763", "5261"),
    }  # fmt: skip
    other = ("5412", "4000", "2999", "8011", "5912", "7995", "5541", None)
    every = [code for codes in groups.values() for code in codes] + [*other]
    cases = {
        "each": moving(*(transaction(89, 7, mcc=code) for code in every)),
        "before": moving(*(transaction(90, 7, mcc=code) for code in every)),
        "credits": moving(*(transaction(3, 7, mcc=code, direction="C") for code in every)),
        "reversed": moving(*(transaction(3, 7, mcc=code, reversal=True) for code in every)),
        "unknown": moving(transaction(3, 7, mcc="5411"), transaction(80, None, mcc="9999")),
        "nothing": world(account()),
    }
    got = told(cases, *groups)
    assert got["each"] == tuple(7 * len(codes) for codes in groups.values())
    assert got["unknown"] == (None,) * 6
    assert {got[case] for case in ("before", "credits", "reversed", "nothing")} == {(0,) * 6}


def test_fast_payments_subsidies_and_tuition_have_windows_of_their_own() -> None:
    quick = {"type": "fast_pay", "channel": "fast_pay"}
    aid = {"type": "subsidy", "direction": "C", "channel": "batch", "customer_initiated": False}
    cases = {
        "inside": moving(
            transaction(29, 8, **quick), transaction(364, 30, **aid), transaction(179, 1, mcc="8220"),
            transaction(3, 1, counterparty_name="某农资"),
        ),
        "outside": moving(
            transaction(30, 8, **quick), transaction(365, 30, **aid), transaction(180, 1, mcc="8220"),
            transaction(90, 1, counterparty_name="某农资"),
        ),
        "refund": moving(transaction(3, 8, type="fast_pay", direction="C"), transaction(3, 2, type="subsidy"),
                         transaction(3, 1, mcc="8241"), transaction(3, 1, counterparty_name="某农")),
    }  # fmt: skip
    names = ("fp_cnt_30", "fp_amt_30", "subsidy_12m", "tuition_cnt_180", "farm_shop_cnt_90")
    own = Parameters(features={"farm_payees": "某农资"})
    assert told(cases, *names, parameters=own) == {
        "inside": (1, 8, 30, 1, 1), "outside": (0, 0, 0, 0, 0), "refund": (0, 0, 0, 0, 0),
    }  # fmt: skip
    young = Parameters(history_from=D - days(100))
    assert told(cases, *names, parameters=young)["inside"] == (1, 8, None, None, 0)


def test_driving_is_counted_by_complete_months() -> None:
    def on(*dates: tuple[int, int], mcc: str = "5541") -> World:
        return moving(*(transaction((D - dt.date(2026, *date)).days, 9, mcc=mcc) for date in dates))

    cases = {
        "three": on((10, 1), (9, 30), (8, 1)),
        "two": on((10, 31), (10, 2), (9, 1), mcc="7523"),
        "this month": on((11, 3), (7, 31)),
        "other": on((10, 3), mcc="5411"),
    }
    assert told(cases, "driving_months_3") == {"three": 3, "two": 2, "this month": 0, "other": 0}
    month_end = told(cases, "driving_months_3", as_of=dt.date(2026, 11, 30))
    assert month_end["this month"] == 1, "its last day completes a month"


def test_payments_to_gambling_are_known_by_category_or_name() -> None:
    cases = {
        "category": moving(transaction(29, 30, mcc="7995"), transaction(30, 30, mcc="7995")),
        "name": moving(transaction(3, 5, counterparty_name="币易所"), transaction(3, 5, counterparty_name="易所")),
        "won": moving(transaction(3, 900, mcc="7995", direction="C")),
        "unknown": moving(transaction(3, None, mcc="7995")),
    }
    own = Parameters(features={"watched_payees": "某彩|币易所"})
    assert told(cases, "gamble_cnt_30", "gamble_amt_30", parameters=own) == {
        "category": (1, 30), "name": (1, 5), "won": (0, 0), "unknown": (1, None),
    }  # fmt: skip
    assert told(cases, "gamble_cnt_30")["name"] == 0


def test_payments_at_night_are_those_of_people() -> None:
    def at(hour: int, minute: int, amount: int = 10, **said: Any) -> Row:
        return transaction(29, amount, event_time=dt.time(hour, minute), **said)

    cases = {
        "night": moving(at(0, 0), at(4, 59), at(5, 0, 20), at(23, 59, 60)),
        "batch": moving(at(2, 0, channel="batch"), at(12, 0)),
        "batch without time": moving(transaction(3, 10, channel="batch"), at(3, 0)),
        "no channel": moving(at(3, 0, channel=None)),
        "in": moving(at(3, 0, direction="C")),
        "no time": moving(at(3, 0), transaction(3, 10)),
        "old": moving(transaction(30, 10, event_time=dt.time(3))),
        "nothing": world(account()),
    }
    assert told(cases, "night_cnt_30", "night_share_30") == {
        "night": (2, 0.2), "batch": (0, 0), "batch without time": (1, 1), "no channel": (1, 1), "in": (0, None),
        "no time": (None, None), "old": (0, None), "nothing": (0, None),
    }  # fmt: skip


def test_the_largest_inflow_is_of_the_day_itself() -> None:
    cases = {
        "today": moving(transaction(0, 70, direction="C", type="transfer"), transaction(0, 90, direction="C", type="salary")),
        "yesterday": moving(transaction(1, 70, direction="C", type="transfer")),
        "loan": moving(transaction(0, 70, direction="C", type="loan_disbursement")),
        "own": moving(transaction(0, 70, direction="C", type="transfer", own_transfer=True)),
        "unknown": moving(transaction(0, 70, direction="C", type="transfer"), transaction(6, None)),
    }  # fmt: skip
    assert told(cases, "in_max_today") == {"today": 90, "yesterday": 0, "loan": 0, "own": 0, "unknown": None}


def test_money_that_passes_through_is_gone_by_the_next_day() -> None:
    def case(*rows: Row, left: Any = 100, **said: Any) -> World:
        told_then = [balance(900, 100), balance(9, left), balance(8, 900_000)]
        return world(account(**said), transaction_history=rows, balance_history=told_then)

    def came(age: int, amount: Any, **said: Any) -> Row:
        return transaction(age, amount, direction="C", type="transfer", **said)

    passing = (came(10, 50_000), transaction(10, 30_000), transaction(9, 15_000))
    cases = {
        "through": case(*passing),
        "stayed": case(came(10, 50_000), transaction(10, 30_000), transaction(9, "14999.99")),
        "small": case(came(10, "49999.99"), transaction(10, 49_000)),
        "left over": case(*passing, left="2500.01"),
        "just gone": case(*passing, left=2500),
        "own": case(came(10, 50_000, own_transfer=True), transaction(9, 50_000)),
        "two": case(*passing, came(20, 80_000), transaction(19, 80_000)),
        "today": case(came(0, 50_000), transaction(0, 50_000)),
        "yesterday": world(
            account(), transaction_history=[came(1, 50_000), transaction(0, 50_000)], balance_history=[balance(900, 0)]
        ),
        "old": case(came(30, 50_000), transaction(30, 50_000)),
        "no rate": case(*passing, left=None),
        "unknown": case(*passing, transaction(3, None)),
        "time deposit": world(
            account(), account("A2", account_type="time"), transaction_history=passing,
            balance_history=[balance(900, 100), balance(900, 9000, account_id="A2")],
        ),
    }  # fmt: skip
    got = told(cases, "fast_through_days_30")
    assert got == {
        "through": 1, "stayed": 0, "small": 0, "left over": 0, "just gone": 1, "own": 0, "two": 2, "today": 0,
        "yesterday": 1, "old": 0, "no rate": None, "unknown": None, "time deposit": 1,
    }  # fmt: skip


def test_means_of_months_begin_with_the_account() -> None:
    months = [dt.date(2026, month, 10) for month in (10, 9, 8, 7, 6, 5)]

    def case(*amounts: int, opened: int = 900) -> World:
        rows = []
        for day, amount in zip(months, amounts, strict=True):
            age = (D - day).days
            rows += [transaction(age, amount, direction="C", type="salary"), transaction(age, amount, type="pos")]
            rows += [transaction(age, 1, type="bill"), transaction(age, 10, type="cash_out")]
        return world(account(opened=opened), transaction_history=rows)

    cases = {
        "fell": case(100, 200, 0, 600, 600, 600),
        "stopped": case(0, 0, 0, 300, 0, 0),
        "young": case(300, 300, 300, 0, 0, 0, opened=(D - dt.date(2026, 8, 1)).days),
        "younger": case(300, 300, 300, 0, 0, 0, opened=(D - dt.date(2026, 8, 2)).days),
    }
    assert told(cases, "sal_avg3", "sal_prev3", "spend_avg6", "out_avg3") == {
        "fell": (100, 600, (2100 + 6) / 6, 111), "stopped": (0, 100, 51, 11), "young": (None, None, 150.5, 311),
        "younger": (None, None, None, None),
    }  # fmt: skip
    assert told({"fell": cases["fell"]}, "sal_avg6") == {"fell": 420}
