"""The `liangcang` command. Each verb is a few lines over a function that tests call too."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from liangcang.errors import UsageError
from pipelines import settings
from pipelines.asking import Asked, guarded, say, say_failure, say_finding
from pipelines.contracts_cli import contracts

DATE = click.DateTime(["%Y-%m-%d"])


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--bank", metavar="DIR_OR_NAME", help=f"The bank: a name, or a folder with bank.yaml ({settings.BANK}; county)."
)
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
@click.option("--wait", is_flag=True, help="First wait until every must delivery is there, or the bank's cut-off.")
@click.pass_obj
@guarded
def nightly(asked: Asked, date: dt.datetime | None, only: tuple[str, ...], wait: bool) -> int:
    """Run the night of DATE (default: yesterday, in the bank's time zone)."""
    return _run(asked, date.date() if date else None, None, only, wait=wait)


@commands.command()
@click.argument("date", type=DATE, required=False)
@click.option("--again", is_flag=True, help="Read again what is there already, and deliver it as a correction.")
@click.pass_obj
@guarded
def extract(asked: Asked, date: dt.datetime | None, again: bool) -> None:
    """Read the bank's databases for DATE (default: yesterday) and lay what was read into landing, as deliveries."""
    import zoneinfo

    from assets.sources.extracting import extract as extracted
    from data_contracts.bank import read_bank
    from pipelines import arrivals

    given = asked.settings()
    bank = read_bank(given.bank)
    now = arrivals.now()
    day = date.date() if date else arrivals.yesterday(bank, now)
    today = now.astimezone(zoneinfo.ZoneInfo(bank.time_zone)).date()
    made = 0
    for delivery in extracted(bank, given.landing, day, today=today, again=again):
        made += 1
        say(f"{delivery.feed}: {delivery.rows:,} rows in {delivery.name}")
    say(f"{made} deliveries of {day}" if made else f"nothing to extract for {day}")


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


def _run(
    asked: Asked, first: dt.date | None, last: dt.date | None, only: tuple[str, ...], *, wait: bool = False
) -> int:
    from data_contracts.bank import read_bank
    from liangcang.place import find
    from pipelines import arrivals
    from pipelines.definitions import build
    from pipelines.runs import run_night

    given = asked.settings()
    find(given.warehouse)
    bank = read_bank(given.bank)
    begin = first or arrivals.yesterday(bank, arrivals.now())
    if begin < bank.start_date:
        raise UsageError("this date is before the bank's first", expected=f"{bank.start_date} or later", found=begin)
    days = [begin + dt.timedelta(days=n) for n in range(((last or begin) - begin).days + 1)]
    if wait:
        build(given)  # what is wrong with the bank is said now, and not at the cut-off
        arrivals.wait(bank, given.landing, begin, say=say)
    over = arrivals.yesterday(bank, arrivals.now())
    if days[-1] > over:
        raise UsageError(
            "this date is not over yet", expected=f"{over} or earlier, as days end in {bank.time_zone}", found=days[-1]
        )
    ran = run_night(given, days, select=only, on_progress=say if sys.stdout.isatty() else None)
    span = f"{days[0]}" if len(days) == 1 else f"{days[0]} to {days[-1]}"
    if ran.failure:
        say_failure(ran.failure, run=f"{ran.run_id} ({span})")
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
@click.option("--feed", metavar="FEED", help="Only of this feed.")
@click.option("--owner", metavar="OWNER", help="Only those that this owner has to mend.")
@click.option("--rule", metavar="RULE", help="Only of this rule.")
@click.option("--date", type=DATE, help="As of this date (default: the newest night).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=0), help="How many are listed.")
@click.pass_obj
@guarded
def issues(asked: Asked, /, date: dt.datetime | None, limit: int, **narrowed: str | None) -> None:
    """What is wrong with what was delivered and not yet mended, the oldest first, and the scores."""
    from pipelines.issues import report

    for line in report(asked.settings(), day=date.date() if date else None, limit=limit, **narrowed):
        say(line)


@commands.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--date", "dates", type=DATE, multiple=True, help="Only these dates (default: the newest --nights).")
@click.option("--nights", default=30, show_default=True, type=click.IntRange(min=1))
@click.option("--days", default=90, show_default=True, type=click.IntRange(min=1), help="Pages of older nights go.")
@click.pass_obj
@guarded
def quality(asked: Asked, out: Path, dates: tuple[dt.datetime, ...], nights: int, days: int) -> None:
    """Write a page a night into the folder OUT (what came, broke, was kept back), and what is expected of each feed."""
    from pipelines.quality_pages import write

    pages = write(asked.settings(), out, days=[date.date() for date in dates], nights=nights, keep_days=days)
    say(f"{len(pages)} pages made; open {out / 'index.html'}")


@commands.command()
@click.argument("feed")
@click.option(
    "--date", type=DATE, help="Only the delivery of this date (default: every one of which rows are kept back)."
)
@click.option(
    "--corrections",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="CSV: delivery,row,column,old,new,by,reason.",
)
@click.pass_obj
@guarded
def replay(asked: Asked, feed: str, date: dt.datetime | None, corrections: Path | None) -> int:
    """Judge again what was kept back of FEED: under today's rules and references, with a steward's corrections."""
    from pipelines.replay import replay as again

    return again(asked.settings(), feed, day=date.date() if date else None, corrections=corrections, say=say)


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


@commands.command()
@click.argument("model", type=click.Choice(["churn"]))
@click.option("--as-of", type=DATE, help="The last month end to look at (default: the newest whose outcome is known).")
@click.pass_obj
@guarded
def train(asked: Asked, model: str, as_of: dt.datetime | None) -> None:  # noqa: ARG001  (there is one so far)
    """Train a model on month ends, judge it out of time, and register it as a candidate."""
    from pipelines.train import train_churn

    watch = say if sys.stdout.isatty() else lambda _: None
    for line in train_churn(asked.settings(), as_of=as_of.date() if as_of else None, on_progress=watch):
        say(line)


commands.add_command(contracts)


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
    import dagster as dg

    from pipelines.dead_runs import report_dead_runs
    from pipelines.instance import prepare
    from pipelines.web import serve

    given = asked.settings()
    given.export()
    home = prepare(given.dagster_home)
    with dg.DagsterInstance.get() as instance:
        report_dead_runs(instance, given.warehouse)
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
