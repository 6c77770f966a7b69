"""What Dagster costs on top of the work: the bank's own asset graph with bodies that do nothing.

    python benchmarks/orchestration.py [--bank berka] [--dates 30] [--rounds 3]

CPU milliseconds an asset in one night, and an asset and date in one run over several dates, with the storage that
`dagster.yaml` names and with Dagster's own; SQLite on disk, rounds alternating. Budgets: 60 and 25.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import tempfile
import time
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import dagster as dg  # noqa: E402

from assets import building  # noqa: E402
from data_contracts.bank import read_bank  # noqa: E402
from pipelines.instance import prepare  # noqa: E402
from pipelines.jobs import QUIET  # noqa: E402
from pipelines.storage import BATCH_SIZE  # noqa: E402

STORAGES = ("ours", "Dagster's")


def hollow(made: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The same asset, check included, with nothing in it."""
    (spec,) = made.specs

    @dg.asset(
        key=spec.key,
        deps=[dep.asset_key for dep in spec.deps],
        group_name=spec.group_name,
        partitions_def=spec.partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=list(made.check_specs),
        metadata=spec.metadata,
    )
    def nothing(context):
        for check in made.check_specs:
            yield dg.AssetCheckResult(check_name=check.name, passed=True)
        for day in context.partition_keys:
            context.add_asset_metadata({"dagster/partition_row_count": 1}, partition_key=day)
        yield dg.MaterializeResult()

    return nothing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", default="berka")
    parser.add_argument("--dates", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    bank = read_bank(asked.bank)
    assets = [hollow(made) for made in building.assets(bank)]
    job = dg.Definitions(
        assets=assets, jobs=[dg.define_asset_job("nightly", config=QUIET)], executor=dg.in_process_executor
    ).resolve_job_def("nightly")
    first = bank.start_date
    last = first + dt.timedelta(days=asked.dates - 1)
    ways = {
        "one night": ({"partition_key": first.isoformat()}, len(assets)),
        f"{asked.dates} dates in one run": (
            {
                "tags": {
                    "dagster/asset_partition_range_start": str(first),
                    "dagster/asset_partition_range_end": str(last),
                }
            },
            len(assets) * asked.dates,
        ),
    }
    spent: dict[tuple[str, str], list[float]] = {(storage, way): [] for storage in STORAGES for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        homes = {storage: prepare(Path(folder) / storage) for storage in STORAGES}
        (homes["Dagster's"] / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        for round in range(asked.rounds + 1):
            for storage, home in homes.items():
                os.environ["DAGSTER_HOME"] = str(home)
                os.environ.pop(BATCH_SIZE, None)
                with dg.DagsterInstance.get() as instance:
                    for way, (how, _) in ways.items():
                        began = time.process_time()
                        assert job.execute_in_process(instance=instance, run_config=QUIET, **how).success
                        if round:
                            spent[storage, way].append(time.process_time() - began)
    print(f"{len(assets)} assets of {bank.code}")
    for (storage, way), seconds in spent.items():
        each = [1000 * cpu / ways[way][1] for cpu in seconds]
        said = f"{statistics.median(each):7.1f} ms CPU each (min {min(each):.1f}, max {max(each):.1f})"
        print(f"{storage:<10} {way:<24} {said}")


if __name__ == "__main__":
    main()
