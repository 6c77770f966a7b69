"""Every indicator keeps what its entry promises, and nothing that is missing or late clears a signal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from catalogue_by_hand import COLUMNS, DAY, NIGHT, ROOMS, columns_read, party, signals_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from indicators_by_hand import COUNTED, naive

from assets.catalogue import Catalogue, load, tables
from assets.entry import PARTY_TYPES, SEVERITIES, Entry, Indicator, columns_of
from assets.projection import evaluate_fixture, risk_party_select, signals_select
from data_contracts.bank import product_contracts
from liangcang.engine import Engine
from liangcang.portability import lint, transpile_to_spark
from liangcang.sql import check_select

INDICATORS = load(ROOMS / "risk_warning", columns=COLUMNS)
TABLES = tables(INDICATORS)
SIGNAL, PARTY = TABLES["products.risk_signal"], TABLES["products.risk_party"]
IDS = [f"R{number:03}" for number in (1, 2, 11, *range(25, 35), 37, 40, *range(45, 58))]
SOME = Catalogue(
    entries=tuple(INDICATORS[id] for id in ("R002", "R025", "R026", "R045", "R046", "R048", "R051", "R054")),
    columns=COLUMNS,
)
OF_PERSONS = ["R001", "R002", "R037", "R046", "R047", "R053", "R057"]
unhurried = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("signals")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    with Engine(read=[folder], write=folder, spill=folder) as engine:
        yield engine


def alone(entry: Entry) -> Catalogue:
    return Catalogue(entries=(entry,), columns=COLUMNS)


def as_row(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(entry.known, True) | {"party_type": entry.applies[0]} | dict(given)


def settled(entry: Indicator, row: Mapping[str, Any]) -> bool:
    """Whether the entry itself says that this row is a MISS whatever else is not known."""
    owed = row.get("loan_bal") if row.get("loan_bal") is not None else row.get("loan_orig")
    little = row.get("aum_m_3") is not None and row["aum_m_3"] < entry.params.get("base", 0)
    here = row.get("customer_known") is True and row.get("id_over_days") == 0
    few = row.get("flows_known") is True and row.get("night_cnt_30") is not None and row["night_cnt_30"] < 10
    by_id = {
        "R002": here,
        "R026": row.get("receipt_cnt") == 0,
        "R037": row.get("mon_due") == 0,
        "R048": (owed is not None and owed <= 0) or little,
        "R054": few,
    }
    assert bool(entry.miss_when) == (entry.id in by_id)
    return by_id.get(entry.id, False)


def stood_for(entry: Indicator) -> set[str]:
    """Columns without which a MISS may stand: they only settle what is settled anyway, or another one stands for them."""
    judging = [formula for field, formula in entry.formulas() if field != "miss_when"]
    settling = set(columns_of(entry.miss_when.tree)) if entry.miss_when else set()
    return (settling - {name for formula in judging for name in columns_of(formula.tree)}) | {"loan_bal", "loan_orig"}


def test_the_indicators_are_there() -> None:
    assert [entry.id for entry in INDICATORS.entries] == IDS


@pytest.mark.parametrize("entry", INDICATORS.entries, ids=lambda entry: entry.id)
def test_every_fixture_of_an_indicator_holds(entry: Entry, engine: Engine) -> None:
    for fixture in entry.fixtures:
        outcome = evaluate_fixture(INDICATORS, entry, fixture, run=engine.rows)
        assert outcome is not None
        assert outcome.shown == fixture.expect, f"{entry.file}:{fixture.line}: {outcome}"


@pytest.mark.parametrize("entry", INDICATORS.indicators, ids=lambda entry: entry.id)
def test_an_input_that_is_null_never_becomes_a_miss(entry: Indicator, engine: Engine) -> None:
    for fixture in entry.fixtures:
        row = as_row(entry, fixture.given)
        for column in set(entry.columns) - set(entry.evidence):
            (signal,) = signals_of(engine, alone(entry), [row | {column: None}])
            if signal["result"] == "MISS":
                # Only a miss that stands without the column: the entry says so, or another column stands for it.
                assert settled(entry, row | {column: None}) or column in stood_for(entry), column
                assert fixture.expect == "miss"


@pytest.mark.parametrize("how", ["unfed", "stale"])
@pytest.mark.parametrize("entry", INDICATORS.indicators, ids=lambda entry: entry.id)
def test_a_missing_or_late_feed_never_clears_a_signal(entry: Indicator, how: str, engine: Engine) -> None:
    said = {"unfed": "source missing: a column", "stale": "stale: a column"}[how]
    hits = [fixture for fixture in entry.fixtures if fixture.expect in SEVERITIES]
    assert hits
    for fixture in hits:
        for column in entry.columns:
            (signal,) = signals_of(engine, alone(entry), [as_row(entry, fixture.given)], **{how: {column: "a column"}})
            assert signal["result"] in ("HIT", "UNKNOWN"), column
            if signal["result"] == "UNKNOWN":
                assert signal["reason"] in (said, "not known: loan_orig", "not known: loan_bal")


@pytest.mark.parametrize("entry", INDICATORS.indicators, ids=lambda entry: entry.id)
def test_without_any_feed_every_indicator_is_unknown_and_says_why(entry: Indicator, engine: Engine) -> None:
    row = as_row(entry, next(fixture.given for fixture in entry.fixtures if fixture.expect in SEVERITIES))
    unfed = {column: f"{column}'s source" for column in entry.columns}
    (signal,) = signals_of(engine, alone(entry), [row], unfed=unfed)
    assert (signal["result"], signal["severity"], signal["value"], signal["evidence"]) == ("UNKNOWN", None, None, None)
    assert signal["reason"].startswith("source missing: ")


def test_a_bank_without_days_past_due_says_which_column_is_missing(engine: Engine) -> None:
    row = {"party_type": "person", "dpd_now": 120, "ovd_amt": 1}
    (signal,) = signals_of(engine, alone(INDICATORS["R025"]), [row], unfed={"dpd_now": "loan_receipt.dpd"})
    assert (signal["result"], signal["reason"]) == ("UNKNOWN", "source missing: loan_receipt.dpd")


def test_an_open_receipt_makes_a_borrower_where_the_bank_feeds_no_principal(engine: Engine) -> None:
    row = {"party_type": "person", "loan_orig": 50_000, "aum_chg_3m": -0.9, "aum_m_3": 30_000.0}
    unfed = {"loan_bal": "loan_receipt.outstanding_principal"}
    (signal,) = signals_of(engine, alone(INDICATORS["R048"]), [row], unfed=unfed)
    assert (signal["result"], signal["severity"]) == ("HIT", "yellow")
    unfed["loan_orig"] = "loan_receipt.disbursed_amount"
    (signal,) = signals_of(engine, alone(INDICATORS["R048"]), [row], unfed=unfed)
    assert (signal["result"], signal["reason"]) == ("UNKNOWN", "source missing: loan_receipt.outstanding_principal")


def test_one_row_a_party_and_applicable_indicator(engine: Engine) -> None:
    signals = signals_of(engine, INDICATORS, [{"party_type": kind} for kind in PARTY_TYPES])
    of_others = [id for id in IDS if id not in OF_PERSONS]
    assert [s["indicator_id"] for s in signals if s["party_id"] == "p0000"] == IDS
    assert [s["indicator_id"] for s in signals if s["party_id"] == "p0001"] == of_others
    assert [s["indicator_id"] for s in signals if s["party_id"] == "p0002"] == of_others
    assert {(s["business_date"], s["config_version"]) for s in signals} == {(DAY, NIGHT["config_version"])}


def test_a_party_of_unknown_type_is_not_passed_over(engine: Engine) -> None:
    row = {"party_type": None, "flows_known": True, "sal_months_3_8": 6, "sal_months_1_2": 0, "dpd_now": 0}
    signals = {signal["indicator_id"]: signal for signal in signals_of(engine, INDICATORS, [row])}
    assert list(signals) == IDS
    assert (signals["R046"]["result"], signals["R046"]["reason"]) == ("UNKNOWN", "not known: party_type")
    assert signals["R025"]["result"] == "MISS"


def test_evidence_holds_value_inputs_and_thresholds_and_names_nobody(engine: Engine) -> None:
    row = {"party_type": "person", "in_avg3": 2000.5, "in_prev9": 10000.0, "in_m": 1999.99, "flows_known": True}
    (signal,) = signals_of(engine, alone(INDICATORS["R045"]), [row], overrides={"R045": {"mild": -0.5}})
    assert signal["value"] == 2000.5 / 10000 - 1
    assert json.loads(signal["evidence"]) == {
        "value": signal["value"],
        "inputs": {"in_avg3": 2000.5, "in_prev9": 10000.0, "in_m": 1999.99},
        "thresholds": {"floor": 5000, "severe": -0.7, "mild": -0.5},
    }
    assert "1999.99" in signal["evidence"], "money keeps its digits"
    (without,) = signals_of(engine, alone(INDICATORS["R045"]), [row | {"in_m": None}])
    assert json.loads(without["evidence"])["inputs"]["in_m"] is None


def test_no_indicator_reads_what_could_name_somebody() -> None:
    for entry in INDICATORS.indicators:
        texts = [column for column in entry.columns if COLUMNS[column].startswith("VARCHAR")]
        assert set(texts) <= {"party_type"}


def test_the_signals_fit_their_table_and_contract(engine: Engine, folder: Path) -> None:
    rows = [as_row(entry, fixture.given) for entry in INDICATORS.entries for fixture in entry.fixtures]
    party(engine, rows, columns_read(INDICATORS))
    engine.write(signals_select(INDICATORS, {}, unfed={}, **NIGHT), SIGNAL, folder / "signals.parquet")
    nothing = dict.fromkeys(columns_read(INDICATORS), "not fed")
    engine.write(signals_select(INDICATORS, {}, unfed=nothing, **NIGHT), SIGNAL, folder / "unfed.parquet")
    engine.view("products.risk_signal", [folder / "signals.parquet"], SIGNAL.columns)
    engine.write(risk_party_select(**NIGHT), PARTY, folder / "party.parquet")
    engine.view("products.risk_party", [folder / "party.parquet"], PARTY.columns)
    results = dict(engine.rows("select result, count(*) from products.risk_signal group by result"))
    assert set(results) == {"HIT", "MISS", "UNKNOWN"}
    assert engine.rows("select count(*) from products.risk_party")[0][0] == len(rows)
    for name in ("risk_signal", "risk_party"):
        held(engine, name)


def held(engine: Engine, name: str) -> None:
    """Every rule of a product's contract holds for its rows."""
    contract = product_contracts()[name]
    kinds = {rule.kind for rule in contract.rules}
    assert {"required", "enum", "row", "key"} <= kinds
    for rule in contract.rules:
        for column in rule.columns:
            values = [row[0] for row in engine.rows(f"select {column} from products.{name}")]
            present = [value for value in values if value is not None]
            if rule.kind == "required":
                assert len(present) == len(values), rule.id
            elif rule.kind == "enum":
                assert set(present) <= set(rule.values), rule.id
            elif rule.kind == "pattern":
                assert all(re.search(rule.pattern or "", value) for value in present), rule.id
            elif rule.kind == "range":
                assert all(float(rule.minimum or 0) <= value <= float(rule.maximum or "inf") for value in present), (
                    rule.id
                )
        if rule.kind == "row":
            broken = f"select count(*) from products.{name} where not coalesce({rule.predicate}, true)"
            assert engine.rows(broken)[0][0] == 0, rule.id


