"""Bookings before they are booked: what somebody wants to put on an account, or to take from it.

Whether a payment is covered, and how much a withdrawal of half the balance is, the ledger decides in order of time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.demo.days import Numbers


class Rule(IntEnum):
    """What becomes of a booking when its account's turn comes."""

    CREDIT = 0
    """Comes in."""
    REFUSED = 1
    """A debit that is refused where the balance does not cover it."""
    MUST = 2
    """A debit that is made: what is missing is paid in cash just before."""
    DRAIN = 3
    """A debit of `share` thousandths of what lies above `amount`, in whole hundreds of yuan."""
    CLOSE = 4
    """All that is there, with its interest: the account's last booking."""
    STATE = 5
    """No booking: the account's own row changes."""


class Said(NamedTuple):
    """How a booking reads in the file."""

    type: str
    channel: str
    remark: str


class Kind(IntEnum):
    """Kinds of bookings; `SAID` has their codes."""

    FAST_PAY = 0
    POS = 1
    ATM_OUT = 2
    COUNTER_OUT = 3
    VILLAGE_OUT = 4
    COUNTER_IN = 5
    ATM_IN = 6
    VILLAGE_IN = 7
    TRANSFER = 8
    TRANSFER_WEB = 9
    TRANSFER_COUNTER = 10
    RECEIPT = 11
    SALARY = 12
    BONUS = 13
    BILL = 14
    BILL_AUTO = 15
    INTEREST = 16
    FEE = 17
    WEALTH_OUT = 18
    WEALTH_BACK = 19
    LOAN_OUT = 20
    LOAN_PAID = 21
    LOAN_PAID_LATE = 22
    LOAN_PAID_FOR = 23
    SUBSIDY = 24
    PENSION = 25
    TAX = 26
    DIVIDEND = 27
    SAVED = 28
    MATURED = 29
    REVERSAL = 30
    CLOSING = 31
    OTHER = 32
    REFUND = 33
    TOP_UP = 34


SAID: dict[Kind, Said] = {
    Kind.FAST_PAY: Said("2003", "06", "扫码消费"),
    Kind.POS: Said("2004", "05", "刷卡消费"),
    Kind.ATM_OUT: Said("1002", "02", "自助取款"),
    Kind.COUNTER_OUT: Said("1002", "01", "现金支取"),
    Kind.VILLAGE_OUT: Said("1002", "07", "助农取款"),
    Kind.COUNTER_IN: Said("1001", "01", "现金存入"),
    Kind.ATM_IN: Said("1001", "02", "自助存款"),
    Kind.VILLAGE_IN: Said("1001", "07", "助农存款"),
    Kind.TRANSFER: Said("2001", "03", "转账"),
    Kind.TRANSFER_WEB: Said("2001", "04", "网银转账"),
    Kind.TRANSFER_COUNTER: Said("2001", "01", "柜面汇款"),
    Kind.RECEIPT: Said("2001", "08", "货款"),
    Kind.SALARY: Said("2002", "09", "代发工资"),
    Kind.BONUS: Said("2002", "09", "年终奖"),
    Kind.BILL: Said("2005", "03", "生活缴费"),
    Kind.BILL_AUTO: Said("2005", "09", "代扣水电费"),
    Kind.INTEREST: Said("2006", "09", "结息"),
    Kind.FEE: Said("2007", "09", "短信服务费"),
    Kind.WEALTH_OUT: Said("2008", "03", "理财申购"),
    Kind.WEALTH_BACK: Said("2008", "09", "理财到期"),
    Kind.LOAN_OUT: Said("2009", "09", "贷款发放"),
    Kind.LOAN_PAID: Said("2010", "09", "贷款还款"),
    Kind.LOAN_PAID_LATE: Said("2010", "01", "归还逾期贷款"),
    Kind.LOAN_PAID_FOR: Said("2010", "01", "代他人还款"),
    Kind.SUBSIDY: Said("2011", "09", "惠农补贴"),
    Kind.PENSION: Said("2011", "09", "养老金"),
    Kind.TAX: Said("2012", "04", "缴纳税款"),
    Kind.DIVIDEND: Said("2013", "09", "股金分红"),
    Kind.SAVED: Said("2001", "01", "转存定期"),
    Kind.MATURED: Said("2001", "09", "定期到期转活期"),
    Kind.REVERSAL: Said("2001", "03", "冲正"),
    Kind.CLOSING: Said("2001", "01", "销户"),
    Kind.OTHER: Said("2099", "01", "其他"),
    Kind.REFUND: Said("2003", "06", "退款"),
    Kind.TOP_UP: Said("1001", "01", "还款现金存入"),
}
INITIATED_DEBITS = {"1002", "2001", "2003", "2004", "2005", "2008", "2012"}
OF_CUSTOMERS = np.array(
    [
        [said.channel != "09" and said.type == "1001" for said in SAID.values()],
        [said.channel != "09" and (said.type == "1001" or said.type in INITIATED_DEBITS) for said in SAID.values()],
    ]
)
"""Whether the customer initiated a booking: credits in the first row, debits in the second."""

