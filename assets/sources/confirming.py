"""One batch a feed and run for Great Expectations: the deliveries of several nights are confirmed together.

Each delivery is judged by itself, as soon as it is read. The second judge costs a second a batch, whatever its size,
so a run over many nights gathers what was judged and asks it once, before anything of the run becomes visible.
"""

from __future__ import annotations

from dataclasses import replace

from assets.night import Step
from data_contracts.contract import Contract
from data_contracts.expectations import confirm
from data_contracts.judgement import Judgement, RuleResult
from liangcang.engine import quoted

GATHERED = {"judged_text": "batch_text", "typed_rows": "batch_typed", "violations": "batch_violations"}


class Batch:
    """What was judged of one feed in one run. `alone`: one delivery a batch, whose rows need no copy."""

    def __init__(self, step: Step, contract: Contract, *, alone: bool) -> None:
        self.step, self.contract, self.alone = step, contract, alone
        self._whole: Judgement | None = None

    def add(self, judgement: Judgement) -> None:
        """Keep the judged rows; of several deliveries a copy, whose row numbers go on where the last one's ended."""
        if self.alone:
            self._whole = judgement
            return
        offset = self._whole.delivered if self._whole else 0
        for relation, gathered in GATHERED.items():
            rows = f"select * replace (_row_no + {offset} as _row_no) from {quoted(getattr(judgement, relation))}"
            statement = (
                f"insert into {gathered} by name {rows}" if self._whole else f"create temp table {gathered} as {rows}"
            )
            self.step.engine.rows(statement)
        self._whole = (
            _together(self._whole, judgement)
            if self._whole
            else replace(judgement, judged_text="batch_text", typed_rows="batch_typed", violations="batch_violations")
        )

    def confirm(self) -> None:
        """Ask the second judge, if anything was gathered. Raises EngineError when it counts differently."""
        if self._whole is None:
            return
        engine = self.step.engine  # not before: a step without a delivery opens no connection
        confirm(engine.con, self.contract, self._whole, faults=self.step.place.faults)
        for gathered in () if self.alone else GATHERED.values():
            engine.rows(f"drop table {gathered}")
        self._whole = None


def _together(one: Judgement, other: Judgement) -> Judgement:
    """The counts of two judgements by the same contract, added up."""
    return replace(
        one,
        delivered=one.delivered + other.delivered,
        good=one.good + other.good,
        quarantined=one.quarantined + other.quarantined,
        rejected=one.rejected + other.rejected,
        exact_duplicates=one.exact_duplicates + other.exact_duplicates,
        results=tuple(_added(a, b) for a, b in zip(one.results, other.results, strict=True)),
    )


def _added(one: RuleResult, other: RuleResult) -> RuleResult:
    judged = one.passed is not None and other.passed is not None
    return replace(
        one,
        checked=one.checked + other.checked,
        failed=one.failed + other.failed,
        passed=(one.passed and other.passed) if judged else None,
    )
