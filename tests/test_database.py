"""Core banking straight from PostgreSQL: one moment of it, exact, kept as deliveries that a night can be repeated from."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from banks_at_work import Hands
from postgres_at_work import Server, serving

from assets.sources.database import Snapshot, secret
from assets.sources.extracting import Extracted, extract
from assets.sources.reading import read
from data_contracts.bank import Bank, read_bank
from data_contracts.contract import Contract
from data_contracts.judge import judge
from liangcang.engine import Engine
from liangcang.errors import ContractError, DeliveryError, UsageError

D = dt.date(2026, 11, 20)
VARIABLE = "CORE_BANKING_DSN"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def core(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server with an empty schema `core`, and its secret where the bank says."""
    server.run("drop schema if exists core cascade", "create schema core")
    monkeypatch.setenv(VARIABLE, server.dsn)
    return server


def column(name: str, physical: str, logical: str, *, key: bool = False) -> dict[str, Any]:
    said = {"name": name, "businessName": "列", "physicalType": physical, "logicalType": logical, "classification": "C2",
            "required": key, "customProperties": [{"property": "jrt0197Level", "value": 3}]}  # fmt: skip
    return {**said, "primaryKey": True} if key else said


def bank_of(folder: Path, *feeds: dict[str, Any], connections: Any = None) -> Path:
    """A bank's folder whose feeds come from tables of the schema `core`."""
    (folder / "contracts").mkdir(parents=True)
    said = {
        "code": "small", "name": {"en": "Small Bank", "zh": "小银行"}, "home_currency": "CNY",
        "time_zone": "Asia/Shanghai", "start_date": "2024-01-01", "feeds": [feed["name"] for feed in feeds],
        "connections": connections or {"core": {"env": VARIABLE}},
    }  # fmt: skip
    (folder / "bank.yaml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    for feed in feeds:
        name, kind = feed["name"], feed.get("delivery", "full")
        take = {"connection": "core", "table": f"core.{name}", **feed.get("extract", {})}
        own = {"delivery": kind, "absent": "must", **feed.get("own", {})}
        if kind == "full":
            own["volume"] = {"minRatio": 0.1, "maxRatio": 10, "minRows": 0}
        server = {"property": "control", "value": "flg"}, {"property": "extract", "value": take}
        contract = {
            "apiVersion": "v3.2.0", "kind": "DataContract", "id": f"small.{name}", "version": "1.0.0", "status": "active",
            "servers": [{"server": "daily", "type": "custom", "format": "parquet", "delimiter": "|@|",
                         "path": f"{{business_date:%Y%m%d}}/{name}_{{sequence}}.parquet",
                         "customProperties": list(server)}],
            "schema": [{"name": name, "physicalName": f"staged.{name}", "businessName": "表",
                        "customProperties": [{"property": "temporal", "value": feed.get("temporal", {"kind": "snapshot"})}],
                        "properties": feed["columns"]}],
            "team": {"members": [{"username": "ops", "role": "dataOwner", "name": "运营"}]},
            "customProperties": [{"property": key, "value": value} for key, value in own.items()],
        }  # fmt: skip
        text = yaml.safe_dump(contract, allow_unicode=True, sort_keys=False)
        (folder / "contracts" / f"{name}.odcs.yaml").write_text(text, encoding="utf-8")
    return folder


ACCOUNT = {"name": "acct", "columns": [column("no", "VARCHAR", "string", key=True),
                                       column("balance", "DECIMAL(18,2)", "number")],
           "own": {"controlAmount": "balance"}}  # fmt: skip
EXACT = {"name": "acct", "columns": [ACCOUNT["columns"][0], column("balance", "DECIMAL(38,10)", "number")]}
TRANSIT = {**ACCOUNT, "name": "transit"}
BOOKING = {"name": "booking", "delivery": "event", "temporal": {"kind": "event", "column": "day"},
           "extract": {"since": "day", "overlapDays": 3},
           "columns": [column("no", "BIGINT", "integer", key=True), column("day", "DATE", "date", key=True),
                       column("amount", "DECIMAL(18,2)", "number")],
           "own": {"controlAmount": "amount"}}  # fmt: skip
BOOKING["columns"][1]["required"] = True
STATE = {"name": "cust", "delivery": "delta", "extract": {"since": "changed", "overlapDays": 2},
         "columns": [column("no", "VARCHAR", "string", key=True), column("name", "VARCHAR", "string"),
                     column("changed", "TIMESTAMP", "timestamp")]}  # fmt: skip


def literal(text: str | None) -> str:
    return f"'{text}'" if text else "null"


def small(tmp_path: Path, *feeds: dict[str, Any], **said: Any) -> tuple[Bank, Path]:
    landing = tmp_path / "landing"
    landing.mkdir()
    return read_bank(bank_of(tmp_path / "bank", *feeds, **said)), landing


def extracted(bank: Bank, landing: Path, day: dt.date = D, **said: Any) -> dict[str, Extracted]:
    return {made.feed: made for made in extract(bank, landing, day, today=day + dt.timedelta(days=1), **said)}


def frame(landing: Path, made: Extracted) -> pl.DataFrame:
    return pl.read_parquet(landing / made.name)


def control(landing: Path, made: Extracted) -> list[str]:
    return (landing / made.name).with_suffix(".flg").read_text().rstrip("\n").split("|@|")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    for name in ("spill", "faults"):
        (tmp_path / name).mkdir()
    with Engine(read=[tmp_path], write=None, spill=tmp_path / "spill", faults=tmp_path / "faults") as made:
        yield made


def judged(engine: Engine, contract: Contract, landing: Path, made: Extracted) -> tuple[list[Any], list[Any]]:
    """Good and bad rows, read and judged as the night does it."""
    form = contract.format("daily")
    assert form is not None
    read(engine, landing / made.name, contract, form, file_name=made.name)
    found = judge(engine.con, contract, business_date=D)
    return (
        engine.rows(f"select * from {found.good_rows} order by _row_no"),
        engine.rows(f"select * from {found.bad_rows} order by _row_no"),
    )


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


# Exactness


def test_numbers_keep_all_their_digits(core: Server, tmp_path: Path, engine: Engine) -> None:
    texts = ["9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999998", "0.0000000001", "0"]
    values = ", ".join(f"('{n}', {text})" for n, text in enumerate(texts))
    core.run("create table core.acct (no text, balance numeric(38,10))", f"insert into core.acct values {values}")
    bank, landing = small(tmp_path, EXACT)
    good, bad = judged(engine, bank.feeds["acct"], landing, extracted(bank, landing)["acct"])
    assert (good, bad) == ([(n, str(n - 1), Decimal(text)) for n, text in enumerate(texts, start=1)], [])


def test_the_sum_of_the_control_file_is_exact_beyond_what_decimals_hold_by_themselves(
    core: Server, tmp_path: Path
) -> None:
    core.run("create table core.acct (no text, balance numeric)",
             "insert into core.acct select n::text, 999999999999999999999999999999999999.99 from generate_series(1, 9) n",
             "insert into core.acct values ('10', -0.01), ('11', null)")  # fmt: skip
    wide = {**ACCOUNT, "columns": [ACCOUNT["columns"][0], column("balance", "DECIMAL(38,2)", "number")]}
    bank, landing = small(tmp_path, wide)
    made = extracted(bank, landing)["acct"]
    assert control(landing, made)[3] == f"{made.amount}" == "8999999999999999999999999999999999999.90"


def test_what_is_no_number_or_too_fine_is_quarantined_and_never_rounded(
    core: Server, tmp_path: Path, engine: Engine
) -> None:
    core.run("create table core.acct (no text, balance numeric)",
             "insert into core.acct values ('1','NaN'), ('2','Infinity'), ('3', 0.12345678901), ('4', 1e40), ('5', 7)")  # fmt: skip
    bank, landing = small(tmp_path, EXACT)
    made = extracted(bank, landing)["acct"]
    good, bad = judged(engine, bank.feeds["acct"], landing, made)
    assert good == [(5, "5", Decimal(7))]
    assert [(row[3], row[4]) for row in bad] == [
        ("1", "NaN"), ("2", "Infinity"), ("3", "0.12345678901"), ("4", "1" + "0" * 40)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "field", "found"),
    [
        ("(no text, balance float8)", "balance", "float8"),
        ("(no bigint, balance numeric)", "no", "int8"),
        ("(no numeric, balance numeric)", "no", "numeric"),
        ("(no text, amount numeric)", "balance", "no such column"),
        ("(no uuid, balance numeric)", "no", "uuid"),
        ("(no text, balance money)", "balance", "money"),
        ("(no text[], balance numeric)", "no", "_text"),
    ],
)
def test_a_column_that_cannot_be_kept_exactly_is_refused_by_name(
    core: Server, tmp_path: Path, table: str, field: str, found: str
) -> None:
    core.run(f"create table core.acct {table}")
    bank, landing = small(tmp_path, ACCOUNT)
    with pytest.raises(DeliveryError, match="cannot be read") as caught:
        extracted(bank, landing)
    assert (caught.value.details["field"], caught.value.details["found"]) == (field, found)
    assert [path for path in landing.rglob("*") if path.is_file()] == []


