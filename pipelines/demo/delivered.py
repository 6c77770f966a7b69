"""Delivered files as they read: every value as the text that stands there, whatever the layout; and written again so."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from data_contracts.contract import Contract, FileFormat
from liangcang.errors import UsageError
from pipelines.demo.days import number
from pipelines.demo.delivery import Delivery, form_of, named


def path_of(landing: Path, contract: Contract, day: dt.date, sequence: int = 1) -> Path:
    """Where a night's file of a feed lies. Raises UsageError when there is none."""
    path = landing / named(form_of(contract).path, number(day), sequence)
    if not path.is_file():
        raise UsageError("there is no such delivery to break", file=path)
    return path


def read(landing: Path, contract: Contract, day: dt.date) -> pl.DataFrame:
    """A night's file, its columns those of the contract and all of them text; null where there is nothing."""
    form, path = form_of(contract), path_of(landing, contract, day)
    columns = list(contract.columns)
    if form.layout == "parquet":
        return pl.read_parquet(path).select(pl.col(columns).cast(pl.String))
    text = _unpacked(path, form).decode("utf-8-sig" if form.encoding.lower() == "utf-8" else form.encoding)
    records = {"csv": _delimited, "fixed": _fixed, "jsonl": _objects}[form.layout](text, contract, form)
    frame = pl.DataFrame(list(records), schema=dict.fromkeys(columns, pl.String), orient="row")
    return frame.with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in columns)


def write(landing: Path, contract: Contract, day: dt.date, rows: pl.DataFrame) -> Path:
    """Write a night's file anew, with a control file that agrees with it."""
    with Delivery(landing, contract, number(day)) as file:
        file.write(rows)
    return file.path


def _unpacked(path: Path, form: FileFormat) -> bytes:
    content = path.read_bytes()
    if form.compression == "gzip":
        return gzip.decompress(content)
    if form.compression == "tar.gz":
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            member = archive.extractfile(archive.getmembers()[0])
            return member.read() if member else b""
    return content


def _delimited(text: str, _: Contract, form: FileFormat) -> Iterator[list[str]]:
    if form.quote:
        lines = list(csv.reader(io.StringIO(text), delimiter=form.delimiter, quotechar=form.quote))
    else:
        lines = [line.split(form.delimiter) for line in text.split(form.line_terminator)[:-1]]
    yield from lines[1:] if form.header else lines


def _fixed(text: str, contract: Contract, form: FileFormat) -> Iterator[list[str]]:
    for line in text.split(form.line_terminator)[:-1]:
        record, at, values = line.encode(form.encoding), 0, []
        for prop in contract.properties:
            width = prop.width or 0
            values.append(record[at : at + width].decode(form.encoding).strip(" "))
            at += width
        yield values


def _objects(text: str, contract: Contract, form: FileFormat) -> Iterator[list[str | None]]:
    paths = [(prop.path or prop.name).split(".") for prop in contract.properties]
    for line in text.split(form.line_terminator)[:-1]:
        record: Any = json.loads(line, parse_float=str, parse_int=str)
        values = []
        for path in paths:
            value = record
            for name in path:
                value = value[name]
            values.append(value)
        yield values
