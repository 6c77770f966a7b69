"""The county bank's 64 contracts against what was agreed about them, written down here by hand."""

from __future__ import annotations

import re

import pytest

from data_contracts.bank import bank_folder, read_bank
from data_contracts.contract import Contract, targets_of
from data_contracts.strict import load

SYSTEMS = {
    "core": "cb_cust_ind cb_cust_corp cb_dep_acct cb_txn cb_gl cb_org cb_product cb_calendar cb_fx",
    "loan": "ln_contract ln_due ln_sched ln_repay",
    "card": "cc_acct cc_txn cc_inst",
    "wealth": "wm_hold wm_order wm_risk_eval",
    "channel": "eb_sign eb_event",
    "crm": "crm_visit crm_grid crm_campaign crm_touch",
    "credit": "bc_app bc_collateral bc_guarantee bc_relation bc_list bc_collect bc_fin",
    "bureau": "cr_report cr_summary cr_acct cr_query cr_public cr_liab cr_corp",
    "partner": "px_tax px_env px_reg px_share px_court px_control px_social px_village px_shop px_util px_fraud px_macro",
    "acquiring": "mc_merchant mc_day",
    "chain": "sc_order sc_invoice sc_logi",
    "points": "cu_points",
    "service": "fb_survey fb_complaint",
    "hr": "hr_emp hr_kpi hr_learn",
    "finance": "ma_ftp ma_param",
}
FEEDS = {feed: system for system, feeds in SYSTEMS.items() for feed in feeds.split()}

KEYS = {
    "cb_cust_ind": "cust_no",
    "cb_cust_corp": "cust_no",
    "cb_dep_acct": "acct_no",
    "cb_txn": "txn_id txn_date",
    "cb_gl": "gl_date org_no subject ccy",
    "cb_org": "org_no",
    "cb_product": "product_code",
    "cb_calendar": "cal_date",
    "cb_fx": "ccy rate_date",
    "ln_contract": "contract_no",
    "ln_due": "due_no",
    "ln_sched": "due_no period_no",
    "ln_repay": "repay_id",
    "cc_acct": "card_acct",
    "cc_txn": "txn_id",
    "cc_inst": "inst_no",
    "wm_hold": "cust_no product_code lot_no",
    "wm_order": "order_id",
    "wm_risk_eval": "cust_no eval_date",
    "eb_sign": "cust_no eb_channel",
    "eb_event": "event_id",
    "crm_visit": "visit_id",
    "crm_grid": "grid_id",
    "crm_campaign": "campaign_id",
    "crm_touch": "touch_id",
    "bc_app": "app_no",
    "bc_collateral": "coll_id",
    "bc_guarantee": "guar_id",
    "bc_relation": "a_no b_no rel",
    "bc_list": "list_id",
    "bc_collect": "act_id",
    "bc_fin": "uscc period",
    "cr_report": "report_no",
    "cr_summary": "report_no",
    "cr_acct": "report_no acct_seq",
    "cr_query": "report_no q_seq",
    "cr_public": "report_no p_seq",
    "cr_liab": "report_no l_seq",
    "cr_corp": "report_no",
    "px_tax": "uscc period",
    "px_env": "doc_no",
    "px_reg": "uscc snap_date",
    "px_share": "uscc holder_kind holder_name",
    "px_court": "case_no list_kind party_name",
    "px_control": "req_no",
    "px_social": "id_no month",
    "px_village": "household_id survey_date",
    "px_shop": "shop_id month",
    "px_util": "acct month",
    "px_fraud": "id_no kind",
    "px_macro": "kind code month",
    "mc_merchant": "merchant_id",
    "mc_day": "merchant_id day",
    "sc_order": "order_no fin_seq",
    "sc_invoice": "inv_no pledge_seq",
    "sc_logi": "waybill",
    "cu_points": "entry_id",
    "fb_survey": "resp_id",
    "fb_complaint": "cmp_id",
    "hr_emp": "emp_id",
    "hr_kpi": "emp_id month kpi_code",
    "hr_learn": "emp_id course_id done_date",
    "ma_ftp": "curve_date side ccy tenor_m",
    "ma_param": "month key1 product_code",
}
FULL = {
    "cb_cust_ind",
    "cb_cust_corp",
    "cb_dep_acct",
    "cb_org",
    "cb_product",
    "cb_calendar",
    "ln_contract",
    "ln_due",
    "cc_acct",
    "cc_inst",
    "wm_hold",
    "wm_risk_eval",
    "eb_sign",
    "crm_grid",
    "crm_campaign",
    "bc_collateral",
    "bc_guarantee",
    "bc_relation",
    "bc_list",
    "px_share",
    "mc_merchant",
    "hr_emp",
}
EVENTS = {
    "cb_txn",
    "cb_gl",
    "cb_fx",
    "ln_repay",
    "cc_txn",
    "wm_order",
    "eb_event",
    "crm_visit",
    "bc_collect",
    "mc_day",
    "cu_points",
    "fb_survey",
    "ma_ftp",
}
MUST = {"cb_cust_ind", "cb_dep_acct", "cb_txn", "ln_contract", "ln_due", "ln_sched", "ln_repay"}
SKIP = {"eb_event", "px_macro", "cu_points", "fb_survey", "fb_complaint", "hr_learn"}
CONSENT = {
    "cr_report": "auth_no",
    **dict.fromkeys(("cr_summary", "cr_acct", "cr_query", "cr_public", "cr_liab", "cr_corp"), "report_no"),
    **dict.fromkeys(("px_tax", "px_social", "px_village", "px_shop", "px_util"), "auth_no"),
}
"""Feeds whose rows may be used with an authorisation only, and the column that leads to it."""
LEVEL_4 = {*SYSTEMS["bureau"].split(), "px_control", "px_fraud"}
"""JR/T 0197: what a licence or a law forbids to pass on."""
FULL_COUNTS = {"cb_cust_ind": 26, "cb_txn": 21, "cr_summary": 24, "cr_acct": 18, "px_village": 18, "px_reg": 16}

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"[A-Za-z]{3}")


@pytest.fixture(scope="module")
def feeds() -> dict[str, Contract]:
    return dict(read_bank("county").feeds)


def test_all_feeds_are_there_each_in_its_systems_folder(feeds: dict[str, Contract]) -> None:
    folder = bank_folder("county") / "contracts"
    assert len(FEEDS) == 64
    assert set(feeds) == set(FEEDS)
    for feed, system in FEEDS.items():
        assert feeds[feed].path == folder / system / f"{feed}.odcs.yaml"
    assert len(list(folder.rglob("*.yaml"))) == 64, "and no contract lies about that the bank does not name"
    assert sum(len(contract.properties) for contract in feeds.values()) == 626
    assert {feed: len(feeds[feed].properties) for feed in FULL_COUNTS} == FULL_COUNTS


def test_keys_ways_of_delivery_and_what_absence_does_are_as_agreed(feeds: dict[str, Contract]) -> None:
    assert {feed: " ".join(contract.key) for feed, contract in feeds.items()} == KEYS
    for feed, contract in feeds.items():
        wanted = "full" if feed in FULL else "event" if feed in EVENTS else "delta"
        assert contract.delivery == wanted, feed
        assert contract.absent == ("must" if feed in MUST else "skip" if feed in SKIP else "hold"), feed
        assert (contract.max_stale_days > 0) == (contract.absent == "hold"), feed
    assert all(not feed.startswith(("px_", "cr_")) for feed in MUST), "no night waits for a partner"


def test_files_are_named_by_the_rule_and_own_systems_send_control_files(feeds: dict[str, Contract]) -> None:
    for feed, contract in feeds.items():
        daily = contract.format("daily")
        assert daily is not None
        mode = "full" if contract.delivery == "full" else "inc"
        stem = f"*/330327_{FEEDS[feed]}_{feed}_{{business_date:%Y%m%d}}_{mode}_{{sequence}}."
        assert daily.path.startswith(stem), feed
        assert daily.control != "none" or FEEDS[feed] == "partner", feed
        history = contract.format("history")
        assert (history is None) == (FEEDS[feed] in ("bureau", "partner", "chain", "service")), feed
        assert history is None or history.path.startswith(f"hist/330327_{FEEDS[feed]}_{feed}_*_hist_{{sequence}}.")


def test_files_come_in_every_way_in_which_they_come(feeds: dict[str, Contract]) -> None:
    daily = [form for contract in feeds.values() if (form := contract.format("daily"))]
    assert {form.layout for form in daily} == {"csv", "fixed", "jsonl", "parquet"}
    assert {form.delimiter for form in daily if form.layout == "csv"} == {"|@|", "|+|", "!^", ",", "\x01", "\x1b"}
    assert {form.compression for form in daily} == {"none", "gzip", "tar.gz"}
    assert {form.control for form in daily} == {"none", "flg", "ok"}
    assert {form.encoding.lower() for form in daily} == {"gb18030", "utf-8", "utf-8-sig"}


def test_everything_has_an_owner_two_languages_and_a_term(feeds: dict[str, Contract]) -> None:
    for feed, contract in feeds.items():
        assert CHINESE.search(contract.owner), feed
        assert {"frequency", "latency", "timeOfAvailability", "retention"} == {s.name for s in contract.service_levels}
        assert CHINESE.search(contract.title), feed
        assert CHINESE.search(contract.description), feed
        assert ENGLISH.search(contract.description), feed
        for column in contract.properties:
            assert CHINESE.search(column.title), (feed, column.name)
            assert ENGLISH.search(column.description), (feed, column.name)
            for code, label in column.codes.items():
                assert label.strip(), (feed, column.name, code)
                assert CHINESE.search(label) or label.startswith(("ETC", "iOS", "POS")), (feed, column.name, code)
        for rule in contract.rules:
            if rule.kind in ("row", "dataset"):
                assert CHINESE.search(rule.description), (feed, rule.id)
                assert ENGLISH.search(rule.description), (feed, rule.id)


