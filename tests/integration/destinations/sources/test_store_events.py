"""The consumer of platform events: the real handler with what the bus has."""

import json

import pytest

from chancery.core.errors import Unavailable
from chancery.destinations.sources.event_store import EventStore
from tests.builders import envelope, http, message, principal, sample
from tests.crashes import crashing
from tests.fakes import LambdaContext

EXCHANGE = {"refId": "0" * 26, "requestId": "r-1", "systemCode": "crm", "completedAt": "2026-03-01T11:59:59.250Z"}
FORGED = {**EXCHANGE, "tenantId": "acme", "requestUrl": "https://crm.example/?api_key=hunter2hunter2"}
SECRETS = ("hunter2hunter2", "ghp_" + "k7" * 18)


def published(kind, detail, **changes):
    """The message with an event of Chancery's own."""
    return message(envelope(detail, **{"detail-type": kind, "source": "chancery", **changes}))


def exchange(name, tenant_id="acme", **changes):
    return published("Exchange Completed", {**EXCHANGE, "tenantId": tenant_id, "requestId": name, **changes})


@pytest.fixture
def deliver(environment, retry_queue, load_function, monkeypatch):
    """Delivers messages to the consumer; the ids of those that come back."""
    for queue in ("PLATFORM_EVENTS", "REJECTS"):
        monkeypatch.setenv(f"CHANCERY_{queue}_QUEUE_URL", f"https://{queue}")

    def send(*messages):
        environment("writer")
        answer = load_function("store_events").handler({"Records": list(messages)}, LambdaContext())
        return [item["itemIdentifier"] for item in answer["batchItemFailures"]]

    return send


@pytest.fixture
def follow(events):
    def tenants(*tenant_ids):
        for tenant_id in tenant_ids:
            events.last(tenant_id)

    return tenants


@pytest.fixture
def found(events):
    return lambda tenant_id="acme": events.after(tenant_id, 0, 100).events


def names(events):
    return [event.data["requestId"] for event in events]


def test_each_kind_becomes_an_event_of_its_type(deliver, follow, found):
    follow("acme")
    batch = sample("store_events/batch")["Records"]

    assert deliver(*batch) == []

    finished, sealed, issued = found()
    details = [json.loads(item["body"])["detail"] for item in batch]
    assert [event.type for event in (finished, sealed, issued)] == [
        "exchange.completed",
        "checkpoint.sealed",
        "contract.issued",
    ]
    assert finished.data == details[0]
    assert f"{finished.occurred_on:%H:%M:%S.%f}" == "11:59:59.250000"
    assert sealed.data == details[1]
    assert f"{sealed.occurred_on:%H:%M:%S}" == "12:00:00"
    assert issued.data | details[2]["metadata"] == issued.data
    assert (
        issued.data
        | {
            "refId": details[2]["resourceId"],
            "auditRefId": details[2]["refId"],
            "tenantId": "acme",
            "tenantName": "Bjørk & Søn",
            "createdBy": "admin-1",
            "createdOn": "2026-03-01T11:59:58.000Z",
        }
        == issued.data
    )


def test_repetitions_are_the_same_event_whatever_their_envelope(deliver, follow, found):
    follow("acme")
    batch = [json.loads(item["body"]) for item in sample("store_events/batch")["Records"]]

    deliver(*[message(item) for item in batch])
    deliver(*[message({**item, "id": "another", "time": "2026-03-01T12:07:00Z"}) for item in batch])

    assert [event.item.sequence for event in found()] == [1, 2, 3]


def test_an_exchange_that_ends_anew_is_another_event(deliver, follow, found):
    follow("acme")

    deliver(exchange("r-1", status="TIMEOUT"), exchange("r-1", status="TIMEOUT"), exchange("r-1", status="SUCCESS"))

    assert [event.data["status"] for event in found()] == ["TIMEOUT", "SUCCESS"]


def test_tenants_that_follow_nothing_have_nothing_stored(deliver, follow, found, connect):
    follow("acme")

    assert deliver(exchange("a"), exchange("x", "globex"), exchange("b")) == []

    assert names(found()) == ["a", "b"]
    assert connect("reader").tenant_events.count_documents({}) == 2


