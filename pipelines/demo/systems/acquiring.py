"""Merchants that take payments through the bank: the shops where customers pay, and what came in there each day.

A shop belongs to a trader of the county. Its day holds what our customers paid there, to the fen, and what others paid;
of the shop of an owner under stress the others stay away.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.bookings import Kind
from pipelines.demo.core_feeds import OTHER_SIDE, split
from pipelines.demo.days import Numbers
from pipelines.demo.ledger import Posted
from pipelines.demo.systems.feeds import Events, States
from pipelines.demo.systems.firms import Firms
from pipelines.demo.systems.world import drawn

_SUMS = ("cnt", "amt", "refund_cnt", "refund_amt", "night_amt", "payer_cnt", "max_amt", "round_cnt")


@dataclass
class Merchants:
    """The shops with an account of ours, as places in the list of other sides, and the owners' firms."""

    firms: Firms
    _days: list[pl.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        texts = self.firms.world.others.texts
        known = split(texts, *OTHER_SIDE).with_row_index("place")
        mine = (pl.col("cp_bank") == words.OWN_BANK) & pl.col("merchant_id").is_not_null()
        self.shops = known.filter(mine)
        owned = self.firms.owned
        span = self.firms.world.span
        lasting = owned[(self.firms.left[owned] > span.horizon) & (self.firms.opened[owned] < span.start)]
        self.firm = lasting[np.arange(self.shops.height) * 5 % len(lasting)]
        self._shop = np.full(len(texts), -1)
        self._shop[self.shops["place"].to_numpy()] = np.arange(self.shops.height)

    def mc_merchant(self) -> States:
        """The shops; one in thirty is suspended at some time."""
        world, count = self.firms.world, self.shops.height
        chance = world.chance(70)
        firm = self.firms.papers[self.firm]
        owner = world.persons["cust_no"][np.maximum(self.firms.owner[self.firm], 0)]
        opened = np.minimum(self.firms.opened[self.firm] + 60, world.span.start - 10)
        base = self.shops.select("merchant_id", "mcc").with_columns(
            owner.alias("cust_no"), pl.when(pl.Series(self.firms.size[self.firm] != "5")).then(firm["uscc"]).alias("uscc"),
            pl.Series("open_date", np.maximum(opened, self.firms.opened[self.firm])), pl.lit(words.COUNTY).alias("region_code"),
            pl.Series("grade", drawn("ABCDE", count, chance, (0.2, 0.45, 0.25, 0.08, 0.02))),
        )  # fmt: skip
        begun = base.with_columns(
            pl.lit("1").alias("status"), pl.lit(world.span.start).cast(pl.Int64).alias("state_date")
        )
        stopped = base.filter(pl.Series(chance.random(count) < 0.03))
        on = chance.integers(world.span.start + 5, world.span.horizon, size=stopped.height)
        stopped = stopped.with_columns(pl.lit("2").alias("status"), pl.Series("state_date", on, dtype=pl.Int64))
        return States(pl.concat([begun, stopped]), ("merchant_id",), world.span, full=True)

    def post(self, posted: Posted) -> None:
        """Take in what some days booked at the shops."""
        kind, rows = posted.rows.kind, posted.rows
        pays = np.isin(kind, (Kind.FAST_PAY, Kind.POS, Kind.REFUND)) & (rows.other > 1)
        rows, signed = rows.take(pays), posted.signed[pays]
        shop = self._shop[rows.other]
        paid = pl.DataFrame(
            {
                "shop": shop,
                "day": rows.day.astype(np.int64),
                "amount": np.abs(signed),
                "back": signed > 0,
                "night": rows.second < 6 * 3_600,
                "payer": self.firms.world.bank.accounts.customer[rows.account],
            }
        ).filter(pl.col("shop") >= 0)
        taken, amount = ~pl.col("back"), pl.col("amount")
        self._days.append(
            paid.group_by("shop", "day").agg(
                taken.sum().cast(pl.Int64).alias("cnt"),
                amount.filter(taken).sum().alias("amt"),
                (~taken).sum().cast(pl.Int64).alias("refund_cnt"),
                amount.filter(~taken).sum().alias("refund_amt"),
                amount.filter(taken & pl.col("night")).sum().alias("night_amt"),
                pl.col("payer").filter(taken).n_unique().cast(pl.Int64).alias("payer_cnt"),
                amount.filter(taken).max().fill_null(0).alias("max_amt"),
                (taken & (amount % 100_000 == 0)).sum().cast(pl.Int64).alias("round_cnt"),
            )
        )

    def mc_day(self, last: int) -> Events:
        """The shops' days up to one, of what was posted until then."""
        span = self.firms.world.span
        every = [self._of_others(first, min(end, last)) for first, end in span.months() if first <= last]
        known = pl.concat(self._days).filter(pl.col("day") <= last).select("shop", "day", *_SUMS)
        rows = (
            pl.concat([known, *every])
            .group_by("shop", "day")
            .agg(pl.col([name for name in _SUMS if name != "max_amt"]).sum(), pl.col("max_amt").max())
        )
        rows = rows.sort("day", "shop").with_columns(
            pl.col("day").alias("state_date"), pl.min_horizontal("night_amt", "amt").alias("night_amt"),
            (pl.col("amt") * (pl.col("shop") % 4) // 20).alias("credit_amt"),
        )  # fmt: skip
        return Events(rows.with_columns(self.shops["merchant_id"][rows["shop"].to_numpy()]), span)

    def _of_others(self, first: int, last: int) -> pl.DataFrame:
        """What others than our customers paid: drawn for whole months, so that a night is the same however many there are."""
        world, count = self.firms.world, self.shops.height
        chance = world.chance(71, first)
        days: Numbers = np.repeat(np.arange(first, first + 31), count)
        shop = np.tile(np.arange(count), 31)
        usual = 2.0 + 14.0 * ((shop * 2_654_435_761) % 97) / 97
        cnt = chance.poisson(usual * (1 - 0.7 * self.firms.strain(days, self.firm[shop])))
        each = np.exp(chance.normal(8.2, 0.5, size=len(shop))).astype(np.int64) + 1
        rows = pl.DataFrame(
            {
                "shop": shop,
                "day": days,
                "cnt": cnt,
                "amt": cnt * each,
                "payer_cnt": cnt,
                "max_amt": np.where(cnt > 0, each, 0),
            }
        )
        zero = (
            pl.lit(0, dtype=pl.Int64).alias(name) for name in ("refund_cnt", "refund_amt", "night_amt", "round_cnt")
        )
        return (
            rows.filter((pl.col("cnt") > 0) & (pl.col("day") <= last)).with_columns(zero).select("shop", "day", *_SUMS)
        )
