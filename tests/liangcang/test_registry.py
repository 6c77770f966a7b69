"""What is registered appears whole, never changes, and is read only as it was registered."""

from __future__ import annotations

import stat

import pytest

from liangcang.care import doctor, fsck, gc
from liangcang.errors import UsageError, WarehouseError
from liangcang.place import Place
from liangcang.registry import MANIFEST, STAGES, Registered, examine, find, register, stages
from liangcang.store import Warehouse

FILES = {"model.bin": b"\x00\x01" * 50, "card.md": "# 卡".encode()}


def kept(place: Place, version: str = "2026-01-31-abc", **files: bytes) -> Registered:
    told = {name.replace("_", "."): data for name, data in files.items()} or FILES
    return register(place, "churn", version, told, facts={"kind": "trees"}, stage="candidate", by="me", reason="new")


def test_a_version_comes_back_as_it_was_registered(place: Place) -> None:
    made = kept(place)
    assert {file: made.read(file) for file in made.files} == FILES
    assert made.facts == {"kind": "trees"}
    assert find(place, "churn", made.version) == made
    (told,) = stages(place, "churn")
    assert (told.version, told.stage, told.by, told.reason) == (made.version, "candidate", "me", "new")
    assert list(place.scratch.iterdir()) == []


def test_it_is_for_the_owner_of_the_night_alone(place: Place) -> None:
    folder = kept(place).folder
    assert folder == place.models / "churn" / "2026-01-31-abc"
    for path in [place.models, folder.parent, folder]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in [*folder.iterdir(), folder.parent / STAGES]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_version_that_is_there_stays_as_it_is(place: Place) -> None:
    first = kept(place)
    again = kept(place, model_bin=b"other")
    assert again == first
    assert len(stages(place, "churn")) == 1
    kept(place, "2026-02-28-def")
    assert [told.version for told in stages(place, "churn")] == ["2026-01-31-abc", "2026-02-28-def"]


@pytest.mark.parametrize("file", ["model.bin", "card.md"])
def test_one_flipped_byte_is_refused_and_found_by_fsck(place: Place, file: str) -> None:
    made = kept(place)
    path = made.folder / file
    data = bytearray(path.read_bytes())
    data[1] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(WarehouseError, match=f"{file} is not what was registered"):
        made.read(file)
    assert [finding.level for finding in fsck(Warehouse(place)) if file in finding.what] == ["error"]


def test_a_file_that_is_gone_larger_or_not_of_the_version_is_refused(place: Place) -> None:
    made = kept(place)
    (made.folder / "card.md").unlink()
    with (made.folder / "model.bin").open("ab") as file:
        file.write(b"more")
    for name, what in {"card.md": "cannot be read", "model.bin": "not what was", "../../x": "has no file"}.items():
        with pytest.raises(WarehouseError, match=what):
            made.read(name)


@pytest.mark.parametrize("damage", [b"{}", b"not json", b'{"files":{},"name":"churn","version":"other","facts":{}}\n'])
def test_a_damaged_manifest_is_refused_and_found(place: Place, damage: bytes) -> None:
    made = kept(place)
    (made.folder / MANIFEST).write_bytes(damage)
    with pytest.raises(WarehouseError, match="manifest is damaged"):
        find(place, "churn", made.version)
    assert [finding.level for finding in examine(place)] == ["error"]


def test_what_a_kill_left_of_a_stage_is_no_stage_and_goes_with_the_next(place: Place) -> None:
    kept(place)
    log = place.models / "churn" / STAGES
    whole = log.read_bytes()
    log.write_bytes(whole + b'{"at":"2026')
    assert len(stages(place, "churn")) == 1
    kept(place, "2026-02-28-def")
    assert log.read_bytes().startswith(whole)
    assert len(stages(place, "churn")) == 2
    log.write_bytes(b"{}\n" + whole)
    with pytest.raises(WarehouseError, match="stages of churn are damaged"):
        stages(place, "churn")


def test_names_cannot_leave_the_registry(place: Place) -> None:
    for name, version, files in [
        ("../churn", "v", FILES),
        ("churn", "..", FILES),
        ("churn", "a/b", FILES),
        ("churn", "v", {"../x.md": b""}),
        ("churn", "v", {MANIFEST: b""}),
    ]:
        with pytest.raises(UsageError, match="can be registered"):
            register(place, name, version, files, facts={}, stage="candidate", by="me", reason="")
    assert list(place.models.iterdir()) == []


def test_gc_and_doctor_leave_it_alone_and_fsck_calls_strangers_by_name(place: Place) -> None:
    made = kept(place)
    gc(Warehouse(place), keep=1, grace_hours=0, dry_run=False)
    assert made.read("model.bin") == FILES["model.bin"]
    assert not [finding for finding in doctor(place) if "models" in finding.what]
    assert not [finding for finding in fsck(Warehouse(place)) if "models" in finding.what]
    (made.folder / "notes.txt").write_text("mine")
    (place.models / "Notes").mkdir()
    found = [finding.what for finding in fsck(Warehouse(place)) if finding.level == "warning"]
    assert sum("notes.txt" in what or "Notes" in what for what in found) == 2
    place.models.chmod(0o755)
    assert any("models has mode 0755" in finding.what for finding in doctor(place))


def test_a_warehouse_that_was_made_before_there_were_models_gets_the_folder(place: Place) -> None:
    place.models.rmdir()
    assert list(examine(place)) == [] and stages(place, "churn") == []
    kept(place)
    assert stat.S_IMODE(place.models.stat().st_mode) == 0o700
