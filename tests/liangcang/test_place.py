"""The folder of a warehouse: made once, found by its marker, locked by its folders."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from warehouse_by_hand import ACCOUNT, D1, D2, D3, TAGS, publish

from liangcang import archive
from liangcang.errors import BusyError, NotMountedError, UsageError, WarehouseError
from liangcang.place import Place, create, find
from liangcang.store import Warehouse

HOLDER = """
import datetime as dt, sys, time
from pathlib import Path
from liangcang.place import find
with find(Path(sys.argv[1])).night([dt.date.fromisoformat(day) for day in sys.argv[3:]], sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


@contextmanager
def a_night_elsewhere(place: Place, what: str, *days: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(place.root), what, *days]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_a_new_warehouse_publishes_nothing_yet(place: Place) -> None:
    view = Warehouse(place).current
    assert view.tables() == []
    assert view.nights == []


def test_a_warehouse_is_never_made_on_the_way(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="existing empty folder"):
        create(tmp_path / "not" / "there", bank="demo")
    assert list(tmp_path.iterdir()) == []


def test_a_warehouse_is_not_made_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(UsageError, match="empty folder"):
        create(tmp_path, bank="demo")
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_warehouse_is_not_made_twice(place: Place) -> None:
    with pytest.raises(UsageError, match="already") as caught:
        create(place.root, bank="other")
    assert "bank demo" in str(caught.value)


def test_a_mounted_disk_counts_as_empty(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    assert create(tmp_path, bank="demo").bank == "demo"


def test_an_unmounted_warehouse_is_not_an_empty_one(tmp_path: Path) -> None:
    mount_point = tmp_path / "mnt"
    mount_point.mkdir()
    with pytest.raises(NotMountedError) as caught:
        Warehouse.open(mount_point)
    assert caught.value.exit_code == 77
    with pytest.raises(NotMountedError):
        Warehouse.open(tmp_path / "gone")
    assert list(mount_point.iterdir()) == []
    assert not (tmp_path / "gone").exists()


def test_any_flipped_byte_of_the_marker_is_noticed(place: Place) -> None:
    whole = place.marker.read_bytes()
    for at in range(len(whole)):
        place.marker.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(WarehouseError):
            find(place.root)
    place.marker.write_bytes(whole)
    assert find(place.root) == place


def test_a_warehouse_of_another_layout_is_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liangcang.place.LAYOUT", 2)
    with pytest.raises(WarehouseError, match="another version"):
        find(place.root)


def test_only_products_and_the_way_to_them_are_readable_for_the_group(wh: Warehouse) -> None:
    publish(wh, "r1", (TAGS, D1, "tags"), (ACCOUNT, D1, "accounts"), nights=(D1,))
    readable = set()
    for path in [wh.place.root, *wh.place.root.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode in ((0o2750, 0o700) if path.is_dir() else (0o640, 0o600)), path
        if mode & 0o050:
            readable.add(str(path.relative_to(wh.place.root)))
    tags = wh.current.manifest.tables[TAGS.name]
    assert {name for name in readable if not name.startswith("manifests/00")} == {
        ".",
        ".liangcang.json",
        "current.json",
        "warehouse.duckdb",
        "data",
        "data/products",
        "data/products/customer_tags",
        f"data/products/customer_tags/{wh.files(TAGS.name)[0].name}",
        "manifests",
        "manifests/tables",
        f"manifests/tables/{TAGS.name}-{tags[:12]}.json",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_analyst_reads_products_only(tmp_path: Path) -> None:
    """Another uid, in the group of the warehouse: reads products by the front door, and can change nothing."""
    uid, gid = 12345, 23456
    root = tmp_path / "shared"
    root.mkdir()
    os.chown(root, 0, gid)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_mode & 0o001 == 0 and parent.owner() == "root" and "pytest" in str(parent):
            parent.chmod(0o755)
    wh = Warehouse(create(root, bank="demo"))
    publish(wh, "r1", (TAGS, D1, "tags"), (ACCOUNT, D1, "accounts"), nights=(D1,))

    def analyst() -> None:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        archive._manifest.cache_clear()
        archive._table.cache_clear()
        here = Warehouse.open(root)
        assert here.files(TAGS.name)[0].read_text() == "tags"
        assert here.place.catalogue.read_bytes()
        for forbidden in (
            root / "data/conformed",
            root / "_staging",
            root / "_spill",
            root / "_faults",
            root / "_pins",
            root / "models",
        ):
            with pytest.raises(PermissionError):
                list(forbidden.iterdir())
        with pytest.raises(WarehouseError, match="may not be read"):
            here.files(ACCOUNT.name)
        for path in root.rglob("*"):
            assert not os.access(path, os.W_OK), path
        with pytest.raises(WarehouseError):
            here.transaction("mine", atomic=True)

    child = multiprocessing.get_context("fork").Process(target=_exit_code_of, args=(analyst,))
    child.start()
    child.join(30)
    assert child.exitcode == 0


def _exit_code_of(program: object) -> None:
    try:
        program()  # type: ignore[operator]
    except BaseException:  # noqa: BLE001 a child must never come back
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def test_the_second_night_is_told_who_holds_the_lock(place: Place) -> None:
    with a_night_elsewhere(place, "nightly", D1.isoformat(), D2.isoformat()) as holder:
        with pytest.raises(BusyError) as caught, place.night([D2, D3], "backfill"):
            pass
        assert caught.value.exit_code == 75
        assert f"process {holder.pid} on " in str(caught.value)
        assert "nightly" in str(caught.value)
        assert "2026-10-30 is already running" in str(caught.value)


def test_nights_of_other_dates_run_side_by_side(place: Place) -> None:
    with a_night_elsewhere(place, "nightly", D1.isoformat()), place.night([D2], "nightly"):
        assert {tuple(night["dates"]) for night in place.nights()} == {(D1.isoformat(),), (D2.isoformat(),)}


def test_a_killed_night_gives_its_lock_back_and_its_card_goes(place: Place) -> None:
    with a_night_elsewhere(place, "nightly", D1.isoformat()):
        pass
    assert len(list((place.staging / "_nights").iterdir())) == 1
    with place.night([D1], "again"):
        assert [night["pid"] for night in place.nights()] == [os.getpid()]
    assert list((place.staging / "_nights").iterdir()) == []


def test_looking_who_runs_never_takes_a_lock_away(place: Place) -> None:
    """`doctor` and `status` look while a night is starting: its card lies there and is not held yet."""
    card = place.staging / "_nights" / "night-1-aa.json"
    card.touch()
    assert place.nights() == []
    assert card.exists()
    with place.night([D1], "nightly"):
        assert not card.exists()


def test_a_stopped_night_still_holds_its_date(place: Place) -> None:
    with a_night_elsewhere(place, "nightly", D1.isoformat()) as holder:
        holder.send_signal(signal.SIGSTOP)
        with pytest.raises(BusyError), place.night([D1], "again"):
            pass


def test_a_night_that_fails_gives_its_lock_back(place: Place) -> None:
    with pytest.raises(ZeroDivisionError), place.night([D1], "nightly"):
        raise ZeroDivisionError
    with place.night([D1], "nightly"):
        pass


def test_the_first_night_throws_away_what_killed_ones_spilled(place: Place) -> None:
    with subprocess.Popen(["true"]) as dead:
        pass
    for name in (f"{dead.pid}-dead", f"{os.getpid()}-alive"):
        (place.spill / name).mkdir()
        (place.spill / name / "duckdb_temp_storage-0.tmp").write_text("names and numbers")
    with place.night([D1], "nightly"):
        assert [path.name for path in place.spill.iterdir()] == [f"{os.getpid()}-alive"]


def test_a_publication_that_hangs_is_named_after_a_while(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liangcang.place._LOCK_PATIENCE", 0.05)
    with place.lock(), pytest.raises(BusyError, match="another publication"), place.lock():
        pass


def test_sharers_share_and_a_sweeper_is_alone(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liangcang.place._SWEEP_PATIENCE", 0.05)
    with place.sharing(), place.sharing():
        with pytest.raises(BusyError), place.sweeping():
            pass
    with place.sweeping(), pytest.raises(BusyError), place.sharing():
        pass


def test_the_lock_needs_no_file_that_somebody_could_delete(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liangcang.place._LOCK_PATIENCE", 0.05)
    with place.lock():
        for path in place.root.glob("*.json"):
            path.rename(path.with_suffix(".away"))
        with pytest.raises(BusyError), place.lock():
            pass


def test_a_second_look_waits_for_the_first(place: Place) -> None:
    """Two processes that take the lock in turn: nobody is refused while the other is quick."""
    from concurrent.futures import ThreadPoolExecutor

    inside: list[int] = []

    def once(number: int) -> bool:
        with place.lock():
            inside.append(number)
            time.sleep(0.002)
            return inside.pop() == number and not inside

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(once, range(40)))


def test_the_pointer_says_its_digest(place: Place) -> None:
    said = json.loads(place.pointer.read_bytes())
    assert said["sha256"].startswith(said["manifest"][-12:])