def test_the_selects_say_only_what_sql_may_say_and_run_in_spark() -> None:
    signals = check_select(
        signals_select(INDICATORS, {}, unfed={}, **NIGHT), tables=["features.party"], where="signals"
    )
    assert lint(signals.tree, types={"features.party": COLUMNS}) == []
    assert transpile_to_spark(signals)
    level = check_select(risk_party_select(**NIGHT), tables=["products.risk_signal"], where="party")
    assert lint(level.tree, types={"products.risk_signal": SIGNAL.columns}) == []
    assert transpile_to_spark(level)


def amounts(*edges: float) -> st.SearchStrategy[Any]:
    return st.none() | st.sampled_from(edges) | st.integers(-10, 300_000)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "party_type": st.sampled_from(PARTY_TYPES),
            "flows_known": st.sampled_from([True, True, True, False, None]),
            "dpd_now": st.none() | st.integers(0, 100),
            "five_class_max": st.none() | st.integers(1, 5),
            "receipt_cnt": st.none() | st.integers(0, 2),
            "in_avg3": amounts(1500, 3000).map(lambda x: None if x is None else float(x)),
            "in_prev9": amounts(4999, 5000, 10_000, 0).map(lambda x: None if x is None else float(x)),
            "sal_months_3_8": st.none() | st.integers(4, 6),
            "sal_months_1_2": st.none() | st.integers(0, 1),
            "loan_bal": amounts(0, 1),
            "loan_orig": amounts(0, 50_000),
            "aum_chg_3m": st.none() | st.sampled_from([-0.61, -0.6, -0.59]) | st.floats(-1, 1),
            "aum_m_3": amounts(19_999, 20_000).map(lambda x: None if x is None else float(x)),
            "out_30": amounts(99_999, 100_000),
            "payer_cnt_30": st.none() | st.integers(19, 21),
            "payee_cnt_30": st.none() | st.integers(2, 4),
            "r051_active_7_amount": amounts(49_999, 50_000),
            "r051_quiet_before": st.none() | st.booleans(),
            "r051_oldest_account_days": st.none() | st.integers(185, 188),
            "r052_cash_band_cnt_7": st.none() | st.integers(2, 4),
            "customer_known": st.sampled_from([True, True, True, False, None]),
            "id_wrong": st.none() | st.booleans(),
            "id_over_days": st.none() | st.sampled_from([0, 1, 90, 91]),
            "deceased": st.none() | st.booleans(),
            "secured_paid_cnt_180": st.none() | st.integers(0, 1),
            "others_paid_cnt_180": st.none() | st.integers(0, 1),
            "dti": st.none() | st.sampled_from([0.55, 0.56, 0.8, 0.81]),
            "mon_due": amounts(0, 1),
            "sal_avg3": st.none() | st.sampled_from([0.0, 700.0, 701.0]),
            "sal_prev3": st.none() | st.sampled_from([0.0, 999.0, 1000.0]),
            "gamble_cnt_30": st.none() | st.integers(0, 6),
            "gamble_amt_30": amounts(19_999, 20_000),
            "night_share_30": st.none() | st.sampled_from([0.49, 0.5]),
            "night_cnt_30": st.none() | st.integers(9, 11),
            **{column: st.none() | st.sampled_from(edges) for column, edges, _ in COUNTED.values()},
        }
    ),
    min_size=1,
    max_size=20,
)


