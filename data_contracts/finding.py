"""What is wrong with a contract or a bank, and where: one finding a fault, so that a reader mends all in one go."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from liangcang.errors import ContractError

SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A fault at a field of a file. `warning` findings are told; `error` findings make the contract unusable."""

    file: str
    line: int | None
    field: str
    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


def refuse(what: str, findings: Iterable[Finding]) -> None:
    """Raise ContractError when there is an error among the findings: the first one in full, the others as a list."""
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return
    first, others = errors[0], errors[1:]
    also = [str(finding) for finding in others[:SHOWN]]
    if len(others) > SHOWN:
        also.append(f"and {len(others) - SHOWN} more")
    raise ContractError(
        f"{what}: {first.message}",
        file=first.file,
        line=first.line,
        field=first.field or None,
        found="\n            ".join([f"{len(errors)} faults; also", *also]) if also else None,
    )


def did_you_mean(name: object, known: Collection[str]) -> str:
    """` (did you mean x?)` for the known name nearest to `name`, or, when none is near, the known names if few."""
    if isinstance(name, str) and (near := difflib.get_close_matches(name, known, n=1, cutoff=0.6)):
        return f" (did you mean {near[0]!r}?)"
    return f" (known: {', '.join(sorted(known))})" if 0 < len(known) <= 15 else ""
