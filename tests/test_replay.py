"""Rows that were kept back are taken again: after a mend, a steward's correction, or when their parent comes late."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import polars as pl
import pytest
from banks_at_work import Hands

D1, D2, D3 = (dt.date(2026, 11, day) for day in (1, 2, 3))


@pytest.fixture
def bank(riverside_troubled: Hands, tmp_path: Path) -> Hands:
    """Riverside after two nights that were not well, in folders that the test may break."""
    return riverside_troubled.copy(tmp_path / "copy")


def kept_back(hands: Hands, feed: str) -> list[dict[str, object]]:
    return list(hands.open.scan(f"quarantine.{feed}").collect().iter_rows(named=True))


def conserved(hands: Hands, feed: str, day: dt.date) -> dict[str, int]:
    """Where the rows of a date's delivery ended."""
    rows = hands.open.scan(f"quality.{feed}").filter(business_date=day, kind="conservation").collect()
    counts = dict(rows.select("rule_id", "checked").iter_rows())
    assert counts["delivered"] == sum(counts.values()) - counts["delivered"]
    return counts


def statuses(hands: Hands, feed: str) -> list[tuple[str, dt.date | None]]:
    rows = hands.open.scan("quality.issue").filter(feed=feed).sort("first_seen", "issue_id").collect()
    return list(rows.select("status", "closed_on").iter_rows())


def corrected(folder: Path, *lines: tuple[object, ...]) -> str:
    file = folder / "corrections.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows([("delivery", "row", "column", "old", "new", "by", "reason"), *lines])
    return str(file)


def contract(hands: Hands, feed: str, old: str, new: str) -> None:
    path = Path(hands.bank) / "contracts" / f"{feed}.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_row_is_staged_when_its_rule_was_mended_and_its_issue_closes(bank: Hands) -> None:
    (row,) = kept_back(bank, "customers")
    before = conserved(bank, "customers", D2)
    says_nothing = "logicalTypeOptions: {format: dd/MM/yyyy}\n        classification: C2\n        customProperties:\n"
    contract(
        bank,
        "customers",
        says_nothing,
        f"{says_nothing}          - {{property: nullValues, value: ['', '31/02/2026']}}\n",
    )
    said = bank("replay", "customers").output
    assert f"customers {D2}: 1 rows were kept back, 0 are now" in said
    assert f"`liangcang backfill {D2} {D3}` makes it anew" in said
    assert kept_back(bank, "customers") == []
    assert conserved(bank, "customers", D2) == before | {"staged": before["staged"] + 1, "quarantined": 0}
    staged = bank.open.scan("staged.customers", as_of=D2).filter(cust_id=row["cust_id"]).collect().row(0, named=True)
    assert (staged["_delivery"], staged["_row_no"], staged["_held_since"]) == (row["_delivery"], row["_row_no"], None)
    assert statuses(bank, "customers") == [("fixed", D2)]
    assert "conformed.party: staged.customers changed" in bank("status").output
    assert "nothing is kept back" in bank("replay", "customers").output


def test_a_stewards_correction_is_read_in_place_of_what_was_delivered(
    bank: Hands, riverside_first: Hands, tmp_path: Path
) -> None:
    (row,) = kept_back(bank, "accounts")
    delivery, number, account = row["_delivery"], row["_row_no"], row["account"]
    right = pl.read_csv(riverside_first.landing / "daily" / str(D2) / "accounts.1.csv", infer_schema=False)
    true = right.filter(account=account)["opened_on"].item()
    good = (delivery, number, "opened_on", "31/02/2026", true, "Wang Fang", "as on the paper file")
    file = corrected(tmp_path, good)
    before = conserved(bank, "accounts", D2)
    assert (
        f"accounts {D2}: 1 rows were kept back, 0 are now" in bank("replay", "accounts", "--corrections", file).output
    )
    assert conserved(bank, "accounts", D2) == before | {"staged": before["staged"] + 1, "quarantined": 0}
    state = bank.open.scan("staged.accounts", as_of=D2).filter(account=account).collect().row(0, named=True)
    assert f"{state['opened_on']:%d/%m/%Y}" == true
    assert state["_held_since"] is None
    assert bank.open.scan("staged.accounts", as_of=D3).filter(pl.col("_held_since").is_not_null()).collect().is_empty()
    assert statuses(bank, "accounts") == [("fixed", D2)]
    (kept,) = bank.open.scan("corrections.accounts").collect().iter_rows(named=True)
    assert (kept["old_text"], kept["new_text"], kept["corrected_by"]) == ("31/02/2026", true, "Wang Fang")
    after = bank.bytes_of()
    assert "nothing is kept back" in bank("replay", "accounts", "--corrections", file).output
    bank("nightly", D2.isoformat(), "--only", "staged.accounts")
    assert bank.bytes_of() == after


