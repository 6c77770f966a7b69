"""Customer tags as an asset: the catalogue of this folder over the features of the date."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from assets import catalogue
from assets.features.party import feature_tables
from assets.features.sources import unfed
from assets.features.tables import stale
from assets.inputs import Inputs, Wanted
from assets.night import Outcome, WarehouseResource, daily, outcome
from assets.projection import tags_select
from data_contracts.bank import Bank

HERE = Path(__file__).parent


@cache
def tag_catalogue() -> catalogue.Catalogue:
    """The tags, checked against the columns of `features.party`."""
    return catalogue.load(HERE, columns=feature_tables()[1].columns)


def overrides(entries: catalogue.Catalogue, bank: Bank) -> Mapping[str, Any]:
    """The bank's parameters for entries of this catalogue."""
    given = bank.parameters.get("entries", {})
    return {entry.id: given[entry.id] for entry in entries.entries if entry.id in given}


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """One asset; fails when an entry, its fixtures' columns or the product's contract do not fit."""
    tags = tag_catalogue()
    table = catalogue.tables(tags)["products.customer_tags"]
    features = feature_tables()[1]
    given, missing = overrides(tags, bank), unfed(bank.unfed)
    version = catalogue.digest(tags, given)

    @dg.asset(
        **daily(
            bank,
            table,
            group="tags",
            deps=[features.name],
            description="One row a party and date: its tags, null where what they need is not known.",
            metadata={"tags": len(tags.tags), "config_version": version},
        )
    )
    def customer_tags(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            view = step.view()
            inputs = Inputs(step.engine, view, [Wanted(table=features, columns=tags.reads)], step.days)
            for day in step.days:
                used, old = inputs.at(day), stale(bank, view, day)
                sql = tags_select(tags, given, unfed=missing, stale=old, business_date=day, config_version=version)
                entry = step.write(table, day, sql, inputs=used, repeated=True)
                step.say(day, f"{entry.rows:,} parties")
            yield from outcome(step)

    return [customer_tags]
