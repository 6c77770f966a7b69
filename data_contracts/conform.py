"""The SELECTs that make the warehouse's own model of a bank's feeds: `conform/<table>.sql`.

A SELECT reads `staged.<feed>`, `parties.party_map` and other conformed tables. A look-back is asked for in the
header, `-- history: staged.trans`, and is read as `staged.trans_history`. It yields the contract's columns by name,
and says of every row when it is from and where it stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify

from data_contracts.contract import Contract
from data_contracts.finding import Finding, did_you_mean
from data_contracts.odcs_rules import said_of
from data_contracts.strict import read_bytes
from data_contracts.tables import (
    CONFORMED_COLUMNS,
    PARTY_MAP_CONTRACT,
    PARTY_MAP_KEY,
    PARTY_MAP_MEMBER,
    STAGED_COLUMNS,
)
from liangcang.errors import SqlError
from liangcang.portability import lint as lint_sql
from liangcang.sql import Checked, check_select

PARTY_MAP = "party_map"
HISTORY = re.compile(r"--\s*history:\s*(?P<tables>.*)")
LINE = re.compile(r"line (\d+): ")
HEADER = re.compile(r"(?:\s*--[^\n]*\n|\s*\n)*")


@dataclass(frozen=True, kw_only=True)
class ConformSelect:
    """One checked SELECT. `inputs` are the tables it reads, look-backs under their own table's name; those of which it
    reads `<table>_history` are `history`. `columns` is what it yields; `unfed` what the contract has beyond that.
    """

    table: str
    sql: Checked
    path: Path
    inputs: tuple[str, ...]
    history: tuple[str, ...]
    columns: tuple[str, ...]
    unfed: tuple[str, ...]


def read_conform(
    folder: Path, feeds: Mapping[str, Contract], model: Mapping[str, Contract]
) -> tuple[dict[str, ConformSelect], list[Finding]]:
    """The SELECTs of a folder in the order in which they can run, and what is wrong with them."""
    findings: list[Finding] = []
    paths = {path.stem: path for path in sorted(folder.glob("*.sql"))}
    for name in [name for name in paths if name != PARTY_MAP and name not in model]:
        near = did_you_mean(name, [*model, PARTY_MAP])
        findings.append(_finding(paths.pop(name), f"no table of the model is called {name}{near}"))
    selects: dict[str, ConformSelect] = {}
    for name, path in paths.items():
        select = _read(name, path, _readable(name, paths.keys(), feeds, model), model.get(name), findings)
        if select is not None:
            selects[name] = select
    return _ordered(selects, findings), findings


def _readable(
    name: str, made: Collection[str], feeds: Mapping[str, Contract], model: Mapping[str, Contract]
) -> dict[str, Mapping[str, str]]:
    """The tables that a SELECT may read, with their columns."""
    tables: dict[str, Mapping[str, str]] = {c.table: {**c.columns, **STAGED_COLUMNS} for c in feeds.values()}
    if name != PARTY_MAP:
        if PARTY_MAP in made:
            tables["parties.party_map"] = {**PARTY_MAP_CONTRACT, **CONFORMED_COLUMNS}
        others = {model[other].table: model[other] for other in made if other not in (name, PARTY_MAP)}
        tables |= {table: {**other.columns, **CONFORMED_COLUMNS} for table, other in others.items()}
    return tables


def _read(
    name: str,
    path: Path,
    readable: Mapping[str, Mapping[str, str]],
    contract: Contract | None,
    findings: list[Finding],
) -> ConformSelect | None:
    if not path.resolve().is_relative_to(path.parent.parent.resolve()):
        findings.append(_finding(path, "lies outside the bank's folder"))
        return None
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError:
        findings.append(_finding(path, "not UTF-8"))
        return None
    history, faults = _history(path, text, readable)
    findings += faults
    types = {**readable, **{f"{table}_history": readable[table] for table in history}}
    try:
        checked = check_select(text, tables=types.keys(), where=str(path))
    except SqlError as error:
        line = error.details.get("line", "")
        findings.append(_finding(path, said_of(error), line=int(line) if line.isdigit() else None))
        return None
    for table in history:
        if f"{table}_history" not in checked.inputs:
            findings.append(_finding(path, f"asks for the history of {table} and does not read {table}_history"))
    types = {table: types[table] for table in checked.inputs}
    for message in lint_sql(checked.tree, types=types):
        said = LINE.match(message)
        findings.append(_finding(path, message[said.end() :] if said else message, line=int(said[1]) if said else None))
    columns = output_names(checked.tree, types)
    findings += [_finding(path, message) for message in _output_faults(name, columns, contract)]
    return ConformSelect(
        table=contract.table if contract else f"parties.{PARTY_MAP}",
        sql=checked,
        path=path,
        inputs=tuple(sorted({_of_history(table, history) for table in checked.inputs})),
        history=history,
        columns=columns,
        unfed=tuple(column for column in contract.columns if column not in columns) if contract else (),
    )


def _history(path: Path, text: str, readable: Collection[str]) -> tuple[tuple[str, ...], list[Finding]]:
    """The look-backs that the header asks for."""
    asked: dict[str, int] = {}
    header = HEADER.match(text)
    for number, line in enumerate((header.group() if header else "").splitlines(), start=1):
        if found := HISTORY.fullmatch(line.strip()):
            asked |= dict.fromkeys((table.strip() for table in found["tables"].split(",")), number)
    findings = [
        _finding(path, f"no table {table!r} to look back on{did_you_mean(table, readable)}", line=line)
        for table, line in asked.items()
        if table not in readable or table.startswith("parties.")
    ]
    return tuple(sorted(table for table in asked if table in readable and not table.startswith("parties."))), findings


def _of_history(table: str, history: Collection[str]) -> str:
    own = table.removesuffix("_history")
    return own if own in history else table


def output_names(tree: exp.Expression, types: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The names of the columns that a SELECT yields. `*` stands for the columns of its inputs; one that cannot be
    resolved stays `*`.
    """
    names = tuple(column.output_name for column in tree.selects)
    if "*" not in names:
        return names
    schema: dict[str, dict[str, Mapping[str, str]]] = {}
    for table, columns in types.items():
        layer, _, short = table.partition(".")
        schema.setdefault(layer, {})[short] = columns
    try:
        expanded = qualify(tree.copy(), schema=schema, dialect="duckdb", validate_qualify_columns=False)
    except SqlglotError:
        return names
    return tuple(column.output_name for column in expanded.selects)