@given(rows=ROWS)
@unhurried
def test_the_compiled_projection_equals_a_naive_reading_of_each_indicator(
    rows: list[dict[str, Any]], engine: Engine
) -> None:
    found: dict[str, dict[str, str]] = {f"p{at:04}": {} for at in range(len(rows))}
    for signal in signals_of(engine, INDICATORS, rows):
        found[signal["party_id"]][signal["indicator_id"]] = signal["severity"] or signal["result"].lower()
    for at, row in enumerate(rows):
        assert found[f"p{at:04}"] == naive(row), row


@given(rows=ROWS)
@unhurried
def test_an_indicator_does_not_depend_on_the_other_indicators(rows: list[dict[str, Any]], engine: Engine) -> None:
    together = signals_of(engine, SOME, rows)
    for id in ("R025", "R046", "R048"):
        own = [signal for signal in together if signal["indicator_id"] == id]
        assert signals_of(engine, alone(INDICATORS[id]), rows) == own


@given(
    rows=ROWS, column=st.sampled_from(["dpd_now", "in_avg3", "in_prev9", "loan_bal", "aum_chg_3m", "r051_quiet_before"])
)
@unhurried
def test_losing_a_feed_turns_results_only_to_unknown(rows: list[dict[str, Any]], column: str, engine: Engine) -> None:
    before = signals_of(engine, SOME, rows)
    after = signals_of(engine, SOME, rows, unfed={column: "its source"})
    for old, new in zip(before, after, strict=True):
        reads = column in INDICATORS[new["indicator_id"]].columns
        if not reads:
            assert new == old
        elif column != "loan_bal":  # another column stands for it, and may say otherwise
            assert new["result"] in (old["result"], "UNKNOWN")


