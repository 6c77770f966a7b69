"""What SQL of a contract or a catalogue may say, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from escapes import ESCAPES, FORMULAS, Escape
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from liangcang.engine import Engine
from liangcang.errors import LiangcangError, SqlError
from liangcang.sql import DIALECT, check_condition, check_select, literal

TABLES = ("staged.x", "conformed.account")
COLUMNS = {"in_avg3": "DOUBLE", "in_prev9": "DOUBLE", "five_class": "INTEGER", "name": "VARCHAR"}

ALLOWED = (
    "select 1 as a",
    "select * from staged.x",
    "from staged.x select id",
    "select x.* exclude (id), 1 as one from staged.x as x",
    "select * replace (id + 1 as id) from staged.x",
    "with a as (select id from staged.x) select * from a",
    "with x as (select id from staged.x) select * from x",
    "with a as (select 1 as n), b as (select n + 1 as n from a) select * from a join b using (n)",
    "with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select n from r",
    "select id from staged.x union all select account_id from conformed.account",
    "(select 1 as a) union all (select 2)",
    "select * from (values (1, 'a'), (2, 'b')) as v(n, t)",
    "select id, row_number() over (partition by id order by id) as n from staged.x qualify n = 1",
    "select sum(id) over w as s from staged.x window w as (order by id rows between 2 preceding and current row)",
    "select count(*) filter (where id > 1) as n, sum(distinct id) as s from staged.x group by all order by all limit 3",
    "select id from staged.x as x where exists (select 1 from conformed.account as a where a.account_id = x.id)",
    "select case when id in (1, 2) then 'a' when id between 3 and 4 then 'b' else null end as c from staged.x",
    "select t from staged.x, unnest([1, 2]) as u(t)",
    "select cast(id as decimal(38, 2)) * 2 as c, try_cast('1' as integer) as d, id::varchar as e from staged.x",
    "select date_diff('day', date '2026-01-01', date '2026-02-01') as d, last_day(date '2026-02-01') as l",
    "select date '2026-01-31' + interval 1 month as m, date '2026-01-31' - 30 as d, date_trunc('month', date '2026-01-31') as t",
    "select strftime(date '2026-01-31', '%Y%m') as m, strptime('2026-01-31', '%Y-%m-%d')::date as d, year(date '2026-01-31') as y",
    "select lower('A') || upper('b') as t, substr('abc', 2, 1) as s, trim(' a ') as r, lpad('1', 3, '0') as p",
    "select regexp_matches('a1', '^[a-z][0-9]$') as m, split_part('a,b', ',', 2) as s, replace('a', 'a', 'b') as r",
    "select coalesce(null, 1) as c, nullif(1, 1) as n, greatest(1, 2) as g, round(1.5, 0) as r, abs(-1) as a",
    "select a is distinct from b as d, a is null as n, not a = b as e from (select 1 as a, 2 as b)",
    "select list_sort(list(id)) as l, array_length([1, 2]) as n, list_contains([1], 1) as c from staged.x",
    "select {'a': id} as s from staged.x",
    "select 'it''s; -- $floor' as t",
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory):
    with Engine(read=[], write=None, spill=tmp_path_factory.mktemp("spill")) as made:
        made.rows("create schema staged")
        made.rows("create schema conformed")
        made.rows("create table staged.x as select range as id from range(1, 6)")
        made.rows("create table conformed.account as select range as account_id from range(3, 9)")
        yield made


@pytest.mark.parametrize("escape", ESCAPES, ids=lambda escape: escape.name)
def test_the_fifty_escapes_are_refused_by_the_allow_list(escape: Escape):
    with pytest.raises(SqlError) as refused:
        check_select(escape.sql, tables=TABLES, where="conform/x.sql")
    assert refused.value.details["file"] == "conform/x.sql"
    assert int(refused.value.details["line"]) >= 1


@pytest.mark.parametrize("escape", [e for e in ESCAPES if e.sealed], ids=lambda escape: escape.name)
def test_escapes_are_refused_when_any_table_may_be_read(escape: Escape):
    with pytest.raises(SqlError):
        check_select(escape.sql, tables=None, where="conform/x.sql")


@pytest.mark.parametrize("formula", FORMULAS)
def test_formulas_reach_nothing_but_their_columns(formula: str):
    with pytest.raises(SqlError):
        check_condition(formula, columns=["id"], where="entry.yaml")


@pytest.mark.parametrize("text", ALLOWED)
def test_what_the_tree_says_is_what_the_text_said(engine: Engine, text: str):
    checked = check_select(text, tables=TABLES, where="conform/x.sql")
    expected, found = engine.describe(text), engine.describe(checked.sql())
    assert list(found.values()) == list(expected.values())
    assert sorted(engine.rows(checked.sql()), key=str) == sorted(engine.rows(text), key=str)


def test_what_was_checked_passes_again():
    for text in ALLOWED:
        once = check_select(text, tables=TABLES, where="f").sql()
        assert check_select(once, tables=TABLES, where="f").sql() == once


def test_inputs_are_the_stored_tables_and_not_the_expressions():
    text = "with x as (select * from staged.x), account as (select 1 as a) select * from x, account, conformed.account as c"
    assert check_select(text, tables=None, where="f").inputs == ("conformed.account", "staged.x")


def test_an_expression_hides_its_name_only_where_it_holds():
    check_select("with a as (select 1 as n) select * from (select * from a) as b", tables=(), where="f")
    with pytest.raises(SqlError, match="tables only"):
        check_select("select * from (with a as (select 1 as n) select * from a) as b, a", tables=(), where="f")


def test_an_expression_never_hides_a_stored_table():
    text = 'with "staged.x" as (select 1 as a) select * from "staged.x"'
    with pytest.raises(SqlError):
        check_select(text, tables=TABLES, where="f")


def test_an_unknown_table_is_named_with_its_line_and_its_likely_name():
    with pytest.raises(SqlError) as refused:
        check_select("select *\nfrom conformed.acount\n", tables=TABLES, where="conform/x.sql", line=10)
    assert refused.value.details["line"] == "11"
    assert refused.value.details["field"] == "conformed.acount"
    assert refused.value.details["next"] == "did you mean conformed.account?"


def test_a_mistake_is_shown_with_its_line():
    with pytest.raises(SqlError) as refused:
        check_select("select id\nfrom staged.x\nwhere (id = 1", tables=TABLES, where="conform/x.sql", line=5)
    assert refused.value.details["line"] == "7"
    assert "\x1b" not in str(refused.value)


def test_a_formula_tells_its_columns_and_parameters():
    checked = check_condition("IN_AVG3 / in_prev9 - 1 <= $severe and name = 'a'", columns=COLUMNS, where="f")
    assert checked.columns == ("in_avg3", "in_prev9", "name")
    assert checked.parameters == ("severe",)
    assert checked.inputs == ()


def test_an_unknown_column_is_named_with_its_likely_name():
    with pytest.raises(SqlError) as refused:
        check_condition("in_avg3 > 1 and\n in_prev8 > 2", columns=COLUMNS, where="R045.yaml", line=7)
    assert refused.value.details["line"] == "8"
    assert refused.value.details["next"] == "did you mean in_prev9?"


def test_braces_are_told_from_parameters():
    with pytest.raises(SqlError) as refused:
        check_condition("in_prev9 < {floor}", columns=COLUMNS, where="R045.yaml")
    assert refused.value.details["next"] == "write $floor"


@pytest.mark.parametrize("word", ["now()", "current_date", "age(name)"])
def test_a_clock_is_refused_with_the_way_out(word: str):
    with pytest.raises(SqlError) as refused:
        check_condition(f"name = {word}", columns=COLUMNS, where="f")
    assert "business_date or a parameter" in refused.value.details["next"]


def test_a_parameter_needs_a_value_and_a_value_a_parameter():
    checked = check_condition("in_avg3 < $floor", columns=COLUMNS, where="f")
    with pytest.raises(SqlError, match="do not match"):
        checked.sql()
    with pytest.raises(SqlError, match="do not match"):
        checked.sql({"floor": 1, "flor": 2})


@pytest.mark.parametrize(
    "value", [dt.datetime(2026, 1, 1), float("nan"), float("inf"), Decimal("NaN"), [1], b"a", "a\0b"]
)
def test_only_plain_values_become_literals(value: object):
    with pytest.raises(SqlError, match="not a value"):
        literal(value)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63) + 1, 2**63 - 1),
    st.decimals(
        allow_nan=False, allow_infinity=False, min_value=Decimal(-(10**15)), max_value=Decimal(10**15), places=4
    ),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40),
    st.dates(),
)


@given(VALUES)
def test_a_parameter_is_its_value_and_never_syntax(engine: Engine, value: object):
    checked = check_select("select $p as p, $p as q where 'a' <> 'b'", tables=(), where="f")
    assert engine.rows(checked.sql({"p": value})) == [(value, value)]


@given(st.integers(-1000, 1000), st.sampled_from(["10 - $p", "10 -$p", "- $p", "2 * $p - 1", "$p between -1 and 1"]))
def test_a_negative_parameter_keeps_its_sign(engine: Engine, value: int, formula: str):
    checked = check_condition(formula, columns=(), where="f")
    oracle = {
        "10 - $p": 10 - value,
        "10 -$p": 10 - value,
        "- $p": -value,
        "2 * $p - 1": 2 * value - 1,
        "$p between -1 and 1": -1 <= value <= 1,
    }
    assert engine.rows(f"select {checked.sql({'p': value})}") == [(oracle[formula],)]


def test_a_decimal_keeps_its_scale():
    assert literal(Decimal("-0.70")).sql(DIALECT) == "CAST((-0.70) AS DECIMAL(2, 2))"


@given(st.text(max_size=60))
def test_any_text_is_checked_or_refused(text: str):
    for check in (
        lambda: check_select(text, tables=TABLES, where="f"),
        lambda: check_condition(text, columns=COLUMNS, where="f"),
    ):
        try:
            tree = check().tree
        except LiangcangError:
            continue
        assert not tree.find(exp.Command, exp.Anonymous)
