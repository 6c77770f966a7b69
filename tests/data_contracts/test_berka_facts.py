"""What is said of the real Czech bank, on its real files: counts, quirks, and what `conform/` makes of them.

The files are not ours to carry along. `LIANGCANG_DATA` names the folder that has them below `berka/`; without it
these tests are skipped, with it and without a file they fail.
"""

from __future__ import annotations

import datetime as dt
import gzip
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import data_contracts
from data_contracts import odcs
from data_contracts.contract import Contract
from data_contracts.judge import Judgement, judge
from liangcang.engine import Engine
from liangcang.sql import check_select

BANK = Path(data_contracts.__file__).parent / "berka"
START = dt.date(1993, 1, 1)
ROWS = {
    "district": 77,
    "client": 5_369,
    "account": 4_500,
    "disp": 5_369,
    "order": 6_471,
    "loan": 682,
    "card": 892,
    "trans": 49_102,
    "trans_loan_accounts": 30_200,
}
"""Rows of each feed as published, in an order in which every feed comes after those it refers to."""


class Berka:
    """All nine feeds judged and filed, and the warehouse's model made of them by the bank's own SQL."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.engine = engine
        self.contracts: dict[str, Contract] = {}
        self.judged: dict[str, Judgement] = {}
        engine.con.execute("create schema staged; create schema parties; create schema conformed")
        for feed in ROWS:
            self._judge(folder, feed)
        engine.con.execute(
            "create table parties.party_map as"
            " select 'core' as source_system, client_id as cust_no, 'party ' || client_id as party_id from staged.client"
        )
        for path in sorted((BANK / "conform").glob("*.sql")):
            if path.stem != "party_map":
                text = check_select(path.read_text(), tables=None, where=path.name).sql()
                engine.con.execute(f"create table conformed.{path.stem} as {text}")

    def _judge(self, folder: Path, feed: str) -> None:
        contract = self.contracts[feed] = odcs.read(BANK / "contracts" / f"{feed}.odcs.yaml")
        self.engine.register(f"raw_{feed}", delivered(folder, contract))
        self.engine.con.execute(f"create table unread_{feed} (_row_no bigint, _line bigint, _text varchar)")
        references = {f"staged.{done}": f"staged.{done}" for done in self.judged}
        found = judge(self.engine.con, contract, raw=f"raw_{feed}", rejected=f"unread_{feed}", references=references)
        self.judged[feed] = found
        filed, known = filing(contract)
        self.engine.con.execute(
            f'create table staged."{feed}" as select *, {filed} as business_date, {known} as known_at,'
            f" 'delivery' as _delivery from {found.good_rows}"
        )
        self.engine.con.execute(f'create view staged."{feed}_history" as select * from staged."{feed}"')

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.engine.rows(sql)

    def number(self, sql: str) -> Any:
        return self.rows(sql)[0][0]


def delivered(folder: Path, contract: Contract) -> pl.DataFrame:
    """A published file as text, one row a record, nothing null."""
    form = contract.format("history")
    assert form is not None
    files = sorted(folder.glob(form.path))
    assert len(files) == 1, f"{contract.table}: one file {form.path} is expected below {folder}, found {len(files)}"
    frame = pl.read_csv(
        gzip.decompress(files[0].read_bytes()),
        separator=form.delimiter,
        quote_char=form.quote,
        infer_schema=False,
    )
    frame = frame.rename(str.lower)
    assert frame.columns == list(contract.columns)
    frame = frame.fill_null("")
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    return frame.with_columns(number.alias("_row_no"), (number + 1).alias("_line"))


def filing(contract: Contract) -> tuple[str, str]:
    """Business date and knowledge of a history's row, as SQL: what is undated is known by nobody."""
    kinds = {"identity": f"date '{START}'", "since": contract.temporal.column, "event": contract.temporal.column}
    day = kinds.get(contract.temporal.kind, f"date '{START}'")
    known = "cast(null as date)" if contract.temporal.kind == "undated" else day
    for rows in contract.row_temporals:
        assert rows.kind == "identity"
        known = f"case when {rows.where} then date '{START}' else {known} end"
    assert contract.known_at_days == 0
    return str(day), str(known)


