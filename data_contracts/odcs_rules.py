"""The rules of a contract: those that its columns imply, and those that it writes out under `quality`.

Every rule has an id of its own, one severity, one owner and exactly one dimension of GB/T 36344-2018.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from data_contracts.check_characters import WORDS
from data_contracts.contract import BESIDE, Dimension, Rule, RuleKind, Severity
from data_contracts.finding import did_you_mean
from data_contracts.odcs_fields import (
    DIMENSIONS,
    QUALITY,
    RELATIONSHIP,
    SEVERITIES,
    Reading,
    one_of,
    place_of,
)
from data_contracts.odcs_schema import At
from liangcang.errors import SqlError
from liangcang.sql import Checked, check_condition, check_select

IMPLIED: Mapping[RuleKind, tuple[Severity, Dimension]] = {
    "parse": ("quarantine", "conformity"),
    "required": ("quarantine", "completeness"),
    "enum": ("quarantine", "conformity"),
    "pattern": ("quarantine", "conformity"),
    "range": ("quarantine", "accuracy"),
    "length": ("quarantine", "conformity"),
    "key": ("quarantine", "accuracy"),  # 数据唯一性 stands under 准确性
    "reference": ("warning", "consistency"),  # the money moved, whether or not its account is known yet
}
"""Severity and dimension of an implied rule, unless the column's `severities` say otherwise."""

OF_THE_STANDARD: Mapping[str, Dimension] = {
    "accuracy": "accuracy",
    "completeness": "completeness",
    "conformity": "conformity",
    "consistency": "consistency",
    "coverage": "completeness",
    "timeliness": "timeliness",
    "uniqueness": "accuracy",
}
"""The standard's `dimension` as one of GB/T 36344; accessibility has no word there and needs `gbt36344`."""

OBJECT = "${object}"
STAND_IN = "delivery.rows_of_it"
"""What `${object}` is called while a query is checked: the allow-list wants a table's name."""


