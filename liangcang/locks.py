"""Locks are flocks on folders: nobody deletes a folder by mistake, and a killed process gives its lock back.

Somebody who has to wait looks again every few milliseconds, and after a while says for whom.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from liangcang.durable import on_disk
from liangcang.errors import BusyError


def try_flock(fd: int, how: int) -> bool:
    """Take a lock if it is free."""
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def flock(folder: Path, how: int, *, patience: float, what: str) -> Iterator[None]:
    """Hold a folder's lock, shared or alone. Raises BusyError with `what` after `patience` seconds."""
    with on_disk("take a lock", folder):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        pause, until = 0.001, time.monotonic() + patience
        while not try_flock(fd, how):
            if time.monotonic() > until:
                raise BusyError(f"{what}, for {patience:.0f} seconds now", file=folder, next="try again later")
            time.sleep(pause)
            pause = min(2 * pause, 0.05)
        yield
    finally:
        os.close(fd)


def hold(folder: Path) -> int:
    """Open a folder and share its flock for as long as the descriptor is open: "somebody uses this"."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
    except BaseException:
        os.close(fd)
        raise
    return fd


def held(folder: Path) -> bool:
    """Does somebody hold this folder?"""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return not try_flock(fd, fcntl.LOCK_EX)
    finally:
        os.close(fd)
