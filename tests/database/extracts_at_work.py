"""A bank whose feeds are tables of a PostgreSQL database, and what was delivered of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from assets.sources.extracting import Extracted, extract
from assets.sources.reading import read
from data_contracts.bank import Bank, read_bank
from data_contracts.contract import Contract
from data_contracts.judge import judge
from liangcang.engine import Engine

D = dt.date(2026, 11, 20)
VARIABLE = "CORE_BANKING_DSN"


def column(name: str, physical: str, logical: str, *, key: bool = False) -> dict[str, Any]:
    said = {"name": name, "businessName": "列", "physicalType": physical, "logicalType": logical, "classification": "C2",
            "required": key, "customProperties": [{"property": "jrt0197Level", "value": 3}]}  # fmt: skip
    return {**said, "primaryKey": True} if key else said


def bank_of(folder: Path, *feeds: dict[str, Any], connections: Any = None) -> Path:
    """A bank's folder whose feeds come from tables of the schema `core`."""
    (folder / "contracts").mkdir(parents=True)
    said = {
        "code": "small", "name": {"en": "Small Bank", "zh": "小银行"}, "home_currency": "CNY",
        "time_zone": "Asia/Shanghai", "start_date": "2024-01-01", "feeds": [feed["name"] for feed in feeds],
        "connections": connections or {"core": {"env": VARIABLE}},
    }  # fmt: skip
    (folder / "bank.yaml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    for feed in feeds:
        name, kind = feed["name"], feed.get("delivery", "full")
        take = {"connection": "core", "table": f"core.{name}", **feed.get("extract", {})}
        own = {"delivery": kind, "absent": "must", **feed.get("own", {})}
        if kind == "full":
            own["volume"] = {"minRatio": 0.1, "maxRatio": 10, "minRows": 0}
        server = {"property": "control", "value": "flg"}, {"property": "extract", "value": take}
        contract = {
            "apiVersion": "v3.2.0", "kind": "DataContract", "id": f"small.{name}", "version": "1.0.0", "status": "active",
            "servers": [{"server": "daily", "type": "custom", "format": "parquet", "delimiter": "|@|",
                         "path": f"{{business_date:%Y%m%d}}/{name}_{{sequence}}.parquet",
                         "customProperties": list(server)}],
            "schema": [{"name": name, "physicalName": f"staged.{name}", "businessName": "表",
                        "customProperties": [{"property": "temporal", "value": feed.get("temporal", {"kind": "snapshot"})}],
                        "properties": feed["columns"]}],
            "team": {"members": [{"username": "ops", "role": "dataOwner", "name": "运营"}]},
            "customProperties": [{"property": key, "value": value} for key, value in own.items()],
        }  # fmt: skip
        text = yaml.safe_dump(contract, allow_unicode=True, sort_keys=False)
        (folder / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    return folder


ACCOUNT = {"name": "acct", "columns": [column("no", "VARCHAR", "string", key=True),
                                       column("balance", "DECIMAL(18,2)", "number")],
           "own": {"controlAmount": "balance"}}  # fmt: skip
EXACT = {"name": "acct", "columns": [ACCOUNT["columns"][0], column("balance", "DECIMAL(38,10)", "number")]}
TRANSIT = {**ACCOUNT, "name": "transit"}
BOOKING = {"name": "booking", "delivery": "event", "temporal": {"kind": "event", "column": "day"},
           "extract": {"since": "day", "overlapDays": 3},
           "columns": [column("no", "BIGINT", "integer", key=True), column("day", "DATE", "date", key=True),
                       column("amount", "DECIMAL(18,2)", "number")],
           "own": {"controlAmount": "amount"}}  # fmt: skip
BOOKING["columns"][1]["required"] = True
STATE = {"name": "cust", "delivery": "delta", "extract": {"since": "changed", "overlapDays": 2},
         "columns": [column("no", "VARCHAR", "string", key=True), column("name", "VARCHAR", "string"),
                     column("changed", "TIMESTAMP", "timestamp")]}  # fmt: skip


def literal(text: str | None) -> str:
    return f"'{text}'" if text else "null"


def small(tmp_path: Path, *feeds: dict[str, Any], **said: Any) -> tuple[Bank, Path]:
    landing = tmp_path / "landing"
    landing.mkdir()
    return read_bank(bank_of(tmp_path / "bank", *feeds, **said)), landing


def extracted(bank: Bank, landing: Path, day: dt.date = D, **said: Any) -> dict[str, Extracted]:
    return {made.feed: made for made in extract(bank, landing, day, today=day + dt.timedelta(days=1), **said)}


def frame(landing: Path, made: Extracted) -> pl.DataFrame:
    return pl.read_parquet(landing / made.name)


def control(landing: Path, made: Extracted) -> list[str]:
    return (landing / made.name).with_suffix(".flg").read_text().rstrip("\n").split("|@|")


def judged(engine: Engine, contract: Contract, landing: Path, made: Extracted) -> tuple[list[Any], list[Any]]:
    """Good and bad rows, read and judged as the night does it."""
    form = contract.format("daily")
    assert form is not None
    read(engine, landing / made.name, contract, form, file_name=made.name)
    found = judge(engine.con, contract, business_date=D)
    return (
        engine.rows(f"select * from {found.good_rows} order by _row_no"),
        engine.rows(f"select * from {found.bad_rows} order by _row_no"),
    )
