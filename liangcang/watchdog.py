"""Bounds what one statement of a connection may take: DuckDB has no such setting."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

LOOKS = 20
"""How often it looks within the time allowed: a statement is ended at most a twentieth of it too late."""


class Watchdog:
    """Interrupts the statement of a connection that takes longer than `seconds`, until `close`.

    One thread a connection that sleeps between two looks: a timer for each statement costs as much as a small statement.
    Statements are run by one thread at a time, and not inside each other. The thread holds no connection alive.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, seconds: float) -> None:
        self._con, self._seconds = con, seconds
        self._since: float | None = None
        closed = threading.Event()
        self._end = weakref.finalize(self, closed.set)
        threading.Thread(
            target=_watch, args=(weakref.ref(self), closed, seconds / LOOKS), name="statement watchdog", daemon=True
        ).start()

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
        self._end()

    def look(self) -> None:
        """Interrupt the statement if its time is over."""
        since = self._since
        if since is not None and time.monotonic() - since > self._seconds:
            self._con.interrupt()


def _watch(held: weakref.ref[Watchdog], closed: threading.Event, pause: float) -> None:
    while not closed.wait(pause):
        if watchdog := held():
            watchdog.look()
        del watchdog
