"""A file appears whole, synced and with its access, or not at all."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from liangcang.durable import disk_error, make_folder, on_disk, replace, write_new
from liangcang.errors import DiskError, WarehouseError


def test_a_new_file_never_overwrites(tmp_path: Path) -> None:
    write_new(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_replaced_file_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    os.umask(0o000)
    replace(tmp_path / "a", b"one", mode=0o640)
    os.umask(0o777)
    replace(tmp_path / "b", b"two", mode=0o640)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"} == {0o640}


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    replace(tmp_path / "a", b"old")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    with pytest.raises((OSError, DiskError), match=r"No space|disk is full"):
        replace(tmp_path / "a", b"new")
    monkeypatch.undo()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_the_half_written_file_lies_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    seen: list[Path] = []
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(Path(a)), real(a, b)))
    replace(tmp_path / "a", b"x", via=tmp_path / "scratch")
    assert [path.parent.name for path in seen] == ["scratch"]


def test_a_folder_gets_its_mode_and_keeps_it(tmp_path: Path) -> None:
    make_folder(tmp_path / "public", mode=0o2750)
    (tmp_path / "public").chmod(0o700)
    make_folder(tmp_path / "public", mode=0o2750)
    assert stat.S_IMODE((tmp_path / "public").stat().st_mode) == 0o2750


def test_no_folder_is_made_on_the_way(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        make_folder(tmp_path / "not_mounted" / "data")
    assert not (tmp_path / "not_mounted").exists()


def test_a_full_disk_says_what_is_needed_and_what_is_free(tmp_path: Path) -> None:
    error = disk_error("publish", tmp_path, OSError(errno.ENOSPC, "No space left on device"), needed=1234)
    assert isinstance(error, DiskError)
    assert error.exit_code == 73
    assert "1,234 bytes" in str(error)
    assert "bytes free" in str(error)


def test_a_forbidden_write_says_to_whom(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="Permission denied") as caught:
        with on_disk("write", tmp_path):
            raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "x"))
    assert f"user {os.geteuid()}" in str(caught.value)
    assert str(tmp_path / "x") in str(caught.value)


def test_an_error_of_ours_passes_through(tmp_path: Path) -> None:
    with pytest.raises(WarehouseError, match="ours"):
        with on_disk("write", tmp_path):
            raise WarehouseError("ours")


def test_a_file_that_does_not_fit_names_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
    with pytest.raises(DiskError, match="could not write a: the disk is full") as caught:
        write_new(tmp_path / "a", b"x" * 12345)
    assert "12,345 bytes" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
