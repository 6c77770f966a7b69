"""features.party_month: what flowed and what was held in each of the last twelve complete months."""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import cast

from sqlglot import exp

from assets.features.bands import LARGEST, TABLE
from assets.features.parameters import Unfed
from assets.features.spec import party_spec
from assets.features.tree import Draft, parsed, reached, step
from liangcang.sql import DIALECT

MONTHS = 12
NOBODY_HEARD = cast(exp.Query, parsed("select cast(null as varchar) as account_id where false"))
"""The step `heard` where nothing rests on flows: no transaction is read for what nobody asks."""


def last_months(as_of: dt.date) -> list[tuple[dt.date, dt.date]]:
    """First and last day of the last twelve complete months, the newest first. A month's last day completes it."""
    after = (as_of + dt.timedelta(days=1)).replace(day=1)
    months = []
    for _ in range(MONTHS):
        last = after - dt.timedelta(days=1)
        after = last.replace(day=1)
        months.append((after, last))
    return months


def month_values(as_of: dt.date) -> dict[str, object]:
    """A value for each `$name` of `month.sql` and of the flow: the days that bound the months."""
    months = last_months(as_of)
    bounds = {f"first_{ago}": first for ago, (first, _) in enumerate(months, start=1)}
    bounds |= {f"last_{ago}": last for ago, (_, last) in enumerate(months, start=1)}
    return {**bounds, "first_day": months[-1][0], "last_day": months[0][1]}


@cache
def _flow() -> exp.Select:
    """The step `flow`: the month sums, one row a party and month. Reversed rows count nowhere."""
    spec = party_spec()
    known = f"amount between -{LARGEST} and {LARGEST}"
    number = "year(event_date) * 12 + month(event_date)"
    select = exp.select("party_id", f"{number} as month_number", "count(*) as rows_of_month", dialect=DIALECT).select(
        f"count(case when {known} then null else 1 end) as unknowns", dialect=DIALECT
    )
    for made in spec.month_sums:
        where = exp.and_(parsed(spec.dimension(made.dimension).where), parsed(known))
        amount = exp.case().when(where, exp.column("amount"))
        select = select.select(exp.alias_(exp.func("sum", amount), made.name))
    return (
        select.from_(exp.to_table(TABLE))
        .where("event_date <= $last_day", "event_date >= $first_day", "not reversal", dialect=DIALECT)
        .group_by("party_id", number, dialect=DIALECT)
    )


@cache
def month_draft(missing: Unfed, *, only: frozenset[str] | None = None, newest: int = MONTHS) -> Draft:
    """The SELECT of `features.party_month`, for a bank that cannot feed what is `missing`.

    Besides the parameters it takes the values of `month_values`. `only` names the values that are asked for; the others
    are null. `newest` is how many of the months there are rows of.
    """
    spec = party_spec()
    flows = "days > 0 and flows_known and reaches_back"
    columns = [
        "owner_month.party_id",
        "first_day as month",
        "cast(owner_month.months_ago as integer) as months_ago",
        "cast(days as integer) as days",
        "$as_of as business_date",
        "$config_version as config_version",
    ]
    for made in spec.month_sums:
        needs = (*spec.flows, *spec.dimension(made.dimension).needs, "transaction.amount")
        value = f"case when {flows} and coalesce(flow.unknowns, 0) = 0 then coalesce({made.name}, 0) end"
        left_out = only is not None and made.name not in only
        columns.append(_column(made.name, "decimal(18, 2)", value, unfed=left_out or _lacks(missing, *needs)))
    rows = f"case when {flows} then coalesce(rows_of_month, 0) end"
    uncounted = only is not None and "txn_cnt" not in only
    columns.append(_column("txn_cnt", "bigint", rows, unfed=uncounted or _lacks(missing, *spec.flows)))
    flowing = only is None or not only.isdisjoint({"txn_cnt", *(made.name for made in spec.month_sums)})
    mean = (
        "case when days > 0 and balance_known and reaches_back and coalesce(balance_days.unknowns, 0) = 0 "
        "then cast(coalesce(balance_days, 0) as double) / cast(nullif(days, 0) as double) end"
    )
    balances = _lacks(missing, "balance.balance")  # the model has no other assets than deposits
    columns += [_column(name, "double", mean, unfed=balances) for name in ("dep_m", "aum_m")]
    select = exp.select(*columns, dialect=DIALECT).from_("owner_month", copy=False)
    number = "year(owner_month.first_day) * 12 + month(owner_month.first_day)"
    for part, on in {
        "flow": f"flow.month_number = {number}",
        "balance_days": "balance_days.months_ago = owner_month.months_ago",
    }.items():
        if part == "flow" and not flowing:
            continue
        on = f"{part}.party_id = owner_month.party_id and {on}"
        select.join(part, on=on, join_type="left", dialect=DIALECT, copy=False)
    steps = {
        **{name: step(name) for name in ("owned", "heard", "newest", "owner", "month", "owner_month", "span")},
        "flow": _flow(),
        "balance_days": step("balance_days"),
    }
    if newest < MONTHS:
        steps["month"] = step("month").copy().where(f"months_ago <= {newest}", dialect=DIALECT)
    if not flowing:
        steps = reached(steps, select) | {"heard": NOBODY_HEARD}
    return Draft(steps, select, unfed=missing)


@cache
def values_behind(columns: frozenset[str]) -> frozenset[str]:
    """The values of a month behind columns of the step `months`."""
    made = {one.alias_or_name: one for select in step("months").find_all(exp.Select) for one in select.expressions}
    found, asked = set[str](), list(columns)
    while asked:
        name = asked.pop()
        if name not in found:
            found.add(name)
            asked += [column.name for column in made[name].find_all(exp.Column)] if name in made else []
    return frozenset(found)


@cache
def months_behind(columns: frozenset[str]) -> int:
    """How many of the newest months columns of the step `months` look at: all of them where a column does not say."""
    made = {one.alias_or_name: one for one in step("months").selects}
    return max((_furthest(made[name]) for name in columns), default=1)


def _furthest(column: exp.Expression) -> int:
    named = [one for one in column.find_all(exp.Column) if one.name == "months_ago"]
    bounds = []
    for one in named:
        match one.parent:
            case exp.EQ() | exp.LTE() if one.parent.this is one:
                bounds.append(int(one.parent.expression.name))
            case exp.Between():
                bounds.append(int(one.parent.args["high"].name))
    return max(bounds) if bounds and len(bounds) == len(named) else MONTHS


def _column(name: str, kind: str, value: str, *, unfed: bool) -> str:
    return f"cast({'null' if unfed else value} as {kind}) as {name}"


def _lacks(missing: Unfed, *needs: str) -> bool:
    return any(tuple(need.split(".")) in missing for need in needs)
