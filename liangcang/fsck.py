"""Is every byte of the warehouse what it was?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from liangcang import archive, checkpoints, journal, registry, roots, views
from liangcang.doctor import marker
from liangcang.durable import digest, on_disk
from liangcang.errors import WarehouseError
from liangcang.finding import Finding
from liangcang.manifest import Manifest, manifest_from_bytes, manifest_to_bytes, version_from_bytes, version_to_bytes
from liangcang.pins import pins
from liangcang.place import Place, manifest_path, pointer_to

if TYPE_CHECKING:
    from liangcang.store import Warehouse

DATA_FILE = re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{12}\.parquet")


def fsck(wh: Warehouse) -> list[Finding]:
    """Read everything that is kept and compare it with its digest. No finding means: not one byte is other than it was.

    Reads every kept manifest and every file that one names, once: as long as it takes to read the warehouse.
    """
    place = wh.place
    found: list[Finding] = []
    kept: list[Manifest] = []
    named: dict[str, tuple[str, int]] = {}
    with on_disk("look the warehouse over", place.root), place.sharing():
        for look in (marker, _pointer, _pins):
            found += look(place)
        versions: dict[Path, str] = {}
        for id in archive.ids(place):
            found += _manifest(place, id, kept)
        for one in kept:
            versions |= {archive.table_path(place, name, sha): sha for name, sha in one.tables.items()}
        for record in sorted({night.record for one in kept for night in one.nights.values()}):
            found += _digest(archive.record_path(place, record), record, "the record of a night")
        for path, sha in sorted(versions.items()):
            found += _version(path, sha, named)
        staged = _staged(place, found)
        for name, (sha, size) in sorted({**staged, **named}.items()):
            found += _data_file(place.root / name, sha, size, staged=name not in named)
        found += _strays(place, {*named, *staged})
        found += checkpoints.examine(place)
        found += registry.examine(place)
        if not any(one.level == "error" for one in found) and (why := views.stale(place)):
            found.append(Finding("warning", f"warehouse.duckdb: {why}", "the next night makes it anew"))
    return list(dict.fromkeys(found))


def _pointer(place: Place) -> Iterator[Finding]:
    again = "liangcang rollback to a manifest that is whole"
    try:
        id = archive.pointed(place)
        manifest = manifest_from_bytes(manifest_path(place, id).read_bytes(), id=id)
    except (WarehouseError, OSError) as error:
        yield Finding("error", f"what is published cannot be read: {error.args[0]}", again)
        return
    if place.pointer.read_bytes() != pointer_to(manifest):
        yield Finding("error", "the pointer is damaged: its digest is not that of the manifest it names", again)


def _pins(place: Place) -> Iterator[Finding]:
    try:
        pinned = pins(place)
    except WarehouseError as error:
        yield Finding("error", f"{error.what}: {error.details.get('file')}", error.details.get("next"))
        return
    for name, manifest in pinned.items():
        if not manifest_path(place, manifest).exists():
            yield Finding("error", f"pin {name}: its manifest {manifest} is gone", "restore it from a backup")


def _manifest(place: Place, id: str, kept: list[Manifest]) -> Iterator[Finding]:
    path = manifest_path(place, id)
    try:
        data = path.read_bytes()
        manifest = manifest_from_bytes(data, id=id)
    except (WarehouseError, OSError, ValueError):
        yield Finding("error", f"manifest {id} is damaged", "restore it from a backup; it names nights of the past")
        return
    if manifest_to_bytes(manifest) != data:
        yield Finding("error", f"manifest {id} is not written as we write it", "restore it from a backup")
    kept.append(manifest)


def _version(path: Path, sha: str, named: dict[str, tuple[str, int]]) -> Iterator[Finding]:
    yield from (problem := list(_digest(path, sha, "the list of files of a table")))
    if problem:
        return
    data = path.read_bytes()
    version = version_from_bytes(data)
    if version_to_bytes(version) != data:
        yield Finding("error", f"{path.name} is not written as we write it", "restore it from a backup")
    for day, entry in version.entries.items():
        name = entry.path(version.table.name, day)
        if named.setdefault(name, (entry.sha256, entry.bytes)) != (entry.sha256, entry.bytes):
            yield Finding("error", f"two contents claim the name {name}", "run both nights again")


def _data_file(path: Path, sha: str, size: int, *, staged: bool) -> Iterator[Finding]:
    what = "a staged file" if staged else "a published file"
    again = "run that night again from the beginning: right content heals the file"
    if not path.exists():
        yield Finding("error", f"{what} is gone: {path}", again)
    elif path.stat().st_size != size:
        yield Finding("error", f"{what} has {path.stat().st_size:,} bytes instead of {size:,}: {path}", again)
    else:
        yield from _digest(path, sha, what, next=again)


def _digest(path: Path, sha: str, what: str, *, next: str = "restore it from a backup") -> Iterator[Finding]:
    try:
        found = digest(path)
    except OSError as error:
        yield Finding("error", f"{what} cannot be read ({error.strerror}): {path}", next)
        return
    if not found.startswith(sha):
        yield Finding("error", f"{what} is not what it was: {path}", next)


def _staged(place: Place, found: list[Finding]) -> dict[str, tuple[str, int]]:
    staged: dict[str, tuple[str, int]] = {}
    for file in [file for folder in roots.live(place) for file in (folder / "entries").glob("*.jsonl")]:
        try:
            part = journal.read(file)
        except WarehouseError as error:
            found.append(Finding("error", f"{error.what}: {file}", "run that night again from the beginning"))
            continue
        for day, entry in part.entries.items() if part else ():
            staged[entry.path(file.stem, day)] = (entry.sha256, entry.bytes)
    return staged


def _strays(place: Place, known: set[str]) -> Iterator[Finding]:
    retired = sorted((place.manifests / "retired").glob("*.json"))
    try:
        waiting = roots.of(place, [archive.load_retired(path) for path in retired])
    except (WarehouseError, ValueError) as error:
        yield Finding("warning", f"a retired manifest cannot be read: {error.args[0]}", "remove it; gc does the rest")
        return
    unnamed = 0
    for path in sorted(place.data.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = str(path.relative_to(place.root))
        if path.is_symlink() or len(path.relative_to(place.data).parts) != 3 or not DATA_FILE.fullmatch(path.name):
            yield Finding("warning", f"a foreign file lies among the tables: {path}", "find out whose it is; remove it")
        elif name not in known and name not in waiting:
            unnamed += 1
    if unnamed:
        yield Finding("note", f"{unnamed} files are named by no manifest", "gc removes them after the grace period")
    ours = {folder.relative_to(place.root).parts[0] for folder in place.folders if folder != place.root}
    ours |= {place.marker.name, place.pointer.name, place.catalogue.name, "lost+found"}
    for path in sorted(place.root.iterdir()):
        if path.name not in ours:
            yield Finding("warning", f"not of the warehouse: {path}", "find out whose it is; remove it")
