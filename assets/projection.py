"""Compiles a catalogue to one SELECT over `features.party`, held to the subset that Spark runs too.

Three values are kept apart by construction. An entry's result for a party is decided in this order:

1. a column of `value` or `unknown_when` is null, a `known` column is not true, or `unknown_when` is not false:
   UNKNOWN, with the first such reason (a tag: null); or, where `miss_when` is true, MISS;
2. a level is satisfied: HIT, with the strictest satisfied level;
3. a column that only a level reads is null: UNKNOWN, unless `miss_when` is true;
4. otherwise MISS.

Reasons: `source missing: <conformed column>`, `stale: <feed>`, `not known: <column>`, `no history: <column>`,
`below floor`. A party whose type is not known gets every indicator: it is UNKNOWN there, not passed over.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlglot import exp

from assets.catalogue import Catalogue, Overrides, parameters_of
from assets.entry import Entry, Fixture, Indicator, Tag, Value
from assets.expressions import (
    Expression,
    among,
    any_of,
    column,
    first,
    is_known,
    is_null,
    is_true,
    json_constant,
    json_object,
    json_value,
    named,
    text,
    typed,
)
from assets.formula import Bound
from liangcang.sql import DIALECT, check_select, literal

NONE: Mapping[str, str] = {}
FIXTURE_DATE = dt.date(2000, 1, 1)


def tags_select(
    catalogue: Catalogue,
    overrides: Overrides,
    *,
    unfed: Mapping[str, str],
    stale: Mapping[str, str] = NONE,
    business_date: dt.date,
    config_version: str,
) -> str:
    """The SELECT that makes `products.customer_tags` of `features.party`.

    `unfed` names feature columns that this bank cannot feed, with the conformed column that is missing; `stale` those
    whose feed is too old, with the feed. Tags that need them are null.
    """
    made = _tags(catalogue, overrides, missing(unfed, stale), _features(), _stamp(business_date, config_version))
    return _sql(made)


def signals_select(
    catalogue: Catalogue,
    overrides: Overrides,
    *,
    unfed: Mapping[str, str],
    stale: Mapping[str, str] = NONE,
    business_date: dt.date,
    config_version: str,
) -> str:
    """The SELECT that makes `products.risk_signal` of `features.party`: one row a party and applicable indicator.

    `unfed` and `stale` as in `tags_select`: indicators that need them are UNKNOWN, never MISS.
    """
    made = _signals(catalogue, overrides, missing(unfed, stale), _features(), _stamp(business_date, config_version))
    return _sql(made)


def risk_party_select(*, business_date: dt.date, config_version: str) -> str:
    """The SELECT that makes `products.risk_party` of the `products.risk_signal` of one date.

    `level` is the strictest severity among the party's hits, null without a hit; `coverage` is the share of its
    applicable indicators that could be judged, and belongs beside every level.
    """
    checked = check_select(RISK_PARTY, tables=["products.risk_signal"], where="products.risk_party")
    return checked.sql({"business_date": business_date, "config_version": config_version})


RISK_PARTY = """
with counted as (
    select
        party_id,
        min(case severity when 'red' then 1 when 'orange' then 2 when 'yellow' then 3 when 'blue' then 4 end) as strictest,
        cast(sum(case when result = 'HIT' then 1 else 0 end) as integer) as hits,
        cast(sum(case when result = 'MISS' then 1 else 0 end) as integer) as misses,
        cast(sum(case when result = 'UNKNOWN' then 1 else 0 end) as integer) as unknowns
    from products.risk_signal
    group by party_id
)
select
    party_id,
    $business_date as business_date,
    $config_version as config_version,
    case strictest when 1 then 'red' when 2 then 'orange' when 3 then 'yellow' when 4 then 'blue' end as level,
    hits,
    misses,
    unknowns,
    cast(hits + misses as double) / nullif(cast(hits + misses + unknowns as double), 0) as coverage
from counted
"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a fixture: a tag's value, or an indicator's result with severity, reason and evidence."""

    value: Value
    result: str | None = None
    severity: str | None = None
    reason: str | None = None
    evidence: str | None = None

    @property
    def shown(self) -> Value:
        """As a fixture expects it: the tag's value, or the severity, `miss` or `unknown`."""
        return self.value if self.result is None else self.severity or self.result.lower()


