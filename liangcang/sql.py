"""What SQL of a contract, a catalogue or `conform/` may say: an allow-list on its tree, by scope.

SQL from outside the code is parsed, checked node by node against what is allowed, and what runs is the tree's own
text: nothing that the parser did not understand reaches the engine. A name in FROM must be a table that the caller
names, whatever common table expressions stand elsewhere; functions must be on the list, and no function on it reads
a file, a setting, the clock or chance. Parameters `$name` become typed literals in the tree, never text.

Whether the SQL also runs elsewhere, and gives the same bytes each time, is `liangcang.portability`'s question.
"""

from __future__ import annotations

import datetime as dt
import difflib
import logging
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope

from liangcang.errors import SqlError
from liangcang.sql_words import ANONYMOUS, HINTS, NODES, TYPES

DIALECT = "duckdb"
MAX_TEXT = 200_000

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each text that it only half understands; we refuse

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]{0,62}$")


@dataclass(frozen=True, kw_only=True)
class Word:
    """A function of one argument as SQL: `$value` stands for the argument, `$name` for a part of that name.

    Parts are SQL over `$value` that the word needs many times and that are worth making once a row.
    """

    sql: str
    parts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checked:
    """SQL that passed: its tree, the tables it reads, its parameters and, of a condition, its columns (all sorted)."""

    tree: exp.Expression
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    columns: tuple[str, ...] = ()

    def sql(self, params: Mapping[str, object] | None = None) -> str:
        """The text that runs, with a literal for each parameter: a whole number, Decimal, float, text, bool, date or None.

        Raises SqlError if a parameter has no value, or a value has no parameter.
        """
        values = dict(params or {})
        missing = [name for name in self.parameters if name not in values]
        unused = sorted(set(values) - set(self.parameters))
        if missing or unused:
            raise SqlError(
                "parameters and values do not match",
                field=", ".join(missing + unused),
                expected=", ".join(f"${name}" for name in self.parameters) or "no parameter",
                found=", ".join(f"${name}" for name in values) or "no value",
            )
        tree = self.tree
        if self.parameters:
            literals = {name: literal(values[name]) for name in self.parameters}
            tree = tree.transform(
                lambda node: literals[node.name].copy() if isinstance(node, exp.Placeholder) else node
            )
        return cast(str, tree.sql(dialect=DIALECT, comments=False))


def check_select(text: str, *, tables: Collection[str] | None, where: str, line: int = 1) -> Checked:
    """Check one SELECT (WITH and set operations included) against the tables it may read.

    `tables` holds names `schema.table`; with None any such name passes and `inputs` says which were met. `where` and
    `line` are the file and the line in it at which `text` begins. Raises SqlError with file and line.
    """
    check = _Check(where, line)
    tree = check.parse(text, into=None)
    if not isinstance(tree, exp.Query) or isinstance(tree, exp.Subquery):
        raise check.error("SQL must be exactly one SELECT", tree, found=tree.key.upper())
    check.nodes(tree)
    inputs = check.tables(tree, tables)
    return Checked(tree, inputs, check.parameters(tree))


def check_condition(
    text: str, *, columns: Collection[str], where: str, line: int = 1, words: Collection[str] = ()
) -> Checked:
    """Check a formula over the given columns of one row: no table, no sub-query, no aggregate, no window.

    `words` are functions that the formula may use beside those of the list: `spelled_out` puts their SQL in their place.
    Raises SqlError with file and line, and for an unknown column with the one that may have been meant.
    """
    check = _Check(where, line)
    tree = check.parse(text, into=exp.Condition)
    for node in tree.walk():
        if isinstance(node, (exp.Query, exp.Table)):
            raise check.error("a formula has no sub-query and no table", node)
        if isinstance(node, (exp.AggFunc, exp.Window, exp.Filter, exp.Star)):
            raise check.error("a formula speaks of one row: no aggregate and no window", node)
        if isinstance(node, (exp.UDTF, exp.Explode, exp.GenerateSeries)):
            raise check.error("a formula yields one value: no unnest and no series", node)
    check.nodes(tree, words)
    known = {name.casefold(): name for name in columns}
    for column in tree.find_all(exp.Column):
        if column.table:
            raise check.error("a formula names columns alone, without a table", column, field=column.sql(DIALECT))
        if column.name.casefold() not in known:
            raise check.error(
                "there is no such column here",
                column,
                field=column.name,
                next=_did_you_mean(column.name, columns) or f"the columns are {', '.join(sorted(columns)[:30])}",
            )
    names = sorted({known[column.name.casefold()] for column in tree.find_all(exp.Column)})
    return Checked(tree, (), check.parameters(tree), tuple(names))


