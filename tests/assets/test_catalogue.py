"""A catalogue's entries are checked when they are loaded: a mistake is refused with file, line, entry and field."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from catalogue_by_hand import NIGHT, signals_of, tags_of

from assets.catalogue import Catalogue, check_overrides, digest, load, parameters_of, tables
from assets.entry import Indicator
from assets.projection import evaluate_fixture, signals_select, tags_select
from liangcang.engine import Engine
from liangcang.errors import ContractError

COLUMNS = {
    "party_id": "VARCHAR",
    "party_type": "VARCHAR",
    "gender": "VARCHAR",
    "age": "INTEGER",
    "flows_known": "BOOLEAN",
    "in_avg3": "DOUBLE",
    "in_prev9": "DOUBLE",
    "dpd_now": "INTEGER",
    "loan_bal": "DECIMAL(18,2)",
    "loan_orig": "DECIMAL(18,2)",
    "in_m": "DECIMAL(18,2)",
}

INDICATOR = """\
- id: R045
  name: {en: Inflow drop, zh: 账户流入骤降}
  dimension: cash_flow
  owner: risk
  source: Default.
  applies: [person, enterprise, self_employed]
  value: in_avg3 / in_prev9 - 1
  unknown_when: in_prev9 < $floor
  levels:
    orange: value <= $severe
    yellow: value <= $mild
  params: {floor: 5000, severe: -0.70, mild: -0.40}
  evidence: [in_m]
  fixtures:
    - {given: {in_avg3: 2000, in_prev9: 10000}, expect: orange}
    - {given: {in_avg3: 5000, in_prev9: 10000}, expect: yellow}
    - {given: {in_avg3: 7000, in_prev9: 10000}, expect: miss}
    - {given: {in_avg3: 2000, in_prev9: 3000}, expect: unknown}
"""

TAG = """\
- id: T011
  slug: senior
  name: {en: Senior, zh: 老年客户}
  dimension: natural
  kind: rule
  type: BOOLEAN
  owner: retail
  refresh: daily
  source: Default.
  applies: [person]
  value: age >= $senior
  params: {senior: 60}
  fixtures:
    - {given: {age: 60}, expect: true}
    - {given: {age: 59}, expect: false}
    - {given: {age: null}, expect: null}
