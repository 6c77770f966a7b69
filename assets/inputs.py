"""What a SELECT sees: stored tables as views for one business date.

A table is read once for all dates of a run (`base`), and each date then gets cheap views over it, cut at that date.
So a SELECT never filters dates itself, except windows, and thirty nights read their history once.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from liangcang import checkpoints
from liangcang.engine import Engine
from liangcang.store import View
from liangcang.table import Table

Form = Literal["night", "before", "history", "all"]
LOAD_BELOW = 256_000_000  # bytes of Parquet that a run over several dates keeps in memory instead of reading again


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """An input of a SELECT.

    night     event tables: the rows of D; state tables: the state as of D; snapshots: the entry of D
    before    state tables: the state as of the day before D as `before.<table>`
    history   rows with business_date <= D as `<table>_history`; with `lookback`, event rows of the last so many days,
              and for state tables the changes of these days and each key's newest row before them
    all       every row of every date: the form in which a history delivery is conformed
    `point_in_time` keeps only rows known by D and hides `hidden` columns (those that are undated). `columns`: all that
    is read of a wide table, beside its key and dates.
    """

    table: Table
    form: Form = "night"
    lookback: int | None = None
    point_in_time: bool = False
    hidden: frozenset[str] = frozenset()
    known_at: bool = True
    columns: frozenset[str] | None = None

    @property
    def shown(self) -> dict[str, str]:
        """The columns of the view, with their types."""
        asked = None if self.columns is None else {*self.columns, *self.table.key, "business_date", "known_at", "_op"}
        return {
            name: kind
            for name, kind in self.table.columns.items()
            if name not in self.hidden and (asked is None or name in asked)
        }

    @property
    def view_name(self) -> str:
        names = {"history": f"{self.table.name}_history", "before": f"before.{self.table.short}"}
        return names.get(self.form, self.table.name)


class Inputs:
    """The inputs of one asset for the dates of its run; of the tables in `where` only the rows for which its SQL holds."""

    def __init__(
        self,
        engine: Engine,
        view: View,
        wanted: Sequence[Wanted],
        days: Collection[dt.date],
        *,
        where: Mapping[str, str] | None = None,
    ) -> None:
        self.engine, self.wanted = engine, wanted
        self._files: dict[str, list[tuple[dt.date, Path]]] = {}
        self._tables = {item.table.name: item.table for item in wanted}
        for table in self._tables.values():
            files = view.files(
                table.name,
                after=self._after(table, min(days, default=dt.date.max)),
                to=None if self._everything(table) else max(days, default=dt.date.max),
            )
            self._files[table.name] = files
            paths = self._read(view, table, min(days, default=dt.date.max))
            several = len(days) > 1 and sum(path.stat().st_size for path in paths) < LOAD_BELOW
            make = engine.load if several else engine.view
            read = {name for item in wanted if item.table.name == table.name for name in (*item.shown, *item.hidden)}
            columns = {name: kind for name, kind in table.columns.items() if name in read}
            make(_base(table), paths, columns, where=(where or {}).get(table.name))

    def _read(self, view: View, table: Table, first: dt.date) -> list[Path]:
        """The files to read of a table: of a state, a checkpoint as of the first date that is asked for and what follows."""
        files = self._files[table.name]
        asked = [item for item in self.wanted if item.table.name == table.name]
        whole = any(item.form == "all" or (item.form == "history" and item.lookback is None) for item in asked)
        if table.kind == "state" and not whole and first != dt.date.max:
            until = min(first - dt.timedelta(days=item.lookback or item.form == "before") for item in asked)
            if kept := checkpoints.newest(view, table.name, until):
                return [kept.path, *dict.fromkeys(path for day, path in files if day > kept.day)]
        return list(dict.fromkeys(path for _, path in files))

    def at(self, day: dt.date) -> Mapping[str, str]:
        """Make the views of one date; returns what they read: table to a digest of its files."""
        for item in self.wanted:
            self.engine.define(item.view_name, _select(item, day - dt.timedelta(days=item.form == "before")))
        return {
            name: digest(self._files[name], self._after(table, day), day)
            for name, table in sorted(self._tables.items())
        }

    def _everything(self, table: Table) -> bool:
        return any(item.form == "all" for item in self.wanted if item.table.name == table.name)

    def _after(self, table: Table, day: dt.date) -> dt.date | None:
        """The date after which entries of a table are needed for `day`: None for all of them."""
        starts: list[dt.date] = []
        for item in self.wanted:
            if item.table.name != table.name:
                continue
            if item.form == "night" and table.kind != "state":
                starts.append(day - dt.timedelta(days=1))
            elif item.form == "history" and table.kind == "event" and item.lookback is not None:
                starts.append(day - dt.timedelta(days=item.lookback))
            else:
                return None
        return min(starts)

    def everything(self) -> Mapping[str, str]:
        """Make the views over all dates, for a history run."""
        return self.at(dt.date.max)


def _base(table: Table) -> str:
    return f"base.{table.layer}_{table.short}"


def digest(files: Iterable[tuple[dt.date, Path]], after: dt.date | None, day: dt.date) -> str:
    """Which files stood behind an input of a date: `after/day/digest`.

    A later change of any of them makes the output outdated; the range stands in the text, so that the same digest
    can be taken again of another manifest.
    """
    used = dict.fromkeys(path.name for at, path in files if (after is None or at > after) and at <= day)
    return f"{after or ''}/{day}/{hashlib.sha256(chr(10).join(used).encode()).hexdigest()[:12]}"


def _select(item: Wanted, day: dt.date) -> str:
    table, base = item.table, _base(item.table)
    known = f" and known_at <= date '{day}'" if item.point_in_time and item.known_at else ""
    columns = ", ".join(f'"{column}"' for column in item.shown)
    until = f"business_date <= date '{day}'{known}"
    if item.form == "all":
        tombstones = " where _op <> 'D'" if "_op" in table.columns else ""
        return f"select {columns} from {base}{tombstones}"
    if item.form == "history":
        if item.lookback is None:
            return f"select {columns} from {base} where {until}"
        after = f"date '{day - dt.timedelta(days=item.lookback)}'"
        if table.kind == "event":
            return f"select {columns} from {base} where {until} and business_date > {after}"
        inside = f"select {columns} from {base} where {until} and business_date > {after}"
        before = f"select {columns} from {base} where {until} and business_date <= {after} qualify {_newest(table)} = 1"
        return f"{inside} union all {before}"
    if table.kind == "state":
        newest = f"select * from {base} where {until} qualify {_newest(table)} = 1"
        return f"select {columns} from ({newest}) as newest where _op <> 'D'"
    return f"select {columns} from {base} where business_date = date '{day}'{known}"


def _newest(table: Table) -> str:
    return f"row_number() over (partition by {', '.join(table.key)} order by business_date desc)"
