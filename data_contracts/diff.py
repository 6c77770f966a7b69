"""What changed from one version of a contract to the next, every field of it, each with the side that it breaks.

Consumers here are those who read the table and, of a feed, those who read its files; producers are those who deliver
the files or write the SELECT. A test holds that no field of the model is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from data_contracts.change import BROKEN, Change, Direction, Side, shown
from data_contracts.contract import Contract, FileFormat, Property, Rule, ServiceLevel, Temporal
from data_contracts.diff_rules import binds, rule_changes

Judge: TypeAlias = Callable[[Any, Any], Direction | None]
"""Given an old and a new value that differ: which way the promise went; None when they mean the same."""


def words(old: Any, new: Any) -> Direction:  # noqa: ARG001
    return "neither"


def another(old: Any, new: Any) -> Direction:  # noqa: ARG001
    return "both"


def more_is_looser(old: Any, new: Any) -> Direction:
    return "loosens" if new > old else "tightens"


def less_is_looser(old: Any, new: Any) -> Direction:
    return "loosens" if new < old else "tightens"


def steps(*ascending: Any) -> Judge:
    """Values from the loosest to the strictest."""
    return lambda old, new: less_is_looser(ascending.index(old), ascending.index(new))


OF_CONTRACT: Mapping[str, Judge] = {
    "id": another,
    "table": another,
    "title": words,
    "description": words,
    "owner": words,
    "delivery": another,
    "keyless": steps(True, False),
    "absent": steps(None, "skip", "hold", "must"),
    "max_stale_days": more_is_looser,
    "known_at_column": another,
    "known_at_days": more_is_looser,
    "state_date": another,
    "control_amount": lambda old, new: "tightens" if old is None else "loosens" if new is None else "both",
    "authorisation": lambda old, new: "tightens" if old is None else "loosens" if new is None else "both",
    "max_rejected": more_is_looser,
    "max_quarantined": more_is_looser,
}
APART = frozenset({"properties", "rules", "formats", "temporal", "row_temporals", "volume", "service_levels"})
"""Fields of a contract that are compared piece by piece, below."""
ITS_FILE = "path"
"""Where a contract stands: of a contract, this promises nothing."""
UNSAID = frozenset({"version", "digest", "lines", "line"})
"""Fields that promise nothing: where the words stand, and the version, which is what follows."""

OF_PROPERTY: Mapping[str, Judge] = {
    "type": another,
    "title": words,
    "description": words,
    "required": steps(False, True),
    "classification": steps(None, "C1", "C2", "C3"),
    "level": steps(None, 1, 2, 3, 4, 5),
    "format": another,
    "null_values": another,
    "decimal_places": another,
    "width": another,
    "path": another,
    "temporal": another,
}
PAIRED = frozenset({"name", "key", "key_position", "codes"})
"""Fields of a column that pair it, stand in the contract's key, or are compared one by one."""

OF_VOLUME: Mapping[str, Judge] = {
    "min_ratio": less_is_looser,
    "max_ratio": more_is_looser,
    "max_deleted_share": more_is_looser,
    "min_rows": less_is_looser,
}
OF_FORMAT: Mapping[str, Judge] = {
    "control": steps("none", "ok", "flg"),
    "last_line_terminated": steps(False, True),
    "max_bytes": more_is_looser,
}
"""Of how files are written, what can loosen; any other field is another way of writing: both sides have to move."""

SHORTER_IS_BETTER = frozenset({"latency", "ly", "freshness", "fr", "frequency", "fy", "timeofavailability", "ta"})
LONGER_IS_BETTER = frozenset({"retention", "re", "endofsupport", "es", "endoflife", "el"})
MINUTES: Mapping[str, int] = {
    **dict.fromkeys(("min", "minute", "minutes"), 1),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 60),
    **dict.fromkeys(("d", "day", "days"), 1440),
    **dict.fromkeys(("y", "yr", "year", "years"), 525_600),
}


