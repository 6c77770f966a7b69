"""What an issue is, and how the issues of one date follow from those of the date before and from what was judged.

An issue is a fault that somebody has to mend: a rule, a feed, and the row's key, or the delivery as a whole.

| on a date, for an issue that is not closed        | full delivery    | delta                      | events                     |
|---------------------------------------------------|------------------|----------------------------|----------------------------|
| its key breaks the rule again                     | goes on          | goes on                    | is another issue           |
| its key came and is good                          | fixed            | fixed                      | (no key comes twice)       |
| its key did not come                              | fixed: it is gone| goes on                    | goes on                    |
| its rule could not be judged                      | goes on          | goes on                    | goes on                    |
| it is of the delivery as a whole, this one is good| fixed            | fixed                      | goes on: this is another   |
| its rule stands in the contract no more           | fixed            | fixed                      | fixed                      |
| nothing was accepted for the date                 | goes on          | goes on                    | goes on                    |

When a date is judged again, by another delivery or by other rules, the issues that were opened on it and are found no more
are fixed on it, and not forgotten: what was delivered wrong and mended is what the closing rate counts.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from data_contracts.exceptions import SignedException

Status = Literal["new", "open", "fixed", "excepted"]
Closing = Literal["full", "delta", "event"]
Cause = tuple[str, str, str | None]
"""Feed, rule, and key of the row, or None for the delivery as a whole: what is open once at a time."""


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One fault, as the newest night saw it. `breaches`: rows with this key that break the rule; `line` and `row` of the
    first of them, in `delivery`, the newest one that breaks it.
    """

    rule: str
    feed: str
    dimension: str | None
    severity: str | None
    owner: str
    column: str | None
    key: str | None
    breaches: int
    first_seen: dt.date
    last_seen: dt.date
    delivery: str
    file: str
    line: int | None
    row: int | None
    status: Status = "new"
    excepted_until: dt.date | None = None
    closed_on: dt.date | None = None

    @property
    def id(self) -> str:
        """Stable over re-runs: rule, feed, first date and key, 16 hex digits of their SHA-256."""
        named = "\x1f".join((self.rule, self.feed, self.first_seen.isoformat(), self.key or ""))
        return hashlib.sha256(named.encode()).hexdigest()[:16]

    @property
    def cause(self) -> Cause:
        return self.feed, self.rule, self.key


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one rule found in one delivery. `rows`: name of the row, number, line; None when they are not told one by one."""

    rule: str
    dimension: str | None
    severity: str | None
    owner: str
    column: str | None
    failed: int
    judged: bool
    rows: Sequence[tuple[str, int, int]] | None

    @property
    def keys(self) -> frozenset[str | None]:
        """The keys that break the rule; None stands for the delivery as a whole."""
        if not self.failed:
            return frozenset()
        return frozenset([None]) if self.rows is None else frozenset(name for name, _, _ in self.rows)


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One delivery that was accepted for a date, and what it says of issues that were open before it.

    `came`: of a delta, whether a row of that name came and was not kept back; asked only where there is such an issue.
    """

    feed: str
    closing: Closing
    delivery: str
    file: str
    results: Mapping[str, Result]
    came: Callable[[], Collection[str]] = frozenset

    def found(self, day: dt.date) -> Iterator[Issue]:
        """An issue for each row that breaks a rule, or one for the delivery where there are too many or it is of no row."""
        for result in self.results.values():
            if not result.failed:
                continue
            places: dict[str | None, list[tuple[int | None, int | None]]] = {}
            for name, row, line in result.rows or ():
                places.setdefault(name, []).append((row, line))
            for key, at in (places or {None: [(None, None)]}).items():
                yield Issue(
                    rule=result.rule,
                    feed=self.feed,
                    dimension=result.dimension,
                    severity=result.severity,
                    owner=result.owner,
                    column=result.column,
                    key=key,
                    breaches=len(at) if key is not None else result.failed,
                    first_seen=day,
                    last_seen=day,
                    delivery=self.delivery,
                    file=self.file,
                    row=at[0][0],
                    line=at[0][1],
                )

    def mends(self, issue: Issue) -> bool:
        """Whether this delivery closes an issue that was open before its date, and that it does not show again."""
        result = self.results.get(issue.rule)
        if result is None:
            return True
        if not result.judged or self.closing == "event" or None in result.keys:
            return False
        if self.closing == "full":
            return True
        if issue.key is None:
            return not result.failed
        return issue.key in self.came() or any(issue.key in one.keys for one in self.results.values())


@dataclass(frozen=True, kw_only=True)
class Night:
    """The issues of one date: `changed` is what its entry holds, `open` what is not closed after it."""

    changed: tuple[Issue, ...]
    open: Mapping[str, Issue]


def night(
    day: dt.date,
    *,
    before: Mapping[str, Issue],
    judged: Sequence[Judged],
    earlier: Sequence[Issue],
    exceptions: Sequence[SignedException],
) -> Night:
    """The issues of `day`, from those `before` it (not closed, by id) and what was judged on it.

    `earlier` are the issues that were opened on `day` when it was judged before: those found no more are fixed.
    """
    deliveries = {one.feed: one for one in judged}
    after = {id: _carried(issue, deliveries.get(issue.feed), day) for id, issue in before.items()}
    standing = {issue.cause: id for id, issue in after.items() if _goes_on(issue, deliveries)}
    for delivery in judged:
        for issue in delivery.found(day):
            id = standing.get(issue.cause)
            new = issue if id is None else replace(issue, first_seen=after[id].first_seen)
            after[new.id] = new
    known = {issue.cause for issue in after.values()}
    for issue in earlier:
        one = deliveries.get(issue.feed)
        if one is not None and issue.id not in after and (one.closing == "event" or issue.cause not in known):
            after[issue.id] = _judged_again(issue, one, day)
    after = {id: _with_status(issue, exceptions, day) for id, issue in after.items()}
    return Night(
        changed=tuple(issue for id, issue in sorted(after.items()) if before.get(id) != issue),
        open={id: issue for id, issue in after.items() if issue.closed_on is None},
    )


def _goes_on(issue: Issue, deliveries: Mapping[str, Judged]) -> bool:
    """Whether a breach of the same cause is the same issue: events of another date are others."""
    one = deliveries.get(issue.feed)
    return one is not None and one.closing != "event"


def _carried(issue: Issue, one: Judged | None, day: dt.date) -> Issue:
    if one is None:
        return issue
    result = one.results.get(issue.rule)
    again = result is not None and one.closing != "event" and issue.key in result.keys
    return replace(issue, closed_on=day) if not again and one.mends(issue) else issue


def _judged_again(issue: Issue, one: Judged, day: dt.date) -> Issue:
    """An issue that was opened on `day` and that the delivery which now stands for it does not show."""
    result = one.results.get(issue.rule)
    untold = result is not None and (not result.judged or None in result.keys)
    return replace(issue, closed_on=None if untold else day)


def _with_status(issue: Issue, exceptions: Sequence[SignedException], day: dt.date) -> Issue:
    if issue.closed_on is not None:
        return replace(issue, status="fixed", excepted_until=None)
    until = max(
        (one.until for one in exceptions if one.covers(feed=issue.feed, rule=issue.rule, key=issue.key, day=day)),
        default=None,
    )
    if until is not None:
        return replace(issue, status="excepted", excepted_until=until)
    return replace(issue, status="new" if issue.first_seen == day else "open", excepted_until=None)
