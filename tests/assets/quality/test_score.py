"""Scores, worked by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from assets.quality.judgements import Found
from assets.quality.score import counted, scores

DAY = dt.date(2026, 11, 29)


def found(rule: str, kind: str, dimension: str | None, checked: int, failed: int, **more: Any) -> Found:
    severity = None if kind == "conservation" else "warning"
    place = {"feed": "f", "owner": "ops", "passed": not failed, "keys": None, "rows": None, "lines": None, **more}
    return Found(
        day=DAY, delivery="aa", rule=rule, kind=kind, dimension=dimension, severity=severity, column=None,
        checked=checked, failed=failed, **place,
    )  # fmt: skip


JUDGED = [
    found("a.required", "required", "completeness", 100, 3),
    found("b.reference", "reference", "consistency", 100, 10, owner="loans"),
    found("gone.reference", "reference", "consistency", 0, 0, passed=None),
    found("total", "dataset", "consistency", 100, 7_000),
    found("delivered", "conservation", None, 101, 0),
    found("rejected", "conservation", None, 1, 0),
]


def test_a_score_counts_rows_for_rules_of_rows_and_deliveries_for_the_others():
    counts = counted(JUDGED)
    assert counts["each", "f", "ops", "completeness"] == (97, 100)
    assert counts["each", "f", "loans", "consistency"] == (90, 100)
    assert counts["each", "f", "ops", "consistency"] == (0, 1)
    assert counts["each", "f", "ops", "conformity"] == (100, 101)
    assert counts["feed", "f", "all", "all"] == (287, 302)
    assert counts["owner", "all", "loans", "all"] == (90, 100)
    assert counts["dimension", "all", "all", "consistency"] == (90, 101)


def test_the_trend_is_against_the_28_days_before_and_a_rate_is_one_only_where_all_held():
    cell = ("feed", "f", "all", "all")
    before = {DAY - dt.timedelta(days=n): {cell: (9, 10)} for n in (1, 7, 28)}
    long_ago = {DAY - dt.timedelta(days=29): {cell: (0, 1_000)}}
    (one,) = scores(DAY, {**before, **long_ago, DAY: {cell: (1_999_999, 2_000_000)}})
    row = one.row()
    assert (row["rate"], row["base_numerator"], row["base_denominator"]) == (Decimal("0.999999"), 27, 30)
    assert row["trend"] == Decimal("0.099999")
    (first,) = scores(DAY, {DAY: {cell: (2, 2)}})
    assert (first.row()["rate"], first.row()["trend"]) == (Decimal(1), None)
