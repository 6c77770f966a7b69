"""A first contract for a feed, proposed from a sample: what can be seen in it, and marks where a person has to decide.

It is a draft (version 0.1.0). No value of the sample is in it but codes that are few, short and of nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_contracts import odcs, strict
from data_contracts.finding import Finding
from data_contracts.guess import Guess, guesses, key_candidates, summed
from data_contracts.lint import CHINESE, DAGSTER_REFUSES, NAME, lint
from data_contracts.personal import authenticates
from data_contracts.sample import Sample, read_sample
from data_contracts.tables import RESERVED
from liangcang.errors import ContractError, UsageError

LOGICAL = {"VARCHAR": "string", "INTEGER": "integer", "BIGINT": "integer", "DATE": "date", "TIME": "time", "TIMESTAMP": "timestamp"}  # fmt: skip
DATES = (
    (re.compile(r"(?<![0-9])20[0-9]{2}-[01][0-9]-[0-3][0-9](?![0-9])"), "{business_date:%Y-%m-%d}"),
    (re.compile(r"(?<![0-9])20[0-9]{2}[01][0-9][0-3][0-9](?![0-9])"), "{business_date:%Y%m%d}"),
)
SEQUENCE = re.compile(r"(?<=[_.-])[0-9]{1,3}(?=\.)")


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A proposed contract as text, what lint says of it, and what was seen, in lines that hold no value."""

    text: str
    findings: tuple[Finding, ...]
    seen: tuple[str, ...]


def draft(feed: str, path: Path) -> Draft:
    """Propose a contract. Raises UsageError for a feed's name or a sample that cannot be used, and when a column
    authenticates persons: such a column may not land, so no contract may declare it.
    """
    if not NAME.fullmatch(feed) or feed in DAGSTER_REFUSES or feed.endswith("_history"):
        raise UsageError(f"{feed!r} cannot be a feed", expected="small letters, digits and _: cb_txn", found=feed)
    sample = read_sample(path)
    names = _names(sample)
    for index, name in enumerate(names):
        title = sample.names[index] if sample.names else ""
        if authenticates((name, title), [value for value in sample.column(index) if value]):
            raise UsageError(
                "a column holds what authenticates a person (C3), which may not land",
                field=title or f"column {index + 1}",
                next="ask the sender to take it out of the delivery",
            )
    columns = guesses(sample, names)
    keys = key_candidates(sample, columns)
    delivery = _delivery(sample, columns, keys)
    text = "\n".join([*_lines(feed, sample, columns, keys, delivery), ""])
    return Draft(text=text, findings=tuple(_findings(feed, text)), seen=tuple(_seen(sample, columns, keys)))


def _findings(feed: str, text: str) -> Iterator[Finding]:
    path = Path("contracts") / f"{feed}.odcs.yaml"
    contract, findings = odcs.examined(strict.load(text, where=str(path)), path, "")
    yield from findings
    if contract is not None:
        yield from lint(contract)
    elif not findings:
        raise ContractError("the proposed contract cannot be read", file=path)


def _names(sample: Sample) -> list[str]:
    """Column names: those of the header where they can be, `c01`… elsewhere."""
    names: list[str] = []
    for index in range(sample.width):
        name = sample.names[index].lower() if sample.names else ""
        plain = bool(NAME.fullmatch(name)) and name != "asof" and name not in RESERVED and name not in names
        names.append(name if plain else f"c{index + 1:02}")
    return names


def _delivery(sample: Sample, columns: Sequence[Guess], keys: Sequence[tuple[str, ...]]) -> str:
    """What a file holds: by its control file or its name, and otherwise by whether there is a key."""
    said = " ".join((sample.control[-1] if sample.control else "", sample.path.name.lower()))
    day = next((c for c in columns if c.type == "DATE" and c.required), None)
    if re.search(r"inc|delta|incr|增量", said):
        return "event" if day else "delta" if keys else "full"
    return "full" if keys or day is None else "event"


