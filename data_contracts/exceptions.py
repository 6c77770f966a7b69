"""`exceptions.yaml` of a bank's folder: faults that the bank knows of and lets stand until a date, signed by somebody.

    - feed: cb_dep_acct
      rule: cust_no.reference
      key: ~3f2a91c07de4b815        # as `liangcang issues` shows it, or all
      until: 2026-12-31
      reason: accounts of the merged branch get their customers in December
      by: head of operations

An exception changes no row and no score: it says that an issue is known, until when, and who answers for it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_contracts import strict
from data_contracts.contract import Contract
from data_contracts.finding import Finding, did_you_mean
from data_contracts.implied import all_rules
from data_contracts.odcs_fields import Expected, Reading, text
from liangcang.errors import ContractError

EXCEPTIONS = "exceptions.yaml"
ALL = "all"
READING_RULES = ("rejected", "control_rows", "control_sum")
"""What every delivery is held to beside its contract's rules: lines that can be read, totals of the control file."""
HIDDEN = re.compile(r"~[0-9a-f]{16}|[0-9a-f]{12} row [1-9][0-9]*")


@dataclass(frozen=True, kw_only=True)
class SignedException:
    """What is let stand up to and with `until`: the breaches of a rule by one key, or by all (`key` None)."""

    feed: str
    rule: str
    key: str | None
    until: dt.date
    reason: str
    by: str

    def covers(self, *, feed: str, rule: str, key: str | None, day: dt.date) -> bool:
        return (self.feed, self.rule) == (feed, rule) and self.key in (None, key) and day <= self.until


def _said(value: Any) -> str | None:
    return None if isinstance(value, str) and value.strip() else "some words (quote what is a number)"


def _date(value: Any) -> str | None:
    return None if isinstance(value, dt.date) else "a date, yyyy-mm-dd"


FIELDS: Mapping[str, Expected] = {
    "feed": text,
    "rule": text,
    "key": _said,
    "until": _date,
    "reason": _said,
    "by": _said,
}


def read_exceptions(
    file: Path, feeds: Mapping[str, Contract]
) -> tuple[tuple[SignedException, ...], tuple[Finding, ...]]:
    """The exceptions of a bank and what is wrong with them; none where there is no file.

    Raises ContractError for a file that is no list in the YAML that we read.
    """
    if not file.is_file():
        return (), ()
    document = strict.load(strict.read_bytes(file), where=str(file), dates=True)
    if not isinstance(document.data, list):
        raise ContractError("exceptions are a list", file=file, expected="- {feed: …, rule: …, key: …, until: …, …}")
    reading = Reading(document)
    made: list[SignedException] = []
    for index, entry in enumerate(document.data):
        if not isinstance(entry, dict):
            reading.wrong((index,), "expected a mapping: feed, rule, key, until, reason, by")
            continue
        right = reading.within((index,), entry, FIELDS)
        missing = [name for name in FIELDS if name not in entry]
        if missing:
            reading.wrong((index,), f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        if len(right) < len(FIELDS) or not _known(reading, index, right, feeds):
            continue
        key = None if right["key"] == ALL else right["key"]
        made.append(SignedException(**{**right, "key": key}))
        if any((one.feed, one.rule, one.key) == (right["feed"], right["rule"], key) for one in made[:-1]):
            reading.wrong((index,), f"{right['feed']} {right['rule']} has an exception for this key already")
    return tuple(made), tuple(reading.findings)


def _known(reading: Reading, index: int, entry: Mapping[str, Any], feeds: Mapping[str, Contract]) -> bool:
    """Whether feed and rule are the bank's, and the key is none that names a person."""
    if entry["feed"] not in feeds:
        reading.wrong((index, "feed"), f"no feed {entry['feed']!r}{did_you_mean(entry['feed'], feeds.keys())}")
        return False
    contract = feeds[entry["feed"]]
    rules = [*(rule.id for rule in all_rules(contract)), *READING_RULES]
    if entry["rule"] not in rules:
        near = did_you_mean(entry["rule"], rules)
        reading.wrong((index, "rule"), f"{contract.feed} has no rule {entry['rule']!r}{near}")
        return False
    named = any(contract.property(column).personal for column in contract.key)
    if named and entry["key"] != ALL and not HIDDEN.fullmatch(entry["key"]):
        reading.wrong(
            (index, "key"), "keys of this feed name persons: write it as `liangcang issues` shows it (~…), or all"
        )
        return False
    return True
