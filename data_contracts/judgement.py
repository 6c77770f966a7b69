"""What was found when a delivery was held to its contract, and what follows for the delivery as a whole.

Nothing here holds a value of a delivered row: counts, rule ids and row numbers only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from data_contracts.contract import BESIDE, Contract, Dimension, Rule, Severity
from liangcang.errors import EngineError

SHIFT = 0.5
"""The share of rows from which on a broken column rule means that the columns have moved, not that the rows are bad."""

_CELL_KINDS = frozenset({"parse", "required", "enum", "pattern", "range", "length"})

QUALITY_COLUMNS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "business_date": pl.Date,
    "_delivery": pl.String,
    "rule_id": pl.String,
    "kind": pl.String,
    "dimension": pl.String,
    "severity": pl.String,
    "owner": pl.String,
    "column_name": pl.String,
    "checked": pl.Int64,
    "failed": pl.Int64,
    "passed": pl.Boolean,
    "observation": pl.String,
    "breach_keys": pl.List(pl.String),
    "breach_rows": pl.List(pl.Int64),
    "breach_lines": pl.List(pl.Int64),
}

Breaches = Sequence[tuple[str, int, int]]
"""Where the rows stand that break one rule: the name of the row's key, `_row_no`, `_line`."""


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """What one rule found: of `checked` rows, `failed` break it. `passed` is None when it could not be judged."""

    rule_id: str
    kind: str
    dimension: Dimension | None
    severity: Severity | None
    owner: str
    column: str | None
    checked: int
    failed: int
    passed: bool | None
    observation: str | None = None

    @property
    def rate(self) -> float:
        return self.failed / self.checked if self.checked else 0.0


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A delivery held to its contract: counts, one result a rule, and the relations that hold the rows.

    The relations live in the connection that judged, as long as its delivery (`raw`) does:

    good_rows       _row_no and the contract's columns, typed; a view over the text, so keep what is read many times
    typed_rows      the same of good and quarantined rows together: what reconciliations are computed over
    bad_rows        _row_no, _line, _rules (VARCHAR[], what took the row out) and the text as delivered
    duplicate_rows  _row_no of the exact duplicates that were dropped
    judged_text     _row_no and the columns as text, null tokens as NULL: the rows that the rules saw
    violations      rule_id, _row_no: every breach of a rule by a row, warnings too
    """

    delivered: int
    good: int
    quarantined: int
    rejected: int
    exact_duplicates: int
    results: tuple[RuleResult, ...]
    observations: tuple[RuleResult, ...]
    """Null tokens met, a row a column and token: no breaches, so `severity` is None and `passed` True."""
    refused: str | None
    good_rows: str
    typed_rows: str
    bad_rows: str
    duplicate_rows: str
    judged_text: str
    violations: str
    refused_by: tuple[str, ...] = ()
    """The rules by which it is refused; `rejected` and `quarantined` where too many rows are, and the rules that took them."""

    def __post_init__(self) -> None:
        kept = self.good + self.quarantined + self.rejected + self.exact_duplicates
        if self.delivered != kept or min(self.good, self.quarantined, self.rejected, self.exact_duplicates) < 0:
            raise EngineError(
                "rows were lost or doubled while a delivery was judged",
                expected=f"{self.delivered:,} delivered rows, each in one place",
                found=f"{self.good:,} good, {self.quarantined:,} quarantined, {self.rejected:,} rejected, "
                f"{self.exact_duplicates:,} exact duplicates",
                kept="nothing of it was staged",
            )

    def result(self, rule_id: str) -> RuleResult:
        return next(result for result in self.results if result.rule_id == rule_id)

    @property
    def conservation(self) -> tuple[tuple[str, int], ...]:
        """Where the delivered rows ended; the last four add up to the first."""
        return (
            ("delivered", self.delivered),
            ("staged", self.good),
            ("quarantined", self.quarantined),
            ("rejected", self.rejected),
            ("exact_duplicate", self.exact_duplicates),
        )


def of_rule(rule: Rule, *, checked: int, failed: int, observation: str | None = None) -> RuleResult:
    """The result of a rule that was judged."""
    return RuleResult(
        rule_id=rule.id,
        kind=rule.kind,
        dimension=rule.dimension,
        severity=rule.severity,
        owner=rule.owner,
        column=", ".join(rule.columns) or None,
        checked=checked,
        failed=failed,
        passed=not failed,
        observation=observation,
    )


def unjudged(rule: Rule, why: str) -> RuleResult:
    """The result of a rule that could not be judged: neither passed nor failed."""
    return replace(of_rule(rule, checked=0, failed=0, observation=f"not judged: {why}"), passed=None)


def results_frame(
    judgement: Judgement,
    contract: Contract,
    business_date: dt.date,
    delivery: str,
    breaches: Mapping[str, Breaches] | None = None,
) -> pl.DataFrame:
    """The rows of `quality.<feed>` for one delivery: each rule, each null token, and where the rows went.

    `breaches`: rule to the rows that break it, where they are few enough to be told. Columns as in `QUALITY_COLUMNS`; (`_delivery`, `rule_id`) is unique. Conservation counts stand in `checked`.
    """
    kept = (
        RuleResult(
            rule_id=name,
            kind="conservation",
            dimension=None,
            severity=None,
            owner=contract.owner,
            column=None,
            checked=count,
            failed=0,
            passed=True,
        )
        for name, count in judgement.conservation
    )
    rows = [
        {
            "business_date": business_date,
            "_delivery": delivery,
            "rule_id": found.rule_id,
            "kind": found.kind,
            "dimension": found.dimension,
            "severity": found.severity,
            "owner": found.owner,
            "column_name": found.column,
            "checked": found.checked,
            "failed": found.failed,
            "passed": found.passed,
            "observation": found.observation,
            **_told((breaches or {}).get(found.rule_id)),
        }
        for found in (*judgement.results, *judgement.observations, *kept)
    ]
    return pl.DataFrame(rows, schema=QUALITY_COLUMNS)


def _told(breaches: Breaches | None) -> dict[str, list[str] | list[int] | None]:
    if breaches is None:
        return {"breach_keys": None, "breach_rows": None, "breach_lines": None}
    return {
        "breach_keys": [key for key, _, _ in breaches],
        "breach_rows": [row for _, row, _ in breaches],
        "breach_lines": [line for _, _, line in breaches],
    }


def refusal(
    contract: Contract,
    rules: Mapping[str, Rule],
    results: tuple[RuleResult, ...],
    *,
    delivered: int,
    rejected: int,
    quarantined: int,
) -> dict[str, str]:
    """Why the delivery cannot be taken, by rule; nothing when it can."""
    needed = {contract.authorisation.rule} if contract.authorisation else set()
    needed |= {rule.id for rule in rules.values() if rule.severity == "error" and not _looks_beside(rule)}
    reasons = {
        result.rule_id: f"{result.rule_id} could not be judged ({result.observation})"
        for result in results
        if result.passed is None and result.rule_id in needed
    }
    for result in results:
        if reason := _rule_reason(rules[result.rule_id], result):
            reasons[result.rule_id] = reason
    for name, count, limit, what in (
        ("rejected", rejected, contract.max_rejected, "could not be read"),
        ("quarantined", quarantined, contract.max_quarantined, "are quarantined"),
    ):
        if count and count / delivered > limit:
            reasons[name] = f"{_share(count, delivered)} {what}, the contract allows {limit:.4%}"
    return reasons


def _looks_beside(rule: Rule) -> bool:
    """Whether it compares with the day before or with another feed's bad rows, which a first delivery cannot have."""
    return any(name.partition(".")[0] in BESIDE for name in rule.inputs)


def _rule_reason(rule: Rule, result: RuleResult) -> str | None:
    if rule.severity == "warning" or not result.failed:
        return None
    if rule.kind in _CELL_KINDS and result.rate > SHIFT:
        return f"{rule.id}: fails for {_share(result.failed, result.checked)}: the columns seem to be shifted"
    if rule.kind in ("dataset", "volume"):
        return f"{rule.id}: {result.observation or f'{result.failed:,} breaches'}"
    if rule.max_rate is not None and result.rate > rule.max_rate:
        return f"{rule.id}: fails for {_share(result.failed, result.checked)}, the contract allows {rule.max_rate:.4%}"
    if rule.max_rate is None and rule.severity == "error":
        return f"{rule.id}: fails for {_share(result.failed, result.checked)}, the contract allows none"
    return None


def _share(count: int, of: int) -> str:
    return f"{count:,} of {of:,} rows ({count / of:.2%})"
