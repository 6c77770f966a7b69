"""The same fourteen rules by other judges, each in a process of its own: what it counts, and what that costs.

    .venv-peers/bin/python benchmarks/contract_peers.py dataframely FOLDER

`FOLDER/delivery.parquet` is the delivery with its types already right, `FOLDER/account.parquet` the accounts that there
are. Printed is one line of JSON: breaches by rule, CPU seconds of importing, reading and judging, peak memory. This file
knows nothing of Liangcang; it runs in an environment that holds the peers and nothing else (requirements/peers.txt).

Each library is used as its manual says, and is spared what it does badly: amounts are floating point for pandas, which
would hold each decimal as an object, and for pointblank, which fails when it asks a missing decimal whether it is a number;
Great Expectations on DuckDB gets a table and not a file, and hands back counts and no rows. Rules that look at several
columns let a missing value pass, as SQL does.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CODES = {
    "dc_flag": ["C", "D"],
    "ccy": ["CNY", "USD", "EUR", "HKD"],
    "txn_type": ["1001", "1002", "2001", "2002", "2003", "2004", "2005", "2099"],
}
REQUIRED = ("txn_id", "acct_no", "cust_no", "amount")
SHAPE = "^[0-9]{8}-[0-9]{10}-[0-9]{2}$"
MOST, MOST_OVER_THE_COUNTER = 1_000_000, 99_999

RULES = [
    "key",
    *(f"{name}.required" for name in REQUIRED),
    *(f"{name}.enum" for name in CODES),
    *("amount.range", "balance.range", "txn_id.pattern", "acct_no.reference", "Q01", "Q02"),
]

Counts = Mapping[str, int]
Mark = Callable[[str], None]


def main() -> None:
    os.environ |= {"GX_ANALYTICS_ENABLED": "false", "TQDM_DISABLE": "1"}
    warnings.simplefilter("ignore")
    peer, folder = sys.argv[1], Path(sys.argv[2])
    spent: dict[str, float] = {}
    before = _cpu()

    def mark(part: str) -> None:
        nonlocal before
        spent[part], before = _cpu() - before, _cpu()

    counts = PEERS[peer](folder, mark)
    print(json.dumps({"counts": dict(counts), **spent, "peak_mb": peak_mb()}))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mb() -> float:
    """The most memory that this process held; what its parent held before it is not in it, as it is in getrusage's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


# -- Great Expectations ------------------------------------------------------------------------------------------------


def gx_pandas(folder: Path, mark: Mark) -> Counts:
    """In memory. A reference has no expectation of its own, so this judges thirteen rules."""
    import great_expectations as gx
    import pandas as pd
    from great_expectations import expectations as gxe

    mark("import")
    frame = pd.read_parquet(folder / "delivery.parquet")
    frame = frame.astype({"amount": "float64", "balance": "float64"})
    mark("read")
    over_the_counter = 'txn_type == "1001" and dc_flag == "C"'
    of_rows = {
        "Q01": gxe.ExpectColumnValuesToBeBetween(
            column="amount", max_value=MOST_OVER_THE_COUNTER, row_condition=over_the_counter, condition_parser="pandas"
        ),
        "Q02": gxe.ExpectColumnValuesToBeBetween(
            column="balance", min_value=0, row_condition='dc_flag != "D"', condition_parser="pandas"
        ),
    }
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("delivery")
    batch = asset.add_batch_definition_whole_dataframe("whole").get_batch(batch_parameters={"dataframe": frame})
    counts = _validated(gx, batch, {**_columns(gxe), **of_rows})
    mark("judge")
    return counts


