"""Dagster's instance for one warehouse: SQLite in a folder of its own, quiet, one run at a time."""

from __future__ import annotations

import os
from pathlib import Path

CONFIGURATION = """\
# Written by `liangcang init`; change it as you need. SQLite is enough for one machine.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency: {runs: {max_concurrent_runs: 1}}
run_monitoring: {enabled: true, start_timeout_seconds: 180, free_slots_after_run_end_seconds: 60}
run_retries: {enabled: true, max_retries: 0, retry_on_asset_or_op_failure: false}
retention: {schedule: {purge_after_days: 90}, sensor: {purge_after_days: {skipped: 7, failure: 30, success: 90}}}
code_servers: {local_startup_timeout: 120}
"""


def prepare(home: Path) -> Path:
    """Make Dagster's home (0700) with its configuration, if it is not there."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    file = home / "dagster.yaml"
    if not file.exists():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(CONFIGURATION)
    return home
