"""A real PostgreSQL server in a folder of its own, on loopback, ended by its process id."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Server:
    """Where the server listens, and the secrets of its owner and of a user who may only read."""

    dsn: str
    password: str

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """A connection of the bank's own programs, which write."""
        from adbc_driver_postgresql import dbapi

        with dbapi.connect(self.dsn, autocommit=False) as connection:
            yield connection

    def run(self, *statements: str) -> None:
        with self.connected() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            connection.commit()


def programs() -> Path:
    """The folder of the server's programs; skips where there is none, and fails in CI, which installs them."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    found = [str(place.parent) for place in places] or [str(Path(p).parent) for p in [shutil.which("postgres")] if p]
    if not found:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no PostgreSQL server is installed (apt: postgresql)")
    return Path(found[-1])


@contextmanager
def serving() -> Iterator[Server]:
    """A server with an empty database. It refuses to run as root, so then it runs as `postgres`, or as nobody."""
    binaries, password = programs(), secrets.token_hex(12)
    folder = Path(tempfile.mkdtemp(prefix="liangcang-postgres-"))
    how: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "")}}
    if os.geteuid() == 0:
        known = {user.pw_name: user for user in pwd.getpwall()}
        user = known.get("postgres") or known["nobody"]
        os.chown(folder, user.pw_uid, user.pw_gid)
        how |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    said = folder / "password"
    said.write_text(password)
    said.chmod(0o644)  # in a folder of mode 0700, for another user
    try:
        made = [binaries / "initdb", "-D", folder / "data", "-A", "scram-sha-256", "-U", "core", "--pwfile", said]
        subprocess.run([*made, "-E", "UTF8", "--no-sync"], check=True, capture_output=True, **how)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = ("listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", "fsync=off", f"port={port}")
        process = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", *(part for option in options for part in ("-c", option))],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **how,
        )
        try:
            server = Server(f"host=127.0.0.1 port={port} user=core password={password} dbname=postgres", password)
            _until_it_answers(server, process)
            yield server
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _until_it_answers(server: Server, process: subprocess.Popen[bytes]) -> None:
    from adbc_driver_postgresql import dbapi

    for _ in range(300):
        assert process.poll() is None, "the server ended"
        try:
            dbapi.connect(server.dsn).close()
        except dbapi.Error:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not answer")
