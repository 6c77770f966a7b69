"""Kill a program at every line that it runs in `liangcang/`, and look at what is left.

    python killed.py SCENARIO FOLDER lines|changes

A process of its own, because a fork of one that runs threads (DuckDB, polars) may hang. Every child gets a fresh copy
of the same warehouse and is killed at another line; the parent looks at what it left as a reader, then as the next run.
`changes` leaves out the lines before which nothing changed on disk since the last one: what a kill leaves there is the
same. Prints how many points were tried.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from warehouse_by_hand import ACCOUNT, D1, D2, D3, TAGS, contents, publish, put

import liangcang
from liangcang import archive, registry, views
from liangcang.care import fsck, gc, pin, pins, rollback
from liangcang.errors import LiangcangError, NotMountedError, WarehouseError
from liangcang.place import create
from liangcang.store import Warehouse

PACKAGE = str(Path(liangcang.__file__).parent)
OLD = {(TAGS.name, D1): "old", (ACCOUNT.name, D1): "old"}
NEW = OLD | {(TAGS.name, D2): "new", (ACCOUNT.name, D2): "new", (ACCOUNT.name, D1): "restated"}


def run(program: Callable[[Path], object], root: Path, at_line: Callable[[int], None]) -> int:
    """Run in a child that calls `at_line` before each line of ours with its number; return how it ended."""
    if pid := os.fork():
        return os.waitpid(pid, 0)[1]
    lines = 0

    def trace(frame: FrameType, event: str, arg: object) -> object:
        nonlocal lines
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            lines += 1
            at_line(lines)
        return trace

    try:
        sys.settrace(trace)  # type: ignore[arg-type]
        program(root)
        sys.settrace(None)
        at_line(0)
    except BaseException as error:  # noqa: BLE001 a child must never come back
        sys.settrace(None)
        sys.stderr.write(f"line {lines}: {error!r}\n")
        os._exit(1)
    os._exit(0)


def points(program: Callable[[Path], object], root: Path, *, every: bool) -> list[int]:
    """The numbers of the lines to be killed at."""
    came_back, answer = os.pipe()
    before: list[object] = []
    with os.fdopen(answer, "w") as out:

        def at_line(number: int) -> None:
            state = [(path, at.st_size, at.st_mtime_ns, at.st_mode) for path in sorted(root.rglob("*")) for at in [path.lstat()]]  # fmt: skip
            if every or state != before:
                before[:] = state
                out.write(f"{number}\n")
                out.flush()

        status = run(program, root, at_line)
    if status != 0:
        raise SystemExit("the program fails by itself")
    with os.fdopen(came_back) as said:
        return [int(line) for line in said]


def kill(n: int) -> Callable[[int], None]:
    def at_line(number: int) -> None:
        if number == n:
            os.kill(os.getpid(), signal.SIGKILL)

    return at_line


def at_every_line(template: Path, program: Callable[[Path], object], check: Callable[[Path], None], *, every: bool) -> int:  # fmt: skip
    trial = template.with_name("trial")
    shutil.copytree(template, trial)
    tried = points(program, trial, every=every)
    for n in tried:
        root = template.with_name(f"at-{n}")
        shutil.copytree(template, root)
        if run(program, root, kill(n)) not in (0, signal.SIGKILL):
            raise SystemExit(f"the program failed, line {n}")
        try:
            check(root)
        except BaseException:
            sys.stderr.write(f"killed at line {n} of {program.__name__}, see {root}\n")
            raise
        shutil.rmtree(root)
    return len(tried)


def sound(root: Path, *, litter: bool) -> Warehouse:
    wh = Warehouse.open(root)
    found = fsck(wh)
    assert [one for one in found if one.level == "error" or not litter] == [], found
    return wh


def after_gc(wh: Warehouse) -> None:
    """Nothing is left over once gc went through."""
    gc(wh, keep=1, grace_hours=0, dry_run=False)
    sound(wh.place.root, litter=False)
    assert not list(wh.place.scratch.iterdir())


# -- a night: staged in part, killed while it stages the rest and publishes


def published_once(root: Path) -> Warehouse:
    root.mkdir()
    wh = Warehouse(create(root, bank="demo"))
    publish(wh, "r1", (TAGS, D1, "old"), (ACCOUNT, D1, "old"), nights=(D1,))
    return wh


def half_staged(root: Path) -> None:
    with published_once(root).transaction("r2", atomic=True) as run:
        put(run, TAGS, D2, "new")
        run.note(TAGS, {"accepted": {"x": 1}})


def night(root: Path) -> None:
    with Warehouse.open(root).transaction("r2", atomic=True, resume=True) as run:
        put(run, ACCOUNT, D2, "new")
        put(run, ACCOUNT, D1, "restated")
        run.commit(nights={D2: {"deliveries": "abc"}})


def one_night_or_the_other(root: Path) -> None:
    wh = sound(root, litter=True)
    assert contents(wh.current) in (OLD, NEW)
    assert (wh.current.night(D2) is not None) == (contents(wh.current) == NEW)
    night(root)
    assert contents(wh.current) == NEW
    assert wh.current.manifest.number == 2, "published twice"
    after_gc(wh)


def single(root: Path) -> None:
    with Warehouse.open(root).transaction("r2", atomic=False) as run:
        put(run, TAGS, D2, "new")
        put(run, ACCOUNT, D2, "new")
        put(run, ACCOUNT, D1, "restated")
        run.commit()


def one_table_or_the_other(root: Path) -> None:
    wh = sound(root, litter=True)
    assert contents(wh.current) in (OLD, NEW)
    single(root)
    assert contents(wh.current) == NEW
    after_gc(wh)


def discard(root: Path) -> None:
    Warehouse.open(root).transaction("r2", atomic=True).discard()


def whole_or_thrown_away(root: Path) -> None:
    wh = sound(root, litter=True)
    assert contents(wh.current) == OLD
    try:
        with wh.transaction("r2", atomic=True, resume=True) as run:
            assert contents(run.candidate()) == OLD | {(TAGS.name, D2): "new"}
            run.discard()
    except WarehouseError as error:
        assert "thrown away" in str(error)
    after_gc(wh)
    assert {path.read_text() for path in wh.place.data.rglob("*.parquet")} == {"old"}


# -- care


def three_nights(root: Path) -> None:
    wh = published_once(root)
    publish(wh, "r2", (ACCOUNT, D1, "restated"), (TAGS, D2, "new"), (ACCOUNT, D2, "new"), nights=(D2,))


def roll_back(root: Path) -> None:
    rollback(Warehouse.open(root), D1)


def rolled_back_or_not(root: Path) -> None:
    wh = sound(root, litter=True)
    assert contents(wh.current) in (OLD, NEW)
    roll_back(root)
    assert contents(wh.current) == OLD
    assert wh.current.manifest.number == 3
    after_gc(wh)


def much_to_collect(root: Path) -> None:
    wh = published_once(root)
    pin(wh, "first", wh.current.id)
    for number in range(2):
        publish(wh, f"n{number}", (TAGS, D3, str(number)), (ACCOUNT, D1, "restated"))
    gc(wh, keep=1, grace_hours=24, dry_run=False)
    publish(wh, "r2", (TAGS, D3, "2"), (TAGS, D2, "new"), (ACCOUNT, D2, "new"))
    run = wh.transaction("forgotten", atomic=True)
    put(run, TAGS, D3, "forgotten")
    run.close()
    for path in [*run.folder.rglob("*"), run.folder]:
        os.utime(path, (time.time() - 30 * 86400,) * 2)


def collect(root: Path) -> None:
    gc(Warehouse.open(root), keep=1, grace_hours=0, dry_run=False)


def nothing_needed_is_lost(root: Path) -> None:
    wh = sound(root, litter=True)
    assert contents(wh.current) == NEW | {(TAGS.name, D3): "2"}
    assert contents(wh.manifest(id=pins(wh.place)["first"])) == OLD
    after_gc(wh)
    assert len(list(wh.place.data.rglob("*.parquet"))) == len(set(OLD.items()) | set(NEW.items())) + 1
    assert len(archive.ids(wh.place)) == 2


def pin_it(root: Path) -> None:
    wh = Warehouse.open(root)
    pin(wh, "audit", wh.current.id)


def pinned_or_not(root: Path) -> None:
    wh = sound(root, litter=True)
    assert pins(wh.place) in ({}, {"audit": wh.current.id})
    pin_it(root)
    after_gc(wh)


def register_it(root: Path) -> None:
    files = {"model.bin": b"new" * 9, "card.md": b"# card"}
    place = Warehouse.open(root).place
    registry.register(place, "churn", "v1", files, facts={}, stage="candidate", by="me", reason="new")


def registered_or_not(root: Path) -> None:
    wh = sound(root, litter=True)
    assert (wh.place.models / "churn" / "v1").exists() >= bool(registry.stages(wh.place, "churn"))
    register_it(root)
    assert len(registry.stages(wh.place, "churn")) == 1
    assert registry.find(wh.place, "churn", "v1").read("model.bin") == b"new" * 9
    after_gc(wh)


def empty(root: Path) -> None:
    root.mkdir()


def initialise(root: Path) -> None:
    create(root, bank="demo")


def made_or_not(root: Path) -> None:
    try:
        Warehouse.open(root)
    except NotMountedError:
        initialise(root)
    wh = sound(root, litter=True)
    publish(wh, "r1", (TAGS, D1, "x"))
    after_gc(wh)


def make_catalogue(root: Path) -> None:
    views.refresh(Warehouse.open(root).place)


def none_or_right(root: Path) -> None:
    """In a child again: this process must not run DuckDB's threads."""

    def look(root: Path) -> None:
        import duckdb

        wh = Warehouse.open(root)
        if wh.place.catalogue.exists():
            assert LOOK(wh.place) in (None, "it shows another moment, or the folder was moved")
        make_catalogue(root)
        assert LOOK(wh.place) is None
        with duckdb.connect(str(wh.place.catalogue), read_only=True) as con:
            assert con.execute("select view_name from duckdb_views() where not internal").fetchall() == [("customer_tags",)]  # fmt: skip
        assert not list(root.glob("*.wal"))
        after_gc(wh)

    assert run(look, root, lambda number: None) == 0


