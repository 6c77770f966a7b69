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
from typing import Self

import polars as pl
import pytest
from banks_at_work import Hands

import liangcang as lc
from pipelines.demo import Demo

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


class Nights:
    """Runs nights of a bank, each in a process of its own, killed after so many seconds if it is to be."""

    def __init__(self, hands: Hands) -> None:
        environment = os.environ | {"LIANGCANG_KEY_FILE": str(hands.key)}
        environment.pop("DAGSTER_HOME", None)
        options = ["--bank", hands.bank, "--warehouse", str(hands.warehouse), "--landing", str(hands.landing)]
        here = Path(__file__)
        self.server = subprocess.Popen(
            [sys.executable, "-P", str(here.with_name("night_to_kill.py")), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
            cwd=here.parents[1],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()

    def __call__(self, day: str, *, kill_after: float = 600) -> int:
        """The exit code of the night; negative, the signal that ended it."""
        self.server.stdin.write(f"{day} {kill_after}\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())


def killed_nights(riverside: Hands, demo: Demo, *, times: int, seed: int) -> None:
    """Kill the second night so many times, then let it end; compare with a night that nobody disturbed."""
    day, drawn = demo.nights[1].isoformat(), random.Random(seed)
    undisturbed = riverside.copy(riverside.warehouse.parent.parent / "undisturbed")
    with Nights(undisturbed) as nights:
        began = time.monotonic()
        assert nights(day) == 0
        whole = time.monotonic() - began
    reader = Reader(riverside.warehouse)
    reader.start()
    killed = 0
    with Nights(riverside) as nights:
        for _ in range(times):
            killed += nights(day, kill_after=drawn.uniform(0.05, 1.0) * whole) == -signal.SIGKILL
        assert nights(day) == 0
    reader.stop.set()
    reader.join()
    assert reader.faults == []
    assert reader.reads > times
    assert killed > times / 2
    assert riverside.bytes_of() == undisturbed.bytes_of()
    riverside("gc", "--yes", "--grace-hours", "0")
    assert "clean" in riverside("fsck").output


def test_a_night_killed_at_any_moment_shows_yesterday_or_today(riverside, riverside_demo):
    killed_nights(riverside, riverside_demo, times=5, seed=1)


@pytest.mark.slow
def test_fifty_kills(riverside, riverside_demo):
    killed_nights(riverside, riverside_demo, times=50, seed=2)
