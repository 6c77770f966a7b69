"""What `watch` of a contract says: a delivery beside the clock, and beside the nights before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from by_hand import Values, bookings, customers, put, write_contract

from data_contracts import odcs
from data_contracts.contract import WATCHED, Contract, Rule
from data_contracts.diff import diff
from data_contracts.implied import all_rules
from data_contracts.numbers import number_of
from liangcang.errors import ContractError


def watching(folder: Path, contract: Values, **said: Any) -> Contract:
    put(contract, watch=said)
    return odcs.read(write_contract(folder, contract))


def watched(contract: Contract) -> dict[str, Rule]:
    return {rule.id: rule for rule in all_rules(contract) if rule.kind in WATCHED}


def refused(folder: Path, contract: Values, **said: Any) -> str:
    with pytest.raises(ContractError) as error:
        watching(folder, contract, **said)
    return str(error.value)


def test_what_is_watched_is_a_warning_with_an_owner_and_limits_of_its_own_or_the_usual_ones(tmp_path: Path) -> None:
    contract = watching(
        tmp_path, bookings(), arrival="cutOff", weekdays={"maxRatio": 3}, drift={"columns": ["kind", "amount"]}
    )
    rules = watched(contract)
    assert {id: rule.kind for id, rule in rules.items()} == {
        "arrival": "arrival",
        "weekdays": "weekdays",
        "drift.kind": "drift",
        "drift.amount": "drift",
    }
    assert {(rule.severity, rule.owner) for rule in rules.values()} == {("warning", contract.owner)}
    weekdays, drift = rules["weekdays"], rules["drift.amount"]
    assert (weekdays.minimum, weekdays.maximum, weekdays.days, weekdays.least_days) == ("0.5", "3", 56, 4)
    assert (drift.columns, drift.maximum, drift.days, drift.least_days) == (("amount",), "0.25", 28, 14)
    assert {number_of(rule) for rule in rules} == {"Q05", "Q13", "Q60"}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"arrivals": "cutOff"}, "unknown property 'arrivals' (did you mean"),
        ({"arrival": True}, "expected one of cutOff"),
        ({"weekdays": {"minRatio": 2}}, "minRatio is not below maxRatio"),
        ({"weekdays": {"weeks": 2}}, "leastWeeks is above weeks"),
        ({"weekdays": {"weeks": 0}}, "expected a whole number from 1"),
        ({"drift": {}}, "columns is missing"),
        ({"drift": {"columns": ["amuont"]}}, "no column 'amuont' (did you mean"),
        ({"drift": {"columns": ["customer_no"]}}, "customer_no is neither an exact number nor one of some codes"),
        ({"drift": {"columns": ["amount"], "days": 7}}, "leastDays is above days"),
    ],
)
def test_what_could_never_be_judged_is_refused_in_words(tmp_path: Path, said: Values, fault: str) -> None:
    assert fault in refused(tmp_path, bookings(), **said)


def test_a_full_file_has_no_spread_of_its_own_day(tmp_path: Path) -> None:
    assert "a full file is nearly the same" in refused(tmp_path, customers(), drift={"columns": ["x"]})


def test_who_watches_more_closely_breaks_nobody(tmp_path: Path) -> None:
    plain = odcs.read(write_contract(tmp_path, bookings(), name="plain"))
    wide = watching(tmp_path / "wide", bookings(), weekdays={})
    near = watching(tmp_path / "near", bookings(), weekdays={"maxRatio": 1.5})
    came, moved = diff(plain, wide), diff(wide, near)
    assert [(change.field, change.direction, change.broken) for change in came] == [("weekdays", "tightens", ())]
    assert [(change.field, change.direction, change.broken) for change in moved] == [
        ("weekdays.maximum", "tightens", ())
    ]


@pytest.mark.parametrize(
    ("rule", "number"),
    [
        *(("Q30", "Q30"), ("Q30_many", "Q30"), ("amount.parse", "Q08"), ("key", "Q09"), ("a+b.reference", "Q12")),
        *(("volume.min_rows", "Q13"), ("control_sum", "Q03"), ("rejected", "Q07"), ("mobile.pattern", "Q19")),
        *(("fx_without_rate", None), ("Q301", None), ("paid_within_due", None)),
    ],
)
def test_every_rule_of_the_standard_is_found_by_its_number(rule: str, number: str | None) -> None:
    assert number_of(rule) == number
