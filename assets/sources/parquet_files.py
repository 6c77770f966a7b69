"""Parquet from partners, held to the contract's columns and types before a row of it is read.

A file that names another column, lacks one, or keeps one in a type from which the contract's cannot come exactly (a binary
number for money, a number for an account's digits, a moment of another time zone) is refused with the column's name. What
fits is read as the text that a text file would have held, so that the same rules judge it and quarantine shows it. A few
kilobytes can hold gigabytes: what a file unfolds to is counted first, and bounded by the contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assets.sources.places import Places, places_of
from assets.sources.raw import Filling, Raw, differing, other_columns, refused, said_of, shown
from data_contracts import cell
from data_contracts.contract import Contract, FileFormat, Property
from liangcang.engine import Engine
from liangcang.errors import DeliveryError, EngineError
from liangcang.quoting import quoted

WHOLE = frozenset(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"))
BINARY = frozenset(("FLOAT", "DOUBLE"))
MOMENTS = frozenset(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"))
FILES_FAULT = frozenset(
    (
        *("InvalidInputException", "IOException", "ConversionException", "OutOfRangeException", "InternalException"),
        *("SerializationException", "NotImplementedException", "Error", None),
    )
)
"""What the engine calls an error that a damaged file makes; None when it needed more memory than a sound one would."""
_SCALE = re.compile(r"DECIMAL\(\d+,(\d+)\)")
_SCIENTIFIC = r"^(-?)([0-9])(?:\.([0-9]+))?e([+-][0-9]+)$"
_FILE = "read_parquet($file, hive_partitioning = false, file_row_number = true)"
_ROW = "file_row_number"


@dataclass(frozen=True)
class _Column:
    """A value of the file: where it stands, its type there, and the column that takes it (None for a state's date)."""

    name: str
    path: str
    type: str
    prop: Property | None

    @property
    def value(self) -> str:
        return ".".join(map(quoted, self.path.split(".")))


def read_parquet(filling: Filling, taken: Path, contract: Contract, form: FileFormat) -> Raw:
    """Read a Parquet file. Raises DeliveryError for one that is damaged, too large or not of the contract's schema."""
    reading = _Reading(filling, taken, form)
    columns = reading.held(contract)
    rows = reading.bounded(columns)
    reading.fill(columns, rows)
    return filling.filled(lines=rows)


class _Reading:
    """One Parquet file and the engine that reads it."""

    def __init__(self, filling: Filling, taken: Path, form: FileFormat) -> None:
        self.filling, self.form = filling, form
        self.engine: Engine = filling.engine
        self.file = str(taken)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """A result over the file."""
        with self._files_fault():
            return self.engine.rows(sql, file=self.file)

    @contextmanager
    def _files_fault(self) -> Iterator[None]:
        """What the engine says against the file is the file's fault."""
        try:
            yield
        except EngineError as error:
            if error.details.get("found") not in FILES_FAULT:
                raise
            raise self.refused(
                "is no Parquet file that can be read",
                expected="a whole, unencrypted Parquet file",
                found=f"one that the reader refuses; its own words are in {error.details.get('file', 'no file')}",
            ) from None

    def refused(self, what: str, *, expected: str, found: str) -> DeliveryError:
        return refused(self.filling.file_name, what, expected=expected, found=found)

    def held(self, contract: Contract) -> list[_Column]:
        """The file's values in the order of the contract's columns, each of a type that fits."""
        places = places_of(contract, self.filling.columns)
        found = dict(self._leaves("", places))
        missing, extra = differing(list(places.by_path), list(found))
        if missing or extra:
            what = "the file's schema is not the contract's"
            raise other_columns(self.filling.file_name, what, list(places.by_path), said_of(missing, extra))
        types = {path.casefold(): kind for path, kind in found.items()}
        props = {prop.name: prop for prop in contract.properties}
        columns = [
            _Column(places.columns[at], path, types[path.casefold()], props.get(places.columns[at]))
            for path, at in places.by_path.items()
        ]
        for column in columns:
            if (expected := unfit(column.prop, column.type)) and self._says_anything(column):
                raise self.refused(
                    f"column {column.name} is of another type",
                    expected=f"{column.name} as {expected}",
                    found=shown(column.type),
                )
        return columns

    def _says_anything(self, column: _Column) -> bool:
        """Whether a column has a value. Where it has none a writer that guesses types had nothing to guess from."""
        return self.rows(f"select count({column.value}) from {_FILE}") != [(0,)]

    def _leaves(self, above: str, places: Places) -> Iterator[tuple[str, str]]:
        """The file's values with their types, those inside others by their path."""
        inside = ".".join(map(quoted, above.split(".")))
        source = f"(select {inside} as _inside from {_FILE})" if above else _FILE
        for name, kind, *_ in self.rows(f"describe select {'_inside.*' if above else '*'} from {source}"):
            path = f"{above}.{name}" if above else str(name)
            if path == _ROW:
                continue
            if str(kind).startswith("STRUCT(") and not str(kind).endswith("]") and path in places.above:
                yield from self._leaves(path, places)
            else:
                yield path, str(kind)

    def bounded(self, columns: list[_Column]) -> int:
        """The number of rows, after it was seen that they are no more than the contract allows, and all text is text."""
        texts = [column.value for column in columns if column.type == "VARCHAR"]
        (count,) = self.rows(f"select count(*) from {_FILE}")[0]
        rows = int(str(count))
        self._not_more(rows * len(columns))
        if texts and rows:
            length = " + ".join(f"coalesce(strlen({text}), 0)" for text in texts)
            (measured,) = self.rows(f"select sum({length})::bigint from {_FILE}")[0]
            self._not_more(int(str(measured)))
            nul = " or ".join(f"contains({text}, chr(0))" for text in texts)
            (faulty,) = self.rows(f"select min({_ROW} + 1) from {_FILE} where {nul}")[0]
            if faulty is not None:
                raise self.refused("a NUL byte", expected="text", found=f"a byte of value 0 in record {faulty}")
        return rows

    def _not_more(self, size: int) -> None:
        if size > self.form.max_bytes:
            raise self.refused(
                "larger than the contract allows",
                expected=f"at most {self.form.max_bytes:,} bytes",
                found=f"at least {size:,} bytes unfolded",
            )

    def fill(self, columns: list[_Column], rows: int) -> None:
        values = "".join(f", {text_of(column.prop, column.type, column.value)}" for column in columns)
        with self._files_fault():
            self.filling.select(rows, f"select {_ROW} + 1, {_ROW} + 1{values} from {_FILE}", file=self.file)


def unfit(prop: Property | None, kind: str) -> str | None:
    """The types from which a column's values come exactly, when `kind` is none of them; None when it is."""
    fits, expected = _FITTING[_family(prop)]
    if kind == "VARCHAR" or fits(kind, prop):
        return None
    return f"text or {expected}" if expected else "text"


def _family(prop: Property | None) -> str:
    kind = prop.type.upper() if prop else "DATE"
    return "DECIMAL" if kind.startswith("DECIMAL") else "WHOLE" if kind in cell.INTEGERS else kind


def _exact(kind: str, prop: Property | None) -> bool:
    """A number with as many decimals as it needs; none where the contract's own decimals are implied."""
    implied = prop is not None and prop.decimal_places is not None
    return kind in WHOLE or (kind.startswith("DECIMAL(") and not implied)


def _whole(kind: str, _: Property | None) -> bool:
    scale = _SCALE.fullmatch(kind)
    return kind in WHOLE or bool(scale and scale[1] == "0")


_FITTING: Mapping[str, tuple[Callable[[str, Property | None], bool], str]] = {
    "VARCHAR": (lambda _kind, _prop: False, ""),
    "DECIMAL": (_exact, "an exact number (DECIMAL or whole), never a binary one"),
    "WHOLE": (_whole, "a whole number"),
    "DOUBLE": (lambda kind, prop: kind in BINARY or _exact(kind, prop), "a number"),
    "BOOLEAN": (lambda kind, _: kind == "BOOLEAN", "true and false"),
    "DATE": (lambda kind, _: kind == "DATE" or kind in MOMENTS, "a date"),
    "TIME": (lambda kind, _: kind in ("TIME", "TIME_NS"), "a time of day without a zone"),
    "TIMESTAMP": (lambda kind, _: kind in MOMENTS, "a moment of local time, not adjusted to UTC"),
}


def text_of(prop: Property | None, kind: str, value: str) -> str:
    """The value as the text that a text file would have held, as SQL."""
    if kind == "VARCHAR":
        return value
    if unfit(prop, kind):
        return "cast(null as varchar)"
    if kind in BINARY:
        return _plain(f"cast({value} as varchar)")
    if prop is not None and prop.type.upper() in cell.MOMENTS:
        return cell.written(prop, value, kind)
    return f"cast({value} as varchar)"


def _plain(text: str) -> str:
    """The digits of a binary number without an exponent; they are the shortest that mean it."""
    part = [f"regexp_extract({text}, '{_SCIENTIFIC}', {n})" for n in range(5)]
    exponent = f"cast({part[4]} as integer)"
    small = f"{part[1]} || '0.' || repeat('0', -{exponent} - 1) || {part[2]} || {part[3]}"
    large = f"{part[1]} || {part[2]} || {part[3]} || repeat('0', greatest({exponent} - length({part[3]}), 0))"
    return (
        f"case when not regexp_matches({text}, '{_SCIENTIFIC}') then {text} "
        f"when {exponent} < 0 then {small} else {large} end"
    )
