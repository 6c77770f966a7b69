"""Which deliveries lie in landing: found by name alone, never opened, never followed, never changed.

A contract names its files by a pattern below the landing folder: `*` stands for any text without a slash,
`{business_date:%Y%m%d}` for the batch date, `{sequence}` for the number that a corrected re-delivery raises. Every
other character means itself. Where the contract says `control: flg` or `ok`, a data file without its control file, or
its marker, does not exist. What is found may still be a link, a pipe or half a file: `take` refuses those by name.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

from data_contracts.contract import Contract, FileFormat, control_name
from liangcang.errors import ContractError, DeliveryError, DiskError, NotMountedError

Kind = Literal["daily", "history"]

_HOLE = re.compile(r"\*|\{(?P<what>[a-z_]+)(?::(?P<format>[^{}]*))?\}")
_DIRECTIVES = {"%Y": r"\d{4}", "%m": r"\d{2}", "%d": r"\d{2}", "%y": r"\d{2}", "%j": r"\d{3}"}
_ENDINGS = {"flg": ("flg",), "ok": ("ok", "OK")}
"""Markers are written in capital letters too."""
_DIRECTIVE = re.compile("%.?", re.DOTALL)
_ANY = r"[^/\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]*"
"""What `*` stands for: a name that holds control characters or no text at all could forge a line of a log."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A file in landing that a contract names. `name` is its path below landing, with `/`.

    `business_date` is None for a history delivery whose name has no date; `sequence` is 0 where the name has none.
    `size` and `mtime_ns` are as seen when it was found: they say whether it changed since, or its `control` file did.
    """

    feed: str
    kind: Kind
    path: Path
    name: str
    business_date: dt.date | None
    sequence: int
    size: int
    mtime_ns: int
    control: Path | None = None


def find(landing: Path, contracts: Iterable[Contract], *, run: str | None = None) -> tuple[Delivery, ...]:
    """All deliveries of these feeds, by feed, kind, date and sequence. One walk through landing, sub-folders included;
    all feeds of a `run` see what the first of them saw, and landing is walked once for them.

    Raises NotMountedError if landing is not there: an absent share must not look like a night without files.
    """
    return tuple(delivery for delivery, whole in _found(landing, contracts, run) if whole)


def incomplete(landing: Path, contracts: Iterable[Contract], *, run: str | None = None) -> tuple[Delivery, ...]:
    """Data files that a contract names and whose control file is not there: no deliveries yet."""
    return tuple(delivery for delivery, whole in _found(landing, contracts, run) if not whole)


def _found(landing: Path, contracts: Iterable[Contract], run: str | None) -> list[tuple[Delivery, bool]]:
    """Every data file that a contract names, and whether all of its delivery is there."""
    named = list(_named(contracts))
    files = dict(_files(landing)) if run is None else _listed(landing, run)
    found: list[tuple[Delivery, bool]] = []
    for name, status in files.items():
        for names in named:
            delivery = names.delivery(landing, name, status)
            if delivery is None:
                continue
            if (beside := names.control_of(name, files)) is not None:
                changed = max(status.st_mtime_ns, files[beside].st_mtime_ns)
                delivery = replace(delivery, control=landing.absolute() / beside, mtime_ns=changed)
            found.append((delivery, names.form.control == "none" or delivery.control is not None))
    return sorted(
        found, key=lambda f: (f[0].feed, f[0].kind, f[0].business_date or dt.date.min, f[0].sequence, f[0].name)
    )


@lru_cache(maxsize=1)
def _listed(landing: Path, run: str) -> Mapping[str, os.stat_result]:  # noqa: ARG001
    """What lay in landing when a run looked first."""
    return dict(_files(landing))


def newest(
    deliveries: Iterable[Delivery], business_date: dt.date | None, *, feed: str, kind: Kind = "daily"
) -> Delivery | None:
    """The delivery of one feed and date that counts: the one with the highest sequence. None if there is none.

    Raises DeliveryError if two files claim the same highest sequence: nothing says which one is right.
    """
    of_date = [d for d in deliveries if (d.feed, d.kind, d.business_date) == (feed, kind, business_date)]
    highest = [d for d in of_date if d.sequence == max(other.sequence for other in of_date)]
    if len(highest) > 1:
        raise DeliveryError(
            f"{feed}: more than one delivery of {business_date or 'history'} with sequence {highest[0].sequence}",
            file=highest[0].path.parent,
            expected="one file with the highest sequence",
            found=", ".join(d.name for d in highest),
            kept="both stay in landing; neither was read",
            next="remove the wrong one, or ask for a re-delivery with a higher sequence number",
        )
    return highest[0] if highest else None


def unknown_files(landing: Path, contracts: Iterable[Contract]) -> tuple[str, ...]:
    """Names below landing that no contract of the bank names, in order. A name is foreign text: show it escaped."""
    named = list(_named(contracts))
    return tuple(
        name
        for name, status in _files(landing)
        if not any(names.delivery(landing, name, status) or names.is_control(name) for names in named)
    )


@dataclass(frozen=True)
class _Names:
    """The names that one feed's files of one kind have."""

    feed: str
    form: FileFormat
    pattern: re.Pattern[str]
    fixed: str
    """The longest text that every such name has: most names of other feeds are told apart by it."""

    def is_control(self, name: str) -> bool:
        stem, _, ending = name.rpartition(".")
        if ending not in _ENDINGS.get(self.form.control, ()):
            return False
        return bool(_compiled(self.form.control_path, self.form.kind).fullmatch(f"{stem}.{self.form.control}"))

    def control_of(self, name: str, files: Mapping[str, os.stat_result]) -> str | None:
        """The control file of a data file, if it is there."""
        beside = (control_name(name, ending) for ending in _ENDINGS.get(self.form.control, ()))
        return next((one for one in beside if one in files), None)

    def delivery(self, landing: Path, name: str, status: os.stat_result) -> Delivery | None:
        match = self.pattern.fullmatch(name) if self.fixed in name else None
        if not match:
            return None
        groups = match.groupdict()
        date = None
        if text := groups.get("business_date"):
            try:
                date = dt.date(*time.strptime(text, _date_format(self.form.path))[:3])
            except ValueError:  # digits that are no day of the calendar: not a name that the contract gives
                return None
        return Delivery(
            feed=self.feed,
            kind=self.form.kind,
            path=landing.absolute() / name,
            name=name,
            business_date=date,
            sequence=int(groups.get("sequence") or 0),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
        )


