"""Where values come from, column by column: products from features, features from the model, the model from the feeds.

Of a SELECT it is the lineage of values: the columns of which a value is made. What only filters, joins or orders rows is
not in it. Where the parser cannot follow (EXISTS, a subquery as a condition, a count of rows), the origin is unknown, and
whoever shows it says «no lineage»: an edge that is missing can be asked for, a wrong one is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, cast

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import traverse_scope

from assets.churn.model_inputs import model_inputs
from assets.entry import Entry
from assets.features.spec import party_spec
from assets.risk_warning.signals import indicator_catalogue
from assets.tags.customer_tags import tag_catalogue
from data_contracts.bank import Bank, conformed_contracts
from data_contracts.conform import ConformSelect
from data_contracts.tables import CONFORMED_COLUMNS, PARTY_MAP_CONTRACT, PARTY_MAP_KEY, STAGED_COLUMNS
from liangcang.sql import DIALECT

Place = tuple[str, str]
"""A column: table (`staged.cb_txn`) and name."""
PARTY_MAP = "parties.party_map"
MADE_OF_THE_KEY = ("party_id", "key_id")
"""Columns of the party map that no SELECT yields: a keyed hash of source system and customer number."""
CONSTANT = (exp.Alias, exp.Literal, exp.Boolean, exp.Null, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Neg, exp.Paren, exp.Identifier)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Of which columns a value is made (sorted). `constant`: of none, it stands in the SELECT. `unknown`: not followed."""

    kind: Literal["columns", "constant", "unknown"]
    columns: tuple[Place, ...] = ()


UNKNOWN, CONSTANTLY = Origin(kind="unknown"), Origin(kind="constant")


def made_of(columns: Iterable[Place]) -> Origin:
    return Origin(kind="columns", columns=tuple(sorted(set(columns))))


def select_origins(tree: exp.Expression, tables: Mapping[str, Mapping[str, str]]) -> dict[str, Origin]:
    """The origin of every column that a SELECT yields. `tables`: the stored ones with their columns and types."""
    query = cast(exp.Query, tree.copy())
    try:
        nodes = lineage(None, query, schema=_schema(tables), dialect=DIALECT, trim_selects=False)
    except (SqlglotError, ValueError):
        return dict.fromkeys((column.output_name for column in query.selects), UNKNOWN)
    return {name: _origin(node, tables) for name, node in cast(Mapping[str, Node], nodes).items()}


def read_columns(tree: exp.Expression, tables: Mapping[str, Mapping[str, str]]) -> set[Place] | None:
    """Every stored column that a SELECT uses anywhere: those that make no value join, filter or order its rows. None
    when the parser cannot tell.
    """
    try:
        query = qualify(tree.copy(), schema=_schema(tables), dialect=DIALECT)
        query = pushdown_projections(query)  # what `*` takes along and nobody uses
    except SqlglotError:
        return None
    found: set[Place] = set()
    for scope in traverse_scope(query):
        for column in scope.columns:
            source = scope.sources.get(column.table)
            if isinstance(source, exp.Table):
                found.add((f"{source.db}.{source.name}", column.name))
    return {(table, column) for table, column in found if column in tables.get(table, ())}


def _schema(tables: Mapping[str, Mapping[str, str]]) -> Any:
    schema: dict[str, dict[str, Mapping[str, str]]] = {}
    for table, columns in tables.items():
        layer, _, short = table.partition(".")
        schema.setdefault(layer, {})[short] = columns
    return schema


def _origin(node: Node, tables: Mapping[str, Mapping[str, str]]) -> Origin:
    columns: set[Place] = set()
    for one in node.walk():
        expression = one.expression
        if isinstance(expression, exp.Table):
            place = (f"{expression.db}.{expression.name}", exp.to_column(one.name, dialect=DIALECT).name)
            if place[1] not in tables.get(place[0], ()):
                return UNKNOWN
            columns.add(place)
        elif _not_followed(expression) or (not one.downstream and not _is_constant(expression)):
            return UNKNOWN
    return made_of(columns) if columns else CONSTANTLY


def _not_followed(expression: exp.Expression) -> bool:
    """Conditions that read other rows: the parser gives them no lineage, and does not say so."""
    conditions = (exp.Exists, exp.Any, exp.All)
    if isinstance(expression, exp.Query):  # a branch of a union stands for its column alone
        return False
    return any(isinstance(part, conditions) or (isinstance(part, exp.In) and part.args.get("query")) for part in expression.walk())  # fmt: skip


