"""The secret of a connection is where the bank says, and nowhere else."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from extracts_at_work import ACCOUNT, VARIABLE, bank_of, extracted, small
from postgres_at_work import Server

from assets.sources.database import secret
from data_contracts.bank import read_bank
from liangcang.errors import ContractError, DeliveryError, UsageError


def test_the_secret_comes_from_where_the_bank_says_and_stands_in_no_error(core: Server, tmp_path: Path) -> None:
    place = tmp_path / "core.dsn"
    place.write_text(core.dsn + "\n")
    place.chmod(0o600)
    assert secret("core", {"file": str(place)}) == core.dsn
    bank, landing = small(tmp_path, ACCOUNT, connections={"core": {"file": str(place)}})
    core.run("create table core.acct (no text, balance numeric)")
    assert extracted(bank, landing)["acct"].rows == 0
    place.chmod(0o640)
    with pytest.raises(UsageError, match="others could read"):
        extracted(bank, landing, again=True)
    link = tmp_path / "link"
    link.symlink_to(place)
    with pytest.raises(UsageError, match="cannot be read"):
        secret("core", {"file": str(link)})
    with pytest.raises(UsageError, match="is not there"):
        secret("core", {"env": "NOBODY_SAID_THIS"})


@pytest.mark.parametrize(
    "break_",
    [
        lambda dsn, word: dsn.replace(word, f"{word}x"),
        lambda dsn, word: dsn.replace("host=", f"hots={word} "),
        lambda dsn, word: f"password {word}",
        lambda dsn, word: f"postgresql://core:{word}@127.0.0.1:1/postgres?{word}",
    ],
)
def test_no_error_of_a_connection_holds_its_secret(
    core: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, break_: Any
) -> None:
    monkeypatch.setenv(VARIABLE, break_(core.dsn, core.password))
    bank, landing = small(tmp_path, ACCOUNT)
    with pytest.raises(DeliveryError, match="cannot be reached") as caught:
        extracted(bank, landing)
    seen: BaseException | None = caught.value
    while seen is not None:
        assert core.password not in f"{seen!r} {seen}"
        seen = seen.__cause__ or seen.__context__


def test_a_bank_that_writes_its_secret_down_is_refused(tmp_path: Path) -> None:
    for said in (
        "host=x password=y",
        {"dsn": "host=x"},
        {"env": "lower"},
        {"file": "relative"},
        {"env": "A", "file": "/b"},
    ):
        folder = bank_of(
            tmp_path / hashlib.sha256(repr(said).encode()).hexdigest(), ACCOUNT, connections={"core": said}
        )
        with pytest.raises(ContractError):
            read_bank(folder)
    with pytest.raises(ContractError, match="no connection 'core'"):
        read_bank(bank_of(tmp_path / "other", ACCOUNT, connections={"core_bank": {"env": "A"}}))
