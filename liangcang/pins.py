"""Pins: manifests kept for good, under a name."""

from __future__ import annotations

import json
import re
from pathlib import Path

from liangcang import archive
from liangcang.durable import on_disk, own_umask, sync_folder, write_new
from liangcang.errors import UsageError, WarehouseError
from liangcang.manifest import canonical
from liangcang.place import Place
from liangcang.store import Warehouse

PIN = re.compile(r"^[a-z0-9][a-z0-9._-]{0,62}$")


def pin(wh: Warehouse, name: str, manifest: str) -> None:
    """Keep a manifest and its files for good, under a name (a training set, an audit)."""
    if not PIN.match(name):
        raise UsageError("a pin's name is small letters, digits, . _ and -", found=name)
    own_umask()
    place = wh.place
    with on_disk("pin a manifest", place.pins), place.sharing():
        archive.load(place, manifest)
        try:
            write_new(_pin(place, name), canonical({"name": name, "manifest": manifest}), via=place.scratch)
        except FileExistsError:
            if pins(place).get(name) != manifest:
                raise UsageError(
                    f"there is a pin {name} already", found=pins(place).get(name), next="take another name, or unpin it"
                ) from None


def unpin(wh: Warehouse, name: str) -> None:
    """Let gc treat a pinned manifest like any other."""
    place = wh.place
    with on_disk("take a pin away", place.pins), place.sharing():
        if name not in pins(place):
            raise UsageError(f"there is no pin {name}", found=", ".join(pins(place)) or "no pins at all")
        _pin(place, name).unlink()
        sync_folder(place.pins)


def pins(place: Place) -> dict[str, str]:
    """The pins, by name: the manifest that each keeps. Raises WarehouseError for a damaged one."""
    found = {}
    for path in sorted(place.pins.glob("*.json")):
        data = path.read_bytes()
        try:
            said = json.loads(data)
            name, manifest = str(said["name"]), str(said["manifest"])
        except (ValueError, KeyError, TypeError):
            name, manifest = "", ""
        if path.stem != name or data != canonical({"name": name, "manifest": manifest}):
            raise WarehouseError("a pin is damaged", file=path, next="pin that manifest anew, then remove this file")
        found[name] = manifest
    return found


def _pin(place: Place, name: str) -> Path:
    return place.pins / f"{name}.json"
