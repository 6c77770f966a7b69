"""The county's firms: those of traders, cooperatives of farmers, and the employers that pay wages; the feed cb_cust_corp.

Their credit codes are right (GB 32100-2015, GB 11714-1997) and of a region that no registry has: no firm bears them. A
trader's firm lives with its owner: when the owner is under stress it sells less, and when the owner leaves it goes too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from data_contracts.check_characters import ALPHABET, CREDIT_WEIGHTS, ORGANISATION_WEIGHTS
from pipelines.demo import words
from pipelines.demo.core_feeds import split
from pipelines.demo.days import NEVER, Numbers
from pipelines.demo.people import Shares, Way
from pipelines.demo.systems.feeds import States
from pipelines.demo.systems.world import Words, World, drawn, masked, numbered
from pipelines.demo.texts import dates

REGION = "339901"
NOBODY = -1
SELF_EMPLOYED, COOPERATIVE = "5", "6"
SECTIONS = ("F5212", "F5299", "C1499", "C1810", "E4710", "G5431", "H6210")


@dataclass(frozen=True)
class Firms:
    """One entry a firm: its owner among the customers (NOBODY of employers), and its papers."""

    world: World
    owner: Numbers
    opened: Numbers
    left: Numbers
    size: Words
    """1 large, 2 medium, 3 small, 4 micro, 5 self-employed, 6 farmers' cooperative."""
    sales: Numbers
    """Fen a month, in good times."""
    papers: pl.DataFrame
    """cust_no, uscc, name, industry, outlet."""

    def __len__(self) -> int:
        return len(self.owner)

    @cached_property
    def owned(self) -> Numbers:
        """The firms whose owner is a customer."""
        return np.flatnonzero(self.owner != NOBODY)

    def strain(self, day: Numbers | int, firm: Numbers) -> Shares:
        """From 0 to 1: how hard the times are for its owner."""
        owner = self.owner[firm]
        return np.where(owner == NOBODY, 0.0, self.world.strain(day, np.maximum(owner, 0)))

    def there(self, day: Numbers | int, firm: Numbers) -> np.ndarray:
        return (self.opened[firm] <= day) & (self.left[firm] > day)


def credit_codes(kind: Words, serial: Numbers) -> pl.Series:
    """Credit codes of two signs, our region and a serial number, with both check characters."""
    code = numbered("MA", serial, 6)
    signs = np.array(code.str.split("").to_list())
    places = np.vectorize({sign: n for n, sign in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}.get)(signs)
    inner = np.array(list("0X987654321"))[(places * np.array(ORGANISATION_WEIGHTS)).sum(axis=1) % 11]
    stem = pl.Series(kind) + REGION + code + pl.Series(inner)
    values = np.vectorize({sign: n for n, sign in enumerate(ALPHABET)}.get)(np.array(stem.str.split("").to_list()))
    total = (values * np.array(CREDIT_WEIGHTS[:17])).sum(axis=1)
    return stem + pl.Series(np.array(list(ALPHABET))[-total % 31])


def draw(world: World) -> Firms:
    """All firms that the bank knows."""
    chance, people = world.chance(1), world.people
    traders = world.of_way(Way.TRADER)
    farmers = world.of_way(Way.FARMER)
    heads = farmers[people.employer[farmers] % 40 == 0]
    employers = world.others.ranges["employer"]
    many = employers[1] - employers[0]
    owner = np.r_[traders, heads, np.full(many, NOBODY)]
    count, owned = len(owner), np.r_[traders, heads]
    is_employer = owner == NOBODY
    size = np.where(chance.random(count) < 0.7, SELF_EMPLOYED, np.where(chance.random(count) < 0.85, "4", "3"))
    size[len(traders) : len(owned)] = COOPERATIVE
    size[is_employer] = drawn("234", many, chance, (0.1, 0.5, 0.4))
    known = split(world.others.texts[employers[0] : employers[1]], *"anbcmx")["n"]
    since = people.opened[owned]
    opened = np.r_[since, np.full(many, world.span.start - 2_000) + np.arange(many) * 7 % 900]
    left = np.r_[people.gone_on[owned], np.full(many, NEVER)]
    kind = np.select([size == SELF_EMPLOYED, size == COOPERATIVE], ["92", "93"], "91")
    names = pl.concat([_names(people.town[owned], size[: len(owned)], chance), known])
    industry = drawn(SECTIONS, count, chance)
    industry[size == COOPERATIVE] = "A0111"
    outlet = np.arange(many) % 24 + 20
    papers = pl.DataFrame(
        {
            "cust_no": pl.Series(8_802_000_010_000_000 + np.arange(count) * 17).cast(pl.String),
            "uscc": credit_codes(kind, np.arange(count) * 3 + 100_001),
            "corp_name": names,
            "industry_code": industry,
            "org_no": pl.concat([world.persons["org_no"][owned], numbered(words.BANK_CODE, outlet, 3)]),
        }
    )
    usual = np.r_[people.income[owned], np.full(many, 80_000_000)] * chance.uniform(0.8, 1.6, size=count)
    return Firms(
        world=world, owner=owner, opened=opened, left=left, size=size, sales=usual.astype(np.int64), papers=papers
    )


