"""Planted identities appear nowhere but where they may: of a night that fails in every step, every byte is searched.

And of nights that end well: tables, Data Docs, Dagster's events and logs, the ledger, pages for the data office and the
dictionary, and every word that a command says.
"""

from __future__ import annotations

import csv
import io
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from banks.riverside_bank import Demo, plant
from banks_at_work import Hands

ALLOWED = ("data/staged", "data/quarantine", "data/parties", "data/corrections", "_faults", "_spill")
"""Below the warehouse: restricted layers (0700), and the library's own words (0600).

Quarantine has the text of a row that broke a rule, and corrections the cells that a steward mended, because somebody has
to see what is wrong to mend it: both are the data office's alone. All that tells of them (`quality.*`, issues, pages)
names file, line and rule.
"""


def planted(hands: Hands, demo: Demo) -> list[bytes]:
    """The ID numbers and names of the second night's customers."""
    file = hands.landing / "daily" / demo.nights[1].isoformat() / "customers.1.csv"
    rows = list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))
    columns = [name for name in rows[0] if "id" in name.lower() or "name" in name.lower()]
    values = {row[name].strip() for row in rows for name in columns}
    return [value.encode() for value in values if len(value) >= 15]


def said(path: Path) -> Iterator[bytes]:
    """What a file says: its bytes, and what they hold packed, the values of a Parquet file and the rows of a database."""
    content = path.read_bytes()
    yield content
    if content.startswith(b"PAR1"):
        yield pl.read_parquet(path).write_ndjson().encode()
    if content.startswith(b"SQLite format 3"):
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            yield "\n".join(connection.iterdump()).encode()
        finally:
            connection.close()


def leaks(folder: Path, secrets: list[bytes], *, allowed: tuple[str, ...] = ALLOWED) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(allowed):
            found += [name for content in said(path) for secret in secrets if secret in content]
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
    "assets.churn.churn_score.no_rows",
]
STEPS = [*EVERY_TIME, *(pytest.param(step, marks=pytest.mark.slow) for step in LATER)]


def test_the_planted_numbers_are_there_to_be_found(riverside, riverside_demo):
    secrets = planted(riverside, riverside_demo)
    assert len(secrets) >= 10
    found = {name.split("/")[1] for name in leaks(riverside.warehouse, secrets, allowed=())}
    assert {"staged"} <= found <= {"staged", "quarantine", "parties"}, "packed in Parquet, they are found"


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
    assert leaks(riverside_troubled.warehouse, secrets) == []
    kept = [secret.decode() for secret in secrets if secret.decode() in str(quarantined(riverside_troubled))]
    assert kept, "the quarantined customer's number is one of those that are searched for"
    tables = {name for name in riverside_troubled.open.current.tables() if name.startswith(("quality.", "products."))}
    assert {"quality.issue", "quality.customers", "products.customer_tags", "products.risk_signal"} <= tables
    for name in tables:
        shown = str(riverside_troubled.open.scan(name).collect().rows())
        assert not [secret for secret in secrets if secret.decode() in shown], name


def quarantined(hands: Hands) -> list[tuple[object, ...]]:
    return hands.open.scan("quarantine.customers").collect().rows()


def test_nothing_that_people_are_shown_has_an_identity_in_it(riverside_troubled, riverside_demo, tmp_path):
    """Words on both streams, the pages of the nights, the dictionary, and a contract drawn up from a file of customers."""
    secrets = planted(riverside_troubled, riverside_demo)
    file = riverside_troubled.landing / "daily" / riverside_demo.nights[1].isoformat() / "customers.1.csv"
    (tmp_path / "new").mkdir()
    commands = [
        ("status", "--all"),
        ("issues", "--limit", "0"),
        ("issues",),
        ("quality", str(tmp_path / "quality")),
        ("contracts", "docs", str(tmp_path / "dictionary")),
        ("contracts", "new", "people", str(file)),
        ("replay", "customers", "--corrections", str(wrong_correction(riverside_troubled, tmp_path, secrets))),
    ]
    for arguments in commands:
        told = riverside_troubled(*arguments, code=2 if "--corrections" in arguments else 0)
        assert told.output, arguments
        assert not [secret for secret in secrets if secret in (told.output + told.stderr).encode()], arguments
    (tmp_path / "corrections.csv").unlink()
    assert {"quality", "dictionary"} <= {path.name for path in tmp_path.iterdir()}
    assert leaks(tmp_path, secrets) == []


def correction(hands: Hands, folder: Path, **cells: tuple[str, str]) -> Path:
    """A steward's file that corrects cells of the quarantined customer: column to old and new text."""
    (row,) = hands.open.scan("quarantine.customers").collect().iter_rows(named=True)
    file = folder / "corrections.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("delivery", "row", "column", "old", "new", "by", "reason"))
        for column, (old, new) in cells.items():
            writer.writerow((row["_delivery"], row["_row_no"], column, old, new, "Wang Fang", "as on the paper file"))
    return file


def wrong_correction(hands: Hands, folder: Path, secrets: list[bytes]) -> Path:
    """One that is refused, because the old text is another customer's number."""
    (own,) = hands.open.scan("quarantine.customers").collect()["id_number"]
    other, *_ = sorted(text for secret in secrets if (text := secret.decode()) != own)
    return correction(hands, folder, id_number=(other, own))


@pytest.mark.slow
def test_a_corrected_identity_stands_in_the_restricted_layers_alone(riverside_troubled, riverside_demo, tmp_path):
    secrets = planted(riverside_troubled, riverside_demo)
    bank = riverside_troubled.copy(tmp_path / "copy")
    (row,) = bank.open.scan("quarantine.customers").collect().iter_rows(named=True)
    new = row["id_number"][:-4] + "0000"
    file = correction(bank, tmp_path, id_number=(row["id_number"], new), born_on=("31/02/2026", "28/02/2026"))
    told = bank("replay", "customers", "--corrections", str(file), code=None)
    secrets += [new.encode(), row["id_number"].encode()]
    assert not [secret for secret in secrets if secret in (told.output + told.stderr).encode()]
    assert leaks(bank.warehouse, secrets) == []
    assert any(new in str(row) for row in bank.open.scan("corrections.customers").collect().rows())
    for folder in ("staged", "quarantine", "parties", "corrections"):
        assert stat.S_IMODE((bank.warehouse / "data" / folder).stat().st_mode) == 0o700


@pytest.mark.slow
def test_a_night_in_a_process_of_its_own_says_no_identity_on_either_stream(riverside, riverside_demo):
    """What libraries write past Python's streams is heard here too."""
    secrets, day = planted(riverside, riverside_demo), riverside_demo.nights[1].isoformat()
    plant(riverside.landing / "daily" / day / "customers.1.csv", "impossible_date")
    plant(riverside.landing / "daily" / day / "accounts.1.csv", "not_utf8")
    options = ["--bank", riverside.bank, "--warehouse", str(riverside.warehouse), "--landing", str(riverside.landing)]
    ran = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *options, "nightly", day],
        env=os.environ | {"LIANGCANG_KEY_FILE": str(riverside.key)},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 65
    assert b"accounts" in ran.stdout + ran.stderr
    assert not [secret for secret in secrets if secret in ran.stdout + ran.stderr]
    assert leaks(riverside.warehouse, secrets) == []
