"""The morning after: what last night's signals say, read from published tables only.

marimo run notebooks/risk_morning.py -- --warehouse DIR
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="晨间风险 · Risk this morning")


@app.cell
def _():
    import os

    import marimo as mo
    import polars as pl

    import liangcang as lc

    return lc, mo, os, pl


@app.cell
def _(mo, os):
    folder = mo.cli_args().get("warehouse") or os.environ.get("LIANGCANG_WAREHOUSE", "")
    mo.stop(not folder, mo.plain_text("Which warehouse? Give -- --warehouse DIR, or set LIANGCANG_WAREHOUSE."))
    return (folder,)


@app.cell
def _(folder, lc):
    warehouse = lc.open(folder)
    night = max(warehouse.current.entries("products.risk_signal"))
    signals = warehouse.scan("products.risk_signal", as_of=night).collect()
    levels = warehouse.scan("products.risk_party", as_of=night).collect()
    return levels, night, signals, warehouse


@app.cell
def _(levels, mo, night):
    counts = dict(levels.group_by("level").len().iter_rows())
    title = mo.md("# 晨间风险 · Risk this morning")
    head = mo.hstack(
        [mo.stat(str(night), label="业务日期 business date"), mo.stat(f"{levels.height:,}", label="客户 parties")]
        + [
            mo.stat(f"{counts.get(level, 0):,}", label=label)
            for level, label in [
                ("red", "红 red"),
                ("orange", "橙 orange"),
                ("yellow", "黄 yellow"),
                ("blue", "蓝 blue"),
            ]
        ]
    )
    mo.vstack([title, head])


@app.cell
def _(mo, pl, signals):
    by_indicator = (
        signals.group_by("indicator_id")
        .agg(
            [
                (pl.col("result") == result).sum().alias(label)
                for result, label in [("HIT", "命中"), ("MISS", "未命中"), ("UNKNOWN", "未知")]
            ]
        )
        .rename({"indicator_id": "指标"})
        .sort("指标")
    )
    mo.vstack(
        [
            mo.md("## 指标 · Indicators"),
            mo.ui.table(
                by_indicator,
                selection=None,
                show_column_summaries=False,
                show_data_types=False,
                show_download=False,
            ),
        ]
    )
    return (by_indicator,)


@app.cell
def _(mo, pl, signals):
    hits = (
        signals.filter(pl.col("result") == "HIT")
        .select("party_id", "indicator_id", "severity", "value", "evidence")
        .sort("severity", "indicator_id", "party_id")
        .rename({"party_id": "客户", "indicator_id": "指标", "severity": "级别", "value": "数值", "evidence": "依据"})
    )
    mo.vstack(
        [
            mo.md("## 命中 · Hits"),
            mo.ui.table(
                hits,
                selection=None,
                show_column_summaries=False,
                show_data_types=False,
                show_download=False,
            ),
        ]
    )
    return (hits,)


if __name__ == "__main__":
    app.run()
