"""When a night starts: a real landing folder, a clock that the test moves."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from landing_at_work import MUST, Sender, Watch, at

from data_contracts.bank import Bank, read_bank
from pipelines.arrivals import cut_off, wait, yesterday

RIVERSIDE = Path(__file__).parents[1] / "banks" / "riverside"
D = dt.date(2026, 11, 2)


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    (tmp_path / "landing").mkdir()
    return Sender(tmp_path / "landing")


def waited(sender: Sender, watch: Watch, *, bank: Bank | None = None) -> list[str]:
    """What is said while the night of D waits; the watch then shows when it starts."""
    said: list[str] = []
    wait(bank or read_bank(RIVERSIDE), sender.landing, D, say=said.append, clock=watch.clock, pause=watch.pause)
    return said


def with_feeds(folder: Path, old: str, new: str) -> Bank:
    """Riverside with another word in its contracts."""
    (folder / "contracts").mkdir(parents=True)
    for file in [RIVERSIDE / "bank.yaml", *RIVERSIDE.glob("c*/*")]:
        to = folder / file.relative_to(RIVERSIDE)
        to.parent.mkdir(exist_ok=True)
        to.write_text(file.read_text().replace(old, new))
    return read_bank(folder)


def test_the_night_of_yesterday_is_due_by_the_banks_clock():
    bank = read_bank(RIVERSIDE)
    assert yesterday(bank, dt.datetime(2026, 11, 2, 15, 59, tzinfo=dt.UTC)) == dt.date(2026, 11, 1)
    assert yesterday(bank, dt.datetime(2026, 11, 2, 16, 0, tzinfo=dt.UTC)) == dt.date(2026, 11, 2)
    assert cut_off(bank, D) == dt.datetime(2026, 11, 2, 21, 0, tzinfo=dt.UTC)  # 05:00 of the 3rd in Shanghai


def test_a_night_starts_when_its_must_deliveries_are_there_and_stay_as_they_are(sender):
    """Customers, who may be held, and branches, which may be skipped, are not waited for."""
    watch = Watch(at(D, 26.5))
    sender.send(D, "accounts", "loans")
    watch.events[at(D, 27)] = lambda: sender.send(D, "transactions")
    said = waited(sender, watch)
    assert watch.time == at(D, 27) + dt.timedelta(minutes=1)
    assert said == [
        "the night of 2026-11-02 waits for transactions, until 2026-11-03 05:00",
        "the night of 2026-11-02 waits for what came to stay as it is, until 2026-11-03 05:00",
        "every must delivery of 2026-11-02 is there",
    ]


def test_a_night_does_not_start_while_a_file_grows(sender):
    watch = Watch(at(D, 26.5))
    sender.send(D, *MUST)
    for minute in range(1, 6):
        moment = watch.time + dt.timedelta(minutes=minute)
        watch.events[moment] = lambda minute=minute: sender.send(D, "transactions", text="a row\n" * minute * 100)
    waited(sender, watch)
    assert watch.time == at(D, 26.5) + dt.timedelta(minutes=6)


def test_a_night_starts_at_the_cut_off_whatever_is_there_and_says_what_is_not(sender):
    watch = Watch(at(D, 26.5))
    sender.send(D, "loans")
    assert waited(sender, watch)[-1] == "the cut-off of 2026-11-02 has passed; not there: accounts, transactions"
    assert watch.time == at(D, 29)


def test_a_night_after_its_cut_off_does_not_wait(sender):
    watch = Watch(at(D, 24 * 30))
    assert waited(sender, watch) == [
        "the cut-off of 2026-11-02 has passed; not there: accounts, loans, transactions",
    ]
    assert watch.time == at(D, 24 * 30)


def test_a_night_waits_for_the_share_that_is_not_mounted_yet(sender):
    watch = Watch(at(D, 26.5))
    away = sender.landing.rename(sender.landing.with_name("away"))
    watch.events[at(D, 28)] = lambda: away.rename(sender.landing)
    Sender(away).send(D, *MUST)
    said = waited(sender, watch)
    assert str(sender.landing) in said[0]
    assert watch.time == at(D, 28) + dt.timedelta(minutes=1)


def test_a_data_file_without_its_control_file_is_not_there(sender, tmp_path):
    bank = with_feeds(tmp_path / "bank", "{property: control, value: none}", "{property: control, value: flg}")
    watch = Watch(at(D, 26.5))
    sender.send(D, *MUST)
    controls = [sender.file(D, feed).with_suffix(".flg") for feed in MUST]
    watch.events[at(D, 28)] = lambda: [file.write_text("what the sender says") for file in controls]
    assert "accounts, loans, transactions" in waited(sender, watch, bank=bank)[0]
    assert watch.time == at(D, 28) + dt.timedelta(minutes=1)


def test_a_bank_that_must_have_nothing_waits_for_the_cut_off(sender, tmp_path):
    bank = with_feeds(tmp_path / "bank", "{property: absent, value: must}", "{property: absent, value: skip}")
    watch = Watch(at(D, 26.5))
    sender.send(D, *MUST)
    said = waited(sender, watch, bank=bank)
    assert "no must feed" in said[0]
    assert watch.time == at(D, 29)
