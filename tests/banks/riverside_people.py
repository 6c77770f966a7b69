"""Who the small bank's customers are, and what they hold, owe and do. Amounts are in fen."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field

import polars as pl

LAST_HISTORY = dt.date(2026, 10, 31)
"""The last day of the history; the nights follow."""

OTHER_BANK = "403100000004"
OWN_BANK = "402100000001"

VIA = {"CI": "CTR", "CO": "ATM", "QP": "QR", "PO": "POS", "SA": "AUTO", "SU": "AUTO", "IT": "AUTO"} | {
    "LD": "AUTO",
    "LR": "AUTO",
}
"""How a kind of booking usually reaches the bank; by app where nothing is said."""
BANK = {"TR": OTHER_BANK, "SA": OWN_BANK, "SU": OWN_BANK, "BI": OWN_BANK, "OT": OWN_BANK}
"""The bank of the other side, by kind; null where nothing is said."""


@dataclass(frozen=True, kw_only=True)
class Customer:
    """A customer. Of the cast, `why` says what it is there for and `shows` its hits: indicator to level."""

    number: int
    name: str
    kind: str = "P"
    sex: str | None = "M"
    born: dt.date | None = None
    joined: dt.date = dt.date(2018, 5, 14)
    branch: str = "RV001"
    why: str = ""
    shows: Mapping[str, str] = field(default_factory=dict)

    @property
    def cust_id(self) -> str:
        return f"C{self.number:06}"

    @property
    def account(self) -> str:
        """The customer's first account, of demand deposits."""
        return f"6200{self.number * 10:08}"

    @property
    def savings(self) -> str:
        """The customer's time deposit, for those who have one."""
        return f"6200{self.number * 10 + 1:08}"


@dataclass(frozen=True, kw_only=True)
class Account:
    """A deposit account; `opening` lies on it when the history begins, or on the day on which it is opened."""

    account: str
    cust_id: str
    opened: dt.date
    opening: int
    product: str = "CUR"
    branch: str = "RV001"


@dataclass(frozen=True, kw_only=True)
class Loan:
    """A loan paid back in equal monthly parts of principal; from `late_since` on nothing was paid any more.

    `grade` is given where the class is worse than the days past due say.
    """

    number: int
    cust_id: str
    account: str
    paid_out: dt.date
    months: int
    granted: int
    rate_pct: int = 6
    late_since: dt.date | None = None
    grade: str | None = None
    written_off: bool = False


@dataclass(frozen=True, kw_only=True)
class Booking:
    """A row of an account."""

    account: str
    cust_id: str
    day: dt.date
    amount: int
    kind: str
    credit: bool
    via: str | None = None
    minute: int = 600
    party: str | None = None
    bank: str | None = None
    reversed: bool = False


BOOKING = {
    "account": pl.String,
    "cust_id": pl.String,
    "day": pl.Date,
    "amount": pl.Int64,
    "kind": pl.String,
    "credit": pl.Boolean,
    "via": pl.String,
    "minute": pl.Int64,
    "party": pl.String,
    "bank": pl.String,
    "reversed": pl.Boolean,
}


@dataclass(frozen=True)
class People:
    """Customers with what they hold and owe, and their bookings as a frame with the columns of `BOOKING`."""

    customers: tuple[Customer, ...]
    accounts: tuple[Account, ...]
    loans: tuple[Loan, ...]
    bookings: pl.DataFrame


def booking_frame(bookings: Iterable[Booking]) -> pl.DataFrame:
    """Bookings as a frame with the columns of `BOOKING`."""
    return pl.DataFrame([asdict(booking) for booking in bookings], schema=BOOKING)


def months_between(start: dt.date, end: dt.date) -> Iterator[dt.date]:
    """The first days of the months from the one of `start` to the one of `end`."""
    month = start.replace(day=1)
    while month <= end:
        yield month
        month = (month + dt.timedelta(days=32)).replace(day=1)


def day_of(month: dt.date, day: int) -> dt.date:
    """The day of a month, or the last one where the month is shorter."""
    return month.replace(day=min(day, calendar.monthrange(month.year, month.month)[1]))


def due_date(loan: Loan, number: int) -> dt.date:
    """The day on which the n-th monthly part of a loan is due."""
    months = loan.paid_out.year * 12 + loan.paid_out.month - 1 + number
    return day_of(dt.date(months // 12, months % 12 + 1, 1), loan.paid_out.day)
