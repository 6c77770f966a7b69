"""From a model's log-odds to a probability, learned from predictions for rows that the model had not seen.

Kept apart from the model, as plain numbers. Few churned rows carry two numbers (Platt); only many carry a whole curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from assets.churn.measures import Numbers
from assets.churn.patience import patient
from liangcang.errors import LiangcangError

ENOUGH_FOR_A_CURVE = 1000
"""Churned rows from which isotonic regression is used; with fewer it hurts."""
LEAST = 1e-6
"""No probability is nearer to 0 or 1."""


class NothingLearnedError(LiangcangError):
    """What was learned ranks rows it has not seen no better than chance."""

    exit_code = 65


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """platt: probability = 1 / (1 + exp(-(slope x + intercept))). isotonic: straight lines between knots (x, y)."""

    kind: Literal["platt", "isotonic"]
    slope: float = 1.0
    intercept: float = 0.0
    knots: tuple[tuple[float, float], ...] = ()

    def __call__(self, logit: Numbers) -> Numbers:
        if self.kind == "platt":
            made = 1 / (1 + np.exp(-(self.slope * logit + self.intercept)))
        else:
            x, y = zip(*self.knots, strict=True)
            made = np.interp(logit, x, y)
        return np.clip(made, LEAST, 1 - LEAST)

    def to_json(self) -> dict[str, Any]:
        if self.kind == "platt":
            return {"kind": self.kind, "slope": self.slope, "intercept": self.intercept}
        return {"kind": self.kind, "knots": [list(knot) for knot in self.knots]}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Calibration:
        """The reverse of `to_json`."""
        if said["kind"] == "platt":
            return cls(kind="platt", slope=float(said["slope"]), intercept=float(said["intercept"]))
        return cls(kind="isotonic", knots=tuple((float(x), float(y)) for x, y in said["knots"]))


def calibrate(logit: Numbers, churned: Numbers) -> Calibration:
    """Learn it from out-of-fold log-odds. Raises NothingLearnedError when higher log-odds do not mean more churn."""
    if churned.sum() >= ENOUGH_FOR_A_CURVE:
        patient()
        from sklearn.isotonic import IsotonicRegression

        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(logit, churned)
        return Calibration(
            kind="isotonic",
            knots=tuple(zip(map(float, curve.X_thresholds_), map(float, curve.y_thresholds_), strict=True)),
        )
    slope, intercept = _platt(logit, churned)
    if slope <= 0:
        raise NothingLearnedError(
            "out of fold the model ranks no better than chance",
            expected="more churn where the log-odds are higher",
            found=f"a slope of {slope:.3f}",
            kept="no model was registered",
            next="wait for more month ends, or choose another label",
        )
    return Calibration(kind="platt", slope=slope, intercept=intercept)


def _platt(logit: Numbers, churned: Numbers) -> tuple[float, float]:
    """Slope and intercept of greatest likelihood, by Newton's method, with Platt's targets instead of 0 and 1.

    Platt (1999), Probabilistic outputs for support vector machines; Lin, Lin and Weng (2007) on the numerics.
    """
    positives, rows = churned.sum(), len(churned)
    target = np.where(churned > 0, (positives + 1) / (positives + 2), 1 / (rows - positives + 2))
    columns = np.column_stack([logit, np.ones(rows)])
    solution = np.array([0.0, np.log((positives + 1) / (rows - positives + 1))])

    def loss(at: Numbers) -> float:
        line = columns @ at
        return float((np.logaddexp(0, line) - target * line).sum())

    for _ in range(100):
        made = 1 / (1 + np.exp(-(columns @ solution)))
        gradient = columns.T @ (made - target)
        curvature = (columns * (made * (1 - made))[:, None]).T @ columns + 1e-10 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while loss(solution - size * step) > loss(solution) and size > 1e-10:
            size /= 2
        solution = solution - size * step
        if np.abs(gradient).max() < 1e-9:
            break
    return round(float(solution[0]), 9), round(float(solution[1]), 9)
