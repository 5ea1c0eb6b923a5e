"""`Audit Event Recorded`."""

import orjson
import pytest

from chancery.audit.events import RECORDED, recorded_event
from chancery.core.aws.event_bus import MAX_BYTES, Bus
from chancery.core.errors import Unavailable
from tests.builders import record


def test_an_event_holds_the_record_without_before_after_and_salts():
    stored = record()

    published = recorded_event(stored)

    assert set(stored) - set(published) == {"before", "after", "salts"}
    assert published["createdOn"].endswith("Z")


def test_an_event_that_would_be_too_large_for_the_bus_goes_without_metadata():
    controls = {
        "description": "\x01" * 10_000,
        "actorName": "\x01" * 500,
        "userAgent": "\x01" * 2048,
    }
    most = {"large": "x" * (MAX_BYTES // 2 - 100)}

    assert "metadata" not in recorded_event(record(metadata={"large": "x" * MAX_BYTES}))
    published = recorded_event(record(metadata=most, **controls))
    assert published["metadata"] == most
    assert len(orjson.dumps(published)) < MAX_BYTES


def test_the_bus_is_called_with_at_most_ten_entries_and_256_kb():
    calls: list[list[dict]] = []

    def put_events(Entries: list[dict]) -> dict:
        calls.append(Entries)
        return {"FailedEntryCount": 0}

    Bus("b", put_events).publish(RECORDED, [{"n": at, "pad": "x" * (60_000 if at < 6 else 10)} for at in range(40)])

    sizes = [sum(len(entry["Detail"]) for entry in call) for call in calls]
    assert sorted(orjson.loads(entry["Detail"])["n"] for call in calls for entry in call) == list(range(40))
    assert max(len(call) for call in calls) == 10
    assert max(sizes) <= MAX_BYTES


@pytest.mark.parametrize("failure", [{"FailedEntryCount": 1}, ConnectionError("away")])
@pytest.mark.parametrize("entries", [1, 25])
def test_an_entry_that_is_not_taken_is_an_error(failure, entries):
    def put_events(Entries: list[dict]) -> dict:
        if isinstance(failure, Exception):
            raise failure
        return failure

    with pytest.raises(Unavailable):
        Bus("b", put_events).publish(RECORDED, [{"n": 1}] * entries)
