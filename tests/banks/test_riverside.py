"""The small bank made by hand: its folder reads, its files keep its contracts, and its cast shows what it is there for."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from banks.riverside_bank import FAULTS, Demo, plant, write_bank
from banks.riverside_cast import CUSTOMERS
from banks.riverside_files import identity_number
from riverside_oracle import date, read, results

from assets.parties.identity import read_key
from data_contracts.bank import Bank, read_bank
from data_contracts.contract import Contract
from data_contracts.judge import judge
from data_contracts.judgement import Judgement
from liangcang.engine import Engine
from liangcang.errors import UsageError

FIRST = ("R025", "R026", "R045", "R046", "R048", "R050", "R051", "R052")


@pytest.fixture
def cast(riverside_demo: Demo) -> Demo:
    """The 25 customers made by hand, 14 months and five nights."""
    return riverside_demo


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The cast among 200 customers: enough for the faults that the demo plants."""
    return write_bank(tmp_path_factory.mktemp("crowd") / "demo", customers=200, nights=2)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(read=[], write=None, spill=tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def bank(riverside_demo: Demo) -> Bank:
    return read_bank(riverside_demo.bank)


def judged(engine: Engine, contract: Contract, file: Path, day: dt.date | None = None) -> Judgement:
    frame = pl.read_csv(file, infer_schema=False).fill_null("")
    assert frame.columns == list(contract.columns)
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    engine.register("raw", frame.with_columns(number.alias("_row_no"), (number + 1).alias("_line")))
    engine.con.execute("create or replace table rejected (_row_no bigint, _line bigint, _text varchar)")
    return judge(engine.con, contract, business_date=day)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# -- the folder ----------------------------------------------------------------------------------------------------------


def test_a_bank_outside_the_repository_reads_without_a_finding(bank: Bank, cast: Demo) -> None:
    assert bank.folder == cast.bank.resolve()
    assert bank.warnings == ()
    assert [(feed, contract.absent) for feed, contract in bank.feeds.items()] == [
        ("branches", "skip"),
        ("customers", "hold"),
        ("accounts", "must"),
        ("transactions", "must"),
        ("loans", "must"),
    ]
    assert set(bank.unfed["card"]) > {"card_id"}, "a bank without cards says so"


def test_the_same_arguments_give_the_same_bytes_and_another_seed_another_crowd(crowd: Demo, tmp_path: Path) -> None:
    again = write_bank(tmp_path / "again", customers=200, nights=2)
    assert digests(again.landing) == digests(crowd.landing)
    other = write_bank(tmp_path / "other", customers=200, nights=2, seed=8)
    assert digests(other.landing) != digests(crowd.landing)


def test_a_demo_is_never_written_over(cast: Demo) -> None:
    with pytest.raises(UsageError, match="there is a bank in this folder already"):
        write_bank(cast.bank.parent)


# -- the files -----------------------------------------------------------------------------------------------------------


def test_every_row_of_the_cast_is_good_in_history_and_nights(bank: Bank, cast: Demo, engine: Engine) -> None:
    for feed, contract in bank.feeds.items():
        history = judged(engine, contract, cast.landing / "history" / f"{feed}.csv")
        assert (history.good, history.refused) == (history.delivered, None), feed
        for day in cast.nights:
            night = judged(engine, contract, cast.landing / "daily" / day.isoformat() / f"{feed}.1.csv", day)
            assert (night.good, night.refused) == (night.delivered, None), (feed, day)
            broken = [result.rule_id for result in (*history.results, *night.results) if result.failed]
            assert broken == [], feed


def test_the_crowd_has_a_row_with_an_impossible_date_and_a_row_that_came_twice(
    crowd: Demo, bank: Bank, engine: Engine
) -> None:
    night = crowd.landing / "daily" / crowd.nights[0].isoformat()
    found = judged(engine, bank.feeds["transactions"], night / "transactions.1.csv", crowd.nights[0])
    assert (found.quarantined, found.exact_duplicates, found.refused) == (1, 1, None)
    assert found.result("booked_on.parse").failed == 1
    next_night = crowd.landing / "daily" / crowd.nights[1].isoformat()
    after = judged(engine, bank.feeds["transactions"], next_night / "transactions.1.csv", crowd.nights[1])
    assert (after.quarantined, after.exact_duplicates) == (0, 0)


def test_balances_move_by_the_bookings_and_are_never_overdrawn(cast: Demo) -> None:
    files = read(cast.landing, cast.nights[-1])
    moved: dict[tuple[str, dt.date], Decimal] = defaultdict(Decimal)
    for row in files.bookings:
        moved[row["account"], date(row["booked_on"])] += Decimal(row["amount"]) * (1 if row["cr_dr"] == "CR" else -1)
    for account, versions in files.accounts.items():
        for before, after in pairwise(versions):
            at = date(after["updated_on"])
            assert Decimal(after["balance"]) - Decimal(before["balance"]) == moved.pop((account, at)), (account, at)
        assert all(Decimal(row["balance"]) >= 0 for row in versions)
    assert all(at <= cast.history[0] + dt.timedelta(days=400) for _, at in moved), "only first days are left over"


def test_what_is_owed_falls_and_only_the_unpaid_is_overdue(cast: Demo) -> None:
    for versions in read(cast.landing, cast.nights[-1]).loans.values():
        owed = [Decimal(row["owed"]) for row in versions]
        assert owed == sorted(owed, reverse=True)
        assert all((int(row["dpd"]) > 0) == (Decimal(row["overdue"]) > 0) for row in versions)
        assert all((row["owed"] == "0.00") == bool(row["settled_on"]) for row in versions)


def test_identity_numbers_have_their_check_digit_and_belong_to_no_area() -> None:
    for person in CUSTOMERS:
        number = identity_number(person)
        if person.born is None:
            alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
            weighted = sum(alphabet.index(sign) * pow(3, place) for place, sign in enumerate(number))
            assert (weighted - alphabet.index(number[17]) * pow(3, 17) + alphabet.index(number[17])) % 31 == 0
            assert number[2:8] == "990101"
        else:
            digits = [10 if sign == "X" else int(sign) for sign in number]
            assert sum(digit * pow(2, 17 - place) for place, digit in enumerate(digits)) % 11 == 1
            assert number.startswith("990101")


# -- the cast ------------------------------------------------------------------------------------------------------------


def test_each_of_the_cast_shows_what_it_is_there_for_and_nothing_else(cast: Demo) -> None:
    shown = {person.cust_id: dict(person.shows) for person in CUSTOMERS}
    for day in cast.nights:
        found = results(cast.landing, day)
        hits = {
            cust: {entry: level for entry, level in of.items() if level not in ("miss", "unknown", "does not apply")}
            for cust, of in found.items()
        }
        assert hits == shown, day


def test_every_one_of_the_first_eight_indicators_is_a_hit_and_a_miss(cast: Demo) -> None:
    found = results(cast.landing, cast.nights[-1])
    for entry in FIRST:
        levels = Counter(of[entry] for of in found.values())
        assert levels["miss"] > 0, entry
        assert sum(levels.values()) > levels["miss"] + levels["unknown"] + levels["does not apply"], entry


def test_the_warehouse_says_of_every_customer_and_night_what_the_files_say(riverside_all, cast: Demo) -> None:
    """HIT with its level, MISS and UNKNOWN, against the indicators worked out by hand: nothing more, nothing less."""
    key = read_key(riverside_all.key)
    for day in cast.nights:
        published = riverside_all.open.scan("products.risk_signal", as_of=day).collect()
        said = {
            (party, entry): level if result == "HIT" else result.lower()
            for party, entry, result, level in published.select(
                "party_id", "indicator_id", "result", "severity"
            ).iter_rows()
            if entry in FIRST
        }
        worked_out = {
            (key.party_id("core", cust), entry): level
            for cust, entries in results(cast.landing, day).items()
            for entry, level in entries.items()
            if level != "does not apply"
        }
        assert said == worked_out, day


# -- faults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_a_planted_fault_changes_the_file_and_nothing_else(fault: str, cast: Demo, tmp_path: Path) -> None:
    night = shutil.copytree(cast.landing / "daily" / cast.nights[0].isoformat(), tmp_path / "night")
    before = digests(night)
    plant(night / "accounts.1.csv", fault)
    after = digests(night)
    assert [name for name in before if before[name] != after[name]] == ["accounts.1.csv"]


def test_a_fault_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        plant(tmp_path / "x.csv", "cutt")
    assert "extra_column" in str(error.value)