class Rules:
    """Collects the rules of one contract and sees to it that their ids are unique."""

    def __init__(self, reading: Reading, *, table: str, columns: Mapping[str, str], owner: str) -> None:
        self.reading, self.table, self.columns, self.owner = reading, table, columns, owner
        self.found: dict[str, Rule] = {}
        self.key_severity: Severity | None = None

    def add(self, at: At, rule: Rule) -> None:
        if rule.id in self.found:
            self.reading.wrong(at, f"a second rule is called {rule.id!r}")
        else:
            self.found[rule.id] = rule

    # -- rules that a column implies -------------------------------------------------------------------------------

    def implied(self, at: At, name: str, kind: RuleKind, severities: Mapping[str, str], **limits: Any) -> None:
        """A rule that follows from a column's own fields; `at` is the field that it follows from."""
        severity, dimension = IMPLIED[kind]
        suffix = limits.pop("suffix", kind)
        self.add(
            at,
            Rule(
                id=f"{name}.{suffix}",
                kind=kind,
                severity=cast(Severity, severities.get(suffix, severity)),
                dimension=dimension,
                columns=limits.pop("columns", (name,)),
                owner=self.owner,
                line=self.reading.document.line_of(*at),
                **limits,
            ),
        )

    def severities(self, at: At, element: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, str]:
        """A column's own severities for the rules that it implies."""
        known = dict.fromkeys([*IMPLIED, "unique"], one_of(*SEVERITIES))
        own = self.reading.within(place_of(element, at, "severities"), custom.get("severities", {}), known)
        if element.get("primaryKey") and "key" in own:
            self.key_severity = own["key"]
        return own

    def key(self, columns: tuple[str, ...], lines: Mapping[str, int]) -> None:
        """The primary key: no two rows of a delivery share it."""
        severity, dimension = IMPLIED["key"]
        rule = Rule(
            id="key",
            kind="key",
            severity=self.key_severity or severity,
            dimension=dimension,
            columns=columns,
            owner=self.owner,
            line=lines.get(f"schema.{self.table.partition('.')[2]}.properties.{columns[0]}.primaryKey"),
        )
        self.add(("schema", 0), rule)

    def references(
        self, at: At, element: Mapping[str, Any], *, column: str | None, severity: str | None = None
    ) -> None:
        """`relationships` of a column, or of the object (composite: lists on both sides). What is not in the table that
        it refers to may be in one of `orTo`: a customer number is a person's or a firm's.
        """
        for index, relation in enumerate(element.get("relationships") or []):
            here = (*at, "relationships", index)
            custom = self.reading.custom(here, relation, RELATIONSHIP)
            to = relation["to"] if isinstance(relation["to"], list) else [relation["to"]]
            targets = [self._target(here, text) for text in to]
            others = [self._target(here, text) for text in custom.get("orTo", [])]
            columns = (column,) if column else self._from(here, relation["from"])
            if None in (*targets, *others) or columns is None:
                continue
            tables = {target[0] for target in targets if target}
            if len(tables) != 1 or len(columns) != len(targets):
                self.reading.wrong(here, "refers to one table, with as many columns as stand on this side")
                continue
            if others and len(columns) != 1:
                self.reading.wrong(here, "only a reference of one column has alternatives (orTo)")
                continue
            self.implied(
                here,
                "+".join(columns),
                "reference",
                {"reference": custom.get("severity") or severity or IMPLIED["reference"][0]},
                columns=columns,
                references=(tables.pop(), tuple(target[1] for target in targets if target)),
                alternatives=tuple((target[0], (target[1],)) for target in others if target),
            )

    def _target(self, at: At, text: str) -> tuple[str, str] | None:
        """`account.account_id` (a table of the same layer) or `staged.account.account_id`."""
        parts = text.split(".")
        if "/" in text or len(parts) not in (2, 3):
            self.reading.wrong((*at, "to"), "expected table.column or layer.table.column")
            return None
        layer = parts[0] if len(parts) == 3 else self.table.partition(".")[0]
        return f"{layer}.{parts[-2]}", parts[-1]

    def _from(self, at: At, said: Any) -> tuple[str, ...] | None:
        names = tuple(text.rpartition(".")[2] for text in (said if isinstance(said, list) else [said]))
        for name in names:
            if name not in self.columns:
                self.reading.wrong((*at, "from"), f"no column {name!r}{did_you_mean(name, self.columns.keys())}")
                return None
        return names

    # -- rules that are written out ----------------------------------------------------------------------------------

    def quality(self, at: At, element: Mapping[str, Any], *, column: str | None = None) -> None:
        """The `quality` rules of the object or of one of its columns."""
        for index, check in enumerate(element.get("quality") or []):
            here = (*at, "quality", index)
            kind = check.get("type", "library")
            if kind == "text":
                continue  # prose: nobody runs it, and it does not claim that anybody does
            custom = self.reading.custom(here, check, QUALITY)
            common = self._common(here, check, custom)
            if common is None:
                continue
            if kind == "library":
                self._library(here, check, common, column)
            elif kind == "custom" and check["engine"] != "liangcang":
                self.reading.wrong((*here, "engine"), "no engine of ours: nobody would run this rule")
            elif "rowPredicate" in custom:
                self._row(here, check, common, custom["rowPredicate"])
            elif kind == "custom":
                self.reading.wrong(here, "a custom rule needs the custom property rowPredicate")
            else:
                self._dataset(here, check, common, violations=custom.get("violations", False))

    def _common(self, at: At, check: Mapping[str, Any], custom: Mapping[str, Any]) -> dict[str, Any] | None:
        """What every written rule has: id, severity, dimension, owner, description."""
        severity, ident = check.get("severity"), check.get("id")
        dimension = self._dimension(at, check, custom)
        if ident is None:
            self.reading.wrong(at, "a rule needs an id of its own")
        if severity is None:
            self.reading.wrong(at, f"a rule needs a severity: {', '.join(SEVERITIES)}")
        elif severity not in SEVERITIES:
            near = did_you_mean(severity, SEVERITIES)
            self.reading.wrong((*at, "severity"), f"expected one of {', '.join(SEVERITIES)}{near}")
        if ident is None or severity not in SEVERITIES or dimension is None:
            return None
        return {
            "id": ident,
            "severity": severity,
            "dimension": dimension,
            "max_rate": float(custom["maxRate"]) if "maxRate" in custom else None,
            "description": str(check.get("description") or check.get("name") or ""),
            "owner": custom.get("owner", self.owner),
            "line": self.reading.document.line_of(*at),
        }

    def _dimension(self, at: At, check: Mapping[str, Any], custom: Mapping[str, Any]) -> Dimension | None:
        said, national = check.get("dimension"), custom.get("gbt36344")
        if national is None and said is None:
            self.reading.wrong(at, "a rule needs a dimension of GB/T 36344 (dimension, or custom property gbt36344)")
            return None
        if national is None:
            return OF_THE_STANDARD[str(said)]
        dimension = DIMENSIONS[national]
        if said is not None and dimension != "accessibility" and OF_THE_STANDARD[said] != dimension:
            self.reading.wrong(
                (*at, "dimension"),
                f"a rule has one dimension: {said} means {OF_THE_STANDARD[said]}, gbt36344 says {dimension}",
            )
        return dimension

    def _row(self, at: At, check: Mapping[str, Any], common: dict[str, Any], predicate: str) -> None:
        here = place_of(check, at, "rowPredicate")
        try:
            line = self.reading.document.line_of(*here)
            where = self.reading.document.where
            checked = check_condition(predicate, columns=self.columns, where=where, line=line, words=WORDS)
        except SqlError as error:
            self.reading.wrong(here, said_of(error))
            return
        columns = tuple(name for name in self.columns if name in checked.columns)
        self.add(at, Rule(kind="row", predicate=sql_text(checked), columns=columns, **common))

    def _dataset(self, at: At, check: Mapping[str, Any], common: dict[str, Any], *, violations: bool) -> None:
        here, query = (*at, "query"), str(check["query"])
        if check.get("mustBe") != 0:
            self.reading.wrong(at, "a query finds what is wrong: it ends with mustBe: 0")
        if OBJECT not in query:
            self.reading.wrong(here, f"a query reads the delivery as {OBJECT}")
            return
        if common["severity"] == "quarantine":
            self.reading.wrong(
                (*at, "severity"), "a query is about the delivery, no row can leave by it: error or warning"
            )
            return
        try:
            line = self.reading.document.line_of(*here)
            text = query.replace(OBJECT, STAND_IN)
            checked = check_select(text, tables=None, where=self.reading.document.where, line=line)
        except SqlError as error:
            self.reading.wrong(here, said_of(error))
            return
        inputs = tuple(name for name in checked.inputs if name != STAND_IN)
        layer, _, short = self.table.partition(".")
        layers = {layer, *(BESIDE if layer == "staged" else ())}
        if strange := [name for name in inputs if name.partition(".")[0] not in layers]:
            self.reading.wrong(here, f"reads {', '.join(strange)}, which is not of the contract's layer")
            return
        if f"quarantine.{short}" in inputs:
            self.reading.wrong(here, f"{OBJECT} holds the delivery's bad rows too, quarantine.{short} is not read")
            return
        query = sql_text(checked).replace(STAND_IN, OBJECT)
        self.add(at, Rule(kind="dataset", query=query, count_only=not violations, inputs=inputs, **common))

    def _library(self, at: At, check: Mapping[str, Any], common: dict[str, Any], column: str | None) -> None:
        metric = check.get("metric")
        if metric == "rowCount":
            low, high = _bounds(check)
            if low is None and high is None:
                self.reading.wrong(at, "rowCount needs mustBeGreaterOrEqualTo, mustBeLessOrEqualTo or mustBeBetween")
                return
            if common["severity"] == "quarantine":
                self.reading.wrong((*at, "severity"), "no row can leave by a count: error or warning")
                return
            self.add(at, Rule(kind="volume", minimum=low, maximum=high, **common))
        elif metric == "duplicateValues":
            named = (check.get("arguments") or {}).get("properties")
            columns = tuple(named) if isinstance(named, list) else (column,) if column else ()
            unknown = [name for name in columns if name not in self.columns]
            if check.get("mustBe") != 0 or not columns or unknown:
                self.reading.wrong(at, "duplicateValues needs arguments.properties (columns of this table), mustBe: 0")
                return
            self.add(at, Rule(kind="key", columns=columns, **common))
        else:
            self.reading.wrong(
                at, f"nobody would run the metric {metric}: say it of the column (required, enum, pattern)"
            )


def sql_text(checked: Checked) -> str:
    """The tree's own text, with parameters and words as they were written: `$floor`, `is_mobile(x)`."""
    return str(checked.tree.sql(dialect="duckdb", comments=False, normalize_functions=False))


def said_of(error: SqlError) -> str:
    """An error of SQL in one line, without file and line, which the finding has."""
    details = [f"{name} {value}" for name, value in error.details.items() if name not in ("file", "line")]
    return "; ".join([error.what, *details])


def _bounds(check: Mapping[str, Any]) -> tuple[str | None, str | None]:
    between = check.get("mustBeBetween")
    if isinstance(between, list) and len(between) == 2:
        return str(between[0]), str(between[1])
    low, high = check.get("mustBeGreaterOrEqualTo"), check.get("mustBeLessOrEqualTo")
    return (str(low) if low is not None else None), (str(high) if high is not None else None)
