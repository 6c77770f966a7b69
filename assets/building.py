"""All assets of one bank, in the order in which data flows."""

import warnings
from collections.abc import Mapping

import dagster as dg

from assets import catalogue, publication
from assets.churn import churn_score
from assets.conformed import tables as conformed
from assets.features import tables as features
from assets.features.sources import unfed
from assets.night import PUBLICATION
from assets.parties import party_map
from assets.projection import lacking
from assets.quality import issues
from assets.risk_warning import signals
from assets.sources import feeds
from assets.tags import customer_tags
from data_contracts.bank import Bank


def assets(bank: Bank) -> list[dg.AssetsDefinition]:
    """Every asset of the bank; fails when a contract, a catalogue entry or a SELECT does not fit the others."""
    catalogue.check_overrides(
        [customer_tags.tag_catalogue(), signals.indicator_catalogue()], bank.parameters.get("entries", {})
    )
    with warnings.catch_warnings():
        # Dagster calls backfill_policy beta, once an asset; it is the documented way, and an upgrade is tested.
        warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)
        made: list[dg.AssetsDefinition] = [
            *feeds.build(bank),
            *issues.build(bank),
            *party_map.build(bank),
            *conformed.build(bank),
            *features.build(bank),
            *customer_tags.build(bank),
            *signals.build(bank),
            *churn_score.build(bank),
        ]
        return [*made, publication.build(bank, [key for asset in made for key in asset.keys if key != PUBLICATION])]


def not_fed(bank: Bank) -> Mapping[str, str]:
    """Tags and indicators that are unknown for every party, because the bank cannot feed what they need: id to reason."""
    missing = unfed(bank.unfed)
    return {
        entry.id: "; ".join(sorted(reasons))
        for entries in (customer_tags.tag_catalogue(), signals.indicator_catalogue())
        for entry in entries.entries
        if (reasons := lacking(entry, entries, missing))
    }
