"""What may not be deleted: the files that manifests name, and those that runs have staged."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from liangcang import archive, journal
from liangcang.locks import held
from liangcang.manifest import Manifest
from liangcang.place import Place

STAGING_DAYS = 7
"""A run that nobody resumed for so long is given up."""


def of_manifests(place: Place, ids: Iterable[str]) -> set[str]:
    """The data files that these manifests name, as paths below the warehouse."""
    return of(place, [archive.load(place, id) for id in ids])


def of(place: Place, manifests: Iterable[Manifest]) -> set[str]:
    """The data files that these manifests name, as paths below the warehouse."""
    versions = {(name, sha) for manifest in manifests for name, sha in manifest.tables.items()}
    return {
        entry.path(name, day)
        for name, sha in versions
        for day, entry in archive.load_table(place, name, sha).entries.items()
    }


def of_staging(place: Place) -> set[str]:
    """The data files that live transactions have staged."""
    return {
        entry.path(part.table.name, day)
        for folder in live(place)
        for file in (folder / "entries").glob("*.jsonl")
        if (part := journal.read(file))
        for day, entry in part.entries.items()
    }


def bases(place: Place) -> set[str]:
    """The manifests that live transactions are pinned to."""
    found = set()
    for folder in live(place):
        with suppress(FileNotFoundError):
            found.add(str(json.loads((folder / "base.json").read_bytes())["manifest"]))
    return found


def live(place: Place) -> list[Path]:
    """The folders of transactions that somebody holds, or that may still be resumed."""
    return [folder for folder in transactions(place) if held(folder) or _resumable(folder)]


def dead(place: Place) -> list[Path]:
    """The folders of transactions that can go. One that was discarded says so to its retries for a while."""
    return [folder for folder in transactions(place) if not held(folder) and (_own(folder) or _given_up(folder))]


def transactions(place: Place) -> Iterator[Path]:
    """The folders of all transactions."""
    yield from (path for path in sorted(place.staging.iterdir()) if path.is_dir() and not path.name.startswith("_"))


def remove(place: Place, folder: Path) -> None:
    """Take a transaction's folder away in one step, so that nobody resumes half of it, then remove it."""
    away = place.scratch / f"{os.getpid()}-{secrets.token_hex(4)}"
    folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def _resumable(folder: Path) -> bool:
    return not (_own(folder) or _given_up(folder) or (folder / "discarded").exists())


def _own(folder: Path) -> bool:
    """A transaction that is not atomic ends with the process that began it."""
    return "~" in folder.name


def _given_up(folder: Path) -> bool:
    """Was nothing staged here for so long that nobody will resume it?"""
    newest = max(path.stat().st_mtime for path in (folder, *folder.glob("entries/*")))
    return newest < time.time() - STAGING_DAYS * 86400
