"""Every delivery of thirty nights, however its files broke on the way: each row and each amount is in exactly one place."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from banks.riverside_bank import Demo, write_bank
from banks.riverside_bank import plant as plant_riverside
from banks_at_work import Hands, hands
from conservation_by_hand import PLACES, Seen, Sheet, conserved
from dagster._core.test_utils import freeze_time
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from data_contracts.bank import read_bank
from pipelines import arrivals
from pipelines.demo import plant as plant_county
from pipelines.demo import write_county

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("LIANGCANG_NIGHTS" not in os.environ, reason="thirty nights a bank take minutes: make bench"),
]

NIGHTS = int(os.environ.get("LIANGCANG_NIGHTS", "30"))


WHEN_ALL_ARE_OVER = dt.datetime(2027, 1, 31, tzinfo=dt.UTC)


@pytest.fixture(scope="module", autouse=True)
def _thirty_nights_have_been() -> Iterator[None]:
    """The nights begin with 2026-11-01: they can be run when they are over, and this is run before too."""
    with pytest.MonkeyPatch.context() as patched, freeze_time(WHEN_ALL_ARE_OVER):
        patched.setattr(arrivals, "now", lambda: WHEN_ALL_ARE_OVER)
        yield


def worth_minutes(examples: int) -> settings:
    """Few examples, none of them made smaller: each is thirty real nights."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )


Broken = Mapping[str, Sequence[str]]
"""What is wrong with a night's files: feed to faults, those of rows first, and at most one that takes the whole file."""
OFTEN, SELDOM = 12, 3


