"""Care of a warehouse: roll back, and collect what nobody needs. Pins, fsck and doctor are named here too."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from liangcang import archive, checkpoints, roots, views
from liangcang.doctor import doctor
from liangcang.durable import on_disk, own_umask, sync_folder
from liangcang.errors import DiskError, UsageError, WarehouseError
from liangcang.finding import Finding
from liangcang.fsck import fsck
from liangcang.manifest import Manifest
from liangcang.merging import prove_there
from liangcang.pins import pin, pins, unpin
from liangcang.place import Place, manifest_path
from liangcang.store import Warehouse
from liangcang.transaction import Published
from liangcang.view import View

__all__ = ["Collected", "Finding", "doctor", "fsck", "gc", "pin", "pins", "rollback", "unpin"]


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What gc did, or would do. `retired`: manifests that can no longer be opened; their files go after the grace."""

    dry_run: bool
    retired: tuple[str, ...]
    staging: tuple[str, ...]
    manifests: int
    files: int
    bytes: int


def rollback(wh: Warehouse, to: dt.date | str) -> Published:
    """Publish again what was published before: the manifest of a night, or one by its id.

    A new manifest equal to the old one follows the present one, which stays kept: rolling back is undone by rolling
    back. Works with a damaged pointer too. Raises WarehouseError when a file of that time is no longer there.
    """
    place = wh.place
    own_umask()
    with on_disk("roll back", place.root), place.sharing(), place.lock():
        now = _standing(place)
        with suppress(DiskError):
            archive.confirm(place)
        if isinstance(to, dt.date) and to not in now.nights:
            raise UsageError(f"no night of {to.isoformat()} is published", next="name a night that is, or a manifest")
        old = archive.load(place, now.nights[to].manifest if isinstance(to, dt.date) else to)
        if (now.tables, now.nights) == (old.tables, old.nights) and _points_to(place, now):
            return Published(now.id, changed=False)
        view, present = View(place, old), View(place, now)
        for name in view.tables():
            prove_there(place, name, view.entries(name))
        entries = sum(
            present.entries(name).get(day) != entry
            for name in view.tables()
            for day, entry in view.entries(name).items()
        )
        changed = tuple(
            sorted(name for name in {*old.tables, *now.tables} if old.tables.get(name) != now.tables.get(name))
        )
        manifest = archive.succeed(place, now, tables=old.tables, nights=old.nights)
    views.refresh_quietly(place)
    return Published(manifest.id, changed=True, tables=changed, entries=entries)


def gc(wh: Warehouse, *, keep: int = 60, grace_hours: float = 24, dry_run: bool) -> Collected:
    """Collect the files of nights that nobody can want: see `Collected`.

    Kept are the newest `keep` manifests, that of the last night of every month, pins, and what live runs are pinned to
    or have staged. A manifest that falls out is *retired*: nobody can open it any more, and only when it has been so
    for `grace_hours` do the files go that it alone names. So a reader keeps what it opened for at least that long. A
    kill at any moment leaves nothing but work for the next gc.
    """
    if keep < 1:
        raise UsageError("gc keeps at least the manifest that is published", found=keep)
    own_umask()
    place = wh.place
    cutoff = time.time() - grace_hours * 3600 if grace_hours > 0 else float("inf")
    with on_disk("collect files", place.root), place.sweeping():
        kept = _kept(place, keep)
        retired = [id for id in archive.ids(place) if id not in kept]
        dead = roots.dead(place)
        waiting = archive.retired(place)
        expired = [path for path in waiting if path.stat().st_mtime < cutoff]
        needed = [archive.load(place, id) for id in kept]
        needed += [archive.load_retired(path) for path in waiting if path not in expired]
        if grace_hours > 0:  # what is retired now waits too
            needed += [archive.load(place, id) for id in retired]
        else:
            expired += [manifest_path(place, id) for id in retired]
        old = [
            path for path in checkpoints.litter(View(place, archive.current(place))) if path.stat().st_mtime < cutoff
        ]
        litter = [*_unneeded(place, needed, cutoff), *old]
        size = sum(path.stat().st_size for path in litter)
        if not dry_run:
            _retire(place, [id for id in retired if grace_hours > 0])
            _remove([*expired, *litter])
            for folder in dead:
                roots.remove(place, folder)
            place.tidy(place.scratch, older_than=cutoff)
    return Collected(
        dry_run=dry_run,
        retired=tuple(retired),
        staging=tuple(folder.name for folder in dead),
        manifests=len(expired),
        files=len(litter),
        bytes=size,
    )


def _kept(place: Place, keep: int) -> set[str]:
    now = archive.current(place)
    there = set(archive.ids(place))
    kept = {now.id}
    while len(kept) < keep and now.parent in there:
        now = archive.load(place, now.parent)
        kept.add(now.id)
    nights = archive.current(place).nights
    month_ends = {(day.year, day.month): nights[day].manifest for day in sorted(nights)}
    pinned = pins(place)
    if lost := sorted(name for name, manifest in pinned.items() if manifest not in there):
        raise WarehouseError("a pinned manifest is gone", found=", ".join(lost), next="liangcang fsck")
    return kept | (there & {*month_ends.values(), *roots.bases(place)}) | set(pinned.values())


def _unneeded(place: Place, needed: list[Manifest], cutoff: float) -> Iterable[Path]:
    """Data files, table versions and records that no needed manifest and no live run names, past the grace."""
    versions = {archive.table_path(place, name, sha) for one in needed for name, sha in one.tables.items()}
    records = {archive.record_path(place, night.record) for one in needed for night in one.nights.values()}
    named = {place.root / name for name in roots.of(place, needed) | roots.of_staging(place)}
    for pattern, keep in (("manifests/tables/*", versions), ("manifests/nights/*", records), ("data/*/*/*", named)):
        for path in sorted(place.root.glob(pattern)):
            if path not in keep and path.is_file() and path.stat().st_mtime < cutoff:
                yield path


def _retire(place: Place, ids: Iterable[str]) -> None:
    for id in ids:
        path = manifest_path(place, id)
        os.utime(path)  # from now on it waits
        path.rename(place.manifests / "retired" / path.name)
    sync_folder(place.manifests / "retired")
    sync_folder(place.manifests)


def _remove(paths: Iterable[Path]) -> None:
    """Remove files, manifests first: a manifest that is there can always be read through."""
    folders = set()
    for path in paths:
        path.unlink(missing_ok=True)
        folders.add(path.parent)
    for folder in sorted(folders):
        sync_folder(folder)


def _standing(place: Place) -> Manifest:
    """What is published, or with a damaged pointer the newest manifest that is whole."""
    try:
        return archive.current(place)
    except WarehouseError:
        for id in reversed(archive.ids(place)):
            with suppress(WarehouseError, OSError):
                return archive.load(place, id)
        raise


def _points_to(place: Place, manifest: Manifest) -> bool:
    with suppress(WarehouseError):
        return archive.pointed(place) == manifest.id
    return False
