"""The one way in for a file from outside: opened once, bounded, digested and copied in a single pass.

What is digested is what is loaded: the private copy is read afterwards, never the file in landing. A link, a file with
a second name, a pipe, a bomb, a damaged archive and a file that changes while it is read are refused by name.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from liangcang.errors import DeliveryError, DiskError, LiangcangError, UnsteadyDelivery

CHUNK = 1 << 20
_KEPT = "the file stays in landing; nothing of it was loaded"
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS}


@dataclass(frozen=True)
class Taken:
    """SHA-256 of the file as it came, SHA-256 of what was kept (unpacked), and the kept bytes."""

    came_sha256: str
    kept_sha256: str
    size: int


def take(src: Path, dst: Path, *, max_bytes: int, max_ratio: int = 1000, gz: bool = False) -> Taken:
    """Copy the delivery `src` to the new file `dst` (mode 0600, fsynced), unpacking it if `gz`.

    `max_bytes` bounds what is kept, `max_ratio` how far an archive may expand. Raises DeliveryError for a file that is
    no sound delivery, UnsteadyDelivery for one that changed while it was read (look again later), DiskError when it
    cannot be read or kept. `dst` exists afterwards only if all went well; it must not exist before.
    """
    with _opened(src) as source:
        before = _plain(src, source)
        kept_out = os.open(dst, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(kept_out, "wb") as out:
                taken = _copy(
                    src, source, out, came_size=before.st_size, max_bytes=max_bytes, max_ratio=max_ratio, gz=gz
                )
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


def _copy(src: Path, source: int, out: BinaryIO, *, came_size: int, max_bytes: int, max_ratio: int, gz: bool) -> Taken:
    came, kept, size = hashlib.sha256(), hashlib.sha256(), 0
    pieces = _unpacked(src, source, came) if gz else _as_it_is(source, came)
    for piece in pieces:
        size += len(piece)
        if size > max_bytes:
            raise _refused(
                src,
                "larger than the contract allows",
                expected=f"at most {max_bytes:,} bytes",
                found=f"more than {max_bytes:,} bytes",
            )
        if gz and size > max_ratio * came_size + CHUNK:
            raise _refused(
                src,
                "an archive that expands beyond all reason",
                expected=f"at most {max_ratio:,} bytes from each byte of the archive",
                found=f"more than {size:,} bytes from {came_size:,}",
            )
        kept.update(piece)
        out.write(piece)
    if not size:
        raise _refused(
            src,
            "an empty file is not a delivery",
            expected="at least one row; a feed without rows is an absent delivery, or a header alone",
            found=f"{size:,} bytes{f' unpacked from {came_size:,}' if gz else ''}",
        )
    return Taken(came.hexdigest(), kept.hexdigest(), size)


def _as_it_is(source: int, came: hashlib._Hash) -> Iterator[bytes]:
    while chunk := os.read(source, CHUNK):
        came.update(chunk)
        yield chunk


def _unpacked(src: Path, source: int, came: hashlib._Hash) -> Iterator[bytes]:
    """The one member of a gzip file in pieces of at most CHUNK bytes; its CRC and length are checked."""
    inflate = zlib.decompressobj(31)  # 31: gzip with its header and trailer, which DuckDB does not check
    for chunk in _as_it_is(source, came):
        rest = chunk
        while rest:
            if inflate.eof:
                raise _refused(
                    src,
                    "a gzip file with more after its end",
                    expected="one gzip member and nothing after it",
                    found="further bytes",
                )
            try:
                yield inflate.decompress(rest, CHUNK)
            except zlib.error:
                raise _refused(
                    src,
                    "a damaged gzip file",
                    expected="gzip whose CRC and length agree",
                    found="bytes that do not unpack",
                ) from None
            rest = inflate.unconsumed_tail or inflate.unused_data
    while not inflate.eof and (piece := inflate.decompress(b"", CHUNK)):  # what the last bytes still hold
        yield piece
    if not inflate.eof:
        raise _refused(
            src, "a gzip file that was cut", expected="a gzip file to its end", found="an end before the trailer"
        )


def _plain(src: Path, source: int) -> os.stat_result:
    status = os.fstat(source)
    if not stat.S_ISREG(status.st_mode):
        raise _refused(src, "not a plain file", expected="a plain file", found=_kind(status.st_mode))
    if status.st_nlink != 1:
        raise _refused(
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
            kept=_KEPT,
            next="nothing: it is looked at again; have the sender write under another name and rename when done",
        )


def _not_opened(src: Path, error: OSError) -> LiangcangError:
    if error.errno == errno.ELOOP:
        return _refused(src, "a link", expected="a plain file", found="a symbolic link")
    if error.errno == errno.ENXIO:
        return _refused(src, "not a plain file", expected="a plain file", found="a socket or a device")
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
        kept=_KEPT,
        next="free space and run again" if full else "look at the disk or share, and run again",
    )


def _refused(src: Path, what: str, *, expected: str, found: str) -> DeliveryError:
    return DeliveryError(
        f"{src.name}: {what}",
        file=src,
        expected=expected,
        found=found,
        kept=_KEPT,
        next="ask for a re-delivery; it is picked up by itself",
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
