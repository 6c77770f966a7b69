"""The data dictionary in a real browser: nothing runs, nothing is asked for from outside, and it fits a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from chromium_at_work import Chromium
from click.testing import CliRunner
from hostile_contracts import SCRIPT, hostile_bank

from pipelines.cli import commands


@pytest.mark.slow
def test_no_script_runs_no_request_leaves_and_nothing_is_complained_of(tmp_path: Path) -> None:
    bank, out = hostile_bank(tmp_path / "bank"), tmp_path / "site"
    ran = CliRunner().invoke(commands, ["--bank", str(bank.folder), "contracts", "docs", str(out)])
    assert ran.exit_code == 0, ran.output
    with Chromium(tmp_path / "profile") as chromium:
        for page in sorted(out.iterdir()):
            chromium.open(page)
            asked = [event["request"]["url"] for event in chromium.told("Network.requestWillBeSent")]
            assert [url.partition("#")[0] for url in asked] == [page.as_uri()]
            complaints = chromium.told("Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled")
            assert complaints == [], page.name
            assert chromium.value("window.hacked") is None
            assert chromium.value("document.scripts.length + document.images.length") == 0
            assert chromium.value("getComputedStyle(document.querySelector('thead')).display") != "none"
        chromium.open(out / "feed-customers.html")
        assert SCRIPT in chromium.value("document.body.innerText")
        chromium("Emulation.setDeviceMetricsOverride", width=375, height=700, deviceScaleFactor=2, mobile=True)
        for page in sorted(out.iterdir()):
            chromium.open(page)
            assert chromium.value("document.documentElement.scrollWidth") <= 375, page.name
            assert chromium.value("getComputedStyle(document.querySelector('thead')).display") == "none"
        printed = chromium("Page.printToPDF")
        assert len(printed["data"]) > 10_000


@pytest.mark.slow
def test_the_browser_of_the_test_would_see_a_page_that_does_such_things(tmp_path: Path) -> None:
    """The test above can fail: without the escaping and the policy the same texts do what they say."""
    page = tmp_path / "page.html"
    page.write_text(f"<title>x</title>{SCRIPT}<img src='http://127.0.0.1:9/leak'>", encoding="utf-8")
    with Chromium(tmp_path / "profile") as chromium:
        chromium.open(page)
        assert chromium.value("window.hacked") == 1
        asked = [event["request"]["url"] for event in chromium.told("Network.requestWillBeSent")]
        assert "http://127.0.0.1:9/leak" in asked
        assert chromium.told("Log.entryAdded")
