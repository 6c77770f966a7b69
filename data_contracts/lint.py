"""What the standard's schema cannot hold: whether a contract says all that the warehouse must know of a table.

Every check is a function from a contract to findings; `lint` runs them all, in the order of the file.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from sqlglot import exp

from data_contracts import cell
from data_contracts.check_characters import WORDS
from data_contracts.contract import Contract, Property, Rule, Temporal
from data_contracts.finding import Finding, did_you_mean
from data_contracts.lint_files import extract_faults, format_faults, pattern_fault, place_faults
from data_contracts.odcs_columns import limit
from data_contracts.odcs_rules import OBJECT, STAND_IN
from data_contracts.tables import OWN_QUALITY, RESERVED
from liangcang.errors import ContractError
from liangcang.portability import lint as lint_sql
from liangcang.sql import check_condition, check_select

Fault: TypeAlias = tuple[str, str]
"""The path of a field, and what is wrong with it."""

NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
VERSION = re.compile(r"(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*)){2}")

DAGSTER_REFUSES = frozenset(
    {
        *("context", "conf", "config", "meta", "arg_dict", "dict", "input_arg_dict", "output_arg_dict"),
        *("int", "str", "float", "bool", "input", "output", "type"),
        *keyword.kwlist,
    }
)
"""Names that Dagster gives to no asset. A table's name becomes one."""

AUTHENTICATES = frozenset(
    {
        *("pwd", "passwd", "password", "passcode", "pin", "otp", "cvv", "cvv2", "cvn", "cvn2", "cvc", "cvc2"),
        *("track", "track1", "track2", "track3", "fingerprint", "faceprint", "iris"),
    }
)
"""Words of a column's name that say C3 (JR/T 0171): what authenticates a person may not land at all."""
AUTHENTICATES_AS_A_WHOLE = frozenset({"card_expiry", "card_exp", "sms_code", "one_time_code", "verification_code"})

ABOUT_NOBODY = (1, 2)
"""JR/T 0197 levels of data that are no personal financial information and so have no class."""


def lint(contract: Contract) -> list[Finding]:
    """What is wrong with a contract that could be read, in the order of the file; an error makes it unusable."""
    found = [
        Finding(
            file=str(contract.path),
            line=_line(contract, field),
            field=field,
            message=message,
            severity="warning" if check in ADVICE else "error",
        )
        for check in (*CHECKS, *ADVICE)
        for field, message in check(contract)
    ]
    return sorted(found, key=lambda one: (one.line or 0, one.field))


def _line(contract: Contract, field: str) -> int | None:
    """The line of a field, or of the nearest field above it that is written."""
    while field and field not in contract.lines:
        field = field.rpartition(".")[0]
    return contract.lines.get(field)


def _of(contract: Contract, prop: Property | None = None, *more: str) -> str:
    """The path of the table, of a column of it, or of a field of either."""
    inner = ("properties", prop.name) if prop else ()
    return ".".join(("schema", contract.feed, *inner, *more))


def _custom(name: str) -> str:
    return f"customProperties.{name}"


def _names(contract: Contract) -> Iterator[Fault]:
    """Names that DuckDB, Spark, Dagster and our own technical columns leave free; titles that a banker reads."""
    if contract.feed in DAGSTER_REFUSES:
        yield _of(contract, None, "name"), f"{contract.feed} is a name that Dagster gives to no asset"
    if contract.layer == "staged" and contract.feed in OWN_QUALITY:
        yield _of(contract, None, "name"), f"quality.{contract.feed} is a table of all feeds: no feed is called so"
    if not VERSION.fullmatch(contract.version):
        yield "version", "expected three numbers: 1.0.0"
    if not CHINESE.search(contract.title):
        yield _of(contract, None, "businessName"), "a table needs a Chinese title"
    reserved = RESERVED if contract.layer != "products" else frozenset[str]()
    for prop in contract.properties:
        name = prop.name.lower() if contract.layer == "staged" else prop.name
        if not NAME.fullmatch(name) or name == "asof":
            yield _of(contract, prop), "a column is called in small letters, digits and _ (and not asof)"
        if prop.name in reserved:
            yield _of(contract, prop), f"{prop.name} is a technical column of ours"
        if not CHINESE.search(prop.title):
            yield _of(contract, prop, "businessName"), "a column needs a Chinese title"


