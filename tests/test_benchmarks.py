"""Comparisons of `make bench` run, at a size that says nothing of speed: what they measure is still what is there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SMALL = {
    "features.py": ("--parties=200", "--transactions=5000", "--rounds=1", "--whole"),
    "contract_scan.py": ("--rows=2000", "--runs=1"),
    "gb18030.py": ("--rows=2000", "--runs=1"),
    "demo_bank.py": ("--customers=60", "--months=1"),
    "demo.py": ("--customers=200", "--runs=1"),
}
"""Those that take seconds, or half a minute; nights of a county and of Dagster take minutes at any size."""
SAYS = {
    "features.py": "of 200 parties: 0 in counts, sums, least and largest, 0 in means and deviations",
    "gb18030.py": "budget: at most 2.2 x utf8",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_comparison_runs_and_says_what_it_found(name: str) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / name), *SMALL[name]]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    assert SAYS.get(name, "CPU s") in ran.stdout, ran.stdout