@pytest.fixture(scope="module")
def berka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Berka]:
    home = os.environ.get("LIANGCANG_DATA")
    if not home:
        pytest.skip(
            "LIANGCANG_DATA is not set: it names the folder of the real data, which are not part of the project"
        )
    with Engine(read=[], write=None, spill=tmp_path_factory.mktemp("spill"), time_zone="Europe/Prague") as engine:
        yield Berka(Path(home) / "berka", engine)


# -- the delivery ------------------------------------------------------------------------------------------------------


def test_every_published_row_is_good(berka: Berka) -> None:
    assert {feed: (found.delivered, found.good) for feed, found in berka.judged.items()} == {
        feed: (rows, rows) for feed, rows in ROWS.items()
    }
    assert [found.refused for found in berka.judged.values()] == [None] * 9


def test_every_reference_is_judged_and_holds(berka: Berka) -> None:
    references = [r for found in berka.judged.values() for r in found.results if r.kind == "reference"]
    assert len(references) == 9
    assert {(r.passed, r.failed) for r in references} == {(True, 0)}


def test_only_what_is_known_to_be_odd_is_counted(berka: Berka) -> None:
    failed = {
        (feed, result.rule_id): result.failed
        for feed, found in berka.judged.items()
        for result in found.results
        if result.failed
    }
    assert failed == {
        ("trans", "type_irregular"): 651,
        ("trans", "balance_is_sum_of_movements"): 28,
        ("trans_loan_accounts", "type_irregular"): 856,
    }


def test_running_balances_are_judged_over_every_account_and_day(berka: Berka) -> None:
    days = {
        feed: berka.number(f"select count(distinct (account_id, date)) from staged.{feed}")
        for feed in ROWS
        if "trans" in feed
    }
    assert days == {"trans": 39_960, "trans_loan_accounts": 23_439}
    assert berka.judged["trans_loan_accounts"].result("balance_is_sum_of_movements").passed is True


def test_null_tokens_are_counted_and_become_null(berka: Berka) -> None:
    met = {(feed, seen.rule_id): seen.failed for feed, found in berka.judged.items() for seen in found.observations}
    assert met["trans", "k_symbol.null[ ]"] == 1_677
    assert met["order", "k_symbol.null[ ]"] == 1_379
    assert met["trans", "account.null[0]"] == 763
    assert met["district", "a12.null[?]"] == met["district", "a15.null[?]"] == 1
    assert berka.number("select count(*) from staged.trans where k_symbol is null") == 26_197 + 1_677


def test_rows_of_a_day_have_no_order_that_the_balance_could_follow(berka: Berka) -> None:
    """The reason why the end-of-day balance is a sum: the chain of balances holds for 34,203 of 47,873 steps only."""
    steps = berka.rows(
        "with step as (select balance - lag(balance) over rows_of as moved,"
        " case when type = 'PRIJEM' then amount else -amount end as signed from staged.trans"
        " window rows_of as (partition by account_id order by _row_no))"
        " select count(moved), count(*) filter (where abs(moved - signed) <= 0.2) from step"
    )
    assert steps[0][0] == 47_873
    assert steps[0][1] < 40_000


def test_no_account_that_is_heard_of_again_was_silent_for_more_than_60_days(berka: Berka) -> None:
    """Of the first feed. Five were silent for exactly that long; all others were heard of within a month."""
    gaps = berka.rows(
        "with heard as (select distinct account_id, date from staged.trans), gap as (select date - lag(date)"
        " over (partition by account_id order by date) as days from heard)"
        " select days, count(*) from gap where days > 31 group by days"
    )
    assert gaps == [(60, 5)]


# -- what conform makes of it ------------------------------------------------------------------------------------------


def test_a_party_is_a_client_with_birth_and_sex_from_the_birth_number(berka: Berka) -> None:
    by_sex = dict(berka.rows("select gender, count(*) from conformed.party group by gender"))
    assert by_sex == {"1": 2_724, "2": 2_645}
    assert berka.rows(
        "select min(year(birth_date)), max(year(birth_date)), count(birth_date) from conformed.party"
    ) == [(1911, 1987, 5_369)]
    assert berka.rows(
        "select birth_number, birth_date, gender from conformed.party as p join staged.client as c using (_row_no) where client_id = '1'"
    ) == [("706213", dt.date(1970, 12, 13), "2")]


