"""Wealth products: orders are the accounts' own bookings, to the fen; lots are what was bought and not paid out yet.

Beside those there are lots from before the history that run beyond it. Nobody buys above the level of the last
assessment. A lot that was paid out stays in the file, with no units.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl

from pipelines.demo.bookings import Kind
from pipelines.demo.days import NEVER, Numbers, date_of, number
from pipelines.demo.ledger import Posted
from pipelines.demo.people import Dip
from pipelines.demo.systems.feeds import Events, States
from pipelines.demo.systems.world import World, numbered, repeated, serial

QUARTERLY, DAILY, YEARLY = "WM010001", "WM020001", "WM030012"
RATES = {QUARTERLY: 26_000, DAILY: 17_000, YEARLY: 34_000}
"""Millionths a year by which a unit's value grows."""
_ISSUED = number(date_of(19_000))
"""2022-01-08, when every unit was worth 1."""
WEEK = 7
_ORDER = pl.Schema({**dict.fromkeys(("customer", "day", "second", "amount"), pl.Int64), "side": pl.String})


@dataclass
class Wealth:
    """The three feeds; orders come to be known as the accounts' bookings are posted."""

    world: World
    _orders: list[pl.DataFrame] = field(default_factory=list)

    def post(self, posted: Posted) -> None:
        """Take in what some days booked."""
        kind = posted.rows.kind
        ours = ((kind == Kind.WEALTH_OUT) | (kind == Kind.WEALTH_BACK)) & (posted.rows.reversed == 0)
        rows = posted.rows.take(ours)
        said = {
            "customer": self.world.bank.accounts.customer[rows.account],
            "day": rows.day,
            "second": rows.second,
            "amount": np.abs(posted.signed[ours]),
            "side": np.where(rows.kind == Kind.WEALTH_OUT, "1", "3"),
        }
        self._orders.append(pl.DataFrame(said).cast(_ORDER))

    def feeds(self) -> dict[str, States | Events]:
        """What is known by now."""
        orders = self._numbered()
        return {
            "wm_hold": States(self._lots(orders), ("cust_no", "product_code", "lot_no"), self.world.span, full=True),
            "wm_order": Events(orders, self.world.span),
            "wm_risk_eval": States(self._assessed(), ("cust_no", "eval_date"), self.world.span, full=True),
        }

    def level(self) -> Numbers:
        """How much risk each customer may take, 1 to 5."""
        people = self.world.people
        return 2 + people.employer // 7 % 4

    def _numbered(self) -> pl.DataFrame:
        orders = pl.concat([pl.DataFrame(schema=_ORDER), *self._orders]).sort("day", "second", "customer", "amount")
        days = orders["day"].to_numpy()
        dated = pl.Series([f"WO{date_of(day):%Y%m%d}" for day in days.tolist()], dtype=pl.String)
        return orders.with_columns(
            (dated + numbered("", serial(days), 6)).alias("order_id"),
            self.world.persons["cust_no"][orders["customer"].to_numpy()],
            pl.lit(QUARTERLY).alias("product_code"),
            pl.col("day").alias("order_date"),
            pl.col("day").alias("state_date"),
            pl.when(pl.col("side") == "1").then(pl.lit("03")).otherwise(pl.lit("09")).alias("channel"),
            pl.lit("1").alias("status"),
        )

    def _lots(self, orders: pl.DataFrame) -> pl.DataFrame:
        """Each lot's row on the day it was bought, on every Monday while it is held, and on the day it was paid out."""
        span, people = self.world.span, self.world.people
        bought = orders.filter(pl.col("side") == "1")
        who = bought["customer"].to_numpy()
        paid = orders.filter(pl.col("side") == "3").group_by("customer").agg(pl.col("day").max().alias("ends"))
        ends = bought.join(paid, on="customer", how="left", maintain_order="left")["ends"].fill_null(NEVER).to_numpy()
        since = bought["day"].to_numpy()
        new = pl.DataFrame(
            {
                "customer": who,
                "product_code": pl.Series([QUARTERLY] * len(who), dtype=pl.String),
                "buy_date": since,
                "cost": bought["amount"],
                "ends": np.where(ends < since, NEVER, ends),
                "mature_date": np.where(people.dip_back_on[who] > since, people.dip_back_on[who], NEVER),
                "lot_no": numbered("L", np.arange(len(who)) + 500_001, 7),
            }
        )
        lots = pl.concat([self._old(), new.select(self._old().columns)])
        until = np.minimum(lots["ends"].to_numpy() - 1, span.horizon)
        monday = lots["buy_date"].to_numpy() + (4 - lots["buy_date"].to_numpy()) % WEEK
        place, on = repeated(np.maximum(monday, span.start - (span.start - 4) % WEEK), until, every=WEEK)
        held = pl.concat(
            [
                lots.with_columns(pl.col("buy_date").alias("state_date")),
                lots[place].with_columns(pl.Series("state_date", on)),
                lots.filter(pl.col("ends") < NEVER).with_columns(pl.col("ends").alias("state_date")),
            ]
        )
        return self._valued(held.unique(["lot_no", "state_date"], maintain_order=True))

    def _old(self) -> pl.DataFrame:
        """Lots of before the history: of some who have more than thirty thousand, and stay."""
        chance, people, span = self.world.chance(20), self.world.people, self.world.span
        able = np.flatnonzero(
            (people.wealth > 3_000_000)
            & self.world.adult
            & (people.gone_on == NEVER)
            & (people.opened < span.start - 400)
        )
        who = self.world.share_of(able, 0.3, chance)
        yearly = (self.level()[who] >= 4) & (chance.random(len(who)) < 0.5)
        return pl.DataFrame(
            {
                "customer": who,
                "product_code": np.where(yearly, YEARLY, DAILY),
                "buy_date": span.start - chance.integers(5, 300, size=len(who)),
                "cost": (people.wealth[who] * chance.uniform(0.2, 1.5, size=len(who))).astype(np.int64)
                // 100_000
                * 100_000
                + 100_000,
                "ends": np.full(len(who), NEVER),
                "mature_date": np.where(yearly, span.horizon + 60, NEVER),
                "lot_no": numbered("L", np.arange(len(who)) + 1, 7),
            }
        )

    def _valued(self, held: pl.DataFrame) -> pl.DataFrame:
        """With units, the value of a unit as it was said on the last Monday, and what that makes."""

        def nav(day: pl.Expr) -> pl.Expr:
            grows = pl.col("product_code").replace_strict(RATES, return_dtype=pl.Int64)
            return 1_000_000 + grows * (day - _ISSUED) // 365

        gone = pl.col("state_date") >= pl.col("ends")
        rows = held.with_columns(
            self.world.persons["cust_no"][held["customer"].to_numpy()],
            nav(pl.col("state_date")).alias("nav"),
            (pl.col("cost") * 100_000_000 // nav(pl.col("buy_date"))).alias("units"),
        )
        rows = rows.with_columns(pl.when(gone).then(0).otherwise("units").alias("units"))
        value = (pl.col("units") * pl.col("nav") + 50_000_000) // 100_000_000
        return rows.with_columns(value.alias("market_value"))

    def _assessed(self) -> pl.DataFrame:
        """Assessments, one a year, of all who have a lot or order, and of some who do not."""
        people, span = self.world.people, self.world.span
        asked = (people.employer % 5 == 0) & self.world.adult
        asked |= people.dip == Dip.WEALTH
        asked[self._old()["customer"].to_numpy()] = True
        who = np.flatnonzero(asked)
        begun = people.opened[who] + 10
        first = np.maximum(begun, begun + (span.start - 370 - begun) // 365 * 365)
        place, on = repeated(first, np.full(len(who), span.horizon), every=365)
        place, on = place[on < people.gone_on[who][place]], on[on < people.gone_on[who][place]]
        return pl.DataFrame({"state_date": on, "eval_date": on, "expiry": on + 365}).with_columns(
            self.world.persons["cust_no"][who[place]],
            ("C" + pl.Series(self.level()[who[place]]).cast(pl.String)).alias("level"),
        )
