"""Liangcang (粮仓): the nightly feature warehouse of a rural commercial bank.

    import liangcang as lc
    wh = lc.open("/srv/liangcang/county")
    wh.scan("products.customer_tags", as_of="2026-10-31")

Nothing is imported before it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liangcang.store import Warehouse

__all__ = ["open"]


def open(path: str | Path) -> Warehouse:
    """The warehouse in a folder, for reading. Raises NotMountedError when there is none."""
    from liangcang.store import Warehouse

    return Warehouse.open(path)
