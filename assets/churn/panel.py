"""The training panel: rows of many as-of dates, made by the night's own feature code, with what came after each.

There is no second way to a feature. For each date the views are those of a night, the SELECTs are those of a night,
and what is written has the values of that night's `features.party`, bit by bit; asked for all of it, its bytes. What came
after is joined beside it. First it is seen who belongs to the population, by what this alone depends on; then the inputs
are made, and of those parties only.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from assets.churn.labels import Label
from assets.churn.model_inputs import FEATURES, ModelInput, reads, rows_select
from assets.churn.outcome import is_closed, outcome_select, wanted_by_outcome
from assets.features.party import KEYS as KEYS_OF_PARTY
from assets.features.party import days_behind, feature_tables, of_their_own, party_month_select, party_select, read_by
from assets.features.sources import check_views
from assets.features.tables import at, visible, wanted_by_features
from assets.inputs import Inputs, Wanted
from data_contracts import tables
from data_contracts.bank import Bank, conformed_contracts
from liangcang.engine import Engine
from liangcang.store import View
from liangcang.table import Table

KEYS = ("as_of_date", "party_id")
AUDIT = ("age", "gender", "region")
"""For the audit of groups; no model sees them."""

LOOKED_AT = "base.looked_at"
"""Who is of the population on any date of the panel."""
OF_THOSE: Mapping[str, str] = {
    "conformed.account_holder": f"party_id in (select party_id from {LOOKED_AT})",
    "conformed.transaction": f"party_id in (select party_id from {LOOKED_AT})",
    "conformed.balance": "account_id in (select account_id from base.conformed_account_holder)",
}
"""The rows that are theirs, of the tables that are large: no other row is read again for each date."""

REGION = """
select party.party_id, coalesce(branch.region_name, party.branch_code, party.region_code) as region
from conformed.party as party
left join conformed.branch as branch
    on branch.branch_code = coalesce(party.branch_code, party.region_code)
"""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One row a party and as-of date, in that order: `inputs` and what the label says.

    `base` and `future` in home currency, `churned` null while the outcome is open, `rule_score` and `rule_flag` of the
    label's rule, and the columns of `AUDIT`.
    """

    label: Label
    inputs: tuple[ModelInput, ...]
    rows: pl.DataFrame

    @property
    def digest(self) -> str:
        """Twelve hex digits over all rows."""
        whole = hashlib.sha256()
        for column in self.rows:
            whole.update(column.name.encode())
            if column.dtype == pl.String:
                whole.update("\n".join(column.fill_null("\0").to_list()).encode())
            else:
                whole.update(
                    column.cast(pl.Int32 if column.dtype == pl.Date else column.dtype)
                    .cast(pl.Float64)
                    .fill_null(float("nan"))
                    .to_numpy()
                    .tobytes()
                )
        return whole.hexdigest()[:12]


def month_ends(first: dt.date, last: dt.date) -> list[dt.date]:
    """The last days of months from `first` to `last`, both included."""
    found = []
    day = last + dt.timedelta(days=1)
    while (day := day.replace(day=1) - dt.timedelta(days=1)) >= first:
        found.append(day)
    return found[::-1]


def make_panel(
    view: View,
    bank: Bank,
    label: Label,
    inputs: Sequence[ModelInput],
    dates: Sequence[dt.date],
    *,
    working: Path,
    say: Callable[[str], None] = lambda _: None,
) -> Panel:
    """Make the panel of these dates from what a view holds. `working` is a private folder for a date's files.

    Raises SqlError when a feature would read what nobody can date.
    """
    check_views(visible(bank), at(bank, None, bank.start_date))
    place, population = view.place, label.sql(label.population)
    only = reads(label, inputs) | {*AUDIT}
    with Engine(
        read=[place.data, place.states],
        write=working,
        spill=place.spill,
        time_zone=bank.time_zone,
        faults=place.faults,
    ) as engine:
        engine.rows(f"create schema if not exists base; create table {LOOKED_AT} (party_id varchar)")
        asked = frozenset(label.population.columns)
        for number, (day, file) in enumerate(nights(engine, view, bank, dates, working=working, only=asked), start=1):
            engine.view(FEATURES, [file], _party(asked).columns)
            engine.rows(f"insert into {LOOKED_AT} select party_id from {FEATURES} where {population}")
            file.unlink()
            say(f"population as of {day} ({number} of {len(dates)})")
        where = OF_THOSE if of_their_own(only) else {}
        made = nights(engine, view, bank, dates, working=working, only=only, where=where)
        for number, (day, file) in enumerate(made, start=1):
            engine.view(FEATURES, [file], _party(only).columns)
            engine.rows(f"create temp table {_rows_of(day)} as {_population(label, inputs)}")
            file.unlink()
            say(f"features as of {day} ({number} of {len(dates)})")
        parts = _with_outcome(engine, view, bank, label, dates)
    return Panel(label=label, inputs=tuple(inputs), rows=pl.concat(parts).sort(KEYS))


