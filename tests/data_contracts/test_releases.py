"""A contract that changes more than its version says does not get through, and the message says what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from by_hand import Values, bookings, col, customers, dump, write_bank, write_contract
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

import data_contracts
from data_contracts import strict
from data_contracts.releases import LOCK, one_line, outdated, read_lock, released
from liangcang.errors import ContractError
from pipelines.cli import commands
from pipelines.locking import lock

OURS = Path(data_contracts.__file__).parent


def liangcang(*words: object) -> Result:
    return CliRunner().invoke(commands, [str(word) for word in words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two contracts, released at 1.0.0."""
    for values in (bookings(), customers()):
        write_contract(tmp_path, values)
    assert lock(tmp_path)[1]
    return tmp_path


def change(folder: Path, values: Values, **columns: Values) -> None:
    for name, more in columns.items():
        col(values, name).update(more)
    write_contract(folder, values)


def test_the_contracts_of_the_project_say_in_their_versions_what_changed() -> None:
    """The project's own gate: needs no history and no network, so it holds in a shallow clone."""
    lines, passed = lock(OURS, check=True)
    assert passed, "\n".join(lines)


def test_a_changed_column_without_a_higher_version_fails_and_says_what_to_do(folder: Path) -> None:
    change(folder, bookings(), amount={"physicalType": "DECIMAL(20,2)"})
    for words in (("lock", folder, "--check"), ("lock", folder), ("diff", folder / LOCK, folder)):
        ran = liangcang("contracts", *words)
        assert ran.exit_code == 1
        assert "major  hand.bookings  amount.type: DECIMAL(18,2) -> DECIMAL(20,2)" in ran.output
        assert "breaks consumer and producer" in ran.output
        assert "1.0.0 -> 1.0.0 is not enough for a major change: let its version be 2.0.0 or higher" in ran.output


def test_a_refused_lock_stays_as_it_was(folder: Path) -> None:
    before = (folder / LOCK).read_bytes()
    change(folder, bookings(), amount={"required": False})
    assert not lock(folder)[1]
    assert (folder / LOCK).read_bytes() == before


@pytest.mark.parametrize(("version", "enough"), [("1.0.1", False), ("1.9.0", False), ("2.0.0", True), ("3.0.0", True)])
def test_a_version_that_says_enough_is_taken(folder: Path, version: str, enough: bool) -> None:
    change(folder, bookings() | {"version": version}, amount={"required": False})
    assert lock(folder)[1] is enough
    if enough:
        assert lock(folder, check=True)[1]


def test_a_change_that_is_not_locked_yet_fails_too_or_the_next_one_would_be_judged_by_the_wrong_release(
    folder: Path,
) -> None:
    change(folder, bookings() | {"version": "2.0.0"}, amount={"required": False})
    lines, passed = lock(folder, check=True)
    assert not passed
    assert f"run `liangcang contracts lock {folder}`" in lines[-1]


def test_comments_and_layout_need_no_version_and_words_a_small_one(folder: Path) -> None:
    path = folder / "contracts" / "bookings.odcs.yaml"
    path.write_text("# A remark.\n" + path.read_text(encoding="utf-8").replace("status: active", "status:   'active'"))
    assert lock(folder, check=True)[1]
    write_contract(folder, bookings() | {"status": "deprecated"})
    ran = liangcang("contracts", "diff", folder / LOCK, folder)
    assert ran.exit_code == 1
    assert "patch  hand.bookings  words" in ran.output
    assert "1.0.1 or higher" in ran.output


def test_a_version_does_not_go_back(folder: Path) -> None:
    write_contract(folder, bookings() | {"version": "0.9.0"})
    lines, passed = lock(folder)
    assert not passed
    assert "1.0.0 -> 0.9.0 goes back" in lines[0]


def test_a_contract_that_is_gone_is_retired_by_its_name(folder: Path) -> None:
    (folder / "contracts" / "customers.odcs.yaml").unlink()
    lines, passed = lock(folder)
    assert not passed
    assert any(line.endswith("--retire hand.customers") for line in lines)
    assert liangcang("contracts", "lock", folder, "--retire", "hand.custmers").exit_code == 2
    assert liangcang("contracts", "lock", folder, "--retire", "hand.bookings").exit_code == 2
    assert liangcang("contracts", "lock", folder, "--retire", "hand.customers").exit_code == 0
    assert liangcang("contracts", "lock", folder, "--check").exit_code == 0


def test_a_new_contract_is_taken_with_any_version(folder: Path) -> None:
    values = customers() | {"id": "hand.more", "version": "0.1.0"}
    values["schema"][0]["name"] = "more"
    write_contract(folder, values)
    assert not lock(folder, check=True)[1]
    assert lock(folder)[1]


