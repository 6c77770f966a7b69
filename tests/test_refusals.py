"""What is wrong before anything runs: an error with file, line and field, and no run at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from banks_at_work import Hands


@pytest.fixture
def mended(riverside: Hands):
    """Change one file of the bank's folder; then no command may run anything."""

    def change(file: str, old: str, new: str) -> Path:
        path = Path(riverside.bank) / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return change


def refused(hands: Hands, demo) -> str:
    """The message, after it was made sure that nothing ran."""
    before, runs = hands.bytes_of(), (hands.warehouse / "_dagster" / "history").exists()
    said = hands("nightly", demo.nights[1].isoformat(), code=2).output
    assert hands.bytes_of() == before
    assert (hands.warehouse / "_dagster" / "history").exists() == runs
    lint = hands("contracts", "lint", code=2).output
    assert said.splitlines()[0].removeprefix("error: ") in lint
    return said


def test_a_misspelt_key_of_a_contract(riverside, riverside_demo, mended):
    path = mended("contracts/accounts.odcs.yaml", "required: true", "requird: true")
    said = refused(riverside, riverside_demo)
    assert path.name in said and "requird" in said and "line" in said


def test_sql_over_an_unknown_table(riverside, riverside_demo, mended):
    path = mended("conform/account.sql", "staged.accounts", "staged.acounts")
    said = refused(riverside, riverside_demo)
    assert path.name in said and "acounts" in said


def test_a_field_that_authenticates_a_person(riverside, riverside_demo, mended):
    """Class C3 (JR/T 0171): what proves who somebody is may not land, so its contract does not load."""
    path = mended("contracts/customers.odcs.yaml", "classification: C2", "classification: C3")
    said = refused(riverside, riverside_demo)
    assert path.name in said and "C3" in said and "may not land" in said


def test_a_product_of_two_decimals_that_is_not_cast(riverside, riverside_demo, mended):
    path = mended("conform/loan_receipt.sql", "loan.owed   ", "loan.owed * loan.granted   ")
    said = refused(riverside, riverside_demo)
    assert path.name in said and "DECIMAL" in said


def test_an_entry_that_does_not_exist_in_the_banks_parameters(riverside, riverside_demo, mended):
    mended("bank.yaml", "  features:", "  entries: {R099: {floor: 1}}\n  features:")
    assert "R099" in refused(riverside, riverside_demo)


def test_a_churn_label_or_threshold_that_does_not_exist(riverside, riverside_demo, mended):
    mended("bank.yaml", "c1_aum_drop}", "c1_aum_drop, flor: 5000}")
    assert "did you mean 'floor'" in refused(riverside, riverside_demo)


def test_without_a_bank_the_error_lists_them(tmp_path):
    from click.testing import CliRunner

    from pipelines.cli import commands

    result = CliRunner().invoke(
        commands, ["--bank", "berkaa", "--warehouse", str(tmp_path), "--landing", "x", "status"]
    )
    assert result.exit_code == 2
    assert "berka" in result.output


def test_a_warehouse_of_another_bank_is_refused(riverside, riverside_demo):
    other = Hands("berka", riverside.landing, riverside.warehouse, riverside.key)
    for command in (["status"], ["explain", "someone", "R045"]):
        assert "another bank" in other(*command, code=2).output
    assert "another bank" in other("nightly", riverside_demo.nights[1].isoformat(), code=2).output


def test_a_folder_that_is_no_warehouse_is_not_mounted(riverside, tmp_path):
    empty = Hands(riverside.bank, riverside.landing, tmp_path / "empty", riverside.key)
    empty.warehouse.mkdir()
    assert "not" in empty("nightly", "2026-11-01", code=77).output
    assert list(empty.warehouse.iterdir()) == []


def test_a_key_that_others_can_read_stops_the_night(riverside, riverside_demo):
    riverside.key.chmod(0o644)
    try:
        said = riverside("nightly", riverside_demo.nights[1].isoformat(), code=73).output
    finally:
        riverside.key.chmod(0o600)
    assert "key" in said


@pytest.mark.parametrize(
    ("dates", "phrases"),
    [
        (("nightly", "9999-12-30"), ("this date is not over yet", "or earlier, as days end in Asia/Shanghai")),
        (("backfill", "2026-11-01", "2999-01-01"), ("this date is not over yet", "2999-01-01")),
        (("nightly", "1970-01-01"), ("this date is before the bank's first", "or later")),
        (("backfill", "2026-11-02", "2026-11-01"), ("FROM is after TO", "the earlier date first")),
    ],
)
def test_a_date_that_no_night_can_have(riverside, dates, phrases):
    before = riverside.bytes_of()
    said = riverside(*dates, code=2).output
    assert all(phrase in said for phrase in phrases), said
    assert riverside.bytes_of() == before
