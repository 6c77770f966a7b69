"""Banks at work in folders of their own, driven as a person would, and the real data where they are."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import liangcang as lc
from liangcang.store import Warehouse
from pipelines.cli import commands

PUBLISHED_DATA = "https://lisp.vse.cz/pkdd99/berka.htm"


@dataclass
class Hands:
    """A bank, its landing and its warehouse, driven by the command line as a person would."""

    bank: str
    landing: Path
    warehouse: Path
    key: Path

    def __call__(self, *arguments: str, code: int | None = 0) -> Result:
        """Run `liangcang ARGUMENTS`; with `code`, ask for that exit code."""
        os.environ["LIANGCANG_KEY_FILE"] = str(self.key)
        os.environ.pop("DAGSTER_HOME", None)
        options = ["--bank", self.bank, "--warehouse", str(self.warehouse), "--landing", str(self.landing)]
        result = CliRunner().invoke(commands, [*options, *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        if code is not None:
            assert result.exit_code == code, result.output
        return result

    @property
    def open(self) -> Warehouse:
        return lc.open(self.warehouse)

    def bytes_of(self, *, after: dt.date | None = None, layers: tuple[str, ...] = ()) -> dict[str, str]:
        """Digest of each published file: `table date` to SHA-256 of the bytes on disk."""
        view = self.open.current
        return {
            f"{name} {day}": hashlib.sha256(path.read_bytes()).hexdigest()
            for name in view.tables()
            if not layers or name.partition(".")[0] in layers
            for day, path in view.files(name, after=after)
        }

    def copy(self, to: Path, *, landed: bool = True) -> Hands:
        """The same bank in another folder, warehouse and, if `landed`, landing included."""
        to.mkdir(parents=True)
        landing = Path(shutil.copytree(self.landing, to / "landing", symlinks=True)) if landed else self.landing
        shutil.copytree(self.warehouse, to / "warehouse", symlinks=True)
        bank = self.bank
        if os.sep in bank:
            shutil.copytree(bank, to / "bank")
            bank = str(to / "bank")
        key = Path(shutil.copy2(self.key, to / "own.key"))
        return Hands(bank, landing, to / "warehouse", key)


def hands(folder: Path, *, bank: str, landing: Path) -> Hands:
    """A new warehouse below `folder`."""
    (folder / "warehouse").mkdir(parents=True)
    made = Hands(bank, landing, folder / "warehouse", folder / "bank.key")
    made("init")
    return made


def shared(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that all workers of a run share."""
    base = factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name


@contextmanager
def made_once(folder: Path) -> Iterator[bool]:
    """Whether the folder is still to be made: the first worker makes it, the others wait for it and read it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = folder.parent / f"{folder.name}.done"
        yield not done.exists()
        done.touch()


def real_data() -> Path:
    """The folder of the real data; skips where it is not said, fails where it is said and incomplete."""
    said = os.environ.get("LIANGCANG_DATA")
    if not said:
        pytest.skip(f"LIANGCANG_DATA is not set; the Berka files are published at {PUBLISHED_DATA}")
    folder = Path(said) / "berka"
    wanted = [f"{name}.asc.gz" for name in ("account", "client", "disp", "order", "loan", "card", "district")]
    missing = [name for name in [*wanted, "loan_accounts_9504_9812/trans_test.csv.gz"] if not (folder / name).is_file()]
    if missing or not list(folder.glob("trans_*.asc.gz")):
        pytest.fail(f"LIANGCANG_DATA lacks {', '.join(missing) or 'trans_*.asc.gz'} in {folder}")
    return folder
