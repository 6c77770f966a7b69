"""The loan book: who signs what, and what is drawn under it; `trouble` says who cannot pay it back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import schedule
from pipelines.demo.days import NEVER, Numbers, Span, add_months, column
from pipelines.demo.people import Cause, Flags, People, Way
from pipelines.demo.trouble import Trouble, settled_early, strike

FARM, BUSINESS, CONSUMER, ONLINE, HOUSING = range(5)
PRODUCTS = ("LN010001", "LN010002", "LN020001", "LN020002", "LN030001")
BORROW = (0.26, 0.31, 0.0, 0.29, 0.54, 0.09, 0.0, 0.0)
"""Share of each way of life that borrows at some time in a thousand days."""
LIMIT_ONLY = (0.20, 0.22, 0.03, 0.48, 0.20, 0.10, 0.0, 0.0)
"""Those who signed a limit and never drew on it."""
KINDS_OF_LOAN = {
    Way.PAYROLL: (0.0, 0.0, 0.35, 0.35, 0.30),
    Way.CIVIL: (0.0, 0.0, 0.30, 0.25, 0.45),
    Way.FARMER: (0.75, 0.0, 0.10, 0.10, 0.05),
    Way.TRADER: (0.0, 0.75, 0.0, 0.15, 0.10),
    Way.MIGRANT: (0.0, 0.0, 0.30, 0.50, 0.20),
}
MEDIAN = (6_000_000, 25_000_000, 6_000_000, 3_000_000, 45_000_000)
SPREAD = (0.4, 0.6, 0.6, 0.5, 0.4)
RATES = (4_350_000, 5_200_000, 5_800_000, 6_600_000, 3_600_000)
INDUSTRIES = ("A0111", "F5212", "F5299", "F5299", "K7010")
PURPOSES = (("01",), ("07", "07", "08"), ("02", "06", "04", "05", "09"), ("02",), ("03",))
GUARANTEES = (("1", "1", "5"), ("2", "3", "6"), ("1", "2"), ("1",), ("3",))
MODES = ((3, 4), (3, 2), (1, 1), (1, 1), (1, 2))
"""How each kind is paid back mostly, and otherwise."""
LOOKS_BACK = 900
"""Days before the history in which loans of then begin."""

CONTRACT = pl.Schema(
    {
        "contract": pl.Int32,
        "customer": pl.Int32,
        "product": pl.String,
        "amount": pl.Int64,
        "signed_on": pl.Int32,
        "ends_on": pl.Int32,
        "guarantee": pl.String,
        "purpose": pl.String,
        "industry": pl.String,
        "rate": pl.Int64,
        "mode": pl.Int32,
        "revolving": pl.Boolean,
        "entrusted": pl.Boolean,
        "online": pl.Boolean,
    }
)
PAID_BY = dict.fromkeys(("receipt", "period", "payer", "type"), pl.Int32)


@dataclass(frozen=True)
class LoanBook:
    """Contracts, receipts with what becomes of them, the periods that are late, those that somebody else pays."""

    contracts: pl.DataFrame
    receipts: pl.DataFrame
    late: pl.DataFrame
    paid_by: pl.DataFrame
    trouble: Trouble


def draw(people: People, span: Span, chance: np.random.Generator) -> LoanBook:
    """The loans of the crowd. Sets the hard times of borrowers in `people`; who owes closes no account."""
    contracts, receipts = _signed(people, span, chance)
    receipts = receipts.with_row_index("receipt").select(*schedule.RECEIPT).cast(schedule.RECEIPT)
    rows = schedule.rows(receipts)
    receipts, late, trouble = strike(people, receipts, rows, span, chance)
    receipts = settled_early(receipts, trouble, span, chance)
    forgot = rows.filter(pl.Series(chance.random(rows.height) < 0.025))
    days = chance.geometric(0.45, size=forgot.height).clip(1, 6)
    forgotten = forgot.select("receipt", "period").with_columns(pl.Series("days", days, dtype=pl.Int32))
    late = pl.concat([late, forgotten]).unique(["receipt", "period"], keep="first", maintain_order=True)
    owing = np.zeros(people.count, dtype=bool)
    owing[column(contracts, "customer")] = True
    people.closed_on[owing & (people.cause != Cause.DIED)] = NEVER
    return LoanBook(
        contracts=contracts,
        receipts=receipts,
        late=late.join(receipts.select("receipt"), on="receipt", how="semi"),
        paid_by=pl.DataFrame(schema=PAID_BY),
        trouble=trouble,
    )


def _signed(people: People, span: Span, chance: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Contracts, and the receipts drawn under them if all goes well."""
    window = span.horizon - span.start + LOOKS_BACK
    age = (span.end - people.born) / 365.25
    able = (age > 20) & (age < 66) & ~people.quiet & ~people.sleeps & (people.frozen_on == NEVER)
    borrows = able & (chance.random(people.count) < np.array(BORROW)[people.way] * window / 1_000)
    limits = able & ~borrows & (chance.random(people.count) < np.array(LIMIT_ONLY)[people.way])
    who = np.flatnonzero(borrows | limits)
    kind = np.where(limits[who], np.where(people.way[who] == Way.FARMER, FARM, ONLINE), _kinds(people.way[who], chance))
    begins = span.start - LOOKS_BACK + (chance.random(len(who)) * window).astype(np.int64)
    here = (begins > people.opened[who] + 60) & (begins < np.minimum(people.leaves_from, people.died_on)[who])
    who, kind, begins = who[here], kind[here], begins[here]
    months, contracts = _terms(who, kind, begins, people.income[who], chance)
    receipts = _drawn(contracts, span, chance, begins=begins, months=months, drawing=~limits[who])
    leaves = np.minimum(people.leaves_from, people.died_on)[column(receipts, "customer")]
    return contracts, receipts.filter(pl.col("disbursed_on") < pl.Series(leaves, dtype=pl.Int32))


