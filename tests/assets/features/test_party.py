from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from features_by_hand import (
    D,
    World,
    account,
    balance,
    days,
    features,
    features_of,
    months,
    party,
    receipt,
    transaction,
    world,
)

from assets.features.parameters import Parameters

FIRST = dt.date(2026, 10, 15)  # in the last complete month before D


def ago(day: dt.date) -> int:
    return (D - day).days


def test_the_population_is_who_owns_an_account_opened_by_the_date() -> None:
    bank = world(account("A1"), account("A2", party_id="P2", opened=-1), account("A3", party_id="P3", opened=0))
    user = {"account_id": "A1", "party_id": "P4", "role": "authorised"}
    assert sorted(features(bank.plus(account_holder=[user], party=[party("P4")]))) == ["P1", "P3"]


def test_a_party_without_transactions_has_zeros_and_no_extremes() -> None:
    row = features(world(account()))["P1"]
    assert (row["in_count_30"], row["in_sum_30"], row["cnt_90"], row["cp_cnt_30"]) == (0, Decimal(0), 0, 0)
    assert (row["in_min_30"], row["in_mean_30"], row["in_std_30"], row["last_txn"], row["main_channel"]) == (None,) * 5


def test_a_stale_feed_makes_flows_unknown_and_leaves_balances() -> None:
    bank = world(account(), transaction_history=[transaction(3)], balance_history=[balance(3, 500)])
    row = features(bank, Parameters(flows_fresh=False))["P1"]
    assert (row["flows_known"], row["balance_known"]) == (False, True)
    assert {row[f"{d}_{a}_{w}"] for d in ("out", "debit", "atm") for a in ("count", "sum") for w in (7, 365)} == {None}
    assert {row[name] for name in ("in_30", "cnt_30", "cp_cnt_30", "in_m", "sal_cnt_6m", "r052_cash_band_cnt_7")} == {
        None
    }
    assert row["dep_d"] == Decimal("500.00")


def test_an_account_that_fell_silent_makes_its_owner_unknown_but_not_others() -> None:
    bank = world(
        account("A1"),
        account("A2"),
        account("A3", party_id="P3"),
        transaction_history=[
            transaction(2),
            transaction(46, account_id="A2"),
            transaction(45, account_id="A3", party_id="P3"),
        ],
    )
    got = features(bank, Parameters(silent_after_days=45))
    assert (got["P1"]["flows_known"], got["P1"]["cnt_30"]) == (False, None)
    assert (got["P3"]["flows_known"], got["P3"]["cnt_90"]) == (True, 1)


def test_a_closed_account_may_be_silent_and_a_new_one_only_where_no_account_leaves_its_feed() -> None:
    bank = world(account("A1", status="closed"), account("A2", party_id="P2", opened=5), account("A3", opened=90))
    heard = bank.plus(transaction_history=[transaction(1, account_id="A3")])
    got = features(heard, Parameters(silent_after_days=45))
    assert (got["P1"]["flows_known"], got["P2"]["flows_known"]) == (True, False)
    assert features(heard, Parameters(silent_after_days=None))["P2"]["cnt_30"] == 0


def test_a_reversed_row_is_heard_but_counts_nowhere() -> None:
    bank = world(account(), transaction_history=[transaction(1, reversal=True)])
    row = features(bank, Parameters(silent_after_days=45))["P1"]
    assert (row["flows_known"], row["debit_count_7"], row["r_days"]) == (True, 0, None)


@pytest.mark.parametrize(("start", "known"), [(D - days(364), True), (D - days(363), False)])
def test_a_window_that_history_does_not_fill_is_unknown(start: dt.date, known: bool) -> None:
    bank = world(account(), transaction_history=[transaction(3)])
    row = features(bank, Parameters(history_from=start))["P1"]
    assert row["debit_count_180"] == 1
    assert row["debit_count_365"] == (1 if known else None)


def test_an_account_opened_after_history_began_has_true_zeros() -> None:
    bank = world(account(opened=100), transaction_history=[transaction(3)])
    row = features(bank, Parameters(history_from=D - days(100)))["P1"]
    assert (row["debit_count_365"], row["in_sum_365"], row["r051_quiet_before"]) == (1, 0, True)


@pytest.mark.parametrize("amount", [None, "10000000000000.01", "9999999999999999.99"])
def test_an_amount_that_is_not_known_makes_sums_unknown_and_counts_stand(amount: str | None) -> None:
    bank = world(account(), transaction_history=[transaction(10, amount), transaction(3, "50")])
    row = features(bank)["P1"]
    assert (row["debit_count_30"], row["debit_sum_30"], row["debit_max_30"], row["debit_std_30"]) == (
        2,
        None,
        None,
        None,
    )
    assert (row["debit_sum_7"], row["out_30"]) == (Decimal(50), None)


