"""The shape of the house, held by reading its own code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = {
    "liangcang": set(),
    "data_contracts": {"liangcang"},
    "assets": {"liangcang", "data_contracts"},
    "pipelines": {"liangcang", "data_contracts", "assets"},
}
HEAVY = {"great_expectations", "sklearn", "skops", "pandas", "matplotlib", "shap", "pyspark"}


def modules(floor: str) -> list[Path]:
    return sorted((ROOT / floor).rglob("*.py"))


def imported(tree: ast.AST, *, everywhere: bool) -> set[str]:
    """Top-level packages that a module imports: at its top, or anywhere in it."""
    nodes = ast.walk(tree) if everywhere else ast.iter_child_nodes(tree)
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("floor", FLOORS)
def test_a_floor_imports_only_from_floors_below_it(floor):
    allowed = FLOORS[floor] | {floor}
    for path in modules(floor):
        above = imported(ast.parse(path.read_text()), everywhere=True) & set(FLOORS) - allowed
        assert not above, f"{path.relative_to(ROOT)} imports {above}"


@pytest.mark.parametrize("floor", FLOORS)
def test_heavy_libraries_are_imported_inside_functions(floor):
    for path in modules(floor):
        heavy = imported(ast.parse(path.read_text()), everywhere=False) & HEAVY
        assert not heavy, f"{path.relative_to(ROOT)} imports {heavy} at its top"


@pytest.mark.parametrize("floor", FLOORS)
def test_openmp_is_told_to_be_patient_before_scikit_learn_is_imported(floor):
    """Threads that spin while they wait ruin a machine of two cores; the setting counts only before the first import."""
    for path in modules(floor):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and imported(function, everywhere=True) & {"sklearn", "skops"}:
                lines = [node.lineno for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
                told = [
                    node.lineno
                    for node in ast.walk(function)
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "patient"
                ]
                assert told and min(told) < min(lines), f"{path.relative_to(ROOT)}: {function.name}"


def test_loading_the_definitions_imports_nothing_heavy():
    code = f"import sys, pipelines.definitions; print(*(set(sys.modules) & {HEAVY!r}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.split() == []


def test_only_the_engine_and_the_catalogue_connect_to_duckdb():
    doors = {"liangcang/engine.py", "liangcang/views.py"}
    for floor in FLOORS:
        for path in modules(floor):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "duckdb":
                    name = path.relative_to(ROOT).as_posix()
                    assert node.attr not in ("connect", "sql", "query", "execute") or name in doors, name


def test_definitions_stay_thin():
    assert len((ROOT / "pipelines/definitions.py").read_text().splitlines()) < 60


@pytest.mark.parametrize("floor", FLOORS)
def test_no_room_is_too_large_to_hold_in_mind(floor):
    assert [path.name for path in modules(floor) if len(path.read_text().splitlines()) > 500] == []


def test_no_two_test_files_have_one_name():
    """Test folders are no packages: of two files of one name pytest would import one."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in ("conftest.py", "__init__.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []
