"""Core banking straight from PostgreSQL becomes a delivery that a night can be repeated from."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest
from extracts_at_work import ACCOUNT, D, control, extracted, frame, small
from postgres_at_work import Server

from assets.sources.extracting import extract
from liangcang.errors import UsageError


def test_what_is_read_is_a_delivery_with_its_control_file(core: Server, tmp_path: Path) -> None:
    core.run("create table core.acct (no char(8), balance numeric(18,2))",
             "insert into core.acct values ('2', -0.01), ('10', 12.30), ('1', null)")  # fmt: skip
    bank, landing = small(tmp_path, ACCOUNT)
    made = extracted(bank, landing)["acct"]
    assert made.name == "20261120/acct_01.parquet"
    content = (landing / made.name).read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert control(landing, made) == [
        "acct_01.parquet", str(len(content)), "3", "12.29", md5, "20261120", "full"
    ]  # fmt: skip
    assert frame(landing, made).rows() == [("1", None), ("10", "12.30"), ("2", "-0.01")]
    assert sorted(path.name for path in (landing / "20261120").iterdir()) == [
        "acct_01.flg", "acct_01.parquet"
    ]  # fmt: skip


def test_what_is_there_is_left_and_a_correction_has_a_higher_number(core: Server, tmp_path: Path) -> None:
    core.run("create table core.acct (no text, balance numeric)", "insert into core.acct values ('1', 1)")
    bank, landing = small(tmp_path, ACCOUNT)
    first = extracted(bank, landing)["acct"]
    before = (landing / first.name).read_bytes()
    core.run("update core.acct set balance = 2")
    assert extracted(bank, landing) == {}
    second = extracted(bank, landing, again=True)["acct"]
    assert second.name == "20261120/acct_02.parquet"
    assert (landing / first.name).read_bytes() == before
    core.run("update core.acct set balance = 1")
    third = extracted(bank, landing, again=True)["acct"]
    assert (landing / third.name).read_bytes() == before, "the same rows are the same file"


def test_what_broke_off_before_its_control_file_is_not_written_over(core: Server, tmp_path: Path) -> None:
    core.run("create table core.acct (no text, balance numeric)")
    bank, landing = small(tmp_path, ACCOUNT)
    first = extracted(bank, landing)["acct"]
    (landing / first.name).with_suffix(".flg").unlink()
    assert extracted(bank, landing)["acct"].name == "20261120/acct_02.parquet"


def test_a_table_is_not_read_as_it_was(core: Server, tmp_path: Path) -> None:
    core.run("create table core.acct (no text, balance numeric)")
    bank, landing = small(tmp_path, ACCOUNT)
    with pytest.raises(UsageError, match="as it is now"):
        list(extract(bank, landing, D, today=D + dt.timedelta(days=2)))
    assert list(landing.iterdir()) == []
