"""Window features by ring bands against the form that everybody writes, one FILTER aggregate a feature.

    python benchmarks/features.py --parties 200000 --transactions 10000000

Makes a year of transactions, then runs both forms in turn, each in a process of its own, and prints their CPU seconds,
peak memory and ratio. Both write the same columns of the same rows to Parquet, and the results are compared. The
two-level form includes what the night needs besides: the spine of owners, exact sums of squares, and nulls for what is
not known.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlglot import exp

from assets.features import bands
from assets.features.parameters import Parameters
from assets.features.party import feature_tables, party_month_select, party_select
from assets.features.sources import SOURCES
from assets.features.spec import Feature, party_spec
from assets.features.tree import Draft, parsed, step
from liangcang.engine import Engine
from liangcang.sql import DIALECT
from liangcang.table import Table

D = dt.date(2026, 11, 20)
DAYS = 400
FORMS = ("two-level", "filter")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parties", type=int, default=200_000)
    parser.add_argument("--transactions", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each form, in turn")
    parser.add_argument("--memory", default="4GB", help="DuckDB's memory limit")
    parser.add_argument("--whole", action="store_true", help="also run both feature tables as the night makes them")
    parser.add_argument("--keep", type=Path, help="a folder for the data, made if it is empty and used again if not")
    parser.add_argument("--run", choices=[*FORMS, "whole"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.run:
        print(json.dumps(run(given.run, given.keep, given.memory)))
        return
    with tempfile.TemporaryDirectory(prefix="liangcang-bench-") as temporary:
        folder = given.keep or Path(temporary)
        make_data(folder, given.parties, given.transactions, given.memory)
        print(f"{given.parties:,} parties, {given.transactions:,} transactions, {len(ring_features())} features")
        forms = [*FORMS, "whole"] if given.whole else [*FORMS]
        results: dict[str, list[dict[str, float]]] = {form: [] for form in forms}
        for turn in range(given.rounds):
            for form in forms if turn % 2 == 0 else reversed(forms):
                results[form].append(child(form, folder, given.memory))
        for form, runs in results.items():
            cpu = statistics.median(r["cpu"] for r in runs)
            each = ", ".join(f"{r['cpu']:.1f}" for r in runs)
            peak = max(r["rss"] for r in runs)
            print(f"{form:10}  {cpu:7.2f} CPU s (median of {each})  peak {peak:,.0f} MB")
        medians = {form: statistics.median(r["cpu"] for r in runs) for form, runs in results.items()}
        print(f"ratio       {medians['filter'] / medians['two-level']:.2f}")
        print(f"differences {differences(folder, given.memory)}")


def child(form: str, folder: Path, memory: str) -> dict[str, float]:
    """One run in a fresh process."""
    command = [sys.executable, __file__, "--run", form, "--keep", str(folder), "--memory", memory]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return {name: float(value) for name, value in json.loads(answer.stdout.splitlines()[-1]).items()}


def run(form: str, folder: Path, memory: str) -> dict[str, float]:
    """Write the features of one form; CPU seconds, wall seconds and peak memory (MB) of this process for it."""
    out = folder / f"{form}.parquet"
    out.unlink(missing_ok=True)
    with engine(folder, memory) as made:
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        if form == "whole":
            month, party = feature_tables()
            monthly = folder / "month.parquet"
            monthly.unlink(missing_ok=True)
            made.write(party_month_select(D, Parameters()), month, monthly)
            made.view("features.party_month", [monthly], month.columns)
            made.write(party_select(D, Parameters()), party, out)
        else:
            made.write(two_level() if form == "two-level" else filter_form(), ring_table(), out)
        after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu": cpu, "wall": time.monotonic() - start, "rss": after.ru_maxrss / 1024}


def engine(folder: Path, memory: str) -> Engine:
    made = Engine(read=[folder], write=folder, spill=folder, memory=memory, threads=2)
    for table, columns in SOURCES.items():
        file = folder / f"{table}.parquet"
        made.view(table, [file] if file.exists() else [], columns)
    return made


def ring_features() -> list[Feature]:
    return [feature for feature in party_spec().bands() if feature.sql.startswith("band.")]


def ring_table() -> Table:
    columns = {"party_id": "VARCHAR", **{feature.name: feature.type for feature in ring_features()}}
    return Table(name="features.bench", columns=columns, key=("party_id",), kind="snapshot")


def two_level() -> str:
    """The ring-band features as `features.party` makes them, and nothing else of it."""
    spec = party_spec()
    columns = [f"cast({feature.sql} as {feature.type}) as {feature.name}" for feature in ring_features()]
    last = exp.select("party_id", *columns, dialect=DIALECT).from_("band")
    spine = "select party_id, min(open_date) as first_open, true as flows_known from owned group by party_id"
    steps = {"owned": step("owned"), "owner": parsed(spine), **bands.steps(spec, spec.dimensions)}
    return Draft(steps, last, unfed=frozenset()).sql(Parameters().values(D))


def filter_form() -> str:
    """The same columns, one FILTER aggregate each."""
    spec = party_spec()
    made = {
        "count": "count(*) {}",
        "sum": "coalesce(sum(amount) {}, 0)",
        "min": "min(amount) {}",
        "max": "max(amount) {}",
        "mean": "avg(amount) {}",
        "std": "stddev_samp(amount) {}",
    }
    columns = []
    for dimension in spec.dimensions:
        for aggregate in dimension.aggregates if not dimension.hidden else ():
            for window in dimension.windows if aggregate in made else ():
                where = f"filter (where event_date > date '{D}' - {window} and {dimension.where})"
                name = f"{dimension.name}_{aggregate}_{window}"
                columns.append(f"cast({made[aggregate].format(where)} as {ring_table().columns[name]}) as {name}")
    rows = f"not reversal and event_date <= date '{D}' and event_date > date '{D}' - {spec.windows[-1]}"
    return f"select party_id, {', '.join(columns)} from conformed.transaction_history where {rows} group by party_id"


def differences(folder: Path, memory: str) -> str:
    """Cells that differ between the two results: exact ones at all, means and deviations by more than 1 in 10^9."""
    exact, rough = [], []
    for feature in ring_features():
        a, b = f"a.{feature.name}", f"b.{feature.name}"
        if feature.type == "DOUBLE":
            near = f"abs({a} - {b}) <= 1e-9 * greatest(abs({a}), abs({b}), 1)"
            rough.append(f"count(*) filter (where not coalesce({near}, {a} is null and {b} is null))")
        else:
            exact.append(f"count(*) filter (where {a} is distinct from {b})")
    with engine(folder, memory) as made:
        for form in FORMS:
            made.view(f"bench.{form.replace('-', '_')}", [folder / f"{form}.parquet"], ring_table().columns)
        found = made.rows(
            f"select count(*), {' + '.join(exact)}, {' + '.join(rough)} "
            "from bench.two_level as a join bench.filter as b on b.party_id = a.party_id"
        )
    return "of {:,} parties: {} in counts, sums, least and largest, {} in means and deviations".format(*found[0])


def make_data(folder: Path, parties: int, transactions: int, memory: str) -> None:
    """Transactions spread evenly over 400 days, and the accounts and changed balances that go with them."""
    if (folder / "conformed.balance_history.parquet").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    draft = f"""
        with drawn as (
            select range as number, hash(range) as h1, hash(range + {transactions}) as h2, hash(range * 31 + 5) as h3
            from range({transactions})
        ),
        made as (
            select *, cast(h1 % {parties} as bigint) as owner, cast(h2 % 100 as integer) as kind from drawn
        )
        select
            lpad(cast(number as varchar), 12, '0') as transaction_id,
            'A' || lpad(cast(owner as varchar), 10, '0') as account_id,
            substr(md5(cast(owner as varchar)), 1, 16) as party_id,
            date '{D}' - cast({DAYS - 1} - number * {DAYS} // {transactions} as integer) as event_date,
            case when kind < 40 then 'C' else 'D' end as direction,
            cast(h3 % 1000000 as decimal(18, 2)) / 100 as amount,
            case
                when kind < 5 then 'salary' when kind < 10 then 'cash_in' when kind < 36 then 'transfer'
                when kind < 40 then 'interest' when kind < 50 then 'cash_out' when kind < 60 then 'transfer'
                when kind < 85 then 'fast_pay' when kind < 92 then 'pos' when kind < 97 then 'bill' else 'fee'
            end as type,
            case
                when kind < 5 then 'batch' when kind < 10 then 'counter' when kind < 36 then 'mobile'
                when kind < 40 then 'batch' when kind < 46 then 'atm' when kind < 50 then 'village'
                when kind < 58 then 'mobile' when kind < 60 then 'web' when kind < 85 then 'fast_pay'
                when kind < 92 then 'pos' else 'batch'
            end as channel,
            kind between 5 and 9 or kind between 40 and 91 as customer_initiated,
            h3 % 50 = 0 as own_transfer,
            h3 % 200 = 1 as reversal,
            case when h3 % 10 < 8 then '62' || lpad(cast((h3 // 256) % {parties * 3} as varchar), 14, '0') end
                as counterparty,
            case when h3 % 3 = 0 then '103100000026' end as counterparty_bank,
            make_time(cast(h2 % 24 as bigint), cast(h3 % 60 as bigint), 0) as event_time,
            case when h3 % 10 < 8 then 'shop ' || h3 % 5000 end as counterparty_name,
            case when kind between 85 and 91 then cast(5000 + h3 % 999 as varchar) end as mcc
        from made
    """
    history = "conformed.transaction_history"
    columns = {"transaction_id": "VARCHAR", **SOURCES[history]}
    with Engine(read=[folder], write=folder, spill=folder, memory=memory, threads=2) as made:

        def write(name: str, sql: str, columns: dict[str, str], *key: str) -> None:
            table = Table(name=name, columns=columns, key=key, kind="snapshot")
            made.write(sql, table, folder / f"{name}.parquet", optional=frozenset(columns) - {*key})

        write(
            history,
            f"select * replace (cast(amount as decimal(18, 2)) as amount) from ({draft})",
            columns,
            "transaction_id",
        )
        made.view(history, [folder / f"{history}.parquet"], columns)
        owners = f"select distinct account_id, party_id from {history}"
        account = {"account_id": "VARCHAR", "account_type": "VARCHAR", "open_date": "DATE", "status": "VARCHAR"}
        write(
            "conformed.account",
            f"select account_id, 'demand' as account_type, date '2015-01-01' as open_date, 'normal' as status from ({owners})",
            account,
            "account_id",
        )
        holder = {"account_id": "VARCHAR", "party_id": "VARCHAR", "role": "VARCHAR"}
        write(
            "conformed.account_holder", f"select *, 'owner' as role from ({owners})", holder, "account_id", "party_id"
        )
        balance = dict(SOURCES["conformed.balance_history"])
        changes = f"select account_id, sum(amount) as balance, event_date as business_date from {history} group by 1, 3"
        write(
            "conformed.balance_history",
            f"select account_id, cast(balance as decimal(18, 2)) as balance, business_date, 'U' as _op from ({changes})",
            balance,
            "account_id",
            "business_date",
        )


if __name__ == "__main__":
    main()
