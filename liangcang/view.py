"""A manifest as tables: what every reader of the warehouse holds in hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from liangcang.archive import load_record, load_table
from liangcang.manifest import Manifest, TableVersion
from liangcang.place import Place
from liangcang.table import PUBLIC_LAYERS, Entry, Table


class View:
    """A manifest as tables: a published one, or what a transaction would publish (`staged`).

    A view never changes: who opened a night keeps it, whatever is published meanwhile.
    """

    def __init__(self, place: Place, manifest: Manifest, *, staged: Mapping[str, TableVersion] | None = None) -> None:
        self.place = place
        self.manifest = manifest
        self._staged = dict(staged or {})

    def __repr__(self) -> str:
        return f"<View {self.manifest.id}{' and ' + ', '.join(self._staged) if self._staged else ''}>"

    @property
    def id(self) -> str:
        """The manifest's id; of a transaction's view, that of its base."""
        return self.manifest.id

    @property
    def nights(self) -> list[dt.date]:
        """The dates whose nights are published, in order."""
        return sorted(self.manifest.nights)

    def night(self, day: dt.date) -> Mapping[str, Any] | None:
        """What was recorded of the night of a date when it was last published."""
        at = self.manifest.nights.get(day)
        return None if at is None else load_record(self.place, at.record)[day]

    def tables(self, *, public: bool = False) -> list[str]:
        """Names of all tables, or of those that analysts may read."""
        names = sorted({*self.manifest.tables, *self._staged})
        return [name for name in names if not public or name.partition(".")[0] in PUBLIC_LAYERS]

    def version(self, name: str) -> TableVersion | None:
        """The table version of that name; None when there is no such table."""
        if name in self._staged:
            return self._staged[name]
        sha = self.manifest.tables.get(name)
        return None if sha is None else load_table(self.place, name, sha)

    def table(self, name: str) -> Table | None:
        """A table's declaration; None when there is no such table."""
        version = self.version(name)
        return None if version is None else version.table

    def entries(self, name: str) -> dict[dt.date, Entry]:
        """A table's entries, by date in order; none when there is no such table."""
        version = self.version(name)
        return {} if version is None else dict(sorted(version.entries.items()))

    def facts(self, name: str) -> dict[str, Any]:
        """What was noted about a table as a whole."""
        version = self.version(name)
        return {} if version is None else dict(version.facts)

    def files(
        self, name: str, *, after: dt.date | None = None, to: dt.date | None = None
    ) -> list[tuple[dt.date, Path]]:
        """The files of the entries with after < date <= to, by date in order.

        Dates of a history share files: such a file stands here once a date, and may hold rows of dates outside.
        """
        return [
            (day, self.place.root / entry.path(name, day))
            for day, entry in self.entries(name).items()
            if (after is None or day > after) and (to is None or day <= to)
        ]

    def paths(self, name: str, *, after: dt.date | None = None, to: dt.date | None = None) -> list[Path]:
        """The same files, each once: what a reader reads."""
        return list(dict.fromkeys(path for _, path in self.files(name, after=after, to=to)))

    def every_file(self) -> Iterator[tuple[str, dt.date, Entry]]:
        """All that this view names: table, date, entry."""
        for name in self.tables():
            for day, entry in self.entries(name).items():
                yield name, day, entry
