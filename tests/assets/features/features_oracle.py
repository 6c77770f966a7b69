"""The same features, made the slow way twice over: by one FILTER aggregate each, and by loops in Python.

Nothing here is shared with the code under test but the specification's conditions and names.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from features_by_hand import Row, World, days, rows

from assets.features.parameters import Parameters
from assets.features.spec import Spec
from liangcang.engine import Engine

LARGEST = 10**13


def filter_select(
    spec: Spec,
    as_of: dt.date,
    *,
    source: str = "conformed.transaction_history",
    band: tuple[str, str] = ("45000", "49999.99"),
) -> str:
    """The form that everybody writes: one SELECT, one FILTER aggregate a feature, over the raw rows."""
    columns = ["party_id"]
    for window in spec.windows:
        inside = f"event_date > date '{as_of}' - {window}"
        columns.append(
            f"count(*) filter (where {inside} and (amount between -{LARGEST} and {LARGEST}) is not true) as unknown_{window}"
        )
    for dimension in spec.dimensions:
        where = dimension.where.replace("$cash_band_low", band[0]).replace("$cash_band_high", band[1])
        for aggregate in dimension.aggregates:
            function = {
                "count": "count(*)",
                "sum": "coalesce(sum(amount), 0)",
                "min": "min(amount)",
                "max": "max(amount)",
                "mean": "avg(amount)",
                "std": "stddev_samp(cast(amount as double))",
                "last": "max(event_date)",
            }[aggregate]
            for window in dimension.windows:
                filtered = f"filter (where event_date > date '{as_of}' - {window} and ({where}))"
                made = (
                    function.replace("sum(amount)", f"sum(amount) {filtered}")
                    if "coalesce" in function
                    else f"{function} {filtered}"
                )
                columns.append(f"{made} as {dimension.name}_{aggregate}_{window}")
    return f"select {', '.join(columns)} from {source} where not reversal and event_date <= date '{as_of}' group by party_id"


def expected_bands(
    made: Engine, world: World, given: Parameters, as_of: dt.date, spec: Spec
) -> dict[str, dict[str, Any]]:
    """The ring-band features of each owner, from the FILTER form; null where Python says that it cannot be known."""
    found = {row["party_id"]: row for row in rows(made, filter_select(spec, as_of))}
    expected: dict[str, dict[str, Any]] = {}
    for owner in owners(world, as_of):
        row = found.get(owner, {})
        expected[owner] = {}
        for dimension in spec.dimensions:
            for aggregate in dimension.aggregates if not dimension.hidden else ():
                for window in dimension.windows if aggregate != "last" else ():
                    name = f"{dimension.name}_{aggregate}_{window}"
                    counted = aggregate == "count"
                    known = reaches(world, given, owner, as_of, as_of - days(window - 1)) and flows_known(
                        world, given, owner, as_of
                    )
                    known = known and (counted or known_amounts(row, window))
                    nothing = 0 if aggregate in ("count", "sum") else None
                    expected[owner][name] = row.get(name, nothing) if known else None
        sums = known_amounts(row, 7) and flows_known(world, given, owner, as_of)
        sums = sums and reaches(world, given, owner, as_of, as_of - days(6))
        expected[owner]["r052_cash_band_cnt_7"] = row.get("cash_band_count_7", 0) if sums else None
        last = flows_known(world, given, owner, as_of) and reaches(world, given, owner, as_of, as_of - days(364))
        expected[owner]["last_txn"] = row.get("act_last_365") if last else None
    return expected


def known_amounts(row: Mapping[str, Any], window: int) -> bool:
    return not row.get(f"unknown_{window}", 0)


def owned(world: World, owner: str, as_of: dt.date) -> list[Row]:
    mine = {h["account_id"] for h in world.rows("account_holder") if h["party_id"] == owner and h["role"] == "owner"}
    return [a for a in world.rows("account") if a["account_id"] in mine and a["open_date"] <= as_of]


def owners(world: World, as_of: dt.date) -> list[str]:
    names = {h["party_id"] for h in world.rows("account_holder") if h["role"] == "owner"}
    return sorted(name for name in names if owned(world, name, as_of))


def first_open(world: World, owner: str, as_of: dt.date) -> dt.date:
    opened: list[dt.date] = [a["open_date"] for a in owned(world, owner, as_of)]
    return min(opened)


def is_open(account: Row, as_of: dt.date) -> bool:
    closed = account.get("close_date")
    return account.get("status") != "closed" and (closed is None or closed > as_of)


def reaches(world: World, given: Parameters, owner: str, as_of: dt.date, needed: dt.date) -> bool:
    start = given.history_from
    return start is None or needed >= start or first_open(world, owner, as_of) >= start


def flows_known(world: World, given: Parameters, owner: str, as_of: dt.date) -> bool:
    if not given.flows_fresh:
        return False
    silence = given.silent_after_days
    if silence is None:
        return True
    for account in owned(world, owner, as_of):
        spoken = [
            t["event_date"]
            for t in world.rows("transaction_history")
            if t["account_id"] == account["account_id"] and t["event_date"] <= as_of
        ]
        if is_open(account, as_of) and (not spoken or (as_of - max(spoken)).days > silence):
            return False
    return True


def end_of_day(world: World, account_id: str, day: dt.date) -> Decimal | None:
    """The balance of an account at the end of a day; None when it was never told."""
    changes = [b for b in world.rows("balance_history") if b["account_id"] == account_id and b["business_date"] <= day]
    if not changes:
        return None
    newest = max(changes, key=lambda b: b["business_date"])
    return Decimal(0) if newest["_op"] == "D" else newest["balance"]


def without_rate(world: World, owner: str, as_of: dt.date, day: dt.date) -> bool:
    """Whether the newest balance told of one of a party's deposits is not known."""
    for account in owned(world, owner, as_of):
        told = [
            b
            for b in world.rows("balance_history")
            if b["account_id"] == account["account_id"] and b["business_date"] <= day
        ]
        newest = max(told, key=lambda b: b["business_date"], default=None)
        if account["account_type"] != "margin" and newest and newest["_op"] != "D" and newest["balance"] is None:
            return True
    return False


