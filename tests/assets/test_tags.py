"""Every tag keeps what its entry promises: its fixtures, its contract, and null for what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from catalogue_by_hand import COLUMNS, DAY, NIGHT, ROOMS, columns_read, party, tags_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from assets.catalogue import Catalogue, digest, load, tables
from assets.entry import PARTY_TYPES, Entry
from assets.projection import evaluate_fixture, lacking, tags_select
from data_contracts import strict
from data_contracts.bank import product_contracts
from liangcang.engine import Engine
from liangcang.portability import lint, transpile_to_spark
from liangcang.sql import check_select

TAGS = load(ROOMS / "tags", columns=COLUMNS)
TABLE = tables(TAGS)["products.customer_tags"]
unhurried = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tags")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    with Engine(read=[folder], write=folder, spill=folder) as engine:
        yield engine


def same(found: Any, expected: Any) -> bool:
    """Equal values; decimal fractions of a fixture are written in binary."""
    if isinstance(expected, bool) or expected is None or isinstance(expected, str):
        return found is expected or (isinstance(expected, str) and found == expected)
    return found is not None and float(found) == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("entry", TAGS.entries, ids=lambda entry: entry.id)
def test_every_fixture_of_a_tag_holds(entry: Entry, engine: Engine) -> None:
    for fixture in entry.fixtures:
        outcome = evaluate_fixture(TAGS, entry, fixture, run=engine.rows)
        assert outcome is not None
        assert same(outcome.shown, fixture.expect), f"{entry.file}:{fixture.line}: {outcome}"


def test_the_first_tags_are_there() -> None:
    numbers = [int(entry.id.removeprefix("T")) for entry in TAGS.entries]
    assert numbers == [
        *range(1, 15), *range(16, 23), 29, 30, *range(35, 45), 52, 53, *range(57, 74), 80, *range(91, 95), *range(98, 104),
        *range(107, 111), 112, *range(114, 117), 131, *range(133, 136), 155, 158, 159, 163, 180, 206,
    ]  # fmt: skip


def as_row(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(entry.known, True) | {"party_type": entry.applies[0]} | dict(given)


@pytest.mark.parametrize("tag", TAGS.tags, ids=lambda tag: tag.id)
def test_a_tag_is_null_when_a_column_it_needs_is_null(tag: Any, engine: Engine) -> None:
    alone = Catalogue(entries=(tag,), columns=COLUMNS)
    for fixture in tag.fixtures:
        row = as_row(tag, fixture.given)
        for columns in needed_together(tag):
            (made,) = tags_of(engine, alone, [row | dict.fromkeys(columns)])
            assert made[tag.column] is None, f"{tag.file}:{fixture.line} without {columns}"


def needed_together(entry: Entry) -> list[list[str]]:
    """The columns of which one is needed: those of a `coalesce` together, every other one alone.

    What a constant stands for is not needed.
    """
    either = {
        node: [column.name for column in node.find_all(exp.Column)] for node in entry.value.tree.find_all(exp.Coalesce)
    }
    within = {column for group in either.values() for column in group}
    needed = [
        group for node, group in either.items() if not isinstance(node.expressions[-1], exp.Boolean | exp.Literal)
    ]
    return [*needed, *([column] for column in entry.columns if column not in within)]


@pytest.mark.parametrize("how", ["unfed", "stale"])
def test_a_column_that_is_not_fed_or_stale_makes_the_tags_that_need_it_null_and_no_others(
    how: str, engine: Engine
) -> None:
    row: dict[str, Any] = {}
    for tag in TAGS.tags:
        best = next(fixture for fixture in tag.fixtures if fixture.expect is not None)
        row = as_row(tag, best.given) | row
    row = {"party_type": "person"} | {name: value for name, value in row.items() if name != "party_type"}
    (whole,) = tags_of(engine, TAGS, [row])
    columns = sorted(set(columns_read(TAGS)))
    for part in range(6):
        lost = set(columns[part::6])
        (made,) = tags_of(engine, TAGS, [row], **{how: dict.fromkeys(lost, "what is missing")})
        for tag in TAGS.tags:
            if not lost & set(tag.columns):
                assert made[tag.column] == whole[tag.column]
            elif any(lost.issuperset(needed) for needed in needed_together(tag)):
                assert made[tag.column] is None
            elif not tag.value.tree.find(exp.Coalesce):  # of a coalesce, another column may say otherwise
                assert made[tag.column] in (whole[tag.column], None)


def test_nobody_is_contacted_who_did_not_agree_and_the_tag_is_never_null(engine: Engine) -> None:
    alone = Catalogue(entries=(TAGS["T158"],), columns=COLUMNS)
    rows = [
        {"marketing_consent": said, "deceased": dead} for said in (True, False, None) for dead in (True, False, None)
    ]
    people = [row | {"party_type": kind} for row in rows for kind in ("person", "self_employed", None)]
    told = [row["t158_do_not_contact"] for row in tags_of(engine, alone, people)]
    assert told == [not row["marketing_consent"] or bool(row["deceased"]) for row in people]
    firms = tags_of(engine, alone, [row | {"party_type": "enterprise"} for row in rows])
    assert {row["t158_do_not_contact"] for row in firms} == {False}
    unfed = {"marketing_consent": "party.marketing_consent", "deceased": "party.status"}
    (made,) = tags_of(engine, alone, [{"party_type": "person"}], unfed=unfed)
    assert made["t158_do_not_contact"] is True
    assert lacking(TAGS["T158"], TAGS, unfed) == set()
    assert [tag.id for tag in TAGS.tags if tag.is_always_known] == ["T158"]
    assert product_contracts()["customer_tags"].property("t158_do_not_contact").required


def test_one_row_a_party_with_the_date_and_the_configuration(engine: Engine) -> None:
    rows = [{"party_type": kind, "age": 30} for kind in (*PARTY_TYPES, None)]
    made = tags_of(engine, TAGS, rows)
    assert [row["party_id"] for row in made] == ["p0000", "p0001", "p0002", "p0003"]
    assert {(row["business_date"], row["config_version"]) for row in made} == {(DAY, NIGHT["config_version"])}
    assert [row["t001_age"] for row in made] == [30, None, None, None]


def test_the_columns_of_the_product_are_those_of_its_contract(engine: Engine) -> None:
    party(engine, [], columns_read(TAGS))
    select = tags_select(TAGS, {}, unfed={}, **NIGHT)
    assert list(engine.describe(select)) == list(TABLE.columns)
    assert list(product_contracts()["customer_tags"].columns) == list(TABLE.columns)
    assert [tag.column for tag in TAGS.tags] == list(TABLE.columns)[3:]


def test_no_tag_is_rounded_or_cut_into_its_type(engine: Engine, folder: Path) -> None:
    party(engine, [{"party_type": "person"}], columns_read(TAGS))
    written = engine.write(tags_select(TAGS, {}, unfed={}, **NIGHT), TABLE, folder / "fed.parquet")
    assert written.rows == 1
    nothing = dict.fromkeys(columns_read(TAGS), "not fed")
    unfed = engine.write(tags_select(TAGS, {}, unfed=nothing, **NIGHT), TABLE, folder / "unfed.parquet")
    assert unfed.rows == 1


def test_the_contract_says_what_the_catalogue_says() -> None:
    contract = product_contracts()["customer_tags"]
    document = strict.load(contract.path).data["schema"][0]["properties"]
    lineage = {column["name"]: column.get("transformSourceObjects") for column in document}
    for tag in TAGS.tags:
        column = contract.property(tag.column)
        assert column.type == tag.type
        assert column.title == tag.title.replace("(", "（").replace(")", "）")
        assert column.description == f"{tag.id} {tag.name}. {tag.description}"
        assert lineage[tag.column] == [f"features.party.{name}" for name in tag.columns if name != "party_type"]


def test_every_value_of_a_band_is_a_code_of_the_contract() -> None:
    for tag in TAGS.tags:
        bands = {branch.args["true"].name for branch in tag.value.tree.find_all(exp.If)}
        bands |= {case.args["default"].name for case in tag.value.tree.find_all(exp.Case)}
        if bands:
            assert set(product_contracts()["customer_tags"].property(tag.column).codes) == bands


def test_no_tag_tells_more_of_a_person_than_what_the_contract_declares() -> None:
    contract = product_contracts()["customer_tags"]
    assert {contract.property(tag.column).classification for tag in TAGS.tags} == {"C2"}
    assert not {"birth_date", "region_code"} & set(columns_read(TAGS))


def test_the_tags_select_says_only_what_sql_may_say_and_runs_in_spark() -> None:
    checked = check_select(tags_select(TAGS, {}, unfed={}, **NIGHT), tables=["features.party"], where="tags")
    assert checked.inputs == ("features.party",)
    assert lint(checked.tree, types={"features.party": COLUMNS}) == []
    assert transpile_to_spark(checked)


def test_a_bank_moves_a_threshold_by_its_parameters(engine: Engine) -> None:
    rows = [{"party_type": "person", "age": age} for age in (59, 60, 64, 65)]
    made = tags_of(engine, TAGS, rows, overrides={"T011": {"senior": 65}})
    assert [row["t011_senior"] for row in made] == [False, False, False, True]
    assert digest(TAGS, {"T011": {"senior": 65}}) != digest(TAGS, {})


def test_both_tier_tags_have_the_same_tiers() -> None:
    assert TAGS["T037"].params == TAGS["T038"].params


money = st.none() | st.decimals(min_value=-10_000, max_value=10_000_000, places=2)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "party_type": st.sampled_from([*PARTY_TYPES, None]),
            "age": st.none() | st.integers(0, 110),
            "aum_m": st.none() | st.sampled_from([0.0, 9999.99, 10000.0, 49999.99, 50000.0, 6e6]) | st.floats(0, 1e8),
            "time_d": money,
            "dep_d": money | st.sampled_from([999, 1000]),
            "loan_bal": money,
            "loan_orig": money,
            "out_30": money,
            "in_30": money,
        }
    ),
    min_size=1,
    max_size=20,
)


@given(rows=ROWS)
@unhurried
def test_the_compiled_projection_equals_a_naive_reading_of_each_tag(rows: list[dict[str, Any]], engine: Engine) -> None:
    made = tags_of(engine, TAGS, rows)
    for row, tags in zip(rows, made, strict=True):
        for column, expected in naive(row).items():
            assert tags[column] == expected, (column, row)


def naive(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a clerk would write, one party at a time."""
    person = row["party_type"] == "person" and row["age"] is not None
    tier, share, borrower, net = None, None, None, None
    if row["aum_m"] is not None:
        cuts = (10_000, 50_000, 200_000, 500_000, 1_000_000, 6_000_000)
        tier = f"T{sum(row['aum_m'] >= cut for cut in cuts)}"
    if row["time_d"] is not None and row["dep_d"] is not None and row["dep_d"] >= 1000:
        share = float(row["time_d"]) / float(row["dep_d"])
    owed = row["loan_bal"] if row["loan_bal"] is not None else row["loan_orig"]
    if owed is not None:
        borrower = owed > 0
    if row["out_30"] is not None and row["in_30"] is not None:
        net = row["out_30"] - row["in_30"]
    return {
        "t001_age": row["age"] if person else None,
        "t010_minor": row["age"] < 18 if person else None,
        "t011_senior": row["age"] >= 60 if person else None,
        "t037_aum_tier": tier,
        "t041_time_share": share,
        "t058_borrower": borrower,
        "t101_net_outflow_30": net,
    }


@given(rows=ROWS)
@unhurried
def test_a_tag_does_not_depend_on_the_other_tags(rows: list[dict[str, Any]], engine: Engine) -> None:
    together = tags_of(engine, TAGS, rows)
    for id in ("T002", "T041", "T058"):
        entry = TAGS[id]
        alone = tags_of(engine, Catalogue(entries=(entry,), columns=COLUMNS), rows)
        column = next(tag.column for tag in TAGS.tags if tag.id == id)
        assert [row[column] for row in alone] == [row[column] for row in together]
