"""The notebook reads published tables and shows last night."""

import importlib.util
import subprocess
import sys
from pathlib import Path

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "risk_morning.py"


def test_the_notebook_shows_the_signals_of_the_last_night(riverside_all, riverside_demo, monkeypatch):
    monkeypatch.setenv("LIANGCANG_WAREHOUSE", str(riverside_all.warehouse))
    spec = importlib.util.spec_from_file_location("risk_morning", NOTEBOOK)
    notebook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebook)
    outputs, defined = notebook.app.run()
    assert defined["night"] == riverside_demo.nights[-1]
    expected = riverside_all.open.scan("products.risk_signal", as_of=defined["night"]).collect()
    assert defined["hits"].height == expected.filter(result="HIT").height > 0
    assert defined["by_indicator"]["命中"].sum() == defined["hits"].height
    assert outputs


def test_the_notebook_is_clean():
    subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", str(NOTEBOOK)], check=True, capture_output=True
    )
