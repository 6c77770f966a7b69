from __future__ import annotations

import datetime as dt

from churn_by_hand import FIRST, LAST
from hypothesis import given
from hypothesis import strategies as st

from assets.churn.labels import Outcome
from assets.churn.panel import month_ends
from assets.churn.split import PanelSplit

days = st.dates(dt.date(2000, 1, 1), dt.date(2030, 12, 31))
outcomes = st.builds(Outcome, unit=st.sampled_from(("day", "month")), gap=st.integers(0, 4), length=st.integers(1, 120))
short = st.builds(Outcome, unit=st.just("month"), gap=st.integers(0, 3), length=st.integers(1, 4))


@given(st.lists(days, max_size=40), outcomes | short, st.integers(1, 5))
def test_no_outcome_of_training_ends_after_the_test_begins(dates: list[dt.date], outcome: Outcome, tests: int) -> None:
    split = PanelSplit.of(dates, outcome, tests=tests)
    ends = [outcome.end(day) for day in split.train]
    assert max(ends, default=dt.date.min) <= min(split.test, default=dt.date.max)
    assert sorted([*split.train, *split.embargo, *split.test]) == sorted(set(dates))
    assert len(split.test) == min(tests, len(set(dates)))


@given(st.lists(days, min_size=1, max_size=40), outcomes | short)
def test_nothing_that_might_be_learned_from_is_left_out(dates: list[dt.date], outcome: Outcome) -> None:
    split = PanelSplit.of(dates, outcome, tests=1)
    assert all(outcome.end(day) > split.test[0] for day in split.embargo)


def test_c1_leaves_three_months_between_training_and_test() -> None:
    split = PanelSplit.of(month_ends(FIRST, LAST), Outcome(unit="month", gap=1, length=3), tests=1)
    assert (split.train[-1], split.test) == (dt.date(2025, 12, 31), (dt.date(2026, 4, 30),))
    assert [day.month for day in split.embargo] == [1, 2, 3]


def test_month_ends_are_last_days_in_order() -> None:
    found = month_ends(dt.date(2023, 12, 31), dt.date(2024, 3, 30))
    assert [str(day) for day in found] == ["2023-12-31", "2024-01-31", "2024-02-29"]
