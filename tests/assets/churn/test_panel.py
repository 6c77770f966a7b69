"""The panel has the night's own rows: bit by bit, whenever it is made."""

from __future__ import annotations

import datetime as dt
import hashlib
import stat
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from assets.churn.labels import Label, all_labels, bank_label
from assets.churn.model_inputs import FEATURES, model_inputs, reads
from assets.churn.panel import AUDIT, LOOKED_AT, OF_THOSE, Panel, labelled_select, make_panel, nights
from assets.churn.training import as_of_dates
from assets.features.parameters import LOOKBACK
from assets.features.party import KEYS as KEYS_OF_PARTY
from assets.features.party import _read_for as read_of
from assets.features.party import days_behind, of_their_own
from assets.features.spec import party_spec
from data_contracts import tables
from data_contracts.bank import Bank, conformed_contracts, read_bank
from liangcang import checkpoints
from liangcang.engine import Engine
from liangcang.errors import SqlError, UsageError


@pytest.fixture(scope="module")
def bank(riverside_all) -> Bank:
    return read_bank(riverside_all.bank)


@pytest.fixture(scope="module")
def label(bank: Bank) -> Label:
    found = bank_label(bank)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def working(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("working")


@pytest.fixture(scope="module")
def panel(riverside_all, riverside_demo, bank: Bank, label: Label, working: Path) -> Panel:
    """The last night's date, and a month end whose outcome has come."""
    dates = [dt.date(2026, 6, 30), riverside_demo.nights[-1]]
    return make_panel(riverside_all.open.current, bank, label, model_inputs(), dates, working=working)


def test_the_features_of_a_date_are_the_bytes_of_its_night(riverside_all, riverside_demo, bank: Bank, tmp_path) -> None:
    """The first night was published when nobody knew of the later ones: nothing of them leaks into it."""
    wh, place = riverside_all.open, riverside_all.open.place
    days = [riverside_demo.nights[0], riverside_demo.nights[-1]]
    with Engine(read=[place.data], write=tmp_path, spill=place.spill, time_zone=bank.time_zone) as engine:
        for day, file in nights(engine, wh.current, bank, days, working=tmp_path):
            (published,) = wh.files(FEATURES, as_of=day)
            assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, "restricted, as the layer is"
            assert hashlib.sha256(file.read_bytes()).hexdigest() == hashlib.sha256(published.read_bytes()).hexdigest()


def test_what_the_panel_asks_for_has_the_values_of_the_whole_table(
    riverside_all, riverside_demo, bank: Bank, label: Label, tmp_path
) -> None:
    """Other features, months, parties and what is read for them are left out; of what is left, no bit differs."""
    wh, place = riverside_all.open, riverside_all.open.place
    day, only = riverside_demo.nights[0], reads(label, model_inputs()) | {*AUDIT}
    published = wh.scan(FEATURES, as_of=day).collect()
    some = published["party_id"][::3]
    with Engine(read=[place.data], write=tmp_path, spill=place.spill, time_zone=bank.time_zone) as engine:
        asked = ({"aum_q", "age"}, {}), ({"aum_max12", "dep_d", "sal_cnt_6m"}, {}), (only, {}), (only, OF_THOSE)
        for columns, where in asked:
            engine.rows(f"create schema if not exists base; create or replace table {LOOKED_AT} (party_id varchar)")
            engine.rows(f"insert into {LOOKED_AT} select unnest($some)", some=some.to_list())
            ((_, file),) = nights(
                engine, wh.current, bank, [day], working=tmp_path, only=frozenset(columns), where=where
            )
            made = pl.read_parquet(file)
            file.unlink()
            assert set(made.columns) == {*KEYS_OF_PARTY, *columns} - {"region"}
            expected = published if not where else published.filter(pl.col("party_id").is_in(some))
            assert made.equals(expected.select(made.columns))
            assert made.height == (len(published) if not where else len(some)) > 5


@pytest.mark.slow
def test_every_part_asked_for_alone_has_the_values_of_the_whole_table(
    riverside_all, riverside_demo, bank: Bank, tmp_path
) -> None:
    wh, place = riverside_all.open, riverside_all.open.place
    day = riverside_demo.nights[0]
    published = wh.scan(FEATURES, as_of=day).collect()
    alone: dict[frozenset[str], set[str]] = {}
    for feature in party_spec().features():
        alone.setdefault(frozenset(read_of(frozenset({feature.name}))), set()).add(feature.name)
    assert len(alone) > 20
    with Engine(read=[place.data], write=tmp_path, spill=place.spill, time_zone=bank.time_zone) as engine:
        for names in alone.values():
            ((_, file),) = nights(engine, wh.current, bank, [day], working=tmp_path, only=frozenset(names))
            made = pl.read_parquet(file)
            file.unlink()
            assert made.equals(published.select(made.columns)), names


def test_inputs_over_the_rows_of_others_are_made_from_all_rows() -> None:
    assert of_their_own(reads(all_labels()["c1_aum_drop"], model_inputs()))
    assert not of_their_own(frozenset({"aum_q", "others_paid_cnt_180"}))


def test_what_is_asked_for_says_how_far_back_it_looks() -> None:
    assert days_behind(frozenset({"aum_q", "age"})) == 4 * 31, "three complete months, and the one that is not"
    assert days_behind(frozenset({"aum_chg_3m"})) == 5 * 31
    assert days_behind(frozenset({"aum_max12"})) == days_behind(frozenset({"aum_q", "bal_mean_30"})) == LOOKBACK


def test_the_panel_and_explain_read_over_checkpoints(
    riverside_all, panel: Panel, bank: Bank, label: Label, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "ENOUGH", 20)
    copy = riverside_all.copy(tmp_path / "copy", landed=False)
    view, place = copy.open.current, copy.open.place
    with Engine(read=[place.data, place.states], write=place.scratch, spill=place.spill) as engine:
        for entity in ("party", "account"):
            table = tables.conformed(conformed_contracts()[entity])
            checkpoints.keep(engine, view, table, place.scratch / entity)
            found = checkpoints.newest(view, table.name, dt.date(2026, 6, 30))
            assert found is not None, "older than every date of the panel"
    dates = panel.rows["as_of_date"].unique().sort().to_list()
    (tmp_path / "working").mkdir()
    made = make_panel(view, bank, label, model_inputs(), dates, working=tmp_path / "working")
    assert made.rows.equals(panel.rows)
    party = panel.rows["party_id"][0]
    assert copy("explain", party, "R045").output == riverside_all("explain", party, "R045").output


def test_the_rows_are_those_of_the_population_and_nothing_is_left_behind(
    panel, working, riverside_all, riverside_demo
) -> None:
    day = riverside_demo.nights[-1]
    features = riverside_all.open.scan(FEATURES, as_of=day).collect()
    wanted = features.filter((features["aum_q"] >= 50_000) & (features["age"].fill_null(18) >= 18)).sort("party_id")
    mine = panel.rows.filter(as_of_date=day)
    assert mine["party_id"].to_list() == wanted["party_id"].to_list() != []
    assert mine["base"].to_list() == wanted["aum_q"].to_list()
    assert mine["bal_mean_90"].to_list() == wanted["bal_mean_90"].to_list()
    assert list(working.iterdir()) == []


def test_an_outcome_that_has_not_come_is_null_and_one_that_has_is_not(panel, riverside_demo) -> None:
    closed = panel.rows["as_of_date"] == dt.date(2026, 6, 30)
    assert panel.rows.filter(closed)["churned"].null_count() == 0 < closed.sum()
    assert panel.rows.filter(~closed)["churned"].drop_nulls().is_empty()
    assert set(panel.rows.filter(~closed)["as_of_date"]) == {riverside_demo.nights[-1]}


def test_what_is_audited_stands_beside_the_inputs_and_not_among_them(panel) -> None:
    assert set(AUDIT) <= set(panel.rows.columns)
    assert set(AUDIT).isdisjoint(item.name for item in panel.inputs)
    assert panel.rows["region"].null_count() == 0


def test_who_owns_nothing_any_more_has_left(panel, label: Label, tmp_path) -> None:
    """An account that vanished from its feed is not among those of the outcome's last day: that is churn, not "not known"."""
    day = dt.date(2026, 6, 30)
    before = panel.rows.filter(as_of_date=day).drop("as_of_date", "region", "future", "churned")
    first, second = before["party_id"][:2]
    with Engine(read=[], write=None, spill=tmp_path) as engine:
        engine.register(f"rows_{day:%Y%m%d}", before)
        engine.rows("create schema conformed")
        engine.rows("create table conformed.party as select 'x' as party_id, 'x' as branch_code, 'x' as region_code")
        engine.rows("create table conformed.branch as select 'x' as branch_code, 'North' as region_name")
        engine.rows(f"create temp table outcome as select '{second}' as party_id, cast(null as double) as future")
        rows = engine.frame(labelled_select(label, day, is_closed=True))
    said = {row["party_id"]: (row["future"], row["churned"]) for row in rows.iter_rows(named=True)}
    assert said.pop(second) == (None, None), "an account of which nothing was told"
    assert said[first] == (0, True)
    assert set(said.values()) == {(0, True)}


def test_the_digest_of_a_panel_changes_with_any_value(panel) -> None:
    found = {panel.digest}
    for change in (pl.col("bal_mean_90") + 0.01, pl.lit(None, pl.Float64).alias("r_days"), ~pl.col("rule_flag")):
        found.add(replace(panel, rows=panel.rows.with_columns(change)).digest)
    other = panel.rows.with_columns(pl.col("party_id").str.replace("^.", "z"))
    assert len({*found, replace(panel, rows=other).digest}) == 5


def test_a_table_without_a_date_cannot_enter(riverside_all, bank: Bank, label: Label, tmp_path) -> None:
    undated = replace(bank, undated={"account": ("open_date",)})
    with pytest.raises(SqlError, match=r"account\.open_date as of a past date") as caught:
        make_panel(riverside_all.open.current, undated, label, model_inputs(), [dt.date(2026, 6, 30)], working=tmp_path)
    assert "undated" in caught.value.details["found"]
    assert list(tmp_path.iterdir()) == []


def test_dates_are_month_ends_whose_outcome_has_come(riverside_all, bank: Bank, label: Label) -> None:
    view = riverside_all.open.current
    dates = as_of_dates(view, bank, label, None)
    assert (dates[-1], len({day.day for day in dates} - {28, 29, 30, 31})) == (dt.date(2026, 6, 30), 0)
    few = replace(label, training={**label.training, "months": 3})
    assert [day.month for day in as_of_dates(view, bank, few, dt.date(2026, 5, 31))] == [3, 4, 5]
    for day, what in {
        dt.date(2026, 7, 31): "whose outcome ends on 2026-11-30; the newest night is 2026-11-03",
        dt.date(2026, 6, 29): "which is no month end",
    }.items():
        with pytest.raises(UsageError, match="nothing can be trained as of this date") as caught:
            as_of_dates(view, bank, label, day)
        assert what in caught.value.details["found"]
        assert "2026-06-30 at the latest" in caught.value.details["expected"]
