"""Great Expectations as the second judge: it agrees with the scan, keeps quiet, and fails loudly for its own faults."""

from __future__ import annotations

import gc
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deliveries import contract, deliver, judged, prop, rule

from data_contracts import expectations
from data_contracts.contract import Contract
from data_contracts.expectations import confirm
from data_contracts.judge import judge
from data_contracts.judgement import Judgement
from liangcang.engine import Engine
from liangcang.errors import EngineError

ID_NUMBER = "11010519491231002X"

EVERY_KIND = contract(
    [
        prop("id", "BIGINT", key=True),
        prop("id_no"),
        prop("day", "DATE", format="yyyyMMdd"),
        prop("amount", "DECIMAL(18,2)"),
        prop("code", null_values=("", " ")),
        prop("at", "TIME"),
    ],
    rule("id.required", "required", "id"),
    rule("key", "key", "id"),
    rule("id_no.pattern", "pattern", "id_no", pattern="[0-9]{17}[0-9]"),
    rule("id_no.length", "length", "id_no", min_length=2, max_length=17),
    rule("day.range", "range", "day", minimum="2000-01-01", maximum="2024-12-31"),
    rule("amount.range", "range", "amount", minimum="0.01", maximum="100"),
    rule("amount.far", "range", "amount", maximum="9999999999999998.99"),
    rule("at.range", "range", "at", minimum="06:00:00", severity="warning"),
    rule("code.enum", "enum", "code", values=("A", "B'", "{")),
    rule("code{1}", "row", predicate="code <> 'B''' or amount > 1", description="<script>alert(1)</script>"),
    rule("code.reference", "reference", "code", references=("staged.code", ("code",)), severity="warning"),
    rule("absent", "reference", "code", references=("staged.absent", ("code",)), severity="warning"),
    rule("sum", "dataset", query="SELECT SUM(amount) FROM ${object}", count_only=True, severity="warning"),
)
ROWS = [
    ["1", "11010519491231002", "20240229", "0.01", "A", "06:00:00"],
    ["1", "11010519491231002", "20240229", "0.01", "A", "06:00:00"],
    ["2", ID_NUMBER, "20230229", "100.01", "B'", "05:59:59"],
    ["2", "", "19991231", "1e5", "C", "25:00:00"],
    ["", "1", "20000101", "0.00", " ", ""],
    ["3", "1" * 18, "", "", "B'", ""],
    ["4", "x\ny", "20250101", "9999999999999999.99", "{", "12:00:00"],
    ["x", "'", "20241231", "1.00", "B'", "12:00:00"],
]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with Engine(read=[], write=None, spill=tmp_path_factory.mktemp("spill")) as engine:
        engine.con.execute("create temp table code as select 'A' as code")
        yield engine.con


@pytest.fixture
def judgement(con: duckdb.DuckDBPyConnection) -> Judgement:
    return judged(con, EVERY_KIND, *ROWS, references={"staged.code": "code"})


def miscounted(judgement: Judgement, rule_id: str) -> Judgement:
    wrong = (replace(r, failed=r.failed + 1) if r.rule_id == rule_id else r for r in judgement.results)
    return replace(judgement, results=tuple(wrong))


def test_two_engines_count_the_same_for_every_kind_of_rule(
    con: duckdb.DuckDBPyConnection, judgement: Judgement
) -> None:
    assert {r.rule_id for r in judgement.results if r.failed} >= {
        *("key", "id.parse", "id_no.pattern", "id_no.length", "day.range", "amount.range", "amount.far", "at.range"),
        *("code.enum", "code{1}", "code.reference", "id.required", "day.parse"),
    }
    found = confirm(con, EVERY_KIND, judgement)
    assert set(found.native) == {
        *("id.required", "id_no.pattern", "id_no.length", "day.range", "amount.range", "code.enum"),
    }
    assert set(found.counted) == {
        *(
            "id.parse",
            "day.parse",
            "amount.parse",
            "at.parse",
            "key",
            "amount.far",
            "at.range",
            "code{1}",
            "code.reference",
        ),
    }


