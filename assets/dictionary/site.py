"""The site: an index by system and by owner, a page for each table, and how it is written to a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from pathlib import Path

from assets.dictionary.feeds import feed_body
from assets.dictionary.known import Known, page_of
from assets.dictionary.model import model_body
from assets.dictionary.products import product_body
from assets.features.spec import party_spec
from assets.pages.folder import write_pages
from assets.pages.markup import Content, Markup, both, code, element, facts, items, link, page, table
from data_contracts.bank import Bank, conformed_contracts, product_contracts
from data_contracts.contract import Contract

GENERATOR = "liangcang contracts docs"


def site(bank: Bank) -> dict[str, str]:
    """Every page by its file name. The same bank gives the same bytes."""
    known = Known(bank)
    feeds, model, products = bank.feeds, conformed_contracts(), product_contracts()
    bodies: dict[str, tuple[str, Content]] = {
        "index.html": (bank.name["en"], _index(known)),
        "features.html": ("features.party", _features(known)),
        **{page_of(c.table): (c.table, feed_body(known, c)) for c in feeds.values()},
        **{page_of(c.table): (c.table, model_body(known, c)) for c in model.values()},
        **{page_of(c.table): (c.table, product_body(known, c)) for c in products.values()},
    }
    navigation = [
        element("strong", link(f"{bank.name['en']} {bank.name['zh']}", "index.html")),
        *(link(both(*name), f"index.html#{anchor}") for anchor, name in SECTIONS.items()),
    ]
    foot = f"Data dictionary 数据字典 of {bank.code}, from its contracts; contents {bank.digest[:12]}."
    return {
        name: page(f"{title} · {bank.code}", navigation, body, foot=foot, generator=GENERATOR)
        for name, (title, body) in bodies.items()
    }


SECTIONS = {
    "feeds": ("Feeds", "供数"),
    "owners": ("Owners", "责任部门"),
    "model": ("Model", "模型"),
    "products": ("Products", "产品"),
}


def _index(known: Known) -> Iterator[Content]:
    bank = known.bank
    yield element("h1", both(f"Data dictionary: {bank.name['en']}", f"数据字典：{bank.name['zh']}"))
    yield facts(
        [
            (both("Feeds", "供数"), f"{len(bank.feeds)}"),
            (both("Home currency", "本位币"), bank.home_currency),
            (
                both("Tags and indicators unknown here", "本行无法计算"),
                known.users_shown(sorted(known.not_fed)) or "none",
            ),
        ]
    )
    yield element("h2", both(*SECTIONS["feeds"]), id="feeds")
    for system, contracts in _by(bank.feeds.values(), _system):
        yield [element("h3", system), _list(contracts, ("Feed", "Title 名称", "Owner 责任部门", "Delivery 交付", "Absent 缺失", "Columns 字段", "Version 版本"), _feed)]  # fmt: skip
    yield element("h2", both(*SECTIONS["owners"]), id="owners")
    for owner, contracts in _by([*bank.feeds.values(), *product_contracts().values()], lambda c: c.owner or "nobody"):
        yield [element("h3", owner), items((_named(one) for one in contracts), class_="columns")]
    yield element("h2", both(*SECTIONS["model"]), id="model")
    yield _list(
        conformed_contracts().values(),
        ("Table", "Title 名称", "Made of 加工自", "Filled 已供字段"),
        lambda c: _model(known, c),
    )
    yield element("h2", both(*SECTIONS["products"]), id="products")
    yield _list(product_contracts().values(), ("Product", "Title 名称", "Meaning 含义", "Columns 字段"), _product)
    yield element(
        "p",
        "In between: ",
        link(f"{len(party_spec().features())} features", "features.html"),
        " of a party as of a date.",
    )


def _system(contract: Contract) -> str:
    """The system that a feed comes from: the folder of its contract."""
    folder = contract.path.parent.name
    return folder if folder != "contracts" else "all feeds"


def _by(contracts: Iterable[Contract], key: Callable[[Contract], str]) -> Iterator[tuple[str, list[Contract]]]:
    ordered = sorted(contracts, key=lambda c: (key(c), c.table))
    yield from ((name, list(some)) for name, some in groupby(ordered, key=key))


def _list(
    contracts: Iterable[Contract], head: tuple[str, ...], cells: Callable[[Contract], tuple[Content, ...]]
) -> Markup:
    return table(head, ((None, cells(contract)) for contract in contracts))


def _named(contract: Contract) -> Content:
    return [link(contract.feed, page_of(contract.table)), " ", element("span", contract.title, lang="zh")]


def _feed(contract: Contract) -> tuple[Content, ...]:
    name = link(contract.feed, page_of(contract.table))
    return (name, contract.title, contract.owner, contract.delivery, contract.absent or "", str(len(contract.properties)), contract.version)  # fmt: skip


def _model(known: Known, contract: Contract) -> tuple[Content, ...]:
    select = known.bank.conform.get(contract.feed)
    filled = len(contract.properties) - len(select.unfed) if select else 0
    made = ", ".join(select.inputs) if select else "not fed"
    return link(contract.feed, page_of(contract.table)), contract.title, made, f"{filled} of {len(contract.properties)}"


def _product(contract: Contract) -> tuple[Content, ...]:
    name = link(contract.feed, page_of(contract.table))
    return name, contract.title, contract.description, str(len(contract.properties))


def _features(known: Known) -> Iterator[Content]:
    yield element("h1", both("features.party", "客户特征"))
    yield element(
        "p", "One row a party that owns an account: what is known of it as of the date. For the owner of the night."
    )
    rows = [
        (
            f"f-{feature.name}",
            (
                code(feature.name),
                element("span", feature.zh, lang="zh"),
                [
                    feature.en,
                    f". {feature.meaning}" if feature.meaning else "",
                    f" ({feature.unit})" if feature.unit else "",
                ],
                code(feature.type),
                known.needs(feature.name),
                known.users_shown(known.users.get(feature.name, ())),
            ),
        )
        for feature in party_spec().features()
    ]
    yield table(("Feature", "Title 名称", "Meaning 含义", "Type 类型", "Needs 依赖", "Used by 使用"), rows)


def write_site(bank: Bank, folder: Path) -> list[Path]:
    """Write the site of a bank to a folder; see `write_pages`."""
    return write_pages(site(bank), folder, generator=GENERATOR)