def diff(old: Contract, new: Contract) -> tuple[Change, ...]:
    """Every change from `old` to `new`; none where both promise the same in the same words."""
    names = _renames(old, new)
    renamed = [_made(before, before, after, "both") for before, after in names.items()]
    under_new_names = _under(names, old)
    parts = (_own, _times, _columns, _key, rule_changes, _volume, _formats, _service_levels)
    return (*renamed, *(change for part in parts for change in part(under_new_names, new)))


def _made(field: str, old: Any, new: Any, direction: Direction, broken: tuple[Side, ...] | None = None) -> Change:
    said = BROKEN[direction] if broken is None else broken
    return Change(field=field, old=shown(old), new=shown(new), direction=direction, broken=said)


def _judged(prefix: str, old: Any, new: Any, judges: Mapping[str, Judge]) -> Iterator[Change]:
    for name, judge in judges.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after and (direction := judge(before, after)):
            yield _made(f"{prefix}{name}", before, after, direction)


def _own(old: Contract, new: Contract) -> Iterator[Change]:
    yield from _judged("", old, new, OF_CONTRACT)


def _times(old: Contract, new: Contract) -> Iterator[Change]:
    """Since when rows hold: whoever windows by it gets other numbers."""
    if old.temporal != new.temporal:
        yield _made("temporal", _time(old.temporal), _time(new.temporal), "both")
    if old.row_temporals != new.row_temporals:
        before, after = (tuple(map(_time, one.row_temporals)) for one in (old, new))
        yield _made("rowTemporals", before, after, "both")


def _time(temporal: Temporal) -> str:
    column = f" {temporal.column}" if temporal.column else ""
    return f"{temporal.kind}{column}" + (f" where {temporal.where}" if temporal.where else "")


# -- columns -----------------------------------------------------------------------------------------------------------


def _renames(old: Contract, new: Contract) -> dict[str, str]:
    """Columns that stand in the same place and are the same but for name and words: old name to new one."""
    names: dict[str, str] = {}
    for before, after in zip(old.properties, new.properties, strict=False):
        gone, came = before.name not in new.columns, after.name not in old.columns
        if gone and came and _without_words(before) == _without_words(after):
            names[before.name] = after.name
    return names


def _without_words(column: Property) -> Property:
    return replace(column, name="", title="", description="", line=None)


def _under(names: Mapping[str, str], contract: Contract) -> Contract:
    """A contract under its columns' new names. A predicate stays as it is: what it says of an old name did change."""
    if not names:
        return contract
    properties = tuple(replace(p, name=names.get(p.name, p.name)) for p in contract.properties)
    return replace(contract, properties=properties, rules=tuple(_rule_under(names, rule) for rule in contract.rules))


def _rule_under(names: Mapping[str, str], rule: Rule) -> Rule:
    columns = tuple(names.get(column, column) for column in rule.columns)
    before, after = (f"{'+'.join(one)}." for one in (rule.columns, columns))
    ident = after + rule.id.removeprefix(before) if rule.id.startswith(before) else rule.id
    return replace(rule, id=ident, columns=columns)


def _columns(old: Contract, new: Contract) -> Iterator[Change]:
    for after in new.properties:
        if after.name not in old.columns:
            yield _added(old, new, after)
    for before in old.properties:
        if before.name not in new.columns:
            sides: tuple[Side, ...] = ("consumer",) if old.layer == "products" else ("consumer", "producer")
            yield _made(before.name, before.type, "no column", "loosens", sides)
            continue
        yield from _judged_column(old, new, before, new.property(before.name))
    yield from _order(old, new)


def _added(old: Contract, new: Contract, column: Property) -> Change:
    """Who reads files by position is broken by a column between others; who writes them, by any."""
    place = [p.name for p in new.properties].index(column.name)
    inner = bool(new.formats) and any(p.name in old.columns for p in new.properties[place + 1 :])
    sides: tuple[Side, ...] = ("producer",) if new.formats or column.required else ()
    return _made(column.name, "no column", column.type, "tightens", ("consumer", "producer") if inner else sides)


