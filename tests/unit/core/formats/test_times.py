"""Moments as callers write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from chancery.core.formats.times import Moment, to_milliseconds

MOMENT = TypeAdapter(Moment)


def refusal(text: str) -> str:
    with pytest.raises(ValidationError) as refused:
        MOMENT.validate_python(text)
    return refused.value.errors()[0]["msg"]


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29)), st.integers(-23 * 60, 23 * 60))
def test_a_moment_is_that_of_the_standard_library_in_utc_and_milliseconds(moment, minutes):
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    text = f"{moment.isoformat()}{sign}{hours:02}:{rest:02}"

    assert MOMENT.validate_python(text) == to_milliseconds(datetime.fromisoformat(text))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1990-12-31T23:59:60Z", datetime(1991, 1, 1, tzinfo=UTC)),
        ("1990-12-31t23:59:60z", datetime(1991, 1, 1, tzinfo=UTC)),
        ("1990-12-31T15:59:60-08:00", datetime(1991, 1, 1, tzinfo=UTC)),
        ("2017-01-01T05:29:60+05:30", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.250Z", datetime(2017, 1, 1, tzinfo=UTC) + timedelta(milliseconds=250)),
    ],
)
def test_a_leap_second_is_the_second_after_it(text, moment):
    assert MOMENT.validate_python(text) == moment


@pytest.mark.parametrize("text", ["1990-12-31T23:58:60Z", "1990-12-31T22:59:60Z", "1990-12-31T23:59:60-08:00"])
def test_a_second_60_that_cannot_be_one_is_refused_by_its_name(text):
    assert "leap seconds are inserted at 23:59:60 UTC only" in refusal(text)


@pytest.mark.parametrize("text", ["1990-12-31T23:59:61Z", "1990-13-31T23:59:60Z", "2026-02-30T23:59:60Z"])
def test_what_is_no_time_is_refused(text):
    assert "RFC 3339" in refusal(text) or "valid datetime" in refusal(text)


def test_the_second_after_the_last_one_of_all_is_refused():
    assert "after the year 9999" in refusal("9999-12-31T23:59:60Z")
