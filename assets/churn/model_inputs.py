"""What `inputs.yaml` says: the numbers that churn models see, and the one SELECT that makes them.

Training and scoring run the same SELECT, over `features.party` of one date.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from sqlglot import exp

from assets.churn.labels import Label
from assets.features.party import feature_tables
from assets.features.spec import party_spec
from assets.features.tree import parsed
from data_contracts import strict
from data_contracts.finding import did_you_mean
from liangcang.errors import ContractError, SqlError
from liangcang.manifest import canonical
from liangcang.sql import DIALECT, Checked, check_condition

INPUTS = Path(__file__).parent / "inputs.yaml"
FEATURES = "features.party"
PROTECTED = frozenset({"age", "gender"})
"""What no decision may rest on; it is kept for the audit of groups alone."""


@dataclass(frozen=True, kw_only=True)
class ModelInput:
    """A number that models see: a formula over `features.party`, all of whose columns are taken as DOUBLE."""

    name: str
    formula: Checked
    meaning: str

    @property
    def sql(self) -> str:
        return self.formula.sql()


@cache
def model_inputs() -> tuple[ModelInput, ...]:
    """The inputs that come with the project."""
    return read(INPUTS)


def read(source: Path | str) -> tuple[ModelInput, ...]:
    """Read inputs from a file, or from its text. Raises ContractError with file, line and field."""
    document = strict.load(source)
    columns = feature_tables()[1].columns

    def refuse(what: str, *path: str | int, next: str | None = None) -> NoReturn:
        field = ".".join(str(step) for step in path)
        raise ContractError(
            what, file=document.where, line=document.line_of(*path), field=field or None, next=next
        ) from None

    def one(index: int, said: Any) -> ModelInput:
        if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
            refuse("an input is {name, sql, meaning}, all of them text", index)
        for field in said:
            if field not in ("name", "sql", "meaning"):
                refuse(f"no such field{did_you_mean(field, ('name', 'sql', 'meaning'))}", index, field)
        if "name" not in said or ("sql" in said) != ("meaning" in said):
            refuse("an input has a name, and with a formula its meaning", index)
        field = "sql" if "sql" in said else "name"
        try:
            formula = check_condition(said[field], columns=columns, where=document.where)
        except SqlError as error:
            refuse(error.what, index, field, next=error.details.get("next"))
        if not formula.columns or formula.parameters:
            refuse("an input speaks of columns of features.party, and takes no parameter", index, field)
        for column in formula.columns:
            if column in PROTECTED:
                refuse(f"{column} is protected: no model may rest on it", index, field)
            if columns[column] in ("VARCHAR", "DATE"):
                refuse(f"{column} is no number", index, field)
        return ModelInput(name=said["name"], formula=formula, meaning=said.get("meaning") or _meaning(said["name"]))

    if not isinstance(document.data, list) or not document.data:
        refuse("a list of inputs is expected here")
    made = tuple(one(index, said) for index, said in enumerate(document.data))
    for index, item in enumerate(made):
        if item.name in {other.name for other in made[:index]}:
            refuse(f"input {item.name} is defined twice", index, "name")
    return made


def reads(label: Label, inputs: Sequence[ModelInput]) -> frozenset[str]:
    """The columns of `features.party` that the SELECT reads."""
    return frozenset({"party_id", *label.reads, *(column for item in inputs for column in item.formula.columns)})


def rows_select(label: Label, inputs: Sequence[ModelInput], *, more: Mapping[str, str] | None = None) -> str:
    """The SELECT of the label's population as of the date of `features.party`: party_id, the inputs, and `more`.

    `more` maps names to our own SQL over the columns of `features.party` as they are.
    """
    used = sorted({column for item in inputs for column in item.formula.columns})
    beside = dict(more or {})
    chosen = exp.select("*").from_(exp.to_table(FEATURES)).where(parsed(label.sql(label.population)))
    steps = {
        "chosen": chosen,
        "number": exp.select("party_id", *(f"cast({name} as double) as {name}" for name in used), dialect=DIALECT),
        "other": exp.select("party_id", *(exp.alias_(parsed(sql), name) for name, sql in beside.items())),
    }
    rows = (
        exp.select("number.party_id")
        .select(*(exp.alias_(parsed(item.sql), item.name) for item in inputs))
        .select(*(exp.alias_(exp.column(name, "other"), name) for name in beside))
        .from_("number")
        .join("other", on="other.party_id = number.party_id", dialect=DIALECT)
    )
    rows = rows.with_("chosen", as_=chosen)
    for name in ("number", "other"):
        rows = rows.with_(name, as_=steps[name].from_("chosen"))
    return str(rows.sql(dialect=DIALECT))


def definition(label: Label, inputs: Sequence[ModelInput]) -> str:
    """Twelve hex digits over the label in force and the formulas of the inputs."""
    said = {"label": label.meaning_in_force(), "inputs": {item.name: item.sql for item in inputs}}
    return hashlib.sha256(canonical(said)).hexdigest()[:12]


@cache
def _features() -> Mapping[str, str]:
    return {
        feature.name: f"{feature.en}. {feature.meaning}" if feature.meaning else feature.en
        for feature in party_spec().features()
    }


def _meaning(name: str) -> str:
    return _features().get(name, name)
