"""Chunks to Datadog's intake over real sockets."""

from datetime import timedelta

import orjson
import pytest

from chancery.destinations.ports import Unsendable
from tests.datadog_server import datadog_server
from tests.messages import NOW, delivery_of, destination_of, event_of, senders
from tests.misbehaving_peer import misbehaving_peer

SECONDS = 25
KEY = "a-key"


@pytest.fixture
def datadog():
    with datadog_server(lambda: NOW, KEY) as server:
        yield server


def sent(url, events, token=KEY, **fields):
    to = destination_of("datadog", url, token=token, **fields)
    sender = senders()["datadog"]
    message = sender.prepare(to, delivery_of(events), events, NOW)
    return sender.send(to, message, SECONDS), message


def ref_ids(datadog):
    return [entry["chancery"]["data"]["refId"] for entry in datadog.entries]


def test_a_chunk_arrives_with_status_message_and_tags(datadog):
    events = [event_of(3, "logs", level="fatal", message="disk full"), event_of(4, "logs", level="warn")]

    result, message = sent(datadog.url, events, options={"service": "shop", "tags": ["env:prod"], "hostname": "h1"})

    assert (result.verdict, result.status) == ("accepted", 202)
    assert datadog.entries[0] == {
        "ddsource": "chancery",
        "ddtags": "tenant:acme,stream:logs,env:prod",
        "service": "shop",
        "status": "critical",
        "message": "disk full",
        "hostname": "h1",
        "timestamp": 1772366400000,
        "chancery": {
            "type": "log.error",
            "timestamp": "2026-03-01T12:00:00.000Z",
            "source": "logs",
            "sequence": 3,
            "data": {**events[0].data, "tenantId": "acme"},
        },
    }
    assert datadog.entries[1]["status"] == "warning"
    assert (message.logged_body["first"], message.logged_body["last"], message.logged_body["count"]) == (3, 4, 2)
    assert KEY not in orjson.dumps([message.logged_headers, message.logged_body, message.logged_url]).decode()


@pytest.mark.parametrize(
    ("age", "is_late"),
    [
        (timedelta(hours=17), False),
        (timedelta(hours=18), True),
        (timedelta(days=4), True),
        (timedelta(hours=-1), False),
    ],
)
def test_an_event_that_is_too_old_for_datadog_says_so_and_has_its_time(datadog, age, is_late):
    result, _ = sent(datadog.url, [event_of(at=NOW - age)])

    entry = datadog.entries[0]
    assert result.verdict == "accepted"
    assert entry.get("late", False) is is_late
    assert ("timestamp" in entry) is not is_late
    assert entry["chancery"]["timestamp"].startswith((NOW - age).isoformat()[:19])


def test_a_large_event_is_cut_by_us_and_says_so(datadog):
    result, _ = sent(datadog.url, [event_of(1, details="é" * 2_000_000), event_of(2)])

    assert result.verdict == "accepted"
    assert datadog.entries[0]["chancery"]["omitted"] == ["details"]
    assert len(datadog.entries) == 2


def test_a_payload_that_is_too_large_is_sent_in_halves(datadog):
    datadog.largest = 10_000
    events = [event_of(sequence, actorName="x" * 1000) for sequence in range(1, 40)]

    result, _ = sent(datadog.url, events)

    assert (result.verdict, result.rejected) == ("accepted", 0)
    assert ref_ids(datadog) == [event.item.ref_id for event in events]


def test_an_event_alone_that_is_too_large_is_counted_and_the_others_arrive(datadog):
    datadog.largest = 10_000
    events = [event_of(1), event_of(2, actorName="x" * 20_000), event_of(3)]

    result, _ = sent(datadog.url, events)

    assert (result.verdict, result.rejected) == ("accepted", 1)
    assert ref_ids(datadog) == [events[0].item.ref_id, events[2].item.ref_id]


@pytest.mark.parametrize("text", [",\n", "]", ',\n{"a": 1}', "\n", "\\n,\\n"])
def test_text_of_an_event_does_not_divide_it(datadog, text):
    datadog.largest = 1_500
    events = [event_of(sequence, actorName=text * 3, description=text) for sequence in range(1, 9)]

    result, _ = sent(datadog.url, events)

    assert result.verdict == "accepted"
    assert [entry["chancery"]["data"]["actorName"] for entry in datadog.entries] == [text * 3] * 8


def test_a_tenant_name_makes_no_tag_of_its_own(datadog):
    event = event_of()
    to = destination_of("datadog", datadog.url, token=KEY, tenantId="a,env:prod b")
    sender = senders()["datadog"]

    sender.send(to, sender.prepare(to, delivery_of([event], tenantId="a,env:prod b"), [event], NOW), SECONDS)

    assert datadog.entries[0]["ddtags"] == "tenant:a_env_prod_b,stream:audit"


def test_a_wrong_key_is_unauthorized(datadog):
    result, _ = sent(datadog.url, [event_of()], token="another")

    assert (result.verdict, result.status) == ("unauthorized", 403)


def test_a_missing_key_is_unsendable(datadog):
    with pytest.raises(Unsendable):
        sent(datadog.url, [event_of()], token="")


@pytest.mark.parametrize(
    ("status", "verdict"), [(200, "failed"), (400, "failed"), (429, "slow_down"), (503, "slow_down")]
)
def test_other_answers(status, verdict):
    with misbehaving_peer() as peer:
        peer.answer("/api/v2/logs", status, headers="Retry-After: 9\r\n")

        result, _ = sent(peer.url, [event_of()])

    assert (result.verdict, result.retry_after) == (verdict, timedelta(seconds=9))


def test_a_failure_of_one_half_is_the_result_of_all(datadog):
    with misbehaving_peer() as peer:
        peer.answer("/api/v2/logs", 413, 202, 500)

        result, _ = sent(peer.url, [event_of(sequence) for sequence in (1, 2, 3, 4)])

    assert (result.verdict, result.status) == ("failed", 500)


def test_the_same_chunk_has_the_same_bytes_in_each_attempt(datadog):
    events = [event_of(1), event_of(2)]

    assert sent(datadog.url, events)[1].body == sent(datadog.url, events)[1].body
