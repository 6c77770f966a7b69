"""A document of a few sections as a page that needs nothing from outside, and as Markdown."""

from __future__ import annotations

import hashlib
import html
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from liangcang.showing import for_html

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; margin: .5rem 0; } th, td { padding: .2rem .7rem; border-bottom: 1px solid #e5e5e5; }
th { text-align: left; } td { font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.notice { border-left: 4px solid #d55e00; padding: .4rem .8rem; background: #fdf3ec; }
svg { width: 100%; max-width: 32rem; display: block; } svg text { font-size: 11px; fill: #333; }
svg polyline, svg line { fill: none; stroke-width: 2; } svg .grid { stroke: #ddd; stroke-width: 1; }
svg .name { text-anchor: middle; } svg .end { text-anchor: end; }
"""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the document: text, and perhaps a table (its first row is the heading) and a chart (SVG)."""

    title: str
    text: tuple[str, ...] = ()
    table: Rows = ()
    chart: str = ""
    notice: bool = False


def as_page(parts: Sequence[Section]) -> str:
    """The document as HTML that carries all it shows and may run and load nothing."""
    style = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'"
    body = "\n".join(_html(part, first=number == 0) for number, part in enumerate(parts))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{for_html(policy)}">\n'
        f"<title>{for_html(parts[0].title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def as_markdown(parts: Sequence[Section]) -> str:
    """The document as Markdown; the charts' figures stand in tables."""
    return "\n".join(_markdown(part, first=number == 0) for number, part in enumerate(parts))


def _html(part: Section, *, first: bool) -> str:
    level = "h1" if first else "h2"
    made = [f"<{level}>{for_html(part.title)}</{level}>"]
    made += [f"<p>{for_html(text)}</p>" for text in part.text]
    if part.chart:
        made.append(f"<figure>{part.chart}</figure>")
    if part.table:
        head, *rows = part.table
        cells = "".join(f'<th scope="col">{for_html(cell)}</th>' for cell in head)
        body = "\n".join("<tr>" + "".join(f"<td>{for_html(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        made.append(f"<table>\n<thead><tr>{cells}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>")
    inside = "\n".join(made)
    return f'<section class="notice">\n{inside}\n</section>' if part.notice else f"<section>\n{inside}\n</section>"


def _markdown(part: Section, *, first: bool) -> str:
    made = [f"{'#' if first else '##'} {_plain(part.title)}", ""]
    for text in part.text:
        made += [_plain(text), ""]
    if part.table:
        head, *rows = part.table
        made += [_row(head), _row(["---"] * len(head)), *map(_row, rows), ""]
    return "\n".join(made)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is: no mark-up, no link, no cell of a table."""
    shown = html.unescape(for_html(" ".join(text.split())))  # controls are spelled out
    shown = shown.replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*\[\]|]|(?<!\w)_|_(?!\w))", r"\\\1", shown)
