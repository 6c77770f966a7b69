"""Is everything around the bytes in order: modes, owner, key, space, clock, what killed runs left?"""

from __future__ import annotations

import datetime as dt
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from liangcang import archive, roots, views
from liangcang.durable import PRIVATE_FILE, PRIVATE_FOLDER, PUBLIC_FILE, PUBLIC_FOLDER, free_bytes, on_disk
from liangcang.errors import LiangcangError, WarehouseError
from liangcang.finding import Finding
from liangcang.locks import held
from liangcang.place import Place, find
from liangcang.table import PUBLIC_LAYERS
from liangcang.view import View

KEY_BYTES = 32


def doctor(place: Place, *, key_file: Path | None = None, home: Path | None = None) -> list[Finding]:
    """Look at all that a night depends on: modes, owner, key file, space, clock, umask, what killed runs left.

    `key_file`: where the bank's key should be. `home`: DAGSTER_HOME, if it is elsewhere.
    """
    with on_disk("look the warehouse over", place.root):
        found = [*marker(place), *(one for folder, mode in place.folders.items() for one in _mode(folder, mode))]
        if place.data.is_dir() and place.staging.is_dir():
            found += [*_modes(place), *_space(place, home or place.dagster), *_clock(place), *_left(place)]
    if key_file is not None:
        found += _key(place, key_file)
    if (umask := _umask()) & 0o077 != 0o077:
        found.append(Finding("note", f"umask is {umask:03o} here; runs set 077 themselves"))
    return found


def marker(place: Place) -> Iterator[Finding]:
    """Is the marker there, and whole?"""
    try:
        find(place.root)
    except LiangcangError as error:
        yield Finding("error", error.what, error.details.get("next"))


def _modes(place: Place) -> Iterator[Finding]:
    for file in (place.marker, place.pointer, place.catalogue):
        if file.exists():
            yield from _mode(file, PUBLIC_FILE)
    for layer in sorted(path for path in place.data.iterdir() if path.is_dir()):
        public = layer.name in PUBLIC_LAYERS
        for folder in [layer, *sorted(layer.iterdir())]:
            if folder.is_dir():
                yield from _mode(folder, PUBLIC_FOLDER if public else PRIVATE_FOLDER)
        wrong = sum(
            stat.S_IMODE(file.stat().st_mode) != (PUBLIC_FILE if public else PRIVATE_FILE) for file in layer.glob("*/*")
        )
        foreign = sum(file.stat().st_gid != place.group for file in layer.glob("*/*")) if public else 0
        if wrong or foreign:
            mode = PUBLIC_FILE if public else PRIVATE_FILE
            yield Finding(
                "error", f"{max(wrong, foreign)} files of {layer.name} have another mode than {mode:04o} or another group",
                f"chmod {mode:04o} and chgrp as {place.root}",
            )  # fmt: skip


def _mode(path: Path, mode: int) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("error", f"{path} is not there", f"mkdir -m {mode:04o} {path}")
        return
    found = path.stat()
    if stat.S_IMODE(found.st_mode) != mode:
        yield Finding("error", f"{path} has mode {stat.S_IMODE(found.st_mode):04o}", f"chmod {mode:04o} {path}")
    if found.st_uid not in (os.geteuid(), path.parent.stat().st_uid) and os.geteuid() != 0:
        yield Finding("error", f"{path} belongs to user {found.st_uid}", "run as the owner of the night")


def _space(place: Place, home: Path) -> Iterator[Finding]:
    try:
        needed = 2 * last_night_bytes(place)
    except WarehouseError as error:
        yield Finding("error", error.what, error.details.get("next"))
        return
    for folder in (place.root, place.spill, home):
        if (free := free_bytes(folder)) < needed:
            yield Finding(
                "error",
                f"{folder} has {free:,} bytes free; a night should find {needed:,}, twice what the last one wrote",
                "make space: liangcang gc",
            )


def last_night_bytes(place: Place) -> int:
    """Bytes of the newest date's entries of all tables."""
    view = View(place, archive.current(place))
    sizes: dict[dt.date, int] = {}
    for _, day, entry in view.every_file():
        sizes[day] = sizes.get(day, 0) + entry.bytes
    return sizes[max(sizes)] if sizes else 0


def _clock(place: Place) -> Iterator[Finding]:
    try:
        last = archive.current(place).created_at
    except WarehouseError:
        return
    if (ahead := last - dt.datetime.now(dt.UTC)) > dt.timedelta(minutes=1):
        yield Finding("error", f"the clock is {ahead} behind the last publication", "set the clock (NTP)")


def _left(place: Place) -> Iterator[Finding]:
    for night in place.nights():
        yield Finding("note", f"process {night['pid']} on {night['host']} runs {night['what']} since {night['since']}")
    for folder in roots.transactions(place):
        if not held(folder):
            days = (time.time() - folder.stat().st_mtime) / 86400
            yield Finding(
                "note", f"run {folder.name} left its staging {days:.0f} days ago",
                f"resume it, or let gc give it up after {roots.STAGING_DAYS} days",
            )  # fmt: skip
    for path in archive.unconfirmed_notes(place):
        id = path.stem.removeprefix("unconfirmed-")
        yield Finding("error", f"the disk did not confirm publication {id}", "look at the disk's health; run any night")
    try:
        why = views.stale(place)
    except WarehouseError as error:
        why = error.what
    if why:
        yield Finding("warning", f"warehouse.duckdb: {why}", "the next night makes it anew")


def _key(place: Place, path: Path) -> Iterator[Finding]:
    if not path.is_file():
        yield Finding("error", f"the key file is not there: {path}", "restore it: without it, party ids change")
        return
    found = path.stat()
    if found.st_mode & 0o077:
        yield Finding("error", f"others may read the key file {path}", f"chmod 0600 {path}; think about a new key")
    if found.st_uid != os.geteuid():
        yield Finding("error", f"the key file belongs to user {found.st_uid}", "run as the owner of the night")
    if place.root in path.resolve().parents:
        yield Finding("error", "the key file lies inside the warehouse", "move it: a backup would hold both")
    if found.st_size < KEY_BYTES:
        yield Finding("error", f"the key file holds {found.st_size} bytes", f"a key is {KEY_BYTES} random bytes")


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
