from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.churn.measures import (
    Judged,
    auc,
    average_precision,
    brier,
    calibration_table,
    gains,
    lift,
    measured,
    observed_to_expected,
)

rows = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from((0.0, 0.1, 0.25, 0.5, 0.9)) | st.floats(0, 1), st.integers(0, 3)),
    min_size=2,
    max_size=60,
).filter(lambda found: {1, 0} == {y for y, _, w in found if w})


@settings(deadline=None, max_examples=30)
@given(rows)
def test_ranking_is_measured_as_scikit_learn_measures_it(found: list[tuple[int, float, int]]) -> None:
    from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

    churned, score, weights = (np.array(part, dtype=float) for part in zip(*found, strict=True))
    judged = Judged.of(churned, score)
    assert auc(judged, weights) == pytest.approx(roc_auc_score(churned, score, sample_weight=weights))
    kept = weights > 0  # scikit-learn counts a threshold that nobody has
    expected = average_precision_score(churned[kept], score[kept], sample_weight=weights[kept])
    assert average_precision(judged, weights) == pytest.approx(expected)
    assert brier(churned, score, weights) == pytest.approx(brier_score_loss(churned, score, sample_weight=weights))


@settings(max_examples=30)
@given(rows, st.randoms())
def test_no_figure_depends_on_the_order_of_rows(found: list[tuple[int, float, int]], draw) -> None:
    other = list(found)
    draw.shuffle(other)
    figures = []
    for part in (found, other):
        churned, score, weights = (np.array(column, dtype=float) for column in zip(*part, strict=True))
        judged = Judged.of(churned, score)
        figures.append([auc(judged, weights), average_precision(judged, weights), lift(judged, weights, 0.1)])
    assert figures[0] == pytest.approx(figures[1])


def test_the_lift_is_the_rate_of_the_highest_against_that_of_all() -> None:
    churned = np.array([1, 1, 0, 0, 1, 0, 0, 0, 0, 0.0])
    score = np.array([9, 8, 7, 6, 5, 4, 3, 2, 1, 0.0])
    judged, ones = Judged.of(churned, score), np.ones(10)
    assert lift(judged, ones, 0.2) == pytest.approx(1 / 0.3)
    assert lift(judged, ones, 0.3) == pytest.approx((2 / 3) / 0.3)
    assert lift(Judged.of(churned, np.zeros(10)), ones, 0.1) == pytest.approx(1), "who ranks nobody finds nothing"
    assert gains(churned, score)[4] == (0.2, pytest.approx(2 / 3, abs=1e-6))
    assert gains(churned, score)[-1] == (1.0, 1.0)


def test_observed_to_expected_is_one_for_true_probabilities_and_above_it_for_low_ones() -> None:
    churned, ones = np.array([1, 0, 0, 0.0]), np.ones(4)
    assert observed_to_expected(churned, np.full(4, 0.25), ones) == pytest.approx(1)
    assert observed_to_expected(churned, np.full(4, 0.1), ones) == pytest.approx(2.5)


def test_the_interval_widens_when_the_same_parties_come_again_and_again() -> None:
    """Ten rows of each party are no ten parties: rows drawn one by one would promise an interval a third as wide."""
    draw = np.random.default_rng(3)
    party_score = draw.random(60)
    party_churned = (draw.random(60) < party_score).astype(float)
    score, churned = np.repeat(party_score, 10), np.repeat(party_churned, 10)
    clustered = measured(churned, score, score, np.repeat(np.arange(60), 10), seed=7)
    alone = measured(churned, score, score, np.arange(600), seed=7)
    for figure in ("auc", "brier", "observed_to_expected"):
        value, low, high = clustered[figure]
        assert low <= value <= high
        assert high - low > 2 * (alone[figure][2] - alone[figure][1]), figure
    assert clustered == measured(churned, score, score, np.repeat(np.arange(60), 10), seed=7)


def test_the_calibration_table_has_ten_equal_parts_from_the_lowest_to_the_highest() -> None:
    probability = np.linspace(0.01, 1, 100)
    table = calibration_table((probability > 0.9).astype(float), probability)
    assert [part["rows"] for part in table] == [10] * 10
    assert [part["observed"] for part in table] == [0.0] * 9 + [1.0]
    assert table[0]["expected"] == pytest.approx(0.055)