def test_deviation_is_exact_where_squares_are_beyond_doubles() -> None:
    cases = {
        "near": [transaction(3, f"999999999999.{n:02d}") for n in (1, 2, 3)],
        "same": [transaction(3, "9999999999999.99")] * 5,
        "one": [transaction(3)],
    }
    near, same, one = features_of({name: world(account(), transaction_history=rows) for name, rows in cases.items()})
    assert near["debit_std_7"] == pytest.approx(0.01, rel=1e-12)
    assert near["debit_mean_7"] == 999999999999.02
    assert (same["debit_std_7"], one["debit_std_7"]) == (0, None)


def test_inflow_leaves_out_own_transfers_refunds_wealth_and_loans() -> None:
    kinds = ("transfer", "salary", "fast_pay", "pos", "wealth", "loan_disbursement")
    rows = [transaction(3, "1", direction="C", type=kind) for kind in kinds]
    rows += [transaction(3, "1", direction="C", type="transfer", own_transfer=True)]
    row = features(world(account(), transaction_history=rows))["P1"]
    assert (row["in_30"], row["credit_sum_30"]) == (Decimal(2), Decimal(7))


def test_the_main_channel_ties_to_the_earlier_of_the_list() -> None:
    channels = {"tie": ("mobile", "counter", "mobile", "counter", "village", None), "none": ("batch",)}
    cases = {
        name: world(account(), transaction_history=[transaction(3, channel=channel) for channel in used])
        for name, used in channels.items()
    }
    assert [row["main_channel"] for row in features_of(cases)] == ["counter", None]


def test_payers_and_payees_are_counted_apart_and_unnamed_ones_not() -> None:
    rows = [
        transaction(3, counterparty=who, direction=way)
        for who, way in [("x", "C"), ("x", "D"), ("y", "C"), (None, "C")]
    ]
    rows += [transaction(30, counterparty="z", direction="C")]
    row = features(world(account(), transaction_history=rows))["P1"]
    assert (row["cp_cnt_30"], row["payer_cnt_30"], row["payee_cnt_30"], row["payer_cnt_90"]) == (2, 2, 1, 3)


def test_quiet_before_sees_the_180_days_before_the_last_seven() -> None:
    quiet = {6: True, 7: False, 186: False, 187: True}
    got = features_of({age: world(account(), transaction_history=[transaction(age)]) for age in quiet})
    assert [row["r051_quiet_before"] for row in got] == list(quiet.values())


def test_the_cash_band_is_the_banks() -> None:
    rows = [transaction(3, amount) for amount in ("45000", "49999.99", "50000")] + [transaction(7, "45000")]
    bank = world(account(), transaction_history=rows)
    assert features(bank)["P1"]["r052_cash_band_cnt_7"] == 2
    own = Parameters(features={"cash_band_low": 50000, "cash_band_high": 50000.5})
    assert features(bank, own)["P1"]["r052_cash_band_cnt_7"] == 1


def test_a_large_payment_is_one_against_what_was_held_the_day_before() -> None:
    def case(held: str, paid: str, *, age: int = 3, to: str | None = "X") -> World:
        told = [balance(30, "900000"), balance(age + 1, held), balance(age, "0")]
        moved = [transaction(age, paid, counterparty_bank=to)]
        return world(account(), transaction_history=moved, balance_history=told)

    cases = {
        "half": case("100000", "50000"),
        "less than half": case("100000.02", "50000"),
        "small": case("10", "49999.99"),
        "a week ago": case("100000", "50000", age=7),
        "to our bank": case("100000", "50000", to=None),
        "unheard": world(account(), transaction_history=[transaction(3, "60000", counterparty_bank="X")]),
    }
    assert [row["big_out_7"] for row in features_of(cases)] == [True, False, False, False, False, None]


def test_deposits_leave_out_margin_and_closed_accounts() -> None:
    kinds = {"A1": "demand", "A2": "time", "A3": "margin", "A4": "notice", "A5": "structured"}
    told = [balance(3, 100, account_id=name) for name in kinds] + [balance(3, 7, account_id="A6")]
    accounts = [account(name, account_type=kind) for name, kind in kinds.items()]
    row = features(world(*accounts, account("A6", close_date=D), balance_history=told))["P1"]
    assert (row["dep_d"], row["dem_d"], row["time_d"], row["aum_d"]) == (400, 200, 200, 400)


