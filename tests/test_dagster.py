"""Dagster as we use it: the graph, and what we rely on that it does not document."""

from __future__ import annotations

import dagster as dg
import pytest
from banks_at_work import Hands

from pipelines import settings
from pipelines.definitions import build


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
    order = ["staged", "quality", "parties", "conformed", "features", "products", "publication"]
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
    first, then = {"sources", "quality", "parties", "conformed", "features"}, {"churn", "tags", "risk_warning"}
    assert groups == {*first, *then, "publication"}


def test_a_sensor_or_a_schedule_asks_for_nights_where_somebody_switches_it_on(definitions):
    repository = definitions.get_repository_def()
    (schedule,), (sensor,) = repository.schedule_defs, repository.sensor_defs
    assert (schedule.name, schedule.default_status) == ("nightly_0230", dg.DefaultScheduleStatus.STOPPED)
    assert (sensor.name, sensor.default_status) == ("arrivals", dg.DefaultSensorStatus.STOPPED)
