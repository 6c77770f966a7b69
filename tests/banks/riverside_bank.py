"""Riverside out of nothing: `write_bank` makes a bank's folder and a landing with a history and a few nights.

The bank is that of `tests/banks/riverside`, with the cast of `banks.riverside_cast` and around it a crowd drawn at
random. The same arguments give the same bytes.
"""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from banks import riverside_files as files
from banks.riverside_cast import CUSTOMERS, cast
from banks.riverside_crowd import crowd
from banks.riverside_faults import FAULTS, plant
from banks.riverside_people import LAST_HISTORY, booking_frame

from liangcang.errors import UsageError

__all__ = ["FAULTS", "Demo", "plant", "write_bank"]

RIVERSIDE = Path(__file__).parent / "riverside"
MOST_MONTHS = 34
"""The bank's first date is 2024-01-01."""
WITH_FAULTS = 200
"""From so many customers on, the first night has a row with an impossible date and a row that came twice."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """A bank that was written: its folder, its landing, and the dates that can be run."""

    bank: Path
    landing: Path
    history: tuple[dt.date, dt.date]
    nights: tuple[dt.date, ...]


def write_bank(folder: Path, *, customers: int = 2000, nights: int = 3, seed: int = 7, months: int = 14) -> Demo:
    """Write `folder/bank` and `folder/landing`: a history of so many months to 2026-10-31, and the nights after it.

    The cast of 25 is always there; more customers are the crowd. With 14 months every one of the first eight
    indicators is a HIT for somebody and a MISS for somebody else. Raises UsageError when the folder has a bank already.
    """
    if not 1 <= months <= MOST_MONTHS or nights < 0:
        raise UsageError(f"the bank has 1 to {MOST_MONTHS} months of history and no fewer than 0 nights")
    first_month = LAST_HISTORY.year * 12 + LAST_HISTORY.month - months
    start = dt.date(first_month // 12, first_month % 12 + 1, 1)
    days = tuple(LAST_HISTORY + dt.timedelta(days=n) for n in range(1, nights + 1))
    demo = Demo(bank=folder / "bank", landing=folder / "landing", history=(start, LAST_HISTORY), nights=days)
    if demo.bank.exists() or demo.landing.exists():
        raise UsageError("there is a bank in this folder already", file=folder, next="take a new folder, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(RIVERSIDE, demo.bank)
    feeds = _feeds(start, LAST_HISTORY + dt.timedelta(days=nights), customers=customers, seed=seed)
    files.write_history(demo.landing, feeds, LAST_HISTORY)
    for day in days:
        files.write_night(demo.landing, feeds, day)
    if customers >= WITH_FAULTS and days:
        for fault in ("impossible_date", "duplicate"):
            plant(demo.landing / "daily" / days[0].isoformat() / "transactions.1.csv", fault)
    return demo


def _feeds(start: dt.date, end: dt.date, *, customers: int, seed: int) -> dict[str, pl.DataFrame]:
    """Every feed with all its rows: the dated states, and the events."""
    named = cast(start, end)
    drawn = crowd(len(CUSTOMERS) + 1, max(customers - len(CUSTOMERS), 0), start=start, end=end, seed=seed)
    owed = (*named.loans, *drawn.loans)
    of_loans = [booking for loan in owed for booking in files.loan_bookings(loan, start, end)]
    bookings = pl.concat([named.bookings, booking_frame(of_loans), drawn.bookings])
    return {
        "branches": files.branches(start),
        "customers": files.customers((*named.customers, *drawn.customers), start),
        "accounts": files.accounts((*named.accounts, *drawn.accounts), bookings, start),
        "transactions": files.transactions(bookings),
        "loans": files.loans(owed, start, end),
    }
