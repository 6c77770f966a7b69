"""The ways in which the county's deliveries break on their way, each planted on purpose, and nothing else with it.

A fault of the data file leaves a control file that agrees with what is delivered, so that it is the fault that is found
and not the sum of its consequences; a fault of the control file leaves the data as they were.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from liangcang.errors import UsageError
from pipelines.demo import rule_faults
from pipelines.demo.days import number
from pipelines.demo.delivery import CORE_AND_LOANS, come, contract_of, form_of, named, write_control
from pipelines.demo.texts import SEPARATOR

ENCODING = "gb18030"

DATE_FIELD = {
    "cb_cust_ind": 18,
    "cb_dep_acct": 6,
    "cb_txn": 1,
    "cb_calendar": 0,
    "ln_contract": 5,
    "ln_due": 4,
    "ln_sched": 2,
    "ln_repay": 2,
}
"""A field of each feed that must be a date: when it was opened, booked, signed, paid out, due."""
IMPOSSIBLE = "20260231"
CORRECTED = {
    "cb_cust_ind": (14, "某省某市某县青禾镇人民路1号"),
    "cb_dep_acct": (16, "330327020"),
    "cb_txn": (19, "更正摘要"),
    "cb_org": (1, "某县农村商业银行总行营业部"),
    "ln_contract": (17, "E00999"),
}
"""What a corrected delivery says otherwise, of the feeds that can be corrected."""


@dataclass(frozen=True)
class _File:
    """A delivered file in hand: its lines, each with its line end, and how its control file is written."""

    path: Path
    feed: str
    day: dt.date
    lines: list[bytes]

    def delivered(self, lines: list[bytes], *, sequence: int = 1) -> None:
        """Write the lines, and a control file that agrees with them."""
        content = b"".join(lines)
        path = self.path.with_name(f"{self.path.stem[:-2]}{sequence:02}.dat")
        path.write_bytes(content)
        whole = [line for line in lines if line.endswith(b"\n")]
        write_control(
            path,
            form_of(contract_of(self.feed)),
            size=len(content),
            rows=len(whole),
            total=_total(self.feed, whole),
            digest=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            date=f"{self.day:%Y%m%d}",
            mode=path.stem.split("_")[-2],
        )

    def controlled(self, place: int, change: Callable[[str], str]) -> None:
        """Change one field of the control file."""
        control = self.path.with_suffix(".flg")
        fields = control.read_bytes().decode(ENCODING).rstrip("\n").split(SEPARATOR)
        fields[place] = change(fields[place])
        control.write_bytes((SEPARATOR.join(fields) + "\n").encode(ENCODING))


def plant(landing: Path, day: dt.date, fault: str, feed: str | None = None) -> Path:
    """Break the first delivery of a feed for a night, in one of the ways of `FAULTS`; the file is handed back.

    `fault` may be a rule of the data standard too: Q01 to Q60. Without `feed`, the one in which the fault is found at
    home. Raises UsageError for a fault or a delivery that is not there.
    """
    fault = rule_faults.CONTROL_OR_FILE.get(fault, fault)
    if fault in rule_faults.RULES:
        return rule_faults.plant(landing, day, fault, feed)
    if fault not in FAULTS:
        raise UsageError(f"no fault is called {fault!r}", expected=", ".join((*FAULTS, *rule_faults.RULES)))
    usual, break_ = FAULTS[fault]
    feed = feed or usual
    able: dict[str, Mapping[str, object]] = {
        "rows_of_another_date": DATE_FIELD,
        "bad_row": DATE_FIELD,
        "wrong_sum": {feed: place for feed in CORE_AND_LOANS if (place := summed(feed)) is not None},
        "corrected": CORRECTED,
    }
    if feed not in able.get(fault, CORE_AND_LOANS):
        raise UsageError(f"{feed!r} cannot have this fault", expected=", ".join(able.get(fault, CORE_AND_LOANS)))
    path = landing / named(form_of(contract_of(feed)).path, number(day), 1)
    if not path.is_file():
        raise UsageError("there is no such delivery to break", file=path)
    break_(_File(path, feed, day, path.read_bytes().splitlines(keepends=True)))
    for file in path.parent.glob(f"{path.stem[:-2]}*{path.suffix}"):
        come(file, number(day), hours=HOURS.get(fault, 26))
    return path


def summed(feed: str) -> int | None:
    """Place of the amount whose sum the control file has."""
    contract = contract_of(feed)
    return list(contract.columns).index(contract.control_amount) if contract.control_amount else None


def _total(feed: str, lines: list[bytes]) -> str:
    place = summed(feed)
    if place is None:
        return ""
    amounts = (_fields(line)[place] for line in lines)
    return f"{sum((Decimal(amount) for amount in amounts), Decimal('0.00')):.2f}"


HOURS = {"late": 30}
"""How many hours after its day began a delivery comes; all others come after 26."""


def _fields(line: bytes) -> list[str]:
    return line.decode(ENCODING, "replace").rstrip("\n").split(SEPARATOR)


def _with(line: bytes, place: int, value: str) -> bytes:
    fields = _fields(line)
    fields[place] = value
    return (SEPARATOR.join(fields) + "\n").encode(ENCODING)


def _no_control(file: _File) -> None:
    file.path.with_suffix(".flg").unlink()


def _wrong_count(file: _File) -> None:
    file.controlled(2, lambda rows: str(int(rows) + 1))


def _wrong_sum(file: _File) -> None:
    file.controlled(3, lambda total: f"{Decimal(total) + Decimal('0.01'):.2f}")


def _wrong_digest(file: _File) -> None:
    file.controlled(4, lambda digest: hashlib.md5(digest.encode(), usedforsecurity=False).hexdigest())


def _other_date(file: _File) -> None:
    file.controlled(5, lambda _: f"{file.day - dt.timedelta(days=1):%Y%m%d}")


def _rows_of_another_date(file: _File) -> None:
    yesterday = f"{file.day - dt.timedelta(days=1):%Y%m%d}"
    file.delivered([_with(line, DATE_FIELD[file.feed], yesterday) for line in file.lines])


def _half(file: _File) -> None:
    file.delivered(file.lines[: len(file.lines) // 2])


def _bad_row(file: _File) -> None:
    *others, last = file.lines
    file.delivered([*others, _with(last, DATE_FIELD[file.feed], IMPOSSIBLE)])


def _duplicate(file: _File) -> None:
    file.delivered([*file.lines, file.lines[-1]])


def _cut(file: _File) -> None:
    kept = file.lines[: len(file.lines) * 2 // 3 + 1]
    file.delivered([*kept[:-1], kept[-1][: len(kept[-1]) // 2]])


def _not_gb18030(file: _File) -> None:
    first, *others = file.lines
    file.delivered([first.rstrip(b"\n") + b"\xff\n", *others])


def _extra_field(file: _File) -> None:
    first, *others = file.lines
    file.delivered([first.rstrip(b"\n") + SEPARATOR.encode() + b"\n", *others])


def _short_line(file: _File) -> None:
    first, *others = file.lines
    kept, _, _ = first.decode(ENCODING).rstrip("\n").rpartition(SEPARATOR)
    file.delivered([f"{kept}\n".encode(ENCODING), *others])


def _late(file: _File) -> None:
    """Nothing: see HOURS."""


def _corrected(file: _File) -> None:
    first, *others = file.lines
    file.delivered([_with(first, *CORRECTED[file.feed]), *others], sequence=2)


FAULTS: Mapping[str, tuple[str, Callable[[_File], None]]] = {
    "no_control": ("cb_txn", _no_control),
    "wrong_count": ("cb_txn", _wrong_count),
    "wrong_sum": ("cb_txn", _wrong_sum),
    "wrong_digest": ("cb_dep_acct", _wrong_digest),
    "other_date": ("cb_txn", _other_date),
    "rows_of_another_date": ("cb_txn", _rows_of_another_date),
    "half": ("cb_dep_acct", _half),
    "bad_row": ("cb_cust_ind", _bad_row),
    "duplicate": ("cb_txn", _duplicate),
    "cut": ("cb_txn", _cut),
    "not_gb18030": ("cb_cust_ind", _not_gb18030),
    "extra_field": ("cb_txn", _extra_field),
    "short_line": ("cb_txn", _short_line),
    "late": ("cb_txn", _late),
    "corrected": ("cb_cust_ind", _corrected),
}
"""no_control: the control file is not there. wrong_count, wrong_sum, wrong_digest, other_date: it says one row, one fen,
another digest or the day before. rows_of_another_date: every row is dated the day before. half: the second half of a full
file is gone. bad_row: 31 February in the last row. duplicate: the last row twice. cut: ends in the middle of a line.
late: the file is as it should be, and comes at six in the morning. not_gb18030: a byte that is no text. extra_field: the
first row has a field too many. short_line: it has one too few. corrected: a second delivery, of a higher sequence number,
in which the first row is another. Beside each the feed that is broken unless one is said."""
