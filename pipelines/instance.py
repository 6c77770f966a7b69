"""Dagster's instance for one warehouse: SQLite in a folder of its own, quiet, one run at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CONFIGURATION = """\
# Written by `liangcang init`; change it as you need. SQLite is enough for one machine.
telemetry: {enabled: false}
nux: {enabled: false}
storage: {custom: {module: pipelines.storage, class: Records, config: {base_dir: {env: DAGSTER_HOME}}}}
concurrency: {runs: {max_concurrent_runs: 1}}
run_monitoring: {enabled: true, start_timeout_seconds: 180, free_slots_after_run_end_seconds: 60}
run_retries: {enabled: true, max_retries: 0, retry_on_asset_or_op_failure: false}
retention: {schedule: {purge_after_days: 90}, sensor: {purge_after_days: {skipped: 7, failure: 30, success: 90}}}
code_servers: {local_startup_timeout: 120}
"""


WORKSPACE = """\
# The one code location, under the name that runs are remembered by.
load_from:
  - python_module: {module_name: pipelines.definitions, location_name: liangcang}
"""


def prepare(home: Path) -> Path:
    """Make Dagster's home (0700) with its configuration, if it is not there."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    for name, text in {"dagster.yaml": CONFIGURATION, "workspace.yaml": WORKSPACE}.items():
        with suppress(FileExistsError):
            descriptor = os.open(home / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(text)
    return home


@contextmanager
def daemon(home: Path) -> Iterator[None]:
    """Dagster's daemon as a child while the block runs, unless one lives already; its words go to `daemon.log`.

    It starts the runs that the interface queues, and has the sensor look: without it they wait for ever.
    """
    import dagster as dg
    from dagster._daemon.controller import all_daemons_live

    with dg.DagsterInstance.get() as instance:
        if all_daemons_live(instance):
            yield
            return
    command = [sys.executable, "-m", "dagster._daemon", "run", "-w", str(home / "workspace.yaml")]
    with os.fdopen(os.open(home / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            child.terminate()
            child.wait()
