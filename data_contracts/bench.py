"""One delivery on the bench: what is made of its rows in the engine, step by step.

`data_contracts.judge` says in which order and what follows from it; the steps are here. Each is one statement over
the whole delivery, and every later one is derived from the mask that the first one sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from data_contracts.cell import present
from data_contracts.contract import Rule, targets_of
from data_contracts.judgement import RuleResult, of_rule, unjudged
from data_contracts.scan_sql import Check, Lookup, Scan, column_list, relation_sql
from liangcang.column_types import fits
from liangcang.engine import literal, quoted
from liangcang.errors import ContractError, EngineError, LiangcangError
from liangcang.faults import translate
from liangcang.sql import check_select

_DELIVERY = "delivery.rows_of_it"
"""What `${object}` is called while a dataset rule is checked: the allow-list wants a table's name."""


class Bench:
    """The relations that are made of one delivery, in one connection, all named after the relation of its text.

    What is stored is little: the rows that break a rule with their masks, and the bad rows. Good rows are a view over
    the text that leaves those out, so that a delivery without faults is never copied.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, scan: Scan, *, raw: str, faults: Path | None) -> None:
        self.con, self.scan, self.raw, self.faults = con, scan, raw, faults
        self.contract = scan.contract
        self.columns = tuple(self.contract.columns)
        self.values, self.marks, self.duplicates = f"{raw}_values", f"{raw}_marks", f"{raw}_duplicates"
        self.typed, self.good, self.bad = f"{raw}_typed", f"{raw}_good", f"{raw}_bad"
        self.text, self.violations, self.judged = f"{raw}_text", f"{raw}_violations", f"{raw}_judged"
        self.suspects, self.repeated, self.again = f"{raw}_suspects", f"{raw}_repeated", f"{raw}_again"
        self.own_repeated, self.dropped = 0, 0

    def run(self, sql: str) -> list[tuple[Any, ...]]:
        """Execute to the end; what DuckDB says of the data never leaves."""
        try:
            return self.con.execute(sql).fetchall()
        except duckdb.Error as error:
            fault = translate(error, f"judging {self.contract.table}", sql=sql, faults=self.faults, author=False)
        raise fault

    def counts(self, *relations: str) -> tuple[int, ...]:
        """How many rows each relation holds."""
        counts = ", ".join(f"(select count(*) from {quoted(relation)})" for relation in relations)
        return tuple(int(count) for count in self.run(f"select {counts}")[0])

    def table(self, name: str, query: str) -> int:
        """Keep the rows of a query; how many there are."""
        return int(self.run(f"create or replace temp table {quoted(name)} as {query}")[0][0])

    def view(self, name: str, query: str) -> None:
        self.run(f"create or replace temp view {quoted(name)} as {query}")

    def mark(self) -> None:
        """The one scan: each row that breaks a rule, with its mask. A row rule that cannot be computed is named."""
        for lookup in self.scan.lookups.values():
            self._same_types(lookup)
        self.view(self.values, self.scan.values(self.raw))
        try:
            broken = " or ".join(f"{word} <> 0" for word in self.scan.words)
            self.table(self.marks, f"select * from ({self.scan.masks(self.raw)}) where {broken}")
        except EngineError as error:
            self._name_the_rule(error)
            raise

    def _same_types(self, lookup: Lookup) -> None:
        """Keys of unlike types would be compared by casting values, which fails over the first odd one."""
        for relation, keys in lookup.among:
            found = self.run(f"describe select {column_list(keys)} from {relation_sql(relation)}")
            for column, (key, kind, *_) in zip(lookup.rule.columns, found, strict=True):
                ours = self.contract.columns[column]
                if not fits(kind, ours) and not fits(ours, kind):
                    raise ContractError(
                        f"rule {lookup.rule.id} compares unlike types",
                        file=self.contract.path,
                        line=lookup.rule.line,
                        field=column,
                        expected=f"{kind}, as {relation}.{key}",
                        found=ours,
                    )

    def _name_the_rule(self, error: LiangcangError) -> None:
        for check in self.scan.checks:
            if check.rule.kind != "row":
                continue
            alone = replace(self.scan, checks=(replace(check, number=0),), lookups={})
            try:
                self.run(f"select max(_mask0) from ({alone.masks(self.raw)})")
            except EngineError:
                raise EngineError(
                    f"the engine cannot compute rule {check.rule.id} of {self.contract.table}",
                    file=self.contract.path,
                    line=check.rule.line,
                    field=check.rule.id,
                    found=error.details.get("found"),
                    next="write the rule so that it holds for every value: try_cast, nullif before a division",
                ) from None

    def drop_exact_duplicates(self) -> None:
        """Set aside all but the first of rows that are byte for byte the same, and note how many were `dropped`.

        Such rows share their key, so only rows of repeated keys are compared. A feed without a key has none.
        """
        key = self.scan.key()
        self.table(self.duplicates, "select 0::bigint as _row_no where false")
        if self.contract.key:
            self.own_repeated = self._keep_repeated(self.repeated, quoted(self.values), key)
        if self.own_repeated:
            same_key = " and ".join(f"v.{quoted(c)} is not distinct from k.{quoted(c)}" for c in key)
            delivered = [*self.columns, *([self.scan.apart] if self.scan.apart else [])]
            self.dropped = self.table(
                self.duplicates,
                f"select _row_no from (select r._row_no, row_number() over (partition by "
                f"{column_list(delivered, prefix='r.')} order by r._row_no) as _copy "
                f"from {quoted(self.values)} as v join {quoted(self.repeated)} as k on {same_key} "
                f"join {quoted(self.raw)} as r on r._row_no = v._row_no) where _copy > 1",
            )

    def mark_repeated_keys(self) -> None:
        """Mark every row whose complete key another row has too, exact duplicates aside."""
        apart = self._apart()
        self.view(self.judged, f"select * from {quoted(self.values)}{apart}")
        marked = False
        for check in self.scan.checks:
            if check.rule.kind == "key":
                marked |= self._mark_repeated(check)
        if marked or apart:
            merged = ", ".join(f"bit_or({word}) as {word}" for word in self.scan.words)
            self.table(self.marks, f"select _row_no, {merged} from {quoted(self.marks)}{apart} group by _row_no")

    def _mark_repeated(self, check: Check) -> bool:
        key, rows = self.scan.key(check.rule), quoted(self.judged)
        if set(check.rule.columns) == set(self.contract.key):
            if not self.own_repeated:
                return False
            rows = f"(select v.* from {rows} as v join {quoted(self.repeated)} as k using ({column_list(key)}))"
        whole = " and ".join(f"{quoted(c)} is not null" for c in key)
        if not self._keep_repeated(self.again, rows, key, where=whole):
            return False
        words = ", ".join(f"{check.bit if word == check.word else 0}::bigint" for word in self.scan.words)
        self.run(
            f"insert into {quoted(self.marks)} select v._row_no, {words} "
            f"from {quoted(self.judged)} as v join {quoted(self.again)} as k using ({column_list(key)})"
        )
        return True

    def _keep_repeated(self, name: str, rows: str, key: Sequence[str], *, where: str = "true") -> int:
        """Keep, as `name`, the keys that stand more than once; how many there are.

        Digests first: grouping them costs half of grouping texts. What they find is looked at by the keys themselves.
        """
        digest = f"hash({column_list(key)})"
        suspect = f"select {digest} as _hash from {rows} where {where} group by all having count(*) > 1"
        if not self.table(self.suspects, suspect):
            return 0
        among = f"{digest} in (select _hash from {quoted(self.suspects)})"
        return self.table(
            name,
            f"select {column_list(key)} from {rows} where {where} and {among} group by all having count(*) > 1",
        )

    def _apart(self) -> str:
        """The condition that leaves exact duplicates out, where there are any."""
        return f" where {self._not_in(self.duplicates)}" if self.dropped else ""

    def _not_in(self, relation: str) -> str:
        return f"_row_no not in (select _row_no from {quoted(relation)})"

    def split(self) -> int:
        """Good and bad rows, both from the one mask; how many are bad."""
        columns = column_list(self.columns)
        bad = self.table(
            self.bad,
            f"select r._row_no, r._line, b._rules, {column_list(self.columns, prefix='r.')} "
            f"from (select _row_no, list(rule_id order by number) as _rules from ({self._breaches(removing=True)}) "
            f"group by _row_no) as b join {quoted(self.raw)} as r on r._row_no = b._row_no",
        )
        self.view(self.typed, f"select _row_no, {columns} from {quoted(self.judged)}")
        leaving = [self.bad] * (bad > 0) + [self.duplicates] * (self.dropped > 0)
        staying = " and ".join(map(self._not_in, leaving)) or "true"
        rows = self.scan.values(self.raw, good=True)
        self.view(self.good, f"select _row_no, {columns} from ({rows}) where {staying}")
        texts = ", ".join(f"{present(p, quoted(p.name))} as {quoted(p.name)}" for p in self.contract.properties)
        self.view(self.text, f"select _row_no, {texts} from {quoted(self.raw)}{self._apart()}")
        self.view(self.violations, f"select rule_id, _row_no from ({self._breaches(removing=False)})")
        return bad

    def _breaches(self, *, removing: bool) -> str:
        """A row a breach: rule_id, number, _row_no. `removing`: only of the rules that take a row out."""
        checks = [check for check in self.scan.checks if check.removes or not removing]
        if not checks:
            return "select ''::varchar as rule_id, 0 as number, 0::bigint as _row_no where false"
        rules = ", ".join(
            f"({literal(c.rule.id)}, {c.number}"
            + "".join(f", {c.bit if c.word == word else 0}::bigint" for word in self.scan.words)
            + ")"
            for c in checks
        )
        bits = ", ".join(f"_bit{word}" for word in self.scan.words)
        hit = " or ".join(f"(m.{word} & r._bit{word}) <> 0" for word in self.scan.words)
        return (
            f"select r.rule_id, r.number, m._row_no from {quoted(self.marks)} as m "
            f"join (values {rules}) as r(rule_id, number, {bits}) on {hit}"
        )

    def row_results(self, checked: int) -> list[RuleResult]:
        """One result a rule of rows, also of those that nothing breaks and those that cannot be judged."""
        sums = ", ".join(f"count(*) filter (where {c.word} & {c.bit} <> 0)" for c in self.scan.checks)
        counts = self.run(f"select {sums or 'count(*)'} from {quoted(self.marks)}")
        results = [
            of_rule(check.rule, checked=checked, failed=int(failed), observation=self._observation(check, int(failed)))
            for check, failed in zip(self.scan.checks, counts[0], strict=False)
        ]
        tables = (" and ".join(table for table, _ in targets_of(rule)) for rule in self.scan.missing)
        absent = (f"{table} {'are' if ' and ' in table else 'is'} not there" for table in tables)
        return [*results, *(unjudged(rule, why) for rule, why in zip(self.scan.missing, absent, strict=True))]

    def _observation(self, check: Check, failed: int) -> str | None:
        if check.rule.kind != "enum" or not failed:
            return None
        found = self.run(
            f"select count(distinct r.{quoted(check.rule.columns[0])}) from {quoted(self.marks)} as m "
            f"join {quoted(self.raw)} as r on r._row_no = m._row_no where m.{check.word} & {check.bit} <> 0"
        )
        return f"codes outside the list: {int(found[0][0]):,}"

    def dataset_result(
        self, rule: Rule, references: Mapping[str, str], parameters: Mapping[str, object], *, checked: int
    ) -> RuleResult:
        """A rule about the delivery as a whole, over good and quarantined rows: the money moved either way."""
        if absent := [name for name in rule.inputs if name not in references]:
            return unjudged(rule, f"{', '.join(absent)} is not there")
        relations = {**references, _DELIVERY: self.typed}
        text = (rule.query or "").replace("${object}", _DELIVERY)
        checked_sql = check_select(text, tables=relations, where=str(self.contract.path), line=rule.line or 1)
        for table in list(checked_sql.tree.find_all(exp.Table)):
            if (relation := relations.get(f"{table.db}.{table.name}")) is not None:
                alias = table.alias or table.name
                table.replace(
                    exp.alias_(exp.table_(*reversed(relation.split(".")), quoted=True), alias, table=True, quoted=True)
                )
        query = checked_sql.sql({name: parameters[name] for name in checked_sql.parameters if name in parameters})
        if not rule.count_only:
            return of_rule(rule, checked=checked, failed=int(self.run(f"select count(*) from ({query})")[0][0]))
        number = self.run(query)[0][0]
        if number is None:
            return unjudged(rule, "the query says nothing of these rows")
        whole = isinstance(number, int) or (isinstance(number, Decimal) and number == number.to_integral_value())
        return of_rule(rule, checked=checked, failed=abs(int(number)) if whole else 1)

    def null_tokens(self, checked: int) -> list[RuleResult]:
        """How often each column holds each of its null tokens."""
        tokens = [(prop, token) for prop in self.contract.properties for token in prop.null_values]
        counts = ", ".join(f"count_if({quoted(prop.name)} = {literal(token)})" for prop, token in tokens)
        apart = self._apart()
        found = self.run(f"select {counts or 'count(*)'} from {quoted(self.raw)}{apart}")[0]
        return [
            RuleResult(
                rule_id=f"{prop.name}.null[{token}]",
                kind="null_token",
                dimension=None,
                severity=None,
                owner=self.contract.owner,
                column=prop.name,
                checked=checked,
                failed=int(count or 0),
                passed=True,
            )
            for (prop, token), count in zip(tokens, found, strict=False)
        ]