def test_corrections_that_do_not_match_are_refused_and_name_no_value(bank: Hands, tmp_path: Path) -> None:
    (row,) = kept_back(bank, "accounts")
    good = (row["_delivery"], row["_row_no"], "opened_on", "31/02/2026", "28/02/2026", "Wang Fang", "paper")
    for place, value, phrase in (
        (0, "0123456789ab", "is not kept back"),
        (0, "staged", "delivery is 12 hex digits"),
        (1, 2, "is not kept back"),
        (1, "0", "row is a number from 1"),
        (2, "opened", "accounts has no such column"),
        (3, "30/02/2026", "the old text is not what was delivered as opened_on"),
        (4, "31/02/2026", "the new text is the old one"),
        (5, " ", "by and reason are said in words"),
    ):
        wrong = [*good[:place], value, *good[place + 1 :]]
        said = bank("replay", "accounts", "--corrections", corrected(tmp_path, tuple(wrong)), code=2).output
        assert f"line 2: {phrase}" in said or phrase in said
        assert "28/02/2026" not in said and "31/02/2026" not in said
    twice = corrected(tmp_path, good, good)
    assert "line 3: this cell was corrected above" in bank("replay", "accounts", "--corrections", twice, code=2).output
    (bank.landing / "daily" / str(D2) / "accounts.1.csv").unlink()
    assert "its file lies in landing no more" in bank("replay", "accounts").output
    other = ("replay", "accounts", "--date", D3.isoformat(), "--corrections", corrected(tmp_path, good))
    assert "of another date" in bank(*other, code=2).output
    assert "no feed 'acounts'" in bank("replay", "acounts", code=2).output
    assert "was taken for 2026-11-09" in bank("replay", "accounts", "--date", "2026-11-09", code=2).output
    assert bank.open.current.version("corrections.accounts") is None
    assert kept_back(bank, "accounts") == [row]


NEW_ACCOUNT = "620099999999"
TRANSACTION = ("staged.accounts", "staged.transactions", "conformed.transaction", "quality.issue", "publication")


def test_a_row_whose_parent_comes_a_day_late_is_taken_again_in_that_night(riverside: Hands) -> None:
    contract(
        riverside,
        "transactions",
        "{type: foreignKey, to: accounts.account}",
        "{type: foreignKey, to: accounts.account, customProperties: [{property: severity, value: quarantine}]}",
    )
    contract(
        riverside,
        "transactions",
        "{property: delivery, value: event}",
        "{property: maxQuarantined, value: 0.5}\n  - {property: delivery, value: event}",
    )
    booked = riverside.landing / "daily" / str(D2) / "transactions.1.csv"
    header, first, *_ = booked.read_text().splitlines()
    assert header.startswith("ref,account,") and NEW_ACCOUNT not in first
    rest = first.split(",")[2:]
    with booked.open("a") as file:
        file.write(",".join(["T20261102-999999", NEW_ACCOUNT, *rest]) + "\n")
    opened = riverside.landing / "daily" / str(D3) / "accounts.1.csv"
    rows = opened.read_text().splitlines()
    with opened.open("a") as file:
        file.write(",".join([NEW_ACCOUNT, *rows[1].split(",")[1:]]) + "\n")

    def night(day: dt.date) -> None:
        riverside("nightly", day.isoformat(), *(f"--only={table}" for table in TRANSACTION))

    night(D2)
    (row,) = kept_back(riverside, "transactions")
    assert row["_rules"] == ["account.reference"]
    assert statuses(riverside, "transactions") == [("new", None)]
    delivered = conserved(riverside, "transactions", D2)["delivered"]
    night(D3)
    assert kept_back(riverside, "transactions") == []
    assert conserved(riverside, "transactions", D2)["staged"] == delivered
    for table, name in (("staged.transactions", "ref"), ("conformed.transaction", "transaction_id")):
        late = riverside.open.scan(table).filter(**{name: "T20261102-999999"}).collect().row(0, named=True)
        assert (late["business_date"], late["known_at"]) == (D2, D2)
        assert (late["_delivery"], late["_row_no"]) == (row["_delivery"], row["_row_no"])
    assert statuses(riverside, "transactions") == [("fixed", D2)]
    after = riverside.bytes_of()
    riverside("nightly", D2.isoformat(), "--only=staged.transactions")  # finds the later night's parent again
    assert riverside.bytes_of() == after
