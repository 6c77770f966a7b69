"""Histories that do not fit into memory are kept in packed files while a night works on them."""

from __future__ import annotations

import pytest
from banks_at_work import Hands

from assets.conformed import conforming
from assets.sources import reading

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("bank", ["riverside", "county"])
def test_a_first_night_of_packed_histories_has_the_bytes_of_one_in_memory(request, tmp_path, monkeypatch, bank) -> None:
    first, demo = request.getfixturevalue(f"{bank}_first"), request.getfixturevalue(f"{bank}_demo")
    monkeypatch.setattr(reading, "PACKED_ABOVE", 0)
    monkeypatch.setattr(conforming, "PACKED_ABOVE", 0)
    (tmp_path / "warehouse").mkdir()
    packed = Hands(first.bank, first.landing, tmp_path / "warehouse", first.key)
    packed("init")
    packed("nightly", demo.nights[0].isoformat())
    assert packed.bytes_of() == first.bytes_of()
