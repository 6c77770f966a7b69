"""One PostgreSQL for all tests of this folder, with an empty schema for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from extracts_at_work import VARIABLE
from postgres_at_work import Server, serving

from liangcang.engine import Engine


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def core(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server with an empty schema `core`, and its secret where the bank says."""
    server.run("drop schema if exists core cascade", "create schema core")
    monkeypatch.setenv(VARIABLE, server.dsn)
    return server


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    for name in ("spill", "faults"):
        (tmp_path / name).mkdir()
    with Engine(read=[tmp_path], write=None, spill=tmp_path / "spill", faults=tmp_path / "faults") as made:
        yield made
