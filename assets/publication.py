"""The last asset of a night: what the run staged becomes visible, all of it or nothing."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence

import dagster as dg

from assets.freshness import freshness
from assets.night import PUBLICATION, WarehouseResource, partitions
from data_contracts.bank import Bank
from liangcang.store import View


def night_record(view: View, bank: Bank, day: dt.date) -> dict[str, object]:
    """What stood behind a night: the delivery of each feed, and which feeds were held or missing."""
    deliveries: dict[str, str] = {}
    held: dict[str, str] = {}
    for feed, contract in sorted(bank.feeds.items()):
        entry = view.entries(contract.table).get(day)
        if entry is not None and "delivery" in entry.note:
            deliveries[feed] = str(entry.note["delivery"])
        state = freshness(view, contract, day)
        if not state.fresh:
            held[feed] = "never came" if state.to is None else f"as of {state.to}, {state.days} days old"
    digest = hashlib.sha256(repr(sorted(deliveries.items())).encode()).hexdigest()[:12]
    return {"deliveries": deliveries, "held": held, "digest": digest, "bank": bank.digest[:12]}


def build(bank: Bank, leaves: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that depends on every table of the night."""

    @dg.asset(
        key=PUBLICATION,
        deps=list(leaves),
        group_name="publication",
        partitions_def=partitions(bank),
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"manifest"},
    )
    def publication(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        """One manifest for all tables of the night: readers see the whole night, or yesterday."""
        with warehouse.step(context) as step:
            view = step.view()
            published = step.transaction.commit(nights={day: night_record(view, bank, day) for day in step.days})
            text = f"published as {published.manifest}" if published.changed else "nothing to publish: already so"
            step.say(step.days[-1], text)
            yield dg.MaterializeResult(
                metadata={
                    "manifest": published.manifest,
                    "changed": published.changed,
                    "tables": len(published.tables),
                    "entries": published.entries,
                }
            )

    return publication
