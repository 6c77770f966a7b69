"""From a private copy of a delivery to two tables of text: `raw`, one row a record, and `rejected`, what is no record.

Nothing is interpreted yet: every column is VARCHAR and an empty field is an empty text. Every line of the file ends in
one of the two tables, and this is checked: lines and separators are counted in the bytes, and again in what came out.
DuckDB alone would skip empty lines, drop one separator too many at a line's end and take half a file as one bad row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from assets.sources.decoding import KEPT, Text, decode
from assets.sources.fixed_width import read_fixed
from assets.sources.json_lines import read_json_lines
from assets.sources.parquet_files import read_parquet
from assets.sources.raw import REJECTS, Filling, Raw, columns_of, differing, other_columns, refused, said_of
from data_contracts.contract import Contract, FileFormat
from liangcang.engine import Engine
from liangcang.errors import DeliveryError, EngineError
from liangcang.quoting import quoted

PACKED_ABOVE = 256_000_000
"""Bytes of text above which a delivery is kept in a packed file instead of memory."""
_NEWLINES = "(length({0}) - length(replace({0}, chr(10), '')))"
_DELIMITERS = "((length({0}) - length(replace({0}, $delimiter, ''))) // length($delimiter))"
_POSITION = "line_byte_position + strlen(csv_line) - strlen(ltrim(csv_line, chr(13) || chr(10))) - 1"
_LINE_TEXT = "trim(csv_line, chr(13) || chr(10))"
"""In files with CR LF the reader counts the line end before a faulty record to it."""


def read(
    engine: Engine,
    taken: Path,
    contract: Contract,
    form: FileFormat,
    *,
    file_name: str,
    raw: str = "raw",
    rejected: str = "rejected",
) -> Raw:
    """Read the private copy `taken` into the temporary tables `raw` and `rejected`, replacing what they held.

    `file_name` is what errors call the file. Raises DeliveryError for a file that is not whole, not text or not of the
    contract's shape; single faulty lines are no error here, they are rows of `rejected`. A file of no bytes, which `take`
    lets through only where the sender says so, has no rows in any layout.
    """
    columns = columns_of(contract, form)
    filling = Filling(engine=engine, columns=columns, file_name=file_name, raw=raw, rejected=rejected)
    if not taken.stat().st_size:
        return filling.filled(lines=0)
    if form.layout == "fixed":
        return read_fixed(filling, taken, contract, form)
    if form.layout == "jsonl":
        return read_json_lines(filling, taken, contract, form)
    if form.layout == "parquet":
        return read_parquet(filling, taken, contract, form)
    return _read_text(filling, taken, form)


def _read_text(filling: Filling, taken: Path, form: FileFormat) -> Raw:
    """Read text with a delimiter."""
    text = decode(taken, form, file_name=filling.file_name)
    try:
        if form.header:
            _check_header(text, filling.columns, form, filling.file_name)
        reading = _Reading(
            engine=filling.engine,
            text=text,
            columns=filling.columns,
            form=form,
            file_name=filling.file_name,
            raw=filling.raw,
            rejected=filling.rejected,
        )
        return reading.run()
    finally:
        if text.copied:
            text.path.unlink(missing_ok=True)


def _check_header(text: Text, columns: Sequence[str], form: FileFormat, file_name: str) -> None:
    """The header names the contract's columns in its order; capital letters do not matter, quotes neither."""
    found = [_unquoted(name, form.quote) for name in (text.header or "").split(form.delimiter)]
    wanted = [name.casefold() for name in columns]
    names = [name.casefold() for name in found]
    if names == wanted:
        return
    missing, extra = differing(columns, found)
    if len(missing) * 2 > len(columns):  # more than half are missing: it may be a row, and rows are never shown
        what, seen = (
            "the first line is not the header",
            f"{len(found)} fields, {len(columns) - len(missing)} of them column names",
        )
    elif missing or extra:
        what, seen = "the header is not the contract's", said_of(missing, extra)
    elif len(names) != len(set(names)):
        what, seen = (
            "the header names a column twice",
            ", ".join(sorted({name for name in names if names.count(name) > 1})),
        )
    else:
        what, seen = "the columns stand in another order", ", ".join(found)
    raise other_columns(file_name, what, columns, seen)


def _unquoted(name: str, quote: str) -> str:
    return name[1:-1] if quote and len(name) > 1 and name[0] == name[-1] == quote else name


