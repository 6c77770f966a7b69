"""States kept whole beside the changes that they are made of, so that a night reads no more after years than after months.

The state as of a date is the newest row of each key up to it. A checkpoint holds these rows as they are, each with the date
and delivery of the change that it is from, tombstones too; so a checkpoint and the changes after it say exactly what all
the changes say. It is a cache: named after the entries that it covers, it is no longer found when one of them is replaced,
and nothing is lost with the folder.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from liangcang.durable import PRIVATE_FOLDER, digest, on_disk, sync_file, sync_folder
from liangcang.engine import Engine
from liangcang.finding import Finding
from liangcang.place import Place
from liangcang.quoting import quoted
from liangcang.table import Table
from liangcang.view import View

ENOUGH = 100_000
"""So many rows of changes are read as they are: a checkpoint would spare little."""
SHARE = 4
"""Changes since a checkpoint are read as they are until they are so many times its rows."""

NAME = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)-(?P<covered>[0-9a-f]{12})-(?P<rows>\d+)-(?P<sha>[0-9a-f]{12})\.parquet")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a table as of `day`: a file of so many rows."""

    day: dt.date
    rows: int
    path: Path


def newest(view: View, name: str, until: dt.date) -> Checkpoint | None:
    """The newest checkpoint of a table that covers its entries as they are in this view, up to a date at most `until`."""
    return max((found for found in valid(view, name) if found.day <= until), key=lambda one: one.day, default=None)


def valid(view: View, name: str) -> Iterator[Checkpoint]:
    """The checkpoints of a table that hold in this view."""
    kept = {(match["day"], match["covered"]): match for match in map(NAME.fullmatch, _names(view.place, name)) if match}
    covered = hashlib.sha256()
    for day, entry in view.entries(name).items() if kept else ():
        covered.update(f"{day} {entry.sha256}\n".encode())
        match = kept.get((day.isoformat(), covered.hexdigest()[:12]))
        if match:
            yield Checkpoint(day=day, rows=int(match["rows"]), path=_folder(view.place, name) / match.string)


def keep(engine: Engine, view: View, table: Table, scratch: Path) -> None:
    """Make the checkpoints that are worth it. `scratch` is a path on the warehouse's disk that the engine may write.

    None is made where a row was not known on its own date: what was known by a date is then no question of the newest row.
    """
    last = newest(view, table.name, dt.date.max)
    since, rows = (last.day, last.rows) if last else (None, 0)
    counted = 0
    for day, entry in view.entries(table.name).items():
        if since is not None and day <= since:
            continue
        counted += entry.rows
        if counted > max(ENOUGH, SHARE * rows):
            made = _make(engine, view, table, before=last, day=day, scratch=scratch)
            if made is None:
                return
            last, rows, counted = made, made.rows, 0


def litter(view: View) -> Iterator[Path]:
    """The checkpoints that nobody finds any more."""
    for folder in sorted(view.place.states.glob("*")):
        there = {found.path for found in valid(view, folder.name)}
        yield from (path for path in sorted(folder.iterdir()) if path not in there)


def examine(place: Place) -> Iterator[Finding]:
    """What is wrong with the checkpoints: those whose content is not what their name says."""
    for path in sorted(place.states.glob("*/*")):
        match = NAME.fullmatch(path.name)
        if match is None or not digest(path).startswith(match["sha"]):
            yield Finding(
                "error", f"a checkpoint is not what it was: {path}", "remove it: the next night makes it anew"
            )


def _make(
    engine: Engine, view: View, table: Table, *, before: Checkpoint | None, day: dt.date, scratch: Path
) -> Checkpoint | None:
    paths = view.paths(table.name, after=before.day if before else None, to=day)
    engine.view("base.checkpoint", [*([before.path] if before else []), *paths], table.columns)
    rows = f"base.checkpoint where business_date <= date '{day}'"
    late = f"select count(*) from {rows} and known_at > business_date" if "known_at" in table.columns else "select 0"
    if engine.rows(late)[0][0]:
        return None
    undated = ", known_at is null" if "known_at" in table.columns else ""
    key = ", ".join(map(quoted, table.key))
    newest_rows = (
        f"select * from {rows} qualify row_number() over (partition by {key}{undated} order by business_date desc) = 1"
    )
    written = engine.write(newest_rows, replace(table, key=()), scratch, what=f"a checkpoint of {table.name}")
    folder = _folder(view.place, table.name)
    with on_disk("keep a checkpoint", folder):
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        sync_file(scratch)
        path = folder / f"{day}-{_covered(view, table.name, day)}-{written.rows}-{digest(scratch)[:12]}.parquet"
        scratch.replace(path)
        sync_folder(folder)
    return Checkpoint(day=day, rows=written.rows, path=path)


def _covered(view: View, name: str, day: dt.date) -> str:
    lines = "".join(f"{at} {entry.sha256}\n" for at, entry in view.entries(name).items() if at <= day)
    return hashlib.sha256(lines.encode()).hexdigest()[:12]


def _folder(place: Place, name: str) -> Path:
    return place.states / name


def _names(place: Place, name: str) -> list[str]:
    folder = _folder(place, name)
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
