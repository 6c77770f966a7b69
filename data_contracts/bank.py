"""A bank: everything by which it differs from another, read from one folder.

`bank.yaml` says what it is, `contracts/<feed>.odcs.yaml` what is delivered (in folders of their own, if one likes: one a
system), `conform/<table>.sql` how that becomes the warehouse's own model, `exceptions.yaml`, where there is one, which faults it
lets stand for a time. The folder may stand inside or outside the repository; no Python is in it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from data_contracts import odcs, strict
from data_contracts.bank_fields import bank_fields
from data_contracts.conform import ConformSelect, read_conform
from data_contracts.contract import Contract, table_behind, targets_of
from data_contracts.exceptions import EXCEPTIONS, SignedException, read_exceptions
from data_contracts.finding import Finding, did_you_mean, refuse
from data_contracts.lint import lint
from data_contracts.odcs_fields import Reading
from liangcang.errors import ContractError, UsageError

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Bank:
    """A bank as the warehouse uses it.

    `conform` is in the order in which its tables can be made. `unfed` says, for each table of the model, the columns
    that this bank cannot feed; a table with all its columns there has no SELECT. `undated` says which columns of the
    model it fills without a date: they may describe the present and enter no feature. `connections` says where the secret
    of each database is said (`env` or `file`). `digest` covers every file read.
    `warnings` are findings that do not stop anything.
    """

    folder: Path
    code: str
    name: Mapping[str, str]
    home_currency: str
    time_zone: str
    start_date: dt.date
    calendar: str
    cut_off: dt.time
    feeds: Mapping[str, Contract]
    conform: Mapping[str, ConformSelect]
    parameters: Mapping[str, Any]
    unfed: Mapping[str, tuple[str, ...]]
    undated: Mapping[str, tuple[str, ...]]
    digest: str
    connections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    exceptions: tuple[SignedException, ...] = ()
    warnings: tuple[Finding, ...] = field(default=(), repr=False)

    def cut_off_of(self, day: dt.date) -> dt.datetime:
        """The moment at which the night of a date starts though a delivery is missing."""
        return dt.datetime.combine(day + dt.timedelta(days=1), self.cut_off, zoneinfo.ZoneInfo(self.time_zone))


def find_banks() -> dict[str, Path]:
    """The banks that come with the project: name to folder."""
    return {path.parent.name: path.parent for path in sorted(HERE.glob("*/bank.yaml"))}


@cache
def conformed_contracts() -> Mapping[str, Contract]:
    """The warehouse's own model: entity to contract."""
    return _contracts_in(HERE / "conformed")


@cache
def product_contracts() -> Mapping[str, Contract]:
    """What analysts read: product to contract."""
    return _contracts_in(HERE / "products")


def read_bank(place: str | Path) -> Bank:
    """The bank of that name, or in that folder.

    Raises UsageError when there is none, ContractError with all findings when `bank.yaml`, a contract or a SELECT of
    it cannot be used, SqlError never by itself: faults of SQL are findings too.
    """
    folder = bank_folder(place)
    return _read(folder, _stamps(folder))


def _stamps(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """The bank's files as they are now: a bank is read once a process, and again when one of them has changed."""
    files = [folder / "bank.yaml", folder / EXCEPTIONS]
    files += [*sorted(folder.glob("contracts/**/*")), *sorted(folder.glob("conform/*"))]
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files if file.is_file())


@lru_cache(maxsize=8)
def _read(folder: Path, _: tuple[tuple[str, int, int], ...]) -> Bank:
    document = strict.load(strict.read_bytes(folder / "bank.yaml"), where=str(folder / "bank.yaml"))
    if not isinstance(document.data, dict):
        raise ContractError("a bank is a mapping of fields", file=folder / "bank.yaml")
    reading = Reading(document)
    said = bank_fields(reading, conformed_contracts())
    feeds, findings = _feeds(folder, reading, said.pop("feeds", []))
    findings += [finding for contract in feeds.values() for finding in _connected(contract, said["connections"])]
    refuse("the bank cannot be used", [*reading.findings, *findings])
    selects, of_selects = read_conform(folder / "conform", feeds, conformed_contracts())
    exceptions, of_exceptions = read_exceptions(folder / EXCEPTIONS, feeds)
    findings = [*findings, *of_selects, *of_exceptions]
    refuse("the bank cannot be used", findings)
    files = [folder / "bank.yaml", *(c.path for c in feeds.values()), *(s.path for s in selects.values())]
    files += [file for file in (folder / EXCEPTIONS,) if file.is_file()]
    return Bank(
        folder=folder,
        feeds=feeds,
        conform=selects,
        unfed={
            entity: selects[entity].unfed if entity in selects else tuple(contract.columns)
            for entity, contract in conformed_contracts().items()
        },
        digest=_digest(folder, files),
        exceptions=exceptions,
        warnings=tuple(findings),
        **said,
    )


