"""What follows once exchanges have ended: deadlines, `Exchange Completed`, rollups; killed at every step."""

from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from pymongo.collection import Collection

from chancery.core.aws.queue import Queue
from chancery.core.errors import Unavailable
from chancery.core.formats.times import now, to_rfc3339
from chancery.integrations.exchanges import completion
from chancery.integrations.exchanges.completion import ExchangeCompletion
from chancery.integrations.exchanges.completion_trigger import CompletionTrigger
from chancery.integrations.exchanges.rollups import bucket_of
from chancery.integrations.exchanges.store import ExchangeStore
from tests.builders import sample
from tests.fakes import FakeBus, LambdaContext
from tests.integration.integrations.exchanges.conftest import closed, exchange_event, opened

COMPLETED = "Exchange Completed"


def rollups(connect, **query):
    """Counters of the rollups, by endpoint and period."""
    found = connect("reader").exchange_rollups.find(query, {"_id": 0})
    names = ("total", "success", "failed", "timeout", "cancelled", "durationMs")
    return {
        (item["endpointCode"], item["period"]): {name: item[name] for name in names if item.get(name)} for item in found
    }


@pytest.fixture
def done(connect, bus):
    """A run of the completion with a clock of its own, on the writer's connection."""

    def run(clock=now, publisher=bus):
        database = connect("writer")
        return ExchangeCompletion(database, ExchangeStore(database, clock=clock), publisher).sweep(lambda: 300_000)

    return run


def whole(request_id="r-1", ms=2500, status="SUCCESS", second=0, **changes):
    """A finished exchange that began at a second of a minute."""
    start = f"2026-03-01T12:00:{second:02}.000Z"
    end = f"2026-03-01T12:00:{second + ms // 1000:02}.{ms % 1000:03}Z"
    return exchange_event(
        {**opened(requestId=request_id, startedAt=start), **closed(status=status, completedAt=end), **changes}
    )


def test_a_finished_exchange_is_published_once_as_a_summary(post, patch, complete, bus, stored):
    start = now().replace(microsecond=0)
    started, completed = to_rfc3339(start), to_rfc3339(start + timedelta(seconds=1))
    post(opened(startedAt=started, parentRequestId="r-0", attemptNumber=2))
    complete()
    assert bus.of(COMPLETED) == []

    end = closed(responseStatus=503, completedAt=completed, error={"type": "HTTPError", "message": "busy"})
    patch(body=end)
    complete()
    complete()

    (summary,) = bus.of(COMPLETED)
    assert summary | {"refId": ""} == {
        "refId": "",
        "tenantId": "acme",
        "requestId": "r-1",
        "parentRequestId": "r-0",
        "attemptNumber": 2,
        "systemCode": "sap",
        "endpointCode": "orders",
        "httpMethod": "POST",
        "requestUrl": "https://sap.example/orders?page=2",
        "responseStatus": 503,
        "status": "FAILED",
        "isSuccess": False,
        "startedAt": started,
        "completedAt": completed,
        "durationMs": 1000,
        "errorType": "HTTPError",
        "errorMessage": "busy",
        "entityType": "purchase_order",
        "entityId": "po-17",
        "operationType": "create",
        "userId": "user-1",
        "triggeredBy": "user",
        "requestBytes": len(stored()["requestBody"]),
        "responseBytes": len(stored()["responseBody"]),
    }
    assert not {"unpublished", "uncounted"} & stored().keys()


def test_rollups_count_each_exchange_by_system_endpoint_minute_and_hour(consume, done, connect):
    consume(whole("a", 100), whole("b", 2500, "FAILED"), whole("c", 0, "CANCELLED", endpointCode=None))
    done()
    done()

    system = {"total": 3, "success": 1, "failed": 1, "cancelled": 1, "durationMs": 2600}
    endpoint = {"total": 2, "success": 1, "failed": 1, "durationMs": 2600}
    periods = ("minute", "hour")
    assert rollups(connect) == {(None, p): system for p in periods} | {("orders", p): endpoint for p in periods}
    histogram = connect("reader").exchange_rollups.find_one({"endpointCode": None})["durations"]
    assert histogram == {str(bucket_of(ms)): 1 for ms in (0, 100, 2500)}


def test_one_left_open_past_its_deadline_becomes_a_timeout(post, done, connect, stored, bus):
    post(opened(startedAt="2026-03-01T12:00:00Z", timeoutMs=30_000))
    post(opened(requestId="young", timeoutMs=30_000))

    assert done() == {"expired": 1, "counted": 1, "published": 1}

    exchange = stored()
    assert (exchange["status"], exchange["isSuccess"], exchange["durationMs"]) == ("TIMEOUT", False, 30_000)
    assert exchange["completedAt"] == exchange["deadline"]
    assert exchange["error"]["type"] == "DeadlineExceeded"
    assert [event["status"] for event in bus.of(COMPLETED)] == ["TIMEOUT"]
    assert stored("young")["status"] == "PENDING"
    assert done(clock=lambda: now() + timedelta(minutes=1))["expired"] == 1


