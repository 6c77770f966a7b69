"""Change sets: what a full delivery changed against the state before it, and the state that change sets add up to.

A full feed sends every row every night. Stored are only the changes of a date: `_op` I (new key), U (other values, or a
mark set or lifted) and D (tombstone). The state as of a date is the newest row of each key up to it that is no
tombstone.

| the key was                                  | before       | row in the change set                                  |
|----------------------------------------------|--------------|--------------------------------------------------------|
| delivered and good                           | unknown      | I                                                      |
| delivered and good, other values             | known        | U                                                      |
| delivered and good, same values              | known        | none; U if it was held, which lifts the mark           |
| delivered, but quarantined                   | known        | U with the last good values, `_held_since` = the date  |
| delivered, but quarantined                   | held already | none: it has been held since the first such date       |
| delivered, but quarantined                   | unknown      | none: there is no good state to keep                   |
| not delivered                                | known        | D, with the last values                                |
| not delivered, but some row's key unreadable | known        | held, as above: the unreadable row may have been its   |

Values are compared null-safe and over the contract's columns only; technical columns change every night. `_delivery`
and `_row_no` say where the values of a row came from, so a held row and a tombstone keep theirs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from data_contracts import numbers
from data_contracts.contract import Contract
from liangcang.engine import Engine
from liangcang.errors import DeliveryError, EngineError
from liangcang.quoting import quoted

STATE_COLUMNS = {"_op": "VARCHAR", "_held_since": "DATE"}
"""What a stored state table has beyond its values and `business_date, known_at, _delivery, _row_no`."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """A change set as a temporary table of the engine, counted. good = inserted + changed + unchanged.

    `held` are the keys that are held as of the date, `newly_held` those of them that were not before.
    """

    relation: str
    inserted: int
    changed: int
    unchanged: int
    deleted: int
    held: int
    newly_held: int

    @property
    def good(self) -> int:
        return self.inserted + self.changed + self.unchanged

    @property
    def rows(self) -> int:
        return self.inserted + self.changed + self.deleted + self.newly_held


def state_as_of(changes: str, key: Sequence[str], day: dt.date | None = None) -> str:
    """The SELECT of the state that the change rows `changes` add up to, up to and with `day`."""
    until = f"\nwhere business_date <= date '{day.isoformat()}'" if day else ""
    return (
        f"select *\nfrom {changes}{until}\n"
        f"qualify row_number() over (partition by {_list(key)} order by business_date desc) = 1 and _op <> 'D'"
    )


def history_changes(states: str, key: Sequence[str], columns: Sequence[str]) -> str:
    """The SELECT of the change rows of dated states: I for a key's first row, U where its values differ from the last.

    `states` has `columns` and `business_date`; a date without a key's row says nothing about it, so nothing is deleted.
    """
    compared = ", ".join(quoted(column) for column in columns if column not in key)
    differs = f" or row({compared}) is distinct from lag(row({compared})) over states_of_key" if compared else ""
    return (
        f"select *, case when row_number() over states_of_key = 1 then 'I' else 'U' end as _op, "
        f"cast(null as date) as _held_since\n"
        f"from {states}\n"
        f"window states_of_key as (partition by {_list(key)} order by business_date)\n"
        f"qualify row_number() over states_of_key = 1{differs}"
    )


def guard_volume(
    engine: Engine,
    contract: Contract,
    *,
    delivered: int,
    good: str,
    old: str,
    held: str,
    unreadable: int,
    day: dt.date,
    file_name: str,
) -> None:
    """Refuse a full delivery that is so small, large or thin that a diff would bury live keys.

    `delivered` counts all records of the file, the bad ones too. Each of the `unreadable` ones may be of a key that looks
    absent. Without an earlier state only `min_rows` is asked.
    """
    volume = contract.volume
    before = int(engine.rows(f"select count(*) from {old}")[0][0])

    def guarded(what: str, expected: str, found: str, *, rule: str = numbers.ROW_COUNT) -> DeliveryError:
        return DeliveryError(
            f"{contract.table} {day}: {what}",
            file=file_name,
            rule=rule,
            expected=expected,
            found=found,
            kept="the last state stays; the delivery is refused and stays in landing",
            next="ask for a re-delivery with a higher sequence number; if the file is right, widen `volume` in the contract",
        )

    if delivered < volume.min_rows:
        raise guarded("half a full file", f"at least {volume.min_rows:,} rows", f"{delivered:,} rows")
    if not before:
        return
    found = f"{delivered:,} rows, {delivered / before:.1%} of the {before:,} that were known"
    if delivered < volume.min_ratio * before:
        raise guarded("half a full file", f"at least {volume.min_ratio:.0%} of the last state", found)
    if delivered > volume.max_ratio * before:
        raise guarded("more than a full file", f"at most {volume.max_ratio:.0%} of the last state", found)
    absent = int(engine.rows(f"select count(*) from {_absent(old, good, held, contract.key)}")[0][0]) - unreadable
    if absent > volume.max_deleted_share * before:
        raise guarded(
            "half a full file",
            f"at most {volume.max_deleted_share:.2%} of the known keys absent",
            f"{absent:,} of {before:,} keys absent ({absent / before:.2%})",
            rule=numbers.VANISHED_KEYS,
        )


def diff(
    engine: Engine,
    name: str,
    *,
    new: str,
    old: str,
    held: str,
    key: Sequence[str],
    columns: Sequence[str],
    carried: Sequence[str] = (),
    day: dt.date,
    unreadable: int = 0,
) -> Changes:
    """Make the temporary table `name`: the change set of `day` that leads from the state `old` to the delivery `new`.

    `new`, `old` and `held` are relations (a name, or a SELECT in brackets). `new` holds the good rows: `columns`
    (the key among them), `carried`, which are kept but not compared, `_delivery`, `_row_no`; `old` the state before,
    with `_held_since` too; `held` the keys that were delivered but quarantined. `unreadable` counts delivered records whose key cannot be read. Keys are unique and complete in `new`
    and `old`. Raises EngineError if the counts do not add up.
    """
    own = [*columns, *carried]
    values = [*own, "_delivery", "_row_no"]
    compared = [column for column in columns if column not in key]
    differs = " or ".join(f"new.{quoted(c)} is distinct from old.{quoted(c)}" for c in compared) or "false"
    own_date = f"date '{day.isoformat()}'"
    engine.rows(
        f"""
        create or replace temp table {quoted(name)} as
        with good as (
            select {_list(values, "new")}, if(old._known, 'U', 'I') as _op, cast(null as date) as _held_since
            from {new} as new
            left join (select *, true as _known from {old}) as old on {_same(key, "new", "old")}
            where old._known is null or old._held_since is not null or {differs}
        ),
        absent as (
            select {_list(values, "old")}, old._held_since as _held_before, {_is_held(held, key, unreadable)} as _held
            from {old} as old
            where not exists (select 1 from {new} as new where {_same(key, "new", "old")})
        ),
        changes as (
            select {_list(values)}, _op, _held_since from good
            union all
            select {_list(values)}, if(_held, 'U', 'D'), if(_held, {own_date}, null)
            from absent
            where not _held or _held_before is null
        )
        select {_list(own)}, {own_date} as business_date, {own_date} as known_at, _delivery, _row_no, _op, _held_since
        from changes
        """
    )
    return _counted(engine, name, new=new, old=old, held=held, key=key, unreadable=unreadable)


def successor_diff(
    engine: Engine,
    name: str,
    *,
    new_before: str,
    old_state: str,
    held: str,
    key: Sequence[str],
    columns: Sequence[str],
    carried: Sequence[str] = (),
    day: dt.date,
    unreadable: int = 0,
) -> Changes:
    """The change set of the next loaded date `day` once the delivery before it was replaced.

    `new_before` is the NEW state of the date before, `old_state` the OLD state as of `day`, read before the new change
    set of the date before was staged: full deliveries fix the states that follow them, so only the way there changes.
    `held` are the keys that `day` delivered but quarantined, `unreadable` is its count. The keys that `old_state` marks
    are held too, so that little is lost where quarantine was cleared since.

    Nearly always the state as of `day` then is what it was (`same_state`), and all later change sets stand. It is not
    when a key is held on `day`, because a held key keeps what the date before said: then the next loaded date is
    recomputed in the same way, until a state is what it was.
    """
    good = f"(select * from {old_state} where _held_since is null)"
    marked = f"(select {_list(key)} from {old_state} where _held_since is not null)"
    delivered_bad = f"(select {_list(key)} from {marked} union select {_list(key)} from {held})"
    return diff(
        engine,
        name,
        new=good,
        old=new_before,
        held=delivered_bad,
        key=key,
        columns=columns,
        carried=carried,
        day=day,
        unreadable=unreadable,
    )


def same_state(engine: Engine, one: str, other: str, columns: Sequence[str]) -> bool:
    """Whether two states hold the same rows, marks included; where the rows came from does not count."""
    shown = _list([*columns, "_held_since"])
    found = engine.rows(
        f"""
        select
            exists (select {shown} from {one} except select {shown} from {other})
            or exists (select {shown} from {other} except select {shown} from {one})
        """
    )
    return not found[0][0]


def _counted(
    engine: Engine, name: str, *, new: str, old: str, held: str, key: Sequence[str], unreadable: int
) -> Changes:
    """Count the change set, and prove it from both sides: each good row, and each key known before, ends once."""
    inserted, changed, deleted, newly_held = engine.rows(
        f"""
        select
            count(*) filter (where _op = 'I'),
            count(*) filter (where _op = 'U' and _held_since is null),
            count(*) filter (where _op = 'D'),
            count(*) filter (where _op = 'U' and _held_since is not null)
        from {quoted(name)}
        """
    )[0]
    good = int(engine.rows(f"select count(*) from {new}")[0][0])
    known, kept = engine.rows(
        f"""
        select count(*), count(*) filter (where _absent and _held)
        from (
            select
                {_is_held(held, key, unreadable)} as _held,
                not exists (select 1 from {new} as new where {_same(key, "new", "old")}) as _absent
            from {old} as old
        )
        """
    )[0]
    counted = Changes(
        relation=name,
        inserted=inserted,
        changed=changed,
        unchanged=known - changed - deleted - kept,
        deleted=deleted,
        held=kept,
        newly_held=newly_held,
    )
    if counted.good != good or counted.unchanged < 0:
        raise EngineError(
            f"{name}: a change set that does not add up",
            expected=f"{good:,} good rows = inserted + changed + unchanged",
            found=f"{inserted:,} + {changed:,} + {counted.unchanged:,}",
            kept="nothing was staged",
            next="look for a key that stands twice in the delivery or in the state before it",
        )
    return counted


def _absent(old: str, good: str, held: str, key: Sequence[str]) -> str:
    return (
        f"(select 1 from {old} as old where not exists (select 1 from {good} as new where {_same(key, 'new', 'old')}) "
        f"and not exists (select 1 from {held} as held where {_same(key, 'held', 'old')}))"
    )


def _is_held(held: str, key: Sequence[str], unreadable: int) -> str:
    return "true" if unreadable else f"exists (select 1 from {held} as held where {_same(key, 'held', 'old')})"


def _same(key: Sequence[str], one: str, other: str) -> str:
    return " and ".join(f"{one}.{quoted(column)} = {other}.{quoted(column)}" for column in key)


def _list(columns: Sequence[str], table: str = "") -> str:
    return ", ".join(f"{table}.{quoted(column)}" if table else quoted(column) for column in columns)
