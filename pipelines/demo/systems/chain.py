"""Supply chains: orders between firms of the county, their invoices and their transport, some of them financed by us.

There is no history of it: the first night has the orders of the last months as they stand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.days import column
from pipelines.demo.systems.credit import Credit
from pipelines.demo.systems.feeds import States
from pipelines.demo.systems.firms import Firms
from pipelines.demo.systems.world import numbered

DAYS_BACK = 100
ORDERS = 0.02
"""A firm and day."""
STEPS = {"1": 0, "2": 2, "3": 5, "4": 60}
"""Days after the order on which it was placed, shipped, received and paid."""
WORKING_CAPITAL = "LN010002"


@dataclass(frozen=True)
class Chain:
    """The three feeds of one list of orders."""

    firms: Firms
    credit: Credit

    @cached_property
    def orders(self) -> pl.DataFrame:
        """A row an order: who, when, how much, and the receipt that finances it."""
        world, firms, chance = self.firms.world, self.firms, self.firms.world.chance(130)
        span = world.span
        able = np.flatnonzero((firms.size != "6") & (firms.left > span.horizon) & (firms.opened < span.start))
        days = span.horizon - span.end + DAYS_BACK
        count = max(int(len(able) * ORDERS * days), 20)
        day = np.sort(chance.integers(span.end - DAYS_BACK, span.horizon + 1, size=count))
        seller = chance.integers(len(able), size=count)
        buyer = (seller + 1 + chance.integers(max(len(able) - 1, 1), size=count)) % len(able)
        rows = pl.DataFrame(
            {
                "order_no": numbered("PO", np.arange(count) + 1, 7),
                "seller_firm": able[seller],
                "buyer": firms.papers["uscc"][able[buyer]],
                "seller": firms.papers["uscc"][able[seller]],
                "order_date": day,
                "amount": chance.integers(10, 500, size=count) * 100_000,
                "cancelled": chance.random(count) < 0.04,
            }
        )
        return rows.join(self._financed(rows), on="order_no", how="left", maintain_order="left")

    def _financed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Of a seller whose owner borrows for working capital, the last order before each receipt."""
        owner = self.firms.owner[column(rows, "seller_firm")]
        sold = rows.with_columns(pl.Series("customer", owner)).filter(pl.col("customer") >= 0).sort("order_date")
        number = self.credit.world.persons.select("cust_no").with_row_index("customer").cast({"customer": pl.Int64})
        lent = self.credit.world.lent.receipts.filter(pl.col("product") == WORKING_CAPITAL).unique(
            "number", keep="first", maintain_order=True
        )
        lent = lent.join(number, on="cust_no").select(
            "customer", pl.col("number").alias("due_no"), pl.col("disbursed_on").cast(pl.Int64)
        )
        placed = lent.sort("disbursed_on").join_asof(
            sold.select("customer", "order_no", pl.col("order_date").alias("disbursed_on"), "cancelled"),
            on="disbursed_on", by="customer", tolerance=40, check_sortedness=False,
        )  # fmt: skip
        kept = placed.filter(pl.col("order_no").is_not_null(), ~pl.col("cancelled"))
        kept = kept.unique("order_no", keep="first", maintain_order=True)
        return kept.select("order_no", "due_no", pl.col("disbursed_on").alias("financed_on"))

    def feeds(self) -> dict[str, States]:
        return {"sc_order": self._orders(), "sc_invoice": self._invoices(), "sc_logi": self._transports()}

    def _orders(self) -> States:
        """An order's row on the day of each step; financing is a row of its own."""
        rows = self.orders.with_columns((pl.col("order_date") + 90).alias("due_date"))
        none = pl.lit(None, dtype=pl.String).alias("financed_due")
        parts = []
        for status, after in STEPS.items():
            going = rows if status == "1" else rows.filter(~pl.col("cancelled"))
            on = (pl.col("order_date") + after).alias("state_date")
            parts.append(going.with_columns(on, pl.lit(status).alias("status"), pl.lit(0).alias("fin_seq"), none))
        off = rows.filter("cancelled").with_columns(
            (pl.col("order_date") + 3).alias("state_date"),
            pl.lit("5").alias("status"),
            pl.lit(0).alias("fin_seq"),
            none,
        )
        financed = rows.filter(pl.col("due_no").is_not_null()).with_columns(
            pl.col("financed_on").alias("state_date"), pl.lit("2").alias("status"), pl.lit(1).alias("fin_seq"),
            pl.col("due_no").alias("financed_due"),
        )  # fmt: skip
        columns = parts[0].columns
        return self._states(
            pl.concat([part.select(columns) for part in (*parts, off, financed)]), "order_no", "fin_seq"
        )

    def _invoices(self) -> States:
        """An invoice three days after the order, and its pledge with the receipt that finances it."""
        rows = self.orders.filter(~pl.col("cancelled")).with_columns(
            (pl.col("order_date") + 3).alias("inv_date"), pl.lit("1").alias("inv_status"),
            (pl.lit("2433200000000") + pl.col("order_no").str.slice(2)).alias("inv_no"),
        )  # fmt: skip
        plain = rows.with_columns(
            pl.col("inv_date").alias("state_date"),
            pl.lit(0).alias("pledge_seq"),
            pl.lit(None, dtype=pl.String).alias("pledged_due"),
        )
        pledged = rows.filter(pl.col("due_no").is_not_null()).with_columns(
            pl.max_horizontal("financed_on", "inv_date").alias("state_date"),
            pl.lit(1).alias("pledge_seq"),
            pl.col("due_no").alias("pledged_due"),
        )
        return self._states(pl.concat([plain, pledged.select(plain.columns)]), "inv_no", "pledge_seq")

    def _transports(self) -> States:
        """A waybill when the goods leave, and again when they are received."""
        rows = self.orders.filter(~pl.col("cancelled")).with_columns(
            ("WB" + pl.col("order_no").str.slice(2)).alias("waybill"), (pl.col("order_date") + 2).alias("ship_date"),
            pl.col("amount").alias("goods_amt"), pl.lit(words.COUNTY).alias("from_region"), pl.lit("330300").alias("to_region"),
        )  # fmt: skip
        sent = rows.with_columns(
            pl.col("ship_date").alias("state_date"), pl.lit(None, dtype=pl.Int64).alias("sign_date")
        )
        there = rows.with_columns(
            (pl.col("order_date") + 5).alias("state_date"), (pl.col("order_date") + 5).alias("sign_date")
        )
        return self._states(pl.concat([sent, there]), "waybill")

    def _states(self, rows: pl.DataFrame, *key: str) -> States:
        return States(rows, key, self.firms.world.span, first_load=True)
