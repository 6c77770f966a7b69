from __future__ import annotations

import hashlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from features_by_hand import (
    D,
    World,
    account,
    balance,
    days,
    engine,
    features,
    fill,
    make,
    party,
    slim,
    transaction,
    world,
)
from features_oracle import differences

from assets.features.parameters import Parameters
from assets.features.party import feature_tables, party_month_select, party_select
from assets.features.sources import INPUTS, SOURCES, check_views, unfed
from assets.features.spec import PARTY, party_spec, read
from liangcang.engine import Engine
from liangcang.errors import ContractError, SqlError
from liangcang.portability import lint
from liangcang.sql import check_select

PARAMETERS = Parameters(silent_after_days=45, history_from=D - days(500), config_version="c1")
NO_CARDS = {"card": set(SOURCES["conformed.card"])}


def busy_world() -> World:
    """Three parties, of which each kind of feature has something to say."""
    kinds = ["cash_in", "cash_out", "transfer", "salary", "pos", "bill"]
    moved = [
        transaction(
            age,
            f"{age * 37 % 900 + 1}.{age % 90 + 10}",
            account_id=f"A{age % 3 + 1}",
            party_id=f"P{age % 3 + 1}",
            direction="CD"[age % 2],
            type=kinds[age % 6],
            channel=["counter", "atm", "mobile"][age % 3],
            customer_initiated=age % 5 != 0,
            counterparty=f"x{age % 7}",
        )
        for age in range(0, 399, 2)
    ]
    moved += [transaction(2, "60000", account_id="A1", counterparty_bank="X")]
    told = [balance(age, 5000 + age, account_id=f"A{n}") for n in (1, 2, 3) for age in range(n, 450, 20)]
    accounts = [account(f"A{n}", party_id=f"P{n}", account_type=["demand", "time", "notice"][n - 1]) for n in (1, 2, 3)]
    loan = {"receipt_id": "L1", "party_id": "P1", "disbursed_date": D - days(9), "dpd": 3, "five_class": 2}
    money = ("outstanding_principal", "disbursed_amount", "overdue_principal", "overdue_interest")
    card = {"card_id": "C1", "party_id": "P2", "issued_date": D - days(9), "limit_amount": Decimal(100), "dpd": 9}
    return world(
        *accounts,
        parties=[party(f"P{n}", gender="1", birth_date=D - days(9000 + n)) for n in (1, 2, 3)],
        transaction_history=moved,
        balance_history=told,
        loan_receipt=[{**loan, **{name: Decimal(70) for name in money}}],
        card=[{**card, "overdue_amount": Decimal(5)}],
    )


def test_the_selects_make_the_columns_of_their_tables() -> None:
    with engine() as made:
        fill(made, World())
        month, whole = feature_tables()
        assert made.describe(party_month_select(D, PARAMETERS)) == dict(month.columns)
        made.con.execute(f"create table features.party_month as {party_month_select(D, PARAMETERS)}")
        assert made.describe(party_select(D, PARAMETERS)) == dict(whole.columns)


def test_the_sql_reads_its_inputs_only_and_runs_alike_elsewhere() -> None:
    month, _ = feature_tables()
    types = {**SOURCES, month.name: month.columns}
    for text in (party_month_select(D, PARAMETERS), party_select(D, PARAMETERS)):
        checked = check_select(text, tables=types, where="features")
        assert set(checked.inputs) <= {*INPUTS, month.name}
        assert lint(checked.tree, types=types) == []


def test_every_feature_is_named_in_both_languages_and_needs_what_is_there() -> None:
    for feature in party_spec().features():
        assert feature.en and feature.zh, feature.name
        for need in feature.needs:
            entity, _, column = need.partition(".")
            assert any(column in SOURCES.get(f"conformed.{entity}{form}", ()) for form in ("", "_history")), need


def test_the_same_rows_give_the_same_bytes_on_one_and_two_threads(tmp_path: Path) -> None:
    digests = set()
    for threads in (1, 2):
        with Engine(read=[], write=tmp_path, spill=tmp_path, threads=threads) as made:
            made.con.execute("create schema conformed")
            made.con.execute("create schema features")
            fill(made, busy_world())
            make(made, PARAMETERS)
            for table, select in zip(feature_tables(), (party_month_select, party_select), strict=True):
                file = tmp_path / f"{table.short}-{threads}.parquet"
                made.write(select(D, PARAMETERS), table, file)
                digests.add((table.name, hashlib.sha256(file.read_bytes()).hexdigest()))
    assert len(digests) == 2


def test_what_a_bank_does_not_feed_is_null_with_its_reason_and_nothing_else_changes() -> None:
    lacking = {"conformed.transaction": ("channel", "counterparty"), "loan_receipt": ("dpd",), **NO_CARDS}
    reasons = unfed(lacking)
    assert reasons["counter_sum_90"] == "conformed.transaction.channel is not fed"
    assert (reasons["dpd_now"], reasons["card_cnt"]) == (
        "conformed.loan_receipt.dpd is not fed",
        "conformed.card.card_id is not fed",
    )
    assert {"in_30", "loan_bal", "ovd_amt", "act_count_30"}.isdisjoint(reasons)
    bank = busy_world()
    blind = features(bank, replace(PARAMETERS, unfed=lacking))
    without = World({**bank.tables, "card": []})
    for owner, row in features(without, PARAMETERS).items():
        expected = {name: None if name in reasons else value for name, value in row.items()}
        assert differences(blind[owner], expected) == []


