"""Filters of live views: those of searches, by the values of a line."""

import pytest

from chancery.core.errors import ValidationFailed
from chancery.core.feeds import FeedRecord
from chancery.logs.filters import LogFilter
from chancery.logs.live_feed import LiveLogFilter, LogLiveFeed
from chancery.logs.queries import EQUAL

LINE = {"level": "warn", "message": "Disk full", **{name: f"{name}-1" for name in EQUAL}}
FEED = LogLiveFeed(tail=None)


def matches(**filters):
    return FEED.matches(filters)(FeedRecord(7, "app", LINE))


@pytest.mark.parametrize("name", [name for name in EQUAL if name != "traceId"])
def test_every_value_that_a_search_compares_is_compared(name):
    assert matches(**{name: f"{name}-1"})
    assert not matches(**{name: f"{name}-2"})


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, True),
        ({"level": "info"}, True),
        ({"level": "warn"}, True),
        ({"level": "error"}, False),
        ({"kinds": ["app", "error"]}, True),
        ({"kinds": ["error"]}, False),
        ({"q": "disk"}, True),
        ({"q": "printer"}, False),
        ({"level": "info", "userId": "userId-1", "q": "full"}, True),
        ({"level": "info", "userId": "userId-2", "q": "full"}, False),
    ],
)
def test_a_line_must_match_all_filters(filters, found):
    assert matches(**filters) == found


@pytest.mark.parametrize("filters", [{"q": " "}, {"q": "a " * 11}, {"level": "loud"}, {"from": "2026-01-01T00:00:00Z"}])
def test_wrong_filters_are_refused(filters):
    with pytest.raises(ValidationFailed):
        matches(**filters)


def test_live_views_have_the_filters_of_searches_but_for_tenant_and_time():
    assert LiveLogFilter.model_fields.keys() - {"kinds"} == LogFilter.model_fields.keys() - {"tenant_id", "from_", "to"}
