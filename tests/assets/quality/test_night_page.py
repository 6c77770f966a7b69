"""A page a night: everything of the night is on it, nothing of a row, and nothing that a contract says can run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from banks_at_work import Hands

from assets.quality.night_page import file_of

D1, D2, D3 = (dt.date(2026, 11, day) for day in (1, 2, 3))


@pytest.fixture(scope="module")
def pages(riverside_troubled: Hands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pages") / "quality"
    riverside_troubled("quality", str(out))
    return out


def test_each_night_has_its_page_and_the_index_leads_to_it(pages):
    assert {path.name for path in pages.glob("*.html")} == {"index.html", *map(file_of, (D1, D2, D3))}
    index = (pages / "index.html").read_text()
    assert [index.index(file_of(day)) for day in (D3, D2, D1)] == sorted(
        index.index(file_of(day)) for day in (D3, D2, D1)
    )
    assert {path.stat().st_mode & 0o777 for path in pages.rglob("*.html")} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in pages.rglob("*") if path.is_dir()} == {0o755}


def test_what_came_what_was_kept_and_what_broke_stand_on_it(pages, riverside_troubled):
    text = (pages / file_of(D2)).read_text()
    for feed in ("customers", "accounts"):
        rows = dict(
            riverside_troubled.open.scan(f"quality.{feed}")
            .filter(business_date=D2, kind="conservation")
            .select("rule_id", "checked")
            .collect()
            .iter_rows()
        )
        cells = "".join(f">{rows[name]:,}</td>" for name in ("delivered",))
        assert rows["quarantined"] == 1
        assert cells in text
    assert "born_on.parse" in text and "opened_on.parse" in text and "零售金融部" in text
    assert f"daily/{D2}/customers.1.csv" in text and "line 2" in text
    assert "branches" in text, "what did not come is told"
    held = (pages / file_of(D3)).read_text()
    assert "held 沿用旧数" in held and "1 mended 已整改" in held


def test_no_value_of_a_row_that_was_kept_back_stands_on_a_page(pages, riverside_troubled):
    pages_text = "".join(path.read_text() for path in pages.rglob("*.html"))
    for feed in ("customers", "accounts"):
        kept = riverside_troubled.open.scan(f"quarantine.{feed}").collect()
        personal = {str(value) for name in kept.columns if not name.startswith("_") for value in kept[name].to_list()}
        assert [value for value in personal if len(value) > 8 and value in pages_text and value != str(D2)] == []


def test_every_page_may_load_and_run_nothing(pages):
    for path in pages.rglob("*.html"):
        text = path.read_text()
        assert "Content-Security-Policy" in text and "default-src &#x27;none&#x27;" in text
        assert "<script" not in text and "http" not in text.partition("</head>")[2]


def test_a_refused_delivery_is_on_the_page_of_its_night(riverside: Hands, riverside_demo, tmp_path):
    day = riverside_demo.nights[1]
    (riverside.landing / "daily" / str(day) / "accounts.1.csv").write_bytes(b"")
    riverside("nightly", str(day), code=65)
    riverside("quality", str(tmp_path / "out"), "--date", str(day))
    text = (tmp_path / "out" / file_of(day)).read_text()
    assert "refused 拒收" in text and "an empty file is not a delivery" in text


def test_pages_of_other_dates_stay_until_they_are_old(riverside_troubled: Hands, tmp_path):
    out = tmp_path / "out"
    riverside_troubled("quality", str(out))
    riverside_troubled("quality", str(out), "--date", str(D3))
    assert {path.name for path in out.glob("*.html")} == {"index.html", *map(file_of, (D1, D2, D3))}
    assert file_of(D1) in (out / "index.html").read_text()
    riverside_troubled("quality", str(out), "--date", str(D3), "--days", "1")
    assert {path.name for path in out.glob("*.html")} == {"index.html", file_of(D3)}


def test_a_date_that_was_not_judged_and_a_folder_of_somebody_elses_are_refused(riverside_troubled: Hands, tmp_path):
    said = riverside_troubled("quality", str(tmp_path / "out"), "--date", "2020-01-01", code=2).output
    assert "nothing was judged for 2020-01-01" in said
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    assert "holds something else" in riverside_troubled("quality", str(tmp_path / "mine"), code=2).output
