"""What a model is worth on rows that came after its time, and to whom it is worth less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl

from assets.churn.labels import Label
from assets.churn.learning import Learned, unseen
from assets.churn.measures import Judged, Numbers, auc, calibration_table, gains, measured
from assets.churn.split import PanelSplit

GROUPS: Mapping[str, str] = {"age": "age band", "gender": "gender", "region": "branch region"}
AGE_BANDS = ((18, "<18"), (25, "18-24"), (35, "25-34"), (45, "35-44"), (55, "45-54"), (65, "55-64"))
BANDS = {band: number for number, (_, band) in enumerate((*AGE_BANDS, (0, "65+")))}
SEXES = {"1": "male", "2": "female", "9": "not stated"}
FEWEST_OF_A_GROUP = 10


@dataclass(frozen=True)
class Part:
    """Rows of the panel as matrices: `values` (rows x inputs, NaN where not known), `churned` (0 or 1), `parties`.

    The rows stand in an order that does not come from pseudonyms, and `parties` numbers the parties by it: what is
    learned and drawn is the same under any key of the bank.
    """

    rows: pl.DataFrame
    names: tuple[str, ...]

    @classmethod
    def of(cls, rows: pl.DataFrame, names: tuple[str, ...]) -> Self:
        """Rows of the panel in that order."""
        return cls(rows.sort("as_of_date", *names, "churned", "party_id"), names)

    @property
    def values(self) -> Numbers:
        made: Numbers = self.rows.select(self.names).to_numpy().astype(np.float64)
        return made

    @property
    def churned(self) -> Numbers:
        made: Numbers = self.rows["churned"].to_numpy().astype(np.float64)
        return made

    @property
    def parties(self) -> Any:
        first = pl.col("place").min().over("party_id")
        return self.rows.with_row_index("place").select(first).to_series().to_numpy()

    @property
    def positives(self) -> int:
        return int(self.rows["churned"].sum() or 0)


def judged(learned: Learned, test: Part, known: pl.DataFrame, split: PanelSplit, label: Label) -> dict[str, Any]:
    """A model on the rows after its time; beside it what a random cut of all rows would have made one believe."""
    training = label.training
    logit = learned.model.logit(test.values)
    score = learned.model.score(logit)
    whole = Part.of(known, learned.model.names)
    cheated = unseen(
        learned.model.kind, whole.values, whole.churned, None, folds=training["folds"], seed=training["seed"]
    )
    of_test = whole.rows["as_of_date"].is_in(split.test).to_numpy()
    figures = measured(test.churned, logit, score, test.parties, seed=training["seed"])
    random = {
        "auc_all_dates": _auc(whole.churned, cheated),
        "auc_test_rows": _auc(whole.churned[of_test], cheated[of_test]),
    }
    return {
        "out_of_fold": dict(learned.figures),
        "test": figures,
        "random_split": random,
        "optimism": {name: round(value - figures["auc"][0], 6) for name, value in random.items()},
        "calibration": calibration_table(test.churned, score),
        "gains": gains(test.churned, logit),
    }


def judged_rule(test: Part, label: Label) -> dict[str, Any]:
    """The label's rule on the same rows; where it does not know, it flags nobody."""
    score = test.rows["rule_score"]
    lowest = score.min()
    ranked = score.fill_null(lowest if isinstance(lowest, float) else 0.0).to_numpy().astype(np.float64)
    flagged = test.rows["rule_flag"].fill_null(value=False).to_numpy()
    rate = test.churned.mean()
    return {
        "test": measured(test.churned, ranked, None, test.parties, seed=label.training["seed"]),
        "flagged": int(flagged.sum()),
        "flagged_churned": int(test.churned[flagged].sum()),
        "flagged_lift": round(float(test.churned[flagged].mean() / rate), 6) if flagged.any() else None,
        "gains": gains(test.churned, ranked),
    }


def by_group(learned: Learned, test: Part) -> list[dict[str, Any]]:
    """Whether the model serves all groups alike. A group of a few is not shown: it would speak of persons."""
    logit = learned.model.logit(test.values)
    score = learned.model.score(logit)
    edge = np.quantile(logit, 0.9)
    found = []
    for column, name in GROUPS.items():
        values = test.rows[column].to_list()
        shown = np.array(
            [_band(value) if column == "age" else SEXES.get(value, value or "not known") for value in values]
        )
        for group in sorted(set(shown), key=lambda group: (group not in BANDS, BANDS.get(group, 0), group)):
            mine = shown == group
            if mine.sum() < FEWEST_OF_A_GROUP:
                continue
            churned = test.churned[mine]
            both = min(churned.sum(), (1 - churned).sum()) >= FEWEST_OF_A_GROUP
            found.append(
                {
                    "attribute": name,
                    "group": str(group),
                    "rows": int(mine.sum()),
                    "churned": int(churned.sum()),
                    "mean_score": round(float(score[mine].mean()), 6),
                    "observed_to_expected": round(float(churned.sum() / score[mine].sum()), 6),
                    "in_highest_tenth": round(float((logit[mine] >= edge).mean()), 6),
                    "auc": _auc(churned, logit[mine]) if both else None,
                }
            )
    return found


def base_brier(part: Part) -> float:
    """What a forecast of the rows' own churn rate for everybody would have: no model may be worse."""
    rate = part.churned.mean()
    return round(float(rate * (1 - rate)), 6)


def _auc(churned: Numbers, score: Numbers) -> float:
    return round(auc(Judged.of(churned, score), np.ones(len(churned))), 6)


def _band(age: int | None) -> str:
    if age is None:
        return "not known"
    return next((band for limit, band in AGE_BANDS if age < limit), "65+")
