"""From the bytes of a delivery to UTF-8 text whose every line is whole: one strict pass, nothing guessed, nothing mended.

The bytes are cut at line ends and decoded line by line before anything looks for a separator: in GB18030 the second
byte of 億 is `|` and that of 園 is `@`, so a file that is split first falls apart inside names. A byte that cannot be
decoded, a NUL, a line end other than the contract's or a last line that breaks off refuses the delivery, with the byte
offset and the line and never with the text itself.
"""

from __future__ import annotations

import codecs
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import BinaryIO

from data_contracts import numbers
from data_contracts.contract import FileFormat
from data_contracts.lint_files import ENCODINGS
from liangcang.errors import ContractError, DeliveryError

BLOCK = 4 << 20
MAX_LINE = 1 << 20
"""Bytes of one line. DuckDB takes lines of 2 MB; what is longer than half of that has lost its line ends."""

KEPT = "the file stays in landing; nothing of it was loaded"
RESEND = "ask for a re-delivery with a higher sequence number; it is picked up by itself"

_FAULTY_END = {"\n": re.compile(rb"\r\n?"), "\r\n": re.compile(rb"(?<!\r)\n|\r(?!\n)")}
_END_NAME = {b"\n": "LF", b"\r\n": "CR LF", b"\r": "CR"}
PRIVATE_USE = b"\xee"
"""First byte in UTF-8 of U+E000 to U+EFFF, where all code points lie that are settled."""
_GB18030_MARK = b"\x84\x31\x95\x33"


@dataclass(frozen=True, kw_only=True)
class Text:
    """A delivery as UTF-8. `path` is the delivery itself where it already was UTF-8, else a copy beside it.

    `lines` counts line ends, and a last line without one. `delimiters` counts separators after the header, quoted
    ones included. `header` is the first line when the format has a header.
    """

    path: Path
    copied: bool
    lines: int
    delimiters: int
    header: str | None


def decode(taken: Path, form: FileFormat, *, file_name: str) -> Text:
    """Check every byte of the private copy `taken` and say where its UTF-8 text lies.

    A copy is written (mode 0600, `<taken>.utf8`) only where the bytes differ from UTF-8 without a byte order mark.
    Raises DeliveryError for bytes that are not what the contract says, ContractError for an encoding that we do not
    read.
    """
    decoding = Decoding(form, file_name)
    with taken.open("rb") as came:
        copied = decoding.skip_mark(came) or decoding.encoding == "gb18030"
        if not copied:
            for _ in decoding.blocks(came):
                pass
            return decoding.text(taken, copied=False)
        path = taken.with_name(f"{taken.name}.utf8")
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            try:
                out.writelines(decoding.blocks(came))
            except BaseException:
                path.unlink(missing_ok=True)
                raise
    return decoding.text(path, copied=True)


