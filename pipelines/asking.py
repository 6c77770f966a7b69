"""What all verbs of `liangcang` share: the options asked for, how lines are shown, and how an error ends one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import click

from liangcang.errors import LiangcangError, UsageError
from liangcang.finding import Finding
from liangcang.showing import for_terminal
from pipelines import settings

P = ParamSpec("P")


@dataclass
class Asked:
    """The options that all verbs share."""

    bank: str | None
    warehouse: str | None
    landing: str | None

    def settings(self) -> settings.Settings:
        return settings.read(bank=self.bank, warehouse=self.warehouse, landing=self.landing)

    def warehouse_folder(self) -> Path:
        given = self.warehouse or os.environ.get(settings.WAREHOUSE)
        if not given:
            raise UsageError("--warehouse is missing", expected="--warehouse DIR, or " + settings.WAREHOUSE)
        return Path(given).resolve()


def say(text: str = "") -> None:
    """Show a line; nothing of it can steer the terminal."""
    click.echo(for_terminal(text))


def say_finding(finding: Finding) -> None:
    """Show one finding: its level, what it is, and what to do."""
    say(f"{finding.level}: {finding.what}" + (f"; {finding.next}" if finding.next else ""))


def say_failure(failure: Mapping[str, str], *, run: str) -> None:
    """Show why a run failed, as an error of ours is shown."""
    parts = dict(failure)
    what = parts.pop("what", "the night failed")
    parts.setdefault("kept", "what was published stays published")
    click.echo(for_terminal(f"error: {what}"), err=True)
    for name, value in {**parts, "run": run}.items():
        click.echo(for_terminal(f"  {name:<9} {value}"), err=True)


def guarded(verb: Callable[P, int | None]) -> Callable[P, None]:
    """End with our exit codes; an error of ours is shown as it is, any other as ours without its text."""

    @wraps(verb)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        os.umask(0o077)
        try:
            code = verb(*args, **kwargs) or 0
        except LiangcangError as error:
            show_error(error)
            code = error.exit_code
        sys.stdout.flush()
        if code:
            raise SystemExit(code)

    return run


def show_error(error: LiangcangError) -> None:
    first, *rest = str(error).splitlines()
    click.echo("error: " + "\n".join(for_terminal(line) for line in [first, *rest]), err=True)
