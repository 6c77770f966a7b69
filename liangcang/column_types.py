"""Which DuckDB type goes into which without loss, and which texts name a type at all."""

from __future__ import annotations

import re

from liangcang.errors import WarehouseError

_PLAIN = (
    "BOOLEAN TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT FLOAT DOUBLE DATE TIME "
    "TIMESTAMP VARCHAR BLOB"
)
_WORDS = frozenset([*_PLAIN.split(), "TIMESTAMP WITH TIME ZONE"])
_DECIMAL = re.compile(r"^DECIMAL\((\d{1,2}),\s*(\d{1,2})\)$")

# The decimal digits that a whole number of this type can need, and the bits of its magnitude.
_WHOLE = {
    "TINYINT": (3, 7),
    "UTINYINT": (3, 8),
    "SMALLINT": (5, 15),
    "USMALLINT": (5, 16),
    "INTEGER": (10, 31),
    "UINTEGER": (10, 32),
    "BIGINT": (19, 63),
    "UBIGINT": (20, 64),
    "HUGEINT": (39, 127),
}


def type_name(text: str) -> str:
    """The type as DuckDB spells it; WarehouseError if the text is not one that a stored column may have.

    A type comes from a contract and goes into SQL, so nothing but these words gets through: `DECIMAL(18,2)`,
    `VARCHAR`, `VARCHAR[]`, …
    """
    wanted = " ".join(text.upper().split())
    element = wanted.removesuffix("[]")
    if element in _WORDS:
        return wanted
    if found := _DECIMAL.match(element):
        digits, scale = int(found[1]), int(found[2])
        if 1 <= digits <= 38 and scale <= digits:
            return f"DECIMAL({digits},{scale})" + wanted[len(element) :]
    raise WarehouseError(
        "not a type that a stored column may have", expected="DECIMAL(18,2), VARCHAR, DATE, …", found=text
    )


def fits(got: str, wanted: str) -> bool:
    """Whether every value of type `got` is the same value in type `wanted`, or raises when it is not.

    Whole numbers widen; HUGEINT, which every sum of whole numbers is, may become BIGINT, because that cast raises
    and never rounds. Decimals keep all digits on both sides of the point. Whole numbers of up to 53 bits may become
    DOUBLE. Text comes only from text and a date only from a date.
    """
    got, wanted = got.replace(", ", ","), type_name(wanted)
    if got == wanted or got in ('"NULL"', "NULL"):
        return True
    if got.endswith("[]") and wanted.endswith("[]"):
        return fits(got[:-2], wanted[:-2])
    if got in _WHOLE:
        return _whole_fits(got, wanted)
    if (narrow := _DECIMAL.match(got)) and (wide := _DECIMAL.match(wanted)):
        return int(wide[2]) >= int(narrow[2]) and int(wide[1]) - int(wide[2]) >= int(narrow[1]) - int(narrow[2])
    return got == "FLOAT" and wanted == "DOUBLE"


def _whole_fits(got: str, wanted: str) -> bool:
    digits, bits = _WHOLE[got]
    if decimal := _DECIMAL.match(wanted):
        return int(decimal[1]) - int(decimal[2]) >= digits
    if wanted == "DOUBLE":
        return bits <= 53
    if wanted not in _WHOLE:
        return False
    if (got, wanted) == ("HUGEINT", "BIGINT"):
        return True
    signed, room = not got.startswith("U"), _WHOLE[wanted][1]
    return room >= bits and (not wanted.startswith("U") or not signed)
