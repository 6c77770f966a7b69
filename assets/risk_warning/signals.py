"""Risk signals as assets: the indicators of this folder over the features of the date, and the level of each party."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import dagster as dg

from assets import catalogue
from assets.features.party import feature_tables
from assets.features.sources import unfed
from assets.features.tables import stale
from assets.inputs import Inputs, Wanted
from assets.night import Outcome, WarehouseResource, daily, outcome
from assets.projection import risk_party_select, signals_select
from assets.tags.customer_tags import overrides
from data_contracts.bank import Bank

HERE = Path(__file__).parent


@cache
def indicator_catalogue() -> catalogue.Catalogue:
    """The indicators, checked against the columns of `features.party`."""
    return catalogue.load(HERE, columns=feature_tables()[1].columns)


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """Two assets; fails when an entry or a product's contract does not fit."""
    indicators = indicator_catalogue()
    made = catalogue.tables(indicators)
    signal, party = made["products.risk_signal"], made["products.risk_party"]
    features = feature_tables()[1]
    given, missing = overrides(indicators, bank), unfed(bank.unfed)
    version = catalogue.digest(indicators, given)

    @dg.asset(
        **daily(
            bank,
            signal,
            group="risk_warning",
            deps=[features.name],
            description="One row a party, indicator and date: HIT, MISS or UNKNOWN with its reason.",
            metadata={"indicators": len(indicators.indicators), "config_version": version},
        )
    )
    def risk_signal(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            view = step.view()
            inputs = Inputs(step.engine, view, [Wanted(table=features, columns=indicators.reads)], step.days)
            for day in step.days:
                used, old = inputs.at(day), stale(bank, view, day)
                sql = signals_select(
                    indicators, given, unfed=missing, stale=old, business_date=day, config_version=version
                )
                entry = step.write(signal, day, sql, inputs=used, repeated=True)
                step.say(day, f"{entry.rows:,} signals")
            yield from outcome(step)

    @dg.asset(
        **daily(
            bank,
            party,
            group="risk_warning",
            deps=[signal.name],
            description="One row a party and date: its strictest level, and how much of it could be judged.",
        )
    )
    def risk_party(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            inputs = Inputs(step.engine, step.view(), [Wanted(table=signal)], step.days)
            for day in step.days:
                used = inputs.at(day)
                step.write(party, day, risk_party_select(business_date=day, config_version=version), inputs=used)
            yield from outcome(step)

    return [risk_signal, risk_party]
