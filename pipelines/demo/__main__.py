"""`python -m pipelines.demo write FOLDER` makes the demo bank's files; `run FOLDER` also a warehouse, and its nights."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click

import liangcang as lc
from liangcang.errors import LiangcangError, UsageError
from liangcang.store import Warehouse
from pipelines.demo.county import write_county

BANK = "county"


def _sized(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say how large a bank is made."""
    for option in reversed(
        (
            click.argument("folder", type=click.Path(path_type=Path, file_okay=False)),
            click.option("--customers", default=5_000, show_default=True, help="How many there are, cast included."),
            click.option("--months", default=18, show_default=True, help="Whole months of history, up to 2026-10-31."),
            click.option("--nights", default=3, show_default=True, help="Nights after it, from 2026-11-01 on."),
            click.option("--seed", default=7, show_default=True, help="Another seed, another crowd."),
            click.option("--activity", default=0.2, show_default=True, help="Transactions a customer and day."),
            click.option(
                "--feeds",
                type=click.Choice(["ten", "all"]),
                default="ten",
                show_default=True,
                help="Core banking and loans, or all 64 feeds.",
            ),
        )
    ):
        command = option(command)
    return command


@click.group()
def commands() -> None:
    """A county bank out of nothing. The same arguments give the same bytes."""


@commands.command()
@_sized
def write(folder: Path, **size: Any) -> None:
    """Write FOLDER/landing, and the truth behind it."""
    _make(folder, size)


@commands.command()
@_sized
@click.option("--bank", default=BANK, show_default=True, help="The bank's folder or name.")
def run(folder: Path, bank: str, **size: Any) -> None:
    """Write the bank unless FOLDER has one, make a warehouse, run the nights, and say in five lines what came of it."""
    from pipelines.cli import commands as liangcang

    folder = folder.resolve()
    landing, warehouse = folder / "landing", folder / "warehouse"
    os.environ["LIANGCANG_KEY_FILE"] = str(folder / "demo.key")
    options = ["--bank", bank, "--warehouse", str(warehouse), "--landing", str(landing)]
    if not landing.exists():
        _make(folder, size)
    if not warehouse.exists():
        warehouse.mkdir(mode=0o700)
        liangcang([*options, "init"], standalone_mode=False)
    days = sorted(f"{name[:4]}-{name[4:6]}-{name[6:]}" for path in landing.iterdir() if (name := path.name).isdigit())
    if not days:
        raise UsageError("this folder holds another landing", file=landing, next="take a new folder, or remove it")
    liangcang([*options, "backfill", days[0], days[-1]], standalone_mode=False)
    click.echo("\n".join(five_lines(folder, days[-1], bank)))


def _make(folder: Path, size: dict[str, Any]) -> None:
    demo = write_county(folder, **size)
    click.echo(f"made {size['customers']:,} customers with a history from {demo.history[0]} to {demo.history[1]}")


def five_lines(folder: Path, night: str, bank: str) -> list[str]:
    """Rows in, out and kept back; signals; where the Parquet is; a query to paste; how to open the interface."""
    shown = Path(os.path.relpath(folder)) if folder.is_relative_to(Path.cwd()) else folder
    warehouse = lc.open(folder / "warehouse")
    counts: Counter[str] = Counter()
    for name in warehouse.current.tables():
        if name.startswith("quarantine."):
            judged = f"quality.{name.partition('.')[2]}"
            kept = warehouse.scan(judged).filter(kind="conservation").select("rule_id", "checked").collect()
            for rule, rows in kept.iter_rows():
                counts[rule] += rows
    signals = warehouse.scan("products.risk_signal", as_of=night).filter(result="HIT").collect()
    hit = ", ".join(
        f"{id} {rows}" for id, rows in signals.group_by("indicator_id").len().sort("indicator_id").iter_rows()
    )
    python = f"import liangcang as lc; print(lc.open('{shown / 'warehouse'}').scan('products.risk_party', as_of='{night}').collect())"
    own = f"--bank {bank} --warehouse {shown / 'warehouse'} --landing {shown / 'landing'}"
    caught = "; ".join(f"{place} ({rules})" for place, rules in _caught(warehouse))
    kept_back = f"{counts['quarantined']:,} quarantined: {caught}" if caught else "none quarantined"
    return [
        f"rows       {counts['delivered']:,} in, {counts['staged']:,} out, {kept_back}",
        f"signals    {signals.height:,} hit on {night}: {hit}",
        f"parquet    {shown / 'warehouse' / 'data' / 'products'}",
        f'query      .venv/bin/python -c "{python}"',
        f"interface  LIANGCANG_KEY_FILE={shown / 'demo.key'} .venv/bin/liangcang {own} ui",
    ]


def _caught(warehouse: Warehouse) -> Iterator[tuple[str, str]]:
    """Where a row was kept back, file and line, and which rules it broke: at most three."""
    for name in [name for name in warehouse.current.tables() if name.startswith("quarantine.")]:
        rows = warehouse.scan(name).select("_file", "_line", "_rules").sort("_file", "_line").head(3).collect()
        for file, line, rules in rows.iter_rows():
            yield f"{file.rpartition('/')[2]} line {line:,}", ", ".join(rules)


def main() -> NoReturn:
    """The demo as a program: ends at once with an exit code, as the command line does."""
    code: object = 70
    try:
        commands(standalone_mode=False)
        code = 0
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except SystemExit as end:
        code = end.code
    except LiangcangError as error:
        click.echo(f"error: {error}", err=True)
        code = error.exit_code
    sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
