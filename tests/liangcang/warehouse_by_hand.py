"""Small tables, and short ways to stage and publish them."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from liangcang.durable import digest
from liangcang.store import Published, Warehouse
from liangcang.table import Entry, Table
from liangcang.transaction import Transaction
from liangcang.view import View

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
"""Where test warehouses lie: no test can cut the power, so a disk that takes its time to sync tests nothing."""

D1, D2, D3 = (dt.date(2026, 10, day) for day in (29, 30, 31))
D4 = dt.date(2026, 11, 1)

TAGS = Table(
    name="products.customer_tags",
    columns={"party_id": "VARCHAR", "business_date": "DATE", "age": "BIGINT"},
    key=("party_id",),
    kind="snapshot",
    title="Tags of a customer's night",
    comments={"age": "Age in whole years 周岁"},
)
PAYMENT = Table(
    name="conformed.transaction",
    columns={"transaction_id": "VARCHAR", "amount": "DECIMAL(18,2)", "business_date": "DATE"},
    key=("transaction_id",),
    kind="event",
)
ACCOUNT = Table(
    name="conformed.account",
    columns={"account_id": "VARCHAR", "status": "VARCHAR", "business_date": "DATE", "_op": "VARCHAR"},
    key=("account_id",),
    kind="state",
)


def put(transaction: Transaction, table: Table, day: dt.date, content: str) -> Entry:
    """Stage any bytes as an entry: the ground does not look into files."""
    file = transaction.path("any.parquet")
    file.write_text(content)
    return transaction.stage(table, day, file, rows=1)


def publish(wh: Warehouse, id: str, *parts: tuple[Table, dt.date, str], nights: tuple[dt.date, ...] = ()) -> Published:
    """One atomic transaction with these contents."""
    with wh.transaction(id, atomic=True) as transaction:
        for table, day, content in parts:
            put(transaction, table, day, content)
        return transaction.commit(nights={day: {"deliveries": id} for day in nights})


def publish_rows(wh: Warehouse, table: Table, day: dt.date, rows: list[dict[str, object]], *, id: str = "rows") -> None:
    """Commit real Parquet as a table's entry of a date."""
    import polars as pl

    from liangcang.frames import dtype

    schema = {name: dtype(kind) for name, kind in table.columns.items()}
    with wh.transaction(id, atomic=False) as transaction:
        file = transaction.path("rows.parquet")
        pl.DataFrame([{"business_date": day, **row} for row in rows], schema=schema).write_parquet(file)
        transaction.stage(table, day, file, rows=len(rows))
        transaction.commit()


def contents(view: View) -> dict[tuple[str, dt.date], str]:
    """Everything a view names, with the bytes that lie there; proves that the names are right."""
    found = {}
    for name, day, entry in view.every_file():
        path: Path = view.place.root / entry.path(name, day)
        assert digest(path) == entry.sha256
        assert path.stat().st_size == entry.bytes
        found[name, day] = path.read_text()
    return found
