r"""Text in fixed widths, as core systems write it: the widths are bytes of the file's own encoding.

A Chinese character is two or four bytes in GB18030 and three in UTF-8, so a record is cut before it is decoded. A record
of another length than the widths add up to, or in which a field ends inside a character, is rejected by its line; its
bytes that are no character of their own stand in quarantine as `\xNN`. Text is filled with spaces at its end, everything
else with spaces on either side; the spaces are not part of the value.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from assets.sources.decoding import Decoding, settled
from assets.sources.raw import Filling, Raw, refused
from data_contracts.cell import is_text
from data_contracts.contract import Contract, FileFormat
from liangcang.errors import ContractError

STATE_DATE_WIDTH = 8
"""yyyyMMdd: the width of a state's date that stands in front of a history's records."""


@dataclass(frozen=True)
class _Field:
    """Where a column stands in a record, in bytes, and whether its leading spaces belong to its value."""

    begin: int
    end: int
    text: bool


def read_fixed(filling: Filling, taken: Path, contract: Contract, form: FileFormat) -> Raw:
    """Read records of fixed width. Raises DeliveryError for bytes that are no text, and for a file that is not whole."""
    fields = _fields(contract, filling.columns)
    decoding = Decoding(form, filling.file_name)
    reading = _Records(filling, decoding, fields)
    with taken.open("rb") as came:
        decoding.skip_mark(came)
        for block in decoding.whole_lines(came):
            reading.take(block)
    shape = f"records of {reading.length:,} bytes, {len(fields)} fields"
    return filling.filled(lines=decoding.lines, shape=shape)


def _fields(contract: Contract, columns: Sequence[str]) -> list[_Field]:
    props = {prop.name: prop for prop in contract.properties}
    widths = [(props[name].width or 0) if name in props else STATE_DATE_WIDTH for name in columns]
    if missing := [name for name, width in zip(columns, widths, strict=True) if not width]:
        raise ContractError(
            f"{contract.table}: columns of a fixed-width file without a width",
            file=contract.path,
            field=", ".join(missing),
            expected="the custom property byteWidth: the field's bytes in the file's encoding",
        )
    places = pairwise(accumulate(widths, initial=0))
    texts = [name in props and is_text(props[name]) for name in columns]
    return [_Field(begin, end, text) for (begin, end), text in zip(places, texts, strict=True)]


class _Records:
    """Blocks of whole lines, cut into fields."""

    def __init__(self, filling: Filling, decoding: Decoding, fields: Sequence[_Field]) -> None:
        self.filling, self.decoding, self.fields = filling, decoding, fields
        self.end = decoding.form.line_terminator.encode()
        self.length = fields[-1].end
        self.encoding = "utf-8" if decoding.encoding == "utf-8-sig" else decoding.encoding

    def take(self, block: bytes) -> None:
        """The records of one block. A block in which all is well is cut and decoded a column at a time."""
        whole = block if block.endswith(self.end) else block + self.end
        if len(whole) == whole.count(b"\n") * (self.length + len(self.end)) and (values := self._columns(whole)):
            count = len(values[0])
            first, line = self.filling.records + 1, self.decoding.lines + 1
            self.filling.add(range(first, first + count), range(line, line + count), values)
        else:
            self._one_by_one(block, whole)

    def _columns(self, block: bytes) -> list[list[str]] | None:
        """The fields of records of the right length, a column at a time; None when a look at each record is needed."""
        records = np.frombuffer(block, dtype=np.uint8).reshape(-1, self.length + len(self.end))
        if (records[:, -1] != ord("\n")).any():
            return None
        columns = []
        for field in self.fields:
            cut = np.empty((len(records), field.end - field.begin + 1), dtype=np.uint8)
            cut[:, :-1], cut[:, -1] = records[:, field.begin : field.end], ord("\n")
            try:
                text = cut.tobytes().decode(self.encoding)
            except UnicodeDecodeError:
                return None
            columns.append([self._stripped(value, field) for value in self._settled(text).split("\n")[:-1]])
        return columns

    def _one_by_one(self, block: bytes, whole: bytes) -> None:
        good: list[tuple[int, int, list[str]]] = []
        faulty: list[tuple[int, int, str]] = []
        number, line = self.filling.records, self.decoding.lines
        for at, record in self._split(whole):
            number, line = number + 1, line + 1
            values = self._cut(block, at, record) if len(record) == self.length else None
            if values is None:
                self._not_cut_short(block, at, record, line)
                faulty.append((number, line, self._settled(record.decode(self.encoding, "backslashreplace"))))
            else:
                good.append((number, line, values))
        if good:
            self.filling.add(
                [row[0] for row in good], [row[1] for row in good], list(zip(*(row[2] for row in good), strict=True))
            )
        self.filling.reject(faulty)

    def _split(self, whole: bytes) -> Iterator[tuple[int, bytes]]:
        at = 0
        for record in whole.split(self.end)[:-1]:
            yield at, record
            at += len(record) + len(self.end)

    def _cut(self, block: bytes, at: int, record: bytes) -> list[str] | None:
        """The fields of one record; None when one of them ends inside a character.

        Bytes that are no beginning of a character refuse the whole delivery, as they do in every text.
        """
        values = []
        for field in self.fields:
            decoder = codecs.getincrementaldecoder(self.encoding)()
            try:
                text = decoder.decode(record[field.begin : field.end])
            except UnicodeDecodeError as error:
                wrong = error.start
            else:
                if decoder.getstate()[0]:
                    return None
                values.append(self._stripped(self._settled(text), field))
                continue
            raise self.decoding.not_text(block, at + field.begin + wrong)
        return values

    def _not_cut_short(self, block: bytes, at: int, record: bytes, line: int) -> None:
        """A last record that is short and has no line end is where the sending broke off, not a faulty record."""
        if at + len(record) == len(block) and len(record) < self.length:
            raise refused(
                self.filling.file_name,
                "a file cut in mid-line",
                line=line,
                expected=f"{self.length:,} bytes in the last record",
                found=f"{len(record):,} bytes",
            )

    def _settled(self, text: str) -> str:
        return settled(text) if self.encoding == "gb18030" else text

    @staticmethod
    def _stripped(value: str, field: _Field) -> str:
        return value.rstrip(" ") if field.text else value.strip(" ")
