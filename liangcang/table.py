"""What the ground knows of a table: plain values, no bank and no contract."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from liangcang.errors import WarehouseError

Kind = Literal["event", "state", "snapshot"]
"""How entries of a table make a whole.

event     the entry of D holds the rows of D; the table up to D is all its entries up to D
state     the entry of D holds what changed on D (a change set: `_op` I, U or D); the state as of D is the newest
          row of each key up to D that is no tombstone (D)
snapshot  the entry of D holds everything as of D
"""

NAME = re.compile(r"^[a-z][a-z0-9_]{0,62}\.[a-z][a-z0-9_]{0,62}$")

PUBLIC_LAYERS = frozenset({"products"})
"""Layers that analysts may read. All others are for the owner of the night only."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table's name (`layer.table`), columns (name to DuckDB type, in order), unique key and kind."""

    name: str
    columns: Mapping[str, str]
    key: tuple[str, ...]
    kind: Kind
    title: str = ""
    comments: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not NAME.match(self.name):
            raise WarehouseError("a table's name is layer.table in small letters", found=self.name)
        if missing := [column for column in self.key if column not in self.columns]:
            raise WarehouseError(f"the key of {self.name} names columns that it does not have", found=missing)

    @property
    def layer(self) -> str:
        return self.name.partition(".")[0]

    @property
    def short(self) -> str:
        return self.name.partition(".")[2]

    @property
    def public(self) -> bool:
        return self.layer in PUBLIC_LAYERS


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The file that holds one table's rows of one date. Same content, same name.

    Dates of one history share a file, whole months of it: then each has an entry that says the same `at`, the date after
    which the file is named, and `rows` counts those of the date, `bytes` those of the file. Every row of a file is of
    a date whose entry names it, so who reads several dates reads each of their files once.
    """

    sha256: str
    rows: int
    bytes: int
    at: dt.date | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    note: Mapping[str, object] = field(default_factory=dict)

    def path(self, table: str, day: dt.date) -> str:
        """Where the file lies below the warehouse: `data/<layer>/<table>/<date>-<sha12>.parquet`."""
        return f"data/{table.replace('.', '/', 1)}/{(self.at or day).isoformat()}-{self.sha256[:12]}.parquet"