def _names(town: Numbers, size: Words, chance: np.random.Generator) -> pl.Series:
    """Names of firms, of households that trade, and of cooperatives; in a few stands a character that looks like `|`."""
    count = len(town)
    pairs = [chance.choice(words.letters(words.PLACES), size=count) for _ in range(2)]
    second = np.where(chance.random(count) < 0.02, words.BESIDE_THE_SEPARATOR, pairs[1])
    what = np.where(size == SELF_EMPLOYED, drawn(("商行", "副食店", "五金店", "饭店", "经营部"), count, chance), "")
    what = np.where(size == COOPERATIVE, "种植专业合作社", what)
    what = np.where(what == "", drawn(words.FIRMS, count, chance), what)
    towns = np.array([name for name, _ in words.TOWNS])[town]
    parts = {"c": np.full(count, "某县"), "t": towns, "a": pairs[0], "b": second, "w": what}
    return pl.DataFrame(parts).select(pl.concat_str("c", "t", "a", "b", "w").alias("n"))["n"]


def cb_cust_corp(firms: Firms) -> States:
    """Firms as customers: who speaks for them, how large they are, and whether they still are with us."""
    world, chance = firms.world, firms.world.chance(2)
    count, owned = len(firms), firms.owner != NOBODY
    person = np.maximum(firms.owner, 0)
    papers = world.persons[person]
    capital = np.array((0, 500, 200, 50, 10, 2, 20))[firms.size.astype(np.int64)] * 1_000_000
    strangers = words.names(chance, chance.random(count) < 0.3)
    shown = pl.Series(owned)
    base = firms.papers.with_columns(
        pl.when(shown).then(papers["name"]).otherwise(strangers).alias("legal_name"),
        pl.when(shown & papers["sound"]).then(pl.lit("10")).alias("legal_id_type"),
        pl.when(shown & papers["sound"]).then(papers["id_no"]).alias("legal_id_no"),
        pl.Series("reg_capital", capital * chance.integers(1, 9, size=count)),
        pl.Series("reg_date", firms.opened - chance.integers(30, 2_000, size=count)),
        pl.Series("corp_size", firms.size),
        pl.lit(words.COUNTY).alias("region_code"),
        pl.lit("0").alias("basic_acct_flag"),
        pl.Series("open_date", firms.opened),
        pl.when(pl.Series(np.arange(count) % 3 > 0))
        .then(numbered("E", np.arange(count) % 60 + 100, 5))
        .alias("mgr_id"),
        pl.Series(
            "aml_risk", masked(drawn("2345", count, chance, (0.05, 0.25, 0.3, 0.4)), chance.random(count) > 0.05)
        ),
    )
    joined = base.with_columns(pl.Series("state_date", firms.opened), pl.lit("0").alias("cust_status"))
    closed = base.with_columns(pl.Series("state_date", firms.left), pl.lit("3").alias("cust_status"))
    rows = pl.concat([joined, closed.filter(pl.col("state_date") < NEVER)])
    said = dates(rows["state_date"].to_numpy())
    rows = rows.with_columns((said + "224107").alias("upd_ts"))
    return States(rows, ("cust_no",), world.span, full=True)
