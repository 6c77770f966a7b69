"""Rolling back, pinning, collecting and looking over."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
from pathlib import Path

import pytest
from warehouse_by_hand import ACCOUNT, D1, D2, D3, D4, PAYMENT, TAGS, contents, publish, put

from liangcang import archive, roots
from liangcang.care import Finding, doctor, fsck, gc, pin, pins, rollback, unpin
from liangcang.errors import UsageError, WarehouseError
from liangcang.store import Warehouse

pytestmark = pytest.mark.usefixtures("no_catalogue")


def a_day_later(wh: Warehouse, hours: float = 25) -> None:
    """Make everything in the warehouse so much older."""
    for path in wh.place.root.rglob("*"):
        found = path.stat()
        os.utime(path, (found.st_atime - hours * 3600, found.st_mtime - hours * 3600))


def broken(wh: Warehouse) -> list[Finding]:
    return [finding for finding in fsck(wh) if finding.level == "error"]


def files(wh: Warehouse) -> set[str]:
    return {path.read_text() for path in wh.place.data.rglob("*.parquet")}


@pytest.fixture
def three_nights(wh: Warehouse) -> Warehouse:
    for number, day in enumerate((D1, D2, D3)):
        publish(wh, f"r{number}", (TAGS, day, f"tags {day}"), (ACCOUNT, D1, f"accounts {day}"), nights=(day,))
    return wh


def test_rolling_back_publishes_an_old_night_again(three_nights: Warehouse) -> None:
    wh = three_nights
    then, latest = wh.manifest(published_on=D1), wh.current
    done = rollback(wh, D1)
    assert done.changed
    assert (
        contents(wh.current) == contents(then) == {(TAGS.name, D1): f"tags {D1}", (ACCOUNT.name, D1): f"accounts {D1}"}
    )
    assert wh.current.nights == [D1]
    assert wh.current.manifest.parent == latest.id
    assert wh.current.manifest.number == latest.manifest.number + 1
    assert not rollback(wh, D1).changed
    rollback(wh, latest.id)
    assert contents(wh.current) == contents(latest)
    assert wh.current.nights == [D1, D2, D3]


def test_a_rollback_needs_a_night_that_is_published(three_nights: Warehouse) -> None:
    with pytest.raises(UsageError, match="no night of 2026-11-01"):
        rollback(three_nights, D4)
    with pytest.raises(WarehouseError, match="not kept"):
        rollback(three_nights, "000009-aaaaaaaaaaaa")


def test_a_rollback_to_files_that_are_gone_is_refused(three_nights: Warehouse) -> None:
    then = three_nights.manifest(published_on=D1)
    then.files(ACCOUNT.name)[0][1].unlink()
    before = three_nights.current.id
    with pytest.raises(WarehouseError, match="is gone"):
        rollback(three_nights, D1)
    assert three_nights.current.id == before


def test_a_rollback_works_with_a_damaged_pointer(three_nights: Warehouse) -> None:
    latest = three_nights.current
    three_nights.place.pointer.write_bytes(b"{}")
    with pytest.raises(WarehouseError, match="pointer is damaged"):
        _ = three_nights.current
    rollback(three_nights, latest.id)
    assert contents(three_nights.current) == contents(latest)
    assert broken(three_nights) == []


def test_gc_keeps_the_newest_manifests_and_forgets_the_others_after_the_grace(wh: Warehouse) -> None:
    for number in range(6):
        publish(wh, f"r{number}", (ACCOUNT, D1, str(number)))
    a_day_later(wh)
    first = gc(wh, keep=2, grace_hours=24, dry_run=False)
    assert len(first.retired) == 5  # with the empty one of the beginning
    assert first.files == first.bytes == first.manifests == 0
    assert files(wh) == set("012345")
    with pytest.raises(WarehouseError, match="not kept"):
        wh.manifest(id=first.retired[0])
    a_day_later(wh)
    second = gc(wh, keep=2, grace_hours=24, dry_run=False)
    assert second.retired == ()
    assert second.manifests == 5
    assert files(wh) == set("45")
    assert fsck(wh) == [Finding("warning", "warehouse.duckdb: there is none", "the next night makes it anew")]


def test_a_dry_run_says_what_gc_would_do_and_does_nothing(three_nights: Warehouse) -> None:
    before = {path: path.stat().st_mtime_ns for path in three_nights.place.root.rglob("*")}
    would = gc(three_nights, keep=1, grace_hours=0, dry_run=True)
    assert {path: path.stat().st_mtime_ns for path in three_nights.place.root.rglob("*")} == before
    did = gc(three_nights, keep=1, grace_hours=0, dry_run=False)
    assert (would.retired, would.files, would.bytes, would.manifests) == (did.retired, did.files, did.bytes, did.manifests)  # fmt: skip
    assert did.files > 0


def test_gc_never_takes_a_file_under_a_reader(wh: Warehouse) -> None:
    """A reader of a night that was published for weeks loses it neither to a new night nor to gc at once."""
    publish(wh, "r1", (ACCOUNT, D1, "old"))
    a_day_later(wh, hours=1000)
    reader = wh.current
    for number in range(3):
        publish(wh, f"n{number}", (ACCOUNT, D1, str(number)))
    for _ in range(3):
        gc(wh, keep=1, grace_hours=24, dry_run=False)
        assert contents(reader) == {(ACCOUNT.name, D1): "old"}
    a_day_later(wh)
    gc(wh, keep=1, grace_hours=24, dry_run=False)
    assert files(wh) == {"2"}


def test_gc_keeps_the_last_night_of_every_month(three_nights: Warehouse) -> None:
    wh = three_nights
    publish(wh, "r4", (TAGS, D4, "november"), (ACCOUNT, D1, "accounts november"), nights=(D4,))
    publish(wh, "r5", (ACCOUNT, D1, "later"))
    gc(wh, keep=1, grace_hours=0, dry_run=False)
    assert contents(wh.manifest(published_on=D3))[ACCOUNT.name, D1] == f"accounts {D3}"
    assert contents(wh.manifest(published_on=D4))[ACCOUNT.name, D1] == "accounts november"
    with pytest.raises(WarehouseError, match="not kept"):
        wh.manifest(published_on=D2)
    assert broken(wh) == []


def test_what_is_pinned_stays_until_it_is_unpinned(three_nights: Warehouse) -> None:
    wh = three_nights
    night = wh.manifest(published_on=D1)
    pin(wh, "training-2026q3", night.id)
    pin(wh, "training-2026q3", night.id)
    with pytest.raises(UsageError, match="already"):
        pin(wh, "training-2026q3", wh.current.id)
    gc(wh, keep=1, grace_hours=0, dry_run=False)
    assert contents(wh.manifest(id=night.id)) == contents(night)
    assert pins(wh.place) == {"training-2026q3": night.id}
    unpin(wh, "training-2026q3")
    with pytest.raises(UsageError, match="no pin"):
        unpin(wh, "training-2026q3")
    gc(wh, keep=1, grace_hours=0, dry_run=False)
    assert f"accounts {D1}" not in files(wh)


def test_only_a_manifest_that_is_kept_can_be_pinned(wh: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="not kept"):
        pin(wh, "x", "000007-aaaaaaaaaaaa")
    with pytest.raises(UsageError, match="pin's name"):
        pin(wh, "../x", wh.current.id)


def test_gc_keeps_what_a_run_is_pinned_to(three_nights: Warehouse) -> None:
    wh = three_nights
    publish(wh, "r6", (ACCOUNT, D1, "the base"))
    run = wh.transaction("slow", atomic=True)
    base = contents(run.candidate())
    publish(wh, "r7", (ACCOUNT, D1, "newer"))
    publish(wh, "r8", (ACCOUNT, D1, "newest"))
    gc(wh, keep=1, grace_hours=0, dry_run=False)
    assert contents(run.candidate()) == base
    put(run, PAYMENT, D1, "x")
    assert run.commit().changed


def test_gc_gives_up_a_run_that_nobody_resumed_for_a_week(wh: Warehouse) -> None:
    sleeping, held = wh.transaction("sleeping", atomic=True), wh.transaction("held", atomic=True)
    for run in (sleeping, held):
        put(run, TAGS, D1, run.id)
    sleeping.close()
    a_day_later(wh, hours=6 * 24)
    assert gc(wh, grace_hours=0, dry_run=False).staging == ()
    a_day_later(wh, hours=2 * 24)
    assert gc(wh, grace_hours=0, dry_run=False).staging == ("sleeping",)
    assert [folder.name for folder in roots.transactions(wh.place)] == ["held"]
    gc(wh, grace_hours=0, dry_run=False)
    assert files(wh) == {"held"}
    with pytest.raises(WarehouseError, match="thrown away"):
        wh.transaction("sleeping", atomic=True, resume=True)


def test_gc_removes_what_a_killed_publication_left(wh: Warehouse) -> None:
    publish(wh, "r1", (TAGS, D1, "x"))
    orphan = wh.place.manifests / "000099-aaaaaaaaaaaa.json"
    shutil.copy(wh.place.manifests / f"{wh.current.id}.json", orphan)
    (wh.place.scratch / "_half.tmp").write_text("x")
    (wh.place.data / "products/customer_tags/2020-01-01-aaaaaaaaaaaa.parquet").write_text("x")
    with pytest.raises(WarehouseError, match="damaged"):
        gc(wh, grace_hours=24, dry_run=False)
    orphan.unlink()
    gc(wh, grace_hours=24, dry_run=False)
    assert len(list(wh.place.data.rglob("*.parquet"))) == 2
    a_day_later(wh)
    gc(wh, grace_hours=24, dry_run=False)
    assert files(wh) == {"x"}
    assert len(list(wh.place.data.rglob("*.parquet"))) == 1
    assert list(wh.place.scratch.iterdir()) == []


def test_gc_stops_at_a_lost_pin(three_nights: Warehouse) -> None:
    wh = three_nights
    night = wh.manifest(published_on=D1)
    pin(wh, "audit", night.id)
    (wh.place.manifests / f"{night.id}.json").unlink()
    with pytest.raises(WarehouseError, match="pinned manifest is gone"):
        gc(wh, keep=1, grace_hours=0, dry_run=False)
    assert any("audit" in finding.what for finding in broken(wh))


def test_at_least_one_manifest_is_kept(wh: Warehouse) -> None:
    with pytest.raises(UsageError):
        gc(wh, keep=0, dry_run=True)


def test_a_sound_warehouse_has_no_findings(three_nights: Warehouse) -> None:
    with three_nights.transaction("r9", atomic=True) as run:
        put(run, PAYMENT, D3, "staged")
        assert [finding.what for finding in fsck(three_nights)] == ["warehouse.duckdb: there is none"]


def test_fsck_finds_any_flipped_byte(three_nights: Warehouse) -> None:
    """Of every file that readers depend on: one bit, anywhere."""
    wh = three_nights
    pin(wh, "audit", wh.manifest(published_on=D1).id)
    run = wh.transaction("r9", atomic=True)
    put(run, PAYMENT, D3, "staged")
    assert broken(wh) == []
    chance = random.Random(7)
    ours = [wh.place.marker, wh.place.pointer, *wh.place.manifests.rglob("*.json"), *wh.place.pins.iterdir()]
    for path in [*ours, *wh.place.data.rglob("*.parquet")]:
        whole = path.read_bytes()
        for at in {0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(4))}:
            flipped = whole[:at] + bytes([whole[at] ^ (1 << chance.randrange(8))]) + whole[at + 1 :]
            path.write_bytes(flipped)
            assert broken(wh), (path, at)
        path.write_bytes(whole)
    assert broken(wh) == []


@pytest.mark.parametrize("what", ["*.parquet", "tables/*.json", "nights/*.json"])
def test_fsck_finds_any_missing_file(three_nights: Warehouse, what: str) -> None:
    for path in three_nights.place.root.rglob(what):
        path.rename(path.with_name("away"))
        assert broken(three_nights), path
        path.with_name("away").rename(path)
    assert broken(three_nights) == []


def test_fsck_names_what_does_not_belong(three_nights: Warehouse) -> None:
    (three_nights.place.data / "products/customer_tags/part-0.parquet.tmp").write_text("x")
    (three_nights.place.data / "products/customer_tags/2026-10-29-aaaaaaaaaaaa.parquet").write_text("x")
    (three_nights.place.root / "notes.txt").write_text("x")
    found = {finding.what.rpartition("/")[2]: finding.level for finding in fsck(three_nights)}
    assert found["part-0.parquet.tmp"] == found["notes.txt"] == "warning"
    assert found["1 files are named by no manifest"] == "note"


def test_fsck_tells_a_retired_night_from_litter(three_nights: Warehouse) -> None:
    gc(three_nights, keep=1, grace_hours=24, dry_run=False)
    assert [finding.what for finding in fsck(three_nights)] == ["warehouse.duckdb: there is none"]


def test_a_sound_warehouse_passes_the_doctor(three_nights: Warehouse, tmp_path: Path) -> None:
    key = tmp_path / "bank.key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    os.umask(0o077)
    levels = [finding.level for finding in doctor(three_nights.place, key_file=key)]
    assert levels == ["warning"]  # no catalogue in these tests


def ailments(wh: Warehouse, **more: Path) -> str:
    return "\n".join(f"{finding.level} {finding.what} {finding.next}" for finding in doctor(wh.place, **more))


def test_the_doctor_sees_wrong_modes(three_nights: Warehouse) -> None:
    wh = three_nights
    (wh.place.data / "conformed").chmod(0o755)
    wh.place.spill.chmod(0o755)
    wh.place.faults.rmdir()
    wh.files(TAGS.name)[0].chmod(0o600)
    said = ailments(wh)
    assert f"chmod 0700 {wh.place.data / 'conformed'}" in said
    assert f"chmod 0700 {wh.place.spill}" in said
    assert f"mkdir -m 0700 {wh.place.faults}" in said
    assert "1 files of products have another mode than 0640" in said


def test_the_doctor_sees_what_is_wrong_with_a_key(three_nights: Warehouse, tmp_path: Path) -> None:
    assert "key file is not there" in ailments(three_nights, key_file=tmp_path / "none")
    inside = three_nights.place.root / "bank.key"
    inside.write_bytes(b"short")
    inside.chmod(0o644)
    said = ailments(three_nights, key_file=inside)
    assert "others may read the key file" in said
    assert "inside the warehouse" in said
    assert "holds 5 bytes" in said


def test_the_doctor_sees_a_full_disk(three_nights: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liangcang.doctor.free_bytes", lambda path: 7)
    assert "has 7 bytes free; a night should find" in ailments(three_nights)


def test_the_doctor_sees_a_clock_that_goes_wrong(three_nights: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    class Past(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Past:
            return cls(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr("liangcang.doctor.dt.datetime", Past)
    assert "behind the last publication" in ailments(three_nights)


def test_the_doctor_sees_what_killed_runs_left(three_nights: Warehouse) -> None:
    wh = three_nights
    run = wh.transaction("left", atomic=True)
    assert "left its staging" not in ailments(wh)
    run.close()
    (wh.place.faults / "unconfirmed-000003-aaaaaaaaaaaa.json").write_text("{}")
    os.umask(0o022)
    with wh.place.night([D4], "nightly"):
        os.umask(0o022)
        said = ailments(wh)
    assert "run left left its staging 0 days ago" in said
    assert "did not confirm publication 000003-aaaaaaaaaaaa" in said
    assert f"process {os.getpid()}" in said
    assert "umask is 022" in said
    assert "warehouse.duckdb: there is none" in said


def test_a_manifest_that_gc_took_is_gone_for_a_process_that_remembers_it(three_nights: Warehouse) -> None:
    old = three_nights.manifest(published_on=D1).id
    gc(three_nights, keep=1, grace_hours=24, dry_run=False)
    with pytest.raises(WarehouseError, match="not kept"):
        archive.load(three_nights.place, old)


def test_the_pointer_is_read_again_when_its_manifest_has_just_gone(
    three_nights: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a reader's look at the pointer and at the manifest, a run published and gc retired."""
    wh = three_nights
    publish(wh, "r8", (ACCOUNT, D1, "no month's last night"))
    real, looks = archive.pointed, []

    def slow(place: object) -> str:
        looks.append(real(wh.place))
        if len(looks) == 1:
            publish(wh, "r9", (ACCOUNT, D1, "newest"))
            gc(wh, keep=1, grace_hours=24, dry_run=False)
            return looks[0]
        return looks[-1]

    before = json.loads(wh.place.pointer.read_bytes())["manifest"]
    monkeypatch.setattr(archive, "pointed", slow)
    now = archive.current(wh.place)
    assert now.id != before
    assert looks[0] == before


def test_a_damaged_journal_is_a_finding_and_stops_its_run(wh: Warehouse) -> None:
    run = wh.transaction("r1", atomic=True)
    put(run, TAGS, D1, "x")
    journal = next((run.folder / "entries").iterdir())
    journal.write_bytes(journal.read_bytes().replace(b'"sha256"', b'"sha257"'))
    assert any("journal" in finding.what for finding in broken(wh))
    with pytest.raises(WarehouseError, match="journal of a transaction is damaged"):
        wh.transaction("r1", atomic=True).commit()
    with pytest.raises(WarehouseError, match="journal of a transaction is damaged"):
        gc(wh, dry_run=False)


def test_fsck_and_doctor_survive_what_they_find(three_nights: Warehouse) -> None:
    wh = three_nights
    gc(wh, keep=1, grace_hours=24, dry_run=False)
    retired = next((wh.place.manifests / "retired").iterdir())
    retired.write_bytes(b"{}")
    archive._manifest.cache_clear()
    assert any("retired manifest cannot be read" in finding.what for finding in fsck(wh))
    shutil.rmtree(wh.place.data)
    said = ailments(wh)
    assert f"mkdir -m 2750 {wh.place.data}" in said
