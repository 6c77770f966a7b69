"""A tag or signal walked back: formula, features, and the rows of the deliveries behind them.

For the owner of the night: it reads restricted layers. It names no person and no counterparty.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from assets.catalogue import Catalogue, parameters_of
from assets.entry import Entry, Indicator, Tag
from assets.features.spec import Feature, party_spec
from assets.features.tables import wanted_by_features
from assets.inputs import Inputs
from assets.risk_warning.signals import indicator_catalogue
from assets.tags.customer_tags import overrides, tag_catalogue
from data_contracts.bank import Bank
from liangcang.engine import Engine
from liangcang.errors import UsageError
from liangcang.store import View, Warehouse

ROWS = 20
SHOWN: Mapping[str, tuple[str, ...]] = {
    "transaction": ("event_date", "direction", "type", "channel", "amount"),
    "balance": ("valid_from", "balance"),
    "loan_receipt": ("receipt_id", "disbursed_date", "disbursed_amount", "outstanding_principal", "dpd", "five_class"),
    "card": ("card_id", "issued_date", "status", "dpd"),
    "account": ("account_id", "account_type", "open_date", "status"),
}
NEWEST: Mapping[str, str] = {"transaction": "event_date", "balance": "valid_from"}


def explain(warehouse: Warehouse, bank: Bank, *, party: str, entry: str, day: dt.date | None) -> Iterator[str]:
    """The lines of the walk. Raises UsageError for an entry, a date or a party that is not published."""
    view = warehouse.current
    found, catalogue = _entry(entry.upper())
    table = "products.risk_signal" if isinstance(found, Indicator) else "products.customer_tags"
    dates = list(view.entries(table))
    if not dates:
        raise UsageError("no night is published yet", next="run `liangcang nightly`")
    day = day or dates[-1]
    rows = warehouse.scan(table, as_of=day).filter(party_id=party).collect()
    if rows.is_empty():
        raise UsageError(
            f"no party {party} on {day}",
            expected="a party_id of products.risk_party",
            next="a customer number is no party_id; the map is parties.party_map, for those who may read it",
        )
    yield from _result(found, rows, day)
    yield from _formula(found, catalogue, bank)
    features = warehouse.scan("features.party", as_of=day).filter(party_id=party).collect().row(0, named=True)
    wanted = _features(found)
    yield "features of the date (features.party)"
    for feature in wanted:
        yield f"  {feature.name:<24} {_value(features[feature.name]):>18}  {feature.en}"
    yield ""
    yield from _source_rows(view, bank, party=party, day=day, features=wanted)


def _entry(id: str) -> tuple[Entry, Catalogue]:
    catalogues = [indicator_catalogue(), tag_catalogue()]
    for catalogue in catalogues:
        for entry in catalogue.entries:
            if entry.id == id:
                return entry, catalogue
    known = ", ".join(entry.id for catalogue in catalogues for entry in catalogue.entries)
    raise UsageError(f"no entry {id} in the catalogues", expected=f"one of {known}")


def _result(entry: Entry, rows: pl.DataFrame, day: dt.date) -> Iterator[str]:
    yield f"{entry.id} {entry.title} · {entry.name}, as of {day}"
    if isinstance(entry, Tag):
        yield f"  value     {_value(rows[entry.column][0])}"
        return
    hits = rows.filter(indicator_id=entry.id)
    if hits.is_empty():
        yield "  result    not applicable to this type of party"
        return
    row = hits.row(0, named=True)
    yield f"  result    {row['result']}" + (f" {row['severity']}" if row["severity"] else "")
    for name in ("reason", "value"):  # what the evidence holds stands below, as features and parameters
        if row[name] is not None:
            yield f"  {name:<9} {_value(row[name])}"


def _formula(entry: Entry, catalogue: Catalogue, bank: Bank) -> Iterator[str]:
    for name, formula in entry.formulas():
        yield f"  {name:<14} {formula.tree.sql(dialect='duckdb')}"
    parameters = parameters_of(entry, overrides(catalogue, bank))
    if parameters:
        yield "  parameters     " + ", ".join(f"{name} = {value}" for name, value in parameters.items())
    yield f"  owner          {entry.owner}"
    yield f"  source         {entry.source}"
    yield ""


def _features(entry: Entry) -> list[Feature]:
    by_name = {feature.name: feature for feature in party_spec().features()}
    return [by_name[name] for name in entry.columns if name in by_name]


def _source_rows(view: View, bank: Bank, *, party: str, day: dt.date, features: list[Feature]) -> Iterator[str]:
    entities = sorted({need.partition(".")[0] for feature in features for need in feature.needs} & set(SHOWN))
    place = view.place
    with Engine(
        read=[place.data, place.states], write=None, spill=place.spill, time_zone=bank.time_zone, faults=place.faults
    ) as engine:
        Inputs(engine, view, wanted_by_features(bank), [day]).at(day)
        for entity in entities:
            if entity in bank.conform:
                yield from _rows_of(engine, view, bank, entity=entity, party=party)


def _rows_of(engine: Engine, view: View, bank: Bank, *, entity: str, party: str) -> Iterator[str]:
    columns = [column for column in SHOWN[entity] if column not in bank.unfed.get(entity, ())]
    hidden = set(bank.undated.get(entity, ()))
    columns = [column for column in columns if column not in hidden]
    relation = f"conformed.{entity}_history" if entity in NEWEST else f"conformed.{entity}"
    of_party = (
        "party_id = $party"
        if entity not in ("balance", "account")
        else "account_id in (select account_id from conformed.account_holder where party_id = $party and role = 'owner')"
    )
    order = NEWEST.get(entity, columns[0])
    total = engine.rows(f"select count(*) from {relation} where {of_party}", party=party)[0][0]
    yield f"source rows of conformed.{entity}, the newest {min(total, ROWS)} of {total:,}"
    names = _files(view, bank)
    shown = engine.rows(
        f"select {', '.join(columns)}, _feed, _delivery, _row_no from {relation} where {of_party} "
        f"order by {order} desc, _feed, _row_no limit {ROWS}",
        party=party,
    )
    for row in shown:
        *values, feed, delivery, number = row
        file = names.get((feed, delivery), "its delivery")
        yield "  " + "  ".join(_value(value) for value in values) + f"  <- {feed}: {file}, record {number:,}"
    yield ""


def _files(view: View, bank: Bank) -> dict[tuple[str, str], str]:
    """Feed and delivery to the name of the file in landing."""
    names: dict[tuple[str, str], str] = {}
    for feed, contract in bank.feeds.items():
        for digest, facts in view.facts(contract.table).get("history", {}).items():
            names[feed, digest] = str(facts.get("file", ""))
        for entry in view.entries(contract.table).values():
            if "file" in entry.note:
                names[feed, str(entry.note["delivery"])] = str(entry.note["file"])
    return names


def _value(value: Any) -> str:
    if value is None:
        return "not known"
    return f"{value:,.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
