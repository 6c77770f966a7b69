from __future__ import annotations

import gzip
import hashlib
import os
import resource
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources.take import CHUNK, take
from data_contracts.contract import Compression
from liangcang.errors import DeliveryError, DiskError, LiangcangError, UnsteadyDelivery

ROWS = b"330327199001011234|10.00\n" * 400
MAX = 1_000_000


def refused(
    src: Path, dst: Path, *, what: str, packed: Compression = "none", max_bytes: int = MAX, **said: Any
) -> LiangcangError:
    """The error with which `src` is refused; it must say what is kept and what to do, leave nothing and show no value."""
    with pytest.raises(DeliveryError, match=what) as caught:
        take(src, dst, max_bytes=max_bytes, packed=packed, **said)
    assert {"file", "expected", "found", "kept", "next"} <= caught.value.details.keys()
    assert caught.value.details["file"] == str(src)
    assert "330327199001011234" not in str(caught.value)
    assert not os.path.lexists(dst)
    return caught.value


@pytest.fixture
def src(tmp_path: Path) -> Path:
    return tmp_path / "feed.dat"


@pytest.fixture
def dst(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def test_what_is_kept_is_what_came_with_both_digests(src: Path, dst: Path) -> None:
    src.write_bytes(ROWS)
    taken = take(src, dst, max_bytes=MAX)
    assert dst.read_bytes() == src.read_bytes() == ROWS
    assert taken.came_sha256 == taken.kept_sha256 == hashlib.sha256(ROWS).hexdigest()
    assert taken.size == len(ROWS)


def test_an_archive_is_kept_unpacked_and_digested_both_ways(src: Path, dst: Path) -> None:
    src.write_bytes(gzip.compress(ROWS))
    taken = take(src, dst, max_bytes=MAX, packed="gzip")
    assert dst.read_bytes() == ROWS
    assert taken.came_sha256 == hashlib.sha256(src.read_bytes()).hexdigest()
    assert taken.kept_sha256 == hashlib.sha256(ROWS).hexdigest()


def test_the_copy_is_for_the_owner_only(src: Path, dst: Path) -> None:
    src.write_bytes(ROWS)
    src.chmod(0o644)
    take(src, dst, max_bytes=MAX)
    assert dst.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
@pytest.mark.parametrize("level", [0, 9])
def test_archives_come_out_whole_whatever_their_size(src: Path, dst: Path, size: int, level: int) -> None:
    data = (ROWS * (size // len(ROWS) + 1))[:size]
    src.write_bytes(gzip.compress(data, level))
    assert take(src, dst, max_bytes=size, packed="gzip").size == size
    assert dst.read_bytes() == data


@settings(deadline=None)
@given(data=st.binary(min_size=1, max_size=5000), level=st.integers(0, 9))
def test_any_bytes_come_out_as_they_went_in(tmp_path_factory: pytest.TempPathFactory, data: bytes, level: int) -> None:
    folder = tmp_path_factory.mktemp("take")
    (folder / "a.gz").write_bytes(gzip.compress(data, level))
    take(folder / "a.gz", folder / "kept", max_bytes=5000, packed="gzip")
    assert (folder / "kept").read_bytes() == data


def test_an_empty_file_is_not_a_delivery(src: Path, dst: Path) -> None:
    src.write_bytes(b"")
    assert "0 bytes" in refused(src, dst, what="an empty file is not a delivery").details["found"]


def test_an_archive_of_nothing_is_not_a_delivery(src: Path, dst: Path) -> None:
    src.write_bytes(gzip.compress(b""))
    refused(src, dst, what="an empty file is not a delivery", packed="gzip")


def test_a_sender_who_says_so_may_deliver_nothing(src: Path, dst: Path) -> None:
    packings: dict[Compression, bytes] = {"none": b"", "gzip": gzip.compress(b"")}
    for packed, sent in packings.items():
        src.write_bytes(sent)
        taken = take(src, dst, max_bytes=MAX, packed=packed, may_be_empty=True)
        assert (taken.size, taken.came_size, dst.read_bytes()) == (0, len(sent), b"")
        assert taken.kept_sha256 == hashlib.sha256(b"").hexdigest()
        dst.unlink()


def test_a_gzip_file_of_no_bytes_is_cut_and_not_empty(src: Path, dst: Path) -> None:
    src.write_bytes(b"")
    refused(src, dst, what="cut", packed="gzip", may_be_empty=True)


def test_a_gzip_file_with_a_wrong_crc_is_refused(src: Path, dst: Path) -> None:
    packed = bytearray(gzip.compress(ROWS))
    packed[-8] ^= 1
    src.write_bytes(packed)
    refused(src, dst, what="damaged gzip", packed="gzip")


def test_a_gzip_file_with_a_wrong_length_is_refused(src: Path, dst: Path) -> None:
    packed = bytearray(gzip.compress(ROWS))
    packed[-1] ^= 1
    src.write_bytes(packed)
    refused(src, dst, what="damaged gzip", packed="gzip")


@pytest.mark.parametrize("lost", [1, 8, 9, 40])
def test_a_gzip_file_that_was_cut_is_refused(src: Path, dst: Path, lost: int) -> None:
    src.write_bytes(gzip.compress(ROWS)[:-lost])
    refused(src, dst, what="cut", packed="gzip")


@pytest.mark.parametrize(
    "more", [b"\0", b"more", gzip.compress(b"a second member", mtime=0)], ids=["nul", "text", "member"]
)
def test_bytes_after_the_end_of_a_gzip_file_are_refused(src: Path, dst: Path, more: bytes) -> None:
    src.write_bytes(gzip.compress(ROWS) + more)
    refused(src, dst, what="more after its end", packed="gzip")


def test_bytes_after_the_end_are_seen_across_a_chunk(src: Path, dst: Path) -> None:
    head = gzip.compress(os.urandom(CHUNK), 0)
    src.write_bytes(head + b"x" * CHUNK)
    refused(src, dst, what="more after its end", packed="gzip", max_bytes=10 * CHUNK)


def test_text_that_should_be_gzip_is_refused(src: Path, dst: Path) -> None:
    src.write_bytes(ROWS)
    refused(src, dst, what="damaged gzip", packed="gzip")


def test_another_packing_than_gzip_is_refused(src: Path, dst: Path) -> None:
    src.write_bytes(zlib.compress(ROWS))
    refused(src, dst, what="damaged gzip", packed="gzip")


def test_a_bomb_is_refused_before_it_fills_the_disk(src: Path, dst: Path) -> None:
    src.write_bytes(gzip.compress(b"\0" * (30 * CHUNK)))
    refused(src, dst, what="larger than the contract allows", packed="gzip", max_bytes=3 * CHUNK)
    refused(src, dst, what="expands beyond all reason", packed="gzip", max_bytes=100 * CHUNK, max_ratio=100)


def test_a_file_may_be_as_large_as_the_contract_says_and_no_larger(src: Path, dst: Path) -> None:
    src.write_bytes(ROWS)
    refused(src, dst, what="larger than the contract allows", max_bytes=len(ROWS) - 1)
    assert take(src, dst, max_bytes=len(ROWS)).size == len(ROWS)


def test_a_link_is_refused(tmp_path: Path, src: Path, dst: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(ROWS)
    src.symlink_to(tmp_path / "elsewhere")
    refused(src, dst, what="a link")


def test_a_file_with_a_second_name_is_refused(tmp_path: Path, src: Path, dst: Path) -> None:
    src.write_bytes(ROWS)
    (tmp_path / "other name").hardlink_to(src)
    refused(src, dst, what="more than one name")


def test_a_pipe_is_refused_and_not_waited_for(src: Path, dst: Path) -> None:
    os.mkfifo(src)
    assert refused(src, dst, what="not a plain file").details["found"] == "a pipe"


def test_a_socket_is_refused(src: Path, dst: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(src))
        refused(src, dst, what="not a plain file")


def test_a_folder_is_refused(src: Path, dst: Path) -> None:
    src.mkdir()
    refused(src, dst, what="not a plain file")


@pytest.mark.parametrize("change", ["grows", "is written over"])
def test_a_file_that_changes_while_it_is_read_is_looked_at_again(
    src: Path, dst: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    src.write_bytes(ROWS)
    fsync = os.fsync

    def while_it_is_kept(descriptor: int) -> None:
        with src.open("ab" if change == "grows" else "r+b") as sender:
            sender.write(b"another row\n")
        os.utime(src, ns=(1, 1))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", while_it_is_kept)
    error = refused(src, dst, what="changed while it was read")
    assert isinstance(error, UnsteadyDelivery)


def test_a_file_that_is_gone_is_looked_for_again(src: Path, dst: Path) -> None:
    with pytest.raises(UnsteadyDelivery, match="is gone"):
        take(src, dst, max_bytes=MAX)


def test_a_full_disk_is_said_and_leaves_nothing(src: Path, dst: Path) -> None:
    src.write_bytes(ROWS * 100)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(ROWS), limits[1]))
    try:
        with pytest.raises(DiskError):
            take(src, dst, max_bytes=MAX * 10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not dst.exists()


def test_what_is_there_is_never_written_over(src: Path, dst: Path) -> None:
    src.write_bytes(ROWS)
    dst.write_bytes(b"yesterday")
    with pytest.raises(FileExistsError):
        take(src, dst, max_bytes=MAX)
    assert dst.read_bytes() == b"yesterday"


@settings(deadline=None)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_no_flipped_bit_of_an_archive_gets_through(tmp_path_factory: pytest.TempPathFactory, at: int, bit: int) -> None:
    """The header's own bytes (time, system, flags without content) may differ; the rows may not."""
    folder = tmp_path_factory.mktemp("flip")
    data = zlib.compress(ROWS) + ROWS[:100]
    packed = bytearray(gzip.compress(data))
    packed[at % len(packed)] ^= 1 << bit
    (folder / "a.gz").write_bytes(packed)
    try:
        take(folder / "a.gz", folder / "kept", max_bytes=MAX, packed="gzip")
    except DeliveryError:
        assert not (folder / "kept").exists()
    else:
        assert (folder / "kept").read_bytes() == data
