"""From a judged delivery to the rows of its tables: which business date each row is filed under, and when it was known.

A daily delivery is filed whole under its own date D, and known on D. The rows of a history delivery are filed by what
the contract says of time:

| the table, or the first `rowTemporals` that fits the row | business_date                        | known_at            |
|----------------------------------------------------------|--------------------------------------|---------------------|
| a state date                                             | that date                            | business_date + days |
| event                                                    | the event's date                     | business_date + days |
| since, interval                                          | the column's date, or the bank's start where it is earlier | business_date + days |
| identity                                                 | the bank's start                     | business_date + days |
| undated; a snapshot without a state date                 | the bank's start                     | null: nobody can say |

A `knownAt` column takes the place of `business_date + days`. Tables of states are stored as changes (`changes`).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from assets.sources import changes
from assets.sources.changes import Changes
from assets.sources.decoding import KEPT, RESEND
from assets.sources.raw import Raw
from data_contracts import cell, numbers, tables
from data_contracts.contract import Contract, Property, Temporal
from data_contracts.judgement import Breaches, Judgement, results_frame
from liangcang.engine import Engine
from liangcang.errors import DeliveryError, EngineError
from liangcang.quoting import literal, quoted
from liangcang.sql import check_condition

OWN_DATE_SHARE = 0.5
"""Of the events of a delivery of D, at least this share happened on D; else it is the delivery of another date."""

_DELIVERY_ID = re.compile(r"^[0-9a-f]{12}$")


@dataclass(frozen=True, kw_only=True)
class Filed:
    """A history delivery by business date: a temporary table in order of date, and the rows of each date."""

    relation: str
    columns: tuple[str, ...]
    rows: dict[dt.date, int]

    @property
    def days(self) -> tuple[dt.date, ...]:
        return tuple(self.rows)

    def select(self, day: dt.date) -> str:
        """The SELECT of one date's entry. The table lies in order of date, so that little of it is read."""
        return f"select {_list(self.columns)} from {quoted(self.relation)} where business_date = {_date(day)}"


def daily_select(contract: Contract, judgement: Judgement, *, day: dt.date, delivery: str) -> str:
    """The SELECT of `staged.<feed>` of D for a feed of events or of deltas: the good rows, known on D.

    A delta says the new values of a key and not what it was before, so each is a U.
    """
    delta = ", 'U' as _op, cast(null as date) as _held_since" if contract.delivery == "delta" else ""
    return (
        f"select {_list(contract.columns)}, {_date(day)} as business_date, {_date(day)} as known_at, "
        f"{_delivery(delivery)} as _delivery, _row_no{delta} from {quoted(judgement.good_rows)}"
    )


def full_changes(
    engine: Engine,
    contract: Contract,
    judgement: Judgement,
    *,
    name: str,
    before: str,
    day: dt.date,
    delivery: str,
    file_name: str,
) -> Changes:
    """The change set of D for a feed that delivers everything, as the temporary table `name` with the columns to stage.

    `before` is the relation of the state before D. Raises DeliveryError when the volume guard refuses the delivery.
    """
    good = f"(select {_list(contract.columns)}, {_delivery(delivery)} as _delivery, _row_no from {quoted(judgement.good_rows)})"
    held, unreadable = held_keys(contract, judgement), unreadable_keys(engine, contract, judgement)
    changes.guard_volume(
        engine,
        contract,
        delivered=judgement.delivered,
        good=good,
        old=before,
        held=held,
        unreadable=unreadable,
        day=day,
        file_name=file_name,
    )
    return changes.diff(
        engine,
        name,
        new=good,
        old=before,
        held=held,
        key=contract.key,
        columns=compared_columns(contract),
        carried=carried_columns(contract),
        day=day,
        unreadable=unreadable,
    )


def compared_columns(contract: Contract) -> tuple[str, ...]:
    """The columns in which two states of a key are compared: all but the date that the state itself carries."""
    return tuple(column for column in contract.columns if column != contract.state_date)


def carried_columns(contract: Contract) -> tuple[str, ...]:
    """The columns that are stored with a state but not compared."""
    return tuple(column for column in contract.columns if column == contract.state_date)


def held_keys(contract: Contract, judgement: Judgement) -> str:
    """The relation of the keys that were delivered but quarantined."""
    whole = " and ".join(f"{quoted(column)} is not null" for column in contract.key)
    return (
        f"(select distinct {_list(contract.key)} from {quoted(judgement.typed_rows)} "
        f"where {whole} and _row_no in (select _row_no from {quoted(judgement.bad_rows)}))"
    )


