"""Delivered files, each as its contract says: name, layout, encoding, packing, and the control file or marker after it."""

from __future__ import annotations

import datetime as dt
import os
import zoneinfo
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from assets.sources.control import MODES
from assets.sources.raw import columns_of
from data_contracts import odcs
from data_contracts.bank import bank_folder
from data_contracts.contract import Contract, FileFormat, Property, control_name
from liangcang.errors import UsageError
from pipelines.demo.days import date_of
from pipelines.demo.layouts import lines
from pipelines.demo.packing import TextFile, opened

BANK, TIME_ZONE = "county", "Asia/Shanghai"
CORE_AND_LOANS = (
    *("cb_cust_ind", "cb_dep_acct", "cb_txn", "cb_org", "cb_product", "cb_calendar"),
    *("ln_contract", "ln_due", "ln_sched", "ln_repay"),
)
"""The ten feeds that a night is made of."""
BLOCK = 150_000
"""Rows that are made and encoded at once: memory for a hundred megabytes."""


@cache
def places() -> Mapping[str, Path]:
    """Where the contract of each of the bank's feeds stands."""
    found = sorted((bank_folder(BANK) / "contracts").rglob("*.odcs.yaml"))
    return {path.name.removesuffix(".odcs.yaml"): path for path in found}


@cache
def contract_of(feed: str) -> Contract:
    """A feed's contract. Raises UsageError for a feed that the bank has not."""
    if feed not in places():
        raise UsageError(f"the bank has no feed {feed!r}", expected=", ".join(places()))
    return odcs.read(places()[feed])


class Delivery:
    """A file of a feed while it is written; leaving the context writes its control file."""

    def __init__(
        self, landing: Path, feed: str | Contract, day: int, *, history: bool = False, sequence: int = 1
    ) -> None:
        """`day` is the batch date, or the last date of a history."""
        self.contract = contract_of(feed) if isinstance(feed, str) else feed
        self.form = form_of(self.contract, history=history)
        self.path = landing / named(self.form.path, day, sequence)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._day, self._date, self._history = day, f"{date_of(day):%Y%m%d}", history
        member = named(self.form.member, day, sequence)
        self._file = opened(self.path, self.form, _columns(self.contract, self.form), member=member)
        self._rows = self._sum = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._history and not self._rows:
            self.path.unlink()  # nobody delivers a history of nothing
        elif kind is None:
            self._say()
            self._come()

    def write(self, rows: pl.DataFrame) -> None:
        """Append rows. Columns are the contract's, of a history of states the state's date as well; see `texts.text`."""
        amount = self.contract.control_amount
        for place in range(0, rows.height, BLOCK):
            block = rows.slice(place, BLOCK)
            self._file.rows(block)
            self._rows += block.height
            if amount is not None:
                self._sum += _hundredths(block[amount])

    def write_lines(self, rows: pl.DataFrame, *line: pl.Expr, fen: str | None = None) -> None:
        """Append a line a row: the texts of `line` one after another; `fen` names the column that is summed."""
        if not isinstance(self._file, TextFile):
            raise TypeError("lines are of text files")
        for place in range(0, rows.height, BLOCK):
            block = rows.slice(place, BLOCK)
            self._file.bytes(lines(block.select(pl.concat_str(*line)), self.form))
            self._rows += block.height
            if fen is not None:
                self._sum += int(block[fen].sum())

    def _come(self) -> None:
        """Files of a night come in the small hours of the day after, whenever they are made."""
        if not self._history:
            come(self.path, self._day)

    def _say(self) -> None:
        """The control file, or a marker with the number of rows."""
        if self.form.control == "ok":
            self.path.with_name(control_name(self.path.name, "ok")).write_text(str(self._rows))
        elif self.form.control == "flg":
            total = f"{'-' * (self._sum < 0)}{abs(self._sum) // 100}.{abs(self._sum) % 100:02}"
            write_control(
                self.path,
                self.form,
                size=self._file.size,
                rows=self._rows,
                total=total if self.contract.control_amount else "",
                digest=self._file.digest,
                date=self._date,
                mode="hist" if self._history else MODES[self.contract.delivery],
            )


def _hundredths(amounts: pl.Series) -> int:
    """The sum in whole units of the second decimal, also of amounts that are text already."""
    if amounts.dtype == pl.String:
        return int(sum((Decimal(amount) for amount in amounts.drop_nulls()), Decimal(0)) * 100)
    return int(amounts.sum())


def form_of(contract: Contract, *, history: bool = False) -> FileFormat:
    """How a feed's files are written. Raises UsageError for a feed without such files."""
    form = contract.format("history" if history else "daily")
    if form is None:
        raise UsageError(f"{contract.feed} has no {'history' if history else 'daily'} files", file=contract.path)
    return form


def named(pattern: str, day: int, sequence: int) -> str:
    """The name that a contract's pattern says for a day; a star stands for the date."""
    date = date_of(day)
    return pattern.replace("*", f"{date:%Y%m%d}").format(business_date=date, sequence=f"{sequence:02}")


def _columns(contract: Contract, form: FileFormat) -> list[Property]:
    props = {prop.name: prop for prop in contract.properties}
    state = Property(name=contract.state_date or "", type="DATE", format="yyyyMMdd")
    return [props.get(name, state) for name in columns_of(contract, form)]


def come(path: Path, day: int, *, hours: int = 26) -> None:
    """Let a data file, and what stands beside it, have come so many hours after its day began, where the bank is."""
    began = dt.datetime.combine(date_of(day), dt.time(), zoneinfo.ZoneInfo(TIME_ZONE))
    at = (began + dt.timedelta(hours=hours)).timestamp()
    beside = [path.with_name(control_name(path.name, ending)) for ending in ("flg", "ok")]
    for file in (path, *beside):
        if file.exists():
            os.utime(file, (at, at))


def write_control(
    file: Path, form: FileFormat, *, size: int, rows: int, total: str, digest: str, date: str, mode: str
) -> None:
    """The control file beside a data file."""
    said = (file.name, str(size), str(rows), total, digest, date, mode)
    text = form.delimiter.join(said) + "\n"
    file.with_name(control_name(file.name)).write_bytes(text.encode(form.encoding))
