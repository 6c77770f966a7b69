"""Files while they are written: as they are, packed with gzip, as the one member of a tar.gz, or Parquet.

Each is written as a stream, with no more of it in memory than a block, and says at its end how large it is and its
digest. The same content gives the same bytes: no name and no hour stands in an archive.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts.contract import FileFormat, Property
from pipelines.demo.days import NEVER
from pipelines.demo.layouts import layout

_SCALED = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_LEVEL = 6
ROW_GROUP = 150_000
DICTIONARY = 20
"""How often a value must come, in the mean, for a dictionary of the column to be worth it."""


class File(Protocol):
    """A file that takes rows, or lines that are made already."""

    size: int
    digest: str

    def rows(self, rows: pl.DataFrame) -> None:
        """Append rows whose columns are the contract's."""

    def close(self) -> None:
        """The end of the file; `size` and `digest` are known from here on."""


def opened(path: Path, form: FileFormat, columns: Sequence[Property], *, member: str) -> File:
    """A new file by its contract; `member` is the name inside of a tar.gz."""
    if form.layout == "parquet":
        return ParquetFile(path, columns)
    return TextFile(path, form, columns, member=member)


class _Counted:
    """A stream that counts and digests what goes to disk."""

    def __init__(self, path: Path) -> None:
        self._out = path.open("wb")
        self._digest = hashlib.md5(usedforsecurity=False)
        self.size = 0

    def write(self, content: bytes) -> int:
        self._digest.update(content)
        self.size += len(content)
        return self._out.write(content)

    def flush(self) -> None:
        self._out.flush()

    def close(self) -> str:
        self._out.close()
        return self._digest.hexdigest()


class TextFile:
    """Text, packed or not."""

    def __init__(self, path: Path, form: FileFormat, columns: Sequence[Property], *, member: str) -> None:
        self._layout, self._form, self._member = layout(form, columns), form, member
        self._disk = _Counted(path)
        self._spool = path.with_name(f".{path.name}.part")
        self._stream: BinaryIO | gzip.GzipFile | None = None
        if form.compression == "tar.gz":
            self._stream = self._spool.open("w+b")
        elif form.compression == "gzip":
            self._stream = gzip.GzipFile("", "wb", _LEVEL, self._disk, mtime=0)
        self.size, self.digest = 0, ""
        self.bytes(self._layout.begin())

    def rows(self, rows: pl.DataFrame) -> None:
        self.bytes(self._layout.block(rows))

    def bytes(self, content: bytes) -> None:
        """Append what is made already."""
        (self._stream or self._disk).write(content)

    def close(self) -> None:
        if self._form.compression == "tar.gz":
            self._archive()
        elif self._stream is not None:
            self._stream.close()
        self.digest, self.size = self._disk.close(), self._disk.size

    def _archive(self) -> None:
        """The archive around what was written beside: a member's size stands before its content."""
        if self._stream is None:
            raise ValueError("nothing was begun")
        entry = tarfile.TarInfo(self._member)
        entry.size, entry.mode = self._stream.tell(), 0o640
        self._stream.seek(0)
        with (
            gzip.GzipFile("", "wb", _LEVEL, self._disk, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|") as archive,
        ):
            archive.addfile(entry, self._stream)
        self._stream.close()
        self._spool.unlink()


class ParquetFile:
    """Parquet with the contract's types: exact decimals, dates, moments without a zone."""

    def __init__(self, path: Path, columns: Sequence[Property]) -> None:
        self._path, self._columns = path, columns
        self._schema = pa.schema([(prop.name, _type(prop)) for prop in columns])
        self._writer: pq.ParquetWriter | None = None
        self.size, self.digest = 0, ""

    def rows(self, rows: pl.DataFrame) -> None:
        arrays = [_array(prop, rows[prop.name]) for prop in self._columns]
        self._begun(rows).write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROW_GROUP)

    def _begun(self, rows: pl.DataFrame) -> pq.ParquetWriter:
        """The writer; a dictionary is kept of columns whose values come again and again, as its first rows show."""
        if self._writer is None:
            names = [prop.name for prop in self._columns]
            again = [name for name in names if rows[name].n_unique() * DICTIONARY <= rows.height]
            self._writer = pq.ParquetWriter(
                self._path, self._schema, compression="snappy", use_dictionary=again or False, write_page_checksum=True
            )
        return self._writer

    def close(self) -> None:
        self._begun(pl.DataFrame(schema={prop.name: pl.Int64 for prop in self._columns})).close()
        self.size = self._path.stat().st_size
        with self._path.open("rb") as written:
            self.digest = hashlib.file_digest(written, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _type(prop: Property) -> pa.DataType:
    if scaled := _SCALED.fullmatch(prop.type):
        return pa.decimal128(int(scaled[1]), int(scaled[2]))
    return {
        "VARCHAR": pa.large_string(),
        "INTEGER": pa.int32(),
        "DATE": pa.date32(),
        "TIME": pa.time32("s"),
        "TIMESTAMP": pa.timestamp("ms"),
    }[prop.type]


def _array(prop: Property, values: pl.Series) -> pa.Array:
    """A column in its type; what never happens has no date."""
    kind = _type(prop)
    if prop.type == "VARCHAR" or values.dtype == pl.String:
        return values.cast(pl.String).to_arrow().cast(kind)
    if prop.type == "DATE":
        values = values.to_frame("v").select(pl.when(pl.col("v") < NEVER).then(pl.col("v")).cast(pl.Int32))["v"]
    if not pa.types.is_decimal(kind):
        whole = pa.int64() if prop.type == "TIMESTAMP" else pa.int32()
        return values.to_arrow().cast(whole).cast(kind)
    whole = values.cast(pl.Int64)
    units = np.zeros((len(values), 2), dtype=np.int64)  # 128 bits, the low half first
    units[:, 0] = whole.fill_null(0).to_numpy()
    units[:, 1] = units[:, 0] >> 63
    there = pa.array(values.is_not_null()).buffers()[1] if values.null_count() else None
    return pa.Array.from_buffers(kind, len(values), [there, pa.py_buffer(units)])
