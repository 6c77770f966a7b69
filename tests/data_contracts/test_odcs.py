"""From an ODCS document to a contract: what is written is what is held, and nothing is lost in silence."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from by_hand import Values, at, bookings, col, column, custom, customers, put, write_contract
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import data_contracts
from data_contracts import odcs
from data_contracts.contract import Contract, Rule, Temporal
from data_contracts.odcs_rules import IMPLIED
from liangcang.errors import ContractError

Change = Callable[[Values], Any]
SHIPPED = sorted(Path(data_contracts.__file__).parent.rglob("*.odcs.yaml"))


def read(folder: Path, contract: Values) -> Contract:
    return odcs.read(write_contract(folder, contract))


def refused(folder: Path, contract: Values) -> ContractError:
    with pytest.raises(ContractError) as error:
        read(folder, contract)
    return error.value


def rules(contract: Contract) -> dict[str, Rule]:
    return {rule.id: rule for rule in contract.rules}


def test_service_levels_are_read_as_they_were_written(tmp_path: Path) -> None:
    levels = [{"property": "latency", "value": 4, "unit": "h"}, {"property": "retention", "value": "1.50", "unit": "y"}]
    contract = read(tmp_path, bookings() | {"slaProperties": levels})
    assert [(s.name, s.value, s.unit) for s in contract.service_levels] == [
        ("latency", "4", "h"),
        ("retention", "1.50", "y"),
    ]
    assert "a second latency" in str(refused(tmp_path, bookings() | {"slaProperties": [*levels, levels[0]]}))


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_contract_is_read_whole(tmp_path: Path) -> None:
    contract = read(tmp_path, bookings())
    assert contract.table == "staged.bookings"
    assert contract.columns == {
        "booking_no": "VARCHAR",
        "day": "DATE",
        "kind": "VARCHAR",
        "amount": "DECIMAL(18,2)",
        "customer_no": "VARCHAR",
    }
    assert contract.temporal == Temporal(kind="event", column="day")
    assert (contract.delivery, contract.absent, contract.max_quarantined) == ("event", "must", 0.02)
    assert (contract.known_at_column, contract.known_at_days, contract.state_date) == ("day", 0, None)
    assert contract.owner == "运营管理部"
    daily, history = contract.format("daily"), contract.format("history")
    assert daily is not None
    assert history is not None
    assert (daily.delimiter, daily.encoding, daily.line_terminator) == ("|@|", "GB18030", "\r\n")
    assert (daily.compression, daily.control, daily.header, daily.quote) == ("gzip", "flg", False, "")
    assert (history.delimiter, history.compression) == (",", "none")


def test_the_digest_is_that_of_the_files_bytes(tmp_path: Path) -> None:
    path = write_contract(tmp_path, bookings())
    assert odcs.read(path).digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_key_follows_its_positions_and_not_the_columns(tmp_path: Path) -> None:
    contract = read(tmp_path, bookings())
    assert contract.key == ("customer_no", "booking_no")
    assert rules(contract)["key"].columns == ("customer_no", "booking_no")


def test_columns_imply_their_rules(tmp_path: Path) -> None:
    found = rules(read(tmp_path, bookings()))
    assert set(found) == {
        *("booking_no.required", "booking_no.pattern", "booking_no.length", "day.parse", "day.required", "kind.enum"),
        *("amount.parse", "amount.required", "amount.range", "customer_no.required", "customer_no.reference", "key"),
        *("transfers_are_positive", "one_day_a_file"),
    }
    assert found["kind.enum"].values == ("010", "020")
    assert found["booking_no.length"].max_length == 8
    assert found["customer_no.reference"].references == ("staged.customers", ("customer_no",))
    for rule in found.values():
        if rule.kind in IMPLIED and rule.id != "amount.range":
            assert (rule.severity, rule.dimension) == IMPLIED[rule.kind]


def test_every_rule_has_an_owner_a_line_and_one_dimension(tmp_path: Path) -> None:
    path = write_contract(tmp_path, bookings())
    lines = path.read_text(encoding="utf-8").splitlines()
    for rule in odcs.read(path).rules:
        assert rule.owner == "运营管理部"
        assert rule.dimension in {"conformity", "completeness", "accuracy", "consistency"}
        assert rule.line is not None
        assert lines[rule.line - 1].strip()


def test_a_columns_severities_and_a_rules_owner_are_its_own(tmp_path: Path) -> None:
    contract = bookings()
    put(col(contract, "customer_no"), severities={"reference": "quarantine", "key": "error"})
    put(at(contract, "schema", 0, "quality", "one_day_a_file"), owner="数据治理办公室")
    found = rules(read(tmp_path, contract))
    assert found["amount.range"].severity == "error"
    assert found["customer_no.reference"].severity == "quarantine"
    assert found["key"].severity == "error"
    assert found["one_day_a_file"].owner == "数据治理办公室"


def test_a_row_rule_is_its_predicate_and_a_query_stays_a_query(tmp_path: Path) -> None:
    found = rules(read(tmp_path, bookings()))
    row, whole = found["transfers_are_positive"], found["one_day_a_file"]
    assert (row.kind, row.columns, row.max_rate) == ("row", ("kind", "amount"), 0.1)
    assert row.predicate == "kind <> '010' OR amount > 0"
    assert (whole.kind, whole.count_only, whole.dimension) == ("dataset", True, "consistency")
    assert whole.query == "SELECT COUNT(DISTINCT day) - 1 FROM ${object}"


def test_a_query_of_violations_counts_its_rows_and_says_what_else_it_reads(tmp_path: Path) -> None:
    contract = bookings()
    rule = at(contract, "schema", 0, "quality", "one_day_a_file")
    rule["query"] = (
        "select b.booking_no from ${object} as b anti join staged.customers as c on c.customer_no = b.customer_no"
    )
    put(rule, violations=True)
    found = rules(read(tmp_path, contract))["one_day_a_file"]
    assert not found.count_only
    assert found.inputs == ("staged.customers",)
    assert "${object} AS b" in str(found.query)


def test_parameters_of_a_predicate_stay_parameters(tmp_path: Path) -> None:
    contract = bookings()
    put(at(contract, "schema", 0, "quality", "transfers_are_positive"), rowPredicate="amount > $floor")
    assert rules(read(tmp_path, contract))["transfers_are_positive"].predicate == "amount > $floor"


def test_codes_and_limits_are_what_was_written(tmp_path: Path) -> None:
    text = write_contract(tmp_path, bookings()).read_text(encoding="utf-8")
    path = tmp_path / "contracts" / "bookings.odcs.yaml"
    text = text.replace("value: '010'", "value: 1.10").replace("maximum: 999", "maximum: 9999999999999999.99")
    path.write_text(text, encoding="utf-8")
    contract = odcs.read(path)
    assert list(contract.property("kind").codes) == ["1.10", "020"]
    assert rules(contract)["amount.range"].maximum == "9999999999999999.99"


def test_null_values_are_exactly_those_declared(tmp_path: Path) -> None:
    contract = bookings()
    put(col(contract, "kind"), nullValues=[" ", 0, "NULL"])
    read_back = read(tmp_path, contract)
    assert read_back.property("kind").null_values == (" ", "0", "NULL")
    assert read_back.property("amount").null_values == ("", "-")
    assert read_back.property("day").null_values == ("",)


def test_time_of_columns_and_rows_is_read(tmp_path: Path) -> None:
    contract = bookings()
    put(col(contract, "kind"), temporal={"kind": "undated"})
    put(at(contract, "schema", 0), rowTemporals=[{"where": "kind = '010'", "kind": "since", "column": "day"}])
    found = read(tmp_path, contract)
    assert found.property("kind").temporal == Temporal(kind="undated")
    assert found.row_temporals == (Temporal(kind="since", column="day", where="kind = '010'"),)


def test_composite_references_stand_on_the_table(tmp_path: Path) -> None:
    contract = bookings()
    at(contract, "schema", 0)["relationships"] = [
        {"from": ["bookings.customer_no", "bookings.day"], "to": ["customers.customer_no", "customers.born"]}
    ]
    rule = rules(read(tmp_path, contract))["customer_no+day.reference"]
    assert rule.columns == ("customer_no", "day")
    assert rule.references == ("staged.customers", ("customer_no", "born"))


def test_the_standards_own_metrics_become_rules(tmp_path: Path) -> None:
    contract = bookings()
    at(contract, "schema", 0, "quality").extend([
        {"id": "rows", "metric": "rowCount", "mustBeBetween": [1, 9], "dimension": "coverage", "severity": "error"},
        {
            "id": "pairs",
            "metric": "duplicateValues",
            "arguments": {"properties": ["day", "kind"]},
            "mustBe": 0,
            "dimension": "uniqueness",
            "severity": "warning",
        },
    ])  # fmt: skip
    found = rules(read(tmp_path, contract))
    assert (found["rows"].kind, found["rows"].minimum, found["rows"].maximum) == ("volume", "1", "9")
    assert (found["rows"].dimension, found["pairs"].dimension) == ("completeness", "accuracy")
    assert (found["pairs"].kind, found["pairs"].columns) == ("key", ("day", "kind"))


def test_prose_is_no_rule_and_other_tools_properties_are_left_alone(tmp_path: Path) -> None:
    contract = bookings()
    at(contract, "schema", 0, "quality").append({"type": "text", "description": "Should be nice."})
    contract["customProperties"].append({"property": "soda", "value": 1, "vendor": "soda"})
    contract["servers"].append({"server": "lake", "type": "duckdb", "database": "x.duckdb"})
    found = read(tmp_path, contract)
    assert len(found.rules) == 14
    assert len(found.formats) == 2


def test_the_folder_says_the_layer_unless_the_physical_name_does(tmp_path: Path) -> None:
    contract = customers()
    for folder, table in (("conformed", "conformed.customers"), ("products", "products.customers")):
        path = tmp_path / folder / "customers.odcs.yaml"
        path.parent.mkdir()
        path.write_bytes(write_contract(tmp_path, contract).read_bytes())
        assert odcs.read(path).table == table
    contract["schema"][0]["physicalName"] = "products.customers"
    assert read(tmp_path, contract).table == "products.customers"
    contract["schema"][0]["physicalName"] = "elsewhere.customers"
    assert "layer" in str(refused(tmp_path, contract))


def test_only_delivered_text_has_to_parse(tmp_path: Path) -> None:
    contract = customers()
    contract["schema"][0]["physicalName"] = "conformed.customers"
    assert not [rule for rule in read(tmp_path, contract).rules if rule.kind == "parse"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_every_contract_that_comes_with_the_project_can_be_read(path: Path) -> None:
    contract, findings = odcs.examine(path)
    assert findings == []
    assert contract is not None
    assert all(rule.owner for rule in contract.rules)


# -- nothing is lost in silence ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        ((), "version", "verison"),
        (("schema", 0), "businessName", "busines_name"),
        (("schema", 0, "properties", "day"), "required", "requird"),
        (("schema", 0, "properties", "day"), "logicalTypeOptions", "logicalTypeOption"),
        (("schema", 0, "properties", "booking_no", "logicalTypeOptions"), "maxLength", "maxLenght"),
        (("schema", 0, "properties", "kind", "enum", 0), "label", "lable"),
        (("schema", 0, "quality", 0), "severity", "severty"),
        (("servers", "daily"), "delimiter", "delimitr"),
        (("description",), "purpose", "purpos"),
        (("team", "members", 0), "role", "roel"),
        (("customProperties", "history", "value"), "knownAt", "knownat"),
        (("customProperties", "history", "value", "knownAt"), "days", "day"),
        (("schema", 0, "customProperties", "temporal", "value"), "column", "colum"),
        (("schema", 0, "properties", "amount", "customProperties", "severities", "value"), "range", "rnage"),
    ],
)
def test_a_misspelt_key_is_told_with_the_right_one(
    tmp_path: Path, path: tuple[str | int, ...], right: str, wrong: str
) -> None:
    contract = bookings()
    element = at(contract, *path)
    element[wrong] = element.pop(right)
    error = refused(tmp_path, contract)
    assert f"did you mean {right!r}?" in str(error)
    line = int(error.details["line"])
    text = (tmp_path / "contracts" / "bookings.odcs.yaml").read_text(encoding="utf-8").splitlines()
    assert wrong in str(error)
    assert wrong in text[line - 1]
    assert "faults" not in str(error)


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        ((), "maxQuarantined", "maxQuarantine"),
        ((), "absent", "abscent"),
        (("servers", "daily"), "lineTerminator", "lineTerminater"),
        (("schema", 0), "temporal", "temporel"),
        (("schema", 0, "properties", "amount"), "nullValues", "nullvalues"),
        (("schema", 0, "quality", 0), "rowPredicate", "rowPredicat"),
        (("schema", 0, "quality", 1), "gbt36344", "gbt36343"),
    ],
)
def test_a_misspelt_custom_property_is_told_with_the_right_one(
    tmp_path: Path, path: tuple[str | int, ...], right: str, wrong: str
) -> None:
    contract = bookings()
    at(contract, *path, "customProperties", right)["property"] = wrong
    error = refused(tmp_path, contract)
    assert f"unknown property {wrong!r} (did you mean {right!r}?)" in str(error)


def _keys(data: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key)
            yield from _keys(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _keys(value, (*path, index))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.sampled_from(list(_keys(bookings()))), how=st.sampled_from(["drop", "double", "swap", "capital"]))
def test_no_key_at_all_can_be_misspelt_in_silence(tmp_path: Path, where: tuple[Any, ...], how: str) -> None:
    contract, key = bookings(), where[-1]
    wrong = {
        "drop": key[:-1],
        "double": key[0] + key,
        "swap": key[1] + key[0] + key[2:],
        "capital": key[0].upper() + key[1:],
    }[how]
    element = at(contract, *where[:-1])
    if wrong not in element:
        element[wrong] = element.pop(key)
        path = write_contract(tmp_path, contract, name="bookings")
        with pytest.raises(ContractError) as error:
            odcs.read(path)
        assert wrong in str(error.value) or key in str(error.value)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    contract = bookings()
    col(contract, "day")["requird"] = True
    at(contract, "servers", "daily")["enconding"] = "utf-8"
    error = refused(tmp_path, contract)
    assert "2 faults" in str(error)
    assert "did you mean 'required'?" in str(error)
    assert "did you mean 'encoding'?" in str(error)


# -- what is refused ---------------------------------------------------------------------------------------------------


def _quality(**values: Any) -> Change:
    return lambda c: at(c, "schema", 0, "quality", "one_day_a_file").update(values)


def _column(name: str, /, **values: Any) -> Change:
    return lambda c: col(c, name).update(values)


@pytest.mark.parametrize(
    ("change", "field", "phrase"),
    [
        (_quality(severity="critical"), "one_day_a_file.severity", "error, quarantine, warning"),
        (lambda c: at(c, "schema", 0, "quality", 1).pop("severity"), "one_day_a_file", "needs a severity"),
        (lambda c: at(c, "schema", 0, "quality", 1).pop("id"), "quality", "needs an id"),
        (_quality(id="key"), "", "a second rule is called 'key'"),
        (_quality(dimension="timeliness"), "one_day_a_file.dimension", "one dimension"),
        (_quality(severity="quarantine"), "one_day_a_file.severity", "no row can leave"),
        (_quality(mustBe=5), "one_day_a_file", "mustBe: 0"),
        (_quality(query="select 1"), "one_day_a_file.query", "${object}"),
        (_quality(query="select count(*) from ${object}, products.x"), "one_day_a_file.query", "layer"),
        (_quality(query="select count(*) from ${object}, quarantine.bookings"), "one_day_a_file.query", "bad rows too"),
        (_quality(query="select count(*) from ${object}, after.customers"), "one_day_a_file.query", "layer"),
        (lambda c: at(c, "schema", 0, "quality", 1).pop("mustBe"), "one_day_a_file", "exactly one of mustBe"),
        (lambda c: at(c, "schema", 0, "quality", 1).update(mustBe=0, mustNotBe=1), "one_day_a_file", "more than one"),
        (lambda c: put(at(c, "schema", 0, "quality", 1), gbt36344="normativity"), "gbt36344", "expected one of"),
        (lambda c: c["customProperties"].append(*custom(delivery="full")), "customProperties.delivery", "twice"),
        (lambda c: put(c, delivery="fully"), "delivery", "did you mean 'full'?"),
        (lambda c: put(c, maxRejected=2), "maxRejected", "a share from 0 to 1"),
        (lambda c: put(c, maxRejected=True), "maxRejected", "a share from 0 to 1"),
        (lambda c: put(c, maxStaleDays=-1), "maxStaleDays", "a whole number from 0"),
        (lambda c: put(at(c, "schema", 0), temporal=None), "schema.bookings", "says nothing about time"),
        (lambda c: put(at(c, "schema", 0), temporal={"kind": "evnt"}), "temporal.value.kind", "did you mean 'event'?"),
        (lambda c: put(at(c, "schema", 0), temporal={"kind": "event", "column": "dy"}), "column", "did you mean 'day'?"),
        (lambda c: put(at(c, "schema", 0), rowTemporals=[{"kind": "identity"}]), "rowTemporals", "condition (where)"),
        (lambda c: put(c, history={"knownAt": {"column": "dya"}}), "knownAt.column", "did you mean 'day'?"),
        (_column("day", physicalType="DATETIME2"), "day.physicalType", "not a type that we keep"),
        (_column("day", physicalType="DECIMAL(39,2)"), "day.physicalType", "not a type that we keep"),
        (_column("kind", physicalType="VARCHAR(3)"), "kind.physicalType", "not a type that we keep"),
        (_column("day", logicalType="string"), "day", "does not fit"),
        (lambda c: col(c, "kind").pop("physicalType"), "kind", "needs a physicalType"),
        (_column("kind", name="Day"), "Day", "second column"),
        (_column("amount", logicalTypeOptions={"multipleOf": 1}), "multipleOf", "nobody would hold"),
        (_column("amount", logicalTypeOptions={"minimum": 3, "maximum": 2}), "minimum", "above maximum"),
        (_column("day", logicalTypeOptions={"minimum": "20240101x"}), "minimum", "is no DATE"),
        (_column("kind", logicalTypeOptions={"minLength": 3, "maxLength": 2}), "minLength", "above maxLength"),
        (_column("kind", logicalTypeOptions={"format": "email"}), "format", "nobody would hold"),
        (_column("kind", customProperties=custom(decimalPlaces=2)), "decimalPlaces", "DECIMAL"),
        (_column("kind", enum=[{"value": None}]), "enum", "not null"),
        (_column("kind", enum=[{"value": "1"}, {"value": 1}]), "enum", "second entry"),
        (_column("kind", relationships=[{"to": "a.b.c.d"}]), "to", "table.column"),
        (lambda c: put(col(c, "amount"), severities={"range": "critical"}), "severities.value.range", "expected one of"),
        (lambda c: at(c, "servers", 0).update(server="dayly"), "server", "did you mean 'daily'?"),
        (lambda c: at(c, "servers", 0).update(format="xml"), "format", "expected one of csv, fixed"),
        (lambda c: at(c, "servers", 0).pop("path"), "servers.daily", "path"),
        (lambda c: c["schema"].append({"name": "other"}), "schema", "one table"),
        (lambda c: c.update(schema=[]), "schema", "one table"),
        (lambda c: at(c, "schema", 0).update(name="Bookings"), "name", "small letters"),
        (lambda c: at(c, "schema", 0).update(physicalName="staged.other"), "physicalName", "expected staged.bookings"),
        (lambda c: c.update(kind="DataContrat"), "kind", "did you mean 'DataContract'?"),
        (lambda c: c.update(apiVersion="v9"), "apiVersion", "not a value known here"),
        (lambda c: c.pop("id"), "", "'id' is missing"),
        (lambda c: c.update(version=1), "version", "is integer, expected string"),
        (lambda c: at(c, "schema", 0, "quality").append({"id": "x", "type": "custom", "engine": "soda",
            "implementation": "y", "dimension": "accuracy", "severity": "error"}), "engine", "nobody would run"),
        (lambda c: at(c, "schema", 0, "quality").append({"id": "x", "metric": "nullValues", "mustBe": 0,
            "dimension": "accuracy", "severity": "error"}), "quality.x", "nobody would run"),
    ],
)  # fmt: skip
def test_what_cannot_be_acted_on_is_refused(tmp_path: Path, change: Change, field: str, phrase: str) -> None:
    contract = bookings()
    change(contract)
    path = write_contract(tmp_path, contract, name="bookings")
    with pytest.raises(ContractError) as error:
        odcs.read(path)
    assert phrase in str(error.value)
    assert field in error.value.details.get("field", "") or field in error.value.details.get("found", "")
    assert error.value.details["file"] == str(path)
    assert int(error.value.details["line"]) >= 1


@pytest.mark.parametrize(
    "sql",
    [
        "amount > 0 and exists (select 1 from read_csv('/etc/passwd'))",
        "(select count(*) from '/etc/passwd') = 0",
        "booking_no = getenv('HOME')",
        "amount > 0; drop table x",
        "booking_no = current_user",
        "day <= current_date",
        "random() > 0.5",
        "bookings.amount > 0",
        "amout > 0",
        "sum(amount) > 0",
    ],
)
def test_a_predicate_that_looks_beyond_its_row_does_not_load(tmp_path: Path, sql: str) -> None:
    contract = bookings()
    put(at(contract, "schema", 0, "quality", 0), rowPredicate=sql)
    error = refused(tmp_path, contract)
    assert "rowPredicate" in error.details["field"]
    contract = bookings()
    put(at(contract, "schema", 0), rowTemporals=[{"where": sql, "kind": "identity"}])
    assert "where" in refused(tmp_path, contract).details["field"]


@pytest.mark.parametrize(
    "sql",
    [
        "select count(*) from ${object}, '/etc/passwd'",
        "select count(*) from ${object} where exists (select * from read_text('/etc/passwd'))",
        'with "/x" as (select 1) select 1 from ${object}, (select * from "/etc/passwd")',
        "copy (select * from ${object}) to '/tmp/x'",
        "select 1 from ${object}; attach 'x.db'",
        "select count(*) from ${object}, duckdb_secrets()",
        "select count(*) from ${object} using sample 10%",
    ],
)
def test_a_query_that_reads_a_file_does_not_load(tmp_path: Path, sql: str) -> None:
    contract = bookings()
    at(contract, "schema", 0, "quality", 1)["query"] = sql
    assert "one_day_a_file.query" in refused(tmp_path, contract).details["field"]


def test_no_error_shows_a_value(tmp_path: Path) -> None:
    """Enumerations, examples and limits may hold what was copied from real rows."""
    secret = "330106199001011234"
    for change in (
        lambda c: col(c, "day").update(required=secret),
        lambda c: col(c, "kind").update(enum={"value": secret}),
        lambda c: col(c, "kind").update(enum=[secret]),
        lambda c: col(c, "kind").update(enum=[{"value": [secret]}]),
        lambda c: col(c, "day").update(logicalTypeOptions={"minimum": secret + "x"}),
        lambda c: col(c, "kind").update(logicalType=secret),
        lambda c: col(c, "kind").update(physicalType=secret),
        lambda c: put(col(c, "kind"), nullValues={secret: 1}),
        lambda c: put(c, delivery=secret),
        lambda c: c.update(servers=secret),
        lambda c: c.update(team=secret),
        lambda c: c.update(kind=secret),
    ):
        contract = bookings()
        change(contract)
        assert secret not in str(refused(tmp_path, contract)).replace(f"unknown property '{secret}'", "")


def test_a_file_that_is_no_contract_is_our_error(tmp_path: Path) -> None:
    for text in ("", "- a", "just text", "a: [", "12"):
        path = tmp_path / "x.odcs.yaml"
        path.write_text(text)
        with pytest.raises(ContractError):
            odcs.read(path)


def test_a_column_of_lists_is_for_our_own_tables(tmp_path: Path) -> None:
    contract = customers()
    contract["schema"][0]["properties"].append(column("tags", "varchar[]", "array"))
    assert read(tmp_path, contract).columns["tags"] == "VARCHAR[]"
