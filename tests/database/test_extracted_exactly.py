"""No digit and no day of a database is rounded on the way."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from extracts_at_work import ACCOUNT, EXACT, STATE, column, control, extracted, judged, small
from postgres_at_work import Server

from liangcang.engine import Engine
from liangcang.errors import DeliveryError


def test_numbers_keep_all_their_digits(core: Server, tmp_path: Path, engine: Engine) -> None:
    texts = ["9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999998", "0.0000000001", "0"]
    values = ", ".join(f"('{n}', {text})" for n, text in enumerate(texts))
    core.run("create table core.acct (no text, balance numeric(38,10))", f"insert into core.acct values {values}")
    bank, landing = small(tmp_path, EXACT)
    good, bad = judged(engine, bank.feeds["acct"], landing, extracted(bank, landing)["acct"])
    assert (good, bad) == ([(n, str(n - 1), Decimal(text)) for n, text in enumerate(texts, start=1)], [])


def test_the_sum_of_the_control_file_is_exact_beyond_what_decimals_hold_by_themselves(
    core: Server, tmp_path: Path
) -> None:
    core.run("create table core.acct (no text, balance numeric)",
             "insert into core.acct select n::text, 999999999999999999999999999999999999.99 from generate_series(1, 9) n",
             "insert into core.acct values ('10', -0.01), ('11', null)")  # fmt: skip
    wide = {**ACCOUNT, "columns": [ACCOUNT["columns"][0], column("balance", "DECIMAL(38,2)", "number")]}
    bank, landing = small(tmp_path, wide)
    made = extracted(bank, landing)["acct"]
    assert control(landing, made)[3] == f"{made.amount}" == "8999999999999999999999999999999999999.90"


def test_what_is_no_number_or_too_fine_is_quarantined_and_never_rounded(
    core: Server, tmp_path: Path, engine: Engine
) -> None:
    core.run("create table core.acct (no text, balance numeric)",
             "insert into core.acct values ('1','NaN'), ('2','Infinity'), ('3', 0.12345678901), ('4', 1e40), ('5', 7)")  # fmt: skip
    bank, landing = small(tmp_path, EXACT)
    made = extracted(bank, landing)["acct"]
    good, bad = judged(engine, bank.feeds["acct"], landing, made)
    assert good == [(5, "5", Decimal(7))]
    assert [(row[3], row[4]) for row in bad] == [
        ("1", "NaN"), ("2", "Infinity"), ("3", "0.12345678901"), ("4", "1" + "0" * 40)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "field", "found"),
    [
        ("(no text, balance float8)", "balance", "float8"),
        ("(no bigint, balance numeric)", "no", "int8"),
        ("(no numeric, balance numeric)", "no", "numeric"),
        ("(no text, amount numeric)", "balance", "no such column"),
        ("(no uuid, balance numeric)", "no", "uuid"),
        ("(no text, balance money)", "balance", "money"),
        ("(no text[], balance numeric)", "no", "_text"),
    ],
)
def test_a_column_that_cannot_be_kept_exactly_is_refused_by_name(
    core: Server, tmp_path: Path, table: str, field: str, found: str
) -> None:
    core.run(f"create table core.acct {table}")
    bank, landing = small(tmp_path, ACCOUNT)
    with pytest.raises(DeliveryError, match="cannot be read") as caught:
        extracted(bank, landing)
    assert (caught.value.details["field"], caught.value.details["found"]) == (field, found)
    assert [path for path in landing.rglob("*") if path.is_file()] == []


def test_a_numeric_whose_digits_no_contract_fixes_is_refused(core: Server, tmp_path: Path) -> None:
    core.run("create table core.acct (no text, balance numeric)")
    loose = {**ACCOUNT, "columns": [ACCOUNT["columns"][0], column("balance", "DOUBLE", "number")], "own": {}}
    bank, landing = small(tmp_path, loose)
    with pytest.raises(DeliveryError, match="cannot be read") as caught:
        extracted(bank, landing)
    assert (caught.value.details["field"], caught.value.details["found"]) == ("balance", "numeric")


@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_a_day_without_end_is_refused_and_not_handed_over_as_another(core: Server, tmp_path: Path, value: str) -> None:
    """The driver hands infinity over as a day of the year -5877600."""
    core.run("create table core.cust (no text, name text, changed timestamp)",
             f"insert into core.cust values ('1', 'a', '2026-11-20 10:00'), ('2', 'b', '{value}')")  # fmt: skip
    whole = {**STATE, "delivery": "full", "extract": {}}
    bank, landing = small(tmp_path, whole)
    with pytest.raises(DeliveryError, match="infinite dates") as caught:
        extracted(bank, landing)
    assert (caught.value.details["field"], caught.value.details["found"]) == ("changed", "1 rows with infinity")
