"""All 64 feeds of the county: every file keeps its contract, and what one system says another does not deny."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from banks_at_work import hands
from county_judged import Court, broken

from data_contracts.bank import read_bank
from data_contracts.conform import ConformSelect
from liangcang.engine import Engine
from liangcang.errors import UsageError
from pipelines.demo import Demo, plant, write_county
from pipelines.demo.delivery import CORE_AND_LOANS, places
from pipelines.demo.rule_faults import RULES

FIRST = dt.date(2026, 11, 1)
MEANT = {"cb_cust_ind": {"Q15"}}
"""What core banking's own files show on purpose: a few wrong resident IDs."""
BESIDE_NIGHTS = {"Q13", "Q14", "Q60"}
"""Rules that need the nights before: real nights show those."""
ROLLED = {"Q30", "Q30_many"}
ALSO = {
    "Q09": {"Q31", "Q39"} | ROLLED,
    "Q11": {"Q32"} | ROLLED,
    **dict.fromkeys(("Q12", "Q30", "Q30_many"), ROLLED),
    "Q18": {"Q15"},
    "Q32": {"dc_flag.enum", "Q35"},
    "Q19": {"mobile.pattern"},
}
"""What a fault cannot help to break beside its rule: a booking that is wrong leaves its account's balance unexplained."""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """120 customers, two months and a night of all feeds. Only to be read."""
    return write_county(
        tmp_path_factory.mktemp("all-feeds"), customers=120, months=2, nights=1, bad_row=False, feeds="all"
    )


