"""`Audit Event Recorded`."""

import orjson
import pytest

from chancery.audit.facts import RECORDED, Facts, event_of, fact
from chancery.audit.intake import Intake
from chancery.core.bus import MAX_BYTES, Bus
from chancery.core.errors import Unavailable
from tests.builders import record
from tests.fakes import FakeBus, FakeQueue


def test_a_fact_holds_the_record_without_before_after_and_salts():
    stored = record()

    told = fact(stored)

    assert set(stored) - set(told) == {"before", "after", "salts"}
    assert told["createdOn"].endswith("Z")


def test_a_fact_that_would_be_too_large_for_the_bus_goes_without_metadata():
    told = fact(record(metadata={"large": "x" * MAX_BYTES}))

    assert "metadata" not in told
    assert len(orjson.dumps(told)) < MAX_BYTES


def test_without_a_retry_queue_a_bus_that_is_away_fails_the_delivery():
    with pytest.raises(Unavailable):
        Facts(FakeBus(away=True)).publish([record()])


def test_with_a_retry_queue_the_event_is_sent_there_to_be_announced_later():
    queue, stored = FakeQueue(), record()

    Facts(FakeBus(away=True), queue).publish([stored])

    envelope = orjson.loads(queue.sent[0])
    again = Intake().record(envelope["detail"], lambda event: event.tenant_id)
    assert envelope["detail"] == event_of(stored)
    assert {name: again[name] for name in event_of(again)} == {name: stored[name] for name in event_of(stored)}


def test_when_the_queue_is_away_too_nothing_is_raised_because_the_record_is_stored(caplog):
    Facts(FakeBus(away=True), FakeQueue(away=True)).publish([record()])

    assert "FACT_UNPUBLISHED" in caplog.text


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
