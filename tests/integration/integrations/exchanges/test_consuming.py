"""Exchanges from the bus: whole, or start and end in any order, each once."""

import random
from base64 import b64encode
from itertools import permutations

import orjson
import pytest

from chancery.core.errors import Unavailable
from chancery.integrations.exchanges.store import ExchangeStore
from tests.crashes import Crash
from tests.integration.integrations.exchanges.conftest import closed, exchange_event, opened

START = opened(startedAt="2026-03-01T12:00:00Z")
END = {"requestId": "r-1", **closed(status="SUCCESS", completedAt="2026-03-01T12:00:02.500Z")}
WHOLE = {**START, **END}


def about(exchange):
    """A stored exchange, without what differs between deliveries."""
    own = ("refId", "version", "unpublished", "uncounted", "updatedOn", "updatedBy", "openDigest", "closeDigest")
    return {name: value for name, value in exchange.items() if name not in own}


@pytest.mark.parametrize("order", [[WHOLE], *(list(order) for order in permutations([START, END]))], ids=str)
def test_the_same_exchange_is_stored_in_whatever_order_it_arrives(consume, stored, order):
    for detail in order:
        assert consume(exchange_event(detail)) == []

    exchange = stored()
    assert (exchange["status"], exchange["isSuccess"], exchange["durationMs"]) == ("SUCCESS", True, 2500)
    assert exchange["createdOn"] == exchange["startedAt"]
    assert exchange["systemCode"] == "sap" and exchange["responseBody"] == '{"po_number":"4500012345"}'
    assert "unopened" not in exchange and exchange["unpublished"] and exchange["uncounted"]


@pytest.mark.parametrize("seed", range(5))
def test_start_and_end_in_one_batch_with_repetitions_are_one_exchange(consume, stored, connect, seed):
    details = [START, END, WHOLE, START, END, END, WHOLE]
    random.Random(seed).shuffle(details)

    back = consume(*[exchange_event(detail) for detail in details])
    assert consume(*[exchange_event(detail) for detail in details]) == []

    assert back == []
    assert connect("reader").integration_logs.count_documents({}) == 1
    assert (stored()["status"], stored()["durationMs"]) == ("SUCCESS", 2500)


def test_a_start_that_is_stored_between_the_two_looks_of_its_end_is_closed(consume, stored, retry_queue, monkeypatch):
    end, starts = ExchangeStore.end, [START]

    def interrupted(store, *arguments):
        done = end(store, *arguments)
        if starts:
            monkeypatch.setattr(ExchangeStore, "end", end)
            assert consume(exchange_event(starts.pop())) == []
        return done

    monkeypatch.setattr(ExchangeStore, "end", interrupted)

    assert consume(exchange_event(END)) == []

    assert (stored()["status"], stored()["durationMs"], retry_queue.sent) == ("SUCCESS", 2500, [])


def test_an_end_whose_start_never_arrives_is_stored(consume, stored):
    consume(exchange_event({**END, "status": "FAILED", "responseStatus": 503}))

    exchange = stored()
    assert (exchange["status"], exchange["responseStatus"], exchange["unopened"]) == ("FAILED", 503, True)
    assert "systemCode" not in exchange and "uncounted" not in exchange


@pytest.mark.parametrize("first", [[START], [START, END], [END], [WHOLE]], ids=["open", "both", "end", "whole"])
@pytest.mark.parametrize(
    "other", [opened(requestUrl="https://other.example"), {"requestId": "r-1", "status": "FAILED"}], ids=["open", "end"]
)
def test_a_contradiction_is_rejected_with_the_reason(consume, stored, retry_queue, first, other):
    for detail in first:
        consume(exchange_event(detail))
    before = stored()

    assert consume(exchange_event(other)) == []

    if len(retry_queue.sent) == 0:  # the first event had nothing that it contradicts
        assert stored() != before
        return
    (sent,) = retry_queue.sent
    assert orjson.loads(sent)["reason"]["status"] == 409
    assert stored() == before


