"""`liangcang contracts lock`: the gate that a changed contract has to pass."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from data_contracts.releases import LOCK, check_retired, compare, outdated, read_lock, released, write_lock


def place_of_lock(folder: Path) -> Path:
    """Where the contracts of a bank are locked: in its own folder, or in the one above, if that has the lock."""
    return folder.parent if (folder.parent / LOCK).exists() and not (folder / LOCK).exists() else folder


def lock(folder: Path, *, check: bool = False, retired: Iterable[str] = ()) -> tuple[list[str], bool]:
    """Lines to show, and whether the contracts pass. The lock is written (unless `check`) only when every version says enough.

    A contract that changed needs a version that says how much; one that is gone has to be retired by its id.
    """
    path, new = folder / LOCK, released(folder)
    old = {release.id: release for release in read_lock(path)} if path.exists() else {}
    check_retired(retired, old, new)
    expected = {id: release for id, release in old.items() if id not in set(retired)}
    verdicts = compare(expected, new)
    lines = [line for verdict in verdicts for line in verdict.lines()]
    refused = [verdict for verdict in verdicts if not verdict.enough]
    retire = f"liangcang contracts lock {folder} --retire"
    lines += [f"{one.id}: if it is meant to be gone: {retire} {one.id}" for one in refused if one.new is None]
    if refused:
        return [
            *lines,
            f"{len(refused)} contract(s) change more than their version says; the lock stays as it is",
        ], False
    stale = outdated(old, new)
    if check and (stale or not path.exists()):
        known = f"the lock does not know {', '.join(stale)} as it is now" if path.exists() else f"there is no {path}"
        return [*lines, f"{known}: run `liangcang contracts lock {folder}` and commit it with the change"], False
    if stale and not check:
        write_lock(path, new.values())
        return [*lines, f"{path}: {len(new)} contract(s)"], True
    return [*lines, f"the lock says what {len(new)} contract(s) say"], True
