"""Dagster as we use it: the graph, and what we rely on that it does not document."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

import dagster as dg
import pytest
from banks_at_work import Hands

from pipelines import settings
from pipelines.definitions import build

ROOT = Path(__file__).parents[1]


@pytest.fixture
def definitions(riverside_first: Hands) -> dg.Definitions:
    return build(
        settings.read(
            bank=riverside_first.bank, warehouse=str(riverside_first.warehouse), landing=str(riverside_first.landing)
        )
    )


def graph(definitions: dg.Definitions) -> dict[str, list[str]]:
    found = definitions.resolve_asset_graph()
    return {
        key.to_user_string(): sorted(parent.to_user_string() for parent in found.get(key).parent_keys)
        for key in found.get_all_asset_keys()
    }


def test_the_asset_graph_flows_one_way(definitions):
    order = ["staged", "parties", "conformed", "features", "products", "publication"]
    for asset, parents in graph(definitions).items():
        floor = order.index(asset.partition("/")[0])
        assert all(order.index(parent.partition("/")[0]) <= floor for parent in parents), (asset, parents)


def test_publication_waits_for_every_table(definitions):
    found = graph(definitions)
    assert set(found["publication"]) == set(found) - {"publication"}


def test_every_asset_is_daily_single_run_and_checked(definitions):
    for asset in definitions.resolve_all_asset_specs():
        assert asset.partitions_def is not None, asset.key
        assert asset.group_name != "default", asset.key
    for made in definitions.assets:
        assert made.backfill_policy == dg.BackfillPolicy.single_run()


def test_an_asset_belongs_to_the_domain_that_its_folder_names(definitions):
    groups = {spec.group_name for spec in definitions.resolve_all_asset_specs()}
    assert groups == {"sources", "parties", "conformed", "features", "tags", "risk_warning", "publication"}


def test_the_schedule_asks_for_yesterday_in_the_banks_time_zone(definitions):
    import datetime as dt

    schedule = definitions.resolve_schedule_def("nightly_0230")
    context = dg.build_schedule_context(
        scheduled_execution_time=dt.datetime(2026, 11, 3, 18, 30, tzinfo=dt.UTC),
        repository_def=definitions.get_repository_def(),
    )
    (request,) = schedule.evaluate_tick(context).run_requests
    assert request.partition_key == "2026-11-03"  # 02:30 of the 4th in Shanghai


def test_the_sensor_asks_once_for_each_complete_date_and_again_for_a_correction(riverside, riverside_demo):
    given = settings.read(bank=riverside.bank, warehouse=str(riverside.warehouse), landing=str(riverside.landing))
    made = build(given)
    sensor = made.resolve_sensor_def("arrivals")

    def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorExecutionData:
        context = dg.build_sensor_context(instance, cursor=cursor, repository_def=made.get_repository_def())
        return sensor.evaluate_tick(context)

    folder = riverside.landing / "daily" / riverside_demo.nights[2].isoformat()
    (folder / "transactions.1.csv").rename(riverside.landing / "waiting.csv")
    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(instance)
        asked = [request.partition_key for request in first.run_requests]
        assert riverside_demo.nights[2].isoformat() not in asked
        assert riverside_demo.nights[1].isoformat() in asked
        second = tick(instance, first.cursor)
        assert second.run_requests == []
        (riverside.landing / "waiting.csv").rename(folder / "transactions.1.csv")
        third = tick(instance, first.cursor)
        assert [request.partition_key for request in third.run_requests] == [riverside_demo.nights[2].isoformat()]


START = """
mutation Start($parameters: ExecutionParams!) {
  launchPipelineExecution(executionParams: $parameters) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def processes() -> list[str]:
    """Process id and arguments of all that run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            found.append(f"{folder.name} {arguments}")
    return found


class Interface:
    """`liangcang ui` in a process of its own, asked as its own pages ask it."""

    def __init__(self, hands: Hands, environment: dict[str, str]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home = str(hands.warehouse / "_dagster")
        options = ["--bank", hands.bank, "--warehouse", str(hands.warehouse), "--landing", str(hands.landing)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", *options, "ui", "--port", str(self.port)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        for _ in range(240):
            with contextlib.suppress(OSError):
                self.ask("query { version }", {})
                return self
            time.sleep(0.5)
        raise AssertionError("the interface did not start")

    def __exit__(self, *_: object) -> None:
        (daemon,) = (line.split()[0] for line in processes() if "dagster._daemon" in line and self.home in line)
        self.process.terminate()
        assert self.process.wait() == 0
        assert not [line for line in processes() if line.split()[0] == daemon], "its daemon outlives the interface"

    def ask(self, query: str, variables: dict[str, object]) -> dict:
        own = f"http://127.0.0.1:{self.port}"
        request = urllib.request.Request(
            f"{own}/graphql",
            data=json.dumps({"query": query, "variables": variables}).encode(),
            headers={"Content-Type": "application/json", "Origin": own, "Sec-Fetch-Site": "same-origin"},
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["data"]

    def night(self, day: str) -> str:
        """Start the nightly job for a date and wait for it; returns how it ended."""
        selector = {
            "repositoryLocationName": "liangcang",
            "repositoryName": "__repository__",
            "pipelineName": "nightly",
        }
        parameters = {
            "selector": selector,
            "mode": "default",
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": day}]},
        }
        started = self.ask(START, {"parameters": parameters})["launchPipelineExecution"]
        assert started["__typename"] == "LaunchRunSuccess", started
        for _ in range(600):
            status = self.ask(STATUS, {"id": started["run"]["runId"]})["runOrError"]["status"]
            if status in ("SUCCESS", "FAILURE", "CANCELED"):
                return status
            time.sleep(0.5)
        return "still running"


@pytest.mark.slow
def test_dagsters_own_ways_of_starting_give_the_bytes_of_the_command_line(riverside, riverside_all, riverside_demo):
    """`dg launch` for one night, and the web interface for the next."""
    environment = os.environ | {
        "LIANGCANG_BANK": riverside.bank,
        "LIANGCANG_WAREHOUSE": str(riverside.warehouse),
        "LIANGCANG_LANDING": str(riverside.landing),
        "LIANGCANG_KEY_FILE": str(riverside.key),
        "DAGSTER_HOME": str(riverside.warehouse / "_dagster"),
    }
    first, second = (day.isoformat() for day in riverside_demo.nights[1:])
    subprocess.run(
        [Path(sys.executable).with_name("dg"), "launch", "--job", "nightly", "--partition", first],
        env=environment,
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    assert riverside_demo.nights[1] in riverside.open.current.nights
    with Interface(riverside, environment) as interface:
        assert interface.night(second) == "SUCCESS"
    assert riverside.bytes_of() == riverside_all.bytes_of()
