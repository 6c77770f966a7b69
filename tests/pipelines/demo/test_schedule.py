"""Schedules worked by hand, and what stays true of any: the parts of a receipt add up to what was paid out."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.demo import arrears, schedule
from pipelines.demo.days import NEVER, date_of, number
from pipelines.demo.loans import PAID_BY, receipts_frame
from pipelines.demo.trouble import LATE

LAST = number(dt.date(2027, 3, 1))


def day(text: str) -> int:
    return number(dt.date.fromisoformat(text))


def receipt(on: str, yuan: int, months: int, *, rate: int = 6_000_000, mode: int = schedule.ANNUITY, **becomes: int):
    said = {"disbursed_on": day(on), "months": months, "amount": yuan * 100, "rate": rate, "mode": mode}
    return receipts_frame(
        receipt=np.array([0]), **{name: np.array([value]) for name, value in (said | becomes).items()}
    )


def of(receipts: pl.DataFrame, **late: int) -> schedule.Schedule:
    periods = [(0, int(period[1:]), days) for period, days in late.items()]
    late_rows = pl.DataFrame(periods, schema=LATE, orient="row")
    return schedule.of(receipts, late_rows, pl.DataFrame(schema=PAID_BY))


def states_on(receipts: pl.DataFrame, plan: schedule.Schedule, on: str) -> dict[str, object]:
    """How the receipt stands at the end of a day."""
    late = arrears.overdue(arrears.schedule_states(plan), LAST)
    states = arrears.receipt_states(receipts, plan, late, last=LAST)
    return states.filter(pl.col("day") <= day(on)).sort("day").tail(1).to_dicts()[0]


def test_an_annuity_of_the_textbook():
    """100,000 at 6 % over 36 months: 3,042.19 a month."""
    rows = schedule.rows(receipt("2026-01-31", 100_000, 36))
    paid = (rows["principal"] + rows["interest"]).to_list()
    assert set(paid[:-1]) == {304_219}
    assert abs(paid[-1] - 304_219) < 100
    assert rows["principal"].sum() == 10_000_000
    assert [str(date_of(due)) for due in rows["due_on"][:3]] == ["2026-02-28", "2026-03-31", "2026-04-30"]


@pytest.mark.parametrize(
    ("mode", "principal", "interest"),
    [
        (schedule.EQUAL_PRINCIPAL, [100_000, 100_000, 100_000], [1_500, 1_000, 500]),
        (schedule.INTEREST_MONTHLY, [0, 0, 300_000], [1_500, 1_500, 1_500]),
        (schedule.BULLET, [300_000], [4_500]),
    ],
)
def test_the_other_ways_of_paying_back(mode, principal, interest):
    rows = schedule.rows(receipt("2026-01-10", 3_000, 3, mode=mode))
    assert (rows["principal"].to_list(), rows["interest"].to_list()) == (principal, interest)


def test_days_past_due_begin_the_day_after_the_due_date_and_end_with_the_payment():
    owed = receipt("2026-01-10", 1_200, 12, mode=schedule.EQUAL_PRINCIPAL)
    plan = of(owed, p3=5)
    assert states_on(owed, plan, "2026-04-10")["days_past_due"] == 0
    late = states_on(owed, plan, "2026-04-14")
    assert (late["days_past_due"], late["overdue_principal"], late["five_class"]) == (4, 10_000, 2)
    paid = states_on(owed, plan, "2026-04-15")
    assert (paid["days_past_due"], paid["principal"], paid["five_class"]) == (0, 90_000, 1)
    (third,) = plan.payments.filter(period=3).to_dicts()
    assert (third["type"], third["penalty"] > 0) == (3, True)


def test_a_default_runs_through_the_classes():
    owed = receipt("2025-06-10", 1_200, 24, mode=schedule.EQUAL_PRINCIPAL, unpaid_from=day("2025-09-10"))
    plan = of(owed)
    classes = [("2025-09-10", 1), ("2025-09-11", 2), ("2025-12-09", 2), ("2025-12-10", 3), ("2026-06-08", 4)]
    for on, five_class in [*classes, ("2026-09-06", 5)]:
        assert states_on(owed, plan, on)["five_class"] == five_class, on
    assert states_on(owed, plan, "2026-12-31")["principal"] == 110_000


def test_what_is_settled_early_leaves_nothing_open():
    owed = receipt("2026-01-10", 1_200, 12, mode=schedule.EQUAL_PRINCIPAL, settles_on=day("2026-05-25"))
    plan = of(owed)
    last = states_on(owed, plan, "2026-12-31")
    assert (last["principal"], last["settled_on"]) == (0, day("2026-05-25"))
    (early,) = plan.payments.filter(type=2).to_dicts()
    assert (early["principal"], early["day"]) == (80_000, day("2026-05-25"))
    rows = arrears.schedule_states(plan).group_by("period", maintain_order=True).last()
    assert rows["paid_on"].null_count() == 0


def test_an_extension_moves_the_principal_behind_the_old_end():
    owed = receipt(
        "2025-04-10",
        500,
        12,
        mode=schedule.INTEREST_MONTHLY,
        prolonged_on=day("2026-04-10"),
        prolonged_by=6,
    )
    plan = of(owed)
    before, after = states_on(owed, plan, "2026-04-09"), states_on(owed, plan, "2026-04-10")
    assert (before["extended"], after["extended"], after["days_past_due"]) == (False, True, 0)
    assert str(date_of(after["matures"])) == "2026-10-10"
    assert states_on(owed, plan, "2026-10-09")["principal"] == 50_000
    assert states_on(owed, plan, "2026-10-10")["principal"] == 0


def test_a_new_plan_ends_the_arrears_and_is_watched():
    owed = receipt(
        "2025-06-05",
        3_600,
        24,
        unpaid_from=day("2026-03-05"),
        cured_on=day("2026-04-20"),
        prolonged_on=day("2026-04-20"),
        prolonged_by=18,
        restructured=True,
    )
    plan = of(owed)
    assert states_on(owed, plan, "2026-04-19")["days_past_due"] == 45
    new = states_on(owed, plan, "2026-04-20")
    assert (new["days_past_due"], new["is_restructured"], new["five_class"]) == (0, True, 3)
    assert states_on(owed, plan, "2026-11-01")["five_class"] == 2, "six months later"


RECEIPTS = st.fixed_dictionaries(
    {
        "yuan": st.integers(100, 1_000_000),
        "months": st.integers(1, 60),
        "rate": st.integers(1_000_000, 24_000_000),
        "mode": st.sampled_from([1, 2, 3, 4]),
        "fate": st.sampled_from(["fine", "default", "recovered", "settled", "extended", "restructured", "sold"]),
        "after": st.integers(1, 700),
    }
)


@settings(max_examples=30, deadline=None)
@given(drawn=RECEIPTS)
def test_whatever_becomes_of_a_receipt_its_parts_add_up(drawn):
    begun = day("2025-01-31")
    then = begun + drawn["after"]
    becomes: dict[str, dict[str, int]] = {
        "fine": {},
        "default": {"unpaid_from": then},
        "recovered": {"unpaid_from": then, "cured_on": then + 40},
        "settled": {"settles_on": then},
        "extended": {"prolonged_on": then, "prolonged_by": 6},
        "restructured": {"unpaid_from": then - 30, "cured_on": then, "prolonged_on": then, "prolonged_by": 12},
        "sold": {"unpaid_from": then, "cured_on": then + 200, "settles_on": then + 200},
    }
    owed = receipt(
        "2025-01-31", drawn["yuan"], drawn["months"], rate=drawn["rate"], mode=drawn["mode"], **becomes[drawn["fate"]]
    )
    plan = of(owed)
    newest = plan.versions.group_by("period", maintain_order=True).last()
    assert newest["principal"].sum() == drawn["yuan"] * 100
    assert (plan.versions["principal"] >= 0).all()
    states = arrears.schedule_states(plan)
    assert (states["principal_paid"] <= states["principal"]).all()
    late = arrears.overdue(states, LAST)
    of_receipt = arrears.receipt_states(owed, plan, late, last=LAST)
    assert (of_receipt["principal"] >= 0).all()
    assert of_receipt.select("day").is_duplicated().sum() == 0
    settled = of_receipt.filter(pl.col("settled_on").is_not_null())
    assert (settled["principal"] == 0).all()
    if drawn["fate"] in {"fine", "settled"}:
        assert late.is_empty()
    assert NEVER not in plan.payments["day"]
