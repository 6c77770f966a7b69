"""`liangcang replay FEED`: deliveries of which rows were kept back are judged again, as they came.

Under the rules of today, with references as of today too, and with what a steward corrected. Rows that are good now are
staged with their own delivery and row number, and leave quarantine; their issues close. What else is made of them is
outdated, as after a re-delivery.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import polars as pl

from assets.conformed.conforming import NIGHT
from assets.sources.corrections import Cell, Correction, matched, read_corrections, refuse
from assets.sources.landing import find, newest
from assets.sources.retaking import taken_again
from data_contracts import tables
from data_contracts.bank import Bank, read_bank
from data_contracts.contract import Contract
from liangcang.engine import Engine
from liangcang.errors import UsageError
from liangcang.frames import dtype
from liangcang.place import Place
from liangcang.store import Transaction, View, Warehouse
from liangcang.table import Entry
from pipelines.asking import say_failure
from pipelines.runs import run_night
from pipelines.settings import Settings


def replay(
    given: Settings, feed: str, *, day: dt.date | None, corrections: Path | None, say: Callable[[str], None]
) -> int:
    """Judge again the delivery of a date, or all of which rows are kept back. Returns the exit code.

    Raises UsageError for an unknown feed, a date without a delivery, and corrections that do not match.
    """
    bank = read_bank(given.bank)
    if feed not in bank.feeds:
        raise UsageError(f"no feed {feed!r}", expected="one of " + ", ".join(sorted(bank.feeds)))
    contract = bank.feeds[feed]
    warehouse = Warehouse.open(given.warehouse, bank=bank.code)
    view = warehouse.current
    new = _corrections(warehouse, contract, corrections) if corrections else {}
    days = sorted({*_days(view, contract, day), *(new if day is None else ())})
    if day is not None and (others := sorted(set(new) - {day})):
        raise UsageError(f"the corrections are of another date than {day}", found=", ".join(map(str, others)))
    if not days:
        say(f"{feed}: nothing is kept back")
        return 0
    _note(warehouse, bank, contract, days, new)
    deliveries = find(given.landing, [contract])
    for at in days:
        if newest(deliveries, at, feed=feed) is None:
            say(f"{feed} {at}: its file lies in landing no more, and is not judged again")
            continue
        before = _kept_back(view, contract, at)
        ran = run_night(given, [at], select=[contract.table, tables.issue().name])
        if ran.failure:
            say_failure(ran.failure, run=f"{ran.run_id} ({at})")
            return ran.exit_code
        after = warehouse.current
        say(f"{feed} {at}: {before:,} rows were kept back, {_kept_back(after, contract, at):,} are now")
        if after.entries(contract.table)[at].sha256 != view.entries(contract.table)[at].sha256:
            last = max([*after.nights, at])
            say(f"  what is made of it is outdated: `liangcang backfill {at} {last}` makes it anew")
    return 0


def _days(view: View, contract: Contract, day: dt.date | None) -> list[dt.date]:
    """The dates whose deliveries are judged again."""
    entries = _nightly(view, tables.quarantine(contract).name)
    if day is None:
        return [at for at, entry in entries.items() if entry.rows]
    if day not in entries:
        raise UsageError(
            f"no delivery of {contract.feed} was taken for {day}",
            expected="a date of a daily delivery",
            next="a history is judged again when it is delivered again; for a date that never came run `liangcang nightly`",
        )
    return [day]


def _nightly(view: View, name: str) -> dict[dt.date, Entry]:
    return {at: entry for at, entry in view.entries(name).items() if entry.note.get("kind") == NIGHT}


def _kept_back(view: View, contract: Contract, day: dt.date) -> int:
    entry = view.entries(tables.quarantine(contract).name).get(day)
    return entry.rows if entry else 0


def _corrections(warehouse: Warehouse, contract: Contract, file: Path) -> Mapping[dt.date, list[Correction]]:
    """The corrections of a file that say something new, by the date of their delivery."""
    asked = read_corrections(file, contract)
    view, table = warehouse.current, tables.corrections(contract)
    standing: dict[Cell, tuple[str, str]] = {}
    if table.name in view.tables():
        made = (
            warehouse.scan(table.name).select("_delivery", "_row_no", "column_name", "old_text", "new_text").collect()
        )
        standing = {(one, row, column): (old, new) for one, row, column, old, new in made.iter_rows()}
    quarantine = tables.quarantine(contract).name
    rows: dict[tuple[str, int], dict[str, str | None]] = {}
    if quarantine in view.tables():
        wanted = pl.col("_delivery").is_in([one.delivery for one in asked]) & (pl.col("_kind") == "quarantined")
        for row in warehouse.scan(quarantine).filter(wanted).collect().iter_rows(named=True):
            rows[row["_delivery"], row["_row_no"]] = row
    new, wrong = matched(asked, quarantined=rows, standing=standing)
    days = {str(entry.note["delivery"]): at for at, entry in _nightly(view, quarantine).items()}
    wrong += [f"line {one.line}: a row of a history is not corrected here" for one in new if one.delivery not in days]
    refuse(file, wrong)
    by_day: dict[dt.date, list[Correction]] = {}
    for one in new:
        by_day.setdefault(days[one.delivery], []).append(one)
    return by_day


def _note(
    warehouse: Warehouse,
    bank: Bank,
    contract: Contract,
    days: Sequence[dt.date],
    new: Mapping[dt.date, list[Correction]],
) -> None:
    """Keep, for whenever these dates are run, what was corrected, and that references as of today count too."""
    table = tables.staged(contract)
    with warehouse.transaction(f"replay-{secrets.token_hex(6)}", atomic=False) as transaction:
        view = transaction.candidate()
        today = max([*view.nights, *days])
        for day in days:
            if (entry := view.entries(table.name).get(day)) and today > day:
                transaction.note(table, taken_again(view, table, str(entry.note["delivery"]), today))
        for day, made in sorted(new.items()):
            _stage(transaction, contract, day, made, place=warehouse.place, time_zone=bank.time_zone)
        transaction.commit()


def _stage(
    transaction: Transaction,
    contract: Contract,
    day: dt.date,
    made: Sequence[Correction],
    *,
    place: Place,
    time_zone: str,
) -> None:
    """Stage the corrections of a date: those that stood, and the new ones in the place of those of the same cells."""
    table = tables.corrections(contract)
    schema = {name: dtype(kind) for name, kind in table.columns.items()}
    rows = [
        (day, one.delivery, one.row, one.column, one.old, one.new, one.by.strip(), one.reason.strip()) for one in made
    ]
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    stood = transaction.candidate().paths(table.name, after=day - dt.timedelta(days=1), to=day)
    if stood:
        before = pl.concat([pl.read_parquet(path).select(schema) for path in stood])
        frame = pl.concat([frame, before.join(frame, on=list(table.key), how="anti")])
    with Engine(
        read=[place.data], write=transaction.folder, spill=place.spill, time_zone=time_zone, faults=place.faults
    ) as engine:
        engine.register("made", frame)
        written = engine.write("select * from made", table, transaction.path(f"{table.name}-{day}.parquet"))
    transaction.stage(table, day, written.path, rows=written.rows, note={"kind": NIGHT})
