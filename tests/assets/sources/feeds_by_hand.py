"""Contracts and formats made by hand, for tests of what comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from data_contracts.contract import Contract, FileFormat, Property, Temporal


def form(kind: str = "daily", path: str = "feed_{business_date:%Y%m%d}_{sequence}.dat", **said: Any) -> FileFormat:
    return FileFormat(kind=kind, path=path, **said)  # type: ignore[arg-type]


def contract(*columns: str | Property, feed: str = "feed", **said: Any) -> Contract:
    """A contract of these columns, which are text without null tokens unless they are given as a Property."""
    properties = tuple(
        c if isinstance(c, Property) else Property(name=c, type="VARCHAR", null_values=()) for c in columns
    )
    given: dict[str, Any] = {
        "id": f"bank.{feed}",
        "version": "1.0.0",
        "title": feed,
        "description": "",
        "path": Path(f"{feed}.odcs.yaml"),
        "digest": "0" * 64,
        "rules": (),
        "temporal": Temporal(kind="event"),
    }
    return Contract(**{**given, "table": f"staged.{feed}", "properties": properties, **said})
