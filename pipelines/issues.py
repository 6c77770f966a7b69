"""`liangcang issues`: what is not yet mended, whose it is, and how much of what was wrong has been mended lately."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import polars as pl

from assets.quality.score import BASE_DAYS
from data_contracts import tables
from data_contracts.bank import read_bank
from data_contracts.numbers import number_of
from liangcang.errors import UsageError
from liangcang.store import View, Warehouse
from pipelines.settings import Settings

NAME, SCORE = tables.issue().name, tables.score().name


def report(
    given: Settings,
    *,
    day: dt.date | None = None,
    limit: int = 50,
    feed: str | None = None,
    owner: str | None = None,
    rule: str | None = None,
) -> Iterator[str]:
    """The issues that are not closed as of a date (default: the newest night), the oldest first, at most `limit`.

    Raises UsageError for a feed that the bank does not have, and where no night has been made.
    """
    bank = read_bank(given.bank)
    if feed is not None and feed not in bank.feeds:
        raise UsageError(f"no feed {feed!r}", expected="one of " + ", ".join(sorted(bank.feeds)))
    warehouse = Warehouse.open(given.warehouse, bank=bank.code)
    last = newest(warehouse.current)
    if last is None:
        raise UsageError("no night is published yet", next="run `liangcang nightly`")
    as_of = day or last
    asked = {"feed": feed, "owner": owner, "rule_id": rule}
    known = (
        warehouse.scan(NAME, as_of=as_of).filter(**{name: value for name, value in asked.items() if value}).collect()
    )
    standing = known.filter(pl.col("closed_on").is_null()).sort("first_seen", "feed", "rule_id", "issue_id")
    yield f"{said_of(standing)}, as of {as_of}"
    yield f"  {closing(known, as_of)}"
    for row in standing.head(limit).iter_rows(named=True):
        yield from _lines(row, as_of)
    if standing.height > limit:
        yield f"and {standing.height - limit:,} more: narrow it with --feed, --owner or --rule, or raise --limit"
    yield from _scores(warehouse, as_of, feed=feed, owner=owner)


def newest(view: View) -> dt.date | None:
    """The last date whose issues are known."""
    return max(view.entries(NAME), default=None)


def said_of(standing: pl.DataFrame) -> str:
    """How many issues there are, in a few words."""
    counts = dict(standing.group_by("status").len().iter_rows())
    parts = [f"{counts[status]:,} {status}" for status in ("new", "open", "excepted") if counts.get(status)]
    what = "issue" if standing.height == 1 else "issues"
    return f"{standing.height:,} {what}" + (f" ({', '.join(parts)})" if parts else "")


def closing(known: pl.DataFrame, day: dt.date) -> str:
    """Of the issues that stood at any time in the last 28 days, how many are mended: how governance is judged."""
    since = day - dt.timedelta(days=BASE_DAYS - 1)
    mended = known.filter(pl.col("closed_on") >= since).height
    standing = known.filter(pl.col("closed_on").is_null()).height
    return f"mended in the last {BASE_DAYS} days: {mended:,} of {mended + standing:,}"


def _lines(row: dict[str, object], day: dt.date) -> Iterator[str]:
    first = row["first_seen"]
    assert isinstance(first, dt.date)  # noqa: S101
    key = row["key"] or f"the delivery, {row['breaches']:,} {'breach' if row['breaches'] == 1 else 'breaches'}"
    until = f" until {row['excepted_until']}" if row["excepted_until"] else ""
    rule = str(row["rule_id"])
    number = number_of(rule)
    called = rule if number is None or rule.startswith(number) else f"{rule} ({number})"
    yield f"{row['issue_id']}  {row['feed']}  {called}  {key}"
    yield (
        f"  {row['status']}{until}, since {first} ({(day - first).days} days), {row['severity']}, "
        f"{row['dimension']}, owner {row['owner'] or 'nobody'}"
    )
    line = f" line {row['_line']:,}" if row["_line"] is not None else ""
    yield f"  seen last on {row['last_seen']}: {row['_file']}{line}, delivery {row['_delivery']}"


def _scores(warehouse: Warehouse, day: dt.date, *, feed: str | None, owner: str | None) -> Iterator[str]:
    """The scores of the date by feed, or of one feed by owner and dimension."""
    scores = warehouse.scan(SCORE, as_of=day).filter(business_date=day)
    scores = scores.filter(scope="each", feed=feed) if feed else scores.filter(scope="owner" if owner else "feed")
    rows = (scores.filter(owner=owner) if owner else scores).sort("feed", "owner", "dimension").collect()
    if rows.is_empty():
        return
    yield ""
    yield f"checks that held on {day}, and how that is to the {BASE_DAYS} days before"
    for row in rows.iter_rows(named=True):
        name = " ".join(part for part in (row["feed"], row["owner"], row["dimension"]) if part != "all")
        yield f"  {name:<42} {row['numerator']:>12,} of {row['denominator']:>12,}  {row['rate']:.4%}  {_trend(row['trend'])}"


def _trend(trend: Decimal | None) -> str:
    return "no days before" if trend is None else f"{trend:+.4%}"
