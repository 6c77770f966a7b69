"""What is public: the registry of firms and who owns them, penalties, courts, lists of fraud, indices of the economy.

Court cases follow defaults by months; among them are people who only have the name of one of our customers.
"""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from pipelines.demo import words
from pipelines.demo.days import NEVER, Numbers, add_months
from pipelines.demo.systems.feeds import Nightly, States
from pipelines.demo.systems.firms import NOBODY, Firms
from pipelines.demo.systems.world import World, drawn, masked, months_of, numbered

TURN = 20
"""Every firm is looked up again on one day of so many."""
CASES_A_DAY = 3
INDICES = {
    "01": ("A01", "A03", "C14", "C18", "E47", "F52", "H62"),
    "02": ("PORK", "RICE", "STEEL"),
    "03": (words.COUNTY, "330300"),
}


def px_reg(firms: Firms) -> Nightly:
    """The registry's page of each firm: all on the first night, and then of those whose turn it is."""
    world = firms.world
    chance = world.chance(120)
    changed = world.span.start + chance.integers(-600, 400, size=len(firms))
    pledged = np.where(np.isin(firms.size, ("2", "3")) & (chance.random(len(firms)) < 0.1), 3_000, 0)

    def night(day: int) -> pl.DataFrame:
        known = np.flatnonzero(firms.opened <= day)
        turn = known[np.arange(len(known)) % TURN == day % min(TURN, max(len(known), 1))]
        firm = known if day == world.span.end + 1 else turn
        papers, strain = firms.papers[firm], firms.strain(day, firm)
        owner = np.maximum(firms.owner[firm], 0)
        capital = np.array((0, 500, 200, 50, 10, 2, 20))[firms.size[firm].astype(np.int64)] * 100_000_000
        gone = firms.left[firm] <= day
        listed = np.where(strain > 0.7, day - 40, NEVER)
        return papers.select("uscc", "corp_name").with_columns(
            pl.lit(day).alias("snap_date"), pl.Series("reg_status", np.where(gone, "2", "1")),
            pl.when(pl.Series(firms.owner[firm] != NOBODY)).then(world.persons["name"][owner]).alias("legal_name"),
            pl.Series("legal_chg_date", np.where(firm % 9 == 0, changed[firm], NEVER)),
            pl.Series("addr_chg_date", np.where(firm % 7 == 0, changed[firm], NEVER)),
            pl.lit(NEVER).alias("scope_chg_date"), pl.Series("capital", capital), pl.lit(NEVER).alias("capital_chg_date"),
            pl.lit(None, dtype=pl.Int64).alias("capital_prev"), pl.Series("abn_in", listed), pl.lit(NEVER).alias("abn_out"),
            pl.lit(NEVER).alias("illegal_in"), pl.Series("equity_pledge", pledged[firm]),
            pl.Series("chattel_amt", np.where(strain > 0.4, firms.sales[firm], 0)),
        )  # fmt: skip

    return Nightly(night)


def px_share(firms: Firms) -> States:
    """Who owns the firms: of a trader's the trader, or the trader and a relative; of an employer another firm and somebody."""
    world, chance = firms.world, firms.world.chance(121)
    everything = np.arange(len(firms))
    owner = np.maximum(firms.owner, 0)
    strangers = words.names(chance, chance.random(len(firms)) < 0.5) + "华"
    first = pl.when(pl.Series(firms.owner != NOBODY)).then(world.persons["name"][owner]).otherwise(strangers + "国")
    shared = (firms.size != "5") & (everything % 3 > 0)
    above = firms.papers["corp_name"][(everything + 1) % len(firms)]
    hashed = [
        f"h:{hashlib.sha256(number.encode()).hexdigest()[:20]}" for number in world.persons["id_no"][owner].to_list()
    ]
    base = firms.papers.select("uscc").with_columns(
        pl.Series("chg_date", firms.opened), pl.Series("state_date", firms.opened)
    )
    most = base.with_columns(
        first.alias("holder_name"), pl.lit("1").alias("holder_kind"), pl.Series("pct", np.where(shared, 6_000, 10_000)),
        pl.Series("holder_id", masked(np.array(hashed), firms.owner != NOBODY)),
    )  # fmt: skip
    company = pl.Series(firms.owner == NOBODY)
    rest = base.with_columns(
        pl.when(company).then(above).otherwise(strangers).alias("holder_name"),
        pl.when(company).then(pl.lit("2")).otherwise(pl.lit("1")).alias("holder_kind"), pl.lit(4_000).cast(pl.Int64).alias("pct"),
        pl.when(company).then(firms.papers["uscc"][(everything + 1) % len(firms)]).alias("holder_id"),
    ).filter(pl.Series(shared))  # fmt: skip
    rows = pl.concat([most, rest.select(most.columns)])
    return States(rows, ("uscc", "holder_kind", "holder_name"), world.span, full=True)