def test_an_account_without_a_balance_makes_deposits_unknown() -> None:
    bank = world(account("A1"), account("A2"), balance_history=[balance(3, 100)])
    row = features(bank)["P1"]
    assert (row["balance_known"], row["dep_d"], row["aum_m"]) == (False, None, None)


def test_a_tombstone_is_an_empty_account() -> None:
    told = [balance(40, 100), balance(10, None, op="D")]
    row = features(world(account(), balance_history=told))["P1"]
    assert (row["balance_known"], row["dep_d"]) == (True, 0)


def test_the_monthly_average_begins_with_the_first_account() -> None:
    opened = dt.date(2026, 10, 22)
    bank = world(account(opened=ago(opened)), balance_history=[balance(ago(opened), 1000), balance(ago(opened) - 5, 0)])
    row = months(bank)["P1", 1]
    assert (row["days"], row["dep_m"]) == (10, 500.0)
    before = months(bank)["P1", 2]
    assert (before["days"], before["dep_m"], before["in_m"], before["txn_cnt"]) == (0, None, None, None)


def test_a_balance_before_the_window_carries_into_it() -> None:
    bank = world(account(), balance_history=[balance(900, 300)])
    assert {row["dep_m"] for row in months(bank).values()} == {300.0}


def test_the_last_day_of_a_month_completes_it() -> None:
    bank = world(account())
    assert months(bank)["P1", 1]["month"] == dt.date(2026, 10, 1)
    assert months(bank, as_of=dt.date(2026, 11, 30))["P1", 1]["month"] == dt.date(2026, 11, 1)
    assert months(bank, as_of=dt.date(2026, 11, 30))["P1", 12]["month"] == dt.date(2025, 12, 1)


def test_the_balances_of_the_last_days_are_those_of_all_accounts_together() -> None:
    """Two accounts swap 300: day by day the party holds the same, but for the day on which the money is on its way."""
    told = [balance(400, 500), balance(20, 200), balance(400, 100, account_id="A2"), balance(19, 400, account_id="A2")]
    whole = world(account("A1"), account("A2"), balance_history=told)
    young = world(account(opened=9), balance_history=[balance(4, 50)])
    gone = world(account(), balance_history=[balance(50, 90), balance(44, None, op="D")])
    two, new, left = features_of({"two": whole, "new": young, "left": gone})
    assert (two["bal_mean_7"], two["bal_mean_30"], two["bal_min_30"], two["bal_min_90"]) == (600, 590, 300, 300)
    assert two["bal_std_30"] == pytest.approx(300 / 30**0.5)
    assert (new["bal_mean_30"], new["bal_min_30"]) == (25, 0), "ten days old, and nothing was told of the first five"
    assert (left["bal_mean_30"], left["bal_mean_90"], left["bal_std_30"]) == (0, 6, 0)


def test_a_balance_window_that_history_does_not_fill_is_unknown() -> None:
    bank = world(account(), balance_history=[balance(100, 5)])
    row = features(bank, Parameters(history_from=D - days(59)))["P1"]
    assert (row["bal_mean_60"], row["bal_mean_90"], row["bal_min_90"], row["bal_std_90"]) == (5, None, None, None)


def test_mean_inflow_counts_empty_months_as_zero_and_asks_for_age() -> None:
    rows = [transaction(ago(FIRST), "900", direction="C", type="transfer")]
    opened = {"old": 2000, "young": ago(dt.date(2026, 8, 1)), "younger": ago(dt.date(2026, 8, 2))}
    cases = {name: world(account(opened=age), transaction_history=rows) for name, age in opened.items()}
    old, young, younger = features_of(cases)
    assert (old["in_m"], old["in_avg3"], old["in_avg6"], old["in_prev9"]) == (900, 300.0, 150.0, 0.0)
    assert (young["in_avg3"], young["in_avg6"], young["in_prev9"]) == (300.0, 150.0, None)
    assert (younger["in_m"], younger["in_avg3"], younger["in_avg6"]) == (900, None, None)


def test_the_mean_of_earlier_months_is_unknown_where_history_begins_later() -> None:
    bank = world(account())
    known = features(bank, Parameters(history_from=dt.date(2025, 11, 1)))["P1"]
    late = features(bank, Parameters(history_from=dt.date(2025, 11, 2)))["P1"]
    assert (known["in_prev9"], late["in_prev9"], late["in_avg3"]) == (0.0, None, 0.0)