def _terms(
    who: Numbers, kind: Numbers, begins: Numbers, income: Numbers, chance: np.random.Generator
) -> tuple[Numbers, pl.DataFrame]:
    """What each contract says, and the months of a draw under it."""
    count = len(who)
    revolving = np.isin(kind, (FARM, ONLINE)) | ((kind == BUSINESS) & (chance.random(count) < 0.5))
    months = np.where(kind == CONSUMER, chance.choice((12, 24, 36), size=count), 12)
    months = np.where(kind == HOUSING, chance.choice((120, 180, 240), size=count), months)
    rate = np.array(RATES)[kind] + chance.integers(-4, 9, size=count) * 50_000
    size = np.array(MEDIAN)[kind] * np.exp(np.array(SPREAD)[kind] * chance.normal(size=count))
    # Loans that are paid back out of wages: instalments of a fifth to half of the income, and no more.
    monthly = rate / schedule.MONTHLY
    bearable = income * chance.uniform(0.2, 0.5, size=count) * (1 - (1 + monthly) ** -months) / monthly
    size = np.where(np.isin(kind, (CONSUMER, ONLINE, HOUSING)), np.minimum(size, bearable), size)
    amount = np.maximum(size // 500_000, 1).astype(np.int64) * 500_000
    first, second = np.array(MODES).T
    mode = np.where(chance.random(count) < 0.8, first[kind], second[kind])
    guarantee, purpose = (_one_of(table, kind, chance) for table in (GUARANTEES, PURPOSES))
    signed = begins - chance.integers(1, 15, size=count)
    return months, pl.DataFrame(
        {
            "contract": np.arange(count),
            "customer": who,
            "product": np.array(PRODUCTS)[kind],
            "amount": amount,
            "signed_on": signed,
            "ends_on": np.where(revolving, add_months(signed, 36), add_months(signed, months) + 20),
            "guarantee": guarantee,
            "purpose": purpose,
            "industry": np.array(INDUSTRIES)[kind],
            "rate": rate,
            "mode": mode,
            "revolving": revolving,
            "entrusted": (kind == HOUSING) | ((kind == BUSINESS) & (amount > 50_000_000)),
            "online": kind == ONLINE,
        },
        schema=CONTRACT,
    )


def _drawn(
    contracts: pl.DataFrame,
    span: Span,
    chance: np.random.Generator,
    *,
    begins: Numbers,
    months: Numbers,
    drawing: Flags,
) -> pl.DataFrame:
    """The receipts under each contract: one, or one after another while the limit lasts; some are renewed at once."""
    who, amount, rate, mode, ends = (
        column(contracts, name) for name in ("customer", "amount", "rate", "mode", "ends_on")
    )
    revolving = column(contracts, "revolving") == 1
    disbursed, renewal = begins, np.zeros(len(who), dtype=np.int64)
    used = np.where(revolving, chance.uniform(0.35, 1.0, size=len(who)), 1.0)
    parts = []
    for nth in range(4):
        begun = drawing & (disbursed <= np.where(revolving, np.minimum(ends - 200, span.horizon), span.horizon))
        drawing = begun if nth == 0 else begun & revolving
        at = np.flatnonzero(drawing)
        parts.append(
            receipts_frame(
                contract=at,
                customer=who[at],
                disbursed_on=disbursed[at],
                months=months[at],
                amount=np.maximum(amount * used // 100_000, 1).astype(np.int64)[at] * 100_000,
                rate=rate[at],
                mode=mode[at],
                renewal=renewal[at],
            )
        )
        at_once = chance.random(len(who)) < np.where(mode == schedule.INTEREST_MONTHLY, 0.6, 0.25)
        disbursed = add_months(disbursed, months) + np.where(at_once, 0, chance.integers(2, 120, size=len(who)))
        renewal = (at_once & (mode == schedule.INTEREST_MONTHLY)).astype(np.int64)
        anew = np.where(revolving, chance.uniform(0.35, 1.0, size=len(who)), 1.0)
        used = np.where(renewal == 1, used, anew)
    return pl.concat(parts).drop("receipt").sort("contract", "disbursed_on")


def _kinds(way: Numbers, chance: np.random.Generator) -> Numbers:
    kind, u = np.zeros(len(way), dtype=np.int64), chance.random(len(way))
    for each, shares in KINDS_OF_LOAN.items():
        at = way == each
        kind[at] = np.searchsorted(np.cumsum(shares)[:-1], u[at], side="right")
    return kind


def _one_of(table: tuple[tuple[str, ...], ...], kind: Numbers, chance: np.random.Generator) -> NDArray[np.str_]:
    picks = chance.integers(1 << 20, size=len(kind))
    return np.array([table[k][n % len(table[k])] for k, n in zip(kind, picks, strict=True)], dtype=str)


def receipts_frame(**columns: Numbers) -> pl.DataFrame:
    """Receipts of which nothing more is said than these columns: all goes well."""
    count = len(next(iter(columns.values())))
    never = ("unpaid_from", "cured_on", "settles_on", "prolonged_on", "written_off_on", "worse_until")
    usual = {name: np.full(count, NEVER if name in never else 0) for name in schedule.RECEIPT}
    return pl.DataFrame(usual | columns).select(*schedule.RECEIPT).cast(schedule.RECEIPT)