def test_a_lock_changed_by_hand_is_found_out(folder: Path) -> None:
    """Somebody who makes the lock say what the contract says now has to make up the digest too."""
    path = folder / LOCK
    path.write_text(path.read_text(encoding="utf-8").replace("DECIMAL(18,2)", "DECIMAL(20,2)"), encoding="utf-8")
    change(folder, bookings(), amount={"physicalType": "DECIMAL(20,2)"})
    with pytest.raises(ContractError, match="changed by hand"):
        lock(folder)
    path.write_text("nonsense\n", encoding="utf-8")
    with pytest.raises(ContractError, match="not a line of a lock"):
        lock(folder)


def test_against_the_lock_of_another_day_even_a_new_lock_does_not_help(folder: Path) -> None:
    """A CI that has the base takes its lock for A: the rewritten one of the change is not asked."""
    base = folder / "base.lock"
    shutil.copy(folder / LOCK, base)
    change(folder, bookings(), amount={"required": False})
    (folder / LOCK).unlink()
    assert lock(folder)[1]
    assert liangcang("contracts", "diff", base, folder).exit_code == 1


def test_a_lock_knows_the_layer_of_a_table_wherever_it_is_read(tmp_path: Path) -> None:
    """A contract that says no `physicalName` has its layer from its folder; a lock may be taken elsewhere."""
    values = customers()
    path = tmp_path / "products" / "customers.odcs.yaml"
    path.parent.mkdir()
    path.write_text(dump(values), encoding="utf-8")
    assert lock(path.parent)[1]
    moved = shutil.copy(path.parent / LOCK, tmp_path / "base.lock")
    path.write_text(dump(values | {"version": "1.0.1", "status": "draft"}), encoding="utf-8")
    ran = liangcang("contracts", "diff", moved, path.parent)
    assert ran.exit_code == 0
    assert "table" not in ran.output


def test_a_bank_below_a_folder_that_has_a_lock_is_held_by_that_lock(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "banks" / "one")
    assert lock(bank.parent)[1]
    assert "2 contract(s)" in liangcang("--bank", bank, "contracts", "lock", "--check").output
    assert not (bank / LOCK).exists()


def test_the_lock_of_a_bank_is_found_by_the_bank(tmp_path: Path) -> None:
    bank = write_bank(tmp_path / "bank")
    assert liangcang("--bank", bank, "contracts", "lock").exit_code == 0
    assert liangcang("--bank", bank, "contracts", "lock", "--check").exit_code == 0
    assert len(read_lock(bank / LOCK)) == 2


def test_two_files_are_one_contract_whatever_they_are_called(tmp_path: Path) -> None:
    new = bookings() | {"id": "hand.other", "version": "2.0.0"}
    old, new = write_contract(tmp_path / "a", bookings()), write_contract(tmp_path / "b", new)
    ran = liangcang("contracts", "diff", old, new)
    assert ran.exit_code == 0
    assert "id: hand.bookings -> hand.other" in ran.output
    assert liangcang("contracts", "diff", old, old).output == "nothing changed\n"


@pytest.mark.parametrize("content", ["", "a: [", "id: x\nversion: 1.0.0\n"])
def test_what_cannot_be_used_ends_with_two(tmp_path: Path, content: str) -> None:
    good, bad = write_contract(tmp_path, bookings()), tmp_path / "bad.odcs.yaml"
    bad.write_text(content, encoding="utf-8")
    assert liangcang("contracts", "diff", good, bad).exit_code == 2
    assert liangcang("contracts", "diff", good, tmp_path / "nowhere").exit_code == 2
    (tmp_path / "empty").mkdir()
    assert liangcang("contracts", "diff", good, tmp_path / "empty").exit_code == 2


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12).filter(
    lambda text: not any(ch in text for ch in "\x7f\ufffe\uffff")
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.sampled_from([1.5, 1.1]) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(TEXT, VALUES, min_size=1, max_size=3))
def test_a_document_on_one_line_says_the_same(values: Values) -> None:
    document = strict.load(dump(values), where="made")
    line = one_line(document)
    assert len(line.splitlines()) == 1
    again = strict.load(line, where="line")
    assert again.data == document.data
    assert one_line(again) == line


def test_numbers_stay_as_they_were_written() -> None:
    document = strict.load("{a: 1.10, b: +5, c: 010, d: True, e: ~, f: 1e5}", where="made")
    assert one_line(document) == '{"a": 1.10, "b": +5, "c": "010", "d": True, "e": null, "f": 1e5}'
    again = strict.load(one_line(document), where="line")
    assert [again.text_of(name) for name in "abcdf"] == ["1.10", "+5", "010", "True", "1e5"]


@pytest.mark.slow
def test_a_clean_checkout_without_history_holds_the_gate(folder: Path) -> None:
    """The command a bank's CI runs, in a process of its own, in a folder that is no repository."""
    command = [sys.executable, "-m", "pipelines.cli", "contracts", "lock", str(folder), "--check"]
    ran = subprocess.run(command, cwd=OURS.parent, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert outdated({r.id: r for r in read_lock(folder / LOCK)}, released(folder)) == []
