from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from feeds_by_hand import contract, form
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sources.landing import Delivery, find, newest, unknown_files
from liangcang.errors import ContractError, DeliveryError, NotMountedError

D = dt.date(2026, 11, 20)
TXN = contract("a", feed="txn", formats=(form(path="330327_core_cb_txn_{business_date:%Y%m%d}_inc_{sequence}.dat.gz"),))


def lay(landing: Path, *names: str) -> None:
    for name in names:
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text("x")


def names(deliveries: tuple[Delivery, ...]) -> list[str]:
    return [delivery.name for delivery in deliveries]


def test_a_delivery_says_feed_date_sequence_size_and_place(tmp_path: Path) -> None:
    lay(tmp_path, "330327_core_cb_txn_20261120_inc_02.dat.gz")
    (found,) = find(tmp_path, [TXN])
    assert (found.feed, found.kind, found.business_date, found.sequence, found.size) == ("txn", "daily", D, 2, 1)
    assert found.path == tmp_path / found.name
    assert found.mtime_ns == found.path.stat().st_mtime_ns


def test_a_delivery_in_a_sub_folder_is_found(tmp_path: Path) -> None:
    dated = contract("a", formats=(form(path="core/{business_date:%Y-%m-%d}/feed.dat"),))
    lay(tmp_path, "core/2026-11-20/feed.dat", "core/feed.dat", "feed.dat")
    assert names(find(tmp_path, [dated])) == ["core/2026-11-20/feed.dat"]


def test_a_star_does_not_reach_into_a_sub_folder(tmp_path: Path) -> None:
    loose = contract("a", formats=(form("history", "part_*.csv"),))
    lay(tmp_path, "part_1.csv", "part_/2.csv", "part_1.csv.tmp")
    assert names(find(tmp_path, [loose])) == ["part_1.csv"]


def test_what_is_no_placeholder_means_itself(tmp_path: Path) -> None:
    plain = contract("a", formats=(form("history", "a+b.[x](1).csv"),))
    lay(tmp_path, "a+b.[x](1).csv", "aab.x1.csv", "a+bz[x](1).csv")
    assert names(find(tmp_path, [plain])) == ["a+b.[x](1).csv"]


def test_the_highest_sequence_counts_by_number_and_not_by_text(tmp_path: Path) -> None:
    lay(tmp_path, *(f"330327_core_cb_txn_20261120_inc_{n}.dat.gz" for n in ("9", "10", "02")))
    lay(tmp_path, "330327_core_cb_txn_20261121_inc_99.dat.gz")
    found = newest(find(tmp_path, [TXN]), D, feed="txn")
    assert found is not None
    assert found.sequence == 10


def test_two_files_with_the_same_highest_sequence_are_not_chosen_between(tmp_path: Path) -> None:
    lay(tmp_path, "330327_core_cb_txn_20261120_inc_1.dat.gz", "330327_core_cb_txn_20261120_inc_01.dat.gz")
    with pytest.raises(DeliveryError, match="more than one delivery"):
        newest(find(tmp_path, [TXN]), D, feed="txn")


def test_no_delivery_of_a_date_is_none_and_not_that_of_another_feed_or_kind(tmp_path: Path) -> None:
    other = contract(
        "a", feed="other", formats=(form("history", "all.dat"), form(path="other_{business_date:%y%j}.dat"))
    )
    lay(tmp_path, "other_26324.dat", "all.dat")
    found = find(tmp_path, [TXN, other])
    assert newest(found, D, feed="txn") is None
    assert newest(found, None, feed="other") is None
    history, daily = newest(found, None, feed="other", kind="history"), newest(found, D, feed="other")
    assert history is not None
    assert daily is not None
    assert (history.name, daily.name) == ("all.dat", "other_26324.dat")


def test_a_name_with_a_day_that_the_calendar_lacks_is_unknown(tmp_path: Path) -> None:
    lay(tmp_path, "330327_core_cb_txn_20260231_inc_1.dat.gz")
    assert find(tmp_path, [TXN]) == ()
    assert unknown_files(tmp_path, [TXN]) == ("330327_core_cb_txn_20260231_inc_1.dat.gz",)


