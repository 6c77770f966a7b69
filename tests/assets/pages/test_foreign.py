"""HTML that a library made, before it stands on a page of ours: what could act is gone, what is to be read stays."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from assets.pages.foreign import ATTRIBUTES, TAGS, cleaned

ACTS = [
    "<script>window.hacked=1</script>",
    "<SCRIPT SRC=//127.0.0.1:9/x.js></SCRIPT>",
    "<img src=x onerror=window.hacked=1>",
    "<svg onload=window.hacked=1><script>window.hacked=1</script></svg>",
    "<a href='javascript:window.hacked=1'>x</a>",
    "<a href=' java\tscript:window.hacked=1'>x</a>",
    "<a href='//127.0.0.1:9/x'>x</a>",
    "<a href='http://127.0.0.1:9/x.html'>x</a>",
    "<a href='../../elsewhere/x.html'>x</a>",
    "<a href='data:text/html,<script>window.hacked=1</script>'>x</a>",
    "<a href='x.html' onclick=window.hacked=1 style='position:fixed' target=_blank ping=//127.0.0.1:9>x</a>",
    "<div id=window onmouseover=window.hacked=1 style=background:url(//127.0.0.1:9)>x</div>",
    "<style>@import url(//127.0.0.1:9/x.css)</style><link rel=stylesheet href=//127.0.0.1:9/x.css>",
    "<meta http-equiv=refresh content='0;url=//127.0.0.1:9'><base href=//127.0.0.1:9>",
    "<form action=//127.0.0.1:9><input name=x><button formaction=//127.0.0.1:9>x</button></form>",
    "<iframe srcdoc='<script>parent.hacked=1</script>'></iframe><object data=//127.0.0.1:9></object>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=window.hacked=1&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=window.hacked=1>'>",
    "</div></main><!-- <img src=x> --><p>x",
]


class Parts(HTMLParser):
    """All elements with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_comment(self, data):
        self.comments.append(data)


@pytest.mark.parametrize("text", ACTS)
def test_nothing_that_acts_is_left(text):
    found = Parts(cleaned(f"<p>before</p>{text}<p>after</p>"))
    assert {tag for tag, _ in found.elements} <= TAGS and not found.comments
    for tag, attributes in found.elements:
        assert set(attributes) <= ATTRIBUTES.get(tag, set()) | {"class"}
        assert attributes.get("href", "x.html") == "x.html", "a link leads to a page beside, or nowhere"
        assert "id" not in attributes
    assert "before" in cleaned(f"<p>before</p>{text}<p>after</p>")


def test_what_was_escaped_stays_text():
    assert cleaned("<p>&lt;script&gt;x&lt;/script&gt; &amp;lt;</p>") == "<p>&lt;script&gt;x&lt;/script&gt; &amp;lt;</p>"


def test_sections_keep_their_anchors_and_links_among_our_pages():
    kept = '<div id="section-12"><a href="2026-11-01.html#section-3">x</a><a href="#section-3">y</a></div>'
    assert cleaned(kept) == kept


def test_classes_are_those_that_our_style_knows():
    assert cleaned('<span class="badge fas evil">x</span>') == '<span class="badge">x</span>'


def test_what_turns_the_direction_of_text_is_spelled_out():
    assert cleaned("<p>\u202eabc\u2066</p>") == "<p>\\u202eabc\\u2066</p>"
