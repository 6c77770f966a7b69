"""Puts a SELECT together from named steps: SQL files beside this module, and trees that are built."""

from __future__ import annotations

import re
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
PLACE = re.compile(r"\$(\w+)")  # no text of ours holds a dollar sign that is not one of these


@cache
def step(name: str) -> exp.Query:
    """The SELECT of `<name>.sql`, parsed. The tree is shared: work on a copy."""
    return cast(exp.Query, parsed((HERE / f"{name}.sql").read_text(encoding="utf-8")))


def parsed(text: str) -> exp.Expression:
    """SQL of ours as a tree."""
    return cast(exp.Expression, sqlglot.parse_one(text, dialect=DIALECT))


def reached(steps: Mapping[str, exp.Query], last: exp.Query) -> dict[str, exp.Query]:
    """The steps that `last` reads, or that one of these reads; in the order in which they stood."""
    wanted, asked = set[str](), [last]
    while asked:
        names = {table.name for table in asked.pop().find_all(exp.Table) if not table.db}
        new = (names & steps.keys()) - wanted
        wanted |= new
        asked += [steps[name] for name in new]
    return {name: tree for name, tree in steps.items() if name in wanted}


class Draft:
    """A SELECT in named steps, without the values of a night.

    Each step may read those before it, and `last` all of them; `reads` are the views behind them. What the bank cannot
    feed is a typed null. The text is made once, with `$name` for each value of a night, so that a run over many dates does
    not make it again.
    """

    def __init__(self, steps: Mapping[str, exp.Query], last: exp.Query, *, unfed: Unfed) -> None:
        trees = (*steps.values(), last)
        self.reads = frozenset(f"{t.db}.{t.name}" for tree in trees for t in tree.find_all(exp.Table) if t.db)
        named = ",\n".join(f"{name} AS (\n{_text(fed(tree, unfed))}\n)" for name, tree in steps.items())
        self._text = f"WITH {named}\n{_text(fed(last, unfed))}"

    def sql(self, values: Mapping[str, object]) -> str:
        """The text that runs, with a literal for each `$name`."""
        literals: dict[str, str] = {}

        def value(found: re.Match[str]) -> str:
            name = found[1]
            if name not in literals:
                given = values[name]
                literals[name] = _text(NO_NUMBER.copy() if given is None else literal(given))
            return literals[name]

        return PLACE.sub(value, self._text)


def _text(own: exp.Expression) -> str:
    """The text of a tree that nobody else holds: writing may change it."""
    return str(own.sql(dialect=DIALECT, pretty=True, comments=False, copy=False))
