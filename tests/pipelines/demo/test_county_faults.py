"""Each fault is the one that it is called, in one delivery, and everything else of that delivery still agrees."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from pathlib import Path

import polars as pl
import pytest
from county_files import SUMMED, control, counted, find, read

from liangcang.errors import UsageError
from pipelines.demo import FAULTS, plant, write_county

NIGHT = dt.date(2026, 11, 2)
FOLDER = "20261102"
DATA_FAULTS = {"rows_of_another_date", "half", "bad_row", "duplicate", "cut", "not_gb18030", "extra_field"}


@pytest.fixture
def landing(county, tmp_path: Path) -> Path:
    shutil.copytree(county.files.folder / FOLDER, tmp_path / "landing" / FOLDER)
    return tmp_path / "landing"


def digest(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def planted(landing: Path, fault: str) -> tuple[Path, list[bytes], list[bytes]]:
    """The broken file, its lines before and after."""
    before = {path.name: path.read_bytes() for path in landing.rglob("*.*")}
    file = plant(landing, NIGHT, fault)
    after = {path.name: path.read_bytes() for path in landing.rglob("*.*")}
    touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {Path(name).stem[:-2] for name in touched} == {file.stem[:-2]}, "one delivery, and no other"
    return file, before[file.name].splitlines(keepends=True), file.read_bytes().splitlines(keepends=True)


def test_without_its_control_file_the_data_are_as_they_were(landing):
    file, before, after = planted(landing, "no_control")
    assert after == before
    assert not file.with_suffix(".flg").exists()


@pytest.mark.parametrize(
    ("fault", "place"), [("wrong_count", 2), ("wrong_sum", 3), ("wrong_digest", 4), ("other_date", 5)]
)
def test_a_control_file_is_wrong_in_one_field(landing, fault, place):
    file, before, after = planted(landing, fault)
    said, true = control(file), counted(file)
    assert after == before
    assert [n for n, (ours, theirs) in enumerate(zip(said, true, strict=True)) if ours != theirs] == [place]


@pytest.mark.parametrize("fault", sorted(DATA_FAULTS - {"cut", "not_gb18030", "extra_field"}))
def test_a_fault_of_the_data_has_a_control_file_that_agrees(landing, fault):
    file, before, after = planted(landing, fault)
    assert control(file) == counted(file)
    dates = read(file)[{"bad_row": "open_date"}.get(fault, "open_date" if fault == "half" else "txn_date")]
    match fault:
        case "half":
            assert after == before[: len(before) // 2]
        case "bad_row":
            assert after[:-1] == before[:-1]
            assert dates.to_list().count("20260231") == 1
        case "duplicate":
            assert after == [*before, before[-1]]
        case "rows_of_another_date":
            assert set(dates) == {"20261101"}
            assert len(after) == len(before)


def test_a_file_that_is_cut_ends_in_the_middle_of_a_line(landing):
    file, before, after = planted(landing, "cut")
    assert b"".join(before).startswith(b"".join(after))
    assert not after[-1].endswith(b"\n")
    said = control(file)
    assert (said[1], said[2]) == (str(sum(map(len, after))), str(len(after) - 1))
    assert said[4] == digest(file)


@pytest.mark.parametrize("fault", ["not_gb18030", "extra_field"])
def test_one_row_cannot_be_read(landing, fault):
    file, before, after = planted(landing, fault)
    assert [n for n, (ours, theirs) in enumerate(zip(after, before, strict=True)) if ours != theirs] == [0]
    with pytest.raises((UnicodeDecodeError, AssertionError)):
        read(file)
    assert control(file)[4] == digest(file)


def test_a_corrected_delivery_stands_beside_the_first_with_a_higher_number(landing):
    _, before, after = planted(landing, "corrected")
    assert after == before
    second = find(landing, "cb_cust_ind", FOLDER)
    assert second.name.endswith("_02.dat")
    assert control(second) == counted(second)
    lines = second.read_bytes().splitlines(keepends=True)
    assert [n for n, (ours, theirs) in enumerate(zip(lines, before, strict=True)) if ours != theirs] == [0]


def test_faults_can_be_planted_in_other_feeds_and_what_cannot_be_is_refused(landing):
    for fault in ("half", "wrong_count", "corrected", "bad_row"):
        plant(landing, NIGHT, fault, "cb_dep_acct")
    assert set(SUMMED) >= {"cb_dep_acct"}
    for fault, feed in (("flood", None), ("wrong_sum", "cb_org"), ("bad_row", "cb_product"), ("half", "cb_gl")):
        with pytest.raises(UsageError):
            plant(landing, NIGHT, fault, feed)
    with pytest.raises(UsageError, match="no such delivery"):
        plant(landing, dt.date(2026, 12, 24), "cut")
    assert set(FAULTS) >= {
        *DATA_FAULTS,
        "no_control",
        "wrong_count",
        "wrong_sum",
        "wrong_digest",
        "other_date",
        "corrected",
    }


def test_a_short_line_lacks_one_field_and_no_other_does(landing):
    _, before, after = planted(landing, "short_line")
    assert after[1:] == before[1:]
    separators = [line.decode("gb18030").count("|@|") for line in (before[0], after[0])]
    assert separators[1] == separators[0] - 1
    assert before[0].decode("gb18030").startswith(after[0].decode("gb18030").rstrip("\n"))


def test_the_first_night_of_the_demo_has_one_row_with_a_date_that_is_none(tmp_path):
    demo = write_county(tmp_path / "demo", customers=60, months=1, nights=2)
    first, second = (find(demo.landing, "cb_cust_ind", f"{day:%Y%m%d}") for day in demo.nights)
    assert read(first).filter(pl.col("open_date") == "20260231").height == 1
    assert read(second).filter(pl.col("open_date") == "20260231").height == 0
    assert control(first) == counted(first)
