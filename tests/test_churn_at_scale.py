"""Churn by label C1 on a county of 50,000 customers and 30 months: is a model worth more than one rule?

The generator's leavers have causes, and some who look like them come back; no feature knows of either. A customer does
little here, 0.1 transactions a day (three a month, of which wages, interest and loans are most), because the label lives
on balances: who shops more often spends less at a time, and more rows would cost hours without more of what is asked.
"""

from __future__ import annotations

import json
import math
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from banks_at_work import Hands, hands

from assets.churn import saved
from liangcang import registry
from pipelines.demo import write_county

pytestmark = pytest.mark.slow

CUSTOMERS, MONTHS, ACTIVITY = 50_000, 30, 0.1
SEEDS = [int(seed) for seed in os.environ.get("LIANGCANG_SEEDS", "1").split(",")]
"""A bank each; `make bench` asks for three, which cost some ten CPU minutes apiece."""


@pytest.fixture(params=SEEDS, ids=lambda seed: f"seed-{seed}")
def trained(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Hands]]:
    """A bank of its own a seed, its first night, and a model. Gone afterwards: it is gigabytes."""
    demo = write_county(
        tmp_path / "demo", customers=CUSTOMERS, months=MONTHS, nights=1, seed=request.param, activity=ACTIVITY
    )
    bank = hands(tmp_path, bank="county", landing=demo.landing)
    bank("nightly", demo.nights[0].isoformat())
    bank("train", "churn")
    yield request.param, bank
    shutil.rmtree(tmp_path)


def test_the_model_beats_the_rule_at_five_per_cent_and_is_for_looking_at(
    trained: tuple[int, Hands],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed, bank = trained
    place = bank.open.place
    (told,) = registry.stages(place, saved.NAME)
    registered = registry.find(place, saved.NAME, told.version)
    metrics = json.loads(registered.read("metrics.json"))
    model, rule, test = metrics["models"][metrics["chosen"]]["test"], metrics["rule"]["test"], metrics["test"]
    figures = {
        "seed": seed,
        "learned_rows": metrics["train"]["rows"],
        "learned_churned": metrics["train"]["churned"],
        "test_rows": test["rows"],
        "test_churned": test["churned"],
        "chosen": metrics["chosen"],
        "auc": model["auc"],
        "auc_rule": rule["auc"],
        "lift_5": model["lift_5"],
        "lift_5_rule": rule["lift_5"],
        "observed_to_expected": model["observed_to_expected"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    with capsys.disabled():
        print(f"\nchurn at scale: {json.dumps(figures)}")

    customers = bank.open.scan("staged.cb_cust_ind").select(pl.col("cust_no").n_unique()).collect().item()
    assert customers > 0.99 * CUSTOMERS, "all but those who join after this night"
    assert test["rows"] > 2_000 and test["churned"] > 50 and metrics["train"]["churned"] > 1_000
    assert model["auc"][0] > 0.75 and model["auc"][1] > 0.7, "lower end of the interval"
    assert model["auc"][0] > rule["auc"][0]
    assert model["lift_5"][0] > rule["lift_5"][0]
    assert model["brier"][0] < test["base_brier"]
    assert 0.5 < model["observed_to_expected"][0] < 2
    bins = metrics["models"][metrics["chosen"]]["calibration"]
    assert sum(part["rows"] for part in bins) == test["rows"]
    assert all(math.isfinite(part[name]) for part in bins for name in ("expected", "observed"))
    assert bins[-1]["observed"] > 3 * test["churned"] / test["rows"]

    card = registered.read("card.md").decode()
    assert "For looking at, not for use" in card and "The bank is generated" in card
    assert f"| Lift at 5 % | {_shown(metrics, 'lift_5')} |" in card, "the card says what was measured"


def _shown(metrics: dict[str, dict[str, dict[str, dict[str, list[float]]]]], figure: str) -> str:
    """The figures of both models and of the rule, as they stand in a row of the card."""
    found = [*(model["test"][figure] for model in metrics["models"].values()), metrics["rule"]["test"][figure]]
    return " | ".join(rf"{value:.3f} \[{low:.3f}, {high:.3f}\]" for value, low, high in found)
