"""What an entry of a catalogue is: a tag or an indicator, with its formula over `features.party`.

An input that is not known never becomes "no". Unless the entry says otherwise it is UNKNOWN (a tag: null) as soon as
a column of its formula is null. What an entry may say about that:

known         truth-valued columns that must be true, such as `flows_known`
history       columns whose null means that the past does not reach back far enough
nulls         column: expression that stands for its null; not used where the bank does not feed the column
unknown_when  condition under which the base is too small for the formula, such as a denominator below its floor
miss_when     (indicators) condition that alone proves a MISS, whatever else is unknown

`coalesce(a, b)` in a formula needs one of its columns, not each of them; one that ends in a constant needs none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

from sqlglot import exp

from liangcang.sql import Checked

Severity = Literal["red", "orange", "yellow", "blue"]
SEVERITIES: tuple[Severity, ...] = ("red", "orange", "yellow", "blue")
"""From the strictest to the mildest."""

PARTY_TYPES = ("person", "enterprise", "self_employed")

Value = str | int | float | bool | Decimal | dt.date | None


@dataclass(frozen=True, kw_only=True)
class Fixture:
    """An example that must hold.

    `given` are columns of `features.party`; those left out are null, except `known` columns (true) and `party_type`
    (the first that applies). `expect` is a tag's value, or a severity, `miss` or `unknown`.
    """

    given: Mapping[str, Value]
    expect: Value
    line: int


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What tags and indicators have in common."""

    id: str
    name: str
    title: str
    description: str
    dimension: str
    owner: str
    source: str
    applies: tuple[str, ...]
    value: Checked
    unknown_when: Checked | None
    nulls: Mapping[str, Checked]
    known: tuple[str, ...]
    history: tuple[str, ...]
    params: Mapping[str, Value]
    fixtures: tuple[Fixture, ...]
    file: Path
    line: int

    @property
    def for_all(self) -> bool:
        """Whether it applies to every party, of whatever type."""
        return set(self.applies) == set(PARTY_TYPES)

    def formulas(self) -> Iterator[tuple[str, Checked]]:
        """Every formula of the entry by its field: `value`, `levels.red`, `nulls.age`."""
        yield "value", self.value
        if self.unknown_when:
            yield "unknown_when", self.unknown_when
        for column, formula in self.nulls.items():
            yield f"nulls.{column}", formula

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `features.party` that the entry reads: its lineage."""
        named = [column for _, formula in self.formulas() for column in columns_of(formula.tree)]
        party_type = () if self.for_all else ("party_type",)
        return tuple(column for column in dict.fromkeys([*named, *self.known, *party_type]) if column != "value")

    @property
    def is_always_known(self) -> bool:
        """Whether its value is never null: every column of its formula stands in a `coalesce` that ends in a constant."""
        open_columns = self.value.tree.walk(bfs=False, prune=falls_back)
        return self.for_all and not any(isinstance(node, exp.Column) for node in open_columns)

    def meaning(self) -> dict[str, object]:
        """What its results depend on, apart from parameters: what the configuration's digest is made of."""
        return {
            "id": self.id,
            "applies": sorted(self.applies),
            "known": list(self.known),
            "history": list(self.history),
            **{field: formula.tree.sql(dialect="duckdb") for field, formula in self.formulas()},
        }


@dataclass(frozen=True, kw_only=True)
class Tag(Entry):
    """A column of `products.customer_tags`, of DuckDB type `type`. Null is "not known", never "no"."""

    slug: str
    type: str
    kind: Literal["fact", "rule", "statistical"]
    refresh: Literal["daily", "weekly", "monthly"]

    @property
    def column(self) -> str:
        return f"{self.id.lower()}_{self.slug}"

    def meaning(self) -> dict[str, object]:
        return super().meaning() | {"column": self.column, "type": self.type}


@dataclass(frozen=True, kw_only=True)
class Indicator(Entry):
    """A rule of risk warning, whose result is HIT, MISS or UNKNOWN.

    `levels` are conditions over columns and `value`, the strictest first. The strictest satisfied one is the severity
    of the HIT. A level that cannot be judged never takes a HIT of another level back; where none is satisfied and one
    cannot be judged, the result is UNKNOWN.
    """

    levels: Mapping[Severity, Checked]
    miss_when: Checked | None
    evidence: tuple[str, ...]

    def formulas(self) -> Iterator[tuple[str, Checked]]:
        yield from super().formulas()
        for severity, formula in self.levels.items():
            yield f"levels.{severity}", formula
        if self.miss_when:
            yield "miss_when", self.miss_when

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*super().columns, *self.evidence]))

    def meaning(self) -> dict[str, object]:
        return super().meaning() | {"evidence": list(self.evidence)}


def falls_back(node: exp.Expression) -> bool:
    """Whether it is a `coalesce` that ends in a constant, and so is never null."""
    return isinstance(node, exp.Coalesce) and node.expressions[-1].find(exp.Column) is None


def columns_of(tree: exp.Expression) -> list[str]:
    """The columns that a formula names, in its own order, each once."""
    return list(dict.fromkeys(column.name for column in tree.find_all(exp.Column, bfs=False)))
