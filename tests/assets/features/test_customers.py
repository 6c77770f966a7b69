"""What the customer's record says, and what nobody said."""

from __future__ import annotations

import datetime as dt
from typing import Any

from features_by_hand import D, Row, account, days, features_of, party, world

from assets.features.parameters import Parameters


def of(said: dict[str, dict[str, Any]], parameters: Parameters | None = None) -> list[Row]:
    return features_of({name: world(account(), parties=[party(**row)]) for name, row in said.items()}, parameters)


def test_a_document_is_over_from_the_day_after_its_last() -> None:
    said = {
        "unknown": {},
        "long": {"id_long_term": True},
        "over": {"id_expiry": D - days(1), "id_long_term": False},
        "today": {"id_expiry": D},
        "soon": {"id_expiry": D + days(90)},
        "later": {"id_expiry": D + days(91)},
    }
    assert [(row["id_over_days"], row["id_ending"]) for row in of(said)] == [
        (None, None), (0, False), (1, False), (0, True), (0, True), (0, False),
    ]  # fmt: skip


def test_only_a_resident_id_can_be_wrong() -> None:
    said = {
        "wrong": {"id_type": "resident_id", "id_valid": False},
        "right": {"id_type": "resident_id", "id_valid": True},
        "not judged": {"id_type": "resident_id"},
        "passport": {"id_type": "passport"},
        "unknown": {},
    }
    assert [row["id_wrong"] for row in of(said)] == [True, False, None, False, None]


def test_who_is_local_is_the_banks_to_say() -> None:
    said = {
        "both": {"native_region": "330327", "region_code": "330326100201"},
        "native": {"native_region": "330327", "region_code": "110101"},
        "elsewhere": {"native_region": "330", "region_code": "3303271"},
        "unknown": {},
    }
    own = Parameters(features={"local_codes": "330327|330326"})
    assert [(row["native_local"], row["resident_local"]) for row in of(said, own)] == [
        (True, True), (True, False), (False, True), (None, None),
    ]  # fmt: skip
    assert {(row["native_local"], row["resident_local"]) for row in of(said)} == {(None, None)}


def test_the_record_is_told_as_it_is_and_in_groups() -> None:
    whole = {
        "marital_status": "20", "education": "60", "occupation": "50000", "industry_code": "A0311",
        "native_region": "330327", "birth_date": dt.date(1980, 11, 1), "mobile_valid": True, "farmer": True,
        "profile_filled": 9, "status": "deceased", "aml_risk": 2, "marketing_consent": False,
        "personalisation_consent": True,
    }  # fmt: skip
    told, nothing, alive = of({"told": whole, "nothing": {}, "alive": {"status": "frozen", "birth_date": D - days(30)}})
    expected = {
        "marital_status": "20", "education": "60", "occupation_group": "5", "industry_section": "A",
        "native_province": "33", "birthday_month": True, "mobile_valid": True, "farmer": True, "profile_filled": 9,
        "deceased": True, "aml_risk": 2, "marketing_consent": False, "personalisation_consent": True,
    }  # fmt: skip
    assert {name: told[name] for name in expected} == expected
    assert {nothing[name] for name in expected} == {None}
    assert (alive["deceased"], alive["birthday_month"]) == (False, False)


def test_what_is_said_of_a_customer_stands_on_a_day_without_customers() -> None:
    (row,) = of({"old": {"status": "normal", "marketing_consent": True}}, Parameters(customers_fresh=False))
    assert (row["customer_known"], row["deceased"], row["marketing_consent"]) == (False, False, True)
