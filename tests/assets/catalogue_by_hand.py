"""Rows of `features.party` for the tests of the catalogue: only what a test says is not null."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
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
    return _results(engine, tags_select, catalogue, rows, how)


def signals_of(engine: Engine, catalogue: Catalogue, rows: Sequence[Row], **how: Any) -> list[dict[str, Any]]:
    """The signals of the rows by party and indicator, as the compiled SELECT gives them."""
    return _results(engine, signals_select, catalogue, rows, how)


def _results(
    engine: Engine, make: Callable[..., str], catalogue: Catalogue, rows: Sequence[Row], how: Mapping[str, Any]
) -> list[dict[str, Any]]:
    party(engine, rows, columns_read(catalogue))
    key = json.dumps(
        [make.__name__, [entry.meaning() | {"params": entry.params} for entry in catalogue.entries], how], default=str
    )
    if key not in _COMPILED:  # once for all examples of a property
        given = {"overrides": {}, "unfed": {}, **how}
        _COMPILED[key] = make(catalogue, given.pop("overrides"), **given, **NIGHT)
    made = engine.con.execute(f"select * from ({_COMPILED[key]}) order by 1, 2")
    names = [column[0] for column in made.description]
    return [dict(zip(names, row, strict=True)) for row in made.fetchall()]


_COMPILED: dict[str, str] = {}
