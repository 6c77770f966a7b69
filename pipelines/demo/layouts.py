"""Rows as the bytes of a delivered file, in the layout that the contract says: text with a delimiter, fixed widths, JSON.

A layout begins a file (`begin`) and turns a block of rows into bytes (`block`). Parquet has its own way, in `packing`.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Sequence
from typing import Protocol

import polars as pl

from data_contracts.cell import is_text
from data_contracts.contract import FileFormat, Property
from pipelines.demo.texts import text


class Layout(Protocol):
    """How records stand in a file."""

    def begin(self) -> bytes:
        """What stands before the first record."""

    def block(self, rows: pl.DataFrame) -> bytes:
        """Some records."""


def layout(form: FileFormat, columns: Sequence[Property]) -> Layout:
    """The layout of a text file by its contract."""
    kinds: dict[str, Callable[[FileFormat, Sequence[Property]], Layout]]
    kinds = {"csv": Delimited, "fixed": Fixed, "jsonl": Objects}
    return kinds[form.layout](form, columns)


def lines(texts: pl.DataFrame, form: FileFormat) -> bytes:
    """The one text column of a frame as lines."""
    # A frame of one column, without quotes: what is written are the lines.
    return _encoded(_written(texts, form, "\x1f", quoted=False), form)


def _written(texts: pl.DataFrame, form: FileFormat, separator: str, *, quoted: bool) -> bytes:
    made = io.BytesIO()
    texts.write_csv(
        made,
        include_header=False,
        separator=separator,
        quote_style="necessary" if quoted else "never",
        quote_char=form.quote or '"',
        line_terminator=form.line_terminator,
    )
    return made.getvalue()


def _encoded(content: bytes, form: FileFormat) -> bytes:
    encoding = codecs.lookup(form.encoding).name
    return content if encoding in ("utf-8", "utf-8-sig") else content.decode().encode(encoding)


class Delimited:
    """Text with a delimiter; with quotes, a text that holds one of the signs of the layout is quoted."""

    def __init__(self, form: FileFormat, columns: Sequence[Property]) -> None:
        self.form, self.columns = form, columns

    def begin(self) -> bytes:
        mark = codecs.BOM_UTF8 if codecs.lookup(self.form.encoding).name == "utf-8-sig" else b""
        names = self.form.delimiter.join(prop.name for prop in self.columns) + self.form.line_terminator
        return mark + (names.encode() if self.form.header else b"")

    def block(self, rows: pl.DataFrame) -> bytes:
        texts = rows.select(text(prop, rows.schema[prop.name]).alias(prop.name) for prop in self.columns)
        sign = self.form.delimiter
        if len(sign) == 1:
            return _encoded(_written(texts, self.form, sign, quoted=bool(self.form.quote)), self.form)
        # The engine writes one sign between fields: one that no text holds becomes the delimiter's.
        content = _written(texts, self.form, "\x1f", quoted=False)
        return _encoded(content.replace(b"\x1f", sign.encode()), self.form)


class Fixed:
    """Fields of fixed widths, in bytes of the file's encoding: texts from the left, everything else from the right."""

    def __init__(self, form: FileFormat, columns: Sequence[Property]) -> None:
        self.form, self.columns = form, columns
        self.encoding = codecs.lookup(form.encoding).name

    def begin(self) -> bytes:
        return b""

    def block(self, rows: pl.DataFrame) -> bytes:
        texts = rows.select(text(prop, rows.schema[prop.name]).fill_null("").alias(prop.name) for prop in self.columns)
        filled = [self._filled(prop, texts[prop.name]) for prop in self.columns]
        return lines(pl.select(pl.concat_str(filled)), self.form)

    def _filled(self, prop: Property, values: pl.Series) -> pl.Series:
        width = prop.width or 8  # a history's state date is no column of the contract: yyyyMMdd
        sizes = values.str.len_bytes()
        if (sizes != values.str.len_chars()).any():
            sizes = pl.Series([len(value.encode(self.encoding)) for value in values.to_list()], dtype=pl.UInt32)
        if (sizes > width).any():
            raise ValueError(f"{prop.name} does not fit its field of {width} bytes")
        spaces = pl.Series([" " * n for n in range(width + 1)])[width - sizes.cast(pl.Int64)]
        return values + spaces if is_text(prop) else spaces + values


class Objects:
    """A JSON object a line: numbers without quotes, everything else with them, null where there is nothing."""

    def __init__(self, form: FileFormat, columns: Sequence[Property]) -> None:
        self.form, self.columns = form, columns

    def begin(self) -> bytes:
        return b""

    def block(self, rows: pl.DataFrame) -> bytes:
        parts, inside = [], list[str]()
        for nth, prop in enumerate(self.columns):
            *above, name = (prop.path or prop.name).split(".")
            parts += [pl.lit(self._between(inside, above, first=nth == 0) + json.dumps(name) + ":"), _value(prop, rows)]
            inside = above
        parts.append(pl.lit("}" * (len(inside) + 1)))
        return lines(rows.select(pl.concat_str(parts)), self.form)

    @staticmethod
    def _between(inside: Sequence[str], above: Sequence[str], *, first: bool) -> str:
        """What stands between two values: objects that end, a comma, objects that begin."""
        same = 0
        while same < min(len(inside), len(above)) and inside[same] == above[same]:
            same += 1
        begun = "".join(f"{json.dumps(name)}:{{" for name in above[same:])
        return ("{" if first else "}" * (len(inside) - same) + ",") + begun


def _value(prop: Property, rows: pl.DataFrame) -> pl.Expr:
    value = text(prop, rows.schema[prop.name])
    if is_text(prop):
        value = value.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
    if is_text(prop) or prop.type in ("DATE", "TIME", "TIMESTAMP"):
        value = pl.concat_str(pl.lit('"'), value, pl.lit('"'))
    return value.fill_null("null")
