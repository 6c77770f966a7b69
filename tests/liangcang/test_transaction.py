"""What a run makes becomes visible together or not at all, once, and never over somebody else's work."""

from __future__ import annotations

import datetime as dt
import os
import stat
from pathlib import Path

import pytest
from warehouse_by_hand import ACCOUNT, D1, D2, D3, PAYMENT, TAGS, contents, publish, put

from liangcang import archive, journal, roots
from liangcang.care import fsck, gc, rollback
from liangcang.errors import ConflictError, UsageError, WarehouseError
from liangcang.store import Warehouse
from liangcang.table import Entry, Table

pytestmark = pytest.mark.usefixtures("no_catalogue")


def test_nothing_is_visible_before_the_commit_and_everything_after(wh: Warehouse) -> None:
    before = wh.current
    with wh.transaction("r1", atomic=True) as run:
        put(run, TAGS, D1, "tags")
        put(run, PAYMENT, D1, "payments")
        assert contents(wh.current) == {}
        assert contents(run.candidate()) == {(TAGS.name, D1): "tags", (PAYMENT.name, D1): "payments"}
        published = run.commit(nights={D1: {"deliveries": "abc"}})
    assert published.changed
    assert published.tables == (PAYMENT.name, TAGS.name)
    assert published.entries == 2
    assert wh.current.id == published.manifest
    assert contents(wh.current) == {(TAGS.name, D1): "tags", (PAYMENT.name, D1): "payments"}
    assert contents(before) == {}
    assert wh.current.night(D1) == {"deliveries": "abc"}


def test_a_run_that_makes_the_same_again_publishes_nothing(wh: Warehouse) -> None:
    publish(wh, "r1", (TAGS, D1, "tags"), nights=(D1,))
    first = wh.current.id
    with wh.transaction("r2", atomic=True) as run:
        put(run, TAGS, D1, "tags")
        again = run.commit(nights={D1: {"deliveries": "r1"}})
    assert not again.changed
    assert again.manifest == first == wh.current.id
    assert len(list(wh.place.data.rglob("*.parquet"))) == 1


def test_a_night_of_the_same_rows_from_other_deliveries_is_recorded(wh: Warehouse) -> None:
    publish(wh, "r1", (TAGS, D1, "tags"), nights=(D1,))
    publish(wh, "r2", (TAGS, D1, "tags"), nights=(D1,))
    assert wh.current.night(D1) == {"deliveries": "r2"}


def test_the_same_content_from_other_inputs_is_a_change_but_no_second_file(wh: Warehouse) -> None:
    for number, digest in enumerate(("aaa", "bbb")):
        with wh.transaction(f"r{number}", atomic=True) as run:
            file = run.path("x")
            file.write_text("same")
            run.stage(TAGS, D1, file, rows=1, inputs={"staged.trans": digest})
            assert run.commit().changed
    assert wh.current.entries(TAGS.name)[D1].inputs == {"staged.trans": "bbb"}
    assert len(list(wh.place.data.rglob("*.parquet"))) == 1


def test_a_commit_is_done_once_however_often_it_is_asked_for(wh: Warehouse) -> None:
    with wh.transaction("r1", atomic=True) as run:
        put(run, TAGS, D1, "first")
        first = run.commit()
        assert run.commit() == type(first)(first.manifest, changed=False)
    publish(wh, "r2", (TAGS, D1, "second"))
    with wh.transaction("r1", atomic=True, resume=True) as retry:
        assert retry.published == first.manifest
        assert retry.commit().manifest == first.manifest
    assert contents(wh.current) == {(TAGS.name, D1): "second"}
    assert wh.published("r1") == first.manifest
    assert wh.published("r9") is None


def test_two_runs_on_different_dates_both_succeed(wh: Warehouse) -> None:
    one, two = wh.transaction("r1", atomic=True), wh.transaction("r2", atomic=True)
    put(one, TAGS, D1, "one")
    put(two, TAGS, D2, "two")
    one.commit(nights={D1: {}})
    two.commit(nights={D2: {}})
    assert contents(wh.current) == {(TAGS.name, D1): "one", (TAGS.name, D2): "two"}
    assert wh.current.nights == [D1, D2]


