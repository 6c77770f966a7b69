"""One change of a contract: whom it breaks, which way it goes, and how far the version has to move for it.

A contract has two sides. The producer keeps the promise, the consumer builds on it. A promise that loosens breaks who
builds on it; one that tightens breaks who has to keep it; some changes do both, and words do neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from data_contracts.lint import VERSION
from liangcang.errors import ContractError

Direction = Literal["loosens", "tightens", "both", "neither"]
Level = Literal["major", "minor", "patch"]
Side = Literal["consumer", "producer"]

LEVELS: tuple[Level, ...] = ("patch", "minor", "major")
"""From the smallest."""
BROKEN: dict[Direction, tuple[Side, ...]] = {
    "loosens": ("consumer",),
    "tightens": ("producer",),
    "both": ("consumer", "producer"),
    "neither": (),
}
"""Who is broken by a change that binds."""
SHOWN = 60


@dataclass(frozen=True, kw_only=True)
class Change:
    """A change of one field. `broken`: who can no longer rely on it, or no longer meets it by what he does today."""

    field: str
    old: str
    new: str
    direction: Direction
    broken: tuple[Side, ...]

    @property
    def level(self) -> Level:
        """A major change breaks a consumer; a minor one adds, tightens, or loosens what bound nobody; a patch is words."""
        if "consumer" in self.broken:
            return "major"
        return "patch" if self.direction == "neither" else "minor"

    @property
    def said(self) -> str:
        """The change in words, without its level."""
        return f"{self.field}: {self.old} -> {self.new}  ({self.direction}; breaks {' and '.join(self.broken) or 'nobody'})"


def shown(value: object) -> str:
    """A value of a contract, short enough for a line."""
    match value:
        case None | "" | ():
            text = "none"
        case bool():
            text = "yes" if value else "no"
        case tuple() | list() | frozenset() | set():
            text = ", ".join(str(one) if one != "" else "''" for one in value)
        case _:
            text = " ".join(str(value).split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def strictest(changes: Iterable[Change]) -> Level | None:
    """The highest level among changes; None without any."""
    return max((change.level for change in changes), key=LEVELS.index, default=None)


def numbers(version: str) -> tuple[int, int, int]:
    """A version as numbers that can be compared."""
    if not VERSION.fullmatch(version):
        raise ContractError("a version is three numbers", field="version", expected="1.0.0", found=version)
    major, minor, patch = (int(part) for part in version.split("."))
    return major, minor, patch


def at_least(version: str, level: Level | None) -> str:
    """The lowest version that may follow `version` after changes of this level.

    Of a draft (0.y.z) nobody may rely on anything: its middle number moves where the first one would.
    """
    major, minor, patch = numbers(version)
    if level is None:
        return version
    if level == "patch":
        return f"{major}.{minor}.{patch + 1}"
    return f"{major + 1}.0.0" if level == "major" and major else f"{major}.{minor + 1}.0"