def with_a_catalogue(root: Path) -> None:
    """An older one, made in a child. The libraries are imported here, once for all children: that starts no thread."""
    import liangcang.engine  # noqa: F401

    published_once(root)
    assert run(make_catalogue, root, lambda number: None) == 0
    publish(Warehouse.open(root), "r2", (TAGS, D2, "new"))


LOOK = views.stale
SCENARIOS = {
    "catalogue": (with_a_catalogue, make_catalogue, none_or_right),
    "night": (half_staged, night, one_night_or_the_other),
    "single": (published_once, single, one_table_or_the_other),
    "discard": (half_staged, discard, whole_or_thrown_away),
    "rollback": (three_nights, roll_back, rolled_back_or_not),
    "gc": (much_to_collect, collect, nothing_needed_is_lost),
    "pin": (published_once, pin_it, pinned_or_not),
    "register": (published_once, register_it, registered_or_not),
    "create": (empty, initialise, made_or_not),
}

if __name__ == "__main__":
    views.refresh_quietly = lambda place: None
    views.stale = lambda place: None
    prepare, program, check = SCENARIOS[sys.argv[1]]
    folder = Path(sys.argv[2])
    prepare(folder / "template")
    try:
        sys.stdout.write(f"{at_every_line(folder / 'template', program, check, every=sys.argv[3] == 'lines')}\n")
    except LiangcangError as error:
        raise SystemExit(str(error)) from error