def test_a_delivery_without_rows_or_rules_is_confirmed_too(con: duckdb.DuckDBPyConnection) -> None:
    plain = contract([prop("x")])
    assert confirm(con, plain, judged(con, plain)).results == {}
    strict = contract([prop("x")], rule("x.required", "required", "x"), rule("x.enum", "enum", "x", values=("A",)))
    assert confirm(con, strict, judged(con, strict)).native == ("x.required", "x.enum")


@pytest.mark.parametrize("rule_id", ["code.enum", "day.range", "key", "amount.parse"])
def test_a_count_that_differs_is_our_fault_and_names_the_rule(
    con: duckdb.DuckDBPyConnection, judgement: Judgement, rule_id: str
) -> None:
    with pytest.raises(EngineError, match=f"count differently for rule {rule_id}"):
        confirm(con, EVERY_KIND, miscounted(judgement, rule_id))


def test_a_breach_of_a_rule_that_the_scan_found_kept_is_our_fault(
    con: duckdb.DuckDBPyConnection, judgement: Judgement
) -> None:
    kept = (replace(r, failed=0) if r.rule_id == "key" else r for r in judgement.results)
    with pytest.raises(EngineError, match="count differently for rule key") as error:
        confirm(con, EVERY_KIND, replace(judgement, results=tuple(kept)))
    assert error.value.details["expected"] == "0 of 7 rows, as the scan says"
    assert error.value.details["found"] == "2 of 7 rows, says Great Expectations"


def test_an_error_inside_the_library_is_no_bad_data(
    con: duckdb.DuckDBPyConnection, judgement: Judgement, tmp_path: Path
) -> None:
    con.execute(
        f"create or replace temp view broken as select cast(code as bigint) as code, * exclude (code) from {judgement.judged_text}"
    )
    planted = replace(judgement, judged_text="broken")
    with pytest.raises(EngineError, match="Great Expectations failed") as error:
        confirm(con, EVERY_KIND, planted, faults=tmp_path)
    assert "Could not convert" not in str(error.value)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert error.value.details["file"] == str(file)


def test_an_expectation_that_raised_is_found_however_the_library_reports_it() -> None:
    flat = {"raised_exception": True, "exception_message": "x"}
    assert expectations._raised(flat)
    assert expectations._raised({"('column_values.nonnull', 'a')": flat})
    assert not expectations._raised({"raised_exception": False, "exception_message": None})


