"""Log lines that a caller can provoke: one a minute, the others counted."""

from datetime import timedelta

from chancery.core.log_limit import LogLimit
from tests.builders import NOON


def test_one_line_a_minute_of_each_key_and_the_number_of_those_between():
    moments = [NOON + timedelta(seconds=seconds) for seconds in (0, 1, 59, 59, 60, 61, 130)]
    clock = iter(moments)
    limit = LogLimit(lambda: next(clock))

    found = [limit.unlogged(key) for key in ("a", "a", "a", "b", "a", "a", "a")]

    assert found == [0, None, None, 0, 2, None, 1]


def test_a_flood_of_keys_is_not_remembered_for_ever():
    limit = LogLimit(lambda: NOON)

    assert [limit.unlogged(number) for number in range(5000)] == [0] * 5000
    assert len(limit._seen) <= 1000
