"""What the lint finds, and that what it asks for instead is right here and understood by Spark's dialect."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from liangcang.engine import Engine
from liangcang.errors import EngineError, SqlError
from liangcang.portability import lint, transpile_to_spark
from liangcang.sql import DIALECT, check_condition, check_select

COLUMNS = {
    "id": "BIGINT",
    "amount": "DECIMAL(18,2)",
    "rate": "DECIMAL(12,8)",
    "score": "DOUBLE",
    "a": "DATE",
    "b": "DATE",
    "instant": "TIMESTAMP WITH TIME ZONE",
    "name": "VARCHAR",
    "codes": "VARCHAR[]",
}
TYPES = {"staged.t": COLUMNS}

MONTHS = "(year(b) * 12 + month(b)) - (year(a) * 12 + month(a))"
RANKED = (
    "select {0} from (select *, row_number() over (partition by name order by amount desc, id) as place from staged.t) "
    "where place = 1"
)
VARIANCE = (
    "cast(count(id) * sum(id * id) - sum(id) * sum(id) as double) / nullif(count(id) * (count(id) - 1), 0) as variance"
)

RULES = {
    # name: what is found, what stands in the message, what to write instead
    "months": ("date_diff('month', a, b) as x", "year(b) * 12", MONTHS + " as x"),
    "years": ("date_diff('year', a, b) as x", "year(b) * 12", "year(b) - year(a) as x"),
    "months_between": ("months_between(a, b) as x", "year(b) * 12", MONTHS + " as x"),
    "date less date": ("b - a as x", "date_diff('day'", "date_diff('day', a, b) as x"),
    "date_sub": ("date_sub('day', a, b) as x", "date_diff('day'", "date_diff('day', a, b) as x"),
    "interval of a column": ("a + interval (id) day as x", "INTERVAL", "a + cast(id as integer) as x"),
    "date of an instant": ("cast(instant as date) as x", "time zone", "a as x"),
    "time zone": ("instant at time zone 'UTC' as x", "instants", "a as x"),
    "approximate count": ("approx_count_distinct(id) as x", "count(distinct", "count(distinct id) as x"),
    "approximate quantile": ("approx_quantile(score, 0.5) as x", "rank the rows", "max(score) as x"),
    "quantile": ("quantile_cont(score, 0.5) as x", "rank the rows", "max(score) as x"),
    "quantile, other spelling": (
        "percentile_cont(0.5) within group (order by score) as x",
        "rank the rows",
        "max(id) as x",
    ),
    "length of a list": ("len(codes) as x", "array_length", "array_length(codes) as x"),
    "length of a made list": (
        "len(string_split(name, ',')) as x",
        "array_length",
        "array_length(string_split(name, ',')) as x",
    ),
    "full match": ("regexp_full_match(name, 'a.*') as x", "regexp_matches", "regexp_matches(name, '^(a.*)$') as x"),
    "similar to": ("name similar to 'a.*' as x", "regexp_matches", "regexp_matches(name, '^(a.*)$') as x"),
    "glob": ("name glob 'a*' as x", "LIKE", "name like 'a%' as x"),
    "first match replaced": ("regexp_replace(name, 'a', 'b') as x", "'g'", "regexp_replace(name, 'a', 'b', 'g') as x"),
    "isodow": ("isodow(a) as x", "Monday", "date_diff('day', date '2024-01-01', a) % 7 as x"),
    "dayofweek": ("dayofweek(a) as x", "Monday", "date_diff('day', date '2024-01-01', a) % 7 as x"),
    "weekday": ("weekday(a) as x", "Monday", "date_diff('day', date '2024-01-01', a) % 7 as x"),
    "division": ("score / id as x", "nullif", "score / nullif(id, 0) as x"),
    "whole division": ("id // id as x", "nullif", "id // nullif(id, 0) as x"),
    "remainder": ("id % id as x", "nullif", "id % nullif(id, 0) as x"),
    "division by a product": ("score / (2 * id) as x", "nullif", "score / nullif(2 * id, 0) as x"),
    "division by a parameter": ("score / $p as x", "nullif", "score / nullif($p, 0) as x"),
    "quotient of decimals": (
        "amount / nullif(id, 0) as x",
        "DOUBLE here",
        "cast(amount as double) / nullif(id, 0) as x",
    ),
    "logarithm": ("log(id) as x", "log10", "log10(id) as x"),
    "slice": ("name[1:3] as x", "substr", "substr(name, 1, 3) as x"),
    "lambda": ("list_transform(codes, lambda c: c) as x", "unnest", "codes as x"),
    "columns": ("min(columns(*))", "COLUMNS", "min(id) as x"),
    "infinity": ("isinf(score) as x", "nullif", "score as x"),
    "json_object": ("json_object('a', id) as x", "json_object", "name as x"),
    "overlap": ("codes && codes as x", "unnest", "list_contains(codes, 'a') as x"),
    "function of DuckDB alone": ("strlen(name) as x", "Spark has no such function", "length(name) as x"),
    "function that Spark reads otherwise": (
        "cardinality(codes) as x",
        "Spark has no such function",
        "array_length(codes) as x",
    ),
    "first": ("first(name) as x", "number the rows", "min(name) as x"),
    "last": ("last(name order by id) as x", "number the rows", "max(name) as x"),
    "any_value": ("any_value(name) as x", "number the rows", "min(name) as x"),
    "arg_max": ("arg_max(name, amount) as x", "number the rows", "max(amount) as x"),
    "arg_min": ("min_by(name, amount) as x", "number the rows", "min(amount) as x"),
    "mode": ("mode(name) as x", "number the rows", "min(name) as x"),
    "list": ("list(name) as x", "list_sort", "list_sort(list(name)) as x"),
    "ordered list": ("array_agg(name order by id) as x", "list_sort", "list_sort(array_agg(name)) as x"),
    "string_agg": ("string_agg(name, ',') as x", "ORDER BY", "string_agg(name, ',' order by id) as x"),
    "ordered sum": ("sum(amount order by id) as x", "ORDER BY", "sum(amount) as x"),
    "sum of doubles": ("sum(score) as x", "exact sums", "sum(amount) as x"),
    "sum of cast doubles": ("sum(cast(amount as double)) as x", "exact sums", "sum(amount) as x"),
    "mean of doubles": ("avg(score) as x", "exact sums", "cast(sum(amount) as double) / nullif(count(amount), 0) as x"),
    "fsum": ("fsum(score) as x", "exact sums", "sum(amount) as x"),
    "stddev": ("stddev(id) as x", "exact sums", VARIANCE),
    "variance": ("var_samp(id) as x", "exact sums", VARIANCE),
    "correlation": ("corr(id, score) as x", "exact sums", VARIANCE),
    "product": ("amount * amount as x", "DECIMAL(38", "cast(amount as decimal(38, 2)) * amount as x"),
    "product with a rate": ("amount * rate as x", "DECIMAL(38", "amount * cast(rate as decimal(38, 8)) as x"),
    "product in a sum": (
        "sum(amount * amount) as x",
        "DECIMAL(38",
        "sum(cast(amount as decimal(38, 2)) * amount) as x",
    ),
    "product of a difference": (
        "(amount - 1) * amount as x",
        "DECIMAL(38",
        "cast(amount - 1 as decimal(38, 2)) * amount as x",
    ),
    "product of cases": (
        "case when id = 1 then amount else 0 end * coalesce(rate, 1) as x",
        "DECIMAL(38",
        "case when id = 1 then amount else 0 end * cast(coalesce(rate, 1) as decimal(38, 8)) as x",
    ),
    "row number": (
        "row_number() over (partition by id) as x",
        "without ORDER BY",
        "row_number() over (order by id) as x",
    ),
    "lag": ("lag(id) over () as x", "without ORDER BY", "lag(id) over (order by id) as x"),
    "last_value": (
        "last_value(id ignore nulls) over (partition by name) as x",
        "without ORDER BY",
        "last_value(id ignore nulls) over (order by id) as x",
    ),
    "clock": ("current_date as x", "business_date", "$business_date as x"),
    "now": ("now() as x", "business_date", "$business_date as x"),
    "chance": ("random() as x", "same rows", "id as x"),
    "uuid": ("uuid() as x", "same rows", "md5(name) as x"),
    "variable": ("getvariable('d') as x", "$name", "$d as x"),
    "name asof": ("id as asof", "as_of_date", "id as as_of_date"),
}

QUERIES = {
    "asof join": (
        "select t.id from staged.t as t asof join staged.t as u on t.a >= u.a",
        "ASOF JOIN",
        RANKED.format("id"),
    ),
    "natural join": ("select * from staged.t as t natural join staged.t as u", "NATURAL JOIN", RANKED.format("id")),
    "pivot": (
        "select * from (pivot staged.t on name using sum(amount))",
        "filter",
        "select sum(amount) filter (where name = 'x') as x from staged.t",
    ),
    "distinct on": (
        "select distinct on (name) name, id from staged.t order by id",
        "DISTINCT ON",
        RANKED.format("name, id"),
    ),
    "limit": ("select id from staged.t limit 3", "LIMIT", "select id from staged.t order by id limit 3"),
    "recursive union": (
        "with recursive r as (select 1 as n union select n % 3 from r) select n from r",
        "UNION ALL",
        "with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select n from r",
    ),
    "sample": ("select id from staged.t using sample 3", "sample", "select id from staged.t"),
    "file": ("select * from 'staged/t.parquet'", "file", "select id from staged.t"),
    "table function": ("select * from read_parquet('t.parquet')", "table function", "select id from staged.t"),
    "position": ("select #1 from staged.t", "name the column", "select id from staged.t"),
    "named window without order": (
        "select row_number() over w as x from staged.t window w as (partition by name)",
        "without ORDER BY",
        "select row_number() over w as x from staged.t window w as (partition by name order by id)",
    ),
    "doubles behind an expression": (
        "with s as (select score * 2 as twice from staged.t) select sum(twice) as x from s",
        "exact sums",
        "with s as (select amount + amount as twice from staged.t) select sum(twice) as x from s",
    ),
}

EXAMPLES = {
    **{
        name: (f"select {bad} from staged.t", words, f"select {good} from staged.t")
        for name, (bad, words, good) in RULES.items()
    },
    **QUERIES,
}


def found(sql: str, types: dict[str, dict[str, str]] | None = TYPES) -> list[str]:
    return lint(sqlglot.parse_one(sql, dialect=DIALECT), types=types)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory):
    with Engine(read=[], write=None, spill=tmp_path_factory.mktemp("spill")) as made:
        made.view("staged.t", [], COLUMNS)
        yield made


@pytest.mark.parametrize(("bad", "words", "good"), EXAMPLES.values(), ids=EXAMPLES.keys())
def test_each_rule_finds_its_example_and_names_the_way_out(bad: str, words: str, good: str):
    messages = found(bad)
    assert any(words in message for message in messages), messages
    assert all(message.startswith("line ") for message in messages)
    assert found(good) == []


@pytest.mark.parametrize("good", [good for _, _, good in EXAMPLES.values()], ids=EXAMPLES.keys())
def test_the_way_out_passes_the_list_and_runs_here_and_in_spark_s_dialect(engine: Engine, good: str):
    checked = check_select(good, tables=["staged.t"], where="f")
    engine.describe(checked.sql(dict.fromkeys(checked.parameters, dt.date(2026, 1, 1) if "date" in good else 1)))
    assert sqlglot.parse_one(transpile_to_spark(checked), dialect="spark")


def test_every_message_stands_on_its_line():
    messages = found("select\n  id,\n  random() as x,\n  first(name) as y\nfrom staged.t\ngroup by id")
    assert [message.partition(":")[0] for message in messages] == ["line 3", "line 4"]


def test_without_types_only_what_is_written_is_judged():
    assert found("select amount * amount as x, sum(score) as s, b - a as d, len(codes) as l from staged.t", None) == []
    assert (
        len(found("select cast(amount as decimal(18, 2)) * cast(rate as decimal(12, 8)) as x from staged.t", None)) == 1
    )
    assert len(found("select sum(cast(score as double)) as x from staged.t", None)) == 1
    assert len(found("select date '2026-01-02' - date '2026-01-01' as x", None)) == 1


def test_a_formula_is_judged_by_the_types_of_its_columns():
    checked = check_condition("amount * rate > $floor and b - a > 3 and score / id < 1", columns=COLUMNS, where="f")
    assert len(lint(checked.tree, types={"": COLUMNS})) == 3  # product, dates, division
    assert len(lint(checked.tree)) == 1


def test_names_that_cannot_be_resolved_leave_the_other_rules():
    assert found("select missing * missing as x, random() as y from staged.t, staged.t") != []


def test_the_lint_leaves_the_tree_as_it_was():
    for bad, _, good in EXAMPLES.values():
        for sql in (bad, good):
            tree = sqlglot.parse_one(sql, dialect=DIALECT)
            before = tree.sql(DIALECT)
            lint(tree, types=TYPES)
            assert tree.sql(DIALECT) == before


def test_small_factors_and_short_decimals_need_no_cast():
    assert (
        found(
            "select amount * 0.5 as x, amount * 100 as y, cast(1 as decimal(9, 2)) * cast(2 as decimal(9, 2)) as z from staged.t"
        )
        == []
    )
    assert found("select sum(amount) * rate as x from staged.t group by rate") == []


def test_a_large_balance_does_not_kill_the_night(engine: Engine):
    """DECIMAL(18,2) times itself raises from 10 million on; with one side cast it is exact."""
    engine.rows("create table large as select cast(99999999.99 as decimal(18, 2)) as amount")
    with pytest.raises(EngineError):
        engine.rows("select amount * amount from large")
    (value,) = engine.rows("select cast(amount as decimal(38, 2)) * amount from large")[0]
    assert value == Decimal("99999999.99") ** 2 == Decimal("9999999998000000.0001")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            ["DECIMAL(4,2)", "DECIMAL(9,2)", "DECIMAL(18,2)", "DECIMAL(18,6)", "DECIMAL(20,2)", "DECIMAL(38,2)"]
        ),
        min_size=2,
        max_size=2,
    )
)
def test_a_product_that_passes_the_lint_never_overflows_early(engine: Engine, kinds: list[str]):
    """What the lint lets through holds the product of the largest values, or has all 38 digits to hold it."""
    left, right = kinds
    types = {"staged.t": {"x": left, "y": right}}
    if found("select x * y as z from staged.t", types):
        return
    largest = [("9" * (digits - scale)) + "." + "9" * scale for digits, scale in map(_parts, kinds)]
    question = f"select cast({largest[0]} as {left}) * cast({largest[1]} as {right})"
    if sum(_parts(kind)[0] for kind in kinds) <= 38:
        assert engine.rows(question) == [(Decimal(largest[0]) * Decimal(largest[1]),)]
    else:
        assert "DECIMAL(38," in engine.describe(question).popitem()[1]


def _parts(kind: str) -> tuple[int, int]:
    digits, scale = kind.removeprefix("DECIMAL(").removesuffix(")").split(",")
    return int(digits), int(scale)


def test_monday_is_counted_alike(engine: Engine):
    """The form that replaces isodow: 0 on a Monday, on any day after 2024."""
    for day in (dt.date(2026, 1, 1) + dt.timedelta(days=n) for n in range(30)):
        assert engine.rows("select date_diff('day', date '2024-01-01', $d) % 7", d=day) == [(day.weekday(),)]


def test_months_are_counted_by_the_calendar(engine: Engine):
    days = [dt.date(2025, 12, 31), dt.date(2026, 1, 1), dt.date(2026, 1, 31), dt.date(2026, 2, 28), dt.date(2026, 3, 1)]
    for a, b in itertools.product(days, repeat=2):
        question = f"select {MONTHS}, date_diff('month', a, b) from (select $a as a, $b as b)"
        assert engine.rows(question, a=a, b=b) == [((b.year - a.year) * 12 + b.month - a.month,) * 2]


def test_spark_keeps_parameters_and_orders_nulls_last():
    checked = check_select("select id from staged.t where amount > $floor order by id", tables=None, where="f")
    assert transpile_to_spark(checked) == "SELECT id FROM staged.t WHERE amount > :floor ORDER BY id NULLS LAST"


def test_what_spark_cannot_say_is_an_error():
    with pytest.raises(SqlError, match="Spark"):
        transpile_to_spark(check_select("select max(id, 3) as x from staged.t", tables=None, where="f"))


def test_the_lint_covers_every_node_that_the_list_allows():
    """Each rule's message is about a node that can be met: none is about a class that sqlglot no longer has."""
    for bad, words, _ in EXAMPLES.values():
        tree = sqlglot.parse_one(bad, dialect=DIALECT)
        assert isinstance(tree, exp.Query), (bad, words)
