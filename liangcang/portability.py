"""Whether SQL gives the same bytes each time, and the same rows in Spark: a lint over its tree.

Two families of rules. A night that is run again must write the same file, so nothing may depend on the order in which
threads meet rows, on a clock or on chance. And the SQL is held to what sqlglot carries to Spark with equal results:
each rule names the form that is right in both. Some differences are silent in Spark (months, regular expressions,
logarithms), and those are why the rules exist.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import cast

from sqlglot import ErrorLevel, exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema, Schema

from liangcang.decimals import aggregated, overflows, precision
from liangcang.errors import SqlError
from liangcang.sql import DIALECT, Checked, line_of

_ROW = "_row"

_RANK_INSTEAD = "which row it takes is left to the engine: number the rows by a unique order and take the first"
_SUMS_INSTEAD = "its last bits depend on the order of rows: compute it from exact sums of DECIMAL or whole numbers"
_CLOCK = "a night has one date: take business_date or a parameter"
_CHANCE = "a re-run must give the same rows"

_NODES: Mapping[type[exp.Expression], str] = {
    exp.ApproxDistinct: "an approximate count differs between engines: write count(distinct …)",
    exp.ApproxQuantile: "an approximate quantile differs between engines: rank the rows instead",
    exp.PercentileCont: "quantile_cont does not run in Spark: rank the rows instead",
    exp.PercentileDisc: "quantile_disc does not run in Spark: rank the rows instead",
    exp.RegexpFullMatch: "regexp_full_match does not run in Spark: write regexp_matches(x, '^(…)$')",
    exp.SimilarTo: "SIMILAR TO does not run in Spark: write regexp_matches(x, '^(…)$')",
    exp.Glob: "GLOB does not run in Spark: write LIKE",
    exp.DayOfWeekIso: "isodow does not run in Spark as it is: count the days from a known Monday",
    exp.DayOfWeek: "dayofweek begins with 0 here and with 1 in Spark: count the days from a known Monday",
    exp.MonthsBetween: "write (year(b) * 12 + month(b)) - (year(a) * 12 + month(a))",
    exp.Pivot: "PIVOT does not run in Spark: write sum(x) filter (where …), one column each",
    exp.Slice: "x[1:3] does not run in Spark: write substr(x, 1, 3)",
    exp.Lambda: "no lambda is read alike by all engines: write unnest and group by",
    exp.Columns: "lineage cannot follow COLUMNS: name the columns",
    exp.PositionalColumn: "name the column",
    exp.IsInf: "isinf does not run in Spark: let no infinity arise, by nullif",
    exp.TimeFromParts: "make_time does not run in Spark",
    exp.JSONObject: "json_object does not run in Spark",
    exp.ArrayOverlaps: "&& does not run in Spark: unnest and join",
    exp.AtTimeZone: "instants differ between engines: keep dates and times apart",
    exp.First: _RANK_INSTEAD,
    exp.Last: _RANK_INSTEAD,
    exp.AnyValue: _RANK_INSTEAD,
    exp.ArgMax: _RANK_INSTEAD,
    exp.ArgMin: _RANK_INSTEAD,
    exp.Mode: _RANK_INSTEAD,
    exp.Stddev: _SUMS_INSTEAD,
    exp.StddevSamp: _SUMS_INSTEAD,
    exp.StddevPop: _SUMS_INSTEAD,
    exp.Variance: _SUMS_INSTEAD,
    exp.VariancePop: _SUMS_INSTEAD,
    exp.Corr: _SUMS_INSTEAD,
    exp.CovarSamp: _SUMS_INSTEAD,
    exp.CovarPop: _SUMS_INSTEAD,
    exp.RegrSlope: _SUMS_INSTEAD,
    exp.Skewness: _SUMS_INSTEAD,
    exp.Kurtosis: _SUMS_INSTEAD,
    exp.CurrentDate: _CLOCK,
    exp.CurrentTime: _CLOCK,
    exp.CurrentTimestamp: _CLOCK,
    exp.Localtime: _CLOCK,
    exp.Localtimestamp: _CLOCK,
    exp.Rand: f"random(): {_CHANCE}",
    exp.Uuid: f"uuid(): {_CHANCE}",
    exp.TableSample: f"a sample: {_CHANCE}",
}

_FUNCTIONS: Mapping[str, str] = {
    **dict.fromkeys(("now", "age", "today", "get_current_timestamp", "transaction_timestamp"), _CLOCK),
    **dict.fromkeys(("setseed", "nextval", "currval", "txid_current"), _CHANCE),
    **dict.fromkeys(("fsum", "favg", "kahan_sum", "sem", "mad", "entropy", "product"), _SUMS_INSTEAD),
    "getvariable": "a variable is not in the query: write a parameter, $name",
    "current_setting": "a setting is not in the query: write a parameter, $name",
    "date_sub": "date_sub counts full parts here and takes days off in Spark: write date_diff('day', a, b) or a - interval",
    "datesub": "datesub does not run in Spark: write date_diff('day', a, b)",
    "weekday": "weekday begins on another day in Spark: count the days from a known Monday",
}
_PORTABLE_FUNCTIONS = frozenset({"date_part", "octet_length"})

_NEEDS_ORDER = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
    exp.FirstValue,
    exp.LastValue,
    exp.NthValue,
)
_FLOATS = (exp.DType.FLOAT, exp.DType.DOUBLE)
_DAYS = (exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)

Rule = Callable[[exp.Expression], str | None]


def lint(tree: exp.Expression, *, types: Mapping[str, Mapping[str, str]] | None = None) -> list[str]:
    """What is not portable or not repeatable in a SELECT or a formula, one sentence each with its line.

    `types` gives the columns' DuckDB types, a table each (`{"staged.trans": {"amount": "DECIMAL(18,2)"}}`); for a
    formula under the empty name. Without it the rules that need types (products of decimals, sums of DOUBLE, dates
    taken from each other, length of a list) judge only what the SQL itself casts.
    """
    found = [
        (line_of(node), message)
        for judged, rules in ((tree, _PLAIN), (_typed(tree, types or {}), _TYPED))
        for node in judged.walk()
        for rule in rules
        if (message := rule(node))
    ]
    return [f"line {line}: {message}" for line, message in sorted(set(found))]


def transpile_to_spark(checked: Checked) -> str:
    """The same SQL for Spark; parameters stay `:name`. SqlError where sqlglot knows that Spark cannot say it."""
    try:
        return cast(str, checked.tree.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE, comments=False))
    except SqlglotError as error:
        fault = SqlError("Spark cannot say this", found=str(error))
    raise fault


def _typed(tree: exp.Expression, types: Mapping[str, Mapping[str, str]]) -> exp.Expression:
    """A copy of the tree with a type at each node, as far as known; the bare tree if names cannot be resolved."""
    copy = tree.copy()
    try:
        schema = _schema(tuple((name, tuple(columns.items())) for name, columns in types.items()))
        if isinstance(copy, exp.Query):
            copy = qualify(
                copy,
                schema=schema,
                dialect=DIALECT,
                expand_stars=False,
                validate_qualify_columns=False,
                quote_identifiers=False,
            )
            return annotate_types(copy, schema=schema, dialect=DIALECT)
        row = qualify(
            exp.Select(expressions=[exp.alias_(copy, "_value")]).from_(_ROW),
            schema=schema,
            dialect=DIALECT,
            validate_qualify_columns=False,
            quote_identifiers=False,
        )
        return cast(exp.Expression, annotate_types(row, schema=schema, dialect=DIALECT).expressions[0].this)
    except (SqlglotError, KeyError, AttributeError):  # not resolvable: the rules that need no types still hold
        return tree


@lru_cache(maxsize=64)
def _schema(types: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> Schema:
    """The columns as sqlglot looks them up; a contract's rules and a bank's queries ask for the same ones again."""
    layers: dict[str, dict[str, dict[str, str]]] = {}
    for name, columns in types:
        layer, _, short = (name or _ROW).rpartition(".")
        layers.setdefault(layer, {})[short] = dict(columns)
    return MappingSchema(layers.get("", layers), dialect=DIALECT)


def _forbidden(node: exp.Expression) -> str | None:
    if isinstance(node, exp.Anonymous):
        name = node.name.casefold()
        if name in _FUNCTIONS:
            return f"{name}(): {_FUNCTIONS[name]}"
        return None if name in _PORTABLE_FUNCTIONS else f"{name}(): Spark has no such function, or means another by it"
    return _NODES.get(type(node))


def _date_diff(node: exp.Expression) -> str | None:
    if isinstance(node, exp.DateDiff) and (unit := node.args.get("unit")) and unit.name.upper() != "DAY":
        return (
            f"date_diff('{unit.name.lower()}', …) counts boundaries here and full parts in Spark: "
            "write (year(b) * 12 + month(b)) - (year(a) * 12 + month(a))"
        )
    return None


def _interval(node: exp.Expression) -> str | None:
    if isinstance(node, exp.Interval) and not isinstance(node.this, (exp.Literal, exp.Placeholder)):
        return "INTERVAL (…) DAY does not run in Spark: add the whole number to the date"
    return None


def _division(node: exp.Expression) -> str | None:
    if isinstance(node, (exp.Div, exp.IntDiv, exp.Mod)) and not _never_zero(node.expression):
        return "x / 0 is infinite here and an error in Spark: write x / nullif(y, 0)"
    return None


def _never_zero(node: exp.Expression) -> bool:
    match node:
        case exp.Paren() | exp.Cast() | exp.TryCast() | exp.Neg() | exp.Abs():
            return _never_zero(node.this)
        case exp.Mul():
            return _never_zero(node.this) and _never_zero(node.expression)
        case exp.Nullif():
            return _is_zero(node.expression)
        case exp.Literal():
            return not node.is_string and not _is_zero(node)
    return False


def _is_zero(node: exp.Expression) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and float(node.name) == 0


def _unordered(node: exp.Expression) -> str | None:
    match node:
        case exp.ArrayAgg() if not isinstance(node.parent, exp.ArraySort):
            return "list() keeps the order in which rows came, and Spark drops ORDER BY in it: write list_sort(list(x))"
        case exp.GroupConcat() if not node.find(exp.Order):
            return "string_agg() without ORDER BY depends on the order of rows: write string_agg(x, ',' order by key)"
        case exp.Sum() | exp.Avg() | exp.Count() if node.find(exp.Order):
            return "ORDER BY inside a sum does not run in Spark: sum exact numbers"
        case exp.Window() if isinstance(_function(node), _NEEDS_ORDER) and not _ordered(node):
            return f"{_function(node).sql_name().lower()}() without ORDER BY depends on the order of rows"
        case exp.Select() if node.args.get("limit") and not node.args.get("order"):
            return "LIMIT without ORDER BY takes any rows"
        case exp.Select() if (one := node.args.get("distinct")) and one.args.get("on"):
            return "DISTINCT ON does not run in Spark: write qualify row_number() over (partition by … order by …) = 1"
    return None


def _function(window: exp.Window) -> exp.Func:
    inner = window.this
    while isinstance(inner, (exp.IgnoreNulls, exp.RespectNulls, exp.Filter)):
        inner = inner.this
    return cast(exp.Func, inner)


def _ordered(window: exp.Window) -> bool:
    if window.args.get("order"):
        return True
    select = window.find_ancestor(exp.Select)
    named = {spec.name: spec for spec in (select.args.get("windows") or ()) if select} if select else {}
    spec = named.get(window.alias)
    return bool(spec and spec.args.get("order"))


def _sources(node: exp.Expression) -> str | None:
    match node:
        case exp.Join() if node.method:
            return f"{node.method} JOIN does not run in Spark: take the newest row by row_number(), or name the columns"
        case exp.Table() if not isinstance(node.this, exp.Identifier):
            return "a table function or file in FROM: read stored tables only"
        case exp.Table() if set(node.name) & set("./\\*"):
            return "a file in FROM: read stored tables only"
        case exp.With() if node.args.get("recursive") and any(
            isinstance(step.this, exp.Union) and step.this.args.get("distinct") for step in node.expressions
        ):
            return "a recursive query with UNION does not run in Spark: write UNION ALL and an end"
        case exp.Identifier() if node.name.casefold() == "asof":
            return "no name may be asof: the newest DuckDB does not parse it; write as_of_date"
    return None


def _numbers(node: exp.Expression) -> str | None:
    match node:
        case exp.Sum() | exp.Avg() if _kind(aggregated(node)) in _FLOATS:
            return f"{node.key}() over DOUBLE: {_SUMS_INSTEAD}"
        case exp.Mul() if overflows(node):
            return (
                "a product of two DECIMALs overflows from 10 million on: "
                "cast one side to DECIMAL(38, s) with its own scale first"
            )
        case exp.Div() if (precision(node.this) or precision(node.expression)) and not (
            {_kind(node.this), _kind(node.expression)} & {*_FLOATS}
        ):
            return "a quotient of DECIMALs is DOUBLE here and DECIMAL in Spark: cast one side to DOUBLE"
        case exp.Log() if not node.expression:
            return "log(x) has base 10 here and e in Spark: write ln(x) or log10(x)"
    return None


def _texts_and_dates(node: exp.Expression) -> str | None:
    match node:
        case exp.Sub() if _kind(node.this) in _DAYS and _kind(node.expression) in _DAYS:
            return "a date less a date is a number here and an interval in Spark: write date_diff('day', a, b)"
        case exp.Cast() if node.to.this == exp.DType.DATE and _kind(node.this) == exp.DType.TIMESTAMPTZ:
            return "the date of an instant depends on the time zone: keep dates as DATE"
        case exp.Length() if _kind(node.this) in (exp.DType.ARRAY, exp.DType.LIST) or isinstance(
            node.this, (exp.Array, exp.ArrayAgg, exp.Split, exp.ArrayDistinct, exp.ArraySort)
        ):
            return "len(list) does not run in Spark: write array_length(list)"
        case exp.RegexpReplace() if "g" not in (node.text("modifiers") or ""):
            return "regexp_replace replaces the first match here and all in Spark: write the flag 'g'"
    return None


def _kind(node: exp.Expression) -> exp.DType | None:
    if isinstance(node, (exp.Cast, exp.TryCast)):
        return cast(exp.DType, node.to.this)
    return cast(exp.DType, node.type.this) if node.type else None


_PLAIN: tuple[Rule, ...] = (_forbidden, _date_diff, _interval, _division, _unordered, _sources)
_TYPED: tuple[Rule, ...] = (_numbers, _texts_and_dates)
