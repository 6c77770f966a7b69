"""The model card: what a model is for, what it was learned from, how good it is and where it must not be trusted.

Nothing on it speaks of a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assets.churn.charts import calibration_chart, gains_chart
from assets.churn.labels import Label
from assets.churn.model_inputs import ModelInput
from assets.churn.page import Section
from assets.churn.split import PanelSplit
from data_contracts.bank import Bank, product_contracts

FIGURES: Mapping[str, str] = {
    "auc": "AUC",
    "average_precision": "Average precision",
    "lift_5": "Lift at 5 %",
    "lift_10": "Lift at 10 %",
    "brier": "Brier score",
    "observed_to_expected": "Observed / expected",
}


def sections(
    version: str,
    *,
    label: Label,
    inputs: Sequence[ModelInput],
    split: PanelSplit,
    metrics: Mapping[str, Any],
    facts: Mapping[str, Any],
    bank: Bank,
) -> list[Section]:
    """The card of a version, from what was measured."""
    return [
        Section(
            title=f"Churn model {version}", text=(f"{bank.name['en']} ({bank.name['zh']}): {label.en}, {label.zh}.",)
        ),
        *_notice(label, metrics, bank),
        _purpose(),
        _about(label, split, metrics, facts),
        _rows(metrics),
        *_quality(metrics),
        _groups(metrics),
        _inputs(inputs, metrics),
        _reasons(metrics["chosen"]),
        _limits(label, bank),
    ]


def _notice(label: Label, metrics: Mapping[str, Any], bank: Bank) -> list[Section]:
    churned, wanted = metrics["train"]["churned"], label.training["fit_for_use"]
    why = []
    if bank.parameters.get("generated", False):
        why.append("The bank is generated: its customers are none, and what is learned of them is true of nobody.")
    if churned < wanted:
        why.append(
            f"It was learned from {churned} churned rows; below {wanted} nothing finer than a rough order is known."
        )
    return [Section(title="For looking at, not for use", text=tuple(why), notice=True)] if why else []


def _purpose() -> Section:
    return Section(
        title="Purpose",
        text=(
            "For: account managers who decide whom to talk to first, to keep customers who are about to leave.",
            "Not for: decisions on credit, prices or fees; whatever is done to a person without a person deciding.",
            "Not for: contacting anybody who has objected to it; customers outside the population below.",
            "A score is a candidate's: nobody has approved this model yet.",
        ),
    )


def _about(label: Label, split: PanelSplit, metrics: Mapping[str, Any], facts: Mapping[str, Any]) -> Section:
    contract = product_contracts()["churn_score"]
    outcome = label.outcome
    rows = [
        ("What", "Value"),
        ("label", f"{label.id}: {label.meaning}"),
        ("population", label.words(label.population)),
        ("base", label.words(label.base)),
        ("outcome", f"{outcome.length} {outcome.unit}s after a gap of {outcome.gap}"),
        ("churned", label.words(label.churned)),
        ("parameters", ", ".join(f"{name} = {value}" for name, value in label.values.items())),
        ("trained as of", f"{split.train[0]} to {split.train[-1]}, {len(split.train)} month ends"),
        ("tested as of", ", ".join(map(str, split.test))),
        ("last outcome seen", facts["known_until"]),
        ("model", f"{metrics['chosen']}: the better of two named in advance, by rows of training it had not seen"),
        ("identity", facts["identity"]),
        ("made from", f"manifest {facts['manifest']}, panel {facts['panel']}, features {facts['features']}"),
        ("made with", ", ".join(f"{name} {version}" for name, version in facts["libraries"].items())),
        ("stage", "candidate"),
        ("owner", contract.owner),
        ("expires", facts["expires"]),
    ]
    return Section(title="What it is", table=rows)


def _rows(metrics: Mapping[str, Any]) -> Section:
    table = [("As of", "Outcome to", "Use", "Rows", "Churned", "Churn rate")]
    for row in metrics["rows"]:
        closed = row["rows"] - row["open"]
        rate = f"{row['churned'] / closed:.1%}" if closed else ""
        table.append((row["as_of"], row["outcome_to"], row["use"], f"{row['rows']:,}", f"{row['churned']:,}", rate))
    return Section(
        title="Rows",
        text=(
            "One row a party of the population and month end.",
            "Under embargo: the outcome ends after the test begins, so whoever trains on that day cannot know it.",
        ),
        table=table,
    )


def _quality(metrics: Mapping[str, Any]) -> list[Section]:
    models, rule, test = metrics["models"], metrics["rule"], metrics["test"]
    named = {name + (" (chosen)" if name == metrics["chosen"] else ""): found for name, found in models.items()}
    heading = ("Figure", *named, "simple rule")
    table: list[Sequence[str]] = [heading]
    for figure, title in FIGURES.items():
        digits = 4 if figure == "brier" else 3
        table.append((title, *(_figure(found["test"].get(figure), digits) for found in (*named.values(), rule))))
    table.append(("Brier score of the base rate", *[f"{test['base_brier']:.4f}"] * len(named), ""))
    table.append(
        ("AUC out of fold, in training", *(f"{found['out_of_fold']['auc']:.3f}" for found in named.values()), "")
    )
    gap: list[Sequence[str]] = [("Figure", *named)]
    for key, title in (("auc_all_dates", "all dates"), ("auc_test_rows", "the test's own rows")):
        values = (f"{found['random_split'][key]:.3f} ({found['optimism'][key]:+.3f})" for found in named.values())
        gap.append((f"AUC of a random split, {title}", *values))
    bins: list[Sequence[str]] = [("Model", "Rows", "Expected", "Observed")]
    for name, found in named.items():
        bins += [(name, f"{b['rows']:,}", f"{b['expected']:.1%}", f"{b['observed']:.1%}") for b in found["calibration"]]
    curves = {**{name: found["gains"] for name, found in named.items()}, "simple rule": rule["gains"]}
    found_by = {name: dict(points) for name, points in curves.items()}
    reach: list[Sequence[str]] = [("Customers looked at", *curves)]
    shares = (0.05, 0.1, 0.2, 0.3, 0.5)
    reach += [(f"{share:.0%}", *(f"{points[share]:.1%}" for points in found_by.values())) for share in shares]
    flagged = f"The rule flags {rule['flagged']:,} rows, of whom {rule['flagged_churned']:,} churned"
    return [
        Section(
            title="How good it is, out of time",
            text=(
                f"{test['rows']:,} rows, {test['churned']:,} churned; none was seen in training or in choosing the model.",
                "In brackets the 95 % interval over samples of whole parties.",
                flagged + (f" (lift {rule['flagged_lift']:.2f})." if rule["flagged_lift"] is not None else "."),
            ),
            table=table,
        ),
        Section(
            title="Lift",
            text=("Of all who churned, the share that is among the highest-scored customers.",),
            table=reach,
            chart=gains_chart({name: [(x, y) for x, y in points] for name, points in curves.items()}),
        ),
        Section(
            title="Calibration",
            text=("Rows of the test in ten parts of equal size, from the lowest score to the highest.",),
            table=bins,
            chart=calibration_chart({name: found["calibration"] for name, found in named.items()}),
        ),
        Section(
            title="Optimism",
            text=(
                "What a random cut of the rows would have promised; in brackets, how much more that is than the test shows.",
                "A part of the first line is contrast between months.",
            ),
            table=gap,
        ),
    ]


def _groups(metrics: Mapping[str, Any]) -> Section:
    table: list[Sequence[str]] = [
        ("Attribute", "Group", "Rows", "Churned", "Mean score", "Observed / expected", "In the highest tenth", "AUC")
    ]
    for row in metrics["groups"]:
        ranked = "too few" if row["auc"] is None else f"{row['auc']:.3f}"
        table.append(
            (
                row["attribute"],
                row["group"],
                f"{row['rows']:,}",
                f"{row['churned']:,}",
                f"{row['mean_score']:.1%}",
                f"{row['observed_to_expected']:.2f}",
                f"{row['in_highest_tenth']:.1%}",
                ranked,
            )
        )
    return Section(
        title="Groups",
        text=(
            "Age and sex are no inputs; they are looked at here alone.",
            "Groups of fewer than ten rows are not shown, and an AUC needs ten rows of either outcome.",
        ),
        table=table,
    )


def _inputs(inputs: Sequence[ModelInput], metrics: Mapping[str, Any]) -> Section:
    table: list[Sequence[str]] = [("Input", "Meaning", "Formula over features.party")]
    table += [(item.name, item.meaning, item.sql) for item in inputs]
    left_out = "; ".join(f"{name}: {why}" for name, why in metrics["left_out"].items())
    return Section(
        title="Inputs",
        text=(
            "All of them as of the date, from what was known by then, by the code that makes the features of every night.",
            f"Left out: {left_out}." if left_out else "None was left out.",
        ),
        table=table,
    )


def _reasons(chosen: str) -> Section:
    exact = (
        "The reasons of a score are exact: the terms of the regression against those of a party that is usual (the "
        "median of training) in everything. Together they make the whole difference."
    )
    tried = (
        "The reasons of a score are trials: by how much the log-odds change when one input alone is set to its usual "
        "value (the median of training). What inputs do only together is counted more than once; they do not add up."
    )
    text = exact if chosen == "logistic" else tried
    return Section(title="Reasons", text=(text, "A reason says what the model looked at, not why somebody leaves."))


def _limits(label: Label, bank: Bank) -> Section:
    unfed = sorted(entity for entity, columns in bank.unfed.items() if columns)
    return Section(
        title="Limits",
        text=(
            "Probabilities drift when the churn rate does: watch observed / expected, not the ranking alone.",
            "The lunar New Year moves money in and out: churn that is read from January and February is partly that.",
            "Employees, frozen accounts and the deceased are not known to it and are not left out.",
            "Money that moves to a product of ours that is no deposit looks like money that leaves.",
            "An interval over one month of test says nothing of how months differ.",
            *([f"Not or not wholly fed by this bank: {', '.join(unfed)}."] if unfed else []),
            f"It expires {label.training['max_age_days']} days after the last outcome it has seen; then no night scores.",
        ),
    )


def _figure(found: Sequence[float] | None, digits: int = 3) -> str:
    return "" if found is None else "{0:.{3}f} [{1:.{3}f}, {2:.{3}f}]".format(*found, digits)
