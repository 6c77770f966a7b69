"""From a bank's feeds to the warehouse's own model: what one `conform/<table>.sql` yields, filed under its dates.

A conform SELECT yields dated rows. In a night, an event table keeps the rows of D; a state table keeps each key's
newest row and stores what changed since the state before D. When a history delivery arrived, the same SELECT runs
once over all rows, and every row is filed under its own date.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping

from assets.inputs import Inputs, Wanted
from assets.night import Step
from assets.sources.changes import diff, history_changes
from data_contracts import tables
from data_contracts.bank import Bank, conformed_contracts
from data_contracts.conform import ConformSelect
from liangcang.errors import SqlError
from liangcang.store import View
from liangcang.table import Table

HISTORY, NIGHT = "history", "night"
TECHNICAL = frozenset({*tables.CONFORMED_COLUMNS, *tables.CHANGE_COLUMNS})
"""Columns that say when and from where; a state has not changed because they have."""
PACKED_ABOVE = 64_000_000
"""Bytes of Parquet above which what is made of a history is kept in a packed file instead of memory."""


def input_table(bank: Bank, name: str) -> Table:
    """The stored table behind an input of a conform SELECT."""
    layer, _, short = name.partition(".")
    if layer == "staged":
        return tables.staged(bank.feeds[short])
    if name == tables.party_map().name:
        return tables.party_map()
    return tables.conformed(conformed_contracts()[short])


Finish = Callable[[Step, str], str]
"""Adds columns that no SQL may make (pseudonyms): from a relation's name to a SELECT over it."""


def conform(step: Step, select: ConformSelect, table: Table, *, finish: Finish | None = None) -> None:
    """Make the entries of one conformed table: of all dates if a history came, then of each night of the run.

    There are none while none of its feeds ever came: no rows of a feed that is not there would read as «nothing was».
    """
    view = step.view()
    feeds = [name for name in select.inputs if name.startswith("staged.")]
    if feeds and not any(view.entries(name) for name in feeds):
        return
    loaded = [day for day in step.days if _loaded(view, select.inputs, day)]
    taken = {digest for name in select.inputs for digest in view.facts(name).get("history", {})}
    if new := taken - set(view.facts(table.name).get("history", {})):
        _take_history(step, select, table, taken=new, nights=loaded, finish=finish)
        view = step.view()
    loaded = [*_taken_again(step, view, select.inputs, table), *loaded]
    if not loaded:
        return
    inputs = Inputs(step.engine, view, _wanted(step.bank, select), loaded)
    for day in loaded:
        used = inputs.at(day)
        _night(step, table, _rows(step, select, table, finish), day, inputs=used)


def rows_sql(select: ConformSelect, table: Table, parameters: Mapping[str, object]) -> str:
    """The SELECT with the columns it leaves out as typed nulls, so that what follows sees the whole table."""
    given = {name: parameters[name] for name in select.sql.parameters}
    nulls = [f'cast(null as {table.columns[name]}) as "{name}"' for name in select.unfed]
    return f"select {', '.join(['rows.*', *nulls])} from (\n{select.sql.sql(given)}\n) as rows"


def _wanted(bank: Bank, select: ConformSelect) -> list[Wanted]:
    wanted = [Wanted(table=input_table(bank, name)) for name in select.inputs]
    return wanted + [Wanted(table=input_table(bank, name), form="history") for name in select.history]


def _loaded(view: View, inputs: tuple[str, ...], day: dt.date) -> bool:
    """Whether something came on `day` that a history has not already brought."""
    return any(entry.note.get("kind") == NIGHT for name in inputs if (entry := view.entries(name).get(day)) is not None)


def _taken_again(step: Step, view: View, inputs: tuple[str, ...], table: Table) -> list[dt.date]:
    """Dates before the run's whose rows this run staged anew: a delivery of events was judged once more. States as of the
    run's dates hold such rows already.
    """
    if table.kind != "event":
        return []
    staged, made = step.transaction.staged(), view.entries(table.name)
    parts = [staged[name] for name in inputs if name in staged]
    return sorted(
        day
        for day in {day for part in parts for day, entry in part.entries.items() if entry.note.get("kind") == NIGHT}
        if day < min(step.days) and day in made
    )