def _path(sample: Sample) -> tuple[str, bool]:
    """The pattern of the files' names, and whether the sample's name, or that of its folder, told the date."""
    name, folder = sample.path.name, sample.path.absolute().parent.name
    for pattern, hole in DATES:
        if found := pattern.search(name):
            return f"*/{name[: found.start()]}{hole}{SEQUENCE.sub('{sequence}', name[found.end() :], count=1)}", True
    numbered = SEQUENCE.sub("{sequence}", name, count=1)
    for pattern, hole in DATES:
        if pattern.fullmatch(folder):
            return f"*/{hole}/{numbered}", True
    return f"{{business_date:%Y%m%d}}/{numbered}", False


def _lines(
    feed: str, sample: Sample, columns: Sequence[Guess], keys: Sequence[tuple[str, ...]], delivery: str
) -> Iterator[str]:
    key = keys[0] if keys else ()
    yield f"# Proposed from a sample of {len(sample.rows):,} rows{'' if sample.whole else ', its beginning'}. Each `review:` is a question to whoever knows the feed."
    yield "apiVersion: v3.2.0"
    yield "kind: DataContract"
    yield f"id: {feed}  # review: the bank's code in front, as in county.{feed}"
    yield f"name: {_quoted(feed)}  # review: what people call it"
    yield "version: 0.1.0  # a draft; 1.0.0 once somebody relies on it"
    yield "status: draft"
    yield "description:"
    yield f"  purpose: {_quoted('To be written.')}  # review: what the feed is for"
    yield from _server(sample)
    yield "schema:"
    yield f"  - name: {feed}"
    yield f"    physicalName: staged.{feed}"
    yield "    physicalType: table"
    yield "    logicalType: object"
    yield f"    businessName: {_quoted(f'待定 {feed}')}  # review: its Chinese title"
    yield "    customProperties:"
    day = next((c.name for c in columns if c.type == "DATE" and c.required), None)
    if delivery == "event":
        yield f"      - {{property: temporal, value: {{kind: event, column: {day}}}}}  # review: the day on which it happened"
    else:
        yield "      - {property: temporal, value: {kind: undated}}  # review: interval, if each file is the state of its day"
    yield "    properties:"
    for index, column in enumerate(columns):
        yield from _column(column, index, key.index(column.name) + 1 if column.name in key else None)
    yield "team:"
    yield "  members:"
    yield f"    - {{username: unknown, role: dataOwner, name: {_quoted('待定')}}}  # review: who answers for it"
    yield "customProperties:"
    yield from _feed_fields(sample, columns, keys, delivery)


def _server(sample: Sample) -> Iterator[str]:
    path, dated = _path(sample)
    yield "servers:"
    yield "  - server: daily"
    yield "    type: custom"
    where = "the folders below landing" if dated else "where the date stands: the sample's name has none"
    yield f"    path: {_quoted(path)}  # review: {where}"
    yield "    format: csv"
    yield f"    delimiter: {_quoted(sample.delimiter)}"
    ascii_only = sample.encoding == "UTF-8" and all(field.isascii() for row in sample.rows for field in row)
    remark = "  # review: the sample is plain ASCII; its Chinese may come as GB18030" if ascii_only else ""
    yield f"    encoding: {sample.encoding}{remark}"
    yield "    customProperties:"
    yield f"      - {{property: header, value: {str(bool(sample.names)).lower()}}}"
    yield f"      - {{property: quote, value: {_quoted(sample.quote)}}}"
    yield f"      - {{property: lineTerminator, value: {_quoted(sample.line_terminator)}}}"
    if not sample.terminated:
        yield "      - {property: lastLineTerminated, value: false}  # review: then nobody sees a file that was cut off"
    if sample.compressed:
        yield "      - {property: compression, value: gzip}"
    if sample.control:
        yield "      - {property: control, value: flg}"


