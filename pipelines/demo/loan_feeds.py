"""The feeds of the loan system as lines: contracts, receipts, schedules, repayments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo import arrears, schedule
from pipelines.demo.bookings import Bookings, Kind, Rule, bookings
from pipelines.demo.days import NEVER, Span, add_months, column
from pipelines.demo.loans import LoanBook
from pipelines.demo.people import Flags
from pipelines.demo.texts import day, fields, flag, money, rate

CONTRACT_LINE = fields(
    *(pl.col("number"), pl.col("cust_no"), pl.col("product"), money("amount"), pl.lit("CNY"), day("signed_on")),
    *(day("ends_on"), pl.col("guarantee"), pl.col("purpose"), pl.col("industry"), rate("rate")),
    *(pl.col("mode").cast(pl.String), flag("revolving"), flag("entrusted"), flag("online")),
    *(pl.col("status").cast(pl.String), pl.col("outlet"), pl.col("manager")),
)
DUE_LINE = fields(
    *(pl.col("number"), pl.col("contract_number"), pl.col("cust_no"), pl.col("product"), day("disbursed_on")),
    *(day("matures"), money("amount"), rate("rate"), money("principal"), money("overdue_principal")),
    *(money("overdue_interest"), pl.col("days_past_due").cast(pl.String), pl.col("five_class").cast(pl.String)),
    *(flag("extended"), day("extended_on"), flag("is_restructured"), day("restructured_on")),
    *(pl.col("renewal").cast(pl.String), flag("written_off"), day("settled_on")),
    *(pl.col("account"), pl.col("account"), pl.col("outlet")),
)
SCHED_LINE = fields(
    *(pl.col("number"), pl.col("period").cast(pl.String), day("due_on"), money("principal"), money("interest")),
    *(money("principal_paid"), money("interest_paid"), day("paid_on")),
)
REPAY_LINE = fields(
    *(pl.col("repay_id"), pl.col("number"), day("day"), money("principal"), money("interest"), money("penalty")),
    *(pl.col("type").cast(pl.String), pl.col("payer_account")),
)


@dataclass(frozen=True)
class LoanFeeds:
    """Dated states of contracts, receipts and schedule rows, and the repayments: each with `day` and its texts."""

    contracts: pl.DataFrame
    receipts: pl.DataFrame
    schedules: pl.DataFrame
    repayments: pl.DataFrame
    plan: schedule.Schedule

    def states(self) -> dict[str, States]:
        """The three feeds of dated states: rows, line, and the column that the control file sums."""
        return {
            "ln_contract": States(self.contracts, ("number",), CONTRACT_LINE, "amount"),
            "ln_due": States(self.receipts, ("number",), DUE_LINE, "principal"),
            "ln_sched": States(self.schedules, ("number", "period"), SCHED_LINE, "principal"),
        }

    def dated(self, feed: str, start: int, end: int) -> pl.DataFrame:
        """A history: every key's state on the first day, and its changes after that."""
        states = self.states()[feed]
        known = _newest(states, start).with_columns(pl.lit(start, dtype=pl.Int32).alias("day"))
        later = states.rows.filter(pl.col("day").is_between(start + 1, end))
        return pl.concat([known.select(later.columns), later]).sort("day", *states.keys)

    def on(self, feed: str, night: int) -> pl.DataFrame:
        """A night's file: the state of every key, or of a delta what changed."""
        states = self.states()[feed]
        if feed == "ln_sched":
            return states.rows.filter(pl.col("day") == night).sort(states.keys)
        return _newest(states, night)


@dataclass(frozen=True)
class States:
    """A feed of dated states."""

    rows: pl.DataFrame
    keys: tuple[str, ...]
    line: tuple[pl.Expr, ...]
    summed: str


def _newest(states: States, on: int) -> pl.DataFrame:
    known = states.rows.filter(pl.col("day") <= on).sort("day", maintain_order=True)
    return known.unique(states.keys, keep="last", maintain_order=True).sort(states.keys)


