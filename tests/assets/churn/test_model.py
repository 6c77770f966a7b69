from __future__ import annotations

import numpy as np
import pytest
from churn_by_hand import panel

from assets.churn.judging import Part
from assets.churn.learning import KINDS, fitted, unseen
from assets.churn.measures import Judged, auc
from assets.churn.model import ChurnModel, Kind

ROWS = Part(panel(parties=60).rows, ("bal_mean_90", "bal_30_90", "debit_30_bal", "act_count_30", "r_days"))


@pytest.fixture(scope="module")
def models() -> dict[Kind, ChurnModel]:
    return {kind: fitted(kind, ROWS.values, ROWS.churned, names=ROWS.names, seed=7) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_and_seed_give_the_same_identity_and_others_another(kind: Kind, models) -> None:
    again = fitted(kind, ROWS.values, ROWS.churned, names=ROWS.names, seed=7)
    assert again.identity == models[kind].identity
    changed = ROWS.churned.copy()
    changed[:3] = 1 - changed[:3]
    assert fitted(kind, ROWS.values, changed, names=ROWS.names, seed=7).identity != again.identity


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_scores_the_same_alone_and_among_others(kind: Kind, models) -> None:
    model, values = models[kind], ROWS.values[:60]
    whole = model.logit(values)
    assert [model.logit(row[None, :])[0] for row in values] == whole.tolist()
    assert np.array_equal(model.logit(values[::-1])[::-1], whole)
    alone = np.vstack([model.contributions(row[None, :]) for row in values[:20]])
    assert np.array_equal(alone, model.contributions(values[:20]))
    assert model.logit(values[:0]).shape == (0,) and model.contributions(values[:0]).shape == (0, 5)


def test_the_reasons_of_the_logistic_model_make_the_whole_difference(models) -> None:
    model = models["logistic"]
    usual = model.logit(np.array([model.usual]))
    assert model.contributions(ROWS.values).sum(axis=1) + usual == pytest.approx(model.logit(ROWS.values), abs=1e-5)
    raw = model.estimator.decision_function(ROWS.values)
    assert model.logit(ROWS.values) == pytest.approx(raw, abs=1e-6)


def test_the_reasons_of_the_trees_are_what_one_input_alone_changes(models) -> None:
    model, values = models["trees"], ROWS.values[:50]
    got = model.contributions(values)
    for column in range(values.shape[1]):
        other = values.copy()
        other[:, column] = model.usual[column]
        assert got[:, column] == pytest.approx(model.logit(values) - model.logit(other), abs=2e-6)
    assert model.contributions(np.array([model.usual])).tolist() == [[0.0] * 5]


def test_what_drives_the_truth_is_the_first_reason_of_those_who_leave(models) -> None:
    for model in models.values():
        parts = model.contributions(ROWS.values)
        riskiest = np.argsort(-model.logit(ROWS.values))[:50]
        first = [ROWS.names[column] for column in np.abs(parts[riskiest]).argmax(axis=1)]
        assert first.count("bal_30_90") > 40, model.kind


def test_no_party_is_both_learned_from_and_asked_about() -> None:
    """Every party has a mark of its own, and leaves or stays by the toss of a coin: there is nothing to learn but the mark."""
    draw = np.random.default_rng(1)
    parties = np.repeat(np.arange(120), 8)
    mark = draw.normal(size=(120, 3))[parties]
    churned = (draw.random(120) < 0.4).astype(float)[parties]
    ones = np.ones(len(churned))
    random = unseen("trees", mark, churned, None, folds=3, seed=7)
    apart = unseen("trees", mark, churned, parties, folds=3, seed=7)
    assert auc(Judged.of(churned, random), ones) > 0.95
    assert 0.3 < auc(Judged.of(churned, apart), ones) < 0.7
