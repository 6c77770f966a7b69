"""Reads an Open Data Contract Standard document (v3.2, YAML) as a `Contract`.

Three things are held here: the YAML is strict, the document fits the standard's JSON schema, and every field that we
act on can be acted on. What a good contract says beyond that is `data_contracts.lint`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from data_contracts import odcs_fields as fields
from data_contracts import strict
from data_contracts.contract import Authorisation, Contract, Extract, FileFormat, Layout, ServiceLevel, Temporal, Volume
from data_contracts.finding import Finding, did_you_mean, refuse
from data_contracts.odcs_columns import column, column_types
from data_contracts.odcs_columns import temporal as time_of
from data_contracts.odcs_fields import Reading, place_of
from data_contracts.odcs_rules import Rules, said_of, sql_text
from data_contracts.odcs_schema import At, field_lines, schema_findings
from data_contracts.odcs_watch import watched
from liangcang.errors import ContractError, SqlError
from liangcang.sql import check_condition
from liangcang.table import NAME

SERVER_FIELDS = {
    "header": "header",
    "quote": "quote",
    "lineTerminator": "line_terminator",
    "compression": "compression",
    "member": "member",
    "control": "control",
    "lastLineTerminated": "last_line_terminated",
    "maxBytes": "max_bytes",
}
VOLUME_FIELDS = {
    "minRatio": "min_ratio",
    "maxRatio": "max_ratio",
    "maxDeletedShare": "max_deleted_share",
    "minRows": "min_rows",
}
LAYERS = {"contracts": "staged", "conformed": "conformed", "products": "products"}
"""The folder that a contract stands in says the layer of its table; `physicalName: layer.table` says it otherwise."""
STATE_DATE = "state_date"


def read(path: Path) -> Contract:
    """The contract in a file. Raises ContractError with file, line and field of the first fault, and the others."""
    contract, findings = examine(path)
    refuse("the contract cannot be used", findings)
    if contract is None:
        raise ContractError("the contract cannot be used", file=path)
    return contract


def examine(path: Path) -> tuple[Contract | None, list[Finding]]:
    """A contract and all that is wrong with it; None when it cannot be used. Raises only when the YAML is broken."""
    content = strict.read_bytes(path)
    return examined(strict.load(content, where=str(path)), path, hashlib.sha256(content).hexdigest())


def examined(document: strict.Document, path: Path, digest: str) -> tuple[Contract | None, list[Finding]]:
    """The same of a document that is read already; `path` is where it stands, or stood."""
    if findings := schema_findings(document):
        return None, findings
    reading = Reading(document)
    _closed_description(reading)
    contract = _contract(reading, path, digest)
    return (None if reading.findings else contract), reading.findings


def _closed_description(reading: Reading) -> None:
    """The standard leaves the root's `description` open: a misspelt key in it would be lost."""
    known = {"usage", "purpose", "limitations", "authoritativeDefinitions", "customProperties"}
    for key in reading.document.data.get("description") or {}:
        if key not in known:
            reading.wrong(("description", key), f"unknown key {key!r}{did_you_mean(key, known)}")


def _contract(reading: Reading, path: Path, digest: str) -> Contract | None:
    data = reading.document.data
    objects = data.get("schema") or []
    if len(objects) != 1:
        reading.wrong(("schema",), "a contract describes one table: one element of schema")
        return None
    at: At = ("schema", 0)
    table = _table(reading, at, objects[0], path)
    if table is None:
        return None
    root = reading.custom((), data, fields.ROOT)
    in_object = reading.custom(at, objects[0], fields.OBJECT)
    owner = _owner(data)
    elements = objects[0].get("properties") or []
    types = column_types(reading, at, elements)
    rules = Rules(reading, table=table, columns=types, owner=owner)
    properties = tuple(
        column(rules, (*at, "properties", index), element, types[element["name"]], staged=table.startswith("staged."))
        for index, element in enumerate(elements)
        if element["name"] in types
    )
    rules.references(at, objects[0], column=None)
    rules.quality(at, objects[0])
    temporal = time_of(reading, place_of(objects[0], at, "temporal"), in_object.get("temporal"), types)
    if temporal is None and "temporal" not in in_object:
        reading.wrong(at, "says nothing about time: the custom property temporal {kind, column} is missing")
    temporal = temporal or Temporal(kind="undated")
    contract = Contract(
        id=data["id"],
        version=data["version"],
        table=table,
        title=objects[0].get("businessName") or data.get("name") or "",
        description=objects[0].get("description") or (data.get("description") or {}).get("purpose") or "",
        path=path,
        digest=digest,
        properties=properties,
        rules=(),
        temporal=temporal,
        row_temporals=_row_temporals(reading, at, objects[0], in_object.get("rowTemporals", []), types),
        owner=owner,
        formats=_formats(reading, data.get("servers") or []),
        control_amount=_control_amount(reading, root, types),
        service_levels=_service_levels(reading),
        authorisation=_authorisation(reading, root),
        lines=field_lines(reading.document),
        **_guards(root),
        **_delivery(reading, root, temporal, types),
    )
    if contract.key:
        rules.key(contract.key, contract.lines)
    if "watch" in root:
        watched(rules, place_of(data, (), "watch"), root["watch"], contract)
    return replace(contract, rules=tuple(rules.found.values()))


