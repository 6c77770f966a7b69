"""Which type goes into which without loss."""

from __future__ import annotations

import itertools

import duckdb
import pytest

from liangcang.column_types import fits, type_name

WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
DECIMALS = ("DECIMAL(4,2)", "DECIMAL(18,2)", "DECIMAL(18,4)", "DECIMAL(20,4)", "DECIMAL(38,0)", "DECIMAL(38,2)")
EXTREMES: dict[str, list[str]] = {
    **{
        kind: [str(-(2**bits)) if not kind.startswith("U") else "0", str(2**bits - 1)]
        for kind, bits in zip(WHOLE, (7, 15, 31, 63, 8, 16, 32, 64, 126), strict=True)
    },
    "DECIMAL(4,2)": ["-99.99", "99.99"],
    "DECIMAL(18,2)": ["-9999999999999999.99", "9999999999999999.99"],
    "DECIMAL(18,4)": ["-99999999999999.9999", "99999999999999.9999"],
    "DECIMAL(20,4)": ["-9999999999999999.9999", "9999999999999999.9999"],
    "DECIMAL(38,0)": ["-" + "9" * 38, "9" * 38],
    "DECIMAL(38,2)": ["-" + "9" * 36 + ".99", "9" * 36 + ".99"],
    "FLOAT": ["0.1", "3.4028235e38"],
    "DOUBLE": ["0.1", "1.7976931348623157e308"],
    "VARCHAR": ["'1'", "'2026-01-01'"],
    "DATE": ["'2026-01-01'", "'9999-12-31'"],
    "TIMESTAMP": ["'2026-01-01 10:11:12.123456'"],
    "BOOLEAN": ["true", "false"],
    "TIME": ["'10:11:12.123456'"],
}


def test_what_fits_loses_nothing():
    """Each value at the edge of a type that fits comes back as it was; HUGEINT into BIGINT may raise instead."""
    tried = 0
    with duckdb.connect() as con:
        for got, wanted in itertools.product(EXTREMES, repeat=2):
            for value in EXTREMES[got] if fits(got, wanted) else ():
                there = f"cast(cast({value} as {got}) as {wanted})"
                question = f"select cast({there} as {got}) = cast({value} as {got}), typeof({there})"
                tried += 1
                if (got, wanted) == ("HUGEINT", "BIGINT"):
                    with pytest.raises(duckdb.ConversionException):
                        con.execute(question).fetchall()
                else:
                    assert con.execute(question).fetchall() == [(True, wanted)], (got, wanted)
    assert tried > 80


def test_every_type_fits_itself_and_takes_nulls():
    for kind in EXTREMES:
        assert fits(kind, kind)
        assert fits(f"{kind}[]", f"{kind}[]")
        assert fits('"NULL"', kind)
        assert not fits(kind, f"{kind}[]")


@pytest.mark.parametrize(
    ("got", "wanted"),
    [
        ("BIGINT", "DOUBLE"),
        ("DECIMAL(18,2)", "DOUBLE"),
        ("DOUBLE", "DECIMAL(18,2)"),
        ("INTEGER", "DECIMAL(11,2)"),
        ("BIGINT", "DECIMAL(18,0)"),
        ("HUGEINT", "INTEGER"),
        ("TINYINT", "UTINYINT"),
        ("INTEGER", "VARCHAR"),
        ("DATE", "TIMESTAMP"),
        ("TIMESTAMP", "DATE"),
        ("BOOLEAN", "INTEGER"),
        ("ENUM('a')", "VARCHAR"),
    ],
)
def test_what_could_lose_or_hide_something_does_not_fit(got: str, wanted: str):
    assert not fits(got, wanted)


def test_types_are_spelled_alike():
    assert type_name("decimal(18, 2)") == "DECIMAL(18,2)"
    assert type_name("timestamp  with time zone") == "TIMESTAMP WITH TIME ZONE"
    assert type_name("varchar[]") == "VARCHAR[]"
