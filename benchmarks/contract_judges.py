"""What holding a delivery to its contract costs, against the judges that others use.

    python benchmarks/contract_judges.py --peers .venv-peers/bin/python --rows 5000000 --runs 2

The delivery and its fourteen rules are those of contract_scan.py. Each judge runs in a process of its own, one after the
other, round after round; the CPU seconds are the whole process's, import included, and the smallest of its rounds
counts. Ours reads the delivery as text, finds the types, judges, and writes good and bad rows to Parquet; the others are
handed a Parquet file whose types are right already, and all but dataframely only count.

Breaches are counted alike by all, or this fails. Great Expectations on pandas has no expectation for a reference, and
judges thirteen rules. A judge for which there is not enough memory is left out, and that is said.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_peers import peak_mb
from contract_scan import ACCOUNTS, TYPES, Load, contract, cpu

from data_contracts.judge import judge
from liangcang.engine import literal

OURS = "liangcang"
BUDGET_MB = 1000
MEMORY = "500MB"
"""What the engine may hold; the rest of the process comes on top of it."""
RULES = [rule.id for rule in contract().rules]
NOT_EXPRESSED = {"gx-pandas": {"acct_no.reference"}}
BYTES_A_ROW = {"gx-pandas": 900, "gx-duckdb": 250, "dataframely": 500, "pointblank": 450}
"""What each needs by what was measured, to leave it out before the machine swaps."""
GIVES = {OURS: "counts, good and bad rows", "dataframely": "counts, good and bad rows"}


@dataclass(frozen=True)
class Ran:
    """One process: breaches by rule, CPU seconds of its parts, and the most memory it held."""

    counts: Mapping[str, int]
    seconds: float
    judging: float
    peak_mb: float


def ours(folder: Path) -> Mapping[str, Any]:
    """Read, judge and split the delivery in this process."""
    spent = {"import": cpu()}
    load = Load(folder, memory=MEMORY)
    with load.engine() as engine:
        engine.con.execute(
            f"create temp table raw as select row_number() over () as _row_no, row_number() over () as _line, * "
            f"from {load.read({})}"
        )
        engine.con.execute("create temp table rejected (_row_no bigint, _line bigint, _text varchar)")
        engine.con.execute(f"create temp table account as from read_parquet({literal(folder / 'account.parquet')})")
        spent["read"] = cpu() - sum(spent.values())
        found = judge(engine.con, contract(), references={"staged.account": "account"})
        load.write(engine, f"select * from {found.good_rows}", "ours_good")
        load.write(engine, f"select * from {found.bad_rows}", "ours_bad")
        spent["judge"] = cpu() - sum(spent.values())
    return {"counts": {rule: found.result(rule).failed for rule in RULES}, **spent, "peak_mb": peak_mb()}


def deliver(folder: Path, rows: int) -> None:
    """The delivery as text for us, and with its types for the others; what is no date or number there is none."""
    load = Load(folder, rows)
    typed = {
        "amount": "case when amount = '1e5' then 100000.00 else nullif(amount, '')::decimal(18,2) end",
        "txn_time": "txn_time::time",
    }
    columns = ", ".join(
        f"{typed.get(name) or (f'try_cast({name} as {TYPES[name]})' if name in TYPES else f'nullif({name}, $$$$)')} as {name}"
        for name in contract().columns
    )
    with load.engine() as engine:
        for name, query in (
            ("delivery", f"select {columns} from {load.read({})}"),
            ("account", f"select printf('6222%012d', i) as acct_no from range({ACCOUNTS}) r(i)"),
        ):
            engine.con.execute(
                f"copy ({query}) to {literal(folder / f'{name}.parquet')} (format parquet, compression zstd)"
            )


def run(command: Sequence[str]) -> Ran:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{ended.stdout}\n{ended.stderr}")
    said = json.loads(ended.stdout.splitlines()[-1])
    return Ran(said["counts"], said["import"] + said["read"] + said["judge"], said["judge"], said["peak_mb"])


def free_mb() -> float:
    known = Path("/proc/meminfo").read_text(encoding="ascii")
    return int(known.partition("MemAvailable:")[2].split()[0]) / 1024


def agree(name: str, counts: Mapping[str, int], ours: Mapping[str, int]) -> None:
    """Two judges that count differently have not judged the same rules."""
    expected = {rule: count for rule, count in ours.items() if rule not in NOT_EXPRESSED.get(name, set())}
    if dict(counts) != expected:
        both = {rule: (counts.get(rule), expected.get(rule)) for rule in {*counts, *expected}}
        wrong = {rule: pair for rule, pair in both.items() if pair[0] != pair[1]}
        raise SystemExit(f"{name} and {OURS} count differently: {wrong}")


def compared(folder: Path, python: str, *, rows: int, runs: int, names: Sequence[str]) -> dict[str, Ran | str]:
    """The cheapest run of each, or why there is none."""
    here, best = Path(__file__), dict[str, Ran | str]()
    for _ in range(runs):
        for name in (OURS, *names):
            need = 400 + rows * BYTES_A_ROW.get(name, 0) / 2**20
            if need * 1.3 > free_mb():
                best.setdefault(name, f"left out: needs some {need:,.0f} MB, {free_mb():,.0f} MB are free")
                continue
            peer = [python, str(here.with_name("contract_peers.py")), name, str(folder)]
            ran = run([sys.executable, str(here), "--ours", str(folder)] if name == OURS else peer)
            before = best.get(name)
            best[name] = min(before, ran, key=lambda one: one.seconds) if isinstance(before, Ran) else ran
            first = best[OURS]
            assert isinstance(first, Ran)
            agree(name, ran.counts, first.counts)
    return best


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--peers", default=".venv-peers/bin/python", help="python with requirements/peers.txt")
    arguments.add_argument("--rows", type=int, default=5_000_000)
    arguments.add_argument("--runs", type=int, default=2)
    arguments.add_argument("--only", nargs="*", default=list(BYTES_A_ROW), choices=list(BYTES_A_ROW))
    arguments.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.ours:
        print(json.dumps(ours(given.ours)), flush=True)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        deliver(folder, given.rows)
        best = compared(folder, given.peers, rows=given.rows, runs=given.runs, names=given.only)
    show(best, rows=given.rows, runs=given.runs)


def show(best: Mapping[str, Ran | str], *, rows: int, runs: int) -> None:
    own = best[OURS]
    assert isinstance(own, Ran)
    broken = sum(own.counts.values())
    print(
        f"{rows:,} rows x {len(contract().columns)} columns, {len(RULES)} rules, {broken:,} breaches, counted alike by all;"
    )
    print(f"a process each, the smallest of {runs} alternating runs, import included")
    print(f"{'':13}{'CPU s':>8}{'x ours':>8}{'judging':>9}{'x ours':>8}{'peak MB':>9}  rules, and what it gives")
    for name, ran in best.items():
        if isinstance(ran, str):
            print(f"{name:13}{ran}")
            continue
        ratios = f"{ran.seconds:8.2f}{ran.seconds / own.seconds:8.2f}{ran.judging:9.2f}{ran.judging / own.judging:8.2f}"
        print(f"{name:13}{ratios}{ran.peak_mb:9.0f}  {len(ran.counts)}, {GIVES.get(name, 'counts')}")
    print(f"budget: {OURS} at most {BUDGET_MB:,} MB")


if __name__ == "__main__":
    main()
