"""A delivery packed as tar.gz: exactly one plain member, streamed out of the archive and never extracted under its name."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
from pathlib import Path

import pytest
from feeds_by_hand import form
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources.archive import CHUNK, HEADERS
from assets.sources.landing import Delivery, member_name
from assets.sources.take import take
from liangcang.errors import DeliveryError

ROWS = b"330327199001011234|10.00\n" * 400
NAME = re.compile(r"cb_txn_\d+\.txt")
Member = tuple[tarfile.TarInfo, bytes]


def member(name: str = "cb_txn_20261120.txt", data: bytes = ROWS, **said: object) -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in said.items():
        setattr(info, field, value)
    return info, data


def tar(*members: Member, style: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=style) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return out.getvalue()


def taken(folder: Path, data: bytes, *, packed: bool = False, max_bytes: int = 10_000_000, ratio: int = 1000) -> bytes:
    src, dst = folder / "330327_core_1_20261120.tar.gz", folder / "kept"
    src.write_bytes(data if packed else gzip.compress(data))
    try:
        found = take(src, dst, max_bytes=max_bytes, max_ratio=ratio, packed="tar.gz", member=NAME)
        assert found.came_sha256 == hashlib.sha256(src.read_bytes()).hexdigest()
        assert found.kept_sha256 == hashlib.sha256(dst.read_bytes()).hexdigest()
        return dst.read_bytes()
    finally:
        dst.unlink(missing_ok=True)
        assert {path.name for path in folder.iterdir()} <= {src.name, "elsewhere"}


def refused(folder: Path, data: bytes, what: str, **said: object) -> dict[str, str]:
    with pytest.raises(DeliveryError, match=what) as caught:
        taken(folder, data, **said)  # type: ignore[arg-type]
    assert {"file", "expected", "found", "kept", "next"} <= caught.value.details.keys()
    assert "330327199001011234" not in str(caught.value)
    return dict(caught.value.details)


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("size", [1, 511, 512, 513, CHUNK, 2 * CHUNK + 7])
def test_the_one_member_comes_out_whole(tmp_path: Path, style: int, size: int) -> None:
    data = (ROWS * (size // len(ROWS) + 1))[:size]
    assert taken(tmp_path, tar(member(data=data), style=style)) == data


def test_headers_that_only_tell_times_and_owners_do_not_matter(tmp_path: Path) -> None:
    told = member(name="./cb_txn_1.txt", mtime=1.5, uname="核心", pax_headers={"comment": "x" * 1000})
    assert taken(tmp_path, tar(told)) == ROWS


def test_a_second_member_is_refused_by_name(tmp_path: Path) -> None:
    said = refused(tmp_path, tar(member(), member("cb_acct_20261120.txt")), "several members")
    assert said["found"] == "also cb_acct_20261120.txt"
    refused(tmp_path, tar(member(data=b""), member("cb_txn_2.txt")), "several members")


@pytest.mark.parametrize(
    "name",
    ["../cb_txn_1.txt", "/cb_txn_1.txt", "a/cb_txn_1.txt", "..", "a\\cb_txn_1.txt", "cb_txn_1.txt\n2026 accepted"],
)
def test_a_name_with_a_path_in_it_is_refused(tmp_path: Path, name: str) -> None:
    assert "\n" not in refused(tmp_path, tar(member(name)), "whose member has a path")["found"]


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (tarfile.SYMTYPE, "a link"),
        (tarfile.LNKTYPE, "a link"),
        (tarfile.DIRTYPE, "a folder"),
        (tarfile.FIFOTYPE, "a device"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.GNUTYPE_SPARSE, "a device"),
    ],
)
def test_what_is_no_plain_file_is_refused(tmp_path: Path, kind: bytes, said: str) -> None:
    (tmp_path / "elsewhere").write_bytes(b"secret")
    data = tar(member(data=b"", type=kind, linkname=str(tmp_path / "elsewhere")), style=tarfile.GNU_FORMAT)
    if kind == tarfile.GNUTYPE_SPARSE:
        data = tar(member(data=b""), style=tarfile.GNU_FORMAT)
        head = bytearray(data[:512])
        head[156:157] = kind
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        data = bytes(head) + data[512:]
    assert refused(tmp_path, data, "no plain file")["found"].startswith(said)


def test_a_member_that_the_contract_does_not_name_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, tar(member("cb_acct_1.txt")), "another member")["found"] == "cb_acct_1.txt"


def test_an_archive_of_nothing_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, tar(), "without a member")
    refused(tmp_path, tar(member(data=b"")), "an empty file is not a delivery")


@pytest.mark.parametrize("kept", [0, 100, 512, 600, 2000, 512 + 10_240])
def test_an_archive_that_was_cut_is_refused(tmp_path: Path, kept: int) -> None:
    refused(tmp_path, tar(member())[:kept], "damaged|cut|without a member")


def test_an_archive_whose_packing_was_cut_or_damaged_is_refused(tmp_path: Path) -> None:
    whole = gzip.compress(tar(member()))
    refused(tmp_path, whole[:-9], "cut", packed=True)
    flipped = bytearray(whole)
    flipped[-6] ^= 1
    refused(tmp_path, bytes(flipped), "damaged gzip", packed=True)
    refused(tmp_path, whole + whole, "more after its end", packed=True)
    refused(tmp_path, ROWS, "damaged gzip", packed=True)
    refused(tmp_path, ROWS, "damaged archive")


def test_what_comes_after_the_end_mark_is_zeros_and_not_too_many(tmp_path: Path) -> None:
    assert taken(tmp_path, tar(member()) + b"\0" * 10_240) == ROWS
    refused(tmp_path, tar(member()) + b"more", "more after its end")
    refused(tmp_path, tar(member()) + b"\0" * 3 * CHUNK, "more than its member")


def test_a_bomb_is_refused_before_it_fills_the_disk_or_the_memory(tmp_path: Path) -> None:
    bomb = tar(member(data=b"\0" * (20 * CHUNK)))
    refused(tmp_path, bomb, "larger than the contract allows", max_bytes=CHUNK)
    refused(tmp_path, bomb, "expands beyond all reason", max_bytes=10**9, ratio=10)
    headers = tar(member(pax_headers={"comment": "x" * 4 * HEADERS}))
    refused(tmp_path, headers, "more than its member")


@pytest.mark.parametrize("at", [0, 100, 124, 130, 148, 156, 257, 345])
def test_no_flipped_byte_of_a_header_gets_through(tmp_path: Path, at: int) -> None:
    damaged = bytearray(tar(member(), style=tarfile.USTAR_FORMAT))
    damaged[at] ^= 0x15
    refused(tmp_path, bytes(damaged), "damaged archive")


def test_the_members_name_is_of_the_deliverys_own_date_and_sequence() -> None:
    import datetime as dt

    how = form(path="x_{business_date:%Y%m%d}_{sequence}.tar.gz", compression="tar.gz",
               member="cb_*_{business_date:%Y-%m-%d}.{sequence}.txt")  # fmt: skip
    of = Delivery(feed="feed", kind="daily", path=Path("x"), name="x", business_date=dt.date(2026, 11, 20), sequence=7,
                  size=1, mtime_ns=1)  # fmt: skip
    pattern = member_name(how, of)
    assert pattern.fullmatch("cb_txn_2026-11-20.07.txt")
    for other in (
        "cb_txn_2026-11-21.07.txt",
        "cb_txn_2026-11-20.08.txt",
        "cb_txn_2026-11-20x07.txt",
        "cb_a/b_2026-11-20.7.txt",
    ):
        assert not pattern.fullmatch(other)
    assert member_name(form(), of).fullmatch("anything")


@settings(max_examples=30, deadline=None)
@given(data=st.binary(min_size=1, max_size=3000), style=st.sampled_from([0, 1, 2]), level=st.integers(0, 9))
def test_any_bytes_come_out_as_they_went_in(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, style: int, level: int
) -> None:
    folder = tmp_path_factory.mktemp("tar")
    packed = gzip.compress(tar(member(data=data), style=style), level)
    assert taken(folder, packed, packed=True) == data
