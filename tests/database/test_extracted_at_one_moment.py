"""All tables of a night are read as of one moment."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from extracts_at_work import ACCOUNT, TRANSIT, D, control, extracted, frame, small
from postgres_at_work import Server

from assets.sources.database import Snapshot
from liangcang.errors import DeliveryError


@pytest.mark.parametrize("nights", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_money_that_moves_while_it_is_read_is_in_one_table_every_night(
    core: Server, tmp_path: Path, nights: int
) -> None:
    accounts = 400
    core.run("create table core.acct (no text primary key, balance numeric(18,2))",
             "create table core.transit (no text primary key, balance numeric(18,2))",
             f"insert into core.acct select n::text, 1000.00 from generate_series(1, {accounts}) n",
             f"insert into core.transit select n::text, 0 from generate_series(1, {accounts}) n")  # fmt: skip
    bank, landing = small(tmp_path, ACCOUNT, TRANSIT)
    ended, moves = threading.Event(), 0

    def move() -> None:
        nonlocal moves
        with core.connected() as connection, connection.cursor() as cursor:
            while not ended.is_set():
                no = moves % accounts + 1
                cursor.execute(f"update core.acct set balance = balance - 0.01 where no = '{no}'")
                cursor.execute(f"update core.transit set balance = balance + 0.01 where no = '{no}'")
                connection.commit()
                moves += 1

    writer = threading.Thread(target=move)
    writer.start()
    try:
        moved = []
        for n in range(nights):
            before = moves
            made = extracted(bank, landing, D + dt.timedelta(days=n))
            both = [made["acct"].amount, made["transit"].amount]
            assert None not in both
            assert sum(filter(None, both)) == Decimal("1000.00") * accounts
            read_back = [
                sum((Decimal(value) for value in frame(landing, one)["balance"]), Decimal(0)) for one in made.values()
            ]
            assert read_back == [one.amount for one in made.values()]
            assert [control(landing, one)[3] for one in made.values()] == [f"{one.amount:.2f}" for one in made.values()]
            moved.append((made["transit"].amount, moves - before))
    finally:
        ended.set()
        writer.join()
    assert len({amount for amount, _ in moved}) == nights, "money moved between the nights"
    assert sum(during for _, during in moved) > nights, "and while they were read"


def test_readers_beside_each_other_see_the_snapshot_and_not_what_came_after(core: Server) -> None:
    core.run("create table core.acct (no text, balance numeric)", "insert into core.acct values ('1', 1)")
    with Snapshot("core", core.dsn) as snapshot:
        core.run("insert into core.acct values ('2', 2)")
        with snapshot.reader() as one, snapshot.reader() as other:
            assert one.rows("select count(*) from core.acct") == other.rows("select count(*) from core.acct") == [(1,)]
            with pytest.raises(DeliveryError):
                one.run("delete from core.acct")
