"""What a good contract says beyond the standard: time, keys, absence, classes, guards, and files that can be found."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from by_hand import Values, at, bookings, col, column, customers, put, write_contract
from hypothesis import given, settings
from hypothesis import strategies as st

import data_contracts
from data_contracts import odcs
from data_contracts.contract import FileFormat
from data_contracts.finding import Finding
from data_contracts.lint import DAGSTER_REFUSES, lint
from data_contracts.lint_files import anchored, path_faults, pattern_fault

Change = Callable[[Values], Any]
SHIPPED = sorted(Path(data_contracts.__file__).parent.rglob("*.odcs.yaml"))
STATE_HISTORY = {"knownAt": {"days": 0}, "stateDate": "born"}


def linted(folder: Path, contract: Values) -> list[Finding]:
    return lint(odcs.read(write_contract(folder, contract)))


def history(contract: Values) -> None:
    server = {"server": "history", "type": "custom", "path": "h.csv", "format": "csv", "encoding": "utf-8"}
    contract["servers"].append(server)
    col(contract, "born")["required"] = True
    put(contract, history=STATE_HISTORY)


def keyless(contract: Values, *, said: bool) -> None:
    for name in ("booking_no", "customer_no"):
        col(contract, name).pop("primaryKey")
    put(contract, keyless=said or None)


def test_a_contract_that_says_everything_has_no_finding(tmp_path: Path) -> None:
    assert linted(tmp_path, bookings()) == []
    assert linted(tmp_path, customers()) == []
    contract = customers()
    history(contract)
    assert linted(tmp_path, contract) == []
    contract = bookings()
    keyless(contract, said=True)
    assert linted(tmp_path, contract) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_every_contract_that_comes_with_the_project_is_clean(path: Path) -> None:
    assert [str(finding) for finding in lint(odcs.read(path))] == []


def _server(name: str, **values: Any) -> Change:
    return lambda c: at(c, "servers", name).update(values)


def _extracted(**said: Any) -> Change:
    """The daily file made from a table, and one thing said otherwise."""

    def change(contract: Values) -> None:
        server = at(contract, "servers", "daily")
        server.update(
            format=said.get("format", "parquet"),
            path=said.get("path", "b_{business_date:%Y%m%d}_{sequence}.parquet"),
        )
        table = {"connection": "core", "table": said.get("table", "core.bookings"), "overlapDays": 3}
        since = {"since": said.get("since", "day")} if said.get("since", "day") else {}
        usual = dict.fromkeys(("header", "quote", "compression"))
        put(server, **usual, control=said.get("control", "flg"), extract={**table, **since})

    return change


def test_a_file_that_is_made_from_a_table_has_no_finding(tmp_path: Path) -> None:
    contract = bookings()
    _extracted()(contract)
    assert linted(tmp_path, contract) == []


def _headed(layout: str) -> Change:
    def change(contract: Values) -> None:
        at(contract, "servers", "history")["format"] = layout
        put(at(contract, "servers", "history"), header=True)

    return change


def _nested(path: str) -> Change:
    def change(contract: Values) -> None:
        for server in contract["servers"]:
            server["format"] = "jsonl"
            put(server, header=None, quote=None)
        put(col(contract, "amount"), path=path)

    return change


def _archive(path: str = "b_{business_date:%Y%m%d}.tar.gz", member: str = "*") -> Change:
    def change(contract: Values) -> None:
        at(contract, "servers", 0)["path"] = path
        put(at(contract, "servers", 0), compression="tar.gz", member=member)

    return change


@pytest.mark.parametrize(
    ("change", "field", "phrase"),
    [
        # names and titles
        (lambda c: c.update(version="1.0"), "version", "three numbers"),
        (lambda c: at(c, "schema", 0).update(name="config", physicalName="staged.config"), "schema.config", "Dagster"),
        (lambda c: at(c, "schema", 0).update(businessName="bookings"), "schema.bookings.businessName", "Chinese title"),
        (lambda c: col(c, "kind").pop("businessName"), "schema.bookings.properties.kind", "Chinese title"),
        (lambda c: col(c, "kind").update(businessName="kind"), "properties.kind.businessName", "Chinese title"),
        (lambda c: at(c, "schema", 0, "properties").append(column("asof", "DATE", "date")), "asof", "asof"),
        (lambda c: at(c, "schema", 0, "properties").append(column("_x", "DATE", "date")), "_x", "small letters"),
        (lambda c: at(c, "schema", 0, "properties").append(column("known_at", "DATE", "date")), "known_at", "technical"),
        (lambda c: at(c, "schema", 0, "properties").append(column("_op", "VARCHAR", "string")), "_op", "technical"),
        # classes
        (lambda c: col(c, "kind").pop("classification"), "properties.kind", "needs its class"),
        (lambda c: col(c, "kind").update(classification="C3"), "kind.classification", "may not land"),
        (lambda c: col(c, "kind").update(classification="c1"), "kind.classification", "expected C1 or C2"),
        (lambda c: at(c, "schema", 0, "properties").append(column("pin", "VARCHAR", "string")), "pin", "authenticates"),
        (lambda c: at(c, "schema", 0, "properties").append(column("card_cvv2", "VARCHAR", "string")), "cvv2", "C3"),
        (lambda c: at(c, "schema", 0, "properties").append(column("track2", "VARCHAR", "string")), "track2", "C3"),
        (lambda c: at(c, "schema", 0, "properties").append(column("login_pwd", "VARCHAR", "string")), "pwd", "C3"),
        # time
        (lambda c: put(at(c, "schema", 0), temporal={"kind": "event"}), "temporal", "column of its date"),
        (lambda c: put(at(c, "schema", 0), temporal={"kind": "event", "column": "kind"}), "temporal", "expected DATE"),
        (lambda c: put(at(c, "schema", 0), temporal={"kind": "undated", "column": "day"}), "temporal", "no column"),
        (lambda c: put(at(c, "schema", 0), temporal={"kind": "interval"}), "temporal", "delivery of kind event"),
        (lambda c: put(c, delivery="full"), "temporal", "delivery of kind full"),
        (lambda c: put(col(c, "kind"), temporal={"kind": "since"}), "kind.customProperties.temporal", "column of its"),
        (lambda c: put(at(c, "schema", 0), temporal={"kind": "event", "column": "day", "where": "true"}), "temporal",
            "rowTemporals"),
        (lambda c: put(at(c, "schema", 0), rowTemporals=[{"kind": "since", "where": "amount > 1"}]), "rowTemporals",
            "column of its date"),
        (lambda c: col(c, "day").update(required=False), "properties.day", "required"),
        # keys
        (lambda c: keyless(c, said=False), "schema.bookings", "no column is primaryKey"),
        (lambda c: put(c, keyless=True), "keyless", "has a primary key"),
        # absence
        (lambda c: put(c, absent=None), "customProperties", "must, hold or skip"),
        (lambda c: put(c, absent="hold"), "absent", "maxStaleDays"),
        (lambda c: put(c, absent="hold", maxStaleDays=0), "absent", "maxStaleDays"),
        (lambda c: put(c, maxStaleDays=3), "maxStaleDays", "held"),
        (lambda c: c["servers"].pop(0), "absent", "nothing comes daily"),
        # history
        (lambda c: put(c, history=None), "customProperties", "knownAt"),
        (lambda c: put(c, history={"stateDate": "day"}), "history", "knownAt"),
        (lambda c: put(c, history={"knownAt": {"column": "kind"}}), "knownAt", "expected DATE"),
        (lambda c: put(c, history={"knownAt": {"days": 1}, "stateDate": "day"}), "stateDate", "for states"),
        (lambda c: c["servers"].pop(1), "history", "no server"),
        # what is said at all
        (lambda c: put(c, delivery=None), "customProperties", "event, full or delta"),
        (lambda c: c.pop("team"), "", "owner"),
        (lambda c: at(c, "team", "members", 0).update(role="dataSteward"), "team", "owner"),
        (lambda c: put(c, volume={"minRatio": 2, "maxRatio": 1}), "volume", "not below"),
        # files
        (_server("daily", path="/bookings/{business_date:%Y%m%d}.gz"), "servers.daily.path", "relative"),
        (_server("daily", path="../{business_date:%Y%m%d}.gz"), "servers.daily.path", "relative"),
        (_server("daily", path="bookings_*.gz"), "servers.daily.path", "has its {business_date"),
        (_server("daily", path="{business_date:%Y}.gz"), "servers.daily.path", "year, month and day"),
        (_server("daily", path="{date}_{business_date:%Y%m%d}.gz"), "servers.daily.path", "knows *"),
        (_server("daily", path="{business_date:%Y%m%d}/b_{business_date:%Y%m%d}.gz"), "servers.daily.path", "twice"),
        (_server("daily", encoding="GB18031"), "servers.daily.encoding", "not an encoding"),
        (_server("daily", encoding="unicode_escape"), "servers.daily.encoding", "not an encoding"),
        (_server("daily", delimiter=""), "servers.daily.delimiter", "one to four"),
        (_server("daily", delimiter="a"), "servers.daily.delimiter", "mistaken"),
        (_server("daily", delimiter="\n"), "servers.daily.delimiter", "mistaken"),
        (_server("history", path="bookings.csv.gz"), "servers.history", "if and only if"),
        (lambda c: put(at(c, "servers", 0), compression="none"), "compression", "if and only if"),
        (lambda c: put(at(c, "servers", 0), quote="''"), "quote", "one character"),
        (lambda c: put(at(c, "servers", 0), lineTerminator="LF"), "lineTerminator", "expected"),
        (_server("daily", encoding="gbk"), "servers.daily.encoding", "gb18030 holds all of gbk"),
        (_headed("jsonl"), "servers.history.format", "neither a header nor quotes"),
        (_server("daily", format="fixed"), "properties.amount.customProperties.byteWidth", "its width in bytes"),
        (lambda c: put(col(c, "amount"), byteWidth=8), "amount.customProperties.byteWidth", "only columns of a fixed"),
        (lambda c: put(col(c, "amount"), path="a.b"), "amount.customProperties.path", "only records of jsonl"),
        (_nested(path="a..b"), "amount.customProperties.path", "dots between"),
        (_nested(path="kind.inner"), "amount.customProperties.path", "kind stands there"),
        (_nested(path="day"), "amount.customProperties.path", "day stands there"),
        (lambda c: put(at(c, "servers", 0), member="x.txt"), "member", "only an archive"),
        (_archive(member="../x.txt"), "member", "plain file name"),
        (_archive(member=""), "member", "plain file name"),
        (_archive(path="b_{business_date:%Y%m%d}.gz"), "compression", "if and only if"),
        # tables that files are made from
        (_extracted(control="none"), "servers.daily.customProperties.extract", "with a control file"),
        (_extracted(format="jsonl"), "servers.daily.customProperties.extract", "a daily Parquet file"),
        (_extracted(path="b_{business_date:%Y%m%d}.parquet"), "extract", "{sequence} too"),
        (_extracted(path="*_{business_date:%Y%m%d}_{sequence}.parquet"), "extract", "has no *"),
        (_extracted(table="bookings"), "extract", "schema.table"),
        (_extracted(table='core.b" where 1=1 --'), "extract", "schema.table"),
        (_extracted(since=None), "extract", "need since"),
        (_extracted(since="kind"), "extract", "not kind"),
        (_extracted(since="dya"), "extract", "not dya"),
        # values
        (lambda c: col(c, "booking_no").update(logicalTypeOptions={"pattern": "^(?=a)b$"}), "pattern", "RE2"),
        (lambda c: col(c, "booking_no").update(logicalTypeOptions={"pattern": r"^(a)\1$"}), "pattern", "RE2"),
        (lambda c: col(c, "booking_no").update(logicalTypeOptions={"pattern": "[0-9]+"}), "pattern", "^…$"),
        (lambda c: col(c, "booking_no").update(logicalTypeOptions={"pattern": "^a|b$"}), "pattern", "^…$"),
        (lambda c: col(c, "day").update(logicalTypeOptions={"format": "yyyyMM"}), "properties.day", "whole DATE"),
        (lambda c: col(c, "day").update(logicalTypeOptions={"format": "jjjj"}), "properties.day", "no format that we read"),
        (lambda c: put(col(c, "amount"), decimalPlaces=3), "properties.amount", "implied decimal places"),
        (lambda c: put(col(c, "kind"), nullValues=["010"]), "kind.enum.010", "never be met"),
        (lambda c: col(c, "amount").update(enum=[{"value": "many"}]), "amount.enum.many", "is no DECIMAL"),
        (lambda c: at(c, "schema", 0, "quality", 0).update(severity="warning"), "transfers_are_positive", "maxRate"),
        # SQL
        (lambda c: put(at(c, "schema", 0, "quality", 0), rowPredicate="amount * amount > 0"),
            "schema.bookings.quality.transfers_are_positive", "DECIMAL"),
        (lambda c: at(c, "schema", 0, "quality", 1).update(query="select sum(amount * amount) from ${object}"),
            "schema.bookings.quality.one_day_a_file", "DECIMAL"),
        (lambda c: at(c, "schema", 0, "quality", 1).update(query="select any_value(amount) from ${object}"),
            "one_day_a_file", "order"),
    ],
)  # fmt: skip
def test_what_is_left_unsaid_or_cannot_be_is_found(tmp_path: Path, change: Change, field: str, phrase: str) -> None:
    contract = bookings()
    change(contract)
    found = linted(tmp_path, contract)
    said = [str(one) for one in found if one.severity == "error" and field in one.field and phrase in one.message]
    assert said, found
    assert all(one.file.endswith(".odcs.yaml") for one in found)


@pytest.mark.parametrize(
    ("change", "phrase"),
    [
        (lambda c: put(c, volume=None), "guard before its diff"),
        (lambda c: col(c, "customer_no").pop("primaryKey"), "no column is primaryKey"),
        (lambda c: put(c, keyless=True), "only the rows of an event feed"),
        (lambda c: (history(c), put(c, history={"knownAt": {"days": 0}})), "stateDate"),
        (lambda c: (history(c), col(c, "born").pop("required")), "has to be required"),
        (lambda c: (history(c), put(at(c, "schema", 0), temporal={"kind": "since", "column": "born"}),
            put(c, history={"knownAt": {"days": 0}}), col(c, "born").pop("required")), "has to be required"),
    ],
)  # fmt: skip
def test_a_state_needs_its_guard_its_key_and_its_date(tmp_path: Path, change: Change, phrase: str) -> None:
    contract = customers()
    change(contract)
    assert phrase in " ".join(one.message for one in linted(tmp_path, contract))


def test_an_undated_history_needs_no_assumption_of_when_it_was_known(tmp_path: Path) -> None:
    contract = customers()
    history(contract)
    put(contract, history=None)
    put(at(contract, "schema", 0), temporal={"kind": "undated"})
    assert linted(tmp_path, contract) == []


def test_a_column_about_nobody_needs_a_level_and_no_class(tmp_path: Path) -> None:
    contract = customers()
    del col(contract, "born")["classification"]
    put(col(contract, "born"), jrt0197Level=3)
    assert [one.field for one in linted(tmp_path, contract)] == ["schema.customers.properties.born.classification"]
    put(col(contract, "born"), jrt0197Level=1)
    assert linted(tmp_path, contract) == []


def test_our_own_tables_have_no_files_and_may_have_no_class(tmp_path: Path) -> None:
    contract = customers()
    contract["schema"][0]["physicalName"] = "conformed.customers"
    del col(contract, "born")["classification"]
    assert {one.field for one in linted(tmp_path, contract)} == {"servers"}
    del contract["servers"]
    contract["customProperties"] = []
    assert linted(tmp_path, contract) == []


def test_capitals_of_a_header_are_advice_and_no_fault(tmp_path: Path) -> None:
    contract = customers()
    col(contract, "born")["name"] = "BORN"
    (found,) = linted(tmp_path, contract)
    assert found.severity == "warning"
    contract["schema"][0]["physicalName"] = "conformed.customers"
    assert "error" in {one.severity for one in linted(tmp_path, contract)}


def test_findings_name_the_line_of_the_field(tmp_path: Path) -> None:
    contract = bookings()
    col(contract, "kind")["classification"] = "C3"
    put(contract, absent=None)
    path = write_contract(tmp_path, contract)
    lines = path.read_text(encoding="utf-8").splitlines()
    found = lint(odcs.read(path))
    assert [one.line for one in found] == sorted(one.line or 0 for one in found)
    by_field = {one.field: lines[(one.line or 0) - 1] for one in found}
    assert "classification: C3" in by_field["schema.bookings.properties.kind.classification"]
    assert by_field["customProperties"] == "customProperties:"


def test_the_names_that_dagster_refuses_are_dagsters() -> None:
    from dagster._core.definitions.utils import DISALLOWED_NAMES

    assert frozenset(DISALLOWED_NAMES) == DAGSTER_REFUSES


# -- paths and patterns ------------------------------------------------------------------------------------------------

PARTS = st.sampled_from(
    ["a", "..", ".", "/", "*", "{sequence}", "{business_date:%Y%m%d}", "\\", "~", ":", "\n", "", "b.c"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PARTS, max_size=5).map(lambda parts: "".join([*parts, "{business_date:%Y%m%d}"])))
def test_a_path_that_passes_stays_below_landing_for_any_date(path: str) -> None:
    if list(path_faults(FileFormat(kind="daily", path=path))):
        return
    day = re.sub(r"\{business_date:([^}]*)\}", lambda m: dt.date(2026, 11, 20).strftime(m[1]), path)
    real = PurePosixPath(day.replace("{sequence}", "01"))
    assert "20261120" in day
    assert not real.is_absolute()
    assert ".." not in real.parts
    assert str(Path("/landing", real).resolve()).startswith("/landing/")
    assert real.as_posix() == day.replace("{sequence}", "01")


@pytest.mark.parametrize(
    "path",
    ["a/b_{business_date:%Y-%m-%d}_{sequence}.dat.gz", "{business_date:%y%j}/*.csv", "核心/{business_date:%Y%m%d}.txt"],
)
def test_paths_of_real_banks_pass(path: str) -> None:
    assert list(path_faults(FileFormat(kind="daily", path=path))) == []


SNIPPETS = st.sampled_from(
    ["a", "b", "|", "(a|b)", "(?:b|a)*", "[|$]", "[^]|]", "[]|]", r"\|", r"\$", r"\\", "^", "$", "(", ")"]
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(SNIPPETS, max_size=6).map(lambda parts: f"^{''.join(parts)}$"),
    st.lists(st.text("ab^$|()[]\\", max_size=5), max_size=20),
)
def test_an_anchored_pattern_means_the_whole_value(pattern: str, texts: list[str]) -> None:
    """The oracle: to search for it and to match it as a whole is the same."""
    if pattern_fault(pattern):
        return
    values = pa.array(texts, pa.string())
    searched = pc.match_substring_regex(values, pattern).to_pylist()
    assert searched == pc.match_substring_regex(values, rf"\A(?:{pattern})\z").to_pylist()


@pytest.mark.parametrize("pattern", ["^a$", "^(a|b)$", r"^[|$]+$", r"^\|$", r"^a\\$", "^[]|]$", "^[^]|]$", "^$"])
def test_patterns_with_one_alternative_are_anchored(pattern: str) -> None:
    assert pattern_fault(pattern) is None


@pytest.mark.parametrize("pattern", ["a", "^a", "a$", r"^a\$", "^a|b$", "^a$|b", r"^a\\\$", "(^a$)"])
def test_patterns_that_match_a_part_are_not(pattern: str) -> None:
    assert not anchored(pattern)


def test_a_pattern_is_bounded() -> None:
    assert "500 characters" in str(pattern_fault("^" + "a" * 500 + "$"))
    assert "RE2" in str(pattern_fault("^(a{1000}){1000}$"))