@pytest.fixture(scope="module")
def court(bank: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    """Judges the bank's files, and keeps what they said."""
    folder = tmp_path_factory.mktemp("court")
    with Engine(read=[folder], write=None, spill=folder) as engine:
        yield Court(engine, read_bank("county").feeds, bank.landing, folder)


@pytest.fixture(scope="module")
def first_night(court: Court) -> dict[str, tuple[set[str], int]]:
    """Of each feed on the first night the rules that it breaks, and its good rows; nothing was refused."""
    found = {}
    for feed, judgement in court.history(*court.of_the_day_before):
        assert judgement.refused is None, feed
    for feed, judgement in court.night(FIRST):
        assert judgement.refused is None, feed
        assert judgement.rejected == judgement.exact_duplicates == 0, feed
        unjudged = {result.rule_id for result in judgement.results if result.severity and result.passed is None}
        assert not unjudged, feed
        found[feed] = (set(broken(judgement)), judgement.good)
    return found


def rows(court: Court, query: str) -> list[tuple[object, ...]]:
    return court.engine.con.execute(query).fetchall()


def test_every_file_of_a_night_keeps_its_contract(first_night: dict[str, tuple[set[str], int]]) -> None:
    assert set(first_night) == set(places())
    assert len(first_night) == 64
    for feed, (rules, _) in first_night.items():
        assert rules <= MEANT.get(feed, set()), feed


def test_what_a_first_night_has_to_say_is_there(first_night: dict[str, tuple[set[str], int]]) -> None:
    """A feed without rows keeps every rule: most have some, and those that may be silent for a day are few."""
    silent = {feed for feed, (_, good) in first_night.items() if not good}
    assert silent <= {
        *("bc_app", "bc_collect", "cc_txn", "cr_liab", "cr_public", "crm_visit", "fb_complaint", "fb_survey"),
        *("ln_repay", "px_control", "px_env", "wm_order", "bc_fin", "crm_touch", "cu_points"),
    }


def test_the_general_ledger_is_what_the_accounts_hold(
    court: Court, first_night: dict[str, tuple[set[str], int]]
) -> None:
    """Beside rules Q36 to Q38, with the ledger's own words: deposits and cards to the fen, debits equal to credits."""
    assert rows(court, "select sum(dr_bal) - sum(cr_bal) from staged.cb_gl") == [(0,)]
    deposits = "select ccy, sum(balance) from staged.cb_dep_acct group by ccy order by ccy"
    booked = "select ccy, sum(cr_bal - dr_bal) from staged.cb_gl where subject like '2011%' group by ccy order by ccy"
    assert rows(court, booked) == rows(court, deposits)
    cards = "select sum(dr_bal - cr_bal) from staged.cb_gl where subject = '13050101'"
    assert rows(court, cards) == rows(court, "select sum(balance) from staged.cc_acct")


CLAIMS = {
    "the bureau shows of our own loans what the loan system shows": (
        "staged.cr_acct where own_flag = '1'",
        """
        select 1 from staged.cr_acct as a join staged.cr_report as r using (report_no)
        where a.own_flag = '1' and a.acct_kind = 'D1' and not exists (
            select 1 from staged.ln_due as d join staged.cb_cust_ind as c using (cust_no)
            where c.id_no = r.subject_id and d.principal = a.balance and d.disb_date = a.open_date)
        """,
    ),
    "a report's summary counts its details": (
        "staged.cr_summary",
        """
        select 1 from staged.cr_summary as s where s.loan_cnt <> (
            select count(*) from staged.cr_acct as a
            where a.report_no = s.report_no and a.acct_kind <> 'R2' and a.acct_status not in ('3', '5', '6'))
        """,
    ),
    "who has a card is a customer and of age": (
        "staged.cc_acct",
        """
        select 1 from staged.cc_acct as a left join staged.cb_cust_ind as c using (cust_no)
        where c.cust_no is null or c.birth_date > date '2008-11-01'
        """,
    ),
    "a firm's owner speaks for it": (
        "staged.bc_relation where rel = '11'",
        """
        select 1 from staged.bc_relation as b join staged.cb_cust_corp as f on f.cust_no = b.b_no
        join staged.cb_cust_ind as c on c.cust_no = b.a_no
        where b.rel = '11' and f.legal_name <> c.cust_name
        """,
    ),
    "tax is declared by firms that the bank knows": (
        "staged.px_tax",
        "select 1 from staged.px_tax as t left join staged.cb_cust_corp as f using (uscc) where f.uscc is null",
    ),
    "the registry calls a firm what the bank calls it": (
        "staged.px_reg",
        "select 1 from staged.px_reg as g join staged.cb_cust_corp as f using (uscc) where f.corp_name <> g.corp_name",
    ),
    "what our customers paid at a shop is part of what came in there": (
        "staged.cb_txn join staged.mc_day using (merchant_id)",
        """
        select 1 from (
            select merchant_id, sum(amount) as paid from staged.cb_txn
            where dc_flag = 'D' and txn_type in ('2003', '2004') and rev_flag = '0' group by merchant_id) as t
        join staged.mc_day as d using (merchant_id) where t.paid > d.amt
        """,
    ),
    "social security names a paying unit that the bank knows": (
        "staged.px_social where emp_uscc is not null",
        """
        select 1 from staged.px_social as s left join staged.cb_cust_corp as f on f.uscc = s.emp_uscc
        where s.emp_uscc is not null and f.uscc is null
        """,
    ),
    "collection calls where a receipt is past due": (
        "staged.bc_collect",
        "select 1 from staged.bc_collect as a left join staged.ln_due as d using (due_no) where coalesce(d.dpd, 0) = 0",
    ),
    "nobody is listed for a default without one": (
        "staged.bc_list where list_kind = 'B04'",
        """
        select 1 from staged.bc_list as l join staged.cb_cust_ind as c using (id_no)
        where l.list_kind = 'B04' and not exists (
            select 1 from staged.ln_due as d
            where d.cust_no = c.cust_no and (d.dpd > 90 or d.writeoff = '1' or d.settle_date is not null))
        """,
    ),
}
"""What two systems say of one thing: rows that speak of it, and the rows in which one denies the other."""


@pytest.mark.parametrize("claim", CLAIMS)
def test_no_system_denies_what_another_says(
    court: Court, first_night: dict[str, tuple[set[str], int]], claim: str
) -> None:
    of, denied = CLAIMS[claim]
    assert rows(court, f"select count(*) > 0 from {of}") == [(True,)]
    assert rows(court, denied) == []


def test_the_ten_feeds_are_the_same_whether_the_others_are_written_or_not(bank: Demo, tmp_path: Path) -> None:
    """All but the list of products, to which cards and wealth add theirs."""
    alone = write_county(tmp_path, customers=120, months=2, nights=1, bad_row=False)
    for path in alone.landing.rglob("*.*"):
        other = bank.landing / path.relative_to(alone.landing)
        same = hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(other.read_bytes()).digest()
        assert same or "cb_product" in path.name, path.name


@pytest.fixture(scope="module")
def hundreds(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """1,500 customers, thirteen months and four nights: every feed has something to say."""
    folder = tmp_path_factory.mktemp("all-feeds-large")
    return write_county(folder, customers=1_500, months=13, nights=4, bad_row=False, feeds="all")


@pytest.mark.slow
def test_every_file_of_a_larger_bank_keeps_its_contract_histories_too(hundreds: Demo, tmp_path: Path) -> None:
    found: dict[str, set[str]] = {feed: set() for feed in places()}
    good = dict.fromkeys(places(), 0)
    with Engine(read=[tmp_path], write=None, spill=tmp_path) as engine:
        court = Court(engine, read_bank("county").feeds, hundreds.landing, tmp_path)
        for of_day in (court.history(), *(court.night(day) for day in hundreds.nights)):
            for feed, judgement in of_day:
                assert judgement.refused is None, feed
                found[feed] |= set(broken(judgement))
                good[feed] += judgement.good
    meant = {feed: rules for feed, rules in found.items() if rules}
    assert set(meant) <= set(CORE_AND_LOANS), "core banking has what it has on purpose, the others nothing"
    assert meant["cb_txn"] == {"Q24"}, "one who died and paid all the same"
    assert [feed for feed, rows_ in good.items() if not rows_] == []


@pytest.mark.slow
def test_more_nights_change_nothing_in_any_feed(hundreds: Demo, tmp_path: Path) -> None:
    few = write_county(tmp_path, customers=1_500, months=13, nights=1, bad_row=False, feeds="all")
    written = sorted(path.relative_to(few.landing) for path in few.landing.rglob("*.*"))
    differ = [
        str(path) for path in written if (few.landing / path).read_bytes() != (hundreds.landing / path).read_bytes()
    ]
    assert differ == []


@pytest.mark.slow
def test_those_of_whom_the_truth_says_default_are_on_the_lists_and_before_the_courts(hundreds: Demo) -> None:
    """And nobody else is: lists and courts follow from the same lives as the loans."""
    truth = pl.read_parquet(hundreds.truth).filter(pl.col("default_on") < dt.date(2026, 9, 1))
    assert truth.height > 1
    day = hundreds.landing / "20261104"
    listed = (day / "330327_credit_bc_list_20261104_full_01.dat").read_bytes().decode("gb18030")
    cases = gzip.decompress(
        (hundreds.landing / "20261101/330327_partner_px_court_20261101_inc_01.jsonl.gz").read_bytes()
    )
    customers = (day / "330327_core_cb_cust_ind_20261104_full_01.dat").read_bytes().decode("gb18030").splitlines()
    papers = {fields[0]: (fields[1], fields[3]) for fields in (line.split("|@|") for line in customers)}
    debtors = [papers[number] for number in truth["cust_no"]]
    black = {line.split("|@|")[3] for line in listed.splitlines() if "BLB04" in line}
    assert sum(number in black for _, number in debtors) >= len(debtors) - 1, "one may have no right ID"
    sued = {json.loads(line)["party_name"] for line in cases.decode().splitlines()}
    assert {name for name, _ in debtors} <= sued


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "feed"), [(rule, feed) for rule, feeds in RULES.items() for feed in feeds if rule not in BESIDE_NIGHTS]
)
def test_a_rule_finds_the_fault_that_is_planted_for_it_and_no_other_rule_does(
    faults_court: Court, hundreds: Demo, tmp_path: Path, rule: str, feed: str
) -> None:
    night = f"{FIRST:%Y%m%d}"
    shutil.copytree(hundreds.landing / night, tmp_path / night)
    try:
        plant(tmp_path, FIRST, rule, feed)
    except UsageError as error:
        pytest.skip(str(error))
    before = broken(faults_court.alone(hundreds.landing, feed, FIRST))
    after = broken(faults_court.alone(tmp_path, feed, FIRST))
    found = {name for name, failed in after.items() if failed != before.get(name)}
    kinds = {
        "Q19": {"Q19", "mobile.pattern"},
        "Q09": {"key"},
        "Q10": {".required"},
        "Q11": {".enum"},
        "Q12": {".reference"},
    }.get(rule, {rule})
    beside = ALSO.get(rule, set())
    assert any(name == kind or name.endswith(kind) for name in found for kind in kinds), (found, before, after)
    assert {name for name in found if not any(name == kind or name.endswith(kind) for kind in kinds)} <= beside