@pytest.mark.parametrize(
    ("detail", "pointer"),
    [
        ({**START, "tenantId": None}, "/tenantId"),
        ({**START, "httpMethod": None}, "/httpMethod"),
        ({**START, "responseStatus": 200}, "/responseStatus"),
        ({**END, "requestUrl": "https://x.example"}, "/requestUrl"),
        ({"requestId": "r-1", "responseBody": "x"}, "/status"),
        ({**START, "status": "PENDING"}, "/status"),
        ({**START, "colour": "red"}, "/colour"),
        ({**END, "requestId": None}, "/requestId"),
        ("text", "/tenantId"),
    ],
)
def test_poison_is_rejected_redacted_and_holds_up_nothing(consume, stored, retry_queue, detail, pointer):
    if isinstance(detail, dict):
        detail = {**detail, "requestBody": {"password": "hunter2"}, "requestUrl": detail.get("requestUrl")}
    good = exchange_event({**WHOLE, "requestId": "good"})

    assert consume(exchange_event(detail), good) == []

    (sent,) = retry_queue.sent
    assert pointer in [error["pointer"] for error in orjson.loads(sent)["reason"]["errors"]]
    assert "hunter2" not in sent
    assert stored("good") and stored() is None


def test_a_message_that_is_no_json_is_rejected(consume, retry_queue):
    message = exchange_event(WHOLE) | {"body": "{nonsense hunter2"}

    assert consume(message) == []
    assert "hunter2" not in retry_queue.sent[0]


def test_while_the_database_is_away_messages_are_deferred_then_dead_lettered_redacted(
    consume, stored, retry_queue, monkeypatch
):
    def away(*_, **__):
        raise Unavailable("The database does not answer; try again.")

    detail = {**WHOLE, "requestBody": '{"password":"hunter2"}', "requestUrl": "https://x.example/?sig=9a8b"}
    first, last = exchange_event(detail), exchange_event(detail, receives=3)
    with monkeypatch.context() as patched:
        patched.setattr(ExchangeStore, "add", away)
        assert consume(first, last) == [first["messageId"]]

    (dead,) = retry_queue.sent
    assert "hunter2" not in dead and "9a8b" not in dead
    assert consume(first, {**last, "body": dead}) == []  # redriven: the same exchange
    assert stored()["requestBody"] == '{"password":"[REDACTED]"}'
    assert len(retry_queue.sent) == 1


def test_bytes_in_a_dead_letter_stay_bytes(consume, retry_queue, monkeypatch, stored):
    monkeypatch.setattr("chancery.integrations.exchanges.log.ExchangeLog.record", lambda *_: 1 / 0)
    body = b64encode(b"\xff password=hunter2hunter2 \xfe").decode()
    message = exchange_event({**WHOLE, "requestBody": body, "requestBodyEncoding": "base64"}, receives=3)

    consume(message)
    monkeypatch.undo()

    dead = orjson.loads(retry_queue.sent[0])["detail"]
    assert dead["requestBodyEncoding"] == "base64" and dead["requestBody"] != body


def test_the_events_ids_hold_where_the_exchange_has_none(consume, stored):
    trace = {"AWSTraceHeader": "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"}
    message = exchange_event(WHOLE, source="crm.orders")
    message["attributes"] |= trace

    consume(message)

    assert (stored()["createdBy"], stored()["traceId"]) == ("crm.orders", "4bf92f3577b34da6a3ce929d0e0e4736")


@pytest.mark.parametrize("step", ["store", "add"])
def test_a_crash_before_any_step_is_mended_by_the_repetition(consume, stored, keys, step, monkeypatch):
    big = {**WHOLE, "requestBody": "x" * 1_100_000}

    def crash(*_, **__):
        raise Crash

    place = {"store": "core.aws.blobs.BlobStore.store", "add": "integrations.exchanges.store.ExchangeStore.add"}[step]
    with monkeypatch.context() as patched:
        patched.setattr(f"chancery.{place}", crash)
        with pytest.raises(Crash):
            consume(exchange_event(big))
    assert stored() is None

    assert consume(exchange_event(big)) == []

    assert keys() == [stored()["requestKey"]]


@pytest.mark.parametrize("detail", [START, END, WHOLE], ids=["start", "end", "whole"])
def test_a_request_id_of_an_attempt_at_a_delivery_is_rejected(consume, stored, retry_queue, detail):
    request_id = "01JNQ8Z3M5V7X9B2C4D6F8G0HJ-0-1"

    assert consume(exchange_event({**detail, "requestId": request_id})) == []

    (sent,) = retry_queue.sent
    assert orjson.loads(sent)["reason"]["errors"][0]["pointer"] == "/requestId"
    assert stored(request_id) is None