def _capitals(contract: Contract) -> Iterator[Fault]:
    for prop in contract.properties:
        if contract.layer == "staged" and prop.name != prop.name.lower():
            yield _of(contract, prop), "better in small letters: SQL and a header's check do not mind"


def _classes(contract: Contract) -> Iterator[Fault]:
    """JR/T 0171: every delivered column is C1 or C2, or its JR/T 0197 level says that it is about nobody; C3 may not
    land, whatever it is called.
    """
    for prop in contract.properties:
        field = _of(contract, prop, "classification")
        if prop.classification == "C3":
            yield field, "C3 authenticates a person and may not land: take the column out of the delivery"
        elif prop.classification is None and contract.layer == "staged" and prop.level not in ABOUT_NOBODY:
            yield (
                field,
                "a delivered column needs its class: C1 or C2 (none only with jrt0197Level 1 or 2: about nobody)",
            )
        elif prop.classification not in (None, "C1", "C2"):
            yield field, "expected C1 or C2 (JR/T 0171)"
        if AUTHENTICATES & set(prop.name.split("_")) or prop.name in AUTHENTICATES_AS_A_WHOLE:
            yield _of(contract, prop), "the name says that it authenticates a person (C3), which may not land"


def _time(contract: Contract) -> Iterator[Fault]:
    """Since when a row holds, said for the table, a column or a subset of rows."""
    said = _of(contract, None, "customProperties", "temporal")
    yield from ((said, message) for message in _temporal_faults(contract, contract.temporal))
    if contract.temporal.where is not None:
        yield said, "a condition (where) stands in rowTemporals"
    for temporal in contract.row_temporals:
        field = _of(contract, None, "customProperties", "rowTemporals")
        yield from ((field, message) for message in _temporal_faults(contract, temporal))
    for prop in contract.properties:
        if prop.temporal:
            field = _of(contract, prop, "customProperties", "temporal")
            yield from ((field, message) for message in _temporal_faults(contract, prop.temporal))
    if contract.layer != "staged":
        return
    if (contract.delivery == "event") != (contract.temporal.kind == "event"):
        yield said, f"a delivery of kind {contract.delivery} does not have the time of an {contract.temporal.kind}"
    for column in filing_columns(contract):
        if not contract.property(column).required:
            yield _of(contract, contract.property(column)), "files rows by date: it has to be required"


def filing_columns(contract: Contract) -> tuple[str, ...]:
    """The columns by which rows of a delivery find their date: an event's, and in a history a state's."""
    temporal, wanted = contract.temporal, [contract.state_date]
    if contract.delivery == "event" or (temporal.kind == "since" and contract.format("history")):
        wanted.append(temporal.column)
    return tuple(column for column in wanted if column in contract.columns)


def _temporal_faults(contract: Contract, temporal: Temporal) -> Iterator[str]:
    kind, column = temporal.kind, temporal.column
    if column is None:
        if kind in ("event", "since"):
            yield f"{kind} needs the column of its date"
    elif kind in ("identity", "undated"):
        yield f"{kind} has no date and so no column"
    elif contract.columns.get(column) not in (("DATE", "TIMESTAMP") if _happened(contract, temporal) else ("DATE",)):
        yield f"{column} is {contract.columns.get(column)}, expected DATE"


def _happened(contract: Contract, temporal: Temporal) -> bool:
    """Whether it is the time of delivered events: they may have a moment, and are filed by its day."""
    return contract.layer == "staged" and temporal.kind == "event"


