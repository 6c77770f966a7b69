"""Exceptions that a bank signed: read strictly, with a finding for everything that is not as it should be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from by_hand import write_bank

from data_contracts.bank import read_bank
from data_contracts.exceptions import EXCEPTIONS, SignedException
from liangcang.errors import ContractError

GOOD = {
    "feed": "bookings",
    "rule": "key",
    "key": "~0123456789abcdef",
    "until": "2026-12-31",
    "reason": "the old system books twice",
    "by": "head of operations",
}


def written(folder: Path, *entries: dict[str, str]) -> Path:
    """A bank whose folder has these exceptions."""
    bank = folder / "bank"
    if not bank.exists():
        write_bank(bank)
    lines = ["# signed\n", *("- {" + ", ".join(f"{k}: {v}" for k, v in entry.items()) + "}\n" for entry in entries)]
    (bank / EXCEPTIONS).write_text("".join(lines))
    return bank


def test_a_signed_exception_is_read_and_is_part_of_the_bank(tmp_path: Path) -> None:
    bank = read_bank(written(tmp_path, GOOD, GOOD | {"rule": "rejected", "key": "all"}))
    first, second = bank.exceptions
    assert first == SignedException(**GOOD | {"until": dt.date(2026, 12, 31)})
    assert (second.rule, second.key) == ("rejected", None)
    assert read_bank(written(tmp_path, GOOD)).digest != bank.digest
    (bank.folder / EXCEPTIONS).unlink()
    assert read_bank(bank.folder).exceptions == ()


def test_an_exception_covers_its_key_up_to_and_with_its_day() -> None:
    one = SignedException(**GOOD | {"until": dt.date(2026, 12, 31)})
    asked = {"feed": "bookings", "rule": "key", "key": GOOD["key"], "day": dt.date(2026, 12, 31)}
    assert one.covers(**asked)
    for other in ({"feed": "x"}, {"rule": "x"}, {"key": None}, {"day": dt.date(2027, 1, 1)}):
        assert not one.covers(**asked | other)


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        ({"feed": "booking"}, "no feed 'booking' (did you mean 'bookings'?)"),
        ({"rule": "kez"}, "bookings has no rule 'kez' (did you mean 'key'?)"),
        ({"key": "6222020000001234566"}, "expected some words (quote what is a number)"),
        ({"key": "C000000017"}, "keys of this feed name persons"),
        ({"until": "soon"}, "expected a date, yyyy-mm-dd"),
        ({"until": "2026-02-30"}, "no such date"),
        ({"reason": "''"}, "expected some words"),
        ({"reasn": "x"}, "unknown property 'reasn' (did you mean 'reason'?)"),
        ({"by": None}, "by is missing"),
    ],
)
def test_what_is_wrong_with_an_exception_is_said_with_its_line(
    tmp_path: Path, change: dict[str, str], phrase: str
) -> None:
    entry = {name: value for name, value in (GOOD | change).items() if value is not None}
    with pytest.raises(ContractError) as error:
        read_bank(written(tmp_path, GOOD | {"rule": "rejected"}, entry))
    said = str(error.value)
    assert phrase in said
    assert EXCEPTIONS in said and "3" in said
    assert "C000000017" not in said


def test_two_exceptions_for_one_key_and_what_is_no_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="has an exception for this key already"):
        read_bank(written(tmp_path, GOOD, GOOD))
    (tmp_path / "bank" / EXCEPTIONS).write_text("feed: bookings\n")
    with pytest.raises(ContractError, match="exceptions are a list"):
        read_bank(tmp_path / "bank")
    (tmp_path / "bank" / EXCEPTIONS).write_text("- bookings\n")
    with pytest.raises(ContractError, match="expected a mapping"):
        read_bank(tmp_path / "bank")