def _output_faults(name: str, columns: tuple[str, ...], contract: Contract | None) -> Iterator[str]:
    if "*" in columns or "" in columns:
        yield "every column that it yields needs a name"
        return
    for column, count in Counter(columns).items():
        if count > 1:
            yield f"yields {column} {count} times"
    wanted = [p.name for p in contract.properties if p.required] if contract else list(PARTY_MAP_KEY)
    if missing := [column for column in (*wanted, *CONFORMED_COLUMNS) if column not in columns]:
        yield f"does not yield {', '.join(missing)}, which every row of {name} needs"
    known = {*(contract.columns if contract else (*PARTY_MAP_KEY, *PARTY_MAP_MEMBER)), *CONFORMED_COLUMNS}
    if not contract and len(members := [column for column in PARTY_MAP_MEMBER if column in columns]) == 1:
        yield f"yields {members[0]} alone: a member is named by {' and '.join(PARTY_MAP_MEMBER)}"
    for column in columns:
        if column not in known:
            yield f"yields {column!r}, which {name} does not take{did_you_mean(column, known)}"


def _ordered(selects: Mapping[str, ConformSelect], findings: list[Finding]) -> dict[str, ConformSelect]:
    """In an order in which every SELECT comes after those that it reads; a circle is a finding."""
    by_table = {select.table: name for name, select in selects.items()}
    reads = {
        name: sorted(by_table[table] for table in select.inputs if table in by_table)
        for name, select in sorted(selects.items())
    }
    try:
        return {name: selects[name] for name in TopologicalSorter(reads).static_order()}
    except CycleError as error:
        circle = [str(name) for name in error.args[1]]
        findings.append(_finding(selects[circle[0]].path, f"these read each other in a circle: {' -> '.join(circle)}"))
        return dict(selects)


def _finding(path: Path, message: str, *, line: int | None = None) -> Finding:
    return Finding(file=str(path), line=line, field=path.stem, message=message)
