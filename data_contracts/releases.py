"""Contracts as they were released: the version each had, and all that it said then.

`versions.lock` beside the contracts of a folder has one line for each: id, version, digest, table, file, and the document
itself on one line of YAML. A contract that differs from its line must carry a version that says how much. The document
is kept and not what we made of it: both sides of a comparison are read by the same code, however it changes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_contracts import odcs, strict
from data_contracts.change import BROKEN, Change, at_least, numbers, strictest
from data_contracts.contract import Contract
from data_contracts.diff import diff
from data_contracts.finding import did_you_mean, refuse
from data_contracts.strict import Document
from liangcang.errors import ContractError, UsageError

LOCK = "versions.lock"
HEADING = "# What each contract promised when it was released last. Written by `liangcang contracts lock`, not by hand."
ENDING = ".odcs.yaml"
UNSEEN = re.compile("[\x7f-\xa0\u2028\u2029\ufeff]")
"""Characters that JSON takes as they are and YAML does not."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """A contract at one version. `digest` covers all that its document says but its version; not its layout and comments."""

    id: str
    version: str
    digest: str
    table: str
    file: str
    text: str = field(repr=False)
    contract: Callable[[], Contract] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a contract. `old` or `new` is None where there is none; `needed` is the least version of the new."""

    id: str
    old: Release | None
    new: Release | None
    changes: tuple[Change, ...]
    needed: str | None

    @property
    def enough(self) -> bool:
        """Whether the new version says as much as has changed. Of a contract that is gone no version says anything."""
        if self.new is None or self.needed is None:
            return self.new is not None
        return numbers(self.new.version) >= numbers(self.needed)

    def lines(self) -> Iterator[str]:
        """Each change in a line, and what follows for the version."""
        yield from (f"{change.level:<5}  {self.id}  {change.said}" for change in self.changes)
        if self.old is None or self.new is None:
            yield f"{self.id}: {'a new contract' if self.old is None else 'gone: whoever builds on it is broken'}"
            return
        moved = f"{self.old.version} -> {self.new.version}"
        if self.enough:
            yield f"{self.id}: {moved} says enough"
        elif self.changes:
            level = strictest(self.changes)
            yield f"{self.id}: {moved} is not enough for a {level} change: let its version be {self.needed} or higher"
        else:
            yield f"{self.id}: {moved} goes back: let its version be {self.needed} or higher"


def read_release(path: Path, *, below: Path) -> Release:
    """The contract in a file. Raises ContractError when it cannot be used."""
    content = strict.read_bytes(path)
    document = strict.load(content, where=str(path))
    contract, findings = odcs.examined(document, path, hashlib.sha256(content).hexdigest())
    refuse("the contract cannot be used", findings)
    if contract is None:
        raise ContractError("the contract cannot be used", file=path)
    numbers(contract.version)
    return Release(
        id=contract.id,
        version=contract.version,
        digest=_digest(document),
        table=contract.table,
        file=path.relative_to(below).as_posix(),
        text=one_line(document),
        contract=lambda: contract,
    )


def released(place: Path) -> dict[str, Release]:
    """The contracts of a file, of all files below a folder, or of a lock, by id.

    Raises ContractError when one cannot be used or two have one id, UsageError when there is none.
    """
    if place.is_dir():
        paths = sorted(place.rglob(f"*{ENDING}"))
        found = [read_release(path, below=place) for path in paths]
    elif place.suffix == Path(LOCK).suffix:
        found = read_lock(place)
    elif place.is_file():
        found = [read_release(place, below=place.parent)]
    else:
        raise UsageError(
            "there is nothing to read contracts from", expected="a contract, a folder or a lock", found=place
        )
    by_id: dict[str, Release] = {}
    for one in found:
        if one.id in by_id:
            raise ContractError(
                "two contracts have one id", file=one.file, field="id", found=f"also in {by_id[one.id].file}"
            )
        by_id[one.id] = one
    if not by_id:
        raise UsageError("there is no contract here", expected=f"files *{ENDING}", found=place)
    return by_id


def compare(old: Mapping[str, Release], new: Mapping[str, Release]) -> tuple[Verdict, ...]:
    """What became of each contract, in the order of their ids. Those that did not change at all are left out.

    A contract is found again by its id. One alone on both sides is the same, whatever it is called.
    """
    alone = len(old) == len(new) == 1
    pairs = (
        [*zip(old.values(), new.values(), strict=True)]
        if alone
        else [(old.get(id), new.get(id)) for id in sorted({*old, *new})]
    )
    return tuple(_verdict(was, now) for was, now in pairs if was is None or now is None or _moved(was, now))


