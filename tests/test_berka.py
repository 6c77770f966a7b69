"""A real bank, whole: the published files of Berka, from landing to tags and signals."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from banks_at_work import Hands, hands, made_once, real_data, shared

STAGED = {
    "account": 4_500,
    "client": 5_369,
    "disp": 5_369,
    "order": 6_471,
    "loan": 682,
    "card": 892,
    "district": 77,
    "trans": 49_102,
    "trans_loan_accounts": 30_200,
}
LAST, LATER = dt.date(1994, 3, 31), dt.date(1996, 12, 31)
ENTRIES = ["R045", "R048", "R050", "R051", "R052"]


def found(berka: Hands, feed: str) -> dict[str, dict]:
    rows = berka.open.scan(f"quality.{feed}").collect()
    return {row["rule_id"]: row for row in rows.iter_rows(named=True)}


@pytest.mark.parametrize("feed", STAGED)
def test_every_published_row_is_staged(berka_history, feed):
    assert berka_history.open.scan(f"staged.{feed}").select(pl.len()).collect().item() == STAGED[feed]
    kept = {name: row["checked"] for name, row in found(berka_history, feed).items() if row["kind"] == "conservation"}
    assert kept.pop("delivered") == STAGED[feed] == sum(kept.values())


def test_end_of_day_balances_reconcile_but_for_28_account_days(berka_history):
    assert found(berka_history, "trans")["balance_is_sum_of_movements"]["failed"] == 28
    assert found(berka_history, "trans_loan_accounts")["balance_is_sum_of_movements"]["failed"] == 0
    days = berka_history.open.scan("staged.trans").select("account_id", "date").unique().select(pl.len())
    assert days.collect().item() == 39_960


def test_irregular_codes_are_counted(berka_history):
    trans, district = found(berka_history, "trans"), found(berka_history, "district")
    assert trans["type_irregular"]["failed"] == 651
    tokens = {name: row["failed"] for name, row in trans.items() if row["kind"] == "null_token"}
    assert tokens["k_symbol.null[]"] == 26_197
    assert tokens["k_symbol.null[ ]"] == 1_677
    marks = [row["failed"] for name, row in district.items() if name.endswith(".null[?]")]
    assert sum(marks) == 2


def test_1229_parties_38_loans_and_6_cards_on_the_last_day_of_march_1994(berka_history):
    tags = berka_history.open.scan("products.customer_tags", as_of=LAST).collect()
    assert tags.height == 1_229
    assert tags["t058_borrower"].sum() == 38
    assert tags["t073_card_holder"].sum() == 6


def test_3602_parties_328_loans_and_201_cards_at_the_end_of_1996(berka_later):
    tags = berka_later.open.scan("products.customer_tags", as_of=LATER).collect()
    assert tags.height == 3_602
    assert tags["t058_borrower"].sum() == 328
    assert tags["t073_card_holder"].sum() == 201


def test_what_left_its_feed_is_unknown_not_zero(berka_later):
    features = berka_later.open.scan("features.party", as_of=LATER).collect()
    silent = features.filter(~pl.col("flows_known"))
    assert silent.height > 3_000
    assert silent["cnt_30"].null_count() == silent.height
    assert features.filter(pl.col("flows_known"))["cnt_30"].null_count() == 0


def test_an_authorised_user_stands_in_conformed_and_in_no_product(berka_history):
    holders = berka_history.open.scan("conformed.account_holder").collect()
    authorised = set(holders.filter(role="authorised")["party_id"])
    assert len(authorised) == 869
    tags = berka_history.open.scan("products.customer_tags", as_of=LAST).collect()
    assert authorised.isdisjoint(tags["party_id"])


def test_what_the_bank_cannot_feed_is_listed(berka_history):
    said = berka_history("status").output
    assert "conformed.loan_receipt" in said
    assert "R025: conformed.loan_receipt.dpd is not fed" in said
    assert "T058:" not in said, "it does without outstanding principal"
    assert "T059:" in said


@pytest.fixture(scope="session")
def berka_later(berka_history, tmp_path_factory):
    """A night of the second feed, years after the first one ended."""
    folder = shared(tmp_path_factory, "later")
    later = Hands("berka", berka_history.landing, folder / "warehouse", berka_history.key)
    with made_once(folder) as first:
        if first:
            berka_history.copy(folder, landed=False)
            later("nightly", LATER.isoformat())
    return later


@pytest.mark.slow
def test_455_nights_as_one_backfill_equal_nights_one_by_one(berka_history, tmp_path_factory):
    folder = tmp_path_factory.mktemp("backfill")
    whole = hands(folder, bank="berka", landing=real_data())
    whole.key.write_bytes(berka_history.key.read_bytes())
    whole.key.chmod(0o600)
    whole("backfill", "1993-01-01", "1994-03-31")
    signals = whole.open.scan("products.risk_signal").collect()
    for indicator in ENTRIES:
        assert {"HIT", "MISS"} <= set(signals.filter(indicator_id=indicator)["result"]), indicator
    assert signals["business_date"].n_unique() == 455
    alone = berka_history.copy(tmp_path_factory.mktemp("alone") / "copy", landed=False)
    consecutive = [dt.date(1994, 3, 1) + dt.timedelta(days=n) for n in range(10)]
    scattered = [dt.date(1993, 1, 1), dt.date(1993, 2, 28), *(dt.date(1993, month, 17) for month in range(4, 12))]
    for day in [*scattered, *consecutive]:
        alone("nightly", day.isoformat())
    expected, made = whole.bytes_of(), alone.bytes_of()
    for day in [*scattered, *consecutive]:
        of_day = {name: sha for name, sha in made.items() if name.endswith(str(day))}
        assert of_day
        assert of_day == {name: sha for name, sha in expected.items() if name.endswith(str(day))}
    history = ("staged.", "conformed.", "parties.", "quality.", "quarantine.")
    each_night = ("quality.issue ", "quality.score ")
    mine, theirs = (
        {name: sha for name, sha in of.items() if name.startswith(history) and not name.startswith(each_night)}
        for of in (made, expected)
    )
    assert mine == theirs


@pytest.mark.slow
def test_ten_nights_of_the_second_feed(berka_history, tmp_path_factory):
    later = berka_history.copy(tmp_path_factory.mktemp("second") / "copy", landed=False)
    for day in (
        "1995-06-30", "1995-12-31", "1996-06-30", "1996-12-31", "1997-02-28",
        "1997-06-30", "1997-09-30", "1997-12-31", "1998-06-30", "1998-11-30",
    ):  # fmt: skip
        later("nightly", day)
        features = later.open.scan("features.party", as_of=day).collect()
        assert 0 < features["flows_known"].sum() <= 354
