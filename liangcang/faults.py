"""From an exception of DuckDB to an error of ours: without a value, with what to do.

DuckDB prints the value that it could not convert, and values belong to customers. Its own words go to a file of
mode 0600 in the warehouse's `_faults` folder, named by their digest, so that the same fault is kept once; beyond
`MAX_FAULTS` the oldest go.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

import duckdb

from liangcang.errors import DiskError, EngineError, LiangcangError, SqlError

MAX_FAULTS = 200

_AUTHORS = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.SyntaxException)
_SPACE = re.compile(r"No space left|disk full|Disk quota|File too large", re.IGNORECASE)
_PERMISSION = re.compile(r"Permission denied|Read-only file system|Operation not permitted", re.IGNORECASE)
_LITERAL = re.compile(r"'((?:[^']|'')+)'")


def translate(error: duckdb.Error, what: str, *, sql: str, faults: Path | None, author: bool) -> LiangcangError:
    """Our error for one of DuckDB's. `author`: the SQL was just described, so that binding errors are its author's.

    Raise what this returns outside the `except` block: then the library's exception, with its value, is neither its
    cause nor its context, and no logger can print it.
    """
    file = keep(f"{what}\n\n{type(error).__name__}: {error}\n\n{sql}\n", faults)
    text = str(error)
    if author and isinstance(error, _AUTHORS):
        return SqlError(f"{what}: the SQL does not fit its inputs", file=file, found=_first_line(text, sql))
    if isinstance(error, _AUTHORS):
        return EngineError(f"{what}: the engine cannot run our own SQL", file=file, found=_first_line(text, sql))
    if isinstance(error, duckdb.InterruptException):
        return EngineError(f"{what}: stopped, it ran too long", file=file, next="look for a join without a condition")
    if isinstance(error, duckdb.OutOfMemoryException):
        return EngineError(
            f"{what}: needs more memory or spill than it is given",
            file=file,
            next="give the engine more memory or spill, or make the step smaller",
        )
    if isinstance(error, duckdb.IOException) and _SPACE.search(text):
        return DiskError(f"{what}: no space left on the disk", file=file, next="free space and run again")
    if isinstance(error, duckdb.IOException) and _PERMISSION.search(text):
        return DiskError(f"{what}: a file may not be read or written", file=file, next="look at owner and modes")
    if isinstance(error, duckdb.IOException) and "No files found" in text:
        return EngineError(f"{what}: a file is not there, or may not be seen", file=file, next="run fsck")
    if isinstance(error, duckdb.PermissionException):
        return EngineError(f"{what}: the sealed connection refused it", file=file, expected="inputs and SELECTs only")
    return EngineError(
        f"{what}: the engine failed over data",
        file=file,
        found=type(error).__name__,
        next="the file holds the engine's own words; it may name values, so treat it as the data itself",
    )


def keep(text: str, faults: Path | None) -> Path | None:
    """Write `text` to a file of mode 0600 below `faults`, once; None if there is no such folder."""
    if faults is None or not faults.is_dir():
        return None
    data = text.encode("utf-8", "replace")
    file = faults / f"engine-{hashlib.sha256(data).hexdigest()[:12]}.txt"
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as out:
            out.write(data)
    except FileExistsError:
        return file
    except OSError:  # a full disk must not hide the error that we are about to report
        return None
    _bound(faults)
    return file


def _bound(faults: Path) -> None:
    files = sorted(faults.glob("engine-*.txt"), key=_age)
    for file in files[:-MAX_FAULTS]:
        file.unlink(missing_ok=True)


def _age(file: Path) -> tuple[int, str]:
    try:
        return file.stat().st_mtime_ns, file.name
    except OSError:  # another process just removed it
        return 0, file.name


def _first_line(text: str, sql: str) -> str:
    """The first line of what DuckDB says of SQL, which names tables, columns and types, without the SQL's texts."""
    line = text.partition("\n")[0]
    for value in set(_LITERAL.findall(sql)):
        if len(value) > 3:
            line = line.replace(value, "…")
    return line
