"""The catalogue room, which serves tags and risk warning: entries in YAML, loaded and checked before anything runs.

`assets.entry` says what an entry is, `assets.reading` reads it, `assets.projection` compiles a catalogue to SQL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise, zip_longest
from pathlib import Path

from assets.entry import Entry, Indicator, Tag, Value
from assets.reading import read
from data_contracts.bank import product_contracts
from data_contracts.contract import Contract
from data_contracts.finding import did_you_mean
from data_contracts.tables import BUSINESS_DATE, CONFIG_VERSION, product
from liangcang.errors import ContractError
from liangcang.table import Table

STAMP = ("party_id", BUSINESS_DATE, CONFIG_VERSION)

Overrides = Mapping[str, Mapping[str, Value]]
"""A bank's parameters by entry: `parameters.entries` of its `bank.yaml`."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """Entries in the order of their ids, and the columns (name to type) of `features.party` that they may read."""

    entries: tuple[Entry, ...]
    columns: Mapping[str, str]

    @property
    def tags(self) -> tuple[Tag, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Tag))

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        return tuple(entry for entry in self.entries if isinstance(entry, Indicator))

    @property
    def reads(self) -> frozenset[str]:
        """The columns of `features.party` that its SELECT reads."""
        return frozenset({"party_id", "party_type", *(name for entry in self.entries for name in entry.columns)})

    def __getitem__(self, id: str) -> Entry:
        entries = {entry.id: entry for entry in self.entries}
        if id not in entries:
            raise ContractError(f"no entry {id} in the catalogue{did_you_mean(id, entries)}", found=id)
        return entries[id]


def load(folder: Path, *, columns: Mapping[str, str]) -> Catalogue:
    """Read every `*.yaml` of a folder. `columns` are those of `features.party`, name to DuckDB type.

    Raises ContractError with file, line, entry and field.
    """
    entries = sorted(
        (entry for file in sorted(folder.glob("*.yaml")) for entry in read(file, columns=columns)),
        key=lambda entry: entry.id,
    )
    if not entries:
        raise ContractError("a catalogue without entries", file=folder, expected="files *.yaml, each a list of entries")
    for first, second in pairwise(entries):
        if first.id == second.id:
            raise ContractError(
                f"entry {second.id} is defined twice",
                file=second.file,
                line=second.line,
                field=f"{second.id}.id",
                found=f"the other one in {first.file}, line {first.line}",
            )
    return Catalogue(entries=tuple(entries), columns=dict(columns))


def parameters_of(entry: Entry, overrides: Overrides) -> dict[str, Value]:
    """An entry's parameters: its defaults, overridden by the bank's. Decimal numbers are exact (Decimal)."""
    given = overrides.get(entry.id, {})
    for name, value in given.items():
        field = f"parameters.entries.{entry.id}.{name}"
        if name not in entry.params:
            known = did_you_mean(name, entry.params) or f" (known: {', '.join(entry.params) or 'none'})"
            raise ContractError(f"{entry.id} has no parameter {name!r}{known}", file="bank.yaml", field=field)
        if _sort(value) != _sort(entry.params[name]):
            raise ContractError(
                f"parameter {name!r} of {entry.id} is of another type than its default",
                file="bank.yaml",
                field=field,
                expected=_sort(entry.params[name]),
                found=_sort(value),
            )
    exact = {name: Decimal(repr(value)) if isinstance(value, float) else value for name, value in given.items()}
    return {**entry.params, **exact}


def check_overrides(catalogues: Iterable[Catalogue], overrides: Overrides) -> None:
    """Refuse a bank's parameters for entries that no catalogue has, and parameters that an entry does not have."""
    entries = {entry.id: entry for catalogue in catalogues for entry in catalogue.entries}
    for id in overrides:
        if id not in entries:
            raise ContractError(
                f"parameters of {id}, an entry that no catalogue has{did_you_mean(id, entries)}",
                file="bank.yaml",
                field=f"parameters.entries.{id}",
            )
        parameters_of(entries[id], overrides)


def digest(catalogue: Catalogue, overrides: Overrides) -> str:
    """Twelve hex digits of what results depend on: formulas and parameters in force, not names or fixtures."""
    meaning = [entry.meaning() | {"params": parameters_of(entry, overrides)} for entry in catalogue.entries]
    text = json.dumps(meaning, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def tables(catalogue: Catalogue, contracts: Mapping[str, Contract] | None = None) -> dict[str, Table]:
    """The products that the entries make, by name, as their contracts promise them (default: those of the project).

    Raises ContractError where `products.customer_tags` does not promise the catalogue's tags, in the order of their ids.
    """
    promised = product_contracts() if contracts is None else contracts
    tags = ["customer_tags"] if catalogue.tags else []
    signals = ["risk_signal", "risk_party"] if catalogue.indicators else []
    if catalogue.tags:
        _same_columns(promised["customer_tags"], catalogue)
    return {table.name: table for table in (product(promised[name]) for name in (*tags, *signals))}


def _same_columns(contract: Contract, catalogue: Catalogue) -> None:
    found = [(name, kind) for name, kind in contract.columns.items() if name not in STAMP]
    made = [(tag.column, tag.type) for tag in catalogue.tags]
    for here, there in zip_longest(found, made, fillvalue=("nothing", "")):
        if here != there:
            raise ContractError(
                "the contract of products.customer_tags does not promise the catalogue's tags",
                file=contract.path,
                line=contract.property(here[0]).line if here in found else None,
                field=here[0] if here in found else there[0],
                expected=" ".join(there).strip(),
                found=" ".join(here).strip(),
                next="state each tag in the contract, in the order of their ids",
            )


def _sort(value: Value) -> str:
    """Numbers are interchangeable, everything else is not."""
    if isinstance(value, bool):
        return "true or false"
    return "a number" if isinstance(value, int | float | Decimal) else f"a {type(value).__name__}"
