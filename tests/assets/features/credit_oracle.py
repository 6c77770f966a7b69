"""Features of limits, loans and idle money made the slow way: day by day and row by row, in Python.

Nothing is shared with the code under test but the names of columns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from features_by_hand import Row, World, days
from features_oracle import balance_known, end_of_day, first_open, owned, owners, reaches

from assets.features.parameters import Parameters

GRACE, FIRST, FLOOR = 3, 7, 1000


def state_at(history: Iterable[Row], keys: tuple[str, ...], day: dt.date) -> list[Row]:
    """The state of a table at the end of a day: each key's newest row, unless it left."""
    newest: dict[tuple[Any, ...], Row] = {}
    for row in sorted(history, key=lambda row: row["business_date"]):
        if row["business_date"] <= day:
            newest[tuple(row[key] for key in keys)] = row
    return [row for row in newest.values() if row["_op"] != "D"]


def expected_credit(world: World, given: Parameters, as_of: dt.date) -> dict[str, dict[str, Any]]:
    """Owner to feature to value."""
    expected = {}
    for owner in owners(world, as_of):
        loans = [loan for loan in world.rows("loan_receipt") if loan["party_id"] == owner]
        loans = [loan for loan in loans if loan["disbursed_date"] <= as_of]
        expected[owner] = {
            **past(world, given, owner, as_of),
            **plans(world, loans, as_of),
            "dem_min_90": least_demand(world, given, owner, as_of),
        }
    return expected


def open_on(row: Row, day: dt.date) -> bool:
    return row["settled_date"] is None or row["settled_date"] > day


def past(world: World, given: Parameters, owner: str, as_of: dt.date) -> dict[str, Any]:
    """What needs earlier states: of each day, the newest row that was known of each receipt and contract."""
    worst, unknown, classes, drawn = 0, False, {}, []
    for age in range(365):
        day = as_of - days(age)
        rows = state_at(world.rows("loan_receipt_history"), ("receipt_id",), day)
        mine = [row for row in rows if row["party_id"] == owner and open_on(row, row["business_date"])]
        worst = max([worst, *(row["dpd"] or 0 for row in mine)])
        unknown = unknown or any(row["dpd"] is None for row in mine)
        if age in (0, 30):
            classes[age] = {row["receipt_id"]: row for row in mine}
        if age < 60:
            limits = state_at(world.rows("loan_contract_history"), ("contract_id",), day)
            drawn.append(drawn_on([row for row in limits if row["party_id"] == owner], mine))
    judged = [row for row in classes[0].values() if row["disbursed_date"] <= as_of - days(30)]
    pairs = [(row["five_class"], classes[30].get(row["receipt_id"], {}).get("five_class")) for row in judged]
    fallen = sum(now > before for now, before in pairs if now is not None and before is not None)
    whole = all(now is not None and before is not None for now, before in pairs)
    full = reaches(world, given, owner, as_of, as_of - days(59)) and None not in drawn
    year = reaches(world, given, owner, as_of, as_of - days(364)) and not unknown
    return {
        "dpd_max_12m": worst if worst or year else None,
        "class_down_cnt_30": fallen if fallen or whole else None,
        "util_min_60": min(drawn) if full else None,
    }


def drawn_on(contracts: list[Row], loans: list[Row]) -> float | None:
    """The share of its limits that a borrower has drawn; None where one of them is not known."""
    limits = [row for row in contracts if row["status"] in ("active", "frozen", None)]
    owed = [row["outstanding_principal"] for row in loans if not row["written_off"]]
    if any(row["amount"] is None or row["status"] is None for row in limits) or None in owed:
        return None
    total = sum((row["amount"] for row in limits), Decimal(0))
    return float(sum(owed, Decimal(0))) / float(total) if total >= FLOOR else 0.0


def plans(world: World, loans: list[Row], as_of: dt.date) -> dict[str, Any]:
    """What falls due by schedule and what was late."""
    late_12 = late_24 = due_24 = defaults = 0
    burden: Decimal | None = Decimal(0)
    bare = False
    modes: Mapping[str, Any] = {row["contract_id"]: row["repay_mode"] for row in world.rows("loan_contract")}
    for loan in loans:
        plan = [row for row in world.rows("schedule") if row["receipt_id"] == loan["receipt_id"]]
        is_open = open_on(loan, as_of)
        end = as_of if is_open else loan["settled_date"]
        bare = bare or (is_open and not plan)
        for row in plan:
            late = (row["paid_date"] or end) - row["due_date"]
            if row["due_date"] <= end:
                late_12 += late > days(GRACE) and row["due_date"] > as_of - days(365)
                late_24 += late > days(GRACE) and row["due_date"] > as_of - days(730)
                due_24 += row["due_date"] > as_of - days(730)
                recent = is_open if row["paid_date"] is None else row["paid_date"] > as_of - days(180)
                if row["period"] == 1 and late > days(FIRST) and recent:
                    defaults += 1
            elif is_open and row["due_date"] <= as_of + days(30):
                burden = added(burden, row, modes.get(loan["contract_id"]))
    return {
        "late_cnt_12m": None if bare else late_12,
        "late_cnt_24m": None if bare else late_24,
        "due_cnt_24m": None if bare else due_24,
        "first_default_cnt": defaults if defaults or not bare else None,
        "mon_due": None if bare else burden,
    }


def added(burden: Decimal | None, row: Row, mode: str | None) -> Decimal | None:
    interest, principal = row["interest_due"], row["principal_due"] - row["principal_paid"]
    if burden is None or interest is None or (mode is None and principal):
        return None
    counts = mode in ("annuity", "equal_principal")
    return burden + Decimal(interest) - Decimal(row["interest_paid"]) + (Decimal(principal) if counts else 0)


def least_demand(world: World, given: Parameters, owner: str, as_of: dt.date) -> Decimal | None:
    """The least that demand accounts held at the end of a day."""
    if not balance_known(world, given, owner, as_of) or not reaches(world, given, owner, as_of, as_of - days(89)):
        return None
    accounts = [a for a in owned(world, owner, as_of) if a["account_type"] not in ("margin", "time", "structured")]
    least: list[Decimal] = []
    for age in range(90):
        held = Decimal(0)
        for account in accounts:
            rows = [b for b in world.rows("balance_history") if b["account_id"] == account["account_id"]]
            if any(b["business_date"] <= as_of - days(age) for b in rows):
                end = end_of_day(world, account["account_id"], as_of - days(age))
                if end is None:
                    return None
                held += end
        least.append(held)
    assert first_open(world, owner, as_of) <= as_of
    return min(least)
