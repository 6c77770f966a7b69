"""Rows of `features.party` for the tests of the catalogue: only what a test says is not null."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import assets
from assets.catalogue import Catalogue
from assets.features.party import feature_tables
from assets.projection import signals_select, tags_select
from liangcang.engine import Engine

ROOMS = Path(assets.__file__).parent
COLUMNS = feature_tables()[1].columns
DAY = dt.date(2026, 11, 20)
NIGHT: Mapping[str, Any] = {"business_date": DAY, "config_version": "0123456789ab"}

Row = Mapping[str, Any]


def party(engine: Engine, rows: Sequence[Row], columns: Sequence[str]) -> None:
    """Make `features.party` of these rows; a party_id of its own for each that has none."""
    wanted = list(dict.fromkeys(["party_id", "party_type", *columns]))
    engine.con.execute("create schema if not exists features")
    typed = ", ".join(f"{name} {COLUMNS[name]}" for name in wanted)
    engine.con.execute(f"create or replace table features.party ({typed})")
    if rows:
        given = [[{"party_id": f"p{at:04}", **row}.get(name) for name in wanted] for at, row in enumerate(rows)]
        holes = ", ".join("(" + ", ".join("?" * len(wanted)) + ")" for _ in given)
        engine.con.execute(f"insert into features.party values {holes}", [value for row in given for value in row])


def columns_read(catalogue: Catalogue) -> list[str]:
    return [column for entry in catalogue.entries for column in entry.columns]


def tags_of(engine: Engine, catalogue: Catalogue, rows: Sequence[Row], **how: Any) -> list[dict[str, Any]]:
    """The tags of each row, in the order of the rows, as the compiled SELECT gives them."""
    party(engine, rows, columns_read(catalogue))
    select = tags_select(catalogue, how.pop("overrides", {}), unfed=how.pop("unfed", {}), **how, **NIGHT)
    names = list(engine.describe(select))
    return [dict(zip(names, row, strict=True)) for row in engine.rows(f"select * from ({select}) order by party_id")]


def signals_of(engine: Engine, catalogue: Catalogue, rows: Sequence[Row], **how: Any) -> list[dict[str, Any]]:
    """The signals of the rows by party and indicator, as the compiled SELECT gives them."""
    party(engine, rows, columns_read(catalogue))
    select = signals_select(catalogue, how.pop("overrides", {}), unfed=how.pop("unfed", {}), **how, **NIGHT)
    names = list(engine.describe(select))
    ordered = f"select * from ({select}) order by party_id, indicator_id"
    return [dict(zip(names, row, strict=True)) for row in engine.rows(ordered)]
