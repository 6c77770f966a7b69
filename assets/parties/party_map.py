"""Which party a customer number is: `parties.party_map`, made from the bank's `conform/party_map.sql`."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial

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
            conform(step, select, table, finish=partial(with_party_ids, columns=select.columns))
            yield from outcome(step)

    return [party_map]


def with_party_ids(step: Step, relation: str, columns: Collection[str]) -> str:
    """The rows of `relation` with the party of each number: that of the member it names, else a pseudonym of its own."""
    key = read_key(key_path(step.bank.code))
    member = tables.PARTY_MAP_MEMBER if tables.PARTY_MAP_MEMBER[0] in columns else tables.PARTY_MAP_KEY
    system, number = (f"coalesce(rows.{of}, rows.{own})" for of, own in zip(member, tables.PARTY_MAP_KEY, strict=True))
    members = step.engine.rows(f"select distinct {system}, {number} from {relation} as rows order by all")
    frame = pl.DataFrame(
        [(*of, key.party_id(*of), key.id) for of in members],
        schema=dict.fromkeys([*tables.PARTY_MAP_MEMBER, "party_id", "key_id"], pl.String),
        orient="row",
    )
    step.engine.register("parties.drawn", frame)
    own = ", ".join(f"rows.{name}" for name in columns if name not in tables.PARTY_MAP_MEMBER)
    return (
        f"select {own}, drawn.party_id, drawn.key_id from {relation} as rows inner join parties.drawn as drawn "
        f"on drawn.member_system = {system} and drawn.member_no = {number}"
    )
