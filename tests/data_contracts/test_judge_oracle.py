"""The judge against a naive one in plain Python, over random contracts and deliveries of odd texts.

The naive judge shares nothing with the scan: it reads cells with `re`, `Decimal` and `datetime`, looks at one row after
the other and compares all rows with all others.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deliveries import bad, contract, deliver, good, prop, rule
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts.contract import Contract, Property, Rule
from data_contracts.judge import judge
from liangcang.engine import Engine

Row = Mapping[str, Any]

ACCOUNTS = ("A", "B", "AB")
SHAPES = {  # format -> shape of the text, strptime's format
    "yyyy-MM-dd": (r"\d{4}-\d\d-\d\d", "%Y-%m-%d"),
    "yyyyMMdd": (r"\d{8}", "%Y%m%d"),
    "dd/MM/yyyy": (r"\d\d/\d\d/\d{4}", "%d/%m/%Y"),
    "yyMMdd": (r"\d{6}", "%y%m%d"),
    "yyMMdd HH:mm:ss": (r"\d{6} \d\d:\d\d:\d\d", "%y%m%d %H:%M:%S"),
    "yyyy-MM-dd HH:mm:ss": (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "%Y-%m-%d %H:%M:%S"),
}
INTEGERS = {"BIGINT": 63, "SMALLINT": 15}


# -- the naive judge ---------------------------------------------------------------------------------------------------


def naive_value(column: Property, text: str) -> Any:
    """The value of a text, None when it has none."""
    if column.type == "VARCHAR":
        return text
    if column.type == "BOOLEAN":
        words = {"1": True, "Y": True, "T": True, "true": True, "TRUE": True}
        return words.get(text, False if text in ("0", "N", "F", "false", "FALSE") else None)
    if column.type in ("DATE", "TIMESTAMP"):
        return naive_moment(column, text)
    whole = column.type in INTEGERS or column.decimal_places is not None
    if not re.fullmatch(r"[+-]?[0-9]+" if whole else r"[+-]?[0-9]+(\.[0-9]+)?", text):
        return None
    if column.type in INTEGERS:
        value = int(text)
        return value if -(2 ** INTEGERS[column.type]) <= value < 2 ** INTEGERS[column.type] else None
    if column.type == "DOUBLE":
        return float(text) if math.isfinite(float(text)) else None
    width, scale = map(int, re.findall(r"\d+", column.type))
    with localcontext() as exact:
        exact.prec = 200
        value = Decimal(text).scaleb(-(column.decimal_places or 0))
        units = value.scaleb(scale)
        return value if units == units.to_integral_value() and abs(units) < 10**width else None


def naive_moment(column: Property, text: str) -> Any:
    layout = column.format or ("yyyy-MM-dd" if column.type == "DATE" else "yyyy-MM-dd HH:mm:ss")
    shape, pattern = SHAPES[layout]
    if not re.fullmatch(shape, text, re.ASCII):
        return None
    try:
        value = dt.datetime.strptime(text, pattern)
    except ValueError:
        return None
    if column.type == "TIMESTAMP":
        return value
    return value.date() if value.time() == dt.time(0) else None


@dataclass
class Naive:
    """What the naive judge says: values of good rows, reasons of bad rows, duplicates, and counts a rule."""

    good: dict[int, tuple[Any, ...]] = field(default_factory=dict)
    bad: dict[int, set[str]] = field(default_factory=dict)
    duplicates: set[int] = field(default_factory=set)
    failed: Counter[str] = field(default_factory=Counter)


def naive_judge(
    given: Contract, predicates: Mapping[str, Callable[[Row], bool | None]], rows: Sequence[Sequence[str]]
) -> Naive:
    found, seen, kept = Naive(), set[tuple[str, ...]](), list[tuple[int, Row, Row]]()
    for number, texts in enumerate(rows, start=1):
        if given.key and tuple(texts) in seen:
            found.duplicates.add(number)
            continue
        seen.add(tuple(texts))
        text = {
            p.name: None if cell in p.null_values else cell for p, cell in zip(given.properties, texts, strict=True)
        }
        value = {p.name: None if text[p.name] is None else naive_value(p, str(text[p.name])) for p in given.properties}
        kept.append((number, text, value))
    implied = [rule(f"{p.name}.parse", "parse", p.name) for p in given.properties if p.type != "VARCHAR"]
    rules = [*(r for r in implied if r.id not in {w.id for w in given.rules}), *given.rules]
    removing = {(r.kind, r.columns) for r in rules if r.severity != "warning"}
    for number, text, value in kept:
        reasons = set()
        for each in rules:
            if naive_breach(given, each, predicates, number, text, value, kept, removing):
                found.failed[each.id] += 1
                reasons |= {each.id} if each.severity != "warning" else set()
        if reasons:
            found.bad[number] = reasons
        else:
            found.good[number] = tuple(value.values())
    return found


def naive_breach(
    given: Contract,
    each: Rule,
    predicates: Mapping[str, Callable[[Row], bool | None]],
    number: int,
    text: Row,
    value: Row,
    kept: Sequence[tuple[int, Row, Row]],
    removing: set[tuple[str, tuple[str, ...]]],
) -> bool:
    if each.kind == "row":
        return predicates[each.id](value) is False
    mine = tuple(value[c] for c in each.columns)
    if each.kind == "key":
        if None in mine:
            return each.columns == given.key and any(naive_open(given, c, value, removing) for c in each.columns)
        return any(n != number and tuple(other[c] for c in each.columns) == mine for n, _, other in kept)
    if each.kind == "reference":
        return None not in mine and mine not in {(account,) for account in ACCOUNTS}
    cell, typed = text[each.columns[0]], mine[0]
    if each.kind == "required":
        return cell is None
    if cell is None:
        return False
    if each.kind == "parse":
        return typed is None
    if each.kind == "enum":
        return cell not in each.values
    if each.kind == "pattern":
        return not re.fullmatch(str(each.pattern), cell)
    if each.kind == "length":
        return not (each.min_length or 0) <= len(cell) <= (each.max_length if each.max_length is not None else 10**9)
    assert each.kind == "range"
    return typed is not None and any(
        bound is not None and beyond(typed, naive_bound(typed, bound))
        for bound, beyond in ((each.minimum, lambda a, b: a < b), (each.maximum, lambda a, b: a > b))
    )


def naive_open(given: Contract, column: str, value: Row, removing: set[tuple[str, tuple[str, ...]]]) -> bool:
    """Whether a key column is null and no rule of its own is sure to take such rows out."""
    of = given.property(column)
    guarded = ("required", (column,)) in removing and (of.type == "VARCHAR" or ("parse", (column,)) in removing)
    return value[column] is None and not guarded


def naive_bound(value: Any, bound: str) -> Any:
    if isinstance(value, dt.datetime):
        return dt.datetime.fromisoformat(bound)
    return dt.date.fromisoformat(bound) if isinstance(value, dt.date) else Decimal(bound)


# -- random contracts and deliveries -----------------------------------------------------------------------------------


NUMBERS = (
    *(
        "0",
        "1",
        "01",
        "+1",
        "-1",
        "-0",
        "2",
        "1.5",
        "1.50",
        "1.505",
        "1.500",
        "-0.00",
        "12.34",
        "99.99",
        "100.00",
        "1e5",
    ),
    *("1_000", " 1", "1 ", "0x10", "NaN", "inf", "-inf", "1.", ".5", "１", "32768", "-32768", "9223372036854775807"),
    *("9223372036854775808", "999999.99", "9" * 40, "9" * 400, "0" * 50 + "7", "1,000", "--1", "12a"),
)
DATES = (
    *("2024-02-29", "2023-02-29", "20240229", "20230229", "29/02/2024", "31/04/2024", "240229", "230229", "690101"),
    *("680101", "1999-12-31", "0000-01-01", "0001-01-01", "9999-12-31", "99999-12-31", "00000101", "epoch", "infinity"),
    *("2024-1-1", "2024-02-29 ", "930107 23:59:59", "930107 00:00:00", "930107 24:00:00", "930132 00:00:00"),
    *("2024-02-29 23:59:59", "2024-02-29 23:59:60", "2024-02-29T10:00:00", "2024-02-29 (BC)", "٢٠٢٤-01-01"),
)
TEXTS = (
    "A",
    "B",
    "C",
    "AB",
    "ABC",
    "a",
    "Ａ",
    "A ",
    "A\u200b",
    "粮仓",
    "'",
    '"',
    "%",
    "\\",
    "A\nB",
    "{",
    "11010519491231002X",
)
NOTHING = ("", " ", "NULL")
WORDS = ("1", "0", "Y", "N", "true", "FALSE", "yes", "t", "2")


def both(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def known(test: Callable[..., bool], *values: Any) -> bool | None:
    return None if None in values else test(*values)


PREDICATES: dict[str, tuple[str, set[str], Callable[[Row], bool | None]]] = {
    "Q1": ("qty < amount", {"qty", "amount"}, lambda r: known(lambda q, a: q < a, r["qty"], r["amount"])),
    "Q2": (
        "not (code = 'A' and amount >= 1.5)",
        {"code", "amount"},
        lambda r: {True: False, False: True, None: None}[
            both(known(lambda c: c == "A", r["code"]), known(lambda a: a >= Decimal("1.5"), r["amount"]))
        ],
    ),
    "Q3": (
        "day is null or day > date '2000-01-01'",
        {"day"},
        lambda r: True if r["day"] is None else r["day"] > dt.date(2000, 1, 1),
    ),
    "Q4": ("code <> name", {"code", "name"}, lambda r: known(lambda c, n: c != n, r["code"], r["name"])),
}


@st.composite
def columns(draw: st.DrawFn) -> list[Property]:
    choices: list[tuple[str, str, dict[str, Any]]] = [
        ("code", "VARCHAR", {}),
        ("name", "VARCHAR", {}),
        ("qty", draw(st.sampled_from(["BIGINT", "SMALLINT"])), {}),
        ("amount", draw(st.sampled_from(["DECIMAL(18,2)", "DECIMAL(4,2)", "DECIMAL(5,0)"])), {}),
        ("cents", "DECIMAL(6,2)", {"decimal_places": draw(st.sampled_from([0, 1, 2]))}),
        (
            "day",
            "DATE",
            {"format": draw(st.sampled_from([None, "yyyyMMdd", "dd/MM/yyyy", "yyMMdd", "yyMMdd HH:mm:ss"]))},
        ),
        ("at", "TIMESTAMP", {"format": draw(st.sampled_from([None, "yyMMdd HH:mm:ss"]))}),
        ("flag", "BOOLEAN", {}),
        ("rate", "DOUBLE", {}),
    ]
    taken = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=5, unique_by=lambda c: c[0]))
    keys = draw(st.sets(st.sampled_from([c[0] for c in taken if c[0] != "rate"] or ["none"]), max_size=2))
    nulls = st.lists(st.sampled_from(NOTHING), max_size=3, unique=True).map(tuple)
    return [prop(name, type, key=name in keys, null_values=draw(nulls), **more) for name, type, more in taken]


@st.composite
def rules(draw: st.DrawFn, given: Sequence[Property]) -> list[Rule]:
    severity = st.sampled_from(["error", "quarantine", "warning"])

    def some(id: str, kind: str, *names: str, **more: Any) -> Iterator[Rule]:
        if draw(st.booleans()):
            yield rule(id, kind, *names, severity=draw(severity), **more)

    made: list[Rule] = []
    for p in given:
        made += some(f"{p.name}.required", "required", p.name)
        made += some(f"{p.name}.parse", "parse", p.name) if p.type != "VARCHAR" else ()
        made += some(f"{p.name}.enum", "enum", p.name, values=tuple(draw(st.lists(cell(p), min_size=1, max_size=4))))
        made += some(f"{p.name}.length", "length", p.name, min_length=draw(st.sampled_from([None, 1, 2])), max_length=3)
        made += some(
            f"{p.name}.pattern",
            "pattern",
            p.name,
            pattern=draw(st.sampled_from(["[A-C]+", "A|AB", "[^ ]*", "[0-9.]+"])),
        )
        if p.type in ("BIGINT", "SMALLINT", "DOUBLE") or p.type.startswith("DECIMAL"):
            made += some(
                f"{p.name}.range", "range", p.name, minimum=draw(st.sampled_from([None, "0", "-0.5"])), maximum="99.99"
            )
        if p.type == "DATE":
            made += some(
                f"{p.name}.range",
                "range",
                p.name,
                minimum="1990-01-01",
                maximum=draw(st.sampled_from([None, "2024-02-29"])),
            )
        if p.type == "VARCHAR":
            made += some(f"{p.name}.reference", "reference", p.name, references=("staged.account", ("account_id",)))
    names = {p.name for p in given}
    for id, (predicate, needs, _) in PREDICATES.items():
        made += some(id, "row", predicate=predicate) if needs <= names else ()
    if key := tuple(p.name for p in given if p.key):
        made.append(rule("key", "key", *key))
    other = draw(st.sampled_from([p.name for p in given if p.type != "DOUBLE"] or [given[0].name]))
    made += some("unique", "key", other) if (other,) != key and given[0].type != "DOUBLE" else ()
    return made


def cell(column: Property) -> st.SearchStrategy[str]:
    """Texts for a column: those that its type makes sense of, those that it does not, and a few of any kind."""
    pool = {"DATE": DATES, "TIMESTAMP": DATES, "VARCHAR": TEXTS, "BOOLEAN": WORDS}.get(column.type, NUMBERS)
    anything = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
    return st.sampled_from(pool) | st.sampled_from(pool[:4]) | st.sampled_from(NOTHING) | anything


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[Contract, list[tuple[str, ...]]]:
    given_columns = draw(columns())
    given_contract = contract(given_columns, *draw(rules(given_columns)))
    row = st.tuples(*(cell(p) for p in given_columns))
    rows = draw(st.lists(row, max_size=8))
    again = draw(st.lists(st.sampled_from(rows), max_size=4)) if rows else []
    return given_contract, draw(st.permutations([*rows, *again]))


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    spill: Path = tmp_path_factory.mktemp("spill")
    with Engine(read=[], write=None, spill=spill) as engine:
        engine.con.execute(f"create temp table account as select unnest({list(ACCOUNTS)}) as account_id")
        yield engine.con


@settings(max_examples=80, deadline=None)
@given(delivery=deliveries())
def test_the_scan_says_what_a_naive_judge_says(
    con: duckdb.DuckDBPyConnection, delivery: tuple[Contract, list[tuple[str, ...]]]
) -> None:
    both_say_the_same(con, *delivery)


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(delivery=deliveries())
def test_the_scan_says_what_a_naive_judge_says_of_many_deliveries(
    con: duckdb.DuckDBPyConnection, delivery: tuple[Contract, list[tuple[str, ...]]]
) -> None:
    both_say_the_same(con, *delivery)


def both_say_the_same(con: duckdb.DuckDBPyConnection, given_contract: Contract, rows: list[tuple[str, ...]]) -> None:
    deliver(con, given_contract, rows)
    found = judge(con, given_contract, references={"staged.account": "account"})
    naive = naive_judge(given_contract, {id: p[2] for id, p in PREDICATES.items()}, rows)
    assert good(con, found) == naive.good
    assert {number: set(reasons) for number, reasons in bad(con, found).items()} == naive.bad
    assert {n for (n,) in con.execute(f"select _row_no from {found.duplicate_rows}").fetchall()} == naive.duplicates
    of_rows = {r.rule_id: r.failed for r in found.results if r.kind != "volume"}
    assert of_rows == {rule_id: naive.failed[rule_id] for rule_id in of_rows}
    assert set(naive.failed) <= set(of_rows)


@settings(max_examples=30, deadline=None)
@given(delivery=deliveries(), rejected=st.integers(0, 3))
def test_every_delivered_row_ends_in_exactly_one_place(
    con: duckdb.DuckDBPyConnection, delivery: tuple[Contract, list[tuple[str, ...]]], rejected: int
) -> None:
    given_contract, rows = delivery
    deliver(con, given_contract, rows, rejected=rejected)
    found = judge(con, given_contract, references={"staged.account": "account"})
    places = [
        number
        for relation in (found.good_rows, found.bad_rows, found.duplicate_rows, "rejected")
        for (number,) in con.execute(f"select _row_no from {relation}").fetchall()
    ]
    assert sorted(places) == list(range(1, len(rows) + rejected + 1))
    assert sum(count for _, count in found.conservation[1:]) == found.delivered == len(rows) + rejected
    together = con.execute(f"select count(*) from {found.typed_rows}").fetchone()
    assert together == (found.good + found.quarantined,)
