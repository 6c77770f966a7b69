"""A file of a feed that nobody has described yet: how it is written, told from its bytes.

Nothing here shows a value. What is found are properties of the file: encoding, separator, header, line ends.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import os
import re
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from data_contracts.contract import control_name
from data_contracts.personal import person
from liangcang.errors import UsageError

MAX_BYTES = 16 << 20
"""What is looked at of a larger file: whole lines from its beginning."""
SEPARATORS = ("|@|", "|+|", "\x01", "\x1b", "\t", "|", ",", ";")
"""Tried in this order: a longer one holds a shorter one."""
QUOTED = (",", ";", "\t")
"""Separators of files in which texts may stand in quotes."""
NUMBER_OR_DATE = re.compile(r"[+-]?[0-9][0-9.,:/ -]*")
NULLS = ("NULL", "null", "\\N", "N/A")
"""Texts that stand for nothing in some banks' files, besides the empty one."""
HEADER = re.compile(r"[A-Za-z_\u4e00-\u9fff][\w\u4e00-\u9fff ()（）/-]{0,62}")
OF_COLUMNS = re.compile("额|号|日期|码|类|型|率|标志|种|状态|地址|时间|名称|姓名")
"""Words of column titles: some of them begin like names of persons (金额, 余额)."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a file is like. `rows` are its fields as text, without the header; `names` the header's fields, or none.

    `odd` counts lines with another number of fields, which are left out; `whole` says whether all of the file was read.
    `control` is the line of its control file, if there is one.
    """

    path: Path
    encoding: str
    delimiter: str
    quote: str
    line_terminator: str
    terminated: bool
    compressed: bool
    names: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    odd: int
    whole: bool
    control: tuple[str, ...]

    @property
    def width(self) -> int:
        return len(self.rows[0])

    def column(self, index: int) -> list[str]:
        return [row[index] for row in self.rows]


def read_sample(path: Path) -> Sample:
    """Look at a file. Raises UsageError for one that cannot be read, is no text of ours or has no rows."""
    content, whole = _content(path)
    encoding, text = _decoded(content, path)
    lines, terminator, terminated = _lines(text)
    if not whole:
        lines = lines[:-1]  # it may be cut off
    if not lines:
        raise UsageError("the sample is empty", found=path, expected="a header and rows, or rows")
    delimiter = _separator(lines)
    quote = '"' if delimiter in QUOTED and _opens_quotes(lines, delimiter) else ""
    fields = _fields(lines, delimiter, quote)
    width, _ = Counter(map(len, fields)).most_common(1)[0]
    rows = [row for row in fields if len(row) == width]
    names: tuple[str, ...] = ()
    if len(fields[0]) == width and _is_header(rows):
        names, rows = tuple(name.strip() for name in rows[0]), rows[1:]
    if not rows:
        raise UsageError("the sample has no rows", found=path, expected="at least one row; better a whole day of them")
    return Sample(
        path=path,
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        line_terminator=terminator,
        terminated=terminated or not whole,
        compressed=path.suffix == ".gz",
        names=names,
        rows=rows,
        odd=len(fields) - len(rows) - bool(names),
        whole=whole,
        control=_control(path, encoding, delimiter),
    )


def _content(path: Path) -> tuple[bytes, bool]:
    """The beginning of a regular file, unpacked, and whether that is all of it."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UsageError("the sample is not a file", found=path)
            content = _bounded(file, packed=path.suffix == ".gz")
    except (OSError, EOFError) as error:
        raise UsageError("cannot read the sample", found=getattr(error, "strerror", None) or "a damaged gzip") from None
    return content[:MAX_BYTES], len(content) <= MAX_BYTES


def _bounded(file: BinaryIO, *, packed: bool) -> bytes:
    if not packed:
        return file.read(MAX_BYTES + 1)
    with gzip.GzipFile(fileobj=file) as unpacked:
        return unpacked.read(MAX_BYTES + 1)


def _decoded(content: bytes, path: Path) -> tuple[str, str]:
    """The encoding's name in a contract, and the text. UTF-8 first: text of GB18030 is hardly ever valid UTF-8."""
    marked = content.startswith(codecs.BOM_UTF8)
    for encoding in ("utf-8-sig", "gb18030") if marked else ("utf-8", "gb18030"):
        try:  # what a bound cut off at the end is no fault
            text = codecs.getincrementaldecoder(encoding)().decode(content, final=len(content) < MAX_BYTES)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise UsageError("the sample is no text: it holds NUL characters", found=path)
        return {"utf-8-sig": "utf-8-sig", "utf-8": "UTF-8", "gb18030": "GB18030"}[encoding], text
    raise UsageError("the sample is neither UTF-8 nor GB18030", found=path, next="ask the sender for one of both")


def _lines(text: str) -> tuple[list[str], str, bool]:
    """The lines, how they end, and whether the last one does."""
    terminated = text.endswith("\n")
    lines = text.removesuffix("\n").split("\n") if text else []
    ends = sum(line.endswith("\r") for line in lines)
    if ends and ends >= len(lines) - 1:
        return [line.removesuffix("\r") for line in lines], "\r\n", terminated
    return lines, "\n", terminated


def _separator(lines: Sequence[str]) -> str:
    """The separator that divides nearly all lines alike."""
    shown = lines[:5000]
    for separator in SEPARATORS:
        counts = Counter(len(row) for row in _fields(shown, separator, '"' if separator in QUOTED else ""))
        width, agreeing = counts.most_common(1)[0]
        if width > 1 and agreeing >= 0.95 * sum(counts.values()):
            return separator
    raise UsageError(
        "no separator divides the lines of the sample alike",
        expected=", ".join(repr(separator) for separator in SEPARATORS),
        next="look at the file: is it of fixed width, or does a text hold the separator?",
    )


def _opens_quotes(lines: Sequence[str], separator: str) -> bool:
    return any(line.startswith('"') or f'{separator}"' in line for line in lines)


def _fields(lines: Sequence[str], separator: str, quote: str) -> list[list[str]]:
    if not quote:
        return [line.split(separator) for line in lines]
    try:
        return list(csv.reader((f"{line}\n" for line in lines), delimiter=separator, quotechar=quote, strict=True))
    except csv.Error:
        return [line.split(separator) for line in lines]


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns. A customer must never become a name: so it takes one column at least
    that holds numbers or dates below a word, no field that is empty, a number or a person's name, and none that comes
    again below.
    """
    first, rest = [field.strip() for field in rows[0]], rows[1:2001]
    if not rest or len(set(first)) < len(first) or not all(map(_names_a_column, first)):
        return False
    columns = [[row[index] for row in rest if row[index]] for index in range(len(first))]
    if any(name in column for name, column in zip(first, columns, strict=True)):
        return False
    return any(column and all(NUMBER_OR_DATE.fullmatch(value) for value in column) for column in columns)


def _names_a_column(field: str) -> bool:
    word = HEADER.fullmatch(field) and field not in NULLS
    return bool(word) and (not person(field) or bool(OF_COLUMNS.search(field)))


def _control(path: Path, encoding: str, delimiter: str) -> tuple[str, ...]:
    """The fields of the line that a control file beside the sample has for it."""
    beside = path.with_name(control_name(path.name))
    if beside == path or not beside.is_file():
        return ()
    text = beside.read_bytes()[: 1 << 16].decode(encoding, errors="replace")
    lines = [line.split(delimiter) for line in text.splitlines()]
    return next((tuple(fields) for fields in lines if fields[0] == path.name and len(fields) == 7), ())
