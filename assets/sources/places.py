"""Which column takes which value of a record that names its fields, and may have fields inside fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from data_contracts.cell import is_text
from data_contracts.contract import Contract


@dataclass(frozen=True)
class Places:
    """Which column takes the value at which path of a record, and of what kind it may be."""

    columns: tuple[str, ...]
    by_path: Mapping[str, int]
    above: frozenset[str]
    """Paths of fields that hold such fields."""
    text: frozenset[int]
    truth: frozenset[int]


def places_of(contract: Contract, columns: Sequence[str]) -> Places:
    """The places of a file's columns; a state's date that is no column of the contract stands under its own name."""
    props = {prop.name: prop for prop in contract.properties}
    paths = [(props[name].path if name in props else None) or name for name in columns]
    return Places(
        columns=tuple(columns),
        by_path={path: at for at, path in enumerate(paths)},
        above=frozenset(above for path in paths for above in _above(path)),
        text=frozenset(at for at, name in enumerate(columns) if name in props and is_text(props[name])),
        truth=frozenset(at for at, name in enumerate(columns) if name in props and props[name].type == "BOOLEAN"),
    )


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition(".")[0]:
        yield path
