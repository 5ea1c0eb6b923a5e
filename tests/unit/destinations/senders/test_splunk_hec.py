"""Chunks to an HTTP Event Collector over real sockets."""

import hashlib

import orjson
import pytest

from chancery.destinations.ports import Unsendable
from tests.messages import NOW, delivery_of, destination_of, event_of, senders
from tests.misbehaving_peer import misbehaving_peer
from tests.splunk_server import splunk_server

SECONDS = 25
TOKEN = "a-token"


@pytest.fixture
def splunk():
    with splunk_server(TOKEN) as server:
        yield server


def sent(url, events, token=TOKEN, **fields):
    to = destination_of("splunk_hec", url, token=token, **fields)
    sender = senders()["splunk_hec"]
    message = sender.prepare(to, delivery_of(events), events, NOW)
    return sender.send(to, message, SECONDS), message


def ref_ids(splunk):
    return [event["event"]["data"]["refId"] for event in splunk.events]


def test_a_chunk_arrives_in_order_with_time_source_and_place(splunk):
    events = [event_of(sequence) for sequence in (5, 6, 7)]

    result, _ = sent(splunk.url, events, options={"index": "main", "host": "acme-chancery"})

    assert (result.verdict, result.rejected) == ("accepted", 0)
    assert ref_ids(splunk) == [event.item.ref_id for event in events]
    assert splunk.events[0] == {
        "time": 1772366400.0,
        "host": "acme-chancery",
        "source": "chancery:audit",
        "sourcetype": "chancery:audit",
        "index": "main",
        "event": {
            "type": "audit.blog_post.updated",
            "timestamp": "2026-03-01T12:00:00.000Z",
            "source": "audit",
            "sequence": 5,
            "leafIndex": 4,
            "data": {**events[0].data, "tenantId": "acme"},
        },
    }


def test_what_is_logged_is_a_manifest_without_the_token(splunk):
    _, message = sent(splunk.url, [event_of(5), event_of(6)], headers={"X-Own": "own-value"})

    logged = orjson.dumps([message.logged_url, message.logged_headers, message.logged_body]).decode()

    assert message.logged_body == {
        "source": "audit",
        "first": 5,
        "last": 6,
        "count": 2,
        "sha256": hashlib.sha256(message.body).hexdigest(),
    }
    assert TOKEN not in logged and "own-value" not in logged


@pytest.mark.parametrize("unreadable", [{1}, {2}, {4}, {1, 2}, {1, 3, 4}])
def test_an_event_that_splunk_cannot_read_holds_up_no_other(splunk, unreadable):
    events = [event_of(sequence) for sequence in (1, 2, 3, 4)]
    splunk.unreadable = {events[sequence - 1].item.ref_id for sequence in unreadable}

    result, _ = sent(splunk.url, events)

    assert (result.verdict, result.rejected) == ("accepted", len(unreadable))
    assert ref_ids(splunk) == [event.item.ref_id for event in events if event.item.sequence not in unreadable]


def test_a_chunk_of_which_splunk_can_read_nothing_is_unsendable(splunk):
    events = [event_of(1), event_of(2)]
    splunk.unreadable = {event.item.ref_id for event in events}

    result, _ = sent(splunk.url, events)

    assert (result.verdict, result.reason) == ("unsendable", "splunk_6")


def test_a_chunk_that_is_too_large_for_this_splunk_is_sent_in_parts(splunk):
    splunk.largest = 2_000
    events = [event_of(sequence, actorName="x" * 500) for sequence in range(1, 8)]

    result, _ = sent(splunk.url, events)

    assert (result.verdict, result.rejected) == ("accepted", 0)
    assert ref_ids(splunk) == [event.item.ref_id for event in events]


def test_an_event_alone_that_is_too_large_for_this_splunk_is_counted(splunk):
    splunk.largest = 2_000
    events = [event_of(1), event_of(2, actorName="x" * 3000), event_of(3)]

    result, _ = sent(splunk.url, events)

    assert (result.verdict, result.rejected) == ("accepted", 1)
    assert ref_ids(splunk) == [events[0].item.ref_id, events[2].item.ref_id]


def test_a_chunk_that_takes_too_many_requests_fails_and_is_tried_again(splunk):
    events = [event_of(sequence) for sequence in range(1, 80)]
    splunk.unreadable = {event.item.ref_id for event in events[:60]}

    result, _ = sent(splunk.url, events)

    assert result.verdict == "failed"
    assert splunk.requests == 50


def test_a_wrong_token_is_unauthorized(splunk):
    result, _ = sent(splunk.url, [event_of()], token="another")

    assert (result.verdict, result.status, result.reason) == ("unauthorized", 403, "splunk_4")
    assert splunk.events == []


def test_a_missing_token_is_unsendable(splunk):
    with pytest.raises(Unsendable):
        sent(splunk.url, [event_of()], token=None)


@pytest.mark.parametrize("code", [9, 18, 20, 23])
def test_a_busy_splunk_is_sent_less(splunk, code):
    splunk.busy = code

    result, _ = sent(splunk.url, [event_of()])

    assert (result.verdict, result.status) == ("slow_down", 503)


def test_an_index_that_is_not_allowed_is_a_failure_that_somebody_can_repair(splunk):
    result, _ = sent(splunk.url, [event_of()], options={"index": "secret"})

    assert (result.verdict, result.reason) == ("failed", "splunk_7")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"text": "Success"}', b'{"code": "0"}'])
def test_a_200_that_is_not_of_a_collector_is_no_success(body):
    with misbehaving_peer() as peer:
        peer.answer("/services/collector/event", 200, body=body)

        result, _ = sent(peer.url, [event_of()])

    assert (result.verdict, result.status) == ("failed", 200)


@pytest.mark.parametrize("number", ["1", -1, 7, None, True])
def test_a_number_of_an_event_that_is_none_of_the_chunk_fails_the_chunk(number):
    with misbehaving_peer() as peer:
        body = orjson.dumps({"code": 6, "invalid-event-number": number})
        peer.answer("/services/collector/event", 400, body=body)

        result, _ = sent(peer.url, [event_of(1), event_of(2)])

    assert (result.verdict, result.reason) == ("failed", "splunk_6")
    assert len(peer.requests) == 1


def test_a_stated_path_is_used_as_it_is():
    with misbehaving_peer() as peer:
        peer.answer("/splunk/event", 200, body=b'{"code": 0}')

        result, _ = sent(f"{peer.url}/splunk/event", [event_of()])

    assert result.verdict == "accepted"


def test_a_test_message_arrives(splunk):
    result, _ = sent(splunk.url, [])

    assert result.verdict == "accepted"
    assert splunk.events[0]["event"]["type"] == "destination.test"
