"""The unit of publication: what a run makes becomes visible together, or not at all.

    with warehouse.transaction(run_id, atomic=True) as transaction:
        file = transaction.path("tags.parquet")             # write it there, with any engine
        transaction.stage(TAGS, day, file, rows=rows)       # in place, synced, seen by nobody
        transaction.candidate().files("products.tags")      # what this run reads: base and staged
        transaction.commit(nights={day: {"deliveries": digest}})

A transaction is pinned to the manifest that stood when it began. At its commit, a table's date that somebody else
published since with other content is a conflict; everything else is merged.

An atomic transaction is known by its id: a retry with the same id finds what was staged before, and a commit that was
done is not done again. One that is not atomic is its object's own: it commits table by table, and nobody resumes it.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import re
import secrets
import shutil
import weakref
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from liangcang import archive, journal, roots, views
from liangcang.durable import (
    disk_error,
    is_full,
    make_folder,
    on_disk,
    own_umask,
    sync_folder,
    write_new,
)
from liangcang.durable import replace as replace_file
from liangcang.errors import BusyError, DiskError, UsageError, WarehouseError
from liangcang.filing import bring, table_folder
from liangcang.journal import Staged
from liangcang.locks import hold
from liangcang.manifest import REMEMBERED, Manifest, Night, TableVersion, canonical
from liangcang.merging import merged, prove_there, refuse_conflicts
from liangcang.place import Place
from liangcang.table import Entry, Table
from liangcang.view import View

log = logging.getLogger("liangcang")

ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")


@dataclass(frozen=True)
class Published:
    """How a commit ended: the manifest that readers see, and what this commit changed in it."""

    manifest: str
    changed: bool
    tables: tuple[str, ...] = ()
    entries: int = 0


class Transaction:
    """What one run stages and publishes. `base`: the manifest it is pinned to."""

    def __init__(self, place: Place, id: str, *, atomic: bool, resume: bool = False) -> None:
        """Begin, or go on with, the transaction of this id.

        `resume`: this is a retry, and what was staged before it must be there (or published). Raises WarehouseError
        when that is gone: the retry of a part would publish half a night.
        """
        if not ID.match(id):
            raise UsageError("a transaction's id is letters, digits, . _ and -", found=id)
        own_umask()
        self.id, self.atomic, self._place = id, atomic, place
        self.folder = place.staging / (id if atomic else f"{id}~{secrets.token_hex(4)}")
        if atomic and resume and not self.folder.exists() and not self.published:
            raise self._gone()
        with on_disk("begin a transaction", place.staging):
            if archive.unconfirmed_notes(place):
                archive.confirm(place)
            fd = self._enter()
            self._leave = weakref.finalize(self, os.close, fd)
            self._leave.atexit = False
            self._refuse_discarded()
            for name in ("entries", "files"):
                make_folder(self.folder / name, sync=False)
            self.base = self._pin()
            sync_folder(place.staging)
        self._told: dict[str, Table] = {}
        self._brought: set[str] = set()
        self._read: dict[str, Staged] = {}
        self._versions: dict[str, tuple[tuple[str, int, int], TableVersion]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self.failed(error)
        self.close()
        if isinstance(error, OSError) and is_full(error):
            raise disk_error("write what was to be staged", self._place.staging, error) from error

    def failed(self, error: BaseException) -> None:
        """A step failed: what nobody can resume, or what filled the disk, goes at once; a night stays for its retry.

        Whoever does not use `with` calls this, or the next step of the run commits what the failed one left.
        """
        if is_full(error) or not self.atomic:
            self.discard()

    def close(self) -> None:
        """Let go of the staging: of an atomic transaction it stays for a retry, until gc gives it up."""
        self._leave()
        if not self.atomic:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _gone(self) -> WarehouseError:
        return WarehouseError(
            "what this run had staged was thrown away",
            found=f"transaction {self.id}",
            kept="what was published stays published",
            next="run the night again from the beginning (re-execute all, not from the failure)",
        )

    def _refuse_discarded(self) -> None:
        if (self.folder / "discarded").exists():
            raise self._gone()

    def _enter(self) -> int:
        while True:
            make_folder(self.folder, sync=False)
            fd = hold(self.folder)
            with suppress(FileNotFoundError):
                if self.folder.stat().st_ino == os.fstat(fd).st_ino:
                    return fd
            os.close(fd)

    def _pin(self) -> Manifest:
        """One base for all processes of this id: whoever links the file first has said it."""
        path = self.folder / "base.json"
        with suppress(FileExistsError), self._place.sharing():
            if not path.exists():
                manifest = archive.current(self._place)
                write_new(path, canonical({"manifest": manifest.id}))
        return archive.load(self._place, json.loads(path.read_bytes())["manifest"])

    @property
    def published(self) -> str | None:
        """The manifest by which this id was published, if it was."""
        return archive.current(self._place).published.get(self.id)

    def staged(self) -> dict[str, Staged]:
        """What was staged and not yet committed, by table."""
        found: dict[str, Staged] = {}
        with suppress(FileNotFoundError), os.scandir(self.folder / "entries") as listed:
            for file in sorted(listed, key=attrgetter("name")):
                known = self._read.get(file.path) if file.name.endswith(".jsonl") else None
                if known and journal.is_as_read(file, known):
                    found[file.path] = known
                elif file.name.endswith(".jsonl") and (part := journal.read(Path(file.path), known=known)):
                    found[file.path] = part
        self._read = found
        return {part.table.name: part for part in found.values() if part.entries or part.facts}

    def candidate(self) -> View:
        """What this run reads: its base, and over it what it staged."""
        base = View(self._place, self.base)
        staged = {name: self._version(name, part, base) for name, part in self.staged().items()}
        return View(self._place, self.base, staged=staged)

    def _version(self, name: str, part: Staged, base: View) -> TableVersion:
        """A table with what is staged of it; made anew when more was staged."""
        stamp = self.base.id, part.inode, part.size
        known = self._versions.get(name)
        if known is None or known[0] != stamp:
            known = self._versions[name] = stamp, merged(part, base.version(name))
        return known[1]

    def path(self, name: str) -> Path:
        """A fresh path to write a file to, on the warehouse's filesystem and seen by nobody."""
        return self.folder / "files" / f"{secrets.token_hex(6)}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)}"

    def stage(
        self,
        table: Table,
        day: dt.date,
        file: Path,
        *,
        rows: int,
        inputs: Mapping[str, str] | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Take over a file that was written to `path` as the table's entry of a date.

        `inputs`: what it was made from, by name to digest (a few; many inputs make one digest); `note`: anything of
        JSON. When this returns, the file is where it stays, synced, and the entry is part of `candidate`.
        """
        entry = Entry(sha256="", rows=rows, bytes=0, inputs=dict(inputs or {}), note=dict(note or {}))
        return self.stage_many(table, [(file, {day: entry})])[day]

    def stage_many(self, table: Table, parts: Sequence[tuple[Path, Mapping[dt.date, Entry]]]) -> dict[dt.date, Entry]:
        """Stage several files of one table at once, each with the dates whose rows it holds: all of them, or none.

        Of each given entry `rows`, `inputs` and `note` count; digest and size are found here.
        """
        self._refuse_discarded()
        done: dict[dt.date, Entry] = {}
        try:
            with on_disk(f"stage {table.name}", self._place.data), self._place.sharing():
                folder, group = table_folder(self._place, table)
                lines = self._heading(table)
                for file, given in parts:
                    if self.folder not in file.parents:
                        raise WarehouseError("only a file below the transaction's folder can be staged", file=file)
                    entries, brought = bring(self._place, table, file, given, group=group)
                    self._brought.update({brought} if brought else ())
                    lines += [journal.entry_line(day, entry, brought=brought) for day, entry in entries.items()]
                    done |= entries
                sync_folder(folder)
                journal.append(journal.path(self.folder / "entries", table.name), lines)
        except DiskError:
            self.discard()
            raise
        self._told[table.name] = table
        return done

    def note(self, table: Table, facts: Mapping[str, Any]) -> None:
        """Note facts about a table as a whole; at the commit they are united with those that stand, one level deep."""
        self._refuse_discarded()
        lines = self._heading(table)
        with on_disk(f"note facts about {table.name}", self.folder):
            journal.append(journal.path(self.folder / "entries", table.name), [*lines, journal.facts_line(dict(facts))])
        self._told[table.name] = table

    def _heading(self, table: Table) -> list[bytes]:
        return [] if self._told.get(table.name) == table else [journal.table_line(table)]

    def commit(self, *, nights: Mapping[dt.date, Mapping[str, Any]] | None = None) -> Published:
        """Publish what was staged: one manifest, one pointer. Publishes nothing when nothing changed.

        `nights`: the dates that are complete with this commit, each with its record (the digest of its deliveries,
        feeds held back; no clock and no run id, so that the same night again is no change).

        Raises ConflictError when somebody else published other content for the same table and date; DiskError, after
        which nothing of this transaction is left; UnconfirmedError when all is published but perhaps not durable.
        """
        self._refuse_discarded()
        try:
            with on_disk("publish", self._place.root), self._place.sharing(), self._place.lock():
                staged = self.staged()
                published = self._publish(staged, nights or {})
        except DiskError:
            self.discard()
            raise
        self._clear(staged, published)
        views.refresh_quietly(self._place)
        return published

    def discard(self) -> None:
        """Throw away what was staged and not committed, and give back its space.

        An atomic transaction ends with it: half of a night must not be resumed.
        """
        brought = self._brought.union(*(part.brought for part in self.staged().values()))
        if self.atomic:
            with suppress(OSError):  # one step, which needs no space
                (self.folder / "entries").rename(self.folder / "discarded")
        for left in [*self.folder.glob("*/*")]:
            left.unlink(missing_ok=True)
        self._forget()
        try:
            with self._place.sweeping():
                last = archive.current(self._place).number  # what has a higher one was never published
                since = [id for id in archive.ids(self._place) if self.base.number <= archive.number(id) <= last]
                needed = roots.of_manifests(self._place, since) | roots.of_staging(self._place)
                needed |= roots.of(
                    self._place, map(archive.load_retired, archive.retired(self._place))
                )  # somebody may still read them
                for name in brought - needed:
                    (self._place.root / name).unlink(missing_ok=True)
        except BusyError:
            log.warning("%d files that nobody needs stay until the next gc", len(brought))

    def _forget(self) -> None:
        self._brought.clear()
        self._told.clear()
        self._read.clear()
        self._versions.clear()

    def _publish(self, staged: Mapping[str, Staged], nights: Mapping[dt.date, Mapping[str, Any]]) -> Published:
        now = archive.current(self._place)
        if self.atomic and (before := now.published.get(self.id)):
            try:
                archive.confirm(self._place)
            except DiskError as error:
                raise archive.unconfirmed(self._place, before) from error
            return Published(before, changed=False)
        here, base = View(self._place, now), View(self._place, self.base)
        changed: dict[str, TableVersion] = {}
        entries = 0
        for name, part in staged.items():
            old = here.version(name)
            refuse_conflicts(part, now=old, before=base.version(name), base=self.base.id)
            new = merged(part, old)
            if new != old:
                fresh = {day: e for day, e in part.entries.items() if old is None or old.entries.get(day) != e}
                prove_there(self._place, name, fresh)
                entries += len(fresh)
                changed[name] = new
        records = {day: json.loads(canonical(dict(record))) for day, record in nights.items()}
        if not changed and all(here.night(day) == record for day, record in records.items()):
            return Published(now.id, changed=False)
        self._sync_folders(changed.values())
        tables = archive.save_tables(self._place, changed.values())
        at = Night("", archive.save_record(self._place, records)) if records else None
        known = dict(list(now.published.items())[-REMEMBERED + 1 :])
        manifest = archive.succeed(
            self._place,
            now,
            tables={**now.tables, **tables},
            nights={**now.nights, **{day: at for day in records if at}},
            published={**known, self.id: ""} if self.atomic else now.published,
        )
        return Published(manifest.id, changed=True, tables=tuple(sorted(changed)), entries=entries)

    def _sync_folders(self, changed: Iterable[TableVersion]) -> None:
        """Sync the whole way down to the files: a folder above them may be new, and its maker killed before its sync."""
        for folder in sorted({self._place.data / version.table.layer for version in changed if version.entries}):
            sync_folder(folder)
        sync_folder(self._place.data)

    def _clear(self, staged: Mapping[str, Staged], published: Published) -> None:
        self._forget()
        if self.atomic:
            with suppress(FileNotFoundError):
                roots.remove(self._place, self.folder)
            return
        self.base = archive.load(self._place, published.manifest)
        with on_disk("clear the staging", self.folder):
            replace_file(self.folder / "base.json", canonical({"manifest": self.base.id}))
            for name, part in staged.items():
                journal.clear(journal.path(self.folder / "entries", name), size=part.size)
