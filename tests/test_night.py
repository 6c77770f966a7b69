"""A night of the small bank, end to end: what came, what was kept, what is published."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from banks.riverside_bank import Demo, plant
from banks_at_work import Hands
from polars.testing import assert_frame_equal

EIGHT = ["R025", "R026", "R045", "R046", "R048", "R050", "R051", "R052"]


def daily(hands: Hands, demo: Demo, night: int, feed: str) -> Path:
    """The delivery of a feed for a night of the demo."""
    return hands.landing / "daily" / demo.nights[night].isoformat() / f"{feed}.1.csv"


def test_the_command_line_says_what_it_was_asked_and_nothing_on_stderr(riverside_first):
    """As a process of its own: libraries warn at import, and when their definitions are built."""
    options = ["--bank", riverside_first.bank, "--warehouse", str(riverside_first.warehouse)]
    ran = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *options, "--landing", str(riverside_first.landing), "status"],
        env=os.environ | {"LIANGCANG_KEY_FILE": str(riverside_first.key)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("riverside")
    assert ran.stderr == ""
    code = "import os; from pipelines.definitions import defs; defs(); os._exit(0)"
    built = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {
            "LIANGCANG_BANK": riverside_first.bank,
            "LIANGCANG_WAREHOUSE": str(riverside_first.warehouse),
            "LIANGCANG_LANDING": str(riverside_first.landing),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert built.stderr == ""


def test_all_eight_indicators_are_hit_and_missed_on_the_small_bank(riverside_all, riverside_demo):
    signals = riverside_all.open.scan("products.risk_signal", as_of=riverside_demo.nights[-1]).collect()
    for indicator in EIGHT:
        results = set(signals.filter(indicator_id=indicator)["result"])
        assert {"HIT", "MISS"} <= results, (indicator, results)


def test_every_unknown_says_why_and_every_hit_says_how(riverside_all):
    signals = riverside_all.open.scan("products.risk_signal").collect()
    unknown, hits = signals.filter(result="UNKNOWN"), signals.filter(result="HIT")
    assert unknown["reason"].null_count() == 0
    assert hits["severity"].null_count() == 0
    assert all(json.loads(text)["inputs"] for text in hits["evidence"])


def test_every_delivered_row_ends_in_exactly_one_place(riverside_all):
    view = riverside_all.open.current
    deliveries = 0
    for name in view.tables():
        if name.startswith("quarantine."):
            counts = (
                riverside_all.open.scan(name.replace("quarantine", "quality")).filter(kind="conservation").collect()
            )
            for _, rows in counts.group_by("business_date", "_delivery"):
                kept = dict(rows.select("rule_id", "checked").iter_rows())
                deliveries += 1
                assert kept.pop("delivered") == sum(kept.values()), (name, kept)
    assert deliveries == 5 * (1 + 3)


def test_the_tags_of_a_party_are_those_of_its_features(riverside_all, riverside_demo):
    last = riverside_demo.nights[-1]
    tags = riverside_all.open.scan("products.customer_tags", as_of=last).collect()
    features = riverside_all.open.scan("features.party", as_of=last).collect()
    both = tags.join(features, on="party_id")
    assert both.height == tags.height == features.height > 20
    persons = both.filter(party_type="person")
    assert persons["t001_age"].to_list() == persons["age"].to_list()
    assert both["t099_count_30"].to_list() == both["cnt_30"].to_list()


def test_products_are_for_the_group_and_all_else_for_the_owner(riverside_all):
    root = riverside_all.warehouse
    for path in root.rglob("*"):
        mode, name = stat.S_IMODE(path.stat().st_mode), path.relative_to(root).as_posix()
        if name.startswith("data/products"):
            assert mode & 0o777 == (0o750 if path.is_dir() else 0o640), (name, oct(mode))
        elif name.startswith("data/"):
            assert mode & 0o077 == 0, (name, oct(mode))


def test_nothing_is_left_in_staging(riverside_all):
    left = [path for path in (riverside_all.warehouse / "_staging").rglob("*") if path.is_file()]
    assert [path.name for path in left if path.suffix == ".parquet" or path.name.endswith(".taken")] == []


def test_the_same_delivery_twice_publishes_nothing_and_status_says_so(riverside, riverside_demo):
    before = riverside.open.current.id
    said = riverside("nightly", riverside_demo.nights[0].isoformat()).output
    assert "nothing to publish" in said
    assert riverside.open.current.id == before
    assert "delivered again, byte for byte" in riverside("status").output


def test_a_file_that_no_contract_names_is_listed_and_left(riverside):
    stray = riverside.landing / "holiday\x1b[31mphotos.zip"
    stray.write_bytes(b"PK")
    said = riverside("status").output
    assert "1 files that no contract names" in said
    assert "holiday" in said and "\x1b" not in said
    assert stray.read_bytes() == b"PK"


BROKEN = {
    "cut": ("transactions", "line"),
    "not_utf8": ("transactions", "utf-8"),
    "missing_column": ("transactions", "missing column"),
    "extra_column": ("transactions", "extra column"),
    "half": ("accounts", "half a full file"),
}


def refused(riverside: Hands, demo: Demo, feed: str, *, whole: bool = False) -> str:
    """What is said when the second night refuses a feed's delivery; nothing is lost and yesterday stays published."""
    day = demo.nights[1].isoformat()
    found = sorted((riverside.landing / "daily" / day).iterdir())
    files = {path: path.read_bytes() for path in found if path.is_file() and not path.is_symlink()}
    before = riverside.bytes_of()
    said = riverside("nightly", day, *([] if whole else ["--only", f"staged.{feed}"]), code=65).output
    assert {path: path.read_bytes() for path in files} == files
    assert riverside.bytes_of() == before
    return said


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_delivery_is_refused_and_yesterday_stays(riverside, riverside_demo, fault):
    feed, expected = BROKEN[fault]
    file = daily(riverside, riverside_demo, 1, feed)
    plant(file, fault)
    said = refused(riverside, riverside_demo, feed, whole=fault == "cut")
    assert expected in said.lower(), said
    assert file.name in said and "kept" in said and "next" in said
    assert "refused" in riverside("status").output


