"""Issues follow from the night before and from what was judged: against a naive account of every key."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from assets.quality.issue import Issue, Judged, Result, night
from data_contracts.exceptions import SignedException

D1 = dt.date(2026, 11, 1)
KEYS = ("a", "b", "c")


def result(bad: set[str] | None, *, failed: int | None = None, judged: bool = True, rule: str = "r") -> Result:
    """A rule that the rows of these keys break; None: too many to be told."""
    rows = None if bad is None else [(key, n, n + 1) for n, key in enumerate(sorted(bad), start=1)]
    return Result(
        rule=rule,
        dimension="accuracy",
        severity="warning",
        owner="ops",
        column="x",
        failed=len(bad or ()) if failed is None else failed,
        judged=judged,
        rows=rows,
    )


def delivery(closing: str, *results: Result, came: frozenset[str] = frozenset(), name: str = "aa") -> Judged:
    return Judged(
        feed="f", closing=closing, delivery=name, file="f.csv", results={r.rule: r for r in results}, came=lambda: came
    )


def after(days: list[Judged | None], **more: object) -> list[dict[str, Issue]]:
    """What is open after each date, from D1 on."""
    opened, before = [], {}
    for n, judged in enumerate(days):
        given = {"earlier": (), "exceptions": (), **more}
        made = night(D1 + dt.timedelta(days=n), before=before, judged=[judged] if judged else [], **given)
        before = dict(made.open)
        opened.append(before)
    return opened


bad_keys = st.sets(st.sampled_from(KEYS))


@given(st.lists(st.none() | bad_keys, min_size=1, max_size=8))
def test_of_a_full_feed_open_is_what_its_last_delivery_shows_since_it_shows_it(days):
    found = after([None if bad is None else delivery("full", result(bad)) for bad in days])
    since: dict[str, dt.date] = {}
    for n, (bad, opened) in enumerate(zip(days, found, strict=True)):
        if bad is not None:
            since = {key: since.get(key, D1 + dt.timedelta(days=n)) for key in bad}
        assert {issue.key: issue.first_seen for issue in opened.values()} == since
        assert len(opened) == len({issue.cause for issue in opened.values()})
        assert all(id == issue.id for id, issue in opened.items())


@given(st.lists(st.none() | st.dictionaries(st.sampled_from(KEYS), st.booleans()), min_size=1, max_size=8))
def test_of_a_delta_open_are_the_keys_that_came_bad_last(days):
    judged = [
        None
        if came is None
        else delivery(
            "delta",
            result({key for key, bad in came.items() if bad}),
            came=frozenset(key for key, bad in came.items() if not bad),
        )
        for came in days
    ]
    last: dict[str, bool] = {}
    for came, opened in zip(days, after(judged), strict=True):
        last |= came or {}
        assert {issue.key for issue in opened.values()} == {key for key, bad in last.items() if bad}


@given(bad_keys, bad_keys, st.sampled_from(["full", "delta", "event"]))
def test_a_date_judged_again_is_the_same_and_what_was_mended_is_not_forgotten(first, second, closing):
    def run(bad: set[str], earlier: tuple[Issue, ...]) -> tuple[Issue, ...]:
        judged = [delivery(closing, result(bad), came=frozenset(set(KEYS) - bad))]
        return night(D1, before={}, judged=judged, earlier=earlier, exceptions=()).changed

    opened = run(first, ())
    again = run(second, opened)
    assert run(second, again) == again
    assert run(first, opened) == opened
    assert {issue.key: issue.status for issue in again} == dict.fromkeys(first, "fixed") | dict.fromkeys(second, "new")
    assert {issue.closed_on for issue in again if issue.key not in second} <= {D1}


def test_events_of_another_date_are_other_issues_and_close_nothing():
    first, second = after([delivery("event", result({"a"})), delivery("event", result({"a"}))])
    assert len(first) == 1
    assert sorted((issue.first_seen, issue.status) for issue in second.values()) == [
        (D1, "open"),
        (D1 + dt.timedelta(days=1), "new"),
    ]


def test_a_rule_that_cannot_be_judged_closes_nothing_and_one_that_is_gone_closes_its_own():
    unjudged = delivery("full", result(set(), judged=False))
    opened = after([delivery("full", result({"a"})), unjudged, delivery("full", result(set(), rule="other"))])
    assert [len(issues) for issues in opened] == [1, 1, 0]


def test_too_many_breaches_are_one_issue_of_the_delivery_with_their_count():
    many = delivery("full", result(None, failed=5_000))
    opened = after([delivery("full", result({"a"})), many, many, delivery("full", result({"b"}))])
    whole = next(issue for issue in opened[2].values() if issue.key is None)
    assert (whole.breaches, whole.first_seen, whole.row) == (5_000, D1 + dt.timedelta(days=1), None)
    assert {issue.key for issue in opened[2].values()} == {"a", None}  # nobody can say whether a is good
    assert {issue.key for issue in opened[3].values()} == {"b"}


def test_an_issue_is_new_then_open_then_excepted_until_its_day_and_then_open_again():
    signed = SignedException(feed="f", rule="r", key="a", until=D1 + dt.timedelta(days=2), reason="known", by="head")
    judged = delivery("full", result({"a", "b"}))
    states = after([judged] * 4, exceptions=[signed])
    assert [sorted((i.key, i.status) for i in issues.values()) for issues in states] == [
        [("a", "excepted"), ("b", "new")],
        [("a", "excepted"), ("b", "open")],
        [("a", "excepted"), ("b", "open")],
        [("a", "open"), ("b", "open")],
    ]
    every = replace(signed, key=None)
    assert {issue.excepted_until for issue in after([judged], exceptions=[every])[0].values()} == {signed.until}


def test_an_issue_that_comes_back_is_another_one():
    bad, good = delivery("full", result({"a"})), delivery("full", result(set()))
    first, _, third = after([bad, good, bad])
    assert not set(first) & set(third)
