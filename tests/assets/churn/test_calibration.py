from __future__ import annotations

import json

import numpy as np
import pytest

from assets.churn import calibration
from assets.churn.calibration import Calibration, NothingLearnedError, calibrate


def drawn(rows: int, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds that are twice too sure of themselves and too low, and what came of them."""
    draw = np.random.default_rng(seed)
    logit = draw.normal(-3, 2, rows)
    return logit, (draw.random(rows) < 1 / (1 + np.exp(-(0.5 * logit + 0.5)))).astype(float)


def test_platt_finds_slope_and_intercept_of_greatest_likelihood() -> None:
    logit, churned = drawn(3_000)
    made = calibrate(logit, churned)
    assert made.kind == "platt"
    assert made.slope == pytest.approx(0.5, abs=0.06)
    assert made.intercept == pytest.approx(0.5, abs=0.2)
    from sklearn.linear_model import LogisticRegression

    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logit[:, None], churned)
    assert made.slope == pytest.approx(oracle.coef_[0][0], abs=2e-3), "Platt's targets are a hair from 0 and 1"
    assert made(logit).sum() == pytest.approx(churned.sum(), rel=0.01)


def test_platt_holds_where_the_classes_are_apart_and_where_churn_is_rare() -> None:
    apart = calibrate(np.array([-2.0] * 50 + [2.0] * 3), np.array([0.0] * 50 + [1.0] * 3))
    assert np.isfinite([apart.slope, apart.intercept]).all()
    assert (apart(np.array([-2.0, 2.0])) > 0).all() and apart(np.array([2.0]))[0] < 1


def test_many_churned_rows_carry_a_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibration, "ENOUGH_FOR_A_CURVE", 100)
    logit, churned = drawn(2_000)
    made = calibrate(logit, churned)
    assert made.kind == "isotonic"
    probability = made(np.sort(logit))
    assert (np.diff(probability) >= 0).all() and probability[0] > 0 and probability[-1] < 1
    assert probability.sum() == pytest.approx(churned.sum(), rel=0.01)
    assert Calibration.from_json(json.loads(json.dumps(made.to_json())))(logit).tolist() == made(logit).tolist()


def test_a_model_that_ranks_no_better_than_chance_is_not_calibrated() -> None:
    logit, churned = drawn(500)
    with pytest.raises(NothingLearnedError, match="no better than chance"):
        calibrate(-logit, churned)
