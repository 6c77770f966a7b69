"""The rules that `watch` of a contract says: a delivery beside the clock, and beside the nights before it.

| said       | kind     | what is held                                                                                  |
|------------|----------|-----------------------------------------------------------------------------------------------|
| `arrival`  | arrival  | the delivery came before the bank's cut-off                                                   |
| `weekdays` | weekdays | its rows are not far from the median of the same weekday in the weeks before                  |
| `drift`    | drift    | a column's values are spread as in the days before: population stability index, a rule a column |

They are warnings, whatever happens: a day may be unlike those before it and right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data_contracts import odcs_fields as fields
from data_contracts.contract import Contract, Property, Rule
from data_contracts.finding import did_you_mean
from data_contracts.odcs_rules import Rules
from data_contracts.odcs_schema import At

WEEKDAYS: Mapping[str, float] = {"weeks": 8, "minRatio": 0.5, "maxRatio": 2, "leastWeeks": 4, "leastRows": 100}
DRIFT: Mapping[str, float] = {"days": 28, "maxPsi": 0.25, "leastDays": 14, "leastRows": 500}
"""What holds where the contract does not say."""
NUMBERS = ("DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")


def watched(rules: Rules, at: At, said: Mapping[str, Any], contract: Contract) -> None:
    """Add the rules that `said`, the value of `watch`, asks for; what is wrong with it is noted."""
    reading = rules.reading
    right = reading.within(at, said, fields.WATCH)
    if contract.format("daily") is None:
        reading.wrong(at, "nothing comes daily: there is no server of this name")
        return
    line = reading.document.line_of(*at)
    common: dict[str, Any] = {"severity": "warning", "owner": contract.owner, "line": line}
    if "arrival" in right:
        rules.add(at, Rule(id="arrival", kind="arrival", dimension="timeliness", **common))
    if "weekdays" in right:
        given = {**WEEKDAYS, **reading.within((*at, "weekdays"), right["weekdays"], fields.WEEKDAYS)}
        for fault in _weekday_faults(given):
            reading.wrong((*at, "weekdays"), fault)
        rules.add(
            at,
            Rule(
                id="weekdays",
                kind="weekdays",
                dimension="completeness",
                minimum=str(given["minRatio"]),
                maximum=str(given["maxRatio"]),
                days=int(given["weeks"]) * 7,
                least_days=int(given["leastWeeks"]),
                least_rows=int(given["leastRows"]),
                **common,
            ),
        )
    if "drift" in right:
        _drift(rules, (*at, "drift"), right["drift"], contract, common)


def _weekday_faults(given: Mapping[str, float]) -> Iterator[str]:
    if given["minRatio"] >= given["maxRatio"]:
        yield "minRatio is not below maxRatio"
    if given["leastWeeks"] > given["weeks"]:
        yield "leastWeeks is above weeks: it could never be judged"


def _drift(rules: Rules, at: At, said: Mapping[str, Any], contract: Contract, common: Mapping[str, Any]) -> None:
    reading = rules.reading
    right = reading.within(at, said, fields.DRIFT)
    given = {**DRIFT, **right}
    if contract.delivery == "full":
        reading.wrong(
            at, "a full file is nearly the same every night: events and deltas have a spread of their own day"
        )
    if given["leastDays"] > given["days"]:
        reading.wrong(at, "leastDays is above days: it could never be judged")
    if not right.get("columns"):
        reading.wrong(at, "columns is missing: which ones are watched")
    for name in right.get("columns", ()):
        if fault := _column_fault(name, contract):
            reading.wrong((*at, "columns"), fault)
            continue
        rules.add(
            at,
            Rule(
                id=f"drift.{name}",
                kind="drift",
                dimension="accuracy",
                columns=(name,),
                maximum=str(given["maxPsi"]),
                days=int(given["days"]),
                least_days=int(given["leastDays"]),
                least_rows=int(given["leastRows"]),
                **common,
            ),
        )


def _column_fault(name: str, contract: Contract) -> str | None:
    if name not in contract.columns:
        return f"no column {name!r}{did_you_mean(name, contract.columns)}"
    return None if countable(contract.property(name)) else f"{name} is neither an exact number nor one of some codes"


def countable(prop: Property) -> bool:
    """Whether a column's values fall into few bins: those of codes into one each, exact numbers between deciles."""
    return bool(prop.codes) or prop.type.startswith(NUMBERS)