def test_an_empty_file_is_no_delivery(riverside, riverside_demo):
    daily(riverside, riverside_demo, 1, "transactions").write_bytes(b"")
    assert "empty" in refused(riverside, riverside_demo, "transactions")


def test_a_delivery_of_another_date_is_refused(riverside, riverside_demo):
    shutil.copy(
        daily(riverside, riverside_demo, 2, "transactions"), daily(riverside, riverside_demo, 1, "transactions")
    )
    assert "another date" in refused(riverside, riverside_demo, "transactions")


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_link_or_a_pipe_is_no_delivery(riverside, riverside_demo, kind):
    file = daily(riverside, riverside_demo, 1, "transactions")
    real = file.rename(riverside.landing / "elsewhere.csv")
    file.symlink_to(real) if kind == "link" else os.mkfifo(file)
    refused(riverside, riverside_demo, "transactions")


@pytest.mark.parametrize(
    ("damage", "expected"), [("flipped", "damaged gzip"), ("cut", "was cut"), ("tail", "after its end")]
)
def test_a_damaged_gzip_is_refused_and_a_sound_one_is_read(riverside, riverside_demo, damage, expected):
    """The contract of another bank: the same file, compressed."""
    contract = Path(riverside.bank) / "contracts" / "transactions.odcs.yaml"
    daily_part, history_part = contract.read_text().split("  - server: history")
    daily_part = daily_part.replace("{sequence}.csv", "{sequence}.csv.gz").replace(
        "compression, value: none", "compression, value: gzip"
    )
    contract.write_text(f"{daily_part}  - server: history{history_part}")
    plain = daily(riverside, riverside_demo, 1, "transactions")
    sound = gzip.compress(plain.read_bytes())
    plain.unlink()
    file = plain.with_name(plain.name + ".gz")
    wrong = {
        "flipped": sound[:-8] + bytes([sound[-8] ^ 1]) + sound[-7:],
        "cut": sound[:-9],
        "tail": sound + b"more",
    }
    file.write_bytes(wrong[damage])
    assert expected in refused(riverside, riverside_demo, "transactions")
    file.write_bytes(sound)
    day = riverside_demo.nights[1]
    riverside("nightly", day.isoformat(), "--only", "staged.transactions")
    assert day in riverside.open.current.entries("staged.transactions")


def test_a_file_that_grows_while_it_is_read_is_looked_at_again_later(riverside, riverside_demo, monkeypatch):
    """The sender still writes when the night begins: nothing is taken, and nothing is held against the file."""
    file = daily(riverside, riverside_demo, 1, "transactions")
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    read = os.read

    def slow(descriptor: int, length: int) -> bytes:
        if Path(f"/proc/self/fd/{descriptor}").readlink() == file and file.stat().st_size < len(whole):
            file.write_bytes(whole)
        return read(descriptor, length)

    day, before = riverside_demo.nights[1], riverside.bytes_of()
    monkeypatch.setattr("assets.sources.take.os.read", slow)
    said = riverside("nightly", day.isoformat(), "--only", "staged.transactions", code=65).output
    monkeypatch.undo()
    assert "changed while it was read" in said and "looked at again" in said
    assert riverside.bytes_of() == before
    assert "refused  transactions" not in riverside("status").output
    riverside("nightly", day.isoformat(), "--only", "staged.transactions")
    assert riverside.open.current.entries("staged.transactions")[day].rows > 0


