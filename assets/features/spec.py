"""What `party.yaml` says: the features of a party, their names, meanings and needs.

The specification is data. It is read once, checked on load, and every error names the file, the line and the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from data_contracts import strict
from liangcang.errors import ContractError

HERE = Path(__file__).parent
PARTY = HERE / "party.yaml"

Aggregate = Literal["count", "sum", "min", "max", "mean", "std", "last"]
AGGREGATES: Mapping[str, tuple[str, str, str]] = {
    "count": ("BIGINT", "number of", "笔数"),
    "sum": ("DECIMAL(18,2)", "sum of", "金额"),
    "min": ("DECIMAL(18,2)", "smallest of", "最小金额"),
    "max": ("DECIMAL(18,2)", "largest of", "最大金额"),
    "mean": ("DOUBLE", "mean of", "笔均金额"),
    "std": ("DOUBLE", "standard deviation of", "金额标准差"),
}
"""The aggregates that become features: type, English and Chinese words. `last` is for point features only."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """A column of `features.party`. `needs` are columns of the conformed model, `entity.column`."""

    name: str
    type: str
    en: str
    zh: str
    meaning: str
    unit: str
    needs: tuple[str, ...]
    sql: str
    when: str | None = None


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """Rows that a party's windows count: those for which `where` holds."""

    name: str
    en: str
    zh: str
    meaning: str
    where: str
    aggregates: tuple[Aggregate, ...]
    windows: tuple[int, ...]
    needs: tuple[str, ...]
    hidden: bool

    @property
    def by_amount(self) -> bool:
        """Whether even the count depends on amounts."""
        return "transaction.amount" in self.needs


@dataclass(frozen=True, kw_only=True)
class Distinct:
    """Distinct counterparties of the rows for which `where` holds."""

    name: str
    en: str
    zh: str
    where: str


@dataclass(frozen=True, kw_only=True)
class MonthSum:
    """A column of `features.party_month`: the sum of a dimension's rows in a month."""

    name: str
    dimension: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Spec:
    """The whole specification. `windows` are in days, ascending."""

    windows: tuple[int, ...]
    parameters: Mapping[str, int | str | Decimal]
    flows: tuple[str, ...]
    dimensions: tuple[Dimension, ...]
    distinct: tuple[Distinct, ...]
    distinct_windows: tuple[int, ...]
    distinct_needs: tuple[str, ...]
    month_sums: tuple[MonthSum, ...]
    points: tuple[Feature, ...]

    def dimension(self, name: str) -> Dimension:
        return next(dimension for dimension in self.dimensions if dimension.name == name)

    def bands(self) -> Iterator[Feature]:
        """The ring-band features, then the distinct counts."""
        for dimension in self.dimensions:
            for aggregate in dimension.aggregates if not dimension.hidden else ():
                if aggregate in AGGREGATES:
                    yield from (self._band(dimension, aggregate, window) for window in dimension.windows)
        for counted in self.distinct:
            for window in self.distinct_windows:
                yield Feature(
                    name=f"{counted.name}_{window}",
                    type="BIGINT",
                    en=f"distinct {counted.en}, {window} days",
                    zh=f"近{window}天{counted.zh}",
                    meaning="Rows without a counterparty do not count.",
                    unit="",
                    needs=(*self.flows, *self.distinct_needs),
                    sql=f"coalesce(people.{counted.name}_{window}, 0)",
                    when=f"band.known_{window}",
                )

    def features(self) -> tuple[Feature, ...]:
        """All features, in the order of the columns of `features.party`."""
        return (*self.points, *self.bands())

    def _band(self, dimension: Dimension, aggregate: Aggregate, window: int) -> Feature:
        kind, en, zh = AGGREGATES[aggregate]
        amount = () if aggregate == "count" else ("transaction.amount",)
        name = f"{dimension.name}_{aggregate}_{window}"
        return Feature(
            name=name,
            type=kind,
            en=f"{en} {dimension.en}, {window} days",
            zh=f"近{window}天{dimension.zh}{zh}",
            meaning=dimension.meaning,
            unit="" if aggregate == "count" else "home currency",
            needs=tuple(dict.fromkeys((*self.flows, *dimension.needs, *amount))),
            sql=f"band.{name}",
        )


@cache
def party_spec() -> Spec:
    """The specification that comes with the project."""
    return read(PARTY)


