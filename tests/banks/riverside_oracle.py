"""The first eight indicators worked out by hand from the small bank's files, with no code of the warehouse.

Slow and plain on purpose: it is what the warehouse's answers are compared with. UNKNOWN is the word `unknown`.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

FEEDS = ("customers", "accounts", "transactions", "loans")
KEYS = {"customers": "cust_id", "accounts": "account", "loans": "receipt"}
INITIATED = {"CO", "TR", "OT", "QP", "PO", "BI"}
NO_INCOME = {"OT", "QP", "PO", "LD"}
NO_SPENDING = {"OT", "LR"}
DAY = dt.timedelta(days=1)

Row = Mapping[str, str]


@dataclass(frozen=True)
class Files:
    """What was delivered up to a day: states by key, each with all its dated versions, and bookings."""

    customers: Mapping[str, list[Row]]
    accounts: Mapping[str, list[Row]]
    loans: Mapping[str, list[Row]]
    bookings: list[Row]


@cache
def date(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%d/%m/%Y").date()


def read(landing: Path, day: dt.date) -> Files:
    """All rows known on `day`. Files with planted faults are not for this reader."""
    states: dict[str, dict[str, list[Row]]] = {feed: defaultdict(list) for feed in KEYS}
    bookings: list[Row] = []
    folders = [landing / "history", *sorted(f for f in (landing / "daily").iterdir() if f.name <= day.isoformat())]
    for folder in folders:
        for feed in FEEDS:
            path = folder / (f"{feed}.csv" if folder.name == "history" else f"{feed}.1.csv")
            with path.open(encoding="utf-8", newline="") as file:
                for row in csv.DictReader(file):
                    if feed == "transactions":
                        bookings.append(row)
                    elif not (versions := states[feed][row[KEYS[feed]]]) or versions[-1] != row:
                        versions.append(row)
    return Files(states["customers"], states["accounts"], states["loans"], bookings)


def results(landing: Path, day: dt.date) -> dict[str, dict[str, str]]:
    """Customer number to indicator to level, `miss` or `unknown`, for every customer with an account."""
    files = read(landing, day)
    owned: dict[str, list[str]] = defaultdict(list)
    for account, versions in files.accounts.items():
        owned[versions[-1]["cust_id"]].append(account)
    booked: dict[str, list[Row]] = defaultdict(list)
    for row in files.bookings:
        if row["reversed"] == "N":
            booked[row["cust_id"]].append(row)
    return {cust: _judge(files, cust, accounts, booked[cust], day) for cust, accounts in sorted(owned.items())}


def _judge(files: Files, cust: str, accounts: list[str], rows: list[Row], day: dt.date) -> dict[str, str]:
    opened = min(date(files.accounts[account][0]["opened_on"]) for account in accounts)
    loans = [versions[-1] for versions in files.loans.values() if versions[-1]["cust_id"] == cust]
    unsettled = [loan for loan in loans if not loan["settled_on"]]
    return {
        "R025": _level(max((int(loan["dpd"]) for loan in unsettled), default=0), red=91, orange=31, yellow=8, blue=1),
        "R026": _level(
            max((("", "N", "SM", "SS", "D", "L").index(loan["grade"]) for loan in unsettled), default=1),
            red=3,
            yellow=2,
        ),
        "R045": _inflow(rows, opened, day),
        "R046": _salary(files, cust, rows, day),
        "R048": _assets(files, accounts, unsettled, opened, day),
        "R050": _scattered(rows, day),
        "R051": _woken(rows, opened, day),
        "R052": _level(
            sum(
                row["kind"] in ("CI", "CO") and 45_000 <= float(row["amount"]) <= 49_999.99
                for row in _last(rows, day, 7)
            ),
            orange=3,
        ),
    }


def _level(value: float, **floors: float) -> str:
    return next((level for level, floor in floors.items() if value >= floor), "miss")


def _last(rows: list[Row], day: dt.date, days: int) -> list[Row]:
    return [row for row in rows if day - days * DAY < date(row["booked_on"]) <= day]


def _month(day: dt.date, back: int) -> tuple[int, int]:
    """Year and month of the n-th last complete month; on its last day a month is complete."""
    tomorrow = day + DAY
    months = tomorrow.year * 12 + tomorrow.month - 1 - back
    return months // 12, months % 12 + 1


def _by_month(rows: list[Row]) -> dict[tuple[int, int], Decimal]:
    sums: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for row in rows:
        at = date(row["booked_on"])
        sums[at.year, at.month] += Decimal(row["amount"])
    return sums


def _inflow(rows: list[Row], opened: dt.date, day: dt.date) -> str:
    sums = _by_month([row for row in rows if row["cr_dr"] == "CR" and row["kind"] not in NO_INCOME])
    after_opening = sum((opened.year, opened.month) < _month(day, back) for back in range(4, 13))
    if after_opening < 6:
        return "unknown"
    last = sum(sums[_month(day, back)] for back in (1, 2, 3)) / 3
    before = sum(sums[_month(day, back)] for back in range(4, 13)) / 9
    return "unknown" if before < 5_000 else _level(-(last / before - 1), orange=Decimal("0.7"), yellow=Decimal("0.4"))


def _salary(files: Files, cust: str, rows: list[Row], day: dt.date) -> str:
    if files.customers[cust][-1]["kind"] != "P":
        return "does not apply"
    sums = _by_month([row for row in rows if row["kind"] == "SA" and row["cr_dr"] == "CR"])
    paid = sum(sums[_month(day, back)] > 0 for back in range(3, 9))
    lately = sum(sums[_month(day, back)] > 0 for back in (1, 2))
    return "yellow" if paid >= 5 and not lately else "miss"


def _assets(files: Files, accounts: list[str], unsettled: list[Row], opened: dt.date, day: dt.date) -> str:
    owed = sum(Decimal(loan["owed"]) for loan in unsettled if loan["written_off"] == "N")
    if not owed:
        return "miss"
    last, before = (_mean(files, accounts, opened, _month(day, back)) for back in (1, 4))
    if before is None or last is None:
        return "unknown"
    return "yellow" if before >= 20_000 and last / before - 1 <= Decimal("-0.6") else "miss"


def _mean(files: Files, accounts: list[str], opened: dt.date, month: tuple[int, int]) -> Decimal | None:
    """The mean of the end-of-day balance over the days of a month from the first opening on."""
    first = dt.date(*month, 1)
    days = [first + n * DAY for n in range(31) if (first + n * DAY).month == first.month and first + n * DAY >= opened]
    return (
        sum((_held(files.accounts[account], at) for account in accounts for at in days), Decimal(0)) / len(days)
        if days
        else None
    )


def _held(versions: list[Row], at: dt.date) -> Decimal:
    return next((Decimal(row["balance"]) for row in reversed(versions) if date(row["updated_on"]) <= at), Decimal(0))


def _scattered(rows: list[Row], day: dt.date) -> str:
    last = _last(rows, day, 30)
    payers = {row["other_party"] for row in last if row["cr_dr"] == "CR" and row["other_party"]}
    payees = {row["other_party"] for row in last if row["cr_dr"] == "DR" and row["other_party"]}
    out = sum(Decimal(row["amount"]) for row in last if row["cr_dr"] == "DR" and row["kind"] not in NO_SPENDING)
    return "orange" if len(payers) >= 20 and len(payees) <= 3 and out >= 100_000 else "miss"


def _woken(rows: list[Row], opened: dt.date, day: dt.date) -> str:
    own = [
        row
        for row in rows
        if row["via"] != "AUTO" and (row["kind"] == "CI" or (row["cr_dr"] == "DR" and row["kind"] in INITIATED))
    ]
    quiet = not any(day - 187 * DAY < date(row["booked_on"]) <= day - 7 * DAY for row in own)
    moved = sum(Decimal(row["amount"]) for row in _last(rows, day, 7))
    return "yellow" if quiet and (day - opened).days > 186 and moved >= 50_000 else "miss"
