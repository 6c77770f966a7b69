"""A page a night: what came, where its rows ended, what broke, whose it is, and how that compares.

For the owners of data and for the data office: no value of a row stands on it. Keys are those of `quality.issue`, in which
what names a person is a keyed hash; who may see the row finds it by file and line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import polars as pl

from assets.dictionary.parts import held
from assets.pages.markup import Content, Markup, both, code, element, facts, link, markup, page, table
from assets.quality.files import EXPECTATIONS, INDEX, file_of, results_file
from assets.quality.score import BASE_DAYS
from assets.sources.ledger import Judged
from data_contracts.bank import Bank
from data_contracts.contract import Rule
from data_contracts.implied import all_rules

GENERATOR = "liangcang quality"
ENDED = {
    "delivered": "Delivered 到达",
    "staged": "Staged 入库",
    "quarantined": "Kept back 隔离",
    "rejected": "Unreadable 不可读",
    "exact_duplicate": "Twice 重复",
}
VERDICTS = {
    "accepted": "accepted 接收",
    "same": "the same again 重复到达",
    "refused": "refused 拒收",
    "held": "held 沿用旧数",
    "skipped": "not there 未到",
}
STATES = {"new": "new 新增", "open": "open 未整改", "excepted": "excepted 例外", "fixed": "mended 已整改"}
LISTED = 200


@dataclass(frozen=True, kw_only=True)
class NightSeen:
    """What is known of one date: the last word on each feed's delivery, judgements by feed, issues as of it, scores of it.

    `quality`, `issues` and `scores` have the columns of `quality.<feed>`, `quality.issue` and `quality.score`.
    """

    day: dt.date
    came: Sequence[Judged]
    quality: Mapping[str, pl.DataFrame]
    issues: pl.DataFrame
    scores: pl.DataFrame

    @property
    def standing(self) -> pl.DataFrame:
        """The issues that are not closed."""
        return self.issues.filter(pl.col("closed_on").is_null())

    def count(self, verdict: str) -> int:
        return sum(judged.verdict == verdict for judged in self.came)


def night_page(bank: Bank, seen: NightSeen) -> str:
    """The page of one date."""
    body = [
        element("h1", both(f"Data quality of {seen.day}", "数据质量日报")),
        facts(_facts(seen)),
        element("h2", both("What came", "数据到达"), id="came"),
        _came(bank, seen),
        element("h2", both("What broke, by owner", "违反的规则（按责任部门）"), id="broke"),
        list(_broke(bank, seen)),
        element("h2", both("Issues that stand", "未关闭的问题"), id="issues"),
        list(_issues(seen)),
        element("h2", both("Scores", "得分"), id="scores"),
        element("p", f"Checks that held, and how that is to the {BASE_DAYS} days before. 通过的检查与前 {BASE_DAYS} 天相比。"),
        [_scores(seen, scope, name) for scope, name in (("owner", "Owner 责任部门"), ("dimension", "Dimension 维度"), ("feed", "Feed 供数"))],
    ]  # fmt: skip
    return _page(bank, f"{seen.day}", body)


def index_page(bank: Bank, nights: Sequence[NightSeen], others: Sequence[dt.date]) -> str:
    """The list of nights, the newest first; of `others` there is a page from before, and no more is said of them."""
    rows = [
        (
            None,
            (
                link(f"{seen.day}", file_of(seen.day)),
                f"{seen.count('accepted') + seen.count('same'):,}",
                f"{seen.count('refused'):,}",
                f"{seen.count('held') + seen.count('skipped'):,}",
                f"{_ended(seen)['quarantined']:,}",
                f"{seen.standing.height:,}",
            ),
        )
        for seen in sorted(nights, key=lambda seen: seen.day, reverse=True)
    ]
    body: list[Content] = [
        element("h1", both("Data quality, night by night", "数据质量日报目录")),
        table(
            (
                "Night 日期",
                "Taken 接收",
                "Refused 拒收",
                "Not there 未到",
                "Rows kept back 隔离行",
                "Issues 未关闭问题",
            ),
            rows,
        ),
    ]
    if others:
        earlier = [link(f"{day}", file_of(day)) for day in sorted(others, reverse=True)]
        body += [element("h2", both("Earlier", "更早")), element("p", [[one, " "] for one in earlier])]
    return _page(bank, "index", body)


def _page(bank: Bank, title: str, body: Content) -> str:
    navigation = [
        element("strong", link(f"{bank.name['en']} {bank.name['zh']}", INDEX)),
        link(both("Expectations", "期望"), EXPECTATIONS),
        *(link(both(*name), f"#{anchor}") for anchor, name in SECTIONS.items() if title != "index"),
    ]
    foot = f"Data quality 数据质量 of {bank.code}. Personal keys are hashes; rows are found by file and line."
    return page(f"{title} · {bank.code}", navigation, body, foot=foot, generator=GENERATOR)


SECTIONS = {
    "came": ("Came", "到达"),
    "broke": ("Broke", "违反"),
    "issues": ("Issues", "问题"),
    "scores": ("Scores", "得分"),
}


def _facts(seen: NightSeen) -> Iterator[tuple[Content, Content]]:
    counts = {words: seen.count(verdict) for verdict, words in VERDICTS.items()}
    yield (
        both("Deliveries", "批次"),
        ", ".join(f"{count:,} {words}" for words, count in counts.items() if count) or "none",
    )
    yield both("Rows", "行数"), ", ".join(f"{count:,} {ENDED[name]}" for name, count in _ended(seen).items())
    states = seen.issues.filter(pl.col("closed_on").is_null() | (pl.col("closed_on") == seen.day))
    by_state = dict(states.group_by("status").len().iter_rows())
    said = [f"{by_state[state]:,} {words}" for state, words in STATES.items() if by_state.get(state)]
    yield both("Issues", "问题"), ", ".join(said) or "none"


def _ended(seen: NightSeen) -> dict[str, int]:
    """Where the rows of all deliveries of the date ended."""
    total = dict.fromkeys(ENDED, 0)
    for found in seen.quality.values():
        for name, count in _conservation(found).items():
            total[name] += count
    return total


def _conservation(found: pl.DataFrame) -> dict[str, int]:
    rows = found.filter(kind="conservation").select("rule_id", "checked").iter_rows()
    return {rule: count for rule, count in rows if rule in ENDED}


def _came(bank: Bank, seen: NightSeen) -> Content:
    told = {judged.feed: judged for judged in seen.came}
    silent = [name for name in bank.feeds if name not in told and name not in seen.quality]
    never = [name for name, judged in told.items() if judged.verdict == "skipped" and not judged.file]
    rows = []
    for name in bank.feeds:
        if name in silent or name in never:
            continue
        judged, counts = told.get(name), _conservation(seen.quality[name]) if name in seen.quality else {}
        named = link(code(name), results_file(name, seen.day)) if name in seen.quality else code(name)
        verdict = element("span", VERDICTS[judged.verdict], class_=_mark(judged.verdict)) if judged else None
        cells: tuple[Content, ...] = (named, bank.feeds[name].title, verdict, *(f"{counts[kind]:,}" if kind in counts else "" for kind in ENDED), [judged.what, " ", code(judged.file) if judged.file else None] if judged else None)  # fmt: skip
        rows.append((f"f-{name}", cells))
    shown: list[Content] = [table(("Feed 供数", "Title 名称", "Verdict 结论", *ENDED.values(), "File 文件"), rows)]
    if silent or never:
        shown.append(element("p", both(f"Not there, and no reason to stop ({len(silent) + len(never)}): ", "未到且不影响跑批："), [[code(name), " "] for name in sorted([*silent, *never])], class_="soft"))  # fmt: skip
    return shown


def _mark(verdict: str) -> str:
    return {"refused": "badge red", "held": "badge orange", "skipped": "badge yellow"}.get(verdict, "badge")


def _broke(bank: Bank, seen: NightSeen) -> Iterator[Content]:
    """The rules that were broken or could not be judged, each under its owner."""
    broken: list[dict[str, Any]] = []
    for feed, found in seen.quality.items():
        some = found.filter((pl.col("failed") > 0) | pl.col("passed").not_() | pl.col("passed").is_null())
        some = some.filter(~pl.col("kind").is_in(["conservation", "null_token"]))
        broken += [row | {"feed": feed} for row in some.iter_rows(named=True)]
    if not broken:
        yield element("p", both("Nothing.", "无。"))
        return
    rules = {(name, rule.id): rule for name in seen.quality for rule in all_rules(bank.feeds[name])}
    broken.sort(key=lambda row: (row["owner"] or "", row["feed"], row["rule_id"]))
    for owner, rows in groupby(broken, key=lambda row: row["owner"] or "nobody"):
        yield element("h3", owner)
        yield table(
            ("Rule 规则", "Feed 供数", "Severity 级别", "Dimension 维度", "Broken 违反", "Checked 检查", "What 内容"),
            ((None, _broken(row, rules.get((row["feed"], row["rule_id"])))) for row in rows),
        )


def _broken(row: Mapping[str, Any], rule: Rule | None) -> tuple[Content, ...]:
    judged = row["passed"] is not None
    what: Content = (rule.description or held(rule)) if rule else None  # a contract of today may say it no more
    return (
        code(row["rule_id"]),
        code(row["feed"]),
        element("span", row["severity"] or "", class_=f"badge {row['severity'] or ''}"),
        row["dimension"],
        f"{row['failed']:,}" if judged else element("span", "not judged 未判定", class_="none"),
        f"{row['checked']:,}",
        [what, " " if row["observation"] else "", row["observation"]],
    )


def _issues(seen: NightSeen) -> Iterator[Content]:
    standing = seen.standing.sort("owner", "first_seen", "feed", "rule_id", "issue_id", nulls_last=True)
    if standing.is_empty():
        yield element("p", both("None.", "无。"))
        return
    rows = standing.head(LISTED).iter_rows(named=True)
    for owner, some in groupby(rows, key=lambda row: row["owner"] or "nobody"):
        yield element("h3", owner)
        yield table(
            (
                "Issue 编号",
                "Rule 规则",
                "Feed 供数",
                "Key 键",
                "State 状态",
                "Since 首次发现",
                "Days 天数",
                "Where 位置",
            ),
            ((f"i-{row['issue_id']}", _issue(row, seen.day)) for row in some),
        )
    if standing.height > LISTED:
        yield element("p", f"and {standing.height - LISTED:,} more: `liangcang issues` lists them", class_="soft")


def _issue(row: Mapping[str, Any], day: dt.date) -> tuple[Content, ...]:
    until = f" until {row['excepted_until']}" if row["excepted_until"] else ""
    line = f" line {row['_line']:,}" if row["_line"] is not None else ""
    return (
        code(row["issue_id"]),
        code(row["rule_id"]),
        code(row["feed"]),
        code(row["key"]) if row["key"] else f"the delivery, {row['breaches']:,}",
        f"{STATES[row['status']]}{until}",
        f"{row['first_seen']}",
        f"{(day - row['first_seen']).days}",
        [code(row["_file"]), line] if row["_file"] else None,
    )


def _scores(seen: NightSeen, scope: str, title: str) -> Markup:
    rows = seen.scores.filter(scope=scope).sort("rate", scope).iter_rows(named=True)
    cells = (
        (
            None,
            (
                row[scope],
                f"{row['numerator']:,}",
                f"{row['denominator']:,}",
                f"{row['rate']:.4%}",
                "no days before" if row["trend"] is None else f"{row['trend']:+.4%}",
            ),
        )
        for row in rows
    )
    return markup(table((title, "Held 通过", "Checked 检查", "Score 得分", "Trend 趋势"), cells))
