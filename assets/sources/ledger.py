"""The ledger of deliveries: one line for each that was judged, accepted or refused, appended and never changed.

What is published says which delivery stood behind it; the ledger also remembers what was refused, and why.
"""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from assets.sources.landing import Delivery
from liangcang.place import Place

Verdict = Literal["accepted", "same", "refused", "held", "skipped"]
FILE = "deliveries.jsonl"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One delivery, looked at once. `digest` is empty when it was refused before it was read to its end.

    `rule`: the number, or the id, of the rule by which it was refused. `size` and `mtime_ns` are those of the file as it was found; None where there was none.
    """

    at: str
    run: str
    feed: str
    file: str
    digest: str
    business_date: str
    verdict: Verdict
    what: str = ""
    rule: str = ""
    size: int | None = None
    mtime_ns: int | None = None


def _file(place: Place) -> Path:
    return place.ledger / FILE


def write(place: Place, judged: Judged) -> None:
    """Append one line and make it durable; lines of several processes do not mix."""
    file = _file(place)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    line = json.dumps(asdict(judged), ensure_ascii=False, sort_keys=True) + "\n"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(place: Place) -> Iterator[Judged]:
    """All lines, oldest first. A last line that a crash cut short is left out."""
    try:
        text = _file(place).read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    for line in text.splitlines():
        try:
            yield Judged(**json.loads(line))
        except (json.JSONDecodeError, TypeError):
            continue


Looks = tuple[str, str, int | None, int | None]
"""Feed, name, size and time of change of a delivery that was judged."""


def looked_at(place: Place) -> frozenset[Looks]:
    """How the deliveries that were judged looked."""
    return frozenset((line.feed, line.file, line.size, line.mtime_ns) for line in read(place))


def knows(looks: Collection[Looks], delivery: Delivery) -> bool:
    """Whether a delivery was judged as it is now; lines that tell no size are of the name alone."""
    of = delivery.feed, delivery.name
    return (*of, delivery.size, delivery.mtime_ns) in looks or (*of, None, None) in looks


def newest(place: Place) -> dict[tuple[str, str], Judged]:
    """The last word on each feed and business date."""
    return {(judged.feed, judged.business_date): judged for judged in read(place)}


def now() -> str:
    """The moment, in UTC, for the ledger only; no published byte depends on it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
