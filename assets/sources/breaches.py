"""Which rows of a delivery break a rule, warnings too: the row's key, and its place in the file.

What stands here is read outside the restricted layers, so a key that names a person is shown as `~` and a keyed hash:
the same row has the same name in every delivery, and nobody without the bank's key can try all numbers to find it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import groupby

from assets.parties.identity import Key, key_path, read_key
from assets.sources.raw import Raw
from data_contracts.contract import Contract
from data_contracts.judgement import Breaches, Judgement
from data_contracts.personal import LOOKS
from data_contracts.scan_sql import ROW_KINDS
from data_contracts.tables import MANY
from liangcang.engine import Engine
from liangcang.quoting import literal, quoted

LONGEST = 60
"""A longer key is shown as its hash: it is not what the contract thinks it is."""

RowNames = Callable[[Sequence[str]], str]
"""From the texts of a key to the name of the row."""


def row_names(contract: Contract, *, bank: str) -> RowNames:
    """How rows of a feed are called: by their key as it is, or, where a column of it names a person, by its keyed hash.

    The bank's key is read when it is first needed.
    """
    personal = any(contract.property(column).personal for column in contract.key)

    @cache
    def key() -> Key:
        return read_key(key_path(bank))

    def name(values: Sequence[str]) -> str:
        plain = "/".join(values)
        whole = plain.isprintable() and len(plain) <= LONGEST and plain.count("/") == len(values) - 1
        if personal or not whole or plain.startswith("~") or any(map(_shows_a_person, values)):
            return "~" + key().row_key(contract.feed, values)
        return plain

    return name


def _shows_a_person(text: str) -> bool:
    """Whether a key of a class that may be shown holds what may not: in a row whose columns have moved it can."""
    return any(fits(text) for fits, _ in LOOKS.values())


def key_texts(contract: Contract, *, typed: str = "", text: str = "") -> str:
    """The key's columns as text in SQL, alike for a delivered row and a staged one; of what cannot be read, the text."""

    def of(column: str) -> str:
        value = f"cast({typed}{quoted(column)} as varchar)"
        return f"coalesce({value}, {text}{quoted(column)})" if text else value

    return ", ".join(of(column) for column in contract.key)


def breaches(
    engine: Engine, contract: Contract, judgement: Judgement, *, raw: Raw, delivery: str, bank: str
) -> Mapping[str, Breaches]:
    """The rows of each rule that `MANY` rows or fewer break. A row without its whole key is called by its place."""
    told = [result.rule_id for result in judgement.results if result.kind in ROW_KINDS and 0 < result.failed <= MANY]
    if not told:
        return {}
    keys = f", {key_texts(contract, typed='t.', text='x.')}" if contract.key else ""
    rows = engine.rows(
        f"select v.rule_id, v._row_no, r._line{keys} "
        f"from (select * from {quoted(judgement.violations)} where rule_id in ({', '.join(map(literal, told))})) as v "
        f"join {quoted(raw.raw)} as r on r._row_no = v._row_no "
        f"join {quoted(judgement.typed_rows)} as t on t._row_no = v._row_no "
        f"join {quoted(judgement.judged_text)} as x on x._row_no = v._row_no "
        f"order by v.rule_id, v._row_no"
    )
    name = row_names(contract, bank=bank)

    def called(row: int, key: Sequence[str | None]) -> str:
        whole = [text for text in key if text is not None]
        return name(whole) if key and len(whole) == len(key) else f"{delivery} row {row}"

    return {
        rule: [(called(row, key), row, line) for _, row, line, *key in found]
        for rule, found in groupby(rows, key=lambda row: str(row[0]))
    }
