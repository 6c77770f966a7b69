"""Great Expectations for people: what it draws is all there, and nothing of a row, of a script or of the internet is."""

from __future__ import annotations

import csv
import datetime as dt
import shutil
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest
from banks.riverside_bank import Demo
from banks_at_work import Hands
from hostile_contracts import SCRIPT, hostile_bank

from assets.quality import expectation_sections
from assets.quality.expectation_pages import expectation_pages
from assets.quality.files import EXPECTATIONS, INDEX, file_of, results_file, suite_file
from assets.quality.night_page import NightSeen
from data_contracts.bank import read_bank
from data_contracts.expectations import rules_of_rows
from data_contracts.implied import all_rules

D1, D2, D3 = (dt.date(2026, 11, day) for day in (1, 2, 3))
FEEDS = ("accounts", "branches", "customers", "loans", "transactions")
ACTING = {"script", "img", "svg", "iframe", "object", "form", "input", "button", "link", "base", "i"}


class Page(HTMLParser):
    """A page as a browser reads it: its elements, where it leads, and what is to be read."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.in_cell = False
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        self.in_cell = self.in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        self.text += data
        if self.in_cell:
            self.rows[-1][-1] += data

    @property
    def links(self) -> list[str]:
        return [attributes["href"] for tag, attributes in self.elements if tag == "a" and "href" in attributes]

    def row(self, rule: str) -> list[str]:
        """The cells of the row of a rule, of which there is one, without blanks beside each other."""
        (found,) = [[" ".join(cell.split()) for cell in row] for row in self.rows if rule in [c.strip() for c in row]]
        return found


def files(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def judged(hands: Hands, feed: str, day: dt.date) -> dict[str, dict]:
    found = hands.open.scan(f"quality.{feed}").filter(business_date=day).collect()
    return {row["rule_id"]: row for row in found.iter_rows(named=True)}


@pytest.fixture(scope="module")
def out(riverside_troubled: Hands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages") / "quality"
    riverside_troubled("quality", str(folder))
    return folder


@pytest.fixture(scope="module")
def hostile(riverside_troubled: Hands, tmp_path_factory: pytest.TempPathFactory) -> Hands:
    """The same warehouse under contracts that say what a page must not do, in patterns and code lists too."""
    folder = tmp_path_factory.mktemp("hostile") / "bank"
    hostile_bank(folder)
    contract = folder / "contracts" / "customers.odcs.yaml"
    text = contract.read_text(encoding="utf-8")
    text = text.replace("'^C[0-9]{6}$'", "'^(C[0-9]{6}|<img src=http://127.0.0.1:9/p onerror=window.hacked=5>)$'")
    text = text.replace("{value: E, label: 企业}", "{value: '<script>window.hacked=6</script>', label: 企业}")
    contract.write_text(text, encoding="utf-8")
    return replace(riverside_troubled, bank=str(folder))


@pytest.fixture(scope="module")
def hostile_out(hostile: Hands, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile_pages") / "quality"
    hostile("quality", str(folder))
    return folder


@pytest.fixture
def copied(out: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(out, tmp_path / "out"))


def test_each_feed_has_its_suite_and_a_page_a_night_and_every_link_leads_to_a_page(out, riverside_troubled):
    there = files(out)
    assert {suite_file(feed) for feed in FEEDS} | {EXPECTATIONS, INDEX} <= set(there)
    published = {
        results_file(feed, day)
        for feed in FEEDS
        for day in (D1, D2, D3)
        if any(row["kind"] != "conservation" for row in judged(riverside_troubled, feed, day).values())
    }
    assert {name for name in there if name.startswith("expectations/") and "2026" in name} == published
    reached, next_ones = set(), {INDEX}
    while next_ones:
        name = next_ones.pop()
        reached.add(name)
        for link in Page(out / name).links:
            target = (
                ((out / name).parent / link.partition("#")[0]).resolve() if not link.startswith("#") else out / name
            )
            assert target.is_file(), f"{name} leads to {link}"
            next_ones |= {target.relative_to(out).as_posix()} - reached
    assert reached == set(there), "from the index everything can be reached"


def test_every_rule_stands_on_the_suite_and_with_its_published_counts_on_the_page_of_a_night(out, riverside_troubled):
    bank = read_bank(riverside_troubled.bank)
    for feed, contract in bank.feeds.items():
        suite, result, counts = (
            Page(out / suite_file(feed)),
            Page(out / results_file(feed, D1)),
            judged(riverside_troubled, feed, D1),
        )
        by_it = {rule.id for rule in rules_of_rows(contract)}
        assert f"contains {len(by_it)} total Expectations" in suite.text
        for rule in all_rules(contract):
            assert rule.severity in suite.row(rule.id) and rule.owner in suite.row(rule.id)
            row = result.row(rule.id)
            if rule.id not in by_it or counts[rule.id]["passed"] is None:
                assert f"{counts[rule.id]['checked']:,}" in row
            else:
                assert row[0] == ("broken 违反" if counts[rule.id]["failed"] else "met 通过")


def test_what_was_broken_is_told_as_great_expectations_tells_it(out, riverside_troubled):
    broken = Page(out / results_file("customers", D2))
    found = judged(riverside_troubled, "customers", D2)["born_on.parse"]
    assert found["failed"] == 1
    cells = broken.row("born_on.parse")
    assert cells[0] == "broken 违反" and f"1 unexpected values found. 4% of {found['checked']} total rows." in cells[1]
    assert "1 broken 违反" in broken.text and "Status: Failed" in " ".join(broken.text.split())
    assert "values must match this regular expression: ^C[0-9]{6}$" in broken.row("cust_id.pattern")[1]
    assert "Status: Succeeded" in " ".join(Page(out / results_file("customers", D1)).text.split())


def test_no_byte_of_the_site_holds_a_name_or_a_number_of_a_person(out, riverside_demo: Demo, hostile_out):
    rows = [
        row
        for file in riverside_demo.landing.rglob("customers*.csv")
        for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines())
    ]
    planted = {row[name] for row in rows for name in ("cust_id", "full_name", "id_number")}
    assert "李安" in planted and len(planted) > 60
    for text in [*files(out).values(), *files(hostile_out).values()]:
        assert not [value for value in planted if value.encode() in text]


def test_of_a_personal_column_not_even_the_allowed_values_are_listed(out):
    page = Page(out / results_file("customers", D1))
    assert page.row("sex.enum")[1] == "one of 2 codes"
    assert page.row("kind.enum")[1] == "values must belong to this set: P E S."


@pytest.mark.parametrize("site", ["out", "hostile_out"])
def test_nothing_can_run_and_nothing_comes_from_outside(site, request):
    folder = request.getfixturevalue(site)
    for path in folder.rglob("*.html"):
        page, text = Page(path), path.read_text(encoding="utf-8")
        assert not ACTING & {tag for tag, _ in page.elements}, path.name
        assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
        assert not [attributes for _, attributes in page.elements if {"style", "src", "action"} & set(attributes)]
        assert [link for link in page.links if ":" in link or link.startswith("/")] == []
        policies = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
        assert len(policies) == 1 and policies[0].startswith("default-src 'none'")
        assert text.index("Content-Security-Policy") < text.index("<title>"), "before anything that it has to hold back"


def test_what_a_hostile_contract_says_is_to_be_read_as_it_is_written(hostile_out):
    suite, night = (Page(hostile_out / name) for name in (suite_file("customers"), results_file("customers", D1)))
    assert SCRIPT in suite.text
    for page, cell in (suite, 0), (night, 1):
        assert "|<img src=http://127.0.0.1:9/p onerror=window.hacked=5>" in page.row("cust_id.pattern")[cell]
        assert "<script>window.hacked=6</script>" in page.row("kind.enum")[cell]


def test_the_same_night_gives_the_same_bytes_and_asks_great_expectations_no_more(
    copied, riverside_troubled, monkeypatch
):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in copied.rglob("*.html")}
    monkeypatch.setattr(expectation_sections, "_renderers", lambda: pytest.fail("nothing has changed"))
    riverside_troubled("quality", str(copied))
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in copied.rglob("*.html")} == before


def test_a_page_that_was_lost_comes_back_byte_for_byte(copied, riverside_troubled):
    before = files(copied)
    shutil.rmtree(copied / "expectations" / "loans")
    (copied / results_file("accounts", D2)).unlink()
    riverside_troubled("quality", str(copied))
    assert files(copied) == before


def test_only_pages_of_a_contract_that_changed_are_made_again(copied, riverside_troubled, tmp_path):
    bank = Path(shutil.copytree(riverside_troubled.bank, tmp_path / "bank"))
    contract = bank / "contracts" / "branches.odcs.yaml"
    contract.write_text(contract.read_text(encoding="utf-8").replace("name: 运营管理部", "name: 另一部门"), "utf-8")
    before = files(copied)
    replace(riverside_troubled, bank=str(bank))("quality", str(copied))
    changed = {name for name, text in files(copied).items() if text != before[name]}
    assert {name for name in changed if name.startswith("expectations/")} == {
        EXPECTATIONS,
        *(name for name in before if name.startswith("expectations/branches/")),
    }


def test_old_pages_go_and_those_of_other_nights_stay(copied, riverside_troubled):
    riverside_troubled("quality", str(copied), "--date", str(D3))
    assert (copied / results_file("loans", D1)).is_file()
    assert f"{D1}.html" in Page(copied / suite_file("loans")).links
    riverside_troubled("quality", str(copied), "--date", str(D3), "--days", "1")
    left = {name for name in files(copied) if "2026" in name}
    assert left == {
        file_of(D3),
        *(results_file(feed, D3) for feed in FEEDS if (copied / results_file(feed, D3)).is_file()),
    }
    assert left > {file_of(D3)}


def test_a_feed_that_the_bank_has_no_more_goes_with_its_folder(copied, riverside_troubled):
    gone = copied / "expectations" / "gone"
    gone.mkdir()
    shutil.copy(copied / suite_file("loans"), gone / "index.html")
    riverside_troubled("quality", str(copied))
    assert not gone.exists()


@pytest.mark.parametrize(
    "name", ["expectations/loans/notes.txt", "expectations/mine.html", "expectations/loans/2026.html"]
)
def test_a_file_of_somebody_elses_is_refused_and_stays(copied, riverside_troubled, name):
    (copied / name).write_text("<p>mine</p>", encoding="utf-8")
    assert "holds something else" in riverside_troubled("quality", str(copied), code=2).output
    assert (copied / name).read_text(encoding="utf-8") == "<p>mine</p>"


def test_a_link_to_a_folder_elsewhere_is_not_followed(copied, riverside_troubled, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (copied / "expectations" / "away").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert "holds something else" in riverside_troubled("quality", str(copied), code=2).output


@pytest.mark.parametrize(
    "inside",
    [
        "great_expectations.render.renderer.content_block.content_block.ContentBlockRenderer._render_expectation_description",
        "great_expectations.render.view.DefaultJinjaSectionView.render",
    ],
)
def test_an_error_inside_great_expectations_is_an_error_and_no_gap_on_a_page(
    riverside_troubled, tmp_path, monkeypatch, inside
):
    """The first it swallows: it writes a line into its log, and leaves the expectation out."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError("torn template")

    expectation_sections._renderers()
    monkeypatch.setattr(inside, fail)
    said = riverside_troubled("quality", str(tmp_path / "out"), code=70).output
    assert "Great Expectations cannot draw what is expected of staged." in said and "torn template" not in said
    kept = next(line for line in said.splitlines() if "file" in line).split()[-1]
    assert "torn template" in Path(kept).read_text(encoding="utf-8")
    assert not (tmp_path / "out").exists()


