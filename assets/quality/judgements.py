"""What was judged on a date, read back from the `quality.<feed>` tables: all feeds in one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from assets.conformed.conforming import HISTORY
from assets.inputs import digest
from assets.quality.issue import Closing, Judged, Result
from assets.sources.breaches import key_texts, row_names
from data_contracts import tables
from data_contracts.bank import Bank
from data_contracts.contract import Contract
from data_contracts.scan_sql import ROW_KINDS
from liangcang.engine import Engine, parquet
from liangcang.quoting import literal
from liangcang.store import View
from liangcang.table import Entry


@dataclass(frozen=True, kw_only=True)
class Found:
    """A row of `quality.<feed>`: what one rule found in one delivery."""

    feed: str
    day: dt.date
    delivery: str
    rule: str
    kind: str
    dimension: str | None
    severity: str | None
    owner: str
    column: str | None
    checked: int
    failed: int
    passed: bool | None
    keys: list[str] | None
    rows: list[int] | None
    lines: list[int] | None

    def result(self) -> Result:
        """What it says of issues. Rows of a rule that was broken by too many of them are not told one by one."""
        told = self.kind in ROW_KINDS and self.keys is not None
        return Result(
            rule=self.rule,
            dimension=self.dimension,
            severity=self.severity,
            owner=self.owner,
            column=self.column,
            failed=self.failed if self.passed is False else 0,
            judged=self.passed is not None,
            rows=list(zip(self.keys or (), self.rows or (), self.lines or (), strict=True)) if told else None,
        )


class Judgements:
    """The judgements of a view, by date: which deliveries they are of, and what each says."""

    def __init__(self, engine: Engine, view: View, bank: Bank) -> None:
        self.engine, self.view, self.bank = engine, view, bank
        self.by_day: dict[dt.date, dict[str, Entry]] = {}
        for feed in bank.feeds:
            for day, entry in view.entries(f"quality.{feed}").items():
                self.by_day.setdefault(day, {})[feed] = entry

    def inputs(self, day: dt.date) -> Mapping[str, str]:
        """What the issues and scores of a date are made from: table to a digest of its file."""
        before = day - dt.timedelta(days=1)
        return {
            f"quality.{feed}": digest([(day, self._path(feed, day, entry))], before, day)
            for feed, entry in sorted(self.by_day.get(day, {}).items())
        }

    def histories(self) -> frozenset[dt.date]:
        """The dates under which the judgement of a history is filed."""
        return frozenset(day for day, entries in self.by_day.items() if any(map(_of_a_history, entries.values())))

    def nightly(self, day: dt.date, found: Collection[Found]) -> list[Found]:
        """Without what was found in histories, which are of no day and would outweigh the days around them."""
        return [one for one in found if not _of_a_history(self.by_day[day][one.feed])]

    def read(self, days: Collection[dt.date]) -> Mapping[dt.date, list[Found]]:
        """What each rule found on these dates, null tokens left out."""
        files = {
            feed: [self._path(feed, day, entry) for day in days if (entry := self.by_day.get(day, {}).get(feed))]
            for feed in self.bank.feeds
        }
        selects = [
            f"select {literal(feed)} as _feed, * from ({parquet(paths, _COLUMNS)})"
            for feed, paths in sorted(files.items())
            if paths
        ]
        found: dict[dt.date, list[Found]] = {day: [] for day in days}
        if not selects:
            return found
        rows = " union all ".join(selects)
        for row in self.engine.rows(f"select * from ({rows}) where kind <> 'null_token' order by _feed, rule_id"):
            found[row[1]].append(_found(row))
        return found

    def judged(self, day: dt.date, found: Collection[Found]) -> list[Judged]:
        """The deliveries of a date, with what they say of issues."""
        by_feed: dict[str, list[Found]] = {}
        for one in found:
            by_feed.setdefault(one.feed, []).append(one)
        return [self._judged(self.bank.feeds[feed], day, results) for feed, results in by_feed.items()]

    def _judged(self, contract: Contract, day: dt.date, found: list[Found]) -> Judged:
        entry = self.by_day[day][contract.feed]
        delivery = found[0].delivery
        closing: Closing = "full" if _of_a_history(entry) else contract.delivery
        results = [one.result() for one in found if one.kind != "conservation"]
        return Judged(
            feed=contract.feed,
            closing=closing,
            delivery=delivery,
            file=self._file(contract, entry, delivery),
            results={result.rule: result for result in [*results, *_unreadable(contract, found)]},
            came=cache(partial(self._came, contract, day)),
        )

    def _came(self, contract: Contract, day: dt.date) -> Collection[str]:
        """The names of the rows that a delta of a date brought and that were staged."""
        table = tables.staged(contract)
        paths = self.view.paths(table.name, after=day - dt.timedelta(days=1), to=day)
        rows = f"({parquet(paths, table.columns)}) where business_date = date '{day}'"
        name = row_names(contract, bank=self.bank.code)
        return {name(key) for key in self.engine.rows(f"select {key_texts(contract)} from {rows}")}

    def _file(self, contract: Contract, entry: Entry, delivery: str) -> str:
        history = self.view.facts(contract.table).get("history", {}).get(delivery, {})
        return str(entry.note.get("file") or history.get("file") or "")

    def _path(self, feed: str, day: dt.date, entry: Entry) -> Path:
        return self.view.place.root / entry.path(f"quality.{feed}", day)


def _of_a_history(entry: Entry) -> bool:
    return entry.note.get("kind") == HISTORY


_COLUMNS = {
    "business_date": "DATE",
    "_delivery": "VARCHAR",
    "rule_id": "VARCHAR",
    "kind": "VARCHAR",
    "dimension": "VARCHAR",
    "severity": "VARCHAR",
    "owner": "VARCHAR",
    "column_name": "VARCHAR",
    "checked": "BIGINT",
    "failed": "BIGINT",
    "passed": "BOOLEAN",
    **tables.BREACH_COLUMNS,
}


def _found(row: tuple[Any, ...]) -> Found:
    names = ("feed", "day", "delivery", "rule", "kind", "dimension", "severity", "owner", "column")
    more = ("checked", "failed", "passed", "keys", "rows", "lines")
    return Found(**dict(zip((*names, *more), row, strict=True)))


def _unreadable(contract: Contract, found: Collection[Found]) -> list[Result]:
    """Lines that could not be split into columns, as a result like any other: no rule of the contract says it."""
    return [
        Result(
            rule="rejected",
            dimension="conformity",
            severity="quarantine",
            owner=contract.owner,
            column=None,
            failed=one.checked,
            judged=True,
            rows=None,
        )
        for one in found
        if (one.kind, one.rule) == ("conservation", "rejected")
    ]
