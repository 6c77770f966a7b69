"""`liangcang quality OUT`: the pages of nights and of expectations, from what is published and from the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from assets.pages.folder import made_of, write_pages
from assets.quality.expectation_pages import expectation_pages
from assets.quality.files import INDEX, file_of
from assets.quality.night_page import GENERATOR, NightSeen, index_page, night_page
from assets.sources import ledger
from data_contracts import tables
from data_contracts.bank import Bank, read_bank
from liangcang.errors import UsageError
from liangcang.frames import dtype
from liangcang.store import Warehouse
from liangcang.table import Table
from pipelines.settings import Settings


def write(
    given: Settings, out: Path, *, days: Sequence[dt.date] = (), nights: int = 30, keep_days: int = 90
) -> list[Path]:
    """Write the pages of `days` (default: the newest `nights` dates that were judged) and their indexes into OUT.

    Below `expectations/` Great Expectations shows what is expected of each feed, and what was found on these dates.
    Pages of other dates stay until they are `keep_days` older than the newest one; no older ones are made unless they
    are asked for. Raises UsageError where nothing was judged on a date that is asked for, or none at all, and for a
    folder that holds anything else; EngineError where Great Expectations fails.
    """
    bank = read_bank(given.bank)
    warehouse = Warehouse.open(given.warehouse, bank=bank.code)
    verdicts = ledger.newest(warehouse.place)
    judged = sorted({dt.date.fromisoformat(day) for _, day in verdicts if day != "history"})
    if missing := [day for day in days if day not in judged]:
        raise UsageError(f"nothing was judged for {missing[0]}", expected="a date whose night was run")
    if not judged:
        raise UsageError("no night was run yet", next="run `liangcang nightly`")
    oldest = judged[-1] - dt.timedelta(days=keep_days)
    asked = sorted(days) or [day for day in judged[-nights:] if day > oldest]
    seen = [_seen(bank, warehouse, verdicts, day) for day in asked]
    others = [day for day in judged if day not in asked and day > oldest and (out / file_of(day)).is_file()]
    pages = {file_of(one.day): night_page(bank, one) for one in seen}
    pages[INDEX] = index_page(bank, seen, others)
    expected, as_they_are = expectation_pages(
        bank,
        seen,
        others,
        made_of=lambda name: made_of(out / name, GENERATOR),
        faults=warehouse.place.faults,
    )
    kept = frozenset(map(file_of, others)) | as_they_are
    return write_pages(pages | expected, out, generator=GENERATOR, kept=kept)


def _seen(bank: Bank, warehouse: Warehouse, verdicts: dict[tuple[str, str], ledger.Judged], day: dt.date) -> NightSeen:
    """What is known of a date. A night that was not published has its verdicts, and the issues as they stood before."""
    there = warehouse.current.tables()
    quality = {
        feed: found
        for feed, contract in bank.feeds.items()
        if day in warehouse.current.entries(tables.quality(contract).name)
        and not (found := warehouse.scan(tables.quality(contract).name).filter(business_date=day).collect()).is_empty()
    }
    issue, score = tables.issue(), tables.score()
    known = [at for at in warehouse.current.entries(issue.name) if at <= day] if issue.name in there else []
    return NightSeen(
        day=day,
        came=[judged for (feed, at), judged in sorted(verdicts.items()) if at == str(day) and feed in bank.feeds],
        quality=quality,
        issues=warehouse.scan(issue.name, as_of=day).collect() if known else _no_rows(issue),
        scores=warehouse.scan(score.name).filter(business_date=day).collect()
        if score.name in there
        else _no_rows(score),
    )


def _no_rows(table: Table) -> pl.DataFrame:
    return pl.DataFrame(schema={name: dtype(kind) for name, kind in table.columns.items()})
