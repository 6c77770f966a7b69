"""`liangcang ui` in a process of its own, with its daemon, asked as its own pages ask it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from banks_at_work import Hands

ROOT = Path(__file__).parents[1]
ENDED = ("SUCCESS", "FAILURE", "CANCELED")
OF_LIANGCANG = {"repositoryLocationName": "liangcang", "repositoryName": "__repository__"}
LAUNCHED = "{ __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }"


def environment(hands: Hands) -> dict[str, str]:
    """What Dagster's own commands need to find the bank."""
    return os.environ | {
        "LIANGCANG_BANK": hands.bank,
        "LIANGCANG_WAREHOUSE": str(hands.warehouse),
        "LIANGCANG_LANDING": str(hands.landing),
        "LIANGCANG_KEY_FILE": str(hands.key),
        "DAGSTER_HOME": str(hands.warehouse / "_dagster"),
    }


def processes() -> list[str]:
    """Process id and arguments of all that run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found.append(f"{folder.name} {arguments}")
    return found


def until(what: str, there: Callable[[], Any], *, seconds: float = 300) -> Any:
    """What `there` gives, once it gives something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := there():
            return found
        time.sleep(0.5)
    raise AssertionError(f"after {seconds:.0f} seconds there is no {what}")


class Interface:
    """The interface of a bank while the block runs. `clock`: where the sensor's clock stands."""

    def __init__(self, hands: Hands, *, clock: str | None = None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        home = hands.warehouse / "_dagster"
        self.home, own = str(home), environment(hands)
        if clock:
            own["STANDING_CLOCK"] = clock
            location = Path(__file__).with_name("location_with_a_clock.py")
            text = f"load_from:\n  - python_file: {{relative_path: {location}, location_name: liangcang}}\n"
            (home / "workspace.yaml").write_text(text)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "ui", "--port", str(self.port)],
            env=own,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        def answers() -> bool:
            with contextlib.suppress(OSError):
                return bool(self.ask("query { version }"))
            return False

        until("interface", answers)
        return self

    def __exit__(self, *_: object) -> None:
        (daemon,) = (line.split()[0] for line in processes() if "dagster._daemon" in line and self.home in line)
        self.process.terminate()
        assert self.process.wait() == 0
        assert not [line for line in processes() if line.split()[0] == daemon], "its daemon outlives the interface"

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        own = f"http://127.0.0.1:{self.port}"
        request = urllib.request.Request(
            f"{own}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json", "Origin": own, "Sec-Fetch-Site": "same-origin"},
        )
        with urllib.request.urlopen(request) as answer:
            said = json.load(answer)
        assert not said.get("errors"), said["errors"]
        return said["data"]

    def start(self, day: str, *tables: str) -> str:
        """Start the nightly job for a date, or some of its tables alone; returns the run's id."""
        selector: dict[str, Any] = OF_LIANGCANG | {"pipelineName": "nightly"}
        if tables:
            selector["assetSelection"] = [{"path": table.split(".")} for table in tables]
        query = f"mutation Start($given: ExecutionParams!) {{ launchPipelineExecution(executionParams: $given) {LAUNCHED} }}"
        tags = [{"key": "dagster/partition", "value": day}]
        given = {"selector": selector, "mode": "default", "runConfigData": {}, "executionMetadata": {"tags": tags}}
        return self._launched(self.ask(query, given=given)["launchPipelineExecution"])

    def again(self, run_id: str, strategy: str) -> str:
        """Re-execute a run: FROM_FAILURE, FROM_ASSET_FAILURE or ALL_STEPS; returns the new run's id."""
        query = f"mutation Again($given: ReexecutionParams!) {{ launchRunReexecution(reexecutionParams: $given) {LAUNCHED} }}"
        given = {"parentRunId": run_id, "strategy": strategy}
        return self._launched(self.ask(query, given=given)["launchRunReexecution"])

    def _launched(self, answer: dict[str, Any]) -> str:
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def backfill(self, tables: Sequence[str], days: Sequence[str]) -> str:
        """Materialise these tables for these dates, as the asset pages do; returns the backfill's id."""
        query = """
            mutation Fill($given: LaunchBackfillParams!) {
              launchPartitionBackfill(backfillParams: $given) {
                __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
              }
            }
        """
        given = {"assetSelection": [{"path": table.split(".")} for table in tables], "partitionNames": list(days)}
        answer = self.ask(query, given=given)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return answer["backfillId"]

    def turn_on(self, sensor: str) -> None:
        query = "mutation On($given: SensorSelector!) { startSensor(sensorSelector: $given) { __typename } }"
        answer = self.ask(query, given=OF_LIANGCANG | {"sensorName": sensor})["startSensor"]
        assert answer["__typename"] == "Sensor", answer

    def skipped(self, sensor: str) -> list[str]:
        """Why the sensor's ticks asked for nothing."""
        query = """
            query Ticks($given: SensorSelector!) {
              sensorOrError(sensorSelector: $given) { ... on Sensor { sensorState { ticks { skipReason } } } }
            }
        """
        found = self.ask(query, given=OF_LIANGCANG | {"sensorName": sensor})["sensorOrError"]["sensorState"]["ticks"]
        return [tick["skipReason"] for tick in found if tick["skipReason"]]

    def runs(self) -> dict[str, dict[str, Any]]:
        """All runs by id: status, tags, parent."""
        query = "query Runs { runsOrError { ... on Runs { results { runId status parentRunId tags { key value } } } } }"
        found = self.ask(query)["runsOrError"]["results"]
        return {
            run["runId"]: run | {"tags": {tag["key"]: tag["value"] for tag in run["tags"]}} for run in reversed(found)
        }

    def ended(self, run_id: str) -> str:
        """How a run ended, once it has."""
        return until("end of the run", lambda: (at := self.runs()[run_id]["status"]) in ENDED and at)
