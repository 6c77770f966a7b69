"""The credit platform: applications, what secures loans, who belongs together, lists, collection, statements of firms.

All of it follows from the loan book: a contract was applied for before it was signed, a mortgage has its collateral, a
guaranteed loan its guarantors, and collection calls when a receipt is past due.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.cast import PLACE
from pipelines.demo.customers import LOCAL, resident_id
from pipelines.demo.days import NEVER, Numbers, column
from pipelines.demo.systems.feeds import Events, States
from pipelines.demo.systems.firms import Firms
from pipelines.demo.systems.world import World, drawn, masked, numbered, serial
from pipelines.demo.texts import DAY, dates

REJECTED = 0.5
"""Applications that came to nothing, for each that became a contract."""
STRANGERS = 0.3
"""Share of them by people who are not our customers."""
DUNNED = {1: "1", 3: "2", 7: "2", 15: "2", 30: "3", 45: "3", 60: "4", 90: "5", 120: "7", 180: "6", 270: "7", 360: "7"}
"""Days past due on which something is done, and what: 1 SMS, 2 call, 3 visit, 4 letter, 5 lawyer, 6 lawsuit, 7 outsourced."""
HOUSING = "LN030001"


@dataclass(frozen=True)
class Credit:
    """The platform's view of the loan book."""

    world: World

    @cached_property
    def contracts(self) -> pl.DataFrame:
        """A row a contract that still ran when the history began, with the customer and the day of its end."""
        states = self.world.lent.contracts
        ended = states.filter(pl.col("status") == 2).group_by("number").agg(pl.col("day").min().alias("ended"))
        owner = self.world.persons.select("cust_no").with_row_index("customer_no")
        rows = states.unique("number", keep="first", maintain_order=True).join(
            ended, on="number", how="left", maintain_order="left"
        )
        rows = rows.with_columns(pl.col("ended", "signed_on", "ends_on").cast(pl.Int64).fill_null(NEVER))
        rows = rows.filter(pl.col("ended") > self.world.span.start).join(owner, on="cust_no", maintain_order="left")
        return rows.with_columns(pl.col("customer_no").cast(pl.Int64)).sort("number")

    @cached_property
    def applications(self) -> pl.DataFrame:
        """A row an application and day: pending, and decided on the day after."""
        world, span = self.world, self.world.span
        chance = world.chance(90)
        sound = world.sound[column(self.contracts, "customer_no")]
        signed = self.contracts.filter(pl.Series(sound), pl.col("signed_on").is_between(span.start + 6, span.horizon))
        who, on = column(signed, "customer_no"), column(signed, "signed_on") - 2 - np.arange(signed.height) % 4
        asked = column(signed, "amount") * chance.integers(100, 131, size=signed.height) // 100
        good = self._applied(
            who,
            on,
            amount=asked,
            product=signed["product"],
            number=numbered("SQ", np.arange(len(who)) + 1, 10),
            chance=chance,
        )
        good = good.with_columns(signed["amount"].cast(pl.Int64).alias("approve_amt"), pl.lit("1").alias("decided"))
        many = max(int(signed.height * REJECTED), 3)
        hard = np.flatnonzero(world.adult & world.sound)
        pulls = 0.1 + world.strain(span.end, hard) + 0.5 * (world.people.stress_from[hard] < NEVER)
        who = chance.choice(hard, size=many, p=pulls / pulls.sum())
        on = np.maximum(chance.integers(span.start, span.horizon, size=many), world.people.opened[who] + 1)
        amount = chance.integers(2, 40, size=many) * 500_000
        product = pl.Series(drawn(("LN020002", "LN020001", "LN010001"), many, chance))
        bad = self._applied(
            who, on, amount=amount, product=product, number=numbered("SQ9", np.arange(many) + 1, 9), chance=chance
        )
        bad = self._some_strangers(bad, chance).with_columns(
            pl.lit(None, dtype=pl.Int64).alias("approve_amt"), pl.lit("2").alias("decided")
        )
        rows = pl.concat([good, bad.select(good.columns)]).filter(pl.col("state_date") >= span.start)
        none = pl.lit(None, dtype=pl.Int64)
        code = pl.lit(None, dtype=pl.String)
        pending = rows.with_columns(pl.lit("0").alias("result"), none.alias("approve_amt"), code.alias("reject_code"))
        decided = rows.with_columns(
            (pl.col("state_date") + 1).alias("state_date"), pl.col("decided").alias("result"),
            pl.when(pl.col("decided") == "2").then(pl.lit("R001")).alias("reject_code"),
        )  # fmt: skip
        return pl.concat([pending, decided.select(pending.columns)])

    def _applied(
        self,
        who: Numbers,
        on: Numbers,
        *,
        amount: Numbers,
        product: pl.Series,
        number: pl.Series,
        chance: np.random.Generator,
    ) -> pl.DataFrame:
        person, people = self.world.persons[who], self.world.people
        count = len(who)
        near = 13_500_000_000 + chance.integers(10**8, size=count)
        return person.select(
            "cust_no", pl.col("name").alias("cust_name"), "id_no", "mobile", "device_id"
        ).with_columns(
            number.alias("app_no"), pl.Series("customer", who), pl.Series("state_date", on), product.alias("product_code"),
            pl.Series("app_ts", on * DAY + chance.integers(8 * 3_600, 22 * 3_600, size=count) * 1_000),
            pl.Series("amount", amount), pl.Series("monthly_income", people.income[who] // 1_000 * 1_000),
            pl.Series("employer", masked(np.array(words.OFFICES)[people.employer[who] % len(words.OFFICES)], people.employer[who] % 3 == 0)),
            pl.Series("contact_mobile", near).cast(pl.String),
        )  # fmt: skip

    def _some_strangers(self, rows: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
        """Applications of people whom the bank does not know; a ring among them shares one device."""
        count = rows.height
        stranger = chance.random(count) < STRANGERS
        born = self.world.span.end - chance.integers(20 * 366, 55 * 366, size=count)
        area = pl.Series(np.array(LOCAL)[np.arange(count) % len(LOCAL)])
        number = resident_id(area, born, 801 + np.arange(count) % 99 * 2, wrong=np.zeros(count, dtype=bool))
        name = words.names(chance, chance.random(count) < 0.4)
        mobile = pl.Series(15_900_000_000 + chance.integers(10**8, size=count)).cast(pl.String)
        device = pl.Series(np.where(chance.random(count) < 0.2, "d-ring-01", "d-n"))
        device = device + pl.Series(np.where(device.to_numpy() == "d-n", np.arange(count).astype(str), ""))
        known = pl.Series("k", ~stranger)
        return rows.with_columns(
            pl.when(known).then("cust_no").alias("cust_no"), pl.when(known).then("customer").otherwise(-1).alias("customer"),
            *(pl.when(known).then(old).otherwise(new).alias(old)
              for old, new in (("cust_name", name), ("id_no", number), ("mobile", mobile), ("device_id", device))),
        )  # fmt: skip

    def bc_app(self) -> States:
        return States(self.applications, ("app_no",), self.world.span)

    def bc_collateral(self) -> States:
        """What secures a loan, valued anew each year while the loan runs, and every other year after it."""
        world, chance = self.world, self.world.chance(91)
        held = self.contracts.filter(pl.col("guarantee").is_in(["3", "4", "6"]))
        count = held.height
        kind = np.where(held["product"].to_numpy() == HOUSING, "01", drawn(("01", "02", "03", "08"), count, chance))
        kind = np.where(held["guarantee"].to_numpy() == "4", "09", kind)
        times = chance.integers(130, 210, size=count)
        base = held.select(
            numbered("YP", held["contract"].to_numpy() + 1, 7).alias("coll_id"), pl.col("number").alias("contract_no"),
            pl.Series("coll_type", kind), pl.Series("value", column(held, "amount") * times // 100),
            pl.lit(words.COUNTY).alias("region_code"), "signed_on", "ended",
            pl.Series("reg_no", masked(numbered("浙(2025)某县不动产证明第", np.arange(count) + 1, 7).to_numpy(), kind != "09")),
        )  # fmt: skip
        signed, ended = column(held, "signed_on"), np.minimum(column(held, "ended"), world.span.horizon)
        parts = [base.with_columns(pl.col("signed_on").alias("state_date"))]
        for nth in range(1, 12):
            on = np.where(signed + 365 * nth <= ended, signed + 365 * nth, ended + 730 * nth)
            parts.append(base.with_columns(pl.Series("state_date", on)))
        parts.append(
            base.filter(pl.col("ended") <= world.span.horizon).with_columns(pl.col("ended").alias("state_date"))
        )
        rows = (
            pl.concat(parts)
            .filter(pl.col("state_date") <= world.span.horizon)
            .unique(["coll_id", "state_date"], maintain_order=True)
        )
        over = pl.col("state_date") >= pl.col("ended")
        rows = rows.with_columns(
            pl.when(over).then(pl.lit("2")).otherwise(pl.lit("1")).alias("status"),
            (pl.col("state_date") - pl.when(pl.col("state_date") == pl.col("signed_on")).then(15).otherwise(0)).alias("value_date"),
            (pl.col("value") * (100 - 2 * ((pl.col("state_date") - pl.col("signed_on")) // 365).clip(0, 20)) // 100).alias("value"),
        )  # fmt: skip
        return States(rows, ("coll_id",), world.span, full=True)

    @cached_property
    def guarantees(self) -> pl.DataFrame:
        """A row a contract and guarantor: neighbours who vouch for each other, and groups of three."""
        world = self.world
        held = self.contracts.filter(pl.col("guarantee").is_in(["2", "5"]))
        able = np.flatnonzero(
            world.adult & world.sound & (world.people.gone_on == NEVER) & (world.people.opened < world.span.start)
        )
        able = able[np.lexsort((able, world.people.town[able]))]
        place = np.searchsorted(world.people.town[able], world.people.town[column(held, "customer_no")])
        by = column(held, "contract")
        owner, contract = column(held, "customer_no"), np.arange(held.height)
        joint = (held["guarantee"] == "5").to_numpy()
        first = able[(place + by % 17) % len(able)]
        second = able[(place + by % 17 + 1) % len(able)]
        third = able[(place + by % 17 + 2) % len(able)]
        first = np.where(first == owner, third, first)
        second = np.where((second == owner) | (second == first), third, second)
        first = np.where(owner == PLACE["vouched for"], PLACE["brother"], first)
        two = (joint | (by % 4 == 0)) & (second != owner) & (second != first)
        at = np.r_[contract, contract[two]]
        who = np.r_[first, second[two]]
        rows = held[at].with_columns(
            pl.Series("guarantor", who), pl.Series("of_group", joint[at]), pl.Series("several", two[at])
        )
        rows = self._mutual(rows)
        return rows.with_columns(numbered("DB", np.arange(rows.height) + 1, 8).alias("guar_id"))

    def _mutual(self, rows: pl.DataFrame) -> pl.DataFrame:
        """In a group all vouch for all: borrowers of joint loans of one town come in threes."""
        groups = rows.filter("of_group").unique("number", maintain_order=True)
        town = self.world.people.town[column(groups, "customer_no")]
        groups = groups[np.lexsort((column(groups, "contract"), town))]
        town, who = np.sort(town), column(groups, "customer_no")
        usual = rows.filter(pl.col("of_group")).sort("number")
        others = []
        for step in (1, 2):
            trio = np.arange(groups.height) // 3 * 3
            mate = trio + (np.arange(groups.height) - trio + step) % 3
            whole = (mate < groups.height) & (trio + 2 < groups.height)
            mate = np.where(whole, mate, 0)
            whole &= (town[mate] == town) & (who[mate] != who) & self.world.sound[who[mate]]
            others.append(groups.filter(pl.Series(whole)).with_columns(pl.Series("guarantor", who[mate[whole]])))
        made = pl.concat(others).unique(["number", "guarantor"], maintain_order=True)
        left = usual.filter(~pl.col("number").is_in(made["number"].to_list()))
        return pl.concat([rows.filter(~pl.col("of_group")), left, made.select(rows.columns)]).sort(
            "number", "guarantor"
        )

    def bc_guarantee(self) -> States:
        """Guarantees, from the day a contract was signed; ended with it."""
        rows = self.guarantees
        by = self.world.persons[column(rows, "guarantor")]
        kind = pl.when("of_group").then(pl.lit("4")).when("several").then(pl.lit("2")).otherwise(pl.lit("1"))
        base = rows.select(
            "guar_id", pl.col("number").alias("contract_no"), pl.col("cust_no").alias("borrower_no"),
            by["cust_no"].alias("guarantor_no"), by["id_no"].alias("guarantor_id"), by["name"].alias("guarantor_name"),
            pl.col("amount").alias("guar_amt"), kind.alias("guar_kind"), pl.col("ends_on").alias("end_date"),
            "signed_on", "ended",
        )  # fmt: skip
        begun = base.with_columns(pl.col("signed_on").alias("state_date"), pl.lit("1").alias("status"))
        ended = base.with_columns(pl.col("ended").alias("state_date"), pl.lit("2").alias("status"))
        rows = pl.concat([begun, ended.filter(pl.col("ended") < NEVER)])
        return States(rows, ("guar_id",), self.world.span, full=True)

    def bc_collect(self) -> Events:
        """What collection did, on the days past due that its plan says."""
        chance = self.world.chance(92)
        days = self.world.in_arrears.filter(
            pl.col("days_past_due").is_in(list(DUNNED)), pl.col("day") >= self.world.span.start
        ).sort("day", "number")
        on, count = column(days, "day"), days.height
        result = drawn("12346", count, chance, (0.45, 0.35, 0.1, 0.05, 0.05))
        promised = pl.Series(result == "1")
        rows = days.select(
            pl.col("day").alias("state_date"), pl.col("number").alias("due_no"),
            pl.col("days_past_due").replace_strict(DUNNED, return_dtype=pl.String).alias("mode"),
            pl.Series("result", result), pl.Series("act_ts", on * DAY + chance.integers(9 * 3_600, 18 * 3_600, size=count) * 1_000),
            pl.when(promised).then(pl.col("day") + 5).alias("ptp_date"), pl.when(promised).then("overdue").alias("ptp_amt"),
            ("CL" + dates(on) + numbered("", serial(on), 5)).alias("act_id"),
        )  # fmt: skip
        return Events(rows, self.world.span)


def bc_fin(firms: Firms) -> States:
    """Statements of firms a quarter, three to six weeks after its end: year to date, and worse where the owner is in need."""
    world, chance = firms.world, firms.world.chance(93)
    reporting = np.flatnonzero(
        np.isin(firms.size, ("1", "2", "3")) | ((firms.size == "4") & (np.arange(len(firms)) % 3 == 0))
    )
    reporting = reporting if len(reporting) else np.arange(1)
    quarters = np.arange("2023-03", "2027-06", 3, dtype="datetime64[M]")
    ends = (quarters + 1).astype("datetime64[D]").astype(np.int64) - 1
    firm, quarter = np.repeat(reporting, len(quarters)), np.tile(np.arange(len(quarters)), len(reporting))
    told = ends[quarter] + 20 + firm % 25
    kept = firms.there(told, firm) & (told > world.span.start - 200) & (told <= world.span.horizon)
    firm, quarter, told = firm[kept], quarter[kept], told[kept]
    months = quarters[quarter].astype(int) % 12 + 1
    revenue = (
        firms.sales[firm]
        * months
        * (1 - 0.5 * firms.strain(ends[quarter], firm))
        * chance.uniform(0.9, 1.1, size=len(firm))
    ).astype(np.int64)
    asset = (firms.sales[firm] * chance.uniform(8, 14, size=len(firm))).astype(np.int64)
    liabilities = (asset * (0.5 + 0.3 * firms.strain(ends[quarter], firm))).astype(np.int64)
    margin = 0.06 - 0.15 * firms.strain(ends[quarter], firm)
    rows = pl.DataFrame(
        {
            "state_date": told,
            "uscc": firms.papers["uscc"][firm],
            "period": np.char.replace(np.datetime_as_string(quarters[quarter]), "-", ""),
            "revenue": revenue,
            "net_profit": (revenue * margin).astype(np.int64),
            "total_asset": asset,
            "total_liab": liabilities,
            "cur_asset": asset * 45 // 100,
            "cur_liab": np.minimum(liabilities * 7 // 10, asset),
            "receivable": asset * 15 // 100,
            "inventory": asset * 12 // 100,
            "op_cash": (revenue * (margin + 0.02)).astype(np.int64),
            "int_exp": liabilities * 2 // 100,
        }
    )
    return States(rows, ("uscc", "period"), world.span)
