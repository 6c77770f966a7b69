"""A first contract from a sample: right about the file, sure of nothing else, and silent about people."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from data_contracts import odcs, strict
from data_contracts.contract import Contract
from data_contracts.draft import Draft, draft
from data_contracts.guess import guesses, key_candidates
from data_contracts.lint import lint
from data_contracts.personal import authenticates, card_number, looks_personal, resident_id
from data_contracts.sample import SEPARATORS, Sample, read_sample
from liangcang.errors import UsageError
from pipelines.cli import commands

SURNAMES, GIVEN = "王李张刘陈杨黄赵吴周", "伟芳娜敏静丽强磊军洋勇艳杰"


def check_digit(seventeen: str) -> str:
    """GB 11643-1999, written the other way: Σ aᵢ·2^(i-1) mod 11 over all 18 is 1."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(seventeen))
    return "0123456789X"[(1 - total) % 11]


def person(n: int) -> list[str]:
    """No., name, ID, mobile, sex, opened on, balance, branch: 300 of them, of nobody."""
    birth = f"19{50 + n % 50}{1 + n % 12:02}{1 + n % 28:02}"
    seventeen = f"330327{birth}{n % 1000:03}"
    name = SURNAMES[n % 10] + GIVEN[n % 13] + GIVEN[n * 7 % 13]
    return [
        f"88{n:014}",
        name,
        seventeen + check_digit(seventeen),
        f"13{n:09}",
        "12"[n % 2],
        f"2020{1 + n % 12:02}{1 + n % 28:02}",
        f"{n * 37 % 9973}.{n % 100:02}",
        f"0{n % 40:08}",
    ]


PEOPLE = [person(n) for n in range(300)]
HEADER = ["cust_no", "cust_name", "id_no", "mobile", "sex", "open_date", "balance", "org_no"]


def lay(
    folder: Path,
    rows: Sequence[Sequence[str]] = PEOPLE,
    *,
    name: str = "core_cust_20261120_full_01.dat",
    separator: str = "|@|",
    encoding: str = "gb18030",
    end: str = "\n",
    header: Sequence[str] = (),
) -> Path:
    lines = [separator.join(row) for row in ([header, *rows] if header else rows)]
    content = "".join(f"{line}{end}" for line in lines).encode(encoding)
    path = folder / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


def proposed(made: Draft) -> Contract:
    contract, findings = odcs.examined(strict.load(made.text, where="made"), Path("contracts/cust.odcs.yaml"), "")
    assert findings == []
    assert contract is not None
    return contract


# -- how the file is written -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", SEPARATORS, ids=repr)
@pytest.mark.parametrize(("encoding", "said"), [("utf-8", "UTF-8"), ("utf-8-sig", "utf-8-sig"), ("gb18030", "GB18030")])
def test_encoding_separator_and_header_are_told_from_the_bytes(
    tmp_path: Path, separator: str, encoding: str, said: str
) -> None:
    for header in ((), HEADER):
        sample = read_sample(lay(tmp_path, separator=separator, encoding=encoding, header=header))
        assert (sample.encoding, sample.delimiter, sample.names) == (said, separator, tuple(header))
        assert [list(row) for row in sample.rows] == PEOPLE


def test_line_ends_packing_quotes_and_a_missing_end_are_seen(tmp_path: Path) -> None:
    sample = read_sample(lay(tmp_path, name="a_20261120.csv.gz", separator=",", end="\r\n"))
    assert (sample.line_terminator, sample.compressed, sample.terminated) == ("\r\n", True, True)
    path = tmp_path / "quoted_20261120.csv"
    path.write_text('no,words\n1,"a, b"\n2,"c ""d"""\n30,e', encoding="utf-8")
    sample = read_sample(path)
    assert (sample.quote, sample.terminated, sample.names) == ('"', False, ("no", "words"))
    assert [list(row) for row in sample.rows] == [["1", "a, b"], ["2", 'c "d"'], ["30", "e"]]


