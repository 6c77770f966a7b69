"""The ways of starting a night and going on with one that need Dagster's daemon, its interface or processes of their own.

Whole nights of riverside; each way must give the bytes of the command line, and one manifest a night.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from banks_at_work import Hands
from dagster_at_work import Dagster, manifests
from interface_at_work import ROOT, Interface, environment, until
from landing_at_work import at

from assets.night import PROCESS
from pipelines.dead_runs import report_dead_runs
from pipelines.demo import Demo

pytestmark = pytest.mark.slow


@pytest.fixture
def days(riverside_demo: Demo) -> tuple[str, str]:
    """The two dates after the first night."""
    second, third = riverside_demo.nights[1:3]
    return second.isoformat(), third.isoformat()


def dg_launch(hands: Hands, *options: str) -> None:
    command = [Path(sys.executable).with_name("dg"), "launch", *options]
    subprocess.run(command, env=environment(hands), cwd=ROOT, check=True, capture_output=True)


def all_tables(hands: Hands) -> list[str]:
    """The assets of the bank."""
    beside = ("quarantine.", "quality.")  # written by their feed's asset
    own = [name for name in hands.open.current.tables() if not name.startswith(beside)]
    return [*own, "quality.issue", "publication"]


def reported(dagster: Dagster, hands: Hands) -> dict[str, str]:
    """What is said of the runs whose process is gone."""
    runs = report_dead_runs(dagster.instance, hands.warehouse)
    return {run: dagster.instance.all_logs(run)[-1].dagster_event.message for run in runs}


def withheld(hands: Hands, day: str, feed: str = "loans") -> Callable[[], object]:
    """Take away a delivery of a date; returns what delivers it."""
    file = hands.landing / "daily" / day / f"{feed}.1.csv"
    away = file.rename(hands.landing.parent / f"{feed}-{day}")
    return lambda: away.rename(file)


def test_a_night_by_dg_launch_and_one_by_the_interface(riverside, riverside_all, days):
    before = manifests(riverside)
    dg_launch(riverside, "--job", "nightly", "--partition", days[0])
    assert days[0] in map(str, riverside.open.current.nights)
    with Interface(riverside) as interface:
        assert interface.ended(interface.start(days[1])) == "SUCCESS"
    assert riverside.bytes_of() == riverside_all.bytes_of()
    assert manifests(riverside) == before + 2


def test_a_range_by_dg_launch_is_one_run_and_one_commit(riverside, riverside_all, days):
    before = manifests(riverside)
    dg_launch(riverside, "--assets", "*", "--partition-range", "...".join(days))
    assert riverside.bytes_of() == riverside_all.bytes_of()
    assert manifests(riverside) == before + 1


def test_a_backfill_of_all_assets_is_one_run_and_one_commit_and_one_asset_commits_by_itself(
    riverside, riverside_all, days
):
    before = manifests(riverside)
    with Interface(riverside) as interface:
        known = set(interface.runs())
        backfill = interface.backfill(all_tables(riverside_all), days)
        (run,) = until("run of the backfill", lambda: set(interface.runs()) - known)
        assert interface.ended(run) == "SUCCESS"
        assert interface.runs()[run]["tags"]["dagster/backfill"] == backfill
        assert riverside.bytes_of() == riverside_all.bytes_of()
        assert manifests(riverside) == before + 1
        file = riverside.landing / "daily" / days[1] / "branches.1.csv"
        file.write_text(file.read_text().replace("河西镇支行", "新河西镇支行"))
        assert interface.ended(interface.start(days[1], "staged.branches")) == "SUCCESS"
        assert manifests(riverside) == before + 2
        assert set(interface.runs()) - known - {run} != set()
    changed = {name for name, sha in riverside.bytes_of().items() if riverside_all.bytes_of()[name] != sha}
    assert changed == {f"{kind}.branches {days[1]}" for kind in ("staged", "quality")} | {
        name for name in changed if name.startswith("quarantine.branches")
    }


def test_the_interface_goes_on_with_a_failed_night_in_each_of_its_ways(riverside, riverside_all, days):
    before = manifests(riverside)
    with Interface(riverside) as interface:
        for number, (day, strategy) in enumerate(zip(days, ("FROM_ASSET_FAILURE", "FROM_FAILURE"), strict=True)):
            deliver = withheld(riverside, day)
            failed = interface.start(day)
            assert interface.ended(failed) == "FAILURE"
            still = interface.again(failed, strategy)
            assert interface.ended(still) == "FAILURE"
            assert manifests(riverside) == before + number
            deliver()
            assert interface.ended(interface.again(still, strategy)) == "SUCCESS"
            assert manifests(riverside) == before + number + 1
        assert riverside.bytes_of() == riverside_all.bytes_of()
        assert interface.ended(interface.again(failed, "ALL_STEPS")) == "SUCCESS"
    assert riverside.bytes_of() == riverside_all.bytes_of()
    assert manifests(riverside) == before + 2


def test_the_sensor_runs_a_night_by_itself_and_a_killed_run_blocks_no_other(
    riverside, riverside_demo, riverside_all, days
):
    """The daemon's own tick, its own queue, a run of its own that is killed with -9 while it works."""
    before, second = manifests(riverside), riverside_demo.nights[1]
    deliver = withheld(riverside, days[0])
    with Interface(riverside, clock=at(second, 26.5).isoformat()) as interface:
        interface.turn_on("arrivals")
        until("tick that waits", lambda: any("waits for loans" in said for said in interface.skipped("arrivals")))
        (first,) = interface.runs()
        deliver()
        (run,) = until("run that the sensor asked for", lambda: set(interface.runs()) - {first})
        carrier = until("process that carries it", lambda: interface.runs()[run]["tags"].get(PROCESS))
        os.kill(int(carrier.split()[2]), signal.SIGKILL)
        queued = interface.start(days[0], "staged.branches")
        assert interface.ended(queued) == "SUCCESS"  # it had to wait until the dead run was reported
        assert interface.runs()[run]["status"] == "FAILURE"
        assert interface.ended(interface.again(run, "FROM_FAILURE")) == "SUCCESS"
        assert len(interface.runs()) == 4  # the first night, and the sensor asked once
    assert {name: sha for name, sha in riverside_all.bytes_of().items() if not name.endswith(days[1])} == (
        riverside.bytes_of()
    )
    assert manifests(riverside) <= before + 2


KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.cli import commands

moment, *arguments = sys.argv[1:]
replace = Path.replace

def replaced(self, target):
    pointer = Path(target).name == "current.json"
    if pointer and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    done = replace(self, target)
    if pointer:
        os.kill(os.getpid(), signal.SIGKILL)
    return done

Path.replace = replaced
commands(arguments)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_around_the_pointers_rename_a_night_goes_on_to_exactly_one_manifest(
    riverside, riverside_demo, riverside_all, days, moment
):
    before, options = manifests(riverside), ["--bank", riverside.bank, "--warehouse", str(riverside.warehouse)]
    night = [*options, "--landing", str(riverside.landing), "nightly", days[0]]
    command = [sys.executable, "-c", KILLED, moment, *night]
    killed = subprocess.run(command, env=environment(riverside), cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (days[0] in map(str, riverside.open.current.nights)) == (moment == "after")
    with Dagster(riverside, all_tables(riverside_all)) as dagster:
        ((run_id, said),) = reported(dagster, riverside).items()
        published = f"it was published before, as {riverside.open.current.id}"
        assert said == f"its process is gone; {published if moment == 'after' else 'nothing of it was published'}"
        again = dagster.from_failure(dagster.known(run_id, day=days[0]))
        assert (again.success, again.executed) == (True, {"publication"})
    assert manifests(riverside) == before + 1
    assert {name: sha for name, sha in riverside_all.bytes_of().items() if not name.endswith(days[1])} == (
        riverside.bytes_of()
    )
    assert "clean" in riverside("fsck").output


def test_two_nights_at_once_both_succeed_and_what_one_did_not_see_is_listed(riverside, riverside_all, days):
    """Other dates are no conflict. The later one was made without the earlier: it is outdated, and run again it is right."""
    options = ["--bank", riverside.bank, "--warehouse", str(riverside.warehouse), "--landing", str(riverside.landing)]

    def night(day: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pipelines.cli", *options, "nightly", day]
        return subprocess.Popen(command, env=environment(riverside), cwd=ROOT, stdout=subprocess.PIPE, text=True)

    def running() -> list[str]:
        return [day for one in riverside.open.place.nights() for day in one["dates"]]

    later = night(days[1])
    until("second night at work", lambda: days[1] in running())
    earlier = night(days[0])
    until("two nights at once", lambda: {*days} <= {*running()})
    assert [(one.wait(), "published" in one.communicate()[0]) for one in (later, earlier)] == [(0, True), (0, True)]
    assert {*days} <= {*map(str, riverside.open.current.nights)}
    assert f"{days[1]} features.party" in riverside("status").output
    riverside("nightly", days[1])
    assert riverside.bytes_of() == riverside_all.bytes_of()
    assert f"{days[1]} features.party" not in riverside("status").output
