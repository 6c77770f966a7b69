"""Issues of banks at work: found by the night, mended by the next delivery, never doubled, and nobody's name in them."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from banks_at_work import Hands

D2, D3 = dt.date(2026, 11, 2), dt.date(2026, 11, 3)
ISSUE, PAID = "quality.issue", "paid_within_due"


def issues(hands: Hands, **where: object) -> list[dict[str, object]]:
    """The issues as they stand, the oldest first."""
    rows = hands.open.scan(ISSUE).filter(**where).sort("first_seen", "rule_id", "key").collect()
    return list(rows.iter_rows(named=True))


def night(hands: Hands, day: dt.date, *feeds: str) -> None:
    """Judge the deliveries of some feeds again, and make the issues anew."""
    hands("nightly", day.isoformat(), *(f"--only=staged.{feed}" for feed in feeds), f"--only={ISSUE}")


def test_a_row_that_was_kept_back_is_an_issue_until_its_key_comes_well(riverside_troubled: Hands) -> None:
    (account,), (customer,) = (issues(riverside_troubled, feed=feed) for feed in ("accounts", "customers"))
    assert (account["status"], account["first_seen"], account["closed_on"]) == ("fixed", D2, D3)
    assert (customer["status"], customer["first_seen"], customer["closed_on"]) == (
        "open",
        D2,
        None,
    )  # did not come again
    place = {
        "_line": 2,
        "_row_no": 1,
        "_file": f"daily/{D2}/customers.1.csv",
        "breaches": 1,
        "rule_id": "born_on.parse",
    }
    assert place.items() <= customer.items()
    assert (customer["severity"], customer["dimension"], customer["owner"]) == (
        "quarantine",
        "conformity",
        "零售金融部",
    )
    then = riverside_troubled.open.scan(ISSUE, as_of=D2).collect()
    assert set(then["status"]) == {"new"}
    assert set(then["issue_id"]) == {account["issue_id"], customer["issue_id"]}


def test_the_key_of_a_person_stands_in_no_issue(riverside_troubled: Hands) -> None:
    keys = [str(issue["key"]) for issue in issues(riverside_troubled)]
    rows = [riverside_troubled.open.scan(f"quarantine.{feed}").collect() for feed in ("customers", "accounts")]
    numbers = {str(rows[0]["cust_id"][0]), str(rows[1]["account"][0])}
    told = riverside_troubled("issues").output
    assert all(key.startswith("~") and len(key) == 17 for key in keys)
    assert not [number for number in numbers if number in told or number in str(issues(riverside_troubled))]


def test_what_is_open_is_listed_with_its_owner_and_the_scores(riverside_troubled: Hands) -> None:
    told = riverside_troubled("issues").output
    assert told.startswith("1 issue (1 open), as of 2026-11-03\n  mended in the last 28 days: 1 of 2\n")
    assert "since 2026-11-02 (1 days), quarantine, conformity, owner 零售金融部" in told
    assert f"daily/{D2}/customers.1.csv line 2" in told
    before = riverside_troubled("issues", "--date", D2.isoformat(), "--limit", "1", "--feed", "accounts").output
    assert before.startswith("1 issue (1 new)") and "opened_on.parse" in before and "born_on" not in before
    (scored,) = (line for line in before.splitlines() if "运营管理部 conformity" in line)
    assert "99.6153%  -0.3847%" in scored
    assert riverside_troubled("issues", "--owner", "nobody").output.startswith("0 issues")
    assert "no feed 'acounts'" in riverside_troubled("issues", "--feed", "acounts", code=2).output
    assert "1 issue (1 open); mended in the last 28 days: 1 of 2" in riverside_troubled("status").output


def test_a_score_is_whole_numbers_and_falls_where_a_row_was_kept_back(riverside_troubled: Hands) -> None:
    rows = riverside_troubled.open.scan("quality.score").filter(scope="feed", feed="accounts").sort("business_date")
    first, second, third = rows.collect().iter_rows(named=True)
    assert first["trend"] is None  # a history is no day
    assert second["denominator"] - second["numerator"] == 1
    assert second["trend"] == second["rate"] - 1 < 0
    assert (third["base_numerator"], third["base_denominator"]) == (
        first["numerator"] + second["numerator"],
        first["denominator"] + second["denominator"],
    )


def test_a_corrected_delivery_of_an_old_date_closes_its_issues_and_restates_what_follows(
    riverside_troubled: Hands, riverside_first: Hands, tmp_path: Path
) -> None:
    bank = riverside_troubled.copy(tmp_path / "copy")
    right = (riverside_first.landing / "daily" / D2.isoformat() / "accounts.1.csv").read_bytes()
    (bank.landing / "daily" / D2.isoformat() / "accounts.2.csv").write_bytes(right)
    before, (wrong,) = bank.bytes_of(layers=("quality",)), issues(bank, feed="accounts")
    night(bank, D2, "accounts")
    (mended,) = issues(bank, feed="accounts")
    assert mended == wrong | {"closed_on": D2, "business_date": D2, "_op": "I"}
    assert bank.open.scan(ISSUE).filter(feed="customers").collect()["status"].to_list() == ["open"]
    after = bank.bytes_of(layers=("quality",))
    changed = {name for name, sha in after.items() if before[name] != sha}
    assert changed == {f"{name} {day}" for day in (D2, D3) for name in (ISSUE, "quality.score")} | {
        f"quality.accounts {D2}"
    }
    night(bank, D2, "accounts")
    assert bank.bytes_of(layers=("quality",)) == after
    assert "quality." not in bank("status").output.partition("\noutdated")[2]


@pytest.mark.slow
def test_an_exception_lets_an_issue_stand_until_its_day(riverside_troubled: Hands, tmp_path: Path) -> None:
    bank = riverside_troubled.copy(tmp_path / "copy")
    signed = (
        f"- {{feed: customers, rule: born_on.parse, key: all, until: {D3}, reason: known, by: the head of retail}}\n"
    )
    file = Path(bank.bank) / "exceptions.yaml"
    file.write_text(signed.replace("born_on", "bornon"))
    assert "did you mean 'born_on.parse'" in bank("contracts", "lint", code=2).output
    file.write_text(signed)
    assert "no findings" in bank("contracts", "lint").output
    night(bank, D3)
    (issue,) = issues(bank, feed="customers")
    assert (issue["status"], issue["excepted_until"], issue["first_seen"]) == ("excepted", D3, D2)
    assert f"excepted until {D3}" in bank("issues").output


def schedule(hands: Hands, day: dt.date, rows: list[tuple[str, int, str]]) -> None:
    """An increment of the repayment plans: receipt, period, principal paid of 100.00."""
    lines = [f"{due}|@|{period}|@|{D3:%Y%m%d}|@|100.00|@|0.00|@|{paid}|@|0.00|@|" for due, period, paid in rows]
    content = "".join(f"{line}\n" for line in lines).encode("gb18030")
    stem = hands.landing / f"{day:%Y%m%d}" / f"330327_loan_ln_sched_{day:%Y%m%d}_inc_02"
    stem.with_suffix(".dat").write_bytes(content)
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    told = [f"{stem.name}.dat", len(content), len(rows), f"{len(rows)}00.00", digest, f"{day:%Y%m%d}", "inc"]
    stem.with_suffix(".flg").write_text("|@|".join(map(str, told)) + "\n")


@pytest.mark.slow
def test_a_delta_mends_the_keys_that_it_brings_and_no_others(county: Hands, monkeypatch: pytest.MonkeyPatch) -> None:
    """And of breaches that are too many to be told row by row, the delivery is one issue."""
    due = county.open.scan("staged.ln_due").select("due_no").head(1).collect().item()
    schedule(county, D2, [(due, 901, "100.01"), (due, 902, "100.01"), (due, 903, "1.00")])
    night(county, D2, "ln_sched")
    assert [(found["status"], found["breaches"]) for found in issues(county, rule_id=PAID)] == [("new", 1)] * 2
    schedule(county, D3, [(due, 902, "100.00"), *((due, period, "100.01") for period in (904, 905, 906))])
    monkeypatch.setattr("assets.sources.breaches.MANY", 2)
    night(county, D3, "ln_sched")
    found = {issue["_row_no"]: issue for issue in issues(county, rule_id=PAID)}
    assert {row: issue["status"] for row, issue in found.items()} == {1: "open", 2: "open", None: "new"}
    assert (found[None]["key"], found[None]["breaches"], found[None]["_line"]) == (None, 3, None)
    assert "the delivery, 3 breaches" in county("issues", "--rule", PAID).output
    monkeypatch.undo()
    night(county, D3, "ln_sched")
    found = {issue["_row_no"]: issue["status"] for issue in issues(county, rule_id=PAID, first_seen=D2)}
    assert found == {1: "open", 2: "fixed"}
    now = [(issue["status"], issue["key"] is None) for issue in issues(county, rule_id=PAID, first_seen=D3)]
    assert sorted(now) == [("fixed", True), ("new", False), ("new", False), ("new", False)]
