"""Any order of runs, conflicts, crashes, rollbacks, pins and collections, against a model of dictionaries.

After every step: readers see what the model says, byte for byte; views that were opened earlier still show what they
showed; every run still reads its base and what it staged; fsck finds nothing; gc removed all that it may and no more.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from warehouse_by_hand import ACCOUNT, D1, D2, D3, D4, MEMORY, TAGS, contents, put

from liangcang import archive, views
from liangcang.care import fsck, gc, pin, pins, rollback, unpin
from liangcang.errors import ConflictError, WarehouseError
from liangcang.place import create
from liangcang.store import Warehouse
from liangcang.table import Table
from liangcang.transaction import Transaction
from liangcang.view import View

Content = Mapping[tuple[str, dt.date], str]
PLACES = [(TAGS, D3), (ACCOUNT, D3), (ACCOUNT, D4)]
"""Few, so that runs meet."""
Draw = Callable[..., Any]
ACTIONS = [
    *("a_run_begins", "a_run_goes_on", "a_run_goes_on", "another_run_publishes", "another_run_publishes"),
    *("collect", "collect", "a_day_goes_by", "roll_back", "pin_or_unpin", "a_published_run_is_asked_again"),
]
DAYS = [D2, D3, D4]


@dataclass
class Run:
    """What the model knows of a transaction."""

    id: str
    atomic: bool
    real: Transaction | None
    base: dict[tuple[str, dt.date], str]
    base_id: str
    staged: dict[tuple[str, dt.date], str] = field(default_factory=dict)
    nights: set[dt.date] = field(default_factory=set)


@dataclass(frozen=True)
class Kept:
    """What the model knows of a manifest."""

    content: Content
    nights: Mapping[dt.date, str]
    parent: str | None


class Nights(RuleBasedStateMachine):
    @initialize()
    def begin_with_an_empty_warehouse(self) -> None:
        self.folder = tempfile.mkdtemp(dir=MEMORY, prefix="liangcang-")
        self.wh = Warehouse(create(Path(self.folder), bank="demo"))
        first = self.wh.current.id
        self.current = first
        self.manifests: dict[str, Kept] = {first: Kept({}, {}, None)}
        self.pinned: dict[str, str] = {}
        self.open: list[Run] = []
        self.readers: list[tuple[View, Content]] = []
        self.done: set[str] = set()
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "wh"):
            self.look_over()
        for run in getattr(self, "open", []):
            if run.real is not None:
                run.real.close()
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder)

    # -- runs

    @rule(what=st.sampled_from(ACTIONS), data=st.data())
    def something_happens(self, what: str, data: st.DataObject) -> None:
        """One rule for all, because Hypothesis leaves whole rules out of most examples, and faults need many to meet."""
        getattr(self, what)(data.draw)

    def a_run_begins(self, draw: Draw) -> None:
        if len(self.open) < 3:
            run = self.begin(atomic=draw(st.booleans()), nights=draw(st.sets(st.sampled_from(DAYS), max_size=1)))
            self.stage(run, draw(st.sampled_from(PLACES)), draw(st.sampled_from("xy")))

    def a_run_goes_on(self, draw: Draw) -> None:
        if not self.open:
            return
        run, what = draw(st.sampled_from(self.open)), draw(st.sampled_from(["stage", "commit", "crash", "discard"]))
        if run.real is None:
            self.retry(run)
        elif what == "stage":
            self.stage(run, draw(st.sampled_from(PLACES)), draw(st.sampled_from("xy")))
        elif what == "commit":
            self.commit(run)
        elif what == "crash":
            self.crash(run)
        else:
            run.real.discard()
            self.leave(run)

    def another_run_publishes(self, draw: Draw) -> None:
        """From beginning to end, while the others are at theirs."""
        at, night = draw(st.sampled_from(PLACES)), draw(st.booleans())
        run = self.begin(atomic=night, nights={at[1]} if night else set())
        self.stage(run, at, draw(st.sampled_from("xyz")))
        self.commit(run)
        if run in self.open:
            self.leave(run)

    def begin(self, *, atomic: bool, nights: set[dt.date]) -> Run:
        self.count += 1
        id = f"r{self.count}"
        real = self.wh.transaction(id, atomic=atomic)
        run = Run(id, atomic, real, dict(self.manifests[self.current].content), self.current)
        run.nights = nights if atomic else set()
        self.open.append(run)
        return run

    def stage(self, run: Run, at: tuple[Table, dt.date], content: str) -> None:
        assert run.real is not None
        put(run.real, *at, content)
        run.staged[at[0].name, at[1]] = content

    def commit(self, run: Run) -> None:
        assert run.real is not None
        now = self.manifests[self.current]
        records = {day: {"deliveries": run.id} for day in run.nights}
        if any(now.content.get(at) not in (run.base.get(at), new) for at, new in run.staged.items()):
            with pytest.raises(ConflictError):
                run.real.commit(nights=records)
            return
        content = {**now.content, **run.staged}
        changes = content != now.content or bool(run.nights)
        published = run.real.commit(nights=records)
        assert published.changed == changes
        assert published.entries == sum(now.content.get(at) != new for at, new in run.staged.items())
        if changes:
            nights = {**now.nights, **dict.fromkeys(run.nights, published.manifest)}
            self.manifests[published.manifest] = Kept(content, nights, self.current)
            self.current = published.manifest
            self.done |= {run.id} if run.atomic else set()
            self.a_reader_comes()
        assert published.manifest == self.current
        if run.atomic:
            self.leave(run)
        else:
            run.base, run.base_id, run.staged = dict(self.manifests[self.current].content), self.current, {}

    def crash(self, run: Run) -> None:
        """The process is killed: what it held is let go, nothing is tidied up."""
        assert run.real is not None
        run.real._leave()
        run.real = None
        if not run.atomic:
            run.staged = {}

    def retry(self, run: Run) -> None:
        if run.real is None and run.atomic:
            run.real = self.wh.transaction(run.id, atomic=True, resume=True)
        elif run.real is None:
            self.leave(run)

    def a_published_run_is_asked_again(self, draw: Draw) -> None:
        if not self.done:
            return
        id = max(self.done)
        with self.wh.transaction(id, atomic=True) as again:
            assert not again.commit(nights={D1: {}}).changed
        assert self.wh.current.id == self.current

    def leave(self, run: Run) -> None:
        if run.real is not None:
            run.real.close()
        self.open.remove(run)

    # -- readers and care

    def look_over(self) -> None:
        assert [finding for finding in fsck(self.wh) if finding.level == "error"] == []

    def roll_back(self, draw: Draw) -> None:
        to = draw(st.sampled_from(sorted(self.manifests)))
        old, now = self.manifests[to], self.manifests[self.current]
        done = rollback(self.wh, to)
        assert done.changed == ((old.content, old.nights) != (now.content, now.nights))
        if done.changed:
            self.manifests[done.manifest] = Kept(old.content, old.nights, self.current)
            self.current = done.manifest
            self.a_reader_comes()

    def a_reader_comes(self) -> None:
        """And keeps what it sees now, whatever happens, until the day is over."""
        self.readers.append((self.wh.current, self.manifests[self.current].content))

    def pin_or_unpin(self, draw: Draw) -> None:
        name = draw(st.sampled_from("pq"))
        if name in self.pinned:
            unpin(self.wh, name)
            del self.pinned[name]
        else:
            self.pinned[name] = draw(st.sampled_from(sorted(self.manifests)))
            pin(self.wh, name, self.pinned[name])
        assert pins(self.wh.place) == self.pinned

    def a_day_goes_by(self, draw: Draw) -> None:
        """Files get a day older, and readers of yesterday have gone home."""
        self.readers = [(view, content) for view, content in self.readers if view.id == self.current]
        for folder in (self.wh.place.data, self.wh.place.manifests):
            for path in folder.rglob("*"):
                if path.is_file():
                    os.utime(path, (path.stat().st_mtime - 90_000,) * 2)

    def collect(self, draw: Draw) -> None:
        keep, grace = draw(st.integers(1, 2)), draw(st.sampled_from([0, 24]))
        kept = self.kept(keep)
        would = gc(self.wh, keep=keep, grace_hours=grace, dry_run=True)
        done = gc(self.wh, keep=keep, grace_hours=grace, dry_run=False)
        assert (would.retired, would.files, would.staging) == (done.retired, done.files, done.staging)
        assert set(done.retired) == set(self.manifests) - kept
        self.manifests = {id: self.manifests[id] for id in kept}
        if grace == 0:
            self.readers = [(view, content) for view, content in self.readers if view.id in kept]
            named = {(at, text) for id in kept for at, text in self.manifests[id].content.items()}
            named |= {(at, text) for run in self.open for at, text in run.staged.items()}
            there = {((f"{p.parent.parent.name}.{p.parent.name}", dt.date.fromisoformat(p.name[:10])), p.read_text())
                     for p in self.wh.place.data.rglob("*.parquet")}  # fmt: skip
            assert there == named

    def kept(self, keep: int) -> set[str]:
        """By the words of gc's docstring, and nothing else."""
        newest: list[str] = []
        id: str | None = self.current
        while id in self.manifests and len(newest) < keep:
            newest.append(id)
            id = self.manifests[id].parent
        nights = self.manifests[self.current].nights
        months = {nights[day] for day in nights if not any((d.year, d.month) == (day.year, day.month) and d > day for d in nights)}  # fmt: skip
        bases = {run.base_id for run in self.open if run.atomic or run.real}
        return (set(newest) | months | bases | set(self.pinned.values())) & set(self.manifests)

    # -- promises

    @invariant()
    def readers_see_what_the_model_says(self) -> None:
        if not hasattr(self, "wh"):
            return
        view = self.wh.current
        assert view.id == self.current
        assert contents(view) == self.manifests[self.current].content
        assert view.nights == sorted(self.manifests[self.current].nights)
        for day, id in self.manifests[self.current].nights.items():
            if id in self.manifests:
                assert contents(self.wh.manifest(published_on=day)) == self.manifests[id].content
            else:
                with pytest.raises(WarehouseError, match="not kept"):
                    self.wh.manifest(published_on=day)
        for old, content in self.readers:
            assert contents(old) == content
        assert set(archive.ids(self.wh.place)) == set(self.manifests)

    @invariant()
    def runs_read_their_base_and_what_they_staged(self) -> None:
        for run in getattr(self, "open", []):
            if run.real is not None:
                assert contents(run.real.candidate()) == {**run.base, **run.staged}


@pytest.fixture(autouse=True)
def _no_catalogue(no_catalogue: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "stale", lambda place: None)


TestNights = Nights.TestCase
TestNights.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
