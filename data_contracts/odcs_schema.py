"""Holds a document to the Open Data Contract Standard's own JSON schema.

The standard's Python model drops misspelt keys in silence (`requird: true` is accepted and forgotten); its JSON
schema does not, but its messages print the instance. Findings here name the field and never a value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, TypeAlias, cast

import jsonschema_rs
from jsonschema import Draft201909Validator
from jsonschema.exceptions import ValidationError

from data_contracts.finding import Finding, did_you_mean
from data_contracts.strict import Document

At: TypeAlias = tuple[str | int, ...]
"""A place in a document: keys and list positions from the root."""

UNKNOWN_KEYS = ("unevaluatedProperties", "additionalProperties")
MISSING = " is missing"
NAMES = ("name", "server", "property", "id", "value")
"""What an element of a list is called by in a field's path: the first of these that it has as text."""


def schema_findings(document: Document) -> list[Finding]:
    """Every breach of the standard, in the order of the file; empty when the document is a valid ODCS document."""
    if not isinstance(document.data, dict):
        return [finding(document, (), "a contract is a mapping of fields")]
    if _quick().is_valid(document.data):  # a hundred times faster, and says nothing that a person could use
        return []
    errors = list(_validator().iter_errors(document.data))
    found = [finding(document, at, message) for error in errors for at, message in _said(error)]
    # An object that fails in one place counts all its keys as unevaluated: such an echo is told only when alone.
    found = found or [finding(document, tuple(e.absolute_path), "has keys that do not stand here") for e in errors]
    unique = {(one.field, one.message): one for one in found}
    misspelt = {(one.field.rpartition(".")[0], one.message.rpartition("did you mean ")[2][:-2]) for one in found}
    told = (one for one in unique.values() if (one.field, one.message.removesuffix(MISSING)) not in misspelt)
    return sorted(told, key=lambda one: (one.line or 0, one.field))


def finding(document: Document, at: At, message: str) -> Finding:
    """A finding (severity error) at a place of a document."""
    return Finding(
        file=document.where, line=document.line_of(*at), field=field_path(document.data, at), message=message
    )


def field_path(data: Any, at: At) -> str:
    """A place as people say it: `schema.trans.properties.amount.required` instead of list positions."""
    said: list[str] = []
    for step in at:
        data = _inside(data, step)
        said.append(step if isinstance(step, str) else _name(data) or f"[{step}]")
    return ".".join(said)


def field_lines(document: Document) -> dict[str, int]:
    """The line of every field of a document, by its path."""
    lines: dict[str, int] = {}
    said: dict[At, str] = {(): ""}
    for at, data, line in document.entries():
        above = said[at[:-1]]
        step = at[-1] if isinstance(at[-1], str) else _name(data) or f"[{at[-1]}]"
        said[at] = f"{above}.{step}" if above or not isinstance(at[-1], str) else step
        lines.setdefault(said[at], line)
    return lines


def _inside(data: Any, step: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(step)
    return data[step] if isinstance(data, list) and isinstance(step, int) and step < len(data) else None


def _name(data: Any) -> str:
    return next((data[key] for key in NAMES if isinstance(data.get(key), str)), "") if isinstance(data, dict) else ""


@cache
def _schema() -> dict[str, Any]:
    text = resources.files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@cache
def _quick() -> jsonschema_rs.Draft201909Validator:
    return jsonschema_rs.Draft201909Validator(_schema())


@cache
def _validator() -> Draft201909Validator:
    return Draft201909Validator(_schema())


def _said(error: ValidationError) -> Iterator[tuple[At, str]]:
    """What a validation error means, without the instance."""
    at = tuple(error.absolute_path)
    rule, limit = str(error.validator), cast(Any, error.validator_value)
    if rule in UNKNOWN_KEYS and isinstance(error.instance, dict):
        known = _known_keys(error.schema)
        for key in error.instance:
            if key not in known:
                yield (*at, key), f"unknown key {key!r}{did_you_mean(key, known)}"
    elif rule == "required" and isinstance(error.instance, dict):
        for key in limit:
            if key not in error.instance:
                yield at, f"{key!r}{MISSING}"
    elif rule == "type":
        kinds = limit if isinstance(limit, list) else [limit]
        yield at, f"is {_kind(error.instance)}, expected {' or '.join(kinds)}"
    elif rule in ("enum", "const"):
        yield at, f"is not a value known here{did_you_mean(error.instance, _texts(limit))}"
    elif rule == "pattern":
        yield at, f"does not have the form {limit}"
    elif rule in ("oneOf", "anyOf"):
        yield from _choice(error, at)
    else:
        yield at, f"breaks the standard's rule {rule}"


def _choice(error: ValidationError, at: At) -> Iterator[tuple[At, str]]:
    """Of several forms none fits (or, for `oneOf`, more than one): tell of the one that came nearest."""
    alone = [child for child in error.context if child.validator == "required"]
    if error.context and len(alone) == len(error.context):
        keys = sorted({key for child in alone for key in cast(Any, child.validator_value)})
        yield at, f"exactly one of {', '.join(keys)} is expected"
        return
    if not error.context:
        yield at, "fits more than one of the standard's forms; say it in one of them"
        return
    by_form: dict[Any, list[ValidationError]] = {}
    for child in error.context:
        by_form.setdefault(child.schema_path[0], []).append(child)
    for child in min(by_form.values(), key=_distance):
        yield from _said(child)


def _distance(errors: Sequence[ValidationError]) -> tuple[bool, int]:
    """How far a value is from a form: another type altogether is farthest, then by the number of its faults."""
    return any(error.validator == "type" and not error.path for error in errors), len(errors)


def _known_keys(schema: Any) -> set[str]:
    """The keys that a schema, and all that it takes up, speaks of."""
    known: set[str] = set()
    waiting, seen = [schema], set()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        known.update(part.get("properties", {}))
        waiting.extend(_taken_up(part))
    return known


def _taken_up(schema: Mapping[str, Any]) -> Iterable[Any]:
    if ref := schema.get("$ref"):
        part: Any = _schema()
        for step in str(ref).removeprefix("#/").split("/"):
            part = part[step]
        yield part
    for key in ("allOf", "anyOf", "oneOf"):
        yield from schema.get(key, [])
    for key in ("then", "else"):
        if key in schema:
            yield schema[key]


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", str: "text", list: "array", dict: "object"}
    return kinds.get(type(value), "null")


def _texts(values: Any) -> list[str]:
    return [str(value) for value in (values if isinstance(values, list) else [values])]