def test_every_rule_of_the_data_standard_that_a_contract_has_can_be_planted() -> None:
    written = {
        (rule.id, feed)
        for feed, contract in read_bank("county").feeds.items()
        for rule in contract.rules
        if re.fullmatch(r"Q\d\d(_\w+)?", rule.id)
    }
    assert len(written) > 50
    assert written - {(rule, feed) for rule, feeds in RULES.items() for feed in feeds} == set()


@pytest.fixture(scope="module")
def faults_court(hundreds: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Court]:
    """The larger bank's first night, seen and kept."""
    folder = tmp_path_factory.mktemp("faults-court")
    with Engine(read=[folder], write=None, spill=folder) as engine:
        court = Court(engine, read_bank("county").feeds, hundreds.landing, folder)
        for feed, judgement in [*court.history(*court.of_the_day_before), *court.night(FIRST)]:
            assert judgement.refused is None, feed
        yield court


@pytest.mark.slow
def test_a_real_night_of_all_feeds_publishes_and_status_shows_them_without_a_breach(bank: Demo, tmp_path: Path) -> None:
    county = hands(tmp_path, bank="county", landing=bank.landing)
    county("nightly", FIRST.isoformat())
    assert {name.removeprefix("staged.") for name in county.open.current.tables() if name.startswith("staged.")} == set(
        places()
    )
    status = county("status").output
    feeds = status.partition("\nfeeds, as of")[2].partition("\nquality of")[0].splitlines()[1:]
    assert sum("fresh" in line for line in feeds) == 64
    *breaches, standing = status.partition("(breaches only)\n")[2].partition("\n\n")[0].splitlines()
    on_purpose = {("cb_cust_ind", "Q15"), ("cb_txn", "Q24")}
    assert {tuple(line.split()[:2]) for line in breaches} <= on_purpose, "wrong IDs; who died and paid all the same"
    issues = county.open.scan("quality.issue").collect()
    assert set(issues.select("feed", "rule_id").iter_rows()) <= on_purpose
    assert f"{issues.height} issue" in standing
    assert "0 not yet taken, 0 files that no contract names" in status
    of_one_feed = {name: select for name, select in read_bank("county").conform.items() if _one_feed(select)}
    assert len(of_one_feed) > 50
    for name, select in of_one_feed.items():
        delivered, made = (county.open.scan(table).collect() for table in (_one_feed(select), f"conformed.{name}"))
        assert made.height == delivered.height, name
        assert set(made["_feed"]) <= {str(_one_feed(select)).removeprefix("staged.")}, name
        known = [column for column in made.columns if column.endswith("party_id") and made[column].null_count()]
        assert not known or name in SOME_ARE_NO_CUSTOMERS, (name, known)
    parties = county.open.scan("conformed.party").collect()
    assert set(parties["party_type"]) == {"person", "enterprise", "self_employed"}
    assert parties["party_id"].null_count() == 0
    assert parties["party_id"].n_unique() == parties.height


SOME_ARE_NO_CUSTOMERS = {
    "account_control",
    "channel_event",
    "complaint",
    "court_record",
    "customer_visit",
    "employee",
    "fraud_list",
    "guarantee",
    "loan_application",
    "name_list",
    "shareholding",
    "transaction",
}
"""Tables with rows of nobody's, or of people whom the bank does not know; courts publish masked numbers."""


def _one_feed(select: ConformSelect) -> str | None:
    """The feed of a table that has one row for each of a feed's."""
    feeds = [name for name in select.inputs if name.startswith("staged.") and name != "staged.cb_fx"]
    alone = len(feeds) == 1 or select.table == "conformed.exchange_rate"
    return (feeds or ["staged.cb_fx"])[0] if alone and select.table != "parties.party_map" else None
