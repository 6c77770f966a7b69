"""One entry as expressions: its formulas under a bank's parameters, what they need, and why nothing may be known.

A column that the bank does not feed, or whose feed is stale, is a typed null in every formula. Divisions are by
`nullif(…, 0)` and in DOUBLE, so that no value is infinite or depends on how an engine divides decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from sqlglot import exp

from assets.entry import Entry, Value, falls_back
from assets.expressions import Expression, coalesce, column, is_not_false, is_not_true, is_null, quotient, typed
from liangcang.sql import DIALECT, Checked, literal

Test = tuple[Expression, str]
"""A condition under which nothing is known, and the reason to tell."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """An entry with its parameters in force. `missing` names the columns that count as null, with the reason."""

    entry: Entry
    columns: Mapping[str, str]
    params: Mapping[str, Value]
    missing: Mapping[str, str]

    def step(self, part: str) -> str:
        """The column of an intermediate step: `r045_value`."""
        return f"{self.entry.id.lower()}_{part}"

    def expression(self, formula: Checked) -> Expression:
        """A formula as it is computed, in brackets."""
        return exp.Paren(this=self._computed(self._tree(formula), self.column))

    def column(self, name: str) -> Expression:
        """A column of `features.party` as it is computed: null if missing, and what its null means."""
        if name in self.missing or name not in self.entry.nulls:
            return self._plain(name)
        return coalesce(column(name), self._computed(self._tree(self.entry.nulls[name]), self._plain))

    def needs(self, formulas: Iterable[Checked]) -> dict[str, Test]:
        """What formulas cannot do without: each column, and each `coalesce` as a whole unless it ends in a constant."""
        found: dict[str, Test] = {}
        for formula in formulas:
            for node in self._tree(formula).walk(bfs=False, prune=lambda node: isinstance(node, exp.Coalesce)):
                if isinstance(node, exp.Column | exp.Coalesce) and node.name != "value" and not falls_back(node):
                    test = is_null(self._computed(node, self.column)), self._reason(node)
                    found.setdefault(node.sql(DIALECT), test)
        return found

    def unknown(self) -> list[Test]:
        """When nothing can be said, with the reason: first what the bank lacks, then flags, nulls and the floor.

        A source that is missing explains every other null, and a flag that is off explains the null of its columns.
        """
        below = self.entry.unknown_when
        needs = self.needs([self.entry.value, *([below] if below else [])])
        if not self.entry.for_all:
            needs.setdefault("party_type", (is_null(self.column("party_type")), self._reason(column("party_type"))))
        lacking = [test for test in needs.values() if test[1] in self.missing.values()]
        flags = [(is_not_true(self.column(flag)), self._reason(column(flag))) for flag in self.entry.known]
        nulls = [test for test in needs.values() if test not in lacking]
        floor = [(is_not_false(self.expression(below)), "below floor")] if below else []
        return [*lacking, *flags, *nulls, *floor]

    def _tree(self, formula: Checked) -> Expression:
        """A formula with its parameters as literals."""

        def put(node: Expression) -> Expression:
            return literal(self.params[node.name]) if isinstance(node, exp.Placeholder) else node

        return cast(Expression, formula.tree.transform(put))

    def _plain(self, name: str) -> Expression:
        if name in self.missing:
            return typed(exp.Null(), self.columns[name])
        return column(self.step("value") if name == "value" else name)

    def _computed(self, tree: Expression, put: Callable[[str], Expression]) -> Expression:
        """A tree with `put` for each column, and guarded divisions."""

        def computed(node: Expression) -> Expression:
            if isinstance(node, exp.Column):
                return put(node.name)
            if isinstance(node, exp.Div):  # transform does not enter what a node is replaced by
                return quotient(self._computed(node.this, put), self._computed(node.expression, put))
            return node

        return cast(Expression, tree.transform(computed))

    def _reason(self, node: Expression) -> str:
        names = [named.name for named in node.find_all(exp.Column, bfs=False)]
        fed = [name for name in names if name not in self.missing]
        if not fed:
            return self.missing[names[0]]
        return f"{'no history' if fed[0] in self.entry.history else 'not known'}: {fed[0]}"
