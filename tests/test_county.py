"""The county bank at work: its deliveries in every way in which they come, and what stands afterwards."""

from __future__ import annotations

import datetime as dt
import hashlib
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from banks_at_work import Hands

from data_contracts.bank import read_bank
from pipelines.demo import Demo, plant
from pipelines.demo.days import number
from pipelines.demo.delivery import Delivery as Sent

D1, D2, D3 = (dt.date(2026, 11, day) for day in (1, 2, 3))
NEVER = "9999"

REFUSALS = {
    "no_control": ("staged.cb_txn", "the delivery is not complete", "its control file beside it"),
    "wrong_count": ("staged.cb_txn", "control total does not reconcile", "rows"),
    "wrong_sum": ("staged.cb_txn", "control total does not reconcile", "(control file)"),
    "wrong_digest": ("staged.cb_dep_acct", "the digest is not that of the control file", "MD5"),
    "other_date": ("staged.cb_txn", "its control file is of another date", "2026-11-02"),
    "rows_of_another_date": ("staged.cb_txn", "a delivery of another date", "dated 2026-11-02"),
    "half": ("staged.cb_dep_acct", "half a full file", "of the last state"),
    "cut": ("staged.cb_txn", "a file cut in mid-line", "a line end after the last line"),
    "not_gb18030": ("staged.cb_cust_ind", "not GB18030", "GB18030 text"),
    "extra_field": ("staged.cb_txn", "lines with a separator too many at their end", "fields"),
}


