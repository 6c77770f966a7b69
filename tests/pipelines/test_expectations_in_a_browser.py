"""What Great Expectations draws, in a real browser: nothing runs, nothing is asked for from outside, all can be read."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from banks_at_work import Hands
from chromium_at_work import Chromium
from hostile_contracts import SCRIPT, hostile_bank

from assets.quality.files import EXPECTATIONS, INDEX, file_of, results_file, suite_file

NIGHT = dt.date(2026, 11, 2)


@pytest.mark.slow
def test_no_script_of_a_contract_runs_and_no_request_leaves(riverside_troubled: Hands, tmp_path: Path) -> None:
    bank, out = hostile_bank(tmp_path / "bank"), tmp_path / "out"
    replace(riverside_troubled, bank=str(bank.folder))("quality", str(out))
    pages = [INDEX, file_of(NIGHT), EXPECTATIONS, suite_file("customers"), results_file("customers", NIGHT)]
    with Chromium(tmp_path / "profile") as chromium:
        for name in pages:
            chromium.open(out / name)
            asked = [event["request"]["url"] for event in chromium.told("Network.requestWillBeSent")]
            assert [url.partition("#")[0] for url in asked] == [(out / name).as_uri()]
            complaints = chromium.told("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
            assert complaints == [], name
            assert chromium.value("window.hacked") is None
            assert chromium.value("document.scripts.length + document.images.length") == 0
        assert "broken 违反" in chromium.value("document.body.innerText")
        assert chromium.value("getComputedStyle(document.querySelector('.badge.red')).color") == "rgb(179, 38, 30)"
        assert chromium.value("document.querySelectorAll('.ge-section').length") > 5
        chromium.open(out / suite_file("customers"))
        assert SCRIPT in chromium.value("document.body.innerText")
        chromium("Emulation.setDeviceMetricsOverride", width=375, height=700, deviceScaleFactor=2, mobile=True)
        for name in pages:
            chromium.open(out / name)
            assert chromium.value("document.documentElement.scrollWidth") <= 375, name
