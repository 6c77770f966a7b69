"""What came after: the mean of what a party held over a label's outcome, from conformed balances alone."""

from __future__ import annotations

import datetime as dt
import math
from functools import cache
from pathlib import Path
from typing import cast

from sqlglot import exp

from assets.churn.labels import Label
from assets.features.parameters import Parameters
from assets.features.tables import wanted_by_features
from assets.features.tree import Draft, parsed, step
from assets.freshness import stale_feed
from assets.inputs import Wanted
from data_contracts.bank import Bank
from liangcang.sql import literal
from liangcang.store import View

READS = frozenset({"conformed.account", "conformed.account_holder", "conformed.balance_history"})


def wanted_by_outcome(bank: Bank) -> list[Wanted]:
    """The inputs of the outcome, as of its last day and with nothing known later."""
    return [item for item in wanted_by_features(bank) if item.view_name in READS]


def is_closed(view: View, bank: Bank, label: Label, as_of: dt.date) -> bool:
    """Whether the outcome of a date has come: its last day is no later than the newest night, and balances came for it."""
    last = label.outcome.end(as_of)
    newest = max(view.nights, default=dt.date.min)
    return last <= newest and stale_feed(view, bank, "conformed.balance", last) is None


def outcome_select(label: Label, as_of: dt.date, parameters: Parameters) -> str:
    """The SELECT of `party_id` and `future`, over the views of `wanted_by_outcome` at the outcome's last day."""
    windows = label.outcome.windows(as_of)
    days = [(last - first).days + 1 for first, last in windows]
    whole = math.lcm(*days)
    rows = [
        exp.tuple_(literal(first), literal(last), literal(whole // length))
        for (first, last), length in zip(windows, days, strict=True)
    ]
    part = exp.select("*").from_(exp.values(rows, alias="part", columns=("first_day", "last_day", "weight")))
    steps: dict[str, exp.Query] = {name: step(name) for name in ("owned", "newest", "span")}
    draft = Draft(
        {**steps, "outcome_part": part, "outcome": _outcome()},
        exp.select("party_id", "future").from_("outcome"),
        unfed=parameters.lacking,
    )
    values = parameters.values(label.outcome.end(as_of))
    return draft.sql(values | {"scale": whole * len(windows)})


@cache
def _outcome() -> exp.Query:
    return cast(exp.Query, parsed((Path(__file__).parent / "outcome.sql").read_text(encoding="utf-8")))
