"""What a night and its bank say to the features: freshness, the beginning of history, and thresholds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Self

from assets.features.spec import party_spec
from data_contracts.finding import did_you_mean
from liangcang.errors import ContractError

Unfed = frozenset[tuple[str, str]]
"""Entity and column, for the columns of the conformed model that a bank cannot feed."""

LOOKBACK = 400
"""Days of history that features read: a window of 365 days, or twelve complete months before any date."""


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The parameters of one night.

    `silent_after_days`: an account of which nothing was heard for longer has left its feed (None: never).
    `history_from`: the first date with data (None: no value lacks history). `…_fresh`: whether the feed behind is there
    on the date. `unfed`: entity to the columns that the bank cannot feed. `features`: thresholds of `party.yaml` that
    the bank overrides. `config_version` goes into every row.
    """

    silent_after_days: int | None = None
    history_from: dt.date | None = None
    flows_fresh: bool = True
    balances_fresh: bool = True
    loans_fresh: bool = True
    cards_fresh: bool = True
    accounts_fresh: bool = True
    contracts_fresh: bool = True
    schedules_fresh: bool = True
    repayments_fresh: bool = True
    customers_fresh: bool = True
    config_version: str = ""
    unfed: Mapping[str, Collection[str]] = field(default_factory=dict)
    features: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.silent_after_days is not None and not 0 < self.silent_after_days < LOOKBACK:
            raise ContractError(
                "silent_after_days lies outside what features look back",
                field="parameters.silent_after_days",
                expected=f"1 to {LOOKBACK - 1}, or null",
                found=self.silent_after_days,
            )
        known = party_spec().parameters
        for name, value in self.features.items():
            if name not in known:
                raise ContractError(
                    f"there is no feature parameter {name!r}{did_you_mean(name, known)}",
                    field=f"parameters.features.{name}",
                )
            if isinstance(value, str) != isinstance(known[name], str) or isinstance(value, bool):
                raise ContractError("a feature parameter of another type", field=f"parameters.features.{name}")

    @classmethod
    def of(cls, values: Self | Mapping[str, Any]) -> Self:
        """Parameters from plain values; names that features do not know (`entries`) are left out."""
        if isinstance(values, cls):
            return values
        mine = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in dict(values).items() if name in mine})  # type: ignore[arg-type]

    @property
    def lacking(self) -> Unfed:
        """What the bank cannot feed."""
        return unfed_columns(self.unfed)

    def values(self, as_of: dt.date) -> dict[str, object]:
        """A value for each `$name` of the SQL."""
        numbers = {
            name: Decimal(str(value)) if isinstance(value, float) else value for name, value in self.features.items()
        }
        return {
            **party_spec().parameters,
            **numbers,
            "as_of": as_of,
            "silent_after_days": self.silent_after_days,
            "history_from": self.history_from or dt.date.min,
            "flows_fresh": self.flows_fresh,
            "balances_fresh": self.balances_fresh,
            "loans_fresh": self.loans_fresh,
            "cards_fresh": self.cards_fresh,
            "accounts_fresh": self.accounts_fresh,
            "contracts_fresh": self.contracts_fresh,
            "schedules_fresh": self.schedules_fresh,
            "repayments_fresh": self.repayments_fresh,
            "customers_fresh": self.customers_fresh,
            "config_version": self.config_version,
        }


def unfed_columns(unfed: Mapping[str, Collection[str]]) -> Unfed:
    """Plain pairs of what a bank says it cannot feed, by entity (`transaction`) or table (`conformed.transaction`)."""
    return frozenset((entity_of(table), column) for table, columns in unfed.items() for column in columns)


def entity_of(table: str) -> str:
    """`transaction` of `conformed.transaction_history`, `conformed.transaction` or `transaction`."""
    return table.rpartition(".")[2].removesuffix("_history")
