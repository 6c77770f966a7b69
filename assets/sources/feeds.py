"""Feeds as assets: a delivery is taken once, judged, and its rows end in staged, quarantine or among the duplicates.

A feed's own asset writes three tables: `staged.<feed>`, `quarantine.<feed>` (what was kept back, as it came) and
`quality.<feed>` (what each rule found). What an absent or refused delivery does is the contract's word:

must   the night stops, yesterday stays published
hold   the last good state stands, up to `maxStaleDays`; then the night stops. While there is no state to hold, because
       nothing good has ever come, the night goes on, and what needs the feed is unknown
skip   the night goes on, and what needs the feed is unknown
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from assets.freshness import freshness, has_come
from assets.inputs import Inputs, Wanted
from assets.night import Outcome, Step, WarehouseResource, daily
from assets.sources import ledger
from assets.sources.confirming import Batch
from assets.sources.delivering import judged, stage_daily, stage_history
from assets.sources.landing import Delivery, find, incomplete, newest
from assets.sources.retaking import awaited, kept_back, taken_again
from data_contracts import numbers, tables
from data_contracts.bank import Bank
from data_contracts.contract import Contract
from data_contracts.judgement import Judgement
from liangcang.errors import DeliveryError, LiangcangError, UnsteadyDelivery
from liangcang.store import View


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """One asset a feed, after the feeds that its rules refer to."""
    return [_feed(bank, contract) for contract in bank.feeds.values()]


def referred(bank: Bank, contract: Contract) -> list[str]:
    """The staged tables that a contract's rules look into, without its own."""
    return [name for name in contract.refers_to if name.partition(".")[2] in bank.feeds]


def _feed(bank: Bank, contract: Contract) -> dg.AssetsDefinition:
    @dg.asset(
        **daily(
            bank,
            tables.staged(contract),
            group="sources",
            deps=referred(bank, contract),
            owner=contract.owner,
            description=f"{contract.title}. {contract.description}",
            metadata={"contract": f"{contract.id} {contract.version}", "absent": contract.absent or "history only"},
        )
    )
    def staged(context: dg.AssetExecutionContext, warehouse: WarehouseResource) -> Iterator[Outcome]:
        with warehouse.step(context) as step:
            feed = FeedStep(step, contract)
            try:
                feed.run()
            except LiangcangError:
                yield feed.check(passed=False)
                raise
            yield feed.check(passed=not feed.refused)
            yield dg.MaterializeResult(metadata=feed.metadata())

    return staged


def _seen_as(item: Wanted) -> str:
    """What rules call what is read so."""
    return f"recent.{item.table.short}" if item.form == "history" else item.view_name