def of(book: LoanBook, span: Span, *, customers: pl.Series, accounts: pl.Series, outlets: pl.Series) -> LoanFeeds:
    """All that the loan system delivers of a loan book, up to the last night."""
    plan = schedule.of(book.receipts, book.late, book.paid_by)
    states = arrears.schedule_states(plan)
    late = arrears.overdue(states, span.horizon)
    receipts = arrears.receipt_states(book.receipts, plan, late, last=span.horizon)
    contracts = arrears.contract_states(book.contracts, receipts, book.receipts)
    holder = pl.DataFrame({"cust_no": customers, "outlet": outlets}).with_row_index("customer")
    holder = holder.cast({"customer": pl.Int32})
    paper = _numbered(book.contracts, "HT", "contract", "signed_on").join(holder, on="customer", maintain_order="left")
    paper = paper.with_columns(
        pl.concat_str(pl.lit("E"), (pl.col("contract") % 40 + 100).cast(pl.String).str.zfill(5)).alias("manager")
    )
    own = pl.DataFrame({"account": accounts[: len(customers)]}).with_row_index("customer").cast({"customer": pl.Int32})
    of_contract = paper.select("contract", pl.col("number").alias("contract_number"), "product", "cust_no", "outlet")
    bill = _numbered(book.receipts, "JJ", "receipt", "disbursed_on")
    bill = bill.join(of_contract, on="contract").join(own, on="customer").drop("mode", "months", "contract", "customer")
    bill = bill.with_columns(
        pl.Series("changed_pays_on", add_months(np.minimum(column(bill, "prolonged_on"), NEVER - 400), 1))
    )
    changed = receipts.join(bill, on="receipt", maintain_order="left").with_columns(
        pl.when("extended").then("prolonged_on").alias("extended_on"),
        pl.when("is_restructured").then("changed_pays_on").alias("restructured_on"),
    )
    number = bill.select("receipt", "number")
    repaid = plan.payments.filter(pl.col("day") <= span.horizon).join(number, on="receipt", maintain_order="left")
    payers = pl.DataFrame({"payer_account": accounts}).with_row_index("payer").cast({"payer": pl.Int32})
    repaid = repaid.join(payers, on="payer", how="left", maintain_order="left").with_columns(
        pl.col("payer_account").fill_null(""),
        pl.concat_str(
            pl.lit("RP"), day("day"), pl.int_range(1, pl.len() + 1).over("day").cast(pl.String).str.zfill(6)
        ).alias("repay_id"),
    )
    return LoanFeeds(
        contracts=contracts.filter(pl.col("day") <= span.horizon).join(paper, on="contract", maintain_order="left"),
        receipts=changed.sort("day", "number"),
        schedules=states.filter(pl.col("day") <= span.horizon).join(number, on="receipt", maintain_order="left"),
        repayments=repaid,
        plan=plan,
    )


def _numbered(frame: pl.DataFrame, prefix: str, key: str, date: str) -> pl.DataFrame:
    """With the number that stands on the paper: the year, and a serial number."""
    year = day(date).str.slice(0, 4)
    return frame.with_columns(
        pl.concat_str(pl.lit(prefix), year, pl.col(key).cast(pl.String).str.zfill(7)).alias("number")
    )


def money_moves(
    book: LoanBook, plan: schedule.Schedule, span: Span, *, bank: int, supplier: int, keeps: Flags
) -> list[Bookings]:
    """What the loans book on deposit accounts: the money in, most of it spent within days, and every repayment.

    `bank` and `supplier` are counterparties; who `keeps` the money spends it in its own way, and what renews a loan
    repays it.
    """
    paid_out = book.receipts.filter(pl.col("disbursed_on").is_between(span.start, span.horizon))
    who, begun, amount = (column(paid_out, name) for name in ("customer", "disbursed_on", "amount"))
    lent = bookings(account=who, day=begun, second=36_600, amount=amount, kind=Kind.LOAN_OUT, other=bank)
    nth = column(paid_out, "receipt")
    spent = bookings(
        account=who,
        day=begun + nth % 4,
        second=41_000 + nth % 15_000,
        rule=Rule.REFUSED,
        amount=amount * (70 + nth % 31) // 100,
        kind=Kind.TRANSFER_COUNTER,
        other=supplier,
    ).take(~keeps[who] & (column(paid_out, "renewal") == 0))
    due = (
        plan.payments.filter(pl.col("day").is_between(span.start, span.horizon), pl.col("payer") >= 0)
        .group_by("payer", "receipt", "customer", "day")
        .agg(
            (pl.col("principal") + pl.col("interest") + pl.col("penalty")).sum().alias("amount"),
            (pl.col("type") == 1).all().alias("scheduled"),
        )
        .sort("day", "receipt", "payer")
    )
    kind = np.where(column(due, "scheduled") == 1, Kind.LOAN_PAID, Kind.LOAN_PAID_LATE)
    repaid = bookings(
        account=column(due, "payer"),
        day=column(due, "day"),
        second=64_000 + column(due, "receipt") % 600,
        rule=Rule.MUST,
        amount=column(due, "amount"),
        kind=np.where(column(due, "payer") == column(due, "customer"), kind, Kind.LOAN_PAID_FOR),
        other=bank,
    )
    return [lent, spent, repaid]
