"""The columns of a contract: type, codes, null tokens, and the rules that a column's own fields imply."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from data_contracts import odcs_fields as fields
from data_contracts.contract import Property, Temporal
from data_contracts.finding import did_you_mean
from data_contracts.odcs_fields import Reading, place_of
from data_contracts.odcs_rules import Rules
from data_contracts.odcs_schema import At
from liangcang.column_types import type_name
from liangcang.errors import LiangcangError

KEPT = frozenset(("VARCHAR", "BOOLEAN", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE", "DATE", "TIME", "TIMESTAMP"))
LISTS = frozenset(("VARCHAR[]", "BIGINT[]", "DATE[]"))
LOGICAL: Mapping[str, tuple[str, ...]] = {
    "string": ("VARCHAR",),
    "integer": ("SMALLINT", "INTEGER", "BIGINT"),
    "number": ("DECIMAL", "DOUBLE", "SMALLINT", "INTEGER", "BIGINT"),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
    "time": ("TIME",),
    "timestamp": ("TIMESTAMP",),
    "array": ("VARCHAR[]", "BIGINT[]", "DATE[]"),
}
"""The DuckDB types that each logical type of the standard may be kept in."""

OPTIONS: Mapping[str, tuple[str, ...]] = {
    "string": ("pattern", "minLength", "maxLength"),
    "integer": ("minimum", "maximum"),
    "number": ("minimum", "maximum"),
    "date": ("format", "minimum", "maximum"),
    "time": ("format", "minimum", "maximum"),
    "timestamp": ("format", "minimum", "maximum"),
}
"""The `logicalTypeOptions` that are held. The standard has more; one that nobody holds would be a false promise."""
ISO: Mapping[str, Callable[[str], Any]] = {
    "DATE": dt.date.fromisoformat,
    "TIME": dt.time.fromisoformat,
    "TIMESTAMP": dt.datetime.fromisoformat,
}


def column_types(reading: Reading, at: At, elements: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Column name to DuckDB type, of those columns whose type can be kept."""
    types: dict[str, str] = {}
    for index, element in enumerate(elements):
        here: At = (*at, "properties", index)
        name, physical, logical = element["name"], element.get("physicalType"), element.get("logicalType")
        if name.lower() in {other.lower() for other in types}:
            reading.wrong(here, "a second column of this name (capital letters make no difference)")
        elif physical is None or logical is None:
            reading.wrong(here, "a column needs a physicalType (of DuckDB) and a logicalType")
        elif (kind := kept_type(physical)) is None:
            known = ", ".join(sorted(KEPT | {"DECIMAL(18,2)"}))
            reading.wrong((*here, "physicalType"), f"not a type that we keep (known: {known})")
        elif kind.partition("(")[0] not in LOGICAL.get(logical, ()):
            fitting = ", ".join(LOGICAL.get(logical, ())) or "none"
            reading.wrong((*here, "logicalType"), f"{logical} does not fit {kind} (fitting: {fitting})")
        else:
            types[name] = kind
    return types


def kept_type(text: str) -> str | None:
    """A physical type as DuckDB spells it; None when it is not one that we keep."""
    try:
        kind = type_name(text)
    except LiangcangError:
        return None
    one_decimal = kind.startswith("DECIMAL") and not kind.endswith("[]")
    return kind if kind in KEPT | LISTS or one_decimal else None


def column(rules: Rules, at: At, element: Mapping[str, Any], kind: str, *, staged: bool) -> Property:
    """A column, and the rules that it implies."""
    reading, name = rules.reading, element["name"]
    custom = reading.custom(at, element, fields.PROPERTY)
    severities = rules.severities(at, element, custom)
    key = bool(element.get("primaryKey"))
    required = bool(element.get("required")) or key
    if staged and kind != "VARCHAR":
        rules.implied(at, name, "parse", severities)
    if required:
        rules.implied((*at, "required" if "required" in element else "primaryKey"), name, "required", severities)
    codes = _codes(reading, at, element)
    if codes:
        rules.implied((*at, "enum"), name, "enum", severities, values=tuple(codes))
    _options(rules, at, element, kind, severities)
    if element.get("unique") and not key:
        rules.implied((*at, "unique"), name, "key", severities, suffix="unique")
    rules.references(at, element, column=name, severity=severities.get("reference"))
    rules.quality(at, element, column=name)
    places = custom.get("decimalPlaces")
    if places is not None and not kind.startswith("DECIMAL"):
        reading.wrong(place_of(element, at, "decimalPlaces"), "implied decimal places are for a DECIMAL column")
    return Property(
        name=name,
        type=kind,
        title=element.get("businessName") or "",
        description=element.get("description") or "",
        required=required,
        key=key,
        key_position=element.get("primaryKeyPosition"),
        classification=element.get("classification"),
        level=custom.get("jrt0197Level"),
        format=(element.get("logicalTypeOptions") or {}).get("format"),
        null_values=_null_values(reading, at, element),
        decimal_places=places,
        width=custom.get("byteWidth"),
        path=custom.get("path"),
        codes=codes,
        temporal=temporal(reading, place_of(element, at, "temporal"), custom.get("temporal"), rules.columns),
        line=reading.document.line_of(*at),
    )


