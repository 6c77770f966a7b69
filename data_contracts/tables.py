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
    }
    return _table(contract, f"quality.{contract.feed}", columns, (DELIVERY, "rule_id"), kind="event", commented=False)


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
