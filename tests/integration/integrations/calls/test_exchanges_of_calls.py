"""The exchanges of a managed call: opened and closed by the worker alone."""

from datetime import UTC, datetime

import orjson
import pytest

from chancery.integrations.exchanges.consumer import RECORD
from tests.builders import envelope, http, message, principal
from tests.fakes import LambdaContext

FORGED = {"status": "SUCCESS", "responseStatus": 200, "responseBody": {"forged": True}}


@pytest.fixture
def close(call, aws):
    """Closes an exchange by the API, as a producer of acme: the status."""

    def send(request_id: str) -> int:
        path = f"/v1/exchanges/{request_id}"
        return call("record_exchanges", http("PATCH", path, FORGED, caller=principal("producer")))[0]

    return send


@pytest.fixture
def record(environment, load_function, aws, monkeypatch, retry_queue):
    """Closes an exchange by an event, which is refused."""

    def send(request_id: str) -> None:
        for name in ("EXCHANGES", "REJECTS"):
            monkeypatch.setenv(f"CHANCERY_{name}_QUEUE_URL", f"https://{name.lower()}")
        environment("writer")
        detail = {"tenantId": "acme", "requestId": request_id, **FORGED}
        event = message(envelope(detail, **{"detail-type": RECORD}))
        load_function("consume_exchanges").handler({"Records": [event]}, LambdaContext())
        assert b"which alone closes it" in orjson.dumps(retry_queue.sent.pop())

    return send


@pytest.mark.parametrize("by", ["API", "event"])
def test_nobody_else_closes_the_exchange_of_an_attempt_under_way(
    endpoint, begin, work, read, exchanges, peer, close, record, by
):
    endpoint("/busy", {"retryPolicy": {"maxAttempts": 1}})
    _, begun, _ = begin({})
    statuses = []

    def answer(connection, _):
        statuses.append(close(begun["requestId"]) if by == "API" else record(begun["requestId"]))
        connection.respond(422)

    peer.answers["/busy"] = answer
    work()

    assert statuses == [409 if by == "API" else None]
    (logged,) = exchanges()
    assert (logged["status"], logged["responseStatus"]) == ("FAILED", 422)
    assert read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]["status"] == "failed"


def test_an_exchange_with_the_id_of_an_attempt_does_not_pass_for_it(
    endpoint, begin, work, read, exchanges, peer, call, close
):
    endpoint()
    _, begun, _ = begin({})
    forged = {"requestId": begun["requestId"], "systemCode": "sap", "httpMethod": "POST", "requestUrl": "https://sap"}
    assert call("record_exchanges", http("POST", "/v1/exchanges", forged, caller=principal("producer")))[0] == 201
    assert close(begun["requestId"]) == 200

    work()

    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert (ended["status"], ended["reason"], peer.requests) == ("failed", "exchange_refused", [])


def test_a_killed_attempt_is_not_recovered_by_another_ones_exchange(
    endpoint, begin, work, read, peer, call, close, connect
):
    endpoint()
    _, begun, _ = begin({})
    forged = {"requestId": begun["requestId"], "systemCode": "sap", "httpMethod": "POST", "requestUrl": "https://sap"}
    call("record_exchanges", http("POST", "/v1/exchanges", forged, caller=principal("producer")))
    close(begun["requestId"])
    killed = {"status": "attempting", "attempt": 1, "dueOn": datetime(2026, 1, 1, tzinfo=UTC)}
    connect("writer").integration_calls.update_one({}, {"$set": killed})

    work()

    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert (ended["status"], ended["attempt"], len(peer.requests)) == ("succeeded", 2, 1)
