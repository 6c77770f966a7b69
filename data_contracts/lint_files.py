"""Whether files can be found and read as a contract says: path patterns, encodings, delimiters, value patterns."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import FileFormat

ENCODINGS = re.compile(
    r"utf-8(-sig)?|gb18030|gbk|gb2312|big5|big5hkscs|ascii|iso8859-\d+|cp(125\d|437|850|852|936|950)"
)
PLACEHOLDER = re.compile(r"\{business_date:(?P<layout>[^{}]*)\}|\{sequence\}|\*")
LAYOUT = re.compile(r"(?:%[Ymdyj]|[-_.])+")
MAX_PATTERN = 500


def format_faults(form: FileFormat) -> Iterator[tuple[str, str]]:
    """What is wrong with how files are written: the field of the server, and why it cannot be read back."""
    yield from (("path", message) for message in path_faults(form))
    if not _known_encoding(form.encoding):
        yield "encoding", "not an encoding that we read (utf-8, gb18030, gbk, iso8859-2, cp1250, …)"
    if not 1 <= len(form.delimiter) <= 4 or set(form.delimiter) & set('\r\n"') or form.delimiter.isalnum():
        yield "delimiter", "one to four characters that cannot be mistaken for a value or a line's end"
    if len(form.quote) > 1 or form.quote in {"\r", "\n"} or (form.quote and form.quote in form.delimiter):
        yield "customProperties.quote", "one character, or none"
    if form.line_terminator not in {"\n", "\r\n"}:
        yield "customProperties.lineTerminator", 'expected "\\n" or "\\r\\n", in double quotes'
    if form.path.endswith(".gz") != (form.compression == "gzip"):
        yield "customProperties.compression", "the path ends in .gz if and only if the compression is gzip"
    if form.max_bytes < 1:
        yield "customProperties.maxBytes", "no file fits"


def path_faults(form: FileFormat) -> Iterator[str]:
    """What is wrong with the pattern by which files of a feed are found below landing."""
    fixed = PLACEHOLDER.sub("", form.path)
    if any(sign in fixed for sign in "{}?[]"):
        yield "knows *, {business_date:%Y%m%d} and {sequence}"
    if any(ord(sign) < 32 or sign in "\\~:" for sign in fixed):
        yield "has a character that no file name needs"
    parts = form.path.split("/")
    if any(part in ("", ".", "..") for part in parts) or "**" in form.path:
        yield "is relative to landing, without .. and empty parts"
    for place in PLACEHOLDER.finditer(form.path):
        layout = place["layout"]
        if layout is not None and not (LAYOUT.fullmatch(layout) and _whole_day(layout)):
            yield "a business date has year, month and day: {business_date:%Y%m%d}"
    if form.kind == "daily" and "{business_date:" not in form.path:
        yield "the path of a daily file has its {business_date:%Y%m%d}"


def _whole_day(layout: str) -> bool:
    return ("%Y" in layout or "%y" in layout) and ("%j" in layout or ("%m" in layout and "%d" in layout))


def _known_encoding(name: str) -> bool:
    try:
        return bool(ENCODINGS.fullmatch(codecs.lookup(name).name))
    except LookupError:
        return False


def pattern_fault(pattern: str) -> str | None:
    """Why a pattern cannot hold values. Patterns are RE2's, which needs linear time; DuckDB has the same library as
    arrow, which compiles it here. A value is matched as a whole, and the pattern says so.
    """
    if len(pattern) > MAX_PATTERN:
        return f"longer than {MAX_PATTERN} characters"
    try:
        pc.match_substring_regex(pa.nulls(1, pa.string()), pattern)
    except pa.ArrowInvalid as error:
        return f"no pattern of RE2 (no look-around, no back-reference): {str(error).rpartition(': ')[0]}"
    return None if anchored(pattern) else "matches the whole value, and says so: ^…$, alternatives in brackets"


def anchored(pattern: str) -> bool:
    """Whether a pattern begins with ^ and ends with $ in all its alternatives."""
    depth, in_class, at = 0, False, 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            at += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
            at += pattern[at + 1 : at + 2] == "]" or 2 * (pattern[at + 1 : at + 3] == "^]")
        elif sign == "|" and depth == 0:
            return False
        else:
            depth += (sign == "(") - (sign == ")")
        at += 1
    escaped = len(pattern[:-1]) - len(pattern[:-1].rstrip("\\"))
    return pattern.startswith("^") and pattern.endswith("$") and escaped % 2 == 0
