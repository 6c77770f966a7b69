"""Every way of going on with a night: what it sees, and that it commits exactly once.

Real runs of riverside's own job, narrowed to one feed, one product and publication. The feed is a `must` here, so
that a night fails as it does at a bank: the delivery has not come. `test_ways_from_outside.py` has the ways that need
Dagster's daemon, its interface or processes of their own.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from banks_at_work import Hands, made_once, shared
from dagster_at_work import Dagster, manifests

from pipelines.demo import Demo

FEED, TABLES = "staged.branches", ("products.risk_party", "staged.branches", "publication")
ONLY = [f"--only={name}" for name in TABLES]
WRITTEN = ("products.risk_party", "staged.branches", "quarantine.branches", "quality.branches")


@pytest.fixture
def days(riverside_demo: Demo) -> tuple[str, str]:
    """The two dates after the first night."""
    second, third = riverside_demo.nights[1:3]
    return second.isoformat(), third.isoformat()


@pytest.fixture
def bank(riverside: Hands) -> Hands:
    """Riverside after its first night, where the branches must come."""
    contract = Path(riverside.bank) / "contracts" / "branches.odcs.yaml"
    text = contract.read_text()
    assert "{property: absent, value: skip}" in text
    contract.write_text(text.replace("{property: absent, value: skip}", "{property: absent, value: must}"))
    return riverside


@pytest.fixture
def on_its_way(bank: Hands, days: tuple[str, str]) -> Path:
    """The delivery of the second night, which has not come yet."""
    return (bank.landing / "daily" / days[0] / "branches.1.csv").rename(bank.landing.parent / "branches.on.its.way")


@pytest.fixture
def dagster(bank: Hands) -> Iterator[Dagster]:
    with Dagster(bank, TABLES) as started:
        yield started


@pytest.fixture
def plain(riverside_first: Hands, days: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the plain way publishes: one run of the command line over both dates, with nothing amiss."""
    folder = shared(tmp_path_factory, "plain")
    copy = Hands(str(folder / "bank"), folder / "landing", folder / "warehouse", riverside_first.key)
    with made_once(folder) as first:
        if first:
            riverside_first.copy(folder)
            copy("backfill", *days, *ONLY)
    return published(copy, *days)


def deliver(hands: Hands, file: Path, day: str) -> None:
    file.rename(hands.landing / "daily" / day / "branches.1.csv")


def rewrite(hands: Hands, day: str, title: str) -> None:
    """The delivery comes again with another title of a branch, under the same name."""
    file = hands.landing / "daily" / day / "branches.1.csv"
    file.write_text(re.sub("河[^,]*西镇支行", title, file.read_text()))


def published(hands: Hands, *dates: str) -> dict[str, str]:
    """The bytes of what the narrow job writes, for these dates."""
    files = hands.bytes_of()
    return {name: sha for name, sha in files.items() if name.split()[0] in WRITTEN and name.split()[1] in dates}


def test_a_range_that_failed_twice_goes_on_from_what_it_staged_and_commits_once(bank, dagster, days, on_its_way, plain):
    """One run by tags over two dates: fail, fail, third attempt."""
    before = manifests(bank)
    first = dagster.start(*days)
    assert (first.success, first.failure["exit_code"], first.executed) == (False, "65", {"products__risk_party"})
    second = dagster.from_failure(first)
    assert (second.success, second.executed) == (False, frozenset())
    assert (manifests(bank), published(bank, *days)) == (before, {})
    deliver(bank, on_its_way, days[0])
    third = dagster.from_failure(second)
    assert (third.success, third.executed) == (True, {"staged__branches", "publication"})
    assert manifests(bank) == before + 1
    assert published(bank, *days) == plain
    assert set(plain) == {f"{name} {day}" for name in WRITTEN for day in days}
    assert set(map(str, bank.open.current.nights)) >= set(days)
    assert dagster.steps(third, "publication").success
    assert manifests(bank) == before + 1