@pytest.mark.parametrize(
    "ignored",
    [
        published("Audit Checkpoint Sealed", {"tenantId": None, "log": "platform", "size": 3}),
        exchange("of a delivery", systemCode="destination"),
        published("Audit Event Recorded", {"tenantId": "acme", "action": "contract.issued", "resourceId": "c-1"}),
        published(
            "Audit Event Recorded",
            {"tenantId": "acme", "action": "contract.read", "resourceId": "c-1", "eventId": "contract-issued-c-1"},
        ),
    ],
    ids=["platform", "delivery", "written-by-another", "another-action"],
)
def test_what_concerns_no_tenant_is_ignored(deliver, follow, found, retry_queue, ignored):
    follow("acme")

    assert deliver(ignored, exchange("a")) == []

    assert names(found()) == ["a"]
    assert retry_queue.sent == []


@pytest.mark.parametrize(
    "poison",
    [
        message("no JSON hunter2hunter2"),
        message({"detail": {}}),
        published("Exchange Completed", FORGED, source="agency.portal"),
        published("Record Exchange", {"tenantId": "acme"}),
        published("Exchange Completed", {"tenantId": "acme", "systemCode": "crm"}),
        published("Exchange Completed", "text"),
        published("Audit Checkpoint Sealed", {"tenantId": "acme", "log": "tenant-acme", "size": "many"}),
        exchange("r-1", completedAt="yesterday"),
    ],
    ids=["text", "no-type", "forged", "type", "lacks", "detail", "size", "time"],
)
def test_a_poison_message_is_rejected_redacted_and_delays_no_other(deliver, follow, found, retry_queue, poison):
    follow("acme", "globex")

    assert deliver(exchange("a"), poison, exchange("x", "globex")) == []

    assert names(found()) == ["a"]
    assert names(found("globex")) == ["x"]
    assert len(retry_queue.sent) == 1
    assert "hunter2" not in retry_queue.sent[0]


def test_a_tenant_whose_events_cannot_be_stored_delays_no_other(deliver, follow, found, monkeypatch):
    follow("acme", "globex")
    real = EventStore.add

    def failing(self, tenant_id, facts):
        if tenant_id == "acme":
            raise Unavailable("The database is busy; try again.")
        return real(self, tenant_id, facts)

    batch = [exchange("a"), exchange("x", "globex"), exchange("b")]
    with monkeypatch.context() as patch:
        patch.setattr(EventStore, "add", failing)
        assert deliver(*batch) == [batch[0]["messageId"], batch[2]["messageId"]]

    assert deliver(batch[0], batch[2]) == []
    assert names(found()) == ["a", "b"]
    assert names(found("globex")) == ["x"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("place", [1, 2])
def test_a_kill_between_tenants_loses_nothing(deliver, follow, found, place, before):
    follow("acme", "globex")
    batch = [exchange("a"), exchange("x", "globex")]

    with crashing(place, ((EventStore, ("add",)),), before=before) as steps:
        deliver(*batch)
    assert steps["crashed"] == 1
    assert deliver(*batch) == []

    assert [(event.item.sequence, *names([event])) for event in found()] == [(1, "a")]
    assert [(event.item.sequence, *names([event])) for event in found("globex")] == [(1, "x")]


def test_no_secret_of_an_exchange_arrives(call, environment, load_function, monkeypatch, bus, deliver, follow, found):
    """What is on the bus is redacted, so what is stored of it is."""
    follow("acme")
    monkeypatch.setenv("CHANCERY_EXCHANGE_COMPLETIONS_QUEUE_URL", "https://completions")
    monkeypatch.setenv("CHANCERY_CONTENT_BUCKET", "content")
    body = {
        "requestId": "r-1",
        "systemCode": "crm",
        "endpointCode": "contacts",
        "httpMethod": "POST",
        "requestUrl": f"https://crm.example/api?api_key={SECRETS[0]}",
        "requestHeaders": {"Authorization": f"Bearer {SECRETS[1]}"},
        "requestBody": {"password": SECRETS[0]},
        "context": {"entityType": "contact", "entityId": "c-1"},
    }
    end = {"status": "FAILED", "error": {"type": "HTTPError", "message": f"refused {SECRETS[1]}"}}
    assert call("record_exchanges", http("POST", "/v1/exchanges", body, caller=principal("user")))[0] == 201
    assert call("record_exchanges", http("PATCH", "/v1/exchanges/r-1", end, caller=principal("user")))[0] == 200
    environment("writer")
    load_function("complete_exchanges").handler({}, LambdaContext())
    (detail,) = bus.of("Exchange Completed")

    deliver(published("Exchange Completed", detail))

    (event,) = found()
    assert event.data["errorMessage"] == "refused [REDACTED]"
    assert "[REDACTED]" in event.data["requestUrl"]
    assert not [secret for secret in SECRETS if secret in json.dumps(event.data)]
