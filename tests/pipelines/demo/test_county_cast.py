"""Every indicator that core and loan files can feed has somebody who is a HIT, on each of the first five nights."""

from __future__ import annotations

import datetime as dt

import pytest
from cast_by_hand import QUERIES, of_cast

from pipelines.demo.cast import MEMBERS

FIRST, LAST = dt.date(2026, 11, 1), dt.date(2026, 11, 5)
BETWEEN = [pytest.param(dt.date(2026, 11, day), marks=pytest.mark.slow) for day in (2, 3, 4)]
WANTED = {
    *("R001", "R002", "R011", "R025", "R026", "R027", "R028", "R029", "R030", "R031", "R032", "R033", "R034", "R037"),
    *("R040", "R045", "R046", "R047", "R048", "R049", "R050", "R051", "R052", "R053", "R054", "R055", "R056", "R057"),
}


def test_every_indicator_has_somebody():
    shown = {indicator for member in MEMBERS.values() for indicator in member.shows}
    assert shown == {*WANTED, "R004"} == set(QUERIES)
    levels = {(indicator, level) for member in MEMBERS.values() for indicator, level in member.shows.items()}
    assert {("R025", level) for level in ("blue", "yellow", "orange", "red")} <= levels
    assert {("R049", "yellow"), ("R049", "orange"), ("R034", "yellow"), ("R034", "orange")} <= levels


@pytest.mark.parametrize("night", [FIRST, *BETWEEN, LAST], ids=str)
def test_the_cast_shows_what_it_is_there_for_and_nothing_else(cast_alone, night):
    found = of_cast(cast_alone.files, cast_alone.truth, night)
    assert found == {name: dict(member.shows) for name, member in MEMBERS.items()}


def test_the_deceased_has_a_payment_after_the_death_was_known(cast_alone):
    (number,) = cast_alone.truth.filter(cast="deceased")["cust_no"]
    dead = cast_alone.files.states("cb_cust_ind").filter(cust_no=number, cust_status="4")
    paid = cast_alone.files.events("cb_txn").filter(cust_no=number, dc_flag="D")
    assert paid["txn_date"].max() > dead["state_date"].min()