def test_lines_of_another_width_are_counted_and_left_out(tmp_path: Path) -> None:
    sample = read_sample(lay(tmp_path, [*PEOPLE, ["1", "2"]]))
    assert (len(sample.rows), sample.odd) == (300, 1)


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"", "empty"),
        (b"\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
        (b"a\0b\n", "NUL"),
        (b"abc\ndef\n", "no separator"),
        (b"a,b\n", "no key|rows|separator|column"),
    ],
)
def test_a_file_that_is_no_sample_is_refused_with_a_reason(tmp_path: Path, content: bytes, phrase: str) -> None:
    path = tmp_path / "x.dat"
    path.write_bytes(content)
    if content == b"a,b\n":  # one row, and nothing to be sure of: a state without a key, and lint says so
        assert any("primaryKey" in finding.message for finding in draft("cust", path).findings)
        return
    with pytest.raises(UsageError, match=phrase):
        read_sample(path)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", tmp_path / "nowhere"):
        with pytest.raises(UsageError):
            read_sample(place)


# -- what the columns are ----------------------------------------------------------------------------------------------


def test_the_columns_of_a_customer_file(tmp_path: Path) -> None:
    made = draft("cust", lay(tmp_path, header=HEADER))
    contract = proposed(made)
    assert made.findings == ()
    assert lint(contract) == []
    assert contract.columns == {
        "cust_no": "VARCHAR",
        "cust_name": "VARCHAR",
        "id_no": "VARCHAR",
        "mobile": "VARCHAR",
        "sex": "VARCHAR",
        "open_date": "DATE",
        "balance": "DECIMAL(18,2)",
        "org_no": "VARCHAR",
    }
    assert contract.key == ("cust_no",)
    assert tuple(contract.property("sex").codes) == ("1", "2")
    assert contract.property("open_date").format == "yyyyMMdd"
    assert {p.classification for p in contract.properties} == {"C2"}
    form = contract.format("daily")
    assert form is not None
    assert form.path == "*/core_cust_{business_date:%Y%m%d}_full_{sequence}.dat"
    assert (form.header, form.encoding, form.delimiter) == (True, "GB18030", "|@|")
    for phrase in ("resident IDs", "mobile numbers", "names of persons"):
        assert phrase in made.text


def typed(tmp_path: Path, values: Sequence[str]) -> Contract:
    rows = [[f"k{n}", value] for n, value in enumerate(values)]
    return proposed(draft("cust", lay(tmp_path, rows, encoding="utf-8")))


@pytest.mark.parametrize(
    ("values", "kind", "layout"),
    [
        (["20260101", "99991231"], "DATE", "yyyyMMdd"),
        (["2026-01-01", ""], "DATE", None),
        (["2026/01/01"], "DATE", "yyyy/MM/dd"),
        (["20260230", "20260101"], "VARCHAR", None),
        (["20/11/2026", "03/04/2026"], "DATE", "dd/MM/yyyy"),
        (["11/20/2026", "03/04/2026"], "DATE", "MM/dd/yyyy"),
        (["20.11.2026"], "DATE", "dd.MM.yyyy"),
        (["20261120235959"], "TIMESTAMP", "yyyyMMddHHmmss"),
        (["2026-11-20 23:59:59"], "TIMESTAMP", None),
        (["120000", "235959"], "VARCHAR", None),
        ([f"{n:02}{n:02}{n:02}" for n in range(24)], "TIME", "HHmmss"),
        (["010", "120"], "VARCHAR", None),
        (["1", "12", "-3"], "INTEGER", None),
        (["1", "12345678901"], "BIGINT", None),
        (["1", "1234567890123456789"], "VARCHAR", None),
        (["6228480000000001", "6228480000000002"], "VARCHAR", None),
        (["0.5", "12345678901234567890.25"], "DECIMAL(24,2)", None),
        (["1.123456", "2"], "DECIMAL(18,6)", None),
        (["1e5", "2"], "VARCHAR", None),
        (["1,000.00", "2.00"], "VARCHAR", None),
        (["", ""], "VARCHAR", None),
        (["NULL", "12.50"], "DECIMAL(18,2)", None),
    ],
    ids=lambda value: str(value)[:30],
)
def test_types_are_told_by_all_values(tmp_path: Path, values: list[str], kind: str, layout: str | None) -> None:
    column = typed(tmp_path, values).property("c02")
    assert (column.type, column.format) == (kind, layout)
    assert column.required == (not {"", "NULL"} & set(values))


