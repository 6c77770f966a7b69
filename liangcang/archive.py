"""The manifests of a warehouse on disk: read with their digests checked, written so that the pointer comes last.

Manifests and table versions never change, so they are read once a process.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from liangcang.durable import PRIVATE_FILE, PUBLIC_FILE, on_disk, replace, sync_file, sync_folder, write_half
from liangcang.errors import DiskError, UnconfirmedError, WarehouseError
from liangcang.manifest import (
    Manifest,
    TableVersion,
    canonical,
    identified,
    manifest_from_bytes,
    sha256,
    version_from_bytes,
    version_to_bytes,
)
from liangcang.place import Place, manifest_path, pointer_to

log = logging.getLogger("liangcang")


def current(place: Place) -> Manifest:
    """The manifest that the pointer names: what readers see now."""
    for attempt in (1, 2, 3):
        id = pointed(place)
        try:
            return load(place, id)
        except WarehouseError:  # published over and collected between our two looks
            if attempt == 3 or pointed(place) == id:
                raise
    raise AssertionError("unreachable")


def pointed(place: Place) -> str:
    """The id in the pointer."""
    try:
        data = place.pointer.read_bytes()
    except OSError as error:
        raise WarehouseError(
            f"the pointer cannot be read: {error.strerror}", file=place.pointer, next="liangcang doctor"
        ) from None
    try:
        found = json.loads(data)
        id, said = str(found["manifest"]), str(found["sha256"])
    except (ValueError, KeyError, TypeError):
        raise WarehouseError("the pointer is damaged", file=place.pointer, next="liangcang fsck") from None
    if data != canonical({"manifest": id, "sha256": said}) or id[-12:] != said[:12]:
        raise WarehouseError("the pointer is damaged", file=place.pointer, next="liangcang fsck")
    return id


def load(place: Place, id: str) -> Manifest:
    """A manifest by its id. Raises WarehouseError when it is not kept (any more) or damaged."""
    path = manifest_path(place, id)
    if path.exists():  # we may remember one that gc took away meanwhile
        with suppress(FileNotFoundError):
            return _manifest(path)
    raise WarehouseError("this manifest is not kept", found=id, next="pin a night to keep it for good (liangcang pin)")


def retired(place: Place) -> list[Path]:
    """The manifests that gc took away and whose files it has not removed yet: readers may still be at them."""
    return sorted((place.manifests / "retired").glob("*.json"))


def load_retired(path: Path) -> Manifest:
    """A manifest that gc took away and whose files it has not removed yet."""
    return _manifest(path)


def load_table(place: Place, name: str, sha: str) -> TableVersion:
    """A table version by its sha256."""
    path = table_path(place, name, sha)
    try:
        return _table(path, sha)
    except PermissionError:
        raise WarehouseError(f"{name} may not be read by this user", file=path) from None
    except FileNotFoundError:
        raise WarehouseError(f"the list of files of {name} is gone", file=path, next="liangcang fsck") from None


def load_record(place: Place, record: str) -> Mapping[dt.date, Mapping[str, Any]]:
    """The records of the nights that one commit published."""
    path = record_path(place, record)
    try:
        return _record(path)
    except OSError as error:
        raise WarehouseError(f"the record of a night cannot be read: {error.strerror}", file=path) from None


def ids(place: Place) -> list[str]:
    """The ids of all manifests that are kept, oldest first."""
    return sorted((path.stem for path in place.manifests.glob("*.json")), key=number)


def number(id: str) -> int:
    """The number of a manifest: how many were published before it."""
    return int(id.partition("-")[0])


def table_path(place: Place, name: str, sha: str) -> Path:
    """Where a table version lies."""
    return place.manifests / "tables" / f"{name}-{sha[:12]}.json"


def record_path(place: Place, record: str) -> Path:
    """Where the records of nights lie."""
    return place.manifests / "nights" / f"{record}.json"


def save_tables(place: Place, versions: Iterable[TableVersion]) -> dict[str, str]:
    """Write table versions and return their sha256, by name. Those of public tables may be read by analysts."""
    saved = {}
    for one in versions:
        data = version_to_bytes(one)
        name, sha = one.table.name, sha256(data)
        mode = PUBLIC_FILE if one.table.public else PRIVATE_FILE
        replace(table_path(place, name, sha), data, mode=mode, via=place.scratch, sync=False)
        saved[name] = sha
    sync_folder(place.manifests / "tables")
    return saved


def save_record(place: Place, nights: Mapping[dt.date, Mapping[str, Any]]) -> str:
    """Write the records of the nights of one commit and return their name."""
    data = canonical({day.isoformat(): dict(record) for day, record in nights.items()})
    record = sha256(data)[:12]
    replace(record_path(place, record), data, mode=PRIVATE_FILE, via=place.scratch)
    return record


def succeed(place: Place, now: Manifest, **changes: Any) -> Manifest:
    """Write the manifest that follows `now`, changed in some fields, and publish it. Under the publication lock.

    In `nights` and `published`, "" stands for the new manifest. Raises UnconfirmedError.
    """
    clock = max(dt.datetime.now(dt.UTC), now.created_at + dt.timedelta(microseconds=1))
    draft = dataclasses.replace(
        now, id="", number=now.number + 1, parent=now.id, created_at=clock, engine=engines(), **changes
    )
    manifest, data = identified(draft)
    replace(manifest_path(place, manifest.id), data, mode=PUBLIC_FILE, via=place.scratch)
    point(place, manifest)
    return manifest


def point(place: Place, manifest: Manifest) -> None:
    """Let the pointer name this manifest: the commit. Everything that it names must be synced by now.

    Raises UnconfirmedError when the pointer is in place and the disk did not confirm that it is durable.
    """
    half = write_half(place.pointer, pointer_to(manifest), mode=PUBLIC_FILE, via=place.scratch)
    half.replace(place.pointer)
    try:
        sync_folder(place.root)
    except OSError as error:
        with suppress(OSError, DiskError):
            replace(_unconfirmed(place, manifest.id), canonical({"manifest": manifest.id, "error": str(error)}))
        raise unconfirmed(place, manifest.id) from error


def unconfirmed(place: Place, id: str) -> UnconfirmedError:
    """Published it is; whether it would survive the loss of power, the disk did not say."""
    return UnconfirmedError(
        "published, but the disk did not confirm that it is durable",
        file=place.pointer,
        kept=f"readers see manifest {id}; the one before it is kept too",
        next="look at the disk's health, then run it again: that syncs first, and publishes nothing twice",
    )


def confirm(place: Place) -> list[str]:
    """Sync the pointer and its folders again; return the publications that had not been confirmed before."""
    with on_disk("sync the warehouse", place.root):
        for folder in (place.manifests / "tables", place.manifests / "nights", place.manifests):
            sync_folder(folder)
        sync_file(place.pointer)
        sync_folder(place.root)
        late = unconfirmed_notes(place)
        for path in late:
            with suppress(FileNotFoundError):
                path.replace(path.with_name(path.name.removeprefix("un")))
            log.warning("publication %s is durable now", path.stem.removeprefix("unconfirmed-"))
    return [path.stem.removeprefix("unconfirmed-") for path in late]


def unconfirmed_notes(place: Place) -> list[Path]:
    """What was noted when the disk did not confirm a publication, and nobody confirmed since."""
    return sorted(place.faults.glob("unconfirmed-*.json"))


def _unconfirmed(place: Place, id: str) -> Path:
    return place.faults / f"unconfirmed-{id}.json"


@lru_cache(maxsize=1)
def engines() -> dict[str, str]:
    """The versions that a manifest records."""
    found = {}
    for name in ("duckdb", "liangcang", "polars", "pyarrow", "sqlglot"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@lru_cache(maxsize=256)
def _manifest(path: Path) -> Manifest:
    return manifest_from_bytes(path.read_bytes(), id=path.stem)


@lru_cache(maxsize=256)
def _table(path: Path, sha: str) -> TableVersion:
    data = path.read_bytes()
    if sha256(data) != sha:
        raise WarehouseError("the list of files of a table is damaged", file=path, next="liangcang fsck")
    return version_from_bytes(data)


@lru_cache(maxsize=256)
def _record(path: Path) -> Mapping[dt.date, Mapping[str, Any]]:
    data = path.read_bytes()
    if sha256(data)[:12] != path.stem:
        raise WarehouseError("the record of a night is damaged", file=path, next="liangcang fsck")
    return {dt.date.fromisoformat(day): found for day, found in json.loads(data).items()}
