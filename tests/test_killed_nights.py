"""A publishing night is killed at random moments while a reader reads two tables in a loop."""

from __future__ import annotations

import json
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
from banks.riverside_bank import Demo
from banks_at_work import Hands

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
            time.sleep(0.1)


class Nights:
    """Runs nights of banks, each in a process of its own, killed after so many seconds if it is to be."""

    def __init__(self, key: Path) -> None:
        environment = os.environ | {"LIANGCANG_KEY_FILE": str(key)}
        environment.pop("DAGSTER_HOME", None)
        here = Path(__file__)
        self.server = subprocess.Popen(
            [sys.executable, "-P", str(here.with_name("night_to_kill.py"))],
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

    def __call__(self, hands: Hands, day: str, *, kill_after: float = 600) -> int:
        """The exit code of the night; negative, the signal that ended it."""
        options = ["--bank", hands.bank, "--warehouse", str(hands.warehouse), "--landing", str(hands.landing)]
        self.server.stdin.write(json.dumps([kill_after, *options, "nightly", day]) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())


def killed_nights(riverside: Hands, demo: Demo, *, times: int, seed: int) -> None:
    """Kill the second night so many times, then let it end; compare with a night that nobody disturbed."""
    day, drawn = demo.nights[1].isoformat(), random.Random(seed)
    undisturbed = riverside.copy(riverside.warehouse.parent.parent / "undisturbed")
    with Nights(riverside.key) as nights:
        began = time.monotonic()
        assert nights(undisturbed, day) == 0
        whole = time.monotonic() - began
        reader = Reader(riverside.warehouse)
        reader.start()
        killed = 0
        while killed < times:
            if nights(riverside, day, kill_after=drawn.uniform(0.05, 1.0) * whole) == -signal.SIGKILL:
                killed += 1
            else:
                whole *= 0.8  # the machine has less to do than before
        assert nights(riverside, day) == 0
    reader.stop.set()
    reader.join()
    assert reader.faults == []
    assert reader.reads > times
    assert riverside.bytes_of() == undisturbed.bytes_of()
    riverside("gc", "--yes", "--grace-hours", "0")
    assert "clean" in riverside("fsck").output


def test_a_night_killed_at_any_moment_shows_yesterday_or_today(riverside, riverside_demo):
    killed_nights(riverside, riverside_demo, times=2, seed=1)


@pytest.mark.slow
def test_fifty_kills(riverside, riverside_demo):
    killed_nights(riverside, riverside_demo, times=50, seed=2)