def fixture_select(catalogue: Catalogue, entry: Entry, fixture: Fixture) -> str:
    """The compiled projection of one entry, with its default parameters, over the one row of a fixture."""
    given = {**dict.fromkeys(entry.known, True), "party_type": entry.applies[0], **fixture.given}
    row = exp.select(named(text("a party"), "party_id"), copy=False)
    for name in dict.fromkeys(["party_type", *entry.columns]):
        row = row.select(named(typed(literal(given.get(name)), catalogue.columns[name]), name), copy=False)
    alone = Catalogue(entries=(entry,), columns=catalogue.columns)
    compiled = _tags if isinstance(entry, Tag) else _signals
    return _sql(compiled(alone, {}, {}, row.subquery("party"), _stamp(FIXTURE_DATE, "fixture")))


def evaluate_fixture(
    catalogue: Catalogue, entry: Entry, fixture: Fixture, *, run: Callable[[str], Sequence[tuple[Value, ...]]]
) -> Outcome | None:
    """Run a fixture through the compiled projection. `run` executes SQL and fetches all rows, as `Engine.rows` does.

    None when the indicator does not apply to the fixture's party.
    """
    rows = run(fixture_select(catalogue, entry, fixture))
    if not rows:
        return None
    if isinstance(entry, Tag):
        return Outcome(value=rows[0][3])
    *_, result, severity, reason, value, evidence = rows[0]
    said = [None if told is None else str(told) for told in (result, severity, reason, evidence)]
    return Outcome(value=value, result=said[0], severity=said[1], reason=said[2], evidence=said[3])


def missing(unfed: Mapping[str, str], stale: Mapping[str, str]) -> dict[str, str]:
    """The columns that count as null, each with the reason that is told."""
    old = {column: f"stale: {what}" for column, what in stale.items()}
    return {**old, **{column: f"source missing: {what}" for column, what in unfed.items()}}


def lacking(entry: Entry, catalogue: Catalogue, unfed: Mapping[str, str]) -> set[str]:
    """What an entry cannot do without and its bank does not feed; a `coalesce` does without all but one of its columns."""
    bound = Bound(entry=entry, columns=catalogue.columns, params=entry.params, missing=unfed)
    levels = entry.levels.values() if isinstance(entry, Indicator) else ()
    tests = [*bound.unknown(), *bound.needs(levels).values()]
    return {reason for _, reason in tests if reason in unfed.values()}


def _sql(tree: Expression) -> str:
    return str(tree.sql(dialect=DIALECT, pretty=True))


def _features() -> exp.Table:
    return exp.to_table("features.party", dialect=DIALECT)


def _stamp(business_date: dt.date, config_version: str) -> list[Expression]:
    return [named(literal(business_date), "business_date"), named(text(config_version), "config_version")]


def _tags(
    catalogue: Catalogue, overrides: Overrides, lacking: Mapping[str, str], source: Expression, stamp: list[Expression]
) -> exp.Select:
    """One row a party, one column a tag, in one projection. Nothing is cast: the engine refuses what would be cut."""
    made: list[Expression] = [column("party_id"), *stamp]
    for tag in catalogue.tags:
        bound = Bound(entry=tag, columns=catalogue.columns, params=parameters_of(tag, overrides), missing=lacking)
        tests = [test for test, _ in bound.unknown()]
        cases = [(any_of(*tests), exp.Null())] if tests else []
        if not tag.for_all:
            cases.append((exp.Not(this=among(bound.column("party_type"), tag.applies)), exp.Null()))
        made.append(named(first(cases, bound.expression(tag.value)), tag.column))
    return exp.select(*made, copy=False).from_(source, copy=False)


def _signals(
    catalogue: Catalogue, overrides: Overrides, lacking: Mapping[str, str], source: Expression, stamp: list[Expression]
) -> exp.Query:
    """One row a party and indicator: a SELECT an indicator, put together.

    Each reads its own few columns and streams. One wide projection that is turned into rows afterwards has to be kept
    whole: 112 indicators of 200,000 parties did not fit into 2 GB.
    """
    rows: list[exp.Query] = []
    for indicator in catalogue.indicators:
        params = parameters_of(indicator, overrides)
        bound = Bound(entry=indicator, columns=catalogue.columns, params=params, missing=lacking)
        rows.append(_rows(bound, source.copy(), [part.copy() for part in stamp]))
    return rows[0] if len(rows) == 1 else exp.union(*rows, distinct=False, copy=False)


