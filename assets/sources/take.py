"""The one way in for a file from outside: opened once, bounded, digested and copied in a single pass.

What is digested is what is loaded: the private copy is read afterwards, never the file in landing. A link, a file with
a second name, a pipe, a bomb, a damaged archive and a file that changes while it is read are refused by name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from assets.sources.archive import CHUNK, KEPT, only_member, refused, ungzipped
from data_contracts.contract import Compression
from liangcang.errors import DiskError, LiangcangError, UnsteadyDelivery

_ANY_NAME = re.compile(".*")
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@dataclass(frozen=True)
class Taken:
    """SHA-256 of the file as it came, SHA-256 of what was kept (unpacked), the kept bytes, those that came, and the
    digest that was asked for beside them.
    """

    came_sha256: str
    kept_sha256: str
    size: int
    came_size: int
    digest: str | None = None


def take(
    src: Path,
    dst: Path,
    *,
    max_bytes: int,
    max_ratio: int = 1000,
    packed: Compression = "none",
    member: re.Pattern[str] = _ANY_NAME,
    digest: str | None = None,
    may_be_empty: bool = False,
) -> Taken:
    """Copy the delivery `src` to the new file `dst` (mode 0600, fsynced), unpacking it if it is `packed`.

    `max_bytes` bounds what is kept, `max_ratio` how far an archive may expand, `member` is the name of the one member of
    a tar.gz, `digest` names one more digest of what came (`md5`, `sm3`). `may_be_empty`: the sender said that there are
    no rows, so nothing is what is to come. Raises
    DeliveryError for a file that is no sound delivery, UnsteadyDelivery for one that changed while it was read (look
    again later), DiskError when it cannot be read or kept. `dst` exists afterwards only if all went well; it must not
    exist before.
    """
    with _opened(src) as source:
        before = _plain(src, source)
        kept_out = os.open(dst, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(kept_out, "wb") as out:
                came = _Came(digest)
                bound = max_bytes if packed == "none" else min(max_bytes, max_ratio * before.st_size + CHUNK)
                pieces = _unpacked(src, _as_it_is(source, came), packed, member)
                taken = _copy(src, pieces, out, came, bound=bound, max_bytes=max_bytes)
                if not may_be_empty:
                    _check_not_empty(src, taken, packed=packed != "none")
                out.flush()
                os.fsync(out.fileno())
            _unchanged(src, source, before)
        except BaseException as error:
            dst.unlink(missing_ok=True)
            if isinstance(error, OSError):
                raise _disk(src, dst, error) from None
            raise
    return taken


@contextmanager
def _opened(src: Path) -> Iterator[int]:
    """The descriptor of `src`, which every look at the file goes through: the name may mean another file by then."""
    try:
        source = os.open(src, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _not_opened(src, error) from None
    try:
        yield source
    finally:
        os.close(source)


class _Came:
    """What came so far: its size and its digests."""

    def __init__(self, digest: str | None) -> None:
        self.size = 0
        self.sha256 = hashlib.sha256()
        # Only compares with what the sender says: `kept_sha256` is what a delivery is known by.
        self.asked = hashlib.new(digest, usedforsecurity=False) if digest else None

    def update(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self.sha256.update(chunk)
        if self.asked:
            self.asked.update(chunk)


def _copy(src: Path, pieces: Iterator[bytes], out: BinaryIO, came: _Came, *, bound: int, max_bytes: int) -> Taken:
    """Write the pieces, no more than `bound` bytes of them, which is what the archive's own size allows if not `max_bytes`."""
    kept, size = hashlib.sha256(), 0
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise refused(
                src,
                "larger than the contract allows",
                expected=f"at most {max_bytes:,} bytes",
                found=f"more than {max_bytes:,} bytes",
            )
        if size > bound:
            raise refused(
                src,
                "an archive that expands beyond all reason",
                expected=f"at most {bound:,} bytes from an archive of this size",
                found=f"more than {bound:,} bytes",
            )
        kept.update(piece)
        out.write(piece)
    return Taken(
        came_sha256=came.sha256.hexdigest(),
        kept_sha256=kept.hexdigest(),
        size=size,
        came_size=came.size,
        digest=came.asked.hexdigest() if came.asked else None,
    )


def _unpacked(src: Path, came: Iterator[bytes], packed: Compression, member: re.Pattern[str]) -> Iterator[bytes]:
    if packed == "none":
        return came
    plain = ungzipped(src, came)
    return plain if packed == "gzip" else only_member(src, plain, member)


def _as_it_is(source: int, came: _Came) -> Iterator[bytes]:
    while chunk := os.read(source, CHUNK):
        came.update(chunk)
        yield chunk


def _plain(src: Path, source: int) -> os.stat_result:
    status = os.fstat(source)
    if not stat.S_ISREG(status.st_mode):
        raise refused(src, "not a plain file", expected="a plain file", found=_kind(status.st_mode))
    if status.st_nlink != 1:
        raise refused(
            src, "a file with more than one name", expected="one name (no hard link)", found=f"{status.st_nlink} names"
        )
    return status


def _unchanged(src: Path, source: int, before: os.stat_result) -> None:
    after = os.fstat(source)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise UnsteadyDelivery(
            f"{src.name}: changed while it was read",
            file=src,
            expected=f"{before.st_size:,} bytes, as when it was opened",
            found=f"{after.st_size:,} bytes" if before.st_size != after.st_size else "the same size, written again",
            kept=KEPT,
            next="nothing: it is looked at again; have the sender write under another name and rename when done",
        )


def _not_opened(src: Path, error: OSError) -> LiangcangError:
    if error.errno == errno.ELOOP:
        return refused(src, "a link", expected="a plain file", found="a symbolic link")
    if error.errno == errno.ENXIO:
        return refused(src, "not a plain file", expected="a plain file", found="a socket or a device")
    if error.errno == errno.ENOENT:
        return UnsteadyDelivery(
            f"{src.name}: is gone",
            file=src,
            expected="the file that was found",
            found="no file",
            next="nothing: landing is looked at again",
        )
    return DiskError(
        f"{src.name}: may not be read", file=src, found=error.strerror, next="let the owner of the night read landing"
    )


def _disk(src: Path, dst: Path, error: OSError) -> DiskError:
    full = error.errno in _DISK
    return DiskError(
        f"{src.name}: could not be {'kept' if full else 'read or kept'}",
        file=dst.parent if full else src,
        found=error.strerror,
        kept=KEPT,
        next="free space and run again" if full else "look at the disk or share, and run again",
    )


def _check_not_empty(src: Path, taken: Taken, *, packed: bool) -> None:
    if not taken.size:
        raise refused(
            src,
            "an empty file is not a delivery",
            expected="at least one row; that there are none is said by a header alone, or by an increment's control file",
            found=f"{taken.size:,} bytes{f' unpacked from {taken.came_size:,}' if packed else ''}",
        )


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFIFO: "a pipe",
        stat.S_IFSOCK: "a socket",
        stat.S_IFDIR: "a folder",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return kinds.get(stat.S_IFMT(mode), "something else")
