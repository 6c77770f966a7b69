"""Check characters: worked examples of the standards, python-stdnum as the second opinion, and what rules make of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import duckdb
import pytest
from stdnum import luhn
from stdnum.cn import ric, uscc

from data_contracts.check_characters import ALPHABET, WORDS
from liangcang.errors import SqlError
from liangcang.portability import lint
from liangcang.sql import check_condition, spelled_out

SIGNS = "0123456789X"
PROVINCES = ("11", "33", "35", "44", "51", "65")


def answers(word: str, values: Sequence[str | None]) -> list[bool | None]:
    """What a word says of each value, asked in one scan."""
    checked = check_condition(f"{word}(x)", columns=["x"], where="test", words=WORDS)
    condition, parts = spelled_out(checked, WORDS, "_p")
    more = "".join(f", {text} as {name}" for name, text in parts.items())
    with duckdb.connect() as con:
        con.execute("create table asked (n integer, x varchar)")
        con.execute("insert into asked select unnest(range(len($x))), unnest($x)", {"x": list(values)})
        rows = con.execute(f"select {condition.sql()} from (select *{more} from asked) order by n").fetchall()
    return [answer for (answer,) in rows]


@pytest.mark.parametrize(
    ("word", "good", "bad"),
    [
        (
            "is_resident_id",
            # 330327 was founded in 1981, and people born before have its numbers; 440524 is the classical example
            ("11010519491231002X", "330327198001011238", "330327198201011232", "440524188001010014"),
            (
                *("330327199001011238", "11010519491231002x", "110105194912310021", "11010519491331002X"),
                *("110105491231002", "00010519491231002X", "111111111111111111", " 1010519491231002X", ""),
            ),
        ),
        (
            "is_credit_code",
            # the third leaves no remainder (0, not 31), the fourth a remainder of 1 (Y)
            ("91350100M000100Y43", "91512081MA62K0260E", "92330327MA97298150", "92330327MA8943018Y"),
            (
                "91350100M000100Y4Z",
                "91350100M000100Y44",
                "91350100M000100Y4",
                "91350100m000100Y43",
                "I1350100M000100Y43",
            ),
        ),
        (
            "is_organisation_code",
            ("M000100Y4", "MA62K0260", "MB151840X"),
            ("MA9729815", "M000100Y5", "M000100Y", "M000100-4", "MB151840x"),
        ),
        (
            "passes_luhn",
            ("79927398713", "6222020000001234566"),
            ("79927398710", "6222020000001234567", "6222 0200 0000 1234", "1234567", "62220200000012345660"),
        ),
        (
            "is_mobile",
            ("13957700123", "+86 138-0013-8001", "１３９０００１２３４５", "008613957700123", "8613957700123"),
            ("12900012345", "1395770012", "139577001234", "057788881234", "13957700l23", ""),
        ),
    ],
)
def test_the_worked_examples_of_the_standards(word: str, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    assert answers(word, good) == [True] * len(good)
    assert answers(word, bad) == [False] * len(bad)
    assert answers(word, [None]) == [None], "of what is not known nothing is said"


def test_an_inner_code_that_is_wrong_leaves_the_credit_code_right() -> None:
    assert answers("is_credit_code", ["92330327MA97298150"]) == [True]
    assert answers("is_organisation_code", ["MA9729815"]) == [False]


def damaged(number: str, signs: str, chance: random.Random) -> str:
    """The number with one sign replaced, or two neighbours exchanged."""
    place = chance.randrange(len(number) - 1)
    if chance.random() < 0.5:
        return number[:place] + chance.choice(signs) + number[place + 1 :]
    return number[:place] + number[place + 1] + number[place] + number[place + 2 :]


def test_resident_ids_are_judged_as_python_stdnum_judges_them_but_for_counties() -> None:
    """It also wants the county to have existed when the person was born, and refuses right numbers by that."""
    chance = random.Random(11)
    stems = [
        f"{chance.choice(PROVINCES)}{chance.randrange(10**4):04}{chance.randrange(1800, 2030)}"
        f"{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}{chance.randrange(10**3):03}"
        for _ in range(500)
    ]
    right = [stem + ric.calc_check_digit(f"{stem}0") for stem in stems]
    assert all(answers("is_resident_id", right))
    wrong = [number[:-1] + chance.choice(SIGNS.replace(number[-1], "")) for number in right]
    wrong += [damaged(number[:17], "0123456789", chance) + number[17] for number in right]
    said = answers("is_resident_id", wrong)
    assert said.count(False) > 700
    for number, answer in zip(wrong, said, strict=True):
        assert not answer or ric.calc_check_digit(number) == number[17]
    counted = [number for number, answer in zip(wrong, said, strict=True) if not answer]
    assert not any(ric.is_valid(number) for number in counted), "what it takes, the word takes too"
    for refused in ("330327198001011238", "440524188001010014"):
        assert not ric.is_valid(refused), "python-stdnum's false rejections: the county is younger than the person"
        assert answers("is_resident_id", [refused]) == [True]


def test_credit_codes_are_judged_as_python_stdnum_judges_them() -> None:
    chance = random.Random(12)
    stems = [
        "91" + f"{chance.randrange(10**6):06}" + "".join(chance.choice(ALPHABET) for _ in range(9)) for _ in range(500)
    ]
    right = [stem + uscc.calc_check_digit(stem) for stem in stems]
    wrong = [damaged(number, ALPHABET, chance) for number in right]
    assert all(answers("is_credit_code", right))
    # It holds the first two signs to the known authorities as well, and the region to digits.
    for number, answer in zip(wrong, answers("is_credit_code", wrong), strict=True):
        assert answer == (uscc.calc_check_digit(number[:17]) == number[17])


def test_card_numbers_are_judged_as_python_stdnum_judges_them() -> None:
    chance = random.Random(13)
    numbers = ["".join(str(chance.randrange(10)) for _ in range(chance.randrange(8, 20))) for _ in range(600)]
    numbers += [number + luhn.calc_check_digit(number) for number in numbers if len(number) < 19]
    assert answers("passes_luhn", numbers) == [luhn.is_valid(number) for number in numbers]
    assert 400 < sum(answers("passes_luhn", numbers)) < len(numbers)


def test_every_word_runs_in_spark_too() -> None:
    for word in WORDS:
        checked, parts = spelled_out(
            check_condition(f"{word}(x)", columns=["x"], where="test", words=WORDS), WORDS, "_p"
        )
        types = {"x": "VARCHAR", **dict.fromkeys(parts, "BIGINT")}
        assert lint(checked.tree, types={"": types}) == []
        for text in parts.values():
            assert lint(check_condition(text, columns=["x"], where="test").tree, types={"": types}) == []


def test_a_word_takes_one_argument_and_is_a_word_of_rules_only() -> None:
    for text in ("is_mobile()", "is_mobile(x, x)"):
        with pytest.raises(SqlError, match="one argument"):
            check_condition(text, columns=["x"], where="test", words=WORDS)
    for text in ("is_mobile(case when passes_luhn(x) then x end)", "is_mobile(coalesce(x, $business_date))"):
        with pytest.raises(SqlError, match="asked of columns"):
            check_condition(text, columns=["x"], where="test", words=WORDS)
    with pytest.raises(SqlError, match="may not use this function"):
        check_condition("is_mobile(x)", columns=["x"], where="test")


def test_what_a_word_needs_is_made_once_a_row_however_often_it_is_asked() -> None:
    text = "is_resident_id(x) or (is_resident_id(x) and is_resident_id(upper(y)))"
    checked = check_condition(text, columns=["x", "y"], where="test", words=WORDS)
    condition, parts = spelled_out(checked, WORDS, "_p")
    assert len(parts) == 2
    assert condition.sql().count("_p0") == 2 * condition.sql().count("_p1") > 2 * 16
