"""A warehouse of its own for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from liangcang.place import Place, create
from liangcang.store import Warehouse


@pytest.fixture(autouse=True)
def _umask_as_it_was() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    root = tmp_path / "warehouse"
    root.mkdir()
    return create(root, bank="demo")


@pytest.fixture
def wh(place: Place) -> Warehouse:
    return Warehouse(place)
