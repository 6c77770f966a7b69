"""Two charts of a model card, as SVG that stands in the page: no font, no script and nothing else from outside.

Lines differ in their dashes too, so that they can be told apart without colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liangcang.showing import for_html

Points = Sequence[tuple[float, float]]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 460, 320, 56, 44, 12, 12
STROKES = (("#0072b2", "none"), ("#d55e00", "7 4"), ("#009e73", "10 3 2 3"))
REFERENCE = ("#555555", "2 4")
REFERENCES = frozenset({"perfect", "by chance"})


def calibration_chart(tables: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Mean probability against churn rate, a tenth of the rows a point; the dotted line is the truth."""
    lines = {name: [(part["expected"], part["observed"]) for part in table] for name, table in tables.items()}
    highest = max((value for points in lines.values() for point in points for value in point), default=1.0)
    top = _round_up(highest)
    return _chart(
        "Calibration: what was said and what came",
        "mean predicted probability",
        "share that churned",
        {**lines, "perfect": [(0.0, 0.0), (top, top)]},
        _Scale(top, top),
        dots=True,
        key=(LEFT + 10, TOP + 12),
    )


def gains_chart(curves: Mapping[str, Points]) -> str:
    """Share of customers, from the highest score down, against the share of all churners among them."""
    return _chart(
        "Lift: how many of those who churn are found",
        "share of customers looked at, highest score first",
        "share of all who churned",
        {**curves, "by chance": [(0.0, 0.0), (1.0, 1.0)]},
        _Scale(1.0, 1.0),
        dots=False,
        key=(WIDTH - 150, HEIGHT - BOTTOM - 16 * len(curves) - 10),
    )


@dataclass(frozen=True)
class _Scale:
    """From values to places on the chart: `right` and `top` are the values at its ends."""

    right: float
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = LEFT + x / self.right * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - y / self.top * (HEIGHT - BOTTOM - TOP)
        return round(across, 1), round(down, 1)


def _chart(
    title: str, x: str, y: str, lines: Mapping[str, Points], scale: _Scale, *, dots: bool, key: tuple[int, int]
) -> str:
    said = f"{title}. " + "; ".join(f"{name}: {_spoken(points)}" for name, points in lines.items())
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{for_html(said)}">',
        *(_grid(scale, number / 5) for number in range(6)),
        f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 6}" class="name">{for_html(x)}</text>',
        f'<text transform="rotate(-90)" x="{-(HEIGHT - BOTTOM) / 2}" y="13" class="name">{for_html(y)}</text>',
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour, dashes = REFERENCE if name in REFERENCES else STROKES[number % len(STROKES)]
        places = [scale.at(*point) for point in points]
        stroke = f'stroke="{colour}" stroke-dasharray="{dashes}"'
        path = " ".join(f"{across},{down}" for across, down in places)
        parts.append(f'<polyline points="{path}" {stroke}/>')
        if dots and name not in REFERENCES:
            parts += [f'<circle cx="{across}" cy="{down}" r="3" fill="{colour}"/>' for across, down in places]
        across, level = key[0], key[1] + 16 * number
        parts.append(
            f'<line x1="{across}" y1="{level - 4}" x2="{across + 28}" y2="{level - 4}" {stroke}/>'
            f'<text x="{across + 34}" y="{level}">{for_html(name)}</text>'
        )
    return "\n".join([*parts, "</svg>"])


def _grid(scale: _Scale, share: float) -> str:
    x, y = share * scale.right, share * scale.top
    left, level = scale.at(0, y)
    right, _ = scale.at(scale.right, y)
    across, low = scale.at(x, 0)
    return (
        f'<line x1="{left}" y1="{level}" x2="{right}" y2="{level}" class="grid"/>'
        f'<text x="{left - 6}" y="{level + 4}" class="end">{y:.0%}</text>'
        f'<text x="{across}" y="{low + 16}" class="name">{x:.0%}</text>'
    )


def _spoken(points: Points) -> str:
    return ", ".join(f"{x:.1%} {y:.1%}" for x, y in points)


def _round_up(value: float) -> float:
    return next((step for step in (0.05, 0.1, 0.2, 0.3, 0.5, 0.75) if value <= step), 1.0)
