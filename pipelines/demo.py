"""A small bank out of nothing: `write_bank` makes a bank's folder and a landing with a history and a few nights.

The bank is that of `tests/banks/riverside`, with the cast of `pipelines.demo_cast` and around it a crowd drawn at
random. The same arguments give the same bytes. `python -m pipelines.demo DIR` also makes a warehouse and runs the nights.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import click
import polars as pl

import liangcang as lc
from liangcang.errors import LiangcangError, UsageError
from pipelines import demo_files as files
from pipelines.demo_cast import CUSTOMERS, cast
from pipelines.demo_crowd import crowd
from pipelines.demo_faults import FAULTS, plant
from pipelines.demo_people import LAST_HISTORY, booking_frame

__all__ = ["FAULTS", "Demo", "plant", "write_bank"]

RIVERSIDE = Path(__file__).resolve().parents[1] / "tests" / "banks" / "riverside"
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
        raise UsageError(f"the demo bank has 1 to {MOST_MONTHS} months of history and no fewer than 0 nights")
    if not RIVERSIDE.is_dir():
        raise UsageError("the demo bank is not here", file=RIVERSIDE, next="run it from a checkout of the project")
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


def main(folder: Path) -> None:
    """Make the demo bank below `folder` unless it is there, run its nights, and say in five lines what came of it."""
    from pipelines.cli import commands as liangcang

    folder = folder.resolve()
    bank, landing, warehouse = folder / "bank", folder / "landing", folder / "warehouse"
    os.environ["LIANGCANG_KEY_FILE"] = str(folder / "demo.key")
    options = ["--bank", str(bank), "--warehouse", str(warehouse), "--landing", str(landing)]
    if not bank.exists():
        demo = write_bank(folder)
        click.echo(f"made a bank of 2,000 customers with a history from {demo.history[0]} to {demo.history[1]}")
    if not warehouse.exists():
        warehouse.mkdir(mode=0o700)
        liangcang([*options, "init"], standalone_mode=False)
    nights = sorted(path.name for path in (landing / "daily").iterdir())
    liangcang([*options, "backfill", nights[0], nights[-1]], standalone_mode=False)
    click.echo("\n".join(five_lines(folder, nights[-1])))


def five_lines(folder: Path, night: str) -> list[str]:
    """Rows in, out and kept back; signals; where the Parquet is; a query to paste; how to open the interface."""
    shown = Path(os.path.relpath(folder)) if folder.is_relative_to(Path.cwd()) else folder
    warehouse = lc.open(folder / "warehouse")
    counts: Counter[str] = Counter()
    for name in warehouse.current.tables():
        if name.startswith("quality."):
            kept = warehouse.scan(name).filter(kind="conservation").select("rule_id", "checked").collect()
            for rule, rows in kept.iter_rows():
                counts[rule] += rows
    signals = warehouse.scan("products.risk_signal", as_of=night).filter(result="HIT").collect()
    hit = ", ".join(
        f"{id} {rows}" for id, rows in signals.group_by("indicator_id").len().sort("indicator_id").iter_rows()
    )
    python = f"import liangcang as lc; print(lc.open('{shown / 'warehouse'}').scan('products.risk_party', as_of='{night}').collect())"
    own = f"--bank {shown / 'bank'} --warehouse {shown / 'warehouse'} --landing {shown / 'landing'}"
    kept_back = f"{counts['quarantined']:,} quarantined, {counts['exact_duplicate']:,} exact duplicates"
    return [
        f"rows       {counts['delivered']:,} in, {counts['staged']:,} out, {kept_back}",
        f"signals    {signals.height:,} hit on {night}: {hit}",
        f"parquet    {shown / 'warehouse' / 'data' / 'products'}",
        f'query      .venv/bin/python -c "{python}"',
        f"interface  LIANGCANG_KEY_FILE={shown / 'demo.key'} .venv/bin/liangcang {own} ui",
    ]


def run() -> NoReturn:
    """The demo as a program: ends at once with an exit code, as the command line does."""
    code: object = 70
    try:
        main(Path(sys.argv[1] if len(sys.argv) > 1 else ".demo"))
        code = 0
    except SystemExit as end:
        code = end.code
    except LiangcangError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    run()
