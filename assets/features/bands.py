"""Window features by ring bands, aggregated once and rolled up once.

Windows that end on the same day are nested, so they are unions of disjoint rings: of the last 7 days, of the 23
before them, and so on. Each transaction is aggregated once, in its party's ring (first level); the rings of a party
then stand side by side and are added up from the newest outwards (second level). Count, sum, sum of squares, least and
greatest all merge exactly, in whole fen, so nothing depends on the order of rows.

Two shapes make it fast and are not to be prettified: conditions go into CASE columns, not into FILTER, which slices
its whole input once an aggregate; and the second level joins the rings instead of aggregating them again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from assets.features.spec import Dimension, Spec
from assets.features.tree import parsed
from liangcang.sql import DIALECT

LARGEST = 10_000_000_000_000
"""An amount beyond it is an error and not known. Squares of fen up to it can be added up exactly a hundred million times."""

COLUMNS = ("direction", "amount", "type", "channel", "customer_initiated", "own_transfer")
TABLE = "conformed.transaction_history"


def steps(spec: Spec, dimensions: Sequence[Dimension]) -> dict[str, exp.Query]:
    """The steps from transactions to the step `band`: one row an owner, one column a feature.

    `band` also has, for each window, `known_<w>` (flows are known that far back) and `amounts_known_<w>` (and so is
    every amount), and for dimensions with `last` the columns `<dimension>_last_<w>` and `…_last_before_<w>`. It reads
    the step `owner`.
    """
    dimensions = [dimension for dimension in dimensions if dimension.windows]
    return {
        "reach": _reach(spec),
        "movement": _movement(spec),
        "sorted_movement": _sorted(dimensions),
        "cell": _cell(dimensions),
        "ring": _ring(dimensions),
        "ladder": _ladder(spec, dimensions),
        "band": _band(spec, dimensions),
    }


def asked(dimensions: Sequence[Dimension], columns: Collection[str]) -> list[Dimension]:
    """The dimensions cut down to what makes these columns of the step `band`."""
    found = []
    for dimension in dimensions:
        made = {
            (aggregate, window)
            for aggregate in dimension.aggregates
            for window in dimension.windows
            if f"{dimension.name}_{aggregate}_{window}" in columns
            or (aggregate == "last" and f"{dimension.name}_last_before_{window}" in columns)
        }
        if made:
            aggregates, windows = zip(*made, strict=True)
            found.append(
                replace(
                    dimension,
                    aggregates=tuple(one for one in dimension.aggregates if one in aggregates),
                    windows=tuple(one for one in dimension.windows if one in windows),
                )
            )
    return found


def parts(dimension: Dimension) -> tuple[str, ...]:
    """What is kept of a dimension in a ring: n rows, s sum, q sum of squares (fen), low, high, day of the newest row."""
    wanted = {
        "n": True,
        "s": {"sum", "mean", "std"} & set(dimension.aggregates),
        "q": {"std"} & set(dimension.aggregates),
        "low": {"min"} & set(dimension.aggregates),
        "high": {"max"} & set(dimension.aggregates),
        "day": {"last"} & set(dimension.aggregates),
    }
    return tuple(part for part, asked in wanted.items() if asked)


def _reach(spec: Spec) -> exp.Select:
    """The owners, with whether their flows are known over each window."""
    known = [
        f"flows_known and ($as_of - {window - 1} >= $history_from or first_open >= $history_from) as known_{window}"
        for window in spec.windows
    ]
    return exp.select("party_id", "flows_known", *known, dialect=DIALECT).from_("owner")


def _movement(spec: Spec) -> exp.Select:
    """The rows of the longest window: their ring (named by its outer window) and their amount in fen."""
    ring = exp.case()
    for window in spec.windows[:-1]:
        ring = ring.when(f"event_date > $as_of - {window}", str(window), dialect=DIALECT)
    amount = f"amount between -{LARGEST} and {LARGEST}"
    return (
        exp.select("party_id", "event_date", *COLUMNS, dialect=DIALECT)
        .select(exp.alias_(ring.else_(str(spec.windows[-1])), "ring"))
        .select(
            f"case when {amount} then cast(amount * 100 as bigint) else 0 end as fen",
            f"case when {amount} then 0 else 1 end as is_unknown",
            dialect=DIALECT,
        )
        .from_(exp.to_table(TABLE))
        .where("event_date <= $as_of", f"event_date > $as_of - {spec.windows[-1]}", "not reversal", dialect=DIALECT)
    )


def _sorted(dimensions: Sequence[Dimension]) -> exp.Select:
    """The dimensions of each row, and its squared amount."""
    return (
        exp.select("party_id", "ring", "event_date", "fen", "is_unknown", dialect=DIALECT)
        .select(exp.alias_(parsed("cast(fen as decimal(38, 0)) * fen"), "fen_squared"))
        .select(*(exp.alias_(exp.paren(parsed(d.where)), f"is_{d.name}") for d in dimensions))
        .from_("movement")
    )


def _cell(dimensions: Sequence[Dimension]) -> exp.Select:
    """What each row adds to each dimension: null where it is none of it."""
    values = {"s": "fen", "q": "fen_squared", "day": "event_date"}
    cells = [
        f"case when is_{dimension.name} then {values[part]} end as {dimension.name}_{part}"
        for dimension in dimensions
        for part in values
        if part == "s" or part in parts(dimension)
    ]
    return exp.select("party_id", "ring", "is_unknown", *cells, dialect=DIALECT).from_("sorted_movement", copy=False)


def _ring(dimensions: Sequence[Dimension]) -> exp.Select:
    """The first level: one row a party and ring."""
    columns = ["party_id", "ring", "sum(is_unknown) as unknowns"]
    for dimension in dimensions:
        made = {
            "n": f"count({dimension.name}_s)",
            "s": f"cast(sum({dimension.name}_s) as bigint)",
            "q": f"cast(sum({dimension.name}_q) as decimal(38, 0))",
            "low": f"min({dimension.name}_s)",
            "high": f"max({dimension.name}_s)",
            "day": f"max({dimension.name}_day)",
        }
        columns += [f"{made[part]} as {dimension.name}_{part}" for part in parts(dimension)]
    return exp.select(*columns, dialect=DIALECT).from_("cell", copy=False).group_by("party_id", "ring", copy=False)


def _ladder(spec: Spec, dimensions: Sequence[Dimension]) -> exp.Select:
    """The second level: one row an owner, what each window holds."""
    columns = ["reach.party_id", "reach.flows_known", *(f"reach.known_{window}" for window in spec.windows)]
    columns += [f"{_total(spec, 'unknowns', window)} as unknowns_{window}" for window in spec.windows]
    for dimension in dimensions:
        for part in parts(dimension):
            name = f"{dimension.name}_{part}"
            columns += [f"{_merged(spec, name, part, window)} as {name}_{window}" for window in dimension.windows]
        if "last" in dimension.aggregates:
            name = f"{dimension.name}_day"
            columns += [f"{_outside(spec, name, window)} as {name}_before_{window}" for window in spec.windows[:-1]]
    select = exp.select(*columns, dialect=DIALECT).from_("reach", copy=False)
    for window in spec.windows:
        select.join(
            f"ring as ring_{window}",
            on=f"ring_{window}.party_id = reach.party_id and ring_{window}.ring = {window}",
            join_type="left",
            dialect=DIALECT,
            copy=False,
        )
    return select


def _merged(spec: Spec, name: str, part: str, window: int) -> str:
    """A column of the rings of a window as one value."""
    rings = [f"ring_{w}.{name}" for w in spec.windows if w <= window]
    match part:
        case "low":
            return _call("least", rings)
        case "high" | "day":
            return _call("greatest", rings)
        case _:
            return _total(spec, name, window)


def _outside(spec: Spec, name: str, window: int) -> str:
    """The greatest value of the rings outside a window."""
    return _call("greatest", [f"ring_{w}.{name}" for w in spec.windows if w > window])


def _total(spec: Spec, name: str, window: int) -> str:
    """The sum of a column over the rings of a window; a ring without rows adds nothing."""
    return " + ".join(f"coalesce(ring_{w}.{name}, 0)" for w in spec.windows if w <= window)


def _call(function: str, columns: Sequence[str]) -> str:
    return columns[0] if len(columns) == 1 else f"{function}({', '.join(columns)})"


def _band(spec: Spec, dimensions: Sequence[Dimension]) -> exp.Select:
    """The features. What is not known is null, and never 0."""
    columns = ["party_id"]
    for window in spec.windows:
        columns += [f"known_{window}", f"known_{window} and unknowns_{window} = 0 as amounts_known_{window}"]
    for dimension in dimensions:
        columns += _features(spec, dimension)
    return exp.select(*columns, dialect=DIALECT).from_("ladder", copy=False)


def _features(spec: Spec, dimension: Dimension) -> Iterator[str]:
    name = dimension.name
    for aggregate in dimension.aggregates:
        for window in dimension.windows:
            n, s, q = f"{name}_n_{window}", f"{name}_s_{window}", f"{name}_q_{window}"
            amounts = f"known_{window} and unknowns_{window} = 0"
            match aggregate:
                case "count":
                    yield _case(amounts if dimension.by_amount else f"known_{window}", n, f"{name}_count_{window}")
                case "sum":
                    yield _case(amounts, _yuan(s), f"{name}_sum_{window}")
                case "min":
                    yield _case(amounts, _yuan(f"{name}_low_{window}"), f"{name}_min_{window}")
                case "max":
                    yield _case(amounts, _yuan(f"{name}_high_{window}"), f"{name}_max_{window}")
                case "mean":
                    mean = f"cast({s} as double) / cast(nullif({n}, 0) * 100 as double)"
                    yield _case(f"{amounts} and {n} > 0", mean, f"{name}_mean_{window}")
                case "std":
                    yield _case(f"{amounts} and {n} > 1", _deviation(n, s, q), f"{name}_std_{window}")
                case "last":
                    yield _case(f"known_{window}", f"{name}_day_{window}", f"{name}_last_{window}")
    if "last" in dimension.aggregates:
        for window in spec.windows[:-1]:
            yield _case("flows_known", f"{name}_day_before_{window}", f"{name}_last_before_{window}")


def _case(condition: str, value: str, name: str) -> str:
    return f"case when {condition} then {value} end as {name}"


def _yuan(fen: str) -> str:
    return f"cast(cast({fen} as decimal(18, 0)) * 0.01 as decimal(18, 2))"


def _deviation(n: str, s: str, q: str) -> str:
    """The sample standard deviation, from exact sums.

    n Σx² - (Σx)² does not fit into 38 digits for large amounts. With m = Σx div n and r = Σx - m n the sum of squared
    deviations is Σx² - m (Σx + r) - r²/n, whose first part is a whole number that always fits.
    """
    m = f"({s} // nullif({n}, 0))"
    r = f"({s} - {m} * {n})"
    whole = f"cast({q} - cast({m} as decimal(38, 0)) * ({s} + {r}) as double)"
    rest = f"cast({r} as double) * cast({r} as double) / cast(nullif({n}, 0) as double)"
    return f"sqrt(greatest({whole} - {rest}, 0) / cast(nullif({n} - 1, 0) as double)) / 100"