def unreadable_keys(engine: Engine, contract: Contract, judgement: Judgement) -> int:
    """Delivered records that name a key nobody can read. A row that leaves its key empty names none."""
    broken = " or ".join(f"(typed.{quoted(c)} is null and text.{quoted(c)} is not null)" for c in contract.key)
    found = engine.rows(
        f"select count(*) from {quoted(judgement.typed_rows)} as typed "
        f"join {quoted(judgement.judged_text)} as text using (_row_no) where {broken}"
    )
    return judgement.rejected + int(found[0][0])


def held_in_quarantine(contract: Contract, quarantine: str, day: dt.date) -> str:
    """The relation of the keys that the delivery of `day` left in quarantine, read from `quarantine.<feed>`."""
    keys = [contract.property(column) for column in contract.key]
    values = ", ".join(f"{read_text(prop)[1]} as {quoted(prop.name)}" for prop in keys)
    whole = " and ".join(f"{quoted(prop.name)} is not null" for prop in keys)
    return (
        f"(select distinct {_list(contract.key)} from (select {values} from {quarantine} "
        f"where business_date = {_date(day)} and _kind = 'quarantined') where {whole})"
    )


def unreadable_in_quarantine(engine: Engine, contract: Contract, quarantine: str, day: dt.date) -> int:
    """What `unreadable_keys` was for the delivery of `day`, read from `quarantine.<feed>`."""
    keys = [read_text(contract.property(column)) for column in contract.key]
    broken = " or ".join(f"({text} is not null and {value} is null)" for text, value in keys)
    found = engine.rows(
        f"select count(*) from {quarantine} where business_date = {_date(day)} and (_kind = 'rejected' or {broken})"
    )
    return int(found[0][0])


def read_text(prop: Property) -> tuple[str, str]:
    """A column of quarantine as the text and the value that the judge saw, as SQL."""
    text = cell.present(prop, quoted(prop.name))
    return text, cell.held(prop, text, cell.tried(prop, text))


def check_own_date(engine: Engine, contract: Contract, judgement: Judgement, *, day: dt.date, file_name: str) -> None:
    """Refuse a delivery of events whose name says D and most of whose rows happened on other days."""
    temporal = contract.temporal
    if temporal.kind != "event" or temporal.column is None:
        return
    happened = f"cast({quoted(temporal.column)} as date)"
    dated, own, other_days = engine.rows(
        f"select count({happened}), count(*) filter (where {happened} = {_date(day)}), "
        f"count(distinct {happened}) filter (where {happened} <> {_date(day)}) from {quoted(judgement.typed_rows)}"
    )[0]
    if own < OWN_DATE_SHARE * dated:
        raise DeliveryError(
            f"{contract.table} {day}: a delivery of another date",
            file=file_name,
            field=temporal.column,
            rule=numbers.DATE,
            expected=f"at least {OWN_DATE_SHARE:.0%} of the rows dated {day}, as the file's name says",
            found=f"{own:,} of {dated:,} rows ({own / dated:.1%}); the others are dated on {other_days:,} other days",
            kept=KEPT,
            next=RESEND,
        )


def file_history(
    engine: Engine,
    contract: Contract,
    judgement: Judgement,
    *,
    raw: Raw,
    start_date: dt.date,
    delivery: str,
    file_name: str,
    name: str = "filed",
) -> Filed:
    """File the good rows of a history delivery under their business dates, as the temporary table `name`.

    Rows of states become changes: what does not differ from the key's row before is left out. Raises DeliveryError
    when a row has not the date that it is filed under.
    """
    columns = tuple(tables.staged(contract).columns)
    dated = (
        f"select rows.*, {_business_date(contract, start_date)} as business_date\nfrom {quoted(judgement.good_rows)} as rows"
        + _state_date_join(contract, raw)
    )
    op = ", 'U' as _op, cast(null as date) as _held_since" if contract.delivery == "delta" else ""
    packed = engine.packs(raw.raw)  # as large as the text
    engine.keep(
        name,
        f"""
        with dated as ({dated})
        select {_list(contract.columns)}, business_date, {_known_at(contract)} as known_at,
            {_delivery(delivery)} as _delivery, _row_no{op}
        from dated
        """,
        packed=packed,
    )
    undated = engine.rows(f"select count(*) from {quoted(name)} where business_date is null")[0][0]
    if undated:
        raise DeliveryError(
            f"{contract.table}: rows without the date under which they are filed",
            file=file_name,
            field=contract.state_date or contract.temporal.column,
            expected="a date in every good row; let the contract require the column",
            found=f"{undated:,} of {judgement.good:,} rows",
            kept=KEPT,
            next="correct the contract, or " + RESEND,
        )
    if contract.delivery == "full":
        changed = changes.history_changes(quoted(name), contract.key, compared_columns(contract))
        engine.keep(name, f"select {_list(columns)} from ({changed})", packed=packed)
    counted = engine.rows(f"select business_date, count(*) from {quoted(name)} group by all order by all")
    filed = Filed(relation=name, columns=columns, rows={day: int(rows) for day, rows in counted})
    if contract.delivery != "full" and sum(filed.rows.values()) != judgement.good:
        raise EngineError(
            f"{contract.table}: rows were lost or doubled while a history was filed",
            expected=f"{judgement.good:,} good rows",
            found=f"{sum(filed.rows.values()):,} rows",
            kept="nothing of it was staged",
        )
    return filed


