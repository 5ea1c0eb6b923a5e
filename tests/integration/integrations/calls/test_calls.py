"""A call from its request to its end, with every way in which the other system can behave."""

import base64

import orjson
import pytest

from chancery.core.aws.queue import ItemRef
from chancery.integrations.calls.machine import CancelRequested, step
from chancery.integrations.calls.store import state_of
from chancery.wiring import calls
from tests.builders import http, principal
from tests.fakes import LambdaContext
from tests.integration.integrations.calls.conftest import QUICK

ORDER = {"vendor": "V-100", "contactEmail": "sarah@example.org", "items": [{"material": "M-1", "qty": 2}]}


def test_a_call_is_sent_logged_and_answered(endpoint, begin, work, read, exchanges, peer, stored):
    endpoint()

    status, begun, headers = begin(ORDER, context={"entityType": "purchase_order", "entityId": "po-17"}, userId="u-9")

    assert (status, begun["status"], begun["reason"]) == (202, "waiting", "queued")
    assert headers["Location"].endswith(f"/v1/integrations/calls/{begun['requestId']}")
    assert work() == 1
    (sent,) = peer.requests
    assert (sent.method, sent.path, orjson.loads(sent.body)) == ("POST", "/echo", ORDER)
    assert sent.headers["idempotency-key"] == begun["requestId"]
    assert sent.headers["content-type"] == "application/json"
    (logged,) = exchanges()
    assert (logged["requestId"], logged["attemptNumber"], logged["status"]) == (begun["requestId"], 1, "SUCCESS")
    assert (logged["context"]["entityId"], logged["actor"]["userId"]) == ("po-17", "u-9")
    assert "sarah@example.org" not in str(logged) and "V-100" in logged["requestBody"]
    status, ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")
    assert (status, ended["status"], ended["responseStatus"]) == (200, "succeeded", 200)
    assert ended["result"] == {"body": ORDER}
    assert "request" not in stored(begun["requestId"])


def test_what_is_stored_of_a_call_is_encrypted(endpoint, begin, stored, retry_queue):
    endpoint()

    _, begun, _ = begin(ORDER)

    assert "V-100" not in str(stored(begun["requestId"])) and "V-100" not in str(retry_queue.sent)


def test_an_auditor_sees_a_call_without_its_result(endpoint, begin, work, read):
    endpoint()
    _, begun, _ = begin(ORDER)
    work()

    assert "result" not in read("GET", f"/v1/integrations/calls/{begun['requestId']}", "auditor")[1]


def test_failures_are_retried_with_the_same_key_and_linked(endpoint, begin, work, read, exchanges, peer):
    endpoint("/flaky")
    peer.answer("/flaky", 500, 503, 200)

    _, begun, _ = begin({})
    assert work() == 3

    assert {request.headers["idempotency-key"] for request in peer.requests} == {begun["requestId"]}
    logged = exchanges()
    first = begun["requestId"]
    assert [item["requestId"] for item in logged] == [first, f"{first}-2", f"{first}-3"]
    assert [item.get("parentRequestId") for item in logged] == [None, first, f"{first}-2"]
    assert [item["status"] for item in logged] == ["FAILED", "FAILED", "SUCCESS"]
    assert [item.get("error", {}).get("type") for item in logged] == ["http_500", "http_503", None]
    assert [("nextRetryAt" in item) for item in logged] == [True, True, False]
    assert read("GET", f"/v1/integrations/calls/{first}-3")[1]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("path", "reason", "status", "exchange"),
    [
        ("/silent", "read_timed_out", None, "TIMEOUT"),
        ("/slow-headers", "deadline_exceeded", None, "TIMEOUT"),
        ("/slow-body", "deadline_exceeded", 200, "TIMEOUT"),
        ("/500", "http_500", 500, "FAILED"),
        ("/reset", "connection_reset", None, "FAILED"),
        ("/closed", "connection_closed", None, "FAILED"),
        ("/half-body", "body_incomplete", 200, "FAILED"),
        ("/huge", "body_too_large", 200, "FAILED"),
        ("/gzip-bomb", "body_too_large", 200, "FAILED"),
        ("/many-headers", "headers_too_large", 200, "FAILED"),
        ("/to-metadata", "http_302", 302, "FAILED"),
        ("/to-private-name", "http_307", 307, "FAILED"),
    ],
)
def test_a_misbehaving_system_is_in_the_log_with_its_reason(
    endpoint, begin, work, read, exchanges, path, reason, status, exchange
):
    once = {"retryPolicy": {**QUICK, "maxAttempts": 1}}
    total, idle = 1500 if path.startswith("/slow") else 300_000, 200 if path == "/silent" else 120_000
    endpoint(path, once, timeouts={"connectMs": 30_000, "readMs": idle, "totalMs": total})

    _, begun, _ = begin({})
    work()

    (logged,) = exchanges()
    assert (logged["status"], logged["error"]["type"], logged.get("responseStatus")) == (exchange, reason, status)
    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert (ended["status"], ended["reason"]) == ("failed", reason)


def test_an_answer_that_is_not_utf8_is_logged_and_answered_as_bytes(endpoint, begin, work, read, exchanges):
    endpoint("/invalid-utf8")

    _, begun, _ = begin({})
    work()

    result = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]["result"]
    assert base64.b64decode(result["body"]) == b'{"name": "\xff\xfe"}'
    assert exchanges()[0]["responseBodyInfo"]["encoding"] == "base64"


def test_an_address_inside_is_refused_and_not_retried(endpoint, begin, work, read, exchanges, peer):
    endpoint(system={"baseUrl": "http://169.254.169.254"})

    begin({})
    assert work() == 1

    (logged,) = exchanges()
    assert logged["error"]["type"] == "address_refused"
    assert peer.requests == []


