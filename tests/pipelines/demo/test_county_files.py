"""What the county delivers: names, control files, keys, references and codes, as the ten contracts want them."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from county_files import COLUMNS, EVENTS, KEYS, Landing, control, counted, find, read

from data_contracts.bank import read_bank
from data_contracts.judge import judge
from liangcang.engine import Engine
from liangcang.errors import UsageError
from pipelines.demo import write_county

CODES = {
    "cb_cust_ind": {
        "id_type": "10 11 12 20 30 31 32 40 50 99",
        "gender": "1 2 9",
        "marital": "10 20 30 40 90",
        "education": "10 20 30 40 60 70 80 90",
        "farmer_flag": "0 1",
        "cust_status": "0 1 2 3 4",
        "aml_risk": "1 2 3 4 5",
        "consent_mkt": "0 1 9",
        "consent_auto": "0 1",
    },
    "cb_dep_acct": {
        "acct_class": "0 1 2 3",
        "acct_type": "01 02 03 04 05 06",
        "ccy": "CNY USD",
        "acct_status": "0 1 2 3 4 5",
        "payroll_flag": "0 1",
    },
    "cb_txn": {
        "dc_flag": "C D",
        "txn_type": "1001 1002 2001 2002 2003 2004 2005 2006 2007 2008 2009 2010 2011 2012 2013 2099",
        "channel": "01 02 03 04 05 06 07 08 09",
        "rev_flag": "0 1 2",
    },
    "cb_org": {"org_level": "1 2 3 4"},
    "cb_product": {"family": "DP LN CC WM EB AC IN FD PM"},
    "cb_calendar": {"is_workday": "0 1", "is_batch_day": "0 1"},
    "ln_contract": {
        "guar_type": "1 2 3 4 5 6",
        "purpose": "01 02 03 04 05 06 07 08 09 99",
        "repay_mode": "1 2 3 4 5",
        "status": "1 2 3 4",
    },
    "ln_due": {"renew_type": "0 1 2", "writeoff": "0 1", "ext_flag": "0 1", "restr_flag": "0 1"},
    "ln_repay": {"repay_type": "1 2 3 4 5 6"},
}


def digests(folder: Path) -> dict[str, str]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(params=["county", pytest.param("five_thousand", marks=pytest.mark.slow)])
def five_thousand_or_county(request):
    return request.getfixturevalue(request.param)


def all_files(landing: Path) -> list[Path]:
    return sorted(landing.rglob("*.dat"))


# -- the bytes -----------------------------------------------------------------------------------------------------------


def test_the_same_arguments_give_the_same_bytes_and_another_seed_another_crowd(tmp_path):
    first, again = (write_county(tmp_path / name, customers=60, months=1, nights=1) for name in ("first", "again"))
    assert digests(again.landing.parent) == digests(first.landing.parent)
    other = write_county(tmp_path / "other", customers=60, months=1, nights=1, seed=8)
    assert digests(other.landing) != digests(first.landing)
    assert (first.history[1].isoformat(), [day.isoformat() for day in first.nights]) == ("2026-10-31", ["2026-11-01"])


@pytest.mark.parametrize("nights", [12, pytest.param(45, marks=pytest.mark.slow)])
def test_more_nights_change_nothing_that_was_written_with_fewer(tmp_path, nights):
    few = write_county(tmp_path / "few", customers=50, months=1, nights=1)
    many = write_county(tmp_path / "many", customers=50, months=1, nights=nights)
    written, found = digests(few.landing), digests(many.landing)
    assert {name: found[name] for name in written} == written
    assert len(found) == len(written) + 20 * (nights - 1)


def test_a_bank_is_never_written_over_and_sizes_that_cannot_be_are_refused(county, tmp_path):
    with pytest.raises(UsageError, match="there is a landing in this folder already"):
        write_county(county.folder)
    for size in ({"customers": 5}, {"months": 0}, {"months": 35}, {"nights": 91}, {"activity": 0.0}):
        with pytest.raises(UsageError):
            write_county(tmp_path / "new", **size)
    assert not (tmp_path / "new").exists()


# -- names and control files ---------------------------------------------------------------------------------------------


def test_the_landing_has_the_ten_feeds_of_every_night_and_of_the_history(county):
    names = {str(path.relative_to(county.folder / "landing")) for path in all_files(county.folder / "landing")}
    wanted = set()
    for feed in COLUMNS:
        system = "loan" if feed.startswith("ln_") else "core"
        wanted.add(f"hist/330327_{system}_{feed}_20261031_hist_01.dat")
        kind = "inc" if feed in {"cb_txn", "ln_sched", "ln_repay"} else "full"
        wanted |= {f"{day}/330327_{system}_{feed}_{day}_{kind}_01.dat" for day in county.files.nights}
    assert names == wanted


def test_every_control_file_says_what_its_file_is(county):
    for file in all_files(county.folder / "landing"):
        assert control(file) == counted(file)


def test_text_is_gb18030_with_rare_characters_and_characters_that_look_like_separators(county):
    everybody = find(county.files.folder, "cb_cust_ind", county.files.nights[0]).read_bytes()
    assert "𠮷".encode("gb18030") + b"|@|" in everybody, "four bytes"
    assert "億".encode("gb18030")[1:] == b"|"
    assert "億".encode("gb18030") + b"|@|" in everybody, "its second byte stands beside the separator"
    names = read(find(county.files.folder, "cb_cust_ind", county.files.nights[0]))["cust_name"]
    assert names.str.len_chars().is_between(2, 4).all()


# -- rows ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feed", COLUMNS)
def test_keys_are_unique_in_every_file_and_histories_are_in_order_of_date(county, feed):
    files = county.files
    for day in files.nights:
        rows = files.of(feed, day)
        assert rows.select(KEYS[feed]).is_duplicated().sum() == 0
    history = files.of(feed)
    date = {"cb_txn": "txn_date", "ln_repay": "repay_date"}.get(feed, "state_date")
    assert history[date].is_sorted()
    assert history.select({*KEYS[feed], date}).is_duplicated().sum() == 0
    assert str(history[date].max()) <= "2026-10-31"


@pytest.mark.parametrize(("feed", "column"), [(feed, column) for feed, columns in CODES.items() for column in columns])
def test_codes_are_those_of_the_feed(county, feed, column):
    rows = county.files.events(feed) if feed in EVENTS else county.files.states(feed)
    assert set(rows[column].drop_nulls()) <= set(CODES[feed][column].split())


REFERENCES = [
    ("cb_txn", "acct_no", "cb_dep_acct"),
    ("cb_txn", "cust_no", "cb_cust_ind"),
    ("cb_txn", "cp_cust_no", "cb_cust_ind"),
    ("cb_dep_acct", "cust_no", "cb_cust_ind"),
    ("cb_dep_acct", "product_code", "cb_product"),
    ("cb_dep_acct", "org_no", "cb_org"),
    ("cb_cust_ind", "org_no", "cb_org"),
    ("ln_contract", "cust_no", "cb_cust_ind"),
    ("ln_contract", "product_code", "cb_product"),
    ("ln_contract", "org_no", "cb_org"),
    ("ln_due", "contract_no", "ln_contract"),
    ("ln_due", "cust_no", "cb_cust_ind"),
    ("ln_due", "repay_acct", "cb_dep_acct"),
    ("ln_due", "disb_acct", "cb_dep_acct"),
    ("ln_sched", "due_no", "ln_due"),
    ("ln_repay", "due_no", "ln_due"),
    ("ln_repay", "payer_acct", "cb_dep_acct"),
]


@pytest.mark.parametrize(("feed", "column", "parent"), REFERENCES)
def test_what_a_row_names_was_there_on_its_day(county, feed, column, parent):
    files: Landing = county.files
    (key,) = KEYS[parent]
    since = files.states(parent).group_by(key).agg(pl.col("state_date").min().alias("since"))
    rows = files.events(feed) if feed in EVENTS else files.states(feed)
    date = {"cb_txn": "txn_date", "ln_repay": "repay_date"}.get(feed, "state_date")
    first = files.of("cb_txn")["txn_date"].min()
    named = rows.filter(pl.col(column).is_not_null() & (pl.col(date) >= first))
    assert named.height
    found = named.join(since, left_on=column, right_on=key, how="left")
    assert found.filter(pl.col("since").is_null() | (pl.col("since") > pl.col(date))).height == 0


def test_repayments_reach_back_to_the_day_the_money_was_paid_out(county):
    repaid = county.files.events("ln_repay")
    assert repaid["repay_date"].min() < county.files.of("cb_txn")["txn_date"].min()
    assert set(repaid["due_no"]) <= set(county.files.last("ln_due")["due_no"])


# -- identity --------------------------------------------------------------------------------------------------------------


def test_resident_ids_are_well_formed_but_for_a_few_and_belong_to_no_county(five_thousand_or_county):
    customers = five_thousand_or_county.files.last("cb_cust_ind").filter(id_type="10")
    assert (customers["id_no"].str.slice(2, 2) == "99").all(), "no such prefecture"
    assert customers["id_no"].n_unique() == customers.height
    modern = customers.filter(pl.col("id_no").str.len_chars() == 18)
    wrong = 0
    for number, born, sex in modern.select("id_no", "birth_date", "gender").iter_rows():
        digits = [10 if sign == "X" else int(sign) for sign in number]
        wrong += sum(digit * pow(2, 17 - place) for place, digit in enumerate(digits)) % 11 != 1
        assert number[6:14] == f"{born:%Y%m%d}"
        assert int(number[16]) % 2 == (sex == "1")
    assert 1 <= wrong <= max(1, modern.height // 200)


def test_six_people_share_one_mobile(county):
    shared = county.files.last("cb_cust_ind").drop_nulls("mobile").group_by("mobile").len().filter(pl.col("len") > 1)
    assert shared["len"].to_list() == [6]


# -- the contracts ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(read=[], write=None, spill=tmp_path) as opened:
        yield opened


def wrong_resident_ids(customers: pl.DataFrame) -> int:
    numbers = customers.filter(pl.col("id_type") == "10", pl.col("id_no").str.len_chars() == 18)["id_no"]
    return sum(
        sum(int(sign.replace("X", "10")) * pow(2, 17 - place) for place, sign in enumerate(number)) % 11 != 1
        for number in numbers
    )


def test_every_row_of_a_night_is_good_by_the_countys_contracts(county, engine):
    night = county.files.nights[0]
    for feed in KEYS:
        contract = read_bank("county").feeds[feed]
        frame = read(find(county.files.folder, feed, night)).fill_null("")
        assert frame.columns == list(contract.columns)
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
        engine.register("raw", frame.with_columns(number.alias("_row_no"), number.alias("_line")))
        engine.con.execute("create or replace table rejected (_row_no bigint, _line bigint, _text varchar)")
        found = judge(engine.con, contract, business_date=dt.date(2026, 11, 1))
        assert (found.good, found.refused) == (frame.height, None), feed
        broken = {result.rule_id for result in found.results if result.failed and result.severity}
        assert broken <= {"fx_without_rate", "Q15"}, "dollars have no rate yet; a few resident IDs are wrong"
        if feed == "cb_cust_ind":
            assert found.result("Q15").failed == wrong_resident_ids(frame)


def test_the_nights_hold_every_key_of_the_day_before(county):
    for feed in ("cb_cust_ind", "cb_dep_acct", "ln_contract", "ln_due", "cb_org", "cb_product", "cb_calendar"):
        history = county.files.of(feed).drop("state_date")
        files = [history, *(county.files.of(feed, day) for day in county.files.nights)]
        for before, after in itertools.pairwise(files):
            assert set(before.select(KEYS[feed]).iter_rows()) <= set(after.select(KEYS[feed]).iter_rows()), feed


def test_what_did_not_change_on_the_first_night_reads_as_the_history_left_it(five_thousand_or_county):
    """The states of the history and the first full files fit together: what is otherwise changed on that night."""
    files = five_thousand_or_county.files
    night = files.nights[0]

    def changed(feed: str) -> pl.DataFrame:
        left = files.of(feed).sort("state_date", maintain_order=True)
        left = left.unique(KEYS[feed], keep="last", maintain_order=True).drop("state_date")
        return files.of(feed, night).join(left, on=left.columns, how="anti", nulls_equal=True)

    assert set(changed("cb_cust_ind")["upd_ts"].str.slice(0, 8)) <= {night}
    assert changed("cb_org").is_empty()
    assert changed("cb_product").is_empty()
    assert changed("cb_calendar").is_empty()
    booked, today = set(files.of("cb_txn", night)["acct_no"]), dt.date(2026, 11, 1)
    accounts = changed("cb_dep_acct").filter(~pl.col("acct_no").is_in(booked))
    status = pl.col("acct_status").is_in(["1", "2", "3"]) | (pl.col("open_date") == today)
    assert accounts.filter(~status).is_empty()
    assert accounts.height <= 3, "one in thousands, on one day"
    repaid = set(files.of("ln_repay", night)["due_no"])
    receipts = changed("ln_due").filter(pl.col("dpd") == 0, pl.col("disb_date") < today)
    assert set(receipts["due_no"]) <= repaid, "the others are one more day late"
    contracts = changed("ln_contract").filter(pl.col("sign_date") < today)
    assert contracts.height <= 3


def test_a_record_says_when_it_was_changed(five_thousand_or_county):
    history = five_thousand_or_county.files.of("cb_cust_ind")
    told = history["upd_ts"].str.slice(0, 8).str.to_date("%Y%m%d")
    first = history["state_date"].min()
    assert history.filter(pl.col("state_date") > first, pl.col("state_date") != told).is_empty()
    assert (told <= history["state_date"]).all()
