"""What all systems know of the same people: who they are on paper, where they live, how they fare, what they owe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pipelines.demo import words
from pipelines.demo.core_feeds import Bank, split
from pipelines.demo.counterparties import Counterparties
from pipelines.demo.customers import Customers, outlets, resident_id
from pipelines.demo.days import NEVER, Numbers, Span
from pipelines.demo.loan_feeds import LoanFeeds
from pipelines.demo.loans import LoanBook
from pipelines.demo.people import Flags, People, Shares, Way

Words = NDArray[np.str_]
VILLAGES_A_TOWN = 9


@dataclass(frozen=True, kw_only=True)
class World:
    """The bank that core banking and the loan system know, and the seed of everything that is drawn beside it."""

    seed: int
    span: Span
    bank: Bank
    records: Customers
    others: Counterparties
    book: LoanBook
    lent: LoanFeeds
    activity: float

    @property
    def people(self) -> People:
        return self.bank.people

    def chance(self, *stream: int) -> np.random.Generator:
        """A stream of its own for each kind of thing, and, where it is said, for each month."""
        return np.random.default_rng([self.seed, 1_000, *stream])

    @cached_property
    def persons(self) -> pl.DataFrame:
        """A row a customer, in the order of `people`: numbers, papers, branch, village; `sound` is a right resident ID."""
        people, static = self.people, self.records.static
        papers = split(static["id"], "id_type", "id_no")
        born = pl.Series(people.born)
        order = papers["id_no"].str.slice(14, 3).cast(pl.Int64, strict=False).fill_null(0).to_numpy()
        none = np.zeros(people.count, dtype=bool)
        area = papers["id_no"].str.slice(0, 6)
        whole = papers["id_no"].str.len_chars() == 18
        right = resident_id(area.str.replace("[^0-9].*", "339901"), born.to_numpy(), order, wrong=none)
        codes = np.array([code for _, code in words.TOWNS])
        village = pl.Series(
            words.COUNTY + pl.Series(codes[people.town]) + pl.Series(self.village + 201).cast(pl.String)
        )
        return papers.with_columns(
            self.records.numbers.alias("cust_no"),
            people.name.alias("name"),
            pl.when(static["mobile"] != "").then(static["mobile"]).alias("mobile"),
            outlets(people).alias("org_no"),
            self.bank.numbers[: people.count].alias("acct_no"),
            self.bank.devices["device_id"],
            village.alias("village_code"),
            ((papers["id_type"] == "10") & whole & (right == papers["id_no"])).alias("sound"),
        )

    @cached_property
    def sound(self) -> Flags:
        """Who has a right resident ID."""
        return self.persons["sound"].to_numpy()

    @cached_property
    def village(self) -> Numbers:
        """The village of each customer, of the nine of its town."""
        return np.asarray(self.people.employer % VILLAGES_A_TOWN, dtype=np.int64)

    @cached_property
    def adult(self) -> Flags:
        """Who was of age when the history began."""
        return np.asarray(self.span.start - self.people.born > 18 * 366, dtype=bool)

    @cached_property
    def since(self) -> Numbers:
        """The day from which each customer is one of ours, within the history."""
        return np.maximum(self.people.opened, self.span.start)

    def there(self, who: Numbers, day: Numbers) -> Flags:
        """Whether customers are ours on a day, alive, awake and not frozen."""
        people = self.people
        asleep = people.sleeps[who] & (people.asleep_on[who] <= day)
        frozen = (people.frozen_on[who] <= day) & (people.thawed_on[who] > day)
        return np.asarray((people.opened[who] < day) & (people.gone_on[who] > day) & ~asleep & ~frozen, dtype=bool)

    def share_of(self, who: Numbers, part: float, chance: np.random.Generator) -> Numbers:
        """Such a share of some customers; at least one of them."""
        taken = who[chance.random(len(who)) < part]
        return taken if len(taken) else who[:1]

    @cached_property
    def in_arrears(self) -> pl.DataFrame:
        """A row a receipt and day on which it was past due: numbers, days past due, what is overdue, and the customer."""
        owner = self.persons.select("cust_no").with_row_index("customer").cast({"customer": pl.Int64})
        late = self.lent.receipts.filter(pl.col("days_past_due") > 0)
        return late.select(
            "number", "contract_number", "cust_no", "day", "days_past_due", "principal", "written_off",
            (pl.col("overdue_principal") + pl.col("overdue_interest")).alias("overdue"),
        ).join(owner, on="cust_no", how="left", maintain_order="left").with_columns(pl.col("day").cast(pl.Int64))  # fmt: skip

    @cached_property
    def first_late(self) -> dict[int, Numbers]:
        """For so many days past due, the day on which each customer first was as late; NEVER for most."""
        found = {}
        for days in (1, 31, 91):
            on = np.full(self.people.count, NEVER)
            late = self.in_arrears.filter(pl.col("days_past_due") >= days).group_by("customer").agg(pl.col("day").min())
            on[late["customer"].to_numpy()] = late["day"].to_numpy()
            found[days] = on
        return found

    def of_way(self, *ways: Way) -> Numbers:
        """The customers who live in one of these ways."""
        return np.flatnonzero(np.isin(self.people.way, ways))

    def strain(self, day: Numbers | int, who: Numbers) -> Shares:
        """From 0 to 1: how hard the times are."""
        return self.people.strain(np.broadcast_to(np.asarray(day), who.shape), who)


def numbered(prefix: str, values: Numbers, width: int) -> pl.Series:
    """A prefix and a number of so many digits."""
    return prefix + pl.Series(np.asarray(values)).cast(pl.String).str.zfill(width)


def drawn(options: Sequence[str], count: int, chance: np.random.Generator, p: Sequence[float] | None = None) -> Words:
    """Some of these words, each drawn anew."""
    return np.asarray(chance.choice(np.array(list(options)), size=count, p=p), dtype=str)


def months_of(days: Numbers) -> Words:
    """The months of days, as yyyyMM."""
    return np.char.replace(np.datetime_as_string(days.astype("datetime64[D]"), unit="M"), "-", "")


def masked(values: Words, keep: Flags) -> pl.Series:
    """Words where they are known, and null elsewhere."""
    return pl.DataFrame({"v": values, "k": keep}).select(pl.when("k").then("v").alias("v"))["v"]


def repeated(first: Numbers, last: Numbers, *, every: int) -> tuple[Numbers, Numbers]:
    """For each from `first` to `last` a day every so many days: the place of each, and the day."""
    times = np.maximum((last - first) // every + 1, 0)
    place = np.repeat(np.arange(len(first)), times)
    nth = np.arange(len(place)) - np.repeat(np.cumsum(times) - times, times)
    return place, first[place] + nth * every


def serial(days: Numbers) -> Numbers:
    """1, 2, 3, … within each day, in the order in which they stand."""
    counted = pl.DataFrame({"d": days}).select(pl.int_range(1, pl.len() + 1).over("d").alias("n"))
    return counted["n"].to_numpy()
