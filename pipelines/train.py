"""`liangcang train churn`: learn, judge out of time, register as a candidate, and say what came of it."""

from __future__ import annotations

import datetime as dt
import os
import pwd
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from assets.churn.registration import Trained
from assets.churn.training import train
from data_contracts.bank import read_bank
from liangcang.store import Warehouse
from pipelines.settings import Settings

FIGURES = ("auc", "average_precision", "lift_5", "lift_10", "brier", "observed_to_expected")
HEADINGS = ("AUC", "AP", "lift 5 %", "lift 10 %", "Brier", "O/E")


def train_churn(given: Settings, *, as_of: dt.date | None, on_progress: Callable[[str], None]) -> Iterator[str]:
    """The lines that tell of a training. Raises what `assets.churn.training.train` raises."""
    given.export()
    bank = read_bank(given.bank)
    warehouse = Warehouse.open(given.warehouse, bank=bank.code)
    yield from report(train(warehouse, bank, as_of=as_of, by=_operator(), say=on_progress))


def report(trained: Trained) -> Iterator[str]:
    """What was trained, on what, how good it is and where its card lies."""
    metrics, registered = trained.metrics, trained.registered
    yield f"churn {metrics['label']}: {'registered' if trained.is_new else 'registered already, the same'} as candidate"
    yield f"  version    {registered.version}"
    yield f"  card       {registered.folder / 'card.html'}"
    yield ""
    for use in ("train", "embargo", "test"):
        rows = [row for row in metrics["rows"] if row["use"] == use]
        if rows:
            span = rows[0]["as_of"] if len(rows) == 1 else f"{rows[0]['as_of']} to {rows[-1]['as_of']}"
            count, churned = (
                sum(row[name] - (row["open"] if name == "rows" else 0) for row in rows) for name in ("rows", "churned")
            )
            yield f"  {use:<10} {count:>9,} rows {churned:>7,} churned   as of {span}"
    yield ""
    yield from table(metrics)
    yield ""
    for kind, found in metrics["models"].items():
        random, gap = found["random_split"], found["optimism"]
        yield (
            f"  {kind:<10} out of fold AUC {found['out_of_fold']['auc']:.3f}; a random split would have said "
            f"{random['auc_all_dates']:.3f} ({gap['auc_all_dates']:+.3f}), on the test's own rows "
            f"{random['auc_test_rows']:.3f} ({gap['auc_test_rows']:+.3f})"
        )


def table(metrics: Mapping[str, Any]) -> Iterator[str]:
    """The figures of the test, with their 95 % intervals over samples of parties."""
    yield "  " + " " * 12 + "".join(f"{heading:<24}" for heading in HEADINGS).rstrip()
    for kind, found in metrics["models"].items():
        mark = "*" if kind == metrics["chosen"] else " "
        yield f"  {kind + ' ' + mark:<12}" + _figures(found["test"])
    yield f"  {'rule':<12}" + _figures(metrics["rule"]["test"])
    yield f"  {'base rate':<12}" + " " * 96 + f"{metrics['test']['base_brier']:.4f}"
    yield "  * chosen by rows of training it had not seen, never by the test"


def _figures(found: Mapping[str, Sequence[float]]) -> str:
    return "".join(f"{_figure(found.get(name), 4 if name == 'brier' else 3):<24}" for name in FIGURES).rstrip()


def _figure(found: Sequence[float] | None, digits: int) -> str:
    return "" if found is None else "{0:.{3}f} [{1:.{3}f}, {2:.{3}f}]".format(*found, digits)


def _operator() -> str:
    """Who trains, for the record of stages."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
