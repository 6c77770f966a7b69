"""What is learned, from what, and what is never looked at."""

from __future__ import annotations

import datetime as dt
import json
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from churn_by_hand import NAMES, bank, label, panel, warehouse

from assets.churn import learning, measures, saved, training
from assets.churn.judging import Part
from assets.churn.measures import Judged, auc, brier
from assets.churn.split import PanelSplit
from assets.churn.training import TooFewError, learned_from
from data_contracts import strict
from liangcang import registry
from liangcang.care import fsck, gc, pins

FILES = {"model.skops", "calibration.json", "signature.json", "probe.json", "spec.yaml", "metrics.json", "card.md", "card.html"}  # fmt: skip


@pytest.fixture
def logistic_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half the work, where it does not matter which model is chosen or how wide its intervals are."""
    monkeypatch.setattr(measures, "REPLICATES", 10)
    monkeypatch.setattr(training, "KINDS", ("logistic",))


def test_a_version_holds_all_that_is_known_of_it_for_the_owner_alone(training) -> None:
    registered = training.trained.registered
    assert set(registered.files) == FILES
    for path in [registered.folder, *registered.folder.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert registered.version == f"2026-04-30-{registered.version[-12:]}"
    facts = registered.facts
    assert (facts["known_until"], facts["expires"], facts["label"]) == ("2026-08-31", "2027-08-31", "c1_aum_drop")
    spec = strict.load(registered.read("spec.yaml"), where="spec.yaml").data
    assert [item["name"] for item in spec["inputs"]] == [name for name in NAMES if name != "card_cnt"]
    assert spec["label"]["outcome"] == {"unit": "month", "gap": 1, "length": 3}
    assert json.loads(registered.read("metrics.json")) == json.loads(json.dumps(training.trained.metrics))
    (told,) = registry.stages(training.place, saved.NAME)
    assert (told.stage, told.by) == ("candidate", "a tester")


def test_what_it_was_trained_from_is_pinned_and_fsck_is_content(training) -> None:
    version = training.trained.registered.version
    assert pins(training.place) == {f"churn-{version}": training.trained.registered.facts["manifest"]}
    gc(training.warehouse, keep=1, grace_hours=0, dry_run=False)
    assert [finding for finding in fsck(training.warehouse) if finding.level == "error"] == []
    assert not list(training.place.scratch.iterdir())


def test_the_better_one_is_chosen_by_rows_of_training_never_by_the_test(training) -> None:
    metrics = training.trained.metrics
    out_of_fold = {kind: found["out_of_fold"]["auc"] for kind, found in metrics["models"].items()}
    assert metrics["chosen"] == max(out_of_fold, key=lambda kind: out_of_fold[kind])
    assert set(out_of_fold) == {"logistic", "trees"}
    assert min(out_of_fold.values()) > 0.75


def test_both_models_the_rule_and_the_optimism_are_told(training) -> None:
    metrics = training.trained.metrics
    for found in metrics["models"].values():
        assert set(found["test"]) == {"auc", "average_precision", "lift_5", "lift_10", "brier", "observed_to_expected"}
        assert all(low <= value <= high for value, low, high in found["test"].values())
        assert found["optimism"]["auc_all_dates"] == pytest.approx(
            found["random_split"]["auc_all_dates"] - found["test"]["auc"][0], abs=1e-6
        )
        assert sum(part["rows"] for part in found["calibration"]) == metrics["test"]["rows"]
        assert found["test"]["brier"][0] < metrics["test"]["base_brier"]
    assert metrics["rule"]["flagged"] > 0
    assert metrics["left_out"] == {"card_cnt": "the same for everybody"}
    uses = {row["as_of"]: row["use"] for row in metrics["rows"]}
    assert (uses["2025-12-31"], uses["2026-03-31"], uses["2026-04-30"]) == ("train", "embargo", "test")


def test_probabilities_come_from_rows_that_the_model_had_not_seen() -> None:
    """Of noise, trees remember the rows they saw: calibrated on those, they would promise far too much."""
    draw = np.random.default_rng(1)
    values, churned = draw.normal(size=(500, 4)), (draw.random(500) < 0.3).astype(float)
    values[:, 0] += 0.8 * churned
    made = learning.learn("trees", values, churned, np.arange(500), names=tuple("abcd"), folds=3, seed=7)
    ones, seen = np.ones(500), made.model.logit(values)
    assert auc(Judged.of(churned, seen), ones) > made.figures["auc"] + 0.15
    assert made.model.calibration.slope < 0.8, "what it says of rows it has not seen is worth less than it says"
    honest = made.model.score(made.out_of_fold)
    assert honest.sum() == pytest.approx(churned.sum(), rel=0.01)
    assert brier(churned, honest, ones) < churned.mean() * (1 - churned.mean())


@pytest.mark.usefixtures("logistic_alone")
def test_nothing_after_training_moves_the_model_and_the_same_is_registered_once(tmp_path: Path) -> None:
    """Not the test's rows, not those under embargo: no scaling, no choice of inputs, no calibration sees them."""
    rows = panel(parties=100, of=label(folds=3))
    later, flipped = pl.col("as_of_date") > dt.date(2025, 12, 31), pl.int_range(pl.len()) % 3 == 0
    absurd = pl.when(later).then(pl.col("bal_30_90") * -1000).otherwise("bal_30_90").alias("bal_30_90")
    known = pl.when(later).then(pl.col("churned") != flipped).otherwise("churned").alias("churned")
    other = replace(rows, rows=rows.rows.with_columns(absurd, known))
    wh = warehouse(tmp_path / "w")
    first, again, moved = (
        learned_from(one, wh.current, bank("churn_balance_90"), by="me") for one in (rows, rows, other)
    )
    assert [row["use"] for row in first.metrics["rows"]].count("train") == 12
    assert (first.is_new, again.is_new, moved.is_new) == (True, False, False)
    assert first.registered == again.registered == moved.registered
    assert first.metrics["models"] == again.metrics["models"] != moved.metrics["models"]
    assert len(registry.stages(wh.place, saved.NAME)) == len(pins(wh.place)) == 1


