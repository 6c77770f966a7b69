"""`liangcang status`: what stands, how fresh it is, what was refused, what is outdated, what cannot be fed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import polars as pl

from assets import building
from assets.freshness import freshness
from assets.inputs import digest
from assets.sources import ledger
from assets.sources.landing import find, incomplete, newest, unknown_files
from data_contracts.bank import Bank, read_bank
from liangcang.errors import LiangcangError
from liangcang.store import View, Warehouse
from pipelines import issues
from pipelines.settings import Settings

RECENT = 35


def report(given: Settings, *, everything: bool = False) -> Iterator[str]:
    """The lines of the report, in the order in which one asks at 3 a.m."""
    bank = read_bank(given.bank)
    warehouse = Warehouse.open(given.warehouse, bank=bank.code)
    view = warehouse.current
    nights = view.nights
    yield f"{bank.code}: {bank.name['en']}"
    yield f"  warehouse   {given.warehouse}"
    yield f"  manifest    {view.id}"
    yield f"  nights      {len(nights)} published" + (f", the newest {nights[-1]}" if nights else "")
    yield ""
    yield from _feeds(bank, view, nights[-1] if nights else None)
    yield from _rules(bank, view, everything=everything)
    yield from _landing(bank, view, given, warehouse)
    yield from _outdated(view)
    yield from _not_fed(bank)


def _feeds(bank: Bank, view: View, night: dt.date | None) -> Iterator[str]:
    yield f"feeds{f', as of {night}' if night else ''}"
    for feed, contract in sorted(bank.feeds.items()):
        policy = contract.absent or "history only"
        if night is None:
            yield f"  {feed:<22} {policy}"
            continue
        state = freshness(view, contract, night)
        rows = sum(entry.rows for entry in view.entries(contract.table).values())
        quarantined = sum(entry.rows for entry in view.entries(f"quarantine.{feed}").values())
        said = "fresh" if state.fresh else ("never came" if state.to is None else f"{state.days} days old")
        yield f"  {feed:<22} {policy:<13} {said:<14} {rows:>12,} rows {quarantined:>8,} quarantined"
    yield ""


def _rules(bank: Bank, view: View, *, everything: bool) -> Iterator[str]:
    lines: list[str] = []
    for feed in sorted(bank.feeds):
        name = f"quality.{feed}"
        entries = view.entries(name)
        if not entries:
            continue
        day = max(entries)
        frame = Warehouse(view.place).scan(name).filter(business_date=day).collect()
        for row in frame.sort("rule_id").iter_rows(named=True):
            if row["kind"] in ("conservation", "null_token") and not everything:
                continue
            if not row["failed"] and row["passed"] is not False and not everything:
                continue
            said = row["severity"] or row["kind"]
            observed = f"  {row['observation']}" if row["observation"] else ""
            lines.append(
                f"  {feed:<22} {row['rule_id']:<34} {said:<12} {row['failed']:>9,} of {row['checked']:>10,}{observed}"
            )
    yield "quality of each feed's newest delivery" + ("" if everything else " (breaches only)")
    yield from lines or ["  no breach"]
    if (night := issues.newest(view)) is not None:
        known = Warehouse(view.place).scan(issues.NAME, as_of=night).collect()
        standing = known.filter(pl.col("closed_on").is_null())
        yield f"  {issues.said_of(standing)}; {issues.closing(known, night)}; `liangcang issues` lists them"
    yield ""


def _landing(bank: Bank, view: View, given: Settings, warehouse: Warehouse) -> Iterator[str]:
    yield f"landing {given.landing}"
    try:
        deliveries = find(given.landing, bank.feeds.values())
        unknown = unknown_files(given.landing, bank.feeds.values())
        half = incomplete(given.landing, bank.feeds.values())
    except LiangcangError as error:
        yield f"  {error.what}"
        yield ""
        return
    verdicts = ledger.newest(warehouse.place)
    refused = [item for item in verdicts.values() if item.verdict in ("refused", "held", "skipped")]
    same = [item for item in verdicts.values() if item.verdict == "same"]
    waiting = [
        item.name
        for item in deliveries
        if item.kind == "daily"
        and newest(deliveries, item.business_date, feed=item.feed) == item
        and item.business_date not in view.entries(f"staged.{item.feed}")
        and (item.feed, str(item.business_date)) not in verdicts
    ]
    yield f"  {len(deliveries)} deliveries, {len(waiting)} not yet taken, {len(unknown)} files that no contract names"
    for item in refused:
        owner = bank.feeds[item.feed].owner if item.feed in bank.feeds else "nobody"
        by = f" ({item.rule}, owner {owner})" if item.rule else ""
        yield f"  {item.verdict:<8} {item.feed} {item.business_date}: {item.what}{by}"
    for item in same:
        yield f"  same     {item.feed} {item.business_date}: delivered again, byte for byte; nothing was published for it"
    for name in waiting[:20]:
        yield f"  waiting  {name}"
    for delivery in half[:20]:
        yield f"  half     {delivery.name}: without its control file"
    for name in unknown[:20]:
        yield f"  unknown  {name}"
    yield ""


def _outdated(view: View) -> Iterator[str]:
    found = list(outdated(view))
    yield "outdated: made from files that have changed since" + (f" (the last {RECENT} dates)" if found else "")
    yield from [f"  {day} {table}: {source} changed" for table, day, source in found] or ["  nothing"]
    yield ""


def outdated(view: View, *, recent: int = RECENT) -> Iterator[tuple[str, dt.date, str]]:
    """Entries whose inputs are no longer what they were made from: table, date, input."""
    files = {name: view.files(name) for name in view.tables()}
    for table in view.tables():
        for day, entry in list(view.entries(table).items())[-recent:]:
            for source, made_from in sorted(entry.inputs.items()):
                after, _, rest = made_from.partition("/")
                until = dt.date.fromisoformat(rest.partition("/")[0])
                since = dt.date.fromisoformat(after) if after else None
                if digest(files.get(source, []), since, until) != made_from:
                    yield table, day, source


def _not_fed(bank: Bank) -> Iterator[str]:
    unfed: Mapping[str, tuple[str, ...]] = bank.unfed
    yield "not fed by this bank"
    for entity, columns in sorted(unfed.items()):
        if columns:
            yield f"  conformed.{entity}: {', '.join(columns)}"
    for entry, reason in sorted(building.not_fed(bank).items()):
        yield f"  {entry}: {reason}"
    yield ""
