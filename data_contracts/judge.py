"""Holds a delivery to its contract: which rows are good, which are not and why, and whether it can be taken at all.

What came in, and where it goes:

| row                                                   | ends as                                                |
|-------------------------------------------------------|--------------------------------------------------------|
| breaks no rule, or only warnings                      | good                                                   |
| breaks a rule of severity quarantine or error         | quarantined, with the ids of those rules               |
| byte for byte the same as an earlier row              | exact duplicate: the lowest row number stays           |
| another row with the key of a different row           | both quarantined: nobody can say which of them is right |
| could not be split into columns                       | rejected (by the reader, before this module)           |

A feed without a key has no duplicates: two equal rows are two things that happened.

The delivery as a whole is refused when a rule of severity error is broken (by more than its `max_rate`, if it has
one), when too large a share is rejected or quarantined, when it is too small, or when a column's rule fails for most
rows: then the columns have shifted, and quarantine would be the wrong place for everything.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb

from data_contracts.bench import Bench
from data_contracts.contract import WATCHED, Contract, Rule
from data_contracts.implied import all_rules
from data_contracts.judgement import Judgement, RuleResult, of_rule, refusal, results_frame
from data_contracts.scan_sql import compile_scan

__all__ = ["Judgement", "RuleResult", "judge", "results_frame"]


def judge(
    con: duckdb.DuckDBPyConnection,
    contract: Contract,
    *,
    raw: str = "raw",
    rejected: str = "rejected",
    references: Mapping[str, str] | None = None,
    late: Mapping[str, Sequence[str]] | None = None,
    business_date: dt.date | None = None,
    faults: Path | None = None,
) -> Judgement:
    """Judge the delivery in the relation `raw` (`_row_no`, `_line`, the contract's columns as text; null only where
    the file's layout has a null of its own).

    `rejected` holds the lines that could not be split. `references` maps the tables that rules refer to (`staged.x`)
    to relations of this connection; a rule whose table is absent is reported as not judged. `late` maps them to relations
    of later dates, in which a row's reference may be found too, when a delivery is taken again. Rules may name
    `$business_date`, which is None for a history delivery: a history of states holds a key once a state date. The rows
    stay in the connection, in the relations that the Judgement names. Rules that hold a delivery beside the clock or the
    nights before it (`contract.WATCHED`) are not judged here, and have no result.

    Raises ContractError or SqlError for a contract that cannot be run, EngineError when the engine fails over the
    data or the counts do not add up; the engine's own words go to a 0600 file below `faults`.
    """
    references = references or {}
    parameters = {"business_date": business_date}
    states = business_date is None and contract.state_date is not None
    scan = compile_scan(contract, references=references, parameters=parameters, states=states, late=late)
    bench = Bench(con, scan, raw=raw, faults=faults)
    bench.mark()
    bench.drop_exact_duplicates()
    bench.mark_repeated_keys()
    quarantined = bench.split()
    rows, unread, judged, good = bench.counts(raw, rejected, bench.typed, bench.good)
    delivered = rows + unread
    found = {result.rule_id: result for result in bench.row_results(judged)}
    rules = {rule.id: rule for rule in all_rules(contract)}
    for rule in rules.values():
        if rule.kind == "dataset":
            found[rule.id] = bench.dataset_result(rule, references, parameters, checked=judged)
        elif rule.kind == "volume":
            found[rule.id] = _volume_result(rule, delivered)
    results = tuple(found[name] for name, rule in rules.items() if rule.kind not in WATCHED)
    refused = refusal(contract, rules, results, delivered=delivered, rejected=unread, quarantined=quarantined)
    taken_by = [
        one.rule_id for one in results if one.failed and one.severity != "warning" and one.rule_id not in refused
    ]
    return Judgement(
        delivered=delivered,
        good=good,
        quarantined=quarantined,
        rejected=unread,
        exact_duplicates=bench.dropped,
        results=results,
        observations=tuple(bench.null_tokens(judged)),
        refused="; ".join(refused.values()) or None,
        refused_by=(*refused, *(taken_by if "quarantined" in refused else ())),
        good_rows=bench.good,
        typed_rows=bench.typed,
        bad_rows=bench.bad,
        duplicate_rows=bench.duplicates,
        judged_text=bench.text,
        violations=bench.violations,
    )


def _volume_result(rule: Rule, delivered: int) -> RuleResult:
    low, high = (None if bound is None else Decimal(bound) for bound in (rule.minimum, rule.maximum))
    said = []
    if low is not None and delivered < low:
        said.append(f"{delivered:,} rows, the contract says at least {low:,}")
    if high is not None and delivered > high:
        said.append(f"{delivered:,} rows, the contract says at most {high:,}")
    return of_rule(rule, checked=delivered, failed=len(said), observation="; ".join(said) or None)
