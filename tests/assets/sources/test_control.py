"""A data file without its control file does not exist, and what came is held to what the control file says."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from feeds_by_hand import contract, form

from assets.sources.control import Control, check_came, nothing_came, read_control
from assets.sources.landing import Delivery, find, incomplete, unknown_files
from assets.sources.take import take
from data_contracts.contract import Contract, FileFormat, Property
from liangcang.errors import DeliveryError

D = dt.date(2026, 11, 20)
NAME = "330327_core_cb_txn_20261120_inc_01"
DATA = "1|@|10.00\n2|@|20.50\n".encode("gb18030")
FORM: FileFormat = form(
    path="*/330327_core_cb_txn_{business_date:%Y%m%d}_inc_{sequence}.dat",
    control="flg",
    delimiter="|@|",
    encoding="gb18030",
)
TXN: Contract = contract(
    "txn_id",
    Property(name="amount", type="DECIMAL(18,2)"),
    feed="cb_txn",
    formats=(FORM,),
    delivery="event",
    control_amount="amount",
)


def line(**said: object) -> str:
    fields = {
        "name": f"{NAME}.dat",
        "bytes": len(DATA),
        "rows": 2,
        "sum": "30.50",
        "digest": hashlib.md5(DATA, usedforsecurity=False).hexdigest(),
        "date": "20261120",
        "mode": "inc",
    }
    return "|@|".join(str(value) for value in (fields | said).values()) + "\n"


def delivery(landing: Path, control: str) -> Delivery:
    folder = landing / "20261120"
    folder.mkdir()
    (folder / f"{NAME}.dat").write_bytes(DATA)
    (folder / f"{NAME}.flg").write_bytes(control.encode("gb18030"))
    (found,) = find(landing, [TXN])
    return found


def control_of(landing: Path, said: str) -> Control:
    return read_control(delivery(landing, said), TXN, FORM, copy=landing / "copy")


def test_a_control_file_says_bytes_rows_sum_digest_date_and_mode(tmp_path: Path) -> None:
    found = control_of(tmp_path, line())
    assert (found.size, found.rows, found.amount) == (len(DATA), 2, Decimal("30.50"))
    assert (found.business_date, found.mode, found.algorithm) == (D, "inc", "md5")
    assert not (tmp_path / "copy").exists()


def test_a_data_file_without_its_control_file_is_no_delivery(tmp_path: Path) -> None:
    found = delivery(tmp_path, line())
    assert found.control is not None
    assert unknown_files(tmp_path, [TXN]) == ()
    found.control.unlink()
    assert find(tmp_path, [TXN]) == ()
    assert [half.name for half in incomplete(tmp_path, [TXN])] == [f"20261120/{NAME}.dat"]


def test_a_control_file_alone_is_no_delivery_and_no_stranger(tmp_path: Path) -> None:
    delivery(tmp_path, line()).path.unlink()
    assert find(tmp_path, [TXN]) == incomplete(tmp_path, [TXN]) == ()
    assert unknown_files(tmp_path, [TXN]) == ()


def test_a_control_file_that_is_written_again_is_another_delivery(tmp_path: Path) -> None:
    before = delivery(tmp_path, line(rows=3))
    assert before.control is not None
    before.control.write_text(line())
    (after,) = find(tmp_path, [TXN])
    assert after.mtime_ns > before.mtime_ns


def test_one_control_file_may_be_about_several_files(tmp_path: Path) -> None:
    assert control_of(tmp_path, line(name="another.dat", rows=9) + line()).rows == 2


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (line(name="another.dat"), "not about this file"),
        (line() * 2, "not about this file"),
        ("", "an empty file is not a delivery"),
        (line()[:-1].rpartition("|@|")[0] + "\n", "has another shape"),
        (line(bytes="all"), "has a bytes that cannot be read"),
        (line(rows="-1"), "has a rows that cannot be read"),
        (line(sum="30.5"), "has a sum that cannot be read"),
        (line(sum="1e3"), "has a sum that cannot be read"),
        (line(digest="0" * 31), "has a digest that cannot be read"),
        (line(date="20261131"), "has a batch date that is none"),
        (line(date="20261119"), "is of another date"),
        (line(mode="full"), "is of another mode"),
    ],
)
def test_a_control_file_that_cannot_be_believed_is_refused(tmp_path: Path, said: str, what: str) -> None:
    with pytest.raises(DeliveryError, match=what) as caught:
        control_of(tmp_path, said)
    assert caught.value.details["file"]


def test_bytes_other_than_gb18030_in_a_control_file_are_refused(tmp_path: Path) -> None:
    found = delivery(tmp_path, line())
    assert found.control is not None
    found.control.write_bytes(b"\xff\xff\n")
    with pytest.raises(DeliveryError, match="cannot be read"):
        read_control(found, TXN, FORM, copy=tmp_path / "copy")


@pytest.mark.parametrize(
    ("said", "what"), [({"bytes": 17}, "the size is not"), ({"digest": "0" * 32}, "the digest is not")]
)
def test_bytes_other_than_the_control_file_says_are_refused(tmp_path: Path, said: dict[str, object], what: str) -> None:
    found = delivery(tmp_path, line(**said))
    control = read_control(found, TXN, FORM, copy=tmp_path / "copy")
    taken = take(found.path, tmp_path / "taken", max_bytes=1000, digest=control.algorithm)
    with pytest.raises(DeliveryError, match=what):
        check_came(control, found, taken)


MARKED: Contract = replace(TXN, formats=(replace(FORM, control="ok"),))


def marked(landing: Path, ending: str, content: bytes) -> Delivery:
    folder = landing / "20261120"
    folder.mkdir()
    (folder / f"{NAME}.dat").write_bytes(DATA)
    (folder / f"{NAME}.{ending}").write_bytes(content)
    (found,) = find(landing, [MARKED])
    return found


@pytest.mark.parametrize("ending", ["ok", "OK"])
@pytest.mark.parametrize("content", [b"", b"\n", b"2", b" 2\r\n"])
def test_a_marker_says_that_the_file_is_whole_and_may_say_how_many_rows(
    tmp_path: Path, ending: str, content: bytes
) -> None:
    found = marked(tmp_path, ending, content)
    control = read_control(found, MARKED, MARKED.formats[0], copy=tmp_path / "copy")
    assert control == Control(rows=2 if content.strip() else None)
    assert unknown_files(tmp_path, [MARKED]) == ()
    check_came(control, found, take(found.path, tmp_path / "taken", max_bytes=1000, digest=control.algorithm))


def test_without_its_marker_a_file_is_no_delivery_and_a_marker_alone_is_none(tmp_path: Path) -> None:
    found = marked(tmp_path, "ok", b"")
    assert found.control is not None
    found.control.rename(found.control.with_suffix(".flg"))
    assert find(tmp_path, [MARKED]) == ()
    assert len(incomplete(tmp_path, [MARKED])) == 1
    assert unknown_files(tmp_path, [MARKED]) == (f"20261120/{NAME}.flg",)
    found.control.with_suffix(".flg").rename(found.control)
    found.path.unlink()
    assert find(tmp_path, [MARKED]) == incomplete(tmp_path, [MARKED]) == ()
    assert unknown_files(tmp_path, [MARKED]) == ()


@pytest.mark.parametrize("content", [line().encode(), b"-1", b"done", b"1 2"])
def test_a_marker_that_says_more_is_no_mere_marker(tmp_path: Path, content: bytes) -> None:
    found = marked(tmp_path, "ok", content)
    with pytest.raises(DeliveryError, match="more than that it is there") as caught:
        read_control(found, MARKED, MARKED.formats[0], copy=tmp_path / "copy")
    assert "control: flg" in caught.value.details["expected"]


def test_a_marker_that_is_a_link_is_refused(tmp_path: Path) -> None:
    found = marked(tmp_path, "ok", b"")
    assert found.control is not None
    found.control.unlink()
    found.control.symlink_to(found.path)
    with pytest.raises(DeliveryError, match="a link"):
        read_control(found, MARKED, MARKED.formats[0], copy=tmp_path / "copy")


@pytest.mark.parametrize(("said", "line_end"), [("\x1b", "\n"), ("\x01", "\n"), ("|+|", "\r\n"), ("\x1c", "\n")])
def test_a_control_file_has_the_separator_of_its_data(tmp_path: Path, said: str, line_end: str) -> None:
    found = delivery(tmp_path, line().rstrip("\n").replace("|@|", said) + line_end)
    control = read_control(found, TXN, replace(FORM, delimiter=said), copy=tmp_path / "copy")
    assert (control.rows, control.amount) == (2, Decimal("30.50"))


@pytest.mark.parametrize(
    ("rows", "delivery_kind", "header", "history", "may"),
    [
        (0, "event", False, False, True),
        (0, "delta", False, False, True),
        (1, "event", False, False, False),
        (0, "full", False, False, False),
        (0, "event", True, False, False),
        (0, "event", False, True, False),
    ],
)
def test_only_the_control_file_of_an_increment_can_say_that_there_are_no_rows(
    tmp_path: Path, rows: int, delivery_kind: str, header: bool, history: bool, may: bool
) -> None:
    found = delivery(tmp_path, line(rows=rows))
    control = read_control(found, TXN, FORM, copy=tmp_path / "copy")
    feed = replace(TXN, delivery=delivery_kind)
    of = replace(found, kind="history" if history else "daily")
    assert nothing_came(control, of, feed, replace(FORM, header=header)) is may


def test_a_digest_may_be_sm3_and_in_capital_letters(tmp_path: Path) -> None:
    found = delivery(tmp_path, line(digest=hashlib.new("sm3", DATA).hexdigest().upper()))
    control = read_control(found, TXN, FORM, copy=tmp_path / "copy")
    check_came(control, found, take(found.path, tmp_path / "taken", max_bytes=1000, digest=control.algorithm))
