"""What the pages know of a bank: its contracts, the model, the products, and what is made of what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from assets.building import not_fed
from assets.lineage import (
    Origin,
    Place,
    columns_read,
    conform_origins,
    feature_needs,
    source_columns,
    users_of_features,
)
from assets.pages.markup import Content, Markup, code, element, link, markup
from data_contracts.bank import Bank, conformed_contracts, product_contracts
from data_contracts.contract import Contract

NO_LINEAGE = "no lineage"
OF_VALUES = "Lineage is of values: what only joins, filters or orders rows is not in it. 血缘为取值血缘，不含关联、过滤与排序字段。"


@dataclass(frozen=True)
class Known:
    """One bank, with every question that the pages ask of it answered once."""

    bank: Bank

    @cached_property
    def contracts(self) -> Mapping[str, Contract]:
        """Every contract by its table."""
        every = (*self.bank.feeds.values(), *conformed_contracts().values(), *product_contracts().values())
        return {contract.table: contract for contract in every}

    @cached_property
    def choosing(self) -> Mapping[Place, list[str]]:
        """Of each column that joins, filters or orders the rows of a table and makes no value there: those tables."""
        found: dict[Place, list[str]] = {}
        for table, used in self.read.items():
            made = {place for (of, _), origin in self.direct.items() if of == table for place in origin.columns}
            for place in sorted((used or set()) - made):
                found.setdefault(place, []).append(table)
        return found

    @cached_property
    def read(self) -> Mapping[str, set[Place] | None]:
        return columns_read(self.bank)

    @cached_property
    def direct(self) -> Mapping[Place, Origin]:
        return conform_origins(self.bank)

    @property
    def all_read(self) -> bool:
        """Whether it is known of every SELECT what it reads, so that of any other column it can be said that nobody does."""
        return None not in self.read.values() and all(origin.kind != "unknown" for origin in self.direct.values())

    @cached_property
    def sources(self) -> Mapping[Place, Origin]:
        return source_columns(self.bank)

    @cached_property
    def feeding(self) -> Mapping[Place, list[Place]]:
        """Of each column of a feed, the columns of the model that are made of it."""
        found: dict[Place, list[Place]] = {}
        for place, origin in self.sources.items():
            for source in origin.columns:
                found.setdefault(source, []).append(place)
        return found

    @cached_property
    def features_on(self) -> Mapping[Place, list[str]]:
        """Of each column of the model, the features that need it."""
        found: dict[Place, list[str]] = {}
        for feature, needs in feature_needs().items():
            for place in needs:
                found.setdefault(place, []).append(feature)
        return found

    @cached_property
    def users(self) -> Mapping[str, list[str]]:
        return users_of_features()

    @cached_property
    def not_fed(self) -> Mapping[str, str]:
        return not_fed(self.bank)

    def products_on(self, places: Iterable[Place]) -> list[str]:
        """The tags, indicators and scores that are made of columns of the model, by id."""
        features = {feature for place in places for feature in self.features_on.get(place, ())}
        return sorted({user for feature in features for user in self.users.get(feature, ())})

    # -- links ---------------------------------------------------------------------------------------------------------

    def column(self, place: Place) -> Markup:
        """A column of a feed or of the model, with a link to where it is described."""
        table, name = place
        text = code(f"{table}.{name}")
        if table not in self.contracts:
            return text
        there = name in self.contracts[table].columns
        return link(text, page_of(table) + (f"#c-{name}" if there else ""))

    def table(self, name: str) -> Content:
        """A table, with a link to its page if it has one."""
        return link(code(name), page_of(name)) if name in self.contracts else code(name)

    def columns(self, places: Iterable[Place]) -> Markup:
        return separated(self.column(place) for place in places)

    def needs(self, feature: str) -> Markup:
        """The columns of the model that a feature needs; of one that names none nobody has said where it comes from."""
        places = feature_needs()[feature]
        return self.columns(places) if places else element("span", NO_LINEAGE, class_="none")

    def origin(self, origin: Origin | None) -> Markup:
        """What a column is made of, in words where there is no column to show."""
        if origin is None:
            return element("span", "not fed 未供数", class_="soft")
        if origin.kind == "columns":
            return self.columns(origin.columns)
        said = "a constant 常量" if origin.kind == "constant" else NO_LINEAGE
        return element("span", said, class_="none" if origin.kind == "unknown" else "soft")

    def users_shown(self, ids: Iterable[str]) -> Markup:
        """Tags, indicators and scores with links to where they are described."""
        return separated(link(id, entry_page(id)) for id in ids)


def page_of(table: str) -> str:
    """The page of a table: `feed-cb_txn.html`."""
    layer, _, name = table.partition(".")
    return f"{ {'staged': 'feed', 'conformed': 'table', 'products': 'product'}[layer] }-{name}.html"


def entry_page(id: str) -> str:
    """Where a tag, an indicator or a score is described."""
    if id == "churn_score":
        return page_of("products.churn_score")
    return page_of("products.customer_tags" if id.startswith("T") else "products.risk_signal") + f"#{id}"


def feature_link(name: str) -> Markup:
    return link(code(name), f"features.html#f-{name}")


def separated(pieces: Iterable[Content]) -> Markup:
    made: list[Content] = []
    for piece in pieces:
        made += [", ", piece] if made else [piece]
    return markup(made)