def test_a_numeric_whose_digits_no_contract_fixes_is_refused(core: Server, tmp_path: Path) -> None:
    core.run("create table core.acct (no text, balance numeric)")
    loose = {**ACCOUNT, "columns": [ACCOUNT["columns"][0], column("balance", "DOUBLE", "number")], "own": {}}
    bank, landing = small(tmp_path, loose)
    with pytest.raises(DeliveryError, match="cannot be read") as caught:
        extracted(bank, landing)
    assert (caught.value.details["field"], caught.value.details["found"]) == ("balance", "numeric")


@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_a_day_without_end_is_refused_and_not_handed_over_as_another(core: Server, tmp_path: Path, value: str) -> None:
    """The driver hands infinity over as a day of the year -5877600."""
    core.run("create table core.cust (no text, name text, changed timestamp)",
             f"insert into core.cust values ('1', 'a', '2026-11-20 10:00'), ('2', 'b', '{value}')")  # fmt: skip
    whole = {**STATE, "delivery": "full", "extract": {}}
    bank, landing = small(tmp_path, whole)
    with pytest.raises(DeliveryError, match="infinite dates") as caught:
        extracted(bank, landing)
    assert (caught.value.details["field"], caught.value.details["found"]) == ("changed", "1 rows with infinity")


# One moment


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