def _key(contract: Contract) -> Iterator[Fault]:
    """A key, or for events the word that there is none."""
    keyless = contract.keyless
    if contract.key and keyless:
        yield _custom("keyless"), "the contract has a primary key"
    if not contract.key and not keyless:
        yield _of(contract), "no column is primaryKey (an event feed that has no key says keyless: true)"
    if keyless and (contract.layer != "staged" or contract.delivery != "event"):
        yield _custom("keyless"), "only the rows of an event feed can do without a key"


def _absence(contract: Contract) -> Iterator[Fault]:
    """What a night does without the feed: said for what comes daily, and only for that."""
    daily, declared = contract.format("daily"), _custom("maxStaleDays") in contract.lines
    if daily and contract.absent is None:
        yield "customProperties", "a daily feed says what its absence means: absent: must, hold or skip"
    if not daily and contract.absent is not None:
        yield _custom("absent"), "nothing comes daily that could be absent"
    if contract.absent == "hold" and contract.max_stale_days < 1:
        yield _custom("absent"), "hold needs maxStaleDays, from 1 on"
    if contract.absent != "hold" and declared:
        yield _custom("maxStaleDays"), "only a feed that is held can be stale"


def _history(contract: Contract) -> Iterator[Fault]:
    """When the rows of a history may be said to have been known, and to which date each belongs."""
    written = _custom("history") in contract.lines
    if contract.format("history") is None:
        if written:
            yield _custom("history"), "there is no server of this name"
        return
    temporal = contract.temporal
    if temporal.kind != "undated" and _custom("history.value.knownAt") not in contract.lines:
        yield _custom("history"), "a history says when its rows were known: knownAt: {column, days}"
    for field, column in (("knownAt", contract.known_at_column), ("stateDate", contract.state_date)):
        if column in contract.columns and contract.columns[column] != "DATE":
            yield _custom(f"history.value.{field}"), f"{column} is {contract.columns[column]}, expected DATE"
    if contract.state_date is not None and contract.delivery == "event":
        yield _custom("history.value.stateDate"), "an event has its own date; stateDate is for states"
    if contract.delivery != "event" and temporal.kind in ("interval", "snapshot") and contract.state_date is None:
        yield _custom("history"), f"the states of an {temporal.kind} table need the column of their date: stateDate"


def _volume(contract: Contract) -> Iterator[Fault]:
    """The guard before the diff: without it, half a file buries everybody."""
    guarded = _custom("volume") in contract.lines
    if contract.delivery == "full" and contract.format("daily") and not guarded:
        yield "customProperties", "a full daily feed needs the guard before its diff: volume {minRatio, maxRatio, …}"
    if contract.volume.min_ratio >= contract.volume.max_ratio:
        yield _custom("volume"), "minRatio is not below maxRatio"


def _owner(contract: Contract) -> Iterator[Fault]:
    if not contract.owner:
        yield "team", "the contract needs an owner: a team member with the role dataOwner"


def _authorisation(contract: Contract) -> Iterator[Fault]:
    """The consent that rows need: its number is always there, and a rule of the contract holds it."""
    said = contract.authorisation
    if said is None:
        return
    at = _custom("authorisation.value")
    for field, name in (("column", said.column), ("until", said.until)):
        if name is not None and name not in contract.columns:
            yield f"{at}.{field}", f"no column {name!r}{did_you_mean(name, contract.columns)}"
        elif name is not None and not contract.property(name).required:
            yield f"{at}.{field}", f"{name} is not required: a row without it is a row without authorisation"
    if said.until is not None and contract.columns.get(said.until, "DATE") != "DATE":
        yield f"{at}.until", f"{said.until} is {contract.columns[said.until]}, expected DATE"
    held = {rule.id for rule in contract.rules if rule.severity != "warning"}
    if said.rule not in held:
        yield f"{at}.rule", f"no rule {said.rule!r} of severity error or quarantine{did_you_mean(said.rule, held)}"


def _delivery(contract: Contract) -> Iterator[Fault]:
    if contract.layer == "staged" and _custom("delivery") not in contract.lines:
        yield "customProperties", "a feed says what a file holds: delivery: event, full or delta"
    if contract.layer != "staged" and contract.formats:
        yield "servers", "only feeds are delivered as files"


