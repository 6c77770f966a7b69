"""What holding a delivery to its contract costs, against DuckDB reading and rewriting the same file.

    python benchmarks/contract_scan.py --rows 5000000 --runs 3

The file: account transactions as text, 12 columns, with planted faults. The contract: 14 written rules (key, 4
required, 3 code lists, 2 ranges, a pattern, a reference, 2 conditions across columns) and the 4 that its types imply.

plain   DuckDB reads the file with the types declared and writes Parquet: a load that believes everything
text    DuckDB reads the file as text and writes Parquet: no types, no rules
judged  the file is read as text, judged, and good and bad rows are written to Parquet. Its two parts:
  read  the file as text into the engine, which every delivery needs, with or without rules
  scan  the contract scan with the good/bad split: types, rules, duplicates, counts, and both files

Runs alternate; CPU seconds are the process's, the smallest of each kind counts. Budget: scan at most 2 x plain.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from data_contracts.contract import Contract, Property, Rule, Temporal
from data_contracts.judge import judge
from liangcang.engine import Engine, literal

BUDGET = 2.0

Parts = dict[str, tuple[float, float]]
"""CPU and wall seconds of a run or of a part of it."""

ACCOUNTS = 500_000

NEVER = "\x01"
"""The text that means NULL to the reader: none, because the contract says what stands for a missing value."""

QUARANTINE: dict[str, Any] = {"severity": "quarantine", "dimension": "conformity"}
WARNING: dict[str, Any] = {"severity": "warning", "dimension": "consistency"}
REQUIRED = ("txn_id", "acct_no", "cust_no", "amount")
TYPES = {"txn_date": "DATE", "txn_time": "TIME", "amount": "DECIMAL(18,2)", "balance": "DECIMAL(18,2)"}
COLUMNS = [
    "txn_id",
    "txn_date",
    "txn_time",
    "acct_no",
    "cust_no",
    "dc_flag",
    "amount",
    "ccy",
    "balance",
    "txn_type",
    "channel",
    "cp_bank",
]

# One row in some ten thousand has each fault: missing values, unknown codes and accounts, bad dates and numbers, amounts
# out of range, a number of another shape, and what two columns may not say together.
DELIVERY = """
    select
        printf('20261120-%010d-01', if(i % 9973 = 0, greatest(i - 1, 0), i)) || if(i % 10079 = 8, 'x', '') as txn_id,
        if(i % 10007 = 1, '2026-11-31', '2026-11-' || lpad(((i * 7) % 30 + 1)::varchar, 2, '0')) as txn_date,
        printf('%02d:%02d:%02d', (i * 11) % 24, (i * 7) % 60, (i * 3) % 60)           as txn_time,
        case when i % 10009 = 2 then 'unknown' when i % 10099 = 11 then null
            else printf('6222%012d', (i * 7919) % {accounts}) end                     as acct_no,
        if(i % 10037 = 3, null, printf('8801%012d', (i * 7919) % {accounts}))         as cust_no,
        case when i % 10103 = 12 then 'X' when i % 2 = 0 and i % 10069 <> 6 then 'D' else 'C' end as dc_flag,
        case when i % 10039 = 4 then '1e5' when i % 10069 = 6 then '99999.50' when i % 10091 = 9 then '-5.00'
            when i % 10093 = 10 then null else printf('%d.%02d', (i * 37) % 99999, i % 100) end as amount,
        if(i % 10061 = 5, 'XXX', if(i % 50 = 0, 'USD', 'CNY'))                        as ccy,
        if(i % 10067 = 7, '-', '') || printf('%d.%02d', (i * 53) % 1000000 + 1, (i * 3) % 100) as balance,
        if(i % 10111 = 13, '9999', ['1001', '1002', '2001', '2003', '2004', '2099'][(i % 6)::int + 1]) as txn_type,
        printf('%02d', i % 9 + 1)                                                     as channel,
        if(i % 3 = 0, null, '403100000004')                                           as cp_bank
    from range({rows}) as r(i)
