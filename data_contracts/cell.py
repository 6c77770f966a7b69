"""How the text of one cell becomes a typed value, as DuckDB expressions.

DuckDB's casts are generous: `1e5`, ` 12 `, `1_000`, `0x10`, `NaN`, `epoch` and `infinity` all become values, and a
third decimal is rounded away. So the text must match a shape that allows none of this before its cast counts:

number     optional sign, digits, for DECIMAL and DOUBLE optionally a dot and digits; nothing else. Digits that the
           scale cannot hold must be zeros: nothing is ever rounded. With `decimal_places` the dot is implied.
date/time  the property's format, in Java's letters (`yyyy yy MM dd HH mm ss SSS`, every field at full width; default
           ISO), and a day of the calendar. Two-digit years follow POSIX: 69-99 are 1969-1999, 00-68 are 2000-2068.
           A format with a time of day in a DATE column fits midnight only: what is delivered is not cut off.
boolean    1 0 Y N T F true false TRUE FALSE

A format or token that comes from a contract enters the SQL as a quoted literal only.
"""

from __future__ import annotations

import re

from data_contracts.contract import Property
from liangcang.engine import literal
from liangcang.errors import ContractError

INTEGERS = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]
)
REALS = frozenset({"DOUBLE", "FLOAT", "REAL"})
TEXTS = frozenset({"VARCHAR", "TEXT"})
MOMENTS = {"DATE": "yyyy-MM-dd", "TIME": "HH:mm:ss", "TIMESTAMP": "yyyy-MM-dd HH:mm:ss"}
"""Types that hold a moment, with the format that is meant when the contract gives none."""

_DECIMAL = re.compile(r"^DECIMAL\((\d+)\s*,\s*(\d+)\)$")
_YES, _NO = ("1", "Y", "T", "true", "TRUE"), ("0", "N", "F", "false", "FALSE")

_FIELDS = {  # letters of java.time.format.DateTimeFormatter: shape of the text, strptime's specifier
    "yyyy": ("([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])", "%Y"),
    "yy": ("[0-9]{2}", "%y"),
    "MM": ("(0[1-9]|1[0-2])", "%m"),
    "dd": ("(0[1-9]|[12][0-9]|3[01])", "%d"),
    "HH": ("([01][0-9]|2[0-3])", "%H"),
    "mm": ("[0-5][0-9]", "%M"),
    "ss": ("[0-5][0-9]", "%S"),
    "SSS": ("[0-9]{3}", "%g"),
}
_WHOLE = {"DATE": ({"MM", "dd"}, 1), "TIME": ({"HH", "mm"}, 0), "TIMESTAMP": ({"MM", "dd", "HH", "mm"}, 1)}
_FORMAT_TOKEN = re.compile(r"'(?P<quoted>[^']*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>[^A-Za-z'])", re.DOTALL)


def is_text(prop: Property) -> bool:
    """Whether the column keeps its text: such a column cannot fail to parse."""
    return prop.type.upper() in TEXTS


def present(prop: Property, text: str) -> str:
    """The cell's text, or NULL when it is one of the column's null tokens."""
    tokens = [literal(token) for token in prop.null_values]
    if not tokens:
        return text
    if len(tokens) == 1:
        return f"nullif({text}, {tokens[0]})"
    return f"case when {text} in ({', '.join(tokens)}) then null else {text} end"


def tried(prop: Property, text: str) -> str:
    """What the engine makes of `text`, however generously, in the property's type; NULL when it makes nothing of it.

    Raises ContractError for a type or a format that columns of a delivery cannot have.
    """
    kind = prop.type.upper()
    if kind == "BOOLEAN":
        yes, no = (", ".join(map(literal, words)) for words in (_YES, _NO))
        return f"case when {text} in ({yes}) then true when {text} in ({no}) then false end"
    if kind in MOMENTS and _layout(prop) != MOMENTS[kind]:
        specifiers = "".join(specifier for _, specifier in _tokens(prop))
        return f"try_strptime({text}, {literal(specifiers)})"
    if kind in TEXTS or kind in MOMENTS or kind in REALS or kind in INTEGERS:
        return f"try_cast({text} as {kind})"
    width, scale = _decimal_size(prop)
    if prop.decimal_places is None:
        return f"try_cast({text} as decimal({width},{scale}))"
    places = prop.decimal_places
    if not 0 <= places <= min(scale, 18):
        raise _refused(prop, f"{places} implied decimal places do not fit {prop.type}", f"0 to {min(scale, 18)}")
    whole = min(width - scale + places, 37 - places)  # the product has to fit 38 digits
    unit = f"cast({'0.' + '0' * (places - 1) + '1' if places else '1'} as decimal({places + 1},{places}))"
    return f"try_cast(try_cast({text} as decimal({whole},0)) * {unit} as decimal({width},{scale}))"


