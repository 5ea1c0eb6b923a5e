"""Lines of `LogHandler` through the consumer's real handler: what the client sends, the database stores."""

import logging

import orjson
import pytest

from chancery.logs.fields import FIELDS
from chancery_client import Correlation, LogHandler, correlated, log_lines
from tests.builders import envelope, message
from tests.fakes import LambdaContext

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
EXTRAS = [
    {},
    {"user_id": 7, "session_id": "x" * 300, "goal_id": "a\nb"},
    {"endpoint": "/a\n" + "b" * 3000, "method": "", "status_code": 1000, "duration_ms": -1},
    {"endpoint": "/contacts", "method": "POST", "status_code": 500, "duration_ms": 3},
    {"n": 2**64, "nested": {"a\0b": {1, 2}}, "ref": {"$ref": "c", "$id": 1}, "float": float("nan")},
    {"trace_id": "not a trace"},
    {"correlation_id": "4111111111111111"},
]


@pytest.fixture
def consume(environment, load_function, monkeypatch):
    for name in ("LOGS_QUEUE_URL", "REJECTS_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
        monkeypatch.setenv(f"CHANCERY_{name}", "https://queue")

    def deliver(details):
        environment("writer")
        batch = [message(envelope(orjson.loads(detail), **{"detail-type": "Record Log Entry"})) for detail in details]
        return load_function("consume_logs").handler({"Records": batch}, LambdaContext())

    return deliver


def logged():
    """The events that a handler has sent."""
    sent = []

    def put_events(Entries):
        sent.extend(entry["Detail"] for entry in Entries)
        return {"Entries": [{} for _ in Entries]}

    handler = LogHandler("bus", tenant_id="acme", put_events=put_events)
    logger = logging.Logger("crm.contacts")
    logger.addHandler(handler)
    with correlated(Correlation(TRACE, "request-1")):
        for at, extra in enumerate(EXTRAS):
            logger.warning("case %d \0 %s", at, "x" * 40_000 if at == 0 else "", extra=extra)
        try:
            raise ValueError("contact is null")
        except ValueError:
            logger.exception("not saved")
    handler.close()
    return sent


def test_every_line_that_the_handler_sends_is_stored_once(consume, retry_queue, connect):
    sent = logged()

    for _ in range(2):
        assert consume(sent) == {"batchItemFailures": []}

    assert retry_queue.sent == []
    lines = list(connect("reader").app_logs.find({"tenantId": "acme"}).sort("createdOn"))
    assert len(lines) == len(EXTRAS)
    assert {line["level"] for line in lines} == {"warn"}
    assert sum(line["traceId"] == TRACE for line in lines) == len(EXTRAS) - 1
    (error,) = connect("reader").error_logs.find({"traceId": TRACE})
    assert (error["error"]["type"], error["message"], error["level"]) == ("ValueError", "not saved", "error")
    assert error["fingerprint"]


def test_the_limits_of_the_client_are_those_of_intake():
    def longest(name):
        constraints = [item for item in FIELDS[name].__metadata__ if getattr(item, "max_length", None)]
        return constraints[0].max_length

    assert {name: longest(name) for name in log_lines._LABELS} == log_lines._LABELS
    assert {name: longest(name) for name in log_lines._TEXTS} == log_lines._TEXTS
