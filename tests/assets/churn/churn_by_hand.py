"""Small panels with a known truth, and what is learned of them, for the tests of churn."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from assets.churn.labels import Label, all_labels
from assets.churn.model_inputs import ModelInput, model_inputs
from assets.churn.panel import Panel, month_ends
from data_contracts.bank import Bank, read_bank
from liangcang.place import create
from liangcang.store import Warehouse

NAMES = ("bal_mean_90", "bal_30_90", "debit_30_bal", "act_count_30", "r_days", "card_cnt")
TRAINING = {"fewest_positives": 20, "fewest_test_positives": 3}
FIRST, LAST = dt.date(2025, 1, 31), dt.date(2026, 4, 30)


def label(id: str = "churn_balance_90", **training: int) -> Label:
    found = all_labels()[id]
    return replace(found, training={**found.training, **TRAINING, **training})


def bank(id: str = "c1_aum_drop", **said: object) -> Bank:
    """A bank whose customers are real and that has chosen a label."""
    berka = read_bank("berka")
    return replace(berka, parameters={**berka.parameters, "churn": {"label": id, **said}})


def inputs() -> tuple[ModelInput, ...]:
    return tuple(item for item in model_inputs() if item.name in NAMES)


def panel(parties: int = 150, *, of: Label | None = None, seed: int = 1, last: dt.date = LAST) -> Panel:
    """Parties whose balance has fallen leave; `card_cnt` is the same for all, `r_days` not known of some."""
    draw = np.random.default_rng(seed)
    dates = month_ends(FIRST, last)
    rows = parties * len(dates)
    fallen = draw.beta(2, 2, rows)
    said = 4 * (1 - fallen) + draw.normal(0, 0.5, rows) - 3.6
    churned = draw.random(rows) < 1 / (1 + np.exp(-2 * said))
    silent = draw.integers(0, 90, rows).astype(float)
    silent[draw.random(rows) < 0.2] = np.nan
    base = np.exp(draw.normal(9, 1, rows))
    frame = pl.DataFrame(
        {
            "as_of_date": [day for day in dates for _ in range(parties)],
            "party_id": [f"P{number:05d}" for _ in dates for number in range(parties)],
            "bal_mean_90": base,
            "bal_30_90": fallen,
            "debit_30_bal": draw.gamma(2, 0.3, rows),
            "act_count_30": draw.integers(0, 20, rows).astype(float),
            "r_days": pl.Series(silent).fill_nan(None),
            "card_cnt": np.ones(rows),
            "base": base,
            "rule_score": 1 - fallen,
            "rule_flag": fallen < 0.3,
            "age": draw.integers(15, 80, rows),
            "gender": draw.choice(["1", "2"], rows),
            "region": draw.choice(["north", "south", "<script>alert(1)</script>"], rows),
            "future": base * np.where(churned, 0.3, 0.9),
            "churned": churned,
        }
    )
    return Panel(label=of or label(), inputs=inputs(), rows=frame)


def warehouse(folder: Path, code: str = "berka") -> Warehouse:
    """A new warehouse without a night."""
    folder.mkdir(parents=True, exist_ok=True)
    return Warehouse(create(folder, bank=code))
