"""How old the knowledge behind a table is on a business date. A stale feed makes values unknown, never zero."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from data_contracts.bank import Bank
from data_contracts.contract import Contract
from liangcang.store import View

STATIC = frozenset({"since", "identity", "undated"})


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """Of one feed on one date: `days` is 0 when the feed is there, None when it never came."""

    feed: str
    days: int | None
    to: dt.date | None

    @property
    def fresh(self) -> bool:
        return self.days == 0


def history_spans(view: View, table: str) -> dict[str, tuple[dt.date, dt.date]]:
    """The history deliveries that a staged table took: digest to first and last date."""
    taken = view.facts(table).get("history", {})
    return {
        digest: (dt.date.fromisoformat(span["from"]), dt.date.fromisoformat(span["to"]))
        for digest, span in sorted(taken.items())
    }


def freshness(view: View, contract: Contract, day: dt.date) -> Freshness:
    """Where a feed stands on `day`, judged from what is staged: no clock."""
    spans = history_spans(view, contract.table)
    if day in view.entries(contract.table) or any(first <= day <= last for first, last in spans.values()):
        return Freshness(feed=contract.feed, days=0, to=day)
    if spans and contract.format("daily") is None and contract.temporal.kind in STATIC:
        return Freshness(feed=contract.feed, days=0, to=day)
    before = [at for at in view.entries(contract.table) if at < day]
    before += [min(last, day) for _, last in spans.values() if last < day]
    newest = max(before, default=None)
    return Freshness(feed=contract.feed, days=None if newest is None else (day - newest).days, to=newest)


def has_come(view: View, contract: Contract, day: dt.date | None) -> bool:
    """Whether anything of a feed was accepted for a date up to `day`, or for any: what came for later dates is unknown
    on `day`, however often its night is run.
    """
    if day is not None:
        return freshness(view, contract, day).to is not None
    return bool(view.entries(contract.table)) or bool(history_spans(view, contract.table))


def feeds_behind(bank: Bank, table: str) -> tuple[str, ...]:
    """The feeds that a conformed table is made of, through other conformed tables too."""
    seen: set[str] = set()
    waiting = [table]
    while waiting:
        name = waiting.pop()
        layer, _, short = name.partition(".")
        if layer == "staged":
            seen.add(short)
        elif short in bank.conform:
            waiting.extend(bank.conform[short].inputs)
    return tuple(sorted(seen))


def stale_feed(view: View, bank: Bank, table: str, day: dt.date) -> str | None:
    """The feed whose absence makes a conformed table stale on `day`; None if at least one of its feeds is there.

    Where several feeds fill one table, what a single account misses shows in its own silence (`silent_after_days`).
    """
    direct = [
        name.partition(".")[2] for name in bank.conform[table.partition(".")[2]].inputs if name.startswith("staged.")
    ]
    names = direct or feeds_behind(bank, table)
    moving = [name for name in names if bank.feeds[name].temporal.kind not in STATIC]
    ages = {name: freshness(view, bank.feeds[name], day) for name in moving or names}
    return None if any(age.fresh for age in ages.values()) else min(ages)