def test_an_owner_holds_from_opening_and_a_user_since_nobody_knows_when(berka: Berka) -> None:
    held = berka.rows(
        "select role, count(*), count(known_at), count(valid_from), count(*) filter (where valid_from = business_date)"
        " from conformed.account_holder group by role order by role"
    )
    assert held == [("authorised", 869, 0, 0, 0), ("owner", 4_500, 4_500, 4_500, 4_500)]


def test_what_has_no_date_is_known_at_no_date(berka: Berka) -> None:
    for table in ("standing_order", "branch"):
        assert berka.number(f"select count(known_at) from conformed.{table}") == 0
    for table in ("party", "account", "balance", "transaction", "loan_receipt", "card"):
        assert berka.number(f"select count(*) from conformed.{table} where known_at is null") == 0
        assert berka.number(f"select count(*) from conformed.{table} where known_at > business_date") == 0


def test_every_transaction_of_both_feeds_has_one_owner_and_a_type(berka: Berka) -> None:
    assert berka.rows(
        "select _feed, count(*), count(party_id), count(distinct transaction_id) from conformed.transaction group by _feed order by _feed"
    ) == [("trans", 49_102, 49_102, 49_102), ("trans_loan_accounts", 30_200, 30_200, 30_200)]
    kinds = Counter(
        {
            (kind, way): rows
            for kind, way, rows in berka.rows(
                "select type, direction, count(*) from conformed.transaction group by all"
            )
        }
    )
    assert kinds == {
        ("cash_in", "C"): 9_759 + 5_304,
        ("transfer", "C"): 2_002 + 1_448,
        ("subsidy", "C"): 1_770,
        ("interest", "C"): 9_463 + 5_130,
        ("interest", "D"): 64 + 43,
        ("fee", "D"): 5_445 + 3_186,
        ("loan_repayment", "D"): 123,
        ("bill", "D"): 3_603 + 116 + 644 + 2_145 + 47 + 681,
        ("transfer", "D"): 1_636 + 337 + 1_549,
        ("cash_out", "D"): 651 + 41 + 13_436 + 12 + 54 + 9_757 + 856,
    }


def test_every_remittance_executes_a_standing_order_of_its_account(berka: Berka) -> None:
    """The fact behind `channel = 'batch'`: no customer acts on the day on which the bank pays a standing order."""
    remitted = berka.rows(
        "select count(*), count(*) filter (where exists (select 1 from conformed.standing_order as o"
        " where o.account_id = t.account_id and o.counterparty = t.counterparty)) from conformed.transaction as t"
        " where channel = 'batch' and counterparty is not null"
    )
    assert remitted == [(10_718, 10_718)]
    assert (
        berka.number("select count(*) from conformed.transaction where customer_initiated and channel = 'batch'") == 0
    )


def test_the_balance_of_every_account_and_day_is_what_a_clerk_would_add_up(berka: Berka) -> None:
    total: dict[str, Decimal] = defaultdict(Decimal)
    naive: dict[tuple[str, dt.date], Decimal] = {}
    for feed, credit in (("trans", "PRIJEM"), ("trans_loan_accounts", "credit")):
        booked = berka.rows(f"select account_id, date, type, amount from staged.{feed} order by date")
        for account, day, kind, amount in booked:
            total[account] += amount if kind == credit else -amount
            naive[account, day] = total[account]
    made = {(a, d): b for a, d, b in berka.rows("select account_id, business_date, balance from conformed.balance")}
    assert len(made) == 39_960 + 23_439
    assert made == naive
    assert berka.number("select count(*) from conformed.balance where valid_from <> business_date") == 0


def test_a_loan_is_one_receipt_from_the_day_it_was_granted(berka: Berka) -> None:
    assert berka.rows("select count(*), count(distinct receipt_id) from conformed.loan_receipt") == [(682, 682)]
    assert berka.number("select count(*) from conformed.loan_receipt where business_date <> disbursed_date") == 0


def test_a_loan_matures_its_duration_after_it_was_granted(berka: Berka) -> None:
    assert berka.rows(
        "select distinct cast(round(date_diff('day', disbursed_date, mature_date) / 30.4375) as integer) as months"
        " from conformed.loan_receipt order by months"
    ) == [(12,), (24,), (36,), (48,), (60,)]
