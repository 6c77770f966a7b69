"""A delivery beside the clock and beside the nights before it: the rules of kinds arrival, weekdays and drift.

They are judged from what is staged under earlier dates and from the moment at which the delivery came, so a night that is
run again says the same. Where too little is known before it, a rule is not judged, and says why.
"""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from assets.sources.landing import Delivery
from data_contracts.bank import Bank
from data_contracts.contract import WATCHED, Contract, Rule
from data_contracts.judgement import Judgement, RuleResult, of_rule, unjudged
from liangcang.engine import Engine, parquet
from liangcang.quoting import literal, quoted
from liangcang.store import View
from liangcang.table import Entry

ARRIVED = "arrived"
"""What the note of a staged entry calls the moment at which its delivery came first."""
BINS = 10
GOOD = ("inserted", "changed", "unchanged")
"""What the note of a full delivery counts of its good rows."""


def watched(
    contract: Contract,
    delivery: Delivery,
    judgement: Judgement,
    *,
    engine: Engine,
    view: View,
    bank: Bank,
    day: dt.date | None,
    id: str,
) -> tuple[RuleResult, ...]:
    """A result for each rule of the contract that needs more than the delivery. `id` is what its rows call it."""
    rules = [rule for rule in contract.rules if rule.kind in WATCHED]
    if not rules:
        return ()
    if day is None:
        return tuple(unjudged(rule, "a history is of no one day") for rule in rules)
    beside = _Beside(
        contract=contract, delivery=delivery, judgement=judgement, engine=engine, view=view, bank=bank, day=day, id=id
    )
    return tuple(beside.judged(rule) for rule in rules)


