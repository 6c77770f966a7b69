"""features.party_month: what flowed and what was held in each of the last twelve complete months."""

from __future__ import annotations

import datetime as dt
from functools import cache

from sqlglot import exp

from assets.features.bands import LARGEST, TABLE
from assets.features.parameters import Unfed
from assets.features.spec import party_spec
from assets.features.tree import Draft, parsed, step
from liangcang.sql import DIALECT

MONTHS = 12


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
def month_draft(missing: Unfed) -> Draft:
    """The SELECT of `features.party_month`, for a bank that cannot feed what is `missing`.

    Besides the parameters it takes the values of `month_values`.
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
        value = f"case when {flows} and coalesce(unknowns, 0) = 0 then coalesce({made.name}, 0) end"
        columns.append(_column(made.name, "decimal(18, 2)", value, unfed=_lacks(missing, *needs)))
    rows = f"case when {flows} then coalesce(rows_of_month, 0) end"
    columns.append(_column("txn_cnt", "bigint", rows, unfed=_lacks(missing, *spec.flows)))
    mean = (
        "case when days > 0 and balance_known and reaches_back "
        "then cast(coalesce(balance_days, 0) as double) / cast(nullif(days, 0) as double) end"
    )
    balances = _lacks(missing, "balance.balance")  # the model has no other assets than deposits
    columns += [_column(name, "double", mean, unfed=balances) for name in ("dep_m", "aum_m")]
    select = exp.select(*columns, dialect=DIALECT).from_("owner_month")
    number = "year(owner_month.first_day) * 12 + month(owner_month.first_day)"
    for part, on in {
        "flow": f"flow.month_number = {number}",
        "balance_days": "balance_days.months_ago = owner_month.months_ago",
    }.items():
        on = f"{part}.party_id = owner_month.party_id and {on}"
        select.join(part, on=on, join_type="left", dialect=DIALECT, copy=False)
    steps = {
        **{name: step(name) for name in ("owned", "heard", "newest", "owner", "month", "owner_month", "span")},
        "flow": _flow(),
        "balance_days": step("balance_days"),
    }
    return Draft(steps, select, unfed=missing)


def _column(name: str, kind: str, value: str, *, unfed: bool) -> str:
    return f"cast({'null' if unfed else value} as {kind}) as {name}"


def _lacks(missing: Unfed, *needs: str) -> bool:
    return any(tuple(need.split(".")) in missing for need in needs)
