"""A contract compiled to one pass over a delivery's text: typed columns and, for each row, the rules that it breaks.

The scan has layers, so that each does a thing once: a cell's text (null tokens taken out), its typed value, the rules
over both, each of which sets one bit of the row's mask, and last the references. Everything else (counts, good rows,
bad rows with their reasons) is derived from the mask; no rule is evaluated a second time, so that nothing can fall
between two answers.

A rule that cannot say no, because a value it needs is null, passes: whether a value must be there is its own rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property

from data_contracts.cell import INTEGERS, REALS, held, is_text, present, tried
from data_contracts.check_characters import WORDS
from data_contracts.contract import Contract, Property, Rule, targets_of
from data_contracts.implied import all_rules
from liangcang.engine import literal, quoted
from liangcang.errors import ContractError
from liangcang.sql import check_condition, spelled_out

BITS = 62
"""Rules a mask word holds: BIGINT without its sign."""

NEVER = "false"

ROW_KINDS = ("parse", "required", "enum", "pattern", "range", "length", "row", "reference", "key")


@dataclass(frozen=True)
class Check:
    """A rule that rows can break, and its bit in the mask.

    `breach` is SQL over one row, true when it breaks the rule and never null; `NEVER` when that takes other rows.
    """

    rule: Rule
    number: int
    breach: str
    needs: Mapping[str, str] = field(default_factory=dict)
    """Columns over the typed ones that `breach` reads: what is worth making once a row."""

    @property
    def word(self) -> str:
        return f"_mask{self.number // BITS}"

    @property
    def bit(self) -> int:
        return 1 << self.number % BITS

    @property
    def removes(self) -> bool:
        """Whether a row that breaks it leaves the good rows."""
        return self.rule.severity != "warning"


@dataclass(frozen=True)
class Lookup:
    """A reference rule whose table is there: the rule's columns of the rows are looked up in the relations `among`, each
    with its key columns. More than one: it may be in any of them.
    """

    rule: Rule
    among: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def known(self) -> str:
        """The known keys, each once, as `_k<n>`."""
        rows = [
            f"select {', '.join(f'{quoted(key)} as _k{n}' for n, key in enumerate(keys))} from {relation_sql(relation)}"
            for relation, keys in self.among
        ]
        return f"(select distinct *, true as _found from ({' union all '.join(rows)}))"


@dataclass(frozen=True)
class Scan:
    """The pass over one contract's deliveries: the checks that rows go through and the SELECT that makes it."""

    contract: Contract
    checks: tuple[Check, ...]
    missing: tuple[Rule, ...]
    """Reference rules whose table is not there: they cannot be judged."""
    lookups: Mapping[str, Lookup]
    """Reference rules that are judged, by a short name."""
    states: bool = False
    """Whether the delivery is a history of states: a key then stands once a state date, not once."""

    @cached_property
    def words(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(check.word for check in self.checks)) or ("_mask0",)

    @property
    def apart(self) -> str | None:
        """The state date of a history whose file carries it beside the contract's columns."""
        state_date = self.contract.state_date if self.states else None
        return None if state_date in self.contract.columns else state_date

    def key(self, rule: Rule | None = None) -> tuple[str, ...]:
        """The columns of `values` that a key rule says are unique; without a rule those of the contract's key."""
        columns = rule.columns if rule else self.contract.key
        if not self.states or set(columns) != set(self.contract.key):
            return columns
        dated = "_state" if self.apart else str(self.contract.state_date)
        return tuple(dict.fromkeys((*columns, dated)))

    def values(self, raw: str, *, texts: bool = False, good: bool = False) -> str:
        """`_row_no` and the typed columns of every row of the text relation `raw` (and `_state`, where that is `apart`).

        With `texts` also, as `_x<n>`, the text of the columns that are not text, null tokens as NULL. `good`: only
        good rows will be asked for, whose texts were found to have their shape: they are cast without a second look.
        """
        props = list(enumerate(self.contract.properties))
        typed = [(i, p) for i, p in props if not is_text(p)]
        seen = {c.rule.columns for c in self.checks if c.rule.kind == "parse" and c.removes} if good else set()
        text = ", ".join(f"{present(p, quoted(p.name))} as _x{i}" for i, p in props)
        tries = "".join(f", {tried(p, f'_x{i}')} as _v{i}" for i, p in typed)
        columns = ", ".join(
            f"{held(p, f'_x{i}', f'_v{i}', seen=(p.name,) in seen) if not is_text(p) else f'_x{i}'} as {quoted(p.name)}"
            for i, p in props
        )
        kept = "".join(f", _x{i}" for i, _ in typed) if texts else ""
        state = f", replace({quoted(self.apart)}, '-', '') as _state" if self.apart else ""
        return (
            f"select _row_no, {columns}{kept}{', _state' if state else ''} "
            f"from (select *{tries} from (select _row_no, {text}{state} from {quoted(raw)}))"
        )

    def masks(self, raw: str) -> str:
        """`_row_no` and mask words of every row of `raw`. References are looked up last, when rows are narrow."""
        keys = "".join(
            f", _t.{quoted(column)} as {name}_{n}"
            for name, lookup in self.lookups.items()
            for n, column in enumerate(lookup.rule.columns)
        )
        values = self.values(raw, texts=True)
        if needs := {name: text for check in self.checks for name, text in check.needs.items()}:
            values = f"select *, {', '.join(f'{text} as {name}' for name, text in needs.items())} from ({values})"
        rows = f"select _row_no, {self._words(self._bits)}{keys} from ({values}) as _t"
        if not self.lookups:
            return rows
        joins = " ".join(
            f"left join {lookup.known} as {name} on "
            + " and ".join(f"_m.{name}_{n} = {name}._k{n}" for n in range(len(lookup.rule.columns)))
            for name, lookup in self.lookups.items()
        )
        return f"select _row_no, {self._words(self._late_bits)} from ({rows}) as _m {joins}"

    def _words(self, bits: Callable[[str], Iterator[str]]) -> str:
        return ", ".join(f"{' | '.join(bits(word)) or '0::bigint'} as {word}" for word in self.words)

    def _bits(self, word: str) -> Iterator[str]:
        for check in self.checks:
            if check.word == word and check.breach != NEVER:
                yield f"case when {check.breach} then {check.bit}::bigint else 0::bigint end"

    def _late_bits(self, word: str) -> Iterator[str]:
        yield f"_m.{word}"
        for name, lookup in self.lookups.items():
            check = next(check for check in self.checks if check.rule is lookup.rule)
            if check.word == word:
                whole = " and ".join(f"_m.{name}_{n} is not null" for n in range(len(lookup.rule.columns)))
                yield f"case when {whole} and {name}._found is null then {check.bit}::bigint else 0::bigint end"


