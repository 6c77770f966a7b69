"""How the text of a cell becomes a value, and what only a generous engine would take for one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from deliveries import contract, good, judged, prop, rule

from liangcang.engine import Engine
from liangcang.errors import ContractError


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with Engine(read=[], write=None, spill=tmp_path_factory.mktemp("spill")) as engine:
        yield engine.con


def read(con: duckdb.DuckDBPyConnection, type: str, text: str, **more: Any) -> Any:
    """The value of one cell, or `breach` when it does not parse."""
    found = judged(con, contract([prop("x", type, null_values=("",), **more)]), [text])
    return "breach" if found.result("x.parse").failed else good(con, found)[1][0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", "12.50"),
        ("-12.50", "-12.50"),
        ("+7", "7.00"),
        ("007.00", "7.00"),
        ("1.2300", "1.23"),
        ("0", "0.00"),
        ("9999999999999999.99", "9999999999999999.99"),
        ("", None),
    ],
)
def test_a_plain_number_is_read_exactly(con: duckdb.DuckDBPyConnection, text: str, value: str | None) -> None:
    assert read(con, "DECIMAL(18,2)", text) == (Decimal(value) if value else None)


@pytest.mark.parametrize("type", ["DECIMAL(18,2)", "BIGINT", "DOUBLE", "INTEGER"])
@pytest.mark.parametrize(
    "text",
    ["1e5", " 12", "12 ", "1_000", "1,000", "0x10", "NaN", "inf", "-inf", "infinity", ".5", "5.", "--1", "１２", "1-"],
)
def test_what_only_the_engine_takes_for_a_number_does_not_parse(
    con: duckdb.DuckDBPyConnection, type: str, text: str
) -> None:
    assert con.execute("select try_cast('1e5' as decimal(18,2)), try_cast(' 12 ' as integer)").fetchone() != (
        None,
        None,
    )
    assert read(con, type, text) == "breach"


@pytest.mark.parametrize(
    ("type", "text"),
    [
        ("DECIMAL(18,2)", "1.005"),
        ("DECIMAL(18,2)", "10000000000000000.00"),
        ("DECIMAL(18,0)", "1.5"),
        ("BIGINT", "1.0"),
        ("BIGINT", "9223372036854775808"),
        ("SMALLINT", "32768"),
        ("DOUBLE", "9" * 400),
    ],
)
def test_a_number_that_the_type_cannot_hold_is_a_breach_and_never_rounded(
    con: duckdb.DuckDBPyConnection, type: str, text: str
) -> None:
    assert read(con, type, text) == "breach"


def test_the_dot_of_implied_decimals_is_put_in(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "DECIMAL(18,2)", "000000012345", decimal_places=2) == Decimal("123.45")
    assert read(con, "DECIMAL(18,2)", "-5", decimal_places=2) == Decimal("-0.05")
    assert read(con, "DECIMAL(18,4)", "12345", decimal_places=2) == Decimal("123.45")
    assert read(con, "DECIMAL(18,2)", "123.45", decimal_places=2) == "breach"


@pytest.mark.parametrize(
    ("layout", "text", "value"),
    [
        (None, "2024-02-29", dt.date(2024, 2, 29)),
        ("yyyyMMdd", "20240229", dt.date(2024, 2, 29)),
        ("dd/MM/yyyy", "29/02/2024", dt.date(2024, 2, 29)),
        ("yyMMdd", "930107", dt.date(1993, 1, 7)),
        ("yyMMdd", "690101", dt.date(1969, 1, 1)),
        ("yyMMdd", "681231", dt.date(2068, 12, 31)),
        ("yyMMdd HH:mm:ss", "931107 00:00:00", dt.date(1993, 11, 7)),
        ("yyyy年MM月dd日", "2024年02月29日", dt.date(2024, 2, 29)),
        (None, "9999-12-31", dt.date(9999, 12, 31)),
        ("yyyyMMdd", "00010101", dt.date(1, 1, 1)),
    ],
)
def test_a_date_is_read_by_its_format(
    con: duckdb.DuckDBPyConnection, layout: str | None, text: str, value: dt.date
) -> None:
    assert read(con, "DATE", text, format=layout) == value


@pytest.mark.parametrize("layout", [None, "yyyyMMdd", "dd/MM/yyyy", "yyMMdd", "yyMMdd HH:mm:ss"])
@pytest.mark.parametrize(
    "text",
    [
        *(
            "2023-02-29",
            "20230229",
            "29/02/2023",
            "230229",
            "2024-13-01",
            "20241301",
            "2024-00-10",
            "epoch",
            "infinity",
        ),
        *(
            "-infinity",
            "0000-01-01",
            "00000101",
            "2024-1-1",
            "2024-02-29 ",
            "2024-02-29 (BC)",
            "99999-12-31",
            "1/2/2024",
        ),
        *("931107 24:00:00", "931107 12:60:00", "931107 12:30:00", "2024-02-29T00:00:00", "２０２４-01-01"),
    ],
)
def test_what_is_no_day_of_the_calendar_does_not_parse(
    con: duckdb.DuckDBPyConnection, layout: str | None, text: str
) -> None:
    assert read(con, "DATE", text, format=layout) == "breach"


def test_times_and_timestamps_are_read_to_the_second(con: duckdb.DuckDBPyConnection) -> None:
    assert read(con, "TIME", "23:59:59") == dt.time(23, 59, 59)
    assert read(con, "TIME", "235959", format="HHmmss") == dt.time(23, 59, 59)
    assert read(con, "TIME", "24:00:00") == "breach"
    assert read(con, "TIMESTAMP", "2026-11-20 22:41:07") == dt.datetime(2026, 11, 20, 22, 41, 7)
    assert read(con, "TIMESTAMP", "931107 22:41:07", format="yyMMdd HH:mm:ss") == dt.datetime(1993, 11, 7, 22, 41, 7)
    assert read(con, "TIMESTAMP", "2026-11-20 22:41:07.5") == "breach"


def test_a_boolean_is_one_of_few_words(con: duckdb.DuckDBPyConnection) -> None:
    assert [read(con, "BOOLEAN", text) for text in ("1", "Y", "true", "0", "N", "yes")] == [True] * 3 + [False] * 2 + [
        "breach"
    ]


@pytest.mark.parametrize(
    "column",
    [
        prop("x", "BLOB"),
        prop("x", "DATE", format="EEE"),
        prop("x", "DATE", format="yyyy-MM"),
        prop("x", "DECIMAL(4,2)", decimal_places=3),
    ],
)
def test_a_column_that_no_text_can_fill_is_a_contract_error_that_names_it(
    con: duckdb.DuckDBPyConnection, column: Any
) -> None:
    with pytest.raises(ContractError) as error:
        judged(con, contract([column]), ["1"])
    assert error.value.details["field"] == "x"


def test_each_null_token_is_counted_apart_and_is_no_breach(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, contract([prop("k_symbol", null_values=("", " "))]), [""], [" "], [" "], ["SIPO"])
    assert {o.rule_id: (o.failed, o.severity, o.passed) for o in found.observations} == {
        "k_symbol.null[]": (1, None, True),
        "k_symbol.null[ ]": (2, None, True),
    }
    assert [row[0] for row in good(con, found).values()] == [None, None, None, "SIPO"]


def test_a_column_without_null_tokens_keeps_its_empty_texts(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, contract([prop("x", null_values=())], rule("x.required", "required", "x")), [""])
    assert good(con, found) == {1: ("",)}
