"""What `labels.yaml` says: who is looked at, what is waited for, and what counts as churn. Checked on load."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, NoReturn

from assets.features.party import feature_tables
from data_contracts import strict
from data_contracts.bank import Bank
from data_contracts.finding import did_you_mean
from liangcang.errors import ContractError, SqlError
from liangcang.sql import DIALECT, Checked, check_condition

LABELS = Path(__file__).parent / "labels.yaml"
Number = int | Decimal
FIELDS = ("name", "meaning", "population", "base", "outcome", "churned", "rule", "parameters")
COMPARED = ("base", "future")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What is waited for: `length` units (day, month), from after `gap` units on."""

    unit: Literal["day", "month"]
    gap: int
    length: int

    def windows(self, as_of: dt.date) -> tuple[tuple[dt.date, dt.date], ...]:
        """First and last day of each part: the whole of it in days, or each of its months."""
        if self.unit == "day":
            first = as_of + dt.timedelta(days=self.gap + 1)
            return ((first, first + dt.timedelta(days=self.length - 1)),)
        return tuple(_month(as_of, self.gap + number) for number in range(1, self.length + 1))

    def end(self, as_of: dt.date) -> dt.date:
        """The last day that the label looks at."""
        return self.windows(as_of)[-1][1]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What one would do without a model: a score that is higher where churn is likelier, and whom the rule flags."""

    meaning: str
    score: Checked
    flag: Checked


@dataclass(frozen=True, kw_only=True)
class Label:
    """A definition of churn with the parameters in force, and those of training."""

    id: str
    en: str
    zh: str
    meaning: str
    population: Checked
    base: Checked
    churned: Checked
    outcome: Outcome
    rule: Rule
    values: Mapping[str, Number]
    training: Mapping[str, int]

    def sql(self, formula: Checked) -> str:
        """A formula of the label with its parameters in place."""
        return formula.sql({name: self.values[name] for name in formula.parameters})

    def words(self, formula: Checked) -> str:
        """A formula with its parameters by name, for people."""
        return str(formula.tree.sql(dialect=DIALECT))

    @property
    def reads(self) -> frozenset[str]:
        """The columns of `features.party` that it speaks of."""
        formulas = (self.population, self.base, self.rule.score, self.rule.flag)
        return frozenset(column for formula in formulas for column in formula.columns)

    def meaning_in_force(self) -> dict[str, object]:
        """What its results depend on: formulas with their parameters, and the outcome."""
        return {
            "id": self.id,
            "population": self.sql(self.population),
            "base": self.sql(self.base),
            "churned": self.sql(self.churned),
            "outcome": vars(self.outcome),
        }


def bank_label(bank: Bank) -> Label | None:
    """The label that a bank has chosen (`parameters.churn`), with its parameters; None when it has chosen none.

    Raises ContractError that names the field of `bank.yaml`.
    """
    if "churn" not in bank.parameters:
        return None
    given = dict(bank.parameters["churn"])
    file, field = bank.folder / "bank.yaml", "parameters.churn"
    id, labels = given.pop("label", None), all_labels()
    if id not in labels:
        raise ContractError(
            f"there is no churn label {id!r}{did_you_mean(id, labels)}", file=file, field=f"{field}.label"
        )
    label = labels[id]
    values, training = dict(label.values), dict(label.training)
    for name, value in given.items():
        known = [*label.values, *label.training]
        if name not in known:
            raise ContractError(
                f"{id} has no parameter {name!r}{did_you_mean(name, known)}", file=file, field=f"{field}.{name}"
            )
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole and (name in training or not isinstance(value, float)):
            expected = "a whole number above 0" if name in training else "a number"
            raise ContractError(
                "a churn parameter of another type", file=file, field=f"{field}.{name}", expected=expected
            )
        if name in training:
            if value < 1:
                raise ContractError(
                    "a training parameter is a whole number above 0", file=file, field=f"{field}.{name}"
                )
            training[name] = value
        else:
            values[name] = Decimal(repr(value)) if isinstance(value, float) else value
    return replace(label, values=values, training=training)


@cache
def all_labels() -> Mapping[str, Label]:
    """The labels that come with the project."""
    return read(LABELS)


def read(source: Path | str) -> Mapping[str, Label]:
    """Read labels from a file, or from its text. Raises ContractError with file, line and field."""
    reader = _Reader(strict.load(source))
    reader.only(("training", "labels"))
    training = reader.numbers("training")
    for name, value in training.items():
        if not isinstance(value, int):
            reader.refuse("a training parameter is a whole number", "training", name)
    return {
        name: reader.label(name, {name: int(value) for name, value in training.items()})
        for name in reader.mapping("labels")
    }


@dataclass(frozen=True)
class _Reader:
    """One document under reading, so that every error can name file, line and field."""

    document: strict.Document

    def label(self, id: str, training: Mapping[str, int]) -> Label:
        at = ("labels", id)
        self.only(FIELDS, *at)
        values = self.numbers(*at, "parameters")
        features = feature_tables()[1].columns
        label = Label(
            id=id,
            en=self.text(*at, "name", "en"),
            zh=self.text(*at, "name", "zh"),
            meaning=self.text(*at, "meaning"),
            population=self.formula(features, *at, "population"),
            base=self.formula(features, *at, "base"),
            churned=self.formula(COMPARED, *at, "churned"),
            outcome=self.outcome(*at, "outcome"),
            rule=Rule(
                meaning=self.text(*at, "rule", "meaning"),
                score=self.formula(features, *at, "rule", "score"),
                flag=self.formula(features, *at, "rule", "flag"),
            ),
            values=values,
            training=training,
        )
        used = set()
        for field in ("population", "base", "churned", "rule.score", "rule.flag"):
            formula = {"rule.score": label.rule.score, "rule.flag": label.rule.flag}.get(field) or getattr(label, field)
            for name in formula.parameters:
                if name not in values:
                    self.refuse(f"no parameter ${name}{did_you_mean(name, values)}", *at, *field.split("."))
                used.add(name)
        for name in values:
            if name not in used:
                self.refuse(f"no formula uses ${name}{did_you_mean(name, used)}", *at, "parameters", name)
            if name in training:
                self.refuse(f"{name} is a parameter of training already", *at, "parameters", name)
        return label

    def outcome(self, *path: str) -> Outcome:
        self.only(("unit", "gap", "length"), *path)
        said = self.mapping(*path)
        if said["unit"] not in ("day", "month"):
            self.refuse("an outcome is counted in days or months", *path, "unit")
        for name, least in {"gap": 0, "length": 1}.items():
            if not isinstance(said[name], int) or isinstance(said[name], bool) or said[name] < least:
                self.refuse(f"a whole number from {least} is expected here", *path, name)
        return Outcome(unit=said["unit"], gap=said["gap"], length=said["length"])

    def formula(self, columns: Collection[str], *path: str) -> Checked:
        text = self.text(*path)
        try:
            made = check_condition(text, columns=columns, where=self.document.where)
        except SqlError as error:
            self.refuse(error.what, *path, found=error.details.get("field"), next=error.details.get("next"))
        return made

    def numbers(self, *path: str) -> dict[str, Number]:
        """Parameters with their values and meanings; decimal fractions as they were written."""
        found: dict[str, Number] = {}
        for name in self.mapping(*path):
            self.only(("value", "meaning"), *path, name)
            self.text(*path, name, "meaning")
            value = self.mapping(*path, name)["value"]
            if isinstance(value, bool) or not isinstance(value, int | float):
                self.refuse("a parameter is a number", *path, name, "value")
            found[name] = (
                value if isinstance(value, int) else Decimal(self.document.text_of(*path, name, "value") or "")
            )
        return found

    def mapping(self, *path: str) -> dict[str, Any]:
        node: Any = self.document.data
        for step in path:
            node = node.get(step) if isinstance(node, dict) else None
        if not isinstance(node, dict):
            self.refuse("a mapping is expected here", *path)
        return node

    def text(self, *path: str) -> str:
        value = self.mapping(*path[:-1]).get(path[-1])
        if not isinstance(value, str) or not value.strip():
            self.refuse("text is expected here", *path)
        return " ".join(value.split())

    def only(self, fields: Collection[str], *path: str) -> None:
        """The mapping has exactly these fields."""
        said = self.mapping(*path)
        for name in said:
            if name not in fields:
                self.refuse(f"no such field{did_you_mean(name, fields)}", *path, name)
        for name in fields:
            if name not in said:
                self.refuse(f"{name} is missing", *path)

    def refuse(self, what: str, *path: str, found: str | None = None, next: str | None = None) -> NoReturn:
        raise ContractError(
            what,
            file=self.document.where,
            line=self.document.line_of(*path),
            field=".".join(path),
            found=found,
            next=next,
        ) from None


def _month(as_of: dt.date, later: int) -> tuple[dt.date, dt.date]:
    """The calendar month so many months after that of a date."""
    number = as_of.year * 12 + as_of.month - 1 + later
    year, month = divmod(number, 12)
    return dt.date(year, month + 1, 1), dt.date(year, month + 1, calendar.monthrange(year, month + 1)[1])
