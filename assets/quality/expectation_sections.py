"""What Great Expectations' own renderers draw: a contract's suite, and what one delivery was found to be.

Only the sections of its pages are drawn. The frame around them loads some fifteen files from other sites and runs
scripts, and so would parts of the sections: they are cleaned before anybody sees them. Its tables tell no rule, owner
or severity, and show how an expectation ended by a letter of a font from another site; our columns do.

A result is made of the counts that are published: no value of a row is handed over. An error inside a renderer leaves
a gap on the page and a line in the log: here it is an EngineError.
"""

from __future__ import annotations

import functools
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assets.dictionary.parts import held
from assets.pages.foreign import cleaned
from assets.pages.markup import Markup, both, code, element, markup
from data_contracts.contract import Contract, Rule
from data_contracts.expectations import batch_of, expectation, rules_of_rows
from data_contracts.gx_sealed import great_expectations
from data_contracts.judgement import RuleResult
from liangcang.errors import EngineError
from liangcang.faults import keep

COUNTED = "rule_id"
"""The column by which it counts what it has no expectation for: that of the table of violations."""
_OVERVIEW, _RUN = "Overview", "Run Info"
_BESIDE = ("Rule 规则", "Severity 级别", "Dimension 维度", "Owner 责任人")

Section = dict[str, Any]


def suite_sections(contract: Contract, *, faults: Path | None = None) -> Markup:
    """The expectations of a contract, a section a column. Raises EngineError."""
    rules = rules_of_rows(contract)
    with _drawing(contract, faults) as gx:
        said = [expectation(gx, contract, rule, checked=0, description=_words(contract, rule)) for rule in rules]
        sections = gx.suite(contract.feed, said)
        of = _by_column(said, rules)
        for section in sections:
            if section["section_name"] in of:
                _list_as_table(section, of[section["section_name"]])
        return _shown(gx, contract, sections, first=1)


def result_sections(
    contract: Contract, delivery: str, found: Sequence[RuleResult], *, first: int = 1, faults: Path | None = None
) -> Markup:
    """What was found in a delivery of the rules that rows break, a section a column. Raises EngineError.

    `found`: results that were judged, of rules in `rules_of_rows`. `first`: the number of the first section's anchor.
    """
    results = {result.rule_id: result for result in found}
    rules = [rule for rule in rules_of_rows(contract) if rule.id in results]
    with _drawing(contract, faults) as gx:
        said = [
            expectation(gx, contract, rule, checked=results[rule.id].checked, description=_words(contract, rule))
            for rule in rules
        ]
        counts = [(results[rule.id].checked, results[rule.id].failed) for rule in rules]
        sections = gx.results(contract.feed, delivery, said, counts)
        of = _by_column(said, rules)
        for section in sections:
            if section["section_name"] in of:
                _complete_table(section, of[section["section_name"]], results)
        return _shown(gx, contract, sections, first=first)


def _words(contract: Contract, rule: Rule) -> str | None:
    """Mark-up that says what a rule holds; None where Great Expectations says it well by itself.

    Of a column of class C2 or C3 it would list the values that are allowed.
    """
    personal = rule.kind == "enum" and contract.property(rule.columns[0]).personal
    if rule.description or personal or batch_of(contract, rule) == "violations":
        return markup(held(rule))
    return None


def _beside(rule: Rule) -> list[str]:
    """The cells of `_BESIDE`."""
    return [code(rule.id), element("span", rule.severity, class_=f"badge {rule.severity}"), markup(rule.dimension), markup(rule.owner)]  # fmt: skip


def _by_column(said: Sequence[Any], rules: Sequence[Rule]) -> dict[str, list[Rule]]:
    """Rules in the order in which their expectations stand in the section of a column."""
    of: dict[str, list[Rule]] = {}
    for one, rule in zip(said, rules, strict=True):
        of.setdefault(one.column, []).append(rule)
    return of


def _list_as_table(section: Section, rules: Sequence[Rule]) -> None:
    """Of its list of expectations, each ended by a line, a table with our columns."""
    listed = section["content_blocks"][1]
    cells: list[list[Any]] = [[]]
    for bullet in listed.pop("bullet_list"):
        if bullet.get("string_template", {}).get("tag") == "hr":
            cells.append([])
        else:
            cells[-1].append(bullet)
    rows = [[cell, *_beside(rule)] for cell, rule in zip(cells[:-1], rules, strict=True)]
    listed |= {"content_block_type": "table", "header_row": ["Expectation 期望", *_BESIDE], "table": rows}


def _complete_table(section: Section, rules: Sequence[Rule], results: Mapping[str, RuleResult]) -> None:
    """Put our columns beside its own, and words in place of its icons."""
    block = section["content_blocks"][1]
    block["header_row"] = ["Status 结果", "Expectation 期望", "Observed 实测", *_BESIDE]
    for row, rule in zip(block["table"], rules, strict=True):
        broken = results[rule.id].failed > 0
        row[0] = element("span", "broken 违反", class_="badge red") if broken else "met 通过"
        row += _beside(rule)


def _shown(gx: SimpleNamespace, contract: Contract, sections: Sequence[Section], *, first: int) -> Markup:
    names = {prop.name for prop in contract.properties}
    for section in sections:
        if section["section_name"] == COUNTED and COUNTED not in names:
            title = both("Counted in the table of violations", "在违规表中计数")
            section["content_blocks"][0]["header"]["string_template"]["template"] = title
    shown = [section for section in sections if section["section_name"] != _RUN]
    return cleaned("".join(gx.html(section, number) for number, section in enumerate(shown, first)))


@contextmanager
def _drawing(contract: Contract, faults: Path | None) -> Iterator[SimpleNamespace]:
    """Its renderers, while they work: what they only log is an error too."""
    heard = _Heard()
    logger = logging.getLogger("great_expectations")
    before = logger.level, logger.propagate
    logger.addHandler(heard)
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield _renderers()
    except Exception as error:  # noqa: BLE001  (whatever it raises is its failure)
        heard.said.append(f"{type(error).__name__}: {error}")
    finally:
        logger.removeHandler(heard)
        logger.setLevel(before[0])
        logger.propagate = before[1]
    if heard.said:
        raise EngineError(
            f"Great Expectations cannot draw what is expected of {contract.table}",
            file=keep(f"{contract.table}\n\n" + "\n\n".join(heard.said) + "\n", faults),
            field=contract.feed,
            kept="the pages stay as they were",
            next="this is our fault, not the data's: the file holds its own words",
        )


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@functools.cache
def _renderers() -> SimpleNamespace:
    """`expectations`, `suite` and `results`, which give sections as plain values, and `html` of one of them."""
    gx = great_expectations()
    from great_expectations import ExpectationSuite
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.render.renderer.page_renderer import (
        ExpectationSuitePageRenderer,
        ValidationResultsPageRenderer,
    )
    from great_expectations.render.view import DefaultJinjaSectionView

    view = DefaultJinjaSectionView()
    view.env.auto_reload = False  # it asks the disk for each of its templates, at each of two hundred uses a page

    def suite(name: str, said: Sequence[Any]) -> list[Section]:
        document = ExpectationSuitePageRenderer().render(ExpectationSuite(name, list(said)))
        return [section.to_json_dict() for section in document.sections]

    def results(name: str, asset: str, said: Sequence[Any], counts: Sequence[tuple[int, int]]) -> list[Section]:
        each = [
            ExpectationValidationResult(
                success=not failed,
                expectation_config=one.configuration,
                result={
                    "element_count": checked,
                    "unexpected_count": failed,
                    "unexpected_percent": 100 * failed / checked if checked else None,
                    "partial_unexpected_list": [],
                },
                exception_info={"raised_exception": False, "exception_message": None, "exception_traceback": None},
            )
            for one, (checked, failed) in zip(said, counts, strict=True)
        ]
        met = sum(one.success for one in each)
        whole = ExpectationSuiteValidationResult(
            success=met == len(each),
            results=each,
            suite_name=name,
            statistics={
                "evaluated_expectations": len(each),
                "successful_expectations": met,
                "unsuccessful_expectations": len(each) - met,
                "success_percent": 100 * met / len(each) if each else None,
            },
            meta={"batch_spec": {"data_asset_name": asset}},
        )
        document = ValidationResultsPageRenderer(run_info_at_end=True).render(whole)
        sections = [section.to_json_dict() for section in document.sections]
        named = sections[0]["content_blocks"][0]["subheader"]["string_template"]["styling"]["params"]
        named["expectation_suite_name"]["attributes"]["href"] = "index.html"
        return sections

    def html(section: Section, number: int) -> str:
        return str(view.render({"section": section, "section_loop": {"index": number}}))

    return SimpleNamespace(expectations=gx.expectations, suite=suite, results=results, html=html)
