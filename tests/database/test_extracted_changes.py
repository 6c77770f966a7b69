"""Events and changes: what commits late is delivered once."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import threading
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from extracts_at_work import BOOKING, STATE, D, control, extracted, frame, small
from postgres_at_work import Server

from liangcang.errors import DeliveryError


def test_a_transaction_that_commits_late_is_delivered_once_and_nothing_is_lost(core: Server, tmp_path: Path) -> None:
    core.run("create table core.booking (no bigint, day date, amount numeric(18,2))")
    bank, landing = small(tmp_path, BOOKING)
    days = [D + dt.timedelta(days=n) for n in range(6)]
    delivered: list[tuple[int, dt.date]] = []
    number = 0
    late = core.connected()
    with late as slow, slow.cursor() as cursor:
        for n, day in enumerate(days):
            core.run(f"insert into core.booking select {number} + n, '{day}', 1.00 from generate_series(1, 5) n")
            number += 5
            if n in {0, 2}:  # written on the day, committed after it was read
                number += 1
                cursor.execute(f"insert into core.booking values ({number}, '{day}', 9.00)")
            made = extracted(bank, landing, day)["booking"]
            rows = [(row["no"], row["day"]) for row in frame(landing, made).iter_rows(named=True)]
            assert made.rows == int(control(landing, made)[2]) == len(rows)
            assert control(landing, made)[6] == "inc"
            delivered += rows
            if n in {1, 3}:
                slow.commit()
    assert len(delivered) == len(set(delivered)) == number
    with core.connected() as connection, connection.cursor() as cursor:
        cursor.execute("select no, day from core.booking")
        assert set(cursor.fetchall()) == set(delivered)


@pytest.mark.slow
def test_twenty_days_of_bookings_that_commit_up_to_three_days_late_lose_and_double_no_fen(
    core: Server, tmp_path: Path
) -> None:
    """A writer books all the while, and each day some transactions stay open until the last day that is looked back at."""
    core.run("create table core.booking (no bigint, day date, amount numeric(18,2))")
    bank, landing = small(tmp_path, BOOKING)
    draw, numbers, waiting = random.Random(7), itertools.count(1), list[tuple[int, Any, ExitStack]]()
    delivered: list[tuple[int, dt.date, Decimal]] = []
    behind = 0

    def book(cursor: Any, day: dt.date) -> None:
        cursor.execute(f"insert into core.booking values ({next(numbers)}, '{day}', {draw.randint(1, 10**9)} * 0.01)")

    for n in range(20 + 3):
        day = D + dt.timedelta(days=n)
        if n < 20:
            for delay in (0, *(draw.randint(1, 3) for _ in range(4))):
                with ExitStack() as opened:
                    connection = opened.enter_context(core.connected())
                    cursor = opened.enter_context(connection.cursor())
                    for _ in range(draw.randint(1, 5)):
                        book(cursor, day)
                    waiting.append((n + delay, connection, opened.pop_all()))
        ended = threading.Event()

        def write(day: dt.date = day, ended: threading.Event = ended) -> None:
            with core.connected() as connection, connection.cursor() as cursor:
                while not ended.wait(0.01):
                    book(cursor, day)
                    connection.commit()

        due = [one for one in waiting if one[0] <= n]
        for one in due:
            one[1].commit()
            one[2].close()
            waiting.remove(one)
        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = extracted(bank, landing, day)["booking"]
        finally:
            ended.set()
            writer.join()
        rows = [(row["no"], row["day"], Decimal(row["amount"])) for row in frame(landing, made).iter_rows(named=True)]
        assert sum((amount for *_, amount in rows), Decimal(0)) == made.amount
        behind += sum(booked < day for _, booked, _ in rows)
        delivered += rows
    after = extracted(bank, landing, D + dt.timedelta(days=23))["booking"]  # what the writer booked behind the last day
    delivered += [(r["no"], r["day"], Decimal(r["amount"])) for r in frame(landing, after).iter_rows(named=True)]
    with core.connected() as connection, connection.cursor() as cursor:
        cursor.execute("select count(*), sum(amount)::text, max(no) from core.booking")
        rows_there, total, newest = cursor.fetchone()
    assert not waiting and behind > 100, "many came days after they were booked"
    assert len(delivered) == len({no for no, *_ in delivered}) == rows_there == newest
    assert sum(amount for *_, amount in delivered) == Decimal(total)


def test_a_day_without_its_files_is_not_guessed(core: Server, tmp_path: Path) -> None:
    core.run("create table core.booking (no bigint, day date, amount numeric(18,2))")
    bank, landing = small(tmp_path, BOOKING)
    for n in range(3):
        extracted(bank, landing, D + dt.timedelta(days=n))
    with pytest.raises(DeliveryError, match="nobody can say") as caught:
        extracted(bank, landing, D + dt.timedelta(days=4))
    assert str(D + dt.timedelta(days=3)) in caught.value.details["expected"]


def test_a_change_is_delivered_again_only_when_it_says_something_new(core: Server, tmp_path: Path) -> None:
    core.run("create table core.cust (no text, name text, changed timestamp)",
             f"insert into core.cust values ('1', null, '{D} 10:00'), ('2', '億', '{D} 23:59:59.5')")  # fmt: skip
    bank, landing = small(tmp_path, STATE)
    first = extracted(bank, landing)["cust"]
    assert frame(landing, first)["no"].to_list() == ["1", "2"]
    next_day = D + dt.timedelta(days=1)
    core.run(f"update core.cust set name = '園', changed = '{D} 23:59:59.9' where no = '2'",
             f"insert into core.cust values ('3', 'x', '{next_day} 00:00')")  # fmt: skip
    second = extracted(bank, landing, next_day)["cust"]
    assert frame(landing, second).rows() == [
        ("2", "園", dt.datetime(2026, 11, 20, 23, 59, 59, 900_000)), ("3", "x", dt.datetime(2026, 11, 21))
    ]  # fmt: skip
    third = extracted(bank, landing, next_day + dt.timedelta(days=1))["cust"]
    assert (third.rows, control(landing, third)[2]) == (0, "0")
