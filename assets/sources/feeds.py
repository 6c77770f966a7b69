"""Feeds as assets: a delivery is taken once, judged, and its rows end in staged, quarantine or among the duplicates.

A feed's own asset writes three tables: `staged.<feed>`, `quarantine.<feed>` (what was kept back, as it came) and
`quality.<feed>` (what each rule found). What an absent or refused delivery does is the contract's word:

must   the night stops, yesterday stays published
hold   the last good state stands, up to `maxStaleDays`; then the night stops
skip   the night goes on, and what needs the feed is unknown
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from assets.freshness import freshness
from assets.inputs import Inputs, Wanted
from assets.night import Outcome, Step, WarehouseResource, daily
from assets.sources import ledger
from assets.sources.confirming import Batch
from assets.sources.delivering import judged, stage_daily, stage_history
from assets.sources.landing import Delivery, find, newest
from data_contracts import tables
from data_contracts.bank import Bank
from data_contracts.contract import Contract
from data_contracts.judgement import Judgement
from liangcang.errors import DeliveryError, LiangcangError, UnsteadyDelivery


def build(bank: Bank) -> Sequence[dg.AssetsDefinition]:
    """One asset a feed, after the feeds that its rules refer to."""
    return [_feed(bank, contract) for contract in bank.feeds.values()]


def referred(bank: Bank, contract: Contract) -> list[str]:
    """The staged tables that a contract's rules look into, without its own."""
    named = {rule.references[0] for rule in contract.rules if rule.references}
    named |= {name for rule in contract.rules for name in rule.inputs}
    return sorted(name for name in named if name != contract.table and name.partition(".")[2] in bank.feeds)


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


@dataclass
class FeedStep:
    """One feed in one run: what came, what was found, what was let stand."""

    step: Step
    contract: Contract
    judgements: dict[str, Judgement] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.batch = Batch(self.step.engine, self.contract, faults=self.step.place.faults)

    def run(self) -> None:
        deliveries = find(self.step.landing, [self.contract])
        history = newest(deliveries, None, feed=self.contract.feed, kind="history")
        if history is not None:
            self._history(history)
            self.batch.confirm()  # a history has its state's dates beside the columns, and its own key
        if self.contract.format("daily") is None:
            return
        for day in self.step.days:
            try:
                delivery = newest(deliveries, day, feed=self.contract.feed)
                if delivery is None:
                    self._absent(day)
                else:
                    self._daily(delivery, day)
            except UnsteadyDelivery:
                raise
            except DeliveryError as error:
                self._let_stand(day, error)
        self.batch.confirm()

    def _history(self, delivery: Delivery) -> None:
        """Take a history once: by name, size and time of change it is known again without being read."""
        seen = self.step.view().facts(self.contract.table).get("history", {})
        looks = {"file": delivery.name, "size": delivery.size, "mtime_ns": delivery.mtime_ns}
        if any(looks.items() <= facts.items() for facts in seen.values()):
            return
        with self._judged(delivery, None) as found:
            if found.id in seen:
                self.step.transaction.note(
                    tables.staged(self.contract), {"history": {found.id: {**seen[found.id], **looks}}}
                )
                return
            span = stage_history(self.step, self.contract, found)
            facts = {**looks, "from": span[0].isoformat(), "to": span[1].isoformat(), "sha256": found.taken.came_sha256}
            self.step.transaction.note(tables.staged(self.contract), {"history": {found.id: facts}})
            self._record(delivery, found.id, "history", "accepted")
            self.step.say(span[1], f"history {span[0]} to {span[1]}: {found.judgement.good:,} rows")

    def _daily(self, delivery: Delivery, day: dt.date) -> None:
        with self._judged(delivery, day) as found:
            before = self.step.view().entries(self.contract.table).get(day)
            entry = stage_daily(self.step, self.contract, found, day)
            same = before is not None and before.note.get("delivery") == found.id and before.sha256 == entry.sha256
            self._record(delivery, found.id, day.isoformat(), "same" if same else "accepted")
            self.step.say(day, f"{found.judgement.good:,} rows" + (", delivered before" if same else ""))

    def _judged(self, delivery: Delivery, day: dt.date | None) -> "judged":
        return judged(
            self.step,
            self.contract,
            delivery,
            day=day,
            references=self._references(day),
            seen=self.judgements,
            batch=self.batch,
        )

    def _references(self, day: dt.date | None) -> Mapping[str, str]:
        """The staged tables that rules refer to, as of the date: name to relation."""
        wanted = [
            Wanted(
                table=tables.staged(self.step.bank.feeds[name.partition(".")[2]]),
                form="all" if day is None else "night",
            )
            for name in referred(self.step.bank, self.contract)
        ]
        if wanted:
            Inputs(self.step.engine, self.step.view(), wanted, [] if day is None else [day]).at(day or dt.date.max)
        return {item.table.name: item.table.name for item in wanted}

    def _absent(self, day: dt.date) -> None:
        if freshness(self.step.view(), self.contract, day).fresh:
            return  # a history delivery covers this date
        form = self.contract.format("daily")
        raise DeliveryError(
            f"{self.contract.table} {day}: the delivery is absent",
            file=self.step.landing,
            expected=form.path if form else None,
            found="no such file",
            kept="what was published stays published",
            next="ask the source system for it; the night of this date can then be run again",
        )

    def _let_stand(self, day: dt.date, error: DeliveryError) -> None:
        """What the contract says of a feed that is not there: stop, hold the last state, or go on without it."""
        contract = self.contract
        age = freshness(self.step.view(), contract, day).days
        held = contract.absent == "hold" and age is not None and age <= contract.max_stale_days
        verdict: ledger.Verdict = "held" if held else "skipped" if contract.absent == "skip" else "refused"
        self._write(day.isoformat(), str(error.details.get("file", "")), "", verdict, error.what)
        if verdict == "refused":
            raise error
        self.refused[day.isoformat()] = error.what
        stands = f"the state of {age} days before stands" if held else "what needs it is unknown"
        self.step.say(day, f"{verdict}: {error.what}; {stands}")

    def _record(self, delivery: Delivery, digest: str, day: str, verdict: ledger.Verdict) -> None:
        self._write(day, delivery.name, digest, verdict, "")

    def _write(self, day: str, file: str, digest: str, verdict: ledger.Verdict, what: str) -> None:
        ledger.write(
            self.step.place,
            ledger.Judged(
                at=ledger.now(),
                run=self.step.context.run.run_id,
                feed=self.contract.feed,
                file=file,
                digest=digest,
                business_date=day,
                verdict=verdict,
                what=what,
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
