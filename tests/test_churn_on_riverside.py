"""Churn by label C1 on a made-up bank, as an operator would have it: nights, a training, and the next night's scores."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from banks.riverside_bank import write_bank
from banks_at_work import hands

from assets.churn import saved
from liangcang import registry


@pytest.mark.slow
def test_the_night_after_a_training_scores_the_population_of_c1(tmp_path: Path) -> None:
    demo = write_bank(tmp_path / "demo", customers=400, nights=2)
    file = demo.bank / "bank.yaml"
    text = file.read_text(encoding="utf-8")
    small = "{label: c1_aum_drop, floor: 5000, fewest_positives: 20}"  # few here hold 50,000
    file.write_text(text.replace("{label: c1_aum_drop}", small), encoding="utf-8")
    bank = hands(tmp_path, bank=str(demo.bank), landing=demo.landing)
    first, second = (day.isoformat() for day in demo.nights)
    bank("nightly", first)
    assert bank.open.scan("products.churn_score", as_of=first).collect().height == 0
    said = bank("train", "churn").output
    place = bank.open.place
    (told,) = registry.stages(place, saved.NAME)
    registered = registry.find(place, saved.NAME, told.version)
    metrics = json.loads(registered.read("metrics.json"))
    assert told.version.startswith("2026-06-30") and registered.facts["known_until"] == "2026-10-31"
    assert metrics["train"]["churned"] >= 20 and metrics["test"]["churned"] >= 10
    uses = {row["as_of"]: row["use"] for row in metrics["rows"]}
    assert [day for day, use in uses.items() if use == "embargo"] == ["2026-03-31", "2026-04-30", "2026-05-31"]
    assert f"version    {told.version}" in said and str(registered.folder / "card.html") in said
    card = registered.read("card.md").decode()
    assert "The bank is generated" in card and "aum_q >= $floor" in card and "floor = 5000" in card
    bank("nightly", second)
    scores = bank.open.scan("products.churn_score", as_of=second).collect()
    features = bank.open.scan("features.party", as_of=second).collect()
    population = features.filter((features["aum_q"] >= 5000) & (features["age"].fill_null(18) >= 18))
    assert scores["party_id"].to_list() == sorted(population["party_id"])
    assert scores.height > 300
    assert set(scores["model_version"]) == {told.version}
    assert "error" not in bank("fsck").output
