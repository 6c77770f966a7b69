"""Every window feature of a real night against the form that everybody writes, over the same rows."""

from __future__ import annotations

import datetime as dt

from banks_at_work import Hands
from features_by_hand import rows
from features_oracle import differences, filter_select

from assets.features.sources import unfed
from assets.features.spec import party_spec
from assets.features.tables import wanted_by_features
from assets.inputs import Inputs
from data_contracts.bank import read_bank
from liangcang.engine import Engine

DAY = dt.date(1994, 3, 31)


def test_on_berka_no_window_feature_differs_from_its_filter_aggregate(berka_history: Hands) -> None:
    bank, spec, place = read_bank("berka"), party_spec(), berka_history.open.place
    band = (str(bank.parameters["features"]["cash_band_low"]), str(bank.parameters["features"]["cash_band_high"]))
    with Engine(read=[place.data], write=None, spill=place.spill, time_zone=bank.time_zone) as engine:
        Inputs(engine, berka_history.open.current, wanted_by_features(bank), [DAY]).at(DAY)
        expected = {row["party_id"]: row for row in rows(engine, filter_select(spec, DAY, band=band))}
    made = berka_history.open.scan("features.party", as_of=DAY).collect()
    assert made["flows_known"].all()
    assert set(expected) == set(made["party_id"])
    null = unfed(bank.unfed)
    names = [
        name
        for dimension in spec.dimensions
        for aggregate in dimension.aggregates
        for window in dimension.windows
        if (name := f"{dimension.name}_{aggregate}_{window}") in made.columns and name not in null
    ]
    assert len(names) > 100
    wrong = {
        row["party_id"]: found
        for row in made.select("party_id", *names).iter_rows(named=True)
        if (found := differences(row, {name: expected[row["party_id"]][name] for name in names}))
    }
    assert wrong == {}
    assert sum(value is not None for row in expected.values() for value in row.values()) > 100_000


BY_DAY = """
with day as (select cast(unnest(generate_series(date '{day}' - 89, date '{day}', interval 1 day)) as date) as day),
held as (
    select holder.party_id, day.day, sum(change.balance) as held
    from conformed.account_holder as holder
    inner join conformed.account as account using (account_id)
    inner join day on day.day >= account.open_date
    asof join conformed.balance_history as change
        on change.account_id = account.account_id and change.business_date <= day.day
    where holder.role = 'owner' and account.open_date <= date '{day}'
    group by all
)
select party_id, {columns} from held group by party_id
"""


def test_on_berka_no_balance_window_differs_from_its_days(berka_history: Hands) -> None:
    bank, place = read_bank("berka"), berka_history.open.place
    columns = [
        f"{made} filter (where day > date '{DAY}' - {window}) as bal_{name}_{window}"
        for name, made in {"mean": "avg(held)", "min": "min(held)", "std": "stddev_samp(cast(held as double))"}.items()
        for window in (7, 30, 60, 90)
        if name == "mean" or window in (30, 90)
    ]
    with Engine(read=[place.data], write=None, spill=place.spill, time_zone=bank.time_zone) as engine:
        Inputs(engine, berka_history.open.current, wanted_by_features(bank), [DAY]).at(DAY)
        found = rows(engine, BY_DAY.format(day=DAY, columns=", ".join(columns)))
    expected = {row.pop("party_id"): row for row in found}
    made = berka_history.open.scan("features.party", as_of=DAY).collect()
    assert made["balance_known"].all()
    assert set(expected) == set(made["party_id"])
    names = list(next(iter(expected.values())))
    assert len(names) == 8
    got = {row["party_id"]: row for row in made.select("party_id", *names).iter_rows(named=True)}
    assert {party: wrong for party, row in expected.items() if (wrong := differences(got[party], row))} == {}