def test_the_documents_have_an_english_name_beside_the_chinese_one() -> None:
    for path in sorted((bank_folder("county") / "contracts").rglob("*.yaml"))[::6]:
        said = load(path).data
        assert ENGLISH.search(said["name"]), path.name
        assert not CHINESE.search(said["name"]), path.name
        assert set(said["description"]) <= {"purpose", "usage", "limitations"}
        assert said["schema"][0]["dataGranularityDescription"]


def test_every_column_is_classed_and_nothing_that_authenticates_is_delivered(feeds: dict[str, Contract]) -> None:
    for feed, contract in feeds.items():
        for column in contract.properties:
            assert column.classification in ("C1", "C2"), (feed, column.name)
            assert column.level in (1, 2, 3, 4), (feed, column.name)
            assert (column.level == 4) == (feed in LEVEL_4), (feed, column.name)
    classes = {(feed, p.name): p.classification for feed, c in feeds.items() for p in c.properties}
    for place in [("cb_cust_ind", "id_no"), ("px_social", "ss_base"), ("hr_emp", "name"), ("cr_report", "subject_id")]:
        assert classes[place] == "C2"
    assert classes["px_court", "party_name"] == classes["cb_org", "org_name"] == "C1"


def test_every_reference_meets_a_feed_and_a_column_of_its_key(feeds: dict[str, Contract]) -> None:
    references = [(feed, rule) for feed, c in feeds.items() for rule in c.rules if rule.kind == "reference"]
    for feed, rule in references:
        for table, columns in targets_of(rule):
            target = feeds[table.removeprefix("staged.")]
            assert set(columns) <= set(target.key), (feed, rule.id)
    meant = {
        (feed, rule.columns[0]): [table.removeprefix("staged.") for table, _ in targets_of(rule)]
        for feed, rule in references
    }
    assert meant["cb_txn", "cust_no"] == meant["bc_guarantee", "borrower_no"] == ["cb_cust_ind", "cb_cust_corp"]
    assert meant["cb_cust_corp", "mgr_id"] == meant["crm_visit", "emp_id"] == ["hr_emp"]
    assert meant["cr_liab", "report_no"] == ["cr_report"]
    assert meant["sc_logi", "order_no"] == ["sc_order"]
    assert meant["cc_inst", "merchant_id"] == ["mc_merchant"]
    assert ("ma_param", "product_code") not in meant, "it may be ALL"
    assert len(references) == 62


def test_feeds_about_somebody_need_an_authorisation_and_others_do_not(feeds: dict[str, Contract]) -> None:
    said = {feed: c.authorisation for feed, c in feeds.items() if c.authorisation}
    assert {feed: one.column for feed, one in said.items()} == CONSENT
    for feed, one in said.items():
        assert feeds[feed].property(one.column).required, feed
        rule = next(rule for rule in feeds[feed].rules if rule.id == one.rule)
        assert rule.severity == ("error" if feed == "cr_report" else "quarantine"), feed
    assert said["cr_report"].until == "auth_end"


RULES = {
    "cb_gl": {"Q36": "error", "Q37": "error", "Q38": "error"},
    "cb_cust_corp": {"Q15": "quarantine", "Q17": "quarantine", "Q17_organisation": "warning"},
    "bc_guarantee": {"Q15": "quarantine", "Q47": "warning", "Q48": "quarantine"},
    "cr_report": {"Q52": "error"},
    "cr_acct": {"Q53": "quarantine"},
    "px_tax": {"Q17": "quarantine", "Q55": "quarantine", "Q56": "warning"},
    "px_share": {"Q57": "warning"},
    "mc_day": {"Q58": "warning"},
    "px_village": {"Q59": "warning"},
    "wm_hold": {"Q50": "warning"},
    "wm_order": {"Q51": "warning"},
    "cb_txn": {
        "Q24": "warning",
        "Q33": "warning",
        "Q34": "warning",
        "Q30": "warning",
        "Q30_many": "error",
        "Q31": "warning",
        "Q35": "warning",
    },
    "ln_repay": {"Q40": "warning"},
    "ln_sched": {"Q41": "warning", "Q42": "warning"},
    "ln_due": {"Q39": "warning", "Q43": "warning", "Q44": "warning", "Q45": "warning", "Q46": "warning"},
}


@pytest.mark.parametrize("feed", RULES)
def test_the_rules_that_one_contract_can_say_stand_in_it(feeds: dict[str, Contract], feed: str) -> None:
    severities = {rule.id: rule.severity for rule in feeds[feed].rules}
    assert {name: severities.get(name) for name in RULES[feed]} == RULES[feed]


def test_what_moves_money_is_never_taken_out_by_a_relation(feeds: dict[str, Contract]) -> None:
    for feed in ("cb_txn", "ln_repay", "cc_txn", "wm_order"):
        relational = [rule for rule in feeds[feed].rules if rule.kind in ("reference", "dataset")]
        assert relational
        assert {rule.id for rule in relational if rule.severity != "warning"} <= {"Q30_many"}, feed
    for contract in feeds.values():
        assert all(rule.severity != "quarantine" for rule in contract.rules if rule.kind == "dataset")