def test_from_asset_failure_publishes_the_whole_night(bank, dagster, days, on_its_way, plain):
    """Dagster makes a new plan, of the assets that are lacking; by itself it would be half a night."""
    before = manifests(bank)
    first = dagster.start(*days)
    again = dagster.from_asset_failure(first)
    assert (again.success, again.planned) == (False, ("staged.branches", "publication"))
    deliver(bank, on_its_way, days[0])
    whole = dagster.all(again)  # the whole of a part is a part
    assert (whole.success, whole.executed) == (True, {"staged__branches", "publication"})
    assert (manifests(bank), published(bank, *days)) == (before + 1, plain)


def test_a_step_alone_publishes_nothing_until_publication_is_run_and_by_itself_after_it(
    bank, dagster, days, on_its_way, plain
):
    """Meanwhile another run publishes another date: both are kept."""
    first = dagster.start(days[0])
    bank("nightly", days[1], "--only", FEED)
    before = manifests(bank)
    deliver(bank, on_its_way, days[0])
    assert dagster.steps(first, FEED).success
    assert (manifests(bank), published(bank, days[0])) == (before, {})
    assert dagster.steps(first, "publication").success
    assert manifests(bank) == before + 1
    found = published(bank, *days)
    assert found == {name: sha for name, sha in plain.items() if name != f"products.risk_party {days[1]}"}

    rewrite(bank, days[0], "新河西镇支行")
    assert dagster.steps(first, FEED).success
    assert manifests(bank) == before + 2
    assert published(bank, days[0]) != {name: found[name] for name in found if name.endswith(days[0])}
    day = dt.date.fromisoformat(days[0])
    record = bank.open.current.night(day)
    assert dagster.steps(first, "publication").success  # it says which deliveries stand behind the night
    assert bank.open.current.night(day) != record
    assert manifests(bank) == before + 3


def test_what_another_run_published_meanwhile_is_a_conflict_and_nothing_is_lost(bank, dagster, days, on_its_way):
    """Not retried, for that cannot mend it; the whole night again can."""
    first = dagster.start(days[0])
    deliver(bank, on_its_way, days[0])
    bank("nightly", days[0], "--only", FEED)
    foreign, before = published(bank, days[0]), manifests(bank)
    assert set(foreign) == {f"{name} {days[0]}" for name in WRITTEN if name != "products.risk_party"}
    rewrite(bank, days[0], "新河西镇支行")
    again = dagster.from_failure(first)
    assert not again.success
    assert again.failure["exit_code"] == "75"
    assert "published by another run" in again.failure["what"] and "re-execute all" in again.failure["next"]
    assert again.attempts == 2  # the feed's, and one of publication
    assert (published(bank, days[0]), manifests(bank)) == (foreign, before)
    whole = dagster.all(again)
    assert (whole.success, manifests(bank)) == (True, before + 1)
    after = published(bank, days[0])
    assert set(after) == {f"{name} {days[0]}" for name in WRITTEN}
    assert after[f"{FEED} {days[0]}"] != foreign[f"{FEED} {days[0]}"]


def test_a_second_night_of_the_same_date_is_told_who_runs_the_first(riverside, days):
    before = manifests(riverside)
    with riverside.open.place.night([dt.date.fromisoformat(days[0])], "run 0a1b2c3d"):
        said = riverside("nightly", days[0], *ONLY, code=75).output
    assert f"a night of {days[0]} is already running" in said
    assert re.search(rf"process {os.getpid()} on \S+, since \S+: run 0a1b2c3d", said)
    assert manifests(riverside) == before


def test_a_missing_must_delivery_is_named_at_the_cut_off_and_the_night_says_so(riverside, riverside_demo):
    """From cron, without a daemon; the cut-off of this date was long ago."""
    day = riverside_demo.nights[1].isoformat()
    (riverside.landing / "daily" / day / "loans.1.csv").unlink()
    said = riverside("nightly", day, "--wait", "--only=staged.loans", "--only=publication", code=65).output
    assert f"the cut-off of {day} has passed; not there: loans" in said
    assert f"staged.loans {day}: the delivery is absent" in said