SIGNALS = st.dictionaries(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(IDS)),
    st.sampled_from([("HIT", severity) for severity in SEVERITIES] + [("MISS", None), ("UNKNOWN", None)]),
    min_size=1,
)


def levels_of(engine: Engine, signals: Mapping[tuple[str, str], tuple[str, str | None]]) -> dict[str, dict[str, Any]]:
    """`products.risk_party` of these signals, by party."""
    engine.con.execute("create schema if not exists hand")
    engine.con.execute("drop view if exists products.risk_signal")
    engine.con.execute("create schema if not exists products")
    engine.con.execute("create or replace table hand.signal (party_id varchar, result varchar, severity varchar)")
    engine.con.executemany(
        "insert into hand.signal values (?, ?, ?)", [[p, *result] for (p, _), result in signals.items()]
    )
    select = risk_party_select(**NIGHT).replace("products.risk_signal", "hand.signal")
    names = list(engine.describe(select))
    assert names == list(PARTY.columns)
    return {row[0]: dict(zip(names, row, strict=True)) for row in engine.rows(select)}


@given(signals=SIGNALS)
@unhurried
def test_a_partys_level_is_its_strictest_hit_and_its_coverage_what_could_be_judged(
    signals: dict[tuple[str, str], tuple[str, str | None]], engine: Engine
) -> None:
    levels = levels_of(engine, signals)
    for party_id in {party_id for party_id, _ in signals}:
        own = [result for (party_of, _), result in signals.items() if party_of == party_id]
        hits = [severity for result, severity in own if result == "HIT"]
        row = levels[party_id]
        assert row["level"] == min(hits, key=SEVERITIES.index, default=None)
        counted = [sum(result == kind for result, _ in own) for kind in ("HIT", "MISS", "UNKNOWN")]
        assert [row["hits"], row["misses"], row["unknowns"]] == counted
        assert row["coverage"] == (counted[0] + counted[1]) / sum(counted)


