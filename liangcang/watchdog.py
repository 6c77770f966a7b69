"""Bounds what one statement of a connection may take: DuckDB has no such setting."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

LOOKS = 20
"""How often it looks within the time allowed: a statement is ended at most a twentieth of it too late."""


class Watchdog:
    """Interrupts the statement of a connection that takes longer than `seconds`, until `close`.

    One thread a connection that sleeps between two looks: a timer for each statement costs as much as a small statement.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._con, self._seconds = con, seconds
        self._since: float | None = None
        self._closed = threading.Event()
        threading.Thread(target=self._watch, name="statement watchdog", daemon=True).start()

    @contextmanager
    def statement(self) -> Iterator[None]:
        """What the connection runs inside the block is bounded as a whole."""
        self._since = time.monotonic()
        try:
            yield
        finally:
            self._since = None

    def close(self) -> None:
        """Look no more."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(self._seconds / LOOKS):
            since = self._since
            if since is not None and time.monotonic() - since > self._seconds:
                self._con.interrupt()
