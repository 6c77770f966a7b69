"""The card says what a reader must know, carries all it shows, and runs nothing."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from churn_by_hand import bank, inputs

from assets.churn import card
from assets.churn.page import STYLE, Section, as_markdown, as_page
from assets.churn.split import PanelSplit
from data_contracts.bank import read_bank


class Seen(HTMLParser):
    """The elements of a page and their attributes; every opened element must be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    assert parser.open == []
    return parser


@pytest.fixture
def page(training) -> str:
    return training.trained.registered.read("card.html").decode()


def test_the_page_may_load_and_run_nothing(page: str) -> None:
    elements = seen(page).elements
    assert {tag for tag, _ in elements} <= {
        "html", "head", "meta", "title", "style", "body", "section", "h1", "h2", "p", "figure", "table", "thead", "tbody",
        "tr", "th", "td", "svg", "text", "line", "polyline", "circle",
    }  # fmt: skip
    names = {name for _, attributes in elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "href", "style", "xlink:href")}
    assert not re.search(r"https?:|//|@import|url\(", page)
    policy = next(a["content"] for tag, a in elements if tag == "meta" and "http-equiv" in a)
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def test_what_stands_in_the_data_is_shown_and_not_run(page: str, training) -> None:
    """A branch region of the panel is called <script>alert(1)</script>."""
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "<script" not in training.trained.registered.read("card.md").decode()


def test_the_card_says_what_a_reader_must_know(training) -> None:
    text = training.trained.registered.read("card.md").decode()
    for said in (
        "Purpose", "Not for", "population", "aum_q >= $floor", "c1_aum_drop", "manifest 000000-", "expires", "2027-08-31",
        "零售金融部", "Optimism", "Groups", "Limits", "Reasons", "Calibration", "Lift", "candidate", "card_cnt: the same",
        "Mean balance of 30 days against that of 90.", "simple rule", "AUC out of fold",
    ):  # fmt: skip
        assert said in text, said
    assert "P0000" not in text, "no party stands on a card"


def test_a_card_without_enough_churn_or_of_a_made_up_bank_is_for_looking_at(training) -> None:
    panel, trained = training.panel, training.trained
    split = PanelSplit.of(panel.rows["as_of_date"].unique(), panel.label.outcome, tests=1)
    facts = trained.registered.facts
    real = bank()
    generated = replace(real, parameters={**real.parameters, "generated": True})
    few = replace(panel.label, training={**panel.label.training, "fit_for_use": 10_000})
    notices = {}
    for name, (label, of) in {
        "enough": (panel.label, real),
        "few": (few, real),
        "generated": (panel.label, generated),
    }.items():
        made = card.sections(
            "v", label=label, inputs=inputs(), split=split, metrics=trained.metrics, facts=facts, bank=of
        )
        notices[name] = [part.text for part in made if part.title == "For looking at, not for use"]
    assert notices["enough"] == []
    assert "below 10000" in notices["few"][0][0]
    assert "The bank is generated" in notices["generated"][0][0]


def test_the_demo_banks_own_model_is_for_looking_at_however_much_was_seen(training) -> None:
    panel, trained = training.panel, training.trained
    split = PanelSplit.of(panel.rows["as_of_date"].unique(), panel.label.outcome, tests=1)
    made = card.sections(
        "v",
        label=replace(panel.label, training={**panel.label.training, "fit_for_use": 1}),
        inputs=inputs(),
        split=split,
        metrics=trained.metrics,
        facts=trained.registered.facts,
        bank=read_bank("county"),
    )
    (notice,) = [part for part in made if part.notice]
    assert notice.title == "For looking at, not for use"
    assert notice.text == (
        "The bank is generated: its customers are none, and what is learned of them is true of nobody.",
    )


def test_marks_of_markdown_in_a_text_are_shown_as_they_are() -> None:
    part = Section(title="a|b", text=("[x](http://y) <b> *_z_* a_b & `c`",), table=[("h",), ("1|2\n3",)])
    text = as_markdown([part])
    assert text.startswith("# a\\|b\n")
    assert r"\[x\](http://y) &lt;b> \*\_z\_\* a_b &amp; \`c\`" in text
    assert "| 1\\|2 3 |" in text
    assert seen(as_page([part]))
