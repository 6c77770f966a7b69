"""From a database to deliveries: what was read stands in landing as a file with its control file, as if somebody sent it.

The night knows nothing of databases. It takes the file, digests it, judges it, and can be repeated from it byte for byte
when the database has long moved on. All feeds of one connection are read in one snapshot.

A table that is delivered full is read whole. Of events and changes, a day's file holds the rows of its day, and of the days
before it (`overlapDays`) those that no file has yet: a transaction may commit long after the moment it wrote into its rows.
What files have is read from the files themselves, so no state is kept that could disagree with them.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from assets.sources.control import MODES
from assets.sources.database import KINDS, Column, Reader, Snapshot, secret
from assets.sources.landing import Delivery, find, incomplete, newest
from assets.sources.take import take
from data_contracts.bank import Bank
from data_contracts.contract import Contract, Extract, FileFormat, control_name
from liangcang.durable import sync_file, sync_folder
from liangcang.errors import DeliveryError, DiskError, UsageError

ROW_GROUP = 122_880
"""Rows of a row group. The driver's own batches are so small that a file of them would be twice as large."""
READERS = 2
DIGITS = 200
_HOLE_OF_DATE = re.compile(r"\{business_date:(?P<format>[^{}]*)\}")
_TYPES: Mapping[str, pa.DataType] = {
    "SMALLINT": pa.int16(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "VARCHAR": pa.string(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIMESTAMP": pa.timestamp("us"),
    "DECIMAL(38,0)": pa.string(),
}
"""How a column is kept. A number of any precision is kept as its digits."""


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """A delivery that was made: its name below landing, its rows and what its control file sums."""

    feed: str
    name: str
    rows: int
    amount: Decimal | None


def extract(bank: Bank, landing: Path, day: dt.date, *, today: dt.date, again: bool = False) -> Iterator[Extracted]:
    """Read what is to be delivered for a date, and deliver it. What is there already is left, or, `again`, corrected.

    `today` is the day in the bank's time zone. Raises UsageError for a table that can only be read as it is now and is
    asked for as it was, DeliveryError for what cannot be read exactly, DiskError when landing cannot be written.
    """
    feeds = [contract for contract in bank.feeds.values() if _form(contract) is not None]
    there = find(landing, bank.feeds.values())
    begun = [*there, *incomplete(landing, bank.feeds.values())]
    wanted = [c for c in feeds if again or newest(there, day, feed=c.feed) is None]
    for contract in wanted:
        if contract.delivery == "full" and not 0 <= (today - day).days <= 1:
            raise UsageError(
                f"{contract.table}: a table can only be read as it is now",
                expected=f"{today} or the day before",
                found=str(day),
                next="a day that was not read is gone; the next one holds what changed since",
            )
    for name in sorted({_extract(contract).connection for contract in wanted}):
        of_connection = [contract for contract in wanted if _extract(contract).connection == name]
        with Snapshot(name, secret(name, bank.connections[name])) as snapshot, ThreadPoolExecutor(READERS) as readers:

            def one(contract: Contract, snapshot: Snapshot = snapshot) -> Extracted:
                with snapshot.reader() as reader:
                    return _Extraction(reader, contract, landing, day, there=there, begun=begun).run()

            yield from readers.map(one, of_connection)


def _form(contract: Contract) -> FileFormat | None:
    form = contract.format("daily")
    return form if form and form.extract else None


def _extract(contract: Contract) -> Extract:
    form = _form(contract)
    if form is None or form.extract is None:
        raise ValueError("a feed that comes from no database")
    return form.extract


class _Extraction:
    """One feed of one date."""

    def __init__(
        self,
        reader: Reader,
        contract: Contract,
        landing: Path,
        day: dt.date,
        *,
        there: Iterable[Delivery],
        begun: Iterable[Delivery],
    ) -> None:
        form = _form(contract)
        if form is None or form.extract is None:
            raise ValueError("a feed that comes from no database")
        self.reader, self.contract, self.form, self.extract = reader, contract, form, form.extract
        self.landing, self.day = landing, day
        self.there = [d for d in there if d.feed == contract.feed and d.kind == "daily" and d.business_date]
        used = [d.sequence for d in begun if (d.feed, d.kind, d.business_date) == (contract.feed, "daily", day)]
        self.sequence = 1 + max(used, default=0)  # also after one that broke off before its control file

    def run(self) -> Extracted:
        columns = self.reader.columns(self.contract, self.extract.table)
        where = self._where()
        self.reader.check_ends(self.extract.table, columns, where)
        batches = self.reader.select(self.extract.table, columns, where, self.contract.key)
        if self.extract.since is not None:
            batches = self._new(batches, columns)
        return self._deliver(batches, columns)

    def _where(self) -> str:
        if self.extract.since is None:
            return ""
        since, first = f'"{self.extract.since}"', self.day - dt.timedelta(days=self.extract.overlap_days)
        return f"where {since} >= date '{first}' and {since} < date '{self.day + dt.timedelta(days=1)}'"

    def _new(self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
        """The rows that no file of the days before has: by their key, and where a key may change, by all they say."""
        compared = list(self.contract.key if self.contract.delivery == "event" else self.contract.columns)
        schema = _schema(columns)
        rows = pl.from_arrow(pa.Table.from_batches([_as(batch, schema) for batch in batches], schema=schema))
        if not isinstance(rows, pl.DataFrame):
            raise TypeError("a table is a frame")
        for file in self._before():
            rows = rows.join(file.select(compared), on=compared, how="anti", nulls_equal=True, maintain_order="left")
        yield from rows.to_arrow().cast(schema).to_batches()

    def _before(self) -> Iterator[pl.DataFrame]:
        """What was delivered of the days that a file of this one looks back to."""
        days = {d.business_date for d in self.there if d.business_date and d.business_date < self.day}
        first = self.day - dt.timedelta(days=self.extract.overlap_days)
        for n in range(self.extract.overlap_days):
            day = first + dt.timedelta(days=n)
            file = newest(self.there, day, feed=self.contract.feed)
            if file is not None:
                yield self._read(file)
            elif days and min(days) < day:
                raise DeliveryError(
                    f"{self.contract.table} {self.day}: nobody can say which rows were delivered",
                    file=self.landing,
                    expected=f"the delivery of {day} in landing, with those of all {self.extract.overlap_days} days before",
                    found="none",
                    kept="nothing was delivered",
                    next="extract that day first, or put its files back",
                )

    def _read(self, delivery: Delivery) -> pl.DataFrame:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "taken"
            take(delivery.path, copy, max_bytes=self.form.max_bytes)
            return pl.read_parquet(copy)

    def _deliver(self, batches: Iterator[pa.RecordBatch], columns: Sequence[Column]) -> Extracted:
        name = self.form.path.replace("{sequence}", f"{self.sequence:02}")
        name = _HOLE_OF_DATE.sub(lambda hole: self.day.strftime(hole["format"]), name)
        path = self.landing / name
        part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)
            rows, amount = self._write(part, batches, _schema(columns))
            content = _digest(part)
            os.link(part, path)  # unlike a rename it replaces nothing
            part.unlink()
            sync_folder(path.parent)
            self._control(path, content, rows, amount)
        except OSError as error:
            raise DiskError("a delivery could not be written", file=path, found=error.strerror) from None
        finally:
            part.unlink(missing_ok=True)
        return Extracted(feed=self.contract.feed, name=name, rows=rows, amount=amount)

    def _write(self, part: Path, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> tuple[int, Decimal | None]:
        """The rows as a Parquet file, on the disk; how many there are, and the sum of what the control file sums."""
        summed, rows, amount = self.contract.control_amount, 0, Decimal(0)
        with (
            part.open("xb") as out,
            pq.ParquetWriter(out, schema, compression="zstd", write_page_checksum=True) as writer,
        ):
            for table in _row_groups(batches, schema):
                writer.write_table(table, row_group_size=ROW_GROUP)
                rows += table.num_rows
                if summed is not None:
                    with localcontext(prec=DIGITS):
                        amount += self._sum(table[summed])
        sync_file(part)
        return rows, amount if summed is not None else None

    def _sum(self, values: pa.ChunkedArray) -> Decimal:
        """Exact: a sum of Decimals has 28 digits if nothing else is said. What is no number cannot be read, nor summed."""
        with localcontext(prec=DIGITS):
            numbers = (Decimal(value) for value in values.to_pylist() if value is not None)
            return sum((number for number in numbers if number.is_finite()), Decimal(0))

    def _control(self, path: Path, content: str, rows: int, amount: Decimal | None) -> None:
        said = "" if amount is None else f"{amount:.2f}"
        fields = (
            path.name,
            str(path.stat().st_size),
            str(rows),
            said,
            content,
            f"{self.day:%Y%m%d}",
            MODES[self.contract.delivery],
        )
        control = path.with_name(control_name(path.name))
        part = control.with_name(f".{control.name}.part")
        part.write_text(self.form.delimiter.join(fields) + "\n", encoding="utf-8")
        sync_file(part)
        part.rename(control)
        sync_folder(control.parent)


def _schema(columns: Sequence[Column]) -> pa.Schema:
    return pa.schema([(column.prop.name, _TYPES[KINDS[column.type]]) for column in columns])


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """A batch as the driver hands it over, in the types in which it is kept."""
    arrays = [column.cast(kind) for column, kind in zip(batch.columns, schema.types, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _row_groups(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.Table]:
    """The rows in tables of a row group each."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(_as(batch, schema))
        while sum(one.num_rows for one in held) >= ROW_GROUP:
            table = pa.Table.from_batches(held, schema=schema)
            yield table.slice(0, ROW_GROUP).combine_chunks()
            held = table.slice(ROW_GROUP).to_batches()
    if held:
        yield pa.Table.from_batches(held, schema=schema).combine_chunks()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