"""


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with Engine(read=[], write=None, spill=tmp_path_factory.mktemp("spill")) as engine:
        yield engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(INDICATOR, encoding="utf-8")
    return tmp_path


def changed(folder: Path, before: str, after: str, *, of: str = INDICATOR) -> Catalogue:
    """The catalogue with one place of its file changed."""
    assert of.count(before) == 1, before
    (folder / "own.yaml").write_text(of.replace(before, after), encoding="utf-8")
    return load(folder, columns=COLUMNS)


def refused(folder: Path, before: str, after: str, *, of: str = INDICATOR) -> dict[str, str]:
    """What the error says when one place of the file is changed: `what` and its details."""
    with pytest.raises(ContractError) as error:
        changed(folder, before, after, of=of)
    assert error.value.details["file"].endswith("own.yaml")
    line = int(error.value.details["line"])
    assert 1 <= line <= of.count("\n") + 1
    return {"what": error.value.what, **error.value.details, "all": str(error.value)}


def test_a_catalogue_that_is_right_loads(folder: Path) -> None:
    entry = load(folder, columns=COLUMNS)["R045"]
    assert isinstance(entry, Indicator)
    assert list(entry.levels) == ["orange", "yellow"]
    assert entry.columns == ("in_avg3", "in_prev9", "in_m")
    assert entry.title == "账户流入骤降"


def test_a_misspelt_column_is_refused_with_file_line_entry_and_field(folder: Path) -> None:
    said = refused(folder, "value: in_avg3 / in_prev9 - 1", "value: in_avg3 / in_prev8 - 1")
    assert said["line"] == "7"
    assert said["field"] == "R045.value"
    assert said["what"].startswith("R045: ")
    assert "in_prev8" in said["all"] and "did you mean in_prev9" in said["all"]


def test_a_misspelt_column_in_a_level_is_refused_at_its_line(folder: Path) -> None:
    said = refused(folder, "yellow: value <= $mild", "yellow: valu <= $mild")
    assert (said["line"], said["field"]) == ("11", "R045.levels.yellow")
    assert "did you mean value" in said["all"]


@pytest.mark.parametrize(
    ("before", "after", "field", "word"),
    [
        ("  owner: risk\n", "  ownr: risk\n", "R045.ownr", "owner"),
        ("  owner: risk\n", "", "R045", "owner"),
        ("  owner: risk\n", "  owner: [risk]\n", "R045.owner", "text"),
        ("id: R045", "id: X045", "X045.id", "R045"),
        ("id: R045", "id: R45", "R45.id", "R045"),
        ("zh: 账户流入骤降", "cn: 账户流入骤降", "R045.name", "zh"),
        ("[person, enterprise, self_employed]", "[person, enterprises]", "R045.applies", "enterprise"),
        ("yellow: value", "yelow: value", "R045.levels.yelow", "yellow"),
        ("$severe\n", "$sever\n", "R045.levels.orange", "severe"),
        ("{floor: 5000,", "{floor: 5000, unused: 1,", "R045.params.unused", "unused"),
        ("floor: 5000", "floor: [5000]", "R045.params.floor", "number"),
        ("evidence: [in_m]", "evidence: [in_mm]", "R045.evidence", "in_m"),
        ("evidence: [in_m]", "evidence: [gender]", "R045.evidence", "gender"),
        ("evidence: [in_m]", "evidence: in_m", "R045.evidence", "list"),
        ("evidence: [in_m]", "known: [in_m]", "R045.known", "in_m"),
        ("evidence: [in_m]", "history: [in_prev]", "R045.history", "in_prev9"),
        ("evidence: [in_m]", "nulls: {in_prv9: 0}", "R045.nulls", "in_prev9"),
        ("in_prev9: 3000}, expect: unknown", "in_prev9: 3000}, expect: unknwn", "R045.fixtures.3.expect", "unknown"),
        ("in_prev9: 3000}, expect: unknown", "in_prev9: 3000}, expect: red", "R045.fixtures.3.expect", "red"),
        ("in_prev9: 3000}, expect: unknown", "in_prev9: 3000}", "R045.fixtures.3", "expect"),
        ("given: {in_avg3: 2000, in_prev9: 3000}", "given: {age: 3}", "R045.fixtures.3.given.age", "age"),
        ("value: in_avg3 / in_prev9 - 1", "value: In_avg3 / in_prev9 - 1", "R045.value", "in_avg3"),
        ("value: in_avg3 / in_prev9 - 1", "value: 1 + 1", "R045.value", "column"),
        ("value: in_avg3 / in_prev9 - 1", "value:", "R045.value", "formula"),
        ("value: in_avg3 / in_prev9 - 1", "value: in_avg3 /", "R045.value", "SQL"),
        ("value: in_avg3 / in_prev9 - 1", "value: sum(in_avg3) - in_prev9", "R045.value", "aggregate"),
        ("value: in_avg3 / in_prev9 - 1", "value: (select 1) + in_avg3 + in_prev9", "R045.value", "sub-query"),
        ("value: in_avg3 / in_prev9 - 1", "value: in_avg3 * random() + in_prev9", "R045.value", "rand"),
    ],
)
def test_a_mistake_is_refused_at_its_field(folder: Path, before: str, after: str, field: str, word: str) -> None:
    said = refused(folder, before, after)
    assert said["field"] == field
    assert word.casefold() in said["all"].casefold()


@pytest.mark.parametrize("case", ["orange", "yellow", "miss", "unknown"])
def test_an_indicator_without_a_case_of_each_result_is_refused(folder: Path, case: str) -> None:
    line = next(line for line in INDICATOR.splitlines(keepends=True) if f"expect: {case}" in line)
    said = refused(folder, line, "")
    assert said["field"] == "R045.fixtures"
    assert case in said["expected"]


@pytest.mark.parametrize("case", ["true", "false", "null"])
def test_a_tag_without_a_case_of_each_kind_is_refused(folder: Path, case: str) -> None:
    line = next(line for line in TAG.splitlines(keepends=True) if f"expect: {case}" in line)
    assert case in refused(folder, line, "", of=TAG)["expected"].casefold()


def test_a_tag_of_a_type_that_no_product_has_is_refused(folder: Path) -> None:
    assert refused(folder, "type: BOOLEAN", "type: BOOL", of=TAG)["field"] == "T011.type"


def test_a_slug_becomes_a_column_and_is_held_to_its_form(folder: Path) -> None:
    assert refused(folder, "slug: senior", "slug: Senior-Citizen", of=TAG)["field"] == "T011.slug"


def test_an_id_that_stands_in_two_files_is_refused(folder: Path) -> None:
    (folder / "other.yaml").write_text(INDICATOR, encoding="utf-8")
    with pytest.raises(ContractError, match="R045 is defined twice"):
        load(folder, columns=COLUMNS)


def test_a_file_that_is_no_list_of_entries_is_refused(folder: Path) -> None:
    (folder / "own.yaml").write_text("id: R045\n", encoding="utf-8")
    with pytest.raises(ContractError, match="list of entries"):
        load(folder, columns=COLUMNS)


def test_a_folder_without_entries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="without entries"):
        load(tmp_path, columns=COLUMNS)


def test_a_column_that_the_features_do_not_have_is_refused(folder: Path) -> None:
    with pytest.raises(ContractError, match="R045"):
        load(folder, columns={name: kind for name, kind in COLUMNS.items() if name != "in_prev9"})


def test_decimal_parameters_are_kept_exact(folder: Path) -> None:
    entry = load(folder, columns=COLUMNS)["R045"]
    assert entry.params == {"floor": 5000, "severe": Decimal("-0.70"), "mild": Decimal("-0.40")}
    assert parameters_of(entry, {"R045": {"mild": -0.1}})["mild"] == Decimal("-0.1")


def test_a_banks_unknown_parameter_is_refused(folder: Path) -> None:
    catalogue = load(folder, columns=COLUMNS)
    with pytest.raises(ContractError, match=r"no parameter 'flor'.*floor") as error:
        signals_select(catalogue, {"R045": {"flor": 1}}, unfed={}, **NIGHT)
    assert error.value.details["field"] == "parameters.entries.R045.flor"


def test_a_banks_parameter_of_another_type_is_refused(folder: Path) -> None:
    catalogue = load(folder, columns=COLUMNS)
    for wrong in ("5000", True, None):
        with pytest.raises(ContractError, match="floor"):
            digest(catalogue, {"R045": {"floor": wrong}})


def test_a_banks_parameters_for_an_entry_that_no_catalogue_has_are_refused(folder: Path) -> None:
    catalogue = load(folder, columns=COLUMNS)
    check_overrides([catalogue], {"R045": {"floor": 1}})
    with pytest.raises(ContractError, match=r"R054.*R045"):
        check_overrides([catalogue], {"R054": {"floor": 1}})


def test_the_digest_follows_formulas_and_parameters_but_not_names(folder: Path) -> None:
    before = digest(load(folder, columns=COLUMNS), {})
    assert len(before) == 12 and int(before, 16) >= 0
    assert digest(changed(folder, "Inflow drop", "Inflow decline"), {}) == before
    assert digest(changed(folder, "owner: risk", "owner: audit"), {}) == before
    assert digest(changed(folder, "floor: 5000", "floor: 5001"), {}) != before
    assert digest(changed(folder, "value <= $mild", "value < $mild"), {}) != before
    assert digest(changed(folder, "[person, enterprise, self_employed]", "[person]"), {}) != before


def test_the_digest_follows_the_banks_parameters(folder: Path) -> None:
    catalogue = load(folder, columns=COLUMNS)
    assert digest(catalogue, {"R045": {"floor": 5000}}) == digest(catalogue, {})
    assert digest(catalogue, {"R045": {"floor": 9000}}) != digest(catalogue, {})


def test_a_parameter_never_becomes_sql(folder: Path, engine: Engine) -> None:
    catalogue = changed(
        folder, "age >= $senior", "gender = $senior or age > 60", of=TAG.replace("senior: 60", "senior: x")
    )
    select = tags_select(catalogue, {"T011": {"senior": "x' or true or 'y"}}, unfed={}, **NIGHT)
    assert "'x'' or true or ''y'" in select
    assert engine.describe(
        select.replace("features.party", "(select '' as party_id, '' as party_type, 1 as age, '' as gender)")
    )


def test_what_null_means_is_used_only_where_the_bank_feeds_the_column(folder: Path, engine: Engine) -> None:
    catalogue = changed(folder, "  params: {senior: 60}", "  nulls: {age: 70}\n  params: {senior: 60}", of=TAG)
    rows = [{"party_type": "person", "age": None}]
    assert evaluate_fixture(catalogue, catalogue["T011"], catalogue["T011"].fixtures[2], run=engine.rows).value is True
    assert tags_of(engine, catalogue, rows)[0]["t011_senior"] is True
    assert tags_of(engine, catalogue, rows, unfed={"age": "party.birth_date"})[0]["t011_senior"] is None
    assert tags_of(engine, catalogue, rows, stale={"age": "client"})[0]["t011_senior"] is None


LEVELS = INDICATOR.replace("orange: value <= $severe", "orange: value <= $severe and dpd_now > 0").replace(
    "    - {given: {in_avg3: 2000, in_prev9: 10000}, expect: orange}",
    "    - {given: {in_avg3: 2000, in_prev9: 10000, dpd_now: 1}, expect: orange}",
)


def test_a_level_that_cannot_be_judged_takes_no_hit_back(folder: Path, engine: Engine) -> None:
    catalogue = changed(folder, "Default.", "Default.", of=LEVELS)
    row = {"party_type": "person", "in_avg3": 1000, "in_prev9": 10000}
    (signal,) = signals_of(engine, catalogue, [row])
    assert (signal["result"], signal["severity"], signal["reason"]) == ("HIT", "yellow", None)
    (signal,) = signals_of(engine, catalogue, [row | {"dpd_now": 3}])
    assert signal["severity"] == "orange"
    (signal,) = signals_of(engine, catalogue, [row], unfed={"dpd_now": "loan_receipt.dpd"})
    assert signal["severity"] == "yellow"


def test_where_no_level_is_satisfied_and_one_cannot_be_judged_the_result_is_unknown(
    folder: Path, engine: Engine
) -> None:
    catalogue = changed(folder, "Default.", "Default.", of=LEVELS)
    row = {"party_type": "person", "in_avg3": 9000, "in_prev9": 10000}
    (signal,) = signals_of(engine, catalogue, [row])
    assert (signal["result"], signal["reason"]) == ("UNKNOWN", "not known: dpd_now")
    (signal,) = signals_of(engine, catalogue, [row | {"dpd_now": 0}])
    assert signal["result"] == "MISS"
    (signal,) = signals_of(engine, catalogue, [row], unfed={"dpd_now": "loan_receipt.dpd"})
    assert (signal["result"], signal["reason"]) == ("UNKNOWN", "source missing: loan_receipt.dpd")


def test_a_division_by_zero_is_unknown_and_never_infinite(folder: Path, engine: Engine) -> None:
    catalogue = changed(folder, "  unknown_when: in_prev9 < $floor\n", "", of=INDICATOR.replace("floor: 5000, ", ""))
    (signal,) = signals_of(engine, catalogue, [{"party_type": "person", "in_avg3": 9000, "in_prev9": 0}])
    assert (signal["result"], signal["reason"], signal["value"]) == ("UNKNOWN", "not known: value", None)


def test_the_reason_says_first_what_the_bank_lacks(folder: Path, engine: Engine) -> None:
    catalogue = changed(folder, "  evidence: [in_m]", "  known: [flows_known]\n  history: [in_prev9]")
    row = {"party_type": "person", "in_avg3": 2000, "in_prev9": 10000, "flows_known": True}

    def reason(given: dict[str, object], **how: object) -> str | None:
        return signals_of(engine, catalogue, [given], **how)[0]["reason"]

    assert reason(row) is None
    assert reason(row | {"in_prev9": None}) == "no history: in_prev9"
    assert reason(row | {"in_avg3": None}) == "not known: in_avg3"
    assert reason(row | {"in_prev9": 4999}) == "below floor"
    assert reason(row | {"flows_known": False, "in_prev9": None}) == "not known: flows_known"
    assert reason(row | {"flows_known": None}) == "not known: flows_known"
    assert reason(row, stale={"in_avg3": "trans"}) == "stale: trans"
    assert reason(row, stale={"flows_known": "trans"}) == "stale: trans"
    both = {"unfed": {"in_prev9": "transaction.amount"}, "stale": {"in_prev9": "trans"}}
    assert reason(row | {"in_avg3": None, "flows_known": False}, **both) == "source missing: transaction.amount"


def test_the_products_of_a_catalogue_are_those_of_its_entries(folder: Path) -> None:
    assert set(tables(load(folder, columns=COLUMNS))) == {"products.risk_signal", "products.risk_party"}


def test_a_tag_that_the_contract_does_not_promise_is_refused(folder: Path) -> None:
    with pytest.raises(ContractError, match="does not promise") as error:
        tables(changed(folder, "Default.", "Default.", of=TAG))
    assert "t001_age" in str(error.value)
