"""From contracts to the tables of the warehouse: the one place where the technical columns have their names.

Technical columns say when and from where: the batch date, the date from which the row may be said to have been known,
the delivery and the row's place in it, and for a state what happened to the key on that date.
"""

from __future__ import annotations

from collections.abc import Mapping

from data_contracts.contract import Contract
from liangcang.table import Kind, Table

BUSINESS_DATE, KNOWN_AT, FEED, DELIVERY, ROW_NO = "business_date", "known_at", "_feed", "_delivery", "_row_no"
OP, HELD_SINCE, CONFIG_VERSION = "_op", "_held_since", "config_version"

DATED: Mapping[str, str] = {BUSINESS_DATE: "DATE", KNOWN_AT: "DATE"}
PLACED: Mapping[str, str] = {DELIVERY: "VARCHAR", ROW_NO: "BIGINT"}
FROM_FEED: Mapping[str, str] = {FEED: "VARCHAR"}

STAGED_COLUMNS: Mapping[str, str] = {**DATED, **PLACED}
"""What every staged row has beyond its contract."""
STATE_COLUMNS: Mapping[str, str] = {OP: "VARCHAR", HELD_SINCE: "DATE"}
"""What a staged row of a state has on top."""
CONFORMED_COLUMNS: Mapping[str, str] = {**DATED, **FROM_FEED, **PLACED}
"""What every conformed row has beyond its contract, and so what every conform SELECT yields."""
CHANGE_COLUMNS: Mapping[str, str] = {OP: "VARCHAR"}
"""What a row of a conformed state has on top; the engine adds it, no SELECT does."""
PRODUCT_COLUMNS: Mapping[str, str] = {BUSINESS_DATE: "DATE", CONFIG_VERSION: "VARCHAR"}
"""What every product has; they stand after its key."""
PARTY_MAP_CONTRACT: Mapping[str, str] = {
    "source_system": "VARCHAR",
    "cust_no": "VARCHAR",
    "party_id": "VARCHAR",
    "key_id": "VARCHAR",
}
PARTY_MAP_KEY = ("source_system", "cust_no")
PARTY_MAP_MEMBER = ("member_system", "member_no")
"""The customer whose pseudonym a number stands for, where that is another than the number itself: a document leads to the
customer who showed it. A SELECT may yield them; they are not kept."""

BREACH_COLUMNS: Mapping[str, str] = {
    "breach_keys": "VARCHAR[]",
    "breach_rows": "BIGINT[]",
    "breach_lines": "BIGINT[]",
}
"""Where the rows stand that break a rule: three lists of one length, in order of `_row_no`; null above `MANY`."""
MANY = 1_000
"""So many breaches of one rule in one delivery are told row by row; more of them are one fault of the delivery."""
OWN_QUALITY = frozenset({"issue", "score"})
"""Tables of the layer `quality` that are of all feeds: no feed may be called so."""
RESERVED = frozenset({*STAGED_COLUMNS, *STATE_COLUMNS, *CONFORMED_COLUMNS})
"""Names that a staged or conformed contract may not give to a column of its own."""

COMMENTS: Mapping[str, str] = {
    BUSINESS_DATE: "批次日期 batch date of the delivery; the partition",
    KNOWN_AT: "可知日期 date from which the row may be said to have been known; null when nobody can say",
    FEED: "来源 feed of the row's leading source",
    DELIVERY: "批次文件 first 12 hex digits of the SHA-256 of the delivery's content",
    ROW_NO: "行号 record number in the delivery, from 1",
    OP: "变更 I inserted, U changed, D deleted",
    HELD_SINCE: "保持起始日 date since which the last good state stands because newer ones were quarantined",
    CONFIG_VERSION: "配置版本 version of catalogue and parameters",
}


def is_state(contract: Contract) -> bool:
    """Whether a table is kept as change sets: what is delivered full or as deltas, and what is conformed of it."""
    return contract.delivery != "event"


def staged(contract: Contract) -> Table:
    """The table of a feed's good rows. A feed without a key has delivery and row number for one."""
    columns = {**contract.columns, **STAGED_COLUMNS, **(STATE_COLUMNS if is_state(contract) else {})}
    return _table(contract, contract.table, columns, contract.key or (DELIVERY, ROW_NO))


def quarantine(contract: Contract) -> Table:
    """The table of a feed's bad rows: the original text of every column, and the rules that they broke."""
    columns = {
        BUSINESS_DATE: "DATE",
        **PLACED,
        "_line": "BIGINT",
        "_kind": "VARCHAR",
        "_rules": "VARCHAR[]",
        "_file": "VARCHAR",
        **dict.fromkeys(contract.columns, "VARCHAR"),
        "_text": "VARCHAR",
    }
    return _table(contract, f"quarantine.{contract.feed}", columns, (DELIVERY, ROW_NO, "_kind"), kind="event")


def corrections(contract: Contract) -> Table:
    """The table of what stewards corrected in a feed's quarantined rows: a row a cell. It holds what was delivered."""
    columns = {
        BUSINESS_DATE: "DATE",
        **PLACED,
        "column_name": "VARCHAR",
        "old_text": "VARCHAR",
        "new_text": "VARCHAR",
        "corrected_by": "VARCHAR",
        "reason": "VARCHAR",
    }
    key = (DELIVERY, ROW_NO, "column_name")
    return _table(contract, f"corrections.{contract.feed}", columns, key, kind="event", commented=False)


