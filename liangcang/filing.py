"""Where a finished file goes: under the name that its content gives it, with the access that its table has."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from liangcang.durable import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    PUBLIC_FILE,
    PUBLIC_FOLDER,
    digest,
    make_folder,
    set_access,
)
from liangcang.place import Place
from liangcang.table import Entry, Table


def table_folder(place: Place, table: Table) -> tuple[Path, int]:
    """A table's folder, made if it is not there, and its group."""
    mode = PUBLIC_FOLDER if table.public else PRIVATE_FOLDER
    folder = place.data / table.layer
    make_folder(folder, mode=mode)
    make_folder(folder / table.short, mode=mode)
    return folder / table.short, (folder / table.short).stat().st_gid


def bring(
    place: Place, table: Table, file: Path, given: Mapping[dt.date, Entry], *, group: int
) -> tuple[dict[dt.date, Entry], str | None]:
    """Sync a file and move it to its place; the folder is the caller's to sync.

    Returns the entries of its dates, with digest and size found here, and the path below the warehouse, or None for it
    if the same content lay there already (then the file is dropped).
    """
    sha = digest(file)
    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        set_access(fd, mode=PUBLIC_FILE if table.public else PRIVATE_FILE, group=group)
        os.fsync(fd)
        size, first = os.fstat(fd).st_size, min(given)
    finally:
        os.close(fd)
    at = first if len(given) > 1 else None
    entries = {day: replace(entry, sha256=sha, bytes=size, at=at) for day, entry in given.items()}
    name = entries[first].path(table.name, first)
    target = place.root / name
    there = target.exists()
    if there and digest(target) == sha:
        os.utime(target)  # young again: gc waits for whoever is about to name it
        file.unlink()
        return entries, None
    file.replace(target)
    return entries, None if there else name  # what lay there was damaged: its name promised this content