def _rows(step: Step, select: ConformSelect, table: Table, finish: Finish | None) -> str:
    rows = rows_sql(select, table, step.bank.parameters)
    if finish is None:
        return rows
    step.engine.rows(f"create or replace temp table unfinished as {rows}")
    return finish(step, "unfinished")


def _night(step: Step, table: Table, rows: str, day: dt.date, *, inputs: Mapping[str, str]) -> None:
    if table.kind == "event":
        sql = f"select * from (\n{rows}\n) as rows where business_date = date '{day}'"
        step.write(table, day, sql, inputs=inputs, note={"kind": NIGHT})
        return
    step.engine.rows(
        f"create or replace temp table new_state as select * from (\n{rows}\n) as rows "
        f"qualify row_number() over (partition by {', '.join(table.key)} order by business_date desc) = 1"
    )
    later = [at for at in step.view().entries(table.name) if at > day and at not in step.days]
    successor = min(later, default=None)
    if successor:
        _state(step, table, successor, name="successor_state")
    _state(step, table, day - dt.timedelta(days=1), name="old_state")
    _stage_changes(step, table, day, new="new_state", old="old_state", inputs=inputs)
    if successor:
        # A full delivery fixes the states that follow it; only the way from this date to the next one is another now.
        entry = step.view().entries(table.name)[successor]
        _state(step, table, day, name="old_state")
        _stage_changes(step, table, successor, new="successor_state", old="old_state", inputs=entry.inputs)


def _state(step: Step, table: Table, day: dt.date, *, name: str) -> None:
    """The state of a conformed table as of a date, as this run sees it, in a temporary table."""
    Inputs(step.engine, step.view(), [Wanted(table=table)], [day]).at(day)
    step.engine.rows(f"create or replace temp table {name} as select * from {table.name}")


def _stage_changes(step: Step, table: Table, day: dt.date, *, new: str, old: str, inputs: Mapping[str, str]) -> None:
    """Stage the change set that leads from one state to the other. A row that nobody can date stays undated."""
    changes = diff(
        step.engine,
        "changes",
        new=f"(select *, known_at is not null as _dated from {new})",
        old=f"(select *, known_at is not null as _dated, cast(null as date) as _held_since from {old})",
        held=f"(select * from {old} where false)",
        key=table.key,
        columns=[name for name in table.columns if name not in TECHNICAL],
        carried=(tables.FEED, "_dated"),
        day=day,
    )
    columns = ", ".join(
        "if(_dated, known_at, null) as known_at" if name == tables.KNOWN_AT else f'"{name}"' for name in table.columns
    )
    counts = {"inserted": changes.inserted, "changed": changes.changed, "deleted": changes.deleted}
    step.write(table, day, f"select {columns} from changes", inputs=inputs, note={"kind": NIGHT, **counts})


def _size(view: View, wanted: list[Wanted]) -> int:
    return sum(path.stat().st_size for item in wanted for path in view.paths(item.table.name))


def _take_history(
    step: Step,
    select: ConformSelect,
    table: Table,
    *,
    taken: set[str],
    nights: Collection[dt.date],
    finish: Finish | None,
) -> None:
    """File all rows under their dates; `nights` are those that the run makes one by one afterwards."""
    wanted = [Wanted(table=input_table(step.bank, name), form="all") for name in select.inputs]
    wanted += [Wanted(table=input_table(step.bank, name), form="history") for name in select.history]
    inputs = Inputs(step.engine, step.view(), wanted, []).everything()
    rows = _rows(step, select, table, finish)
    packed = _size(step.view(), wanted) > PACKED_ABOVE
    step.engine.keep("dated", rows, packed=packed)
    undated = step.engine.rows("select count(*) from dated where business_date is null")[0][0]
    if undated:
        raise SqlError(
            f"{table.name}: a row has no business_date",
            file=select.path,
            expected="each row is filed under a date",
            found=f"{undated:,} rows without one",
        )
    if table.kind == "state":
        changes = history_changes("dated", table.key, [name for name in table.columns if name not in TECHNICAL])
        columns = ", ".join(f'"{name}"' for name in table.columns)
        step.engine.keep("filed", f"select {columns} from (\n{changes}\n) as changes", packed=packed)
    relation = "filed" if table.kind == "state" else "dated"
    step.write_dates(table, relation, nights=nights, inputs=inputs, note={"kind": HISTORY})
    step.transaction.note(table, {"history": {digest: {} for digest in sorted(taken)}})
