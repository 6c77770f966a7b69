"""The pages of what analysts read: each tag and indicator with its meaning, its levels and its way back to the feeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from assets.catalogue import Catalogue, parameters_of
from assets.churn.labels import bank_label
from assets.churn.model_inputs import model_inputs
from assets.dictionary import parts
from assets.dictionary.known import NO_LINEAGE, OF_VALUES, Known, feature_link, separated
from assets.entry import Entry, Indicator, Tag
from assets.lineage import behind, feature_needs, features_of
from assets.pages.markup import Content, Markup, both, code, element, facts, items, link, markup, table
from assets.risk_warning.signals import indicator_catalogue
from assets.tags.customer_tags import overrides, tag_catalogue
from data_contracts.contract import Contract
from liangcang.sql import DIALECT


def product_body(known: Known, contract: Contract) -> Markup:
    """The whole page but its frame."""
    return markup(
        [
            parts.heading(contract),
            facts(
                [
                    (both("Owner", "责任部门"), contract.owner),
                    (both("Contract", "契约"), [code(contract.id), f" {contract.version}"]),
                    (both("Key", "主键"), code(", ".join(contract.key))),
                ]
            ),
            element("p", OF_VALUES, class_="soft"),
            _of_product(known, contract),
        ]
    )


def _of_product(known: Known, contract: Contract) -> Content:
    match contract.feed:
        case "customer_tags":
            tags = {tag.column: tag for tag in tag_catalogue().tags}
            more = {"Tag 标签": lambda p: link(tags[p.name].id, f"#{tags[p.name].id}") if p.name in tags else ""}
            return [_entries(known, tag_catalogue(), "Tags", "标签"), parts.columns(contract, more)]
        case "risk_signal":
            return [parts.columns(contract, {}), _entries(known, indicator_catalogue(), "Indicators", "指标")]
        case "churn_score":
            return [parts.columns(contract, {}), _churn(known)]
        case "risk_party":
            made = [
                "Made of all signals of the party on the date: ",
                link("products.risk_signal", "product-risk_signal.html"),
                ".",
            ]
            return [element("p", made), parts.columns(contract, {})]  # fmt: skip
    return parts.columns(contract, {})


# -- tags and indicators -----------------------------------------------------------------------------------------------


def _entries(known: Known, catalogue: Catalogue, english: str, chinese: str) -> Iterator[Content]:
    """The entries by dimension: first all of them in short, then each with its way back."""
    entries = sorted(catalogue.entries, key=lambda entry: (entry.dimension, entry.id))
    yield element("h2", both(english, chinese), id="entries")
    for dimension, some in groupby(entries, key=lambda entry: entry.dimension):
        shown = [link([f"{entry.id} {entry.name} ", element("span", entry.title, lang="zh")], f"#{entry.id}") for entry in some]  # fmt: skip
        yield [element("h3", dimension.replace("_", " ")), items(shown, class_="columns")]
    for entry in sorted(catalogue.entries, key=lambda entry: entry.id):
        yield _entry(known, catalogue, entry)


def _entry(known: Known, catalogue: Catalogue, entry: Entry) -> Markup:
    given = parameters_of(entry, overrides(catalogue, known.bank))
    return element(
        "section",
        element("h3", both(f"{entry.id} {entry.name}", entry.title)),
        element("p", entry.description),
        facts(
            [
                (both("Column", "字段"), [code(entry.column), " ", code(entry.type)] if isinstance(entry, Tag) else None),
                (both("Value", "口径"), code(entry.value.tree.sql(dialect=DIALECT))),
                (both("Levels", "等级"), _levels(entry) if isinstance(entry, Indicator) else None),
                (both("Unknown when", "未知条件"), code(entry.unknown_when.tree.sql(dialect=DIALECT)) if entry.unknown_when else None),
                (both("Parameters", "参数"), separated(code(f"{name} = {value}") for name, value in given.items())),
                (both("Applies to", "适用"), ", ".join(entry.applies)),
                (both("Owner", "责任部门"), entry.owner),
                (both("After", "依据"), entry.source),
                (both("This bank", "本行"), _unknown(known, entry)),
            ]
        ),
        way_back(known, features_of(entry)),
        id=entry.id,
        class_="entry",
    )  # fmt: skip


def _unknown(known: Known, entry: Entry) -> Content:
    reason = known.not_fed.get(entry.id)
    return element("span", f"unknown for everybody: {reason}", class_="none") if reason else None


def _levels(entry: Indicator) -> Markup:
    shown: list[Content] = [
        [element("span", severity, class_=f"badge {severity}"), " ", code(formula.tree.sql(dialect=DIALECT))]
        for severity, formula in entry.levels.items()
    ]
    if entry.miss_when:
        shown.append(["MISS, whatever else is unknown: ", code(entry.miss_when.tree.sql(dialect=DIALECT))])
    return items(shown, class_="plain")


# -- lineage -----------------------------------------------------------------------------------------------------------


def way_back(known: Known, features: Sequence[str]) -> Markup:
    """From features over columns of the model to columns of the feeds. Where a step is not known, nothing is shown."""
    steps = list(behind(features, known.sources))
    sources = sorted({source for _, _, origin in steps for source in origin.columns})
    steps_of = [
        [feature_link(name), items([_step(known, place) for place in feature_needs()[name]] or [known.needs(name)])]
        for name in dict.fromkeys(features)
    ]
    unknown = any(origin.kind == "unknown" and place in known.sources for _, place, origin in steps)
    unknown |= any(not feature_needs()[name] for name in features)
    lacking = element("span", f" {NO_LINEAGE} for a part", class_="none") if unknown else None
    return markup(
        [
            facts([(both("Source columns", "来源字段"), [known.columns(sources) if sources else "none", lacking])]),
            element("details", element("summary", f"Lineage 血缘: {len(steps_of)} feature(s)"), items(steps_of)),
        ]
    )


def _step(known: Known, place: tuple[str, str]) -> Content:
    return [known.column(place), " ← ", known.origin(known.sources.get(place))]


# -- churn -------------------------------------------------------------------------------------------------------------


def _churn(known: Known) -> Iterator[Content]:
    label = bank_label(known.bank)
    yield element("h2", both("What churn means", "流失定义"), id="label")
    if label is None:
        yield element("p", "This bank has chosen no definition: nothing is trained or scored.")
    else:
        said = {field: str(text) for field, text in label.meaning_in_force().items()}
        yield facts((name, code(text)) for name, text in said.items())
    yield element("h2", both("What models see", "模型输入"), id="inputs")
    rows = [
        (
            f"i-{item.name}",
            (code(item.name), item.meaning, code(item.sql), separated(map(feature_link, item.formula.columns))),
        )
        for item in model_inputs()
    ]
    yield table(("Input", "Meaning 含义", "Formula 公式", "Features 特征"), rows)
    columns = [name for item in model_inputs() for name in item.formula.columns if name in feature_needs()]
    yield element("h2", both("Lineage", "血缘"), id="lineage")
    yield way_back(known, list(dict.fromkeys(columns)))
