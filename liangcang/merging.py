"""What a commit does with what others published since the transaction began."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from liangcang import journal
from liangcang.errors import ConflictError, WarehouseError
from liangcang.journal import Staged
from liangcang.manifest import TableVersion
from liangcang.place import Place
from liangcang.table import Entry


def merged(part: Staged, old: TableVersion | None) -> TableVersion:
    """The table version that stands once `part` is committed over `old`."""
    if old is None:
        return TableVersion(table=part.table, entries=dict(part.entries), facts=part.facts)
    facts = dict(old.facts)
    journal.merge(facts, part.facts)
    return TableVersion(table=part.table, entries={**old.entries, **part.entries}, facts=facts)


def refuse_conflicts(part: Staged, *, now: TableVersion | None, before: TableVersion | None, base: str) -> None:
    """Raise ConflictError if a staged date has other content now than in the base (`before`), and not ours either."""
    standing = now.entries if now else {}
    known = before.entries if before else {}
    for day, entry in part.entries.items():
        if _sha(standing.get(day)) not in (_sha(known.get(day)), entry.sha256):
            raise ConflictError(
                f"{part.table.name} of {day.isoformat()} was published by another run since this one began",
                expected=f"as in manifest {base}",
                kept="what the other run published; nothing of this run is visible",
                next="run the night again from the beginning (re-execute all, not from the failure)",
            )


def prove_there(place: Place, name: str, entries: Mapping[dt.date, Entry]) -> None:
    """Raise WarehouseError if a file that is about to be named is not there, or not of its size."""
    for path, (day, entry) in {
        place.root / entry.path(name, day): (day, entry) for day, entry in entries.items()
    }.items():
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            size = -1
        if size != entry.bytes:
            raise WarehouseError(
                f"the staged file of {name} of {day.isoformat()} is gone",
                file=path,
                kept="what was published stays published",
                next="run the night again from the beginning",
            )


def _sha(entry: Entry | None) -> str | None:
    return None if entry is None else entry.sha256
