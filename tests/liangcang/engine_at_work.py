"""Folders for an engine, a table it writes, and files as others leave them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
from hypothesis import settings

from liangcang.engine import Engine
from liangcang.table import Table

SECRET = "330327198804170230"
COLUMNS = {"id": "BIGINT", "name": "VARCHAR", "amount": "DECIMAL(18,2)", "day": "DATE", "codes": "VARCHAR[]"}
TABLE = Table(name="conformed.thing", columns=COLUMNS, key=("id",), kind="event")
ROWS = (
    "select range as id, 'n' || range as name, (range / 4)::decimal(18, 2) as amount, "
    "date '2026-01-01' + range::integer as day, ['a', 'b'] as codes from range({rows})"
)


class Folders:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("data", "write", "spill", "faults", "outside", "data-beside"):
            (root / name).mkdir()
            setattr(self, name.replace("-", "_"), root / name)
        self.data: Path = root / "data"
        self.write: Path = root / "write"
        self.spill: Path = root / "spill"
        self.faults: Path = root / "faults"
        self.outside: Path = root / "outside"
        self.secret = self.outside / "secret.csv"
        self.secret.write_text(f"id\n{SECRET}\n")
        (root / "data-beside" / "secret.csv").write_text(f"id\n{SECRET}\n")
        (self.data / "link.csv").symlink_to(self.secret)

    def engine(self, **more: object) -> Engine:
        settings = {"read": [self.data], "write": self.write, "spill": self.spill, "faults": self.faults, **more}
        return Engine(**settings)  # type: ignore[arg-type]

    def everything(self) -> dict[str, bytes]:
        found = (path for path in self.root.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in found if self.spill not in path.parents}


def stored(folder: Path, name: str, sql: str) -> Path:
    """A file as another program would leave it."""
    with duckdb.connect() as con:
        con.execute(f"copy ({sql}) to '{folder / name}' (format parquet)")
    return folder / name


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


FEW = settings(deadline=None, max_examples=25)  # an engine for each example
