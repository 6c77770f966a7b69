"""The arrival sensor, looked at tick by tick: riverside after its first night, a landing folder of our own, our own clock."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import dagster as dg
import pytest
from banks_at_work import Hands, hands
from landing_at_work import MUST, Sender, Watch, at

from assets.night import PROCESS
from data_contracts.bank import read_bank
from pipelines import settings
from pipelines.definitions import build
from pipelines.demo import Demo
from pipelines.sensor import LOOK_BACK, arrivals


class Sensor:
    """The sensor of a warehouse over a landing folder: each `look` is a minute after the one before."""

    def __init__(self, hands: Hands, landing: Path, repository: dg.RepositoryDefinition, begin: dt.datetime) -> None:
        given = settings.Settings(bank=hands.bank, warehouse=hands.warehouse, landing=landing)
        self.watch = Watch(begin)
        self.made = arrivals(read_bank(hands.bank), given, clock=self.watch.clock)
        self.instance, self.repository = dg.DagsterInstance.ephemeral(), repository
        self.cursor: str | None = None
        self.skipped: str | None = None
        self.keys: list[str] = []

    def look(self, *, times: int = 1) -> list[str]:
        """The dates that are asked for."""
        asked: list[str] = []
        for _ in range(times):
            context = dg.build_sensor_context(self.instance, cursor=self.cursor, repository_def=self.repository)
            tick = self.made.evaluate_tick(context)
            self.cursor, self.skipped = tick.cursor, tick.skip_message
            self.keys += [request.run_key for request in tick.run_requests]
            asked += [request.partition_key for request in tick.run_requests]
            self.watch.pause(60)
        return asked


@pytest.fixture(scope="module")
def repository(riverside_first: Hands) -> dg.RepositoryDefinition:
    given = settings.Settings(
        bank=riverside_first.bank, warehouse=riverside_first.warehouse, landing=riverside_first.landing
    )
    return build(given).get_repository_def()


@pytest.fixture
def sender(tmp_path: Path, riverside_first: Hands, riverside_demo: Demo) -> Sender:
    """What was delivered for the first night, as it was then."""
    first = riverside_demo.nights[0].isoformat()
    shutil.copytree(riverside_first.landing / "daily" / first, tmp_path / "landing" / "daily" / first)
    return Sender(tmp_path / "landing")


@pytest.fixture
def second(riverside_demo: Demo) -> dt.date:
    """The date whose night is due: the one before it is published."""
    return riverside_demo.nights[1]


@pytest.fixture
def sensor(riverside_first: Hands, sender: Sender, repository: dg.RepositoryDefinition, second: dt.date) -> Sensor:
    """At 02:30 of the day after the second date."""
    return Sensor(riverside_first, sender.landing, repository, at(second, 26.5))


def test_a_night_is_asked_for_once_when_its_must_deliveries_are_there_and_stay_as_they_are(sensor, sender, second):
    sender.send(second, "accounts", "loans")
    assert sensor.look(times=2) == []
    assert sensor.skipped == f"the night of {second} waits for transactions, until 2026-11-03 05:00"
    sender.send(second, "transactions")
    assert sensor.look() == []
    assert sensor.look() == [str(second)]
    assert sensor.look(times=5) == []
    assert sensor.skipped == f"the night of {second} was asked for"


def test_a_night_is_not_asked_for_while_a_file_grows(sensor, sender, second):
    for minute in range(1, 6):
        sender.send(second, *MUST, text="a row\n" * minute)
        assert sensor.look() == []
    assert sensor.look() == [str(second)]


def test_a_night_is_not_asked_for_before_its_day_has_ended(sensor, sender, second):
    tomorrow = second + dt.timedelta(days=1)
    sender.send(second, *MUST)
    sender.send(tomorrow, *MUST)
    assert sensor.look(times=3) == [str(second)]
    sensor.watch.time = at(tomorrow, 24)
    assert sensor.look(times=2) == [str(tomorrow)]


def test_at_the_cut_off_a_night_is_asked_for_whatever_is_there_and_again_when_it_is_complete(sensor, sender, second):
    """Not for each file that comes late by itself: a night without a must delivery fails, and once is enough."""
    sender.send(second, "loans")
    sensor.watch.time = at(second, 29) - dt.timedelta(minutes=1)
    assert sensor.look() == []
    assert sensor.look() == [str(second)]
    sender.send(second, "customers", "accounts")
    assert sensor.look(times=3) == []
    sender.send(second, "transactions")
    assert sensor.look(times=3) == [str(second)]
    assert len(set(sensor.keys)) == 2


def test_at_the_cut_off_a_night_is_asked_for_though_nothing_came_where_the_one_before_was_run(sensor, second):
    sensor.watch.time = at(second, 28)
    assert sensor.look() == []
    sensor.watch.time = at(second, 29)
    assert sensor.look(times=3) == [str(second)]
    sensor.watch.time = at(second, 24 + 29)  # and not on the days that follow: a bank that is not fed is not asked for
    assert sensor.look(times=3) == []


def test_what_comes_late_for_a_published_night_is_asked_for_once(sensor, sender, riverside_demo):
    first = riverside_demo.nights[0]
    assert sensor.look(times=3) == []
    sender.send(first, "transactions", sequence=2)
    assert sensor.look(times=3) == [str(first)]


def test_a_delivery_overwritten_under_its_own_name_is_asked_for(sensor, sender, riverside_demo):
    first = riverside_demo.nights[0]
    file = sender.file(first, "loans")
    sensor.look(times=2)
    file.write_bytes(file.read_bytes())
    assert sensor.look(times=3) == [str(first)]


def test_a_lost_cursor_asks_for_nothing_that_is_published_and_again_by_the_same_key(sensor, sender, second):
    """Dagster starts nothing for a run key that it knows."""
    sender.send(second, *MUST)
    assert sensor.look(times=2) == [str(second)]
    for lost in (None, "2026-11-01 0a1b2c3d4e5f", "[]", '{"2026-11-01": 7}'):
        sensor.cursor = lost
        assert sensor.look(times=3) == [str(second)]
    assert len(set(sensor.keys)) == 1


def test_a_landing_folder_full_of_old_dates_starts_no_more_than_some_weeks(sensor, sender, second):
    """Months of daily folders: what lies further back is for a person to ask for."""
    for back in range(150):
        sender.send(second - dt.timedelta(days=back), "loans", "accounts", "transactions")
    asked = sensor.look(times=3)
    assert len(asked) == len(set(asked)) == LOOK_BACK
    assert min(asked) == str(second - dt.timedelta(days=LOOK_BACK - 1))


def test_dates_before_the_bank_began_and_files_without_a_contract_are_nothing(sensor, sender, second):
    sender.send(dt.date(2023, 12, 31), *MUST)
    sender.send(second, "holiday_photos")
    assert sensor.look(times=3) == []


def test_a_warehouse_without_a_night_asks_for_what_is_complete(sender, repository, riverside_first, second, tmp_path):
    new = hands(tmp_path / "new", bank=riverside_first.bank, landing=sender.landing)
    sender.send(second, *MUST)
    sensor = Sensor(new, sender.landing, repository, at(second, 26.5))
    first = second - dt.timedelta(days=1)
    assert sensor.look() == [str(first)]  # its cut-off was yesterday
    assert sensor.look() == [str(second)]


def test_a_refused_correction_is_not_asked_for_again(riverside, riverside_demo, repository):
    """The ledger remembers it, whatever the cursor does."""
    first, due = riverside_demo.nights[:2]
    shutil.rmtree(riverside.landing / "daily" / due.isoformat())
    Sender(riverside.landing).send(first, "loans", sequence=2, text="not,the,columns\n1,2,3\n")
    sensor = Sensor(riverside, riverside.landing, repository, at(due, 26.5))
    assert sensor.look(times=2) == [str(first)]
    riverside("nightly", first.isoformat(), "--only", "staged.loans", code=65)
    sensor.cursor = None
    assert sensor.look(times=3) == []


def test_a_run_whose_process_died_is_reported_at_the_next_look(sensor):
    job = dg.Definitions(jobs=[dg.define_asset_job("job")]).resolve_job_def("job")
    run = sensor.instance.create_run_for_job(job)
    sensor.instance.add_run_tags(run.run_id, {PROCESS: f"{run.run_id} {os.uname().nodename} 999999999 1"})
    sensor.look()
    assert sensor.instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE
