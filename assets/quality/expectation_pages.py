"""Great Expectations for people: what is expected of each feed, and what was found night by night, without the internet.

A page is made of what is published of a night (counts by rule) and of what the contract says today. It carries the
digest of both, and is made again only where that has changed: so a night costs its own pages, and one that changed
nothing does not even import the library.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import polars as pl

from assets.dictionary import parts
from assets.pages import foreign
from assets.pages import markup as pages_markup
from assets.pages.markup import Content, Markup, both, code, element, facts, link, page, table
from assets.quality import expectation_sections
from assets.quality.expectation_sections import result_sections, suite_sections
from assets.quality.files import EXPECTATIONS, INDEX, file_of, results_file, suite_file
from assets.quality.night_page import GENERATOR, NightSeen
from data_contracts import expectations as second_judge
from data_contracts.bank import Bank
from data_contracts.contract import Contract, Rule
from data_contracts.expectations import rules_of_rows
from data_contracts.implied import all_rules
from data_contracts.judgement import RuleResult

_RESULT = ("rule_id", "kind", "dimension", "severity", "owner", "column_name", "checked", "failed", "passed", "observation")  # fmt: skip
_NOT_RULES = ("conservation", "null_token")
NOTE = (
    "Rules that a row breaks are expectations of Great Expectations. Their counts are those that were published; it "
    "counted the same rows in that night, and had it counted otherwise, nothing would have been published. No value of "
    "a row stands here. 每夜由两个引擎分别计数，结果一致方可发布；本页只有计数，没有任何数据值。"
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found of one feed on one date: by delivery, its judgements of rules, and its name."""

    day: dt.date
    by_delivery: Mapping[str, Sequence[RuleResult]]

    @property
    def all(self) -> list[RuleResult]:
        return [result for results in self.by_delivery.values() for result in results]

    @property
    def broken(self) -> list[RuleResult]:
        return [result for result in self.all if result.failed]

    @property
    def not_judged(self) -> list[RuleResult]:
        return [result for result in self.all if result.passed is None]


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """A page that has to be there: of what it is made, and how."""

    name: str
    title: str
    feed: str | None
    source: object
    body: Callable[[], Content]


def expectation_pages(
    bank: Bank,
    nights: Sequence[NightSeen],
    others: Collection[dt.date],
    *,
    made_of: Callable[[str], str | None],
    faults: Path | None = None,
) -> tuple[dict[str, str], frozenset[str]]:
    """The pages that have to be written, by file name, and the names of those that stay as they are.

    `others`: dates of which earlier pages stay. `made_of`: the digest that a page which is there carries; None where
    there is none. Raises EngineError where Great Expectations fails.
    """
    earlier = {feed: [day for day in sorted(others, reverse=True) if made_of(results_file(feed, day))] for feed in bank.feeds}  # fmt: skip
    kept = {results_file(feed, day) for feed, days in earlier.items() for day in days}
    written: dict[str, str] = {}
    for wanted in _wanted(bank, nights, earlier, faults):
        digest = _digest(bank, wanted)
        if made_of(wanted.name) == digest:
            kept.add(wanted.name)
        else:
            written[wanted.name] = _page(bank, wanted, digest)
    return written, frozenset(kept)


def _wanted(
    bank: Bank, nights: Sequence[NightSeen], earlier: Mapping[str, Sequence[dt.date]], faults: Path | None
) -> Iterator[_Wanted]:
    of_all: dict[str, list[Found]] = {}
    for feed, contract in bank.feeds.items():
        found = of_all[feed] = _found(nights, feed)
        said = contract.path.read_bytes()
        for one in found:
            yield _Wanted(
                name=results_file(feed, one.day),
                title=f"{feed} {one.day}",
                feed=feed,
                source=(said, sorted(one.by_delivery.items())),
                body=functools.partial(_results, contract, one, faults),
            )
        yield _Wanted(
            name=suite_file(feed),
            title=feed,
            feed=feed,
            source=(said, [(one.day, *_said(one)) for one in found], earlier[feed]),
            body=functools.partial(_suite, contract, found, earlier[feed], faults),
        )
    rows = [_row(contract, of_all[feed]) for feed, contract in bank.feeds.items()]
    yield _Wanted(name=EXPECTATIONS, title="Expectations", feed=None, source=rows, body=functools.partial(_index, rows))


def _found(nights: Sequence[NightSeen], feed: str) -> list[Found]:
    """What was found of a feed, the newest date first."""
    return [
        Found(day=night.day, by_delivery=_by_delivery(night.quality[feed]))
        for night in sorted(nights, key=lambda night: night.day, reverse=True)
        if feed in night.quality
    ]


def _by_delivery(quality: pl.DataFrame) -> dict[str, list[RuleResult]]:
    rules = quality.filter(~pl.col("kind").is_in(_NOT_RULES)).sort("_delivery", "rule_id")
    rows = rules.select("_delivery", *_RESULT).rename({"column_name": "column"}).iter_rows(named=True)
    return {
        delivery: [RuleResult(**{name: value for name, value in row.items() if name != "_delivery"}) for row in some]
        for delivery, some in groupby(rows, key=lambda row: str(row["_delivery"]))
    }


def _digest(bank: Bank, wanted: _Wanted) -> str:
    """Of what a page says and of the code that says it."""
    made = (_code_digest(), bank.code, sorted(bank.name.items()), wanted.name, wanted.source)
    return hashlib.sha256(repr(made).encode()).hexdigest()


@functools.cache
def _code_digest() -> str:
    """Of the modules by which pages are drawn, and of Great Expectations' version."""
    total = hashlib.sha256(_version().encode())
    for file in (__file__, expectation_sections.__file__, second_judge.__file__, parts.__file__, foreign.__file__):
        total.update(Path(file).read_bytes())
    for file in (pages_markup.__file__, str(Path(pages_markup.__file__).with_name("pages.css"))):
        total.update(Path(file).read_bytes())
    return total.hexdigest()


@functools.cache
def _version() -> str:
    return version("great_expectations")


def _page(bank: Bank, wanted: _Wanted, digest: str) -> str:
    up = "../../" if wanted.feed else "../"
    navigation = [
        element("strong", link(f"{bank.name['en']} {bank.name['zh']}", f"{up}{INDEX}")),
        link(both("Nights", "每夜"), f"{up}{INDEX}"),
        link(both("Expectations", "期望"), f"../{INDEX}" if wanted.feed else INDEX),
        link(code(wanted.feed), INDEX) if wanted.feed else None,
    ]
    foot = (
        f"Expectations 期望 of {bank.code}, drawn by Great Expectations {version('great_expectations')}; counts only."
    )
    return page(f"{wanted.title} · {bank.code}", navigation, wanted.body(), foot=foot, generator=GENERATOR, source=digest)  # fmt: skip


def _said(one: Found) -> tuple[int, int, int]:
    """How many rules were broken, not judged, and looked at."""
    return len(one.broken), len(one.not_judged), len(one.all)


def _ended(broken: int, not_judged: int) -> Content:
    said: list[Content] = (
        [element("span", f"{broken:,} broken 违反", class_="badge red")] if broken else ["all met 全部通过"]
    )
    return [*said, f", {not_judged:,} not judged 未判定" if not_judged else ""]


def _row(contract: Contract, found: Sequence[Found]) -> tuple[object, ...]:
    """Of a feed: name, title, owner, expectations, further rules, the newest date and how it ended."""
    by_it = len(rules_of_rows(contract))
    newest = (found[0].day, *_said(found[0])) if found else None
    return contract.feed, contract.title, contract.owner, by_it, len(all_rules(contract)) - by_it, newest


def _index(rows: Sequence[tuple[Any, ...]]) -> Iterator[Content]:
    yield element("h1", both("What is expected of each feed", "对各供数的期望"))
    yield element("p", NOTE)
    head = ("Feed 供数", "Title 名称", "Owner 责任人", "Expectations 期望", "Further rules 其他规则", "Newest night 最近一夜", "Ended 结果")  # fmt: skip
    cells = (
        (
            f"f-{feed}",
            (
                link(code(feed), f"{feed}/{INDEX}"),
                title,
                owner,
                f"{by_it:,}",
                f"{further:,}",
                link(f"{newest[0]}", f"{feed}/{newest[0]}.html") if newest else "not judged yet 尚无结果",
                _ended(newest[1], newest[2]) if newest else None,
            ),
        )
        for feed, title, owner, by_it, further, newest in rows
    )
    yield table(head, cells)


def _suite(
    contract: Contract, found: Sequence[Found], earlier: Sequence[dt.date], faults: Path | None
) -> Iterator[Content]:
    yield element("h1", both(f"What is expected of {contract.feed}", contract.title))
    yield element("p", contract.description)
    yield facts([(both("Owner", "责任人"), contract.owner), (both("Contract", "契约版本"), contract.version)])
    yield element("h2", both("Night by night", "每夜结果"), id="nights")
    rows = (
        (None, (link(f"{one.day}", f"{one.day}.html"), _ended(*_said(one)[:2]), f"{len(one.all):,}")) for one in found
    )
    yield (
        table(("Night 日期", "Ended 结果", "Rules 规则"), rows)
        if found
        else element("p", both("Not judged yet.", "尚无结果。"))
    )
    if earlier:
        yield element("p", both("Earlier: ", "更早："), [[link(f"{day}", f"{day}.html"), " "] for day in earlier])
    yield suite_sections(contract, faults=faults)
    whole = [rule for rule in all_rules(contract) if rule not in rules_of_rows(contract)]
    yield element("h2", both("Of the delivery as a whole", "整批规则"), id="whole")
    yield element("p", "Judged by the scan alone: Great Expectations counts rows. 由扫描引擎判定。")
    yield table(
        ("Rule 规则", "Severity 级别", "Dimension 维度", "Owner 责任人", "What 内容"),
        (
            (None, (code(rule.id), _severity(rule.severity), rule.dimension, rule.owner, parts.held(rule)))
            for rule in whole
        ),
    )


def _results(contract: Contract, found: Found, faults: Path | None) -> Iterator[Content]:
    yield element("h1", both(f"What was found of {contract.feed} on {found.day}", contract.title))
    yield facts(
        [
            (both("Night", "日期"), link(f"{found.day}", f"../../{file_of(found.day)}")),
            (both("Expected", "期望"), link(contract.table, INDEX)),
            (both("Ended", "结果"), _ended(*_said(found)[:2])),
            (
                both("Broken", "违反"),
                [[code(result.rule_id), f" {result.failed:,} "] for result in found.broken] or None,
            ),
        ]
    )
    yield element("p", NOTE)
    rules = {rule.id: rule for rule in all_rules(contract)}
    by_it = {rule.id for rule in rules_of_rows(contract)}
    for number, (delivery, results) in enumerate(found.by_delivery.items()):
        drawn = [result for result in results if result.rule_id in by_it and result.passed is not None]
        rest = [result for result in results if result not in drawn]
        yield result_sections(contract, delivery, drawn, first=1 + number * (1 + len(rules)), faults=faults)
        if rest:
            yield element("h2", both("Not by Great Expectations", "非 Great Expectations 判定"))
            yield element(
                "p", f"Delivery {delivery}: of the delivery as a whole, or not judged. 整批规则或未判定的规则。"
            )
            yield table(
                (
                    "Rule 规则",
                    "Severity 级别",
                    "Dimension 维度",
                    "Owner 责任人",
                    "Broken 违反",
                    "Checked 检查",
                    "What 内容",
                ),
                ((None, _beside(result, rules.get(result.rule_id))) for result in rest),
            )


def _beside(result: RuleResult, rule: Rule | None) -> tuple[Content, ...]:
    judged = result.passed is not None
    return (
        code(result.rule_id),
        _severity(result.severity),
        result.dimension,
        result.owner,
        f"{result.failed:,}" if judged else element("span", "not judged 未判定", class_="none"),
        f"{result.checked:,}",
        [parts.held(rule) if rule else None, " " if result.observation else "", result.observation],
    )


def _severity(severity: str | None) -> Markup:
    return element("span", severity or "", class_=f"badge {severity or ''}")