def _table(reading: Reading, at: At, element: Mapping[str, Any], path: Path) -> str | None:
    physical = element.get("physicalName") or ""
    layer = physical.partition(".")[0] if "." in physical else LAYERS.get(path.parent.name, "staged")
    table = f"{layer}.{element['name']}"
    if not NAME.match(table) or layer not in LAYERS.values():
        reading.wrong((*at, "name"), "a table is called in small letters, digits and _, in a layer of ours")
        return None
    if "." in physical and physical != table:
        reading.wrong((*at, "physicalName"), f"expected {table}")
    return table


def _owner(data: Mapping[str, Any]) -> str:
    team = data.get("team") or {}
    members = team.get("members") or [] if isinstance(team, dict) else team
    owner: Mapping[str, Any] = next((member for member in members if member.get("role") == "dataOwner"), {})
    return str(owner.get("name") or owner.get("username") or "")


def _row_temporals(
    reading: Reading, at: At, element: Mapping[str, Any], said: Sequence[Mapping[str, Any]], types: Mapping[str, str]
) -> tuple[Temporal, ...]:
    """Subsets of rows whose time differs. Their conditions pass the allow-list, and what is kept is the tree's text."""
    found: list[Temporal] = []
    for index, one in enumerate(said):
        here = (*place_of(element, at, "rowTemporals"), index)
        temporal = time_of(reading, here, one, types)
        if temporal is None:
            continue
        if temporal.where is None:
            reading.wrong(here, "a subset of rows needs its condition (where)")
            continue
        line = reading.document.line_of(*here, "where")
        try:
            checked = check_condition(temporal.where, columns=types, where=reading.document.where, line=line)
        except SqlError as error:
            reading.wrong((*here, "where"), said_of(error))
            continue
        found.append(replace(temporal, where=sql_text(checked)))
    return tuple(found)


def _formats(reading: Reading, servers: Sequence[Mapping[str, Any]]) -> tuple[FileFormat, ...]:
    """How files are written: the servers of type custom. Others (a database, say) are for other tools."""
    formats: dict[str, FileFormat] = {}
    for index, server in enumerate(servers):
        at: At = ("servers", index)
        kind = server["server"]
        if server["type"] != "custom":
            continue
        if kind not in ("daily", "history"):
            near = did_you_mean(kind, ("daily", "history"))
            reading.wrong((*at, "server"), f"a server of files is daily or history{near}")
            continue
        if kind in formats:
            reading.wrong((*at, "server"), "a second server of this name")
            continue
        custom = reading.custom(at, server, fields.SERVER)
        if layout_fault := fields.one_of(*get_args(Layout))(server.get("format")):
            reading.wrong((*at, "format"), f"expected {layout_fault}")
            continue
        if not server.get("path"):
            reading.wrong(at, "a server needs a path")
        written = {SERVER_FIELDS[name]: value for name, value in custom.items() if name in SERVER_FIELDS}
        if "extract" in custom:
            written["extract"] = _extract(reading, place_of(server, at, "extract"), custom["extract"])
        given = {name: server[name] for name in ("delimiter", "encoding") if name in server}
        formats[kind] = FileFormat(
            kind=kind, path=server.get("path") or "", layout=server["format"], **given, **written
        )
    return tuple(formats.values())