@dataclass(frozen=True, kw_only=True)
class _Reject:
    """A faulty record: its byte position and line, the lines and separators in it, and what is wrong with it."""

    position: int
    line: int
    lines: int
    delimiters: int
    short: bool
    open_quote: bool


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """One pass of DuckDB over the text, and the proof that nothing fell out of it."""

    engine: Engine
    text: Text
    columns: tuple[str, ...]
    form: FileFormat
    file_name: str
    raw: str
    rejected: str

    @property
    def errors(self) -> str:
        return f"_{self.raw}_reading_errors"

    @property
    def scans(self) -> str:
        return f"_{self.raw}_reading_scans"

    @property
    def header(self) -> int:
        return int(self.form.header)

    def run(self) -> Raw:
        try:
            self._scan()
            counts = f"select (select count(*) from {quoted(self.raw)}), (select count(*) from {quoted(self.errors)})"
            rows, errors = self.engine.rows(counts)[0]
            rejects = self._rejects(errors) if errors else []
            self._not_cut(rows, rejects)
            in_values = self._lines_in_values(rows, rejects)
            self._separators(rows, rejects)
            if rejects or in_values:
                self._number(rejects, in_values=in_values)
            self._keep_rejects(rejects)
        finally:
            self.engine.rows(f"drop table if exists {quoted(self.errors)}; drop table if exists {quoted(self.scans)}")
        return Raw(
            raw=self.raw,
            rejected=self.rejected,
            columns=self.columns,
            rows=rows,
            rejects=len(rejects),
            lines=self.text.lines,
        )

    def _scan(self) -> None:
        """DuckDB's reader, told everything and left to guess nothing. Row numbers follow the order of the file."""
        names = ", ".join(map(quoted, self.columns))
        try:
            self._keep(
                f"""
                select row_number() over () as _row_no, row_number() over () + {self.header} as _line, {names}
                from read_csv(
                    $file, auto_detect = false, columns = $columns, delim = $delimiter, quote = $quote, escape = $quote,
                    comment = '', header = false, skip = {self.header}, encoding = 'utf-8',
                    force_not_null = $names, strict_mode = true, null_padding = false,
                    store_rejects = true, rejects_table = $errors, rejects_scan = $scans, rejects_limit = {REJECTS})
                """,
                file=str(self.text.path),
                columns=dict.fromkeys(self.columns, "VARCHAR"),
                names=list(self.columns),
                delimiter=self.form.delimiter,
                quote=self.form.quote,
                errors=self.errors,
                scans=self.scans,
            )
        except EngineError as error:
            if error.details.get("found") != "InvalidInputException":
                raise
            raise self._refused(
                "does not have the shape that the contract says",
                expected=self._shape(),
                found=f"text that cannot be split so; the reader's own words are in {error.details.get('file', 'no file')}",
            ) from None

    def _keep(self, rows: str, **named: object) -> None:
        """Keep rows as the text of the delivery; what is larger than memory goes into a packed file."""
        self.engine.keep(self.raw, rows, packed=self.text.path.stat().st_size > PACKED_ABOVE, **named)

    def _rejects(self, errors: int) -> list[_Reject]:
        """The faulty records in order of the file.

        Only their byte positions can be trusted: DuckDB 1.5 and 2.0 count lines wrong behind quoted line ends, and in
        files with CR LF once a buffer ends. So lines are counted here, in the bytes.
        """
        if errors >= REJECTS:
            raise self._refused(
                "does not have the shape that the contract says",
                expected=self._shape(),
                found=f"at least {errors:,} faulty lines",
            )
        found = self.engine.rows(
            f"""
            select
                {_POSITION}                                                          as position,
                max({_NEWLINES.format(_LINE_TEXT)}) + 1                              as lines,
                bool_or(error_type = 'MISSING COLUMNS')                              as short,
                bool_or(error_type in ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM'))  as open_quote,
                max({_DELIMITERS.format("csv_line")})                                as delimiters,
                any_value(left({_LINE_TEXT}, 40))                                    as start
            from {quoted(self.errors)}
            group by position
            order by position
            """,
            delimiter=self.form.delimiter,
        )
        starts = self._lines_at([(int(row[0]), str(row[-1])) for row in found])
        return [
            _Reject(
                position=position, line=line, lines=lines, delimiters=delimiters, short=short, open_quote=open_quote
            )
            for (position, lines, short, open_quote, delimiters, _), line in zip(found, starts, strict=True)
        ]

    def _lines_at(self, places: Sequence[tuple[int, str]]) -> Iterator[int]:
        """The line of each byte position, in one pass over the file; each must hold the text that was found there."""
        line, at = 1, 0
        with self.text.path.open("rb") as data:
            for position, start in places:
                while at < position and (chunk := data.read(min(1 << 20, position - at))):
                    line, at = line + chunk.count(b"\n"), at + len(chunk)
                wanted = start.encode()
                if data.read(len(wanted)) != wanted:
                    raise EngineError(
                        f"{self.file_name}: a rejected line does not stand where the reader says",
                        file=self.file_name,
                        line=line,
                        kept=KEPT,
                        next="this is our fault or DuckDB's, not the sender's: report it",
                    )
                data.seek(at)
                yield line

    def _not_cut(self, rows: int, rejects: Sequence[_Reject]) -> None:
        for reject in rejects:
            if reject.open_quote and reject.lines > 1:
                raise self._refused(
                    "a quote is opened and not closed in its place",
                    line=reject.line,
                    expected=f"{self.form.quote} around a whole field, and doubled inside it",
                    found=f"a field that runs on over {reject.lines:,} lines",
                )
        if not rows and len(rejects) > 1:
            raise self._refused(
                "does not have the shape that the contract says",
                expected=self._shape(),
                found=f"{len(rejects):,} lines, none of them of this shape",
            )
        last = rejects[-1] if rejects else None
        if last and (last.short or last.open_quote) and last.line + last.lines - 1 == self.text.lines:
            raise self._refused(
                "a file cut in mid-line",
                line=last.line,
                expected=f"{len(self.columns)} fields in the last line",
                found="fewer",
            )

    def _lines_in_values(self, rows: int, rejects: Sequence[_Reject]) -> bool:
        """Whether quoted fields hold line ends. Raises if lines were delivered that are no record at all."""
        covered = self.header + rows + sum(reject.lines for reject in rejects)
        if covered == self.text.lines:
            return False
        inside = 0
        if self.form.quote:
            per_row = " + ".join(_NEWLINES.format(quoted(column)) for column in self.columns)
            inside = int(self.engine.rows(f"select coalesce(sum({per_row}), 0)::bigint from {quoted(self.raw)}")[0][0])
        if covered + inside != self.text.lines:
            raise self._refused(
                "lines that are no record",
                expected=f"{covered + inside:,} lines for what was read",
                found=f"{self.text.lines:,} lines, {self.text.lines - covered - inside:,} of them empty",
            )
        return inside > 0

    def _separators(self, rows: int, rejects: Sequence[_Reject]) -> None:
        """A line with one separator too many at its end would pass as a whole one."""
        expected = rows * (len(self.columns) - 1) + sum(reject.delimiters for reject in rejects)
        if expected != self.text.delimiters and self.form.quote:
            per_row = " + ".join(_DELIMITERS.format(quoted(column)) for column in self.columns)
            inside = f"select coalesce(sum({per_row}), 0)::bigint from {quoted(self.raw)}"
            expected += int(self.engine.rows(inside, delimiter=self.form.delimiter)[0][0])
        if expected != self.text.delimiters:
            raise self._refused(
                "lines with a separator too many at their end",
                expected=self._shape(),
                found=f"{self.text.delimiters - expected:,} such lines",
            )

    def _number(self, rejects: Sequence[_Reject], *, in_values: bool) -> None:
        """Count rejected records and the line ends inside fields into the row and line numbers of the good rows."""
        own = " + ".join(["1", *(_NEWLINES.format(quoted(column)) for column in self.columns)])
        at = f"cast(sum({own}) over (order by _row_no) - ({own}) as bigint)" if in_values else "_row_no - 1"
        marks, before = {}, 0
        for count, reject in enumerate(rejects, start=1):
            good_lines = reject.line - self.header - 1 - before
            before += reject.lines
            marks[good_lines] = (count, before)  # of several at one place the last one counts them all
        with self._frame("marks", ("at", "records", "lines"), [(at, *mark) for at, mark in marks.items()]) as frame:
            self._keep(
                f"""
                with good as (select *, {at} as _at from {quoted(self.raw)})
                select
                    _row_no + coalesce(mark.records, 0)                as _row_no,
                    _at + coalesce(mark.lines, 0) + {self.header} + 1  as _line,
                    {", ".join(map(quoted, self.columns))}
                from good
                asof left join {frame} as mark on good._at >= mark.at
                """
            )

    def _keep_rejects(self, rejects: Sequence[_Reject]) -> None:
        """The table of rejected records, whole lines as they came, with the row numbers that the good rows leave."""
        if not rejects:
            shape = "(_row_no bigint, _line bigint, _text varchar)"
            self.engine.rows(f"create or replace temp table {quoted(self.rejected)} {shape}")
            return
        rows = [(number, reject.position, reject.line) for number, reject in enumerate(rejects, start=1)]
        with self._frame("rejects", ("number", "position", "line"), rows) as frame:
            self.engine.rows(
                f"""
                create or replace temp table {quoted(self.rejected)} as
                with faulty as (
                    select {_POSITION} as position, any_value({_LINE_TEXT}) as _text
                    from {quoted(self.errors)}
                    group by position
                ),
                placed as (
                    select reject.*, coalesce(good._row_no, 0) as row_before, coalesce(good._line, 0) as line_before
                    from {frame} as reject
                    asof left join {quoted(self.raw)} as good on reject.line > good._line
                )
                select
                    row_before + row_number() over (partition by line_before order by line) as _row_no,
                    line                                                                    as _line,
                    _text
                from placed
                join faulty using (position)
                order by _row_no
                """
            )

    @contextmanager
    def _frame(self, name: str, columns: Sequence[str], rows: Sequence[tuple[int, ...]]) -> Iterator[str]:
        """Whole numbers as a table of the engine, for as long as they are needed."""
        table = f"_{self.raw}_reading_{name}"  # nobody else's: a temporary table of that name would hide it
        self.engine.register(table, pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.Int64), orient="row"))
        try:
            yield quoted(table)
        finally:
            self.engine.rows(f"drop table {quoted(table)}")

    def _shape(self) -> str:
        return f"{len(self.columns)} fields between {self.form.delimiter!r}{f', quoted by {self.form.quote}' if self.form.quote else ''}"

    def _refused(self, what: str, *, expected: str, found: str, line: int | None = None) -> DeliveryError:
        return refused(self.file_name, what, expected=expected, found=found, line=line)
