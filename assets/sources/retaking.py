"""Deliveries that are judged once more: with the parents that came later, and with what a steward corrected.

Nothing is merged by hand. The delivery itself is judged again, whole, under the rules of today, and its rows are staged as
those of a right first delivery are. So it is conserved as ever, its counts are those of its file, and doing it once more
gives the same bytes. What must be known for that is kept where the night finds it whenever the date is run again:

- of a staged table, as facts: which deliveries may look for their references as of which later dates too;
- in `corrections.<feed>`, restricted as quarantine is: which cells of which rows are read as another text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assets.freshness import has_come
from assets.sources.changes import state_as_of
from assets.sources.raw import Raw
from assets.sources.staging import read_text
from data_contracts import tables
from data_contracts.bank import Bank
from data_contracts.contract import Contract, Rule, targets_of
from liangcang.engine import Engine, parquet
from liangcang.quoting import literal, quoted
from liangcang.store import View
from liangcang.table import Entry, Table

WAITS = 35
"""Days for which a row that was kept back waits for its parent. After that somebody says `liangcang replay`."""
REPLAYED = "replayed"


def as_of_dates(view: View, table: str, delivery: str) -> tuple[dt.date, ...]:
    """The later dates as of which a delivery may look for its references too."""
    said = view.facts(table).get(REPLAYED, {}).get(delivery, {})
    return tuple(dt.date.fromisoformat(day) for day in said.get("as_of", ()))


def taken_again(view: View, table: Table, delivery: str, day: dt.date) -> Mapping[str, object]:
    """The facts that let a delivery look for its references as of `day` from now on."""
    dates = sorted({*as_of_dates(view, table.name, delivery), day})
    return {REPLAYED: {delivery: {"as_of": [one.isoformat() for one in dates]}}}


@dataclass(frozen=True)
class Again:
    """What stands of a delivery of `day` that was judged before."""

    engine: Engine
    view: View
    contract: Contract
    day: dt.date
    delivery: str

    def late_references(self, bank: Bank) -> Mapping[str, Sequence[str]]:
        """The relations of later dates in which its references may be found too, by table."""
        dates = [one for one in as_of_dates(self.view, self.contract.table, self.delivery) if one > self.day]
        late: dict[str, list[str]] = {}
        for n, date in enumerate(dates):
            for parent, keys in _parents(bank, self.contract):
                if has_come(self.view, parent, date):
                    name = f"late_{n}_{parent.feed}"
                    self.engine.rows(
                        f"create or replace temp table {name} as {_rows_of(self.view, parent, keys, date)}"
                    )
                    late.setdefault(parent.table, []).append(name)
        return late

    def corrected(self, raw: Raw) -> Raw:
        """Read the cells that a steward corrected as their new text. Returns what was delivered, kept as it was."""
        table = tables.corrections(self.contract)
        entry = self.view.entries(table.name).get(self.day)
        if entry is None:
            return raw
        file = parquet([self.view.place.root / entry.path(table.name, self.day)], table.columns)
        mine = f"({file}) where _delivery = {literal(self.delivery)}"
        columns = [name for (name,) in self.engine.rows(f"select distinct column_name from {mine} order by all")]
        if not columns:
            return raw
        came = f"{raw.raw}_came"
        self.engine.rows(f"create or replace temp table {quoted(came)} as select * from {quoted(raw.raw)}")
        for column in [name for name in columns if name in self.contract.columns]:
            self.engine.rows(
                f"update {quoted(raw.raw)} as r set {quoted(column)} = c.new_text "
                f"from (select * from {mine} and column_name = {literal(column)}) as c "
                f"where r._row_no = c._row_no and coalesce(r.{quoted(column)}, '') = c.old_text"
            )
        return replace(raw, raw=came)


def kept_back(view: View, contract: Contract, day: dt.date) -> Mapping[dt.date, Entry]:
    """The dates before `day` of which rows may wait for a parent: entries of quarantine.

    None of a feed that is delivered full: its next delivery brings such rows again.
    """
    if contract.delivery == "full" or not _removing(contract):
        return {}
    return {
        at: entry
        for at, entry in view.entries(tables.quarantine(contract).name).items()
        if day - dt.timedelta(days=WAITS) <= at < day and entry.rows and "file" in entry.note
    }


def awaited(
    engine: Engine, view: View, contract: Contract, bank: Bank, day: dt.date, *, kept: Mapping[dt.date, Entry]
) -> Mapping[dt.date, Entry]:
    """Those of the entries `kept` in which a row is kept back for a parent that is there as of `day`."""
    table = tables.quarantine(contract)
    rows = parquet([view.place.root / entry.path(table.name, at) for at, entry in kept.items()], table.columns)
    found: set[dt.date] = set()
    for rule in _removing(contract):
        for name, keys in targets_of(rule):
            parent = bank.feeds[name.partition(".")[2]]
            if has_come(view, parent, day):
                parents = _rows_of(view, parent, frozenset(keys), day)
                found |= {at for (at,) in engine.rows(_waiting(contract, rule, rows, parents=parents, keys=keys))}
    return {at: kept[at] for at in sorted(found)}


def _waiting(contract: Contract, rule: Rule, rows: str, *, parents: str, keys: Sequence[str]) -> str:
    """The SELECT of the dates of quarantined rows that broke `rule` and whose parent is there."""
    values = [read_text(contract.property(column))[1] for column in rule.columns]
    texts = ", ".join(f"{value} as _k{n}" for n, value in enumerate(values))
    same = " and ".join(f"child._k{n} = parent.{quoted(key)}" for n, key in enumerate(keys))
    broke = f"_kind = 'quarantined' and list_contains(_rules, {literal(rule.id)})"
    return (
        f"select distinct child.business_date from (select business_date, {texts} from ({rows}) where {broke}) as child "
        f"join ({parents}) as parent on {same}"
    )


def _reference_rules(contract: Contract) -> list[Rule]:
    return [rule for rule in contract.rules if rule.kind == "reference"]


def _removing(contract: Contract) -> list[Rule]:
    return [rule for rule in _reference_rules(contract) if rule.severity != "warning"]


def _parents(bank: Bank, contract: Contract) -> list[tuple[Contract, frozenset[str]]]:
    """The feeds that a contract's rules refer to, with the columns of each."""
    looked: dict[str, set[str]] = {}
    for rule in _reference_rules(contract):
        for table, keys in targets_of(rule):
            if table != contract.table:
                looked.setdefault(table, set()).update(keys)
    return [(bank.feeds[table.partition(".")[2]], frozenset(keys)) for table, keys in sorted(looked.items())]


def _rows_of(view: View, parent: Contract, keys: frozenset[str], day: dt.date) -> str:
    """The SELECT of a feed's rows as a night of `day` sees them: the state, or the events of the day."""
    table = tables.staged(parent)
    columns = {
        name: kind for name, kind in table.columns.items() if name in {*keys, *table.key, "business_date", "_op"}
    }
    shown = ", ".join(quoted(key) for key in sorted(keys))
    if table.kind == "state":
        rows = f"({parquet(view.paths(table.name, to=day), columns)})"
        return f"select {shown} from ({state_as_of(rows, table.key, day)})"
    paths = view.paths(table.name, after=day - dt.timedelta(days=1), to=day)
    return f"select {shown} from ({parquet(paths, columns)}) where business_date = date '{day}'"
