"""The two models that were named in advance, and how each is learned.

`logistic` is the one that can be explained exactly, `trees` the one that finds what is not a straight line. Their
settings are fixed here and are no search: with a few dozen churned rows, a search finds noise. No class is weighted and
no row is made up, because probabilities must stay true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from assets.churn.calibration import Calibration, calibrate
from assets.churn.measures import Judged, Numbers, auc, average_precision
from assets.churn.model import ChurnModel, Kind
from assets.churn.patience import patient

KINDS: tuple[Kind, ...] = get_args(Kind)
QUANTILES = 200


@dataclass(frozen=True, kw_only=True)
class Learned:
    """A model that was learned, with its predictions for rows that it had not seen (log-odds) and their figures."""

    model: ChurnModel
    out_of_fold: Numbers
    figures: Mapping[str, float]


def estimator(kind: Kind, *, rows: int, seed: int) -> Any:
    """A fresh scikit-learn estimator of one of the two."""
    patient()
    if kind == "trees":
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(
            learning_rate=0.05,
            max_iter=100,
            max_leaf_nodes=8,
            min_samples_leaf=40,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import QuantileTransformer

    return Pipeline(
        [
            ("known", SimpleImputer(strategy="median", keep_empty_features=True)),
            # Ratios of money have long tails: their ranks say more than they do.
            (
                "normal",
                QuantileTransformer(
                    n_quantiles=min(QUANTILES, rows), output_distribution="normal", subsample=None, random_state=seed
                ),
            ),
            ("regression", LogisticRegression(C=0.1, max_iter=2000)),
        ]
    )


def learn(
    kind: Kind,
    values: Numbers,
    churned: Numbers,
    parties: npt.NDArray[Any],
    *,
    names: tuple[str, ...],
    folds: int,
    seed: int,
) -> Learned:
    """Learn a model from rows (a row each, NaN where not known) and its calibration from out-of-fold predictions."""
    out_of_fold = unseen(kind, values, churned, parties, folds=folds, seed=seed)
    judged, ones = Judged.of(churned, out_of_fold), np.ones(len(churned))
    return Learned(
        model=fitted(kind, values, churned, names=names, seed=seed).calibrated(calibrate(out_of_fold, churned)),
        out_of_fold=out_of_fold,
        figures={
            "auc": round(auc(judged, ones), 6),
            "average_precision": round(average_precision(judged, ones), 6),
        },
    )


def unseen(
    kind: Kind, values: Numbers, churned: Numbers, parties: npt.NDArray[Any] | None, *, folds: int, seed: int
) -> Numbers:
    """Log-odds of every row from a model that has not seen it, nor any other row of its party.

    Without `parties` the rows are cut at random: what one would believe without thinking of time.
    """
    patient()
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    cut = (StratifiedKFold if parties is None else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    made = np.zeros(len(churned))
    for known, asked in cut.split(values, churned, parties):
        model = fitted(kind, values[known], churned[known], names=(), seed=seed)
        made[asked] = model.logit(values[asked])
    return made


def fitted(kind: Kind, values: Numbers, churned: Numbers, *, names: tuple[str, ...], seed: int) -> ChurnModel:
    """A model of these rows, not calibrated yet."""
    learned = estimator(kind, rows=len(churned), seed=seed).fit(values, churned)
    return ChurnModel.of(kind, learned, values, names=names, calibration=Calibration(kind="platt"))