def test_the_second_of_two_runs_on_one_date_is_refused_and_nothing_is_lost(wh: Warehouse) -> None:
    one, two = wh.transaction("r1", atomic=True), wh.transaction("r2", atomic=True)
    put(one, TAGS, D1, "one")
    put(two, TAGS, D1, "two")
    put(two, PAYMENT, D1, "two too")
    one.commit()
    with pytest.raises(ConflictError, match="customer_tags of 2026-10-29") as caught:
        two.commit()
    assert caught.value.exit_code == 75
    assert "re-execute all" in str(caught.value)
    assert contents(wh.current) == {(TAGS.name, D1): "one"}
    publish(wh, "r3", (TAGS, D1, "two"), (PAYMENT, D1, "two too"))
    assert contents(wh.current) == {(TAGS.name, D1): "two", (PAYMENT.name, D1): "two too"}


def test_two_runs_that_make_the_same_do_not_conflict(wh: Warehouse) -> None:
    one, two = wh.transaction("r1", atomic=True), wh.transaction("r2", atomic=True)
    put(one, TAGS, D1, "same")
    put(two, TAGS, D1, "same")
    put(two, PAYMENT, D1, "more")
    one.commit()
    assert two.commit().tables == (PAYMENT.name,)


def test_a_run_rolled_back_under_another_is_a_conflict(wh: Warehouse) -> None:
    publish(wh, "r1", (TAGS, D1, "one"), nights=(D1,))
    publish(wh, "r2", (TAGS, D2, "two"), nights=(D2,))
    run = wh.transaction("r3", atomic=True)
    put(run, TAGS, D2, "three")
    rollback(wh, D1)
    with pytest.raises(ConflictError):
        run.commit()


def test_a_retry_finds_what_was_staged_and_keeps_its_base(wh: Warehouse) -> None:
    publish(wh, "r0", (PAYMENT, D1, "old"))
    run = wh.transaction("r1", atomic=True)
    put(run, TAGS, D1, "tags")
    del run
    publish(wh, "r2", (PAYMENT, D1, "new"))
    with wh.transaction("r1", atomic=True, resume=True) as retry:
        assert contents(retry.candidate()) == {(TAGS.name, D1): "tags", (PAYMENT.name, D1): "old"}
        retry.commit()
    assert contents(wh.current) == {(TAGS.name, D1): "tags", (PAYMENT.name, D1): "new"}


def test_the_base_is_pinned_before_anything_is_read(wh: Warehouse) -> None:
    """A first version pinned at the first read: a foreign commit before it was silently overwritten."""
    run = wh.transaction("r1", atomic=True)
    publish(wh, "r2", (TAGS, D1, "foreign"))
    put(run, TAGS, D1, "mine")
    with pytest.raises(ConflictError):
        run.commit()


def test_a_retry_whose_staging_is_gone_is_refused(wh: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="thrown away") as caught:
        wh.transaction("r1", atomic=True, resume=True)
    assert "re-execute all" in str(caught.value)


def test_half_of_a_discarded_night_cannot_be_resumed(wh: Warehouse) -> None:
    run = wh.transaction("r1", atomic=True)
    put(run, TAGS, D1, "tags")
    run.discard()
    for attempt in (lambda: put(run, PAYMENT, D1, "x"), run.commit, lambda: wh.transaction("r1", atomic=True)):
        with pytest.raises(WarehouseError, match="thrown away"):
            attempt()
    assert list(wh.place.data.rglob("*.parquet")) == []


