"""What the small bank's core system would deliver of its people: bookings, dated states of accounts and loans, files.

Everything is computed once for all days. A history file holds the rows up to its last day; a daily file of a state holds
the newest state of each key up to its day, a daily file of events the rows of its day. Amounts are in fen until written.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

import polars as pl
from banks.riverside_people import OTHER_BANK, Account, Booking, Customer, Loan, due_date

STATES = ("branches", "customers", "accounts", "loans")
KEYS = {"branches": "branch", "customers": "cust_id", "accounts": "account", "loans": "receipt"}
TOWNS = ("河东镇", "河西镇", "上游乡", "下游乡", "湾头村")
REGION = "990101"
"""An area code that is nobody's: the identity numbers of the demo belong to no person."""


# -- events ------------------------------------------------------------------------------------------------------------


def transactions(bookings: pl.DataFrame) -> pl.DataFrame:
    """The feed `transactions`, numbered within each day."""
    ordered = bookings.sort("day", "minute", "account", "kind", "amount", "party")
    number = pl.int_range(1, pl.len() + 1).over("day")
    return ordered.select(
        pl.format("T{}-{}", pl.col("day").dt.strftime("%Y%m%d"), number.cast(pl.String).str.zfill(6)).alias("ref"),
        "account",
        "cust_id",
        pl.col("day").alias("booked_on"),
        pl.time(pl.col("minute") // 60, pl.col("minute") % 60).dt.strftime("%H:%M").alias("booked_at"),
        pl.when("credit").then(pl.lit("CR")).otherwise(pl.lit("DR")).alias("cr_dr"),
        _yuan("amount"),
        "kind",
        "via",
        pl.col("party").alias("other_party"),
        pl.col("bank").alias("other_bank"),
        _flag("reversed"),
    )


# -- states ------------------------------------------------------------------------------------------------------------


def branches(start: dt.date) -> pl.DataFrame:
    """The feed `branches`: a head office and one branch a town, the same since the beginning."""
    head: tuple[str, str, str, str | None, dt.date] = ("RV000", "河畔农商银行总行", TOWNS[0], None, start)
    rows = [head] + [
        (f"RV{n:03}", f"河畔农商银行{town}支行", town, "RV000", start) for n, town in enumerate(TOWNS, start=1)
    ]
    return pl.DataFrame(rows, schema=["branch", "title", "town", "reports_to", "updated_on"], orient="row")


def customers(people: Iterable[Customer], start: dt.date) -> pl.DataFrame:
    """The feed `customers`: each from the history's start or the day it joined; one farmer moves to another branch."""
    rows = [
        {
            "cust_id": person.cust_id,
            "full_name": person.name,
            "id_number": identity_number(person),
            "kind": person.kind,
            "sex": person.sex,
            "born_on": person.born,
            "joined_on": person.joined,
            "branch": person.branch,
            "updated_on": max(start, person.joined),
        }
        for person in people
    ]
    moved = [
        {**row, "branch": "RV003", "updated_on": dt.date(2026, 3, 2)} for row in rows if row["cust_id"] == "C000021"
    ]
    return pl.DataFrame([*rows, *(row for row in moved if start < dt.date(2026, 3, 2))], infer_schema_length=None)


def accounts(held: Iterable[Account], bookings: pl.DataFrame, start: dt.date) -> pl.DataFrame:
    """The feed `accounts`: a state on each day on which the balance moved. What would be overdrawn began with more."""
    opened = pl.DataFrame([asdict(account) for account in held])
    signed = pl.when("credit").then("amount").otherwise(-pl.col("amount"))
    first = opened.select(
        "account", pl.max_horizontal("opened", pl.lit(start)).alias("day"), pl.lit(0, pl.Int64).alias("net")
    )
    moved = bookings.select("account", "day", signed.alias("net"))
    running = (
        pl.concat([first, moved])
        .group_by("account", "day")
        .agg(pl.col("net").sum())
        .sort("account", "day")
        .with_columns(pl.col("net").cum_sum().over("account").alias("moved"))
        .join(opened, on="account")
        .with_columns((pl.col("opening") + pl.col("moved")).alias("balance"))
        .with_columns(
            (pl.col("balance") - pl.col("balance").min().over("account").clip(upper_bound=0)).alias("balance")
        )
    )
    return running.sort("day", "account").select(
        "account",
        "cust_id",
        "product",
        pl.lit("CNY").alias("ccy"),
        pl.col("opened").alias("opened_on"),
        pl.lit(None, dtype=pl.Date).alias("closed_on"),
        pl.lit("A").alias("state"),
        "branch",
        _yuan("balance"),
        pl.col("day").alias("updated_on"),
    )


def loans(owed: Iterable[Loan], start: dt.date, end: dt.date) -> pl.DataFrame:
    """The feed `loans`: a state on each day on which something was paid, or somebody was one more day late."""
    rows = [_loan_state(loan, day) for loan in owed for day in _loan_days(loan, start, end)]
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.sort("updated_on", "receipt").with_columns(
        _yuan(name) for name in ("granted", "owed", "overdue", "overdue_interest")
    )


def loan_bookings(loan: Loan, start: dt.date, end: dt.date) -> Iterator[Booking]:
    """What a loan books: the money in, out to who sold something the day after, and each part that was paid."""
    book = partial(Booking, account=loan.account, cust_id=loan.cust_id, via="AUTO")
    if start <= loan.paid_out < end:
        yield book(day=loan.paid_out, amount=loan.granted, kind="LD", credit=True)
        spent = loan.paid_out + dt.timedelta(days=1)
        yield book(day=spent, amount=loan.granted, kind="TR", credit=False, party="受托收款商户", bank=OTHER_BANK)
    for number in range(1, loan.months + 1):
        due = due_date(loan, number)
        if _is_paid(loan, due) and start <= due <= end:
            before = loan.granted - _part(loan) * (number - 1)
            part = before if number == loan.months else _part(loan)
            yield book(day=due, amount=part + before * loan.rate_pct // 1_200, kind="LR", credit=False)


def _part(loan: Loan) -> int:
    return loan.granted // loan.months


def _is_paid(loan: Loan, due: dt.date) -> bool:
    return loan.late_since is None or due < loan.late_since


def _loan_days(loan: Loan, start: dt.date, end: dt.date) -> list[dt.date]:
    """The days on which a loan's row changes."""
    days = {max(start, loan.paid_out)} | {due_date(loan, n) for n in range(1, loan.months + 1)}
    if loan.late_since:
        days = {day for day in days if day <= loan.late_since}
        first = max(start, loan.late_since)
        days |= {first + dt.timedelta(days=n) for n in range((end - first).days + 1)}
    return sorted(day for day in days if max(start, loan.paid_out) <= day <= end)


def _loan_state(loan: Loan, day: dt.date) -> dict[str, object]:
    dues = [due for n in range(1, loan.months + 1) if (due := due_date(loan, n)) <= day]
    paid = sum(_is_paid(loan, due) for due in dues)
    owed = 0 if paid == loan.months else loan.granted - paid * _part(loan)
    dpd = max((day - loan.late_since).days, 0) if loan.late_since else 0
    missed = (len(dues) - paid) if dpd else 0
    overdue = min(missed * _part(loan), owed)
    return {
        "receipt": f"L{loan.number:06}",
        "agreement": f"HT{loan.number:06}",
        "cust_id": loan.cust_id,
        "account": loan.account,
        "paid_out_on": loan.paid_out,
        "due_on": due_date(loan, loan.months),
        "granted": loan.granted,
        "owed": owed,
        "overdue": overdue,
        "overdue_interest": missed * (owed * loan.rate_pct // 1_200),
        "dpd": dpd,
        "grade": loan.grade or _grade(dpd),
        "rate_pct": f"{loan.rate_pct}.000000",
        "settled_on": None if owed else dues[-1],
        "written_off": "Y" if loan.written_off else "N",
        "updated_on": day,
    }


def _grade(dpd: int) -> str:
    """The class that days past due allow at best; 2023 classification rules."""
    return next(grade for limit, grade in ((0, "N"), (90, "SM"), (270, "SS"), (360, "D"), (dpd, "L")) if dpd <= limit)


# -- identity numbers --------------------------------------------------------------------------------------------------


def identity_number(person: Customer) -> str:
    """A well-formed resident ID number (GB 11643-1999) or USCC (GB 32100-2015) of an area that does not exist."""
    if person.born is None:
        alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
        stem = f"91{REGION}{person.number:09}"
        total = sum(alphabet.index(sign) * pow(3, place, 31) for place, sign in enumerate(stem))
        return stem + alphabet[-total % 31]
    order = person.number % 500 * 2 + (person.sex == "M")
    stem = f"{REGION}{person.born:%Y%m%d}{order:03}"
    total = sum(int(sign) * pow(2, 17 - place, 11) for place, sign in enumerate(stem))
    return stem + "10X98765432"[total % 11]


# -- files -------------------------------------------------------------------------------------------------------------


def write_history(landing: Path, feeds: Mapping[str, pl.DataFrame], last: dt.date) -> None:
    """`history/<feed>.csv`: all rows up to `last`."""
    for feed, frame in feeds.items():
        column = "updated_on" if feed in STATES else "booked_on"
        write_file(landing / "history" / f"{feed}.csv", frame.filter(pl.col(column) <= last))


def write_night(landing: Path, feeds: Mapping[str, pl.DataFrame], day: dt.date) -> None:
    """`daily/<date>/<feed>.1.csv`: the events of the day, and every key's state as of it."""
    for feed, frame in feeds.items():
        path = landing / "daily" / day.isoformat() / f"{feed}.1.csv"
        if feed in STATES:
            known = frame.filter(pl.col("updated_on") <= day).sort("updated_on")
            write_file(path, known.group_by(KEYS[feed]).last().select(frame.columns).sort(KEYS[feed]))
        else:
            write_file(path, frame.filter(pl.col("booked_on") == day))


def write_file(path: Path, frame: pl.DataFrame) -> None:
    """UTF-8 with a header, comma, dates as dd/MM/yyyy, nothing for null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_csv(path, date_format="%d/%m/%Y", null_value="", quote_style="necessary", line_terminator="\n")


def _yuan(name: str) -> pl.Expr:
    """Fen as text with two decimals."""
    fen = pl.col(name)
    return pl.format("{}.{}", fen // 100, (fen % 100).cast(pl.String).str.zfill(2)).alias(name)


def _flag(name: str) -> pl.Expr:
    return pl.when(name).then(pl.lit("Y")).otherwise(pl.lit("N")).alias(name)