"""


def contract() -> Contract:
    """12 columns and 14 written rules; 4 more follow from the types."""
    codes = {"dc_flag": "C D", "ccy": "CNY USD EUR HKD", "txn_type": "1001 1002 2001 2002 2003 2004 2005 2099"}
    rules = [
        Rule(id="key", kind="key", columns=("txn_id",), **QUARANTINE),
        *(Rule(id=f"{c}.required", kind="required", columns=(c,), **QUARANTINE) for c in REQUIRED),
        *(
            Rule(id=f"{c}.enum", kind="enum", columns=(c,), values=tuple(v.split()), **QUARANTINE)
            for c, v in codes.items()
        ),
        Rule(id="amount.range", kind="range", columns=("amount",), minimum="0", maximum="1000000", **QUARANTINE),
        Rule(id="balance.range", kind="range", columns=("balance",), minimum="0", **QUARANTINE),
        Rule(
            id="txn_id.pattern",
            kind="pattern",
            columns=("txn_id",),
            pattern="[0-9]{8}-[0-9]{10}-[0-9]{2}",
            **QUARANTINE,
        ),
        Rule(
            id="acct_no.reference",
            kind="reference",
            columns=("acct_no",),
            references=("staged.account", ("acct_no",)),
            **WARNING,
        ),
        Rule(
            id="Q01", kind="row", predicate="not (txn_type = '1001' and dc_flag = 'C' and amount > 99999)", **QUARANTINE
        ),
        Rule(id="Q02", kind="row", predicate="balance >= 0 or dc_flag = 'D'", **QUARANTINE),
    ]
    return Contract(
        id="bench",
        version="1.0.0",
        table="staged.txn",
        title="",
        description="",
        path=Path(__file__),
        digest="",
        properties=tuple(Property(name=c, type=TYPES.get(c, "VARCHAR"), key=c == "txn_id") for c in COLUMNS),
        rules=tuple(rules),
        temporal=Temporal(kind="event", column="txn_date"),
        max_quarantined=0.01,
    )


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Load:
    """One file, three ways to load it. Each way starts from a fresh connection and leaves nothing behind."""

    def __init__(self, folder: Path, rows: int | None = None, *, memory: str = "4GB") -> None:
        """Make the file, if `rows` are said, or load the one that is there."""
        self.folder, self.file, self.memory = folder, folder / "delivery.csv", memory
        if rows is None:
            return
        with self.engine() as engine:
            engine.con.execute(
                f"copy ({DELIVERY.format(rows=rows, accounts=ACCOUNTS)}) to {literal(self.file)} (header false, delimiter '|')"
            )

    def engine(self) -> Engine:
        spill = self.folder / "spill"
        spill.mkdir(exist_ok=True)
        return Engine(read=[self.folder], write=self.folder, spill=spill, memory=self.memory)

    def read(self, types: Mapping[str, str]) -> str:
        columns = ", ".join(f"{literal(c)}: {literal(types.get(c, 'VARCHAR'))}" for c in COLUMNS)
        return (
            f"read_csv({literal(self.file)}, columns = {{{columns}}}, delim = '|', quote = '', escape = '', header = false, "
            f"auto_detect = false, store_rejects = true, nullstr = {literal(NEVER)})"
        )

    def write(self, engine: Engine, query: str, name: str) -> None:
        target = self.folder / f"{name}.parquet"
        engine.con.execute(f"copy ({query}) to {literal(target)} (format parquet, compression zstd)")
        target.unlink()

    def plain(self) -> Parts:
        with self.engine() as engine:
            self.write(engine, f"select * from {self.read(TYPES)}", "plain")
        return {}

    def text(self) -> Parts:
        with self.engine() as engine:
            self.write(engine, f"select * from {self.read({})}", "text")
        return {}

    def judged(self) -> Parts:
        with self.engine() as engine:
            con, times = engine.con, [(cpu(), time.perf_counter())]
            con.execute(
                f"create temp table raw as select row_number() over () as _row_no, row_number() over () as _line, * "
                f"from {self.read({})}"
            )
            con.execute("create temp table rejected (_row_no bigint, _line bigint, _text varchar)")
            con.execute(
                f"create temp table account as select printf('6222%012d', i) as acct_no from range({ACCOUNTS}) r(i)"
            )
            times.append((cpu(), time.perf_counter()))
            found = judge(con, contract(), references={"staged.account": "account"})
            self.write(engine, f"select * from {found.good_rows}", "good")
            self.write(engine, f"select * from {found.bad_rows}", "bad")
            times.append((cpu(), time.perf_counter()))
        if not found.good or not found.quarantined or found.good + found.quarantined != found.delivered:
            raise SystemExit("the planted faults were not found")
        (a, at), (b, bt), (c, ct) = times
        return {"  read": (b - a, bt - at), "  scan": (c - b, ct - bt)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=5_000_000)
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args()
    best: Parts = {}
    with tempfile.TemporaryDirectory() as folder:
        load = Load(Path(folder), given.rows)
        ways: dict[str, Callable[[], Parts]] = {"plain": load.plain, "text": load.text, "judged": load.judged}
        for _ in range(given.runs):
            for name, way in ways.items():
                begun, wall = cpu(), time.perf_counter()
                parts = way()
                found = {name: (cpu() - begun, time.perf_counter() - wall), **parts}
                best |= {part: min(best.get(part, used), used) for part, used in found.items()}
    print(f"{given.rows:,} rows x {len(COLUMNS)} columns, smallest of {given.runs} alternating runs")
    print(f"{'':8}{'CPU s':>8}{'wall s':>8}{'x plain':>9}")
    for name, (seconds, wall) in best.items():
        print(f"{name:8}{seconds:8.2f}{wall:8.2f}{seconds / best['plain'][0]:9.2f}")
    print(f"budget: scan at most {BUDGET:.1f} x plain")


if __name__ == "__main__":
    main()