def test_discarding_spares_what_is_read_until_the_grace_is_over(wh: Warehouse) -> None:
    """A run brought a file that another one published; its manifest was rolled back and collected, a reader is at it."""
    empty = wh.current.id
    mine = wh.transaction("mine", atomic=False)
    put(mine, ACCOUNT, D1, "same")
    publish(wh, "another", (ACCOUNT, D1, "same"))
    reader = wh.current
    rollback(wh, empty)
    assert gc(wh, keep=1, grace_hours=24, dry_run=False).retired == (reader.id,)
    mine.discard()
    assert contents(reader) == {(ACCOUNT.name, D1): "same"}
    gc(wh, keep=1, grace_hours=0, dry_run=False)
    assert not [*wh.place.data.rglob("*.parquet")]


def test_discarding_spares_what_others_share(wh: Warehouse) -> None:
    publish(wh, "r0", (TAGS, D1, "published"))
    run, other = wh.transaction("r1", atomic=True), wh.transaction("r2", atomic=True)
    for content, day in (("published", D1), ("mine", D2), ("both", D3)):
        put(run, TAGS, day, content)
    put(other, TAGS, D3, "both")
    run.discard()
    assert {path.read_text() for path in wh.place.data.rglob("*.parquet")} == {"published", "both"}
    other.commit()
    assert [finding for finding in fsck(wh) if finding.level == "error"] == []


def test_a_transaction_that_is_not_atomic_commits_table_by_table(wh: Warehouse) -> None:
    run = wh.transaction("r1", atomic=False)
    put(run, TAGS, D1, "one")
    run.commit()
    assert contents(wh.current) == {(TAGS.name, D1): "one"}
    put(run, TAGS, D1, "two")
    put(run, PAYMENT, D1, "two")
    assert run.commit().entries == 2
    assert run.staged() == {}
    assert contents(wh.current) == {(TAGS.name, D1): "two", (PAYMENT.name, D1): "two"}


def test_the_leftovers_of_a_failed_step_are_not_committed_by_the_next(wh: Warehouse) -> None:
    with pytest.raises(ZeroDivisionError), wh.transaction("r1", atomic=False) as failed:
        put(failed, TAGS, D1, "did not pass its audit")
        raise ZeroDivisionError
    with wh.transaction("r1", atomic=False) as following:
        put(following, PAYMENT, D1, "good")
        following.commit()
    assert contents(wh.current) == {(PAYMENT.name, D1): "good"}
    assert list(roots.transactions(wh.place)) == []
    assert len(list(wh.place.data.rglob("*.parquet"))) == 1


def test_staging_a_date_again_takes_the_later_one(wh: Warehouse) -> None:
    with wh.transaction("r1", atomic=True) as run:
        put(run, TAGS, D1, "first")
        put(run, TAGS, D2, "other")
        put(run, TAGS, D1, "second")
        run.commit()
    assert contents(wh.current) == {(TAGS.name, D1): "second", (TAGS.name, D2): "other"}


def test_many_dates_are_staged_at_once_as_one_by_one(wh: Warehouse) -> None:
    days = [D1 + dt.timedelta(days=number) for number in range(20)]
    with wh.transaction("r1", atomic=True) as run:
        parts = []
        for day in days:
            file = run.path("x")
            file.write_text(str(day))
            parts.append((file, {day: Entry(sha256="", rows=3, bytes=0, note={"day": str(day)})}))
        done = run.stage_many(TAGS, parts)
        assert run.commit().entries == 20
    assert wh.current.entries(TAGS.name) == done
    assert {entry.rows for entry in done.values()} == {3}
    assert contents(wh.current) == {(TAGS.name, day): str(day) for day in days}


