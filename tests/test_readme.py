"""What the README tells a newcomer to type works as it is written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from banks_at_work import Hands

from liangcang import errors
from pipelines.cli import commands
from pipelines.contracts_cli import TOO_LITTLE

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for of, text in found if of == language]


def command_lines() -> list[list[str]]:
    """`liangcang …` in the README's blocks, without comments; `a | b` names several commands."""
    lines = [line.partition("#")[0].strip() for block in blocks("") for line in block.splitlines()]
    typed = [line.removeprefix("liangcang ") for line in lines if line.startswith("liangcang ")]
    return [shlex.split(one) for line in typed for one in line.split("|")]


def test_the_readme_names_commands_that_exist():
    named = {words[0] for words in command_lines()}
    assert named <= set(commands.commands)
    assert named >= {
        "init",
        "nightly",
        "backfill",
        "status",
        "explain",
        "fsck",
        "gc",
        "rollback",
        "pin",
        "doctor",
        "ui",
    }
    for words in command_lines():
        command = commands.commands[words[0]]
        options = {option for made in command.params if isinstance(made, click.Option) for option in made.opts}
        assert {word for word in words if word.startswith("--")} <= options


def test_the_readme_names_every_exit_code():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")]
    told = README.partition("Exit codes:")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"\b\d{1,2}\b", told)} == {
        0,
        TOO_LITTLE,
        *(kind.exit_code for kind in kinds),
    }


def test_the_python_of_the_readme_runs(riverside_all: Hands):
    (snippet,) = blocks("python")
    shown: list[object] = []
    lines = [line.partition("#")[0].rstrip() for line in snippet.splitlines()]
    text = "\n".join(f"shown.append({line})" if line.startswith("wh.") else line for line in lines)
    exec(text.replace("/srv/liangcang/county", str(riverside_all.warehouse)), {"shown": shown})  # noqa: S102
    signals, files = shown
    assert set(signals["result"]) == {"HIT", "MISS", "UNKNOWN"}
    assert len(files) == 1
    assert files[0].is_file()


def test_the_query_of_the_readme_runs(riverside_all: Hands):
    import duckdb

    (query,) = re.findall(r'^duckdb -readonly warehouse.duckdb "(.*)"$', README, re.MULTILINE)
    with duckdb.connect(str(riverside_all.warehouse / "warehouse.duckdb"), read_only=True) as con:
        assert len(con.execute(query).fetchall()) > 20


def test_the_readme_links_to_files_that_are_there():
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


@pytest.mark.slow
def test_the_demo_ends_in_five_lines_and_says_nothing_else_on_stderr(tmp_path: Path):
    folder = tmp_path / "demo"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LIANGCANG", "DAGSTER"))}
    environment |= {"HOME": str(tmp_path)}
    ran = subprocess.run(
        [sys.executable, "-m", "pipelines.demo", "run", str(folder), "--customers=300", "--months=3", "--nights=2"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == ""
    last = ran.stdout.splitlines()[-5:]
    assert [line.split()[0] for line in last] == ["rows", "signals", "parquet", "query", "interface"]
    caught = r"1 quarantined: 330327_core_cb_cust_ind_20261101_full_01.dat line [\d,]+ \(open_date.parse\)"
    assert re.fullmatch(rf"rows +[\d,]+ in, [\d,]+ out, {caught}", last[0])
    query = last[3].removeprefix("query").strip().replace(".venv/bin/python", sys.executable)
    asked = subprocess.run(query, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)  # noqa: S602
    assert "coverage" in asked.stdout
    assert list(Path(last[2].removeprefix("parquet").strip()).rglob("*.parquet"))