def balance_known(world: World, given: Parameters, owner: str, as_of: dt.date) -> bool:
    if not given.balances_fresh:
        return False
    silence = given.silent_after_days
    for account in owned(world, owner, as_of):
        if not is_open(account, as_of) or account["account_type"] == "margin":
            continue
        told = [
            b["business_date"]
            for b in world.rows("balance_history")
            if b["account_id"] == account["account_id"] and b["business_date"] <= as_of
        ]
        if not told or (silence is not None and (as_of - max(told)).days > silence):
            return False
        if end_of_day(world, account["account_id"], as_of) is None:
            return False
    return True


def held(world: World, owner: str, as_of: dt.date, day: dt.date, *, now: bool) -> Decimal:
    """What a party held at the end of a day; `now` leaves out accounts that are closed as of the date."""
    accounts = [
        a for a in owned(world, owner, as_of) if a["account_type"] != "margin" and (not now or is_open(a, as_of))
    ]
    return sum((end_of_day(world, a["account_id"], day) or Decimal(0) for a in accounts), Decimal(0))


def complete_months(as_of: dt.date) -> Iterator[tuple[int, list[dt.date]]]:
    """Months ago, and the days of the month: the last twelve complete ones."""
    day = as_of + days(1)
    for ago in range(1, 13):
        last = day.replace(day=1) - days(1)
        day = last.replace(day=1)
        yield ago, [day + days(n) for n in range(last.day)]


def expected_months(world: World, given: Parameters, as_of: dt.date) -> dict[tuple[str, int], dict[str, Any]]:
    """features.party_month, day by day."""
    expected = {}
    for owner in owners(world, as_of):
        start = first_open(world, owner, as_of)
        for ago, month in complete_months(as_of):
            lived = [day for day in month if day >= start]
            mine = [t for t in movements(world, owner) if month[0] <= t["event_date"] <= month[-1]]
            reach = bool(lived) and reaches(world, given, owner, as_of, month[0])
            flows = reach and flows_known(world, given, owner, as_of)
            sums = flows and all(t["amount"] is not None and abs(t["amount"]) <= LARGEST for t in mine)
            mean = None
            known = balance_known(world, given, owner, as_of)
            if reach and known and not any(without_rate(world, owner, as_of, day) for day in lived):
                mean = float(sum(Fraction(held(world, owner, as_of, day, now=False)) for day in lived) / len(lived))
            expected[owner, ago] = {
                "month": month[0],
                "days": len(lived),
                "in_m": total(t for t in mine if is_in(t)) if sums else None,
                "out_m": total(t for t in mine if is_out(t)) if sums else None,
                "sal_m": total(t for t in mine if t["type"] == "salary" and t["direction"] == "C") if sums else None,
                "spend_m": total(t for t in mine if is_spending(t)) if sums else None,
                "txn_cnt": len(mine) if flows else None,
                "dep_m": mean,
                "aum_m": mean,
            }
    return expected


def movements(world: World, owner: str) -> list[Row]:
    return [t for t in world.rows("transaction_history") if t["party_id"] == owner and not t["reversal"]]


def is_in(t: Row) -> bool:
    return bool(
        t["direction"] == "C"
        and not t["own_transfer"]
        and t["type"] not in ("fast_pay", "pos", "wealth", "loan_disbursement")
    )


def is_out(t: Row) -> bool:
    return bool(t["direction"] == "D" and not t["own_transfer"] and t["type"] not in ("wealth", "loan_repayment"))


def is_spending(t: Row) -> bool:
    return bool(t["direction"] == "D" and t["type"] in ("fast_pay", "pos", "bill"))


def total(found: Iterator[Row]) -> Decimal:
    return sum((t["amount"] for t in found), Decimal(0))


def expected_points(world: World, given: Parameters, as_of: dt.date) -> dict[str, dict[str, Any]]:
    """The point features over balances, months and counterparties."""
    monthly = expected_months(world, given, as_of)
    expected = {}
    for owner in owners(world, as_of):
        values = [monthly[owner, ago] for ago in range(1, 13)]
        flows, balances = flows_known(world, given, owner, as_of), balance_known(world, given, owner, as_of)
        start = first_open(world, owner, as_of)
        mine = [t for t in movements(world, owner) if t["event_date"] <= as_of]
        expected[owner] = {
            "flows_known": flows,
            "balance_known": balances,
            "dep_d": held(world, owner, as_of, as_of, now=True) if balances else None,
            "in_m": values[0]["in_m"],
            "out_m": values[0]["out_m"],
            "in_avg3": mean_of(values[:3], 3),
            "in_avg6": mean_of(values[:6], 3),
            "in_prev9": mean_of(values[3:], 6),
            "sal_cnt_6m": salaries(values[:6]),
            "sal_months_3_8": salaries(values[2:8]),
            "sal_months_1_2": salaries(values[:2]),
            "aum_m": values[0]["aum_m"],
            "aum_m_3": values[3]["aum_m"],
            "aum_q": mean_assets(values[:3]),
            "aum_base": mean_assets(values[4:7]),
            "aum_max12": peak(values),
            "aum_chg_3m": change(values[0]["aum_m"], values[3]["aum_m"]),
            "r051_oldest_account_days": (as_of - start).days,
            "r051_quiet_before": quiet(mine, as_of)
            if flows and reaches(world, given, owner, as_of, as_of - days(186))
            else None,
        }
        expected[owner] |= expected_balances(world, given, owner, as_of)
        for name, direction in {"cp_cnt": "CD", "payer_cnt": "C", "payee_cnt": "D"}.items():
            for window in (30, 90):
                met = {
                    t["counterparty"]
                    for t in mine
                    if t["event_date"] > as_of - days(window) and t["direction"] in direction and t.get("counterparty")
                }
                known = flows and reaches(world, given, owner, as_of, as_of - days(window - 1))
                expected[owner][f"{name}_{window}"] = len(met) if known else None
    return expected


def expected_balances(world: World, given: Parameters, owner: str, as_of: dt.date) -> dict[str, Any]:
    """The balance windows, day by day."""
    known, start = balance_known(world, given, owner, as_of), first_open(world, owner, as_of)
    ends = {
        age: held(world, owner, as_of, as_of - days(age), now=False) for age in range(min((as_of - start).days + 1, 90))
    }
    expected: dict[str, Any] = {}
    for window in (7, 30, 60, 90):
        inside = [amount for age, amount in ends.items() if age < window]
        told = known and reaches(world, given, owner, as_of, as_of - days(window - 1))
        expected[f"bal_mean_{window}"] = float(Fraction(sum(inside)) / len(inside)) if told else None
        if window in (30, 90):
            expected[f"bal_min_{window}"] = min(inside) if told else None
            countable = told and len(inside) > 1 and all(abs(amount) <= LARGEST for amount in inside)
            expected[f"bal_std_{window}"] = deviation(inside) if countable else None
    return expected


def deviation(amounts: list[Decimal]) -> float:
    """The sample standard deviation, by its definition and in fractions."""
    exact = [Fraction(amount) for amount in amounts]
    mean = sum(exact) / len(exact)
    return math.sqrt(sum((amount - mean) ** 2 for amount in exact) / (len(exact) - 1))


def mean_of(values: list[dict[str, Any]], least: int) -> float | None:
    whole = [
        v
        for v in values
        if v["days"] == (v["month"].replace(day=28) + days(4)).replace(day=1).toordinal() - v["month"].toordinal()
    ]
    if len(whole) < least or any(v["days"] and v["in_m"] is None for v in values):
        return None
    return float(Fraction(sum((v["in_m"] or Decimal(0) for v in values), Decimal(0))) / len(values))


def salaries(values: list[dict[str, Any]]) -> int | None:
    if any(v["days"] and v["sal_m"] is None for v in values):
        return None
    return sum(1 for v in values if v["sal_m"])


def mean_assets(values: list[dict[str, Any]]) -> float | None:
    if any(v["days"] and v["aum_m"] is None for v in values):
        return None
    known = [v["aum_m"] for v in values if v["aum_m"] is not None]
    return sum(known) / len(known) if known else None


def peak(values: list[dict[str, Any]]) -> float | None:
    if any(v["days"] and v["aum_m"] is None for v in values):
        return None
    return max((v["aum_m"] for v in values if v["aum_m"] is not None), default=None)


def change(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None or before < 1000 else now / before - 1


def quiet(mine: list[Row], as_of: dt.date) -> bool:
    return not any(t["customer_initiated"] and 7 <= (as_of - t["event_date"]).days <= 186 for t in mine)


def differences(got: Mapping[str, Any], expected: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Features that differ: doubles by more than a part in 10^9, all else at all."""
    found = []
    for name, value in expected.items():
        mine = got[name]
        if isinstance(value, float) or isinstance(mine, float):
            same = mine is not None and value is not None and math.isclose(mine, value, rel_tol=1e-9, abs_tol=1e-9)
            same = same or mine is value
        else:
            same = mine == value and (mine is None) == (value is None)
        if not same:
            found.append((name, mine, value))
    return found