def landed(hands: Hands) -> dict[str, str]:
    """Digest of each file in landing."""
    files = (path for path in hands.landing.rglob("*") if path.is_file())
    return {str(path.relative_to(hands.landing)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def delivery(hands: Hands, feed: str, day: dt.date, suffix: str = "dat", sequence: int = 1) -> Path:
    (path,) = (hands.landing / f"{day:%Y%m%d}").glob(f"*_{feed}_*_{sequence:02}.{suffix}")
    return path


def staged(hands: Hands, table: str) -> str:
    """A relation of DuckDB over all entries of a table."""
    files = [str(path) for path in hands.open.current.paths(table)]
    return f"read_parquet({files!r}, union_by_name = true)"


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_delivery_that_is_not_what_its_sender_says_is_refused_and_yesterday_stands(county: Hands, fault: str) -> None:
    table, what, detail = REFUSALS[fault]
    plant(county.landing, D2, fault, table.removeprefix("staged."))
    before, lying = county.open.current.id, landed(county)
    said = county("nightly", D2.isoformat(), "--only", table, code=65).output
    assert what in said
    assert detail in said
    assert str(D2) in said or f"{D2:%Y%m%d}" in said
    assert county.open.current.id == before
    assert landed(county) == lying
    assert D2 not in county.open.current.entries(table)


def test_the_same_delivery_twice_changes_nothing(county: Hands) -> None:
    once = ("nightly", D2.isoformat(), "--only", "staged.cb_txn")
    county(*once)
    before = county.bytes_of()
    county(*once)
    assert county.bytes_of() == before
    ledger = (county.warehouse / "_ledger" / "deliveries.jsonl").read_text().splitlines()
    assert '"verdict": "same"' in ledger[-1]


def test_a_corrected_delivery_with_a_higher_number_takes_the_place_of_the_first(county: Hands) -> None:
    once = ("nightly", D2.isoformat(), "--only", "staged.cb_cust_ind")
    county(*once)
    first = county.open.current.entries("staged.cb_cust_ind")[D2]
    plant(county.landing, D2, "corrected", "cb_cust_ind")
    county(*once)
    second = county.open.current.entries("staged.cb_cust_ind")[D2]
    assert second.note["file"] == f"{D2:%Y%m%d}/{delivery(county, 'cb_cust_ind', D2, sequence=2).name}"
    assert (second.sha256, second.rows) != (first.sha256, first.rows)


def nothing(hands: Hands, feed: str, day: dt.date) -> Path:
    """In place of a day's delivery an empty file, and a control file of 0 bytes and 0 rows."""
    path = delivery(hands, feed, day)
    with Sent(hands.landing, feed, number(day)):
        pass
    assert path.stat().st_size == 0
    return path


def test_a_day_without_rows_is_a_delivery_where_the_sender_says_so(county: Hands) -> None:
    total = {"cb_txn": "0.00", "ln_sched": "0.00"}
    for feed, said in total.items():
        path = nothing(county, feed, D2)
        assert path.with_suffix(".flg").read_text().split("|@|")[1:4] == ["0", "0", said]
        county("nightly", D2.isoformat(), "--only", f"staged.{feed}")
        wh = county.open
        assert wh.current.entries(f"staged.{feed}")[D2].rows == wh.current.entries(f"quarantine.{feed}")[D2].rows == 0
        quality = wh.scan(f"quality.{feed}").filter(business_date=D2).collect()
        counts = quality.filter(kind="conservation")["checked"].to_list()
        assert counts == [0] * 5
        assert quality["failed"].sum() == 0
        assert set(quality.filter(kind="control")["rule_id"]) == {"control_rows", "control_sum"}
    landing = county("status").output.partition("\nlanding ")[2].partition("\noutdated")[0]
    assert not {"refused", "held", "half", "unknown"} & set(landing.split())


def test_an_empty_file_that_its_control_file_does_not_announce_is_no_delivery(county: Hands) -> None:
    before = county.open.current.id
    control = nothing(county, "cb_txn", D2).with_suffix(".flg")
    fields = control.read_text().split("|@|")
    control.write_text("|@|".join([*fields[:2], "1", *fields[3:]]))
    nothing(county, "cb_dep_acct", D2)
    for feed in ("cb_txn", "cb_dep_acct"):
        said = county("nightly", D2.isoformat(), "--only", f"staged.{feed}", code=65).output
        assert "an empty file is not a delivery" in said
    assert county.open.current.id == before


def test_a_missing_must_feed_stops_the_night_and_a_missing_hold_feed_does_not(county: Hands) -> None:
    for feed in ("cb_txn", "cb_org"):
        delivery(county, feed, D2).unlink()
        delivery(county, feed, D2, "flg").unlink()
    before = county.open.current.id
    said = county("nightly", D2.isoformat(), "--only", "staged.cb_txn", code=65).output
    assert "staged.cb_txn 2026-11-02: the delivery is absent" in said
    county("nightly", D2.isoformat(), "--only", "staged.cb_org")
    assert county.open.current.id == before
    assert D2 not in county.open.current.entries("staged.cb_org")
    assert "held     cb_org 2026-11-02" in county("status").output


def test_feeds_that_have_never_come_stop_no_night_and_accuse_no_row(county_first: Hands) -> None:
    """Of 64 feeds ten come. What refers to the others cannot be judged, and is not counted as broken."""
    wh, told = county_first.open, county_first("status").output
    came = {name.partition(".")[2] for name in wh.current.tables() if name.startswith("staged.")}
    feeds = read_bank("county").feeds
    assert len(came) == 10
    assert len(feeds) == 64
    for feed in set(feeds) - came:
        assert f"skipped  {feed} {D1}: staged.{feed} {D1}: the delivery is absent" in told
    manager = wh.scan("quality.cb_cust_ind").filter(business_date=D1, rule_id="mgr_id.reference").collect()
    assert manager.select("checked", "failed", "passed").rows() == [(0, 0, None)]
    owner = wh.scan("quality.cb_dep_acct").filter(business_date=D1, rule_id="cust_no.reference").collect()
    assert owner["passed"].item() is True
    assert owner["checked"].item() > 0, "of persons' and firms' lists the one that came is enough"


def sent(hands: Hands, feed: str, day: dt.date, rows: list[str], *, sequence: int = 1) -> None:
    """An increment of core banking, with its control file."""
    stem = hands.landing / f"{day:%Y%m%d}" / f"330327_core_{feed}_{day:%Y%m%d}_inc_{sequence:02}"
    content = "".join(f"{row}\n" for row in rows).encode("gb18030")
    stem.with_suffix(".dat").write_bytes(content)
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    line = [f"{stem.name}.dat", str(len(content)), str(len(rows)), "", digest, f"{day:%Y%m%d}", "inc"]
    stem.with_suffix(".flg").write_text("|@|".join(line) + "\n")


def test_a_feed_begins_with_its_first_good_delivery_and_is_held_from_then_on(county: Hands) -> None:
    begun = ("nightly", D2.isoformat(), "--only", "staged.cb_fx")
    sent(county, "cb_fx", D2, ["CNY|@|20261102|@|2.00000000"])
    county(*begun)
    assert "staged.cb_fx" not in county.open.current.tables(), "the yuan is worth one yuan"
    assert f"skipped  cb_fx {D2}" in county("status").output
    sent(county, "cb_fx", D2, ["CNY|@|20261102|@|1.00000000", "USD|@|20261102|@|7.10000000"], sequence=2)
    county(*begun)
    assert county.open.scan("staged.cb_fx").collect()["mid"].to_list() == [Decimal(1), Decimal("7.1")]
    county("nightly", D3.isoformat(), "--only", "staged.cb_fx")
    assert f"held     cb_fx {D3}" in county("status").output


def test_an_account_whose_row_is_quarantined_does_not_close(county: Hands) -> None:
    path = plant(county.landing, D2, "bad_row", "cb_dep_acct")
    account = path.read_bytes().splitlines()[-1].split(b"|@|")[0].decode()
    for table in ("staged.cb_dep_acct", "conformed.account", "conformed.balance"):
        county("nightly", D2.isoformat(), "--only", table)
    wh = county.open
    quarantined = wh.scan("quarantine.cb_dep_acct").filter(business_date=D2).collect()
    assert quarantined["acct_no"].to_list() == [account]
    assert quarantined["open_date"].to_list() == ["20260231"]
    row = duckdb.sql(
        f"select _op, _held_since from {staged(county, 'staged.cb_dep_acct')} "
        f"where acct_no = '{account}' order by business_date desc limit 1"
    ).fetchall()
    assert row == [("U", D2)]
    for table in ("conformed.account", "conformed.balance"):
        operations = duckdb.sql(
            f"select distinct _op from {staged(county, table)} where account_id = '{account}'"
        ).fetchall()
        assert ("D",) not in operations


def test_a_balance_that_moved_without_a_booking_refuses_the_bookings(county: Hands) -> None:
    """One of some 150 accounts is more than the bank allows; nobody knows which of the two feeds is wrong."""
    path, control = delivery(county, "cb_dep_acct", D2), delivery(county, "cb_dep_acct", D2, "flg")
    first, *others = path.read_bytes().decode("gb18030").splitlines(keepends=True)
    fields = first.split("|@|")
    place = list(read_bank("county").feeds["cb_dep_acct"].columns).index("balance")
    fields[place] = str(Decimal(fields[place]) + 1)
    content = "".join(["|@|".join(fields), *others]).encode("gb18030")
    path.write_bytes(content)
    name, _, rows, total, _, *rest = control.read_text().split("|@|")
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    control.write_text("|@|".join([name, str(len(content)), rows, str(Decimal(total) + 1), digest, *rest]))
    county("nightly", D2.isoformat(), "--only", "staged.cb_dep_acct")
    said = county("nightly", D2.isoformat(), "--only", "staged.cb_txn", code=65).output
    assert "Q30_many" in said
    assert D2 not in county.open.current.entries("staged.cb_txn")


def test_balances_roll_forward_to_the_fen_on_every_account_and_day(county_first: Hands) -> None:
    wrong, checked = duckdb.sql(
        f"""
        with state as (
            select acct_no, balance, business_date,
                lag(balance) over of_account as before, lag(business_date) over of_account as since,
                lead(business_date) over of_account as until
            from {staged(county_first, "staged.cb_dep_acct")}
            window of_account as (partition by acct_no order by business_date)
        ),
        movement as (
            select acct_no, txn_date, sum(case when dc_flag = 'C' then amount else -amount end) as net
            from {staged(county_first, "staged.cb_txn")}
            group by all
        ),
        moved as (
            select state.acct_no, state.business_date, state.balance - coalesce(state.before, 0) as moved,
                sum(coalesce(net, 0)) as net, state.since
            from state
            left join movement on movement.acct_no = state.acct_no
                and movement.txn_date <= state.business_date
                and movement.txn_date > coalesce(state.since, date '1900-01-01')
            group by all
        )
        select count(*) filter (where moved <> net), count(*) from moved where since is not null
        """
    ).fetchall()[0]
    assert wrong == 0
    assert checked > 1000


def test_what_moved_after_the_last_state_of_an_account_is_nothing(county_first: Hands) -> None:
    late = duckdb.sql(
        f"""
        select count(*)
        from {staged(county_first, "staged.cb_txn")} as booking
        join (select acct_no, max(business_date) as last from {staged(county_first, "staged.cb_dep_acct")} group by all)
            as state using (acct_no)
        where booking.txn_date > state.last
        """
    ).fetchall()
    assert late == [(0,)]


def test_foreign_currency_is_unknown_in_yuan_and_warned_of(county_first: Hands) -> None:
    wh = county_first.open
    balances = wh.scan("conformed.balance").collect()
    foreign = balances.filter(pl.col("currency") != "CNY")
    assert foreign.height > 0
    assert foreign["balance"].null_count() == foreign.height
    assert foreign["balance_fcy"].null_count() == 0
    assert balances.filter(pl.col("currency") == "CNY")["balance"].null_count() == 0
    warned = wh.scan("quality.cb_dep_acct").filter(rule_id="fx_without_rate", business_date=D1).collect()
    assert warned["failed"].item() > 0
    assert warned["severity"].item() == "warning"
    owners = wh.scan("conformed.account_holder").filter(pl.col("account_id").is_in(foreign["account_id"])).collect()
    known = wh.scan("features.party").filter(pl.col("party_id").is_in(owners["party_id"])).collect()
    assert known["aum_d"].null_count() == known.height > 0


def test_foreign_currency_is_known_in_yuan_from_the_first_rate_on(county: Hands) -> None:
    """And a night without a rate takes the last one."""
    before = county.open.scan("conformed.balance").filter(pl.col("currency") != "CNY").collect()
    mids = {ccy: Decimal(f"{7 + number}.12345678") for number, ccy in enumerate(sorted(set(before["currency"])))}
    rows = [f"{ccy}|@|{D2:%Y%m%d}|@|{mid}" for ccy, mid in {"CNY": Decimal("1.00000000"), **mids}.items()]
    sent(county, "cb_fx", D2, rows)
    made = ["staged.cb_fx", "staged.cb_dep_acct", "staged.cb_txn", "conformed.balance", "conformed.transaction"]
    chosen = [part for table in made for part in ("--only", table)]
    for day in (D2, D3):
        county("nightly", day.isoformat(), *chosen)
        wh = county.open
        balances = wh.scan("conformed.balance").filter(pl.col("currency") != "CNY").collect()
        assert balances.height == before.height > 0
        for ccy, delivered, worth in balances.select("currency", "balance_fcy", "balance").iter_rows():
            assert worth == (delivered * mids[ccy]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        booked = wh.scan("conformed.transaction").filter(pl.col("currency") != "CNY", business_date=day).collect()
        for ccy, delivered, worth in booked.select("currency", "amount_fcy", "amount").iter_rows():
            assert worth == (delivered * mids[ccy]).quantize(Decimal("0.01"), ROUND_HALF_UP)
        warned = wh.scan("quality.cb_dep_acct").filter(rule_id="fx_without_rate", business_date=day).collect()
        assert warned["failed"].item() == 0, "the last rate is a rate"
    assert set(balances["valid_from"]) <= {D2, D3}


def test_the_planted_row_is_caught_where_it_was_planted(county_first: Hands) -> None:
    caught = county_first.open.scan("quarantine.cb_cust_ind").filter(business_date=D1).collect()
    assert caught["open_date"].to_list() == ["20260231"]
    assert caught["_rules"].to_list() == [["open_date.parse"]]
    path = delivery(county_first, "cb_cust_ind", D1)
    assert caught["_line"].to_list() == [len(path.read_bytes().splitlines())]


@pytest.mark.slow
def test_a_delivery_that_comes_again_after_the_next_night_gives_the_bytes_of_a_right_first_one(
    county: Hands, county_first: Hands, tmp_path: Path
) -> None:
    right = county_first.copy(tmp_path / "right")
    for bank in (county, right):
        for feed in ("cb_cust_ind", "cb_dep_acct", "cb_txn"):
            plant(bank.landing, D2, "corrected", feed)
    corrected = list((county.landing / f"{D2:%Y%m%d}").glob("*_02.*"))
    assert len(corrected) == 6
    held_back = {path: path.rename(tmp_path / path.name) for path in corrected}  # when they came stays as it was
    right("backfill", D2.isoformat(), D3.isoformat())
    county("nightly", D2.isoformat())
    county("nightly", D3.isoformat())
    assert county.bytes_of() != right.bytes_of()
    for path, away in held_back.items():
        away.rename(path)
    county("nightly", D2.isoformat())
    assert "outdated" in county("status").output
    county("backfill", D2.isoformat(), D3.isoformat())
    assert county.bytes_of() == right.bytes_of()


def test_the_demo_has_the_dates_that_these_tests_speak_of(county_demo: Demo) -> None:
    assert county_demo.nights == (D1, D2, D3)
