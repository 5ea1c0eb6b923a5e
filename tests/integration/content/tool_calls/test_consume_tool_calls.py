"""Tool calls as events, through the real handler: every end a message can have."""

import json

import pytest

from chancery.core.errors import Unavailable
from chancery.core.redaction import text_engine
from chancery.wiring import tool_calls as bootstrap
from tests.builders import envelope, event, message
from tests.crashes import Crash, crash
from tests.integration.content.tool_calls.conftest import BUCKET, tool_event

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def calls(connect):
    return list(connect("reader").tool_call_logs.find({}, {"_id": 0}))


def test_events_are_stored_with_their_bodies_and_ids(consume, connect, cloud, body_of):
    large = tool_event(eventId="own", fullOutput="x" * 100_000, traceId="t-1")
    given = tool_event(about={"id": "bus-id"})

    assert consume(large, given) == []

    stored = {call["eventId"]: call for call in calls(connect)}
    assert set(stored) == {"own", "bus-id"}
    assert {(call["tenantId"], call["createdBy"]) for call in stored.values()} == {("acme", "agency.portal")}
    assert stored["own"]["traceId"] == "t-1"
    assert body_of(stored["own"]["refId"], "output")[1] == b"x" * 100_000
    assert len(cloud.keys()) == 1


def test_the_same_batch_three_times_is_stored_once(consume, connect, cloud):
    batch = [tool_event(toolCallId=f"call-{at}", fullOutput=f"{at}" * 70_000) for at in range(10)]

    assert [consume(*batch) for _ in range(3)] == [[], [], []]
    assert len(calls(connect)) == len(cloud.keys()) == 10


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (message("not json"), "cannot be read"),
        (message(envelope(event())), "not of the type"),
        (message(envelope([], **{"detail-type": "Record Tool Call"})), "JSON object"),
        (tool_event(tenantId=None), "not valid"),
        (tool_event(toolName=None), "not valid"),
        (tool_event(fullInput={"n": 2**70}), "not valid"),
        (tool_event(fullOutput=None, outputUploadId="0" * 26), "not valid"),
    ],
)
def test_a_poison_message_is_rejected_with_its_reason_and_the_others_are_stored(
    consume, connect, retry_queue, poison, reason
):
    assert consume(tool_event(), poison, tool_event()) == []

    assert len(calls(connect)) == 2
    assert reason in json.loads(retry_queue.sent[0])["reason"]["detail"]


def test_rejected_messages_are_redacted(consume, retry_queue):
    lines = '{"password": "hunter2"}\n{"password": "hunter2"}'
    wrong = {"password": "hunter2", "note": TOKEN, "kept": "kept"}

    consume(tool_event(toolName=None, fullInput=wrong, fullOutput=lines))

    assert "kept" in retry_queue.sent[0]
    assert "hunter2" not in retry_queue.sent[0] and TOKEN not in retry_queue.sent[0]


def test_a_secret_as_source_is_not_stored(consume, connect):
    consume(tool_event(about={"source": TOKEN}))

    assert TOKEN not in str(calls(connect))


@pytest.mark.parametrize("field", ["toolCallId", "activityRunId", "toolName", "eventId", "traceId"])
def test_an_id_that_looks_like_a_secret_is_refused(consume, connect, retry_queue, field):
    consume(tool_event(**{field: TOKEN}))

    assert [error["pointer"] for error in json.loads(retry_queue.sent[0])["reason"]["errors"]] == [f"/{field}"]
    assert TOKEN not in retry_queue.sent[0]
    assert calls(connect) == []


def test_text_that_cannot_be_redacted_is_rejected_without_it(consume, connect, retry_queue, monkeypatch):
    monkeypatch.setattr(text_engine, "MAX_EDITS", 3)

    consume(tool_event(fullOutput="password=seen1\n" * 4))

    rejected = json.loads(retry_queue.sent[0])
    assert [error["pointer"] for error in rejected["reason"]["errors"]] == ["/fullOutput"]
    assert "seen" not in retry_queue.sent[0]
    assert calls(connect) == []


