"""What the cast owes: one line a loan, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from pipelines.demo import schedule
from pipelines.demo.cast import PLACE
from pipelines.demo.days import NEVER, Numbers, add_months, column, number
from pipelines.demo.loans import CONTRACT, PAID_BY, LoanBook, receipts_frame
from pipelines.demo.trouble import LATE


@dataclass(frozen=True, kw_only=True)
class Loan:
    """A loan of the cast; `yuan` in as many months, 4.35 % a year unless said. `limit` makes it a draw on a limit."""

    who: str
    on: dt.date
    yuan: int
    months: int = 24
    mode: int = schedule.ANNUITY
    purpose: str = "02"
    unpaid_from: dt.date | None = None
    cured_on: dt.date | None = None
    prolonged_on: dt.date | None = None
    prolonged_by: int = 0
    restructured: bool = False
    renewal: int = 0
    written_off_on: dt.date | None = None
    worse_class: int = 0
    limit: int = 0
    late: tuple[tuple[int, int], ...] = ()
    """Periods, and the days by which each is late."""
    paid_by_brother: tuple[tuple[int, int], ...] = ()
    """Periods that the brother pays, and the type of the repayment."""


MONTHLY = schedule.INTEREST_MONTHLY
LOANS = (
    Loan(who="payer", on=date(2026, 3, 3), yuan=60_000, months=36),
    Loan(who="expired", on=date(2026, 4, 8), yuan=30_000),
    Loan(who="days late", on=date(2026, 1, 31), yuan=24_000, unpaid_from=date(2026, 10, 31)),
    Loan(who="weeks late", on=date(2025, 12, 15), yuan=24_000, unpaid_from=date(2026, 10, 15)),
    Loan(who="months late", on=date(2025, 11, 15), yuan=36_000, unpaid_from=date(2026, 9, 15)),
    Loan(who="in default", on=date(2025, 10, 20), yuan=60_000, unpaid_from=date(2026, 6, 20)),
    Loan(
        who="written off",
        on=date(2024, 12, 10),
        yuan=50_000,
        unpaid_from=date(2025, 9, 10),
        written_off_on=date(2026, 10, 5),
    ),
    Loan(who="special mention", on=date(2026, 2, 12), yuan=40_000, months=36, worse_class=2),
    Loan(who="migrated", on=date(2025, 11, 20), yuan=36_000, unpaid_from=date(2026, 7, 20)),
    Loan(who="often late", on=date(2025, 8, 12), yuan=24_000, late=((7, 5), (10, 6), (12, 5))),
    Loan(who="first payment", on=date(2026, 9, 20), yuan=20_000, unpaid_from=date(2026, 10, 20)),
    Loan(
        who="extended",
        on=date(2025, 4, 10),
        yuan=50_000,
        months=12,
        mode=MONTHLY,
        purpose="01",
        prolonged_on=date(2026, 4, 10),
        prolonged_by=12,
    ),
    Loan(
        who="restructured",
        on=date(2025, 6, 5),
        yuan=36_000,
        unpaid_from=date(2026, 3, 5),
        cured_on=date(2026, 4, 20),
        prolonged_on=date(2026, 4, 20),
        prolonged_by=18,
        restructured=True,
    ),
    Loan(who="new for old", on=date(2025, 2, 25), yuan=30_000, months=12, mode=MONTHLY, purpose="01"),
    Loan(
        who="new for old",
        on=date(2026, 2, 25),
        yuan=30_000,
        months=12,
        mode=MONTHLY,
        purpose="01",
        renewal=2,
        worse_class=2,
    ),
    Loan(who="short of money", on=date(2026, 3, 4), yuan=60_000, months=12),
    Loan(who="short of money", on=date(2026, 3, 7), yuan=60_000, months=12),
    Loan(who="paid for", on=date(2025, 9, 8), yuan=24_000, paid_by_brother=((11, 1), (12, 1))),
    Loan(who="vouched for", on=date(2025, 8, 15), yuan=24_000, paid_by_brother=((11, 4),)),
    Loan(who="burdened", on=date(2026, 3, 10), yuan=36_000, months=12),
    Loan(who="overburdened", on=date(2026, 3, 10), yuan=55_000, months=12),
    Loan(who="limit used up", on=date(2026, 6, 1), yuan=100_000, months=12, mode=MONTHLY, purpose="01", limit=100_000),
    Loan(who="deposits left", on=date(2026, 5, 5), yuan=50_000, months=36),
    Loan(who="back-flow", on=date(2026, 9, 15), yuan=100_000, months=12, mode=MONTHLY, purpose="07"),
    Loan(who="speculator", on=date(2026, 9, 10), yuan=80_000, months=36),
    Loan(who="buyer", on=date(2026, 9, 12), yuan=150_000, months=12, mode=MONTHLY, purpose="07"),
    Loan(who="splitter", on=date(2026, 9, 22), yuan=160_000, months=12, mode=MONTHLY, purpose="06", limit=320_000),
    Loan(who="splitter", on=date(2026, 9, 25), yuan=160_000, months=12, mode=MONTHLY, purpose="06", limit=320_000),
)
SPENT_BY_HAND = ("back-flow", "speculator", "buyer", "splitter")
"""Those whose use of the money is the point; the others spend it at once."""
PRODUCT_OF = {"01": "LN010001", "07": "LN010002", "02": "LN020001", "06": "LN020002"}
INDUSTRY_OF = {"01": "A0111", "07": "F5212", "02": "F5299", "06": "E5011"}


def joined_to(book: LoanBook) -> LoanBook:
    """A loan book with the cast's loans behind those of the crowd."""
    contract = book.contracts.height
    receipt = int(column(book.receipts, "receipt").max(initial=-1)) + 1
    contracts, receipts, late, paid_by = [], [], [], []
    limits: dict[str, int] = {}
    for nth, loan in enumerate(LOANS):
        of_limit = limits.get(loan.who)
        if of_limit is None:
            contracts.append(_contract(loan, contract))
            contract += 1
        own = contract - 1 if of_limit is None else of_limit
        if loan.limit:
            limits[loan.who] = own
        receipts.append(_receipt(loan, receipt + nth, own))
        late += [(receipt + nth, period, days) for period, days in loan.late]
        paid_by += [(receipt + nth, period, PLACE["brother"], kind) for period, kind in loan.paid_by_brother]
    return LoanBook(
        contracts=pl.concat([book.contracts, *contracts]),
        receipts=pl.concat([book.receipts, *receipts]),
        late=pl.concat([book.late, pl.DataFrame(late, schema=LATE, orient="row")]),
        paid_by=pl.concat([book.paid_by, pl.DataFrame(paid_by, schema=PAID_BY, orient="row")]),
        trouble=book.trouble,
    )