def test_rules_that_were_not_judged_and_those_of_no_contract_are_told_beside(riverside_troubled):
    bank = read_bank(riverside_troubled.bank)
    found = riverside_troubled.open.scan("quality.loans").filter(business_date=D1).collect()
    unjudged = pl.col("rule_id") == "key"
    told = found.with_columns(
        passed=pl.when(unjudged).then(None).otherwise("passed"),
        observation=pl.when(unjudged).then(pl.lit("not judged: <b>it</b> is not there")).otherwise("observation"),
        rule_id=pl.when(pl.col("kind") == "volume").then(pl.lit("gone")).otherwise("rule_id"),
    )
    second = told.with_columns(_delivery=pl.lit("f" * 12))
    none = pl.DataFrame()
    night = NightSeen(day=D1, came=(), quality={"loans": pl.concat([told, second])}, issues=none, scores=none)
    written, kept = expectation_pages(bank, [night], [], made_of=lambda _: None)
    assert kept == frozenset()
    text = written[results_file("loans", D1)]
    assert text.count("not judged: &lt;b&gt;it&lt;/b&gt; is not there") == 2 and text.count("<code>gone</code>") == 2
    anchors = [part.partition('"')[0] for part in text.split('<div id="')[1:]]
    assert len(anchors) == len(set(anchors)) > 10, "two deliveries of a date have anchors of their own"


