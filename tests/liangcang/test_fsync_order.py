"""The order that survives power loss: a file is synced before its rename, a folder after it, all before the pointer.

Watched from outside by strace, where there is one, and from inside by wrapped calls. Both have a negative control:
with the syncs taken out, they must complain.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from warehouse_by_hand import ACCOUNT, D1, D2, TAGS, put

from liangcang.care import pin, rollback
from liangcang.place import create
from liangcang.store import Warehouse

Event = tuple[str, str, str]
"""What happened (write, sync, rename, make, remove), to which path, and for a rename to which other."""

PROGRAM = Path(__file__).with_name("publishing.py")
CALLS = "write,pwrite64,pwritev,fsync,fdatasync,rename,renameat,renameat2,link,linkat,mkdir,mkdirat,unlink,unlinkat"


def problems(events: Iterable[Event], root: Path) -> list[str]:
    """Where the order would not survive power loss. What is half-written or thrown away need not."""
    dirty: set[str] = set()
    folders: set[str] = set()
    pointer, scratch = str(root / "current.json"), str(root / "_staging" / "_scratch")
    found = []
    for what, path, other in events:
        if not path.startswith(str(root)):
            continue
        match what:
            case "write":
                dirty.add(path)
            case "sync":
                dirty.discard(path)
                folders.discard(path)
            case "remove":
                dirty.discard(path)
            case "make":
                folders.add(path.rpartition("/")[0])
            case "rename":
                if path in dirty:
                    found.append(f"renamed before it was synced: {path}")
                if other == pointer and (dirty or folders - {str(root)}):
                    found.append(f"published before it was synced: {sorted(dirty | folders - {str(root)})}")
                if not other.startswith(scratch):
                    folders.add(other.rpartition("/")[0])
    return found + [f"never synced: {path}" for path in sorted(dirty | folders)]


def from_strace(lines: Iterable[str]) -> Iterator[Event]:
    for line in lines:
        call = re.search(r"\b(\w+)\(", line)
        if not call or " = -1 " in line:
            continue
        name, quoted = call[1], re.findall(r'"((?:[^"\\]|\\.)*)"', line)
        on = re.search(r"\(\d+<([^>]+)>", line)
        if name in {"write", "pwrite64", "pwritev"} and on:
            yield "write", on[1], ""
        elif name in {"fsync", "fdatasync"} and on:
            yield "sync", on[1], ""
        elif name in {"rename", "renameat", "renameat2", "link", "linkat"}:
            yield "rename", quoted[0], quoted[1]
        elif name in {"mkdir", "mkdirat"}:
            yield "make", quoted[0], ""
        elif name == "unlink":
            yield "remove", quoted[0], ""


def watched(folder: Path, *left_out: str) -> tuple[list[Event], Path]:
    """What the operating system saw of `publishing.py`."""
    root, trace = folder / "warehouse", folder / "trace"
    root.mkdir()
    command = ["strace", "-f", "-y", "-s", "4096", "-e", f"trace={CALLS}", "-o", str(trace)]
    done = subprocess.run(
        [*command, sys.executable, "-B", str(PROGRAM), str(root), *left_out],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "ptrace" in done.stderr:
        pytest.skip("strace may not trace here")
    assert done.returncode == 0, done.stderr
    return list(from_strace(trace.read_text(errors="replace").splitlines())), root.resolve()


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")


@needs_strace
def test_nothing_is_pointed_to_before_it_is_synced(tmp_path: Path) -> None:
    events, root = watched(tmp_path)
    assert [event[2] for event in events if event[0] == "rename"].count(str(root / "current.json")) == 3
    assert any(path.endswith("/warehouse.duckdb") for _, _, path in events)
    assert problems(events, root) == []


@needs_strace
@pytest.mark.parametrize(("left_out", "complaint"), [("files", "renamed before"), ("folders", "published before")])
def test_strace_would_see_a_sync_that_is_missing(tmp_path: Path, left_out: str, complaint: str) -> None:
    events, root = watched(tmp_path, left_out)
    assert any(complaint in problem for problem in problems(events, root))


class Recorder:
    """Wraps the calls of `os` that write, and remembers them in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[Event] = []
        for name in ("write", "pwrite", "fsync"):
            self.wrap_descriptor(monkeypatch, name)
        for name in ("rename", "replace", "link", "mkdir", "unlink"):
            self.wrap_path(monkeypatch, name)

    def wrap_descriptor(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(os, name)

        def call(fd: int, *more: object) -> object:
            path = str(Path(f"/proc/self/fd/{fd}").readlink())
            self.events.append(("sync" if name == "fsync" else "write", path, ""))
            return real(fd, *more)

        monkeypatch.setattr(os, name, call)

    def wrap_path(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        real = getattr(os, name)

        def call(path: object, *more: object, **named: object) -> object:
            done = real(path, *more, **named)
            what = {"mkdir": "make", "unlink": "remove"}.get(name, "rename")
            self.events.append((what, str(path), str(more[0]) if what == "rename" else ""))
            return done

        monkeypatch.setattr(os, name, call)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch, no_catalogue: None) -> Recorder:
    return Recorder(monkeypatch)


def a_night(recorder: Recorder, wh: Warehouse) -> None:
    with wh.transaction("r1", atomic=True) as run:
        for table in (TAGS, ACCOUNT):
            file = run.path("x")
            recorder.events.append(("write", str(file), ""))  # as an engine does: without a sync
            file.write_text("x")
            run.stage(table, D1, file, rows=1)
        run.commit(nights={D1: {}})


def test_a_publication_syncs_in_order(recorder: Recorder, wh: Warehouse) -> None:
    recorder.events.clear()
    a_night(recorder, wh)
    assert ("rename", "current.json") in {(what, Path(other).name) for what, _, other in recorder.events}
    assert problems(recorder.events, wh.place.root) == []


def test_init_a_rollback_and_a_pin_sync_in_order(recorder: Recorder, wh: Warehouse, tmp_path: Path) -> None:
    a_night(recorder, wh)
    first = wh.current.id
    with wh.transaction("r2", atomic=False) as run:
        put(run, TAGS, D2, "y")
        run.commit()
    recorder.events.clear()
    rollback(wh, first)
    pin(wh, "audit", first)
    assert problems(recorder.events, wh.place.root) == []
    recorder.events.clear()
    (tmp_path / "new").mkdir()
    recorder.events.clear()
    create(tmp_path / "new", bank="demo")
    assert problems(recorder.events, tmp_path / "new") == []


@pytest.mark.parametrize(
    ("module", "complaint"),
    [
        ("liangcang.transaction", "published before it was synced"),
        ("liangcang.archive", "published before it was synced"),
        ("liangcang.durable", "published before it was synced"),
    ],
)
def test_the_recorder_would_see_a_folder_that_is_not_synced(
    recorder: Recorder, wh: Warehouse, monkeypatch: pytest.MonkeyPatch, module: str, complaint: str
) -> None:
    recorder.events.clear()
    monkeypatch.setattr(f"{module}.sync_folder", lambda path: None)
    a_night(recorder, wh)
    assert any(complaint in problem for problem in problems(recorder.events, wh.place.root))


def test_the_recorder_would_see_a_file_that_is_not_synced(
    recorder: Recorder, wh: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.events.clear()
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    a_night(recorder, wh)
    assert any("renamed before it was synced" in problem for problem in problems(recorder.events, wh.place.root))
