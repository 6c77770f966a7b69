"""One delivery on its way: taken, read, judged, confirmed, staged."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import zip_longest
from types import TracebackType

from assets.conformed.conforming import HISTORY, NIGHT
from assets.inputs import Inputs, Wanted
from assets.night import Step
from assets.sources import staging
from assets.sources.breaches import breaches
from assets.sources.changes import same_state, successor_diff
from assets.sources.confirming import Batch
from assets.sources.control import check_came, nothing_came, read_control, reconciled
from assets.sources.landing import Delivery, member_name
from assets.sources.raw import Raw
from assets.sources.reading import read
from assets.sources.retaking import Again
from assets.sources.take import Taken, take
from assets.sources.watching import note_of, watched
from data_contracts import tables
from data_contracts.contract import Contract
from data_contracts.judge import judge
from data_contracts.judgement import Judgement
from data_contracts.numbers import number_of
from liangcang.errors import DeliveryError
from liangcang.table import Entry


@dataclass(frozen=True, kw_only=True)
class Found:
    """A delivery that was judged and not refused. `id` is what its rows call it: 12 digits of its content's digest.

    `raw` is what was judged, `came` what was delivered: another where a steward corrected rows of it.
    """

    delivery: Delivery
    taken: Taken
    raw: Raw
    came: Raw
    judgement: Judgement

    @property
    def id(self) -> str:
        return self.taken.kept_sha256[:12]


class judged:  # noqa: N801  (used as `with judged(...) as found`)
    """Take, read and judge a delivery; the private copy is gone afterwards. Raises DeliveryError if it is refused."""

    def __init__(
        self,
        step: Step,
        contract: Contract,
        delivery: Delivery,
        *,
        day: dt.date | None,
        references: Mapping[str, str],
        seen: MutableMapping[str, Judgement],
        batch: Batch,
    ) -> None:
        self.step, self.contract, self.delivery, self.day = step, contract, delivery, day
        self.references, self.seen, self.batch = references, seen, batch
        self._stack = ExitStack()

    def __enter__(self) -> Found:
        with ExitStack() as stack:
            found = self._judge(stack)
            self._stack = stack.pop_all()
        return found

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stack.close()

    def _judge(self, stack: ExitStack) -> Found:
        form = self.contract.format(self.delivery.kind)
        assert form is not None  # noqa: S101  (the delivery was found by it)
        copy = self.step.transaction.path(f"{self.contract.feed}.taken")
        stack.callback(copy.unlink, missing_ok=True)
        control = None
        if self.delivery.control is not None:
            control = read_control(self.delivery, self.contract, form, copy=copy.with_suffix(".control"))
        taken = take(
            self.delivery.path,
            copy,
            max_bytes=form.max_bytes,
            packed=form.compression,
            member=member_name(form, self.delivery),
            digest=control.algorithm if control else None,
            may_be_empty=control is not None and nothing_came(control, self.delivery, self.contract, form),
        )
        if control:
            check_came(control, self.delivery, taken)
        came = raw = read(self.step.engine, copy, self.contract, form, file_name=self.delivery.name)
        late: Mapping[str, Sequence[str]] = {}
        if self.day is not None:
            again = Again(self.step.engine, self.step.view(), self.contract, self.day, taken.kept_sha256[:12])
            came, late = again.corrected(raw), again.late_references(self.step.bank)
        judgement = judge(
            self.step.engine.con,
            self.contract,
            raw=raw.raw,
            rejected=raw.rejected,
            references=self.references,
            late=late,
            business_date=self.day,
            faults=self.step.place.faults,
        )
        self.seen[self.delivery.name] = judgement
        totals = (
            reconciled(self.step.engine, self.contract, control, delivery=self.delivery, raw=came, judgement=judgement)
            if control
            else ()
        )
        beside = watched(
            self.contract,
            self.delivery,
            judgement,
            engine=self.step.engine,
            view=self.step.view(),
            bank=self.step.bank,
            day=self.day,
            id=taken.kept_sha256[:12],
        )
        if judgement.refused:
            raise refused(self.contract, self.delivery, judgement)
        self.batch.add(judgement)
        judgement = replace(judgement, results=(*judgement.results, *beside, *totals))
        if self.day is not None:
            staging.check_own_date(
                self.step.engine, self.contract, judgement, day=self.day, file_name=self.delivery.name
            )
        return Found(delivery=self.delivery, taken=taken, raw=raw, came=came, judgement=judgement)


def refused(contract: Contract, delivery: Delivery, judgement: Judgement) -> DeliveryError:
    """The error of a delivery that breaks its contract."""
    when = delivery.business_date or "history"
    return DeliveryError(
        f"{contract.table} {when}: the delivery breaks its contract",
        file=delivery.name,
        rule=", ".join(dict.fromkeys(number_of(rule) or rule for rule in judgement.refused_by)),
        expected=f"contract {contract.id} {contract.version}",
        found=judgement.refused,
        kept="yesterday's state stays published; the delivery is refused and stays in landing",
        next="ask for a re-delivery with a higher sequence number, or mend the contract; it will be picked up by itself",
    )


def stage_daily(step: Step, contract: Contract, found: Found, day: dt.date) -> Entry:
    """Stage the three tables of one date; returns the entry of `staged.<feed>`."""
    came = note_of(step.view(), contract, found.delivery, day=day, id=found.id)
    note: dict[str, object] = {"kind": NIGHT, "delivery": found.id, "file": found.delivery.name, **came}
    if contract.delivery == "full":
        entry = _stage_full(step, contract, found, day, note)
    else:
        rows = staging.daily_select(contract, found.judgement, day=day, delivery=found.id)
        entry = step.write(tables.staged(contract), day, rows, note=note)
    _stage_judgement(step, contract, found, day, note)
    return entry


def _stage_judgement(step: Step, contract: Contract, found: Found, day: dt.date, note: Mapping[str, object]) -> None:
    """Stage what was kept back, and what each rule found."""
    quarantined = staging.quarantine_select(
        contract, found.judgement, raw=found.came, day=day, delivery=found.id, file_name=found.delivery.name
    )
    step.write(tables.quarantine(contract), day, quarantined, note=note)
    breached = breaches(step.engine, contract, found.judgement, raw=found.raw, delivery=found.id, bank=step.bank.code)
    quality = staging.quality_select(
        step.engine, contract, found.judgement, day=day, delivery=found.id, breaches=breached
    )
    step.write(tables.quality(contract), day, quality, note=note)


def _stage_full(step: Step, contract: Contract, found: Found, day: dt.date, note: Mapping[str, object]) -> Entry:
    """The change set of a full delivery; a date that was loaded after it gets its own anew."""
    table = tables.staged(contract)
    later = [at for at in step.view().entries(table.name) if at > day and at not in step.days]
    if later:
        _state(step, contract, later[0], name="state_after")
    _state(step, contract, day - dt.timedelta(days=1), name="old_state")
    changes = staging.full_changes(
        step.engine,
        contract,
        found.judgement,
        name="changes",
        before="old_state",
        day=day,
        delivery=found.id,
        file_name=found.delivery.name,
    )
    counts = {
        name: getattr(changes, name) for name in ("inserted", "changed", "unchanged", "deleted", "held", "newly_held")
    }
    entry = step.write(table, day, "select * from changes", note={**note, **counts})
    _restate(step, contract, day, later)
    return entry


def _restate(step: Step, contract: Contract, day: dt.date, later: Sequence[dt.date]) -> None:
    """Full deliveries fix the states that follow them: after a re-delivery of D only the next loaded date's way there
    changes. Where a key is held on that date its state changes too, and the date after it is restated in turn.
    """
    table, quarantine = tables.staged(contract), tables.quarantine(contract)
    columns = staging.compared_columns(contract)
    for at, after in zip_longest(later, later[1:]):
        Inputs(step.engine, step.view(), [Wanted(table=quarantine)], [at]).at(at)
        _state(step, contract, day, name="state_before")
        successor_diff(
            step.engine,
            "changes",
            new_before="state_before",
            old_state="state_after",
            held=staging.held_in_quarantine(contract, quarantine.name, at),
            unreadable=staging.unreadable_in_quarantine(step.engine, contract, quarantine.name, at),
            key=contract.key,
            columns=columns,
            carried=staging.carried_columns(contract),
            day=at,
        )
        if after:
            _state(step, contract, after, name="state_then")
        before = step.view().entries(table.name)[at]
        step.write(table, at, "select * from changes", inputs=before.inputs, note=before.note)
        _state(step, contract, at, name="state_now")
        if same_state(step.engine, "state_now", "state_after", columns):
            return
        if after:
            step.engine.rows("create or replace temp table state_after as select * from state_then")
        day = at


def _state(step: Step, contract: Contract, day: dt.date, *, name: str) -> None:
    """The staged state as of a date, as this run sees it, in a temporary table."""
    table = tables.staged(contract)
    Inputs(step.engine, step.view(), [Wanted(table=table)], [day]).at(day)
    step.engine.rows(f"create or replace temp table {name} as select * from {table.name}")


def stage_history(step: Step, contract: Contract, found: Found) -> tuple[dt.date, dt.date]:
    """Stage a history delivery: one entry a business date; returns the first and the last date it covers."""
    filed = staging.file_history(
        step.engine,
        contract,
        found.judgement,
        raw=found.raw,
        start_date=step.bank.start_date,
        delivery=found.id,
        file_name=found.delivery.name,
    )
    last = filed.days[-1] if filed.days else step.bank.start_date
    note = {"kind": HISTORY, "delivery": found.id}
    step.write_dates(tables.staged(contract), filed.relation, note=note)
    _stage_judgement(step, contract, found, last, note)
    return (filed.days[0] if filed.days else last), last
