"""Planted identities appear nowhere but where they may: of a night that fails in every step, every byte is searched."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from banks_at_work import Hands

from pipelines.demo import Demo

ALLOWED = ("data/staged", "data/quarantine", "data/parties", "_faults", "_spill")
"""Below the warehouse: restricted layers (0700), and the library's own words (0600)."""


def planted(hands: Hands, demo: Demo) -> list[bytes]:
    """The ID numbers and names of the second night's customers."""
    file = hands.landing / "daily" / demo.nights[1].isoformat() / "customers.1.csv"
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    columns = [name for name in rows[0] if "id" in name.lower() or "name" in name.lower()]
    values = {row[name].strip() for row in rows for name in columns}
    return [value.encode() for value in values if len(value) >= 15]


def leaks(folder: Path, secrets: list[bytes]) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(ALLOWED):
            content = path.read_bytes()
            found += [name for secret in secrets if secret in content]
    return sorted(set(found))


def broken_in(step: str, monkeypatch: pytest.MonkeyPatch, secrets: list[bytes]) -> None:
    """Let a step fail as a library does: with a customer's number in its words."""
    value = secrets[0].decode()

    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"could not convert string {value!r} to a number")

    monkeypatch.setattr(step, fail)


EVERY_TIME = [
    "assets.sources.delivering.read",
    "data_contracts.expectations._suites",
    "assets.conformed.conforming.rows_sql",
    "assets.publication.night_record",
]
LATER = [
    "assets.sources.delivering.judge",
    "assets.sources.staging.quality_select",
    "assets.features.tables.make",
    "assets.tags.customer_tags.tags_select",
    "assets.risk_warning.signals.signals_select",
]
STEPS = [*EVERY_TIME, *(pytest.param(step, marks=pytest.mark.slow) for step in LATER)]


def test_the_planted_numbers_are_there_to_be_found(riverside, riverside_demo):
    secrets = planted(riverside, riverside_demo)
    assert len(secrets) >= 10
    staged = riverside.open.scan("staged.customers").collect()
    assert any(secret.decode() in str(row) for secret in secrets for row in staged.iter_rows())


@pytest.mark.parametrize("step", STEPS)
def test_a_night_that_fails_shows_no_identity(riverside, riverside_demo, monkeypatch, step):
    secrets = planted(riverside, riverside_demo)
    broken_in(step, monkeypatch, secrets)
    result = riverside("nightly", riverside_demo.nights[1].isoformat(), code=None)
    assert result.exit_code in (65, 70), result.output
    assert not [secret for secret in secrets if secret in result.output.encode()]
    assert leaks(riverside.warehouse, secrets) == []


def test_nights_that_end_well_show_no_identity(riverside_troubled, riverside_demo):
    """Among them a quarantined customer and a held account."""
    secrets = planted(riverside_troubled, riverside_demo)
    said = riverside_troubled("status").output.encode()
    assert not [secret for secret in secrets if secret in said]
    assert leaks(riverside_troubled.warehouse, secrets) == []