def gx_duckdb(folder: Path, mark: Mark) -> Counts:
    """On DuckDB, which version 1.24 cannot do by itself: it closes the connection before it has read the answer."""
    from contextlib import contextmanager
    from typing import ClassVar, Literal

    import duckdb
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.datasource.fluent import SQLDatasource
    from great_expectations.datasource.fluent.sql_datasource import QueryAsset, TableAsset
    from great_expectations.execution_engine import SqlAlchemyExecutionEngine
    from sqlalchemy.dialects import postgresql

    class KeptOpen(SqlAlchemyExecutionEngine):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.dialect_module = postgresql  # for patterns, which it refuses in a dialect that it does not know

        @contextmanager
        def get_connection(self) -> Any:
            if self._connection is None:
                self._connection = self.engine.connect()
            yield self._connection

    class DuckDB(SQLDatasource):
        asset_types: ClassVar[list[Any]] = [TableAsset, QueryAsset]
        type: Literal["duckdb"] = "duckdb"

        @property
        def execution_engine_type(self) -> Any:
            return KeptOpen

    mark("import")
    database = folder / "gx.duckdb"
    database.unlink(missing_ok=True)
    with duckdb.connect(str(database)) as con:
        for table in ("delivery", "account"):
            con.execute(f"create table {table} as from read_parquet('{folder / table}.parquet')")
    mark("read")

    def rows(where: str) -> Any:
        return gxe.UnexpectedRowsExpectation(unexpected_rows_query=f"select txn_id from {{batch}} where {where}")

    of_rows = {
        "acct_no.reference": rows("acct_no is not null and acct_no not in (select acct_no from account)"),
        "Q01": rows(f"txn_type = '1001' and dc_flag = 'C' and amount > {MOST_OVER_THE_COUNTER}"),
        "Q02": rows("not (balance >= 0 or dc_flag = 'D')"),
    }
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = DuckDB(name="duckdb", connection_string=f"duckdb:///{database}", create_temp_table=False)
    source._data_context = context  # noqa: SLF001  (a source that is not in its registry cannot be added otherwise)
    batch = (
        source.add_table_asset("delivery", table_name="delivery").add_batch_definition_whole_table("whole").get_batch()
    )
    counts = _validated(gx, batch, {**_columns(gxe), **of_rows})
    mark("judge")
    database.unlink()
    return counts


def _columns(gxe: Any) -> dict[str, Any]:
    return {
        "key": gxe.ExpectColumnValuesToBeUnique(column="txn_id"),
        **{f"{name}.required": gxe.ExpectColumnValuesToNotBeNull(column=name) for name in REQUIRED},
        **{f"{name}.enum": gxe.ExpectColumnValuesToBeInSet(column=name, value_set=v) for name, v in CODES.items()},
        "amount.range": gxe.ExpectColumnValuesToBeBetween(column="amount", min_value=0, max_value=MOST),
        "balance.range": gxe.ExpectColumnValuesToBeBetween(column="balance", min_value=0),
        "txn_id.pattern": gxe.ExpectColumnValuesToMatchRegex(column="txn_id", regex=SHAPE),
    }


def _validated(gx: Any, batch: Any, rules: Mapping[str, Any]) -> Counts:
    for rule, expectation in rules.items():
        expectation.meta = {"rule": rule}
    suite = gx.ExpectationSuite("contract", list(rules.values()))
    found = batch.validate(suite, result_format={"result_format": "BASIC", "partial_unexpected_count": 0})
    counts = {}
    for one in found.to_json_dict()["results"]:
        result, rule = one["result"], one["expectation_config"]["meta"]["rule"]
        if "unexpected_count" not in result and "observed_value" not in result:
            raise SystemExit(f"Great Expectations could not judge {rule}: {one.get('exception_info')}")
        counts[rule] = int(result.get("unexpected_count", result.get("observed_value")) or 0)
    return counts


# -- polars ------------------------------------------------------------------------------------------------------------