def bank_folder(place: str | Path) -> Path:
    """Where a bank stands: a name of ours, or a folder with a bank.yaml. Raises UsageError when there is none."""
    banks = find_banks()
    if isinstance(place, str) and place in banks:
        return banks[place]
    folder = Path(place)
    if (folder / "bank.yaml").is_file():
        return folder.resolve()
    raise UsageError(
        f"no bank {str(place)!r}{did_you_mean(str(place), banks.keys())}",
        expected="a bank's name, or a folder with a bank.yaml",
    )


def _contracts_in(folder: Path) -> Mapping[str, Contract]:
    contracts: dict[str, Contract] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.odcs.yaml")):
        contract, found = odcs.examine(path)
        findings += found
        if contract is not None:
            contracts[contract.feed] = contract
            findings += [*lint(contract), *_named_as_its_file(contract)]
    for contract in contracts.values():
        findings += _references(contract, {c.table: c for c in contracts.values()})
    refuse("a contract cannot be used", findings)
    return contracts


def _feeds(folder: Path, reading: Reading, names: list[str]) -> tuple[dict[str, Contract], list[Finding]]:
    """The feeds' contracts, and what is wrong with them by themselves and among each other."""
    feeds: dict[str, Contract] = {}
    findings: list[Finding] = []
    there: dict[str, Path] = {}
    for path in sorted((folder / "contracts").rglob("*.odcs.yaml")):
        other = there.setdefault(path.name.removesuffix(".odcs.yaml"), path)
        if other != path:
            findings.append(Finding(file=str(path), line=None, field="", message=f"the same feed as {other}"))
    for index, name in enumerate(names):
        if name not in there:
            reading.wrong(("feeds", index), f"contracts/{name}.odcs.yaml is missing{did_you_mean(name, there.keys())}")
        elif name in feeds:
            reading.wrong(("feeds", index), f"{name} stands twice")
        elif name.endswith("_history"):
            reading.wrong(("feeds", index), "a name that ends in _history is a look-back, not a feed")
        elif not there[name].resolve().is_relative_to(folder.resolve()):
            reading.wrong(("feeds", index), "the contract lies outside the bank's folder")
        else:
            contract, found = odcs.examine(there[name])
            findings += found
            if contract is not None:
                feeds[name] = contract
                findings += [*lint(contract), *_named_as_its_file(contract)]
    tables = {contract.table: contract for contract in feeds.values()}
    for contract in feeds.values():
        findings += _references(contract, tables)
        if not contract.formats:
            findings.append(_at(contract, "servers", "a feed needs a server: daily, history or both"))
    return feeds, findings


def _named_as_its_file(contract: Contract) -> list[Finding]:
    name = contract.path.name.removesuffix(".odcs.yaml")
    return [] if contract.feed == name else [_at(contract, "schema", f"is called {contract.feed}, its file {name}")]


def _connected(contract: Contract, connections: Mapping[str, Any]) -> list[Finding]:
    """What a contract takes from a database comes over a connection of the bank."""
    said = [form.extract.connection for form in contract.formats if form.extract]
    at = "servers.daily.customProperties.extract"
    return [
        _at(contract, at, f"bank.yaml has no connection {name!r}{did_you_mean(name, connections.keys())}")
        for name in said
        if name not in connections
    ]


def _references(contract: Contract, tables: Mapping[str, Contract]) -> list[Finding]:
    """References and queries of a contract name tables and columns that there are."""
    findings: list[Finding] = []
    for rule in contract.rules:
        for name in [table for table, _ in targets_of(rule)] or rule.inputs:
            table = table_behind(name)
            if table not in tables:
                message = f"no table {table}{did_you_mean(table, tables.keys())}"
                findings.append(_at(contract, rule.id, message, line=rule.line))
            elif name.startswith("before.") and tables[table].delivery == "event":
                message = f"{table} is delivered as events, and has no state of the day before"
                findings.append(_at(contract, rule.id, message, line=rule.line))
            elif name.startswith("recent.") and tables[table].delivery != "event":
                message = f"{table} is not delivered as events: its state is staged.{table.partition('.')[2]}"
                findings.append(_at(contract, rule.id, message, line=rule.line))
        for table, columns in targets_of(rule):
            if table in tables:
                findings += _matching_columns(contract, rule.id, rule.columns, tables[table], columns)
    return findings


def _matching_columns(
    contract: Contract, rule: str, columns: tuple[str, ...], target: Contract, targets: tuple[str, ...]
) -> list[Finding]:
    findings: list[Finding] = []
    for here, there in zip(columns, targets, strict=True):
        if there not in target.columns:
            near = did_you_mean(there, target.columns.keys())
            findings.append(_at(contract, rule, f"{target.table} has no column {there!r}{near}"))
        elif contract.columns[here] != target.columns[there]:
            kinds = f"{contract.columns[here]} here, {target.columns[there]} in {target.table}"
            findings.append(_at(contract, rule, f"{here} and {there} are not of one type: {kinds}"))
    return findings


def _at(contract: Contract, where: str, message: str, *, line: int | None = None) -> Finding:
    line = line or contract.lines.get(where)
    return Finding(file=str(contract.path), line=line, field=where, message=message)


def _digest(folder: Path, files: list[Path]) -> str:
    """One digest over the names and contents of the bank's files."""
    total = hashlib.sha256()
    for path in sorted(files):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return total.hexdigest()