def literal(value: object) -> exp.Expression:
    """A value as a typed literal of the tree. SqlError for a kind of value that SQL here does not take."""
    match value:
        case None:
            return exp.null()
        case bool():
            return exp.Boolean(this=value)
        case int():
            return _number(str(abs(value)), negative=value < 0)
        case Decimal() if value.is_finite():
            digits = format(abs(value), "f")
            whole, _, part = digits.partition(".")
            size = max(len(whole.lstrip("0")) + len(part), 1)
            if size <= 38:
                number = _number(digits, negative=value < 0)
                return exp.cast(number, f"DECIMAL({size},{len(part)})", dialect=DIALECT)
        case float() if math.isfinite(value):
            return exp.cast(_number(repr(abs(value)), negative=value < 0), "DOUBLE", dialect=DIALECT)
        case str() if "\0" not in value:
            return exp.Literal.string(value)
        case dt.date() if not isinstance(value, dt.datetime):
            return exp.cast(exp.Literal.string(value.isoformat()), "DATE", dialect=DIALECT)
    raise SqlError("not a value that a parameter may have", found=type(value).__name__)


def _number(digits: str, *, negative: bool) -> exp.Expression:
    number = exp.Literal.number(digits)
    return exp.Paren(this=exp.Neg(this=number)) if negative else number


@dataclass(frozen=True)
class _Check:
    """One text under check: where it stands, so that every error can name file and line."""

    where: str
    line: int

    def parse(self, text: str, *, into: type[exp.Condition] | None) -> exp.Expression:
        """The one tree of `text`. No parser's exception leaves: it repeats the text with terminal escapes."""
        if len(text) > MAX_TEXT:
            raise self.error(
                "SQL is too long", None, expected=f"at most {MAX_TEXT:,} characters", found=f"{len(text):,}"
            )
        if "\0" in text:
            raise self.error("SQL holds a NUL character", None)
        try:
            if into:
                return cast(exp.Expression, sqlglot.parse_one(text, into=into, dialect=DIALECT))
            trees = sqlglot.parse(text, dialect=DIALECT)
        except ParseError as error:
            first = error.errors[0] if error.errors else {}
            fault = self.error(
                "SQL cannot be understood",
                None,
                line=self.line + int(first.get("line") or 1) - 1,
                found=f"{_words(first.get('description'))} near {first.get('highlight') or 'the end'}",
            )
        except (SqlglotError, RecursionError, IndexError, ValueError) as error:
            fault = self.error("SQL cannot be understood", None, found=type(error).__name__)
        else:
            if len(trees) == 1 and trees[0] is not None:
                return cast(exp.Expression, trees[0])
            fault = self.error("SQL must be exactly one SELECT", None, found=f"{len(trees)} statements")
        raise fault

    def nodes(self, tree: exp.Expression, words: Collection[str] = ()) -> None:
        """Every node is of an allowed class, every function on the list."""
        for node in tree.walk():
            if isinstance(node, exp.Anonymous):
                if node.name.casefold() in words:
                    self.asked(node, words)
                if node.name.casefold() not in ANONYMOUS and node.name.casefold() not in words:
                    raise self.error(
                        "SQL may not use this function", node, field=node.name.casefold(), next=_hint(node)
                    )
            elif type(node) not in NODES:
                raise self.error("SQL may not say this here", node, field=_spelled(node), next=_hint(node))
            if problem := _within(node):
                raise self.error(problem, node, field=_spelled(node))
            if isinstance(node, exp.Struct) and not all(isinstance(e, exp.PropertyEQ) for e in node.expressions):
                name = node.expressions[0].name if node.expressions else "name"
                raise self.error("braces make a struct, not a parameter", node, next=f"write ${name}")
        try:
            tree.sql(dialect=DIALECT)
        except RecursionError:
            fault = self.error("SQL is nested too deeply", tree)
        else:
            return
        raise fault

    def asked(self, word: exp.Anonymous, words: Collection[str]) -> None:
        """A word is asked of one value, made of columns: its parts are made before the row's condition is looked at."""
        name = word.name.casefold()
        if len(word.expressions) != 1:
            raise self.error("this function takes one argument", word, field=name)
        for node in word.expressions[0].walk():
            if isinstance(node, exp.Placeholder) or (isinstance(node, exp.Anonymous) and node.name.casefold() in words):
                raise self.error(
                    "this function is asked of columns: no parameter, and no such function", word, field=name
                )

    def tables(self, tree: exp.Expression, allowed: Collection[str] | None) -> tuple[str, ...]:
        """The stored tables it reads, each allowed; a name is a common table expression only in that one's scope."""
        within = {id(table) for table in self._references(tree)}
        wanted = None if allowed is None else {name.casefold() for name in allowed}
        for expression in tree.find_all(exp.CTE):
            if not _NAME.match(expression.alias):
                raise self.error("a common table expression has a plain name", expression, field=expression.alias)
        met = set()
        for table in tree.find_all(exp.Table):
            if id(table) in within:
                continue
            name = self._table_name(table)
            if wanted is not None and name not in wanted:
                raise self.error(
                    "SQL reads a table that is not among its inputs",
                    table,
                    field=name,
                    next=_did_you_mean(name, allowed or ())
                    or f"the inputs are {', '.join(sorted(allowed or ())) or 'none'}",
                )
            met.add(name)
        return tuple(sorted(met))

    def parameters(self, tree: exp.Expression) -> tuple[str, ...]:
        found = set()
        for node in tree.find_all(exp.Placeholder):
            if not _NAME.match(node.name):
                raise self.error("a parameter has a name", node, found=f"${node.name}", expected="$floor")
            found.add(node.name)
        return tuple(sorted(found))

    def error(
        self, what: str, node: exp.Expression | None, *, line: int | None = None, **details: str | None
    ) -> SqlError:
        return SqlError(what, file=self.where, line=line or self.line + line_of(node) - 1, **details)

    def _references(self, tree: exp.Expression) -> Iterator[exp.Table]:
        try:
            for scope in traverse_scope(tree):
                for node, source in scope.selected_sources.values():
                    if isinstance(node, exp.Table) and isinstance(source, Scope) and not node.db:
                        yield node
        except SqlglotError as error:
            fault = self.error(
                "SQL cannot be resolved: two sources may have one name", tree, found=type(error).__name__
            )
        else:
            return
        raise fault

    def _table_name(self, table: exp.Table) -> str:
        plain = isinstance(table.this, exp.Identifier) and not table.catalog
        if not plain or not _NAME.match(table.name) or not table.db or not _NAME.match(table.db):
            raise self.error(
                "SQL reads tables only, called schema.table: no file, no table function",
                table,
                field=table.sql(DIALECT),
            )
        return f"{table.db}.{table.name}".casefold()