def dataframely(folder: Path, mark: Mark) -> Counts:
    """In memory, and it splits as we do: good rows and bad rows go to files."""
    import dataframely as dy
    import polars as pl

    accounts = pl.read_parquet(folder / "account.parquet")["acct_no"].implode()

    def one_of(values: list[str]) -> Callable[[pl.Expr], pl.Expr]:
        return lambda column: column.is_in(values)

    class Delivery(dy.Schema):
        txn_id = dy.String(nullable=False, regex=SHAPE)
        txn_date = dy.Date(nullable=True)
        txn_time = dy.Time(nullable=True)
        acct_no = dy.String(nullable=False)
        cust_no = dy.String(nullable=False)
        dc_flag = dy.String(nullable=True, check={"enum": one_of(CODES["dc_flag"])})
        amount = dy.Decimal(18, 2, nullable=False, min=0, max=MOST)
        ccy = dy.String(nullable=True, check={"enum": one_of(CODES["ccy"])})
        balance = dy.Decimal(18, 2, nullable=True, min=0)
        txn_type = dy.String(nullable=True, check={"enum": one_of(CODES["txn_type"])})
        channel = dy.String(nullable=True)
        cp_bank = dy.String(nullable=True)

        @dy.rule()
        def key(cls) -> pl.Expr:  # noqa: N805
            return pl.col("txn_id").is_unique()

        @dy.rule()
        def reference(cls) -> pl.Expr:  # noqa: N805
            return pl.col("acct_no").is_in(accounts)

        @dy.rule()
        def Q01(cls) -> pl.Expr:  # noqa: N802, N805
            over = pl.col("amount") > MOST_OVER_THE_COUNTER
            return ~((pl.col("txn_type") == "1001") & (pl.col("dc_flag") == "C") & over)

        @dy.rule()
        def Q02(cls) -> pl.Expr:  # noqa: N802, N805
            return (pl.col("balance") >= 0) | (pl.col("dc_flag") == "D")

    mark("import")
    frame = pl.read_parquet(folder / "delivery.parquet")
    mark("read")
    good, failed = Delivery.filter(frame)
    found = failed.counts()
    good.write_parquet(folder / "good.parquet", compression="zstd")
    failed.write_parquet(folder / "bad.parquet")
    mark("judge")
    for name in ("good", "bad"):
        (folder / f"{name}.parquet").unlink()
    called = {"reference": "acct_no.reference", "txn_id|regex": "txn_id.pattern"}
    ends = {"nullability": "required", "check__enum": "enum", "min": "range", "max": "range"}
    counts = dict.fromkeys(RULES, 0)  # it tells of no rule that nothing breaks
    for name, count in found.items():
        column, _, kind = name.partition("|")
        rule = called.get(name) or (f"{column}.{ends[kind]}" if kind else name)
        counts[rule] += count
    return counts


def pointblank(folder: Path, mark: Mark) -> Counts:
    """In memory, on polars; it counts and keeps no rows."""
    import pointblank as pb
    import polars as pl

    mark("import")
    frame = pl.read_parquet(folder / "delivery.parquet").cast({"amount": pl.Float64, "balance": pl.Float64})
    accounts = pl.read_parquet(folder / "account.parquet")["acct_no"].implode()
    mark("read")
    over = pl.col("amount") > MOST_OVER_THE_COUNTER
    counter = (pl.col("txn_type") == "1001") & (pl.col("dc_flag") == "C") & over
    either = (pl.col("balance") >= 0) | (pl.col("dc_flag") == "D")
    plan = pb.Validate(data=frame).rows_distinct(columns_subset="txn_id")
    for name in REQUIRED:
        plan = plan.col_vals_not_null(columns=name)
    for name, values in CODES.items():
        plan = plan.col_vals_in_set(columns=name, set=values)
    plan = (
        plan.col_vals_between(columns="amount", left=0, right=MOST, na_pass=True)
        .col_vals_ge(columns="balance", value=0, na_pass=True)
        .col_vals_regex(columns="txn_id", pattern=SHAPE, na_pass=True)
        .col_vals_expr(expr=pl.col("acct_no").is_in(accounts).fill_null(value=True))
        .col_vals_expr(expr=(~counter).fill_null(value=True))
        .col_vals_expr(expr=either.fill_null(value=True))
    )
    found = plan.interrogate(collect_extracts=False).n_failed()
    mark("judge")
    return {rule: int(found[step]) for step, rule in enumerate(RULES, start=1)}


PEERS: Mapping[str, Callable[[Path, Mark], Counts]] = {
    "gx-pandas": gx_pandas,
    "gx-duckdb": gx_duckdb,
    "dataframely": dataframely,
    "pointblank": pointblank,
}

if __name__ == "__main__":
    main()
