"""The conformed tables of a bank as assets: one for each SELECT in its `conform/` folder."""

from collections.abc import Iterator, Sequence

import dagster as dg

from assets.conformed.conforming import conform
from assets.night import Outcome, WarehouseResource, daily, outcome
from data_contracts import tables
from data_contracts.bank import Bank, conformed_contracts
from data_contracts.conform import PARTY_MAP, ConformSelect


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """One asset a conformed table, after the staged feeds and conformed tables that its SELECT names."""
    return [_table(bank, select) for name, select in bank.conform.items() if name != PARTY_MAP]


def _table(bank: Bank, select: ConformSelect) -> dg.AssetsDefinition:
    contract = conformed_contracts()[select.table.partition(".")[2]]
    table = tables.conformed(contract)

    @dg.asset(
        **daily(
            bank,
            table,
            group="conformed",
            deps=select.inputs,
            owner=contract.owner,
            description=f"{contract.title}. {contract.description}",
            metadata={"not fed by this bank": ", ".join(select.unfed) or "nothing"},
        )
    )
    def conformed(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            conform(step, select, table)
            yield from outcome(step)

    return conformed
