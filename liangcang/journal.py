"""What a transaction has staged, one journal a table: lines of JSON that are appended, synced, and never changed.

A line counts when it is whole; what a kill left of the last one is cut off by the next append. Within a journal the
later line wins.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from liangcang.durable import sync_folder
from liangcang.errors import WarehouseError
from liangcang.manifest import canonical, entry_from_json, entry_to_json, table_from_json, table_to_json
from liangcang.table import Entry, Table


@dataclass
class Staged:
    """What one journal says: the table, its staged entries, the facts noted, and which files it brought into data."""

    table: Table
    entries: dict[dt.date, Entry] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    brought: set[str] = field(default_factory=set)
    size: int = 0
    inode: int = 0


def path(folder: Path, table: str) -> Path:
    """Where the journal of a table lies."""
    return folder / f"{table}.jsonl"


def table_line(table: Table) -> bytes:
    """The lines below are about this table."""
    return canonical({"table": table_to_json(table)})


def entry_line(day: dt.date, entry: Entry, *, brought: str | None) -> bytes:
    """An entry was staged. `brought`: the file's path below the warehouse, if it was not there before."""
    return canonical({"day": day.isoformat(), "entry": entry_to_json(entry), "brought": brought})


def facts_line(facts: dict[str, Any]) -> bytes:
    """Facts were noted."""
    return canonical({"facts": facts})


def append(file: Path, lines: Sequence[bytes]) -> None:
    """Add lines, synced when this returns; all or, on an error, none of them."""
    fd, new = _open(file)
    try:
        end = _whole(fd)
        try:
            os.ftruncate(fd, end)
            rest = memoryview(b"".join(lines))
            at = end
            while rest:
                written = os.pwrite(fd, rest, at)
                at, rest = at + written, rest[written:]
            os.fsync(fd)
        except BaseException:
            with suppress(OSError):
                os.ftruncate(fd, end)
            raise
        if new:
            sync_folder(file.parent)
    finally:
        os.close(fd)


def read(file: Path, *, known: Staged | None = None) -> Staged | None:
    """What a journal says; None when it says nothing yet. `known`, what it said before, is brought up to date."""
    try:
        with file.open("rb") as lines:
            found_now = os.fstat(lines.fileno())
            grown = known is not None and known.inode == found_now.st_ino and known.size <= found_now.st_size
            staged = known if grown else None
            start = staged.size if staged else 0
            lines.seek(start)
            data = lines.read()
    except FileNotFoundError:
        return None
    whole = data[: data.rfind(b"\n") + 1]
    try:
        for line in whole.splitlines():
            staged = _apply(json.loads(line), staged)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WarehouseError(
            "a journal of a transaction is damaged",
            file=file,
            next=f"remove {file.parent.parent} when no run uses it, and run that night again from the beginning",
        ) from error
    if staged:
        staged.size, staged.inode = start + len(whole), found_now.st_ino
    return staged


def is_as_read(file: os.DirEntry[str], known: Staged) -> bool:
    """Whether a journal says no more than it did when it was read."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return False
    return (found.st_ino, found.st_size) == (known.inode, known.size)


def _apply(line: dict[str, Any], staged: Staged | None) -> Staged:
    if "table" in line:
        table = table_from_json(line["table"])
        staged = staged or Staged(table)
        staged.table = table
        return staged
    if staged is None:
        raise ValueError("it does not begin with its table")
    if "facts" in line:
        merge(staged.facts, line["facts"])
    else:
        staged.entries[dt.date.fromisoformat(line["day"])] = entry_from_json(line["entry"])
        if line["brought"]:
            staged.brought.add(line["brought"])
    return staged


def clear(file: Path, *, size: int) -> None:
    """Remove a journal of which `size` bytes are dealt with; one that grew meanwhile stays."""
    try:
        fd = os.open(file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        if _whole(fd) == size:
            file.unlink()
    finally:
        os.close(fd)


def merge(facts: dict[str, Any], more: dict[str, Any]) -> None:
    """Add facts to facts: dictionaries are united one level deep, anything else is replaced."""
    for name, value in more.items():
        old = facts.get(name)
        facts[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value


def _open(file: Path) -> tuple[int, bool]:
    """Open and lock a journal that is still the one of that name; say whether it was made now."""
    while True:
        new = not file.exists()
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if file.stat().st_ino == os.fstat(fd).st_ino:
                return fd, new
        os.close(fd)


def _whole(fd: int) -> int:
    """How many bytes of a journal are whole lines."""
    size = os.fstat(fd).st_size
    end = size
    while end > 0:
        start = max(0, end - 65536)
        block = os.pread(fd, end - start, start)
        if (last := block.rfind(b"\n")) >= 0:
            return start + last + 1
        end = start
    return 0