def test_files_that_no_contract_names_are_listed(tmp_path: Path) -> None:
    lay(tmp_path, "330327_core_cb_txn_20261120_inc_1.dat.gz", "notes.txt", "sub/x.dat")
    assert unknown_files(tmp_path, [TXN]) == ("notes.txt", "sub/x.dat")


def test_links_and_pipes_are_found_by_name_and_never_followed(tmp_path: Path) -> None:
    landing, outside = tmp_path / "landing", tmp_path / "outside"
    lay(landing, "a.csv")
    lay(outside, "b.csv", "secret")
    (landing / "c.csv").symlink_to(outside / "secret")
    (landing / "folder.csv").symlink_to(outside)
    os.mkfifo(landing / "d.csv")
    any_csv = contract("a", formats=(form("history", "*.csv"),))
    assert names(find(landing, [any_csv])) == ["a.csv", "c.csv", "d.csv", "folder.csv"]


@pytest.mark.parametrize("name", ["a\nERROR all is lost.csv", "a\x1b[2J.csv", "a\u2028b.csv", "a\udcff.csv"])
def test_a_name_that_could_forge_a_line_of_a_log_is_no_delivery(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("x")
    assert find(tmp_path, [contract("a", formats=(form("history", "*.csv"),))]) == ()


def test_a_landing_that_is_not_there_is_said_and_not_made(tmp_path: Path) -> None:
    for look in (find, unknown_files):
        with pytest.raises(NotMountedError, match="landing") as caught:
            look(tmp_path / "share", [TXN])
        assert caught.value.details["file"] == str(tmp_path / "share")
    assert list(tmp_path.iterdir()) == []


def test_landing_is_not_written_to(tmp_path: Path) -> None:
    lay(tmp_path, "sub/330327_core_cb_txn_20261120_inc_1.dat.gz")
    before = [(p, p.stat().st_mtime_ns) for p in sorted(tmp_path.rglob("*"))]
    tmp_path.chmod(0o555)
    try:
        find(tmp_path, [TXN])
    finally:
        tmp_path.chmod(0o755)
    assert [(p, p.stat().st_mtime_ns) for p in sorted(tmp_path.rglob("*"))] == before


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("daily", "all.csv"),
        ("daily", "{business_date:%Y%m}.csv"),
        ("daily", "{business_date:%Y%m%d%H}.csv"),
        ("daily", "{business_date:%Y%m%d}_{business_date:%Y%m%d}.csv"),
        ("history", "{date}.csv"),
        ("history", "{sequence:03d}.csv"),
        ("history", "a{.csv"),
        ("history", "../other/all.csv"),
        ("history", "/etc/passwd"),
    ],
)
def test_a_path_that_makes_no_sense_names_the_contract(tmp_path: Path, kind: str, path: str) -> None:
    with pytest.raises(ContractError) as caught:
        find(tmp_path, [contract("a", formats=(form(kind, path),))])
    assert caught.value.details["file"] == "feed.odcs.yaml"
    assert caught.value.details["field"] == "path"


@settings(deadline=None)
@given(
    day=st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31)),
    sequence=st.integers(0, 999_999_999),
    shape=st.sampled_from(["%Y%m%d", "%d.%m.%Y", "%Y-%m-%d", "%Y%j", "%y%m%d"]),
)
def test_every_name_that_a_pattern_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, day: dt.date, sequence: int, shape: str
) -> None:
    landing = tmp_path_factory.mktemp("landing")
    lay(landing, f"f_{day.strftime(shape)}_{sequence:03d}.dat")
    feed = contract("a", formats=(form(path=f"f_{{business_date:{shape}}}_{{sequence}}.dat"),))
    (found,) = find(landing, [feed])
    assert (found.business_date, found.sequence) == (day, sequence)
