"""HTML that a library made, cut down to what may stand on a page of ours: text, tables and links among our pages.

Libraries put what people wrote into their pages as it is, and load scripts, styles and pictures from other sites. What
is not on this list does not stand on the page: an element goes and leaves its text, a script goes with its text.
"""

from __future__ import annotations

import re

import nh3

from assets.pages.markup import Markup
from liangcang.showing import spelled_out

TAGS = frozenset(
    {"a", "b", "br", "code", "div", "em", "h5", "h6", "hr", "li", "p", "span", "strong", "ul"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)
ATTRIBUTES = {"a": {"href"}, "div": {"id"}, "thead": {"hidden"}}
CLASSES = {
    "div": {"alert", "ge-section", "table-responsive"},
    "span": {"badge", "error", "quarantine", "warning", "red", "soft"},
    "strong": {"text-danger"},
}
WITH_TEXT = frozenset(
    {"script", "style", "template", "noscript", "iframe", "object", "svg", "math", "textarea", "title"}
)
"""Elements whose text is nothing to read."""

_OURS = re.compile(r"[\w-]+(\.[\w-]+)*\.html(#[\w-]+)?|#[\w-]+", re.ASCII)
_ANCHOR = re.compile(r"section-[0-9]+", re.ASCII)
_BLANK = re.compile(r"\s*\n\s*")


def cleaned(foreign: str) -> Markup:
    """Foreign HTML without what could run, load, style or lead outside; its sections keep their anchors."""
    kept = nh3.clean(
        foreign,
        tags=set(TAGS),
        clean_content_tags=set(WITH_TEXT),
        attributes={tag: set(names) for tag, names in ATTRIBUTES.items()},
        attribute_filter=_kept,
        allowed_classes={tag: set(names) for tag, names in CLASSES.items()},
        url_schemes=set(),
        link_rel=None,
    )
    return Markup(spelled_out(_BLANK.sub("\n", kept)))


def _kept(tag: str, name: str, value: str) -> str | None:
    """An attribute's value, or None where it goes: links lead to pages beside, anchors are those of sections."""
    match tag, name:
        case "a", "href":
            return value if _OURS.fullmatch(value) else None
        case "div", "id":
            return value if _ANCHOR.fullmatch(value) else None
    return value