def px_env(firms: Firms) -> States:
    """Penalties for firms that make things; a few a year."""
    world, chance = firms.world, firms.world.chance(122)
    able = np.flatnonzero(np.char.startswith(firms.papers["industry_code"].to_numpy().astype(str), "C"))
    able = able if len(able) else np.arange(len(firms))
    who = world.share_of(able, 0.15, chance)
    count = len(who)
    on = np.maximum(chance.integers(world.span.start, world.span.horizon, size=count), firms.opened[who] + 1)
    rows = pl.DataFrame(
        {
            "state_date": on + 3,
            "doc_no": "温环罚〔2026〕" + numbered("", np.arange(count) + 1, 4) + "号",
            "uscc": firms.papers["uscc"][who],
            "pub_date": on,
            "kind": drawn("123", count, chance, (0.3, 0.6, 0.1)),
            "amount": chance.integers(1, 20, size=count) * 1_000_000,
            "env_grade": drawn("BYR", count, chance, (0.3, 0.5, 0.2)),
            "closed": drawn("10", count, chance),
        }
    )
    return States(rows, ("doc_no",), world.span, first_load=True)


def px_court(world: World) -> States:
    """Cases against our debtors in default, against people elsewhere, and against some who share a customer's name."""
    people, chance, span = world.people, world.chance(123), world.span
    filed = world.first_late[91] + 45
    sued = np.flatnonzero(filed < span.horizon)
    others = CASES_A_DAY * (span.horizon - span.end + 60)
    day = np.r_[span.end - 59 + np.arange(others) // CASES_A_DAY]
    strangers = words.names(chance, chance.random(others) < 0.4)
    same = np.arange(others) % 50 == 0
    names = pl.select(
        pl.when(pl.Series(same))
        .then(people.name[np.arange(others) * 31 % people.count])
        .otherwise(strangers)
        .alias("n")
    )["n"]
    ids = world.persons["id_no"][sued]
    hidden = ids.str.slice(0, 4) + "**********" + ids.str.slice(14, 4)
    ours = _cases(
        people.name[sued],
        filed[sued],
        filed[sued] + 5,
        amount=people.income[sued] * 6,
        party=hidden,
        court="执",
        kind="01",
    )
    dishonest = _cases(
        people.name[sued],
        filed[sued],
        filed[sued] + 70,
        amount=people.income[sued] * 6,
        party=hidden,
        court="执",
        kind="02",
    )
    area = (
        numbered("34", np.arange(others) % 90 + 10, 2)
        + "**********"
        + numbered("", np.arange(others) % 9_000 + 1_000, 4)
    )
    elsewhere = _cases(
        names,
        day - 20,
        day,
        amount=chance.integers(1, 90, size=others) * 1_000_000,
        party=area,
        court="民初",
        kind="09",
        offset=50_000,
    )
    return States(
        pl.concat([ours, dishonest, elsewhere]), ("case_no", "list_kind", "party_name"), span, first_load=True
    )


def _cases(
    names: pl.Series,
    filed: Numbers,
    told: Numbers,
    *,
    amount: Numbers,
    party: pl.Series,
    court: str,
    kind: str,
    offset: int = 0,
) -> pl.DataFrame:
    serial = numbered("", np.arange(len(names)) + 1 + offset, 1)
    cause = "金融借款合同纠纷" if court == "执" else "民间借贷纠纷"
    return pl.DataFrame(
        {"party_name": names, "state_date": told, "file_date": filed, "pub_date": told, "amount": amount, "party_id": party}
    ).with_columns(
        (f"(2026)浙0327{court}" + serial + "号").alias("case_no"), pl.lit(kind).alias("list_kind"), pl.lit("1").alias("role"),
        pl.lit(cause).alias("cause"), pl.lit(NEVER).cast(pl.Int64).alias("end_date"),
    ).cast({"amount": pl.Int64})  # fmt: skip


def px_fraud(world: World) -> States:
    """Accounts that were let to others: one in a thousand customers, and strangers in the same schemes."""
    people, chance = world.people, world.chance(124)
    able = np.flatnonzero(world.sound & world.adult & ~people.quiet)
    who = world.share_of(able, 0.001, chance)
    on = chance.integers(world.span.start, world.span.end, size=len(who))
    rows = pl.DataFrame(
        {
            "state_date": on + 10,
            "id_no": world.persons["id_no"][who],
            "kind": drawn(("01", "02", "03"), len(who), chance),
            "eff_date": on,
            "exp_date": on + 1_825,
        }
    )
    return States(rows, ("id_no", "kind"), world.span, first_load=True)


def px_macro(world: World) -> States:
    """Indices a month: industries, prices, the region."""
    begins = add_months(np.full(9, world.span.end + 1), np.arange(-4, 5))
    begins = begins[add_months(begins, 1) <= world.span.horizon]
    names = [(kind, code) for kind, codes in INDICES.items() for code in codes]
    months = pl.DataFrame(
        {"month": months_of(begins), "state_date": add_months(begins, 1) - 1 + 10, "nth": np.arange(len(begins))}
    )
    first = pl.Series(
        "state_date", np.where(np.arange(len(begins)) == 0, world.span.end + 1, months["state_date"].to_numpy())
    )
    table = pl.DataFrame(names, schema=["kind", "code"], orient="row").with_row_index("place")
    rows = months.with_columns(first).join(table, how="cross")
    moved = (pl.col("place").cast(pl.Int64) * 37 + pl.col("nth").cast(pl.Int64) * 11) % 23 - 11
    return States(
        rows.with_columns(((100 * 1_000_000) + moved * 300_000).alias("value"), (moved * 80).alias("yoy")),
        ("kind", "code", "month"),
        world.span,
        first_load=True,
    )
