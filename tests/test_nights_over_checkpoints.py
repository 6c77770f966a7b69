"""Checkpoints are a cache: nights with them and without give the same bytes."""

from __future__ import annotations

import pytest
from banks.riverside_bank import Demo
from banks_at_work import Hands

from liangcang import checkpoints


@pytest.mark.slow
def test_nights_over_checkpoints_give_the_same_bytes(
    riverside: Hands, riverside_all: Hands, riverside_demo: Demo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "ENOUGH", 100)
    monkeypatch.setattr(checkpoints, "SHARE", 0)
    second, third = (day.isoformat() for day in riverside_demo.nights[1:3])
    riverside("nightly", second)
    made = list((riverside.warehouse / "_states").glob("*/*"))
    assert {path.parent.name for path in made} >= {"staged.accounts", "conformed.balance"}
    riverside("nightly", third)
    assert riverside.bytes_of() == riverside_all.bytes_of()

    # A delivery of the second night that comes again makes the checkpoints after it say another state.
    file = next((riverside.landing / "daily" / second).glob("accounts.*"))
    file.write_text(file.read_text().replace(",A,", ",F,", 3))
    riverside("backfill", second, third)
    over_checkpoints = riverside.bytes_of()
    assert over_checkpoints != riverside_all.bytes_of()
    for path in (riverside.warehouse / "_states").glob("*/*"):
        path.unlink()
    monkeypatch.setattr(checkpoints, "ENOUGH", 10**9)
    riverside("backfill", second, third)
    assert riverside.bytes_of() == over_checkpoints
