"""A contract proposed from a delivery loads that very delivery."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from banks_at_work import hands
from click.testing import CliRunner

import data_contracts
from data_contracts import odcs
from pipelines.cli import commands
from pipelines.demo import Demo as CountyDemo

OURS = Path(data_contracts.__file__).parent
BANK = """\
code: proposed
name: {{en: Proposed, zh: 草拟}}
home_currency: CNY
time_zone: Asia/Shanghai
start_date: 2026-01-01
feeds: [{feed}]
"""


@pytest.mark.slow
@pytest.mark.parametrize(("feed", "system"), [("cb_dep_acct", "core")])
def test_a_proposed_contract_runs_a_night_with_no_row_quarantined(
    county_demo: CountyDemo, tmp_path: Path, feed: str, system: str
) -> None:
    name = f"330327_{system}_{feed}_20261101_full_01"
    sample = county_demo.landing / "20261101" / f"{name}.dat"
    bank, landing = tmp_path / "bank", tmp_path / "landing"
    (bank / "contracts").mkdir(parents=True)
    (bank / "bank.yaml").write_text(BANK.format(feed=feed), encoding="utf-8")
    (landing / "20261101").mkdir(parents=True)
    for ending in ("dat", "flg"):
        shutil.copy(sample.with_suffix(f".{ending}"), landing / "20261101")
    made = CliRunner().invoke(commands, ["contracts", "new", feed, str(sample), "--out", str(bank / "contracts")])
    assert made.exit_code == 0, made.output
    at_work = hands(tmp_path, bank=str(bank), landing=landing)
    at_work("contracts", "lint")
    at_work("nightly", "2026-11-01")
    rows = sample.read_bytes().count(b"\n")
    staged = at_work.open.scan(f"staged.{feed}", as_of="2026-11-01").collect()
    quality = at_work.open.scan(f"quality.{feed}", as_of="2026-11-01").collect()
    assert staged.height == rows > 100
    assert at_work.open.scan(f"quarantine.{feed}", as_of="2026-11-01").collect().height == 0
    assert quality.filter(~pl.col("passed")).is_empty()
    # The same columns as those of the contract that people wrote, under numbers instead of names.
    written = odcs.read(OURS / "county" / "contracts" / system / f"{feed}.odcs.yaml")
    proposed = odcs.read(bank / "contracts" / f"{feed}.odcs.yaml")
    assert len(proposed.properties) == len(written.properties)
    assert proposed.control_amount == f"c{1 + list(written.columns).index('balance'):02}"
    assert [p.format for p in proposed.properties] == [p.format for p in written.properties]
