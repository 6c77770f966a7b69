"""Manifests: which file holds which date of which table.

Two levels, both immutable and named by their digest, so that a commit writes only what it touched: a *table version*
lists the entries of one table; a *manifest* lists one version of every table, and with them a whole warehouse at one
moment. This module knows values and their bytes; `liangcang.archive` knows where they lie.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from liangcang.errors import WarehouseError
from liangcang.table import Entry, Table

REMEMBERED = 50
"""How many transactions a manifest remembers as published."""


@dataclass(frozen=True, kw_only=True)
class TableVersion:
    """One table: its entries by date, and facts about it as a whole (accepted deliveries, for instance)."""

    table: Table
    entries: Mapping[dt.date, Entry] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


class Night(NamedTuple):
    """Where a night is kept: the manifest that last published it, and the file that holds its record."""

    manifest: str
    record: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A warehouse at one moment. `id` is `<number>-<first 12 of its sha256>`.

    `tables`: name to the sha256 of its table version. `nights`: date to where that night is kept. `published`: the
    last transactions, oldest first, to the manifest that published them.
    """

    id: str
    number: int
    parent: str | None
    created_at: dt.datetime
    tables: Mapping[str, str] = field(default_factory=dict)
    nights: Mapping[dt.date, Night] = field(default_factory=dict)
    published: Mapping[str, str] = field(default_factory=dict)
    engine: Mapping[str, str] = field(default_factory=dict)


def canonical(value: object) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8, one line."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode() + b"\n"


def sha256(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def table_to_json(table: Table) -> dict[str, Any]:
    """A table's declaration; columns as pairs, because their order counts."""
    return {
        "name": table.name,
        "columns": [list(pair) for pair in table.columns.items()],
        "key": list(table.key),
        "kind": table.kind,
        "title": table.title,
        "comments": dict(table.comments),
    }


def table_from_json(found: Mapping[str, Any]) -> Table:
    """The reverse of `table_to_json`."""
    return Table(
        name=found["name"],
        columns=dict(found["columns"]),
        key=tuple(found["key"]),
        kind=found["kind"],
        title=found["title"],
        comments=found["comments"],
    )


def entry_to_json(entry: Entry) -> dict[str, Any]:
    """An entry; what is empty is left out."""
    shown: dict[str, Any] = {"sha256": entry.sha256, "rows": entry.rows, "bytes": entry.bytes}
    if entry.at:
        shown["at"] = entry.at.isoformat()
    if entry.inputs:
        shown["inputs"] = dict(entry.inputs)
    if entry.note:
        shown["note"] = dict(entry.note)
    return shown


def entry_from_json(found: Mapping[str, Any]) -> Entry:
    """The reverse of `entry_to_json`."""
    return Entry(
        sha256=found["sha256"],
        rows=found["rows"],
        bytes=found["bytes"],
        at=dt.date.fromisoformat(found["at"]) if "at" in found else None,
        inputs=found.get("inputs", {}),
        note=found.get("note", {}),
    )


def version_to_bytes(version: TableVersion) -> bytes:
    """What the file of a table version holds."""
    return canonical(
        {
            "table": table_to_json(version.table),
            "facts": dict(version.facts),
            "entries": {day.isoformat(): entry_to_json(entry) for day, entry in version.entries.items()},
        }
    )


def version_from_bytes(data: bytes) -> TableVersion:
    """The reverse of `version_to_bytes`; entries come in the order of their dates."""
    found = json.loads(data)
    entries = {dt.date.fromisoformat(day): entry_from_json(entry) for day, entry in sorted(found["entries"].items())}
    return TableVersion(
        table=table_from_json(found["table"]),
        facts=found["facts"],
        entries=entries,
    )


def manifest_to_bytes(manifest: Manifest) -> bytes:
    """What the file of a manifest holds. It cannot hold its own id, which is its digest: it says null for itself."""

    def other(id: str) -> str | None:
        return None if id == manifest.id else id

    return canonical(
        {
            "number": manifest.number,
            "parent": manifest.parent,
            "created_at": manifest.created_at.isoformat(),
            "tables": dict(manifest.tables),
            "nights": {day.isoformat(): [other(at.manifest), at.record] for day, at in manifest.nights.items()},
            "published": [[key, other(id)] for key, id in manifest.published.items()],
            "engine": dict(manifest.engine),
        }
    )


def manifest_from_bytes(data: bytes, *, id: str) -> Manifest:
    """The reverse of `manifest_to_bytes`. Raises WarehouseError when the bytes are not those that `id` names."""
    if not id.endswith("-" + sha256(data)[:12]):
        raise WarehouseError("a manifest is damaged", found=id, next="liangcang fsck")
    found = json.loads(data)
    return Manifest(
        id=id,
        number=found["number"],
        parent=found["parent"],
        created_at=dt.datetime.fromisoformat(found["created_at"]),
        tables=found["tables"],
        nights={
            dt.date.fromisoformat(day): Night(manifest or id, record)
            for day, (manifest, record) in sorted(found["nights"].items())
        },
        published={key: manifest or id for key, manifest in found["published"]},
        engine=found["engine"],
    )


def identified(manifest: Manifest) -> tuple[Manifest, bytes]:
    """Give a manifest made with the id "" the id that its bytes have; nights and transactions of "" become its own."""
    data = manifest_to_bytes(manifest)
    return manifest_from_bytes(data, id=f"{manifest.number:06d}-{sha256(data)[:12]}"), data
