"""Running nights from the command line: the same job that Dagster's interface starts, in this process."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.utils import make_new_run_id

from assets.night import process_tag
from liangcang.errors import UsageError
from pipelines import settings
from pipelines.dead_runs import report_dead_runs
from pipelines.definitions import build
from pipelines.instance import prepare
from pipelines.jobs import NIGHTLY, QUIET


@dataclass(frozen=True)
class Ran:
    """How a run ended: `exit_code` 0 with the publication's metadata, or the failure's parts."""

    exit_code: int
    run_id: str
    published: Mapping[str, object] = field(default_factory=dict)
    failure: dict[str, str] = field(default_factory=dict)


def run_night(
    given: settings.Settings,
    days: Sequence[dt.date],
    *,
    select: Sequence[str] = (),
    on_progress: Callable[[str], None] | None = None,
) -> Ran:
    """Run the nightly job for one date, or for a range as one run. `select` narrows it to some tables."""
    given.export()
    prepare(given.dagster_home)
    definitions = build(given)
    job = definitions.resolve_job_def(NIGHTLY)
    keys = [dg.AssetKey(name.split(".")) for name in select]
    known = set(job.asset_layer.executable_asset_keys)
    if unknown := [name for name, key in zip(select, keys, strict=True) if key not in known]:
        raise UsageError(
            f"no such table: {', '.join(unknown)}",
            expected="one of " + ", ".join(sorted(".".join(key.path) for key in known)),
        )
    first, last = days[0].isoformat(), days[-1].isoformat()
    with dg.DagsterInstance.get() as instance, _progress(on_progress):
        report_dead_runs(instance, given.warehouse)
        run_id = make_new_run_id()
        span = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config=QUIET,
            asset_selection=keys or None,
            run_id=run_id,
            partition_key=first if first == last else None,
            tags=process_tag(run_id) | (span if first != last else {}),
        )
        return _ended(result)


def _ended(result: dg.ExecuteInProcessResult) -> Ran:
    if result.success:
        found = [
            event.step_materialization_data.materialization
            for event in result.all_events
            if event.is_step_materialization
        ]
        last = next((item for item in found if item.asset_key == dg.AssetKey("publication")), None)
        published = {key: value.value for key, value in last.metadata.items()} if last else {}
        return Ran(exit_code=0, run_id=result.run_id, published=published)
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            metadata = data.user_failure_data.metadata if data.user_failure_data else {}
            parts = {key: str(value.value) for key, value in metadata.items()}
            code = int(parts.pop("exit_code", "70"))
            if not parts and data.error:
                parts = {"what": f"{event.step_key} failed", "found": data.error.cls_name or "an unexpected error"}
            return Ran(exit_code=code, run_id=result.run_id, failure=parts)
    return Ran(exit_code=70, run_id=result.run_id, failure={"what": "the run failed before its first step"})


class _Watch(logging.Handler):
    """Hands each line of progress to whoever watches."""

    def __init__(self, show: Callable[[str], None]) -> None:
        super().__init__()
        self.show = show

    def emit(self, record: logging.LogRecord) -> None:
        self.show(record.getMessage())


@contextmanager
def _progress(on_progress: Callable[[str], None] | None) -> Iterator[None]:
    if on_progress is None:
        yield
        return
    logger, handler = logging.getLogger("liangcang.night"), _Watch(on_progress)
    before, propagated = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
        logger.propagate = propagated