def line_of(node: exp.Expression | None) -> int:
    """The line of the text on which a node, or the first of its parts that knows, stands; 1 if none does."""
    if node is not None:
        for part in node.walk():
            if line := part.meta.get("line"):
                return int(line)
    return 1


def spelled_out(checked: Checked, words: Mapping[str, Word], shared: str) -> tuple[Checked, dict[str, str]]:
    """A condition in which each word stands as its SQL, and the parts of words, which it reads as columns called
    `shared` and a number: column to SQL over the condition's own columns. Equal parts are one column.
    """
    made: dict[str, str] = {}

    def column(part: exp.Expression) -> exp.Expression:
        return exp.column(made.setdefault(part.sql(dialect=DIALECT, comments=False), f"{shared}{len(made)}"))

    def spelled(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Anonymous) or node.name.casefold() not in words:
            return node
        asked = node.expressions[0]
        values = {"value": asked if isinstance(asked, exp.Column) else exp.Paren(this=asked)}
        word = words[node.name.casefold()]
        values |= {name: column(_filled(text, values)) for name, text in word.parts.items()}
        return exp.Paren(this=_filled(word.sql, values))

    if not words or not checked.tree.find(exp.Anonymous):
        return checked, made
    return replace(checked, tree=checked.tree.transform(spelled)), {name: text for text, name in made.items()}


def _filled(text: str, values: Mapping[str, exp.Expression]) -> exp.Expression:
    """SQL with a copy of the value in place of each `$name`."""
    return cast(
        exp.Expression,
        _parsed(text).transform(lambda node: values[node.name].copy() if isinstance(node, exp.Placeholder) else node),
    )


@cache
def _parsed(text: str) -> exp.Expression:
    return cast(exp.Expression, sqlglot.parse_one(text, into=exp.Condition, dialect=DIALECT))


def _within(node: exp.Expression) -> str | None:
    """What a node of an allowed class may not hold: things that the parser keeps as texts, not as nodes."""
    match node:
        case exp.Join() if (node.method or "").upper() not in ("", "ASOF", "NATURAL"):
            return "SQL may not join by position"
        case exp.DataType() if node.this not in TYPES:
            return "SQL may not use this type"
        case exp.Identifier() if "\0" in node.name:
            return "SQL may not use this name"
        case exp.Placeholder() if not isinstance(node.this, str):
            return "a parameter has a name: $floor"
    return None


def _spelled(node: exp.Expression) -> str:
    return cast(str, node.sql_name() if isinstance(node, exp.Func) else node.key.upper())


def _hint(node: exp.Expression) -> str | None:
    return HINTS.get(node.name.casefold() if isinstance(node, exp.Anonymous) else node.key)


def _words(description: object) -> str:
    """What the parser says, without the token that it prints in Python's spelling."""
    return re.sub(r"( but got)? <Token.*>", "", str(description or "a mistake"))


def _did_you_mean(name: str, known: Collection[str]) -> str | None:
    close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(close)}?" if close else None