def test_what_is_learned_and_drawn_does_not_depend_on_the_banks_key(training) -> None:
    """Pseudonyms are drawn anew under another key; rows, folds and samples of parties must not follow them."""
    rows = training.panel.rows
    names = tuple(item.name for item in training.panel.inputs)
    other = rows.with_columns(pl.col("party_id").str.reverse()).sort("as_of_date", "party_id")
    one, two = Part.of(rows, names), Part.of(other, names)
    assert np.array_equal(one.values, two.values, equal_nan=True)
    assert one.parties.tolist() == two.parties.tolist()
    assert one.rows["party_id"].str.reverse().to_list() == two.rows["party_id"].to_list()


@pytest.mark.usefixtures("logistic_alone")
def test_an_open_outcome_is_neither_churned_nor_kept(tmp_path: Path) -> None:
    rows = panel(parties=100, of=label(folds=3))
    last = pl.col("as_of_date") == dt.date(2026, 4, 30)
    rows = replace(rows, rows=rows.rows.with_columns(pl.when(last).then(None).otherwise("churned").alias("churned")))
    made = learned_from(rows, warehouse(tmp_path / "w").current, bank("churn_balance_90"), by="me")
    told = made.metrics["rows"][-1]
    assert (told["use"], told["rows"], told["churned"], told["open"]) == ("open", 100, 0, 100)
    assert made.metrics["rows"][-2]["use"] == "test"
    assert made.registered.version.startswith("2026-03-31")


def test_too_little_churn_is_refused_with_what_there_is_and_what_is_needed(tmp_path: Path) -> None:
    wh = warehouse(tmp_path / "w")
    few = panel(parties=100, of=label(fewest_positives=500))
    with pytest.raises(TooFewError, match="too little churn to learn from") as caught:
        learned_from(few, wh.current, bank(), by="me")
    said = caught.value.details
    assert said["expected"] == "at least 500 churned and 500 kept rows, of 5 parties or more"
    assert "churned and" in said["found"] and "as of 2025-01-31 to 2025-12-31" in said["found"]
    assert caught.value.exit_code == 65
    none = panel(parties=100, of=label(), last=dt.date(2025, 3, 31))
    with pytest.raises(TooFewError) as caught:
        learned_from(none, wh.current, bank(), by="me")
    assert "0 churned and 0 kept rows as of no date at all" in caught.value.details["found"]
    with pytest.raises(TooFewError, match="too little churn to judge by"):
        learned_from(panel(parties=100, of=label(fewest_test_positives=50)), wh.current, bank(), by="me")
    assert registry.stages(wh.place, saved.NAME) == [] and pins(wh.place) == {}


def test_groups_of_a_few_are_not_shown(training) -> None:
    groups = training.trained.metrics["groups"]
    assert {row["attribute"] for row in groups} == {"age band", "gender", "branch region"}
    assert min(row["rows"] for row in groups) >= 10
    sexes = [row for row in groups if row["attribute"] == "gender"]
    assert [row["group"] for row in sexes] == ["female", "male"]
    assert sum(row["rows"] for row in sexes) == training.trained.metrics["test"]["rows"]


def test_a_part_of_the_panel_is_matrices_in_the_order_of_its_names(training) -> None:
    rows = training.panel.rows.head(3)
    part = Part(rows, ("r_days", "bal_30_90"))
    assert np.array_equal(part.values, rows.select("r_days", "bal_30_90").to_numpy(), equal_nan=True)
    assert part.positives == int(part.churned.sum())


def test_the_dates_of_the_split_are_those_of_the_card(training) -> None:
    split = PanelSplit.of(training.panel.rows["as_of_date"].unique(), training.panel.label.outcome, tests=1)
    card = training.trained.registered.read("card.md").decode()
    assert f"{split.train[0]} to {split.train[-1]}" in card
    assert str(split.test[0]) in card