def _files(contract: Contract) -> Iterator[Fault]:
    """Paths that stay below landing, and a way of writing that can be read back."""
    for form in contract.formats:
        yield from ((f"servers.{form.kind}.{field}", message) for field, message in format_faults(form))
        if form.extract is not None:
            field = f"servers.{form.kind}.customProperties.extract"
            yield from ((field, message) for message in extract_faults(contract, form, form.extract))
    for prop in contract.properties:
        yield from (
            (_of(contract, prop, "customProperties", field), said) for field, said in place_faults(contract, prop)
        )


def _patterns(contract: Contract) -> Iterator[Fault]:
    for rule in contract.rules:
        if rule.pattern is not None and (fault := pattern_fault(rule.pattern)):
            yield _of(contract, contract.property(rule.columns[0]), "logicalTypeOptions", "pattern"), fault


def _cells(contract: Contract) -> Iterator[Fault]:
    """Every column of a delivery can be read as its type, and every code of it can be met."""
    for prop in contract.properties:
        if contract.layer == "staged":
            try:
                cell.held(prop, "text", cell.tried(prop, "text"))
            except ContractError as error:
                yield _of(contract, prop), f"{error.what}; expected {error.details.get('expected', 'another type')}"
        for code in prop.codes:
            if prop.type not in {"VARCHAR", "BOOLEAN"} and limit(code, prop.type) is None:
                yield _of(contract, prop, "enum", code), f"is no {prop.type}"
            if code in prop.null_values and contract.layer == "staged":
                yield _of(contract, prop, "enum", code), "is a null value of the column too, and would never be met"


def _rules(contract: Contract) -> Iterator[Fault]:
    """A share that is tolerated is tolerated of rows that leave or refuse the delivery."""
    for rule in contract.rules:
        if rule.max_rate is not None and rule.severity == "warning":
            yield rule_field(contract, rule), "maxRate is for quarantine and error: a warning takes nothing"


def _sql(contract: Contract) -> Iterator[Fault]:
    """Predicates and queries give the same result each time, and in Spark too; no product of decimals overflows."""
    columns = contract.columns
    for rule in contract.rules:
        if rule.predicate is not None:
            checked = check_condition(rule.predicate, columns=columns, where=str(contract.path), words=WORDS)
            messages = lint_sql(_without_words(checked.tree), types={"": columns})
        elif rule.query is not None:
            checked = check_select(rule.query.replace(OBJECT, STAND_IN), tables=None, where=str(contract.path))
            messages = lint_sql(checked.tree, types={STAND_IN: columns})
        else:
            continue
        # What was checked is one line, the rule's own text is not: the rule is what the reader looks for.
        yield from ((rule_field(contract, rule), message.partition(": ")[2]) for message in messages)


def _without_words(tree: exp.Expression) -> exp.Expression:
    """A condition with `x is null` in place of each word on x: that words are portable is known, it is not asked again."""

    def plain(node: exp.Expression) -> exp.Expression:
        is_word = isinstance(node, exp.Anonymous) and node.name.casefold() in WORDS
        return exp.Paren(this=exp.Is(this=node.expressions[0], expression=exp.null())) if is_word else node

    return tree.transform(plain) if tree.find(exp.Anonymous) else tree


def rule_field(contract: Contract, rule: Rule) -> str:
    """Where a written rule stands."""
    on_table = _of(contract, None, "quality", rule.id)
    found = (field for field in contract.lines if field.endswith(f".quality.{rule.id}"))
    return on_table if on_table in contract.lines else next(found, rule.id)


CHECKS: tuple[Callable[[Contract], Iterator[Fault]], ...] = (
    *(_names, _classes, _time, _key, _absence, _history, _volume, _owner, _authorisation, _delivery, _files),
    *(_patterns, _cells, _rules, _sql),
)
"""What makes a contract unusable."""

ADVICE: tuple[Callable[[Contract], Iterator[Fault]], ...] = (_capitals,)
"""What could be better."""
