"""The feed cb_cust_ind: who the customers are on paper, and on which days their records change.

Resident IDs are well formed (GB 11643-1999) and begin with area codes that belong to no county: no person has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.days import NEVER, Numbers, Span, add_months
from pipelines.demo.people import Flags, People, Way
from pipelines.demo.texts import dates, day, fields, flag

LOCAL = tuple(f"3399{n:02}" for n in range(1, 13))
ELSEWHERE = ("349903", "369911", "419906", "529902")
"""Where resident IDs were given out: real provinces, so that the numbers pass, but no prefecture has the number 99."""
CHECKS = "10X98765432"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
OCCUPATIONS = ("40000", "30000", "80000", "50000", "40000", "60000", "80000", "80000")
SECTIONS = ("C1499", "S9224", "", "A0111", "F5212", "", "", "")
SCHOOLING = ("20", "30", "40", "60", "70", "80")


@dataclass(frozen=True)
class Customers:
    """Records: `static` has the texts that never change, the others say what changes, and when."""

    people: People
    static: pl.DataFrame
    expires: Numbers
    renewed_on: Numbers
    expires_then: Numbers
    moved_on: Numbers

    @property
    def numbers(self) -> pl.Series:
        return self.static["number"]

    def changes(self) -> pl.DataFrame:
        """Customer and day of every change of a record, joining included."""
        everybody = np.arange(self.people.count)
        frames = [pl.DataFrame({"customer": everybody, "day": each}) for each in (self.people.opened, *self._days())]
        return pl.concat(frames).filter(pl.col("day") < NEVER).unique().sort("day", "customer")

    def as_of(self, customer: Numbers, on: Numbers) -> pl.DataFrame:
        """The texts of customers' records as they were at the end of a day."""
        people, changed = self.people, self.people.opened[customer]
        for each in self._days():
            changed = np.where(each[customer] <= on, np.maximum(changed, each[customer]), changed)
        status = np.select(
            [
                people.death_known_on[customer] <= on,
                people.closed_on[customer] <= on,
                (people.frozen_on[customer] <= on) & (people.thawed_on[customer] > on),
                people.sleeps[customer] & (people.asleep_on[customer] <= on),
            ],
            ["4", "3", "2", "1"],
            "0",
        )
        renewed, moved = self.renewed_on[customer] <= on, self.moved_on[customer] <= on
        expires = np.where(renewed, self.expires_then[customer], self.expires[customer])
        return self.static[customer].with_columns(
            pl.Series("expiry", dates(expires)),
            pl.when(pl.Series(moved)).then("mobile_then").otherwise("mobile").alias("mobile"),
            pl.Series("status", status),
            pl.Series("updated", dates(changed) + "22" + pl.Series(customer % 50 + 10).cast(pl.String) + "07"),
        )

    def _days(self) -> tuple[Numbers, ...]:
        people = self.people
        told = (people.death_known_on, people.closed_on, people.frozen_on, people.thawed_on, people.asleep_on)
        return (self.renewed_on, self.moved_on, *told)


LINE = fields(*(pl.col(name) for name in ("number", "name", "id", "expiry", "natural", "mobile", "place", "status")))
LINE += (pl.lit("|@|"), pl.col("consents"), pl.lit("|@|"), pl.col("updated"))
"""The columns of `as_of` as a line of the feed."""


def draw(people: People, span: Span, chance: np.random.Generator, *, flaws: bool = True) -> Customers:
    """The records of all customers; with `flaws` a few of their IDs are wrong."""
    expires, renewed_on, expires_then = _expiries(people, span, chance)
    moves = (chance.random(people.count) < 0.02 * span.years) & ~people.quiet
    moved_on = np.where(moves, chance.integers(span.start, span.end + 60, size=people.count), NEVER)
    moved_on = np.where((moved_on > people.opened) & (moved_on < people.gone_on), moved_on, NEVER)
    return Customers(
        people=people,
        static=_papers(people, span, chance, flaws=flaws),
        expires=expires,
        renewed_on=renewed_on,
        expires_then=expires_then,
        moved_on=moved_on,
    )


def outlets(people: People) -> pl.Series:
    """The branch that manages each customer: one of the two outlets of its town."""
    return words.BANK_CODE + pl.Series(people.town * 2 + people.outlet + 20).cast(pl.String).str.zfill(3)


