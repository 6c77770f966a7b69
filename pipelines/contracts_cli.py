"""`liangcang contracts …`: contracts as a craft."""

from __future__ import annotations

from pathlib import Path

import click

from liangcang.errors import UsageError
from liangcang.showing import for_terminal
from pipelines import settings
from pipelines.asking import Asked, guarded, say

TOO_LITTLE = 1
"""Exit code: a version says less than has changed."""


@click.group()
def contracts() -> None:
    """Contracts as a craft."""


@contracts.command("lint")
@click.pass_obj
@guarded
def contracts_lint(asked: Asked) -> int:
    """Check the bank's contracts, SELECTs and catalogue; say each finding with file and line."""
    from pipelines.linting import lint_bank

    findings = lint_bank(settings.bank_of(asked.bank))
    for finding in findings:
        say(str(finding))
    say(f"{len(findings)} finding(s)" if findings else "no findings")
    return 2 if findings else 0


@contracts.command("diff")
@click.argument("old", metavar="A", type=click.Path(exists=True, path_type=Path))
@click.argument("new", metavar="B", type=click.Path(exists=True, path_type=Path))
@guarded
def contracts_diff(old: Path, new: Path) -> int:
    """Who is broken by going from A to B: contracts, folders of contracts, or locks.

    Every change in a line. Ends with 1 when a version of B says less than has changed.
    """
    from data_contracts.releases import compare, released

    verdicts = compare(released(old), released(new))
    for verdict in verdicts:
        for line in verdict.lines():
            say(line)
    if not verdicts:
        say("nothing changed")
    return 0 if all(verdict.enough for verdict in verdicts) else TOO_LITTLE


@contracts.command("lock")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; end with 1 unless the lock says what the contracts say.")
@click.option("--retire", multiple=True, metavar="ID", help="This contract is gone, and is meant to be.")
@click.pass_obj
@guarded
def contracts_lock(asked: Asked, folder: Path | None, check: bool, retire: tuple[str, ...]) -> int:
    """Take the contracts of FOLDER (default: the bank's) as released, if their versions say what changed."""
    from data_contracts.bank import bank_folder
    from pipelines.locking import lock, place_of_lock

    place = folder or place_of_lock(bank_folder(settings.bank_of(asked.bank)))
    said, passed = lock(place, check=check, retired=retire)
    for line in said:
        say(line)
    return 0 if passed else TOO_LITTLE


@contracts.command("docs")
@click.argument("out", type=click.Path(path_type=Path))
@click.pass_obj
@guarded
def contracts_docs(asked: Asked, out: Path) -> None:
    """Write the bank's data dictionary as pages into the folder OUT: they need no server and nothing from outside."""
    from assets.dictionary.site import write_site
    from data_contracts.bank import read_bank

    pages = write_site(read_bank(settings.bank_of(asked.bank)), out)
    say(f"{len(pages)} pages; open {out / 'index.html'}")


@contracts.command("new")
@click.argument("feed")
@click.argument("sample", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write it to this file (or folder), which is not there yet."
)
@guarded
def contracts_new(feed: str, sample: Path, out: Path | None) -> int:
    """Propose a first contract of FEED from the file SAMPLE.

    What a person has to decide is marked `review:`. Values of the sample are neither shown nor written, but for codes.
    """
    from data_contracts.draft import draft

    made = draft(feed, sample)
    if out is None:
        click.echo(made.text, nl=False)
    else:
        file = out / f"{feed}.odcs.yaml" if out.is_dir() else out
        write_new(file, made.text)
        say(f"{file}: {made.text.count('review:')} question(s), marked `review:`")
    for line in made.seen:
        click.echo(for_terminal(line), err=out is None)
    for finding in made.findings:
        click.echo(for_terminal(f"before it can be used: {finding}"), err=out is None)
    return 2 if made.findings else 0


def write_new(file: Path, text: str) -> None:
    """Write a file that is not there yet."""
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise UsageError("there is a file already", found=file, next="name another one, or remove it") from None
    except OSError as error:
        raise UsageError("cannot write the contract", found=f"{file}: {error.strerror}") from None
