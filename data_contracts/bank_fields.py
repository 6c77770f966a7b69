"""The fields of a `bank.yaml`, and what each may hold."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from data_contracts.contract import Contract
from data_contracts.finding import did_you_mean
from data_contracts.odcs_fields import Expected, Reading, flag, mapping

FEED = re.compile(r"[a-z][a-z0-9_]{0,62}")
CODE = re.compile(r"[a-z][a-z0-9_]{0,30}")
CUT_OFF = dt.time(5)


def _whole_or_null(value: Any) -> str | None:
    return None if value is None or (type(value) is int and value > 0) else "a whole number of days, or null (never)"


def _names(value: Any) -> str | None:
    fits = isinstance(value, dict) and set(value) == {"en", "zh"} and all(isinstance(v, str) for v in value.values())
    return None if fits else "names in English and Chinese: {en: …, zh: …}"


def _matching(pattern: re.Pattern[str], expected: str) -> Expected:
    return lambda value: None if isinstance(value, str) and pattern.fullmatch(value) else expected


def _date(value: Any) -> str | None:
    return None if _parsed(dt.date.fromisoformat, value) else "a date, yyyy-mm-dd"


def _time(value: Any) -> str | None:
    return None if _parsed(dt.time.fromisoformat, value) is not None else "a time of the day, hh:mm"


def _zone(value: Any) -> str | None:
    return None if value in available_timezones() else f"a time zone of the IANA list{_near_zone(value)}"


def _near_zone(value: Any) -> str:
    return near if (near := did_you_mean(value, available_timezones())) else " (Asia/Shanghai, …)"


def _feed_list(value: Any) -> str | None:
    fits = isinstance(value, list) and value and all(isinstance(v, str) and FEED.fullmatch(v) for v in value)
    return None if fits else "a list of feeds, in small letters, digits and _"


def _parsed(parse: Any, value: Any) -> Any:
    try:
        return parse(value)
    except (ValueError, TypeError):
        return None


FIELDS: Mapping[str, Expected] = {
    "code": _matching(CODE, "a short name in small letters"),
    "name": _names,
    "home_currency": _matching(re.compile(r"[A-Z]{3}"), "a currency of ISO 4217: CNY, CZK, …"),
    "time_zone": _zone,
    "start_date": _date,
    "calendar": lambda value: None if value == "every_day" else "every_day",
    "cut_off": _time,
    "feeds": _feed_list,
    "undated": mapping,
    "parameters": mapping,
    "connections": mapping,
}
OPTIONAL = {"calendar", "cut_off", "undated", "parameters", "connections"}
CONNECTION: Mapping[str, Expected] = {
    "env": _matching(re.compile(r"[A-Z_][A-Z0-9_]{0,62}"), "the name of an environment variable, in capital letters"),
    "file": _matching(re.compile(r"/[^\x00-\x1f]{1,1000}"), "the full path of a file of mode 0600"),
}
PARAMETERS: Mapping[str, Expected] = {
    "silent_after_days": _whole_or_null,
    "entries": mapping,
    "features": mapping,
    "churn": mapping,
    "generated": flag,
}


def bank_fields(reading: Reading, model: Mapping[str, Contract]) -> dict[str, Any]:
    """The fields of a `bank.yaml` that are right, by their names in `Bank`; what is wrong is noted in the reading.

    `model` is what the warehouse's own tables promise: `undated` names columns of it.
    """
    data: dict[str, Any] = reading.document.data
    right = reading.within((), data, FIELDS)
    for name in FIELDS:
        if name not in data and name not in OPTIONAL:
            reading.wrong((), f"{name} is missing")
    _parameters(reading, right.get("parameters", {}))
    if "start_date" in right:
        right["start_date"] = dt.date.fromisoformat(right["start_date"])
    right["cut_off"] = dt.time.fromisoformat(right["cut_off"]) if "cut_off" in right else CUT_OFF
    right["undated"] = _undated(reading, right.get("undated", {}), model)
    right["connections"] = _connections(reading, right.get("connections", {}))
    right.setdefault("calendar", "every_day")
    right.setdefault("parameters", {})
    return right


def _undated(reading: Reading, said: Mapping[str, Any], model: Mapping[str, Contract]) -> dict[str, tuple[str, ...]]:
    """Columns of the model that the bank fills without a date, by table."""
    for entity, columns in said.items():
        at = ("undated", entity)
        if entity not in model:
            reading.wrong(at, f"no table of the model{did_you_mean(entity, model.keys())}")
        elif not isinstance(columns, list):
            reading.wrong(at, "expected a list of columns")
        else:
            known = model[entity].columns
            for column in [column for column in columns if column not in known]:
                reading.wrong(at, f"{entity} has no column {column!r}{did_you_mean(column, known.keys())}")
    return {entity: tuple(columns) for entity, columns in said.items() if isinstance(columns, list)}


def _connections(reading: Reading, said: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Where the secret of each connection is said: an environment variable or a file. The secret itself stands nowhere."""
    found: dict[str, Mapping[str, str]] = {}
    for name, place in said.items():
        at = ("connections", name)
        if not isinstance(place, dict) or len(place) != 1:
            reading.wrong(
                at, "expected where its secret is said: {env: NAME} or {file: /path}, never the secret itself"
            )
        elif right := reading.within(at, place, CONNECTION):
            found[name] = right
    return found


def _parameters(reading: Reading, said: Mapping[str, Any]) -> None:
    """Parameters are held loosely: a name that is nearly one of ours is a slip, another may be somebody's own."""
    for name, value in said.items():
        at = ("parameters", name)
        if name in PARAMETERS:
            if expected := PARAMETERS[name](value):
                reading.wrong(at, f"expected {expected}")
        elif (near := did_you_mean(name, PARAMETERS.keys())).startswith(" (did"):
            reading.wrong(at, f"unknown parameter {name!r}{near}")
    for entry, values in _mapping_of(said.get("entries")).items():
        if not isinstance(values, dict) or any(isinstance(v, (dict, list)) for v in values.values()):
            reading.wrong(("parameters", "entries", entry), "expected parameters with their values")


def _mapping_of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
