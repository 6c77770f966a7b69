"""A publishing night is killed at random moments while a reader reads two tables in a loop."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import polars as pl
import pytest

import liangcang as lc

TABLES = ("products.customer_tags", "products.risk_party")


class Reader(threading.Thread):
    """Reads two tables of one view again and again: both must be of one night, and every read must succeed."""

    def __init__(self, warehouse: Path) -> None:
        super().__init__(daemon=True)
        self.warehouse, self.stop = warehouse, threading.Event()
        self.reads = 0
        self.faults: list[str] = []

    def run(self) -> None:
        while not self.stop.is_set():
            try:
                view = lc.open(self.warehouse).current
                newest = [max(view.entries(name)) for name in TABLES]
                rows = [pl.scan_parquet(view.files(name)[-1][1]).select(pl.len()).collect().item() for name in TABLES]
                if len(set(newest)) != 1 or len(set(rows)) != 1:
                    self.faults.append(f"mixed: {newest} {rows}")
                self.reads += 1
            except Exception as error:  # noqa: BLE001  (any failed read is what this test is for)
                self.faults.append(repr(error))
            time.sleep(0.02)


def night(hands, day: str) -> subprocess.Popen:
    environment = os.environ | {"LIANGCANG_KEY_FILE": str(hands.key)}
    environment.pop("DAGSTER_HOME", None)
    options = ["--bank", hands.bank, "--warehouse", str(hands.warehouse), "--landing", str(hands.landing)]
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", *options, "nightly", day],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=Path(__file__).parents[1],
    )


def killed_nights(hands, demo, right: dict[str, str], *, times: int, seed: int) -> None:
    """Kill the second night so many times, then let it end; compare with a night that nobody disturbed."""
    day, drawn = demo.nights[1], random.Random(seed)
    began = time.monotonic()
    undisturbed = night(hands.copy(hands.warehouse.parent.parent / "undisturbed"), day.isoformat())
    assert undisturbed.wait() == 0
    whole = time.monotonic() - began
    reader = Reader(hands.warehouse)
    reader.start()
    for _ in range(times):
        running = night(hands, day.isoformat())
        time.sleep(drawn.uniform(0.2, 1.0) * whole)
        running.send_signal(signal.SIGKILL)
        running.wait()
    last = night(hands, day.isoformat())
    assert last.wait() == 0
    reader.stop.set()
    reader.join()
    assert reader.faults == []
    assert reader.reads > times
    assert hands.bytes_of() == right
    hands("gc", "--yes", "--grace-hours", "0")
    assert "clean" in hands("fsck").output


@pytest.fixture
def undisturbed(riverside, riverside_demo, tmp_path):
    """The bytes of a second night that ran in peace."""
    copy = riverside.copy(tmp_path / "peace")
    copy("nightly", riverside_demo.nights[1].isoformat())
    return copy.bytes_of()


def test_a_night_killed_at_any_moment_shows_yesterday_or_today(riverside, riverside_demo, undisturbed):
    killed_nights(riverside, riverside_demo, undisturbed, times=5, seed=1)


@pytest.mark.slow
def test_fifty_kills(riverside, riverside_demo, undisturbed):
    killed_nights(riverside, riverside_demo, undisturbed, times=50, seed=2)
