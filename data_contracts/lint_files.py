"""Whether files can be found and read as a contract says: path patterns, encodings, delimiters, value patterns."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from data_contracts.contract import Compression, Contract, Extract, FileFormat, Property

ENCODINGS = ("utf-8", "utf-8-sig", "ascii", "gb18030")
"""What deliveries are read in; GB18030 holds all of GBK and GB2312."""
PLACEHOLDER = re.compile(r"\{business_date:(?P<layout>[^{}]*)\}|\{sequence\}|\*")
LAYOUT = re.compile(r"(?:%[Ymdyj]|[-_.])+")
PATH = re.compile(r"[^\W\d][\w-]{0,62}(\.[^\W\d][\w-]{0,62}){0,7}")
TABLE = re.compile(r"[a-z_][a-z0-9_]{0,62}\.[a-z_][a-z0-9_]{0,62}")
CENTS = 2
NESTED = frozenset({"jsonl", "parquet"})
MAX_PATTERN = 500


def format_faults(form: FileFormat) -> Iterator[tuple[str, str]]:
    """What is wrong with how files are written: the field of the server, and why it cannot be read back."""
    yield from (("path", message) for message in path_faults(form))
    if not _known_encoding(form.encoding):
        yield "encoding", f"not an encoding that we read ({', '.join(ENCODINGS)}; gb18030 holds all of gbk)"
    if form.layout != "csv" and (form.header or form.quote):
        yield "format", f"a {form.layout} file has neither a header nor quotes"
    if not 1 <= len(form.delimiter) <= 4 or set(form.delimiter) & set('\r\n"') or form.delimiter.isalnum():
        yield "delimiter", "one to four characters that cannot be mistaken for a value or a line's end"
    if len(form.quote) > 1 or form.quote in {"\r", "\n"} or (form.quote and form.quote in form.delimiter):
        yield "customProperties.quote", "one character, or none"
    if form.line_terminator not in {"\n", "\r\n"}:
        yield "customProperties.lineTerminator", 'expected "\\n" or "\\r\\n", in double quotes'
    if form.compression != _packing(form.path):
        yield (
            "customProperties.compression",
            "the path ends in .gz if and only if the compression is gzip, and in .tar.gz if and only if it is tar.gz",
        )
    if form.member != "*" and form.compression != "tar.gz":
        yield "customProperties.member", "only an archive (tar.gz) has members"
    yield from (("customProperties.member", message) for message in _member_faults(form.member))
    if form.control != "none" and "." not in form.path.removesuffix(".gz").rpartition("/")[2].lstrip("."):
        yield "path", "data files beside control files need an ending of their own (.dat)"
    if form.max_bytes < 1:
        yield "customProperties.maxBytes", "no file fits"


def place_faults(contract: Contract, prop: Property) -> Iterator[tuple[str, str]]:
    """What is wrong with where a column's value stands in a record: its width, or its path."""
    layouts = {form.layout for form in contract.formats}
    if "fixed" in layouts and not prop.width:
        yield "byteWidth", "a column of a fixed-width file has its width in bytes of the file's encoding, from 1 on"
    if "fixed" not in layouts and prop.width is not None:
        yield "byteWidth", "only columns of a fixed-width file (format: fixed) have a width"
    if prop.path is None:
        return
    if not layouts & NESTED:
        yield "path", "only records of jsonl and parquet files have fields inside fields"
    if not PATH.fullmatch(prop.path):
        yield "path", "names with dots between them: customer.address.city"
    for other in contract.properties:
        one, path = other.path or other.name, prop.path
        if other is not prop and (one == path or one.startswith(f"{path}.") or path.startswith(f"{one}.")):
            yield "path", f"{other.name} stands there, or inside, or around it"


def extract_faults(contract: Contract, form: FileFormat, extract: Extract) -> Iterator[str]:
    """What is wrong with how a feed's files are made from a table."""
    if form.kind != "daily" or (form.layout, form.control, form.compression) != ("parquet", "flg", "none"):
        yield "what is made from a table is a daily Parquet file with a control file (control: flg), not packed"
    if "*" in form.path or "{sequence}" not in form.path:
        yield "the path of a file that is made says all of its name, {sequence} too, and has no *"
    if not TABLE.fullmatch(extract.table):
        yield "a table is called schema.table, in small letters"
    amount = contract.columns.get(contract.control_amount or "", "")
    if amount and int(amount.rstrip(")").partition(",")[2] or 0) > CENTS:
        yield "a control file says its sum with two decimals, and the column that it sums up has more"
    if (extract.since is None) != (contract.delivery == "full"):
        yield "what is delivered full is the whole table; events and changes need since: the column of their day"
    if extract.since is None:
        return
    if contract.columns.get(extract.since) not in ("DATE", "TIMESTAMP"):
        yield f"since is a column of type DATE or TIMESTAMP, not {extract.since}"
    if not contract.key:
        yield "rows that were late are known by their key, and there is none"


def _packing(path: str) -> Compression:
    return "tar.gz" if path.endswith(".tar.gz") else "gzip" if path.endswith(".gz") else "none"


def _member_faults(member: str) -> Iterator[str]:
    """What is wrong with the pattern of an archive's one member: a plain name, in which what is fixed is a name's."""
    fixed = PLACEHOLDER.sub("", member)
    if not member or any(sign in fixed for sign in "{}?[]/\\~:") or any(ord(sign) < 32 for sign in fixed):
        yield "a plain file name, with *, {business_date:%Y%m%d} and {sequence}"


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
    if max(form.path.count("{business_date"), form.path.count("{sequence")) > 1:
        yield "says its {business_date:%Y%m%d} or its {sequence} twice"
    if form.kind == "daily" and "{business_date:" not in form.path:
        yield "the path of a daily file has its {business_date:%Y%m%d}"


def _whole_day(layout: str) -> bool:
    return ("%Y" in layout or "%y" in layout) and ("%j" in layout or ("%m" in layout and "%d" in layout))


def _known_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name).name in ENCODINGS
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
