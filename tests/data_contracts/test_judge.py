"""What the judge says of deliveries made by hand, rule by rule."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import duckdb
import polars as pl
import pytest
from deliveries import bad, contract, deliver, failed, good, judged, prop, rule

from data_contracts.contract import Authorisation, Volume
from data_contracts.judge import judge
from data_contracts.judgement import QUALITY_COLUMNS, results_frame
from liangcang.engine import Engine
from liangcang.errors import ContractError, EngineError, LiangcangError, SqlError

ID_NUMBER = "11010519491231002X"


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with Engine(read=[], write=None, spill=tmp_path_factory.mktemp("spill")) as engine:
        yield engine.con


# -- rules of a row ----------------------------------------------------------------------------------------------------


def test_a_required_value_is_missing_when_its_text_is_a_null_token(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x", "BIGINT", null_values=("", "NULL"))], rule("x.required", "required", "x"))
    found = judged(con, given, ["NULL"], ["1"], ["seven"])
    assert bad(con, found) == {1: ["x.required"], 3: ["x.parse"]}


def test_a_code_outside_the_list_is_counted_with_how_many_codes_there_were(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x")], rule("x.enum", "enum", "x", values=("A", "B'")))
    found = judged(con, given, ["A"], ["B'"], ["C"], ["C"], ["D"], [""])
    assert bad(con, found) == {3: ["x.enum"], 4: ["x.enum"], 5: ["x.enum"]}
    assert found.result("x.enum").observation == "codes outside the list: 2"


def test_a_pattern_matches_the_whole_text(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x")], rule("x.pattern", "pattern", "x", pattern="A|AB"))
    assert bad(con, judged(con, given, ["A"], ["AB"], ["ABC"], ["xA"], ["A\n"], [""])) == {
        3: ["x.pattern"],
        4: ["x.pattern"],
        5: ["x.pattern"],
    }


def test_a_length_counts_characters_not_bytes(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x")], rule("x.length", "length", "x", min_length=2, max_length=3))
    assert bad(con, judged(con, given, ["粮仓"], ["粮"], ["abcd"], ["abc"])) == {2: ["x.length"], 3: ["x.length"]}


@pytest.mark.parametrize(
    ("type", "low", "high", "inside", "outside"),
    [
        ("DECIMAL(18,2)", "0.01", "100", ["0.01", "100.00"], ["0.00", "100.01", "-1"]),
        ("BIGINT", "0", None, ["0", "7"], ["-1"]),
        ("DATE", "1990-01-01", "2024-02-29", ["1990-01-01", "2024-02-29"], ["1989-12-31", "2024-03-01"]),
        ("TIME", "06:00:00", None, ["06:00:00"], ["05:59:59"]),
        ("DECIMAL(18,2)", "0.005", None, ["0.01"], ["0.00"]),
    ],
)
def test_both_ends_of_a_range_are_in_it(
    con: duckdb.DuckDBPyConnection, type: str, low: str | None, high: str | None, inside: list[str], outside: list[str]
) -> None:
    given = contract([prop("x", type)], rule("x.range", "range", "x", minimum=low, maximum=high))
    found = judged(con, given, *([text] for text in (*inside, *outside, "")))
    assert failed(found) == {"x.range": len(outside)}
    assert set(good(con, found)) == {*range(1, len(inside) + 1), len(inside) + len(outside) + 1}


def test_a_row_rule_that_cannot_say_no_passes(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("a", "BIGINT"), prop("b", "BIGINT")], rule("Q1", "row", predicate="a < b"))
    found = judged(con, given, ["1", "2"], ["2", "1"], ["", "1"], ["1", ""], ["x", "1"])
    assert bad(con, found) == {2: ["Q1"], 5: ["a.parse"]}


def test_a_row_rule_may_ask_for_the_business_date(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x", "DATE")], rule("Q1", "row", predicate="x = $business_date"))
    found = judged(con, given, ["2026-11-20"], ["2026-11-19"], business_date=dt.date(2026, 11, 20))
    assert bad(con, found) == {2: ["Q1"]}
    assert bad(con, judged(con, given, ["2026-11-19"])) == {}


def test_a_row_rule_that_the_engine_cannot_compute_is_named_without_the_value(con: duckdb.DuckDBPyConnection) -> None:
    given = contract(
        [prop("x")],
        rule("Q1", "row", predicate="x <> ''"),
        rule("Q2", "row", predicate="cast(x as date) > date '2000-01-01'"),
    )
    with pytest.raises(EngineError, match="Q2") as error:
        judged(con, given, [ID_NUMBER])
    assert ID_NUMBER not in str(error.value)
    assert ID_NUMBER not in str(error.value.__cause__)


def test_a_row_rule_may_not_read_a_table(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(SqlError):
        judged(con, contract([prop("x")], rule("Q1", "row", predicate="x in (select x from raw)")), ["1"])


def test_a_warning_is_counted_and_its_row_stays(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x")], rule("x.enum", "enum", "x", values=("A",), severity="warning"))
    found = judged(con, given, ["B"])
    assert (failed(found), set(good(con, found)), bad(con, found), found.refused) == ({"x.enum": 1}, {1}, {}, None)


def test_a_row_is_quarantined_with_its_text_and_all_that_took_it_out(con: duckdb.DuckDBPyConnection) -> None:
    given = contract(
        [prop("x", "BIGINT"), prop("y", "DATE"), prop("z")],
        rule("z.enum", "enum", "z", values=("A",), severity="warning"),
        rule("z.length", "length", "z", max_length=1),
    )
    found = judged(con, given, ["1e5", "epoch", "BB"], ["1", "2024-01-01", "A"])
    rows = con.execute(f"select * from {found.bad_rows}").fetchall()
    assert rows == [(1, 2, ["x.parse", "y.parse", "z.length"], "1e5", "epoch", "BB")]


def test_more_rules_than_a_mask_word_holds_are_all_judged(con: duckdb.DuckDBPyConnection) -> None:
    rules = [rule(f"Q{n}", "row", predicate=f"x <> {n}") for n in range(130)]
    found = judged(con, contract([prop("x", "BIGINT")], *rules), ["0"], ["61"], ["62"], ["129"], ["500"], ["x"])
    assert bad(con, found) == {1: ["Q0"], 2: ["Q61"], 3: ["Q62"], 4: ["Q129"], 6: ["x.parse"]}


# -- keys --------------------------------------------------------------------------------------------------------------


KEYED = contract(
    [prop("id", "BIGINT", key=True), prop("x")], rule("id.required", "required", "id"), rule("key", "key", "id")
)


def test_all_rows_of_a_repeated_key_leave(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, KEYED, ["1", "a"], ["2", "a"], ["1", "b"])
    assert (bad(con, found), set(good(con, found))) == ({1: ["key"], 3: ["key"]}, {2})


def test_of_rows_that_are_the_same_byte_for_byte_the_first_stays(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, KEYED, ["1", "a"], ["2", "a"], ["1", "a"], ["1", "a"])
    assert (found.exact_duplicates, set(good(con, found)), failed(found)) == (2, {1, 2}, {})
    assert con.execute(f"select _row_no from {found.duplicate_rows} order by 1").fetchall() == [(3,), (4,)]


def test_a_key_is_compared_as_a_value_and_its_row_as_text(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, KEYED, ["1", "a"], ["01", "a"])
    assert (found.exact_duplicates, bad(con, found)) == (0, {1: ["key"], 2: ["key"]})


def test_a_duplicate_of_a_conflicting_row_is_dropped_before_the_conflict_is_judged(
    con: duckdb.DuckDBPyConnection,
) -> None:
    found = judged(con, KEYED, ["1", "a"], ["1", "a"], ["1", "b"])
    assert (found.exact_duplicates, bad(con, found)) == (1, {1: ["key"], 3: ["key"]})


def test_a_bad_row_delivered_twice_is_bad_once_and_a_duplicate_once(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, KEYED, ["x", "a"], ["x", "a"], ["", "a"], ["", "a"], ["", "b"])
    assert (found.exact_duplicates, bad(con, found)) == (2, {1: ["id.parse"], 3: ["id.required"], 5: ["id.required"]})


def test_a_row_without_its_whole_key_is_never_good(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("id", "BIGINT", key=True)], rule("id.parse", "parse", "id", severity="warning"))
    assert bad(con, judged(con, given, [""], ["x"], ["1"])) == {1: ["key"], 2: ["key"]}


def test_equal_rows_of_a_feed_without_a_key_are_things_that_happened_twice(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, contract([prop("x")]), ["a"], ["a"])
    assert (found.good, found.exact_duplicates) == (2, 0)


def test_a_unique_column_beside_the_key_may_be_empty_often(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("id", key=True), prop("a"), prop("b")], rule("u", "key", "a", "b"))
    found = judged(con, given, ["1", "", "x"], ["2", "", "x"], ["3", "p", "q"], ["4", "p", "q"], ["5", "p", "r"])
    assert bad(con, found) == {3: ["u"], 4: ["u"]}


def test_the_order_of_key_rules_does_not_matter(con: duckdb.DuckDBPyConnection) -> None:
    key, unique = rule("key", "key", "id"), rule("u", "key", "x")
    rows = [["1", "a"], ["1", "b"], ["2", "c"], ["3", "c"], ["1", "a"]]
    for rules in ([key, unique], [unique, key]):
        found = judged(con, contract([prop("id", key=True), prop("x")], *rules), *rows)
        assert (bad(con, found), found.exact_duplicates) == ({1: ["key"], 2: ["key"], 3: ["u"], 4: ["u"]}, 1)


@pytest.mark.parametrize("beside", [True, False])
def test_a_history_of_states_holds_a_key_once_a_state_date(con: duckdb.DuckDBPyConnection, beside: bool) -> None:
    dated = [] if beside else [prop("state_date", "DATE")]
    given = contract([*dated, prop("id", key=True), prop("x")], state_date="state_date")
    rows = [["2024-01-01", "1", "a"], ["2024-02-01", "1", "a"], ["2024-02-01", "1", "b"], ["2024-01-01", "1", "a"]]
    deliver(con, given, rows, beside="state_date" if beside else "")
    found = judge(con, given)
    assert (found.exact_duplicates, bad(con, found), set(good(con, found))) == (1, {2: ["key"], 3: ["key"]}, {1})


# -- rules that look elsewhere -----------------------------------------------------------------------------------------


def test_a_reference_must_exist_unless_it_is_empty(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table account as select * from (values ('a'), ('a'), (null)) as v(account_id)")
    given = contract([prop("x")], rule("x.reference", "reference", "x", references=("staged.account", ("account_id",))))
    found = judged(con, given, ["a"], ["b"], [""], references={"staged.account": "account"})
    assert (bad(con, found), found.good) == ({2: ["x.reference"]}, 2)


def test_a_reference_of_two_columns_needs_both_in_one_row(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table pair as select * from (values ('a', 1::bigint), ('b', 2)) as v(p, q)")
    given = contract(
        [prop("x"), prop("y", "BIGINT")], rule("r", "reference", "x", "y", references=("staged.pair", ("p", "q")))
    )
    found = judged(con, given, ["a", "1"], ["a", "2"], ["a", ""], references={"staged.pair": "pair"})
    assert bad(con, found) == {2: ["r"]}


def test_a_reference_to_a_table_that_is_not_there_is_neither_passed_nor_failed(con: duckdb.DuckDBPyConnection) -> None:
    given = contract(
        [prop("x")], rule("r", "reference", "x", references=("staged.account", ("account_id",)), severity="warning")
    )
    found = judged(con, given, ["a"])
    result = found.result("r")
    assert (result.passed, result.checked, result.observation) == (None, 0, "not judged: staged.account is not there")
    assert found.refused is None
    strict = contract(
        [prop("x")], rule("r", "reference", "x", references=("staged.account", ("account_id",)), severity="error")
    )
    assert "could not be judged" in str(judged(con, strict, ["a"]).refused)


def test_a_reference_may_be_to_one_of_several_tables(con: duckdb.DuckDBPyConnection) -> None:
    """A customer number is a person's or a firm's. A list that is not there is none in which it could stand."""
    con.execute("create or replace temp table person as select * from (values ('a')) as v(number)")
    con.execute("create or replace temp table firm as select * from (values ('b'), ('a')) as v(code)")
    two = rule(
        "x.reference",
        "reference",
        "x",
        references=("staged.person", ("number",)),
        alternatives=(("staged.firm", ("code",)),),
    )
    given = contract([prop("x")], two)
    rows = (["a"], ["b"], ["c"], [""])
    both = judged(con, given, *rows, references={"staged.person": "person", "staged.firm": "firm"})
    assert bad(con, both) == {3: ["x.reference"]}
    alone = judged(con, given, *rows, references={"staged.firm": "firm"})
    assert bad(con, alone) == {3: ["x.reference"]}
    assert bad(con, judged(con, given, *rows, references={"staged.person": "person"})) == {
        2: ["x.reference"],
        3: ["x.reference"],
    }
    neither = judged(con, given, *rows).result("x.reference")
    assert neither.observation == "not judged: staged.person and staged.firm are not there"


def test_rows_are_not_taken_while_nobody_can_say_whether_they_are_authorised(con: duckdb.DuckDBPyConnection) -> None:
    held = rule("x.reference", "reference", "x", references=("staged.report", ("number",)))
    given = contract([prop("x")], held, authorisation=Authorisation(column="x", rule="x.reference"))
    assert "x.reference could not be judged" in str(judged(con, given, ["a"]).refused)
    con.execute("create or replace temp table report as select * from (values ('a')) as v(number)")
    found = judged(con, given, ["a"], ["b"], references={"staged.report": "report"})
    assert (bad(con, found), found.refused) == ({2: ["x.reference"]}, None)


def test_a_rule_may_ask_for_a_check_character(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x"), prop("kind")], rule("Q15", "row", predicate="kind <> '10' or is_resident_id(x)"))
    rows = (["11010519491231002X", "10"], ["110105194912310021", "10"], ["A1", "20"], ["", "10"], ["A1", ""])
    assert bad(con, judged(con, given, *rows)) == {2: ["Q15"]}


def test_a_reference_between_unlike_types_is_a_contract_error(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table account as select 1::bigint as account_id")
    given = contract([prop("x")], rule("r", "reference", "x", references=("staged.account", ("account_id",))))
    with pytest.raises(ContractError, match="unlike types"):
        judged(con, given, ["a"], references={"staged.account": "account"})


def test_a_rule_about_the_delivery_sees_quarantined_rows_too(con: duckdb.DuckDBPyConnection) -> None:
    given = contract(
        [prop("direction"), prop("amount", "DECIMAL(18,2)"), prop("x")],
        rule("x.enum", "enum", "x", values=("A",)),
        rule(
            "balanced",
            "dataset",
            severity="error",
            count_only=True,
            query="SELECT SUM(CASE WHEN direction = 'C' THEN amount ELSE -amount END) FROM ${object}",
        ),
    )
    found = judged(con, given, ["C", "5.00", "A"], ["D", "5.00", "B"])
    assert (found.quarantined, found.result("balanced").passed, found.refused) == (1, True, None)
    found = judged(con, given, ["C", "5.00", "A"], ["D", "4.99", "B"])
    assert (found.result("balanced").failed, "balanced" in str(found.refused)) == (1, True)


def test_a_rule_about_the_delivery_counts_the_rows_that_its_query_finds(con: duckdb.DuckDBPyConnection) -> None:
    con.execute("create or replace temp table account as select 'a' as account_id")
    query = """
        WITH known AS (SELECT account_id FROM staged.account)
        SELECT o.x FROM ${object} AS o LEFT JOIN known ON known.account_id = o.x WHERE known.account_id IS NULL
    """
    given = contract([prop("x")], rule("d", "dataset", query=query, inputs=("staged.account",), severity="warning"))
    assert judged(con, given, ["a"], ["b"], ["c"], references={"staged.account": "account"}).result("d").failed == 2
    assert judged(con, given, ["a"]).result("d").passed is None


def test_a_rule_about_the_delivery_reads_nothing_but_its_inputs(con: duckdb.DuckDBPyConnection) -> None:
    given = contract(
        [prop("x")],
        rule("d", "dataset", query="SELECT * FROM ${object} JOIN staged.card USING (x)", severity="warning"),
    )
    with pytest.raises(SqlError):
        judged(con, given, ["a"])


def test_a_query_that_knows_nothing_is_not_passed(con: duckdb.DuckDBPyConnection) -> None:
    given = contract(
        [prop("x", "BIGINT")],
        rule("d", "dataset", query="SELECT SUM(x) FROM ${object}", count_only=True, severity="error"),
        volume=Volume(min_rows=0),
    )
    found = judged(con, given)
    assert (found.result("d").passed, found.refused is None) == (None, False)


# -- what happens to the delivery as a whole ---------------------------------------------------------------------------


TEN = [[str(n)] for n in range(10)]


def test_too_few_rows_refuse_the_delivery(con: duckdb.DuckDBPyConnection) -> None:
    assert "0 rows, the contract says at least 1" in str(judged(con, contract([prop("x")])).refused)
    assert judged(con, contract([prop("x")], volume=Volume(min_rows=0))).refused is None
    given = contract([prop("x")], rule("v", "volume", minimum="2", maximum="3", severity="error"))
    assert [judged(con, given, *TEN[:n]).refused is None for n in (1, 2, 3, 4)] == [False, True, True, False]


def test_too_many_lines_that_cannot_be_read_refuse_the_delivery(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x")], max_rejected=0.1)
    assert judged(con, given, *TEN[:9], rejected=1).refused is None
    assert "2 of 11 rows (18.18%) could not be read" in str(judged(con, given, *TEN[:9], rejected=2).refused)


def test_too_many_quarantined_rows_refuse_the_delivery(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x", "BIGINT")], max_quarantined=0.1)
    assert judged(con, given, *TEN[:9], ["x"]).refused is None
    assert "2 of 10 rows (20.00%) are quarantined" in str(judged(con, given, *TEN[:8], ["x"], ["y"]).refused)


def test_a_share_that_is_just_the_limit_is_allowed_however_it_rounds(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x", "BIGINT")], max_quarantined=0.29)  # 0.29 * 100 is a little less than 29 in binary
    assert judged(con, given, *[["x"]] * 29, *[["1"]] * 71).refused is None


def test_one_breach_of_an_error_rule_refuses_the_delivery(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x")], rule("x.length", "length", "x", max_length=1, severity="error"))
    found = judged(con, given, *TEN, [ID_NUMBER])
    assert "x.length: fails for 1 of 11 rows" in str(found.refused)
    assert ID_NUMBER not in str(found.refused)
    assert bad(con, found) == {11: ["x.length"]}


@pytest.mark.parametrize("severity", ["error", "quarantine"])
def test_a_rule_refuses_the_delivery_only_beyond_its_own_rate(con: duckdb.DuckDBPyConnection, severity: str) -> None:
    given = contract([prop("x")], rule("x.length", "length", "x", max_length=1, severity=severity, max_rate=0.1))
    assert judged(con, given, *TEN[:9], ["10"]).refused is None
    assert "x.length" in str(judged(con, given, *TEN[:8], ["10"], ["11"]).refused)


def test_a_column_that_is_wrong_in_most_rows_has_shifted(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x"), prop("y", "DATE")])
    half = [["a", "2024-01-01"], ["2024-01-01", "a"]]
    assert judged(con, given, *half).refused is None
    assert "columns seem to be shifted" in str(judged(con, given, *half, ["2024-01-01", "a"]).refused)


def test_every_rule_reports_also_when_nothing_breaks_it(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, KEYED, ["1", "a"])
    assert {r.rule_id: (r.checked, r.failed, r.passed) for r in found.results} == dict.fromkeys(
        ("id.parse", "volume.min_rows", "id.required", "key"), (1, 0, True)
    )


def test_rows_that_are_lost_stop_the_judgement(con: duckdb.DuckDBPyConnection) -> None:
    given = contract([prop("x", "BIGINT")])
    deliver(con, given, [["a"], ["1"]])
    con.execute("update raw set _row_no = null where x = '1'")  # a row that cannot be told good or bad
    with pytest.raises(EngineError, match="lost or doubled"):
        judge(con, given)


def test_two_rules_of_one_name_are_a_contract_error(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ContractError, match="two rules"):
        judged(con, contract([prop("x")], rule("q", "required", "x"), rule("q", "length", "x", max_length=1)), ["1"])


@pytest.mark.parametrize(
    "broken",
    [
        rule("q", "enum", "x"),
        rule("q", "range", "x", minimum="many"),
        rule("q", "row"),
        rule("q", "reference", "x"),
        rule("q", "pattern", "nowhere", pattern="a"),
    ],
)
def test_a_rule_that_says_nothing_is_a_contract_error_that_names_it(
    con: duckdb.DuckDBPyConnection, broken: Any
) -> None:
    with pytest.raises(LiangcangError, match="q"):
        judged(con, contract([prop("x", "BIGINT")], broken), ["1"])


# -- what is written down ----------------------------------------------------------------------------------------------


def test_quality_has_a_row_a_rule_a_null_token_and_a_place_where_rows_went(con: duckdb.DuckDBPyConnection) -> None:
    found = judged(con, KEYED, ["1", "a"], ["1", "a"], ["x", ""], rejected=2)
    told = {"id.parse": [("~0123456789abcdef", 3, 4)]}
    frame = results_frame(found, KEYED, dt.date(2026, 11, 20), "0123456789ab", told)
    assert frame.schema == pl.Schema(QUALITY_COLUMNS)
    assert frame.select("_delivery", "rule_id").is_unique().all()
    kept = frame.filter(pl.col("kind") == "conservation")
    assert dict(kept.select("rule_id", "checked").iter_rows()) == {
        "delivered": 5,
        "staged": 1,
        "quarantined": 1,
        "rejected": 2,
        "exact_duplicate": 1,
    }
    assert frame.filter(pl.col("rule_id") == "id.parse").row(0, named=True) == {
        "business_date": dt.date(2026, 11, 20),
        "_delivery": "0123456789ab",
        "rule_id": "id.parse",
        "kind": "parse",
        "dimension": "conformity",
        "severity": "quarantine",
        "owner": "operations",
        "column_name": "id",
        "checked": 2,
        "failed": 1,
        "passed": False,
        "observation": None,
        "breach_keys": ["~0123456789abcdef"],
        "breach_rows": [3],
        "breach_lines": [4],
    }
    assert frame.filter(pl.col("rule_id") != "id.parse")["breach_rows"].null_count() == frame.height - 1


def test_the_same_delivery_may_be_judged_again_on_the_same_connection(con: duckdb.DuckDBPyConnection) -> None:
    deliver(con, KEYED, [["1", "a"], ["1", "b"], ["2", "c"]])
    assert judge(con, KEYED) == judge(con, KEYED)
