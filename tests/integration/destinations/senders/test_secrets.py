"""All paths of a delivery: each sender with each source's events, and no credential that was sent in goes out.

The records go in by the real routes, which redact them; the sources read what is stored; the senders make messages.
"""

import orjson
import pytest

from chancery.audit.live_feed import AuditLiveFeed
from chancery.audit.store import AuditStore
from chancery.destinations.events import SOURCES
from chancery.destinations.senders.signing import new_secret
from chancery.destinations.sources.event_store import EventStore
from chancery.destinations.sources.events import EventSource
from chancery.destinations.sources.facts import fact_of
from chancery.destinations.sources.feeds import audit_source, log_source
from chancery.logs.kinds import KINDS
from chancery.logs.live_feed import LogLiveFeed
from chancery.logs.store import LogStore as LogLines
from chancery.logs.tail import LogTail
from chancery.sealing.live_log import LiveLog
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from tests.builders import envelope, event, http, message, principal
from tests.fakes import FakeObjects, LambdaContext
from tests.messages import DESTINATIONS, NOW, content_of, delivery_of, destination_of, senders

SECRETS = ("hunter2hunter2", "ghp_" + "k7" * 18)
OBJECT = {"password": SECRETS[0], "nested": [{"apiKey": SECRETS[0]}, f"Bearer {SECRETS[1]}"]}
TEXT = f"password={SECRETS[0]} and {SECRETS[1]}"
LINE = {"message": TEXT, "attributes": OBJECT, "data": OBJECT}
OF_KIND = {
    "event": {"eventType": "a.b", "summary": TEXT},
    "error": {"error": {"type": "E", "message": TEXT, "stack": TEXT}},
    "activity": {"activityId": "a"},
    "user-activity": {"userId": "u", "eventType": "a.b"},
    "performance": {"endpoint": f"/a?token={SECRETS[0]}", "durationMs": 1},
    "feature-usage": {"feature": "f"},
}
EXCHANGE = {
    "requestId": "r-1",
    "systemCode": "crm",
    "endpointCode": "contacts",
    "httpMethod": "POST",
    "requestUrl": f"https://crm.example/api?api_key={SECRETS[0]}",
    "requestHeaders": {"Authorization": f"Bearer {SECRETS[1]}"},
    "requestBody": OBJECT,
}
END = {"status": "FAILED", "error": {"type": "HTTPError", "message": TEXT}}
PATHS = [
    (kind, format_, source)
    for kind in DESTINATIONS
    for format_ in ("json", "ocsf", *(["slack"] if kind == "webhook" else []))
    for source in SOURCES
]


@pytest.fixture
def audited(call, connect):
    """Events of an audit record that held credentials in each field that may have any."""
    body = event(before=OBJECT, after=OBJECT, metadata=OBJECT, description=TEXT, userAgent=TEXT, resourceName=TEXT)
    assert call("record_audit_logs", http("POST", "/v1/audit-logs", body, caller=principal()))[0] == 201
    stored = connect("pusher")
    log = LogStore(stored)
    live = LiveLog(log, Sequencer(stored, log), TileStorage(FakeObjects()))
    source = audit_source(AuditLiveFeed(AuditStore(stored), live))
    assert source.last("acme") == 1
    return source.after("acme", 0, 10).events


@pytest.fixture
def logged(call, connect):
    """Events of a line of each kind."""
    for kind in KINDS:
        answer = call(
            "record_logs", http("POST", f"/v1/logs/{kind.name}", LINE | OF_KIND.get(kind.name, {}), caller=principal())
        )
        assert answer[0] == 201, answer
    stored = connect("pusher")
    source = log_source(LogLiveFeed(LogTail(stored, LogLines(stored))))
    assert source.last("acme") == len(KINDS)
    return source.after("acme", 0, 10).events


@pytest.fixture
def reported(call, connect, bus, environment, load_function):
    """The event of an exchange, as the bus has it."""
    source = EventSource(EventStore(connect("deliverer")))
    source.last("acme")
    assert call("record_exchanges", http("POST", "/v1/exchanges", EXCHANGE, caller=principal()))[0] == 201
    assert call("record_exchanges", http("PATCH", "/v1/exchanges/r-1", END, caller=principal()))[0] == 200
    environment("writer")
    load_function("complete_exchanges").handler({}, LambdaContext())
    (detail,) = bus.of("Exchange Completed")
    fact = fact_of(message(envelope(detail, **{"detail-type": "Exchange Completed", "source": "chancery"})))
    EventStore(connect("writer")).add("acme", [fact])
    return source.after("acme", 0, 10).events


@pytest.fixture
def of_source(monkeypatch, request):
    for name in ("SEAL", "DELIVERIES", "EXCHANGE_COMPLETIONS"):
        monkeypatch.setenv(f"CHANCERY_{name}_QUEUE_URL", f"https://{name}")
    monkeypatch.setenv("CHANCERY_CONTENT_BUCKET", "content")
    fixtures = {"audit": "audited", "logs": "logged", "events": "reported"}
    return lambda name: request.getfixturevalue(fixtures[name])


def test_every_path_is_listed_here():
    assert {kind for kind, _, _ in PATHS} == set(senders())
    assert {source for _, _, source in PATHS} == set(SOURCES)


@pytest.mark.parametrize("source", SOURCES)
def test_no_credential_that_was_sent_in_goes_out(of_source, source):
    events = of_source(source)
    sent = {}

    for kind, format_, _ in [path for path in PATHS if path[2] == source]:
        to = destination_of(kind, **DESTINATIONS[kind] | {"format": format_})
        for chunk in [[item] for item in events] if kind == "webhook" else [events]:
            found = senders()[kind].prepare(to, delivery_of(chunk), chunk, NOW)
            text = content_of(found).decode("latin-1") + str(found._replace(body=b""))
            sent[kind, format_] = sent.get((kind, format_), "") + text

    assert len(sent) == 13
    assert [path for path, text in sent.items() if any(secret in text for secret in SECRETS)] == []
    assert [path for path, text in sent.items() if "[REDACTED]" not in text and path[1] != "slack"] == []


@pytest.mark.parametrize("kind", sorted(DESTINATIONS))
def test_no_secret_of_a_destination_is_logged(of_source, kind):
    events = of_source("audit")
    secrets = {
        "token": "token-of-the-destination",
        "secrets": (new_secret("hmac").secret, new_secret("ed25519").secret),
        "headers": {"X-Own": "value-of-an-own-header"},
    }
    to = destination_of(kind, **DESTINATIONS[kind] | secrets)
    shown = to._replace(document={**to.document, "url": "https://shown.example.org/[REDACTED]"})

    found = senders()[kind].prepare(shown, delivery_of(events), events, NOW)

    logged = orjson.dumps([found.logged_url, found.logged_headers, found.logged_body]).decode()
    assert not [text for text in (secrets["token"], *secrets["secrets"], "value-of-an-own-header") if text in logged]
    assert to.url not in logged
    assert "shown.example.org" in logged
