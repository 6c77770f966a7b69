"""Which party a customer number is: `parties.party_map`, made from the bank's `conform/party_map.sql`."""

from collections.abc import Iterator, Sequence

import dagster as dg
import polars as pl

from assets.conformed.conforming import conform
from assets.night import Outcome, Step, WarehouseResource, daily, outcome
from assets.parties.identity import key_path, read_key
from data_contracts import tables
from data_contracts.bank import Bank
from data_contracts.conform import PARTY_MAP


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """The one asset, if the bank has a SELECT for it."""
    if PARTY_MAP not in bank.conform:
        return []
    select, table = bank.conform[PARTY_MAP], tables.party_map()

    @dg.asset(
        **daily(
            bank,
            table,
            group="parties",
            deps=select.inputs,
            description="One row a source system and customer number: the pseudonymous party it belongs to.",
        )
    )
    def party_map(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            conform(step, select, table, finish=with_party_ids)
            yield from outcome(step)

    return [party_map]


def with_party_ids(step: Step, relation: str) -> str:
    """The rows of `relation` with the party of each customer number: the one it has, or a new pseudonym."""
    key = read_key(key_path(step.bank.code))
    numbers = step.engine.rows(f"select distinct source_system, cust_no from {relation} order by all")
    frame = pl.DataFrame(
        [(system, number, key.party_id(system, number), key.id) for system, number in numbers],
        schema=["source_system", "cust_no", "party_id", "key_id"],
        orient="row",
        schema_overrides=dict.fromkeys(["source_system", "cust_no", "party_id", "key_id"], pl.String),
    )
    step.engine.register("parties.drawn", frame)
    return (
        f"select rows.*, drawn.party_id, drawn.key_id from {relation} as rows "
        "inner join parties.drawn as drawn using (source_system, cust_no)"
    )
