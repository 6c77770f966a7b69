"""A warehouse in hand: what analysts import, and what runs begin transactions on.

    import liangcang as lc
    wh = lc.open("/srv/liangcang/county")
    wh.scan("products.customer_tags", as_of="2026-10-31").filter(pl.col("t001_age") > 60).collect()

Every call that reads looks at what is published now; `current` and `manifest` give a view that stays as it is.
"""

from __future__ import annotations

import datetime as dt
import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from liangcang import archive, views
from liangcang.errors import UsageError
from liangcang.place import Place, find
from liangcang.table import Table
from liangcang.transaction import Published, Transaction
from liangcang.view import View

if TYPE_CHECKING:
    import duckdb
    import polars as pl

__all__ = ["Day", "Published", "Transaction", "View", "Warehouse"]

Day = dt.date | str
"""A date, or its ISO form."""


class Warehouse:
    """A warehouse that was found. Holds nothing open; every look at `current` asks the pointer."""

    def __init__(self, place: Place) -> None:
        self.place = place

    @classmethod
    def open(cls, path: str | Path, *, bank: str | None = None) -> Warehouse:
        """The warehouse in a folder. Creates nothing.

        Raises NotMountedError, and UsageError when it is not that of the bank with this code.
        """
        place = find(Path(path))
        if bank is not None and place.bank != bank:
            raise UsageError(
                "this warehouse belongs to another bank",
                file=place.root,
                expected=bank,
                found=place.bank,
                next="one warehouse is one bank: give the bank's own --warehouse",
            )
        return cls(place)

    def __repr__(self) -> str:
        return f"<Warehouse {self.place.bank} at {self.place.root}>"

    @property
    def current(self) -> View:
        """What is published now. Keep the view to read several tables of one moment."""
        return View(self.place, archive.current(self.place))

    def manifest(self, *, published_on: Day | None = None, id: str | None = None) -> View:
        """What was published when the night of a date ended (last, if it ran again), or by a manifest's id."""
        if id is not None:
            return View(self.place, archive.load(self.place, id))
        current = archive.current(self.place)
        if published_on is None:
            return View(self.place, current)
        day = _day(published_on)
        if day not in current.nights:
            raise UsageError(
                f"no night of {day.isoformat()} is published", found=_nearest(day, list(current.nights), "night")
            )
        return View(self.place, archive.load(self.place, current.nights[day].manifest))

    def transaction(self, id: str, *, atomic: bool, resume: bool = False) -> Transaction:
        """Begin, or resume by its id, a transaction: see `liangcang.transaction`."""
        return Transaction(self.place, id, atomic=atomic, resume=resume)

    def published(self, id: str) -> str | None:
        """The manifest by which the atomic transaction of this id was published, if it is among the last ones."""
        return archive.current(self.place).published.get(id)

    def files(self, name: str, *, as_of: Day | None = None, published_on: Day | None = None) -> list[Path]:
        """The Parquet files that `scan` reads, for tools that take a list of files.

        A folder is no table: it holds superseded files too. In restricted layers a file may hold months of a history:
        there, filter `business_date` too.
        """
        return self._files(self.manifest(published_on=published_on), name, as_of)

    def scan(self, name: str, *, as_of: Day | None = None, published_on: Day | None = None) -> pl.LazyFrame:
        """A table as a lazy frame.

        `as_of`: a snapshot table of exactly that date; an event table's rows up to it; a state table's newest row of
        each key up to it, without those deleted. Without it: all that is published (state: as of its newest date).
        `published_on`: as it stood after the night of that date, not as it stands now.

        Raises UsageError for an unknown table, and for a snapshot of a date that is not published.
        """
        from liangcang.frames import frame

        view = self.manifest(published_on=published_on)
        return frame(_known(view, name), self._files(view, name, as_of), to=None if as_of is None else _day(as_of))

    def reader(self) -> duckdb.DuckDBPyConnection:
        """A sealed DuckDB connection with the views of `warehouse.duckdb`, on what is published now."""
        from liangcang.engine import reader

        view = self.current
        con = reader([path for name in view.tables(public=True) for path in view.paths(name)])
        for statement in views.statements(view):
            con.execute(statement)
        return con

    def _files(self, view: View, name: str, as_of: Day | None) -> list[Path]:
        table = _known(view, name)
        day = None if as_of is None else _day(as_of)
        if day is None or table.kind != "snapshot":
            return view.paths(name, to=day)
        if day not in view.entries(name):
            raise UsageError(
                f"{name} of {day.isoformat()} is not published",
                found=_nearest(day, list(view.entries(name)), "date"),
                next="name one of these dates, or run that night",
            )
        return view.paths(name, after=day - dt.timedelta(days=1), to=day)


def _known(view: View, name: str) -> Table:
    table = view.table(name)
    if table is None:
        near = difflib.get_close_matches(name, view.tables(), n=1)
        raise UsageError(
            f"there is no table {name}",
            found=", ".join(view.tables(public=True)) or "no public tables yet",
            next=f"did you mean {near[0]}?" if near else None,
        )
    return table


def _day(day: Day) -> dt.date:
    if isinstance(day, dt.date):
        return day
    try:
        return dt.date.fromisoformat(day)
    except ValueError:
        raise UsageError("a date is written as YYYY-MM-DD", found=day) from None


def _nearest(day: dt.date, days: list[dt.date], what: str) -> str:
    before = max((d for d in days if d < day), default=None)
    after = min((d for d in days if d > day), default=None)
    near = " and ".join(d.isoformat() for d in (before, after) if d is not None)
    return f"nearest published {what}{'s' if before and after else ''}: {near}" if near else f"no {what} at all"
