"""A night from a database is repeated from what was kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from banks_at_work import Hands
from extracts_at_work import VARIABLE, literal
from postgres_at_work import Server


@pytest.mark.slow
def test_a_night_from_a_database_is_repeated_from_what_was_kept(
    core: Server, riverside: Hands, riverside_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Riverside's branches, from a table: staged as from its file, and again byte for byte when the table is gone."""
    day = riverside_demo.nights[1]
    contract = Path(riverside.bank) / "contracts" / "branches.odcs.yaml"
    said = yaml.safe_load(contract.read_text(encoding="utf-8"))
    file = riverside.landing / "daily" / day.isoformat() / "branches.1.csv"
    usual = riverside.copy(tmp_path / "usual")
    rows = pl.read_csv(file, infer_schema=False)
    core.run("create table core.branches (branch char(8), title text, town text, reports_to text, updated_on date)",
             "set datestyle = 'ISO, DMY'",
             *(f"insert into core.branches values ({', '.join(map(literal, row))})" for row in rows.rows()))  # fmt: skip
    file.unlink()
    daily = next(one for one in said["servers"] if one["server"] == "daily")
    daily.update(format="parquet", delimiter="|@|", path="daily/{business_date:%Y-%m-%d}/branches.{sequence}.parquet")
    daily["customProperties"] = [
        {"property": "control", "value": "flg"},
        {"property": "extract", "value": {"connection": "core", "table": "core.branches"}},
    ]
    contract.write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")
    described = Path(riverside.bank) / "bank.yaml"
    described.write_text(described.read_text(encoding="utf-8") + f"connections: {{core: {{env: {VARIABLE}}}}}\n")
    monkeypatch.setattr("pipelines.arrivals.now", lambda: dt.datetime.combine(day, dt.time(17), dt.UTC))
    assert "branches: " in riverside("extract", day.isoformat()).output
    assert "nothing to extract" in riverside("extract", day.isoformat()).output
    core.run("drop schema core cascade", "create schema core")
    again = riverside.copy(tmp_path / "again")
    night = ("nightly", day.isoformat(), "--only", "staged.branches")
    for bank in (usual, riverside, again):
        bank(*night)
    assert riverside.bytes_of() == again.bytes_of()
    staged = [
        bank.open.scan("staged.branches").filter(business_date=day).collect().drop("_delivery", "_row_no")
        for bank in (usual, riverside)
    ]
    assert staged[0].equals(staged[1])
