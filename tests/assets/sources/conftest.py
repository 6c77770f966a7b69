"""What the tests of `assets/sources` share: one engine a module, and a folder that it may read and write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from liangcang.engine import Engine


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("room")


@pytest.fixture(scope="module")
def engine(room: Path) -> Iterator[Engine]:
    for name in ("spill", "faults"):
        (room / name).mkdir()
    with Engine(read=[room], write=room, spill=room / "spill", faults=room / "faults") as made:
        yield made
