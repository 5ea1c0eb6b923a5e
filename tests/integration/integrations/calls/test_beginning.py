"""What begins a managed call: its parameters, its key, and callers who wait for the result."""

import pytest

from chancery.core.errors import Unavailable
from chancery.wiring import calls
from tests.fakes import LambdaContext

ORDER = {"vendor": "V-100", "contactEmail": "sarah@example.org", "items": [{"material": "M-1", "qty": 2}]}


def test_a_disabled_endpoint_takes_no_calls(endpoint, begin):
    endpoint(isEnabled=False)

    assert begin({})[0] == 409


def test_an_unknown_endpoint_takes_no_calls(endpoint, begin):
    assert begin({})[0] == 404


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({}, "/pathParameters/orderId"),
        ({"pathParameters": {"orderId": ".."}}, "/pathParameters/orderId"),
        ({"pathParameters": {"orderId": "1", "x": "2"}}, "/pathParameters/x"),
        ({"unknown": 1, "pathParameters": {"orderId": "1"}}, "/unknown"),
    ],
)
def test_wrong_parameters_are_named(endpoint, begin, given, pointer):
    endpoint("/orders/{orderId}")

    status, problem, _ = begin({}, **given)

    assert status == 422
    assert pointer in [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("given", "pointer", "detail"),
    [
        ({"pathParameters": {"orderId": None}}, "/pathParameters/orderId", "must be text or a whole number"),
        ({"pathParameters": {"orderId": ["1"]}}, "/pathParameters/orderId", "must be text or a whole number"),
        ({"pathParameters": {"orderId": True}}, "/pathParameters/orderId", "must be text or a whole number"),
        ({"pathParameters": {"orderId": 1.5}}, "/pathParameters/orderId", "must be a whole number"),
        ({"query": {"a/b": {}}}, "/query/a~1b", "must be text, a whole number, true or false"),
        ({"query": {"\n": "1"}}, "/query/\n", "must not have control characters in it"),
    ],
)
def test_a_parameter_of_a_wrong_type_has_one_error_at_its_place(endpoint, begin, given, pointer, detail):
    endpoint("/orders/{orderId}")

    status, problem, _ = begin({}, **{"pathParameters": {"orderId": 1}, **given})

    assert (status, problem["errors"]) == (422, [{"pointer": pointer, "detail": detail}])


def test_path_parameters_cannot_leave_their_segment(endpoint, begin, work, peer):
    endpoint("/orders/{orderId}/lines")

    begin({}, pathParameters={"orderId": "a/../../b?c#d"})
    work()

    assert peer.requests[0].path == "/orders/a%2F..%2F..%2Fb%3Fc%23d/lines"


@pytest.mark.parametrize(("correlation", "sent"), [("order-17", "order-17"), ("Bestellung-ü", None)])
def test_trace_and_correlation_go_on_to_the_other_system(endpoint, begin, work, exchanges, peer, correlation, sent):
    endpoint()
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "X-Correlation-Id": correlation}

    begin({}, headers=headers)
    work()

    (request,), (logged,) = peer.requests, exchanges()
    assert request.headers["traceparent"].startswith(f"00-{trace}-")
    assert request.headers.get("x-correlation-id") == sent
    assert (logged["traceId"], logged["correlationId"]) == (trace, correlation)


def test_spaces_around_a_correlation_id_do_not_stop_a_call(endpoint, begin, work, exchanges, peer):
    endpoint()

    begin({}, headers={"x-correlation-id": " order 7 "})
    work()

    assert exchanges()[0]["status"] == "SUCCESS" and "x-correlation-id" not in peer.requests[0].headers


def test_a_repeated_request_with_its_key_is_one_call(endpoint, begin, work, peer):
    endpoint()
    key = {"Idempotency-Key": "order-17"}

    first, again = begin(ORDER, headers=key), begin(ORDER, headers=key)
    work()

    assert first[1]["requestId"] == again[1]["requestId"]
    assert len(peer.requests) == 1


def test_a_caller_who_waits_gets_the_result(endpoint, begin, work, monkeypatch, retry_queue):
    endpoint()
    monkeypatch.setattr("chancery.integrations.calls.service.time.sleep", lambda _: None)

    done = []

    def in_time(_):
        done.append(work())

    monkeypatch.setattr(calls, "ManagedCalls", _waking(calls.ManagedCalls, in_time))

    status, ended, headers = begin(ORDER, headers={"Prefer": "respond-async, wait=60"})

    assert (status, ended["status"], ended["result"]) == (200, "succeeded", {"body": ORDER})
    assert headers["Preference-Applied"] == "wait=10"
    assert done == [1]


def _waking(kind, sleep):
    return lambda *args: kind(*args, sleep)


def test_a_caller_who_waits_while_the_database_goes_away_gets_the_call(endpoint, begin, monkeypatch):
    endpoint()

    def away(*_):
        raise Unavailable("The database does not answer; try again.")

    monkeypatch.setattr("chancery.integrations.calls.store.CallStore.get", away)

    status, waiting, _ = begin(ORDER, headers={"Prefer": "wait=10"})

    assert (status, waiting["status"]) == (202, "waiting")


def test_a_caller_for_whom_no_time_is_left_does_not_wait(endpoint, begin, monkeypatch):
    endpoint()
    monkeypatch.setattr(LambdaContext, "get_remaining_time_in_millis", lambda _: 2_000)

    status, _, headers = begin(ORDER, headers={"prefer": "wait=10"})

    assert (status, headers["Preference-Applied"]) == (202, "wait=0")


def test_a_caller_who_does_not_wait_long_enough_gets_the_call(endpoint, begin):
    endpoint()

    status, waiting, headers = begin(ORDER, headers={"Prefer": "wait=0"})

    assert (status, waiting["status"], headers["Preference-Applied"]) == (202, "waiting", "wait=0")
