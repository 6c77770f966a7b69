"""The dates of a history that share a file."""

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from assets.night import whole_months
from liangcang.engine import ROW_GROUP_ROWS

COUNTS = st.dictionaries(
    st.dates(dt.date(2024, 11, 1), dt.date(2026, 2, 28)), st.integers(0, ROW_GROUP_ROWS * 2 // 3), max_size=40
)


def month(day: dt.date) -> tuple[int, int]:
    return day.year, day.month


@given(COUNTS)
def test_files_take_whole_months_until_a_row_group_is_full(counts: dict[dt.date, int]):
    files = list(whole_months(counts))
    assert [day for days in files for day in days] == sorted(counts)
    for days in files:
        assert len({month(day) for day in days}) == 1 or sum(counts[day] for day in days) <= ROW_GROUP_ROWS
    for days, later in pairwise(files):
        assert month(days[-1]) < month(later[0])
        first = [day for day in later if month(day) == month(later[0])]
        assert sum(counts[day] for day in days + first) > ROW_GROUP_ROWS


def test_a_bank_of_eighty_thousand_bookings_a_day_has_a_file_a_month():
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(90)]
    assert [len(file) for file in whole_months(dict.fromkeys(days, 80_000))] == [31, 28, 31]
