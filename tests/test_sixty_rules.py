"""The sixty rules of the data standard on real nights: a clean one has nothing to say, and each fault is caught by its rule."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from banks_at_work import Hands, hands

from assets.sources import ledger
from data_contracts.numbers import number_of
from pipelines.demo import plant, write_county
from pipelines.demo.delivery import contract_of

CLEAN, FAULTY, STOPPED = dt.date(2026, 11, 1), dt.date(2026, 11, 2), dt.date(2026, 11, 3)
LET_STAND = {
    "Q01": "cb_calendar", "Q06": "cb_org", "Q07": "cb_product", "Q08": "cb_cust_ind", "Q09": "sc_order",
    "Q10": "cb_cust_corp", "Q11": "cc_acct", "Q12": "mc_merchant", "Q13": "mc_day", "Q14": "eb_sign",
    "Q23": "cb_cust_ind", "Q15": "bc_list", "Q16": "cb_cust_ind", "Q17": "cb_cust_corp", "Q18": "cb_cust_ind", "Q19": "cb_cust_ind",
    "Q20": "cb_cust_ind", "Q21": "cb_cust_ind", "Q22": "cb_cust_ind", "Q24": "cb_txn",
    "Q25": "cb_dep_acct", "Q26": "cb_dep_acct", "Q27": "cb_dep_acct", "Q28": "cb_dep_acct", "Q29": "cb_dep_acct",
    "Q31": "cb_txn", "Q32": "cb_txn", "Q33": "cb_txn", "Q34": "cb_txn", "Q35": "cb_txn", "Q36": "cb_gl",
    "Q37": "cb_gl", "Q38": "cb_gl", "Q39": "ln_due", "Q40": "ln_repay", "Q41": "ln_sched", "Q42": "ln_sched",
    "Q43": "ln_due", "Q44": "ln_due", "Q45": "ln_due", "Q46": "ln_due", "Q47": "bc_guarantee", "Q48": "bc_guarantee",
    "Q49": "bc_collateral", "Q50": "wm_hold", "Q51": "wm_order",
    "Q54": "cr_summary", "Q55": "px_social", "Q56": "px_shop", "Q57": "px_share", "Q58": "mc_day", "Q59": "px_village",
    "Q60": "cb_txn", "Q05": "ln_contract",
}  # fmt: skip
"""Rule to the feed that is broken in the night that goes on: rows are kept back or warned of, and what cannot be taken is of
a feed whose last state is held. Late is planted last: what is written after it comes in time again."""
STOPS = {
    "Q02": "ln_sched",
    "Q03": "ln_repay",
    "Q04": "cb_calendar",
    "Q30": "cb_txn",
    "Q52": "cr_report",
    "Q53": "cr_acct",
}
"""The rest, without which others could not be seen; of which three are broken in feeds without which there is no night."""


Found = Mapping[tuple[str, str], tuple[str, str]]
"""Number of the rule and feed, to the file and the owner."""


@pytest.fixture
def county(tmp_path: Path) -> Hands:
    """900 customers, three months and three nights without a flaw, then the faults of the second and the third."""
    made = write_county(
        tmp_path, customers=900, months=3, nights=3, activity=0.7, bad_row=False, flaws=False, feeds="all"
    )
    for day, faults in ((FAULTY, LET_STAND), (STOPPED, STOPS)):
        for rule, feed in faults.items():
            plant(made.landing, day, rule, feed)
    return hands(tmp_path / "bank", bank="county", landing=made.landing)


def caught(bank: Hands, day: dt.date) -> Found:
    """What was found wrong with the deliveries of a night: issues, and what was not taken."""
    found = {}
    if day in bank.open.current.entries("quality.issue"):
        for issue in bank.open.scan("quality.issue").filter(first_seen=day).collect().iter_rows(named=True):
            number = number_of(issue["rule_id"])
            found[str(number), issue["feed"]] = (issue["_file"], issue["owner"])
    for judged in ledger.newest(bank.open.place).values():
        if judged.business_date == day.isoformat() and judged.verdict in ("refused", "held", "skipped"):
            for rule in judged.rule.split(", "):
                found[rule, judged.feed] = (judged.file, contract_of(judged.feed).owner)
    return found


@pytest.mark.slow
def test_a_clean_night_has_no_issue_and_each_of_sixty_faults_is_caught_by_its_rule(county: Hands) -> None:
    """In its file and of its feed, with an owner; the night of the faults that block leaves yesterday published."""
    assert sorted({*LET_STAND, *STOPS}) == [f"Q{number:02}" for number in range(1, 61)]
    county("nightly", CLEAN.isoformat())
    assert county.open.scan("quality.issue").collect().is_empty()
    assert county("issues").output.startswith("0 issues")
    assert county("status").output.count("fresh") == 64

    county("nightly", FAULTY.isoformat())
    in_its_place(caught(county, FAULTY), LET_STAND, FAULTY)

    before, manifest = county.bytes_of(), county.open.current.id
    assert "stays" in county("nightly", STOPPED.isoformat(), code=65).output
    assert (county.open.current.id, county.bytes_of()) == (manifest, before)
    in_its_place(caught(county, STOPPED), STOPS, STOPPED)


def in_its_place(found: Found, planted: Mapping[str, str], day: dt.date) -> None:
    """Each planted fault is among what was found, in the file of its feed, with an owner."""
    assert set(planted.items()) - set(found) == set()
    for rule, feed in planted.items():
        file, owner = found[rule, feed]
        # Of a feed whose control file is missing there is no delivery, so no name of one either.
        assert re.search(rf"_{feed}_{day:%Y%m%d}_", file) or rule == "Q01"
        assert owner
