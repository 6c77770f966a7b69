"""Manifests say the same whatever way they went, and every changed byte is noticed."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liangcang.errors import WarehouseError
from liangcang.manifest import (
    Manifest,
    Night,
    TableVersion,
    identified,
    manifest_from_bytes,
    manifest_to_bytes,
    version_from_bytes,
    version_to_bytes,
)
from liangcang.table import Entry, Table

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
shas = st.text("0123456789abcdef", min_size=64, max_size=64)
days = st.dates(dt.date(1993, 1, 1), dt.date(2100, 1, 1))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
entries = st.builds(
    Entry,
    sha256=shas,
    rows=st.integers(0),
    bytes=st.integers(0),
    inputs=st.dictionaries(names, shas, max_size=3),
    note=st.dictionaries(names, json_values, max_size=3),
)
tables = st.lists(names, min_size=1, max_size=5, unique=True).flatmap(
    lambda columns: st.builds(
        Table,
        name=st.tuples(names, names).map(".".join),
        columns=st.fixed_dictionaries(dict.fromkeys(columns, st.sampled_from(["VARCHAR", "DECIMAL(18,2)", "DATE"]))),
        key=st.lists(st.sampled_from(columns), unique=True).map(tuple),
        kind=st.sampled_from(["event", "state", "snapshot"]),
        title=st.text(),
        comments=st.dictionaries(names, st.text(), max_size=2),
    )
)
versions = st.builds(
    TableVersion,
    table=tables,
    entries=st.dictionaries(days, entries, max_size=4),
    facts=st.dictionaries(names, json_values, max_size=3),
)
ids = st.text("0123456789abcdef", min_size=12, max_size=12).map(lambda sha: f"000001-{sha}")
drafts = st.builds(
    Manifest,
    id=st.just(""),
    number=st.integers(0, 10**7),
    parent=st.none() | ids,
    created_at=st.datetimes(timezones=st.just(dt.UTC)),
    tables=st.dictionaries(names, shas, max_size=3),
    nights=st.dictionaries(days, st.builds(Night, st.just("") | ids, ids), max_size=3),
    published=st.dictionaries(names, st.just("") | ids, max_size=3),
    engine=st.dictionaries(names, names, max_size=2),
)


@settings(max_examples=50)
@given(versions)
def test_a_table_version_comes_back_with_its_columns_in_order(version: TableVersion) -> None:
    back = version_from_bytes(version_to_bytes(version))
    assert back == version
    assert list(back.table.columns) == list(version.table.columns)
    assert list(back.entries) == sorted(version.entries)


@settings(max_examples=50)
@given(drafts)
def test_a_manifest_comes_back_and_names_itself(draft: Manifest) -> None:
    manifest, data = identified(draft)
    assert manifest_to_bytes(manifest) == data
    assert manifest.nights == {day: Night(at.manifest or manifest.id, at.record) for day, at in draft.nights.items()}
    assert manifest.published == {key: id or manifest.id for key, id in draft.published.items()}
    assert list(manifest.published) == list(draft.published)


@settings(max_examples=50)
@given(drafts, st.data())
def test_any_flipped_bit_of_a_manifest_is_noticed(draft: Manifest, data: st.DataObject) -> None:
    manifest, said = identified(draft)
    at = data.draw(st.integers(0, len(said) - 1))
    flipped = said[:at] + bytes([said[at] ^ (1 << data.draw(st.integers(0, 7)))]) + said[at + 1 :]
    with pytest.raises(WarehouseError, match="damaged"):
        manifest_from_bytes(flipped, id=manifest.id)
