"""The night of a county bank: by step, CPU, wall and peak memory, with one year of history and with two.

    python benchmarks/county_night.py --customers 100000 --activity 0.8 --months 12 24 --folder DIR

Each bank is generated, its history is taken in the first night, and the nights after it are what is measured, each in a
process of its own. Budget: the night with twice the history costs at most 1.15 x the other.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BUDGET = 1.15
FIRST = dt.date(2026, 11, 1)

Used = dict[str, tuple[float, float]]
"""CPU and wall seconds of each step."""


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def one_night(folder: Path, day: dt.date) -> dict[str, Any]:
    """Run one night in this process; what each step used."""
    from assets import night
    from pipelines import settings
    from pipelines.runs import run_night

    used: Used = {}
    whole = night.WarehouseResource.step

    @contextmanager
    def timed(self: Any, context: Any) -> Iterator[Any]:
        began, wall = cpu(), time.perf_counter()
        with whole(self, context) as step:
            yield step
        used[step.name] = cpu() - began, time.perf_counter() - wall

    night.WarehouseResource.step = timed  # type: ignore[method-assign]
    os.environ["LIANGCANG_KEY_FILE"] = str(folder / "bank.key")
    given = settings.read(bank="county", warehouse=str(folder / "warehouse"), landing=str(folder / "landing"))
    began, wall = cpu(), time.perf_counter()
    ran = run_night(given, [day])
    if ran.exit_code:
        raise SystemExit(f"the night of {day} failed: {ran.failure}")
    used["the whole night"] = cpu() - began, time.perf_counter() - wall
    return {"steps": used, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def prepared(folder: Path, *, customers: int, activity: float, months: int, nights: int) -> None:
    """A bank in `folder` whose history was taken in the first night, unless it is there."""
    if (folder / "landing").exists():
        return
    python = [sys.executable, "-m"]
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {"customers": customers, "activity": activity, "months": months, "nights": nights}
    written = [f"--{name}={value}" for name, value in sizes.items()]
    for command in (
        [*python, "pipelines.demo", "write", str(folder), *written],
        [*python, "pipelines.cli", *_options(folder), "init"],
        [*python, "pipelines.cli", *_options(folder), "nightly", FIRST.isoformat()],
    ):
        (folder / "warehouse").mkdir(exist_ok=True)
        began, before = time.perf_counter(), _children()
        subprocess.run(command, check=True, env={**os.environ, "LIANGCANG_KEY_FILE": str(folder / "bank.key")})
        print(
            f"{' '.join(command[2:4])}: {_children() - before:,.0f} CPU s, {time.perf_counter() - began:,.0f} s",
            flush=True,
        )


def _options(folder: Path) -> list[str]:
    return ["--bank", "county", "--warehouse", str(folder / "warehouse"), "--landing", str(folder / "landing")]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(folder: Path, day: dt.date) -> dict[str, Any]:
    """One night in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--night", day.isoformat()]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--customers", type=int, default=100_000)
    arguments.add_argument("--activity", type=float, default=0.8)
    arguments.add_argument("--months", type=int, nargs="+", default=[12, 24])
    arguments.add_argument("--nights", type=int, default=3, help="the first takes the history, the others are measured")
    arguments.add_argument("--folder", type=Path, help="keeps the banks, for another run")
    arguments.add_argument("--night", type=dt.date.fromisoformat, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.night:
        print(json.dumps(one_night(given.folder, given.night)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = given.folder or Path(temporary)
        best: dict[int, dict[str, Any]] = {}
        for months in given.months:
            folder = root / f"months-{months}"
            prepared(folder, customers=given.customers, activity=given.activity, months=months, nights=given.nights)
        for night in range(1, given.nights):
            for months in given.months:
                found = measured(root / f"months-{months}", FIRST + dt.timedelta(days=night))
                if months not in best or _cpu(found) < _cpu(best[months]):
                    best[months] = found
    _print(given, best)


def _cpu(found: dict[str, Any]) -> float:
    return float(found["steps"]["the whole night"][0])


def _print(given: argparse.Namespace, best: dict[int, dict[str, Any]]) -> None:
    print(
        f"{given.customers:,} customers, {given.activity} transactions a customer and day; CPU and wall seconds a night"
    )
    print(f"{'':28}" + "".join(f"{months:>8} months    " for months in best))
    first, *_ = best.values()
    for step in first["steps"]:
        print(
            f"{step:28}"
            + "".join("{:9.2f} {:8.2f}  ".format(*found["steps"].get(step, (0, 0))) for found in best.values())
        )
    print(f"{'peak memory, MB':28}" + "".join(f"{found['peak']:9,.0f} {'':8}  " for found in best.values()))
    shortest, longest = min(best), max(best)
    if longest > shortest:
        ratio = _cpu(best[longest]) / _cpu(best[shortest])
        print(f"{longest} months against {shortest}: {ratio:.2f} x (budget {BUDGET} x)")


if __name__ == "__main__":
    main()