def _is_constant(expression: exp.Expression) -> bool:
    return all(isinstance(part, CONSTANT) for part in expression.walk())


# -- from the model to the feeds ---------------------------------------------------------------------------------------


def conform_origins(bank: Bank) -> dict[Place, Origin]:
    """Of each column of the model that the bank fills, the columns that its SELECT reads it from."""
    tables = _readable(bank)
    found: dict[Place, Origin] = {}
    for select in bank.conform.values():
        found |= {(select.table, name): _under_own_names(origin, select) for name, origin in select_origins(select.sql.tree, tables).items()}  # fmt: skip
    if PARTY_MAP in {select.table for select in bank.conform.values()}:
        found |= {(PARTY_MAP, name): made_of((PARTY_MAP, key) for key in PARTY_MAP_KEY) for name in MADE_OF_THE_KEY}
    return found


def columns_read(bank: Bank) -> dict[str, set[Place] | None]:
    """Of each table of the model, the columns that its SELECT uses anywhere; None when the parser cannot tell."""
    tables, found = _readable(bank), dict[str, set[Place] | None]()
    for select in bank.conform.values():
        own = {f"{table}_history": table for table in select.history}
        used = read_columns(select.sql.tree, tables)
        found[select.table] = used and {(own.get(table, table), column) for table, column in used}
    return found


def source_columns(bank: Bank) -> dict[Place, Origin]:
    """The same, followed back to columns of feeds. Unknown as soon as one step of the way is."""
    direct = conform_origins(bank)

    @cache
    def followed(place: Place) -> Origin:
        origin = direct.get(place, UNKNOWN)
        if origin.kind != "columns":
            return origin
        found: set[Place] = set()
        for read in origin.columns:
            behind = made_of([read]) if read[0].startswith("staged.") else followed(read)
            if behind.kind == "unknown":
                return UNKNOWN
            found |= set(behind.columns)
        return made_of(found) if found else CONSTANTLY

    return {place: followed(place) for place in direct}


def _under_own_names(origin: Origin, select: ConformSelect) -> Origin:
    """A look-back is read as `<table>_history`; its columns are the table's own."""
    own = {f"{table}_history": table for table in select.history}
    return origin if origin.kind != "columns" else made_of((own.get(t, t), column) for t, column in origin.columns)


def _readable(bank: Bank) -> dict[str, Mapping[str, str]]:
    tables: dict[str, Mapping[str, str]] = {PARTY_MAP: {**PARTY_MAP_CONTRACT, **CONFORMED_COLUMNS}}
    for feed in bank.feeds.values():
        tables[feed.table] = tables[f"{feed.table}_history"] = {**feed.columns, **STAGED_COLUMNS}
    for contract in conformed_contracts().values():
        columns = {**contract.columns, **CONFORMED_COLUMNS}
        tables[contract.table] = tables[f"{contract.table}_history"] = columns
    return tables


# -- from products to the model ----------------------------------------------------------------------------------------


@cache
def feature_needs() -> Mapping[str, tuple[Place, ...]]:
    """Of each feature, the columns of the model that it needs."""
    return {
        feature.name: tuple((f"conformed.{entity}", column) for entity, _, column in (n.partition(".") for n in feature.needs))
        for feature in party_spec().features()
    }  # fmt: skip


def features_of(entry: Entry) -> tuple[str, ...]:
    """The features that a tag or an indicator is made of."""
    return tuple(name for name in entry.columns if name in feature_needs())


def users_of_features() -> dict[str, list[str]]:
    """Of each feature, what is made of it: ids of tags and indicators, and `churn_score`."""
    users: dict[str, list[str]] = {}
    for entry in (*tag_catalogue().entries, *indicator_catalogue().entries):
        for name in features_of(entry):
            users.setdefault(name, []).append(entry.id)
    for name in dict.fromkeys(column for item in model_inputs() for column in item.formula.columns):
        users.setdefault(name, []).append("churn_score")
    return users


def behind(features: Iterable[str], sources: Mapping[Place, Origin]) -> Iterator[tuple[str, Place, Origin]]:
    """The way back of each feature: feature, column of the model, and what the bank fills that with."""
    for feature in features:
        for place in feature_needs()[feature]:
            yield feature, place, sources.get(place, UNKNOWN)