def test_an_absent_must_feed_stops_the_night(riverside, riverside_demo):
    daily(riverside, riverside_demo, 1, "transactions").unlink()
    assert "absent" in refused(riverside, riverside_demo, "transactions")


def test_an_absent_hold_feed_keeps_its_last_good_state(riverside_troubled, riverside_demo):
    last = riverside_demo.nights[2]
    assert {"customers", "loans"} <= set(riverside_troubled.open.current.night(last)["held"])
    assert riverside_troubled.open.scan("products.customer_tags", as_of=last).collect().height > 20
    assert "held" in riverside_troubled("status").output


def test_a_held_feed_stops_the_night_when_it_is_too_old(riverside_troubled, riverside_demo, tmp_path):
    copy = riverside_troubled.copy(tmp_path / "copy")
    before, last = copy.bytes_of(), riverside_demo.nights[2]
    for days, code in ((1, 0), (2, 65)):  # the loans came two nights before the first of these
        day = last + dt.timedelta(days=days)
        said = copy("nightly", day.isoformat(), "--only", "staged.loans", code=code).output
        assert ("absent" in said) == bool(code)
    assert copy.bytes_of() == before


def test_a_stale_feed_clears_no_signal_and_says_so(riverside_troubled, riverside_demo):
    last = riverside_demo.nights[2]
    loans = riverside_troubled.open.scan("products.risk_signal", as_of=last).filter(indicator_id="R025").collect()
    assert set(loans["result"]) == {"UNKNOWN"}
    assert set(loans["reason"]) == {"stale: loans"}
    tags = riverside_troubled.open.scan("products.customer_tags", as_of=last).collect()
    assert tags["t058_borrower"].null_count() == tags.height
    before = riverside_troubled.open.scan("products.customer_tags", as_of=riverside_demo.nights[1]).collect()
    assert before["t058_borrower"].null_count() == 0


def test_an_absent_skip_feed_does_not_stop_the_night(riverside_troubled, riverside_demo):
    assert "branches" in riverside_troubled.open.current.night(riverside_demo.nights[1])["held"]


def test_a_quarantined_row_keeps_its_text_reasons_file_and_line(riverside_troubled, riverside_demo):
    day = riverside_demo.nights[1]
    rows = riverside_troubled.open.scan("quarantine.customers").filter(business_date=day).collect()
    assert rows.height == 1
    row = rows.row(0, named=True)
    assert row["_line"] == 2
    assert row["_row_no"] == 1
    assert any(rule.endswith(".parse") for rule in row["_rules"])
    assert row["_file"].endswith("customers.1.csv")
    assert "31/02/2026" in row.values()


def test_a_quarantined_key_of_a_full_feed_is_held_not_closed(riverside_troubled, riverside_demo):
    before, day = riverside_demo.nights[:2]
    accounts = riverside_troubled.open.scan("staged.accounts", as_of=before).collect().height
    after = riverside_troubled.open.scan("staged.accounts", as_of=day).collect()
    assert after.height >= accounts
    assert after["_held_since"].drop_nulls().to_list() == [day]


def test_a_correction_with_a_higher_sequence_number_restates_its_date_alone(
    riverside_first, riverside_all, riverside_demo, tmp_path
):
    """Re-delivered after later nights were loaded, the bytes are as if it had come right the first time."""
    late = riverside_all.copy(tmp_path / "late")
    file = daily(late, riverside_demo, 1, "transactions")
    lines = file.read_bytes().splitlines(keepends=True)
    file.with_name("transactions.2.csv").write_bytes(b"".join(lines[:-1]))
    days = [day.isoformat() for day in riverside_demo.nights[1:]]
    late("backfill", days[0], days[-1])
    right = riverside_first.copy(tmp_path / "right")
    (right.landing / "daily" / days[0] / "transactions.1.csv").unlink()
    (right.landing / "daily" / days[0] / "transactions.2.csv").write_bytes(b"".join(lines[:-1]))
    right("backfill", days[0], days[-1])
    layers = ("staged", "conformed", "features", "products")
    assert late.bytes_of(layers=layers) == right.bytes_of(layers=layers)


