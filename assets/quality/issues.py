"""`quality.issue` and `quality.score`: what the night found wrong, as a memory over nights, and how much held.

One step for all feeds. It makes the dates of its run, and those whose judgements are not what their entry was made from: a
history is judged under its last date, and a delivery of an old date may be taken again. The dates after them follow from
them and are restated in the same run, as far as anything changes.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence

import dagster as dg
import polars as pl

from assets.conformed.conforming import NIGHT
from assets.inputs import Inputs, Wanted, digest
from assets.night import Outcome, Step, WarehouseResource, daily, outcome
from assets.quality.issue import Issue, Night, night
from assets.quality.judgements import Found, Judgements
from assets.quality.score import BASE_DAYS, Counts, counted, scores
from data_contracts import tables
from data_contracts.bank import Bank
from liangcang.engine import parquet
from liangcang.frames import dtype
from liangcang.table import Entry, Table

ISSUE, SCORE = tables.issue(), tables.score()
RECENT = 35
"""So many dates back it is asked whether they were judged anew."""
COLUMNS: Mapping[str, str] = {
    "rule_id": "rule",
    "feed": "feed",
    "dimension": "dimension",
    "severity": "severity",
    "owner": "owner",
    "column_name": "column",
    "key": "key",
    "breaches": "breaches",
    "first_seen": "first_seen",
    "last_seen": "last_seen",
    tables.DELIVERY: "delivery",
    "_file": "file",
    "_line": "line",
    tables.ROW_NO: "row",
    "status": "status",
    "excepted_until": "excepted_until",
    "closed_on": "closed_on",
}
"""Columns of the table to fields of an issue."""


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """The one asset, after every feed."""

    @dg.asset(
        **daily(
            bank,
            ISSUE,
            group="quality",
            deps=[contract.table for contract in bank.feeds.values()],
            description="One row an issue: a rule and the row, or the delivery, that breaks it, until a delivery mends it.",
        )
    )
    def issue(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            made = QualityStep(step)
            made.run()
            yield from outcome(step, metadata={"open issues": len(made.open)})

    return [issue]


class QualityStep:
    """Issues and scores of one run."""

    def __init__(self, step: Step) -> None:
        self.step, self.view = step, step.view()
        self.judgements = Judgements(step.engine, self.view, step.bank)
        self.made = self.view.entries(ISSUE.name)
        self.files = dict(self.view.files(ISSUE.name))
        self.open: Mapping[str, Issue] = {}

    def run(self) -> None:
        days = self._days()
        later = [day for day in self.made if day > days[0] and day not in days]
        found = self.judgements.read(days)
        self._issues(days, later, found)
        self._scores(days, later, found)

    def _days(self) -> list[dt.date]:
        """The dates of the run, and those that were judged anew since their issues were made."""
        asked = {*list(self.made)[-RECENT:], *self.judgements.histories()}
        anew = {day for day in asked if day not in self.made or dict(self.made[day].inputs) != self._inputs(day)}
        return sorted({*self.step.days, *anew})

    def _inputs(self, day: dt.date) -> dict[str, str]:
        """What the issues of a date are made from: its judgements, and the entry before it.

        Two nights may run beside each other and both be published; what the later one made without the earlier one's
        issues is then seen to be outdated, and made again by the next night.
        """
        last = max((at for at in self.files if at < day), default=None)
        if last is None:
            return dict(self.judgements.inputs(day))
        a_day = dt.timedelta(days=1)
        follows = digest([(last, self.files[last])], last - a_day, day - a_day)
        return {**self.judgements.inputs(day), ISSUE.name: follows}

    def _issues(self, days: list[dt.date], later: list[dt.date], found: Mapping[dt.date, list[Found]]) -> None:
        before = self._open_before(days[0])
        stored = self._stored(days[0])
        was, self.open = before, before
        for day in sorted([*days, *later]):
            results = found[day] if day in found else self.judgements.read([day])[day]
            made = night(
                day,
                before=self.open,
                judged=self.judgements.judged(day, results),
                earlier=[issue for issue in stored.get(day, ()) if issue.first_seen == day],
                exceptions=self.step.bank.exceptions,
            )
            file = self.files.get(day)
            if (
                day in days
                or dict(self.made[day].inputs) != self._inputs(day)
                or set(made.changed) != set(stored.get(day, ()))
            ):
                self._write(day, made, before=self.open)
            was = _after(was, stored.get(day, ()))
            self.open = made.open
            if day >= days[-1] and was == self.open and file == self.files[day]:
                return  # what follows is as it was

    def _open_before(self, day: dt.date) -> Mapping[str, Issue]:
        last = day - dt.timedelta(days=1)
        Inputs(self.step.engine, self.view, [Wanted(table=ISSUE)], [last]).at(last)
        return {issue.id: issue for _, issue in self._read(f"{ISSUE.name} where closed_on is null")}

    def _stored(self, first: dt.date) -> dict[dt.date, list[Issue]]:
        """What the entries of the dates from `first` on hold."""
        paths = self.view.paths(ISSUE.name, after=first - dt.timedelta(days=1))
        stored: dict[dt.date, list[Issue]] = {}
        for day, issue in self._read(f"({parquet(paths, ISSUE.columns)})") if paths else ():
            stored.setdefault(day, []).append(issue)
        return stored

    def _read(self, rows: str) -> Iterator[tuple[dt.date, Issue]]:
        columns = ", ".join(f'"{name}"' for name in COLUMNS)
        for day, *values in self.step.engine.rows(f"select business_date, {columns} from {rows}"):
            yield day, Issue(**dict(zip(COLUMNS.values(), values, strict=True)))

    def _write(self, day: dt.date, made: Night, *, before: Collection[str]) -> None:
        rows = [
            {
                "issue_id": issue.id,
                **{column: getattr(issue, field) for column, field in COLUMNS.items()},
                "business_date": day,
                "_op": "U" if issue.id in before else "I",
            }
            for issue in made.changed
        ]
        entry = self._file(ISSUE, day, rows, inputs=self._inputs(day))
        self.files[day] = self.view.place.root / entry.path(ISSUE.name, day)
        if day in self.step.days and made.open:
            new = sum(issue.status == "new" for issue in made.open.values())
            self.step.say(day, f"{len(made.open):,} issues, {new:,} of them new")

    def _scores(self, days: list[dt.date], later: list[dt.date], found: Mapping[dt.date, list[Found]]) -> None:
        last = days[-1] + dt.timedelta(days=BASE_DAYS)
        stored = self._counts(days[0] - dt.timedelta(days=BASE_DAYS), last)
        counts = {**stored, **{day: counted(self.judgements.nightly(day, found[day])) for day in days}}
        made = [day for day in days if counts[day] or day in self.view.entries(SCORE.name)]
        changed = any(counts[day] != stored.get(day, {}) for day in days)
        for day in sorted([*made, *(day for day in later if changed and day <= last)]):
            rows = [score.row() for score in scores(day, counts)]
            self._file(SCORE, day, rows, inputs=self.judgements.inputs(day))

    def _counts(self, first: dt.date, last: dt.date) -> dict[dt.date, Counts]:
        """Numerators and denominators of the dates from `first` to `last`, as they stand."""
        paths = self.view.paths(SCORE.name, after=first - dt.timedelta(days=1), to=last)
        cells = "business_date, scope, feed, owner, dimension, numerator, denominator"
        counts: dict[dt.date, dict[tuple[str, str, str, str], tuple[int, int]]] = {}
        rows = self.step.engine.rows(f"select {cells} from ({parquet(paths, SCORE.columns)})") if paths else ()
        for day, scope, feed, owner, dimension, held, checked in rows:
            counts.setdefault(day, {})[scope, feed, owner, dimension] = held, checked
        return dict(counts)

    def _file(
        self, table: Table, day: dt.date, rows: Sequence[Mapping[str, object]], *, inputs: Mapping[str, str]
    ) -> Entry:
        schema = {name: dtype(kind) for name, kind in table.columns.items()}
        name = f"{table.short}_rows"
        self.step.engine.register(name, pl.DataFrame(rows, schema=schema, orient="row"))
        return self.step.write(table, day, f"select * from {name}", inputs=inputs, note={"kind": NIGHT}, repeated=True)


def _after(before: Mapping[str, Issue], changed: Sequence[Issue]) -> Mapping[str, Issue]:
    """What is not closed once the changes of a date have been made."""
    after = {**before, **{issue.id: issue for issue in changed}}
    return {id: issue for id, issue in after.items() if issue.closed_on is None}
