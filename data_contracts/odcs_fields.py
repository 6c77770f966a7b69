"""Our own fields of an ODCS document: the `customProperties` that we know, and what each may hold.

The standard has no place for a feed's delivery, its time or its guards. They stand in `customProperties`, which the
standard leaves open; here they are closed, so that a misspelt one is an error and not a silence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_args

from data_contracts.contract import Absence, Compression, Delivery, Dimension, Severity, TemporalKind
from data_contracts.finding import Finding, did_you_mean
from data_contracts.odcs_schema import At, finding
from data_contracts.strict import Document

Expected: TypeAlias = Callable[[Any], str | None]
"""Given a value, what was expected instead; None when it is right."""


def one_of(*known: str) -> Expected:
    """One of the given words."""
    return lambda value: None if value in known else f"one of {', '.join(known)}{_near(value, known)}"


def whole(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else "a whole number from 0"


def number_from_one(value: Any) -> str | None:
    return "a whole number from 1" if whole(value) or value < 1 else None


def share(value: Any) -> str | None:
    return None if _number(value) and 0 <= value <= 1 else "a share from 0 to 1"


def ratio(value: Any) -> str | None:
    return None if _number(value) and value > 0 else "a number above 0"


def flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def text(value: Any) -> str | None:
    return None if isinstance(value, str) else "text (quote it)"


def mapping(value: Any) -> str | None:
    return None if isinstance(value, dict) else "a mapping"


def mappings(value: Any) -> str | None:
    return None if isinstance(value, list) and all(isinstance(v, dict) for v in value) else "a list of mappings"


def texts(value: Any) -> str | None:
    return None if isinstance(value, list) and all(isinstance(v, str) for v in value) else "a list of texts"


def scalars(value: Any) -> str | None:
    fits = isinstance(value, list) and not any(isinstance(v, (dict, list)) for v in value)
    return None if fits else "a list of values"


def level(value: Any) -> str | None:
    return None if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5 else "a level from 1 to 5"


SEVERITIES: tuple[str, ...] = get_args(Severity)
DIMENSIONS: Mapping[str, Dimension] = {
    **{name: name for name in get_args(Dimension)},
    "规范性": "conformity",
    "完整性": "completeness",
    "准确性": "accuracy",
    "一致性": "consistency",
    "时效性": "timeliness",
    "可访问性": "accessibility",
}
"""GB/T 36344-2018, in English and Chinese."""

ROOT: Mapping[str, Expected] = {
    "delivery": one_of(*get_args(Delivery)),
    "absent": one_of(*get_args(Absence)),
    "maxStaleDays": whole,
    "history": mapping,
    "volume": mapping,
    "watch": mapping,
    "maxRejected": share,
    "maxQuarantined": share,
    "keyless": flag,
    "controlAmount": text,
    "authorisation": mapping,
}
AUTHORISATION: Mapping[str, Expected] = {"column": text, "until": text, "rule": text}
HISTORY: Mapping[str, Expected] = {"knownAt": mapping, "stateDate": text}
KNOWN_AT: Mapping[str, Expected] = {"column": text, "days": whole}
VOLUME: Mapping[str, Expected] = {
    "minRatio": ratio,
    "maxRatio": ratio,
    "maxDeletedShare": share,
    "minRows": whole,
}
WATCH: Mapping[str, Expected] = {"arrival": one_of("cutOff"), "weekdays": mapping, "drift": mapping}
WEEKDAYS: Mapping[str, Expected] = {
    "weeks": number_from_one,
    "minRatio": ratio,
    "maxRatio": ratio,
    "leastWeeks": number_from_one,
    "leastRows": number_from_one,
}
DRIFT: Mapping[str, Expected] = {
    "columns": texts,
    "days": number_from_one,
    "maxPsi": ratio,
    "leastDays": number_from_one,
    "leastRows": number_from_one,
}
SERVER: Mapping[str, Expected] = {
    "header": flag,
    "quote": text,
    "lineTerminator": text,
    "compression": one_of(*get_args(Compression)),
    "member": text,
    "control": one_of("none", "flg", "ok"),
    "lastLineTerminated": flag,
    "maxBytes": whole,
    "extract": mapping,
}
EXTRACT: Mapping[str, Expected] = {"connection": text, "table": text, "since": text, "overlapDays": whole}
OBJECT: Mapping[str, Expected] = {"temporal": mapping, "rowTemporals": mappings, "jrt0197Level": level}
PROPERTY: Mapping[str, Expected] = {
    "jrt0197Level": level,
    "nullValues": scalars,
    "temporal": mapping,
    "decimalPlaces": whole,
    "byteWidth": whole,
    "path": text,
    "severities": mapping,
}
TEMPORAL: Mapping[str, Expected] = {"kind": one_of(*get_args(TemporalKind)), "column": text, "where": text}
QUALITY: Mapping[str, Expected] = {
    "gbt36344": one_of(*DIMENSIONS),
    "rowPredicate": text,
    "violations": flag,
    "maxRate": share,
    "owner": text,
}
RELATIONSHIP: Mapping[str, Expected] = {"severity": one_of(*SEVERITIES), "orTo": texts}


@dataclass(frozen=True)
class Reading:
    """A document while it is read, and what was found wrong with it so far."""

    document: Document
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, at: At, message: str) -> None:
        """Note a fault at a place of the document."""
        self.findings.append(finding(self.document, at, message))

    def custom(self, at: At, element: Mapping[str, Any], known: Mapping[str, Expected]) -> dict[str, Any]:
        """The custom properties of an element that stands at `at`, those that are right, by name."""
        values: dict[str, Any] = {}
        for index, entry in enumerate(element.get("customProperties") or []):
            name, here = entry["property"], (*at, "customProperties", index)
            if entry.get("vendor") not in (None, "liangcang"):
                continue  # another tool's property: the standard's own way to say so
            if name in values:
                self.wrong(here, "stands twice")
            elif self._right(here, name, entry["value"], known):
                values[name] = entry["value"]
        return values

    def within(self, at: At, value: Mapping[str, Any], known: Mapping[str, Expected]) -> dict[str, Any]:
        """The fields of a mapping that stands at `at`, those that are right."""
        return {name: v for name, v in value.items() if self._right((*at, name), name, v, known)}

    def _right(self, at: At, name: str, value: Any, known: Mapping[str, Expected]) -> bool:
        if name not in known:
            self.wrong(at, f"unknown property {name!r}{did_you_mean(name, known.keys())}")
            return False
        if expected := known[name](value):
            self.wrong(at, f"expected {expected}")
            return False
        return True


def place_of(element: Mapping[str, Any], at: At, name: str) -> At:
    """Where the value of a custom property of an element stands."""
    entries: Sequence[Mapping[str, Any]] = element.get("customProperties") or []
    index = next((i for i, entry in enumerate(entries) if entry["property"] == name), None)
    return at if index is None else (*at, "customProperties", index, "value")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _near(value: Any, known: Sequence[str]) -> str:
    return near if (near := did_you_mean(value, known)).startswith(" (did") else ""
