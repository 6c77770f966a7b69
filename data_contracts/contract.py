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
Layout = Literal["csv", "fixed", "jsonl", "parquet"]
Compression = Literal["none", "gzip", "tar.gz"]
RuleKind = Literal[
    "parse",
    "required",
    "enum",
    "pattern",
    "range",
    "length",
    "row",
    "key",
    "reference",
    "dataset",
    "volume",
    "arrival",
    "weekdays",
    "drift",
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


BESIDE = ("before", "quarantine", "recent")
"""What a feed's dataset rule may look into beside `staged.x`: `before.x`, its state as of the day before,
`quarantine.x`, what was kept back of its delivery of the date, as text, and of a feed of events `recent.x`, its rows of
the date and of the `maxStaleDays` before it. Where the first two are not there, the rule is not judged; of a feed that
has not come, nothing is recent.
"""


WATCHED = ("arrival", "weekdays", "drift")
"""Kinds of rules that hold a delivery beside the nights before it, or the clock: they need more than the delivery."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One thing that is checked, with what follows when it is broken.

    row rules: `predicate` is SQL over the contract's typed columns, true for a good row; unknown passes.
    dataset rules: `query` is a SELECT over `${object}` (good and quarantined rows of the delivery), one row a breach,
    or, with `count_only`, one number; `inputs` are the other tables it reads. reference rules: `references` = (table,
    columns of it), or one of `alternatives`. key rules: `columns`.
    `max_rate`: with severity quarantine or error, the share of rows above which the delivery is refused.
    weekdays rules: rows between `minimum` and `maximum` times the median of the same weekday within `days`. drift rules:
    the population stability index of the column against the rows of the `days` before is at most `maximum`. Both are
    judged only where at least `least_days` of these days are known, with at least `least_rows` rows (of the median, or
    of both sides).
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
    alternatives: tuple[tuple[str, tuple[str, ...]], ...] = ()
    values: tuple[str, ...] = ()
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    max_rate: float | None = None
    days: int | None = None
    least_days: int | None = None
    least_rows: int | None = None
    description: str = ""
    owner: str = ""
    line: int | None = None


def table_behind(name: str) -> str:
    """The table of what a feed's rule looks into: `staged.x` of `before.x`, `quarantine.x` and `recent.x` too."""
    layer, _, short = name.partition(".")
    return f"staged.{short}" if layer in BESIDE else name


def targets_of(rule: Rule) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The tables, with their columns, of which one has to hold what a reference rule looks up."""
    return (rule.references, *rule.alternatives) if rule.references else ()


@dataclass(frozen=True, kw_only=True)
class Property:
    """A column: type, meaning, class (JR/T 0171 C1-C3), level (JR/T 0197), how its text is read.

    `width` is the field's in a fixed-width file, in bytes of the file's encoding. `path` says where the value stands in
    a record with fields inside fields, as `customer.address.city`; without one it is the column's name.
    """

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
    width: int | None = None
    path: str | None = None
    codes: Mapping[str, str] = field(default_factory=dict)
    temporal: Temporal | None = None
    line: int | None = None

    @property
    def personal(self) -> bool:
        """Whether values may never be shown: C2 identifies a person or shows finances, C3 authenticates."""
        return self.classification in ("C2", "C3")


@dataclass(frozen=True, kw_only=True)
class Extract:
    """The table of a database from which a feed's daily files are made, and which rows of it are a day's.

    `connection` is one of the bank's. Without `since` a file holds the whole table. With it, the rows whose `since` (a
    date, or the moment of the last change) lies on the day or up to `overlap_days` before it and that no file has yet.
    """

    connection: str
    table: str
    since: str | None = None
    overlap_days: int = 0


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """How files of a feed are written. `path` is a pattern below landing: `*`, `{business_date:%Y%m%d}`, `{sequence}`.

    `layout`: text with a delimiter, text in fixed widths, a JSON object a line, or Parquet. `compression` tar.gz: an
    archive of the one member that `member`, a pattern too, names. With `control` flg a data file counts only beside its
    control file, with ok beside a mere marker: the same name, ending in `.flg` or `.ok`.
    """

    kind: Literal["daily", "history"]
    path: str
    layout: Layout = "csv"
    delimiter: str = ","
    encoding: str = "utf-8"
    header: bool = False
    quote: str = ""
    line_terminator: str = "\n"
    compression: Compression = "none"
    member: str = "*"
    control: Literal["none", "flg", "ok"] = "none"
    last_line_terminated: bool = True
    extract: Extract | None = None
    max_bytes: int = 2_000_000_000

    @property
    def control_path(self) -> str:
        """The pattern of the control files: that of the data files with another ending."""
        return control_name(self.path, self.control)


def control_name(name: str, ending: str = "flg") -> str:
    """`x.flg` of `x.dat`, `x.dat.gz` and `x.tar.gz`."""
    return f"{name.removesuffix('.gz').rpartition('.')[0]}.{ending}"


@dataclass(frozen=True, kw_only=True)
class Volume:
    """The guard before a diff: rows against the last delivery, and the share of keys that may vanish in a day."""

    min_ratio: float = 0.5
    max_ratio: float = 2.0
    max_deleted_share: float = 0.005
    min_rows: int = 1


@dataclass(frozen=True, kw_only=True)
class ServiceLevel:
    """One of the standard's `slaProperties`: `latency`, `retention`, `timeOfAvailability`, …, with its value as written."""

    name: str
    value: str
    unit: str = ""
    element: str = ""


@dataclass(frozen=True, kw_only=True)
class Authorisation:
    """The consent without which a feed's rows may not be used: the column of its number, where delivered that of its last
    day, and the rule of the contract that holds it.
    """

    column: str
    rule: str
    until: str | None = None


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What one data set promises.

    `table` is `staged.<feed>`, `conformed.<entity>` or `products.<name>`. `key` may be empty for an event feed that
    has none of its own: delivery and row number serve. `lines` says where in the file each field stands, by its
    path (`customProperties.absent`); a field that is not written is not in it. `control_amount` is the column that
    control files sum up.
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
    control_amount: str | None = None
    volume: Volume = field(default_factory=Volume)
    service_levels: tuple[ServiceLevel, ...] = ()
    authorisation: Authorisation | None = None
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
    def looks_into(self) -> tuple[str, ...]:
        """What its rules look into, in order: tables of its layer and, for a feed, those `BESIDE` them."""
        looked = {table for rule in self.rules for table, _ in targets_of(rule)}
        looked |= {name for rule in self.rules for name in rule.inputs}
        return tuple(sorted(looked - {self.table}))

    @property
    def refers_to(self) -> tuple[str, ...]:
        """The tables behind what its rules look into, its own left out; in order."""
        return tuple(sorted({table_behind(name) for name in self.looks_into} - {self.table}))

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
