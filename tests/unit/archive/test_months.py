"""Which months are due: on every day of several years, at their first and last moments, in any zone."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chancery.archive.month_selection import Month, last_due

YEARS = (2023, 2029)  # with the leap years 2024 and 2028
DAYS = [
    datetime(YEARS[0], 1, 1, tzinfo=UTC) + timedelta(days=day)
    for day in range((datetime(YEARS[1], 1, 1) - datetime(YEARS[0], 1, 1)).days)
]
MONTHS = [Month(year, number) for year in range(2010, YEARS[1]) for number in range(1, 13)]
ZONES = ("Pacific/Kiritimati", "Pacific/Niue", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns")
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC))


def anniversaries(years: int) -> list[tuple[datetime, Month]]:
    """The rule in other words: a month is due from the same date and time on, so many years after its end."""
    return [(month.end.replace(year=month.end.year + years), month) for month in MONTHS]


@pytest.mark.parametrize("years", [1, 2, 7])
def test_on_every_day_exactly_the_months_are_due_that_ended_so_long_ago(years):
    expected = anniversaries(years)
    for day in DAYS:
        for now in (day, day.replace(hour=23, minute=59, second=59, microsecond=999000)):
            last = last_due(now, 12 * years)

            assert last == max(month for moment, month in expected if moment <= now)


def test_a_month_becomes_due_in_the_first_moment_of_a_month_and_never_within_one():
    for before, day in pairwise(DAYS):
        newly = last_due(day, 24) != last_due(before, 24)

        assert newly == (day.day == 1)
        assert last_due(day - timedelta(milliseconds=1), 24) == last_due(before, 24)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-02-28T23:59:59.999+00:00", "2024-01"),
        ("2026-03-01T00:00:00.000+00:00", "2024-02"),
        ("2024-02-29T12:00:00.000+00:00", "2022-01"),
        ("2026-01-01T00:00:00.000+00:00", "2023-12"),
        ("2025-12-31T23:59:59.999+00:00", "2023-11"),
    ],
)
def test_leap_days_and_turns_of_the_year_shift_nothing(now, expected):
    assert str(last_due(datetime.fromisoformat(now), 24)) == expected


@pytest.mark.parametrize("zone", ZONES)
def test_the_time_zone_of_a_moment_makes_no_difference(zone):
    for day in DAYS:
        for moment in (day, day - timedelta(milliseconds=1), day + timedelta(hours=12)):
            local = moment.astimezone(ZoneInfo(zone))

            assert last_due(local, 24) == last_due(moment, 24)
            assert Month.of(local) == Month.of(moment)


@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_every_moment_is_in_one_month(moment, offset):
    month = Month.of(moment.astimezone(timezone(timedelta(minutes=offset))))

    assert month.start <= moment < month.end
    assert month.end == month.plus(1).start
    assert (str(month), Month.parse(str(month))) == (f"{moment:%Y-%m}", month)


@given(MOMENTS, st.integers(-5000, 5000), st.integers(-5000, 5000))
def test_months_add_up(moment, first, second):
    month = Month.of(moment)

    assert month.plus(first).plus(second) == month.plus(first + second)
    assert (month.plus(first) > month) == (first > 0)


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "2024-1", "24-01", "2024-01 ", "2024-01-01", "", "2024/01"])
def test_an_invalid_month_is_refused(text):
    with pytest.raises(ValueError, match="looks like"):
        Month.parse(text)
