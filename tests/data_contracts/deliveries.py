"""Contracts as plain values and deliveries as tables of text, the way the reader leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from data_contracts.contract import Contract, Property, Rule, Temporal
from data_contracts.judge import judge
from data_contracts.judgement import Judgement
from liangcang.engine import quoted


def prop(name: str, type: str = "VARCHAR", **more: Any) -> Property:
    return Property(name=name, type=type, **more)


def rule(id: str, kind: str, *columns: str, **more: Any) -> Rule:
    given = {"severity": "quarantine", "dimension": "conformity", "owner": "operations", **more}
    return Rule(id=id, kind=kind, columns=columns, **given)  # type: ignore[arg-type]


def contract(properties: Sequence[Property], *rules: Rule, **more: Any) -> Contract:
    """A contract that takes everything, so that a test sees the rule it is about and not a limit."""
    given = {"max_rejected": 1.0, "max_quarantined": 1.0, **more}
    return Contract(
        id="made-by-hand",
        version="1.0.0",
        table="staged.trans",
        title="",
        description="",
        path=Path("trans.odcs.yaml"),
        digest="",
        properties=tuple(properties),
        rules=rules,
        temporal=Temporal(kind="event"),
        owner="operations",
        **given,
    )


def deliver(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    rows: Sequence[Sequence[str]],
    *,
    rejected: int = 0,
    beside: str = "",
) -> None:
    """Leave `rows` in the temporary tables raw and rejected. `beside`: a column that the file has before the contract's."""
    names = [*([beside] if beside else []), *contract.columns]
    columns = ", ".join(f"{quoted(name)} varchar" for name in names)
    con.execute(f"create or replace temp table raw (_row_no bigint, _line bigint, {columns})")
    if rows:
        numbered = [(number, number + 1, *row) for number, row in enumerate(rows, start=1)]
        schema = {"_row_no": pl.Int64, "_line": pl.Int64, **dict.fromkeys(names, pl.String)}
        con.register("_rows", pl.DataFrame(numbered, schema=schema, orient="row").to_arrow())
        con.execute("insert into raw select * from _rows")
        con.unregister("_rows")
    con.execute(
        "create or replace temp table rejected as "
        f"select {len(rows)} + i + 1 as _row_no, {len(rows)} + i + 2 as _line, 'cut' as _text from range({rejected}) as r(i)"
    )


def judged(
    con: duckdb.DuckDBPyConnection, contract: Contract, *rows: Sequence[str], rejected: int = 0, **more: Any
) -> Judgement:
    deliver(con, contract, rows, rejected=rejected)
    return judge(con, contract, **more)


def good(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> dict[int, tuple[Any, ...]]:
    """The good rows' values by row number."""
    rows = con.execute(f"select * from {judgement.good_rows} order by _row_no").fetchall()
    return {row[0]: row[1:] for row in rows}


def bad(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> dict[int, list[str]]:
    """The reasons of the quarantined rows by row number."""
    return dict(con.execute(f"select _row_no, _rules from {judgement.bad_rows} order by _row_no").fetchall())


def failed(judgement: Judgement) -> dict[str, int]:
    """How many rows break each rule that is broken."""
    return {result.rule_id: result.failed for result in judgement.results if result.failed}
