"""What is registered besides tables, models for instance: folders that appear whole and never change.

    models/<name>/<version>/   the files of a version, and `manifest.json` with the digest and size of each
    models/<name>/stages.jsonl one line each time that a version is put to a stage, appended and never changed

Restricted: 0700 and 0600. A file is read through its manifest alone, so that what is used is what was registered.
This module knows nothing of what the files say.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from liangcang.durable import make_folder, on_disk, own_umask, sync_folder, write_new
from liangcang.errors import UsageError, WarehouseError
from liangcang.finding import Finding
from liangcang.manifest import canonical, sha256
from liangcang.place import Place

NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}$")
VERSION = re.compile(r"^[a-z0-9][a-z0-9.-]{0,62}$")
FILE = re.compile(r"^[a-z][a-z0-9_]{0,62}\.[a-z]{1,10}$")
MANIFEST, STAGES = "manifest.json", "stages.jsonl"
_AGAIN = "restore it from a backup, or make it anew"


@dataclass(frozen=True, kw_only=True)
class Registered:
    """A version as its manifest says it: file to digest and size, and `facts`, which are plain JSON."""

    folder: Path
    name: str
    version: str
    files: Mapping[str, tuple[str, int]]
    facts: Mapping[str, Any]

    def read(self, file: str) -> bytes:
        """A file's content. Raises WarehouseError, before anybody looks at a byte, when it is not what was registered."""
        path = self.folder / file
        if file not in self.files:
            raise WarehouseError(f"{self.version} of {self.name} has no file {file}", file=path, next=_AGAIN)
        digest, size = self.files[file]
        try:
            found = path.stat().st_size
            data = path.read_bytes() if found == size else b""
        except OSError as error:
            raise WarehouseError(f"{file} cannot be read: {error.strerror}", file=path, next=_AGAIN) from None
        if found != size:
            raise WarehouseError(
                f"{file} is not what was registered",
                file=path,
                expected=f"{size:,} bytes",
                found=f"{found:,} bytes",
                next=_AGAIN,
            )
        if sha256(data) != digest:
            raise WarehouseError(
                f"{file} is not what was registered",
                file=path,
                expected=f"SHA-256 {digest[:12]}…",
                found=f"SHA-256 {sha256(data)[:12]}…",
                next=_AGAIN,
            )
        return data


@dataclass(frozen=True, kw_only=True)
class Staged:
    """A version was put to a stage: when (UTC), by whom and why."""

    version: str
    stage: str
    at: str
    by: str
    reason: str


def register(
    place: Place,
    name: str,
    version: str,
    files: Mapping[str, bytes],
    *,
    facts: Mapping[str, Any],
    stage: str,
    by: str,
    reason: str,
) -> Registered:
    """Keep files under a name and version, all of them or none, and put that version to its first stage.

    A version that is there stays as it is: its name says what it holds. Repeats itself after a kill. Raises DiskError.
    """
    for kind, text, pattern in [
        ("name", name, NAME),
        ("version", version, VERSION),
        *[("file", f, FILE) for f in files],
    ]:
        if not pattern.match(text) or text == MANIFEST:
            raise UsageError(f"not a {kind} that can be registered", found=text, expected=pattern.pattern)
    own_umask()
    folder = place.models / name
    with on_disk(f"register {version} of {name}", place.models):
        make_folder(place.models)
        make_folder(folder)
        if not (folder / version).exists():
            aside = place.scratch / f"{os.getpid()}-{secrets.token_hex(4)}"
            make_folder(aside)
            try:
                listed = {file: {"sha256": sha256(data), "bytes": len(data)} for file, data in sorted(files.items())}
                manifest = {"name": name, "version": version, "files": listed, "facts": dict(facts)}
                for file, data in {**files, MANIFEST: canonical(manifest)}.items():
                    write_new(aside / file, data)
                sync_folder(aside)
                _move(aside, folder / version)
            finally:
                shutil.rmtree(aside, ignore_errors=True)
            sync_folder(folder)
        if not any(told.version == version for told in stages(place, name)):
            _tell(folder / STAGES, Staged(version=version, stage=stage, at=_now(), by=by, reason=reason))
            sync_folder(folder)
    return find(place, name, version)


def find(place: Place, name: str, version: str) -> Registered:
    """A version by its name. Raises WarehouseError when there is none, or its manifest is damaged."""
    folder = place.models / name / version
    path = folder / MANIFEST
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WarehouseError(
            f"{name} has no version {version}", file=folder, found=error.strerror, next="liangcang fsck"
        ) from None
    try:
        said = json.loads(data)
        files = {str(file): (str(part["sha256"]), int(part["bytes"])) for file, part in said["files"].items()}
        found = Registered(folder=folder, name=said["name"], version=said["version"], files=files, facts=said["facts"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise WarehouseError("a version's manifest is damaged", file=path, next=_AGAIN) from None
    if data != canonical(said) or (found.name, found.version) != (name, version):
        raise WarehouseError("a version's manifest is damaged", file=path, next=_AGAIN)
    return found


def stages(place: Place, name: str) -> list[Staged]:
    """Every stage that a version was put to, the oldest first. A last line that a kill cut short is left out."""
    try:
        lines = (place.models / name / STAGES).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    found = []
    for line in lines[:-1]:  # what stands after the last line's end was cut short
        try:
            found.append(Staged(**json.loads(line)))
        except (ValueError, TypeError):
            raise WarehouseError(
                f"the stages of {name} are damaged", file=place.models / name / STAGES, next=_AGAIN
            ) from None
    return found


def examine(place: Place) -> Iterator[Finding]:
    """Is every registered file what it was? Reads all of them."""
    for folder in sorted(place.models.glob("*")) if place.models.is_dir() else []:
        if not NAME.match(folder.name) or not folder.is_dir():
            yield Finding("warning", f"not of the registry: {folder}", "find out whose it is; remove it")
            continue
        try:
            stages(place, folder.name)
        except WarehouseError as error:
            yield Finding("error", f"{error.what}: {folder / STAGES}", error.details.get("next"))
        for version in sorted(path for path in folder.iterdir() if path.name != STAGES):
            yield from _version(place, folder.name, version)


def _version(place: Place, name: str, folder: Path) -> Iterator[Finding]:
    try:
        found = find(place, name, folder.name)
    except WarehouseError as error:
        yield Finding("error", f"{error.what}: {folder}", error.details.get("next"))
        return
    for file in found.files:
        try:
            found.read(file)
        except WarehouseError as error:
            yield Finding("error", f"{error.what}: {folder / file}", error.details.get("next"))
    for path in sorted(folder.iterdir()):
        if path.name not in {*found.files, MANIFEST}:
            yield Finding("warning", f"not of this version: {path}", "find out whose it is; remove it")


def _move(aside: Path, to: Path) -> None:
    try:
        aside.rename(to)
    except OSError as error:  # somebody else has just registered the same
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise


def _tell(file: Path, staged: Staged) -> None:
    """Append one line and make it durable. What a kill left of the line before goes first."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        there = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        os.ftruncate(descriptor, there.rfind(b"\n") + 1)
        os.write(descriptor, canonical(asdict(staged)))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
