"""The data dictionary: whole, linked, and unable to do anything that a contract's text asks for."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile_contracts import BREAKOUT, IMAGE, SCRIPT, hostile_bank
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.building import not_fed
from assets.dictionary.site import GENERATOR, site
from assets.lineage import feature_needs
from assets.pages.folder import write_pages
from assets.pages.markup import Markup, element, link, markup
from assets.risk_warning.signals import indicator_catalogue
from assets.tags.customer_tags import tag_catalogue
from data_contracts.bank import Bank, conformed_contracts, product_contracts
from data_contracts.implied import all_rules
from liangcang.errors import UsageError

ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "strong", "span", "p", "a"),
    *("h1", "h2", "h3", "dl", "dt", "dd", "ul", "li", "div", "table", "thead", "tbody", "tr", "th", "td", "code", "pre"),
    *("br", "details", "summary"),
}  # fmt: skip


class Seen(HTMLParser):
    """What a page is made of, as a parser of HTML sees it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.policy = self.style = ""
        self._in_style = False
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= set(given)
        self.links += [given["href"] or ""] if "href" in given else []
        self.ids += [given["id"] or ""] if "id" in given else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        self._in_style = tag == "style"
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self.style += data
        else:
            self.text += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return hostile_bank(tmp_path_factory.mktemp("hostile") / "bank")


@pytest.fixture(scope="module")
def made(hostile: Bank) -> Mapping[str, str]:
    return site(hostile)


@pytest.fixture(scope="module")
def pages(made: Mapping[str, str]) -> Mapping[str, Seen]:
    return {name: Seen(text) for name, text in made.items()}


def test_there_is_a_page_for_each_table(hostile: Bank, pages: Mapping[str, Seen]) -> None:
    expected = {"index.html", "features.html"}
    expected |= {f"feed-{name}.html" for name in hostile.feeds}
    expected |= {f"table-{name}.html" for name in conformed_contracts()}
    expected |= {f"product-{name}.html" for name in product_contracts()}
    assert set(pages) == expected


def test_nothing_stands_in_a_page_that_could_run_or_load(pages: Mapping[str, Seen]) -> None:
    for name, page in pages.items():
        assert page.tags <= ALLOWED, name
        assert page.open == [], name
        allowed = {"href", "id", "class", "lang", "scope", "data-label", "charset", "name", "content", "http-equiv"}
        assert page.attributes <= allowed, name
        assert all(target.partition("#")[0] in {*pages, ""} for target in page.links), name
        assert "url(" not in page.style
        assert "@import" not in page.style


def test_every_page_has_a_policy_that_lets_only_its_own_style_through(pages: Mapping[str, Seen]) -> None:
    for page in pages.values():
        digest = b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        assert page.policy == (f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'")


def test_every_link_leads_somewhere(pages: Mapping[str, Seen]) -> None:
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        for target in page.links:
            file, _, anchor = target.partition("#")
            assert not anchor or anchor in pages[file or name].ids, (name, target)


def test_what_a_contract_says_is_shown_and_not_done(pages: Mapping[str, Seen]) -> None:
    shown = " ".join(page.text for page in pages.values())
    for text in (SCRIPT, IMAGE, BREAKOUT):
        assert text in shown
    assert "<script" not in "".join(tag for page in pages.values() for tag in page.tags)


def test_every_tag_and_indicator_has_its_meaning_levels_and_way_back(pages: Mapping[str, Seen]) -> None:
    tags, signals = pages["product-customer_tags.html"], pages["product-risk_signal.html"]
    for page, catalogue in ((tags, tag_catalogue()), (signals, indicator_catalogue())):
        for entry in catalogue.entries:
            assert entry.id in page.ids
            assert entry.description in page.text
            assert entry.title in page.text
    for indicator in indicator_catalogue().indicators:
        assert all(severity in signals.text for severity in indicator.levels)
    assert "staged.transactions.amount" in signals.text
    assert "feed-transactions.html#c-amount" in signals.links


def test_a_feature_of_which_nobody_said_what_it_needs_has_no_lineage(pages: Mapping[str, Seen]) -> None:
    without = [name for name, needs in feature_needs().items() if not needs]
    assert "tenure_m" in without
    assert pages["features.html"].text.count("no lineage") == len(without)
    assert "no lineage for a part" in pages["product-customer_tags.html"].text


def test_what_a_bank_cannot_feed_is_said(hostile: Bank, pages: Mapping[str, Seen]) -> None:
    for id in not_fed(hostile):
        assert id in pages["index.html"].text
    assert "unknown for everybody" in pages["product-customer_tags.html"].text
    assert "not fed" in pages["table-card.html"].text


def test_all_that_a_delivery_is_held_to_stands_on_its_page(hostile: Bank, pages: Mapping[str, Seen]) -> None:
    for name, contract in hostile.feeds.items():
        page = pages[f"feed-{name}.html"]
        for rule in all_rules(contract):
            assert rule.id in page.text
            assert not rule.predicate or rule.predicate in page.text
        for column in contract.properties:
            assert f"c-{column.name}" in page.ids
            assert all(label in page.text for label in column.codes.values())
        assert all(form.path in page.text for form in contract.formats)


def test_the_same_bank_gives_the_same_bytes(hostile: Bank, made: Mapping[str, str]) -> None:
    assert site(hostile) == made


def test_the_pages_of_an_earlier_site_are_replaced_and_old_ones_go(made: Mapping[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "a" / "site"
    first = {path: path.read_bytes() for path in write_pages(made, folder, generator=GENERATOR)}
    (folder / "feed-gone.html").write_bytes((folder / "index.html").read_bytes())
    assert {path: path.read_bytes() for path in write_pages(made, folder, generator=GENERATOR)} == first
    assert sorted(folder.iterdir()) == sorted(first)
    assert {path.stat().st_mode & 0o777 for path in first} == {0o644}


@pytest.mark.parametrize("name", ["index.html", "notes.txt"])
def test_a_folder_that_holds_something_else_stays_as_it_is(made: Mapping[str, str], tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<p>somebody's own</p>")
    with pytest.raises(UsageError, match="holds something else"):
        write_pages(made, tmp_path, generator=GENERATOR)
    assert [path.name for path in tmp_path.iterdir()] == [name]


# -- mark-up -----------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text())
def test_no_text_becomes_mark_up(text: str, value: str) -> None:
    page = Seen(element("p", text, [text, None, (text,)], id=value))
    assert page.tags == {"p"}
    assert page.attributes == {"id"}
    assert page.open == []


def test_mark_up_is_not_escaped_twice() -> None:
    assert markup([element("p", "a < b"), "&"]) == "<p>a &lt; b</p>&amp;"
    assert link(Markup("<b>x</b>"), 'a"b') == '<a href="a&quot;b"><b>x</b></a>'
