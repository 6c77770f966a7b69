"""Where things are: bank, warehouse, landing and Dagster's home, from options or the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from liangcang.errors import UsageError

BANK, WAREHOUSE, LANDING, KEY_FILE = (
    "LIANGCANG_BANK",
    "LIANGCANG_WAREHOUSE",
    "LIANGCANG_LANDING",
    "LIANGCANG_KEY_FILE",
)


DEFAULT_BANK = "county"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One bank, its warehouse and its landing folder."""

    bank: str
    warehouse: Path
    landing: Path

    @property
    def dagster_home(self) -> Path:
        return Path(os.environ.get("DAGSTER_HOME") or self.warehouse / "_dagster")

    def export(self) -> None:
        """Set the environment as Dagster's own processes need it."""
        os.environ[BANK] = self.bank
        os.environ[WAREHOUSE] = str(self.warehouse)
        os.environ[LANDING] = str(self.landing)
        os.environ["DAGSTER_HOME"] = str(self.dagster_home)
        os.environ["DAGSTER_DISABLE_TELEMETRY"] = "yes"
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before scikit-learn: its threads shall not spin


def read(*, bank: str | None = None, warehouse: str | None = None, landing: str | None = None) -> Settings:
    """Options first, then the environment. Without a bank, the county."""
    return Settings(
        bank=bank_of(bank),
        warehouse=_folder(warehouse or os.environ.get(WAREHOUSE), "--warehouse", WAREHOUSE),
        landing=_folder(landing or os.environ.get(LANDING), "--landing", LANDING),
    )


def bank_of(asked: str | None) -> str:
    """A bank's name, or its folder. Options first, then the environment; without either, the county."""
    given = asked or os.environ.get(BANK)
    if not given:
        return DEFAULT_BANK
    return str(Path(given).resolve()) if os.sep in given or Path(given).is_dir() else given


def _folder(given: str | None, option: str, variable: str) -> Path:
    if not given:
        raise UsageError(f"{option} is missing", expected=f"a folder: {option} DIR, or {variable}")
    return Path(given).resolve()
