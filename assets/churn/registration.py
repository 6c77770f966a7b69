"""A learned model becomes a version: its files, its card, what it was made from, and the pin that keeps that."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as version_of
from typing import Any

import yaml

from assets.churn import card, saved
from assets.churn.judging import Part
from assets.churn.labels import Label
from assets.churn.learning import Learned
from assets.churn.model_inputs import ModelInput, definition
from assets.churn.page import as_markdown, as_page
from assets.churn.panel import Panel
from assets.churn.split import PanelSplit
from assets.features.tables import version as features_version
from data_contracts.bank import Bank
from liangcang import registry
from liangcang.manifest import canonical
from liangcang.pins import pin, pins
from liangcang.registry import Registered
from liangcang.store import View, Warehouse

STAGE = "candidate"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What a training made: the registered version, and everything that was measured."""

    registered: Registered
    metrics: Mapping[str, Any]
    is_new: bool


def keep(
    learned: Learned,
    panel: Panel,
    *,
    split: PanelSplit,
    train: Part,
    metrics: Mapping[str, Any],
    view: View,
    bank: Bank,
    by: str,
) -> Trained:
    """Register the model with all that is known of it, and keep what it was trained from for good."""
    label, model = panel.label, learned.model
    known_until = max(label.outcome.end(day) for day in (*split.train, *split.test))
    inputs = [item for item in panel.inputs if item.name in model.names]
    spec = spec_of(label, inputs, learned)
    identity = hashlib.sha256(canonical({"model": model.identity, "spec": spec["definition"]})).hexdigest()
    version = f"{split.test[-1]}-{identity[:12]}"
    facts = {
        "identity": model.identity,
        "kind": model.kind,
        "label": label.id,
        "definition": spec["definition"],
        "as_of": split.test[-1].isoformat(),
        "known_until": known_until.isoformat(),
        "expires": (known_until + dt.timedelta(days=label.training["max_age_days"])).isoformat(),
        "manifest": view.id,
        "panel": panel.digest,
        "features": features_version(bank),
        "libraries": libraries(),
    }
    name, before = f"{saved.NAME}-{version}", {told.version for told in registry.stages(view.place, saved.NAME)}
    sections = card.sections(version, label=label, inputs=inputs, split=split, metrics=metrics, facts=facts, bank=bank)
    files = {
        **saved.dumped(model, train.values, seed=label.training["seed"]),
        "spec.yaml": yaml.safe_dump(spec, allow_unicode=True, sort_keys=False, width=110).encode(),
        "metrics.json": canonical(metrics),
        "card.md": as_markdown(sections).encode(),
        "card.html": as_page(sections).encode(),
    }
    if name not in pins(view.place):
        pin(Warehouse(view.place), name, view.id)
    registered = registry.register(
        view.place, saved.NAME, version, files, facts=facts, stage=STAGE, by=by, reason="trained"
    )
    return Trained(registered=registered, metrics=metrics, is_new=version not in before)


def spec_of(label: Label, inputs: Sequence[ModelInput], learned: Learned) -> dict[str, Any]:
    """What a model was asked to learn, from what: enough to ask it again."""
    return {
        "label": {**label.meaning_in_force(), "meaning": label.meaning},
        "training": dict(label.training),
        "model": learned.model.kind,
        "inputs": [{"name": item.name, "sql": item.sql, "meaning": item.meaning} for item in inputs],
        "definition": definition(label, inputs),
    }


def libraries() -> dict[str, str]:
    """The versions of what the numbers were made with."""
    return {name: version_of(name) for name in ("duckdb", "numpy", "scikit-learn", "scipy", "skops")}