def member_name(form: FileFormat, delivery: Delivery) -> re.Pattern[str]:
    """The name that the one member of a delivery's archive has: of its own date and sequence, where the name says them."""
    of = {"business_date": "", "sequence": r"0*" + str(delivery.sequence)}
    if delivery.business_date is not None:
        layout = next(
            (h["format"] or "%Y-%m-%d" for h in _HOLE.finditer(form.member) if h["what"] == "business_date"), ""
        )
        of["business_date"] = re.escape(delivery.business_date.strftime(layout))
    at, parts = 0, []
    for hole in _HOLE.finditer(form.member):
        parts += [re.escape(form.member[at : hole.start()]), of.get(hole["what"] or "", _ANY)]
        at = hole.end()
    return re.compile("".join([*parts, re.escape(form.member[at:])]), re.ASCII)


def _named(contracts: Iterable[Contract]) -> Iterator[_Names]:
    for contract in contracts:
        for form in contract.formats:
            try:
                fixed = max(_HOLE.sub("\0", form.path).split("\0"), key=len)
                yield _Names(contract.feed, form, _compiled(form.path, form.kind), fixed)
            except ValueError as error:
                raise ContractError(
                    f"{contract.table}: the path of the {form.kind} files cannot be read",
                    file=contract.path,
                    field="path",
                    expected="text, *, {business_date:%Y%m%d} and {sequence}",
                    found=f"{form.path} ({error})",
                ) from None


@lru_cache(maxsize=1024)
def _compiled(path: str, kind: Kind) -> re.Pattern[str]:
    """The pattern as a regular expression with the groups `business_date` and `sequence`. Raises ValueError."""
    parts: list[str] = []
    seen: set[str] = set()
    at = 0
    for hole in _HOLE.finditer(path):
        parts.append(_literal(path[at : hole.start()]))
        at = hole.end()
        what = hole["what"]
        if what in seen:
            raise ValueError(f"{what} twice")
        if what is None:
            parts.append(_ANY)
        elif what == "business_date":
            parts.append(f"(?P<business_date>{_date_shape(hole['format'] or '%Y-%m-%d')})")
        elif what == "sequence" and not hole["format"]:
            parts.append(r"(?P<sequence>\d{1,9})")
        else:
            raise ValueError(f"{hole[0]} is not known")
        seen.update({what} - {None})
    parts.append(_literal(path[at:]))
    if kind == "daily" and "business_date" not in seen:
        raise ValueError("the name of a daily file must say its business date")
    if path.startswith("/") or ".." in path.split("/"):
        raise ValueError("it must lie below landing")
    return re.compile("".join(parts), re.ASCII)


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError("a brace that is neither {business_date} nor {sequence}")
    return re.escape(text)


def _date_shape(form: str) -> str:
    at, parts = 0, []
    for directive in _DIRECTIVE.finditer(form):
        if directive[0] not in _DIRECTIVES:
            raise ValueError(f"{directive[0]} of {form} is not one of {' '.join(_DIRECTIVES)}")
        parts += [re.escape(form[at : directive.start()]), _DIRECTIVES[directive[0]]]
        at = directive.end()
    found = set(_DIRECTIVE.findall(form))
    if len(found) != len(_DIRECTIVE.findall(form)) or found not in _WHOLE_DATES:
        raise ValueError(f"{form} does not say year, month and day once")
    return "".join([*parts, re.escape(form[at:])])


_WHOLE_DATES = ({"%Y", "%m", "%d"}, {"%y", "%m", "%d"}, {"%Y", "%j"}, {"%y", "%j"})


def _date_format(path: str) -> str:
    return next(h["format"] or "%Y-%m-%d" for h in _HOLE.finditer(path) if h["what"] == "business_date")


def _files(landing: Path) -> list[tuple[str, os.stat_result]]:
    """Everything below landing that is no folder, in order. Links are listed as they are and never followed."""
    if not landing.is_dir():
        raise NotMountedError(
            "the landing folder is not there",
            file=landing,
            expected="a folder with the deliveries",
            found="no folder" if not landing.exists() else "a file",
            kept="what was published stays published; nothing was created",
            next="mount the share that holds it, or set LIANGCANG_LANDING",
        )
    return sorted(_walk(landing, ""))


def _walk(folder: Path, below: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            listed: Sequence[os.DirEntry[str]] = list(entries)
    except PermissionError:
        raise DiskError(
            "a folder of landing may not be read", file=folder, next="let the owner of the night read it"
        ) from None
    except (FileNotFoundError, NotADirectoryError):  # gone since it was listed
        return
    for entry in listed:
        name = below + entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{name}/")
            continue
        try:
            yield name, entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # moved away since it was listed
            continue
