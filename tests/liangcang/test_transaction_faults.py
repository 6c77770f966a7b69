"""A transaction on a full or lying disk: yesterday stays, and what is said is true."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from warehouse_by_hand import D1, D2, D3, PAYMENT, TAGS, contents, publish, put

from liangcang.care import fsck
from liangcang.errors import DiskError, UnconfirmedError, WarehouseError
from liangcang.place import create
from liangcang.store import Warehouse

pytestmark = pytest.mark.usefixtures("no_catalogue")


@pytest.mark.parametrize("when", ["staged file", "journal", "pointer"])
def test_a_full_disk_leaves_yesterday(wh: Warehouse, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    publish(wh, "r0", (TAGS, D1, "yesterday"), nights=(D1,))
    real = os.fsync

    def full(fd: int) -> None:
        path = str(Path(f"/proc/self/fd/{fd}").readlink())
        if {"staged file": "/files/", "journal": ".jsonl", "pointer": "_current.json"}[when] in path:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(fd)

    run = wh.transaction("r1", atomic=True)
    if when == "pointer":
        put(run, TAGS, D2, "today")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="disk is full") as caught:
        put(run, TAGS, D2, "today")
        run.commit(nights={D2: {}})
    monkeypatch.undo()
    assert caught.value.exit_code == 73
    assert "bytes free" in str(caught.value)
    assert contents(wh.current) == {(TAGS.name, D1): "yesterday"}
    assert {path.read_text() for path in wh.place.data.rglob("*.parquet")} == {"yesterday"}
    assert list(run.folder.glob("*/*")) == []
    with pytest.raises(WarehouseError, match="thrown away"):
        wh.transaction("r1", atomic=True)
    publish(wh, "r2", (TAGS, D2, "today"))
    assert contents(wh.current)[TAGS.name, D2] == "today"


def test_an_error_after_the_rename_is_not_called_failure(
    wh: Warehouse, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = os.fsync
    renamed = False
    real_replace = os.replace

    def replace(a: object, b: object) -> None:
        nonlocal renamed
        real_replace(a, b)  # type: ignore[arg-type]
        renamed = renamed or str(b).endswith("current.json")

    def broken(fd: int) -> None:
        if renamed and Path(f"/proc/self/fd/{fd}").readlink() == wh.place.root:
            raise OSError(errno.EIO, "Input/output error")
        real(fd)

    run = wh.transaction("r1", atomic=True)
    put(run, TAGS, D1, "tags")
    monkeypatch.setattr(os, "fsync", broken)
    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(UnconfirmedError) as caught:
        run.commit(nights={D1: {}})
    assert caught.value.exit_code == 76
    assert contents(wh.current) == {(TAGS.name, D1): "tags"}
    with pytest.raises(UnconfirmedError):  # the disk is still broken
        run.commit(nights={D1: {}})
    monkeypatch.undo()
    published = wh.current.id
    with wh.transaction("r1", atomic=True, resume=True) as retry:
        again = retry.commit(nights={D1: {}})
    assert (again.manifest, again.changed) == (published, False)
    assert f"publication {published} is durable now" in caplog.text
    assert [path.name for path in wh.place.faults.iterdir()] == [f"confirmed-{published}.json"]


def test_an_error_before_the_rename_is_a_failure_and_shows_yesterday(
    wh: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = wh.transaction("r1", atomic=True)
    put(run, TAGS, D1, "tags")
    monkeypatch.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
    with pytest.raises(DiskError):
        run.commit()
    monkeypatch.undo()
    assert contents(wh.current) == {}


def test_a_staged_file_that_vanished_is_not_published(wh: Warehouse) -> None:
    run = wh.transaction("r1", atomic=True)
    entry = put(run, TAGS, D1, "tags")
    (wh.place.root / entry.path(TAGS.name, D1)).unlink()
    with pytest.raises(WarehouseError, match="is gone"):
        run.commit()
    assert contents(wh.current) == {}


def test_the_torn_end_of_a_journal_is_cut_off(wh: Warehouse) -> None:
    run = wh.transaction("r1", atomic=True)
    put(run, TAGS, D1, "one")
    journal = next((run.folder / "entries").iterdir())
    with journal.open("ab") as file:
        file.write(b'{"day":"2026-10-30","entry":{"sha2')
    del run
    run = wh.transaction("r1", atomic=True)
    assert contents(run.candidate()) == {(TAGS.name, D1): "one"}
    put(run, TAGS, D3, "three")
    run.commit()
    assert contents(wh.current) == {(TAGS.name, D1): "one", (TAGS.name, D3): "three"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of two megabytes that is really full when it is full."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("by", ["the run itself", "somebody else"])
def test_a_disk_that_is_really_full_leaves_yesterday_and_its_space(small_disk: Path, by: str) -> None:
    root = small_disk / "warehouse"
    root.mkdir()
    wh = Warehouse(create(root, bank="demo"))
    publish(wh, "r0", (TAGS, D1, "yesterday"), nights=(D1,))
    with pytest.raises(DiskError, match="disk is full") as caught, wh.transaction("r1", atomic=True) as run:
        put(run, PAYMENT, D1, "x" * 500_000)
        if by == "somebody else":
            try:
                (small_disk / "foreign").write_bytes(b"x" * 2_000_000)
            except OSError:
                run.note(TAGS, {"accepted": {str(number): "x" * 100 for number in range(1000)}})
        put(run, TAGS, D2, "y" * 3_000_000)
    assert "bytes free" in str(caught.value)
    assert contents(wh.current) == {(TAGS.name, D1): "yesterday"}
    assert {path.read_text() for path in wh.place.data.rglob("*.parquet")} == {"yesterday"}
    (small_disk / "foreign").unlink(missing_ok=True)
    publish(wh, "r2", (TAGS, D2, "z" * 1_000_000))
    assert [finding for finding in fsck(wh) if finding.level != "warning"] == []