def test_dates_that_share_a_file_are_published_and_replaced_each_for_itself(wh: Warehouse) -> None:
    days = [D1 + dt.timedelta(days=number) for number in range(3)]
    with wh.transaction("r1", atomic=True) as run:
        file = run.path("month")
        file.write_text("a month")
        entries = {day: Entry(sha256="", rows=number, bytes=0) for number, day in enumerate(days)}
        done = run.stage_many(TAGS, [(file, entries)])
        run.commit()
    view = wh.current
    assert view.entries(TAGS.name) == done
    assert [entry.rows for entry in done.values()] == [0, 1, 2]
    assert {entry.at for entry in done.values()} == {D1}
    (path,) = view.paths(TAGS.name)
    assert path.name.startswith(f"{D1}-")
    assert [day for day, _ in view.files(TAGS.name)] == days
    assert [finding.what for finding in fsck(wh) if finding.level != "warning"] == []
    publish(wh, "r2", (TAGS, days[1], "its own"))
    assert [file.read_text() for file in wh.current.paths(TAGS.name)] == ["a month", "its own"]
    assert wh.manifest(id=view.id).paths(TAGS.name) == [path]
    gc(wh, dry_run=False, keep=1, grace_hours=0)
    assert [finding.what for finding in fsck(wh) if finding.level != "warning"] == []


def test_facts_are_united_one_level_deep(wh: Warehouse) -> None:
    for number, facts in enumerate(({"accepted": {"a": 1}, "last": "x"}, {"accepted": {"b": 2}}, {"last": "y"})):
        with wh.transaction(f"r{number}", atomic=True) as run:
            run.note(TAGS, facts)
            run.commit()
    assert wh.current.facts(TAGS.name) == {"accepted": {"a": 1, "b": 2}, "last": "y"}
    assert wh.current.entries(TAGS.name) == {}


def test_facts_of_two_runs_are_both_kept(wh: Warehouse) -> None:
    one, two = wh.transaction("r1", atomic=True), wh.transaction("r2", atomic=True)
    one.note(TAGS, {"accepted": {"a": 1}})
    two.note(TAGS, {"accepted": {"b": 2}})
    one.commit()
    two.commit()
    assert wh.current.facts(TAGS.name) == {"accepted": {"a": 1, "b": 2}}


def test_a_damaged_file_is_healed_by_right_content(wh: Warehouse) -> None:
    publish(wh, "r1", (TAGS, D1, "right"))
    file = wh.files(TAGS.name)[0]
    file.chmod(0o600)
    file.write_text("wrong")
    assert [finding.level for finding in fsck(wh)] == ["error"]
    publish(wh, "r2", (TAGS, D1, "right"))
    assert contents(wh.current) == {(TAGS.name, D1): "right"}
    assert [finding for finding in fsck(wh) if finding.level == "error"] == []


