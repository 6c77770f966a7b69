"""Runs whose process died: who is told so, who never is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from banks_at_work import Hands

from assets.night import PROCESS, PUBLICATION, process_tag
from pipelines.dead_runs import report_dead_runs


@dg.asset
def features() -> None: ...


@dg.asset
def publication() -> None: ...


JOB = dg.Definitions(assets=[features, publication], jobs=[dg.define_asset_job("job")]).resolve_job_def("job")
STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture(scope="module")
def gone() -> str:
    """Host, id and start of a process that was killed, and that its parent has waited for."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    said = f"{os.uname().nodename} {child.pid} {started(child.pid)}"
    child.kill()
    child.communicate()
    return said


def started(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]


def a_run(instance: dg.DagsterInstance, carrier: str, *, status: dg.DagsterRunStatus = STARTED, **more: object) -> str:
    """A run in this state that says it is carried by `carrier`; returns its id."""
    run = instance.create_run_for_job(JOB, status=status, **more)
    if carrier:
        instance.add_run_tags(run.run_id, {PROCESS: carrier.replace("RUN", run.run_id)})
    return run.run_id


def told(instance: dg.DagsterInstance, hands: Hands) -> dict[str, str]:
    """What is said of each run that is reported."""
    reported = report_dead_runs(instance, hands.warehouse)
    for run_id in reported:
        assert instance.get_run_by_id(run_id).status == dg.DagsterRunStatus.FAILURE
    return {
        run_id: next(
            entry.dagster_event.message
            for entry in instance.all_logs(run_id)
            if entry.dagster_event_type == dg.DagsterEventType.RUN_FAILURE
        )
        for run_id in reported
    }


@pytest.mark.parametrize("status", [STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.CANCELING])
def test_a_run_whose_process_is_gone_is_reported(instance, riverside_first, gone, status):
    run = a_run(instance, f"RUN {gone}", status=status)
    assert told(instance, riverside_first) == {run: "its process is gone; nothing of it was published"}
    assert told(instance, riverside_first) == {}


def test_a_process_that_nobody_waited_for_is_gone(instance, riverside_first):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    carrier = f"RUN {os.uname().nodename} {child.pid} {started(child.pid)}"
    run = a_run(instance, carrier)
    assert told(instance, riverside_first) == {}
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert set(told(instance, riverside_first)) == {run}
    child.communicate()


def test_a_run_that_may_live_is_never_reported(instance, riverside_first, gone):
    host, pid, since = gone.split()
    own = process_tag("RUN")[PROCESS]
    for carrier in (
        own,
        f"RUN elsewhere {pid} {since}",  # another host
        "",  # nobody has said yet who carries it
        f"the-parent {gone}",  # inherited by a re-execution that has not begun
        gone,  # as an earlier version said it
    ):
        a_run(instance, carrier)
    a_run(instance, f"RUN {gone}", status=dg.DagsterRunStatus.SUCCESS)
    assert told(instance, riverside_first) == {}
    assert own.split()[1] == host


def test_a_process_id_that_was_used_again_is_another_process(instance, riverside_first):
    run = a_run(instance, f"RUN {os.uname().nodename} {os.getpid()} 1")
    assert set(told(instance, riverside_first)) == {run}


def test_what_a_dead_run_left_is_said_as_it_is(instance, riverside_first, gone):
    """Killed before its publication, after it, as its continuation, among tables that commit by themselves."""
    ((owner, manifest),) = riverside_first.open.current.manifest.published.items()
    before = a_run(instance, f"RUN {gone}", asset_selection=frozenset({dg.AssetKey("features"), PUBLICATION}))
    whole = a_run(instance, f"RUN {gone}", asset_selection=frozenset())
    after = a_run(instance, f"RUN {gone}", run_id=owner)
    continued = a_run(instance, f"RUN {gone}", parent_run_id=owner, root_run_id=owner)
    part = a_run(instance, f"RUN {gone}", asset_selection=frozenset({dg.AssetKey("features")}))
    assert told(instance, riverside_first) == {
        before: "its process is gone; nothing of it was published",
        whole: "its process is gone; nothing of it was published",
        after: f"its process is gone; it was published before, as {manifest}",
        continued: f"its process is gone; it was published before, as {manifest}",
        part: "its process is gone; the tables that it had finished are published",
    }
