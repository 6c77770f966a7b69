"""The number that a rule has in the bank's data standard (Q01 to Q60), for whoever asks for it by that.

A rule that a contract writes out is called by its number: `Q30`, or `Q30_many` where two rules make one. What the
warehouse holds of itself, because a column is required or a control file stands beside the data, is called by what it
is; its number is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

CONTROL_FILE, CONTENT, SUM, DATE, ARRIVAL, ENCODING, COLUMNS = "Q01", "Q02", "Q03", "Q04", "Q05", "Q06", "Q07"
ROW_COUNT, VANISHED_KEYS = "Q13", "Q14"
"""Rules of a delivery as a whole, of which the first that is broken ends the reading."""

OF_KIND: Mapping[str, str] = {
    "control_rows": CONTENT,
    "control_sum": SUM,
    "arrival": ARRIVAL,
    "rejected": COLUMNS,
    **dict.fromkeys(("parse", "pattern", "length", "range"), "Q08"),
    "key": "Q09",
    "required": "Q10",
    "enum": "Q11",
    "reference": "Q12",
    "min_rows": ROW_COUNT,
    "weekdays": ROW_COUNT,
    "drift": "Q60",
}
"""What an id without a number begins or ends with: `amount.parse`, `key`, `volume.min_rows`, `drift.channel`."""
OF_RULE: Mapping[str, str] = {"mobile.pattern": "Q19"}
"""What a column's name says beyond its kind."""
_NUMBERED = re.compile(r"(Q[0-9]{2})(?:_[a-z_]+)?")


def number_of(rule: str) -> str | None:
    """The number of a rule by its id; None for what a bank holds beyond the standard."""
    if numbered := _NUMBERED.fullmatch(rule):
        return numbered[1]
    first, _, last = rule.rpartition(".")
    return OF_RULE.get(rule) or OF_KIND.get(first) or OF_KIND.get(last)
