"""Requests and messages to the functions that record logs, and what they store."""

import pytest

from chancery.logs.collections import BY_KIND
from chancery.logs.sequence import LogSequence
from chancery.logs.store import LogStore
from chancery.logs.tail import LogTail
from tests.builders import envelope, http, message, principal
from tests.fakes import LambdaContext


@pytest.fixture
def post(call):
    def send(kind, body, role="user", headers=None, **caller):
        request = http("POST", f"/v1/logs/{kind}", body, caller=principal(role, **caller), headers=headers)
        return call("record_logs", request)

    return send


@pytest.fixture
def deliver(environment, retry_queue, load_function):
    """Delivers messages to the consumer; the ids of those that come back."""

    def send(*messages, role_class="writer"):
        environment(role_class)
        answer = load_function("consume_logs").handler({"Records": list(messages)}, LambdaContext())
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    return send


@pytest.fixture
def lines(connect):
    """Returns the stored lines of a kind, without what differs between runs."""

    def read(kind="app", **query):
        found = connect("reader")[BY_KIND[kind].name].find(query, {"_id": 0}).sort([("createdOn", 1), ("refId", 1)])
        return list(found)

    return read


@pytest.fixture
def store(connect):
    return LogStore(connect("writer"))


@pytest.fixture
def sequence(connect, store):
    return LogSequence(connect("writer"), store, sleep=lambda _: None)


@pytest.fixture
def tail(connect):
    database = connect("reader")
    return LogTail(database, LogStore(database))


def entry(detail, **changes):
    """An SQS message with a `Record Log Entry`."""
    return message(envelope(detail, **{"detail-type": "Record Log Entry", **changes}))


def app(text="Disk at 91 %", **fields):
    """The detail of an event with one line of the kind app."""
    return {"kind": "app", "tenantId": "acme", "message": text, **fields}
