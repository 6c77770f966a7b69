"""Control files: what the sender says of a data file, and whether what came is that.

One line a data file, fields between the delimiter of the data:

    file name |@| bytes |@| rows |@| sum of the amount |@| digest |@| batch date |@| full, inc or hist

Bytes and digest are of the file as it came, packed or not: 32 hex digits are MD5, 64 are SM3. The sum is of the column
that the contract names (`controlAmount`), with a dot and two decimals, and empty where it names none.

A mere marker (`.ok`) says that the data file is whole by being there. It is empty, or holds the number of rows.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from assets.sources.landing import Delivery
from assets.sources.raw import Raw
from assets.sources.take import Taken, take
from data_contracts import cell, numbers
from data_contracts.contract import Contract, FileFormat
from data_contracts.judgement import Judgement, RuleResult
from liangcang.engine import Engine
from liangcang.errors import DeliveryError
from liangcang.quoting import quoted

MAX_BYTES = 1 << 16
FIELDS = ("file name", "bytes", "rows", "sum", "digest", "batch date", "mode")
ALGORITHMS: Mapping[int, str] = {32: "md5", 64: "sm3"}
MODES: Mapping[str, str] = {"full": "full", "event": "inc", "delta": "inc"}
RESEND = "ask for a re-delivery with a higher sequence number; it is picked up by itself"
KEPT = "yesterday's state stays published; the delivery is refused and stays in landing"


@dataclass(frozen=True, kw_only=True)
class Control:
    """What the sender says of one data file. What a marker does not say is None, and `amount` also where the contract
    asks for no sum.
    """

    rows: int | None = None
    size: int | None = None
    amount: Decimal | None = None
    digest: str | None = None
    business_date: dt.date | None = None
    mode: str | None = None

    @property
    def algorithm(self) -> str | None:
        return ALGORITHMS[len(self.digest)] if self.digest else None


def read_control(delivery: Delivery, contract: Contract, form: FileFormat, *, copy: Path) -> Control:
    """What a delivery's control file, or its marker, says of its data file; `copy` is where it is taken to.

    Raises DeliveryError, naming the field, for a line that is not as above, and for one that is about another file,
    date or mode.
    """
    if delivery.control is None:
        raise ValueError("a delivery without a control file")
    try:
        take(delivery.control, copy, max_bytes=MAX_BYTES, may_be_empty=form.control == "ok")
        text = copy.read_bytes().decode(form.encoding)
    except UnicodeDecodeError:
        raise _wrong(delivery, "cannot be read", expected=f"{form.encoding} text", found="other bytes") from None
    finally:
        copy.unlink(missing_ok=True)
    return _marker(delivery, text) if form.control == "ok" else _line(delivery, contract, form, text)


def _marker(delivery: Delivery, text: str) -> Control:
    said = text.strip()
    if said and not re.fullmatch(r"\d{1,15}", said, re.ASCII):
        raise _wrong(
            delivery,
            "says more than that it is there",
            expected="nothing, or the number of rows; what says more is a control file (control: flg)",
            found="something else",
        )
    return Control(rows=int(said) if said else None)


def _line(delivery: Delivery, contract: Contract, form: FileFormat, text: str) -> Control:
    lines = [line.split(form.delimiter) for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
    own = [fields for fields in lines if fields[0] == delivery.path.name]
    if len(own) != 1:
        found = f"{len(own)} such lines among {len(lines)}"
        raise _wrong(
            delivery, "is not about this file", expected=f"one line that begins with {delivery.path.name}", found=found
        )
    control = _parsed(delivery, contract, own[0])
    if (algorithm := str(control.algorithm)) not in hashlib.algorithms_available:
        raise _wrong(delivery, "has a digest that this machine cannot make", expected="MD5", found=algorithm.upper())
    mode = "hist" if delivery.kind == "history" else MODES[contract.delivery]
    if control.mode != mode:
        raise _wrong(delivery, "is of another mode", expected=mode, found=str(control.mode))
    if delivery.business_date is not None and control.business_date != delivery.business_date:
        raise _wrong(
            delivery, "is of another date", expected=f"{delivery.business_date}, as the file's name says",
            found=str(control.business_date), rule=numbers.DATE,
        )  # fmt: skip
    return control


def nothing_came(control: Control, delivery: Delivery, contract: Contract, form: FileFormat) -> bool:
    """Whether the sender says that a day had no rows: then an empty file is a delivery.

    Only of a day's events or changes. A full file without rows would bury everybody, a history without rows says nothing,
    and what has a header has it also without rows.
    """
    return delivery.kind == "daily" and contract.delivery != "full" and not form.header and control.rows == 0


def check_came(control: Control, delivery: Delivery, taken: Taken) -> None:
    """Refuse a file whose bytes are not those that the control file describes."""
    if control.size is not None and control.size != taken.came_size:
        said, found = f"{control.size:,} bytes (control file)", f"{taken.came_size:,} bytes"
        raise _refused(delivery, "the size is not that of the control file", expected=said, found=found)
    if control.digest is not None and control.digest != taken.digest:
        said, found = f"{str(control.algorithm).upper()} {control.digest} (control file)", str(taken.digest)
        raise _refused(delivery, "the digest is not that of the control file", expected=said, found=found)


def reconciled(
    engine: Engine, contract: Contract, control: Control, *, delivery: Delivery, raw: Raw, judgement: Judgement
) -> tuple[RuleResult, ...]:
    """What the control file's totals say of the rows, as results for `quality.<feed>`.

    Rows and sum count everything that was delivered: good, quarantined, rejected and twice. A row whose amount cannot
    be read leaves the sum unproven, not wrong: such a row is in quarantine, to be mended. Raises DeliveryError when a
    total does not hold.
    """
    if control.rows is None:
        return ()
    found, unread = _amounts(engine, contract, raw, judgement)
    rows = f"{judgement.delivered:,} rows" + ("" if found is None else f", {found:,.2f}")
    said = f"{control.rows:,} rows" + ("" if control.amount is None else f", {control.amount:,.2f}") + " (control file)"
    wrong_sum = control.amount is not None and not unread and control.amount != found
    if control.rows != judgement.delivered or wrong_sum:
        rule = numbers.CONTENT if control.rows != judgement.delivered else numbers.SUM
        raise _refused(delivery, "control total does not reconcile", expected=said, found=rows, rule=rule)
    return tuple(_results(contract, control, judgement, unread))


def _results(contract: Contract, control: Control, judgement: Judgement, unread: int) -> Iterator[RuleResult]:
    said = {"control_rows": 0} | ({"control_sum": unread} if control.amount is not None else {})
    for rule, failed in said.items():
        yield RuleResult(
            rule_id=rule,
            kind="control",
            dimension="completeness",
            severity="error" if not failed else "warning",
            owner=contract.owner,
            column=contract.control_amount if rule == "control_sum" else None,
            checked=judgement.delivered,
            failed=failed,
            passed=None if failed else True,
            observation=f"not proven: the amount of {failed:,} rows cannot be read" if failed else None,
        )


def _amounts(engine: Engine, contract: Contract, raw: Raw, judgement: Judgement) -> tuple[Decimal | None, int]:
    """The sum over all delivered rows, and the number of rows whose amount cannot be read."""
    if contract.control_amount is None:
        return None, 0
    prop = contract.property(contract.control_amount)
    text = cell.present(prop, quoted(prop.name))
    value = cell.held(prop, text, cell.tried(prop, text))
    total, unread = engine.rows(
        f"select coalesce(sum(value), 0), count(*) filter (where value is null and text is not null) "
        f"from (select {text} as text, {value} as value from {quoted(raw.raw)})"
    )[0]
    return Decimal(total), int(unread) + judgement.rejected


def _parsed(delivery: Delivery, contract: Contract, fields: list[str]) -> Control:
    if len(fields) != len(FIELDS):
        raise _wrong(delivery, "has another shape", expected=", ".join(FIELDS), found=f"{len(fields)} fields")
    said = dict(zip(FIELDS, fields, strict=True))
    for field, shape in _SHAPES.items():
        if field == "sum" and contract.control_amount is None:
            continue
        if not re.fullmatch(shape, said[field], re.ASCII):
            raise _wrong(delivery, f"has a {field} that cannot be read", expected=_WORDS[field], found="something else")
    try:
        return Control(
            size=int(said["bytes"]),
            rows=int(said["rows"]),
            amount=Decimal(said["sum"]) if contract.control_amount else None,
            digest=said["digest"].lower(),
            business_date=dt.datetime.strptime(said["batch date"], "%Y%m%d").date(),  # noqa: DTZ007  (a date)
            mode=said["mode"],
        )
    except (ValueError, InvalidOperation):
        raise _wrong(
            delivery, "has a batch date that is none", expected="yyyymmdd", found="no day of the calendar"
        ) from None


_SHAPES = {
    "bytes": r"\d{1,15}",
    "rows": r"\d{1,15}",
    "sum": r"-?\d{1,26}\.\d{2}",
    "digest": r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}",
    "batch date": r"\d{8}",
}
_WORDS = {
    "bytes": "a whole number",
    "rows": "a whole number",
    "sum": "an amount with two decimals",
    "digest": "32 hex digits (MD5) or 64 (SM3)",
    "batch date": "yyyymmdd",
}


def _wrong(
    delivery: Delivery, what: str, *, expected: str, found: str, rule: str = numbers.CONTROL_FILE
) -> DeliveryError:
    return DeliveryError(
        f"{delivery.name}: its control file {what}",
        file=delivery.control,
        rule=rule,
        expected=expected,
        found=found,
        kept=KEPT,
        next=RESEND,
    )


def _refused(delivery: Delivery, what: str, *, expected: str, found: str, rule: str = numbers.CONTENT) -> DeliveryError:
    return DeliveryError(
        f"staged.{delivery.feed} {delivery.business_date or 'history'}: {what}",
        file=delivery.name,
        rule=rule,
        expected=expected,
        found=found,
        kept=KEPT,
        next=RESEND,
    )
