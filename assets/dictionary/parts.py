"""What the pages of all tables share: columns, codes, rules, and how a contract's promises are said."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from assets.pages.markup import Content, Markup, both, code, element, items, markup, table
from data_contracts.contract import Contract, Property, Rule, Temporal, targets_of
from data_contracts.implied import all_rules
from data_contracts.numbers import number_of

DIMENSIONS = {
    "conformity": "规范性",
    "completeness": "完整性",
    "accuracy": "准确性",
    "consistency": "一致性",
    "timeliness": "时效性",
    "accessibility": "可访问性",
}
TIMES = {
    "event": "happened on the date",
    "snapshot": "as of the date",
    "interval": "a state, true until the next one",
    "since": "exists from the date on",
    "identity": "true at all times",
    "undated": "nobody knows since when",
}


def heading(contract: Contract) -> Markup:
    """Name, Chinese title and meaning of a table."""
    return markup([element("h1", both(contract.table, contract.title)), element("p", contract.description)])


def columns(contract: Contract, more: Mapping[str, Callable[[Property], Content]]) -> Markup:
    """The columns of a table: what each means, its type, and `more` by heading."""
    head = ("Column", "Title 名称", "Meaning 含义", "Type 类型", "Null 可空", "Class 分级", *more)
    rows = [
        (
            f"c-{p.name}",
            (
                code(p.name),
                element("span", p.title, lang="zh"),
                [p.description, codes(p)],
                [element("code", p.type, class_="whole"), written(p)],
                "key 主键" if p.key else "required 必填" if p.required else "may be null",
                ", ".join(part for part in (p.classification or "", f"level {p.level}" if p.level else "") if part),
                *(show(p) for show in more.values()),
            ),
        )
        for p in contract.properties
    ]
    return markup([element("h2", both("Columns", "字段"), id="columns"), table(head, rows)])


def codes(column: Property) -> Markup | None:
    """The code list of a column."""
    if not column.codes:
        return None
    return items([code(value), f" {label}" if label else ""] for value, label in column.codes.items())


def written(column: Property) -> Content:
    """How the text of a column is read."""
    said = [f"written {column.format}"] if column.format else []
    said += [f"{column.decimal_places} implied decimals"] if column.decimal_places is not None else []
    tokens = [token for token in column.null_values if token]
    said += [f"null: {', '.join(repr(token) for token in tokens)}"] if tokens else []
    return [element("br"), "; ".join(said)] if said else None


def rules(contract: Contract) -> Markup:
    """Every rule that a delivery is held to, those that follow from the columns included."""
    head = ("Rule", "Number 编号", "Severity 级别", "Dimension 维度", "What 内容", "Owner 责任人")
    rows = [
        (
            f"r-{number}",
            (
                code(rule.id),
                number_of(rule.id),
                element("span", rule.severity, class_=f"badge {rule.severity}"),
                f"{rule.dimension} {DIMENSIONS[rule.dimension]}",
                held(rule),
                rule.owner,
            ),
        )
        for number, rule in enumerate(all_rules(contract))
    ]
    return markup([element("h2", both("Rules", "质量规则"), id="rules"), table(head, rows)])


def held(rule: Rule) -> Content:
    """What a rule holds, in words and in its own terms."""
    parts: list[Content] = [f"{rule.description} "] if rule.description else []
    parts += _terms(rule)
    if rule.max_rate is not None:
        parts.append(f" up to {rule.max_rate:.4%} of the rows")
    return parts


def _terms(rule: Rule) -> Iterator[Content]:
    match rule.kind:
        case "row":
            yield code(rule.predicate or "")
        case "dataset":
            yield code(rule.query or "")
        case "pattern":
            yield code(rule.pattern or "")
        case "range" | "volume":
            bounds = (f"from {rule.minimum}" if rule.minimum else "", f"to {rule.maximum}" if rule.maximum else "")
            yield ("rows " if rule.kind == "volume" else "") + " ".join(part for part in bounds if part)
        case "arrival":
            yield "is there before the bank's cut-off"
        case "weekdays":
            yield f"rows {rule.minimum} to {rule.maximum} times the median of the same weekday in {rule.days} days"
        case "drift":
            yield f"population stability index against the {rule.days} days before at most {rule.maximum}"
        case "length":
            yield f"{rule.min_length or 0} to {'any number of' if rule.max_length is None else rule.max_length} characters"
        case "reference" if rule.references:
            said = " or ".join(f"{table}.{', '.join(columns)}" for table, columns in targets_of(rule))
            yield ["is in ", code(said)]
        case "enum":
            yield f"one of {len(rule.values)} codes"
        case "key":
            yield ["unique: ", code(", ".join(rule.columns))]
        case "parse":
            yield "can be read as its type"
        case _:
            yield "is not empty"


def time(temporal: Temporal) -> Content:
    """Since when a row is true."""
    column = [" ", code(temporal.column)] if temporal.column else []
    return [f"{temporal.kind}: {TIMES[temporal.kind]}", *column]


def times(contract: Contract) -> Content:
    """Since when rows are true, subsets of them and columns that differ included."""
    rows = [["where ", code(one.where or ""), ": ", time(one)] for one in contract.row_temporals]
    columns = [[code(p.name), ": ", time(p.temporal)] for p in contract.properties if p.temporal]
    apart = [*rows, *columns]
    return [time(contract.temporal), items(apart) if apart else None]


def visible(text: str) -> str:
    """A separator or a line's end as people call it."""
    named = {"\t": "tab", "\n": "LF", "\r\n": "CR LF", "": "none"}
    return named.get(text) or "".join(sign if sign.isprintable() else f"0x{ord(sign):02X}" for sign in text)
