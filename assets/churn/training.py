"""Learn who leaves: a panel of month ends, the two models, what they are worth out of time, and a version of the better."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from assets.churn.judging import Part, base_brier, by_group, judged, judged_rule
from assets.churn.labels import Label, bank_label
from assets.churn.learning import KINDS, Learned, learn
from assets.churn.model import Kind
from assets.churn.model_inputs import ModelInput, model_inputs
from assets.churn.outcome import is_closed
from assets.churn.panel import Panel, make_panel, month_ends
from assets.churn.registration import Trained, keep
from assets.churn.split import PanelSplit
from data_contracts.bank import Bank
from liangcang.durable import make_folder, own_umask
from liangcang.errors import LiangcangError, UsageError
from liangcang.place import Place
from liangcang.store import View, Warehouse


class TooFewError(LiangcangError):
    """Too little was seen of churn to learn it, or to judge what was learned."""

    exit_code = 65


def train(
    warehouse: Warehouse,
    bank: Bank,
    *,
    as_of: dt.date | None = None,
    by: str,
    say: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train on month ends up to `as_of` (default: the newest whose outcome is known), judge on the last, and register.

    Nothing after the newest night is looked at. Raises UsageError when the bank has no label or a date cannot be the
    last, and TooFewError when too little churn was seen.
    """
    label, view = bank_label(bank), warehouse.current
    if label is None:
        raise UsageError(
            "this bank has not said what churn means",
            file=bank.folder / "bank.yaml",
            field="parameters.churn.label",
            next="name a label of assets/churn/labels.yaml",
        )
    dates = as_of_dates(view, bank, label, as_of)
    with working_folder(view.place) as working:
        panel = make_panel(view, bank, label, model_inputs(), dates, working=working, say=say)
    return learned_from(panel, view, bank, by=by, say=say)


def as_of_dates(view: View, bank: Bank, label: Label, as_of: dt.date | None) -> list[dt.date]:
    """The month ends to look at, the last of which is `as_of`; raises UsageError when it cannot be."""
    if not view.nights:
        raise UsageError("no night is published yet", next="run `liangcang nightly`")
    closed = [day for day in month_ends(bank.start_date, view.nights[-1]) if is_closed(view, bank, label, day)]
    if as_of is not None and as_of not in closed:
        raise UsageError(
            "nothing can be trained as of this date",
            field="--as-of",
            expected=f"a month end whose outcome has come{f', {closed[-1]} at the latest' if closed else ''}",
            found=f"{as_of}, whose outcome ends on {label.outcome.end(as_of)}; the newest night is {view.nights[-1]}"
            if as_of == _month_end(as_of)
            else f"{as_of}, which is no month end",
        )
    if not closed:
        raise UsageError(
            "no outcome has come yet",
            expected=f"a night of {label.outcome.end(_month_end(bank.start_date))} or later",
            found=f"the newest night is {view.nights[-1]}",
        )
    return [day for day in closed if as_of is None or day <= as_of][-label.training["months"] :]


def learned_from(
    panel: Panel, view: View, bank: Bank, *, by: str, say: Callable[[str], None] = lambda _: None
) -> Trained:
    """Learn from a panel, judge, and register the better of the two models, chosen by rows that it had not seen."""
    label, training = panel.label, panel.label.training
    known = panel.rows.filter(pl.col("churned").is_not_null())
    split = PanelSplit.of(known["as_of_date"].unique().to_list(), label.outcome, tests=training["test_dates"])
    learning = known.filter(pl.col("as_of_date").is_in(split.train))
    names, left_out = usable(learning, panel.inputs)
    train, test = Part.of(learning, names), Part.of(known.filter(pl.col("as_of_date").is_in(split.test)), names)
    enough(train, test, label, split)
    made: dict[Kind, Learned] = {}
    for kind in KINDS:
        say(f"learning: {kind}")
        made[kind] = learn(
            kind,
            train.values,
            train.churned,
            train.parties,
            names=names,
            folds=training["folds"],
            seed=training["seed"],
        )
    chosen = max(KINDS, key=lambda kind: made[kind].figures["auc"])
    say(f"judging: {chosen} is the better one out of fold")
    metrics = {
        "label": label.id,
        "chosen": chosen,
        "rows": rows_by_date(panel, split),
        "train": {"rows": len(train.rows), "churned": train.positives, "parties": train.rows["party_id"].n_unique()},
        "test": {"rows": len(test.rows), "churned": test.positives, "base_brier": base_brier(test)},
        "models": {kind: judged(made[kind], test, known, split, label) for kind in KINDS},
        "rule": judged_rule(test, label),
        "groups": by_group(made[chosen], test),
        "left_out": left_out,
    }
    return keep(made[chosen], panel, split=split, train=train, metrics=metrics, view=view, bank=bank, by=by)


def usable(rows: pl.DataFrame, inputs: tuple[ModelInput, ...]) -> tuple[tuple[str, ...], dict[str, str]]:
    """The inputs that say something in these rows, and why the others do not."""
    left_out = {}
    for item in inputs:
        distinct = rows[item.name].drop_nulls().n_unique()
        if distinct < 2:
            left_out[item.name] = "not known of anybody" if distinct == 0 else "the same for everybody"
    return tuple(item.name for item in inputs if item.name not in left_out), left_out


def enough(train: Part, test: Part, label: Label, split: PanelSplit) -> None:
    """Refuse to learn from, or to judge by, too little."""
    for what, part, dates, fewest in [
        ("to learn from", train, split.train, label.training["fewest_positives"]),
        ("to judge by", test, split.test, label.training["fewest_test_positives"]),
    ]:
        churners = part.rows.filter(pl.col("churned"))["party_id"].n_unique() if len(part.rows) else 0
        kept = len(part.rows) - part.positives
        if part.positives < fewest or kept < fewest or (part is train and churners < label.training["folds"]):
            span = f"as of {dates[0]} to {dates[-1]}" if dates else "as of no date at all"
            raise TooFewError(
                f"too little churn {what}",
                expected=f"at least {fewest} churned and {fewest} kept rows"
                + (f", of {label.training['folds']} parties or more" if part is train else ""),
                found=f"{part.positives} churned and {kept} kept rows {span}, of {churners} churned parties",
                kept="no model was registered",
                next="wait for more month ends, or set the label's parameters for this bank (parameters.churn)",
            )


def rows_by_date(panel: Panel, split: PanelSplit) -> list[dict[str, Any]]:
    """Of each as-of date: what it was for, its rows, those churned, and those whose outcome nobody knows."""
    uses = {
        **dict.fromkeys(split.train, "train"),
        **dict.fromkeys(split.embargo, "embargo"),
        **dict.fromkeys(split.test, "test"),
    }
    return [
        {
            "as_of": day.isoformat(),
            "outcome_to": panel.label.outcome.end(day).isoformat(),
            "use": uses.get(day, "open"),
            "rows": len(rows),
            "churned": int(rows["churned"].sum() or 0),
            "open": rows["churned"].null_count(),
        }
        for (day,), rows in panel.rows.partition_by("as_of_date", as_dict=True).items()
    ]


@contextmanager
def working_folder(place: Place) -> Iterator[Path]:
    """A private folder on the warehouse's disk, gone afterwards; what a kill leaves of it goes with the next night."""
    own_umask()
    folder = place.scratch / f"{os.getpid()}-{secrets.token_hex(4)}"
    make_folder(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _month_end(day: dt.date) -> dt.date:
    return month_ends(day, day + dt.timedelta(days=31))[0]
