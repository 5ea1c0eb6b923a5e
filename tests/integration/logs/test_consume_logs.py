"""The batch consumer of logs through its real handler: every end that a message can have."""

import json

import pytest
from pymongo.errors import AutoReconnect

from chancery.logs.store import LogStore
from tests.builders import message
from tests.integration.logs.conftest import app, entry


def test_a_line_of_an_event_has_the_events_time_source_and_trace(deliver, lines):
    sent = entry(app(level="warn"), source="crm.backend", time="2026-02-03T04:05:06Z")
    sent["attributes"]["AWSTraceHeader"] = "Root=1-5759e988-bd862e3fe1be46a994272793"

    assert deliver(sent) == []
    (line,) = lines()
    assert line["createdOn"].isoformat() == "2026-02-03T04:05:06+00:00"
    assert (line["createdBy"], line["traceId"]) == ("crm.backend", "5759e988bd862e3fe1be46a994272793")
    assert (line["tenantId"], line["level"], line["message"]) == ("acme", "warn", "Disk at 91 %")


def test_an_event_without_a_tenant_is_the_platforms(deliver, lines):
    deliver(entry({"kind": "app", "message": "Server running"}))

    assert lines()[0]["tenantId"] is None


def test_many_lines_in_one_event_and_many_kinds_in_one_batch(deliver, lines):
    many = {"kind": "app", "tenantId": "acme", "records": [{"message": str(number)} for number in range(300)]}
    other = {"kind": "performance", "tenantId": "globex", "endpoint": "/x", "durationMs": 1}

    assert deliver(entry(many), entry(other), entry(app("last"))) == []
    assert [line["message"] for line in lines(message={"$ne": "last"})] == [*map(str, range(300))]
    assert len(lines()) == 301
    assert lines("performance")[0]["tenantId"] == "globex"


def test_the_same_batch_three_times_is_stored_once(deliver, lines):
    many = {"kind": "app", "tenantId": "acme", "records": [{"message": "a"}, {"message": "a"}]}
    batch = [entry(many), entry(app("b"))]

    assert [deliver(*batch) for _ in range(3)] == [[], [], []]
    assert sorted(line["message"] for line in lines()) == ["a", "a", "b"]


def test_a_line_with_an_id_is_the_same_line_in_any_event_and_over_http(deliver, post, lines):
    deliver(entry(app("once", id="line-1")), entry(app("once", id="line-1"), time="2026-03-01T13:00:00Z"))
    post("app", {"id": "line-1", "message": "once"})

    assert len(lines()) == 1


def test_no_producer_can_take_the_place_of_another_event(deliver, lines):
    first = entry(app("first"), id="event-1")
    deliver(entry(app("thief", id="event-1")), first)

    assert {line["message"] for line in lines()} == {"first", "thief"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("not json", ""),
        ({"detail-type": "Something Else", "detail": {}}, ""),
        (entry(None)["body"], "/kind"),
        (entry({"message": "x"})["body"], "/kind"),
        (entry({"kind": "audit", "message": "x"})["body"], "/kind"),
        (entry({"kind": ["app"], "message": "x"})["body"], "/kind"),
        (entry(app(None))["body"], "/message"),
        (entry({"kind": "app", "records": []})["body"], "/records"),
        (entry({"kind": "app", "message": "x", "records": [{"message": "y"}]})["body"], "/message"),
        (entry({"kind": "app", "records": [{"message": "x", "tenantId": "acme"}]})["body"], "/records/0/tenantId"),
        (entry({"kind": "app", "records": ["text"]})["body"], "/records/0"),
    ],
)
def test_an_invalid_message_goes_to_the_rejects_with_its_reason(deliver, lines, retry_queue, body, pointer):
    assert deliver(entry(app("a")), message(body), entry(app("b"))) == []

    assert {line["message"] for line in lines()} == {"a", "b"}
    (rejected,) = retry_queue.sent
    assert pointer in [error["pointer"] for error in json.loads(rejected)["reason"]["errors"]]


def test_of_an_event_with_a_wrong_line_the_others_are_stored_and_the_reject_is_redacted(deliver, lines, retry_queue):
    records = [{"message": "a"}, {"message": "b", "password": "hunter2"}, {"message": "c"}]

    assert deliver(entry({"kind": "app", "tenantId": "acme", "records": records})) == []

    assert [line["message"] for line in lines()] == ["a", "c"]
    rejected = json.loads(retry_queue.sent[0])
    assert rejected["reason"]["errors"] == [
        {"pointer": "/records/1/password", "detail": "is not known; see GET /v1/openapi.json"}
    ]
    assert "hunter2" not in retry_queue.sent[0]
    assert rejected["message"]["detail"]["records"][0] == {"message": "a"}


def test_a_rejected_event_that_is_corrected_and_sent_again_adds_its_wrong_line_only(deliver, lines, retry_queue):
    records = [{"message": "a"}, {"massage": "b"}]
    deliver(entry({"kind": "app", "tenantId": "acme", "records": records}, id="event-1"))
    again = json.loads(retry_queue.sent[0])["message"]
    again["detail"]["records"][1] = {"message": "b"}

    assert deliver(message({**again})) == []
    assert sorted(line["message"] for line in lines()) == ["a", "b"]


def test_a_credential_in_one_message_of_many_is_redacted(deliver, lines):
    deliver(*(entry(app(f"line {number}")) for number in range(40)), entry(app("password=hunter2-hunter2")))

    assert sorted(line["message"] for line in lines())[-1] == "password=[REDACTED]"


def test_while_the_database_is_away_every_message_comes_back_and_the_last_delivery_is_a_dead_letter(
    deliver, lines, retry_queue, monkeypatch
):
    def away(*_, **__):
        raise AutoReconnect("away")

    monkeypatch.setattr("pymongo.collection.Collection.insert_many", away)
    first, last = entry(app("a")), entry(app("password=hunter2-hunter2"))
    last["attributes"]["ApproximateReceiveCount"] = "5"

    assert deliver(first, last) == [first["messageId"]]
    assert "hunter2" not in retry_queue.sent[0]
    monkeypatch.undo()


def test_a_dead_letter_that_is_redriven_is_the_same_line(deliver, lines, retry_queue, monkeypatch):
    last = entry(app("a"), id="event-1")
    last["attributes"]["ApproximateReceiveCount"] = "5"
    insert = LogStore.insert
    monkeypatch.setattr(LogStore, "insert", lambda *arguments: (insert(*arguments), 1 / 0))  # stored, not confirmed
    assert deliver(last) == []
    monkeypatch.setattr(LogStore, "insert", insert)

    assert deliver(message(json.loads(retry_queue.sent[0]))) == []
    assert len(lines()) == 1


def test_the_reader_cannot_write_lines(deliver, lines):
    sent = entry(app("a"))

    assert deliver(sent, role_class="reader") == [sent["messageId"]]
    assert lines() == []