def _contract(loan: Loan, id: int) -> pl.DataFrame:
    signed = np.array([number(loan.on) - 5])
    ends = add_months(signed, 36 if loan.limit else loan.months + 1)
    return pl.DataFrame(
        {
            "contract": [id],
            "customer": [PLACE[loan.who]],
            "product": [PRODUCT_OF[loan.purpose]],
            "amount": [(loan.limit or loan.yuan) * 100],
            "signed_on": signed,
            "ends_on": ends,
            "guarantee": ["2" if loan.who == "vouched for" else "1"],
            "purpose": [loan.purpose],
            "industry": [INDUSTRY_OF[loan.purpose]],
            "rate": [4_350_000],
            "mode": [loan.mode],
            "revolving": [bool(loan.limit)],
            "entrusted": [False],
            "online": [loan.purpose == "06"],
        },
        schema=CONTRACT,
    )


def _receipt(loan: Loan, id: int, contract: int) -> pl.DataFrame:
    def on(day: dt.date | None) -> Numbers:
        return np.array([NEVER if day is None else number(day)])

    said = {
        "unpaid_from": on(loan.unpaid_from),
        "cured_on": on(loan.cured_on),
        "prolonged_on": on(loan.prolonged_on),
        "written_off_on": on(loan.written_off_on),
        "prolonged_by": np.array([loan.prolonged_by]),
        "restructured": np.array([loan.restructured]),
        "renewal": np.array([loan.renewal]),
        "worse_class": np.array([loan.worse_class]),
    }
    return receipts_frame(
        receipt=np.array([id]),
        contract=np.array([contract]),
        customer=np.array([PLACE[loan.who]]),
        disbursed_on=np.array([number(loan.on)]),
        months=np.array([loan.months]),
        amount=np.array([loan.yuan * 100]),
        rate=np.array([4_350_000]),
        mode=np.array([loan.mode]),
        **said,
    )