def compile_scan(
    contract: Contract,
    *,
    references: Mapping[str, str],
    parameters: Mapping[str, object],
    states: bool = False,
    late: Mapping[str, Sequence[str]] | None = None,
) -> Scan:
    """The scan of `contract`. `references` names, for a table that its rules refer to, the relation that holds it, `late`
    the relations that hold it as of later dates, in which a reference may be found too; `states` says that it is a
    history of dated states.

    Rules that the contract implies but does not write (a column that is not text must parse, a key is unique) are
    added. Raises ContractError for what the scan cannot express.
    """
    rules = [rule for rule in all_rules(contract) if rule.kind in ROW_KINDS]
    there: dict[str, list[str]] = {table: [relation] for table, relation in references.items()}
    for table, relations in (late or {}).items():
        there.setdefault(table, []).extend(relations)
    among = {
        rule.id: tuple(
            (relation, keys) for table, keys in _targets(contract, rule) for relation in there.get(table, ())
        )
        for rule in rules
        if rule.kind == "reference"
    }
    missing = tuple(rule for rule in rules if among.get(rule.id) == ())
    judged = [rule for rule in rules if rule not in missing]
    referring = (rule for rule in judged if rule.id in among)
    lookups = {f"_ref{n}": Lookup(rule, among[rule.id]) for n, rule in enumerate(referring)}
    checks = tuple(_check(contract, rule, n, parameters) for n, rule in enumerate(judged))
    return Scan(contract, checks, missing, lookups, states)


def _check(contract: Contract, rule: Rule, number: int, parameters: Mapping[str, object]) -> Check:
    if rule.kind != "row":
        return Check(rule, number, _breach(contract, rule))
    condition, needs = _condition(contract, rule, parameters, f"_w{number}_")
    return Check(rule, number, f"not coalesce(({condition}), true)", needs)


