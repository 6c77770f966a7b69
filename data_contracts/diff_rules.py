"""What changed in the rules of a contract. A rule of severity `warning` binds nobody: it is counted, and the row stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Any, TypeAlias

from data_contracts.change import BROKEN, Change, Direction, shown
from data_contracts.contract import Contract, Rule, targets_of
from data_contracts.odcs_columns import limit

SEVERITIES = ("warning", "quarantine", "error")
"""From the loosest."""
OF_A_COLUMN = frozenset({"parse", "required", "enum"})
"""Kinds that come and go with a column's type, `required` and codes, which are told of the column."""
WORDS = frozenset({"dimension", "description", "owner"})
FOLLOWS = frozenset({"id", "line", "kind", "severity"})
"""Fields that pair rules, say where they stand, or are compared first."""

Compare: TypeAlias = Callable[[Contract, Contract, Rule, Rule], Direction | None]


def rule_changes(old: Contract, new: Contract) -> Iterator[Change]:
    """The rules that came, went or changed, by id; those that follow from a column that is new or gone are left out."""
    before, after = ({rule.id: rule for rule in one.rules} for one in (old, new))
    for ident in dict.fromkeys([*before, *after]):
        was, now = before.get(ident), after.get(ident)
        if was is not None and now is not None:
            yield from _changes(old, new, was, now)
        elif (was or now) and not _told(old, new, was or now):  # type: ignore[arg-type]
            yield _came_or_went(was, now)


def binds(old: Contract, new: Contract, ident: str, direction: Direction) -> bool:
    """Whether a change of what rule `ident` holds breaks anybody: the old rule bound whom it loosens for, the new one
    whom it tightens for. A column without a rule of its own is bound.
    """
    was, now = (next((rule for rule in one.rules if rule.id == ident), None) for one in (old, new))
    counted = {"loosens": (was,), "tightens": (now,)}.get(direction, (was, now))
    return any(rule is None or rule.severity != "warning" for rule in counted)


def _told(old: Contract, new: Contract, rule: Rule) -> bool:
    """Whether what a rule follows from is told already: a column that is new or gone, its type, its codes, the key."""
    if rule.id == "key":
        return old.key != new.key
    if not rule.columns or not rule.id.startswith(f"{'+'.join(rule.columns)}."):
        return False
    there = all(column in old.columns and column in new.columns for column in rule.columns)
    return rule.kind in OF_A_COLUMN if there else True


def _came_or_went(was: Rule | None, now: Rule | None) -> Change:
    rule = was or now
    direction: Direction = "tightens" if was is None else "loosens"
    bound = rule is not None and rule.severity != "warning"
    return Change(
        field=rule.id if rule else "",
        old=_said(was),
        new=_said(now),
        direction=direction,
        broken=BROKEN[direction] if bound else (),
    )


def _said(rule: Rule | None) -> str:
    if rule is None:
        return "no rule"
    held = rule.predicate or rule.pattern or rule.query
    limits = [
        f"{name} {value}"
        for name, value in (
            ("from", rule.minimum if rule.minimum is not None else rule.min_length),
            ("to", rule.maximum if rule.maximum is not None else rule.max_length),
            ("in", " or ".join(f"{table}.{','.join(columns)}" for table, columns in targets_of(rule)) or None),
        )
        if value is not None
    ]
    return shown(f"{rule.severity}: " + (held or " ".join(limits) or rule.kind))


def _changes(old: Contract, new: Contract, was: Rule, now: Rule) -> Iterator[Change]:
    if was.kind != now.kind:
        yield _made(was, now, "kind", "both")
    if was.severity != now.severity:
        looser = SEVERITIES.index(now.severity) < SEVERITIES.index(was.severity)
        yield _made(was, now, "severity", "loosens" if looser else "tightens")
    for one in fields(Rule):
        before, after = getattr(was, one.name), getattr(now, one.name)
        if before == after or one.name in FOLLOWS:
            continue
        if one.name in WORDS:
            yield _made(was, now, one.name, "neither")
        elif (direction := COMPARED.get(one.name, _another)(old, new, was, now)) is not None:
            yield _made(was, now, one.name, direction)


def _made(was: Rule, now: Rule, field: str, direction: Direction) -> Change:
    counted = {"loosens": (was,), "tightens": (now,)}.get(direction, (was, now))
    bound = any(rule.severity != "warning" for rule in counted)
    return Change(
        field=f"{now.id}.{field}",
        old=shown(getattr(was, field)),
        new=shown(getattr(now, field)),
        direction=direction,
        broken=BROKEN[direction] if bound else (),
    )


def _another(old: Contract, new: Contract, was: Rule, now: Rule) -> Direction:  # noqa: ARG001
    return "both"


def _columns(old: Contract, new: Contract, was: Rule, now: Rule) -> Direction | None:
    """Unique over fewer columns is stricter. The primary key is told apart, a predicate's columns with it."""
    if now.kind == was.kind == "key":
        if was.id == "key" and (was.columns, now.columns) == (old.key, new.key):
            return None
        before, after = set(was.columns), set(now.columns)
        return "loosens" if before < after else "tightens" if after < before else None if before == after else "both"
    return None if (was.predicate, was.query) != (now.predicate, now.query) else "both"


def _values(old: Contract, new: Contract, was: Rule, now: Rule) -> Direction | None:
    """The codes of a column are told of the column."""
    codes = tuple(tuple(one.property(name).codes) for one in (old, new) for name in now.columns if name in one.columns)
    return None if codes == (was.values, now.values) else "both"


def _bounds(field: str, *, upper: bool) -> Compare:
    """A limit that moved out loosens, one that moved in tightens; no limit is farthest out."""

    def compare(old: Contract, new: Contract, was: Rule, now: Rule) -> Direction | None:
        before, after = getattr(was, field), getattr(now, field)
        if before is None or after is None:
            return "tightens" if before is None else "loosens"
        first, second = _limit(before, old, was), _limit(after, new, now)
        if first is None or second is None or type(first) is not type(second):
            return "both"
        return None if first == second else "loosens" if (second > first) == upper else "tightens"

    return compare


def _limit(text: str, contract: Contract, rule: Rule) -> Any:
    """A limit as a value of its column; of a count of rows as a number."""
    kind = next((contract.columns[name] for name in rule.columns if name in contract.columns), "BIGINT")
    return limit(text, kind)


def _shortest(old: Contract, new: Contract, was: Rule, now: Rule) -> Direction | None:  # noqa: ARG001
    before, after = was.min_length or 0, now.min_length or 0
    return None if before == after else "loosens" if after < before else "tightens"


def _longest(old: Contract, new: Contract, was: Rule, now: Rule) -> Direction:  # noqa: ARG001
    if was.max_length is None or now.max_length is None:
        return "tightens" if was.max_length is None else "loosens"
    return "loosens" if now.max_length > was.max_length else "tightens"


def _tolerated(old: Contract, new: Contract, was: Rule, now: Rule) -> Direction | None:  # noqa: ARG001
    """The share of broken rows that a delivery may hold: of an error none unless it is said, of others any."""
    before, after = (
        rule.max_rate if rule.max_rate is not None else float(rule.severity != "error") for rule in (was, now)
    )
    return None if before == after else "loosens" if after > before else "tightens"


COMPARED: Mapping[str, Compare] = {
    "columns": _columns,
    "values": _values,
    "minimum": _bounds("minimum", upper=False),
    "maximum": _bounds("maximum", upper=True),
    "min_length": _shortest,
    "max_length": _longest,
    "max_rate": _tolerated,
}
"""Fields of a rule that can be compared; of any other (a predicate, a pattern) nobody can say which is stricter."""
