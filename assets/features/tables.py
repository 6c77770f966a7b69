"""Feature tables as assets: what a party was as of a date, from what was known by then."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import dagster as dg

from assets.features.parameters import Parameters, entity_of
from assets.features.party import feature_tables, party_month_select, party_select
from assets.features.sources import INPUTS, check_views
from assets.features.spec import party_spec
from assets.freshness import stale_feed
from assets.inputs import Inputs, Wanted
from assets.night import Outcome, Step, WarehouseResource, daily, outcome
from data_contracts import tables
from data_contracts.bank import Bank, conformed_contracts
from liangcang.store import View
from liangcang.table import Table

HERE = Path(__file__).parent
FRESH = {
    "flows_fresh": "transaction",
    "balances_fresh": "balance",
    "loans_fresh": "loan_receipt",
    "cards_fresh": "card",
    "accounts_fresh": "account",
    "contracts_fresh": "loan_contract",
    "schedules_fresh": "schedule",
    "repayments_fresh": "repayment",
    "customers_fresh": "party",
}
LASTING = "party"
"""What is said of a customer stands until it is taken back; only `party.party_id` asks for the customers of the date."""


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """Two assets. Fails when a feature names a column that the bank knows without a date."""
    month, party = feature_tables()
    check_views(visible(bank), at(bank, None, bank.start_date))
    sources = sorted({_stored(name) for name in INPUTS if entity_of(name) in bank.conform})
    return [
        _asset(
            bank, month, sources, party_month_select, "One row a party and each of its last twelve complete months."
        ),
        _asset(
            bank, party, [*sources, month.name], party_select, "One row a party that owns an account, as of the date."
        ),
    ]


def _asset(
    bank: Bank, table: Table, deps: Sequence[str], select: Callable[[dt.date, Parameters], str], description: str
) -> dg.AssetsDefinition:
    wanted = wanted_by_features(bank)
    if feature_tables()[0].name in deps:
        wanted = [*wanted, Wanted(table=feature_tables()[0])]

    @dg.asset(**daily(bank, table, group="features", deps=deps, description=description))
    def features(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            make(step, table, wanted, select)
            yield from outcome(step)

    return features


def make(step: Step, table: Table, wanted: Sequence[Wanted], select: Callable[[dt.date, Parameters], str]) -> None:
    """Write the table's entry of each date of the run."""
    view = step.view()
    inputs = Inputs(step.engine, view, wanted, step.days)
    for day in step.days:
        used = inputs.at(day)
        entry = step.write(table, day, select(day, at(step.bank, view, day)), inputs=used, repeated=True)
        step.say(day, f"{entry.rows:,} rows")


def at(bank: Bank, view: View | None, day: dt.date) -> Parameters:
    """The features' parameters on a date: thresholds of the bank, and which feeds are there."""
    fresh = {
        name: view is None or (entity in bank.conform and stale_feed(view, bank, f"conformed.{entity}", day) is None)
        for name, entity in FRESH.items()
    }
    return Parameters(
        silent_after_days=bank.parameters.get("silent_after_days"),
        history_from=history_from(bank, view),
        unfed=bank.unfed,
        features=bank.parameters.get("features", {}),
        config_version=version(bank),
        **fresh,
    )


def history_from(bank: Bank, view: View | None) -> dt.date:
    """The first date of which flows and balances are known: the bank's first, or that of its history where it is later."""
    made = [view.entries(f"conformed.{entity}") for entity in ("transaction", "balance")] if view else []
    return max([bank.start_date, *(min(entries) for entries in made if entries)])


def stale(bank: Bank, view: View, day: dt.date) -> dict[str, str]:
    """Feature to feed, for the features that are not known on a date because their feed is not there."""
    feeds = {
        entity: feed
        for entity in FRESH.values()
        if entity in bank.conform and (feed := stale_feed(view, bank, f"conformed.{entity}", day))
    }
    return {
        feature.name: feeds[first]
        for feature in party_spec().features()
        if (first := next((entity for entity in map(_aging, feature.needs) if entity in feeds), None))
    }


def _aging(need: str) -> str:
    """The entity that a need is known of only while its feed comes."""
    entity = need.partition(".")[0]
    return "" if entity == LASTING and need != "party.party_id" else entity


def version(bank: Bank) -> str:
    """Twelve hex digits over what the features depend on: their specification and the bank's parameters."""
    parts = [path.read_bytes() for path in sorted([*HERE.glob("*.yaml"), *HERE.glob("*.sql"), *HERE.glob("*.py")])]
    own = {name: bank.parameters.get(name) for name in ("silent_after_days", "features")}
    return hashlib.sha256(b"\0".join([*parts, repr(sorted(own.items())).encode()])).hexdigest()[:12]


def visible(bank: Bank) -> dict[str, list[str]]:
    """The point-in-time views of a bank and their columns: those it fills, without those it cannot date."""
    shown: dict[str, list[str]] = {}
    for name in INPUTS:
        entity = entity_of(name)
        hidden = bank.undated.get(entity, ())
        shown[name] = [
            column for column in tables.conformed(conformed_contracts()[entity]).columns if column not in hidden
        ]
    return shown


def wanted_by_features(bank: Bank) -> list[Wanted]:
    """The inputs of every feature table, as of a date and with nothing known later."""
    return [
        Wanted(
            table=tables.conformed(conformed_contracts()[entity_of(name)]),
            form="night" if lookback is None else "history",
            lookback=lookback,
            point_in_time=True,
            hidden=frozenset(bank.undated.get(entity_of(name), ())),
        )
        for name, lookback in INPUTS.items()
    ]


def _stored(name: str) -> str:
    return name.removesuffix("_history")
