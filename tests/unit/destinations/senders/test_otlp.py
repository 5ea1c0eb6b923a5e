"""Chunks by OTLP over real sockets."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from chancery.destinations.senders.otlp import put_json
from chancery.logs.otlp.mapping import _value
from tests.messages import NOW, delivery_of, destination_of, event_of, senders
from tests.misbehaving_peer import misbehaving_peer
from tests.otlp_server import otlp_server

SECONDS = 25
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def receiver():
    with otlp_server() as server:
        yield server


def sent(url, events, **fields):
    to = destination_of("otlp", url, **fields)
    sender = senders()["otlp"]
    message = sender.prepare(to, delivery_of(events), events, NOW)
    return sender.send(to, message, SECONDS), message


def attributes_of(record):
    return {pair.key: _value(pair.value) for pair in record.attributes}


def test_a_chunk_arrives_as_log_records(receiver):
    events = [event_of(5, "logs", level="warn", message="slow", traceId=TRACE), event_of(6, "logs")]

    result, message = sent(receiver.url, events, headers={"Authorization": "Bearer own-token"})

    first = receiver.records[0]
    resource = {pair.key: pair.value.string_value for pair in receiver.exports[0].resource_logs[0].resource.attributes}
    assert (result.verdict, result.rejected) == ("accepted", 0)
    assert len(receiver.records) == 2
    assert resource == {"service.name": "chancery", "chancery.tenant_id": "acme"}
    assert (first.severity_number, first.severity_text, first.event_name) == (13, "WARN", "log.error")
    assert (first.body.string_value, first.trace_id.hex()) == ("slow", TRACE)
    assert first.time_unix_nano == 1_772_366_400_000_000_000
    assert attributes_of(first) == {
        "chancery.source": "logs",
        "chancery.sequence": 5,
        "chancery.ref_id": events[0].item.ref_id,
        "chancery.event": {
            "type": "log.error",
            "timestamp": "2026-03-01T12:00:00.000Z",
            "source": "logs",
            "sequence": 5,
            "data": {**events[0].data, "tenantId": "acme"},
        },
    }
    assert receiver.headers[0]["authorization"] == "Bearer own-token"
    assert "own-token" not in str([message.logged_headers, message.logged_body, message.logged_url])


def test_a_token_is_the_credential_and_is_not_logged(receiver):
    _, message = sent(receiver.url, [event_of()], token="a-token", headers={"authorization": "own"})

    assert receiver.headers[0]["authorization"] == "Bearer a-token"
    assert "a-token" not in str([message.logged_headers, message.logged_body, message.logged_url])


@pytest.mark.parametrize(
    ("level", "number"), [("trace", 1), ("debug", 5), ("info", 9), ("warn", 13), ("error", 17), ("fatal", 21)]
)
def test_levels_are_severities(receiver, level, number):
    sent(receiver.url, [event_of(1, "logs", level=level)])

    assert receiver.records[0].severity_number == number


@pytest.mark.parametrize(("status", "number"), [("SUCCESS", 9), ("FAILED", 17), ("TIMEOUT", 17)])
def test_an_exchange_that_failed_is_an_error(receiver, status, number):
    sent(receiver.url, [event_of(1, "events", status=status)])

    assert receiver.records[0].severity_number == number


def test_an_audit_record_has_its_place_in_the_sealed_log(receiver):
    sent(receiver.url, [event_of(42)])

    assert attributes_of(receiver.records[0])["chancery.leaf_index"] == 41


def test_a_partial_success_counts_what_was_refused(receiver):
    events = [event_of(sequence) for sequence in (1, 2, 3)]
    receiver.refused = {events[1].item.ref_id}

    result, _ = sent(receiver.url, events)

    assert (result.verdict, result.rejected, result.detail) == ("accepted", 1, "not these")
    assert len(receiver.records) == 2


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (202, "accepted"),
        (400, "failed"),
        (401, "unauthorized"),
        (403, "unauthorized"),
        (413, "unsendable"),
        (429, "slow_down"),
        (500, "failed"),
        (502, "slow_down"),
        (503, "slow_down"),
        (504, "slow_down"),
    ],
)
def test_statuses(status, verdict):
    with misbehaving_peer() as peer:
        peer.answer("/v1/logs", status, headers="Retry-After: 9\r\n", body=b"\xff no protobuf")

        result, _ = sent(peer.url, [event_of()])

    assert result.verdict == verdict
    assert result.retry_after == (None if verdict == "accepted" else timedelta(seconds=9))


NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"))  # which the reader replaces in names
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAME, inner),
    max_leaves=10,
)


@given(JSON)
def test_any_json_is_the_same_when_it_is_read_again(value):
    target = AnyValue()
    put_json(target, value)

    assert _value(target) == value


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": 1}, 2**70, ["\udfff"]])
def test_a_value_without_protobuf_is_left_out_and_holds_up_no_other_event(receiver, value):
    result, _ = sent(receiver.url, [event_of(1), event_of(2, details=value), event_of(3)])

    assert (result.verdict, len(receiver.records)) == ("accepted", 3)
    event = attributes_of(receiver.records[1])["chancery.event"]
    assert "details" in event["omitted"]
    assert event["data"]["refId"] == event_of(2).item.ref_id


def test_a_chunk_that_is_too_large_for_this_receiver_is_sent_in_parts(receiver):
    receiver.largest = 3_000
    events = [event_of(sequence, actorName="x" * 500) for sequence in range(1, 9)]

    result, _ = sent(receiver.url, events)

    assert (result.verdict, result.rejected) == ("accepted", 0)
    assert [attributes_of(record)["chancery.sequence"] for record in receiver.records] == [*range(1, 9)]
    assert {pair.key for export in receiver.exports for pair in export.resource_logs[0].resource.attributes} == {
        "service.name",
        "chancery.tenant_id",
    }


def test_refusals_of_all_parts_are_counted(receiver):
    receiver.largest = 3_000
    events = [event_of(sequence, actorName="x" * (4_000 if sequence == 5 else 500)) for sequence in range(1, 9)]
    receiver.refused = {events[1].item.ref_id, events[7].item.ref_id}

    result, _ = sent(receiver.url, events)

    assert (result.verdict, result.rejected, len(receiver.records)) == ("accepted", 3, 5)


def test_a_test_message_arrives(receiver):
    assert sent(receiver.url, [])[0].verdict == "accepted"
    assert receiver.records[0].event_name == "destination.test"