def _codes(reading: Reading, at: At, element: Mapping[str, Any]) -> dict[str, str]:
    """Code to label. A code is the text as it was written: `010` and `1.10` are not numbers."""
    codes: dict[str, str] = {}
    for index, entry in enumerate(element.get("enum") or []):
        code = reading.document.text_of(*at, "enum", index, "value")
        if code is None or entry["value"] is None:
            reading.wrong((*at, "enum", index), "a code is a value, not null")
        elif code in codes:
            reading.wrong((*at, "enum", index), "a second entry for this code")
        else:
            codes[code] = entry.get("label") or ""
    return codes


def _null_values(reading: Reading, at: At, element: Mapping[str, Any]) -> tuple[str, ...]:
    place = place_of(element, at, "nullValues")
    if place == at:
        return ("",)
    count = len(_raw(reading.document.data, place))
    texts = (reading.document.text_of(*place, index) for index in range(count))
    return tuple(text for text in texts if text is not None)


def _raw(data: Any, at: At) -> Any:
    for step in at:
        data = data[step]
    return data if isinstance(data, list) else []


def _options(rules: Rules, at: At, element: Mapping[str, Any], kind: str, severities: Mapping[str, str]) -> None:
    """The rules of `logicalTypeOptions`: pattern, length and range."""
    options = element.get("logicalTypeOptions") or {}
    name, reading, here = element["name"], rules.reading, (*at, "logicalTypeOptions")
    known = OPTIONS.get(element["logicalType"], ())
    for option in options:
        if option not in known:
            known_ones = ", ".join(known) or "none"
            reading.wrong((*here, option), f"nobody would hold this option (known for this type: {known_ones})")
    if "pattern" in options:
        rules.implied((*here, "pattern"), name, "pattern", severities, pattern=options["pattern"])
    low, high = options.get("minLength"), options.get("maxLength")
    if "minLength" in options or "maxLength" in options:
        if low is not None and high is not None and low > high:
            reading.wrong((*here, "minLength"), "is above maxLength")
        rules.implied(here, name, "length", severities, min_length=low, max_length=high)
    if "minimum" in options or "maximum" in options:
        low, high = (reading.document.text_of(*here, option) for option in ("minimum", "maximum"))
        values = [limit(text, kind) if text is not None else None for text in (low, high)]
        for option, text, value in zip(("minimum", "maximum"), (low, high), values, strict=True):
            if text is not None and value is None:
                reading.wrong((*here, option), f"is no {kind}" + (" (yyyy-mm-dd)" if kind == "DATE" else ""))
        if values[0] is not None and values[1] is not None and values[0] > values[1]:
            reading.wrong((*here, "minimum"), "is above maximum")
        rules.implied(here, name, "range", severities, minimum=low, maximum=high)


def limit(text: str, kind: str) -> Any:
    """A limit as a value that can be compared; None when it is none of its type."""
    try:
        if kind in ISO:
            return ISO[kind](text)
        value = Decimal(text)
    except (ValueError, InvalidOperation):
        return None
    return value if value.is_finite() else None


def temporal(reading: Reading, at: At, said: Mapping[str, Any] | None, columns: Collection[str]) -> Temporal | None:
    """What a table, a column or a subset of rows says about time; None when it says nothing that can be used."""
    if said is None:
        return None
    right = reading.within(at, said, fields.TEMPORAL)
    if "kind" not in said:
        reading.wrong(at, "a temporal needs a kind")
    if "kind" not in right:
        return None
    column = right.get("column")
    if column is not None and column not in columns:
        reading.wrong((*at, "column"), f"no column {column!r}{did_you_mean(column, columns)}")
    return Temporal(kind=right["kind"], column=column, where=right.get("where"))