def test_a_bank_that_has_no_cards_is_not_waiting_for_them() -> None:
    row = features(busy_world(), Parameters(cards_fresh=False, unfed=NO_CARDS))["P1"]
    assert (row["dpd_now"], row["card_cnt"]) == (3, None)
    assert features(busy_world(), Parameters(cards_fresh=False))["P1"]["dpd_now"] is None


def test_a_bank_without_transactions_knows_no_flows() -> None:
    lacking = {"transaction": tuple(SOURCES["conformed.transaction_history"])}
    row = features(busy_world(), Parameters(unfed=lacking))["P1"]
    assert (row["flows_known"], row["in_30"], row["in_avg3"], row["dep_d"]) == (False, None, None, Decimal("5001.00"))


@pytest.mark.slow
def test_a_feature_names_every_column_without_which_its_value_changes() -> None:
    optional = {
        "transaction.account_id",  # silence alone
        "account.account_type", "account.close_date", "account.status", "party.open_date", "balance._op",
        "loan_receipt.settled_date", "loan_receipt.written_off",
        "card.status", "card.limit_amount", "card.dpd", "card.overdue_amount", "card.issued_date",
        "loan_receipt.disbursed_date",
        "party.annual_income",  # one of several ways to an income
    }  # fmt: skip
    optional |= {"party.id_long_term", "loan_contract.sign_date", "card.balance"}  # beside another that is needed
    keys = {"account_id", "party_id", "open_date", "role", "business_date", "event_date", "_op"}
    keys |= {"contract_id", "receipt_id", "repayment_id", "product_code"}
    bank = busy_world()
    with engine() as made:
        fill(made, bank)
        before = make(made, spec=slim())[1]
        for table, columns in SOURCES.items():
            short = table.partition(".")[2]
            entity = short.removesuffix("_history")
            for column in sorted(set(columns) - keys):
                if f"{entity}.{column}" in optional:
                    continue
                fill(made, World({**bank.tables, short: [{**row, column: None} for row in bank.rows(short)]}))
                needing = unfed({entity: {column}})
                for old, new in zip(before, make(made, spec=slim())[1], strict=True):
                    changed = {name for name in old if old[name] != new[name]} - {"flows_known", "balance_known"}
                    assert changed <= set(needing), (entity, column)
                assert needing, (entity, column)


def test_a_column_without_a_date_cannot_enter_a_feature() -> None:
    views = {table: set(columns) for table, columns in SOURCES.items()}
    check_views(views, Parameters())
    views["conformed.loan_receipt"].remove("five_class")
    with pytest.raises(SqlError, match=r"loan_receipt\.five_class as of a past date") as caught:
        check_views(views, Parameters())
    said = caught.value.details
    assert "five_class_max" in said["field"]
    assert "undated" in said["found"]
    assert "conform/loan_receipt.sql" in said["next"]
    check_views(views, Parameters(unfed={"loan_receipt": ("five_class",)}))
    with engine() as made:
        fill(made, World(), without={"conformed.loan_receipt": "five_class"})
        with pytest.raises(SqlError):
            made.describe(f"select * from ({party_select(D, Parameters())})")


def test_a_view_that_is_not_there_is_said_to_be_missing() -> None:
    views = {table: set(columns) for table, columns in SOURCES.items() if table != "conformed.card"}
    with pytest.raises(SqlError) as caught:
        check_views(views, Parameters())
    assert caught.value.details["found"] == "there is no conformed.card"


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"silent_after_days": 400}, "silent_after_days"),
        ({"silent_after_days": 0}, "silent_after_days"),
        ({"features": {"cash_band_lo": 1}}, "did you mean 'cash_band_low'"),
        ({"features": {"aum_floor": "1000"}}, "another type"),
        ({"features": {"aum_floor": True}}, "another type"),
    ],
)
def test_a_parameter_that_features_cannot_use_is_refused(said: dict[str, object], what: str) -> None:
    with pytest.raises(ContractError, match=what):
        Parameters.of(said)


def test_a_banks_other_parameters_are_left_alone() -> None:
    given = Parameters.of({"silent_after_days": 45, "entries": {"R045": {"floor": 1}}, "features": {"aum_floor": 5}})
    assert given == Parameters(silent_after_days=45, features={"aum_floor": 5})


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("windows: [7, 30", "windows: [30, 7", "windows are whole days, ascending"),
        ("[count, sum, min, max, mean, std, last]", "[count, median]", "no aggregate 'median'"),
        ("in_m: {dimension: in,", "in_m: {dimension: inn,", "no dimension 'inn'"),
        ("windows: [30, 90]", "windows: [30, 60]", "windows of distinct counts are windows"),
        ("name: in_90", "name: in_30", "in_30 is defined twice"),
        ("needs: [party.gender]", "needs: gender", "needs are a list"),
        ("    sql: owner.deposits\n", "", "sql is missing"),
    ],
)
def test_a_mistake_in_the_specification_is_told_with_its_line(old: str, new: str, what: str) -> None:
    text = PARTY.read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(ContractError, match=what) as caught:
        read(text.replace(old, new, 1))
    assert int(caught.value.details["line"]) >= 1
    assert caught.value.details["field"]


def test_a_run_over_dates_makes_the_same_text_but_for_the_date() -> None:
    other = D - days(30)
    one, two = (party_select(day, PARAMETERS) for day in (D, other))
    assert one != two
    assert one.replace(str(D), str(other)) == two


def test_decimals_of_the_specification_are_exact() -> None:
    assert party_spec().parameters["cash_band_high"] == Decimal("49999.99")
