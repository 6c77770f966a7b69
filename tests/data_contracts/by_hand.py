"""A contract and a bank made by hand, as plain values that a test changes before it writes them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

Values = dict[str, Any]


def custom(**values: Any) -> list[Values]:
    return [{"property": name, "value": value} for name, value in values.items()]


def column(name: str, physical: str, logical: str, **more: Any) -> Values:
    return {
        "name": name,
        "businessName": f"列{name}",
        "physicalType": physical,
        "logicalType": logical,
        "classification": "C2",
        **more,
    }


BOOKINGS: Values = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "hand.bookings",
    "version": "1.0.0",
    "status": "active",
    "description": {"purpose": "Bookings."},
    "servers": [
        {
            "server": "daily",
            "type": "custom",
            "path": "bookings/{business_date:%Y%m%d}_{sequence}.dat.gz",
            "format": "csv",
            "delimiter": "|@|",
            "encoding": "GB18030",
            "customProperties": custom(header=False, lineTerminator="\r\n", compression="gzip", control="flg"),
        },
        {"server": "history", "type": "custom", "path": "bookings.csv", "format": "csv", "encoding": "utf-8"},
    ],
    "schema": [
        {
            "name": "bookings",
            "physicalName": "staged.bookings",
            "businessName": "账户交易",
            "customProperties": custom(temporal={"kind": "event", "column": "day"}),
            "properties": [
                column(
                    "booking_no",
                    "VARCHAR",
                    "string",
                    primaryKey=True,
                    primaryKeyPosition=2,
                    logicalTypeOptions={"pattern": "^[0-9]{1,8}$", "maxLength": 8},
                ),
                column("day", "DATE", "date", required=True, logicalTypeOptions={"format": "yyyyMMdd"}),
                column("kind", "VARCHAR", "string", enum=[{"value": "010", "label": "转账"}, {"value": "020"}]),
                column(
                    "amount",
                    "DECIMAL(18,2)",
                    "number",
                    required=True,
                    logicalTypeOptions={"minimum": 0, "maximum": 999},
                    customProperties=custom(nullValues=["", "-"], severities={"range": "error"}, jrt0197Level=3),
                ),
                column(
                    "customer_no",
                    "VARCHAR",
                    "string",
                    primaryKey=True,
                    primaryKeyPosition=1,
                    relationships=[{"type": "foreignKey", "to": "customers.customer_no"}],
                ),
            ],
            "quality": [
                {
                    "id": "transfers_are_positive",
                    "type": "sql",
                    "query": "select count(*) from ${object} where kind = '010' and amount = 0",
                    "mustBe": 0,
                    "dimension": "accuracy",
                    "severity": "quarantine",
                    "customProperties": custom(rowPredicate="kind <> '010' or amount > 0", maxRate=0.1),
                },
                {
                    "id": "one_day_a_file",
                    "type": "sql",
                    "query": "select count(distinct day) - 1 from ${object}",
                    "mustBe": 0,
                    "dimension": "consistency",
                    "severity": "error",
                    "customProperties": custom(gbt36344="一致性"),
                },
            ],
        }
    ],
    "team": {"members": [{"username": "operations", "role": "dataOwner", "name": "运营管理部"}]},
    "customProperties": custom(
        delivery="event", absent="must", history={"knownAt": {"column": "day", "days": 0}}, maxQuarantined=0.02
    ),
}

CUSTOMERS: Values = {
    "apiVersion": "v3.2.0",
    "kind": "DataContract",
    "id": "hand.customers",
    "version": "1.0.0",
    "servers": [
        {
            "server": "daily",
            "type": "custom",
            "path": "customers_{business_date:%Y-%m-%d}.csv",
            "format": "csv",
            "delimiter": ",",
            "encoding": "utf-8",
        }
    ],
    "schema": [
        {
            "name": "customers",
            "businessName": "客户",
            "customProperties": custom(temporal={"kind": "interval"}),
            "properties": [
                column("customer_no", "VARCHAR", "string", primaryKey=True, primaryKeyPosition=1),
                column("born", "DATE", "date"),
            ],
        }
    ],
    "team": {"members": [{"username": "retail", "role": "dataOwner"}]},
    "customProperties": custom(delivery="full", absent="hold", maxStaleDays=3, volume={"minRatio": 0.5}),
}

BANK: Values = {
    "code": "hand",
    "name": {"en": "Hand", "zh": "手工银行"},
    "home_currency": "CNY",
    "time_zone": "Asia/Shanghai",
    "start_date": "2024-01-01",
    "feeds": ["customers", "bookings"],
}

PLACED = "business_date, known_at, 'bookings' as _feed, _delivery, _row_no"
CONFORM: dict[str, str] = {
    "party_map": "select 'core' as source_system, customer_no as cust_no, business_date, known_at, "
    "'customers' as _feed, _delivery, _row_no from staged.customers",
    "party": "select mapped.party_id, 'person' as party_type, customers.born as birth_date, customers.business_date, "
    "customers.known_at, 'customers' as _feed, customers._delivery, customers._row_no from staged.customers "
    "as customers inner join parties.party_map as mapped on mapped.cust_no = customers.customer_no",
    "balance": "-- history: staged.bookings\n-- A running sum.\n"
    "select customer_no as account_id, cast(sum(amount) over (partition by customer_no order by day, booking_no) "
    f"as decimal(18, 2)) as balance, day as valid_from, {PLACED} from staged.bookings_history",
}


def bookings() -> Values:
    return copy.deepcopy(BOOKINGS)


def customers() -> Values:
    return copy.deepcopy(CUSTOMERS)


def at(values: Any, *path: str | int) -> Any:
    """What stands at a path; a text inside a list finds the element of that name, server, property or id."""
    for step in path:
        if isinstance(values, list) and isinstance(step, str):
            names = ("name", "server", "property", "id")
            values = next(v for v in values if step in [v.get(name) for name in names])
        else:
            values = values[step]
    return values


def col(contract: Values, name: str) -> Values:
    return at(contract, "schema", 0, "properties", name)


def put(element: Values, **values: Any) -> None:
    """Set custom properties; None takes one away."""
    entries = [entry for entry in element.get("customProperties", []) if entry["property"] not in values]
    element["customProperties"] = entries + custom(**{k: v for k, v in values.items() if v is not None})


class Plain(yaml.SafeDumper):
    """Writes no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def dump(values: Any) -> str:
    return yaml.dump(values, Dumper=Plain, allow_unicode=True, sort_keys=False, width=1000)


def write_contract(folder: Path, values: Values, *, name: str | None = None) -> Path:
    """Write a contract as `contracts/<feed>.odcs.yaml` below a folder."""
    path = folder / "contracts" / f"{name or values['schema'][0]['name']}.odcs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dump(values), encoding="utf-8")
    return path


def write_bank(
    folder: Path,
    *,
    bank: Values | None = None,
    contracts: tuple[Values, ...] | None = None,
    conform: dict[str, str] | None = None,
) -> Path:
    """Write a whole bank into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bank.yaml").write_text(dump({**BANK, **(bank or {})}), encoding="utf-8")
    for contract in contracts or (CUSTOMERS, BOOKINGS):
        write_contract(folder, contract)
    (folder / "conform").mkdir(exist_ok=True)
    for table, sql in {**CONFORM, **(conform or {})}.items():
        if sql:
            (folder / "conform" / f"{table}.sql").write_text(sql, encoding="utf-8")
    return folder
