"""Small builders of SQL trees for what a catalogue compiles to.

They put nodes into each other without copying, so a node is used once: who needs it twice copies it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import TypeAlias

from sqlglot import exp

from assets.entry import Value
from liangcang.sql import DIALECT

Expression: TypeAlias = exp.Expression


def text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def column(name: str) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=name, quoted=False))


def named(expression: Expression, name: str) -> exp.Alias:
    """`expression as name`."""
    return exp.Alias(this=expression, alias=exp.Identifier(this=name, quoted=False))


def typed(expression: Expression, kind: str) -> exp.Cast:
    """`cast(expression as kind)`."""
    return exp.Cast(this=expression, to=_type(kind).copy())


@cache
def _type(kind: str) -> exp.DataType:
    return exp.DataType.build(kind, dialect=DIALECT)


def is_null(expression: Expression) -> Expression:
    return exp.Is(this=expression, expression=exp.Null())


def is_known(expression: Expression) -> Expression:
    return exp.Not(this=is_null(expression))


def coalesce(expression: Expression, otherwise: Expression) -> Expression:
    return exp.Coalesce(this=expression, expressions=[otherwise])


def is_true(expression: Expression) -> Expression:
    """True, and not merely not false."""
    return coalesce(expression, exp.Boolean(this=False))


def is_not_true(expression: Expression) -> Expression:
    return exp.Not(this=is_true(expression))


def is_not_false(expression: Expression) -> Expression:
    return coalesce(expression, exp.Boolean(this=True))


def any_of(*conditions: Expression) -> Expression:
    """`a or b or c`; each is complete in itself."""
    whole, *others = conditions
    for condition in others:
        whole = exp.Or(this=whole, expression=condition)
    return whole


def among(expression: Expression, values: Iterable[str]) -> Expression:
    return exp.In(this=expression, expressions=[text(value) for value in values])


def first(cases: Iterable[tuple[Expression, Expression]], otherwise: Expression | None = None) -> Expression:
    """The value of the first case whose condition holds: `case when … then … else … end`; null without a case."""
    whens = [exp.If(this=condition, true=value) for condition, value in cases]
    return exp.Case(ifs=whens, default=otherwise) if whens else otherwise or typed(exp.Null(), "VARCHAR")


def quotient(number: Expression, divisor: Expression) -> Expression:
    """A division in DOUBLE that is null, not infinite, where the divisor is 0."""
    zero = exp.Nullif(this=typed(divisor, "DOUBLE"), expression=exp.Literal.number(0))
    return exp.Div(this=typed(number, "DOUBLE"), expression=zero)


def json_object(parts: Mapping[str, Expression]) -> Expression:
    """A JSON object of expressions that are JSON themselves, as text: `'{"value":' || … || '}'`."""
    whole: list[Expression] = []
    for place, (name, part) in enumerate(parts.items()):
        whole += [text(f'{"," if place else "{"}"{name}":'), part]
    return _joined([*whole, text("}")] if whole else [text("{}")])


def json_value(expression: Expression, kind: str) -> Expression:
    """A number, truth value, date or text of ours as JSON; null as `null`. Numbers keep their digits."""
    written: Expression = typed(expression, "VARCHAR")
    if kind.startswith(("DATE", "TIME", "VARCHAR")):
        written = _joined([text('"'), written, text('"')])
    return coalesce(written, text("null"))


def json_constant(values: Mapping[str, Value]) -> Expression:
    """A JSON object of parameters, as one text. An engine would write DECIMAL(2,2) as `.70`, which is no JSON."""
    return text("{" + ",".join(f'"{name}":{_as_json(value)}' for name, value in values.items()) + "}")


def _as_json(value: Value) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value.isoformat() if isinstance(value, dt.date) else value, ensure_ascii=False)


def _joined(parts: Iterable[Expression]) -> Expression:
    whole, *others = parts
    for part in others:
        whole = exp.DPipe(this=whole, expression=part, safe=True)
    return whole
