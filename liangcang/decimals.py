"""The digits of DECIMAL expressions, as DuckDB has them.

A product of two DECIMALs of up to 18 digits each stays in 18 digits there and raises when they do not suffice:
DECIMAL(18,2) times itself from 10 million on. One side of 38 digits gives the product all 38.
"""

from __future__ import annotations

from typing import cast

from sqlglot import exp


def overflows(node: exp.Mul) -> bool:
    """Whether a product of two DECIMALs may raise although its value has a place in 38 digits."""
    left, right = precision(node.this), precision(node.expression)
    return left is not None and right is not None and max(left, right) < 38 and left + right > 18


def precision(node: exp.Expression) -> int | None:
    """The digits of a DECIMAL as DuckDB has them, None for what is none or not known."""
    match node:
        case exp.Cast() | exp.TryCast():
            return _digits(node.to)
        case exp.Paren() | exp.Neg() | exp.Abs() | exp.Min() | exp.Max() | exp.Filter() | exp.Window():
            return precision(node.this)
        case exp.Sum():
            return 38 if precision(aggregated(node)) else None
        case exp.Coalesce() | exp.Greatest() | exp.Least():
            return _widest([node.this, *node.expressions])
        case exp.Case():
            return _widest(
                [*(branch.args["true"] for branch in node.args["ifs"]), *filter(None, [node.args.get("default")])]
            )
        case exp.Nullif() | exp.Round():
            return precision(node.this)
        case exp.Add() | exp.Sub():
            return _widest([node.this, node.expression])
        case exp.Mul():
            left, right = precision(node.this), precision(node.expression)
            if left is None or right is None:
                return left or right
            return left + right if left + right <= 18 else 18 if max(left, right) <= 18 else 38
        case exp.Column() if node.type and node.type.this == exp.DType.DECIMAL:
            return _digits(node.type)
    return None


def _widest(nodes: list[exp.Expression]) -> int | None:
    return max((digits for node in nodes if (digits := precision(node))), default=None)


def _digits(kind: exp.DataType) -> int | None:
    if kind.this != exp.DType.DECIMAL:
        return None
    return int(kind.expressions[0].name) if kind.expressions else 18


def aggregated(node: exp.Expression) -> exp.Expression:
    """What an aggregate is taken over, DISTINCT or not."""
    inner = node.this
    return cast(exp.Expression, inner.expressions[0] if isinstance(inner, exp.Distinct) else inner)