def _moved(was: Release, now: Release) -> bool:
    return (was.id, was.version, was.digest) != (now.id, now.version, now.digest)


def _verdict(was: Release | None, now: Release | None) -> Verdict:
    if was is None or now is None:
        one = was or now
        return Verdict(id=one.id if one else "", old=was, new=now, changes=(), needed=None)
    changes = diff(was.contract(), now.contract()) if was.digest != now.digest else ()
    if was.digest != now.digest and not changes:
        changes = (
            Change(field="words", old="as they were", new="others", direction="neither", broken=BROKEN["neither"]),
        )
    return Verdict(id=now.id, old=was, new=now, changes=changes, needed=at_least(was.version, strictest(changes)))


# -- the lock ----------------------------------------------------------------------------------------------------------


def read_lock(path: Path) -> list[Release]:
    """The lines of a lock. Raises ContractError with the line that is not one."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UsageError("cannot read the lock", found=path, next="`liangcang contracts lock` writes it") from None
    return [
        _entry(line, path, number) for number, line in enumerate(lines, start=1) if line and not line.startswith("#")
    ]


def _entry(line: str, path: Path, number: int) -> Release:
    parts = line.split("\t")
    if len(parts) != 6:
        raise ContractError(
            "not a line of a lock", file=path, line=number, next="take it from the version control again"
        )
    id, version, digest, table, file, text = parts
    layer = table.partition(".")[0]
    stood = Path(next((folder for folder, one in odcs.LAYERS.items() if one == layer), ""), Path(file).name)

    def contract() -> Contract:
        document = strict.load(text, where=f"{path}:{number}")
        made, findings = odcs.examined(document, stood, digest)
        refuse("the lock cannot be used", findings)
        if made is None or (made.id, made.version, _digest(document)) != (id, version, digest):
            raise ContractError(
                "a line of the lock was changed by hand",
                file=path,
                line=number,
                next="take it from the version control again",
            )
        return made

    numbers(version)
    return Release(id=id, version=version, digest=digest, table=table, file=file, text=text, contract=contract)


def write_lock(path: Path, releases: Iterable[Release]) -> None:
    """Write a lock, whole or not at all."""
    lines = [
        f"{r.id}\t{r.version}\t{r.digest}\t{r.table}\t{r.file}\t{r.text}" for r in sorted(releases, key=lambda r: r.id)
    ]
    new = path.with_name(f"{path.name}.new")
    new.write_text("\n".join([HEADING, *lines, ""]), encoding="utf-8")
    new.chmod(0o644)
    new.replace(path)


def outdated(old: Mapping[str, Release], new: Mapping[str, Release]) -> list[str]:
    """The ids for which a lock does not say what the contracts say."""
    return [id for id in sorted({*old, *new}) if old.get(id) != new.get(id)]


def check_retired(retired: Iterable[str], old: Mapping[str, Release], new: Mapping[str, Release]) -> None:
    """Refuse to retire a contract that was never released, or is still there."""
    for id in retired:
        if id not in old:
            raise UsageError(f"the lock has no contract {id}{did_you_mean(id, old)}")
        if id in new:
            raise UsageError(f"{id} is still there", found=new[id].file, next="remove its file, or do not retire it")


# -- the document ------------------------------------------------------------------------------------------------------


def one_line(document: Document) -> str:
    """A document as one line of YAML: keys in order, every scalar as it was written, no comments."""
    return _flow(document, document.data, ())


def _digest(document: Document) -> str:
    said = {key: _flow(document, value, (key,)) for key, value in document.data.items() if key != "version"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def _flow(document: Document, value: Any, at: tuple[str | int, ...]) -> str:
    match value:
        case dict():
            inner = (f"{_quoted(key)}: {_flow(document, value[key], (*at, key))}" for key in sorted(value))
            return "{" + ", ".join(inner) + "}"
        case list():
            return "[" + ", ".join(_flow(document, one, (*at, index)) for index, one in enumerate(value)) + "]"
        case str():
            return _quoted(value)
        case None:
            return "null"
        case _:
            return document.text_of(*at) or _quoted(value)


def _quoted(text: object) -> str:
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