def held(prop: Property, text: str, value: str, *, seen: bool = False) -> str:
    """`value`, which was `tried` from `text`, as the property's type if the text has the shape; else NULL.

    `seen`: the text is known to have it. A text that is just how its value prints has it too, which is quicker to see
    than a pattern.
    """
    kind = prop.type.upper()
    if seen or kind in TEXTS or kind == "BOOLEAN":
        return f"cast({value} as {kind})" if kind in MOMENTS else value
    if kind in MOMENTS:
        return _held_moment(prop, kind, text, value)
    if kind in REALS:
        return f"case when {_shaped(text, _digits(None))} and isfinite({value}) then {value} end"
    if kind in INTEGERS:
        shape = "[+-]?[0-9]+"
    elif prop.decimal_places is not None:
        return f"case when {_shaped(text, '[+-]?[0-9]+')} then {value} end"
    else:
        shape = _digits(_decimal_size(prop)[1])
    return (
        f"case when {value} is null then null when cast({value} as varchar) = {text} then {value} "
        f"when {_shaped(text, shape)} then {value} end"
    )


def written(prop: Property, value: str, kind: str) -> str:
    """The text from which the judge reads a moment again, whose own type is `kind`: in the property's format, and as ISO
    8601 where that cannot hold it whole. So a moment that the format would cut off is seen, and never shortened.
    """
    specifiers = literal("".join(specifier for _, specifier in _tokens(prop)))
    of_day = kind.startswith("TIME") and not kind.startswith("TIMESTAMP")
    moment = f"(date '2000-01-01' + cast({value} as time))" if of_day else f"try_cast({value} as timestamp)"
    text = f"strftime({moment}, {specifiers})"
    again = f"try_strptime({text}, {specifiers})"
    whole = f"cast({f'cast({again} as time)' if of_day else again} as {kind}) = {value}"
    return f"case when {whole} then {text} else cast({value} as varchar) end"


def _shaped(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _digits(scale: int | None) -> str:
    """The shape of a number whose digits after the dot beyond `scale` are zeros."""
    fraction = "[0-9]+" if scale is None else f"[0-9]{{1,{scale}}}0*" if scale else "0+"
    return rf"[+-]?[0-9]+(\.{fraction})?"


def _decimal_size(prop: Property) -> tuple[int, int]:
    if sized := _DECIMAL.match(prop.type.upper()):
        return int(sized[1]), int(sized[2])
    raise _refused(
        prop, f"columns of a delivery cannot be {prop.type}", "VARCHAR, a number, BOOLEAN, DATE, TIME or TIMESTAMP"
    )


def _held_moment(prop: Property, kind: str, text: str, value: str) -> str:
    layout = _layout(prop)
    if layout == MOMENTS[kind]:  # the length keeps out `infinity`, BC and years beyond 9999
        day = f" and {text} < '24'" if kind == "TIME" else ""
        return f"case when strlen({text}) = {len(layout)}{day} and cast({value} as varchar) = {text} then {value} end"
    shaped = _shaped(text, "".join(shape for shape, _ in _tokens(prop)))
    whole_day = f" and cast({value} as time) = time '00:00:00'" if kind == "DATE" and "HH" in layout else ""
    return f"case when {shaped}{whole_day} then cast({value} as {kind}) end"


def _layout(prop: Property) -> str:
    return prop.format or MOMENTS[prop.type.upper()]


def _tokens(prop: Property) -> list[tuple[str, str]]:
    """The shape and strptime's specifier of each part of the property's format."""
    layout, at, seen, parts = _layout(prop), 0, set[str](), []
    while at < len(layout):
        token = _FORMAT_TOKEN.match(layout, at)
        letters = token["letters"] if token else None
        if token is None or (letters is not None and letters not in _FIELDS) or letters in seen:
            raise _refused(prop, f"{layout!r} is no format that we read", f"{' '.join(_FIELDS)}, each at most once")
        at = token.end()
        if letters:
            seen.add(letters)
            parts.append(_FIELDS[letters])
        else:
            plain = token["other"] or token["quoted"] or "'"
            parts.append((re.escape(plain), plain.replace("%", "%%")))
    needed, years = _WHOLE[prop.type.upper()]
    if not needed <= seen or len(seen & {"yyyy", "yy"}) != years:
        raise _refused(prop, f"{layout!r} does not make a whole {prop.type}", "every part of it, once")
    return parts


def _refused(prop: Property, what: str, expected: str) -> ContractError:
    return ContractError(what, line=prop.line, field=prop.name, expected=expected)
