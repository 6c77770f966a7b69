"""features.party and features.party_month: one SELECT each for a date, over point-in-time views.

The same code makes the features of tonight and of every past date, so that training and scoring cannot differ.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlglot import exp

from assets.features import bands
from assets.features.months import month_draft, month_values
from assets.features.parameters import Parameters, Unfed
from assets.features.sources import reasons, whole_unfed
from assets.features.spec import Feature, Spec, party_spec
from assets.features.tree import Draft, parsed, step
from liangcang.sql import DIALECT
from liangcang.table import Table

KEYS = {"party_id": "VARCHAR", "business_date": "DATE", "config_version": "VARCHAR"}


@cache
def month_columns() -> dict[str, tuple[str, str]]:
    """The columns of `features.party_month`: type and meaning."""
    return {
        "party_id": ("VARCHAR", "Party"),
        "month": ("DATE", "First day of the month"),
        "months_ago": ("INTEGER", "1 is the last complete month"),
        "days": ("INTEGER", "Days of the month from the first account opening on; 0 before it"),
        "business_date": ("DATE", "Date as of which this was known"),
        "config_version": ("VARCHAR", "Configuration behind it"),
        **{made.name: ("DECIMAL(18,2)", made.meaning) for made in party_spec().month_sums},
        "txn_cnt": ("BIGINT", "Transactions of the month, reversed ones left out"),
        "dep_m": ("DOUBLE", "Mean of the end-of-day deposits over the days of the month"),
        "aum_m": ("DOUBLE", "Mean of the end-of-day financial assets over the days of the month"),
    }


def feature_tables() -> tuple[Table, Table]:
    """The tables `features.party_month` and `features.party`, with the same columns for every bank."""
    features = party_spec().features()
    month = Table(
        name="features.party_month",
        columns={name: kind for name, (kind, _) in month_columns().items()},
        key=("party_id", "month"),
        kind="snapshot",
        title="What flowed and what was held in each of the last twelve complete months",
        comments={name: comment for name, (_, comment) in month_columns().items()},
    )
    party = Table(
        name="features.party",
        columns=KEYS | {feature.name: feature.type for feature in features},
        key=("party_id",),
        kind="snapshot",
        title="One row a party that owns an account: what is known of it as of the date",
        comments={feature.name: comment(feature) for feature in features},
    )
    return month, party


def comment(feature: Feature) -> str:
    """A feature's names, unit and meaning in one line."""
    name = f"{feature.en} ({feature.zh})" + (f", {feature.unit}" if feature.unit else "")
    return f"{name}. {feature.meaning}" if feature.meaning else name


def party_month_select(as_of: dt.date, parameters: Parameters | Mapping[str, Any]) -> str:
    """The SELECT of `features.party_month` as of a date, over the views of `INPUTS`."""
    given = Parameters.of(parameters)
    return month_draft(given.lacking).sql(values_of(as_of, given) | month_values(as_of))


def party_select(as_of: dt.date, parameters: Parameters | Mapping[str, Any]) -> str:
    """The SELECT of `features.party` as of a date, over the views of `INPUTS` and `features.party_month` of that date.

    A feature that the bank cannot feed is a typed null.
    """
    given = Parameters.of(parameters)
    return _party_draft(given.lacking).sql(values_of(as_of, given))


def values_of(as_of: dt.date, given: Parameters) -> dict[str, object]:
    """A value for each `$name`. Of a table that a bank does not have, nothing is known, and no term of it is missed."""
    values = given.values(as_of)
    flows = whole_unfed("conformed.transaction_history", given.lacking)
    balances = whole_unfed("conformed.balance_history", given.lacking)
    return values | {
        "flows_fresh": given.flows_fresh and not flows,
        "balances_fresh": given.balances_fresh and not balances,
        "cards_fresh": given.cards_fresh or whole_unfed("conformed.card", given.lacking),
    }


@cache
def _party_draft(missing: Unfed) -> Draft:
    return party_draft(party_spec(), missing)


def party_draft(spec: Spec, missing: Unfed) -> Draft:
    """The SELECT of a specification's features, for a bank that cannot feed what is `missing`."""
    null = reasons(missing)
    formulas = {f.name: exp.null() if f.name in null else _made(f) for f in spec.features()}
    columns = {
        "party_id": exp.column("party_id", "owner"),
        "business_date": exp.column("as_of", "night"),
        "config_version": exp.column("config_version", "night"),
        **{f.name: exp.cast(formulas[f.name], f.type, dialect=DIALECT) for f in spec.features()},
    }
    select = exp.select(*(exp.alias_(made, name) for name, made in columns.items())).from_("owner")
    select.join("night", join_type="cross", copy=False)
    parts = ["band", "months", "people", "receipt", "plastic", "big_outflow"]
    for part, table in {"person": "conformed.party", **{part: part for part in parts}}.items():
        on = f"{part}.party_id = owner.party_id"
        select.join(f"{table} as {part}", on=on, join_type="left", dialect=DIALECT, copy=False)
    steps = {
        "night": _night(formulas.values()),
        **{name: step(name) for name in ("owned", "heard", "newest", "owner", "months")},
        **bands.steps(spec, spec.dimensions),
        **_people(spec),
        **{name: step(name) for name in ("receipt", "plastic", "big_outflow")},
    }
    return Draft(steps, select, unfed=missing)


def _night(formulas: Iterable[exp.Expression]) -> exp.Select:
    """The step `night`: one row with the values of the night that features name, so that their own text is always the same."""
    names = {"as_of", "config_version"}
    for formula in formulas:
        names |= {column.name for column in formula.find_all(exp.Column) if column.table == "night"}
    return exp.select(*(exp.alias_(exp.Placeholder(this=name), name) for name in sorted(names)))


def _made(feature: Feature) -> exp.Expression:
    """A feature's formula under the condition that it is known."""
    formula = parsed(feature.sql)
    made = exp.case().when(parsed(feature.when), formula) if feature.when else formula
    return made.transform(
        lambda node: exp.column(node.name, "night") if isinstance(node, exp.Placeholder) else node, copy=False
    )


def _people(spec: Spec) -> dict[str, exp.Query]:
    """Distinct counterparties from the day on which each was last seen: one pass for all windows."""
    seen = exp.select("party_id", "counterparty")
    for counted in spec.distinct:
        day = exp.case().when(parsed(counted.where), exp.column("event_date"))
        seen = seen.select(exp.alias_(exp.func("max", day), f"{counted.name}_day"))
    seen = (
        seen.from_(exp.to_table(bands.TABLE))
        .where(
            "event_date <= $as_of",
            f"event_date > $as_of - {max(spec.distinct_windows)}",
            "not reversal",
            "counterparty is not null",
            dialect=DIALECT,
        )
        .group_by("party_id", "counterparty")
    )
    counts = exp.select("party_id")
    for counted in spec.distinct:
        counts = counts.select(
            *(
                f"count(case when {counted.name}_day > $as_of - {w} then 1 end) as {counted.name}_{w}"
                for w in spec.distinct_windows
            ),
            dialect=DIALECT,
        )
    return {"last_seen": seen, "people": counts.from_("last_seen").group_by("party_id")}