def test_a_night_inside_the_history_replaces_its_date_alone(riverside, riverside_demo):
    """The date has shared a file with its month; nothing of its neighbours is lost or doubled."""
    day = riverside_demo.history[1] - dt.timedelta(days=1)
    header, *lines = (riverside.landing / "history" / "transactions.csv").read_bytes().splitlines(keepends=True)
    of_day = [line for line in lines if f",{day:%d/%m/%Y},".encode() in line]
    file = riverside.landing / "daily" / day.isoformat() / "transactions.1.csv"
    file.parent.mkdir()
    file.write_bytes(b"".join([header, *of_day[:-1]]))
    before = riverside.open.scan("staged.transactions").collect()
    riverside("nightly", day.isoformat(), "--only", "staged.transactions")
    after = riverside.open.scan("staged.transactions").collect()
    others = pl.col("business_date") != day
    assert_frame_equal(after.filter(others), before.filter(others), check_row_order=False)
    assert after.filter(~others).height == before.filter(~others).height - 1 > 0
    rows = {at: entry.rows for at, entry in riverside.open.current.entries("staged.transactions").items()}
    assert rows == dict(after.group_by("business_date").len().iter_rows())
    assert "named by no manifest" not in riverside("fsck").output


def test_a_second_history_replaces_the_first_one_whole(riverside, riverside_demo):
    """It lacks the last date of a month: nothing of its neighbours is doubled, in what is staged or conformed."""
    day = riverside_demo.history[1]
    file = riverside.landing / "history" / "transactions.csv"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(line for line in lines if f",{day:%d/%m/%Y},".encode() not in line))
    tables = ("staged.transactions", "conformed.transaction")
    before = {name: riverside.open.scan(name).collect() for name in tables}
    riverside("nightly", riverside_demo.nights[0].isoformat(), *(f"--only={name}" for name in tables))
    for name, rows in before.items():
        expected = rows.filter(pl.col("business_date") != day).drop("_delivery", "_row_no")
        assert expected.height < rows.height
        after = riverside.open.scan(name).collect().drop("_delivery", "_row_no")
        assert_frame_equal(after, expected, check_row_order=False)


def test_what_follows_a_night_does_not_change_it(riverside, riverside_demo, riverside_all):
    """With every row after D deleted from landing, all that is made as of D is the same bytes, and so is a range."""
    day = riverside_demo.nights[1]
    for folder in (riverside.landing / "daily").iterdir():
        if dt.date.fromisoformat(folder.name) > day:
            shutil.rmtree(folder)
    riverside("nightly", day.isoformat())
    made, expected = riverside.bytes_of(), riverside_all.bytes_of()
    assert {name for name in made if name.endswith(str(day))} >= {
        f"products.risk_signal {day}",
        f"features.party {day}",
    }
    assert made == {name: sha for name, sha in expected.items() if dt.date.fromisoformat(name[-10:]) <= day}


def test_one_table_is_rebuilt_alone(riverside_all, riverside_demo, tmp_path):
    copy = riverside_all.copy(tmp_path / "copy")
    before = copy.bytes_of()
    said = copy("nightly", riverside_demo.nights[-1].isoformat(), "--only", "features.party").output
    assert "rebuilt features.party" in said
    assert copy.bytes_of() == before


def test_explain_walks_a_hit_back_to_file_and_record(riverside_all, riverside_demo):
    hit = (
        riverside_all.open.scan("products.risk_signal", as_of=riverside_demo.nights[-1])
        .filter(indicator_id="R052", result="HIT")
        .collect()
        .row(0, named=True)
    )
    said = riverside_all("explain", hit["party_id"], "r052").output
    assert "HIT" in said and "transactions" in said and "record" in said
    assert "no party nobody" in riverside_all("explain", "nobody", "R052", code=2).output


def test_the_catalogue_file_opens_with_duckdb_and_shows_products_only(riverside_all):
    import duckdb

    with duckdb.connect(str(riverside_all.warehouse / "warehouse.duckdb"), read_only=True) as con:
        tables = con.execute("select distinct table_schema from information_schema.tables").fetchall()
        assert {schema for (schema,) in tables} - {"main"} == {"products"}
        rows = con.sql("from products.risk_signal").pl()
    assert rows.height == riverside_all.open.scan("products.risk_signal").select(pl.len()).collect().item()


def test_fsck_is_clean_and_finds_one_flipped_byte(riverside_all, riverside):
    assert "clean" in riverside_all("fsck").output
    file = next(iter(riverside.open.files("features.party")))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(content)
    assert "features" in riverside("fsck", code=70).output


def test_rollback_shows_an_earlier_night_again(riverside_first, riverside_all, tmp_path):
    copy = riverside_all.copy(tmp_path / "copy")
    before = riverside_first.bytes_of()
    assert copy.bytes_of() != before
    copy("rollback", riverside_first.open.current.id)
    assert copy.bytes_of() == before
    copy("pin", "audit")
    copy("gc", "--yes", "--grace-hours", "0")
    assert "clean" in copy("fsck").output
