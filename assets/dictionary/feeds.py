"""The page of a feed: what is delivered, how it is written, what it is held to, and what is made of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from assets.dictionary import parts
from assets.dictionary.known import NO_LINEAGE, OF_VALUES, Known, separated
from assets.pages.markup import Content, Markup, both, code, element, facts, markup, table
from data_contracts.contract import Authorisation, Contract, FileFormat, Property

ABSENT = {
    "must": "the night stops; what was published stays",
    "hold": "the last good state stands",
    "skip": "the night goes on; what needs it is unknown",
    None: "nothing comes daily",
}
RETENTION = ("retention", "re")


def feed_body(known: Known, contract: Contract) -> Markup:
    """The whole page but its frame."""
    feeding = {"Becomes 去向": lambda column: _becomes(known, contract, column)}
    return markup(
        [
            parts.heading(contract),
            facts(_promises(contract)),
            element("h2", both("Files", "文件"), id="files"),
            table(("Field", *(form.kind for form in contract.formats)), _files(contract)),
            parts.columns(contract, feeding),
            element("p", OF_VALUES, class_="soft"),
            parts.rules(contract),
        ]
    )


def _promises(contract: Contract) -> Iterator[tuple[Content, Content]]:
    yield both("Owner", "责任部门"), contract.owner
    yield both("Contract", "契约"), [code(contract.id), f" {contract.version}"]
    yield both("Delivery", "交付方式"), contract.delivery
    stale = f", at most {contract.max_stale_days} days" if contract.absent == "hold" else ""
    yield both("When absent", "缺失时"), f"{contract.absent or 'never'}: {ABSENT[contract.absent]}{stale}"
    yield both("Key", "主键"), code(", ".join(contract.key)) if contract.key else "none: an event feed without one"
    yield both("Time", "时间"), parts.times(contract)
    yield both("History", "历史"), _history(contract)
    kept = [level for level in contract.service_levels if level.name.lower() in RETENTION]
    said = ", ".join(f"{level.value} {level.unit}".strip() for level in kept)
    yield both("Retention", "保存期限"), said or "not said in the contract"
    others = [f"{one.name} {one.value} {one.unit}".strip() for one in contract.service_levels if one not in kept]
    yield both("Service levels", "服务水平"), "; ".join(others)
    if contract.delivery == "full":
        guard = contract.volume
        rows = f"{guard.min_ratio:g} to {guard.max_ratio:g} times the rows of the last one, at least {guard.min_rows:,}"
        yield (
            both("Guard of a full file", "全量保护"),
            f"{rows}; at most {guard.max_deleted_share:.2%} of the keys gone",
        )
    yield (
        both("Refused as a whole", "整批拒收"),
        f"above {contract.max_rejected:.2%} unreadable or {contract.max_quarantined:.2%} quarantined rows",
    )
    if contract.authorisation is not None:
        yield both("Authorisation", "授权"), list(_authorisation(contract.authorisation))
    yield both("Control sum", "控制总额"), code(contract.control_amount) if contract.control_amount else None


def _authorisation(said: Authorisation) -> Iterator[Content]:
    yield ["every row needs one: ", code(said.column)]
    yield [", until ", code(said.until)] if said.until else None
    yield [", held by the rule ", code(said.rule)]


def _history(contract: Contract) -> Content:
    if contract.format("history") is None:
        return "none"
    column = contract.known_at_column
    known = ["; known on ", code(column), f" + {contract.known_at_days} days"] if column else "; known on its own date"
    return ["one file, once", known, ["; dated by ", code(contract.state_date)] if contract.state_date else None]


def _files(contract: Contract) -> Iterator[tuple[None, list[Content]]]:
    """One row a field of how files are written, one column a kind of file."""
    for one in fields(FileFormat):
        if one.name == "kind":
            continue
        values = [getattr(form, one.name) for form in contract.formats]
        yield None, [one.name.replace("_", " "), *(_said(value) for value in values)]


def _said(value: object) -> Content:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case str():
            return code(parts.visible(value))
    return str(value) if value is not None else ""


def _becomes(known: Known, contract: Contract, column: Property) -> Content:
    """The columns of the model made of a column, and what becomes of those."""
    places = known.feeding.get((contract.table, column.name), [])
    chosen = known.choosing.get((contract.table, column.name), [])
    joins = [element("span", "joins or filters 关联或过滤: ", class_="soft"), separated(map(known.table, chosen))] if chosen else None  # fmt: skip
    if not places:
        nobody = element("span", "not read by the model 模型未使用", class_="soft") if known.all_read else element("span", NO_LINEAGE, class_="none")  # fmt: skip
        return joins or nobody
    shown: list[Content] = [known.columns(places), [element("br"), joins] if joins else None]
    if users := known.products_on(places):
        summary = element("summary", f"{len(users)} product column(s) 影响的产品")
        shown.append(element("details", summary, known.users_shown(users)))
    return shown
