from __future__ import annotations

import pytest

from assets.churn.labels import all_labels
from assets.churn.model_inputs import INPUTS, definition, model_inputs, read, reads, rows_select
from assets.features.party import feature_tables
from assets.tags.customer_tags import tag_catalogue
from liangcang.errors import ContractError
from liangcang.portability import lint
from liangcang.sql import check_select

COLUMNS = feature_tables()[1].columns


@pytest.mark.parametrize("label", all_labels().values(), ids=lambda label: label.id)
def test_the_select_of_the_inputs_reads_features_alone_and_runs_alike_elsewhere(label) -> None:
    text = rows_select(label, model_inputs(), more={"base": label.sql(label.base), "age": "age"})
    checked = check_select(text, tables=["features.party"], where="churn")
    assert checked.inputs == ("features.party",)
    assert lint(checked.tree, types={"features.party": COLUMNS}) == []
    assert reads(label, model_inputs()) <= {*COLUMNS}


def test_no_input_is_a_tag_or_rests_on_age_or_sex() -> None:
    tags = {entry.id.lower() for entry in tag_catalogue().entries} | {tag.column for tag in tag_catalogue().tags}
    for item in model_inputs():
        assert not {*item.formula.columns} & {"age", "gender"}
        assert item.name not in tags
        assert item.meaning


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- name: age", "age is protected"),
        ("- name: sex\n  sql: case when gender = '2' then 1 else 0 end\n  meaning: x", "gender is protected"),
        ("- name: t135_aum_decline", "no such column"),
        ("- name: t138_churn_band", "no such column"),
        ("- name: last_txn", "last_txn is no number"),
        ("- name: main_channel", "main_channel is no number"),
        ("- name: a\n  sql: dep_d / nullif($x, 0)\n  meaning: x", "takes no parameter"),
        ("- name: a\n  sql: '1'\n  meaning: x", "speaks of columns"),
        ("- name: a\n  sql: sum(dep_d)\n  meaning: x", "no aggregate"),
        ("- name: a\n  sql: dep_d", "with a formula its meaning"),
        ("- name: dep_d\n- name: dep_d", "defined twice"),
        ("- nme: dep_d", "did you mean 'name'"),
        ("dep_d: 1", "a list of inputs"),
    ],
)
def test_an_input_that_may_not_be_is_refused_with_its_line(text: str, what: str) -> None:
    with pytest.raises(ContractError, match=what) as caught:
        read(text)
    assert int(caught.value.details["line"]) >= 1


def test_the_definition_changes_with_a_formula_or_a_threshold_and_with_nothing_else() -> None:
    label, inputs = all_labels()["c1_aum_drop"], model_inputs()
    before = definition(label, inputs)
    other = read(INPUTS.read_text().replace("dep_d / nullif(bal_mean_90", "dep_d / nullif(bal_mean_60", 1))
    again = read(INPUTS.read_text().replace("Debits of 7 days against", "What went out in 7 days against", 1))
    assert definition(label, other) != before == definition(label, again)
