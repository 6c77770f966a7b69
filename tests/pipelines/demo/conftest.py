"""Small county banks, written once for all workers of a run. Only to be read."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from banks_at_work import made_once, shared
from county_files import Landing

from pipelines.demo import write_county


@dataclass(frozen=True)
class County:
    """A county that was written, and its files as they read."""

    folder: Path
    files: Landing
    truth: pl.DataFrame


def _written(folder: Path, **size: int) -> County:
    with made_once(folder) as first:
        if first:
            folder.mkdir()
            write_county(folder, bad_row=False, **size)
    nights = tuple(dt.date(2026, 11, 1) + dt.timedelta(days=n) for n in range(size["nights"]))
    return County(folder, Landing(folder / "landing", nights), pl.read_parquet(folder / "truth.parquet"))


@pytest.fixture(scope="session")
def county(tmp_path_factory: pytest.TempPathFactory) -> County:
    """200 customers, six months (two quarters' ends) and three nights."""
    return _written(shared(tmp_path_factory, "generated"), customers=200, months=6, nights=3)


@pytest.fixture(scope="session")
def cast_alone(tmp_path_factory: pytest.TempPathFactory) -> County:
    """The cast among a handful, with the thirteen months that its indicators need, and five nights."""
    return _written(shared(tmp_path_factory, "cast"), customers=60, months=13, nights=5)


@pytest.fixture(scope="session")
def five_thousand(tmp_path_factory: pytest.TempPathFactory) -> County:
    """The bank of the demo, for slow tests."""
    return _written(shared(tmp_path_factory, "five-thousand"), customers=5_000, months=18, nights=3)
