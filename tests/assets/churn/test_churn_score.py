"""The night scores with the model of the date, and never fails for lack of one."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from decimal import Decimal
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest
from banks_at_work import Hands

from assets.churn import saved
from assets.churn.choosing import Choice, Shelf
from assets.churn.churn_score import score_table, scored
from assets.churn.labels import Label, bank_label
from assets.churn.model import ChurnModel
from data_contracts.bank import product_contracts, read_bank
from liangcang import registry
from liangcang.manifest import canonical
from liangcang.place import Place

PRODUCT, D = "products.churn_score", dt.date(2026, 11, 1)


@pytest.fixture
def shelved(training, tmp_path: Path) -> Place:
    """The registry with the one model, in a folder that the test may break. It has seen outcomes to 2026-08-31."""
    root = Path(shutil.copytree(training.place.root, tmp_path / "warehouse"))
    return Place(root, training.place.id, training.place.bank)


@pytest.fixture
def label(riverside_first: Hands) -> Label:
    found = bank_label(read_bank(riverside_first.bank))
    assert found is not None
    return found


def told(place: Place, **facts: object) -> None:
    """Say other facts of the one model."""
    (version,) = (told.version for told in registry.stages(place, saved.NAME))
    path = registry.find(place, saved.NAME, version).folder / registry.MANIFEST
    manifest = json.loads(path.read_bytes())
    manifest["facts"] |= facts
    path.write_bytes(canonical(manifest))


def checked() -> tuple[bool, dg.AssetCheckSeverity, dict[str, object]]:
    """What the check of the product said last."""
    key = dg.AssetCheckKey(dg.AssetKey(PRODUCT.split(".")), "contract")
    with dg.DagsterInstance.get() as instance:
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        found = record.event.dagster_event.asset_check_evaluation_data
    return found.passed, found.severity, {name: value.value for name, value in found.metadata.items()}


def test_without_a_model_the_night_is_published_and_the_product_is_empty(riverside_first: Hands) -> None:
    scores = riverside_first.open.scan(PRODUCT, as_of=D).collect()
    assert scores.height == 0
    assert scores.columns == list(score_table().columns)


def test_a_night_scores_the_same_bytes_each_time_and_a_damaged_model_scores_nobody(riverside: Hands, training) -> None:
    shutil.copytree(training.place.models / "churn", riverside.warehouse / "models" / "churn")
    day = D.isoformat()
    riverside("nightly", day, "--only", PRODUCT)
    version = training.trained.registered.version
    assert checked()[0] is True
    scores = riverside.open.scan(PRODUCT, as_of=D).collect()
    as_features_say(scores, riverside, saved.load(training.trained.registered))
    assert set(scores["model_version"]) == {version} and set(scores["stage"]) == {"candidate"}
    before = riverside.bytes_of(layers=("products",))
    riverside("nightly", day, "--only", PRODUCT)
    assert riverside.bytes_of(layers=("products",)) == before
    model = riverside.warehouse / "models" / "churn" / version / saved.MODEL
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(bytes(data))
    riverside("nightly", day, "--only", PRODUCT)
    assert riverside.open.scan(PRODUCT, as_of=D).collect().height == 0
    passed, severity, said = checked()
    assert (passed, severity) == (False, dg.AssetCheckSeverity.WARN)
    assert said == {"model": "none", "no scores": "model.skops is not what was registered"}
    assert saved.MODEL in riverside("fsck", code=70).output


def as_features_say(scores: pl.DataFrame, hands: Hands, model: ChurnModel) -> None:
    """The scores once more, from the published features by plain polars."""
    features = hands.open.scan("features.party", as_of=D).filter(pl.col("aum_q") >= 50_000).collect()
    features = features.filter(features["age"].fill_null(18) >= 18).sort("party_id")
    made = features.select(
        bal_mean_90=pl.col("bal_mean_90"),
        bal_30_90=pl.col("bal_mean_30") / pl.col("bal_mean_90"),
        debit_30_bal=pl.col("debit_sum_30").cast(pl.Float64) / pl.col("bal_mean_90"),
        act_count_30=pl.col("act_count_30").cast(pl.Float64),
        r_days=pl.col("r_days").cast(pl.Float64),
    )
    values = made.select(model.names).to_numpy()
    logit = model.logit(values)
    assert scores["party_id"].to_list() == features["party_id"].to_list() != []
    assert [float(value) for value in scores["raw_logit"]] == logit.tolist()
    assert [float(value) for value in scores["score"]] == model.score(logit).tolist()
    ranked = [party for _, party in sorted(zip(-logit, scores["party_id"], strict=True))]
    bands = dict(scores.select("party_id", "band").iter_rows())
    rows = len(ranked)
    assert [bands[party] for party in ranked] == [
        "H" if place < rows / 20 else "M" if place < rows / 5 else "L" for place in range(rows)
    ]
    first = np.abs(model.contributions(values)).argmax(axis=1)
    assert scores["reason_1"].to_list() == [model.names[column] for column in first]


def test_the_contract_promises_the_columns_and_reasons_hold_together(training) -> None:
    rows = training.panel.rows.head(40)
    choice = Choice(version="v", model=saved.load(training.trained.registered))
    made = scored(choice, rows)
    assert set(made.columns) <= set(product_contracts()["churn_score"].columns)
    for row in made.iter_rows(named=True):
        parts = [row[f"reason_{n}_contribution"] for n in (1, 2, 3)]
        assert abs(parts[0]) >= abs(parts[1]) >= abs(parts[2]) > 0
        for number, part in enumerate(parts, start=1):
            assert row[f"reason_{number}_direction"] == ("raises" if part > 0 else "lowers")
        assert 0 < row["score"] < 1 and Decimal(repr(row["score"])).as_tuple().exponent >= -6
    usual = pl.DataFrame({"party_id": ["P"], **dict(zip(choice.model.names, choice.model.usual, strict=True))})
    assert scored(choice, usual)["reason_1"].to_list() == [None], "who is usual in everything has no reason"
    assert scored(choice, rows.head(0)).height == 0


def test_a_date_is_scored_by_what_was_known_by_then(shelved: Place, label: Label) -> None:
    shelf = Shelf(shelved, label)
    assert shelf.choose(dt.date(2026, 8, 31)).model is not None
    before = shelf.choose(dt.date(2026, 8, 30))
    assert (before.model, before.refused) == (None, False)
    assert before.reason == "no model was trained that knows nothing of later dates"


def test_a_model_that_is_too_old_is_not_used(shelved: Place, label: Label) -> None:
    shelf = Shelf(shelved, label)
    assert shelf.choose(dt.date(2027, 8, 31)).model is not None
    late = shelf.choose(dt.date(2027, 9, 1))
    assert (late.model, late.refused, late.reason) == (None, True, "the model expired on 2027-08-31: train anew")


def test_a_model_of_another_definition_is_not_used(shelved: Place, label: Label, riverside_first: Hands) -> None:
    told(shelved, definition="000000000000")
    changed = Shelf(shelved, label).choose(D)
    assert (changed.model, changed.refused) == (None, True)
    assert "no longer what the model was trained for" in changed.reason
    told(shelved, known_until="soon")
    assert Shelf(shelved, label).choose(D).reason == "a model does not say what it knows"
    told(shelved, known_until="2026-08-31", label="churn_balance_90")
    assert Shelf(shelved, label).choose(D).reason.startswith("no model was trained")
    assert "parameters.churn" in Shelf(shelved, None).choose(D).reason


def test_an_older_model_never_stands_in_for_a_newer_one_that_is_damaged(shelved: Place, label: Label, training) -> None:
    """Both are candidates; the newer one has seen later outcomes, or was trained later on the same."""
    old = training.trained.registered
    files = {file: old.read(file) for file in old.files}
    for version, until in {"a-later": "2026-09-30", "another-later": "2026-09-30"}.items():
        registry.register(
            shelved, saved.NAME, version, files, facts={**old.facts, "known_until": until}, stage="candidate", by="me",
            reason="trained",
        )  # fmt: skip
    assert Shelf(shelved, label).choose(D).version == "another-later"
    (shelved.models / saved.NAME / "another-later" / saved.MODEL).write_bytes(b"")
    refused = Shelf(shelved, label).choose(D)
    assert (refused.version, refused.model, refused.refused) == ("another-later", None, True)
    (shelved.models / saved.NAME / "a-later" / registry.MANIFEST).write_bytes(b"{}")
    assert "manifest is damaged" in Shelf(shelved, label).choose(D).reason