def _rows(bound: Bound, source: Expression, stamp: list[Expression]) -> exp.Select:
    """Three steps: the value and whether it can be judged, then its levels, then the row of `products.risk_signal`."""
    read = dict.fromkeys(["party_id", "party_type", *bound.entry.columns])
    measured = exp.select(*map(column, read), *_measured(bound), copy=False).from_(source, copy=False)
    judged = exp.select(*map(column, [*read, bound.step("value")]), *_judged(bound), copy=False)
    judged = judged.from_(measured.subquery("measured", copy=False), copy=False)
    row = exp.select(*_row(bound, stamp), copy=False).from_(judged.subquery("judged", copy=False), copy=False)
    if bound.entry.for_all:
        return row
    applies = any_of(among(column("party_type"), bound.entry.applies), is_null(column("party_type")))
    return row.where(applies, copy=False)


def _measured(bound: Bound) -> list[Expression]:
    """The value; why nothing can be said of it (null when something can); whether `miss_when` settles the matter."""
    indicator = cast(Indicator, bound.entry)
    settled = is_true(bound.expression(indicator.miss_when)) if indicator.miss_when else exp.Boolean(this=False)
    return [
        named(typed(bound.expression(indicator.value), "DOUBLE"), bound.step("value")),
        named(first((test, text(why)) for test, why in bound.unknown()), bound.step("unknown")),
        named(settled, bound.step("settled")),
    ]


def _judged(bound: Bound) -> list[Expression]:
    """The strictest satisfied level, and why a party without one is no MISS (null when it is)."""
    indicator = cast(Indicator, bound.entry)
    nothing = typed(exp.Null(), "VARCHAR")
    levels = {severity: bound.expression(formula) for severity, formula in indicator.levels.items()}
    measured = bound.needs([indicator.value])
    lacks = [test for key, test in bound.needs(indicator.levels.values()).items() if key not in measured]
    lacks += [(is_null(condition.copy()), "not known: value") for condition in levels.values()]
    severity = first(
        [
            (is_known(column(bound.step("unknown"))), nothing),
            *((condition, text(level)) for level, condition in levels.items()),
        ]
    )
    why = first(
        [
            (column(bound.step("settled")), nothing.copy()),
            (is_known(column(bound.step("unknown"))), column(bound.step("unknown"))),
            *((test, text(reason)) for test, reason in lacks),
        ]
    )
    return [named(severity, bound.step("severity")), named(why, bound.step("why"))]


def _row(bound: Bound, stamp: list[Expression]) -> list[Expression]:
    """The columns of `products.risk_signal`."""
    value, severity, why = (bound.step(part) for part in ("value", "severity", "why"))
    judged = any_of(is_known(column(severity)), is_null(column(why)))
    result = [(is_known(column(severity)), text("HIT")), (is_known(column(why)), text("UNKNOWN"))]
    return [
        column("party_id"),
        named(text(bound.entry.id), "indicator_id"),
        *stamp,
        named(first(result, text("MISS")), "result"),
        named(column(severity), "severity"),
        named(first([(is_null(column(severity)), column(why))]), "reason"),
        named(first([(judged, column(value))]), "value"),
        named(first([(is_known(column(severity)), _evidence(bound))]), "evidence"),
    ]


def _evidence(bound: Bound) -> Expression:
    """JSON of the value, its inputs and the thresholds: numbers, dates and truth values of the formula, no text."""
    told = [name for name in bound.entry.columns if name not in bound.entry.known]
    inputs = [name for name in told if not bound.columns[name].startswith("VARCHAR")]
    return json_object(
        {
            "value": json_value(column(bound.step("value")), "DOUBLE"),
            "inputs": json_object({name: json_value(bound.column(name), bound.columns[name]) for name in inputs}),
            "thresholds": json_constant(bound.params),
        }
    )
