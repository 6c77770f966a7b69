"""The whole of `make demo`: CPU seconds, wall and peak memory, beside how fast the machine is in the same minutes.

    python benchmarks/demo.py --runs 3

A virtual machine gives a CPU second of varying worth, by a half within minutes, so each run stands between two rounds of
plain Python additions, the same always. Budget: 60 CPU s where ten million additions take 0.28.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

BUDGET = 60.0
PACE = 0.28
"""CPU seconds of ten million additions on the machine at its fastest, for which the budget is meant."""
ROOT = Path(__file__).parents[1]


def pace() -> float:
    """CPU seconds of ten million additions, now."""
    total, began = 0, time.process_time()
    for number in range(10_000_000):
        total += number
    return time.process_time() - began


def demo(folder: Path, customers: int) -> tuple[float, float, int]:
    """CPU seconds, wall seconds and peak memory in MB of one demo in a new folder."""
    command = [sys.executable, "-m", "pipelines.demo", "run", str(folder / "demo"), "--customers", str(customers)]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit("the demo failed: run it by hand")
    return used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss // 1024


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=3)
    arguments.add_argument("--customers", type=int, default=5_000)
    asked = arguments.parse_args()
    found = []
    before = pace()
    for _ in range(asked.runs):
        with tempfile.TemporaryDirectory() as folder:
            cpu, wall, memory = demo(Path(folder), asked.customers)
        after = pace()
        at_pace = cpu * PACE / ((before + after) / 2)
        found.append((cpu, at_pace))
        print(
            f"demo {cpu:5.1f} CPU s, {wall:5.1f} s, {memory:,} MB; additions {before:.2f} before, {after:.2f} after:"
            f" {at_pace:5.1f} CPU s at the pace of the budget",
            flush=True,
        )
        before = after
    print(
        f"least {min(cpu for cpu, _ in found):.1f} CPU s; median at the pace of the budget"
        f" {median(at_pace for _, at_pace in found):.1f} (budget {BUDGET:.0f})"
    )


if __name__ == "__main__":
    main()
