"""`chancery integrations call`, `calls`, `retry` and `cancel` against a service of the tests."""

import json

import pytest

CALL = {
    "requestId": "01J0000000000000000000000A",
    "refId": "01J0000000000000000000000A",
    "systemCode": "sap",
    "endpointCode": "orders",
    "status": "waiting",
    "reason": "queued",
    "attempt": 0,
    "createdOn": "2026-03-01T12:00:00.000Z",
}
ENDED = CALL | {"status": "succeeded", "reason": "http_201", "attempt": 1, "result": {"body": {"po": "45"}}}


def test_a_call_is_begun_and_waited_for(chancery, service):
    service.on("POST", "/integrations/sap/orders/calls", (202, CALL, {}))
    service.on("GET", f"/integrations/calls/{CALL['requestId']}", (200, CALL, {}), (200, ENDED, {}))

    arguments = ("--path", "id=po-1", "--query", "size=2", "--tenant", "acme", "--json")
    done = chancery("integrations", "call", "sap", "orders", "-", *arguments, stdin='{"a": 1}')

    assert json.loads(done.stdout)["result"] == {"body": {"po": "45"}}
    sent = {"body": {"a": 1}, "pathParameters": {"id": "po-1"}, "query": {"size": "2"}, "tenantId": "acme"}
    assert service.asked[0][3] == sent
    assert service.headers[0]["Idempotency-Key"]


def test_a_call_that_fails_has_its_reason_and_exit_code(chancery, service):
    service.on("POST", "/integrations/sap/orders/calls", (202, CALL, {}))
    failed = CALL | {"status": "timed_out", "reason": "breaker_open"}
    service.on("GET", f"/integrations/calls/{CALL['requestId']}", (200, failed, {}))

    done = chancery("integrations", "call", "sap", "orders")

    assert done.returncode == 1
    assert "timed out: breaker_open" in done.stderr


@pytest.mark.parametrize("option", ["--path", "--query"])
def test_a_parameter_without_a_value_is_wrong_usage(chancery, service, option):
    done = chancery("integrations", "call", "sap", "orders", option, "id")

    assert done.returncode == 2
    assert "name=value" in done.stderr


def test_calls_are_listed(chancery, service):
    service.on("GET", "/integrations/calls", (200, {"items": [CALL], "nextCursor": None}, {}))

    done = chancery("integrations", "calls", "--status", "waiting")

    assert "sap\torders\twaiting\tqueued\t0" in done.stdout
    assert service.asked[0][2]["status"] == "waiting"


@pytest.mark.parametrize("what", ["retry", "cancel"])
def test_a_call_is_tried_again_or_cancelled(chancery, service, what):
    service.on("POST", f"/exchanges/{CALL['requestId']}/{what}", (202, CALL, {}))

    assert CALL["requestId"] in chancery("integrations", what, CALL["requestId"], "--tenant", "acme").stdout
    assert service.asked[0][3] == {"tenantId": "acme"}
