"""Great Expectations as the second judge: the same batch, on the same sealed connection, counted by another engine.

What both can express (a value is there, in a list, of a shape, of a length, in a range) Great Expectations counts
itself, over the text or the typed rows. For what it has no expectation for (parsing, keys, references, conditions
across columns) it counts the rows of `violations`, and `Confirmation` says so: one expectation for each such rule that
was broken, and one for all that were kept. Where a count differs from the scan's, one of the two is wrong and
nobody knows which: that is an EngineError, never bad data. So is an error inside Great Expectations, which reports it
as a failed expectation.

Results keep counts and no values: `partial_unexpected_count` is 0, and violations hold rule ids and row numbers only.

Importing it costs seconds and 260 MB: that happens in the first call, and nowhere else.
"""

from __future__ import annotations

import datetime as dt
import html
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb

from data_contracts.cell import INTEGERS, is_text
from data_contracts.contract import WATCHED, Contract, Rule
from data_contracts.gx_sealed import great_expectations
from data_contracts.implied import all_rules
from data_contracts.judgement import Judgement, RuleResult
from liangcang.engine import quoted
from liangcang.errors import EngineError
from liangcang.faults import keep

SEVERITIES = {"error": "critical", "quarantine": "warning", "warning": "info"}
EXACT_DIGITS = 15
"""Decimal digits that a DOUBLE keeps: bounds are compared as such, and beyond it two decimals could look equal."""


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """What Great Expectations found, rule by rule; it agrees with the scan, or there is no Confirmation.

    `native` rules it evaluated itself, `counted` ones it counted in the table of violations. `results` are its own
    validation results, one a batch (`text`, `typed`, `violations`), as plain JSON values without a value of a row.
    """

    native: tuple[str, ...]
    counted: tuple[str, ...]
    results: Mapping[str, Any]


def confirm(
    con: duckdb.DuckDBPyConnection, contract: Contract, judgement: Judgement, *, faults: Path | None = None
) -> Confirmation:
    """Judge the batch of `judgement` again. Raises EngineError when Great Expectations fails or counts differently.

    Its own words on an error may hold values: they go to a 0600 file below `faults`.
    """
    rules = [(rule, judgement.result(rule.id)) for rule in rules_of_rows(contract)]
    judged = [(rule, found) for rule, found in rules if found.passed is not None]
    fault: EngineError | None
    with _quiet():
        gx = great_expectations()
        suites, counted = _suites(gx, contract, judged)
        queries = {
            "text": f"select * from {quoted(judgement.judged_text)}",
            "typed": f"select * from {quoted(judgement.typed_rows)}",
            "violations": f"select rule_id, _row_no from {quoted(judgement.violations)}",
        }
        try:
            results = {name: gx.validate(con, name, queries[name], suite) for name, suite in suites.items() if suite}
        except Exception as error:  # noqa: BLE001  (whatever it raises is its failure, not the data's)
            results, fault = {}, _failed(contract, type(error).__name__, str(error), faults)
        else:
            fault = _disagreement(contract, judgement, results, faults)
    if fault:
        raise fault
    return Confirmation(
        native=tuple(e.meta["rule_id"] for name in ("text", "typed") for e in suites[name]),
        counted=counted,
        results=results,
    )


def _suites(
    gx: SimpleNamespace, contract: Contract, rules: Sequence[tuple[Rule, RuleResult]]
) -> tuple[dict[str, list[Any]], tuple[str, ...]]:
    """The expectations by batch, and the rules that are counted in the table of violations."""
    suites: dict[str, list[Any]] = {"text": [], "typed": [], "violations": []}
    counted: list[RuleResult] = []
    for rule, found in rules:
        batch = batch_of(contract, rule)
        if batch == "violations":
            counted.append(found)
        if batch != "violations" or found.failed:
            suites[batch].append(expectation(gx, contract, rule, checked=found.checked))
    if kept := [found.rule_id for found in counted if not found.failed]:
        not_there = gx.expectations.ExpectColumnValuesToNotBeInSet(
            column="rule_id", value_set=kept, meta={"kept": kept}
        )
        suites["violations"].append(not_there)
    return suites, tuple(found.rule_id for found in counted)


def rules_of_rows(contract: Contract) -> tuple[Rule, ...]:
    """The rules that Great Expectations judges: those that a row breaks, and not a delivery as a whole."""
    return tuple(rule for rule in all_rules(contract) if rule.kind not in ("dataset", "volume", *WATCHED))


def batch_of(contract: Contract, rule: Rule) -> str:
    """Over which batch a rule is judged: `text` and `typed` by Great Expectations itself, `violations` by counting."""
    return _expectation(contract, rule)[0]


