"""`liangcang train churn` where it cannot train: it says why, and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from banks_at_work import Hands

from liangcang.care import pins


@pytest.fixture
def hands(riverside: Hands) -> Hands:
    """Riverside, which looks at two month ends only."""
    file = Path(riverside.bank) / "bank.yaml"
    text = file.read_text(encoding="utf-8")
    assert "{label: c1_aum_drop}" in text
    file.write_text(text.replace("{label: c1_aum_drop}", "{label: c1_aum_drop, months: 2}"), encoding="utf-8")
    return riverside


def test_too_little_churn_is_data_refused_and_leaves_nothing_behind(hands: Hands) -> None:
    before = hands.bytes_of()
    said = hands("train", "churn", code=65).output
    assert "error: too little churn to learn from" in said
    assert "at least 30 churned and 30 kept rows, of 5 parties or more" in said
    assert "0 churned and 0 kept rows as of no date at all" in said
    assert "kept      no model was registered" in said
    assert hands.bytes_of() == before
    place = hands.open.place
    assert pins(place) == {}
    assert list(place.models.iterdir()) == list(place.scratch.iterdir()) == list(place.spill.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["churn", "--as-of", "2026-06-29"], "which is no month end"),
        (["churn", "--as-of", "2026-09-30"], "whose outcome ends on 2027-01-31; the newest night is 2026-11-01"),
        (["credit"], "'credit' is not 'churn'"),
    ],
)
def test_a_date_or_a_model_that_cannot_be_trained_is_a_wrong_usage(
    riverside_first: Hands, arguments: list[str], said: str
) -> None:
    assert said in riverside_first("train", *arguments, code=2).output


def test_before_the_first_night_there_is_nothing_to_learn_from(riverside_first: Hands, tmp_path: Path) -> None:
    (tmp_path / "warehouse").mkdir()
    new = Hands(riverside_first.bank, riverside_first.landing, tmp_path / "warehouse", tmp_path / "own.key")
    new("init")
    assert "no night is published yet" in new("train", "churn", code=2).output


def test_a_bank_that_has_not_said_what_churn_means_is_told_to(riverside: Hands) -> None:
    file = Path(riverside.bank) / "bank.yaml"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "churn:" not in line]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = riverside("train", "churn", code=2).output
    assert "has not said what churn means" in said and "parameters.churn.label" in said
