"""Puts a SELECT together from named steps: SQL files beside this module, and trees that are built."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import sqlglot
from sqlglot import exp

from assets.features.parameters import Unfed
from assets.features.sources import fed
from liangcang.sql import DIALECT, literal

HERE = Path(__file__).parent
NO_NUMBER = exp.cast(exp.null(), "INTEGER", dialect=DIALECT)
LAST = ""


@cache
def step(name: str) -> exp.Query:
    """The SELECT of `<name>.sql`, parsed. The tree is shared: work on a copy."""
    return cast(exp.Query, parsed((HERE / f"{name}.sql").read_text(encoding="utf-8")))


def parsed(text: str) -> exp.Expression:
    """SQL of ours as a tree."""
    return cast(exp.Expression, sqlglot.parse_one(text, dialect=DIALECT))


class Draft:
    """A SELECT in named steps, without the values of a night.

    Each step may read those before it, and `last` all of them. What the bank cannot feed is a typed null. Most of the
    text does not depend on the night; it is made once, so that a run over many dates does not make it again.
    """

    def __init__(self, steps: Mapping[str, exp.Query], last: exp.Query, *, unfed: Unfed) -> None:
        self._parts: dict[str, str | exp.Expression] = {}
        for name, tree in {**steps, LAST: last}.items():
            whole = fed(tree, unfed)
            self._parts[name] = whole if whole.find(exp.Placeholder) else _text(whole)

    def sql(self, values: Mapping[str, object]) -> str:
        """The text that runs, with a literal for each `$name`."""
        texts = {
            name: part if isinstance(part, str) else _text(_bound(part, values)) for name, part in self._parts.items()
        }
        last = texts.pop(LAST)
        steps = ",\n".join(f"{name} AS (\n{text}\n)" for name, text in texts.items())
        return f"WITH {steps}\n{last}"


def _bound(tree: exp.Expression, values: Mapping[str, object]) -> exp.Expression:
    def value(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Placeholder):
            return node
        given = values[node.name]
        return NO_NUMBER.copy() if given is None else literal(given)

    return cast(exp.Expression, tree.transform(value))


def _text(tree: exp.Expression) -> str:
    return str(tree.sql(dialect=DIALECT, pretty=True, comments=False))
