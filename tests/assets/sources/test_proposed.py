"""A contract proposed from a delivery loads that very delivery, through the reader and the judge of the night."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import data_contracts
from assets.sources.reading import read
from data_contracts import odcs, strict
from data_contracts.draft import draft
from data_contracts.judge import judge
from data_contracts.lint import lint
from liangcang.engine import Engine
from pipelines.demo import Demo

OURS = Path(data_contracts.__file__).parent / "county" / "contracts"
QUICK = ["cb_dep_acct", "cb_cust_ind"]
OTHERS = ["cb_org", "cb_product", "cb_calendar", "cb_txn", "ln_contract", "ln_due", "ln_sched", "ln_repay"]


@pytest.mark.parametrize("feed", [*QUICK, *(pytest.param(feed, marks=pytest.mark.slow) for feed in OTHERS)])
def test_a_proposed_contract_loads_its_own_sample_with_no_row_quarantined(
    county_demo: Demo, engine: Engine, room: Path, feed: str
) -> None:
    """Of the customers the one row stays out that has a planted date which is none: the proposal says so."""
    sample = max(county_demo.landing.glob(f"202611*/*_{feed}_*.dat"), key=lambda path: (path.stat().st_size, path))
    made = draft(feed, sample)
    contract, _ = odcs.examined(strict.load(made.text, where=feed), Path(f"contracts/{feed}.odcs.yaml"), "")
    assert contract is not None
    assert lint(contract) == list(made.findings) == []
    form = contract.format("daily")
    assert form is not None
    taken = Path(shutil.copy(sample, room / feed))
    raw = read(engine, taken, contract, form, file_name=sample.name)
    judgement = judge(engine.con, contract)
    assert raw.rows == sample.read_bytes().count(b"\n") > 0
    planted = 1 if "such rows would be quarantined" in made.text else 0
    assert planted == (feed == "cb_cust_ind" and "20261101" in sample.name)
    assert (raw.rejects, judgement.quarantined, judgement.refused) == (0, planted, None)
    # Of the same shape as the contract that people wrote, with numbers for names.
    written = odcs.read(next(OURS.rglob(f"{feed}.odcs.yaml")))
    assert len(contract.properties) == len(written.properties)
    for proposed, real in zip(contract.properties, written.properties, strict=True):
        if "DATE" in (proposed.type, real.type) and raw.rows > 100:
            assert (proposed.type, proposed.format) == (real.type, real.format)
    if written.control_amount:
        amount = f"c{1 + list(written.columns).index(written.control_amount):02}"
        told = [line for line in made.text.splitlines() if "controlAmount" in line]
        assert contract.control_amount == amount or (contract.control_amount is None and amount in told[0])