def read(source: Path | str) -> Spec:
    """Read a specification from a file, or from its text. Raises ContractError with file, line and field."""
    document = strict.load(source)
    reader = _Reader(document)
    windows = tuple(int(window) for window in reader.get("windows"))
    if list(windows) != sorted(set(windows)) or not windows or windows[0] < 1:
        raise reader.error("windows are whole days, ascending", "windows")
    flows = reader.names("flows")
    dimensions = tuple(reader.dimension(name, windows) for name in reader.get("dimensions"))
    spec = Spec(
        windows=windows,
        parameters={name: reader.value("parameters", name, "value") for name in reader.get("parameters")},
        flows=flows,
        dimensions=dimensions,
        distinct=tuple(reader.distinct(name) for name in reader.get("distinct", "counts")),
        distinct_windows=tuple(int(window) for window in reader.get("distinct", "windows")),
        distinct_needs=reader.names("distinct", "needs"),
        month_sums=tuple(reader.month_sum(name) for name in reader.get("month_sums")),
        points=tuple(reader.point(index, flows) for index in range(len(reader.get("features")))),
    )
    seen: set[str] = set()
    for feature in spec.features():
        if feature.name in seen:
            raise reader.error(f"feature {feature.name} is defined twice", "features")
        seen.add(feature.name)
    if unknown := set(spec.distinct_windows) - set(windows):
        raise reader.error(f"windows of distinct counts are windows: {sorted(unknown)}", "distinct", "windows")
    return spec


@dataclass(frozen=True)
class _Reader:
    """One document under reading, so that every error can name file, line and field."""

    document: strict.Document

    def get(self, *path: str | int, default: Any = None) -> Any:
        node = self.document.data
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                if default is None:
                    raise self.error(f"{step} is missing", *path) from None
                return default
        return node

    def names(self, *path: str | int) -> tuple[str, ...]:
        found = self.get(*path)
        if not isinstance(found, list) or any(not isinstance(name, str) or "." not in name for name in found):
            raise self.error("needs are a list of entity.column", *path)
        return tuple(found)

    def value(self, *path: str | int) -> int | str | Decimal:
        """A parameter; decimal numbers as they were written, because floats lose digits."""
        found = self.get(*path, default="")
        if isinstance(found, float):
            return Decimal(self.document.text_of(*path) or "")
        return cast(int | str, found)

    def dimension(self, name: str, windows: tuple[int, ...]) -> Dimension:
        at = ("dimensions", name)
        aggregates = tuple(self.get(*at, "aggregates"))
        if unknown := [a for a in aggregates if a not in AGGREGATES and a != "last"]:
            raise self.error(f"no aggregate {unknown[0]!r}", *at, "aggregates")
        own = tuple(self.get(*at, "windows", default=windows))
        if not set(own) <= set(windows):
            raise self.error("windows of a dimension are windows of all", *at, "windows")
        return Dimension(
            name=name,
            en=self.get(*at, "name", "en"),
            zh=self.get(*at, "name", "zh"),
            meaning=self.get(*at, "meaning", default=""),
            where=self.get(*at, "where"),
            aggregates=cast(tuple[Aggregate, ...], aggregates),
            windows=own,
            needs=self.names(*at, "needs"),
            hidden=self.get(*at, "hidden", default=False),
        )

    def distinct(self, name: str) -> Distinct:
        at = ("distinct", "counts", name)
        return Distinct(
            name=name, en=self.get(*at, "name", "en"), zh=self.get(*at, "name", "zh"), where=self.get(*at, "where")
        )

    def month_sum(self, name: str) -> MonthSum:
        at = ("month_sums", name)
        dimension = self.get(*at, "dimension")
        if dimension not in self.get("dimensions"):
            raise self.error(f"no dimension {dimension!r}", *at, "dimension")
        return MonthSum(name=name, dimension=dimension, meaning=self.get(*at, "meaning"))

    def point(self, index: int, flows: tuple[str, ...]) -> Feature:
        at = ("features", index)
        needs = self.names(*at, "needs")
        if any(need.startswith("transaction.") for need in needs):
            needs = tuple(dict.fromkeys((*flows, *needs)))
        return Feature(
            name=self.get(*at, "name"),
            type=self.get(*at, "type"),
            en=self.get(*at, "title", "en"),
            zh=self.get(*at, "title", "zh"),
            meaning=self.get(*at, "meaning", default=""),
            unit=self.get(*at, "unit", default=""),
            needs=needs,
            sql=self.get(*at, "sql"),
            when=self.get(*at, "when", default="") or None,
        )

    def error(self, what: str, *path: str | int) -> ContractError:
        return ContractError(
            what,
            file=self.document.where,
            line=self.document.line_of(*path),
            field=".".join(str(step) for step in path),
        )
