"""Events of the client through the consumer's real handler: what the client sends, the database stores."""

import ipaddress
from datetime import UTC, datetime

import orjson
import pytest

from chancery_client import AuditClient
from tests.builders import envelope, message
from tests.fakes import LambdaContext

FFFD = "\N{REPLACEMENT CHARACTER}"
CASES = [
    ({"actor_id": 7}, {"actorId": "7"}),
    ({"resource_id": 42}, {"resourceId": "42"}),
    ({"after": {"id": 2**53}}, {"after": {"id": str(2**53)}}),
    ({"after": {"id": 2**64}}, {"after": {"id": str(2**64)}}),
    ({"after": ["a"]}, {"after": {"value": ["a"]}}),
    ({"description": "x" * 10_001}, {"description": "x" * 10_000}),
    ({"ip_address": ipaddress.ip_address("1.2.3.4")}, {"ipAddress": "1.2.3.4"}),
    ({"description": "a\0b"}, {"description": f"a{FFFD}b"}),
    ({"after": {"a\0b": 1}}, {"after": {f"a{FFFD}b": 1}}),
    ({"after": {"$ref": "c", "$id": 1}}, {"after": {"\N{FULLWIDTH DOLLAR SIGN}ref": "c", "$id": 1}}),
    (
        {"after": {"$set": 1, "a.b": 2, "": 3, "_id": [4], "$ref": 5}},
        {"after": {"$set": 1, "a.b": 2, "": 3, "_id": [4], "$ref": 5}},
    ),
    ({"after": {"text": "\ud800\0"}}, {"after": {"text": "?\0"}}),
    ({"order_id": 5}, {"metadata": {"orderId": 5, "_degraded": {"moved": ["orderId"]}}}),
    ({"created_on": datetime(2026, 1, 1, tzinfo=UTC)}, {"createdOn": datetime(2026, 1, 1, tzinfo=UTC)}),
]


@pytest.fixture
def details():
    """The events that a client has sent, one for each case."""
    sent = []

    def put_events(Entries):
        sent.extend(entry["Detail"] for entry in Entries)
        return {"Entries": [{} for _ in Entries]}

    client = AuditClient("bus", put_events=put_events)
    for at, (fields, _) in enumerate(CASES):
        event = {"actor_id": "u-1", "action": "post.approved", "resource_id": "r-1", "tenant_id": "acme"}
        client.write(event | fields, event_id=f"case-{at}")
    assert client.flush()
    client.close()
    return sent


def test_every_event_that_the_client_sends_is_stored(details, environment, load_function, connect, bus, monkeypatch):
    for name in ("REJECTS_QUEUE_URL", "DEAD_LETTER_QUEUE_URL"):
        monkeypatch.setenv(f"CHANCERY_{name}", "https://queue")
    batch = [message(envelope(orjson.loads(detail))) for detail in details]
    answer = load_function("consume_audit_events").handler({"Records": batch}, LambdaContext())

    stored = {item["eventId"]: item for item in connect("reader").audit_logs.find()}
    assert answer == {"batchItemFailures": []}
    for at, (_, expected) in enumerate(CASES):
        record = stored[f"case-{at}"]
        assert {name: record[name] for name in expected} == expected