def _judged_column(old: Contract, new: Contract, before: Property, after: Property) -> Iterator[Change]:
    for change in _judged(f"{after.name}.", before, after, OF_PROPERTY):
        is_bound = not change.field.endswith(".required") or binds(old, new, change.field, change.direction)
        yield change if is_bound else replace(change, broken=())
    yield from _codes(old, new, before, after)


def _codes(old: Contract, new: Contract, before: Property, after: Property) -> Iterator[Change]:
    """A code more is a value that no consumer has met; a code less is one that no producer may send. No list takes all."""
    field, gone, came = f"{after.name}.enum", _beyond(before, after), _beyond(after, before)
    if gone or came:
        looser, tighter = (came, gone) if before.codes and after.codes else (gone, came)
        direction: Direction = "both" if looser and tighter else "loosens" if looser else "tightens"
        broken = BROKEN[direction] if binds(old, new, field, direction) else ()
        was = f"with {shown(gone)}" if gone else "without" if before.codes else "any value"
        now = f"with {shown(came)}" if came else "without" if after.codes else "any value"
        yield _made(field, was, now, direction, broken)
    for code, label in before.codes.items():
        if after.codes.get(code, label) != label:
            yield _made(f"{field}.{code}", label, after.codes[code], "neither")


def _beyond(one: Property, other: Property) -> tuple[str, ...]:
    return tuple(code for code in one.codes if code not in other.codes)


def _order(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ([name for name in a.columns if name in b.columns] for a, b in ((old, new), (new, old)))
    if before != after:
        moved = next(n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
        in_files = bool(old.formats or new.formats)
        yield _made("columns", tuple(before[moved:]), tuple(after[moved:]), "both" if in_files else "neither")


def _key(old: Contract, new: Contract) -> Iterator[Change]:
    if old.key != new.key:
        yield _made("key", old.key, new.key, "both")


# -- guards, files, service --------------------------------------------------------------------------------------------


def _volume(old: Contract, new: Contract) -> Iterator[Change]:
    yield from _judged("volume.", old.volume, new.volume, OF_VOLUME)


def _formats(old: Contract, new: Contract) -> Iterator[Change]:
    for kind in dict.fromkeys([one.kind for one in (*old.formats, *new.formats)]):
        before, after, at = old.format(kind), new.format(kind), f"servers.{kind}"
        if before is None or after is None:
            direction: Direction = "tightens" if before is None else "loosens"
            yield _made(at, before and before.path, after and after.path, direction)
        else:
            judges = {f.name: OF_FORMAT.get(f.name, another) for f in fields(FileFormat)}
            yield from _judged(f"{at}.", before, after, judges)


def _service_levels(old: Contract, new: Contract) -> Iterator[Change]:
    before, after = ({(s.name, s.element): s for s in one.service_levels} for one in (old, new))
    for name in dict.fromkeys([*before, *after]):
        was, now, at = before.get(name), after.get(name), ".".join(("slaProperties", *filter(None, name)))
        if was is None or now is None:
            yield _made(at, was and _said(was), now and _said(now), "tightens" if was is None else "loosens")
        elif was != now and (direction := _service(was, now)):
            yield _made(at, _said(was), _said(now), direction)


def _said(level: ServiceLevel) -> str:
    return f"{level.value} {level.unit}".strip()


def _service(was: ServiceLevel, now: ServiceLevel) -> Direction | None:
    """Shorter latency and longer retention are tighter; of what nobody can compare, both sides have to look."""
    before, after = _amount(was), _amount(now)
    name = was.name.lower()
    if before is None or after is None or name not in SHORTER_IS_BETTER | LONGER_IS_BETTER:
        return "both"
    if before == after:
        return None
    return (more_is_looser if name in SHORTER_IS_BETTER else less_is_looser)(before, after)


def _amount(level: ServiceLevel) -> Decimal | None:
    """A length of time in minutes, or a time of the day."""
    try:
        if level.name.lower() in {"timeofavailability", "ta"}:
            hour, minute = level.value.split(":")[:2]
            return Decimal(hour) * 60 + Decimal(minute)
        return Decimal(level.value) * MINUTES[level.unit.lower()]
    except (InvalidOperation, ValueError, KeyError):
        return None