class Decoding:
    """One pass over the bytes, and what it counted so far: `at` bytes and `lines` before the block in hand."""

    def __init__(self, form: FileFormat, file_name: str) -> None:
        self.form, self.file_name = form, file_name
        self.encoding = _encoding(form)
        self.delimiter = form.delimiter.encode()
        self.at = self.lines = self.delimiters = 0
        self.header: str | None = None

    def text(self, path: Path, *, copied: bool) -> Text:
        return Text(path=path, copied=copied, lines=self.lines, delimiters=self.delimiters, header=self.header)

    def skip_mark(self, came: BinaryIO) -> bool:
        """Whether there is a byte order mark that the contract allows; `came` then stands behind it."""
        start = came.read(4)
        marked = start.startswith(codecs.BOM_UTF8)
        allowed = marked and self.encoding == "utf-8-sig"
        if (marked and not allowed) or (self.encoding == "gb18030" and start == _GB18030_MARK):
            raise DeliveryError(
                f"{self.file_name}: begins with a byte order mark",
                file=self.file_name,
                line=1,
                rule=numbers.ENCODING,
                expected=f"{self.form.encoding} without one",
                found="the byte order mark of UTF-8" if marked else "the byte order mark of GB18030",
                kept=KEPT,
                next="if the sender means it, let the contract say utf-8-sig" if marked else RESEND,
            )
        self.at = len(codecs.BOM_UTF8) if allowed else 0
        came.seek(self.at)
        return allowed

    def blocks(self, came: BinaryIO) -> Iterator[bytes]:
        """The text as UTF-8 in blocks of whole lines, checked."""
        yield from map(self._decoded, self.whole_lines(came))

    def whole_lines(self, came: BinaryIO) -> Iterator[bytes]:
        """The bytes as they came in blocks of whole lines without a NUL, whose ends are the contract's."""
        for block in self._whole_lines(came):
            if (at := block.find(b"\0")) >= 0:
                raise self.refused("a NUL byte", block, at, expected="text", found="a byte of value 0")
            self._check_line_ends(block)
            yield block
            self.lines += block.count(b"\n") + (not block.endswith(b"\n"))
            self.at += len(block)

    def _whole_lines(self, came: BinaryIO) -> Iterator[bytes]:
        """Blocks that end in a line end. 0x0A is never part of another character."""
        carried = b""
        while chunk := came.read(BLOCK):
            cut = chunk.rfind(b"\n") + 1
            if cut:
                yield carried + chunk[:cut]
                carried = chunk[cut:]
            else:
                carried += chunk
            if len(carried) > MAX_LINE:
                raise self.refused(
                    "a line is longer than any record",
                    expected=f"lines of at most {MAX_LINE:,} bytes",
                    found=f"{len(carried):,} bytes without a line end",
                )
        if carried and self.form.last_line_terminated:
            raise self.refused(
                "a file cut in mid-line",
                expected="a line end after the last line",
                found=f"{len(carried):,} bytes without one",
            )
        if carried:
            yield carried

    def _decoded(self, block: bytes) -> bytes:
        try:
            decoded = block if block.isascii() else _utf8(block, self.encoding)
        except UnicodeDecodeError as error:
            at = error.start
        else:
            self._count(decoded)
            return decoded
        raise self.not_text(block, at)

    def not_text(self, block: bytes, at: int) -> DeliveryError:
        """The error of a byte of the block in hand that is no character of the contract's encoding."""
        return self.refused(
            f"not {self.form.encoding}",
            block,
            at,
            expected=f"{self.form.encoding} text",
            found="bytes that are no character of it",
        )

    def _check_line_ends(self, block: bytes) -> None:
        if self.form.line_terminator == "\n":
            right = b"\r" not in block
        else:
            right = block.count(b"\r\n") == block.count(b"\n") == block.count(b"\r")
        fault = None if right else _FAULTY_END[self.form.line_terminator].search(block)
        if fault:
            raise self.refused(
                "line ends are not those of the contract",
                block,
                fault.start(),
                expected=f"{_END_NAME[self.form.line_terminator.encode()]} after every line and nowhere else",
                found=_END_NAME[fault[0]],
            )

    def _count(self, decoded: bytes) -> None:
        body = decoded
        if self.form.header and self.header is None:
            line, _, body = decoded.partition(b"\n")
            self.header = line.removesuffix(b"\r").decode()
        self.delimiters += body.count(self.delimiter)

    def refused(self, what: str, block: bytes = b"", at: int = 0, *, expected: str, found: str) -> DeliveryError:
        return DeliveryError(
            f"{self.file_name}: {what}",
            file=self.file_name,
            line=self.lines + block.count(b"\n", 0, at) + 1,
            rule=numbers.ENCODING,
            expected=expected,
            found=f"{found}, at byte {self.at + at:,}" if block else found,
            kept=KEPT,
            next=RESEND,
        )


def _encoding(form: FileFormat) -> str:
    try:
        name = codecs.lookup(form.encoding).name
    except LookupError:
        name = ""
    if name not in ENCODINGS:
        raise ContractError(
            f"files in {form.encoding} are not read",
            field="encoding",
            expected=", ".join(ENCODINGS),
            found=form.encoding,
            next="gb18030 reads all of GB2312 and GBK" if name in ("gbk", "gb2312") else None,
        )
    if form.line_terminator not in _FAULTY_END:
        raise ContractError("lines end in LF or CR LF", field="lineTerminator", found=repr(form.line_terminator))
    return name


def _utf8(block: bytes, encoding: str) -> bytes:
    if encoding == "gb18030":
        text = block.decode("gb18030")
        encoded = text.encode()
        # In UTF-8 this byte begins what lies in the private-use area and nothing else, and to find a byte costs nothing.
        return settled(text).encode() if PRIVATE_USE in encoded else encoded
    block.decode("ascii" if encoding == "ascii" else "utf-8")
    return block


def settled(text: str) -> str:
    """Text from GB18030 with the characters that its private-use code points mean by now."""
    # Searched first because ordinary text has none, and translating it all costs six times as much.
    return text.translate(private_use()) if _moved().search(text) else text


@cache
def private_use() -> dict[int, int]:
    """Private-use code points that Python's GB18030 yields, and the characters that GB 18030-2022 means by them.

    Python follows the older table, in which 25 two-byte codes had no character of their own yet. They stand in names
    with rare characters, and a name must be the same text whichever system delivers it.
    """
    table = json.loads(files("assets.sources").joinpath("gb18030_private_use.json").read_text("ascii"))
    return {int(old, 16): int(new, 16) for old, new in table.items()}


@cache
def _moved() -> re.Pattern[str]:
    return re.compile(f"[{chr(min(private_use()))}-{chr(max(private_use()))}]")
