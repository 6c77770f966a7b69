"""The stored tables of a contract: its own columns, and the technical ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import bookings, col, column, customers, put, write_contract

from data_contracts import odcs, tables
from data_contracts.bank import conformed_contracts, product_contracts
from data_contracts.contract import Contract


@pytest.fixture
def event(tmp_path: Path) -> Contract:
    return odcs.read(write_contract(tmp_path, bookings()))


@pytest.fixture
def state(tmp_path: Path) -> Contract:
    return odcs.read(write_contract(tmp_path, customers()))


def test_a_staged_event_keeps_its_own_columns_first(event: Contract) -> None:
    table = tables.staged(event)
    assert list(table.columns) == [*event.columns, "business_date", "known_at", "_delivery", "_row_no"]
    assert (table.name, table.kind, table.key) == ("staged.bookings", "event", ("customer_no", "booking_no"))


def test_a_staged_state_says_what_happened_to_its_keys(state: Contract) -> None:
    table = tables.staged(state)
    assert list(table.columns)[-2:] == ["_op", "_held_since"]
    assert (table.kind, table.key) == ("state", ("customer_no",))


def test_rows_without_a_key_have_their_place(tmp_path: Path) -> None:
    contract = bookings()
    for name in ("booking_no", "customer_no"):
        del col(contract, name)["primaryKey"]
    put(contract, keyless=True)
    assert tables.staged(odcs.read(write_contract(tmp_path, contract))).key == ("_delivery", "_row_no")


def test_quarantine_keeps_every_column_as_text(event: Contract) -> None:
    table = tables.quarantine(event)
    assert {table.columns[name] for name in event.columns} == {"VARCHAR"}
    assert (table.name, table.kind, table.key) == ("quarantine.bookings", "event", ("_delivery", "_row_no", "_kind"))
    assert table.columns["_rules"] == "VARCHAR[]"


def test_quality_has_one_row_a_delivery_and_rule(event: Contract) -> None:
    table = tables.quality(event)
    assert (table.name, table.kind, table.key) == ("quality.bookings", "event", ("_delivery", "rule_id"))
    assert not set(table.comments) & set(event.columns)


def test_a_conformed_event_is_unique_within_its_feed() -> None:
    table = tables.conformed(conformed_contracts()["transaction"])
    assert (table.kind, table.key) == ("event", ("transaction_id", "_feed"))
    assert list(table.columns)[-5:] == ["business_date", "known_at", "_feed", "_delivery", "_row_no"]


def test_a_conformed_state_is_unique_by_its_own_key() -> None:
    table = tables.conformed(conformed_contracts()["account_holder"])
    assert (table.kind, table.key) == ("state", ("account_id", "party_id"))
    assert list(table.columns)[-6:] == ["business_date", "known_at", "_feed", "_delivery", "_row_no", "_op"]


def test_the_party_map_is_a_state_by_system_and_number() -> None:
    table = tables.party_map()
    assert (table.name, table.kind, table.key) == ("parties.party_map", "state", ("source_system", "cust_no"))


def test_a_product_carries_date_and_configuration_after_its_key(tmp_path: Path) -> None:
    contract = customers()
    contract["schema"][0]["physicalName"] = "products.customers"
    table = tables.product(odcs.read(write_contract(tmp_path, contract)))
    assert list(table.columns) == ["customer_no", "business_date", "config_version", "born"]
    assert (table.kind, table.public) == ("snapshot", True)
    contract["schema"][0]["properties"] += [
        column("business_date", "DATE", "date"),
        column("config_version", "VARCHAR", "string"),
    ]
    table = tables.product(odcs.read(write_contract(tmp_path, contract)))
    assert list(table.columns) == ["customer_no", "born", "business_date", "config_version"]


def test_every_column_of_every_table_of_ours_has_a_comment() -> None:
    ours = [tables.conformed(contract) for contract in conformed_contracts().values()]
    ours += [tables.product(contract) for contract in product_contracts().values()]
    for table in ours:
        assert set(table.comments) == set(table.columns), table.name