def quarantine_select(
    contract: Contract, judgement: Judgement, *, raw: Raw, day: dt.date, delivery: str, file_name: str
) -> str:
    """The SELECT of `quarantine.<feed>`: rows that broke a rule, and lines that could not be split, as they came."""
    texts = ", ".join(f"came.{quoted(column)}" for column in contract.columns)
    nulls = ", ".join(f"null as {quoted(column)}" for column in contract.columns)
    at = f"{_date(day)} as business_date, {_delivery(delivery)} as _delivery"
    return (
        f"select {at}, bad._row_no, bad._line, 'quarantined' as _kind, bad._rules, "
        f"{literal(file_name)} as _file, {texts}, null as _text\n"
        f"from {quoted(judgement.bad_rows)} as bad join {quoted(raw.raw)} as came on came._row_no = bad._row_no\n"
        f"union all\n"
        f"select {at}, _row_no, _line, 'rejected', cast([] as varchar[]), {literal(file_name)}, {nulls}, _text\n"
        f"from {quoted(raw.rejected)}"
    )


def quality_select(
    engine: Engine,
    contract: Contract,
    judgement: Judgement,
    *,
    day: dt.date,
    delivery: str,
    breaches: Mapping[str, Breaches],
    name: str = "found",
) -> str:
    """The SELECT of `quality.<feed>`: what each rule found and in which rows, and where the delivered rows ended."""
    _delivery(delivery)
    engine.register(name, results_frame(judgement, contract, day, delivery, breaches))
    return f"select * from {quoted(name)}"


def _business_date(contract: Contract, start_date: dt.date) -> str:
    """The date under which a row is filed, as SQL over the good rows."""
    if contract.state_date:
        own = contract.state_date in contract.columns
        return f"cast({quoted(contract.state_date)} as date)" if own else "state._date"

    def of(temporal: Temporal) -> str:
        if temporal.kind == "event" and temporal.column:
            return f"cast({quoted(temporal.column)} as date)"
        if temporal.kind in ("since", "interval") and temporal.column:
            column = f"cast({quoted(temporal.column)} as date)"
            # greatest() would overlook a null, and a row without its date must not pass as one of the first day
            return f"case when {column} < {_date(start_date)} then {_date(start_date)} else {column} end"
        return _date(start_date)

    return _by_row(contract, of)


def _known_at(contract: Contract) -> str:
    """The date from which a row was known, as SQL over the good rows with their business_date."""
    known = f"business_date + {int(contract.known_at_days)}"
    if contract.known_at_column:
        known = f"cast({quoted(contract.known_at_column)} as date)"

    def of(temporal: Temporal) -> str:
        dated = temporal.kind == "identity" or (temporal.kind != "undated" and (temporal.column or contract.state_date))
        return known if dated else "cast(null as date)"

    return _by_row(contract, of)


def _by_row(contract: Contract, of: Callable[[Temporal], str]) -> str:
    """`of` of the first row temporal whose condition a row meets, else of the table's own."""
    cases = []
    for temporal in contract.row_temporals:
        where = check_condition(
            temporal.where or "true", columns=contract.columns, where=f"{contract.path}: rowTemporals"
        )
        cases.append(f"when {where.sql()} then {of(temporal)}")
    return f"case {' '.join(cases)} else {of(contract.temporal)} end" if cases else of(contract.temporal)


def _state_date_join(contract: Contract, raw: Raw) -> str:
    """The text of a state date that the file carries beside the contract's columns, as a date."""
    if not contract.state_date or contract.state_date in contract.columns:
        return ""
    text = quoted(contract.state_date)
    shaped = f"regexp_full_match({text}, '[0-9]{{4}}-?[0-9]{{2}}-?[0-9]{{2}}')"
    date = f"cast(try_strptime(replace({text}, '-', ''), '%Y%m%d') as date)"
    return (
        f"\nleft join (select _row_no, case when {shaped} then {date} end as _date from {quoted(raw.raw)}) as state "
        f"using (_row_no)"
    )


def _delivery(delivery: str) -> str:
    if not _DELIVERY_ID.match(delivery):
        raise EngineError("a delivery is called by 12 hex digits of its digest", found=f"{len(delivery)} characters")
    return f"'{delivery}'"


def _date(day: dt.date) -> str:
    return f"date '{day.isoformat()}'"


def _list(columns: Iterable[str]) -> str:
    return ", ".join(quoted(column) for column in columns)
