"""What looking a warehouse over brings to light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """error: readers are wrong or in danger; warning: somebody should act; note: good to know."""

    level: Level
    what: str
    next: str | None = None
