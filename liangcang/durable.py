"""Writing so that it survives power loss.

Engines write Parquet and do not fsync it; a rename is durable only when the folder that holds it is synced. All that
the warehouse promises about power loss rests on the functions below and on the order in which they are called: a file
before its rename, a folder after it, every folder before the pointer.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from liangcang.errors import DiskError, LiangcangError

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o640
PUBLIC_FOLDER = 0o2750
"""Setgid, so that what is made below belongs to the analysts' group."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def own_umask() -> None:
    """What this process writes from here on is its owner's alone: engines follow the umask. Called by every writer."""
    os.umask(0o077)


@contextmanager
def on_disk(what: str, path: Path, *, needed: int | None = None) -> Iterator[None]:
    """Turn an OSError of the block into a DiskError that says what was being written, and what space there is.

    `what` is the end of "could not …"; `needed` is in bytes. An error of ours passes through.
    """
    try:
        yield
    except LiangcangError:
        raise
    except OSError as error:
        raise disk_error(what, path, error, needed=needed) from error


def disk_error(what: str, path: Path, error: OSError, *, needed: int | None = None) -> DiskError:
    """The DiskError for `error`: it names the bytes needed and free, or the user that lacks the right."""
    if error.errno in _FULL:
        return DiskError(
            f"could not {what}: the disk is full",
            file=path,
            expected=None if needed is None else f"{needed:,} bytes",
            found=f"{free_bytes(path):,} bytes free",
            kept="what was published stays published",
            next="make space (liangcang gc shows what can go) and run again",
        )
    if error.errno in _FORBIDDEN:
        return DiskError(
            f"could not {what}: {error.strerror}",
            file=error.filename or path,
            found=f"user {os.geteuid()}",
            next="liangcang doctor shows owners and modes that are not as they should be",
        )
    return DiskError(f"could not {what}: {error.strerror}", file=error.filename or path)


def is_full(error: BaseException | None) -> bool:
    """Does this error, ours or the system's, say that a disk is full or may not be written?"""
    return isinstance(error, DiskError) or (isinstance(error, OSError) and error.errno in _FULL)


def free_bytes(path: Path) -> int:
    """Bytes that this user may still write on the disk that holds `path` or its nearest existing parent."""
    for folder in (path, *path.parents):
        with suppress(OSError):
            return shutil.disk_usage(folder).free
    return 0


def sync_file(path: Path) -> None:
    """Sync a file that somebody else wrote and closed."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(path: Path) -> None:
    """Sync a folder: what was created, renamed or removed in it is durable from here on."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_access(fd: int, *, mode: int, group: int | None = None) -> None:
    """Give an open file its mode and, where it differs, its group.

    Needed before a rename into a public folder: setgid gives the group to what is created there, not to what is
    moved there.
    """
    found = os.fstat(fd)
    if group is not None and found.st_gid != group:
        os.fchown(fd, -1, group)
    if stat.S_IMODE(found.st_mode) != mode:
        os.fchmod(fd, mode)


def make_folder(path: Path, *, mode: int = PRIVATE_FOLDER, sync: bool = True) -> None:
    """Make one folder below an existing one, with this mode, durably. Mends the mode of one that exists.

    Without `sync` the parent is the caller's to sync.
    """
    made = False
    with suppress(FileExistsError):
        path.mkdir(0o700)
        made = True
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        set_access(fd, mode=mode)
    finally:
        os.close(fd)
    if made and sync:
        sync_folder(path.parent)


def write_new(path: Path, data: bytes, *, mode: int = PRIVATE_FILE, via: Path | None = None) -> None:
    """Write a file that must not exist yet; it appears whole and synced, or not at all.

    `via`: the folder for the half-written file, on the same filesystem; default: beside `path`, which must then not
    be a folder that anyone lists. Raises FileExistsError.
    """
    half = write_half(path, data, mode=mode, via=via)
    try:
        os.link(half, path)
    finally:
        half.unlink()
    sync_folder(path.parent)


def replace(path: Path, data: bytes, *, mode: int = PRIVATE_FILE, via: Path | None = None, sync: bool = True) -> None:
    """Write a file over the one of that name, if any: readers see the old or the new one, whole.

    Without `sync` the folder is the caller's to sync; the file is synced always.
    """
    half = write_half(path, data, mode=mode, via=via)
    try:
        half.replace(path)
    except BaseException:
        with suppress(OSError):
            half.unlink()
        raise
    if sync:
        sync_folder(path.parent)


def write_half(path: Path, data: bytes, *, mode: int, via: Path | None = None) -> Path:
    """Write and sync what shall become `path`, under a name that nobody reads, ready to be renamed; return that.

    Raises DiskError, which names the bytes needed.
    """
    half = (via or path.parent) / f"_{path.name}.{secrets.token_hex(4)}.tmp"
    fd = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        set_access(fd, mode=mode, group=path.parent.stat().st_gid if mode & 0o070 else None)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    except BaseException as error:
        half.unlink()
        if isinstance(error, OSError):
            raise disk_error(f"write {path.name}", path, error, needed=len(data)) from error
        raise
    finally:
        os.close(fd)
    return half
