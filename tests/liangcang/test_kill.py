"""After kill -9 at any moment a reader sees the old night or the new one, whole, and the next run puts all right."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from warehouse_by_hand import MEMORY

DRIVER = Path(__file__).with_name("killed.py")


def killed(scenario: str, which: str) -> int:
    """How many points of a scenario of `killed.py` were tried; fails with what it says."""
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="liangcang-") as folder:
        done = subprocess.run(
            [sys.executable, str(DRIVER), scenario, folder, which], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.parametrize(
    ("scenario", "at_least"),
    [
        ("night", 25),
        ("single", 35),
        ("discard", 4),
        ("rollback", 8),
        ("gc", 10),
        ("pin", 4),
        ("register", 15),
        ("create", 25),
        ("catalogue", 5),
    ],
)
def test_a_kill_whenever_the_disk_has_changed_shows_one_night(scenario: str, at_least: int) -> None:
    assert killed(scenario, "changes") >= at_least


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario", ["night", "single", "discard", "rollback", "gc", "pin", "register", "create", "catalogue"]
)
def test_a_kill_at_any_line_shows_one_night(scenario: str) -> None:
    assert killed(scenario, "lines") > 50
