"""Where a warehouse lies on disk, and who is at it.

    .liangcang.json   the marker: this folder is a warehouse, and which
    current.json      the pointer to the manifest that readers see; replacing it is the commit
    warehouse.duckdb  views for analysts, made from the manifest
    data/             <layer>/<table>/<date>-<sha12>.parquet, never changed
    manifests/        manifests, tables/ their table versions, nights/ the records of nights, retired/ on the way out
    models/           registered models, versioned folders that never change
    _staging/         what runs have not published yet, and everything half-written
    _states/          checkpoints: states kept whole beside their changes, a cache
    _spill/ _dagster/ _faults/ _pins/ _ledger/

Readable for the analysts' group are the marker, the pointer, the catalogue, the layer `products`, the manifests and the
versions of public tables: what `liangcang.open` needs. Everything else is for the owner of the night.

Three locks: `lock` for a publication, `sharing` and `sweeping` between those who add files and those who delete some,
and `night` for a date.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liangcang.durable import (
    PRIVATE_FOLDER,
    PUBLIC_FILE,
    PUBLIC_FOLDER,
    make_folder,
    on_disk,
    own_umask,
    write_new,
)
from liangcang.errors import BusyError, NotMountedError, UsageError, WarehouseError
from liangcang.locks import flock, try_flock
from liangcang.manifest import Manifest, canonical, identified, manifest_to_bytes, sha256

MARKER = ".liangcang.json"
LAYOUT = 1
BANK = re.compile(r"^[a-z0-9][a-z0-9_-]{0,62}$")

_PUBLIC = ("data", "manifests", "manifests/tables")
_PRIVATE = (
    "manifests/nights",
    "manifests/retired",
    "models",
    "_staging",
    "_staging/_nights",
    "_staging/_scratch",
    "_spill",
    "_dagster",
    "_pins",
    "_faults",
    "_ledger",
    "_states",
)
_LOCK_PATIENCE = 60.0
_SWEEP_PATIENCE = 600.0
_HALF_WRITTEN = 3600.0
"""A half-written file that has not grown for so many seconds belongs to nobody."""


@dataclass(frozen=True)
class Place:
    """The folder of a warehouse, with the id and the bank that its marker names."""

    root: Path
    id: str
    bank: str

    @property
    def marker(self) -> Path:
        return self.root / MARKER

    @property
    def pointer(self) -> Path:
        return self.root / "current.json"

    @property
    def catalogue(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def manifests(self) -> Path:
        return self.root / "manifests"

    @property
    def models(self) -> Path:
        """What `liangcang.registry` keeps."""
        return self.root / "models"

    @property
    def staging(self) -> Path:
        return self.root / "_staging"

    @property
    def scratch(self) -> Path:
        """Half-written files of ours, on the warehouse's own filesystem."""
        return self.staging / "_scratch"

    @property
    def spill(self) -> Path:
        return self.root / "_spill"

    @property
    def dagster(self) -> Path:
        return self.root / "_dagster"

    @property
    def pins(self) -> Path:
        return self.root / "_pins"

    @property
    def faults(self) -> Path:
        """Library errors in their own words, which may hold values: 0600 files."""
        return self.root / "_faults"

    @property
    def ledger(self) -> Path:
        """What was judged of each delivery, appended and never changed."""
        return self.root / "_ledger"

    @property
    def states(self) -> Path:
        """Checkpoints of state tables: a folder a table, a cache."""
        return self.root / "_states"

    @property
    def folders(self) -> dict[Path, int]:
        """Every folder that `create` makes, parents first, with the mode it must have."""
        public = {self.root / name: PUBLIC_FOLDER for name in _PUBLIC}
        return {self.root: PUBLIC_FOLDER, **public, **{self.root / name: PRIVATE_FOLDER for name in _PRIVATE}}

    @property
    def group(self) -> int:
        """The analysts' group: that of the warehouse's folder."""
        return self.root.stat().st_gid

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Alone at the pointer: held for the milliseconds of a publication."""
        with flock(self.root, fcntl.LOCK_EX, patience=_LOCK_PATIENCE, what="another publication is under way"):
            yield

    @contextmanager
    def sharing(self) -> Iterator[None]:
        """Adding or naming data files; any number at once, but not while somebody sweeps. Taken before `lock`."""
        with flock(self.data, fcntl.LOCK_SH, patience=_SWEEP_PATIENCE, what="files are being collected (gc)"):
            yield

    @contextmanager
    def sweeping(self) -> Iterator[None]:
        """Deleting data files: nobody adds or names one meanwhile. Taken before `lock`."""
        with flock(self.data, fcntl.LOCK_EX, patience=_SWEEP_PATIENCE, what="files are being staged or collected"):
            yield

    @contextmanager
    def night(self, dates: Iterable[dt.date], what: str) -> Iterator[None]:
        """One night for a date at a time. Raises BusyError that names who runs the other one, and since when.

        The first night to start on a quiet warehouse throws away what killed ones left in spill and scratch.
        """
        own_umask()
        wanted = sorted(set(dates))
        mine = self.staging / "_nights" / f"night-{os.getpid()}-{secrets.token_hex(4)}.json"
        with on_disk("start a night", self.staging):
            with flock(self.staging, fcntl.LOCK_EX, patience=_LOCK_PATIENCE, what="other nights are starting"):
                for card in self._cards(alive=False):
                    card.unlink(missing_ok=True)
                others = self.nights()
                for other in others:
                    if shared := sorted({day.isoformat() for day in wanted} & set(other["dates"])):
                        raise BusyError(
                            f"a night of {', '.join(shared[:5])}{' …' if len(shared) > 5 else ''} is already running",
                            found=f"process {other['pid']} on {other['host']}, since {other['since']}: {other['what']}",
                            next="wait until it ends; if it hangs, end that process: its lock goes with it",
                        )
                if not others:
                    for folder in (self.spill, self.scratch):
                        self.tidy(folder, older_than=time.time() - _HALF_WRITTEN)
                fd = os.open(mine, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                fcntl.flock(fd, fcntl.LOCK_EX)
                os.write(fd, canonical(_card(wanted, what)))
        try:
            yield
        finally:
            with suppress(OSError):
                mine.unlink()
            os.close(fd)

    def nights(self) -> list[dict[str, Any]]:
        """The nights that run now: pid, host, dates, since, what."""
        found = []
        for card in self._cards(alive=True):
            with suppress(FileNotFoundError, ValueError):
                found.append(json.loads(card.read_bytes()))
        return found

    def _cards(self, *, alive: bool) -> list[Path]:
        """The cards of nights whose process still holds them, or of those whose process is gone."""
        found = []
        for card in sorted((self.staging / "_nights").glob("night-*.json")):
            with suppress(FileNotFoundError):
                fd = os.open(card, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    if try_flock(fd, fcntl.LOCK_SH) != alive:
                        found.append(card)
                finally:
                    os.close(fd)
        return found

    def tidy(self, folder: Path, *, older_than: float) -> None:
        """Remove what killed processes left in scratch or spill: their folders, and files of before a time.

        A folder there is named after the process that uses it.
        """
        for left in folder.iterdir():
            with suppress(OSError):
                if left.is_dir() and not left.is_symlink():
                    if not _runs(left.name.partition("-")[0]):
                        shutil.rmtree(left)
                elif left.lstat().st_mtime < older_than:
                    left.unlink()


def create(root: Path, *, bank: str) -> Place:
    """Make a warehouse in an existing empty folder, whose group becomes the analysts'. Repeats itself after a kill.

    Raises UsageError when the folder is not there or holds anything else; nothing is created then.
    """
    own_umask()
    if not BANK.match(bank):
        raise UsageError("a bank's code is small letters, digits, - and _", found=bank)
    if not root.is_dir():
        raise UsageError(
            "a warehouse is made in an existing empty folder",
            file=root,
            found="no such folder",
            next="make it (mkdir) on the disk that shall hold the warehouse, with the analysts' group",
        )
    root = root.resolve()
    place = Place(root, secrets.token_hex(16), bank)
    if place.marker.exists():
        raise UsageError("there is a warehouse already", file=root, found=f"bank {find(root).bank}")
    ours = {"lost+found", "current.json", *(Path(name).parts[0] for name in (*_PUBLIC, *_PRIVATE))}
    if foreign := sorted(path.name for path in root.iterdir() if path.name not in ours):
        raise UsageError("a warehouse is made in an empty folder", file=root, found=", ".join(foreign[:5]))
    with on_disk("make a warehouse", root):
        for folder, mode in place.folders.items():
            make_folder(folder, mode=mode)
        first, data = identified(
            Manifest(id="", number=0, parent=None, created_at=dt.datetime.now(dt.UTC).replace(microsecond=0))
        )
        if not place.pointer.exists():
            with suppress(FileExistsError):
                write_new(manifest_path(place, first.id), data, mode=PUBLIC_FILE, via=place.scratch)
            write_new(place.pointer, pointer_to(first), mode=PUBLIC_FILE, via=place.scratch)
        marker = {"warehouse": place.id, "bank": bank, "layout": LAYOUT}
        marker["sha256"] = sha256(canonical(marker))
        write_new(place.marker, canonical(marker), mode=PUBLIC_FILE, via=place.scratch)
    return place


def find(root: Path) -> Place:
    """The warehouse in this folder. Raises NotMountedError when its marker is not there: nothing is ever created."""
    path = root / MARKER
    try:
        data = path.read_bytes()
    except PermissionError:
        raise NotMountedError(
            "the warehouse may not be read by this user",
            file=root,
            next="ask its owner to put you into the group of the folder",
        ) from None
    except OSError:
        raise NotMountedError(
            "this is not a warehouse, or the disk or share that holds it is not mounted",
            file=root,
            expected=f"the marker {MARKER}",
            next="mount it; for a new warehouse: liangcang init, in an existing empty folder",
        ) from None
    damaged = WarehouseError("the warehouse's marker is damaged", file=path, next="restore it from a backup")
    try:
        marker = json.loads(data)
        said = marker.pop("sha256")
        place = Place(root.resolve(), marker["warehouse"], marker["bank"])
    except (ValueError, KeyError, AttributeError):
        raise damaged from None
    if said != sha256(canonical(marker)) or data != canonical({**marker, "sha256": said}):
        raise damaged
    if marker["layout"] != LAYOUT:
        raise WarehouseError(
            "the warehouse was made by another version", file=path, expected=f"layout {LAYOUT}", found=marker["layout"]
        )
    return place


def manifest_path(place: Place, id: str) -> Path:
    """Where a manifest lies."""
    return place.manifests / f"{id}.json"


def pointer_to(manifest: Manifest) -> bytes:
    """What `current.json` holds: the manifest's id and the sha256 of its file."""
    return canonical({"manifest": manifest.id, "sha256": sha256(manifest_to_bytes(manifest))})


def _runs(pid: str) -> bool:
    """Is there a process of this number?"""
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is another user's
        return True
    return True


def _card(dates: list[dt.date], what: str) -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": platform.node(),
        "dates": [day.isoformat() for day in dates],
        "since": dt.datetime.now().astimezone().isoformat(timespec="seconds"),
        "what": what,
    }