def expectation(
    gx: SimpleNamespace, contract: Contract, rule: Rule, *, checked: int, description: str | None = None
) -> Any:
    """The expectation that says what a rule says.

    `description`: mark-up for its pages, which show it as it is; without one they have what the contract says, escaped.
    """
    _, name, kwargs = _expectation(contract, rule)
    return getattr(gx.expectations, name)(
        **kwargs,
        severity=SEVERITIES[rule.severity],
        description=description or html.escape(rule.description) or None,
        meta={"rule_id": rule.id, "dimension": rule.dimension, "owner": rule.owner, "checked": checked},
    )


def _expectation(contract: Contract, rule: Rule) -> tuple[str, str, dict[str, Any]]:
    """The batch, the expectation and its arguments that say what the rule says."""
    column = {"column": rule.columns[0]} if rule.columns else {}
    if rule.kind == "required":
        return "text", "ExpectColumnValuesToNotBeNull", column
    if rule.kind == "enum":
        return "text", "ExpectColumnValuesToBeInSet", {**column, "value_set": list(rule.values)}
    if rule.kind == "pattern":
        return "text", "ExpectColumnValuesToMatchRegex", {**column, "regex": rule.pattern}
    if rule.kind == "length":
        lengths = {"min_value": rule.min_length, "max_value": rule.max_length}
        return "text", "ExpectColumnValueLengthsToBeBetween", {**column, **lengths}
    if rule.kind == "range" and (bounds := _bounds(contract, rule)):
        return "typed", "ExpectColumnValuesToBeBetween", {**column, **bounds}
    return "violations", "ExpectColumnValuesToNotBeInSet", {"column": "rule_id", "value_set": [rule.id]}


def _bounds(contract: Contract, rule: Rule) -> dict[str, Any] | None:
    """A range's bounds as Great Expectations compares them exactly; None when it cannot."""
    prop = contract.property(rule.columns[0])
    given = {"min_value": rule.minimum, "max_value": rule.maximum}
    bounds: dict[str, Any] = {}
    for name, bound in given.items():
        if bound is None:
            continue
        kind = prop.type.upper()
        if is_text(prop) or kind == "TIME":
            return None
        if kind in ("DATE", "TIMESTAMP"):
            bounds[name] = (dt.date if kind == "DATE" else dt.datetime).fromisoformat(bound)
            continue
        number = Decimal(bound)
        scale = int(kind.rstrip(")").partition(",")[2]) if kind.startswith("DECIMAL") else 0
        whole = number == number.to_integral_value()
        if (kind in INTEGERS and not whole) or abs(number).scaleb(scale) >= 10**EXACT_DIGITS:
            return None
        bounds[name] = int(number) if whole else float(number)
    return bounds


def _disagreement(
    contract: Contract, judgement: Judgement, results: Mapping[str, Any], faults: Path | None
) -> EngineError | None:
    """The error for the first rule that was not judged, or was counted differently."""
    for name, batch in results.items():
        for result in batch["results"]:
            about = result["expectation_config"]["meta"]
            rules = [judgement.result(rule_id) for rule_id in about.get("kept") or [about["rule_id"]]]
            rule_id = rules[0].rule_id if len(rules) == 1 else f"one of {', '.join(rule.rule_id for rule in rules)}"
            if _raised(result.get("exception_info") or {}):
                return _failed(contract, rule_id, str(result["exception_info"]), faults)
            found = result["result"]
            counted = found["unexpected_count"] or 0  # None: the sum over no row
            failed, checked = sum(rule.failed for rule in rules), max(rule.checked for rule in rules)
            rows = checked if name == "violations" else found["element_count"]
            if counted != failed or rows != checked:
                return EngineError(
                    f"two engines count differently for rule {rule_id} of {contract.table}",
                    file=contract.path,
                    field=rule_id,
                    expected=f"{failed:,} of {checked:,} rows, as the scan says",
                    found=f"{counted:,} of {rows:,} rows, says Great Expectations",
                    kept="nothing of the delivery was staged",
                    next="this is our fault, not the delivery's: keep the file and report it",
                )
    return None


def _raised(info: Mapping[str, Any]) -> bool:
    """Whether an expectation failed by an error of its own; the report is flat, or one entry a metric."""
    return bool(info.get("raised_exception")) or any(isinstance(v, Mapping) and _raised(v) for v in info.values())


def _failed(contract: Contract, what: str, text: str, faults: Path | None) -> EngineError:
    return EngineError(
        f"Great Expectations failed over {contract.table}",
        file=keep(f"{contract.table}: {what}\n\n{text}\n", faults),
        field=what,
        kept="nothing of the delivery was staged",
        next="this is an error of the engine, not of the data: the file holds its own words and may hold values",
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep its log lines and warnings out of the night's, while it works."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