def nights(
    engine: Engine,
    view: View,
    bank: Bank,
    dates: Sequence[dt.date],
    *,
    working: Path,
    only: frozenset[str] | None = None,
    where: Mapping[str, str] | None = None,
) -> Iterator[tuple[dt.date, Path]]:
    """`features.party` of each date as its night makes it: a file, which whoever has read it removes.

    `only` names the columns that are asked for beside its keys, `where` the rows of the tables behind them (SQL by
    table): they have the values that the whole table has.
    """
    month, party = feature_tables()[0], _party(only)
    wanted = wanted_by_features(bank)
    if only is not None:
        read = read_by(at(bank, None, bank.start_date), only)
        days = days_behind(only)
        wanted = [
            replace(item, lookback=item.lookback and min(item.lookback, days))
            for item in wanted
            if item.view_name in read
        ]
    inputs = Inputs(engine, view, wanted, dates, where=where)
    for day in dates:
        inputs.at(day)
        given = at(bank, view, day)
        text = party_month_select(day, given, only=only)
        months = engine.write(text, month, working / f"{day}-month.parquet", repeated=True)
        engine.view(month.name, [months.path], month.columns)
        made = engine.write(party_select(day, given, only=only), party, working / f"{day}.parquet", repeated=True)
        months.path.unlink()
        yield day, made.path


def _party(only: frozenset[str] | None) -> Table:
    """The table `features.party` with all its columns, or its keys and those that are asked for."""
    party = feature_tables()[1]
    if only is None:
        return party
    return replace(
        party, columns={name: kind for name, kind in party.columns.items() if name in {*KEYS_OF_PARTY, *only}}
    )


def _population(label: Label, inputs: Sequence[ModelInput]) -> str:
    """The label's population with its inputs, its base, what the rule says of it, and what is audited."""
    more = {
        "base": f"cast({label.sql(label.base)} as double)",
        "rule_score": f"cast({label.sql(label.rule.score)} as double)",
        "rule_flag": label.sql(label.rule.flag),
        "age": "age",
        "gender": "gender",
    }
    return rows_select(label, inputs, more=more)


def _with_outcome(engine: Engine, view: View, bank: Bank, label: Label, dates: Sequence[dt.date]) -> list[pl.DataFrame]:
    """The rows of each date with what came after, as the night of the outcome's last day knew it."""
    closed = {day: label.outcome.end(day) for day in dates if is_closed(view, bank, label, day)}
    # Where a party is looked after may describe the present, so no model sees it.
    beside = [Wanted(table=tables.conformed(conformed_contracts()[entity])) for entity in ("party", "branch")]
    later = Inputs(
        engine, view, [*wanted_by_outcome(bank), *beside], sorted({*closed.values(), *dates}), where=OF_THOSE
    )
    parts = []
    for day in dates:
        later.at(closed.get(day, day))
        future = "select '' as party_id, 0.0 as future where false"
        if day in closed:
            future = outcome_select(label, day, at(bank, view, closed[day]))
        engine.rows(f"create or replace temp table outcome as {future}")
        parts.append(engine.frame(labelled_select(label, day, is_closed=day in closed), what=f"the panel of {day}"))
    return parts


def labelled_select(label: Label, day: dt.date, *, is_closed: bool) -> str:
    """The SELECT of a date's rows with `future`, `churned` and region, over its rows and the table `outcome`."""
    # Who owns no account any more is not among the owners of the last day: nothing is left.
    came = "case when outcome.party_id is null then 0 else outcome.future end"
    return f"""
        with region as ({REGION}),
        ended as (
            select input.*, region.region, {came if is_closed else "cast(null as double)"} as future
            from {_rows_of(day)} as input
            left join outcome on outcome.party_id = input.party_id
            left join region on region.party_id = input.party_id
        )
        select
            date '{day}' as as_of_date, *,
            case when base is not null and future is not null then {label.sql(label.churned)} end as churned
        from ended
    """


def _rows_of(day: dt.date) -> str:
    return f"rows_{day:%Y%m%d}"
