"""The page of a table of the warehouse's own model: what it means, and what this bank fills it with."""

from __future__ import annotations

from assets.dictionary import parts
from assets.dictionary.known import OF_VALUES, Known, feature_link, separated
from assets.pages.markup import Content, Markup, both, code, element, facts, markup
from data_contracts.contract import Contract, Property
from liangcang.sql import DIALECT

MANY = 6


def model_body(known: Known, contract: Contract) -> Markup:
    """The whole page but its frame."""
    select = known.bank.conform.get(contract.feed)
    more = {
        "From 来源": lambda column: known.origin(known.sources.get((contract.table, column.name))),
        "Features 特征": lambda column: _features(known, contract, column),
    }
    return markup(
        [
            parts.heading(contract),
            facts(
                [
                    (both("Contract", "契约"), [code(contract.id), f" {contract.version}"]),
                    (both("Key", "主键"), code(", ".join(contract.key))),
                    (both("Time", "时间"), parts.times(contract)),
                    (both("Made of", "加工自"), separated(known.table(name) for name in select.inputs) if select else "nothing: this bank does not feed it"),
                    (both("Not fed", "未供数"), ", ".join(select.unfed) if select else None),
                    (both("Without a date", "无日期"), ", ".join(known.bank.undated.get(contract.feed, ()))),
                ]
            ),
            parts.columns(contract, more),
            element("p", OF_VALUES, class_="soft"),
            [element("h2", both("SELECT", "加工语句"), id="select"), element("pre", select.sql.tree.sql(dialect=DIALECT, pretty=True, comments=False))] if select else None,
        ]
    )  # fmt: skip


def _features(known: Known, contract: Contract, column: Property) -> Content:
    names = known.features_on.get((contract.table, column.name), [])
    shown = separated(feature_link(name) for name in names)
    if len(names) <= MANY:
        return shown
    return element("details", element("summary", f"{len(names)} features 特征"), shown)
