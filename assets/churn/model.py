"""A churn model in hand: log-odds, probability, reasons, and the identity of what it is made of.

All of it is arithmetic in a fixed order over one row at a time, so that a row's score does not depend on which other
rows are scored with it, nor on how many threads are at work.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from assets.churn.calibration import Calibration
from assets.churn.measures import Numbers
from liangcang.manifest import canonical

Kind = Literal["logistic", "trees"]
DECIMALS = 6
FARTHEST = 50.0
"""Log-odds and contributions beyond it are cut: nothing is surer than that."""


@dataclass(frozen=True, kw_only=True)
class ChurnModel:
    """A learned estimator with its calibration.

    `names` are the inputs, in the order of the columns of every matrix (rows x inputs, float64, NaN where not known).
    `usual` is what the reasons compare with: of each input the median of the training rows.
    """

    kind: Kind
    estimator: Any
    names: tuple[str, ...]
    usual: tuple[float, ...]
    calibration: Calibration

    @classmethod
    def of(
        cls, kind: Kind, estimator: Any, values: Numbers, *, names: tuple[str, ...], calibration: Calibration
    ) -> ChurnModel:
        """A model around what was learned from `values`."""
        usual = tuple(float(np.nanmedian(column)) for column in values.T)
        return cls(kind=kind, estimator=estimator, names=names, usual=usual, calibration=calibration)

    def calibrated(self, calibration: Calibration) -> ChurnModel:
        """The same model with another calibration."""
        return replace(self, calibration=calibration)

    def logit(self, values: Numbers) -> Numbers:
        """Log-odds before calibration, to six decimals."""
        if not len(values):
            return np.zeros(0)
        if self.kind == "trees":
            raw = self.estimator.decision_function(values)
        else:
            raw = np.full(len(values), float(self.estimator[-1].intercept_[0]))
            for term in self._terms(values).T:
                raw = raw + term
        return _rounded(raw)

    def score(self, logit: Numbers) -> Numbers:
        """The calibrated probability of log-odds as `logit` gives them, to six decimals."""
        made: Numbers = np.round(self.calibration(logit), DECIMALS)
        return made

    def contributions(self, values: Numbers) -> Numbers:
        """What each input does to the log-odds of each row, against its usual value (rows x inputs).

        logistic: exact; with the log-odds of a party that is usual in everything, they add up to the row's own.
        trees: the log-odds less those with this one input at its usual value. What several inputs do only together
        is counted for each of them, so these do not add up.
        """
        if not len(values):
            return np.zeros((0, len(self.usual)))
        usual = np.array([self.usual])
        if self.kind == "logistic":
            return _rounded(self._terms(values) - self._terms(usual))
        raw = self.estimator.decision_function(values)
        made = np.zeros(values.shape)
        for column in range(values.shape[1]):
            other = values.copy()
            other[:, column] = usual[0, column]
            made[:, column] = raw - self.estimator.decision_function(other)
        return _rounded(made)

    def _terms(self, values: Numbers) -> Numbers:
        """Of the regression: coefficient times input, as the regression sees it."""
        known, normal, regression = (step for _, step in self.estimator.steps)
        made: Numbers = normal.transform(known.transform(values)) * regression.coef_[0]
        return made

    @property
    def identity(self) -> str:
        """SHA-256 over all that a score depends on: the learned parameters, the calibration, the inputs' names.

        Not over the saved file, whose bytes differ each time.
        """
        whole = hashlib.sha256(
            canonical({"kind": self.kind, "names": self.names, "calibration": self.calibration.to_json()})
        )
        for part in (np.array(self.usual), *self._parameters()):
            whole.update(str((part.dtype.str, part.shape)).encode())
            whole.update(np.ascontiguousarray(part).tobytes())
        return whole.hexdigest()

    def _parameters(self) -> list[Any]:
        if self.kind == "logistic":
            known, normal, regression = (step for _, step in self.estimator.steps)
            return [known.statistics_, normal.quantiles_, normal.references_, regression.coef_, regression.intercept_]
        trees = [tree for (tree,) in self.estimator._predictors]  # noqa: SLF001  (there is no public way to the nodes)
        parts = [np.asarray(self.estimator._baseline_prediction)]  # noqa: SLF001
        for tree in trees:
            parts += [tree.nodes[field] for field in tree.nodes.dtype.names]
        return parts


def _rounded(values: Numbers) -> Numbers:
    made = np.asarray(np.clip(values, -FARTHEST, FARTHEST), dtype=np.float64)
    return np.asarray(np.round(made, DECIMALS) + 0.0, dtype=np.float64)  # + 0.0: no negative zero
