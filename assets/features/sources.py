"""What the features read: which columns of the conformed model, how far back, and what is done without them.

Features see point-in-time views. A column that describes the present without saying since when (undated) is not in
them, so nothing of it can leak into the past. A column that the bank cannot feed at all is a typed null here, and
the features that need it are null.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

from sqlglot import exp

from assets.features.parameters import LOOKBACK, Parameters, Unfed, entity_of, unfed_columns
from assets.features.spec import party_spec
from liangcang.errors import SqlError
from liangcang.sql import DIALECT

INPUTS: Mapping[str, int | None] = {
    "conformed.party": None,
    "conformed.account": None,
    "conformed.account_holder": None,
    "conformed.loan_contract": None,
    "conformed.loan_receipt": None,
    "conformed.schedule": None,
    "conformed.card": None,
    "conformed.product": None,
    "conformed.transaction_history": LOOKBACK,
    "conformed.balance_history": LOOKBACK,
    "conformed.loan_contract_history": LOOKBACK,
    "conformed.loan_receipt_history": LOOKBACK,
    "conformed.repayment_history": LOOKBACK,
}
"""The views that a night provides as of D: None is the state as of D, a number the rows of so many days ending at D
(for the history of a state also each key's newest row before them)."""

SOURCES: Mapping[str, Mapping[str, str]] = {
    "conformed.party": {
        "party_id": "VARCHAR",
        "party_type": "VARCHAR",
        "birth_date": "DATE",
        "gender": "VARCHAR",
        "marital_status": "VARCHAR",
        "education": "VARCHAR",
        "occupation": "VARCHAR",
        "industry_code": "VARCHAR",
        "native_region": "VARCHAR",
        "region_code": "VARCHAR",
        "id_type": "VARCHAR",
        "id_expiry": "DATE",
        "id_long_term": "BOOLEAN",
        "id_valid": "BOOLEAN",
        "mobile_valid": "BOOLEAN",
        "farmer": "BOOLEAN",
        "annual_income": "DECIMAL(18,2)",
        "open_date": "DATE",
        "status": "VARCHAR",
        "aml_risk": "INTEGER",
        "marketing_consent": "BOOLEAN",
        "personalisation_consent": "BOOLEAN",
        "profile_filled": "INTEGER",
    },
    "conformed.account": {
        "account_id": "VARCHAR",
        "account_type": "VARCHAR",
        "product_code": "VARCHAR",
        "open_date": "DATE",
        "close_date": "DATE",
        "mature_date": "DATE",
        "term_months": "INTEGER",
        "status": "VARCHAR",
    },
    "conformed.account_holder": {"account_id": "VARCHAR", "party_id": "VARCHAR", "role": "VARCHAR"},
    "conformed.loan_contract": {
        "contract_id": "VARCHAR",
        "party_id": "VARCHAR",
        "product_code": "VARCHAR",
        "amount": "DECIMAL(18,2)",
        "sign_date": "DATE",
        "guarantee_type": "VARCHAR",
        "purpose": "VARCHAR",
        "repay_mode": "VARCHAR",
        "revolving": "BOOLEAN",
        "entrusted_payment": "BOOLEAN",
        "online": "BOOLEAN",
        "status": "VARCHAR",
    },
    "conformed.loan_receipt": {
        "receipt_id": "VARCHAR",
        "contract_id": "VARCHAR",
        "party_id": "VARCHAR",
        "account_id": "VARCHAR",
        "disbursed_date": "DATE",
        "mature_date": "DATE",
        "disbursed_amount": "DECIMAL(18,2)",
        "outstanding_principal": "DECIMAL(18,2)",
        "overdue_principal": "DECIMAL(18,2)",
        "overdue_interest": "DECIMAL(18,2)",
        "dpd": "INTEGER",
        "five_class": "INTEGER",
        "settled_date": "DATE",
        "written_off": "BOOLEAN",
        "extended": "BOOLEAN",
        "extended_date": "DATE",
        "restructured": "BOOLEAN",
        "restructured_date": "DATE",
        "renewal": "VARCHAR",
    },
    "conformed.schedule": {
        "receipt_id": "VARCHAR",
        "period": "INTEGER",
        "due_date": "DATE",
        "principal_due": "DECIMAL(18,2)",
        "interest_due": "DECIMAL(18,2)",
        "principal_paid": "DECIMAL(18,2)",
        "interest_paid": "DECIMAL(18,2)",
        "paid_date": "DATE",
    },
    "conformed.card": {
        "card_id": "VARCHAR",
        "party_id": "VARCHAR",
        "issued_date": "DATE",
        "status": "VARCHAR",
        "limit_amount": "DECIMAL(18,2)",
        "balance": "DECIMAL(18,2)",
        "dpd": "INTEGER",
        "overdue_amount": "DECIMAL(18,2)",
    },
    "conformed.product": {"product_code": "VARCHAR", "family": "VARCHAR"},
    "conformed.transaction_history": {
        "account_id": "VARCHAR",
        "party_id": "VARCHAR",
        "event_date": "DATE",
        "event_time": "TIME",
        "direction": "VARCHAR",
        "amount": "DECIMAL(18,2)",
        "type": "VARCHAR",
        "channel": "VARCHAR",
        "customer_initiated": "BOOLEAN",
        "own_transfer": "BOOLEAN",
        "reversal": "BOOLEAN",
        "counterparty": "VARCHAR",
        "counterparty_bank": "VARCHAR",
        "counterparty_name": "VARCHAR",
        "counterparty_party_id": "VARCHAR",
        "mcc": "VARCHAR",
    },
    "conformed.balance_history": {
        "account_id": "VARCHAR",
        "balance": "DECIMAL(18,2)",
        "held_amount": "DECIMAL(18,2)",
        "business_date": "DATE",
        "_op": "VARCHAR",
    },
    "conformed.loan_contract_history": {
        "contract_id": "VARCHAR",
        "party_id": "VARCHAR",
        "amount": "DECIMAL(18,2)",
        "status": "VARCHAR",
        "business_date": "DATE",
        "_op": "VARCHAR",
    },
    "conformed.loan_receipt_history": {
        "receipt_id": "VARCHAR",
        "party_id": "VARCHAR",
        "disbursed_date": "DATE",
        "outstanding_principal": "DECIMAL(18,2)",
        "dpd": "INTEGER",
        "five_class": "INTEGER",
        "settled_date": "DATE",
        "written_off": "BOOLEAN",
        "business_date": "DATE",
        "_op": "VARCHAR",
    },
    "conformed.repayment_history": {
        "receipt_id": "VARCHAR",
        "event_date": "DATE",
        "repayment_type": "VARCHAR",
        "payer_account_id": "VARCHAR",
        "repayment_id": "VARCHAR",
    },
}
"""The columns that features read, with their types."""


def unfed(bank_unfed: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Feature to reason, for the features that are null because their bank cannot feed what they need.

    `bank_unfed` maps an entity (`transaction` or `conformed.transaction`) to the columns that it is not fed.
    """
    return reasons(unfed_columns(bank_unfed))


def reasons(missing: Unfed) -> dict[str, str]:
    """The same for plain pairs of entity and column."""
    found: dict[str, str] = {}
    for feature in party_spec().features():
        lacking = [need for need in feature.needs if tuple(need.split(".")) in missing]
        if lacking:
            found[feature.name] = f"conformed.{lacking[0]} is not fed"
    return found


def check_views(views: Mapping[str, Collection[str]], parameters: Parameters) -> None:
    """Refuse to build features when a view lacks a column they read, unless the bank does not feed it.

    `views` maps the names of `INPUTS` to the columns of the point-in-time views. Raises SqlError.
    """
    missing = parameters.lacking
    for table, columns in SOURCES.items():
        entity = entity_of(table)
        for column in columns:
            if (entity, column) in missing or column in views.get(table, ()):
                continue
            need = f"{entity}.{column}"
            users = [feature.name for feature in party_spec().features() if need in feature.needs]
            raise SqlError(
                f"features cannot read {need} as of a past date",
                field=f"features.party: {', '.join(users[:3])}{' …' if len(users) > 3 else ''}" if users else None,
                expected="a column with a date",
                found="it is undated: it may describe the present" if table in views else f"there is no {table}",
                next=f"say in the contract since when {need} holds, or leave it out of conform/{entity}.sql",
            )


def fed(tree: exp.Expression, missing: Unfed) -> exp.Expression:
    """A copy of a SELECT with typed nulls in place of the columns that the bank cannot feed."""

    def source(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Table):
            return node
        name = f"{node.db}.{node.name}"
        columns = SOURCES.get(name, {})
        lacking = {column for entity, column in missing if entity == entity_of(name)} & set(columns)
        if not lacking:
            return node
        values = [
            f"cast(null as {kind}) as {column}" if column in lacking else column for column, kind in columns.items()
        ]
        plain = exp.select(*values, dialect=DIALECT)
        plain = plain.where(exp.false()) if lacking == set(columns) else plain.from_(exp.to_table(name))
        return plain.subquery(node.alias_or_name)

    return cast(exp.Expression, tree.transform(source))


def whole_unfed(table: str, missing: Unfed) -> bool:
    """Whether nothing of a table is fed."""
    return all((entity_of(table), column) in missing for column in SOURCES[table])