def test_a_feed_whose_contract_asks_nothing_of_rows_has_a_page_too(riverside_troubled):
    bank = read_bank(riverside_troubled.bank)
    plain = bank.feeds["branches"]
    texts = tuple(replace(prop, type="VARCHAR", key=False) for prop in plain.properties)
    bare = replace(plain, properties=texts, rules=())
    assert rules_of_rows(bare) == ()
    written, _ = expectation_pages(replace(bank, feeds={"branches": bare}), [], [], made_of=lambda _: None)
    assert "volume.min_rows" in written[suite_file("branches")]


def test_pages_say_of_what_they_are_made(out):
    said: Mapping[str, str] = {
        path.as_posix(): attributes["content"]
        for path in (out / "expectations").rglob("*.html")
        for tag, attributes in Page(path).elements
        if tag == "meta" and attributes.get("name") == "source"
    }
    assert len(said) == len(list((out / "expectations").rglob("*.html"))) and len(set(said.values())) == len(said)


@pytest.mark.slow
def test_every_feed_of_the_county_has_a_suite_that_can_be_drawn():
    bank = read_bank("county")
    written, _ = expectation_pages(bank, [], [], made_of=lambda _: None)
    assert set(written) == {EXPECTATIONS, *map(suite_file, bank.feeds)} and len(bank.feeds) == 64
    for feed, contract in bank.feeds.items():
        assert all(f"<code>{rule.id}</code>" in written[suite_file(feed)] for rule in all_rules(contract))