NOBODY = -1


@dataclass(frozen=True)
class Bookings:
    """Columns of the same length: one entry a booking. Amounts are fen, positive in either direction."""

    account: Numbers
    day: Numbers
    second: Numbers
    rule: Numbers
    amount: Numbers
    share: Numbers
    kind: Numbers
    other: Numbers
    partner: Numbers
    back: Numbers
    delay: Numbers
    reversed: Numbers

    def __len__(self) -> int:
        return len(self.account)

    def take(self, which: NDArray[np.bool_] | Numbers) -> Bookings:
        """Some of them."""
        return Bookings(*(getattr(self, column.name)[which] for column in fields(self)))


KEPT = {
    **dict.fromkeys(("account", "day", "second", "share", "other", "partner", "delay"), np.int32),
    **dict.fromkeys(("rule", "kind", "back", "reversed"), np.int8),
    "amount": np.int64,
}
"""How columns are kept: millions of bookings stand in memory at once."""


def bookings(
    *,
    account: ArrayLike,
    day: ArrayLike,
    kind: ArrayLike,
    amount: ArrayLike = 0,
    rule: ArrayLike = Rule.CREDIT,
    second: ArrayLike = 36_000,
    share: ArrayLike = 0,
    other: ArrayLike = 0,
    partner: ArrayLike = NOBODY,
    back: ArrayLike = Kind.TRANSFER,
    delay: ArrayLike = 1,
    reversed: ArrayLike = 0,
) -> Bookings:
    """Bookings of one or of many accounts; what is said once holds for all.

    `other` is the other side, in `counterparties`. `partner` is the account of ours that gets what was debited, `delay`
    seconds later and as `back`. `reversed` is 1 where the partner's booking takes this one back.
    """
    said = {
        "account": account,
        "day": day,
        "second": second,
        "rule": rule,
        "amount": amount,
        "share": share,
        "kind": kind,
        "other": other,
        "partner": partner,
        "back": back,
        "delay": delay,
        "reversed": reversed,
    }
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(value)) for value in said.values()))
    return Bookings(*(column.astype(KEPT[name]) for name, column in zip(said, columns, strict=True)))


def joined(parts: Iterable[Bookings]) -> Bookings:
    """All bookings of several."""
    kept = [part for part in parts if len(part)]
    if not kept:
        return bookings(account=[], day=[], kind=[])
    return Bookings(*(np.concatenate([getattr(part, column.name) for part in kept]) for column in fields(Bookings)))


class Plan:
    """Bookings that are known before their month comes, to be had a month at a time."""

    def __init__(self, parts: Iterable[Bookings]) -> None:
        planned = joined(parts)
        self._all = planned.take(np.argsort(planned.day, kind="stable"))

    def between(self, first: int, last: int) -> Bookings:
        """Those of the days from `first` to `last`."""
        begin, end = np.searchsorted(self._all.day, [first, last + 1])
        return self._all.take(np.arange(begin, end))
