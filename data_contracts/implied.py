"""The rules that a delivery is held to: those that its contract writes, and those that follow without being written."""

from __future__ import annotations

from data_contracts.cell import is_text
from data_contracts.contract import Contract, Rule
from liangcang.errors import ContractError


def all_rules(contract: Contract) -> tuple[Rule, ...]:
    """The contract's rules and those that follow from its columns, key and volume without being written."""
    written = {(rule.kind, rule.columns) for rule in contract.rules}
    implied = [
        Rule(
            id=f"{p.name}.parse",
            kind="parse",
            severity="quarantine",
            dimension="conformity",
            columns=(p.name,),
            owner=contract.owner,
        )
        for p in contract.properties
        if not is_text(p) and ("parse", (p.name,)) not in written
    ]
    if contract.key and not any(
        rule.kind == "key" and set(rule.columns) == set(contract.key) for rule in contract.rules
    ):
        implied.append(
            Rule(
                id="key",
                kind="key",
                severity="quarantine",
                dimension="accuracy",
                columns=contract.key,
                owner=contract.owner,
            )
        )
    implied.append(
        Rule(
            id="volume.min_rows",
            kind="volume",
            severity="error",
            dimension="completeness",
            minimum=str(contract.volume.min_rows),
            owner=contract.owner,
        )
    )
    rules = (*implied, *contract.rules)
    if len({rule.id for rule in rules}) < len(rules):
        twice = next(rule for n, rule in enumerate(rules) if rule.id in {other.id for other in rules[:n]})
        raise ContractError(f"two rules are called {twice.id}", file=contract.path, line=twice.line, field=twice.id)
    return rules
