"""The packings in which files come, opened as a stream: never extracted, never under a name that an archive gives.

gzip: one member, whose CRC and length are checked, and nothing after it. tar.gz: such a file that holds an archive of
exactly one member, a plain file with the plain name that the contract gives it. A link, a folder, a device, a name with a
path in it, a second member and a cut are refused by name.
"""

from __future__ import annotations

import io
import re
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from data_contracts import numbers
from liangcang.errors import DeliveryError

CHUNK = 1 << 20
HEADERS = 1 << 16
"""Bytes of a member's headers. A pax header could be as long as the archive, and is held in memory."""
PADDING = 1 << 20
"""Bytes of zeros after the end mark. tar fills up to ten kilobytes."""
KEPT = "the file stays in landing; nothing of it was loaded"


def ungzipped(src: Path, came: Iterator[bytes]) -> Iterator[bytes]:
    """The one member of a gzip file in pieces of at most CHUNK bytes; its CRC and length are checked."""
    inflate = zlib.decompressobj(31)  # 31: gzip with its header and trailer, which DuckDB does not check
    for chunk in came:
        rest = chunk
        while rest:
            if inflate.eof:
                raise refused(
                    src,
                    "a gzip file with more after its end",
                    expected="one gzip member and nothing after it",
                    found="further bytes",
                )
            try:
                yield inflate.decompress(rest, CHUNK)
            except zlib.error:
                raise refused(
                    src,
                    "a damaged gzip file",
                    expected="gzip whose CRC and length agree",
                    found="bytes that do not unpack",
                ) from None
            rest = inflate.unconsumed_tail or inflate.unused_data
    while not inflate.eof and (piece := inflate.decompress(b"", CHUNK)):  # what the last bytes still hold
        yield piece
    if not inflate.eof:
        raise refused(
            src, "a gzip file that was cut", expected="a gzip file to its end", found="an end before the trailer"
        )


def only_member(src: Path, tar: Iterator[bytes], name: re.Pattern[str]) -> Iterator[bytes]:
    """The one member of a tar archive in pieces of at most CHUNK bytes. `name` is the pattern of its name."""
    stream = _Stream(src, tar)
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=tarfile.BLOCKSIZE) as archive:
            member = stream.header(archive)
            if member is None:
                raise refused(src, "an archive without a member", expected="exactly one member", found="none")
            _check(src, member, name)
            yield from _content(src, stream, archive, member)
            if (more := stream.header(archive)) is not None:
                raise refused(
                    src,
                    "an archive with several members",
                    expected=f"exactly one member: {_shown(member.name)}",
                    found=f"also {_shown(more.name)}",
                )
    except (tarfile.TarError, ValueError, OverflowError, EOFError):
        raise refused(src, "a damaged archive", expected="a tar archive", found="bytes that are none") from None
    if stream.rest():
        raise refused(
            src, "an archive with more after its end", expected="zeros after the last member", found="further bytes"
        )
    if stream.at < member.offset_data + _padded(member.size) + tarfile.BLOCKSIZE:
        raise refused(src, "an archive that was cut", expected="the end mark of a tar archive", found="none")


def _content(src: Path, stream: _Stream, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Iterator[bytes]:
    stream.limit = None
    content = archive.extractfile(member)
    left = member.size
    while content is not None and left and (piece := content.read(min(CHUNK, left))):
        left -= len(piece)
        yield piece
    if left:
        raise refused(src, "an archive that was cut", expected=f"{member.size:,} bytes", found=f"{left:,} bytes fewer")


class _Stream(io.RawIOBase):
    """Pieces as a file that can only be read on; `limit` is the place up to which."""

    def __init__(self, src: Path, pieces: Iterator[bytes]) -> None:
        self.src, self._pieces = src, pieces
        self._held, self._place = b"", 0
        self.at = 0
        self.limit: int | None = HEADERS

    def header(self, archive: tarfile.TarFile) -> tarfile.TarInfo | None:
        """The next member. Its headers may not be longer than any."""
        self.limit = self.at + HEADERS
        return archive.next()

    def read(self, size: int = -1) -> bytes:
        while len(self._held) - self._place < size and (piece := next(filter(None, self._pieces), None)):
            self._held, self._place = self._held[self._place :] + piece, 0
        found = self._held[self._place : self._place + size]
        self._place += len(found)
        self._forward(len(found))
        return found

    def rest(self) -> bool:
        """Whether what comes after the end mark is more than zeros; it is read to its end."""
        self.limit = self.at + PADDING
        more = self._held[self._place :]
        found = bool(more.strip(b"\0"))
        self._forward(len(more))
        for piece in self._pieces:
            found = found or bool(piece.strip(b"\0"))
            self._forward(len(piece))
        return found

    def _forward(self, size: int) -> None:
        self.at += size
        if self.limit is not None and self.at > self.limit:
            raise refused(
                self.src,
                "an archive with more than its member",
                expected=f"at most {HEADERS:,} bytes of headers, and {PADDING:,} after the end",
                found="more",
            )


def _check(src: Path, member: tarfile.TarInfo, name: re.Pattern[str]) -> None:
    kind = (
        "a link" if member.issym() or member.islnk() else "a folder" if member.isdir() else "a device, a pipe or a hole"
    )
    if member.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or member.issparse():
        raise refused(
            src,
            "an archive whose member is no plain file",
            expected="a plain file",
            found=f"{kind}: {_shown(member.name)}",
        )
    plain = member.name.removeprefix("./")
    if "/" in plain or "\\" in plain or plain in {"", ".", ".."} or not plain.isprintable():
        raise refused(
            src, "an archive whose member has a path", expected="a plain file name", found=_shown(member.name)
        )
    if not name.fullmatch(plain):
        raise refused(
            src,
            "an archive of another member",
            expected="the member that the contract names",
            found=_shown(member.name),
        )


def _padded(size: int) -> int:
    return -(-size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


def _shown(name: str) -> str:
    """A member's name as it may stand in an error."""
    return "".join(sign if sign.isprintable() else "?" for sign in name[:120])


def refused(src: Path, what: str, *, expected: str, found: str) -> DeliveryError:
    """The error of a file that is no sound delivery."""
    return DeliveryError(
        f"{src.name}: {what}",
        file=src,
        rule=numbers.CONTENT,
        expected=expected,
        found=found,
        kept=KEPT,
        next="ask for a re-delivery; it is picked up by itself",
    )