def test_only_a_file_of_the_transaction_can_be_staged(wh: Warehouse, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("x")
    with wh.transaction("r1", atomic=True) as run, pytest.raises(WarehouseError, match="transaction's folder"):
        run.stage(TAGS, D1, tmp_path / "elsewhere", rows=1)


@pytest.mark.parametrize("id", ["", "../x", "a/b", ".hidden", "_nights", "a b", "x" * 101])
def test_an_id_is_a_plain_name(wh: Warehouse, id: str) -> None:
    with pytest.raises(UsageError, match="transaction's id"):
        wh.transaction(id, atomic=True)


def test_a_path_below_staging_is_what_path_gives_whatever_the_name(wh: Warehouse) -> None:
    run = wh.transaction("r1", atomic=True)
    assert run.path("../../../etc/passwd").parent == run.folder / "files"
    assert run.path("a") != run.path("a")


def test_no_half_written_file_ever_lies_in_a_tables_folder(wh: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    for name in ("fsync", "replace", "rename", "link", "unlink"):
        real = getattr(os, name)

        def look(*args: object, _real: object = real, **more: object) -> object:
            seen.update(path.name for path in wh.place.data.rglob("*") if path.is_file())
            return _real(*args, **more)  # type: ignore[operator]

        monkeypatch.setattr(os, name, look)
    publish(wh, "r1", (TAGS, D1, "a"), (ACCOUNT, D1, "b"), nights=(D1,))
    assert len(seen) == 2
    assert all(name.startswith("2026-10-29-") and name.endswith(".parquet") for name in seen)


def test_a_file_written_under_any_umask_gets_the_access_of_its_table(wh: Warehouse) -> None:
    with wh.transaction("r1", atomic=True) as run:
        for table in (TAGS, ACCOUNT):
            os.umask(0o000)
            put(run, table, D1, "x")
        run.commit()
    modes = {path.parent.name: stat.S_IMODE(path.stat().st_mode) for path in wh.place.data.rglob("*.parquet")}
    assert modes == {"customer_tags": 0o640, "account": 0o600}


def test_what_an_engine_writes_during_a_transaction_is_private(wh: Warehouse) -> None:
    os.umask(0o022)
    run = wh.transaction("r1", atomic=True)
    run.path("x").write_text("x")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (run.folder / "files").iterdir()} == {0o600}


def test_a_changed_declaration_is_published_with_the_next_entry(wh: Warehouse) -> None:
    publish(wh, "r1", (TAGS, D1, "a"))
    wider = Table(name=TAGS.name, columns={**TAGS.columns, "sex": "VARCHAR"}, key=TAGS.key, kind=TAGS.kind)
    publish(wh, "r2", (wider, D2, "b"))
    assert wh.current.table(TAGS.name) == wider
    assert contents(wh.current) == {(TAGS.name, D1): "a", (TAGS.name, D2): "b"}


def test_a_manifest_remembers_the_last_fifty_transactions(wh: Warehouse) -> None:
    for number in range(53):
        publish(wh, f"r{number}", (ACCOUNT, D1, str(number)))
    known = wh.current.manifest.published
    assert list(known) == [f"r{number}" for number in range(3, 53)]
    assert known["r52"] == wh.current.id


def test_manifests_follow_each_other_in_number_and_time(wh: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(wh, "r1", (ACCOUNT, D1, "1"))
    first = wh.current.manifest

    class Yesterday(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Yesterday:
            return cls(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr(archive.dt, "datetime", Yesterday)
    publish(wh, "r2", (ACCOUNT, D1, "2"))
    second = wh.current.manifest
    assert (second.number, second.parent) == (first.number + 1, first.id)
    assert second.created_at > first.created_at


def test_gc_leaves_the_staging_of_a_live_run_alone(wh: Warehouse) -> None:
    run = wh.transaction("r1", atomic=True)
    put(run, TAGS, D1, "tags")
    gc(wh, keep=1, grace_hours=0, dry_run=False)
    run.commit()
    assert contents(wh.current) == {(TAGS.name, D1): "tags"}


def test_gc_takes_what_a_killed_step_left_at_once(wh: Warehouse) -> None:
    """Nobody can resume a transaction that is not atomic."""
    run = wh.transaction("r1", atomic=False)
    put(run, TAGS, D1, "half")
    run._leave()
    assert gc(wh, keep=1, grace_hours=0, dry_run=False).staging == (run.folder.name,)
    assert list(wh.place.data.rglob("*.parquet")) == []


def test_content_that_was_litter_is_young_again_when_it_is_staged(wh: Warehouse) -> None:
    """It lay there unnamed for weeks; a gc that starts now must give whoever staged it the whole grace."""
    litter = wh.transaction("r1", atomic=False)
    entry = put(litter, TAGS, D1, "same")
    litter._leave()
    file = wh.place.root / entry.path(TAGS.name, D1)
    os.utime(file, (0, 0))
    run = wh.transaction("r2", atomic=False)
    put(run, TAGS, D1, "same")
    run._leave()
    gc(wh, keep=1, grace_hours=24, dry_run=False)
    assert file.read_text() == "same"


def test_what_is_staged_while_another_process_commits_is_not_forgotten(wh: Warehouse) -> None:
    """Two processes of one run: the journal that grew during the commit stays."""
    run = wh.transaction("r1", atomic=False)
    put(run, TAGS, D1, "one")
    real = run._publish

    def slow(*parts: object) -> object:
        done = real(*parts)
        journal.append(journal.path(run.folder / "entries", TAGS.name), [journal.facts_line({"late": True})])
        return done

    run._publish = slow
    run.commit()
    assert run.staged()[TAGS.name].facts == {"late": True}
    run._publish = real
    run.commit()
    assert wh.current.facts(TAGS.name) == {"late": True}
