"""Churn scores as an asset: the model of the date over the features of the date."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import numpy as np
import polars as pl

from assets.churn.choosing import Choice, Shelf
from assets.churn.labels import Label, bank_label
from assets.churn.model_inputs import definition, model_inputs, reads, rows_select
from assets.features.party import feature_tables
from assets.inputs import Inputs, Wanted
from assets.night import Outcome, Step, WarehouseResource, daily, outcome
from data_contracts.bank import Bank, product_contracts
from data_contracts.tables import product
from liangcang.quoting import literal
from liangcang.table import Table

SCORED = "churn.scored"
STAGE = "candidate"
REASONS = 3


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """One asset; fails when the bank's churn label or its parameters are not known."""
    label, table, features = bank_label(bank), score_table(), feature_tables()[1]

    @dg.asset(
        **daily(
            bank,
            table,
            group="churn",
            deps=[features.name],
            description="One row a party of the label's population: how likely it leaves, and why; a candidate's word.",
            metadata={"label": label.id if label else "none"},
        )
    )
    def churn_score(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            shelf = Shelf(step.place, label)
            read = reads(label, model_inputs()) if label else frozenset({"party_id"})
            inputs = Inputs(step.engine, step.view(), [Wanted(table=features, columns=read)], step.days)
            choices = {day: shelf.choose(day) for day in step.days}
            for day, choice in choices.items():
                used = inputs.at(day)
                sql = scored_select(step, table, label, choice, day) if label and choice.model else no_rows(table)
                entry = step.write(table, day, sql, inputs=used, repeated=True)
                step.say(
                    day, f"{entry.rows:,} scores of {choice.version}" if choice.model else f"no scores: {choice.reason}"
                )
            refused = any(choice.refused for choice in choices.values())
            yield from outcome(step, metadata=said(choices), passed=not refused, severity=dg.AssetCheckSeverity.WARN)

    return [churn_score]


def score_table() -> Table:
    """The product, as its contract promises it."""
    return product(product_contracts()["churn_score"])


def scored_select(step: Step, table: Table, label: Label, choice: Choice, day: dt.date) -> str:
    """Score the population of a date; returns the SELECT of the product over what was scored."""
    rows = step.engine.frame(rows_select(label, choice.inputs), what=table.name)
    step.engine.register(SCORED, scored(choice, rows))
    fixed = {
        "business_date": f"date '{day}'",
        "config_version": literal(definition(label, choice.inputs)),
        "label": literal(label.id),
        "model_version": literal(choice.version),
        "model_kind": literal(choice.model.kind if choice.model else ""),
        "stage": literal(STAGE),
        # Whole numbers, so that the edges of the bands do not depend on rounding: 1/20, and 1/5 with it.
        "band": "case when 20 * (place - 1) < parties then 'H' when 5 * (place - 1) < parties then 'M' else 'L' end",
    }
    columns = ", ".join(f"cast({fixed.get(name, name)} as {kind}) as {name}" for name, kind in table.columns.items())
    return f"""
        with placed as (
            select *, row_number() over (order by raw_logit desc, party_id) as place, count(*) over () as parties
            from {SCORED}
        )
        select {columns} from placed
    """


def scored(choice: Choice, rows: pl.DataFrame) -> pl.DataFrame:
    """Log-odds, probability and reasons of each row, all of them to six decimals."""
    model = choice.model
    assert model is not None  # noqa: S101
    values = rows.select(model.names).to_numpy().astype(np.float64)
    logit = model.logit(values)
    parts = model.contributions(values)
    order = np.argsort(-np.abs(parts), axis=1, kind="stable")[:, :REASONS]
    names = np.array(model.names)
    made: dict[str, object] = {"party_id": rows["party_id"], "raw_logit": logit, "score": model.score(logit)}
    for number in range(REASONS):
        of_row = order[:, number] if number < order.shape[1] else np.zeros(len(rows), dtype=np.intp)
        part = parts[np.arange(len(rows)), of_row] if number < order.shape[1] else np.zeros(len(rows))
        counts = pl.Series(part != 0)
        reason = pl.DataFrame({"name": names[of_row], "part": part}, schema={"name": pl.String, "part": pl.Float64})
        shown = reason.select(
            pl.when(counts).then(pl.col("name")).alias("name"),
            pl.when(counts).then(pl.col("part")).alias("part"),
            pl.when(pl.col("part") > 0)
            .then(pl.lit("raises"))
            .when(pl.col("part") < 0)
            .then(pl.lit("lowers"))
            .alias("way"),
        )
        made[f"reason_{number + 1}"] = shown["name"]
        made[f"reason_{number + 1}_contribution"] = shown["part"]
        made[f"reason_{number + 1}_direction"] = shown["way"]
    return pl.DataFrame(made)


def no_rows(table: Table) -> str:
    """The product without a row."""
    return f"select {', '.join(f'cast(null as {kind}) as {name}' for name, kind in table.columns.items())} where false"


def said(choices: Mapping[dt.date, Choice]) -> dict[str, str]:
    """What the check says: which model scored, and where there are no scores and why."""
    models = sorted({choice.version for choice in choices.values() if choice.model})
    without = sorted({choice.reason for choice in choices.values() if choice.reason})
    return {"model": ", ".join(models) or "none", **({"no scores": "; ".join(without)} if without else {})}