# Events and changes


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


# Secrets


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


# The night


@pytest.mark.slow
def test_a_night_from_a_database_is_repeated_from_what_was_kept(
    core: Server, riverside: Hands, riverside_demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Riverside's branches, from a table: staged as from its file, and again byte for byte when the table is gone."""
    day = riverside_demo.nights[1]
    contract = Path(riverside.bank) / "contracts" / "branches.odcs.yaml"
    said = yaml.safe_load(contract.read_text(encoding="utf-8"))
    file = riverside.landing / "daily" / day.isoformat() / "branches.1.csv"
    usual = riverside.copy(tmp_path / "usual")
    rows = pl.read_csv(file, infer_schema=False)
    core.run("create table core.branches (branch char(8), title text, town text, reports_to text, updated_on date)",
             "set datestyle = 'ISO, DMY'",
             *(f"insert into core.branches values ({', '.join(map(literal, row))})" for row in rows.rows()))  # fmt: skip
    file.unlink()
    daily = next(one for one in said["servers"] if one["server"] == "daily")
    daily.update(format="parquet", delimiter="|@|", path="daily/{business_date:%Y-%m-%d}/branches.{sequence}.parquet")
    daily["customProperties"] = [
        {"property": "control", "value": "flg"},
        {"property": "extract", "value": {"connection": "core", "table": "core.branches"}},
    ]
    contract.write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")
    described = Path(riverside.bank) / "bank.yaml"
    described.write_text(described.read_text(encoding="utf-8") + f"connections: {{core: {{env: {VARIABLE}}}}}\n")
    monkeypatch.setattr("pipelines.arrivals.now", lambda: dt.datetime.combine(day, dt.time(17), dt.UTC))
    assert "branches: " in riverside("extract", day.isoformat()).output
    assert "nothing to extract" in riverside("extract", day.isoformat()).output
    core.run("drop schema core cascade", "create schema core")
    again = riverside.copy(tmp_path / "again")
    night = ("nightly", day.isoformat(), "--only", "staged.branches")
    for bank in (usual, riverside, again):
        bank(*night)
    assert riverside.bytes_of() == again.bytes_of()
    staged = [
        bank.open.scan("staged.branches").filter(business_date=day).collect().drop("_delivery", "_row_no")
        for bank in (usual, riverside)
    ]
    assert staged[0].equals(staged[1])
