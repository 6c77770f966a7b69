from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest

from assets.churn.labels import LABELS, Outcome, all_labels, bank_label, read
from data_contracts.bank import Bank, read_bank
from liangcang.errors import ContractError

T = dt.date(2026, 1, 31)


def said(**churn: object) -> Bank:
    bank = read_bank("berka")
    return replace(bank, parameters={**bank.parameters, "churn": churn})


def test_ninety_days_follow_the_date_itself() -> None:
    outcome = all_labels()["churn_balance_90"].outcome
    assert outcome.windows(dt.date(1993, 12, 31)) == ((dt.date(1994, 1, 1), dt.date(1994, 3, 31)),)
    assert Outcome(unit="day", gap=30, length=1).windows(T) == ((dt.date(2026, 3, 3), dt.date(2026, 3, 3)),)


def test_the_months_of_c1_leave_out_the_one_in_which_somebody_can_act() -> None:
    windows = all_labels()["c1_aum_drop"].outcome.windows(T)
    assert windows == (
        (dt.date(2026, 3, 1), dt.date(2026, 3, 31)),
        (dt.date(2026, 4, 1), dt.date(2026, 4, 30)),
        (dt.date(2026, 5, 1), dt.date(2026, 5, 31)),
    )
    assert all_labels()["c1_aum_drop"].outcome.end(dt.date(2025, 10, 31)) == dt.date(2026, 2, 28)


def test_a_bank_chooses_a_label_and_sets_its_thresholds() -> None:
    label = bank_label(said(label="c1_aum_drop", floor=5000, ratio=0.45, folds=3))
    assert label is not None
    assert (label.values["floor"], label.values["ratio"], label.values["adult"]) == (5000, Decimal("0.45"), 18)
    assert (label.training["folds"], label.training["seed"]) == (3, 7)
    assert "45 AS DECIMAL" in label.sql(label.churned)
    assert all_labels()["c1_aum_drop"].values["floor"] == 50000


def test_both_banks_say_what_churn_means_and_a_bank_may_say_nothing() -> None:
    berka = read_bank("berka")
    chosen = bank_label(berka)
    assert chosen is not None and chosen.id == "churn_balance_90"
    silent = replace(berka, parameters={name: v for name, v in berka.parameters.items() if name != "churn"})
    assert bank_label(silent) is None


@pytest.mark.parametrize(
    ("churn", "what", "field"),
    [
        ({"label": "c1_aum_drp"}, "did you mean 'c1_aum_drop'", "parameters.churn.label"),
        ({}, "there is no churn label None", "parameters.churn.label"),
        ({"label": "c1_aum_drop", "flor": 1}, "did you mean 'floor'", "parameters.churn.flor"),
        ({"label": "c1_aum_drop", "min_balance": 1}, "c1_aum_drop has no parameter", "parameters.churn.min_balance"),
        ({"label": "c1_aum_drop", "floor": "much"}, "another type", "parameters.churn.floor"),
        ({"label": "c1_aum_drop", "floor": True}, "another type", "parameters.churn.floor"),
        ({"label": "c1_aum_drop", "folds": 2.5}, "another type", "parameters.churn.folds"),
        ({"label": "c1_aum_drop", "folds": 0}, "above 0", "parameters.churn.folds"),
    ],
)
def test_what_a_bank_says_wrong_of_churn_is_told_with_its_field(
    churn: dict[str, object], what: str, field: str
) -> None:
    with pytest.raises(ContractError, match=what) as caught:
        bank_label(said(**churn))
    assert caught.value.details["field"] == field
    assert caught.value.details["file"].endswith("bank.yaml")


@pytest.mark.parametrize(
    ("old", "new", "what", "field"),
    [
        ("bal_mean_90 > $min_balance", "bal_mean_9 > $min_balance", "no such column", "population"),
        ("future < $ratio * base", "future < $rati * base", "did you mean 'ratio'", "churned"),
        ("future < $ratio * base", "dep_d < $ratio * base", "no such column", "churned"),
        ("future < $ratio * base", "future < 0.6 * base", None, ""),
        ("unit: day", "unit: week", "days or months", "outcome.unit"),
        ("length: 90", "length: 0", "a whole number from 1", "outcome.length"),
        ("    base: bal_mean_90\n", "", "base is missing", "churn_balance_90"),
        ("    base: bal_mean_90\n", "    bse: bal_mean_90\n", "did you mean 'base'", "bse"),
        ("{value: 1000, meaning", "{value: true, meaning", "a parameter is a number", "min_balance.value"),
        ("      min_age_days: {", "      min_age: {", "did you mean 'min_age'", "population"),
        ("      ratio: {value: 0.6", '      seed: {value: 1, meaning: ""}\n      ratio: {value: 0.6', "text is", "seed.meaning"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_labels_is_told_with_its_line(old: str, new: str, what: str | None, field: str) -> None:
    text = LABELS.read_text(encoding="utf-8")
    assert old in text
    changed = text.replace(old, new, 1)
    if what is None:  # the rule still speaks of the ratio: nothing is wrong
        assert read(changed)
        return
    with pytest.raises(ContractError, match=what) as caught:
        read(changed)
    assert caught.value.details["field"].endswith(field)
    assert int(caught.value.details["line"]) > 20