def test_no_value_of_a_row_is_in_the_results_the_log_or_the_output(
    con: duckdb.DuckDBPyConnection,
    judgement: Judgement,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with caplog.at_level(logging.DEBUG, logger="great_expectations"):
        found = json.dumps(confirm(con, EVERY_KIND, judgement).results, ensure_ascii=False)
    assert judgement.result("id_no.pattern").failed
    for value in (ID_NUMBER, "20230229", "100.01", "1e5", "9999999999999999.99", "x\\ny"):
        assert value not in found
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert ID_NUMBER not in caplog.text
    assert capfd.readouterr() == ("", "")


def test_a_description_cannot_carry_a_script_onto_a_page(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> None:
    found = json.dumps(confirm(con, EVERY_KIND, judgement).results)
    assert "&lt;script&gt;" in found
    assert "<script>" not in found


def test_no_second_connection_is_opened_and_ours_is_given_back_as_it_was(
    con: duckdb.DuckDBPyConnection, judgement: Judgement, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a second connection")

    before = con.execute(
        "select table_name from duckdb_tables() union all select view_name from duckdb_views()"
    ).fetchall()
    monkeypatch.setattr(duckdb, "connect", refuse)
    confirm(con, EVERY_KIND, judgement)
    after = con.execute(
        "select table_name from duckdb_tables() union all select view_name from duckdb_views()"
    ).fetchall()
    assert sorted(before) == sorted(after)
    con.begin()  # raises if a transaction is open
    con.rollback()


def test_the_library_keeps_neither_the_connection_nor_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (spill := tmp_path / "spill").mkdir()
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    given = contract([prop("x")], rule("x.required", "required", "x"))
    with Engine(read=[], write=None, spill=spill) as engine:
        deliver(engine.con, given, [["a"]])
        judgement, before = judge(engine.con, given), sys.getrefcount(engine.con)
        confirm(engine.con, given, judgement)
        gc.collect()
        after = sys.getrefcount(engine.con)
    assert after == before
    assert list(temporary.iterdir()) == []


def test_the_library_is_imported_when_it_is_first_asked_for_and_not_before() -> None:
    code = "import sys, data_contracts.expectations as e; print([m for m in ('great_expectations', 'pandas', 'sqlalchemy') if m in sys.modules])"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert said.stdout.strip() == "[]"


UNASKED = """
import sys
from data_contracts.gx_sealed import great_expectations
great_expectations()
print([name for name in ("scipy.stats", "altair") if name in sys.modules])
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as divergence
print(divergence.stats.norm.cdf(0.0))
import scipy.stats
print(scipy.stats.norm.cdf(0.0))
"""


def test_what_no_expectation_of_ours_asks_for_is_not_loaded_until_it_is_used():
    ran = subprocess.run(
        [sys.executable, "-c", UNASKED], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert ran.stdout.split() == ["[]", "0.5", "0.5"]


STANDING = """
import importlib.util, inspect, sys
from data_contracts.gx_sealed import loaded_on_use
with loaded_on_use("colorsys", "xml.dom", "wave"):
    import colorsys, wave
    print(sorted({"colorsys", "wave"} & {name for name, m in sys.modules.items() if getattr(m, "__file__", None)}))
    print(importlib.util.find_spec("wave").name, inspect.getmodule(print).__name__)
    import xml.dom.minidom
    print(xml.dom.minidom.parseString("<a/>").documentElement.tagName, colorsys.rgb_to_yiq(0, 0, 0))
print(sorted({"colorsys", "wave", "xml.dom"} & set(sys.modules)), wave.Error.__name__)
"""


def test_what_stands_for_a_module_becomes_it_when_it_is_used():
    ran = subprocess.run(
        [sys.executable, "-c", STANDING], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert ran.stdout.splitlines() == ["[]", "wave builtins", "a (0.0, 0.0, 0.0)", "['colorsys', 'xml.dom'] Error"]


def made(kind: str, type: str, **limits: Any) -> Contract:
    return contract([prop("x", type)], rule("r", kind, "x", **limits))


@pytest.mark.parametrize(
    ("type", "limits", "native"),
    [
        ("DECIMAL(18,2)", {"maximum": "9999999999999.99"}, True),
        ("DECIMAL(18,2)", {"maximum": "10000000000000.00"}, False),
        ("BIGINT", {"minimum": "-5"}, True),
        ("BIGINT", {"minimum": "0.5"}, False),
        ("DOUBLE", {"minimum": "0.5"}, True),
        ("TIMESTAMP", {"minimum": "2024-01-01 00:00:00"}, True),
        ("VARCHAR", {"minimum": "A"}, False),
    ],
)
def test_a_bound_is_given_to_the_library_only_when_it_compares_it_exactly(
    con: duckdb.DuckDBPyConnection, type: str, limits: dict[str, str], native: bool
) -> None:
    given = made("range", type, **limits)
    cells = {"TIMESTAMP": ["2023-12-31 23:59:59", "2024-01-01 00:00:00"], "VARCHAR": ["A", "@"]}
    texts = cells.get(
        type,
        ["-6", "0", "1"] + (["9999999999999.98", "9999999999999.99", "10000000000000.01"] if "DECIMAL" in type else []),
    )
    found = confirm(con, given, judged(con, given, *([text] for text in texts)))
    assert ("r" in found.native) is native