def _breach(contract: Contract, rule: Rule) -> str:
    if rule.kind == "reference":
        return NEVER
    if rule.kind == "key":
        open_ends = _unguarded(contract) if set(rule.columns) == set(contract.key) else []
        return " or ".join(f"_t.{quoted(column)} is null" for column in open_ends) or NEVER
    prop = _column(contract, rule)
    value = f"_t.{quoted(prop.name)}"
    text = value if is_text(prop) else f"_t._x{contract.properties.index(prop)}"
    breach = " or ".join(_cell_breaches(contract, rule, prop, text=text, value=value))
    if not breach:
        raise _bad_rule(contract, rule, "says nothing that can be checked")
    return f"coalesce({breach}, false)"


def _unguarded(contract: Contract) -> list[str]:
    """Key columns that could be null in a good row, because no rule of their own takes such rows out.

    A row without its whole key cannot be told from another: the key's rule then takes it out.
    """
    removing = {(rule.kind, rule.columns) for rule in all_rules(contract) if rule.severity != "warning"}
    return [
        name
        for name in contract.key
        if ("required", (name,)) not in removing
        or not (is_text(contract.property(name)) or ("parse", (name,)) in removing)
    ]


def _cell_breaches(contract: Contract, rule: Rule, prop: Property, *, text: str, value: str) -> Iterator[str]:
    if rule.kind == "parse":
        yield f"({text} is not null and {value} is null)"
    elif rule.kind == "required":
        yield f"{text} is null"
    elif rule.kind == "enum" and rule.values:
        yield f"{text} not in ({', '.join(map(literal, rule.values))})"
    elif rule.kind == "pattern" and rule.pattern:
        yield f"not regexp_full_match({text}, {literal(rule.pattern)})"
    elif rule.kind == "length":
        if rule.min_length is not None:
            yield f"length({text}) < {int(rule.min_length)}"
        if rule.max_length is not None:
            yield f"length({text}) > {int(rule.max_length)}"
    elif rule.kind == "range":
        if rule.minimum is not None:
            yield f"{value} < {_bound(contract, rule, prop, rule.minimum)}"
        if rule.maximum is not None:
            yield f"{value} > {_bound(contract, rule, prop, rule.maximum)}"


def _bound(contract: Contract, rule: Rule, prop: Property, bound: str) -> str:
    kind = prop.type.upper()
    if is_text(prop):
        return literal(bound)
    if kind in INTEGERS or kind in REALS or kind.startswith("DECIMAL"):
        try:
            return f"{Decimal(bound):f}"
        except InvalidOperation:
            raise _bad_rule(contract, rule, f"has the bound {bound!r}, which is no number") from None
    return f"cast({literal(bound)} as {kind})"


def _condition(
    contract: Contract, rule: Rule, parameters: Mapping[str, object], name: str
) -> tuple[str, dict[str, str]]:
    """A rule's condition, and the columns called `name` and a number that it reads beside the contract's."""
    if not rule.predicate:
        raise _bad_rule(contract, rule, "has no predicate")
    where = f"{contract.path}: {rule.id}"
    checked = check_condition(rule.predicate, columns=contract.columns, where=where, line=rule.line or 1, words=WORDS)
    checked, needs = spelled_out(checked, WORDS, name)
    return checked.sql({one: parameters[one] for one in checked.parameters if one in parameters}), needs


def _targets(contract: Contract, rule: Rule) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The tables that a reference rule refers to, and the columns of them."""
    found = targets_of(rule)
    if not found or not rule.columns or any(len(columns) != len(rule.columns) for _, columns in found):
        raise _bad_rule(contract, rule, "does not say which columns of which table it refers to")
    return found


def _column(contract: Contract, rule: Rule) -> Property:
    if len(rule.columns) != 1 or rule.columns[0] not in contract.columns:
        raise _bad_rule(contract, rule, "is of one column, and names none that the contract has")
    return contract.property(rule.columns[0])


def _bad_rule(contract: Contract, rule: Rule, what: str) -> ContractError:
    return ContractError(f"rule {rule.id} {what}", file=contract.path, line=rule.line, field=rule.id)


def relation_sql(relation: str) -> str:
    """A relation's name, `name` or `schema.name`, as SQL."""
    return ".".join(map(quoted, relation.split(".")))


def column_list(columns: Sequence[str], *, prefix: str = "") -> str:
    return ", ".join(f"{prefix}{quoted(column)}" for column in columns)
