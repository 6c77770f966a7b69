"""HTML that escapes by itself: text becomes mark-up only through `element`, which escapes whatever is not mark-up yet.

What contracts say is written by people of other systems, and a page is opened by people who trust it. So nothing is put
together from strings, and each page carries a policy that lets nothing run and nothing load but its own style.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TypeAlias

from liangcang.showing import for_html


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content: TypeAlias = "str | Markup | Iterable[Content] | None"
VOID = frozenset({"meta", "br"})


def markup(content: Content) -> Markup:
    """Content as mark-up: escaped, unless it is that already; of several pieces one after the other."""
    match content:
        case Markup():
            return content
        case str():
            return Markup(for_html(content))
        case None:
            return Markup("")
    return Markup("".join(markup(piece) for piece in content))


def element(name: str, /, *content: Content, **attributes: str | None) -> Markup:
    """One element. `class_` and `data_label` become `class` and `data-label`; an attribute that is None is left out."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{for_html(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{said}>" if name in VOID else f"<{name}{said}>{markup(content)}</{name}>")


def both(english: str, chinese: str) -> Markup:
    """A heading in both languages."""
    return markup([english, " ", element("span", chinese, lang="zh")])


def link(text: Content, href: str) -> Markup:
    """A link to a page of ours: names of pages and anchors are made of names of tables and columns alone."""
    return element("a", text, href=href)


def code(text: str) -> Markup:
    return element("code", text)


def items(content: Iterable[Content], class_: str | None = None) -> Markup:
    return element("ul", [element("li", one) for one in content], class_=class_)


def facts(pairs: Iterable[tuple[Content, Content]]) -> Markup:
    """Names and values; those without a value are left out."""
    shown = [(name, markup(value)) for name, value in pairs]
    return element("dl", [(element("dt", name), element("dd", value)) for name, value in shown if value])


def table(head: Sequence[str], rows: Iterable[tuple[str | None, Sequence[Content]]]) -> Markup:
    """A table of rows, each with its anchor; the first cell of a row names it. On a phone each row is a card."""
    heading = element("thead", element("tr", [element("th", name, scope="col") for name in head]))
    body = [
        element(
            "tr",
            element("th", cells[0], scope="row"),
            [element("td", cell, data_label=name) for name, cell in zip(head[1:], cells[1:], strict=True)],
            id=anchor,
        )
        for anchor, cells in rows
    ]
    return element("div", element("table", heading, element("tbody", body)), class_="scroll")


def page(
    title: str, navigation: Content, body: Content, *, foot: Content, generator: str, source: str | None = None
) -> str:
    """A whole page. It needs no other file, and may run and load nothing.

    `generator`: the command that writes it. `source`: the digest of what it is made of, where somebody asks for it.
    """
    policy = f"default-src 'none'; style-src 'sha256-{_digest()}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{for_html(policy)}">'),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="generator", content=generator),
        element("meta", name="source", content=source) if source else None,
        element("title", title),
        Markup(f"<style>{_style()}</style>"),
    )
    parts = element("body", element("header", navigation), element("main", body), element("footer", foot))
    return f"<!doctype html>\n{element('html', head, parts, lang='en')}\n"


@cache
def _style() -> str:
    return Path(__file__).with_name("pages.css").read_text(encoding="utf-8")


def _digest() -> str:
    return b64encode(hashlib.sha256(_style().encode()).digest()).decode()
