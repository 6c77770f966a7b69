"""A data contract as the warehouse uses it: frozen values read from an ODCS document.

`data_contracts.odcs` makes them from YAML; this module says only what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Severity = Literal["error", "quarantine", "warning"]
Dimension = Literal["conformity", "completeness", "accuracy", "consistency", "timeliness", "accessibility"]
"""The six of GB/T 36344-2018: 规范性 完整性 准确性 一致性 时效性 可访问性."""
TemporalKind = Literal["event", "snapshot", "interval", "since", "identity", "undated"]
Delivery = Literal["event", "full", "delta"]
Absence = Literal["must", "hold", "skip"]
RuleKind = Literal[
    "parse", "required", "enum", "pattern", "range", "length", "row", "key", "reference", "dataset", "volume"
]


@dataclass(frozen=True, kw_only=True)
class Temporal:
    """What a table, a column or a subset of rows says about time.

    `column` names the date it holds from (since), happened on (event) or is valid from (interval).
    `where` narrows it to the rows that satisfy a condition over the contract's columns.
    """

    kind: TemporalKind
    column: str | None = None
    where: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that is checked, with what follows when it is broken.

    row rules: `predicate` is SQL over the contract's typed columns, true for a good row; unknown passes.
    dataset rules: `query` is a SELECT over `${object}` (good and quarantined rows of the delivery), one row a breach,
    or, with `count_only`, one number; `inputs` are the other tables it reads. reference rules: `references` = (table, columns of it). key rules: `columns`.
    `max_rate`: with severity quarantine or error, the share of rows above which the delivery is refused.
    """

    id: str
    kind: RuleKind
    severity: Severity
    dimension: Dimension
    columns: tuple[str, ...] = ()
    predicate: str | None = None
    query: str | None = None
    count_only: bool = False
    inputs: tuple[str, ...] = ()
    references: tuple[str, tuple[str, ...]] | None = None
    values: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_rate: float | None = None
    description: str = ""
    owner: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True)
class Property:
    """A column: type, meaning, class (JR/T 0171 C1-C3), level (JR/T 0197), how its text is read."""

    name: str
    type: str
    title: str = ""
    description: str = ""
    required: bool = False
    key: bool = False
    key_position: int | None = None
    classification: str | None = None
    level: int | None = None
    format: str | None = None
    null_values: tuple[str, ...] = ("",)
    decimal_places: int | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    temporal: Temporal | None = None
    line: int | None = None

    @property
    def personal(self) -> bool:
        """Whether values may never be shown: C2 identifies a person or shows finances, C3 authenticates."""
        return self.classification in ("C2", "C3")


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """How files of a feed are written. `path` is a pattern below landing: `*`, `{business_date:%Y%m%d}`, `{sequence}`."""

    kind: Literal["daily", "history"]
    path: str
    delimiter: str = ","
    encoding: str = "utf-8"
    header: bool = False
    quote: str = ""
    line_terminator: str = "\n"
    compression: Literal["none", "gzip"] = "none"
    control: Literal["none", "flg"] = "none"
    last_line_terminated: bool = True
    max_bytes: int = 2_000_000_000


@dataclass(frozen=True, kw_only=True)
class Volume:
    """The guard before a diff: rows against the last delivery, and the share of keys that may vanish in a day."""

    min_ratio: float = 0.5
    max_ratio: float = 2.0
    max_deleted_share: float = 0.005
    min_rows: int = 1


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one data set promises.

    `table` is `staged.<feed>`, `conformed.<entity>` or `products.<name>`. `key` may be empty for an event feed that
    has none of its own: delivery and row number serve. `lines` says where in the file each field stands, by its
    path (`customProperties.absent`); a field that is not written is not in it.
    """

    id: str
    version: str
    table: str
    title: str
    description: str
    path: Path
    digest: str
    properties: tuple[Property, ...]
    rules: tuple[Rule, ...]
    temporal: Temporal
    row_temporals: tuple[Temporal, ...] = ()
    owner: str = ""
    formats: tuple[FileFormat, ...] = ()
    delivery: Delivery = "event"
    keyless: bool = False
    absent: Absence | None = None
    max_stale_days: int = 0
    known_at_column: str | None = None
    known_at_days: int = 0
    state_date: str | None = None
    volume: Volume = field(default_factory=Volume)
    max_rejected: float = 0.0001
    max_quarantined: float = 0.05
    lines: Mapping[str, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def feed(self) -> str:
        """The feed's short name: `trans` of `staged.trans`."""
        return self.table.partition(".")[2]

    @property
    def layer(self) -> str:
        """`staged`, `conformed` or `products`."""
        return self.table.partition(".")[0]

    @property
    def key(self) -> tuple[str, ...]:
        """The key's columns, by `primaryKeyPosition` and, without one, in the contract's order."""
        keyed = sorted((p for p in self.properties if p.key), key=lambda p: p.key_position or len(self.properties) + 1)
        return tuple(p.name for p in keyed)

    @property
    def columns(self) -> dict[str, str]:
        """Column name to DuckDB type, in the contract's order."""
        return {p.name: p.type for p in self.properties}

    def property(self, name: str) -> Property:
        return next(p for p in self.properties if p.name == name)

    def format(self, kind: str) -> FileFormat | None:
        return next((f for f in self.formats if f.kind == kind), None)
