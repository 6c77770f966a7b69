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
    for value, name in spec.month_sums.items():
        where = exp.and_(parsed(spec.dimension(name).where), parsed(known))
        amount = exp.case().when(where, exp.column("amount"))
        select = select.select(exp.alias_(exp.func("sum", amount), value))
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
        "party_id",
        "first_day as month",
        "cast(months_ago as integer) as months_ago",
        "cast(days as integer) as days",
        "$as_of as business_date",
        "$config_version as config_version",
    ]
    for value, name in spec.month_sums.items():
        made = f"case when {flows} and unknowns = 0 then cast(coalesce({value}, 0) as decimal(18, 2)) end"
        lacking = _lacks(missing, *spec.flows, *spec.dimension(name).needs, "transaction.amount")
        columns.append(f"{'cast(null as decimal(18, 2))' if lacking else made} as {value}")
    rows = f"case when {flows} then rows_of_month end"
    columns.append(f"{'cast(null as bigint)' if _lacks(missing, *spec.flows) else rows} as txn_cnt")
    held = "case when days > 0 and balance_known and reaches_back"
    mean = f"{held} then cast(coalesce(balance_days, 0) as double) / cast(nullif(days, 0) as double) end"
    mean = "cast(null as double)" if _lacks(missing, "balance.balance") else mean
    columns += [f"{mean} as dep_m", f"{mean} as aum_m"]
    steps = {
        **{name: step(name) for name in ("owned", "heard", "newest", "owner", "month", "span")},
        "flow": _flow(),
        **{name: step(name) for name in ("balance_days", "party_month")},
    }
    return Draft(steps, exp.select(*columns, dialect=DIALECT).from_("party_month"), unfed=missing)


def _lacks(missing: Unfed, *needs: str) -> bool:
    return any(tuple(need.split(".")) in missing for need in needs)
