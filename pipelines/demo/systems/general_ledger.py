"""The general ledger: every day each branch's deposits, loans and cards by subject, to the fen what the sub-ledgers hold.

It is written from what the accounts show and not from what was meant to be booked. What a branch has over, or lacks, it
lends to head office or borrows from it; head office's own books close with the central bank.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipelines.demo.accounts import PRODUCTS
from pipelines.demo.days import Numbers, column
from pipelines.demo.ledger import Posted
from pipelines.demo.systems.feeds import Events
from pipelines.demo.systems.world import World
from pipelines.demo.words import BANK_CODE, products

HEAD = f"{BANK_CODE}000"
LENT_UP, BORROWED_DOWN = "11010101", "21010101"
"""上存总行款项, 总行下拨资金: between a branch and head office, as the branch sees it."""
TAKEN_IN, GIVEN_OUT = "21020101", "11020101"
AT_CENTRAL_BANK, OF_CENTRAL_BANK, CAPITAL = "10020101", "20020101", "30010101"
PAID_IN = 20_000_000_000
SUBJECT_OF = {code: subject for code, _, _, _, subject in products(further=True) if subject}


@dataclass
class GeneralLedger:
    """What accounts hold at the end of each day, summed as they are posted, and the ledger that follows from it."""

    world: World
    _changes: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        held = self.world.bank.accounts
        self._balance = held.opening.copy()
        outlet = self.world.persons["org_no"][held.customer]
        subject = pl.Series([SUBJECT_OF[code] for code in PRODUCTS])[held.product]
        ccy = pl.Series(np.where(held.is_foreign, "USD", "CNY"))
        self._where = pl.DataFrame({"org_no": outlet, "subject": subject, "ccy": ccy})
        opening = self._where.with_columns(
            pl.Series("amount", held.opening), pl.lit(self.world.span.start).alias("day")
        )
        self._keep(opening)

    def post(self, posted: Posted) -> None:
        """Take in what some days changed: accounts in order, each by day."""
        account = posted.changed
        first = np.r_[True, account[1:] != account[:-1]][: len(account)]
        before = np.where(first, self._balance[account], np.r_[0, posted.balance[:-1]][: len(account)])
        self._balance[account] = posted.balance
        days = pl.DataFrame({"amount": posted.balance - before, "day": posted.changed_on})
        self._keep(pl.concat([self._where[account], days], how="horizontal"))

    def _keep(self, changes: pl.DataFrame) -> None:
        key = ["org_no", "subject", "ccy", "day"]
        self._changes.append(
            changes.group_by(key).agg(pl.col("amount").cast(pl.Int64).sum()).with_columns(pl.col("day").cast(pl.Int64))
        )

    def feed(self, cards: pl.DataFrame, last: int) -> Events:
        """The ledger up to a day, of what was posted until then; `cards` are the states of card accounts."""
        span = self.world.span
        held = pl.concat(self._changes).with_columns((-pl.col("amount")).alias("amount"))
        loans = self.world.lent.receipts.with_columns(
            pl.when("written_off").then(0).otherwise("principal").alias("amount"), pl.lit("CNY").alias("ccy")
        )
        subjects = pl.col("product").replace_strict(SUBJECT_OF, return_dtype=pl.String)
        lent = _steps(loans.select("number", "day", "outlet", subjects.alias("subject"), "ccy", "amount"), span.start)
        card = pl.col("product_code").replace_strict(SUBJECT_OF, return_dtype=pl.String).alias("subject")
        drawn = cards.select(
            pl.col("card_acct").alias("number"), pl.col("state_date").alias("day"), pl.col("org_no").alias("outlet"),
            card, pl.lit("CNY").alias("ccy"), pl.col("balance").alias("amount"),
        )  # fmt: skip
        moved = pl.concat([held.select(_COLUMNS), lent, _steps(drawn, span.start)]).filter(pl.col("day") <= last)
        own = _running(moved, span.start, last)
        return Events(_balanced(own).sort("gl_date", "org_no", "subject", "ccy"), span)


_COLUMNS = ("org_no", "subject", "ccy", "day", "amount")
"""Of a change: `amount` in fen, above zero where the bank's assets grow."""


def _steps(states: pl.DataFrame, start: int) -> pl.DataFrame:
    """By how much each number's amount changes from one of its states to the next."""
    ordered = states.sort("number", "day").with_columns(
        (pl.col("amount") - pl.col("amount").shift(1).over("number").fill_null(0)).alias("amount"),
        pl.max_horizontal(pl.col("day").cast(pl.Int64), pl.lit(start)).alias("day"),
    )
    return ordered.rename({"outlet": "org_no"}).select(*_COLUMNS[:3], "day", pl.col("amount").cast(pl.Int64))


def _running(moved: pl.DataFrame, start: int, last: int) -> pl.DataFrame:
    """The balance of every branch, subject and currency at the end of every day."""
    key = ["org_no", "subject", "ccy"]
    groups = moved.select(key).unique().sort(key).with_row_index("group")
    placed = moved.join(groups, on=key)
    table = np.zeros((last - start + 1, groups.height), dtype=np.int64)
    np.add.at(table, (column(placed, "day") - start, column(placed, "group")), column(placed, "amount"))
    days = np.repeat(np.arange(start, last + 1), groups.height)
    every: Numbers = np.tile(np.arange(groups.height), last - start + 1)
    return groups.drop("group")[every].with_columns(
        pl.Series("gl_date", days), pl.Series("amount", table.cumsum(axis=0).ravel())
    )


def _balanced(own: pl.DataFrame) -> pl.DataFrame:
    """With what lies between branches and head office, so that debits equal credits everywhere."""
    key = ["gl_date", "org_no", "ccy"]
    over = own.group_by(key).agg(-pl.col("amount").sum().alias("over")).sort(key)  # deposits that were not lent
    up, down = pl.col("over").clip(lower_bound=0), (-pl.col("over")).clip(lower_bound=0)
    lent_up = over.select(*key, pl.lit(LENT_UP).alias("subject"), up.alias("amount"))
    borrowed = over.select(*key, pl.lit(BORROWED_DOWN).alias("subject"), (-down).alias("amount"))
    of_head = over.group_by("gl_date", "ccy").agg(up.sum().alias("in"), down.sum().alias("out")).sort("gl_date", "ccy")
    capital = pl.when(pl.col("ccy") == "CNY").then(PAID_IN).otherwise(0)
    left = pl.col("in") + capital - pl.col("out")
    head = [
        (TAKEN_IN, -pl.col("in")),
        (GIVEN_OUT, pl.col("out")),
        (CAPITAL, -capital),
        (AT_CENTRAL_BANK, left.clip(lower_bound=0)),
        (OF_CENTRAL_BANK, -((-left).clip(lower_bound=0))),
    ]
    books = [
        of_head.select(
            "gl_date",
            pl.lit(HEAD).alias("org_no"),
            "ccy",
            pl.lit(subject).alias("subject"),
            value.cast(pl.Int64).alias("amount"),
        )
        for subject, value in head
    ]
    rows = pl.concat([own.select(lent_up.columns), lent_up, borrowed, *books])
    return rows.with_columns(
        pl.col("gl_date").alias("state_date"),
        pl.col("amount").clip(lower_bound=0).alias("dr_bal"),
        (-pl.col("amount")).clip(lower_bound=0).alias("cr_bal"),
    )