def test_a_few_faulty_dates_do_not_make_a_date_a_text(tmp_path: Path) -> None:
    values = [f"202611{1 + n % 30:02}" for n in range(199)]
    rows = [[f"k{n}", value] for n, value in enumerate([*values, "20261131"])]
    made = draft("cust", lay(tmp_path, rows, encoding="utf-8"))
    assert proposed(made).property("c02").type == "DATE"
    assert "1 value(s) are no DATE: such rows would be quarantined" in made.text


def test_a_date_that_could_begin_with_day_or_month_is_a_question(tmp_path: Path) -> None:
    both, sure = ([["k1", "03/04/2026"], ["k2", day]] for day in ("05/06/2026", "25/06/2026"))
    assert "day or month first?" in draft("cust", lay(tmp_path, both, encoding="utf-8")).text
    assert "day or month first?" not in draft("cust", lay(tmp_path, sure, encoding="utf-8")).text


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("20261120/core_cust_20261120_full_01.dat", "*/core_cust_{business_date:%Y%m%d}_full_{sequence}.dat"),
        ("x/cust_2026-11-20.csv", "*/cust_{business_date:%Y-%m-%d}.csv"),
        ("2026-11-20/cust.1.csv", "*/{business_date:%Y-%m-%d}/cust.{sequence}.csv"),
        ("x/cust.csv", "{business_date:%Y%m%d}/cust.csv"),
    ],
)
def test_the_pattern_of_file_names_is_told_by_the_sample_s_own(tmp_path: Path, name: str, path: str) -> None:
    (tmp_path / name).parent.mkdir()
    form = proposed(draft("cust", lay(tmp_path, name=name))).format("daily")
    assert form is not None
    assert form.path == path


ROWS = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=width, max_size=width), min_size=2, max_size=9
    )
)


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_key_candidates_are_the_smallest_sets_that_no_two_rows_share(rows: list[list[str]]) -> None:
    """The oracle: every set of at most three columns, looked at one by one."""
    width = len(rows[0])
    sample = Sample(
        path=Path("x"), encoding="UTF-8", delimiter=",", quote="", line_terminator="\n", terminated=True,
        compressed=False, names=(), rows=rows, odd=0, whole=True, control=(),
    )  # fmt: skip
    names = [f"c{n}" for n in range(width)]
    expected: list[tuple[str, ...]] = []
    for size in (1, 2, 3):
        sets = combinations(range(width), size)
        expected = expected or [
            tuple(names[n] for n in one) for one in sets if len({tuple(row[n] for n in one) for row in rows}) == len(rows)
        ]  # fmt: skip
    assert key_candidates(sample, guesses(sample, names)) == expected


