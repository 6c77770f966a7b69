"""What a clerk would say of a party, indicator by indicator, from the columns of `features.party`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assets.entry import SEVERITIES

COUNTED: Mapping[str, tuple[str, list[float], dict[str, float]]] = {
    "R027": ("class_down_cnt_30", [0, 1], {"orange": 1}),
    "R028": ("late_cnt_12m", [2, 3, 5, 6], {"orange": 6, "yellow": 3}),
    "R029": ("first_default_cnt", [0, 1], {"orange": 1}),
    "R030": ("extended_cnt_12m", [0, 1], {"yellow": 1}),
    "R031": ("restructured_cnt", [0, 1], {"orange": 1}),
    "R032": ("new_for_old_cnt_12m", [0, 1], {"yellow": 1}),
    "R033": ("due_lacking", [0, 1], {"blue": 1}),
    "R040": ("util_min_60", [0.94, 0.95], {"blue": 0.95}),
    "R049": ("fast_through_days_30", [1, 2, 4, 5], {"orange": 5, "yellow": 2}),
    "R055": ("backflow_share", [0.49, 0.5], {"orange": 0.5}),
    "R056": ("diverted_share", [0.29, 0.3], {"orange": 0.3}),
    "R057": ("split_share", [1.0, 1.01], {"yellow": 1.01}),
}
"""Indicators that compare one value with the levels from which on they are hits."""
FROM_FLOWS = ("R049", "R055", "R056")


def naive(row: Mapping[str, Any]) -> dict[str, str]:
    """What a clerk would say of one party, indicator by indicator: a severity, `miss` or `unknown`."""

    def judged(*needed: object, levels: Mapping[str, bool] | None = None, flows: bool = False) -> str:
        if any(value is None for value in needed) or (flows and row["flows_known"] is not True):
            return "unknown"
        return next((level for level in SEVERITIES if (levels or {}).get(level)), "miss")

    def over(value: float | None, limit: float) -> bool:
        return value is not None and value >= limit

    dpd, worst = row["dpd_now"], row["five_class_max"]
    said = {
        "R025": judged(
            dpd, levels={"red": over(dpd, 91), "orange": over(dpd, 31), "yellow": over(dpd, 8), "blue": over(dpd, 1)}
        ),
        "R026": judged(worst, levels={"red": over(worst, 3), "yellow": over(worst, 2)}),
    }
    if row["receipt_cnt"] == 0 and said["R026"] == "unknown":
        said["R026"] = "miss"

    before, now = row["in_prev9"], row["in_avg3"]
    big = before is not None and before >= 5000
    drop = now / before - 1 if big and now is not None else None
    said["R045"] = judged(
        drop,
        flows=True,
        levels={"orange": drop is not None and drop <= -0.7, "yellow": drop is not None and drop <= -0.4},
    )

    paid, lately = row["sal_months_3_8"], row["sal_months_1_2"]
    if row["party_type"] == "person":
        said["R046"] = judged(paid, lately, flows=True, levels={"yellow": over(paid, 5) and lately == 0})

    owed = row["loan_bal"] if row["loan_bal"] is not None else row["loan_orig"]
    fall, base = row["aum_chg_3m"], row["aum_m_3"]
    nothing_to_lose = (owed is not None and owed <= 0) or (base is not None and base < 20_000)
    said["R048"] = judged(
        owed, fall, base, levels={"yellow": fall is not None and fall <= -0.6 and not nothing_to_lose}
    )
    if nothing_to_lose and said["R048"] == "unknown":
        said["R048"] = "miss"

    out, payers, payees = row["out_30"], row["payer_cnt_30"], row["payee_cnt_30"]
    scattered = over(out, 100_000) and over(payers, 20) and payees is not None and payees <= 3
    said["R050"] = judged(out, payers, payees, flows=True, levels={"orange": scattered})

    moved, quiet, age = row["r051_active_7_amount"], row["r051_quiet_before"], row["r051_oldest_account_days"]
    woken = over(moved, 50_000) and quiet is True and over(age, 187)
    said["R051"] = judged(moved, quiet, age, flows=True, levels={"yellow": woken})

    times = row["r052_cash_band_cnt_7"]
    said["R052"] = judged(times, flows=True, levels={"orange": over(times, 3)})
    return said | counted(row) | of_customers(row) | of_burdens(row)


def counted(row: Mapping[str, Any]) -> dict[str, str]:
    said = {}
    for id, (column, _, levels) in COUNTED.items():
        value, known = row[column], id not in FROM_FLOWS or row["flows_known"] is True
        hit = next((level for level, limit in levels.items() if value is not None and value >= limit), "miss")
        said[id] = hit if known and value is not None else "unknown"
    return said if row["party_type"] == "person" else {id: said[id] for id in said if id != "R057"}


def of_customers(row: Mapping[str, Any]) -> dict[str, str]:
    def said_of(value: bool | None, level: str) -> str:
        return "unknown" if value is None or row["customer_known"] is not True else level if value else "miss"

    secured, others, over = row["secured_paid_cnt_180"], row["others_paid_cnt_180"], row["id_over_days"]
    said = {"R011": said_of(row["deceased"], "red"), "R034": "unknown"}
    if secured is not None:
        said["R034"] = "orange" if secured else "unknown" if others is None else "yellow" if others else "miss"
    if row["party_type"] == "person":
        said["R001"] = said_of(row["id_wrong"], "orange")
        owed = row["loan_bal"] if row["loan_bal"] is not None else row["loan_orig"]
        owes = owed is not None and owed > 0
        said["R002"] = said_of(None if over is None else over > 0, "orange" if over == 91 and owes else "yellow")
    return said


def of_burdens(row: Mapping[str, Any]) -> dict[str, str]:
    flows, share, nights = row["flows_known"] is True, row["night_share_30"], row["night_cnt_30"]
    said = {"R054": "unknown"}
    if flows and nights is not None and (share is not None or nights < 10):
        said["R054"] = "yellow" if nights >= 10 and share >= 0.5 else "miss"
    if row["party_type"] != "person":
        return said
    dti, count, amount = row["dti"], row["gamble_cnt_30"], row["gamble_amt_30"]
    if dti is None:
        said["R037"] = "miss" if row["mon_due"] == 0 else "unknown"
    else:
        said["R037"] = "orange" if dti > 0.8 else "yellow" if dti > 0.55 else "miss"
    now, before = row["sal_avg3"], row["sal_prev3"]
    known = flows and now is not None and before is not None and before >= 1000
    said["R047"] = "unknown" if not known else "blue" if now <= 700 else "miss"
    said["R053"] = "unknown"
    if flows and count is not None:
        much = amount is not None and amount >= 20_000
        said["R053"] = (
            "orange" if count >= 5 or much else "yellow" if count else "unknown" if amount is None else "miss"
        )
    return said