def test_salary_that_stopped_shows_in_the_months() -> None:
    paid = [dt.date(2026, month, 10) for month in (2, 3, 4, 5, 6, 7, 8)]
    rows = [transaction(ago(day), "4000", direction="C", type="salary") for day in paid]
    row = features(world(account(), transaction_history=rows))["P1"]
    assert (row["sal_months_3_8"], row["sal_months_1_2"], row["sal_cnt_6m"], row["sal_avg6"]) == (6, 0, 4, 4000.0)
    assert row["sal_m"] == 0


def test_a_change_against_almost_nothing_is_unknown() -> None:
    cases = {
        before: world(account(), balance_history=[balance(900, before), balance(ago(dt.date(2026, 8, 1)), "500")])
        for before in ("1000", "999.99")
    }
    assert [row["aum_chg_3m"] for row in features_of(cases)] == [-0.5, None]


def test_age_and_tenure_are_full_years_and_months() -> None:
    leap = party(birth_date=dt.date(2000, 2, 29), open_date=dt.date(2025, 1, 31))
    cases = {
        "leap": world(account(opened=400), parties=[leap]),
        "firm": world(account(), parties=[party(party_type="enterprise", birth_date=dt.date(2000, 1, 1))]),
    }
    expected = {dt.date(2026, 2, 28): (25, 12), dt.date(2026, 3, 1): (26, 13), dt.date(2026, 3, 31): (26, 14)}
    for day, (age, tenure) in expected.items():
        person, firm = features_of(cases, as_of=day)
        assert (person["age"], person["tenure_m"], firm["age"]) == (age, tenure, None)


def test_who_owes_nothing_has_zeros_and_no_class() -> None:
    row = features(world(account()))["P1"]
    assert (row["receipt_cnt"], row["loan_bal"], row["loan_orig"], row["dpd_now"], row["ovd_amt"]) == (0, 0, 0, 0, 0)
    assert (row["five_class_max"], row["card_cnt"]) == (None, 0)


def test_a_write_off_cleans_the_balance_and_not_the_debtor() -> None:
    rows = [receipt(), receipt("L2", written_off=True, dpd=400, five_class=5)]
    row = features(world(account(), loan_receipt=rows))["P1"]
    assert (row["loan_bal"], row["loan_orig"], row["dpd_now"], row["five_class_max"]) == (100, 500, 400, 5)
    assert row["receipt_cnt"] == 2


def test_a_settled_receipt_is_gone_from_the_day_it_was_settled() -> None:
    rows = [receipt(settled_date=D), receipt("L2", settled_date=D + days(1)), receipt("L3", disbursed_date=D + days(1))]
    assert features(world(account(), loan_receipt=rows))["P1"]["loan_bal"] == 100


def test_what_is_known_to_be_late_stands_and_what_may_be_late_is_not_cleared() -> None:
    unknown = {"dpd": None, "five_class": None, "outstanding_principal": None, "overdue_principal": None}
    cases = {
        "late": world(account(), loan_receipt=[receipt(dpd=95, five_class=3), receipt("L2", **unknown)]),
        "fine": world(account(), loan_receipt=[receipt(), receipt("L2", **unknown)]),
    }
    late, fine = features_of(cases)
    assert (late["dpd_now"], late["five_class_max"]) == (95, 3)
    assert (fine["dpd_now"], fine["five_class_max"], fine["loan_bal"], fine["ovd_amt"]) == (None, None, None, None)


def test_stale_loans_are_unknown() -> None:
    row = features(world(account()), Parameters(loans_fresh=False))["P1"]
    assert {row[name] for name in ("loan_bal", "loan_orig", "dpd_now", "ovd_amt", "five_class_max", "receipt_cnt")} == {
        None
    }


def test_a_card_without_a_limit_owes_nothing() -> None:
    debit = {"card_id": "C1", "party_id": "P1", "issued_date": D - days(9)}
    credit = {**debit, "card_id": "C2", "limit_amount": Decimal(9000)}
    late = {**credit, "dpd": 40, "overdue_amount": Decimal("12.50")}
    cases = {
        "debit": world(account(), card=[debit]),
        "unknown": world(account(), card=[debit, credit]),
        "late": world(account(), card=[late, {**debit, "status": "closed"}], loan_receipt=[receipt(dpd=7)]),
    }
    got = [(row["card_cnt"], row["dpd_now"], row["ovd_amt"]) for row in features_of(cases)]
    assert got == [(1, 0, 0), (2, None, None), (1, 40, Decimal("12.50"))]
