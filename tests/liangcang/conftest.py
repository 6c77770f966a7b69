"""A warehouse of its own for every test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_at_work import Folders
from hypothesis import settings
from warehouse_by_hand import MEMORY

from liangcang.engine import Engine
from liangcang.place import Place, create
from liangcang.store import Warehouse

settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture(autouse=True)
def _umask_as_it_was() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def place() -> Iterator[Place]:
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="liangcang-") as folder:
        root = Path(folder) / "warehouse"
        root.mkdir()
        yield create(root.resolve(), bank="demo")


@pytest.fixture
def wh(place: Place) -> Warehouse:
    return Warehouse(place)


@pytest.fixture
def no_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave warehouse.duckdb alone: making it takes longer than everything else a commit does."""
    monkeypatch.setattr("liangcang.views.refresh_quietly", lambda place: None)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


@pytest.fixture
def engine(folders: Folders) -> Iterator[Engine]:
    with folders.engine() as made:
        yield made