def resident_id(area: pl.Series, born: Numbers, order: Numbers, *, wrong: Flags) -> pl.Series:
    """IDs of 18 characters with their check character, or where `wrong` with the next one."""
    stem = area + dates(born) + pl.Series(order).cast(pl.String).str.zfill(3)
    digits = stem.cast(pl.Int64).to_numpy()
    total = sum(digits // 10 ** (16 - place) % 10 * weight for place, weight in enumerate(WEIGHTS))
    check = (np.asarray(total) + wrong) % 11
    return stem + pl.Series(list(CHECKS))[check]


def _expiries(people: People, span: Span, chance: np.random.Generator) -> tuple[Numbers, Numbers, Numbers]:
    """When documents expire, when they are renewed if they are, and until when they hold then."""
    count = people.count
    age = (span.end - people.born) / 365.25
    years = np.select([age < 16, age < 26, age < 46], [5, 10, 20], 0)
    issued = span.end - (chance.random(count) * np.maximum(years, 1) * 365).astype(np.int64)
    expires = add_months(issued, years * 12)
    stale = chance.random(count) < 0.06
    expires = np.where(stale, span.end - chance.integers(-400, 600, size=count), expires)
    expires = np.where((years == 0) & ~stale, NEVER, np.maximum(expires, people.opened + 30))
    expires[people.quiet] = NEVER
    renews = (chance.random(count) < 0.7) & (expires < NEVER)
    on = np.where(renews, expires + chance.integers(-30, 60, size=count), NEVER)
    on = np.where((on < people.gone_on) & (on > people.opened), on, NEVER)
    return expires, on, add_months(np.where(on < NEVER, on, span.end), np.maximum(years, 10) * 12)


def _papers(people: People, span: Span, chance: np.random.Generator, *, flaws: bool) -> pl.DataFrame:
    """The texts of the records that never change."""
    count = people.count
    age = (span.end - people.born) / 365.25
    schooling = np.clip(((age - 20) / 12 + chance.normal(0, 1.0, size=count)).astype(np.int64), 0, 5)
    marital = np.select(
        [age < 23, (age > 70) & (chance.random(count) < 0.3), chance.random(count) < 0.85], ["10", "30", "20"], "40"
    )
    rural = np.isin(people.way, (Way.FARMER, Way.PENSIONER, Way.MIGRANT))
    street = np.where(
        rural,
        np.array(words.VILLAGES)[people.employer % len(words.VILLAGES)],
        np.array(words.STREETS)[people.employer % len(words.STREETS)],
    )
    towns, codes = np.array(words.TOWNS).T
    firms = np.array(words.firm_names(chance, 200))[people.employer % 200]
    offices = np.array(words.OFFICES)[people.employer % len(words.OFFICES)]
    employer = np.select([people.way == Way.PAYROLL, people.way == Way.CIVIL], [firms, offices], "")
    blank = chance.random((5, count)) < 0.08
    garden = chance.random(count) < 0.02
    frame = pl.DataFrame(
        {
            "number": pl.Series(8_801_000_010_000_000 + np.arange(count) * 13).cast(pl.String),
            "name": people.name,
            "sex": np.where(people.female, "2", "1"),
            "born": people.born,
            "marital": np.where(blank[0], "", marital),
            "schooling": np.where(blank[1], "", np.array(SCHOOLING)[schooling]),
            "occupation": np.where(blank[2], "", np.array(OCCUPATIONS)[people.way]),
            "section": np.where(blank[3], "", np.array(SECTIONS)[people.way]),
            "employer": employer,
            "town": towns[people.town],
            "street": street,
            "house": chance.integers(1, 300, size=count),
            "garden": garden,
            "code": codes[people.town],
            "village": people.employer % 9 + 201,
            "farmer": people.way == Way.FARMER,
            "income": np.where(chance.random(count) < 0.6, people.income * 12 // 100_000 * 1_000, 0),
            "opened": people.opened,
            "outlet": outlets(people),
            "manager": np.where(chance.random(count) < 0.5, people.town * 7 + 100, 0),
            "aml": np.where(blank[4], "", chance.choice(["3", "4", "5", "5", "5", "2"], size=count)),
            "marketing": chance.choice(["1", "0", "9"], size=count, p=[0.6, 0.15, 0.25]),
            "pushes": chance.random(count) < 0.88,
            "mobile": _mobiles(people, chance),
            "mobile_then": _mobiles(people, chance),
        }
    ).hstack(_documents(people, chance, flaws=flaws))
    known = pl.when(pl.col("income") > 0)
    address = pl.concat_str(
        pl.lit("某省某市某县"),
        "town",
        "street",
        pl.col("house").cast(pl.String),
        pl.when("garden").then(pl.lit("号桂花園")).otherwise(pl.lit("号")),
    )
    return frame.select(
        "number",
        "name",
        "mobile",
        "mobile_then",
        pl.concat_str(fields(pl.col("id_type"), pl.col("id_no"))).alias("id"),
        pl.concat_str(
            fields(
                *(pl.col("sex"), day("born"), pl.col("nationality"), pl.col("marital"), pl.col("schooling")),
                *(pl.col("occupation"), pl.col("section"), pl.col("employer")),
            )
        ).alias("natural"),
        pl.concat_str(
            fields(
                address,
                pl.concat_str(pl.lit(words.COUNTY), "code", pl.col("village").cast(pl.String)),
                flag("farmer"),
                known.then(pl.concat_str(pl.col("income").cast(pl.String), pl.lit(".00"))).otherwise(pl.lit("")),
                day("opened"),
                pl.col("outlet"),
                pl.when(pl.col("manager") > 0)
                .then(pl.concat_str(pl.lit("E"), pl.col("manager").cast(pl.String).str.zfill(5)))
                .otherwise(pl.lit("")),
            )
        ).alias("place"),
        pl.concat_str(fields(pl.col("aml"), pl.col("marketing"), flag("pushes"))).alias("consents"),
    )


def _documents(people: People, chance: np.random.Generator, *, flaws: bool) -> pl.DataFrame:
    """Kinds and numbers of documents: resident IDs but for a few; some old ones of 15 digits, a few wrong ones."""
    count, odd = people.count, chance.random(people.count)
    outsider = np.where(people.way == Way.MIGRANT, 0.3, 0.03) > chance.random(count)
    away = np.array(ELSEWHERE)[people.employer % len(ELSEWHERE)]
    area = pl.Series(np.where(outsider, away, np.array(LOCAL)[people.town % len(LOCAL)]))
    same = pl.DataFrame({"area": area, "born": people.born, "female": people.female})
    rank = same.select(pl.int_range(pl.len()).over("area", "born", "female").alias("rank"))["rank"].to_numpy()
    order = rank * 2 % 1_000 + ~people.female
    whole = resident_id(area, people.born, order, wrong=(odd < 0.002) & ~people.quiet & flaws)
    aged = (people.born < 5_000) & (odd > 0.99) & ~people.quiet
    foreign = (odd > 0.4) & (odd < 0.404) & ~people.quiet & (people.way != Way.CIVIL)
    permit = (odd > 0.5) & (odd < 0.5015) & ~people.quiet & (people.way != Way.CIVIL)
    serial = pl.Series(np.arange(count) + 1_000_000).cast(pl.String)
    frame = pl.DataFrame({"whole": whole, "short": whole.str.slice(0, 6) + whole.str.slice(8, 9), "serial": serial})
    return frame.select(
        pl.Series("id_type", np.select([foreign, permit], ["20", "30"], "10")),
        pl.when(pl.Series(foreign))
        .then(pl.concat_str(pl.lit("EA"), "serial"))
        .when(pl.Series(permit))
        .then(pl.concat_str(pl.lit("H0"), "serial"))
        .when(pl.Series(aged))
        .then("short")
        .otherwise("whole")
        .alias("id_no"),
        pl.Series("nationality", np.where(foreign, np.array(["VNM", "PHL", "USA"])[np.arange(count) % 3], "CHN")),
    )


def _mobiles(people: People, chance: np.random.Generator) -> pl.Series:
    """A mobile number each; children and one in ten of the old have none."""
    count = people.count
    digits = 13_000_000_000 + chance.integers(5, 10, size=count) * 100_000_000 + chance.integers(10**8, size=count)
    none = (people.way == Way.MINOR) | ((people.way == Way.PENSIONER) & (chance.random(count) < 0.1))
    frame = pl.DataFrame({"digits": digits, "none": none})
    return frame.select(pl.when("none").then(pl.lit("")).otherwise(pl.col("digits").cast(pl.String)))["literal"]
