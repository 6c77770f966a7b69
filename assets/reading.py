"""Reads a file of a catalogue into entries. A mistake is refused with file, line, entry and field."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn, cast

from assets.entry import PARTY_TYPES, SEVERITIES, Entry, Fixture, Indicator, Severity, Tag, Value, columns_of
from data_contracts.finding import did_you_mean
from data_contracts.strict import Document
from data_contracts.strict import load as load_yaml
from liangcang.errors import ContractError, SqlError
from liangcang.sql import Checked, check_condition

ID = re.compile(r"^[TR][0-9]{3}$")
SLUG = re.compile(r"^[a-z][a-z0-9_]{0,40}$")

COMMON = ("id", "name", "description", "dimension", "owner", "source", "applies", "value", "unknown_when", "nulls",
          "known", "history", "params", "fixtures")  # fmt: skip
TAG = (*COMMON, "slug", "type", "kind", "refresh")
INDICATOR = (*COMMON, "levels", "miss_when", "evidence")
OPTIONAL = frozenset({"description", "unknown_when", "nulls", "known", "history", "params", "miss_when", "evidence"})

KINDS = ("fact", "rule", "statistical")
REFRESH = ("daily", "weekly", "monthly")
TYPES = ("BOOLEAN", "INTEGER", "BIGINT", "DOUBLE", "VARCHAR", "DATE", "DECIMAL(18,2)")
NO_EVIDENCE = ("VARCHAR", "BLOB")
"""Evidence is published, so it holds numbers, dates and truth values; text could name somebody."""


def read(file: Path, *, columns: Mapping[str, str]) -> list[Entry]:
    """The entries of one file, checked against the columns of `features.party` (name to DuckDB type)."""
    document = load_yaml(file)
    if not isinstance(document.data, list):
        raise ContractError("a catalogue's file is a list of entries", file=file, line=1, expected="- id: …")
    return [_Reader(file, document, index, columns).entry() for index in range(len(document.data))]


@dataclass(frozen=True)
class _Reader:
    """One entry of a document."""

    file: Path
    document: Document
    index: int
    columns: Mapping[str, str]

    @property
    def data(self) -> dict[str, Any]:
        return cast(dict[str, Any], self.document.data[self.index])

    @property
    def id(self) -> str:
        data = self.document.data[self.index]
        return str(data.get("id", f"entry {self.index + 1}")) if isinstance(data, dict) else f"entry {self.index + 1}"

    def refuse(self, field: str, what: str, *, expected: object = None, found: object = None) -> NoReturn:
        """Raise ContractError at a field (`levels.red`) of this entry."""
        raise ContractError(
            f"{self.id}: {what}",
            file=self.file,
            line=self.line(field),
            field=f"{self.id}.{field}" if field else self.id,
            expected=expected,
            found=found,
        )

    def line(self, field: str) -> int:
        steps: list[str | int] = [int(step) if step.isdigit() else step for step in field.split(".") if step]
        return self.document.line_of(self.index, *steps)

    def entry(self) -> Entry:
        if not isinstance(self.document.data[self.index], dict):
            self.refuse("", "an entry is a mapping of fields", expected="- id: …")
        if not ID.match(self.id):
            self.refuse("id", "an id is T or R and three digits", expected="T045 or R045")
        entry = self.tag() if self.id.startswith("T") else self.indicator()
        self.check_parameters(entry)
        self.check_fixtures(entry)
        return entry

    def tag(self) -> Tag:
        self.fields(TAG)
        slug = self.text("slug")
        if not SLUG.match(slug):
            self.refuse("slug", "a slug becomes a column's name: small letters, digits and _", found=slug)
        return Tag(
            **self.common(),
            slug=slug,
            type=self.one_of("type", TYPES),
            kind=cast(Any, self.one_of("kind", KINDS)),
            refresh=cast(Any, self.one_of("refresh", REFRESH)),
        )

    def indicator(self) -> Indicator:
        self.fields(INDICATOR)
        given = self.mapping("levels")
        for severity in given:
            if severity not in SEVERITIES:
                self.refuse(f"levels.{severity}", f"no such level{did_you_mean(severity, SEVERITIES)}")
        if not given:
            self.refuse("levels", "an indicator has at least one level", expected=", ".join(SEVERITIES))
        evidence = self.named("evidence", self.columns)
        for column in evidence:
            if self.columns[column].startswith(NO_EVIDENCE):
                self.refuse(
                    "evidence", f"{column} is text, which could name somebody", expected="numbers, dates, truth"
                )
        levels = {level: self.formula(f"levels.{level}", value=True) for level in SEVERITIES if level in given}
        return Indicator(
            **self.common(),
            levels=cast(Mapping[Severity, Checked], levels),
            miss_when=self.optional_formula("miss_when"),
            evidence=evidence,
        )

    def common(self) -> dict[str, Any]:
        names = self.mapping("name")
        if set(names) != {"en", "zh"}:
            self.refuse("name", "a name is English and Chinese", expected="{en: …, zh: …}", found=", ".join(names))
        nulls = self.mapping("nulls")
        self.known_columns("nulls", list(nulls))
        return {
            "id": self.id,
            "name": self.text("name.en"),
            "title": self.text("name.zh"),
            "description": self.text("description"),
            "dimension": self.text("dimension"),
            "owner": self.text("owner"),
            "source": self.text("source"),
            "applies": self.named("applies", PARTY_TYPES),
            "value": self.formula("value"),
            "unknown_when": self.optional_formula("unknown_when"),
            "nulls": {column: self.formula(f"nulls.{column}") for column in nulls},
            "known": self.named("known", [name for name, kind in self.columns.items() if kind == "BOOLEAN"]),
            "history": self.named("history", self.columns),
            "params": self.params(),
            "fixtures": self.fixtures(),
            "file": self.file,
            "line": self.document.line_of(self.index),
        }

    def fields(self, allowed: Collection[str]) -> None:
        for field in self.data:
            if field not in allowed:
                self.refuse(field, f"no such field{did_you_mean(field, allowed)}", found=field)
        for field in allowed:
            if field not in self.data and field not in OPTIONAL:
                self.refuse("", f"field {field!r} is missing", expected=field)

    def at(self, field: str) -> Any:
        value: Any = self.data
        for step in field.split("."):
            value = value.get(step) if isinstance(value, dict) else None
        return value

    def text(self, field: str) -> str:
        value = self.at(field)
        if value is None and field in OPTIONAL:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.refuse(field, "text is expected here", expected="text")
        return " ".join(value.split())

    def one_of(self, field: str, known: Collection[str]) -> str:
        value = self.text(field)
        if value not in known:
            self.refuse(field, f"not known here{did_you_mean(value, known)}", expected=", ".join(known), found=value)
        return value

    def mapping(self, field: str) -> dict[str, Any]:
        value = self.at(field)
        if value is None and field in OPTIONAL:
            return {}
        if not isinstance(value, dict):
            self.refuse(field, "a mapping is expected here", expected="{…: …}")
        return value

    def named(self, field: str, known: Collection[str]) -> tuple[str, ...]:
        """A list of names, each of them known."""
        value = self.at(field)
        if value is None and field in OPTIONAL:
            return ()
        if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
            self.refuse(field, "a list of names is expected here", expected="[…]")
        self.known_columns(field, value, known)
        return tuple(value)

    def known_columns(self, field: str, names: list[str], known: Collection[str] | None = None) -> None:
        known = self.columns if known is None else known
        for name in names:
            if name not in known:
                self.refuse(field, f"{name!r} is not known here{did_you_mean(name, known)}", found=name)

    def formula(self, field: str, *, value: bool = False) -> Checked:
        """A formula over the columns; with `value`, over the entry's own value too."""
        text = self.at(field)
        if not isinstance(text, str):  # a constant, such as `nulls: {card_cnt: 0}`
            text = self.document.text_of(self.index, *field.split("."))
        if not text or not text.strip():
            self.refuse(
                field, "a formula in SQL is expected here", expected="a formula, in quotes where YAML needs them"
            )
        columns = {**self.columns, "value": "DOUBLE"} if value else self.columns
        try:
            checked = check_condition(text, columns=columns, where=str(self.file), line=self.line(field))
        except SqlError as error:
            details = error.details
            raise ContractError(
                f"{self.id}: {error.what}",
                file=self.file,
                line=self.line(field),
                field=f"{self.id}.{field}",
                expected=details.get("expected"),
                found=details.get("found") or details.get("field"),
                next=details.get("next"),
            ) from None
        for name in columns_of(checked.tree):  # SQL does not mind capitals in a name, but lineage does
            if name not in columns:
                self.refuse(field, f"no column {name!r}{did_you_mean(name, columns)}", found=name)
        if field == "value" and not checked.columns:
            self.refuse(field, "a formula reads at least one column")
        return checked

    def optional_formula(self, field: str) -> Checked | None:
        return self.formula(field) if field in self.data else None

    def params(self) -> dict[str, Value]:
        """Defaults; a decimal number is kept exact, as it is written."""
        made: dict[str, Value] = {}
        for name, value in self.mapping("params").items():
            if not isinstance(value, str | int | float | bool | dt.date):
                self.refuse(f"params.{name}", "a parameter is a number, text or true or false")
            written = self.document.text_of(self.index, "params", name)
            made[name] = Decimal(written) if isinstance(value, float) and written else value
        return made

    def fixtures(self) -> tuple[Fixture, ...]:
        given = self.at("fixtures")
        if not isinstance(given, list):
            self.refuse("fixtures", "a list of fixtures is expected here", expected="- {given: {…}, expect: …}")
        for number, fixture in enumerate(given):
            good = (
                isinstance(fixture, dict) and set(fixture) == {"given", "expect"} and isinstance(fixture["given"], dict)
            )
            if not good or isinstance(fixture["expect"], dict | list):
                self.refuse(f"fixtures.{number}", "a fixture says what is given and what to expect",
                            expected="{given: {column: value}, expect: …}")  # fmt: skip
            for name, value in fixture["given"].items():
                if isinstance(value, dict | list):
                    self.refuse(f"fixtures.{number}.given.{name}", "a column's value is a number, text or null")
        return tuple(
            Fixture(given=fixture["given"], expect=fixture["expect"], line=self.line(f"fixtures.{number}"))
            for number, fixture in enumerate(given)
        )

    def check_parameters(self, entry: Entry) -> None:
        used: set[str] = set()
        for field, formula in entry.formulas():
            for name in formula.parameters:
                if name not in entry.params:
                    self.refuse(field, f"no parameter ${name}{did_you_mean(name, entry.params)}", found=f"${name}")
                used.add(name)
        for name in entry.params:
            if name not in used:
                self.refuse(f"params.{name}", f"no formula uses ${name}{did_you_mean(name, used)}")

    def check_fixtures(self, entry: Entry) -> None:
        """Every entry shows at least one case of yes, one of no and one of not known."""
        readable = {*entry.columns, "party_type"}
        for number, fixture in enumerate(entry.fixtures):
            for column in fixture.given:
                if column not in readable:
                    self.refuse(f"fixtures.{number}.given.{column}",
                                f"the entry does not read {column!r}{did_you_mean(column, readable)}")  # fmt: skip
        shown = [fixture.expect for fixture in entry.fixtures]
        if isinstance(entry, Indicator):
            known = {*SEVERITIES, "miss", "unknown"}
            for number, expect in enumerate(shown):
                if expect not in known:
                    self.refuse(f"fixtures.{number}.expect", "no such result", expected=", ".join(sorted(known)))
                if expect in SEVERITIES and expect not in entry.levels:
                    self.refuse(f"fixtures.{number}.expect", f"the entry has no level {expect}")
            lacking = [name for name in (*entry.levels, "miss", "unknown") if name not in shown]
        else:
            wanted: list[Value] = [True, False] if cast(Tag, entry).type == "BOOLEAN" else []
            wanted += [] if entry.is_always_known else [None]
            lacking = [str(name) for name in wanted if not any(expect is name for expect in shown)]
            if all(expect is None for expect in shown):
                lacking.append("a value")
        if lacking:
            self.refuse("fixtures", "a case is missing", expected=", ".join(lacking).replace("None", "null"))
