"""Numbers that carry a check character, as words that a rule's predicate may use: `is_resident_id(id_no)`.

| word                    | true for                                                                                       |
|-------------------------|------------------------------------------------------------------------------------------------|
| is_resident_id(x)       | 居民身份证 of 18 characters, GB 11643-1999: a province, a day of the calendar, the check character |
| is_credit_code(x)       | 统一社会信用代码, GB 32100-2015: 18 characters of its alphabet, the check character               |
| is_organisation_code(x) | 组织机构代码, GB 11714-1997: nine characters without a hyphen (the ones from 9 to 17 of a credit code) |
| passes_luhn(x)          | digits, 8 to 19 of them, whose last one is that of ISO/IEC 7812-1: card numbers                 |
| is_mobile(x)            | a mobile number of the mainland: 86 before it, spaces, hyphens and full-width digits do not matter |

Unknown stays unknown: of a null each is null, and a rule that cannot say no passes.

A county code is not looked up: people keep the number they were given when counties were founded, renamed or merged, and
whoever looks it up refuses numbers that are right. A day of birth is held to the calendar from 1800 on and not to the
clock. A wrong organisation code inside a right credit code is no fault of the credit code: some authorities issued such.

Each word becomes plain SQL where the predicate is checked: the engine needs no function of ours, and Spark none either.
Digits are taken out of one BIGINT by division: half the cost of cutting the text into characters, if that number is made
once a row. DuckDB makes it once for each digit, unless a scan makes it first: it is a part of the word (`Word.parts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from liangcang.sql import Word

PROVINCES = "1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]"
"""GB/T 2260: the first two digits; 81 to 83 stand on residence permits of people from Hong Kong, Macao and Taiwan."""
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""Of credit codes: no I, O, S, V, Z. A character counts as much as its place, from 0."""
DIGITS_AND_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CREDIT_WEIGHTS = (*(pow(3, place, 31) for place in range(17)), 1)
"""3 to the power of the place, modulo 31; the check character makes the sum divisible by 31."""
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def _digit(number: str, place: int) -> str:
    """The digit at a place of a whole number, from 0 on the right."""
    return f"({number} // {10**place}) % 10" if place else f"{number} % 10"


def _resident_id() -> Word:
    total = " + ".join(f"{w} * ({_digit('$number', 16 - n)})" for n, w in enumerate(RESIDENT_WEIGHTS))
    day = "substr($value, 7, 4) || '-' || substr($value, 11, 2) || '-' || substr($value, 13, 2)"
    return Word(
        sql="case when $value is null then null "
        f"when not regexp_matches($value, '^({PROVINCES})[0-9]{{4}}(1[89]|20)[0-9]{{9}}[0-9X]$') then false "
        f"when try_cast({day} as date) is null then false "
        f"else substr('10X98765432', cast(({total}) % 11 as integer) + 1, 1) = substr($value, 18, 1) end",
        parts={"number": "try_cast(substr($value, 1, 17) as bigint)"},
    )


def _places(alphabet: str, weights: Sequence[int]) -> str:
    return " + ".join(f"{w} * (strpos('{alphabet}', substr($value, {n}, 1)) - 1)" for n, w in enumerate(weights, 1))


def _credit_code() -> Word:
    return Word(
        sql="case when $value is null then null "
        f"when not regexp_matches($value, '^[{ALPHABET}]{{18}}$') then false "
        f"else ({_places(ALPHABET, CREDIT_WEIGHTS)}) % 31 = 0 end"
    )


def _organisation_code() -> Word:
    total = _places(DIGITS_AND_LETTERS, ORGANISATION_WEIGHTS)
    return Word(
        sql="case when $value is null then null when not regexp_matches($value, '^[0-9A-Z]{8}[0-9X]$') then false "
        f"else substr('0X987654321', cast(({total}) % 11 as integer) + 1, 1) = substr($value, 9, 1) end"
    )


def _luhn() -> Word:
    """Nineteen digits are more than BIGINT holds, so the number is taken in two halves, filled with zeros on the left."""
    filled = "substr('00000000000000000000' || $value, length($value) + 1, 20)"
    once = (f"({_digit(half, place)})" for half in ("$low", "$high") for place in range(0, 10, 2))
    doubled = (f"({_digit(half, place)})" for half in ("$low", "$high") for place in range(1, 10, 2))
    total = " + ".join([*once, *(f"2 * {digit} - 9 * ({digit} // 5)" for digit in doubled)])
    return Word(
        sql="case when $value is null then null "
        f"when not regexp_matches($value, '^[0-9]{{8,19}}$') then false else ({total}) % 10 = 0 end",
        parts={
            "low": f"try_cast(substr({filled}, 11, 10) as bigint)",
            "high": f"try_cast(substr({filled}, 1, 10) as bigint)",
        },
    )


def _mobile() -> Word:
    ascii_only = "translate($value, '０１２３４５６７８９＋－　', '0123456789+- ')"
    plain = f"regexp_replace({ascii_only}, '[ -]', '', 'g')"
    return Word(sql=f"regexp_matches({plain}, '^([+]86|0086|86)?1[3-9][0-9]{{9}}$')")


WORDS: Mapping[str, Word] = {
    "is_resident_id": _resident_id(),
    "is_credit_code": _credit_code(),
    "is_organisation_code": _organisation_code(),
    "passes_luhn": _luhn(),
    "is_mobile": _mobile(),
}
"""Each word as SQL over `$value`, which stands for what it is asked of, and its parts."""
