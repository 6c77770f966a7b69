"""Where a value comes from: every edge that is shown is right, and what cannot be followed is not shown."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from assets.lineage import (
    CONSTANTLY,
    MADE_OF_THE_KEY,
    PARTY_MAP,
    UNKNOWN,
    Origin,
    columns_read,
    conform_origins,
    feature_needs,
    features_of,
    made_of,
    read_columns,
    select_origins,
    source_columns,
)
from assets.risk_warning.signals import indicator_catalogue
from assets.tags.customer_tags import tag_catalogue
from data_contracts.bank import Bank, conformed_contracts, read_bank
from data_contracts.tables import CONFORMED_COLUMNS, PARTY_MAP_CONTRACT, STAGED_COLUMNS
from liangcang.engine import Engine

RIVERSIDE = str(Path(__file__).parents[1] / "banks" / "riverside")
TABLES = {"staged.a": {"x": "INTEGER", "y": "INTEGER", "k": "INTEGER"}, "staged.b": {"z": "INTEGER", "k": "INTEGER"}}


def origin(sql: str) -> Origin:
    return select_origins(sqlglot.parse_one(sql, dialect="duckdb"), TABLES)["v"]


def of(*columns: str) -> Origin:
    return made_of((table, column) for table, _, column in (name.rpartition(".") for name in columns))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select x as v from staged.a", of("staged.a.x")),
        ("select x + y as v from staged.a where k > 0", of("staged.a.x", "staged.a.y")),
        ("select case when x > 0 then 1 else 2 end as v from staged.a", of("staged.a.x")),
        ("select 'CNY' as v from staged.a", CONSTANTLY),
        ("select cast(null as decimal(18, 2)) as v from staged.a", CONSTANTLY),
        ("with a as (select x as w, k from staged.a) select w as v from a", of("staged.a.x")),
        ("with t as (select * from staged.a) select y as v from t", of("staged.a.y")),
        ("select b.z as v from staged.a as a left join staged.b as b on b.k = a.k", of("staged.b.z")),
        ("select x as v from staged.a union all select z as v from staged.b", of("staged.a.x", "staged.b.z")),
        ("select sum(x) over (partition by k order by y) as v from staged.a", of("staged.a.x", "staged.a.k", "staged.a.y")),
        ("select (select max(z) from staged.b) as v from staged.a", of("staged.b.z")),
        # What the parser does not follow, and would not say so.
        ("select exists(select 1 from staged.b as b where b.k = a.k) as v from staged.a as a", UNKNOWN),
        ("select case when exists(select 1 from staged.b) then x end as v from staged.a", UNKNOWN),
        ("select x in (select z from staged.b) as v from staged.a", UNKNOWN),
        ("with t as (select exists(select 1 from staged.b) as w from staged.a) select w as v from t", UNKNOWN),
        ("select count(*) as v from staged.a", UNKNOWN),
        ("select row_number() over () as v from staged.a", UNKNOWN),
        ("select nowhere.q as v from staged.a", UNKNOWN),
    ],
)  # fmt: skip
def test_the_origin_of_a_column(sql: str, expected: Origin) -> None:
    assert origin(sql) == expected


@pytest.fixture(scope="module", params=["county", "berka", RIVERSIDE], ids=lambda name: Path(name).name)
def bank(request: pytest.FixtureRequest) -> Bank:
    return read_bank(request.param)


def test_every_column_that_a_bank_fills_has_an_origin(bank: Bank) -> None:
    """Also those that come by way of other tables of the model: nothing of the three banks is «no lineage»."""
    sources = source_columns(bank)
    filled = {(s.table, c) for s in bank.conform.values() for c in s.columns}
    assert filled <= set(sources)
    assert [place for place in filled if sources[place].kind == "unknown"] == []


def test_an_origin_is_a_column_of_a_contract(bank: Bank) -> None:
    columns = {c.table: {*c.columns, *STAGED_COLUMNS} for c in bank.feeds.values()}
    for origin in source_columns(bank).values():
        assert all(column in columns[table] for table, column in origin.columns)


def test_edges_that_people_know_are_there() -> None:
    sources = source_columns(read_bank("county"))
    assert sources["conformed.balance", "balance"] == of("staged.cb_dep_acct.balance", "staged.cb_fx.mid")
    assert sources["conformed.transaction", "event_date"] == of("staged.cb_txn.txn_date")
    numbers = ("cb_cust_corp.cust_no", "cb_cust_corp.uscc", "cb_cust_ind.cust_no", "cb_cust_ind.id_no")
    assert sources["conformed.account_holder", "party_id"] == of(*(f"staged.{number}" for number in numbers))
    assert sources["conformed.account_holder", "role"] == CONSTANTLY


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select x as v from staged.a where k > 0", ("staged.a.x", "staged.a.k")),
        ("with t as (select * from staged.a) select x as v from t where y > 0", ("staged.a.x", "staged.a.y")),
        ("select b.z as v from staged.a as a left join staged.b as b on b.k = a.k", ("staged.a.k", "staged.b.k", "staged.b.z")),
        ("select exists(select 1 from staged.b as b where b.k = a.k) as v from staged.a as a", ("staged.a.k", "staged.b.k")),
    ],
)  # fmt: skip
def test_a_column_that_only_joins_or_filters_is_read(sql: str, expected: tuple[str, ...]) -> None:
    assert read_columns(sqlglot.parse_one(sql, dialect="duckdb"), TABLES) == set(of(*expected).columns)


def test_every_column_is_read_that_a_value_is_made_of(bank: Bank) -> None:
    read = columns_read(bank)
    for (table, _), origin in conform_origins(bank).items():
        if table != PARTY_MAP:
            assert set(origin.columns) <= (read[table] or set()), table


# -- an oracle: change a source column and look at what moves ----------------------------------------------------------

VALUES = {
    "VARCHAR": "['10','11','1','0','01','20','CNY','USD','C','D','A','330327199001011234']",
    "DATE": "[date '2026-01-05', date '2025-11-20', date '2024-02-29']",
    "INTEGER": "[0, 1, 5, 40]",
    "BIGINT": "[0, 1, 5, 40]",
    "SMALLINT": "[0, 1, 5, 40]",
    "BOOLEAN": "[true, false]",
    "TIME": "[time '01:00:00', time '13:30:00']",
    "TIMESTAMP": "[timestamp '2026-01-05 01:00:00', timestamp '2026-01-06 01:00:00']",
}


def values_of(kind: str, n: int, codes: Sequence[str] = ()) -> str:
    choice = VALUES.get(kind, f"[cast(0 as {kind}), cast(1.25 as {kind}), cast(7 as {kind})]")
    if codes:
        choice = "[" + ", ".join(f"'{code}'" for code in codes) + "]"
    return f"cast(({choice})[1 + cast(i * {n} % 7919 as integer) % len({choice})] as {kind})"


def lay(engine: Engine, name: str, columns: Mapping[str, str], codes: Mapping[str, Sequence[str]]) -> None:
    made = [
        "i as _row_no"
        if column == "_row_no"
        else f'{values_of(kind, 31 + 17 * n, codes.get(column, ()))} as "{column}"'
        for n, (column, kind) in enumerate(columns.items())
    ]
    engine.con.execute(f"create schema if not exists {name.partition('.')[0]}")
    engine.con.execute(f"create or replace table {name} as select {', '.join(made)} from range(24) as r(i)")


def result(engine: Engine, sql: str, columns: tuple[str, ...]) -> dict[str, list[str]]:
    table = engine.con.execute(f"select {', '.join(columns)} from ({sql}) order by all").fetchall()
    return {column: sorted(str(row[n]) for row in table) for n, column in enumerate(columns)}


def places_that_choose_rows(tree: exp.Expression) -> set[str]:
    """Names of columns that filter, join, group or order anywhere in a SELECT: these may move any column."""
    kinds = (exp.Join, exp.Where, exp.Group, exp.Having, exp.Qualify, exp.Window, exp.Order, exp.Distinct)
    return {column.name for node in tree.find_all(*kinds) for column in node.find_all(exp.Column)}


@pytest.mark.slow
def test_a_value_moves_only_with_the_columns_it_is_said_to_be_made_of(tmp_path: Path) -> None:
    """Every SELECT of the county over rows drawn at random: change one source column, and see which outputs move."""
    bank, draw, moved_at_all = read_bank("county"), random.Random(11), 0
    origins = conform_origins(bank)
    for name in ("data", "spill", "faults"):
        (tmp_path / name).mkdir()
    with Engine(
        read=[tmp_path], write=tmp_path / "data", spill=tmp_path / "spill", faults=tmp_path / "faults"
    ) as engine:
        tables = {c.table: {**c.columns, **STAGED_COLUMNS} for c in bank.feeds.values()}
        tables |= {c.table: {**c.columns, **CONFORMED_COLUMNS} for c in conformed_contracts().values()}
        tables |= {PARTY_MAP: {**PARTY_MAP_CONTRACT, **CONFORMED_COLUMNS}}
        codes = {c.table: {p.name: tuple(p.codes) for p in c.properties if p.codes} for c in bank.feeds.values()}
        for table, columns in tables.items():
            lay(engine, table, columns, codes.get(table, {}))
        for entity in ("party", "balance", "transaction", "loan_receipt"):
            select = bank.conform[entity]
            sql, outputs = select.sql.sql(), select.columns
            for table in select.history:
                engine.con.execute(f"create or replace view {table}_history as from {table}")
            before, choosing = result(engine, sql, outputs), places_that_choose_rows(select.sql.tree)
            for table in select.inputs:
                of_table = codes.get(table, {})
                for column, kind in tables[table].items():
                    if column in choosing or column == "_row_no":
                        continue
                    changed = values_of(kind, draw.randrange(1000, 5000), of_table.get(column, ()))
                    engine.con.execute(f'update {table} set "{column}" = {changed.replace("i *", "(_row_no + 3) *")}')
                    after = result(engine, sql, outputs)
                    moved = {output for output in outputs if before[output] != after[output]}
                    moved_at_all += len(moved)
                    said = {output for output in outputs if (table, column) in origins[select.table, output].columns}
                    assert moved <= said, (select.table, column)
                    lay(engine, table, tables[table], of_table)
    assert moved_at_all > 50


# -- products ----------------------------------------------------------------------------------------------------------


def test_every_tag_and_indicator_leads_to_columns_of_the_model() -> None:
    model = {(c.table, column) for c in conformed_contracts().values() for column in c.columns}
    for entry in (*tag_catalogue().entries, *indicator_catalogue().entries):
        features = features_of(entry)
        assert features, entry.id
        assert {place for name in features for place in feature_needs()[name]} <= model, entry.id


def test_the_party_id_is_said_to_be_made_of_the_customer_number() -> None:
    for name in MADE_OF_THE_KEY:
        assert source_columns(read_bank("berka"))[PARTY_MAP, name] == of("staged.client.client_id")