def _column(column: Guess, index: int, key_position: int | None) -> Iterator[str]:
    yield f"      - name: {_quoted(column.name)}"
    yield from (f"        # review: {note}" for note in column.notes)
    shown = column.title if CHINESE.search(column.title) else f"第{index + 1}列"
    yield f"        businessName: {_quoted(shown)}  # review: its Chinese title"
    yield f"        physicalType: {column.type}"
    yield f"        logicalType: {LOGICAL.get(column.type, 'number')}"
    options = {"format": column.format, "pattern": column.pattern}
    if given := ", ".join(f"{name}: {_quoted(value)}" for name, value in options.items() if value):
        yield f"        logicalTypeOptions: {{{given}}}"
    if column.required:
        yield "        required: true  # review: never empty in the sample"
    if key_position:
        yield "        primaryKey: true  # review: unique in the sample"
        yield f"        primaryKeyPosition: {key_position}"
    yield f"        classification: C2  # review: {column.personal or 'C1, if it says nothing of a person'}"
    if column.codes:
        yield "        enum:"
        yield from (f"          - {{value: {_quoted(code)}}}" for code in column.codes)
    yield "        customProperties:"
    yield "          - {property: jrt0197Level, value: 3}"
    if len(column.null_values) > 1:
        tokens = ", ".join(map(_quoted, column.null_values))
        yield f"          - {{property: nullValues, value: [{tokens}]}}"


def _feed_fields(
    sample: Sample, columns: Sequence[Guess], keys: Sequence[tuple[str, ...]], delivery: str
) -> Iterator[str]:
    yield f"  - {{property: delivery, value: {delivery}}}  # review: event, full or delta"
    yield "  - {property: absent, value: skip}  # review: must, if no night may go on without it"
    if not keys:
        note = "no set of up to three columns is unique"
        if delivery == "event":
            yield f"  - {{property: keyless, value: true}}  # review: {note}"
        else:
            yield f"  # review: {note}: a state needs its key (primaryKey)"
    if len(keys) > 1:
        others = "; ".join(" + ".join(names) for names in keys[1:6])
        yield f"  # review: as unique in the sample: {others}"
    amounts = summed(sample, columns, sample.control[3]) if sample.control else []
    if len(amounts) == 1:
        yield f"  - {{property: controlAmount, value: {amounts[0]}}}"
    elif amounts:
        yield f"  # review: controlAmount: the control file's sum is that of {' and of '.join(amounts)}"
    yield "  # review: what a day may be like"
    yield "  - {property: volume, value: {minRatio: 0.5, maxRatio: 2.0, maxDeletedShare: 0.005, minRows: 1}}"


def _seen(sample: Sample, columns: Sequence[Guess], keys: Sequence[tuple[str, ...]]) -> Iterator[str]:
    ends = {"\n": "LF", "\r\n": "CR LF"}[sample.line_terminator]
    header = "with a header" if sample.names else "no header"
    yield f"{sample.encoding}, separator {_quoted(sample.delimiter)}, {header}, lines end in {ends}"
    part = "" if sample.whole else " (the beginning of the file)"
    yield f"{len(sample.rows):,} rows of {sample.width} columns{part}"
    if sample.odd:
        yield f"{sample.odd:,} lines have another number of fields: they would be rejected"
    if not sample.terminated:
        yield "the last line does not end: perhaps the file was cut off"
    if sample.names and (lost := [str(n + 1) for n, c in enumerate(columns) if c.name != sample.names[n].lower()]):
        yield f"the header's names of columns {', '.join(lost)} cannot be names of ours: ask for others, or for no header"
    yield "key: " + ("; or ".join(" + ".join(names) for names in keys[:6]) if keys else "none of up to three columns")
    if personal := [c.name for c in columns if c.personal]:
        yield f"personal: {', '.join(personal)}"


def _quoted(text: str) -> str:
    """A YAML scalar in double quotes, in which everything can be seen."""
    seen = (sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in json.dumps(text, ensure_ascii=False))
    return "".join(seen)