def thirty(of_rows: Broken, of_files: Broken) -> st.SearchStrategy[list[tuple[Broken, bool]]]:
    """Thirty nights: what is wrong, and whether what was refused is delivered again, right this time.

    Every kind of fault comes: each is drawn some nights and feeds, those of rows more of them.
    """

    def somewhere(able: Broken, fault: str, most: int) -> st.SearchStrategy[set[tuple[int, str]]]:
        feeds = st.sampled_from([feed for feed, faults in able.items() if fault in faults])
        return st.sets(st.tuples(st.integers(0, NIGHTS - 1), feeds), min_size=max(1, most // 4), max_size=most)

    kinds = [
        (fault, able, most)
        for able, most in ((of_rows, OFTEN), (of_files, SELDOM))
        for fault in dict.fromkeys(fault for faults in able.values() for fault in faults)
    ]
    drawn = {fault: somewhere(able, fault, most) for fault, able, most in kinds}

    def placed(places: Mapping[str, set[tuple[int, str]]], mended: list[bool]) -> list[tuple[Broken, bool]]:
        nights: list[dict[str, list[str]]] = [{} for _ in range(NIGHTS)]
        for nth, (fault, *_) in enumerate(kinds):
            for drawn_night, feed in sorted(places[fault]):
                faults = nights[(drawn_night + nth) % NIGHTS].setdefault(feed, [])
                if not (fault in of_files[feed] and set(faults) & set(of_files[feed])):
                    faults.append(fault)
        return list(zip(nights, mended, strict=True))

    some = st.lists(st.booleans(), min_size=NIGHTS, max_size=NIGHTS).filter(any)  # the plainest example is not worth it
    return st.builds(placed, st.fixed_dictionaries(drawn), some)


def run(
    bank: Hands,
    sheets: Mapping[str, Sheet],
    nights: Sequence[tuple[dt.date, Broken, bool]],
    *,
    night: Callable[[dt.date], int],
    file_of: Callable[[str, dt.date, int], Path],
    break_: Callable[[Path, str, str, dt.date], None],
    whole: bool,
) -> Seen:
    """Deliver, break, run and count thirty nights; `whole`: a night that is refused publishes nothing at all."""
    seen, accepted = Seen(), {}

    def ran(day: dt.date, files: Mapping[str, Path]) -> bool:
        lying = {path: path.read_bytes() for path in bank.landing.rglob("*") if path.is_file()}
        before = bank.bytes_of()
        code = night(day)
        assert code in (0, 65)
        assert {path: path.read_bytes() for path in bank.landing.rglob("*") if path.is_file()} == lying
        after = bank.bytes_of()
        assert before.items() <= after.items(), "what was published stays"
        if whole and code:
            assert after == before, "of a night that is refused nothing is published"
        for feed, file in files.items():
            counts = conserved(bank, sheets[feed], day, file)
            seen.add(counts)
            if counts:
                accepted[feed, day] = file, counts
        return not code

    for day, broken, mended in nights:
        files = {feed: file_of(feed, day, 1) for feed in sheets}
        right = {feed: as_it_was_sent(files[feed]) for feed in broken}
        for feed, faults in broken.items():
            for fault in faults:
                break_(files[feed], fault, feed, day)
        came = {feed: file for feed, file in files.items() if file.exists()}
        if not ran(day, came) and mended:
            second = {feed: file_of(feed, day, 2) for feed in broken if (feed, day) not in accepted}
            for feed, file in second.items():
                for suffix, content in right[feed].items():
                    named = content.replace(files[feed].name.encode(), file.name.encode())  # a control file says it
                    file.with_suffix(suffix).write_bytes(named)
            ran(day, came | second)
    for (feed, day), (file, counts) in accepted.items():
        assert conserved(bank, sheets[feed], day, file) == counts, "and when thirty nights have gone by"
    return seen


def as_it_was_sent(file: Path) -> dict[str, bytes]:
    """A delivery before it broke, and its control file where it has one: suffix to bytes."""
    return {path.suffix: path.read_bytes() for path in (file, file.with_suffix(".flg")) if path.exists()}


# Riverside, whole nights: five feeds as comma-separated text, one transaction a night

ROWS = ("impossible_date", "conflict", "duplicate", "extra_field")
FILES = ("cut", "half", "empty", "extra_column", "missing_column", "not_utf8", "absent")
RIVERSIDE_ROWS = dict.fromkeys(("branches", "customers", "accounts", "transactions", "loans"), ROWS)
RIVERSIDE_FILES = dict.fromkeys(RIVERSIDE_ROWS, FILES)
RIVERSIDE_AMOUNTS = {"accounts": "balance", "transactions": "amount", "loans": "owed"}
ALLOWED = "  - {property: maxRejected, value: 0.1}\n  - {property: maxQuarantined, value: 0.3}\n"
"""A small bank's file is long enough to be refused for one row; this one takes some."""


@pytest.fixture(scope="module")
def riverside_month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hands, Demo]:
    """Riverside after its first night, with thirty more in landing."""
    folder = tmp_path_factory.mktemp("riverside")
    demo = write_bank(folder / "demo", customers=60, nights=NIGHTS + 1, months=2)
    for contract in (demo.bank / "contracts").iterdir():
        contract.write_text(contract.read_text(encoding="utf-8").rstrip("\n") + "\n" + ALLOWED, encoding="utf-8")
    bank = hands(folder, bank=str(demo.bank), landing=demo.landing)
    bank("nightly", demo.nights[0].isoformat())
    return bank, demo


@worth_minutes(1)
@given(nights=thirty(RIVERSIDE_ROWS, RIVERSIDE_FILES))
def test_every_row_of_thirty_whole_nights_ends_in_one_place_and_a_refused_night_publishes_nothing(
    riverside_month: tuple[Hands, Demo], nights: list[tuple[Broken, bool]]
) -> None:
    first, demo = riverside_month
    sheets = {
        feed: Sheet.of(contract, amount=RIVERSIDE_AMOUNTS.get(feed), separator=",", encoding="utf-8", header=True)
        for feed, contract in read_bank(demo.bank).feeds.items()
    }

    def break_(file: Path, fault: str, feed: str, day: dt.date) -> None:
        file.unlink() if fault == "absent" else plant_riverside(file, fault)

    with tempfile.TemporaryDirectory() as folder:
        bank = first.copy(Path(folder) / "copy")
        seen = run(
            bank,
            sheets,
            [(day, *of_day) for day, of_day in zip(demo.nights[1:], nights, strict=True)],
            night=lambda day: bank("nightly", day.isoformat(), code=None).exit_code,
            file_of=lambda feed, day, number: bank.landing / "daily" / day.isoformat() / f"{feed}.{number}.csv",
            break_=break_,
            whole=True,
        )
    enough(seen, NIGHTS)


# The county, feed by feed: GB18030, control files with rows and sums; a table that is good is published by itself

COUNTY_ROWS = {
    "cb_dep_acct": ("Q09", "Q11", "bad_row", "duplicate"),
    "cb_txn": ("Q09", "Q11", "bad_row", "duplicate"),
    "ln_sched": ("bad_row", "duplicate"),
    "cb_cust_ind": ("Q10", "bad_row", "duplicate", "short_line", "extra_field"),
}
"""In this order they are planted, and those that leave a line of another length last."""
_FILES = ("cut", "not_gb18030", "no_control", "wrong_count", "wrong_digest", "other_date")
COUNTY_FILES = {
    "cb_cust_ind": (*_FILES, "half"),
    "cb_dep_acct": (*_FILES, "half", "wrong_sum"),
    "cb_txn": (*_FILES, "rows_of_another_date", "wrong_sum"),
    "ln_sched": (*_FILES, "wrong_sum"),
}


@pytest.fixture(scope="module")
def county_month(tmp_path_factory: pytest.TempPathFactory) -> tuple[Hands, tuple[dt.date, ...]]:
    """Four feeds of the county after their first night, with thirty more in landing."""
    folder = tmp_path_factory.mktemp("county")
    demo = write_county(folder / "demo", customers=120, months=1, nights=NIGHTS + 1)
    own = shutil.copytree(read_bank("county").folder, folder / "bank")
    for feed in COUNTY_ROWS:
        (contract,) = own.rglob(f"{feed}.odcs.yaml")
        contract.write_text(contract.read_text(encoding="utf-8").rstrip("\n") + "\n" + ALLOWED, encoding="utf-8")
    bank = hands(folder, bank=str(own), landing=demo.landing)
    bank("nightly", demo.nights[0].isoformat(), *(f"--only=staged.{feed}" for feed in COUNTY_ROWS))
    return bank, demo.nights[1:]


@worth_minutes(1)
@given(nights=thirty(COUNTY_ROWS, COUNTY_FILES))
def test_every_row_and_every_fen_of_thirty_nights_with_control_files_ends_in_one_place(
    county_month: tuple[Hands, tuple[dt.date, ...]], nights: list[tuple[Broken, bool]]
) -> None:
    first, days = county_month
    contracts = read_bank(first.bank).feeds
    sheets = {
        feed: Sheet.of(
            contracts[feed], amount=contracts[feed].control_amount, separator="|@|", encoding="gb18030", header=False
        )
        for feed in COUNTY_ROWS
    }
    with tempfile.TemporaryDirectory() as folder:
        bank = first.copy(Path(folder) / "copy")

        def file_of(feed: str, day: dt.date, number: int) -> Path:
            (path,) = (bank.landing / f"{day:%Y%m%d}").glob(f"*_{feed}_*_01.dat")
            return path.with_name(f"{path.stem[:-2]}{number:02}.dat")

        def break_(file: Path, fault: str, feed: str, day: dt.date) -> None:
            if file.stat().st_size:  # a day without instalments has nothing to break
                plant_county(bank.landing, day, fault, feed)

        tables = [f"--only=staged.{feed}" for feed in COUNTY_ROWS]
        seen = run(
            bank,
            sheets,
            [(day, *of_day) for day, of_day in zip(days, nights, strict=True)],
            night=lambda day: bank("nightly", day.isoformat(), *tables, code=None).exit_code,
            file_of=file_of,
            break_=break_,
            whole=False,
        )
    enough(seen, NIGHTS)


def enough(seen: Seen, at_least: int) -> None:
    """There was something to conserve: deliveries of every fate, and rows in every place."""
    assert seen.accepted > at_least, seen
    assert seen.refused > 3, seen
    assert seen.rows is not None and all(seen.rows[place] > 0 for place in PLACES), seen
    print(f"{seen.accepted} deliveries accepted, {seen.refused} refused; rows: {dict(seen.rows)}")
