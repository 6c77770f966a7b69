"""`warehouse.duckdb`: what analysts open. Views and macros over the published files of public tables, and no data.

    duckdb -readonly warehouse.duckdb "from products.customer_tags_on(date '2026-10-31')"

It is made from the manifest, as a new file that replaces the old one: who has the old one open keeps what it showed.
When it does not fit the pointer (a kill in between, a folder that was moved) the next writer makes it anew.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liangcang import archive
from liangcang.durable import PUBLIC_FILE, on_disk, replace, set_access, sync_folder
from liangcang.errors import EngineError, LiangcangError
from liangcang.manifest import canonical, sha256
from liangcang.place import Place
from liangcang.quoting import literal, quoted
from liangcang.table import Table
from liangcang.view import View

if TYPE_CHECKING:
    import duckdb

log = logging.getLogger("liangcang")


def statements(view: View) -> Iterator[str]:
    """The SQL that makes schema, views, macros and comments of the public tables."""
    names = view.tables(public=True)
    for layer in sorted({name.partition(".")[0] for name in names}):
        yield f"create schema {quoted(layer)}"
    for name in names:
        if version := view.version(name):
            yield from _of_table(version.table, view.paths(name))


def refresh(place: Place) -> bool:
    """Make the catalogue anew if it does not show what is published. Returns whether it did.

    Raises EngineError or DiskError; what is published does not depend on it.
    """
    while True:
        view = View(place, archive.current(place))
        wanted = content(view)
        if _built(place) == wanted:
            return False
        half = place.scratch / f"_catalogue.{secrets.token_hex(4)}.duckdb"
        try:
            with on_disk("make the catalogue", place.catalogue):
                _build(half, view, wanted)
                with place.lock():
                    if content(View(place, archive.current(place))) != wanted:
                        continue
                    half.replace(place.catalogue)
                    sync_folder(place.root)
                replace(_card(place), canonical({"content": wanted, **_stat(place.catalogue)}), via=place.scratch)
                return True
        finally:
            for left in place.scratch.glob(half.name + "*"):
                left.unlink(missing_ok=True)


def refresh_quietly(place: Place) -> None:
    """Refresh after a publication, which stands whether this succeeds or not."""
    try:
        refresh(place)
    except LiangcangError as error:
        log.warning("the catalogue is not up to date; the next writer makes it anew: %s", error)


def stale(place: Place) -> str | None:
    """What is wrong with the catalogue; None when it shows what is published."""
    if not place.catalogue.exists():
        return "there is none"
    wanted = content(View(place, archive.current(place)))
    try:
        with _open(place, place.catalogue, new=False) as con:
            found = con.execute("select content from main._meta").fetchall()
    except EngineError:
        return "it cannot be opened"
    return None if found == [(wanted,)] else "it shows another moment, or the folder was moved"


def content(view: View) -> str:
    """A digest of all that the catalogue is made from: the root folder and the versions of the public tables."""
    tables = {name: view.manifest.tables[name] for name in view.tables(public=True)}
    return sha256(canonical({"root": str(view.place.root), "tables": tables, "form": 1}))


def _of_table(table: Table, files: Sequence[Path]) -> Iterator[str]:
    layer, name, as_of = quoted(table.layer), quoted(table.short), quoted(table.short + "_on")
    yield f"create view {layer}.{name} as {_select(table, files)}"
    yield f"create macro {layer}.{as_of}(_day) as table {_select(table, files, day='_day')}"
    if table.title:
        yield f"comment on view {layer}.{name} is {literal(table.title)}"
    for column, comment in table.comments.items():
        if comment and column in table.columns:
            yield f"comment on column {layer}.{name}.{quoted(column)} is {literal(comment)}"


def _select(table: Table, files: Sequence[Path], *, day: str | None = None) -> str:
    """A table as a query, or as of the day that a macro's parameter names."""
    from liangcang.engine import parquet

    rows = f"select * from ({parquet(files, table.columns)})"
    if table.kind == "snapshot":
        return f"{rows} where business_date = {day}" if day else rows
    known = f"{rows} where business_date <= {day}" if day else rows
    if table.kind == "event":
        return known
    newest = f"row_number() over (partition by {', '.join(map(quoted, table.key))} order by business_date desc) = 1"
    alive = " where _op <> 'D'" if "_op" in table.columns else ""
    return f"select * from ({known} qualify {newest}){alive}"


def _build(half: Path, view: View, wanted: str) -> None:
    with _open(view.place, half, new=True) as con:
        for statement in statements(view):
            con.execute(statement)
        con.execute("create table main._meta as select ? as manifest, ? as root, ? as content",
                    [view.id, str(view.place.root), wanted])  # fmt: skip
    fd = os.open(half, os.O_RDONLY | os.O_CLOEXEC)
    try:
        set_access(fd, mode=PUBLIC_FILE, group=view.place.group)
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _open(place: Place, file: Path, *, new: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalogue's file as a connection. What this SQL says are names and paths: its errors may be shown."""
    import duckdb

    from liangcang.engine import catalogue

    try:
        with catalogue(file, folders=[place.data], new=new) as con:
            yield con
    except duckdb.Error as error:
        raise EngineError("the catalogue cannot be made or read", file=file, found=str(error)) from None


def _card(place: Place) -> Path:
    """Says which file the catalogue is and what it shows, so that nobody opens it to see that it is up to date."""
    return place.staging / "catalogue.json"


def _built(place: Place) -> str | None:
    with suppress(OSError, ValueError, KeyError):
        card: dict[str, Any] = json.loads(_card(place).read_bytes())
        wanted = str(card.pop("content"))
        return wanted if card == _stat(place.catalogue) else None
    return None


def _stat(path: Path) -> dict[str, int]:
    found = path.stat()
    return {"size": found.st_size, "changed": found.st_mtime_ns, "inode": found.st_ino}
