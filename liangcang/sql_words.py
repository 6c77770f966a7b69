"""The words of SQL that a contract, a catalogue or `conform/` may use, as sqlglot's node classes and function names.

A class that is not here is refused. Nothing here reads a file, a setting, the clock, chance, a session's state or a
variable of the calling program, or runs text as SQL.
"""

from __future__ import annotations

from sqlglot import exp

_CLAUSES = (
    "Select Subquery Union Intersect Except With CTE From Join Where Group Having Qualify Order Ordered Limit Offset "
    "Distinct Table TableAlias Alias Column Identifier Star Values Tuple Paren Cube Rollup GroupingSets "
    "Window WindowSpec Filter WithinGroup IgnoreNulls RespectNulls Unnest Explode Lateral Var"
)
_VALUES = "Literal Null Boolean Placeholder Interval DataType DataTypeParam Cast TryCast Struct PropertyEQ Array Bracket Slice"
_OPERATORS = (
    "And Or Not EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Is Between In Like ILike Escape SimilarTo Glob Exists Any "
    "All Add Sub Mul Div IntDiv Mod Neg DPipe BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift "
    "BitwiseRightShift Case If Coalesce Nullif Greatest Least"
)
_AGGREGATES = (
    "Count CountIf Sum Avg Min Max Stddev StddevSamp StddevPop Variance VariancePop LogicalOr LogicalAnd ArrayAgg "
    "GroupConcat ArgMax ArgMin AnyValue First Last Median Mode PercentileCont PercentileDisc ApproxQuantile "
    "ApproxDistinct Corr CovarSamp CovarPop RegrSlope Skewness Kurtosis BitwiseOrAgg BitwiseAndAgg BitwiseXorAgg Grouping"
)
_WINDOWS = "RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead FirstValue LastValue NthValue"
_NUMBERS = "Abs Ceil Floor Round Trunc Sqrt Cbrt Ln Log Exp Pow Sign IsNan IsInf Pi"
_DATES = (
    "DateDiff DateAdd DateSub AddMonths MonthsBetween DateTrunc TimestampTrunc Extract LastDay Year Month Day Quarter Week "
    "DayOfWeek DayOfWeekIso DayOfYear Hour Minute Second TimeToStr StrToTime StrToDate DateFromParts TimeFromParts ToDays "
    "TsOrDsAdd TsOrDsToDate AtTimeZone"
)
_TEXTS = (
    "Lower Upper Trim Concat ConcatWs Substring Length Left Right Pad Replace StrPosition StartsWith EndsWith Contains "
    "RegexpLike RegexpFullMatch RegexpExtract RegexpExtractAll RegexpReplace SplitPart Split Reverse Translate Chr Ascii "
    "Unicode MD5 SHA2 Levenshtein"
)
_LISTS = (
    "ArraySize ArrayContains ArraySort ArrayDistinct ArrayConcat ArrayAppend ArrayToString ArrayMax ArrayMin "
    "ArrayOverlaps ArraySlice Flatten GenerateSeries JSONObject JSONKeyValue JSONExtract JSONExtractScalar JSONPath "
    "JSONPathRoot JSONPathKey"
)

NODES: frozenset[type[exp.Expression]] = frozenset(
    getattr(exp, name)
    for words in (
        _CLAUSES,
        _VALUES,
        _OPERATORS,
        _AGGREGATES,
        _WINDOWS,
        _NUMBERS,
        _DATES,
        _TEXTS,
        _LISTS,
    )
    for name in words.split()
)
"""Node classes that may stand in a tree, exactly these and no subclass of them."""

_FUNCTIONS = (
    "date_sub datesub date_part datepart weekday yearweek isfinite strlen suffix prefix try_strptime to_months to_years "
    "cardinality list_unique list_sum list_reverse list_position list_extract element_at to_json row fsum octet_length "
    "strip_accents nfc_normalize bit_count printf"
)
ANONYMOUS: frozenset[str] = frozenset(_FUNCTIONS.split())
"""Functions that sqlglot has no class for."""

_TYPES = (
    "BOOLEAN TINYINT SMALLINT INT BIGINT INT128 UTINYINT USMALLINT UINT UBIGINT FLOAT DOUBLE DECIMAL DATE TIME "
    "TIMESTAMP TIMESTAMPTZ TIMESTAMP_S TIMESTAMP_MS TIMESTAMP_NS TIMESTAMPNTZ VARCHAR TEXT CHAR INTERVAL ARRAY LIST "
    "STRUCT JSON NULL"
)
TYPES: frozenset[exp.DType] = frozenset(getattr(exp.DType, name) for name in _TYPES.split())

_CLOCK = "a night has one date: take business_date or a parameter, never the clock"
_CHANCE = "a re-run must give the same rows: order by a key instead"

HINTS: dict[str, str] = {
    **dict.fromkeys(
        ("currentdate", "currenttime", "currenttimestamp", "localtime", "localtimestamp", "now", "age",
         "get_current_timestamp", "transaction_timestamp"),
        _CLOCK,
    ),
    **dict.fromkeys(("rand", "uuid", "tablesample", "setseed", "nextval"), _CHANCE),
    "getvariable": "write a parameter, $name",
    "parameter": "write a parameter, $name",
    "lambda": "write unnest and group by",
    "columns": "name the columns: lineage cannot follow COLUMNS",
    "pivot": "write sum(x) filter (where …), one column each",
    "dot": "name the column",
    "rawstring": "write text in single quotes",
    "positionalcolumn": "name the column",
    "anonymous": "use a function of the list",
    "collate": "texts are ordered by their bytes",
}  # fmt: skip