def test_of_a_large_file_the_beginning_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole lines of it, also where the bound cuts through a character of two bytes."""
    path = lay(tmp_path)
    for bound in range(4000, 4012):
        monkeypatch.setattr("data_contracts.sample.MAX_BYTES", bound)
        sample = read_sample(path)
        assert not sample.whole
        assert [list(row) for row in sample.rows] == PEOPLE[: len(sample.rows)]
        assert 30 < len(sample.rows) < 100


def test_a_file_s_name_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = lay(tmp_path, name="a\x1b[2J\x9b\u202e_20261120.dat")
    ran = CliRunner().invoke(commands, ["contracts", "new", "cust", str(path)])
    assert ran.exit_code == 2  # and lint says that no file name needs such a character
    assert not {"\x1b", "\x9b", "\u202e"} & set(ran.stdout + ran.stderr)


# -- people ------------------------------------------------------------------------------------------------------------


def test_check_characters_are_those_of_the_standards() -> None:
    assert resident_id("11010519491231002X")  # the standard's own example
    assert not resident_id("110105194912310021")
    assert not resident_id("11010519491331002X")
    assert card_number("4111111111111111")
    assert not card_number("4111111111111112")
    for row in PEOPLE[:50]:
        digits = row[2]
        assert resident_id(digits)
        assert not any(resident_id(digits[:17] + other) for other in "0123456789X" if other != digits[17])


def test_nothing_of_a_person_is_in_the_contract_or_on_the_terminal(tmp_path: Path) -> None:
    """Also where few people come again and again, as managers do, and where a column has no more than two of them."""
    few = [
        [*row, "张伟", "WANGLEI", row[2] if n % 2 else PEOPLE[0][2], "李芳"[: 1 + n % 2]]
        for n, row in enumerate(PEOPLE)
    ]
    path = lay(tmp_path, few)
    ran = CliRunner().invoke(commands, ["contracts", "new", "cust", str(path)])
    assert ran.exit_code == 0
    shown = ran.stdout + ran.stderr
    values = {value for row in few for value in row if len(value) > 4 or not value.isascii()}
    assert len(values) > 1000
    assert [value for value in values if value in shown] == []


def test_a_row_of_a_file_without_a_header_never_becomes_one(tmp_path: Path) -> None:
    rows = [["张伟", "WANGLEI", "a"], ["王芳", "LINA", "b"], ["李娜", "ZHAO", "c"]]
    assert read_sample(lay(tmp_path, rows)).names == ()
    faulty_first = [["张伟", "unknown"], *([f"k{n}", str(n)] for n in range(9))]
    assert read_sample(lay(tmp_path, faulty_first)).names == ()
    assert read_sample(
        lay(tmp_path, PEOPLE, header=["客户号", "姓名", "证件", "手机", "性别", "开户日期", "余额", "机构"])
    ).names


@pytest.mark.parametrize("name", ["cvv2", "login_pwd", "card_expiry", "交易密码"])
def test_what_authenticates_is_not_declared(tmp_path: Path, name: str) -> None:
    path = lay(tmp_path, [["1", "123"], ["2", "456"]], header=["no", name], encoding="utf-8")
    with pytest.raises(UsageError, match="may not land"):
        draft("cust", path)


def test_track_data_of_cards_is_not_declared_whatever_its_column_is_called(tmp_path: Path) -> None:
    rows = [[f"k{n}", f"62284800000000{n:02}=3012120000"] for n in range(20)]
    with pytest.raises(UsageError, match="may not land"):
        draft("cust", lay(tmp_path, rows))
    assert not authenticates(("note", ""), ["6228480000000001"])


def test_a_column_is_personal_by_its_values_or_by_its_name() -> None:
    assert looks_personal("c01", ["张伟", "王芳"])
    assert looks_personal("c01", ["浙江省平阳县昆阳镇人民路1号"])
    assert looks_personal("cust_name", ["a", "b"])
    assert looks_personal("c01", ["a@b.cn"])
    assert looks_personal("c01", ["活期", "定期"]) is None
    assert looks_personal("c01", []) is None


# -- the command -------------------------------------------------------------------------------------------------------


def new(*words: object) -> Result:
    return CliRunner().invoke(commands, ["contracts", "new", *map(str, words)])


def test_the_contract_goes_to_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    sample = lay(tmp_path)
    assert new("cust", sample, "--out", tmp_path).exit_code == 0
    assert lint(odcs.read(tmp_path / "cust.odcs.yaml")) == []
    again = new("cust", sample, "--out", tmp_path)
    assert again.exit_code == 2
    assert "there is a file already" in again.stderr
    assert new("cust", sample).stdout == (tmp_path / "cust.odcs.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("feed", ["Cust", "config", "a b", "x_history", ""])
def test_a_feed_has_a_name_of_ours(tmp_path: Path, feed: str) -> None:
    assert new(feed, lay(tmp_path)).exit_code == 2


def test_what_a_person_has_to_fill_in_first_is_said(tmp_path: Path) -> None:
    """A state in which nothing is unique has no key that could be proposed."""
    ran = new("cust", lay(tmp_path, [["a", "b"]] * 5, encoding="utf-8"))
    assert ran.exit_code == 2
    assert "before it can be used" in ran.stderr
    assert "primaryKey" in ran.stderr