def _extract(reading: Reading, at: At, said: Mapping[str, Any]) -> Extract | None:
    """The table from which files are made."""
    right = reading.within(at, said, fields.EXTRACT)
    if missing := [name for name in ("connection", "table") if name not in said]:
        reading.wrong(at, f"{missing[0]} is missing")
        return None
    if not {"connection", "table"} <= right.keys():
        return None
    return Extract(
        connection=right["connection"],
        table=right["table"],
        since=right.get("since"),
        overlap_days=right.get("overlapDays", 0),
    )


def _control_amount(reading: Reading, root: Mapping[str, Any], columns: Mapping[str, str]) -> str | None:
    """The column that control files sum up: one that is kept as an exact number."""
    column: str | None = root.get("controlAmount")
    if column is not None and not columns.get(column, "").startswith("DECIMAL"):
        at = place_of(reading.document.data, (), "controlAmount")
        found = (
            f"{column} is {columns[column]}"
            if column in columns
            else f"no column {column!r}{did_you_mean(column, columns)}"
        )
        reading.wrong(at, f"expected a column of type DECIMAL: {found}")
        return None
    return column


def _authorisation(reading: Reading, root: Mapping[str, Any]) -> Authorisation | None:
    """Which column holds the number of the consent that a row needs."""
    if "authorisation" not in root:
        return None
    at = place_of(reading.document.data, (), "authorisation")
    right = reading.within(at, root["authorisation"], fields.AUTHORISATION)
    if missing := [name for name in ("column", "rule") if name not in right]:
        reading.wrong(at, f"{missing[0]} is missing")
        return None
    return Authorisation(**right)


def _service_levels(reading: Reading) -> tuple[ServiceLevel, ...]:
    """What is promised of the service, each property of an element once."""
    found: dict[tuple[str, str], ServiceLevel] = {}
    for index, said in enumerate(reading.document.data.get("slaProperties") or []):
        at: At = ("slaProperties", index)
        level = ServiceLevel(
            name=said["property"],
            value=reading.document.text_of(*at, "value") or "",
            unit=said.get("unit") or "",
            element=said.get("element") or "",
        )
        if (level.name, level.element) in found:
            reading.wrong(at, f"a second {level.name} of the same element")
        found[level.name, level.element] = level
    return tuple(found.values())


def _guards(root: Mapping[str, Any]) -> dict[str, Any]:
    names = {"maxRejected": "max_rejected", "maxQuarantined": "max_quarantined", "maxStaleDays": "max_stale_days"}
    given = {names[name]: value for name, value in root.items() if name in names}
    return {**given, **{name: root[name] for name in ("absent", "keyless") if name in root}}


def _delivery(
    reading: Reading, root: Mapping[str, Any], temporal: Temporal, columns: Collection[str]
) -> dict[str, Any]:
    """Delivery, history and volume guard. A table that says no delivery is an event table or a state."""
    found: dict[str, Any] = {"delivery": root.get("delivery") or ("event" if temporal.kind == "event" else "full")}
    data = reading.document.data
    if "volume" in root:
        said = reading.within(place_of(data, (), "volume"), root["volume"], fields.VOLUME)
        found["volume"] = Volume(**{VOLUME_FIELDS[name]: value for name, value in said.items()})
    if "history" in root:
        at = place_of(data, (), "history")
        said = reading.within(at, root["history"], fields.HISTORY)
        known = reading.within((*at, "knownAt"), said.get("knownAt", {}), fields.KNOWN_AT)
        found |= {
            "known_at_column": known.get("column"),
            "known_at_days": known.get("days", 0),
            "state_date": said.get("stateDate"),
        }
        if (column := known.get("column")) is not None and column not in columns:
            reading.wrong((*at, "knownAt", "column"), f"no column {column!r}{did_you_mean(column, columns)}")
        _state_date(reading, (*at, "stateDate"), said.get("stateDate"), columns)
    return found


def _state_date(reading: Reading, at: At, column: str | None, columns: Collection[str]) -> None:
    """A state's date is a column of the contract, or `state_date`: one more that only history files have, in front."""
    if column is not None and column not in columns and column != STATE_DATE:
        reading.wrong(at, f"no column {column!r}{did_you_mean(column, [*columns, STATE_DATE])}")