@dataclass
class FeedStep:
    """One feed in one run: what came, what was found, what was let stand."""

    step: Step
    contract: Contract
    judgements: dict[str, Judgement] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def _batch(self, *, alone: bool) -> Batch:
        return Batch(self.step, self.contract, alone=alone)

    def run(self) -> None:
        deliveries = find(self.step.landing, [self.contract], run=self.step.context.run.run_id)
        history = newest(deliveries, None, feed=self.contract.feed, kind="history")
        if history is not None:
            batch = self._batch(alone=True)  # a history has its state's dates beside the columns, and its own key
            self._history(history, batch)
            batch.confirm()
        if self.contract.format("daily") is None:
            return
        batch = self._batch(alone=len(self.step.days) == 1)
        for day in self.step.days:
            delivery = None
            try:
                delivery = newest(deliveries, day, feed=self.contract.feed)
                if delivery is None:
                    self._absent(day)
                else:
                    self._daily(delivery, day, batch)
            except UnsteadyDelivery:
                raise
            except DeliveryError as error:
                self._let_stand(day, error, delivery)
            if batch.alone:
                batch.confirm()  # its rows lie where those of the next delivery will
            self._take_again(deliveries, day)
        batch.confirm()

    def _history(self, delivery: Delivery, batch: Batch) -> None:
        """Take a history once: by name, size and time of change it is known again without being read."""
        seen = self.step.view().facts(self.contract.table).get("history", {})
        looks = {"file": delivery.name, "size": delivery.size, "mtime_ns": delivery.mtime_ns}
        if any(looks.items() <= facts.items() for facts in seen.values()):
            return
        with self._judged(delivery, None, batch) as found:
            if found.id in seen:
                self.step.transaction.note(
                    tables.staged(self.contract), {"history": {found.id: {**seen[found.id], **looks}}}
                )
                return
            span = stage_history(self.step, self.contract, found)
            facts = {**looks, "from": span[0].isoformat(), "to": span[1].isoformat(), "sha256": found.taken.came_sha256}
            self.step.transaction.note(tables.staged(self.contract), {"history": {found.id: facts}})
            self._write("history", delivery, found.id, "accepted")
            self.step.say(span[1], f"history {span[0]} to {span[1]}: {found.judgement.good:,} rows")

    def _daily(self, delivery: Delivery, day: dt.date, batch: Batch) -> None:
        with self._judged(delivery, day, batch) as found:
            before = self.step.view().entries(self.contract.table).get(day)
            entry = stage_daily(self.step, self.contract, found, day)
            same = before is not None and before.note.get("delivery") == found.id and before.sha256 == entry.sha256
            self._write(day.isoformat(), delivery, found.id, "same" if same else "accepted")
            self.step.say(day, f"{found.judgement.good:,} rows" + (", delivered before" if same else ""))

    def _take_again(self, deliveries: Sequence[Delivery], day: dt.date) -> None:
        """Judge once more what earlier nights kept back for a parent that was not there, and that is there on `day`."""
        table, view = tables.staged(self.contract), self.step.view()
        if not (kept := kept_back(view, self.contract, day)):
            return  # as nearly always, and without a connection
        waiting = awaited(self.step.engine, view, self.contract, self.step.bank, day, kept=kept)
        for at, entry in waiting.items():
            name, id = str(entry.note["file"]), str(entry.note["delivery"])
            delivery = next((one for one in deliveries if (one.feed, one.name) == (self.contract.feed, name)), None)
            if delivery is None:
                self.step.say(at, f"a parent has come, and {name} lies in landing no more: not taken again")
                continue
            self.step.transaction.note(table, taken_again(view, table, id, day))
            batch = self._batch(alone=True)
            try:
                self._daily(delivery, at, batch)
            except UnsteadyDelivery:
                raise
            except DeliveryError as error:
                self.step.say(at, f"not taken again: {error.what}")
            batch.confirm()

    def _judged(self, delivery: Delivery, day: dt.date | None, batch: Batch) -> "judged":
        return judged(
            self.step,
            self.contract,
            delivery,
            day=day,
            references=self._references(day),
            seen=self.judgements,
            batch=batch,
        )

    def _references(self, day: dt.date | None) -> Mapping[str, str]:
        """What rules look into, as of the date: name to relation. A feed that has never come is not there: that nothing
        is in it says nothing of rows that refer to it.
        """
        view = self.step.view()
        wanted = [item for name in self.contract.looks_into for item in self._wanted(view, name, day)]
        if wanted:
            Inputs(self.step.engine, view, wanted, [] if day is None else [day]).at(day or dt.date.max)
        return {_seen_as(item): item.view_name for item in wanted}

    def _wanted(self, view: View, name: str, day: dt.date | None) -> Iterator[Wanted]:
        """How what a rule looks into is read. The state before and what was kept back are those of the very dates: of
        another date they would say nothing of what happened in between.
        """
        layer, _, feed = name.partition(".")
        if (contract := self.step.bank.feeds.get(feed)) is None:
            return
        if layer == "staged" and has_come(view, contract, day):
            yield Wanted(table=tables.staged(contract), form="all" if day is None else "night")
        elif layer == "before" and day and freshness(view, contract, day - dt.timedelta(days=1)).fresh:
            yield Wanted(table=tables.staged(contract), form="before")
        elif layer == "quarantine" and day and freshness(view, contract, day).fresh:
            yield Wanted(table=tables.quarantine(contract))
        elif layer == "recent":
            lookback = None if day is None else contract.max_stale_days + 1
            yield Wanted(table=tables.staged(contract), form="history", lookback=lookback)

    def _absent(self, day: dt.date) -> None:
        if freshness(self.step.view(), self.contract, day).fresh:
            return  # a history delivery covers this date
        form = self.contract.format("daily")
        half = [item for item in self._incomplete() if item.business_date == day]
        raise DeliveryError(
            f"{self.contract.table} {day}: the delivery is {'not complete' if half else 'absent'}",
            file=half[-1].path if half else self.step.landing,
            rule=numbers.CONTROL_FILE if half else numbers.ARRIVAL,
            expected="its control file beside it" if half else form.path if form else None,
            found="no such file",
            kept="what was published stays published",
            next="ask the source system for it; the night of this date can then be run again",
        )

    def _incomplete(self) -> tuple[Delivery, ...]:
        return incomplete(self.step.landing, [self.contract], run=self.step.context.run.run_id)

    def _let_stand(self, day: dt.date, error: DeliveryError, delivery: Delivery | None) -> None:
        """What the contract says of a feed that is not there: stop, hold the last state, or go on without it."""
        contract = self.contract
        age = freshness(self.step.view(), contract, day).days
        held = contract.absent == "hold" and age is not None and age <= contract.max_stale_days
        not_yet = contract.absent == "hold" and age is None
        verdict: ledger.Verdict = "held" if held else "skipped" if contract.absent == "skip" or not_yet else "refused"
        self._write(day.isoformat(), delivery, "", verdict, error)
        if verdict == "refused":
            raise error
        self.refused[day.isoformat()] = error.what
        stands = f"the state of {age} days before stands" if held else "what needs it is unknown"
        self.step.say(day, f"{verdict}: {error.what}; {stands}")

    def _write(
        self,
        day: str,
        delivery: Delivery | None,
        digest: str,
        verdict: ledger.Verdict,
        error: DeliveryError | None = None,
    ) -> None:
        ledger.write(
            self.step.place,
            ledger.Judged(
                at=ledger.now(),
                run=self.step.context.run.run_id,
                feed=self.contract.feed,
                file=delivery.name if delivery else "",
                digest=digest,
                business_date=day,
                verdict=verdict,
                what=error.what if error else "",
                rule=error.details.get("rule", "") if error else "",
                size=delivery.size if delivery else None,
                mtime_ns=delivery.mtime_ns if delivery else None,
            ),
        )

    def check(self, *, passed: bool) -> dg.AssetCheckResult:
        """The contract's check: each broken rule with its counts, no value of any row."""
        severity = dg.AssetCheckSeverity.WARN if self.refused else dg.AssetCheckSeverity.ERROR
        return dg.AssetCheckResult(
            check_name="contract", passed=passed, severity=severity, metadata={**self.metadata(), **self._broken()}
        )

    def metadata(self) -> dict[str, dg.MetadataValue]:
        """Counts over all deliveries of the run."""
        counts: dict[str, int] = {}
        for judgement in self.judgements.values():
            for name, count in judgement.conservation:
                counts[name] = counts.get(name, 0) + count
        return {name: dg.MetadataValue.int(count) for name, count in counts.items()}

    def _broken(self) -> dict[str, dg.MetadataValue]:
        records = [
            dg.TableRecord(
                {
                    "delivery": name,
                    "rule": result.rule_id,
                    "severity": result.severity or "",
                    "dimension": result.dimension or "",
                    "owner": result.owner,
                    "checked": result.checked,
                    "failed": result.failed,
                }
            )
            for name, judgement in self.judgements.items()
            for result in judgement.results
            if result.failed or result.passed is False
        ][:200]
        made = {"broken rules": dg.MetadataValue.table(records)} if records else {}
        said = {f"not taken {day}": dg.MetadataValue.text(what) for day, what in self.refused.items()}
        return {**made, **said}