def test_names_that_are_no_text_are_no_queries(consume, connect):
    consume(tool_event())
    consume(tool_event(toolCallId="call-2", about={"id": {"$gt": ""}, "source": ["x"]}))

    assert {call["toolCallId"]: call["createdBy"] for call in calls(connect)} == {
        "call-1": "agency.portal",
        "call-2": "event-bus",
    }


def test_an_event_id_of_another_call_is_rejected(consume, connect, retry_queue):
    consume(tool_event(eventId="e-1"))

    assert consume(tool_event(eventId="e-1", toolName="other")) == []
    assert json.loads(retry_queue.sent[0])["reason"]["errors"][0]["pointer"] == "/eventId"
    assert len(calls(connect)) == 1


def test_an_unavailable_store_has_only_the_messages_with_large_bodies_delivered_again(
    consume, connect, cloud, retry_queue
):
    cloud.s3.delete_bucket(Bucket=BUCKET)
    large, small = tool_event(eventId="large", fullOutput="x" * 100_000), tool_event(eventId="small")

    assert consume(large, small) == retry_queue.deferred == [large["messageId"]]

    cloud.s3.create_bucket(Bucket=BUCKET)
    assert consume(large) == []
    assert {call["eventId"] for call in calls(connect)} == {"large", "small"}


def test_on_its_last_delivery_a_message_is_buried_redacted_and_a_redrive_stores_it(
    consume, connect, retry_queue, monkeypatch, body_of
):
    def unavailable(*_, **__):
        raise Unavailable("The database does not answer; try again.")

    last = tool_event(eventId="e-1", fullInput={"password": "hunter2"}, sensitive=True, receives=3)
    earlier = tool_event(eventId="e-2", receives=2)
    with monkeypatch.context() as patched:
        patched.setattr("chancery.core.mongo.repository.Repository.get", unavailable)
        assert consume(last, earlier) == [earlier["messageId"]]
    assert "hunter2" not in retry_queue.sent[0]

    assert consume(message(retry_queue.sent[0]), earlier, last) == []
    stored = {call["eventId"]: call["refId"] for call in calls(connect)}
    assert set(stored) == {"e-1", "e-2"}
    assert body_of(stored["e-1"], "input")[1] == b'{"password":"[REDACTED]"}'


def test_a_crash_between_body_and_document_loses_nothing(consume, connect, cloud, monkeypatch):
    batch = tool_event(eventId="e-1", fullOutput="x" * 100_000)
    with monkeypatch.context() as patched:
        patched.setattr("chancery.core.mongo.repository.Repository.add", crash)
        with pytest.raises(Crash):
            consume(batch)

    assert calls(connect) == []
    assert consume(batch) == []
    assert len(calls(connect)) == len(cloud.keys()) == 1


def test_one_event_that_trips_the_code_up_fails_alone(consume, connect, monkeypatch):
    batch = [tool_event(toolCallId=f"call-{at}") for at in range(3)]
    real = bootstrap.ToolCallRecorder.record

    def trip(self, base, taken, event_id):
        if taken.request.tool_call_id == "call-1":
            raise ZeroDivisionError
        return real(self, base, taken, event_id)

    monkeypatch.setattr(bootstrap.ToolCallRecorder, "record", trip)

    assert consume(*batch) == [batch[1]["messageId"]]
    assert len(calls(connect)) == 2


def test_the_wiring_is_that_of_the_deployment(environment, cloud):
    consumer = bootstrap.consumer()

    assert (consumer.max_receives, consumer.recorder) == (3, bootstrap.recorder)
    assert [queue.url for queue in (consumer.queue, consumer.rejects, consumer.dead_letters)] == [
        "https://calls",
        "https://rejects",
        "https://dead",
    ]
