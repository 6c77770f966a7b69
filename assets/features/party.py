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
from assets.features.months import NOBODY_HEARD, month_draft, month_values, months_behind, values_behind
from assets.features.parameters import LOOKBACK, Parameters, Unfed
from assets.features.sources import INPUTS, reasons, whole_unfed
from assets.features.spec import Feature, Spec, party_spec
from assets.features.tree import Draft, parsed, reached, step
from liangcang.sql import DIALECT
from liangcang.table import Table

SHARED = ("person", "recent", "agreement", "loan", "plan", "loan_state")
"""Steps that several others read."""
PARTS = ("receipt", "plastic", "big_outflow", "idle", "certificate", "contract", "family", "instalment", "due_soon",
         "loan_year", "usage", "habit", "fast_through", "backflow", "diverted", "split", "third_party", "income", "holding")  # fmt: skip
"""Steps of their own that features speak of, one row a party each."""
OF_ITS_OWN = frozenset(
    {"night", "owner", "person", "months", "band", "people", "receipt", "plastic", "holding", "idle", "income"}
)
"""Parts made of nothing but a party's own rows: they are the same where no other party's rows are looked at."""
WITHOUT_DAYS = frozenset({"night", "owner", "person", "months"})
"""Parts that look at no day before the date but those of the months that are asked for."""
MOST_DAYS_OF_A_MONTH = 31
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


def party_month_select(
    as_of: dt.date, parameters: Parameters | Mapping[str, Any], *, only: frozenset[str] | None = None
) -> str:
    """The SELECT of `features.party_month` as of a date, over the views of `INPUTS`.

    `only` names the features of a party that are asked for: values of a month that none of them reads are null.
    """
    return _month_draft(Parameters.of(parameters), only).sql(
        values_of(as_of, Parameters.of(parameters)) | month_values(as_of)
    )


def party_select(
    as_of: dt.date, parameters: Parameters | Mapping[str, Any], *, only: frozenset[str] | None = None
) -> str:
    """The SELECT of `features.party` as of a date, over the views of `INPUTS` and `features.party_month` of that date.

    A feature that the bank cannot feed is a typed null. `only` names the features that are asked for: the others are
    left out, and so is what is done for them alone.
    """
    given = Parameters.of(parameters)
    return _party_draft(given.lacking, only).sql(values_of(as_of, given))


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


def read_by(parameters: Parameters, only: frozenset[str]) -> frozenset[str]:
    """The views of `INPUTS` that both SELECTs read for these features."""
    drafts = (_month_draft(parameters, only), _party_draft(parameters.lacking, only))
    return frozenset(name for draft in drafts for name in draft.reads if name in INPUTS)


def days_behind(only: frozenset[str]) -> int:
    """How many days before a date these features look at, at most."""
    read = _read_for(only)
    if not read.keys() <= WITHOUT_DAYS:
        return LOOKBACK
    return min(LOOKBACK, MOST_DAYS_OF_A_MONTH * (months_behind(frozenset(read.get("months", ()))) + 1))


def of_their_own(only: frozenset[str]) -> bool:
    """Whether these features are made of nothing but the rows of each party and of its accounts."""
    return _read_for(only).keys() <= OF_ITS_OWN


def _month_draft(given: Parameters, only: frozenset[str] | None) -> Draft:
    if only is None:
        return month_draft(given.lacking)
    asked = frozenset(_read_for(only).get("months", ()))
    return month_draft(given.lacking, only=values_behind(asked), newest=months_behind(asked))


@cache
def _party_draft(missing: Unfed, only: frozenset[str] | None) -> Draft:
    return party_draft(party_spec(), missing, only=only)


def party_draft(spec: Spec, missing: Unfed, *, only: frozenset[str] | None = None) -> Draft:
    """The SELECT of a specification's features, or of `only` some, for a bank that cannot feed what is `missing`."""
    null = reasons(missing)
    features = [feature for feature in spec.features() if only is None or feature.name in only]
    formulas = {f.name: exp.null() if f.name in null else _made(f) for f in features}
    read = _columns_by_part(formulas.values())
    columns = {
        "party_id": exp.column("party_id", "owner"),
        "business_date": exp.column("as_of", "night"),
        "config_version": exp.column("config_version", "night"),
        **{f.name: exp.cast(formulas[f.name], f.type, dialect=DIALECT) for f in features},
    }
    select = exp.select(*(exp.alias_(made, name) for name, made in columns.items())).from_("owner")
    select.join("night", join_type="cross", copy=False)
    for part, table in {
        "person": "conformed.party",
        **{part: part for part in ("months", "people", *PARTS, "band")},
    }.items():
        if only is not None and part not in read:
            continue
        on = f"{part}.party_id = owner.party_id"
        select.join(f"{table} as {part}", on=on, join_type="left", dialect=DIALECT, copy=False)
    dimensions = spec.dimensions if only is None else bands.asked(spec.dimensions, read.get("band", ()))
    steps = {
        "night": _night(formulas.values()),
        **{name: step(name) for name in ("owned", "heard", "newest", "owner", "months")},
        **bands.steps(spec, dimensions),
        **_people(spec),
        **{name: step(name) for name in (*SHARED, *PARTS)},
    }
    if only is not None:
        steps = reached(steps, select)
        if "reach" not in steps and "flows_known" not in read.get("owner", ()):
            steps["heard"] = NOBODY_HEARD
    return Draft(steps, select, unfed=missing)


def _read_for(only: frozenset[str]) -> dict[str, set[str]]:
    """What these features read of each part, and of the months also what the parts read of them."""
    read = _columns_by_part(_made(feature) for feature in party_spec().features() if feature.name in only)
    if behind := _months_behind(frozenset(read)):
        read.setdefault("months", set()).update(behind)
    return read


@cache
def _months_behind(parts: frozenset[str]) -> frozenset[str]:
    """The columns of the step `months` that these parts read, or steps before them."""
    found, seen, asked = set[str](), set[str](), [*parts]
    while asked:
        name = asked.pop()
        if name in seen or name not in (*SHARED, *PARTS):
            continue
        seen.add(name)
        tables = {table.name for table in step(name).find_all(exp.Table) if not table.db}
        asked += tables
        if "months" in tables:
            found |= {column.name for column in step(name).find_all(exp.Column) if column.table == "months"}
    return frozenset(found)


def _columns_by_part(formulas: Iterable[exp.Expression]) -> dict[str, set[str]]:
    """What the formulas read of each part."""
    read: dict[str, set[str]] = {}
    for formula in formulas:
        for column in formula.find_all(exp.Column):
            read.setdefault(column.table, set()).add(column.name)
    return read


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