def quality(contract: Contract) -> Table:
    """The table of a feed's judgements: one row a delivery and rule, conservation counts and null tokens included."""
    columns = {
        BUSINESS_DATE: "DATE",
        DELIVERY: "VARCHAR",
        "rule_id": "VARCHAR",
        "kind": "VARCHAR",
        "dimension": "VARCHAR",
        "severity": "VARCHAR",
        "owner": "VARCHAR",
        "column_name": "VARCHAR",
        "checked": "BIGINT",
        "failed": "BIGINT",
        "passed": "BOOLEAN",
        "observation": "VARCHAR",
        **BREACH_COLUMNS,
    }
    return _table(contract, f"quality.{contract.feed}", columns, (DELIVERY, "rule_id"), kind="event", commented=False)


def issue() -> Table:
    """What is wrong with what was delivered, of all feeds: one row an issue, kept as changes."""
    columns = {
        "issue_id": "VARCHAR",
        "rule_id": "VARCHAR",
        "feed": "VARCHAR",
        "dimension": "VARCHAR",
        "severity": "VARCHAR",
        "owner": "VARCHAR",
        "column_name": "VARCHAR",
        "key": "VARCHAR",
        "breaches": "BIGINT",
        "first_seen": "DATE",
        "last_seen": "DATE",
        DELIVERY: "VARCHAR",
        "_file": "VARCHAR",
        "_line": "BIGINT",
        ROW_NO: "BIGINT",
        "status": "VARCHAR",
        "excepted_until": "DATE",
        "closed_on": "DATE",
        BUSINESS_DATE: "DATE",
        OP: "VARCHAR",
    }
    said = {
        "key": "键 key of the row; ~ and 16 hex digits for one that names a person; null: the delivery as a whole",
        "breaches": "违反次数 rows of the newest delivery that break the rule with this key",
        "first_seen": "首次发现 batch date of the delivery in which it was found first",
        "last_seen": "最近发现 batch date of the newest delivery in which it was found",
        "status": "状态 new, open, fixed, or excepted",
        "excepted_until": "例外截止日 last day of the exception that the bank signed",
        "closed_on": "关闭日 batch date on which it was found no more",
        BUSINESS_DATE: "批次日期 date of the night on which the issue changed",
    }
    return Table(
        name="quality.issue",
        columns=columns,
        key=("issue_id",),
        kind="state",
        title="数据质量问题",
        comments={**{name: COMMENTS[name] for name in columns if name in COMMENTS}, **said},
    )


def score() -> Table:
    """How much of what was checked on a date held: by feed, owner and dimension, and by each of them alone."""
    columns = {
        BUSINESS_DATE: "DATE",
        "scope": "VARCHAR",
        "feed": "VARCHAR",
        "owner": "VARCHAR",
        "dimension": "VARCHAR",
        "numerator": "BIGINT",
        "denominator": "BIGINT",
        "rate": "DECIMAL(7,6)",
        "base_numerator": "BIGINT",
        "base_denominator": "BIGINT",
        "trend": "DECIMAL(7,6)",
    }
    said = {
        "scope": "范围 each (feed, owner and dimension), feed, owner or dimension: what is told apart; the rest is all",
        "numerator": "分子 checks that held",
        "denominator": "分母 checks that were made: a row and rule, or a delivery and rule",
        "rate": "得分 numerator / denominator, rounded down",
        "base_numerator": "基期分子 of the 28 days before, together",
        "base_denominator": "基期分母 of the 28 days before, together",
        "trend": "趋势 rate less that of the 28 days before; null where nothing was checked in them",
        BUSINESS_DATE: COMMENTS[BUSINESS_DATE],
    }
    key = ("scope", "feed", "owner", "dimension")
    return Table(name="quality.score", columns=columns, key=key, kind="event", title="数据质量得分", comments=said)


def conformed(contract: Contract) -> Table:
    """A table of the warehouse's own model. Numbers of events are unique within the feed that they came from."""
    state = is_state(contract)
    columns = {**contract.columns, **CONFORMED_COLUMNS, **(CHANGE_COLUMNS if state else {})}
    return _table(contract, contract.table, columns, contract.key if state else (*contract.key, FEED))


def party_map() -> Table:
    """Which party a customer number of a source system is."""
    columns = {**PARTY_MAP_CONTRACT, **CONFORMED_COLUMNS, **CHANGE_COLUMNS}
    return Table(
        name="parties.party_map",
        columns=columns,
        key=PARTY_MAP_KEY,
        kind="state",
        title="客户号与当事人对照",
        comments={name: COMMENTS[name] for name in columns if name in COMMENTS},
    )


def product(contract: Contract) -> Table:
    """What analysts read: a snapshot a date, with `business_date` and `config_version` after the key."""
    own = contract.columns
    missing = {name: kind for name, kind in PRODUCT_COLUMNS.items() if name not in own}
    keyed = {name: own[name] for name in contract.key}
    return _table(
        contract, contract.table, {**keyed, **missing, **own} if missing else own, contract.key, kind="snapshot"
    )


def _table(
    contract: Contract,
    name: str,
    columns: Mapping[str, str],
    key: tuple[str, ...],
    *,
    kind: Kind | None = None,
    commented: bool = True,
) -> Table:
    said = (
        {p.name: " ".join(t for t in (p.title, p.description) if t) for p in contract.properties} if commented else {}
    )
    return Table(
        name=name,
        columns=columns,
        key=key,
        kind=kind or ("state" if is_state(contract) else "event"),
        title=contract.title,
        comments={**said, **{column: COMMENTS[column] for column in columns if column in COMMENTS}},
    )
