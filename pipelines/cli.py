"""The `liangcang` command. Each verb is a few lines over a function that tests call too."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import NoReturn, ParamSpec

import click

from liangcang.errors import LiangcangError, UsageError
from liangcang.finding import Finding
from liangcang.showing import for_terminal
from pipelines import settings

P = ParamSpec("P")
DATE = click.DateTime(["%Y-%m-%d"])


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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--bank", metavar="DIR_OR_NAME", help=f"The bank: a name, or a folder with bank.yaml ({settings.BANK}).")
@click.option("--warehouse", metavar="DIR", help=f"The bank's warehouse ({settings.WAREHOUSE}).")
@click.option("--landing", metavar="DIR", help=f"Where deliveries arrive ({settings.LANDING}).")
@click.version_option(package_name="liangcang")
@click.pass_context
def commands(context: click.Context, bank: str | None, warehouse: str | None, landing: str | None) -> None:
    """Liangcang (粮仓): the nightly feature warehouse of a rural commercial bank."""
    context.obj = Asked(bank, warehouse, landing)


@commands.command()
@click.pass_obj
@guarded
def init(asked: Asked) -> None:
    """A new warehouse in an existing empty folder: marker, modes, and a key file if there is none."""
    from assets.parties.identity import key_path, make_key
    from data_contracts.bank import read_bank
    from liangcang.place import create
    from pipelines.instance import prepare

    given = asked.settings()
    bank = read_bank(given.bank)
    create(given.warehouse, bank=bank.code)
    prepare(given.dagster_home)
    key = key_path(bank.code)
    drawn = make_key(key)
    say(f"warehouse of {bank.code} in {given.warehouse}")
    say(
        f"key {'drawn' if drawn else 'found'}: {key}"
        + (" (keep a copy: without it, party ids cannot be made again)" if drawn else "")
    )


@commands.command()
@click.argument("date", type=DATE, required=False)
@click.option("--only", multiple=True, metavar="TABLE", help="Rebuild only this table, e.g. features.party.")
@click.pass_obj
@guarded
def nightly(asked: Asked, date: dt.datetime | None, only: tuple[str, ...]) -> int:
    """Run the night of DATE (default: yesterday, in the bank's time zone)."""
    return _run(asked, date.date() if date else None, None, only)


@commands.command()
@click.argument("first", type=DATE, metavar="FROM")
@click.argument("last", type=DATE, metavar="TO")
@click.option("--only", multiple=True, metavar="TABLE", help="Rebuild only this table, e.g. features.party.")
@click.pass_obj
@guarded
def backfill(asked: Asked, first: dt.datetime, last: dt.datetime, only: tuple[str, ...]) -> int:
    """Run the nights FROM..TO as one: all of them are published together."""
    if last < first:
        raise UsageError("FROM is after TO", expected="the earlier date first", found=f"{first.date()} {last.date()}")
    return _run(asked, first.date(), last.date(), only)


def _run(asked: Asked, first: dt.date | None, last: dt.date | None, only: tuple[str, ...]) -> int:
    from data_contracts.bank import read_bank
    from liangcang.place import find
    from pipelines.runs import run_night, yesterday

    given = asked.settings()
    find(given.warehouse)
    bank = read_bank(given.bank)
    begin = first or yesterday(bank.time_zone)
    if begin < bank.start_date:
        raise UsageError("this date is before the bank's first", expected=f"{bank.start_date} or later", found=begin)
    days = [begin + dt.timedelta(days=n) for n in range(((last or begin) - begin).days + 1)]
    ran = run_night(given, days, select=only, on_progress=say if sys.stdout.isatty() else None)
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    if ran.failure:
        parts = dict(ran.failure)
        what = parts.pop("what", "the night failed")
        parts.setdefault("kept", "what was published stays published")
        click.echo(for_terminal(f"error: {what}"), err=True)
        for name, value in parts.items():
            click.echo(for_terminal(f"  {name:<9} {value}"), err=True)
        click.echo(for_terminal(f"  {'run':<9} {ran.run_id} ({span})"), err=True)
        return ran.exit_code
    if only:
        say(f"rebuilt {', '.join(only)} for {span}")
    elif ran.published.get("changed"):
        say(f"published {span} as {ran.published['manifest']}")
    else:
        say(f"nothing to publish for {span}: the same deliveries gave the same tables")
    return 0


@commands.command()
@click.option("--all", "everything", is_flag=True, help="Every feed and entry, also those that are well.")
@click.pass_obj
@guarded
def status(asked: Asked, everything: bool) -> None:
    """Feeds, freshness, quality, what is outdated, what the bank cannot feed."""
    from pipelines.status import report

    for line in report(asked.settings(), everything=everything):
        say(line)


@commands.command()
@click.argument("party")
@click.argument("entry")
@click.option("--date", type=DATE, help="The business date (default: the newest published).")
@click.pass_obj
@guarded
def explain(asked: Asked, party: str, entry: str, date: dt.datetime | None) -> None:
    """A tag or signal of a party (PARTY R045), walked back to its source rows."""
    from pipelines.explain import explain as walk

    for line in walk(asked.settings(), party=party, entry=entry, day=date.date() if date else None):
        say(line)


@commands.group()
def contracts() -> None:
    """Contracts as a craft."""


@contracts.command("lint")
@click.pass_obj
@guarded
def contracts_lint(asked: Asked) -> int:
    """Check the bank's contracts, SELECTs and catalogue; say each finding with file and line."""
    from pipelines.linting import lint_bank

    given = asked.bank or os.environ.get(settings.BANK)
    findings = lint_bank(settings._bank(given))  # noqa: SLF001
    for finding in findings:
        say(str(finding))
    say(f"{len(findings)} finding(s)" if findings else "no findings")
    return 2 if findings else 0


@commands.command()
@click.pass_obj
@guarded
def fsck(asked: Asked) -> int:
    """Read every published file again and compare it with its name."""
    from liangcang.care import fsck as check
    from liangcang.store import Warehouse

    findings = check(Warehouse.open(asked.warehouse_folder()))
    for finding in findings:
        say_finding(finding)
    say("clean" if not findings else f"{len(findings)} finding(s)")
    return 70 if any(finding.level == "error" for finding in findings) else 0


@commands.command()
@click.option("--keep", default=60, show_default=True, help="How many of the newest manifests stay.")
@click.option("--grace-hours", default=24, show_default=True, help="Files younger than this stay for running readers.")
@click.option("--yes", is_flag=True, help="Delete; without it, only say what would go.")
@click.pass_obj
@guarded
def gc(asked: Asked, keep: int, grace_hours: int, yes: bool) -> None:
    """Delete files that no kept manifest names. Month ends and pins are kept."""
    from liangcang.care import gc as collect
    from liangcang.store import Warehouse

    gone = collect(Warehouse.open(asked.warehouse_folder()), keep=keep, grace_hours=grace_hours, dry_run=not yes)
    say(f"{'deleted' if yes else 'would delete'} {gone.files} file(s), {gone.bytes:,} bytes")


@commands.command()
@click.argument("to", metavar="MANIFEST_OR_DATE")
@click.pass_obj
@guarded
def rollback(asked: Asked, to: str) -> None:
    """Make an earlier manifest (its id, or the date of a night) what readers see."""
    from liangcang.care import rollback as back
    from liangcang.store import Warehouse

    published = back(Warehouse.open(asked.warehouse_folder()), to)
    say(f"readers now see {published.manifest}" if published.changed else "readers see this already")


@commands.command()
@click.argument("name")
@click.argument("manifest", required=False)
@click.pass_obj
@guarded
def pin(asked: Asked, name: str, manifest: str | None) -> None:
    """Keep a manifest (default: the current one) under a name, whatever gc does."""
    from liangcang.care import pin as keep
    from liangcang.store import Warehouse

    warehouse = Warehouse.open(asked.warehouse_folder())
    chosen = manifest or warehouse.current.id
    keep(warehouse, name, chosen)
    say(f"{name} keeps {chosen}")


@commands.command()
@click.pass_obj
@guarded
def doctor(asked: Asked) -> int:
    """Modes, marker, key, space, clock: what could stop tonight."""
    from assets.parties.identity import key_path
    from liangcang.care import doctor as examine
    from liangcang.place import find

    place = find(asked.warehouse_folder())
    findings = examine(place, key_file=key_path(place.bank))
    for finding in findings:
        say_finding(finding)
    if not findings:
        say("all well")
    return 70 if any(finding.level == "error" for finding in findings) else 0


@commands.command()
@click.option("--port", default=3000, show_default=True)
@click.option("--read-only", is_flag=True, help="Look, but start nothing.")
@click.pass_obj
@guarded
def ui(asked: Asked, port: int, read_only: bool) -> None:
    """Dagster's web interface and its daemon, on this machine only, behind a guard against foreign pages."""
    from pipelines.instance import prepare
    from pipelines.web import serve

    given = asked.settings()
    given.export()
    home = prepare(given.dagster_home)
    say(f"http://127.0.0.1:{port} (Ctrl-C ends it)")
    serve(home, port=port, read_only=read_only)


def main() -> NoReturn:
    """The console script. Ends the process at once: everything is closed and synced by then, and the engine's binding
    would only complain of its own leftovers.
    """
    code: object = 70
    try:
        commands(prog_name="liangcang")
        code = 0
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001  (shown below as ours, without its text: it may hold a value)
        click.echo("error: an unexpected error; run `liangcang doctor`", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 2)


if __name__ == "__main__":
    main()