def arrived_at(view: View, contract: Contract, delivery: Delivery, *, day: dt.date, id: str) -> dt.datetime:
    """When what was delivered came: when its file, or its control file, last changed, to the second. The same content
    that was taken before came when it came first.
    """
    before = view.entries(contract.table).get(day)
    if before is not None and before.note.get("delivery") == id and (said := before.note.get(ARRIVED)):
        return dt.datetime.fromisoformat(str(said))
    return dt.datetime.fromtimestamp(delivery.mtime_ns // 1_000_000_000, dt.UTC)


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """What is known beside one delivery."""

    contract: Contract
    delivery: Delivery
    judgement: Judgement
    engine: Engine
    view: View
    bank: Bank
    day: dt.date
    id: str

    def judged(self, rule: Rule) -> RuleResult:
        return {"arrival": self._arrival, "weekdays": self._weekdays, "drift": self._drift}[rule.kind](rule)

    def _arrival(self, rule: Rule) -> RuleResult:
        until = self.bank.cut_off_of(self.day)
        came = arrived_at(self.view, self.contract, self.delivery, day=self.day, id=self.id).astimezone(until.tzinfo)
        said = f"came {came:%Y-%m-%d %H:%M}, the cut-off was {until:%Y-%m-%d %H:%M}" if came > until else None
        return of_rule(rule, checked=1, failed=int(came > until), observation=said)

    def _weekdays(self, rule: Rule) -> RuleResult:
        weeks = _of(rule.days) // 7
        rows = self.judgement.delivered - self.judgement.exact_duplicates
        known = list(self._same_weekdays(weeks))
        if len(known) < _of(rule.least_days):
            return unjudged(
                rule, f"{len(known)} of the same weekdays of {weeks} weeks are known, {rule.least_days} needed"
            )
        median = Fraction(statistics.median([Fraction(count) for count in known]))
        if median < _of(rule.least_rows):
            return unjudged(rule, f"their median is {float(median):,g} rows, {rule.least_rows:,} needed")
        low, high = Fraction(rule.minimum or "0"), Fraction(rule.maximum or "0")
        broken = not low * median <= rows <= high * median
        said = f"{rows:,} rows, {float(rows / median):.2f} times the median of {len(known)} such weekdays"
        return of_rule(rule, checked=1, failed=int(broken), observation=said if broken else None)

    def _same_weekdays(self, weeks: int) -> Iterator[int]:
        """The rows of the same weekday in each of the weeks before, where that is known."""
        staged, kept_back = (
            self.view.entries(name) for name in (self.contract.table, f"quarantine.{self.contract.feed}")
        )
        for week in range(1, weeks + 1):
            at = self.day - dt.timedelta(weeks=week)
            if at in staged and (good := self._good(staged[at])) is not None:
                nightly = at in kept_back and kept_back[at].note.get("delivery") == staged[at].note.get("delivery")
                yield good + (kept_back[at].rows if nightly else 0)

    def _good(self, entry: Entry) -> int | None:
        """The good rows of a date's delivery. A history of states has those of the day's changes, not all: None."""
        if self.contract.delivery != "full":
            return entry.rows
        counts = [entry.note.get(name) for name in GOOD]
        return sum(int(str(count)) for count in counts) if None not in counts else None

    def _drift(self, rule: Rule) -> RuleResult:
        """The population stability index: the sum of (p - q) ln(p / q) over bins, of exact counts. Half a row is added
        to each bin of both sides, so that an empty one has a logarithm.
        """
        first = self.day - dt.timedelta(days=_of(rule.days))
        column = rule.columns[0]
        read = {column: self.contract.columns[column], "business_date": "DATE"}
        paths = self.view.paths(
            self.contract.table, after=first - dt.timedelta(days=1), to=self.day - dt.timedelta(days=1)
        )
        base = (
            f"(select * from ({parquet(paths, read)}) "
            f"where business_date between date '{first}' and date '{self.day}' - 1)"
        )
        days, rows = self._one(f"select count(distinct business_date), count(*) from {base}")
        if days < _of(rule.least_days):
            return unjudged(rule, f"{days} of the {rule.days} days before have rows, {rule.least_days} needed")
        own = quoted(self.judgement.good_rows)
        if min(rows, self.judgement.good) < _of(rule.least_rows):
            return unjudged(rule, f"{self.judgement.good:,} rows beside {rows:,}, {rule.least_rows:,} needed of both")
        bin_of = self._bins(column, base)
        counts = [
            (int(then), int(now))
            for _, then, now in self.engine.rows(
                f"select bin, count(*) filter (where _base), count(*) filter (where not _base) from ("
                f"select {bin_of} as bin, true as _base from {base} union all select {bin_of}, false from {own}"
                f") group by bin order by bin"
            )
        ]
        index = stability_index(counts)
        broken = index > float(rule.maximum or "0")
        said = f"index {index:.4f} against {rows:,} rows of {days} days, at most {rule.maximum}"
        return of_rule(rule, checked=self.judgement.good, failed=int(broken), observation=said if broken else None)

    def _bins(self, column: str, base: str) -> str:
        """The bin of a row as SQL: of codes the code, of numbers the decile of the base that it lies in; null is one."""
        name, kind = quoted(column), self.contract.columns[column]
        if self.contract.property(column).codes:
            return f"cast({name} as varchar)"
        shares = ", ".join(f"{Decimal(nth) / BINS}" for nth in range(1, BINS))
        found: Sequence[Any] = self._one(f"select quantile_disc({name}, [{shares}]) from {base}")[0] or ()
        edges = sorted(set(found))
        cases = " ".join(
            f"when {name} <= cast({literal(str(edge))} as {kind}) then {nth}" for nth, edge in enumerate(edges)
        )
        return f"case when {name} is null then -1 {cases} else {len(edges)} end"

    def _one(self, query: str) -> tuple[Any, ...]:
        return tuple(self.engine.rows(query)[0])


def stability_index(counts: Sequence[tuple[int, int]]) -> float:
    """The population stability index of counts before and now, a pair a bin: the same for the same counts, in any order."""
    bins = len(counts)
    before, now = (sum(side) + bins / 2 for side in zip(*counts, strict=True)) if counts else (1.0, 1.0)
    shares = [((then + 0.5) / before, (today + 0.5) / now) for then, today in counts]
    return math.fsum((q - p) * math.log(q / p) for p, q in shares)


def note_of(view: View, contract: Contract, delivery: Delivery, *, day: dt.date, id: str) -> Mapping[str, object]:
    """What is noted of a delivery whose moment is held to a rule."""
    if not any(rule.kind == "arrival" for rule in contract.rules):
        return {}
    return {ARRIVED: arrived_at(view, contract, delivery, day=day, id=id).isoformat()}


def _of(limit: int | None) -> int:
    """A limit that rules of these kinds always have."""
    return limit or 0
