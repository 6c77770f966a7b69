"""What changed between two contracts: every field is seen, and the side that it breaks is the right one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from by_hand import Values, at, bookings, col, column, custom, customers, dump, put
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts import diff as comparing
from data_contracts import diff_rules, odcs, strict
from data_contracts.change import Change, Direction, at_least, strictest
from data_contracts.contract import Contract, FileFormat, Property, Rule, ServiceLevel, Temporal, Volume
from data_contracts.diff import diff

Mutation = Callable[[Values], Any]
TURNED: dict[Direction, Direction] = {
    "loosens": "tightens",
    "tightens": "loosens",
    "both": "both",
    "neither": "neither",
}


def made(values: Values) -> Contract:
    contract, findings = odcs.examined(strict.load(dump(values), where="made"), Path("contracts/made.odcs.yaml"), "")
    assert findings == []
    assert contract is not None
    return contract


@cache
def before() -> Contract:
    return made(bookings())


def sla(*levels: tuple[str, Any, str]) -> Mutation:
    return lambda c: c.update(slaProperties=[{"property": p, "value": v, "unit": u} for p, v, u in levels])


def rule(contract: Values, name: str) -> Values:
    return at(contract, "schema", 0, "quality", name)


def server(contract: Values, name: str = "daily", **more: Any) -> None:
    put(at(contract, "servers", name), **more)


def renamed(contract: Values) -> None:
    col(contract, "kind")["name"] = "sort"
    rule(contract, "transfers_are_positive")["customProperties"][0]["value"] = "sort <> '010' or amount > 0"


def moved(contract: Values) -> None:
    columns = at(contract, "schema", 0, "properties")
    columns.insert(0, columns.pop())


# What is done to a contract: which way it goes, and the level that follows.
MUTATIONS: dict[str, tuple[Mutation, Direction, str]] = {
    "drop a column of the key": (lambda c: at(c, "schema", 0, "properties").pop(4), "both", "major"),
    "drop a rule": (lambda c: at(c, "schema", 0, "quality").pop(0), "loosens", "major"),
    "rename a column": (renamed, "both", "major"),
    "retype a column": (lambda c: col(c, "amount").update(physicalType="DECIMAL(20,2)"), "both", "major"),
    "add a last column": (
        lambda c: at(c, "schema", 0, "properties").append(column("note", "VARCHAR", "string")),
        "tightens",
        "minor",
    ),
    "add a column between": (
        lambda c: at(c, "schema", 0, "properties").insert(1, column("note", "VARCHAR", "string")),
        "tightens",
        "major",
    ),
    "move a column": (moved, "both", "major"),
    "may be null": (lambda c: col(c, "day").pop("required"), "loosens", "major"),
    "may not be null": (lambda c: col(c, "kind").update(required=True), "tightens", "minor"),
    "a code more": (lambda c: col(c, "kind")["enum"].append({"value": "030"}), "loosens", "major"),
    "a code less": (lambda c: col(c, "kind")["enum"].pop(), "tightens", "minor"),
    "another code": (lambda c: col(c, "kind")["enum"][1].update(value="030"), "both", "major"),
    "no codes": (lambda c: col(c, "kind").pop("enum"), "loosens", "major"),
    "another label": (lambda c: col(c, "kind")["enum"][0].update(label="划转"), "neither", "patch"),
    "codes only warn": (lambda c: put(col(c, "kind"), severities={"enum": "warning"}), "loosens", "major"),
    "no pattern": (lambda c: col(c, "booking_no")["logicalTypeOptions"].pop("pattern"), "loosens", "major"),
    "another pattern": (
        lambda c: col(c, "booking_no")["logicalTypeOptions"].update(pattern="^[0-9]{1,7}$"),
        "both",
        "major",
    ),
    "longer texts": (lambda c: col(c, "booking_no")["logicalTypeOptions"].update(maxLength=9), "loosens", "major"),
    "shorter texts": (lambda c: col(c, "booking_no")["logicalTypeOptions"].update(maxLength=7), "tightens", "minor"),
    "higher numbers": (lambda c: col(c, "amount")["logicalTypeOptions"].update(maximum=1000), "loosens", "major"),
    "no negative ones": (lambda c: col(c, "amount")["logicalTypeOptions"].update(minimum=0.01), "tightens", "minor"),
    "no longer unique": (lambda c: col(c, "booking_no").pop("primaryKey"), "both", "major"),
    "another order of the key": (
        lambda c: (
            col(c, "booking_no").update(primaryKeyPosition=1),
            col(c, "customer_no").update(primaryKeyPosition=2),
        ),
        "both",
        "major",
    ),
    "unique by itself": (lambda c: col(c, "kind").update(unique=True), "tightens", "minor"),
    "no reference": (lambda c: col(c, "customer_no").pop("relationships"), "loosens", "minor"),
    "another date format": (lambda c: col(c, "day")["logicalTypeOptions"].update(format="yyMMdd"), "both", "major"),
    "another null": (lambda c: put(col(c, "amount"), nullValues=[""]), "both", "major"),
    "implied decimals": (lambda c: put(col(c, "amount"), decimalPlaces=2), "both", "major"),
    "a lower class": (lambda c: col(c, "amount").update(classification="C1"), "loosens", "major"),
    "a higher level": (lambda c: put(col(c, "amount"), jrt0197Level=4), "tightens", "minor"),
    "a rule only warns": (
        lambda c: (
            rule(c, "transfers_are_positive").update(severity="warning"),
            put(rule(c, "transfers_are_positive"), maxRate=None),
        ),
        "loosens",
        "major",
    ),
    "a rule refuses": (lambda c: rule(c, "transfers_are_positive").update(severity="error"), "tightens", "minor"),
    "another predicate": (
        lambda c: put(rule(c, "transfers_are_positive"), rowPredicate="kind <> '010' or amount > 1"),
        "both",
        "major",
    ),
    "the same predicate": (
        lambda c: put(rule(c, "transfers_are_positive"), rowPredicate="kind  <>  '010' OR amount > 0"),
        "neither",
        "",
    ),
    "another query": (
        lambda c: rule(c, "one_day_a_file").update(query="select count(distinct day) - 2 from ${object}"),
        "both",
        "major",
    ),
    "more may fail": (lambda c: put(rule(c, "transfers_are_positive"), maxRate=0.2), "loosens", "major"),
    "any number may fail": (lambda c: put(rule(c, "transfers_are_positive"), maxRate=None), "loosens", "major"),
    "another dimension": (
        lambda c: rule(c, "transfers_are_positive").update(dimension="consistency"),
        "neither",
        "patch",
    ),
    "a count of rows": (
        lambda c: at(c, "schema", 0, "quality").append(
            {
                "id": "some",
                "metric": "rowCount",
                "mustBeGreaterOrEqualTo": 1,
                "severity": "error",
                "dimension": "completeness",
            }
        ),
        "tightens",
        "minor",
    ),
    "one that warns more": (
        lambda c: at(c, "schema", 0, "quality").append(
            {
                "id": "many",
                "metric": "rowCount",
                "mustBeGreaterOrEqualTo": 9,
                "severity": "warning",
                "dimension": "completeness",
            }
        ),
        "tightens",
        "minor",
    ),
    "must becomes skip": (lambda c: put(c, absent="skip"), "loosens", "major"),
    "more may be refused": (lambda c: put(c, maxRejected=0.5), "loosens", "major"),
    "fewer may be quarantined": (lambda c: put(c, maxQuarantined=0.01), "tightens", "minor"),
    "known later": (lambda c: put(c, history={"knownAt": {"column": "day", "days": 30}}), "loosens", "major"),
    "known by another date": (lambda c: put(c, history={"knownAt": {"days": 0}}), "both", "major"),
    "a sum in control files": (lambda c: put(c, controlAmount="amount"), "tightens", "minor"),
    "another time": (
        lambda c: at(c, "schema", 0).update(customProperties=custom(temporal={"kind": "undated"})),
        "both",
        "major",
    ),
    "a time of some rows": (
        lambda c: put(at(c, "schema", 0), rowTemporals=[{"kind": "undated", "where": "kind = '020'"}]),
        "both",
        "major",
    ),
    "a time of a column": (lambda c: put(col(c, "kind"), temporal={"kind": "undated"}), "both", "major"),
    "another separator": (lambda c: at(c, "servers", "daily").update(delimiter=","), "both", "major"),
    "another place": (lambda c: at(c, "servers", "history").update(path="b.csv"), "both", "major"),
    "no control file": (lambda c: server(c, control="none"), "loosens", "major"),
    "larger files": (lambda c: server(c, maxBytes=3_000_000_000), "loosens", "major"),
    "no history": (lambda c: (c["servers"].pop(), put(c, history=None)), "both", "major"),
    "another owner": (lambda c: c["team"]["members"][0].update(name="财务部"), "neither", "patch"),
    "other words": (lambda c: col(c, "day").update(description="Value date."), "neither", "patch"),
    "another title": (lambda c: at(c, "schema", 0).update(businessName="流水"), "neither", "patch"),
    "another id": (lambda c: c.update(id="hand.b"), "both", "major"),
}
STATES: dict[str, tuple[Mutation, Direction, str]] = {
    "drop a column": (lambda c: at(c, "schema", 0, "properties").pop(), "loosens", "major"),
    "held for longer": (lambda c: put(c, maxStaleDays=5), "loosens", "major"),
    "held for less": (lambda c: put(c, maxStaleDays=1), "tightens", "minor"),
    "fewer rows pass": (lambda c: put(c, volume={"minRatio": 0.4}), "loosens", "major"),
    "fewer may vanish": (lambda c: put(c, volume={"minRatio": 0.5, "maxDeletedShare": 0.001}), "tightens", "minor"),
    "another delivery": (lambda c: put(c, delivery="delta"), "both", "major"),
    "later": (sla(("latency", 1440, "min"), ("retention", 5, "y")), "loosens", "major"),
    "sooner": (sla(("latency", 2, "h"), ("retention", 5, "y")), "tightens", "minor"),
    "the same in other units": (sla(("latency", 240, "min"), ("retention", 1825, "d")), "neither", ""),
    "kept for less": (sla(("latency", 4, "h"), ("retention", 1, "y")), "loosens", "major"),
    "no word of latency": (sla(("retention", 5, "y")), "loosens", "major"),
    "a time of the day": (sla(("latency", 4, "h"), ("retention", 5, "y"), ("ta", "05:00", "")), "tightens", "minor"),
}


SERVED = (("latency", 4, "h"), ("retention", 5, "y"))


@cache
def served() -> Contract:
    values = customers()
    sla(*SERVED)(values)
    return made(values)


def direction_of(changes: tuple[Change, ...]) -> Direction:
    found = {change.direction for change in changes} - {"neither"}
    return found.pop() if len(found) == 1 else "both" if found else "neither"


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_kind_of_change_is_seen_with_its_direction_and_turns_round(name: str) -> None:
    mutate, direction, level = MUTATIONS[name]
    values = bookings()
    mutate(values)
    new = made(values)
    there, back = diff(before(), new), diff(new, before())
    assert (direction_of(there), strictest(there) or "") == (direction, level)
    assert direction_of(back) == TURNED[direction]
    assert sorted(TURNED[change.direction] for change in there) == sorted(change.direction for change in back)


@pytest.mark.parametrize("name", STATES)
def test_the_changes_of_a_state_too(name: str) -> None:
    mutate, direction, level = STATES[name]
    old, after = served(), customers()
    sla(*SERVED)(after)
    mutate(after)
    new = made(after)
    assert (direction_of(diff(old, new)), strictest(diff(old, new)) or "") == (direction, level)
    assert direction_of(diff(new, old)) == TURNED[direction]


@settings(max_examples=15, deadline=None)
@given(st.sets(st.sampled_from(sorted(MUTATIONS)), max_size=4))
def test_changes_of_different_things_are_all_seen_and_turn_round(names: set[str]) -> None:
    apart = {
        "drop a column of the key",
        "rename a column",
        "move a column",
        "add a column between",
        "another time",
        "no codes",
    }
    chosen = [name for name in sorted(names) if name not in apart][:2]
    values = bookings()
    for name in chosen:
        try:
            MUTATIONS[name][0](values)
        except (KeyError, IndexError, StopIteration):
            return  # two mutations of one field
    document = strict.load(dump(values), where="made")
    new, findings = odcs.examined(document, Path("contracts/made.odcs.yaml"), "")
    if findings or new is None:
        return
    old = before()
    assert diff(old, old) == diff(new, new) == ()
    there, back = diff(old, new), diff(new, old)
    assert sorted(TURNED[change.direction] for change in there) == sorted(change.direction for change in back)
    assert {change.field for change in there} == {change.field for change in back}


# -- an oracle: what a column takes before and after -------------------------------------------------------------------

LIMIT = st.none() | st.integers(-3, 3)
CODES = st.sets(st.sampled_from(["1", "2", "3", "4"]), max_size=3).map(sorted)
Column = tuple[bool, list[str], int | None, int | None]


def takes(required: bool, codes: list[str], low: int | None, high: int | None) -> set[int | None]:
    """The whole numbers of -5 to 5 that a column takes, and None."""
    numbers = {
        n
        for n in range(-5, 6)
        if (low is None or n >= low) and (high is None or n <= high) and (not codes or str(n) in codes)
    }
    return numbers if required else {*numbers, None}


def contract_of(required: bool, codes: list[str], low: int | None, high: int | None) -> Contract:
    options = {name: value for name, value in (("minimum", low), ("maximum", high)) if value is not None}
    more: Values = {"required": required}
    more |= {"enum": [{"value": code} for code in codes]} if codes else {}
    more |= {"logicalTypeOptions": options} if options else {}
    values = customers()
    at(values, "schema", 0, "properties").append(column("points", "INTEGER", "integer", **more))
    return made(values)


COLUMN = st.tuples(st.booleans(), CODES, LIMIT, LIMIT).filter(lambda c: c[2] is None or c[3] is None or c[2] <= c[3])


@settings(max_examples=20, deadline=None)
@given(COLUMN, COLUMN)
def test_a_change_loosens_if_a_value_is_taken_that_was_not_and_tightens_if_one_is_no_longer(old: Column, new: Column) -> None:  # fmt: skip
    were, are = takes(*old), takes(*new)
    found = {change.direction for change in diff(contract_of(*old), contract_of(*new))}
    if are - were:
        assert found & {"loosens", "both"}
    if were - are:
        assert found & {"tightens", "both"}
    changed = [n for n, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    if len(changed) == 1 and not {2, 3} & set(changed) and old[2] is old[3] is None:  # one thing changed: exactly so
        exact = {(True, False): "loosens", (False, True): "tightens", (True, True): "both"}
        assert found == {exact[bool(are - were), bool(were - are)]}
    assert (not found) == (old == new)


# -- nothing is left out -----------------------------------------------------------------------------------------------

WHOLE = Contract(
    id="a",
    version="1.0.0",
    table="staged.a",
    title="a",
    description="a",
    path=Path("a"),
    digest="a",
    properties=(
        Property(name="x", type="DATE", key=True, key_position=1, classification="C1", level=1, codes={"1": "one"}),
        Property(name="y", type="DATE", key=True, key_position=2),
    ),
    rules=(Rule(id="r", kind="row", severity="quarantine", dimension="accuracy"),),
    temporal=Temporal(kind="event", column="x"),
    formats=(FileFormat(kind="daily", path="a"),),
    service_levels=(ServiceLevel(name="latency", value="1", unit="d"),),
)
OTHER: dict[str, Any] = {
    "kind": {Rule: "range", Temporal: "since", FileFormat: "history"},
    "key": {Property: False},
    "required": {Property: True},
    "key_position": {Property: 3},
    "classification": {Property: "C2"},
    "level": {Property: 2},
    "codes": {Property: {"2": "two"}},
    "temporal": {Property: Temporal(kind="undated"), Contract: Temporal(kind="undated")},
    "row_temporals": {Contract: (Temporal(kind="undated"),)},
    "properties": {Contract: ()},
    "rules": {Contract: ()},
    "formats": {Contract: ()},
    "service_levels": {Contract: ()},
    "volume": {Contract: Volume(min_rows=7)},
    "severity": {Rule: "error"},
    "dimension": {Rule: "timeliness"},
    "references": {Rule: ("staged.b", ("z",))},
    "absent": {Contract: "hold"},
    "delivery": {Contract: "delta"},
    "control": {FileFormat: "flg"},
    "compression": {FileFormat: "gzip"},
}


def other(owner: type, name: str, value: Any) -> Any:
    """Another value of a field."""
    if owner in OTHER.get(name, {}):
        return OTHER[name][owner]
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}b"
        case tuple():
            return (*value, "b")
        case None if name.startswith("max_rate"):
            return 0.5
        case None if name in ("min_length", "max_length", "decimal_places", "width"):
            return 5
        case _:
            return "b"


def parts() -> list[tuple[type, str]]:
    return [
        (kind, f.name)
        for kind in (Contract, Property, Rule, FileFormat, Volume, Temporal, ServiceLevel)
        for f in fields(kind)
        if f.name not in comparing.UNSAID and (kind, f.name) != (Contract, comparing.ITS_FILE)
    ]


def with_other(kind: type, name: str) -> Contract:
    def changed(one: Any) -> Any:
        return replace(one, **{name: other(kind, name, getattr(one, name))})

    match kind.__name__:
        case "Contract":
            return changed(WHOLE)
        case "Property":
            return replace(WHOLE, properties=(changed(WHOLE.properties[0]), WHOLE.properties[1]))
        case "Rule":
            return replace(WHOLE, rules=(changed(WHOLE.rules[0]),))
        case "FileFormat":
            return replace(WHOLE, formats=(changed(WHOLE.formats[0]),))
        case "Volume":
            return replace(WHOLE, volume=changed(WHOLE.volume))
        case "Temporal":
            return replace(WHOLE, temporal=changed(WHOLE.temporal))
        case _:
            return replace(WHOLE, service_levels=(changed(WHOLE.service_levels[0]),))


@pytest.mark.parametrize(("kind", "name"), parts(), ids=lambda part: getattr(part, "__name__", part))
def test_no_field_of_the_model_can_change_unseen(kind: type, name: str) -> None:
    changed = with_other(kind, name)
    assert changed != WHOLE
    assert diff(WHOLE, changed)
    assert diff(changed, WHOLE)


def test_every_field_of_the_model_is_said_how_it_is_compared() -> None:
    def names(kind: type) -> set[str]:
        return {f.name for f in fields(kind)} - comparing.UNSAID

    assert names(Contract) == {*comparing.OF_CONTRACT, *comparing.APART, comparing.ITS_FILE}
    assert names(Property) == {*comparing.OF_PROPERTY, *comparing.PAIRED}
    assert names(Volume) == set(comparing.OF_VOLUME)
    assert set(comparing.OF_FORMAT) <= names(FileFormat)
    assert {*diff_rules.COMPARED, *diff_rules.WORDS} <= names(Rule)


# -- versions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "level", "needed"),
    [
        ("1.2.3", None, "1.2.3"),
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "major", "2.0.0"),
        ("0.2.3", "major", "0.3.0"),
        ("0.2.3", "minor", "0.3.0"),
        ("0.2.3", "patch", "0.2.4"),
    ],
)
def test_the_version_that_a_change_needs(version: str, level: Any, needed: str) -> None:
    assert at_least(version, level) == needed


def test_a_limit_is_compared_as_a_number_and_not_as_text() -> None:
    def limited(low: str) -> Contract:
        rule = Rule(id="y.range", kind="range", severity="error", dimension="accuracy", columns=("y",), minimum=low)
        return replace(WHOLE, properties=(Property(name="y", type="DECIMAL(9,2)"),), rules=(rule,))

    assert diff(limited("9"), limited("9.00")) == ()
    assert [change.direction for change in diff(limited("9"), limited("10"))] == ["tightens"]
