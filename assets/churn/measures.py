"""How good a score is: ranking, and whether its probabilities are true. Rows carry weights, for the bootstrap.

Scores that are equal count as one: no figure depends on the order of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
REPLICATES = 500
BINS = 10


@dataclass(frozen=True)
class Judged:
    """Scores and what came of them, by distinct scores from the highest down: `group` says of each row which it has."""

    churned: Numbers
    group: npt.NDArray[np.intp]
    groups: int

    @classmethod
    def of(cls, churned: Numbers, score: Numbers) -> Judged:
        values, group = np.unique(-score, return_inverse=True)
        return cls(churned=churned, group=group, groups=len(values))

    def counts(self, weights: Numbers) -> tuple[Numbers, Numbers]:
        """Of each group the churned rows and all rows."""
        churned = np.bincount(self.group, weights=weights * self.churned, minlength=self.groups)
        rows = np.bincount(self.group, weights=weights, minlength=self.groups)
        return np.asarray(churned, dtype=np.float64), np.asarray(rows, dtype=np.float64)


def auc(judged: Judged, weights: Numbers) -> float:
    """The chance that a churned row scores above a kept one; equal scores count half. NaN without either."""
    churned, rows = judged.counts(weights)
    kept = rows - churned
    below = kept.sum() - np.cumsum(kept)
    pairs = churned.sum() * kept.sum()
    return float((churned * (below + kept / 2)).sum() / pairs) if pairs else float("nan")


def average_precision(judged: Judged, weights: Numbers) -> float:
    """Precision averaged over the recall that each distinct score adds."""
    churned, rows = judged.counts(weights)
    total, all_rows = churned.sum(), np.cumsum(rows)
    precision = np.divide(np.cumsum(churned), all_rows, out=np.zeros(len(rows)), where=all_rows > 0)
    return float((precision * churned).sum() / total) if total else float("nan")


def lift(judged: Judged, weights: Numbers, share: float) -> float:
    """The churn rate of the highest-scored share of rows against that of all; of the group at its edge, a part."""
    churned, rows = judged.counts(weights)
    wanted, total = share * rows.sum(), churned.sum()
    before = np.cumsum(rows) - rows
    part = np.clip(np.divide(wanted - before, rows, out=np.zeros(len(rows)), where=rows > 0), 0, 1)
    return float((part * churned).sum() / wanted / (total / rows.sum())) if total else float("nan")


def brier(churned: Numbers, probability: Numbers, weights: Numbers) -> float:
    """The mean squared error of the probability."""
    return float(np.average((probability - churned) ** 2, weights=weights))


def observed_to_expected(churned: Numbers, probability: Numbers, weights: Numbers) -> float:
    """Churned rows against the sum of their probabilities: 1 is true, above it the model says too little."""
    expected = (probability * weights).sum()
    return float((churned * weights).sum() / expected) if expected else float("nan")


def measured(
    churned: Numbers, score: Numbers, probability: Numbers | None, parties: npt.NDArray[Any], *, seed: int
) -> dict[str, Any]:
    """Every figure as `[value, low, high]`: its 95 % interval over bootstrap samples of whole parties.

    `probability` None: the score is none, and only its ranking is measured.
    """
    judged = Judged.of(churned, score)
    figures: dict[str, Callable[[Numbers], float]] = {
        "auc": lambda weights: auc(judged, weights),
        "average_precision": lambda weights: average_precision(judged, weights),
        "lift_5": lambda weights: lift(judged, weights, 0.05),
        "lift_10": lambda weights: lift(judged, weights, 0.10),
    }
    if probability is not None:
        known = probability
        figures["brier"] = lambda weights: brier(churned, known, weights)
        figures["observed_to_expected"] = lambda weights: observed_to_expected(churned, known, weights)
    return {name: _with_interval(figure, parties, seed=seed) for name, figure in figures.items()}


def _with_interval(figure: Callable[[Numbers], float], parties: npt.NDArray[Any], *, seed: int) -> list[float]:
    """A figure over all rows, and its 2.5 % and 97.5 % over samples in which a party comes with all its rows or none."""
    names, of_row = np.unique(parties, return_inverse=True)
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(REPLICATES):
        times = np.bincount(draw.integers(0, len(names), len(names)), minlength=len(names))
        found.append(figure(times[of_row].astype(np.float64)))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return [round(float(value), 6) for value in (figure(np.ones(len(parties))), low, high)]


def calibration_table(churned: Numbers, probability: Numbers) -> list[Mapping[str, float]]:
    """Ten parts of equal size by probability: rows, mean probability and churn rate of each."""
    order = np.argsort(probability, kind="stable")
    return [
        {
            "rows": len(part),
            "expected": round(float(probability[part].mean()), 6),
            "observed": round(float(churned[part].mean()), 6),
        }
        for part in np.array_split(order, BINS)
        if len(part)
    ]


def gains(churned: Numbers, score: Numbers) -> list[tuple[float, float]]:
    """Share of rows, from the highest score down, and share of all churned rows among them: 21 points."""
    judged, ones = Judged.of(churned, score), np.ones(len(churned))
    shares = [number / 20 for number in range(21)]
    return [(share, round(share * lift(judged, ones, share), 6) if share else 0.0) for share in shares]