def test_retry_after_is_heeded(endpoint, begin, work, exchanges, read):
    endpoint("/429")

    _, begun, _ = begin({})
    work(1)

    (logged,) = exchanges()
    assert 118 <= (logged["nextRetryAt"] - logged["completedAt"]).total_seconds() <= 122
    waiting = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert (waiting["status"], waiting["reason"], waiting["attempt"]) == ("waiting", "http_429", 1)


def test_a_delay_beyond_sqs_is_left_to_the_sweep(endpoint, begin, work, retry_queue, stored, peer):
    endpoint("/later", {"deadlineSeconds": 86_400})
    peer.answer("/later", 503, headers="Retry-After: 3600\r\n")

    _, begun, _ = begin({})
    assert work() == 1

    call = stored(begun["requestId"])
    assert retry_queue.sent == []
    assert (call["dueOn"] - call["sweepOn"]).total_seconds() == 30


def test_the_sweep_wakes_what_is_due_and_leaves_the_rest(
    endpoint, begin, connect, environment, load_function, retry_queue, stored
):
    endpoint()
    _, begun, _ = begin({})
    retry_queue.sent.clear()  # the message is lost
    _sweep(environment, load_function, {"woken": 0})
    connect("writer").integration_calls.update_one({}, {"$set": {"sweepOn": stored(begun["requestId"])["dueOn"]}})

    _sweep(environment, load_function, {"woken": 1})
    _sweep(environment, load_function, {"woken": 0})

    assert len(retry_queue.sent) == 1


def _sweep(environment, load_function, expected):

    environment("writer")
    assert load_function("send_calls").handler({}, LambdaContext()) == expected


def test_a_failed_call_is_tried_again_on_request(endpoint, begin, work, read, peer, bus):
    endpoint("/again", {"retryPolicy": {**QUICK, "maxAttempts": 1}})
    peer.answer("/again", 500, 200)
    _, begun, _ = begin(ORDER)
    work()

    status, waiting = read("POST", f"/v1/exchanges/{begun['requestId']}/retry")
    work()

    assert (status, waiting["status"], waiting["allowed"]) == (202, "waiting", 2)
    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
    assert read("POST", f"/v1/exchanges/{begun['requestId']}/retry")[0] == 409
    assert "integration_call.retried" in [event["action"] for event in bus.of("Record Audit Event")]


def test_a_cancelled_call_is_not_sent(endpoint, begin, work, read, peer):
    endpoint()
    _, begun, _ = begin(ORDER)

    status, cancelled = read("POST", f"/v1/exchanges/{begun['requestId']}/cancel")
    work()

    assert (status, cancelled["status"]) == (202, "cancelled")
    assert peer.requests == []
    assert read("POST", f"/v1/exchanges/{begun['requestId']}/cancel")[0] == 409


def test_a_call_that_is_cancelled_while_it_is_sent_ends_with_its_attempt(endpoint, begin, work, read, peer, call):
    endpoint("/busy")
    _, begun, _ = begin(ORDER)
    cancelled = []

    def answer(connection, _):

        stored = calls.store().get(ItemRef("acme", begun["requestId"]))
        calls.store().advance(stored, step(state_of(stored), CancelRequested())[0])
        cancelled.append(stored["status"])
        connection.respond(500)

    peer.answers["/busy"] = answer
    assert work() == 1

    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert cancelled == ["attempting"]
    assert (ended["status"], ended["reason"], ended["attempt"]) == ("cancelled", "http_500", 1)


def test_calls_are_listed_by_state(endpoint, begin, work, read):
    endpoint()
    begin(ORDER)
    work()
    begin(ORDER)

    assert [item["status"] for item in read("GET", "/v1/integrations/calls")[1]["items"]] == ["waiting", "succeeded"]
    found = read("GET", "/v1/integrations/calls", query={"status": "waiting", "systemCode": "sap"})[1]
    assert [item["status"] for item in found["items"]] == ["waiting"]


def test_transforms_make_the_request_and_the_result(endpoint, begin, work, read, peer):
    maps = [{"name": "uom", "pairs": [{"internal": "pcs", "external": "EA"}]}]
    endpoint(
        system={"codeMaps": maps},
        requestTransform='{"Material": item, "Unit": $toExternal("uom", unit)}',
        responseTransform='{"unit": $toInternal("uom", Unit)}',
    )

    _, begun, _ = begin({"item": "M-1", "unit": "pcs"})
    work()

    assert peer.requests[0].body == b'{"Material":"M-1","Unit":"EA"}'
    ended = read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]
    assert ended["result"] == {"body": {"unit": "pcs"}}


def test_a_request_that_cannot_be_transformed_fails_and_is_logged(endpoint, begin, work, exchanges, read, peer):
    endpoint(requestTransform='$toExternal("uom", unit)')

    _, begun, _ = begin({"unit": "pcs"})
    work()

    assert exchanges()[0]["error"]["type"] == "request_transform_failed"
    assert read("GET", f"/v1/integrations/calls/{begun['requestId']}")[1]["status"] == "failed"
    assert peer.requests == []


def test_another_tenants_call_is_not_found(endpoint, begin, call, aws):

    endpoint()
    _, begun, _ = begin(ORDER)

    for method, path in (("GET", "/v1/integrations/calls/{}"), ("POST", "/v1/exchanges/{}/cancel")):
        other = http(
            method,
            path.format(begun["requestId"]),
            {} if method == "POST" else None,
            caller=principal("user", tenants=("other",)),
        )
        assert call("manage_calls", other)[0] == 404