@given(signals=SIGNALS, severity=st.sampled_from(SEVERITIES), id=st.sampled_from(IDS))
@unhurried
def test_a_further_hit_never_lowers_a_level_and_a_lost_feed_changes_coverage_only(
    signals: dict[tuple[str, str], tuple[str, str | None]], severity: str, id: str, engine: Engine
) -> None:
    party_id = next(iter(signals))[0]
    before = levels_of(engine, signals)[party_id]
    rank = [*SEVERITIES, None]
    if signals.get((party_id, id), ("MISS", None))[0] != "HIT":
        more = levels_of(engine, {**signals, (party_id, id): ("HIT", severity)})[party_id]
        assert rank.index(more["level"]) <= rank.index(before["level"])
        less = levels_of(engine, {**signals, (party_id, id): ("UNKNOWN", None)})[party_id]
        assert less["level"] == before["level"]
        assert less["coverage"] <= before["coverage"]


@given(days=st.lists(st.integers(0, 400), min_size=2, max_size=20))
@unhurried
def test_more_days_past_due_never_make_a_milder_signal(days: list[int], engine: Engine) -> None:
    rows = [{"party_type": "person", "dpd_now": dpd} for dpd in sorted(days)]
    ranks = [[*SEVERITIES, None].index(s["severity"]) for s in signals_of(engine, alone(INDICATORS["R025"]), rows)]
    assert ranks == sorted(ranks, reverse=True)
