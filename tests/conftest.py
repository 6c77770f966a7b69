"""What several rooms' tests share: banks at work, made once for all workers of a run."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from banks.riverside_bank import Demo, plant, write_bank
from banks_at_work import Hands, hands, made_once, real_data, shared

from pipelines.demo import Demo as CountyDemo
from pipelines.demo import write_county

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as every command of ours; tests import scikit-learn by themselves


@pytest.hookimpl(trylast=True)  # when what is not asked for is gone
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two workers begin with a half each: one makes Berka's history while the other makes the county's first night."""

    def users(fixture: str) -> list[pytest.Item]:
        return [item for item in items if fixture in getattr(item, "fixturenames", ())]

    begins = [users("berka_history"), users("county_first")]
    rest = [item for item in items if not any(item in those for those in begins)]
    half = max(0, len(items) // 2 - len(begins[0]))
    items[:] = [*begins[0], *rest[:half], *begins[1], *rest[half:]]


@pytest.fixture(scope="session")
def riverside_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The small bank made by hand: its cast of 25, fourteen months and three nights."""
    folder = shared(tmp_path_factory, "riverside") / "demo"
    with made_once(folder) as first:
        if first:
            write_bank(folder, customers=25, nights=3)
    days = tuple(sorted(dt.date.fromisoformat(path.name) for path in (folder / "landing" / "daily").iterdir()))
    before = days[0] - dt.timedelta(days=1)
    return Demo(bank=folder / "bank", landing=folder / "landing", history=(before, before), nights=days)


@pytest.fixture(scope="session")
def riverside_first(riverside_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Hands:
    """Riverside after its first night. Only to be read, or copied."""
    folder = shared(tmp_path_factory, "first")
    bank = Hands(str(riverside_demo.bank), riverside_demo.landing, folder / "warehouse", folder / "bank.key")
    with made_once(folder) as first:
        if first:
            hands(folder, bank=bank.bank, landing=bank.landing)
            bank("nightly", riverside_demo.nights[0].isoformat())
    return bank


@pytest.fixture(scope="session")
def riverside_all(riverside_first: Hands, riverside_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Hands:
    """Riverside after all its nights, the later ones run as one range. Only to be read, or copied."""
    folder = shared(tmp_path_factory, "all")
    bank = Hands(str(folder / "bank"), folder / "landing", folder / "warehouse", riverside_first.key)
    with made_once(folder) as first:
        if first:
            riverside_first.copy(folder)
            bank("backfill", riverside_demo.nights[1].isoformat(), riverside_demo.nights[-1].isoformat())
    return bank


@pytest.fixture(scope="session")
def riverside_troubled(riverside_first: Hands, riverside_demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Hands:
    """Riverside after two nights that were not well. Only to be read, or copied.

    In the second night a customer and an account came with a date that is none, and the branches did not come; in the
    third the customers did not come, nor the loans, which its contract now lets be held for two days.
    """
    folder = shared(tmp_path_factory, "troubled")
    bank = Hands(str(folder / "bank"), folder / "landing", folder / "warehouse", riverside_first.key)
    with made_once(folder) as first:
        if first:
            riverside_first.copy(folder)
            contract = folder / "bank" / "contracts" / "loans.odcs.yaml"
            held = "{property: absent, value: hold}\n  - {property: maxStaleDays, value: 2}"
            contract.write_text(contract.read_text().replace("{property: absent, value: must}", held))
            second, third = (folder / "landing" / "daily" / day.isoformat() for day in riverside_demo.nights[1:3])
            plant(second / "customers.1.csv", "impossible_date")
            plant(second / "accounts.1.csv", "impossible_date")
            for missing in (second / "branches.1.csv", third / "customers.1.csv", third / "loans.1.csv"):
                missing.unlink()
            bank("backfill", second.name, third.name)
    return bank


@pytest.fixture
def riverside(riverside_first: Hands, tmp_path: Path) -> Hands:
    """Riverside after its first night, in folders that the test may break."""
    return riverside_first.copy(tmp_path / "riverside")


@pytest.fixture(scope="session")
def county_demo(tmp_path_factory: pytest.TempPathFactory) -> CountyDemo:
    """A small county: its cast and some others, three months and three nights, one row planted in the first."""
    folder = shared(tmp_path_factory, "county") / "demo"
    with made_once(folder) as first:
        if first:
            write_county(folder, customers=120, months=3, nights=3)
    nights = tuple(dt.date(2026, 11, day) for day in (1, 2, 3))
    history = dt.date(2026, 8, 1), dt.date(2026, 10, 31)
    return CountyDemo(landing=folder / "landing", history=history, nights=nights, truth=folder / "truth.parquet")


@pytest.fixture(scope="session")
def county_first(county_demo: CountyDemo, tmp_path_factory: pytest.TempPathFactory) -> Hands:
    """The county after its first night. Only to be read, or copied."""
    folder = shared(tmp_path_factory, "county_first")
    bank = Hands("county", county_demo.landing, folder / "warehouse", folder / "bank.key")
    with made_once(folder) as first:
        if first:
            hands(folder, bank="county", landing=county_demo.landing)
            bank("nightly", county_demo.nights[0].isoformat())
    return bank


@pytest.fixture
def county(county_first: Hands, tmp_path: Path) -> Hands:
    """The county after its first night, in folders that the test may break."""
    return county_first.copy(tmp_path / "county")


@pytest.fixture(scope="session")
def berka_history(tmp_path_factory: pytest.TempPathFactory) -> Hands:
    """Berka after its history and the night of 1994-03-31. Only to be read, or copied."""
    landing, folder = real_data(), shared(tmp_path_factory, "berka")
    bank = Hands("berka", landing, folder / "warehouse", folder / "bank.key")
    with made_once(folder) as first:
        if first:
            hands(folder, bank="berka", landing=landing)
            bank("nightly", "1994-03-31")
    return bank


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test's environment is its own: what a command exports is gone after it."""
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)
