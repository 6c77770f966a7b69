"""`liangcang explain`: see `assets.explain`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from assets.explain import explain as walk
from data_contracts.bank import read_bank
from liangcang.store import Warehouse
from pipelines.settings import Settings


def explain(given: Settings, *, party: str, entry: str, day: dt.date | None) -> Iterator[str]:
    """The lines of one explanation."""
    bank = read_bank(given.bank)
    return walk(Warehouse.open(given.warehouse, bank=bank.code), bank, party=party, entry=entry, day=day)