def test_the_end_of_an_expired_exchange_may_come_late_and_is_counted_in_its_place(
    post, patch, done, connect, stored, bus
):
    post(opened(startedAt="2026-03-01T12:00:00Z", timeoutMs=30_000))
    done()

    status, receipt, _ = patch(body=closed(completedAt="2026-03-01T12:00:45Z"))
    done()

    assert (status, receipt["status"], receipt["durationMs"]) == (200, "SUCCESS", 45_000)
    assert not {"error", "expired"} & stored().keys()
    assert rollups(connect)[("orders", "hour")] == {"total": 1, "success": 1, "durationMs": 45_000}
    histogram = connect("reader").exchange_rollups.find_one({"period": "hour"})["durations"]
    assert Counter(histogram) == Counter({str(bucket_of(45_000)): 1, str(bucket_of(30_000)): 0})
    assert [event["status"] for event in bus.of(COMPLETED)] == ["TIMEOUT", "SUCCESS"]
    assert patch(body=closed(responseStatus=500))[0] == 409  # it is closed now


def test_a_sweep_is_bounded_and_goes_on_where_it_stopped(consume, connect, monkeypatch, bus):
    monkeypatch.setattr(completion, "_BATCH", 2)
    consume(*(exchange_event(opened(requestId=f"r-{n}", startedAt="2026-03-01T12:00:00Z")) for n in range(5)))
    database = connect("writer")
    worker, left = ExchangeCompletion(database, ExchangeStore(database), bus), iter([20_000, 20_000] + [0] * 9)

    assert worker.sweep(lambda: next(left)) == {"expired": 4, "counted": 0, "published": 0}
    assert worker.sweep(lambda: 300_000) == {"expired": 1, "counted": 5, "published": 5}
    assert len({event["requestId"] for event in bus.of(COMPLETED)}) == 5


def test_while_the_bus_is_away_exchanges_are_counted_and_published_later(consume, done, connect, bus):
    consume(whole("a"), whole("b"))

    assert done(publisher=FakeBus(unavailable=True)) == {"expired": 0, "counted": 2, "published": 0}
    assert rollups(connect)[("orders", "hour")]["total"] == 2
    assert done() == {"expired": 0, "counted": 0, "published": 2}


def test_the_queue_defers_the_message_while_the_bus_is_away(consume, environment, load_function, bus, retry_queue):
    consume(whole("a"))
    bus.unavailable = True
    environment("writer")
    event = sample("complete_exchanges/queue")

    answer = load_function("complete_exchanges").handler(event, LambdaContext())

    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}


class Killed(BaseException):
    """Ends a run as a time-out does."""


@pytest.mark.parametrize("steps", range(6))
def test_a_run_that_is_killed_before_any_step_loses_nothing(consume, done, connect, bus, monkeypatch, steps):
    overdue = exchange_event(opened(requestId="c", startedAt="2026-03-01T12:00:00Z"))
    consume(whole("a"), whole("b", status="FAILED"), overdue)
    left = iter(range(steps))

    def step(real):
        def run(*args, **kwargs):
            if next(left, None) is None:
                raise Killed
            return real(*args, **kwargs)

        return run

    with monkeypatch.context() as patched:
        for method in ("bulk_write", "update_many"):
            patched.setattr(Collection, method, step(getattr(Collection, method)))
        patched.setattr(bus, "publish", step(bus.publish))
        with suppress(Killed):
            done()

    done()

    minute = {"total": 3, "success": 1, "failed": 1, "timeout": 1, "durationMs": 2500 * 2 + 900_000}
    assert rollups(connect)[("orders", "hour")] == minute
    assert {event["requestId"] for event in bus.of(COMPLETED)} == {"a", "b", "c"}
    marked = {"$or": [{"unpublished": {"$exists": True}}, {"uncounted": {"$exists": True}}]}
    assert connect("reader").integration_logs.count_documents(marked) == 0


def test_an_exchange_that_ends_anew_while_it_is_published_is_published_again(post, patch, done, bus):
    post(opened(startedAt="2026-03-01T12:00:00Z", timeoutMs=30_000))

    class Slow(FakeBus):
        def publish(self, detail_type, details):
            bus.publish(detail_type, details)
            if len(bus.of(COMPLETED)) == 1:
                assert patch()[0] == 200

    done(publisher=Slow())
    done()

    assert [event["status"] for event in bus.of(COMPLETED)] == ["TIMEOUT", "SUCCESS"]


def test_closing_triggers_the_completion_once_a_second_and_never_fails_for_it(post, patch, monkeypatch):
    sent, second = [], [now()]
    monkeypatch.setattr(Queue, "send_in_groups", lambda _, messages: sent.extend(messages))
    trigger = CompletionTrigger(Queue("https://completions.fifo"), lambda: second[0])
    for _ in range(3):
        trigger.trigger()
    second[0] += timedelta(seconds=1)
    trigger.trigger()
    assert [message.group for message in sent] == ["exchanges"] * 2 and sent[0] != sent[1]

    def away(*_):
        raise Unavailable("The queue does not answer; try again.")

    monkeypatch.setattr(Queue, "send_in_groups", away)
    post()
    assert patch()[0] == 200
