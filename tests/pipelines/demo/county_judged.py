"""Every file of a landing, taken, read and judged as a night does it, without Dagster and without a warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

from assets.sources.control import check_came, read_control, reconciled
from assets.sources.landing import Delivery, find, member_name, newest
from assets.sources.raw import Raw
from assets.sources.reading import read
from assets.sources.staging import quarantine_select
from assets.sources.take import take
from data_contracts.contract import Contract
from data_contracts.judge import judge
from data_contracts.judgement import Judgement
from liangcang.engine import Engine
from liangcang.quoting import quoted


def in_order(feeds: Mapping[str, Contract]) -> Iterator[Contract]:
    """Feeds after those that their rules look into."""
    graph = {feed: {table.partition(".")[2] for table in contract.refers_to} for feed, contract in feeds.items()}
    return (feeds[feed] for feed in TopologicalSorter(graph).static_order())


class Court:
    """Judges deliveries one after another; what it has seen is there for the rules of what comes later."""

    def __init__(self, engine: Engine, feeds: Mapping[str, Contract], landing: Path, folder: Path) -> None:
        self.engine, self.feeds, self.folder = engine, feeds, folder
        self.deliveries = find(landing, list(feeds.values()), run="test")
        self.known: dict[str, str] = {}
        self.looked_into = {name for contract in feeds.values() for name in contract.looks_into}
        for schema in ("staged", "seen", "before", "quarantine", "recent"):
            engine.con.execute(f"create schema {schema}")

    def history(self, *only: str) -> Iterator[tuple[str, Judgement]]:
        """The histories, each with all of the others in sight; or those of some feeds alone."""
        for contract in in_order(self.feeds):
            delivery = newest(self.deliveries, None, feed=contract.feed, kind="history")
            if delivery is not None and (not only or contract.feed in only):
                yield contract.feed, self._judged(contract, delivery, None)

    @property
    def of_the_day_before(self) -> list[str]:
        """The feeds whose state of the day before some rule looks into."""
        return sorted(name.removeprefix("before.") for name in self.looked_into if name.startswith("before."))

    def night(self, day: dt.date) -> Iterator[tuple[str, Judgement]]:
        """The files of a day, each with what the others say as of it, and what they said the day before."""
        for feed in self.of_the_day_before:
            if f"staged.{feed}" in self.known:
                self._remember(self.feeds[feed])
        for contract in in_order(self.feeds):
            delivery = newest(self.deliveries, day, feed=contract.feed)
            assert delivery is not None, contract.feed
            yield contract.feed, self._judged(contract, delivery, day)

    def alone(self, landing: Path, feed: str, day: dt.date) -> Judgement:
        """A file of another landing, beside what was seen of the others; it is not kept."""
        delivery = newest(find(landing, [self.feeds[feed]], run="test"), day, feed=feed)
        assert delivery is not None, feed
        return self._judged(self.feeds[feed], delivery, day, keep=False)

    def _judged(self, contract: Contract, delivery: Delivery, day: dt.date | None, *, keep: bool = True) -> Judgement:
        form = contract.format("history" if day is None else "daily")
        assert form is not None
        copy = self.folder / "taken"
        copy.unlink(missing_ok=True)
        control = None
        if form.control != "none":
            control = read_control(delivery, contract, form, copy=self.folder / "control")
        taken = take(
            delivery.path,
            copy,
            max_bytes=form.max_bytes,
            packed=form.compression,
            member=member_name(form, delivery),
            digest=control.algorithm if control else None,
            may_be_empty=control is not None and control.rows == 0,
        )
        if control:
            check_came(control, delivery, taken)
        raw = read(self.engine, copy, contract, form, file_name=delivery.name)
        seen = {table: name for table, name in self.known.items() if table in contract.looks_into}
        found = judge(self.engine.con, contract, raw=raw.raw, rejected=raw.rejected, references=seen, business_date=day)
        if control:
            reconciled(self.engine, contract, control, delivery=delivery, raw=raw, judgement=found)
        if keep:
            self._keep(contract, found, day, raw)
        return found

    def _remember(self, contract: Contract) -> None:
        """The state that was seen last, before a night's files are."""
        feed = contract.feed
        self.engine.con.execute(
            f"create or replace table before.{feed} as "
            f"select *, cast(null as date) as _held_since from seen.{feed} {_newest(contract)}"
        )
        self.known[f"before.{feed}"] = f"before.{feed}"

    def _keep(self, contract: Contract, found: Judgement, day: dt.date | None, raw: Raw) -> None:
        """What other feeds' rules see of it: all of a history; on a night the newest of each key, or the day's events."""
        table, columns = contract.table, ", ".join(map(quoted, contract.columns))
        batch, beside = "0" if day is None else f"{day:%Y%m%d}", ""
        if day is None and contract.state_date:
            batch = (
                f"cast(strftime(try_strptime(replace({contract.state_date}, '-', ''), '%Y%m%d'), '%Y%m%d') as integer)"
            )
            if contract.state_date not in contract.columns:
                beside = f"join (select _row_no, {contract.state_date} from {quoted(raw.raw)}) using (_row_no)"
        rows = f"select {columns}, {batch} as _batch, _row_no from {quoted(found.typed_rows)} {beside}"
        all_of_it = f"seen.{contract.feed}"
        if day is None or table not in self.known or contract.delivery != "delta":
            self.engine.con.execute(f"create or replace table {all_of_it} as {rows}")
        else:
            self.engine.con.execute(f"insert into {all_of_it} {rows}")
        shown = _newest(contract) if day is not None and contract.delivery == "delta" else ""
        since = "cast(try_strptime(cast(_batch as varchar), '%Y%m%d') as date) as business_date"
        self.engine.con.execute(f"create or replace view {table} as select {columns}, {since} from {all_of_it} {shown}")
        self.known[table] = table
        if f"recent.{contract.feed}" in self.looked_into:
            self.engine.con.execute(
                f"create or replace view recent.{contract.feed} as select {columns} from {all_of_it}"
            )
            self.known[f"recent.{contract.feed}"] = f"recent.{contract.feed}"
        if day is not None and f"quarantine.{contract.feed}" in self.looked_into:
            kept_back = quarantine_select(contract, found, raw=raw, day=day, delivery="0" * 12, file_name="")
            self.engine.con.execute(f"create or replace table quarantine.{contract.feed} as {kept_back}")
            self.known[f"quarantine.{contract.feed}"] = f"quarantine.{contract.feed}"


def _newest(contract: Contract) -> str:
    keys = ", ".join(map(quoted, contract.key))
    return f"qualify row_number() over (partition by {keys} order by _batch desc, _row_no desc) = 1"


def broken(judgement: Judgement) -> dict[str, int]:
    """The rules that a delivery breaks, with how often."""
    return {result.rule_id: result.failed for result in judgement.results if result.failed and result.severity}
