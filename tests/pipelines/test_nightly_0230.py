"""The schedule, tick by tick: riverside after its first night, and a landing folder of our own."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from banks_at_work import Hands
from landing_at_work import MUST, Sender, at

from data_contracts.bank import read_bank
from pipelines import settings
from pipelines.definitions import build
from pipelines.demo import Demo
from pipelines.schedule import NIGHTLY_0230, nightly_0230

Tick = Callable[..., list[str] | str]


@pytest.fixture
def sender(tmp_path: Path, riverside_first: Hands, riverside_demo: Demo) -> Sender:
    first = riverside_demo.nights[0].isoformat()
    shutil.copytree(riverside_first.landing / "daily" / first, tmp_path / "landing" / "daily" / first)
    return Sender(tmp_path / "landing")


@pytest.fixture
def second(riverside_demo: Demo) -> dt.date:
    """The date whose night is due: the one before it is published."""
    return riverside_demo.nights[1]


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    home = tmp_path / "home"
    home.mkdir()
    with dg.DagsterInstance.local_temp(str(home)) as made:
        yield made


@pytest.fixture
def repository(riverside_first: Hands, sender: Sender) -> dg.RepositoryDefinition:
    given = settings.Settings(bank=riverside_first.bank, warehouse=riverside_first.warehouse, landing=sender.landing)
    return build(given).get_repository_def()


@pytest.fixture
def tick(
    riverside_first: Hands, sender: Sender, instance: dg.DagsterInstance, repository: dg.RepositoryDefinition
) -> Tick:
    """What the schedule says so many hours after a date began: the dates it asks for, or why it asks for none."""
    given = settings.Settings(bank=riverside_first.bank, warehouse=riverside_first.warehouse, landing=sender.landing)
    made = nightly_0230(read_bank(riverside_first.bank), given)

    def look(day: dt.date, hours: float) -> list[str] | str:
        context = dg.build_schedule_context(
            instance, scheduled_execution_time=at(day, hours), repository_def=repository
        )
        said = made.evaluate_tick(context)
        return [request.partition_key for request in said.run_requests or ()] or str(said.skip_message)

    return look


def test_it_looks_at_half_past_two_and_at_the_banks_cut_off_by_the_banks_clock(repository):
    made = repository.get_schedule_def(NIGHTLY_0230)
    assert made.cron_schedule == ["30 2 * * *", "0 5 * * *"]
    assert made.execution_timezone == "Asia/Shanghai"
    assert made.default_status == dg.DefaultScheduleStatus.STOPPED


def test_a_complete_night_is_asked_for_at_half_past_two(tick, sender, second):
    sender.send(second, *MUST)
    assert tick(second, 26.5) == [str(second)]


def test_an_incomplete_night_waits_for_the_cut_off_and_is_asked_for_then(tick, sender, second):
    sender.send(second, "accounts", "loans")
    assert tick(second, 26.5) == f"the night of {second} waits for transactions, until 05:00"
    assert tick(second, 29) == [str(second)]


def test_a_published_night_is_not_asked_for_until_something_new_came(tick, sender, second):
    first = second - dt.timedelta(days=1)
    assert tick(first, 26.5) == tick(first, 29) == f"the night of {first} is published"
    sender.send(first, "transactions", sequence=2)
    assert tick(first, 29) == [str(first)]


def test_a_night_that_runs_is_not_asked_for_twice(tick, sender, second, instance, repository):
    sender.send(second, *MUST)
    run = instance.create_run_for_job(repository.get_job("nightly"), tags={"dagster/partition": str(second)})
    assert tick(second, 26.5) == f"the night of {second} was asked for: run {run.run_id}"
    instance.report_run_canceled(run)
    assert tick(second, 26.5) == [str(second)]
