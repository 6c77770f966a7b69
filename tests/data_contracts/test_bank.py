"""A bank is a folder: what it must hold, what its SELECTs may read and yield, and what it cannot feed."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from by_hand import BOOKINGS, CONFORM, PLACED, Values, at, bookings, col, column, custom, customers, put, write_bank

from data_contracts.bank import conformed_contracts, find_banks, read_bank
from data_contracts.conform import ConformSelect
from liangcang.errors import ContractError, LiangcangError, UsageError

ACCOUNT = f"select customer_no as account_id, 'CNY' as currency, day as open_date, {PLACED} from staged.bookings"


def refused(folder: Path, **parts: Any) -> ContractError:
    with pytest.raises(ContractError) as error:
        read_bank(write_bank(folder / "bank", **parts))
    return error.value


# -- the folder --------------------------------------------------------------------------------------------------------


def test_a_bank_outside_the_repository_is_read(tmp_path: Path) -> None:
    bank = read_bank(write_bank(tmp_path / "bank", bank={"parameters": {"silent_after_days": 45}}))
    assert (bank.code, bank.name["zh"], bank.home_currency) == ("hand", "手工银行", "CNY")
    assert (bank.time_zone, bank.start_date, bank.cut_off) == ("Asia/Shanghai", dt.date(2024, 1, 1), dt.time(5))
    assert bank.calendar == "every_day"
    assert list(bank.feeds) == ["customers", "bookings"]
    assert bank.parameters == {"silent_after_days": 45}
    assert bank.warnings == ()


def test_the_banks_that_come_with_the_project_can_be_read_by_name() -> None:
    assert "berka" in find_banks()
    for name, folder in find_banks().items():
        bank = read_bank(name)
        assert bank.folder == folder
        assert read_bank(folder).digest == bank.digest
        assert all(finding.severity == "warning" for finding in bank.warnings)


def test_an_unknown_bank_is_told_with_the_one_that_may_have_been_meant(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'berka'"):
        read_bank("berak")
    with pytest.raises(UsageError, match="no bank"):
        read_bank(tmp_path)


@pytest.mark.parametrize(
    ("fields", "phrase"),
    [
        ({"home_curency": "CNY"}, "did you mean 'home_currency'?"),
        ({"start_dat": "2024-01-01"}, "did you mean 'start_date'?"),
        ({"home_currency": "yuan"}, "ISO 4217"),
        ({"time_zone": "Asia/Shangai"}, "did you mean 'Asia/Shanghai'?"),
        ({"start_date": "2024-02-30"}, "a date"),
        ({"start_date": 20240101}, "a date"),
        ({"cut_off": "25:00"}, "a time of the day"),
        ({"calendar": "workdays"}, "every_day"),
        ({"name": "Hand"}, "English and Chinese"),
        ({"code": "Hand Bank"}, "small letters"),
        ({"feeds": []}, "a list of feeds"),
        ({"feeds": ["../x"]}, "a list of feeds"),
        ({"feeds": ["customers", "bookngs"]}, "did you mean 'bookings'?"),
        ({"feeds": ["customers", "customers"]}, "stands twice"),
        ({"parameters": {"silent_after_day": 3}}, "did you mean 'silent_after_days'?"),
        ({"parameters": {"silent_after_days": "45"}}, "a whole number of days"),
        ({"parameters": {"entries": {"R045": 3}}}, "parameters with their values"),
        ({"undated": {"party": ["birthdate"]}}, "did you mean 'birth_date'?"),
        ({"undated": {"partie": []}}, "did you mean 'party'?"),
    ],
)
def test_a_field_of_the_bank_that_cannot_be_used_is_told(tmp_path: Path, fields: Values, phrase: str) -> None:
    error = refused(tmp_path, bank=fields)
    assert phrase in str(error)
    assert error.details["file"].endswith("bank.yaml")
    line = (tmp_path / "bank" / "bank.yaml").read_text(encoding="utf-8").splitlines()[int(error.details["line"]) - 1]
    assert any(word in line for word in re.findall(r"\w{3,}", str(fields)))


def test_fields_that_are_missing_are_all_named(tmp_path: Path) -> None:
    folder = write_bank(tmp_path / "bank")
    (folder / "bank.yaml").write_text("code: hand\n", encoding="utf-8")
    with pytest.raises(ContractError) as error:
        read_bank(folder)
    for field in ("name", "home_currency", "time_zone", "start_date", "feeds"):
        assert f"{field} is missing" in str(error.value)


def test_a_parameter_of_somebodys_own_is_kept(tmp_path: Path) -> None:
    parameters = {"silent_after_days": None, "entries": {"R045": {"floor": 1.5}}, "retention": {"years": 5}}
    assert read_bank(write_bank(tmp_path / "bank", bank={"parameters": parameters})).parameters == parameters


def test_undated_columns_of_the_model_are_said(tmp_path: Path) -> None:
    folder = write_bank(tmp_path / "bank", bank={"undated": {"party": ["region_code", "gender"]}})
    assert read_bank(folder).undated == {"party": ("region_code", "gender")}


def test_the_digest_changes_with_any_file_and_with_nothing_else(tmp_path: Path) -> None:
    folder = write_bank(tmp_path / "bank")
    digest = read_bank(folder).digest
    (folder / "README.md").write_text("not read")
    moved = shutil.copytree(folder, tmp_path / "elsewhere")
    assert read_bank(moved).digest == digest
    digests = {digest}
    for path in sorted([*folder.rglob("*.yaml"), *folder.rglob("*.sql")]):
        kept = path.read_text(encoding="utf-8")
        path.write_text(("-- x\n" if path.suffix == ".sql" else "# x\n") + kept, encoding="utf-8")
        digests.add(read_bank(folder).digest)
        path.write_text(kept, encoding="utf-8")
    assert len(digests) == 1 + 1 + 2 + 3
    assert read_bank(folder).digest == digest


# -- its contracts -----------------------------------------------------------------------------------------------------


def test_an_unclean_contract_stops_the_bank_with_all_its_findings(tmp_path: Path) -> None:
    unclean, other = bookings(), customers()
    col(unclean, "kind")["classification"] = "C3"
    put(unclean, absent=None)
    put(other, volume=None)
    error = refused(tmp_path, contracts=(unclean, other))
    for phrase in ("may not land", "must, hold or skip", "guard before its diff"):
        assert phrase in str(error)


def test_a_contract_is_called_as_its_file(tmp_path: Path) -> None:
    folder = write_bank(tmp_path / "bank", bank={"feeds": ["customers", "bookings", "clients"]})
    shutil.copy(folder / "contracts" / "customers.odcs.yaml", folder / "contracts" / "clients.odcs.yaml")
    with pytest.raises(ContractError, match="is called customers, its file clients"):
        read_bank(folder)


@pytest.mark.parametrize(
    ("target", "phrase"),
    [
        ("customer.customer_no", "no table staged.customer (did you mean 'staged.customers'?)"),
        ("customers.custmer_no", "no column 'custmer_no' (did you mean 'customer_no'?)"),
        ("customers.born", "not of one type: VARCHAR here, DATE in staged.customers"),
    ],
)
def test_a_reference_names_a_column_that_there_is(tmp_path: Path, target: str, phrase: str) -> None:
    contract = bookings()
    col(contract, "customer_no")["relationships"][0]["to"] = target
    assert phrase in str(refused(tmp_path, contracts=(customers(), contract)))


def test_a_query_reads_feeds_that_there_are(tmp_path: Path) -> None:
    contract = bookings()
    at(contract, "schema", 0, "quality", 1)["query"] = "select count(*) from ${object}, staged.client"
    assert "no table staged.client" in str(refused(tmp_path, contracts=(customers(), contract)))


def test_a_query_reads_the_day_before_of_states_and_not_of_events(tmp_path: Path) -> None:
    about_customers = customers()
    rule = {"id": "looks_back", "type": "sql", "mustBe": 0, "dimension": "consistency", "severity": "warning"}
    rule["query"] = "select count(*) from ${object}, before.bookings"
    at(about_customers, "schema", 0).setdefault("quality", []).append(rule)
    error = refused(tmp_path, contracts=(about_customers, bookings()))
    assert "staged.bookings is delivered as events, and has no state of the day before" in str(error)


def test_a_feed_without_a_server_cannot_be_delivered(tmp_path: Path) -> None:
    contract = customers()
    del contract["servers"]
    put(contract, absent=None, maxStaleDays=None)
    assert "a feed needs a server" in str(refused(tmp_path, contracts=(BOOKINGS, contract)))


def test_a_feed_is_not_called_like_a_look_back(tmp_path: Path) -> None:
    contract = customers()
    contract["schema"][0]["name"] = "bookings_history"
    feeds = ["customers", "bookings", "bookings_history"]
    error = refused(tmp_path, bank={"feeds": feeds}, contracts=(customers(), bookings(), contract))
    assert "look-back" in str(error)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    folder = write_bank(tmp_path / "bank")
    for name in ("contracts/customers.odcs.yaml", "conform/party.sql"):
        elsewhere = tmp_path / Path(name).name
        (folder / name).rename(elsewhere)
        (folder / name).symlink_to(elsewhere)
        with pytest.raises(ContractError, match="outside the bank's folder"):
            read_bank(folder)
        (folder / name).unlink()
        elsewhere.rename(folder / name)


# -- its SELECTs -------------------------------------------------------------------------------------------------------


def selects(folder: Path, **conform: str) -> dict[str, ConformSelect]:
    return dict(read_bank(write_bank(folder / "bank", conform=conform)).conform)


def test_a_select_says_what_it_reads_and_what_it_cannot_feed(tmp_path: Path) -> None:
    found = selects(tmp_path)
    assert found["party"].inputs == ("parties.party_map", "staged.customers")
    assert (found["balance"].inputs, found["balance"].history) == (("staged.bookings",), ("staged.bookings",))
    assert found["balance"].sql.inputs == ("staged.bookings_history",)
    assert found["balance"].unfed == ("balance_fcy", "currency", "held_amount")
    party = conformed_contracts()["party"].columns
    assert set(found["party"].unfed) == set(party) - {"party_id", "party_type", "birth_date"}
    assert found["party_map"].table == "parties.party_map"


def test_a_bank_says_which_tables_it_cannot_feed_at_all(tmp_path: Path) -> None:
    bank = read_bank(write_bank(tmp_path / "bank"))
    assert set(bank.unfed) == set(conformed_contracts())
    assert bank.unfed["card"] == tuple(conformed_contracts()["card"].columns)
    assert bank.unfed["party"] == bank.conform["party"].unfed


def test_selects_stand_in_an_order_in_which_they_can_run(tmp_path: Path) -> None:
    holder = (
        "select held.account_id, mapped.party_id, 'owner' as role, held.business_date, held.known_at, held._feed, "
        "held._delivery, held._row_no from conformed.account as held inner join parties.party_map as mapped "
        "on mapped.cust_no = held.account_id"
    )
    order = list(selects(tmp_path, account=ACCOUNT, account_holder=holder))
    assert order.index("account") < order.index("account_holder")
    assert order.index("party_map") < order.index("party")
    assert order.index("party_map") < order.index("account_holder")


def test_selects_that_read_each_other_are_refused(tmp_path: Path) -> None:
    holder = (
        "select held.account_id, 'x' as party_id, 'owner' as role, held.business_date, held.known_at, held._feed, "
        "held._delivery, held._row_no from conformed.account as held"
    )
    account = (
        "select held.account_id, 'CNY' as currency, held.business_date as open_date, held.business_date, held.known_at, "
        "held._feed, held._delivery, held._row_no from conformed.account_holder as held"
    )
    error = refused(tmp_path, conform={"account": account, "account_holder": holder})
    assert "circle" in str(error)
    assert "account -> account_holder" in str(error) or "account_holder -> account" in str(error)


@pytest.mark.parametrize(
    ("sql", "phrase"),
    [
        (ACCOUNT.replace("staged.bookings", "staged.booking"), "did you mean staged.bookings?"),
        (ACCOUNT.replace("staged.bookings", "staged.bookings_history"), "not among its inputs"),
        (ACCOUNT.replace("staged.bookings", "conformed.account"), "not among its inputs"),
        (ACCOUNT.replace("staged.bookings", "conformed.card"), "not among its inputs"),
        (ACCOUNT.replace("staged.bookings", "quarantine.bookings"), "not among its inputs"),
        (ACCOUNT.replace("staged.bookings", "read_csv('/etc/passwd')"), "SQL"),
        (ACCOUNT + "; drop table x", "exactly one SELECT"),
        (ACCOUNT.replace("'CNY' as currency, ", ""), "does not yield currency"),
        (ACCOUNT.replace("known_at, ", ""), "does not yield known_at"),
        (ACCOUNT.replace("'CNY' as currency", "'CNY' as curency"), "did you mean 'currency'?"),
        (ACCOUNT.replace("'CNY' as currency", "'CNY' as currency, 1 as extra"), "yields 'extra'"),
        (ACCOUNT.replace("'CNY' as currency", "'CNY' as currency, 'x' as currency"), "yields currency 2 times"),
        (ACCOUNT.replace("'CNY' as currency", "amount + 1"), "needs a name"),
        ("-- history: staged.bookngs\n" + ACCOUNT, "no table 'staged.bookngs' to look back on"),
        ("-- history: staged.bookings\n" + ACCOUNT, "does not read staged.bookings_history"),
        ("-- history: parties.party_map\n" + ACCOUNT, "to look back on"),
        (ACCOUNT + "\n-- history: staged.bookings\n", None),
        (ACCOUNT.replace("day as open_date", "current_date as open_date"), "SQL may not"),
        (ACCOUNT.replace("'CNY'", "cast(amount * amount as varchar)"), "DECIMAL"),
    ],
)
def test_a_select_that_cannot_feed_the_model_is_refused(tmp_path: Path, sql: str, phrase: str | None) -> None:
    if phrase is None:
        assert "account" in selects(tmp_path, account=sql)
        return
    error = refused(tmp_path, conform={"account": sql})
    assert phrase in str(error)
    assert error.details["file"].endswith("account.sql")


def test_a_fault_in_sql_is_told_with_its_line(tmp_path: Path) -> None:
    error = refused(tmp_path, conform={"account": "-- a comment\n" + ACCOUNT.replace("from staged.", "\nfrom stagd.")})
    assert error.details["line"] == "3"


def test_a_star_stands_for_the_columns_of_its_inputs(tmp_path: Path) -> None:
    sql = f"with found as ({ACCOUNT}) select * from found"
    assert selects(tmp_path, account=sql)["account"].columns[:3] == ("account_id", "currency", "open_date")
    error = refused(tmp_path / "other", conform={"account": "select * from staged.bookings"})
    assert "does not yield account_id, currency, open_date, _feed" in str(error)


def test_a_union_yields_the_names_of_its_first_part(tmp_path: Path) -> None:
    both = f"{ACCOUNT} union all {ACCOUNT}"
    assert selects(tmp_path, account=both)["account"].columns[0] == "account_id"


def test_a_look_back_of_a_conformed_table_comes_after_it(tmp_path: Path) -> None:
    sql = (
        "-- history: conformed.party\nselect past.party_id as account_id, 'CNY' as currency, "
        "past.business_date as open_date, past.business_date, past.known_at, past._feed, past._delivery, past._row_no "
        "from conformed.party_history as past"
    )
    found = selects(tmp_path, account=sql)
    assert found["account"].history == ("conformed.party",)
    assert list(found).index("party") < list(found).index("account")


def test_a_file_for_no_table_is_refused(tmp_path: Path) -> None:
    assert "did you mean 'account'?" in str(refused(tmp_path, conform={"acount": ACCOUNT}))


def test_the_party_map_yields_numbers_and_nothing_else(tmp_path: Path) -> None:
    named = CONFORM["party_map"].replace("business_date, known_at", "'x' as name, business_date, known_at")
    assert "yields 'name'" in str(refused(tmp_path, conform={"party_map": named}))
    no_number = CONFORM["party_map"].replace("customer_no as cust_no, ", "")
    assert "does not yield cust_no" in str(refused(tmp_path / "other", conform={"party_map": no_number}))


def test_a_select_is_read_as_utf_8(tmp_path: Path) -> None:
    folder = write_bank(tmp_path / "bank")
    (folder / "conform" / "party.sql").write_bytes("-- 客户".encode("gb18030"))
    with pytest.raises(ContractError, match="UTF-8"):
        read_bank(folder)


def test_the_contracts_of_the_model_are_clean() -> None:
    assert {"party", "account", "balance", "transaction", "loan_receipt"} <= set(conformed_contracts())


def test_nothing_but_our_errors_leaves(tmp_path: Path) -> None:
    """Whatever stands in the files, the command line has an error to show and not a traceback."""
    for name in ("bank.yaml", "contracts/bookings.odcs.yaml", "conform/party.sql"):
        for content in (b"", b"\x00", b"\xff\xfe", b"- a", b"a: &x [*x]", b"a: 1", b"select", b"'" * 9, b"(" * 5000):
            folder = write_bank(tmp_path / "bank")
            (folder / name).write_bytes(content)
            with pytest.raises(LiangcangError):
                read_bank(folder)


def test_a_column_and_a_server_may_be_added(tmp_path: Path) -> None:
    contract = customers()
    contract["schema"][0]["properties"].append(
        column("name", "VARCHAR", "string", customProperties=custom(nullValues=[]))
    )
    bank = read_bank(write_bank(tmp_path / "bank", contracts=(contract, bookings())))
    assert bank.feeds["customers"].property("name").null_values == ()
