"""Builders of the events, requests, messages and records of tests."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pymongo.database import Database

from chancery.audit.ingest import EventValidator, IncomingEvent, RecordBuilder
from chancery.audit.submitter import Submitter, producer
from chancery.audit.writer import AuditWriter
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.web.answers import Answer
from chancery.core.web.request import request_of
from chancery.core.web.routes import RouteGroup
from chancery.sealing.outbox import Outbox
from chancery.sealing.sealer import Sealer
from chancery.sealing.sequencer import Sequencer
from chancery.sealing.signing import LogKey
from chancery.sealing.store import LogStore
from chancery.sealing.tile_storage import TileStorage
from chancery.tenants.store import DEFAULTS, SettingsStore

EVENTS = Path(__file__).parents[1] / "events"
SUBMITTER = producer("agency.portal", "000000000000")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(**changes: Any) -> dict[str, Any]:
    """An audit event as a caller sends it; None leaves a field out."""
    body = {
        "actorId": "user-1",
        "actorName": "Sarah",
        "actorRole": "dm_user",
        "onBehalfOfId": "customer-1",
        "onBehalfOfName": "Bjørk",
        "action": "blog_post.approved",
        "resourceType": "blog_post",
        "resourceId": "post-1",
        "resourceName": "Why SEO Matters",
        "description": "Sarah approved blog post 'Why SEO Matters'",
        "before": {"status": "draft", "title": "Why SEO Matters"},
        "after": {"status": "approved", "title": "Why SEO Matters"},
        "metadata": {"portal": "dm"},
        "ipAddress": "203.0.113.7",
        "userAgent": "Mozilla/5.0",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def record(tenant_id: str | None = "acme", **changes: Any) -> dict[str, Any]:
    """A record ready to be stored."""
    return built(event(**changes), tenant_id)


def built(
    body: dict[str, Any],
    tenant_id: str | None = "acme",
    builder: RecordBuilder = RecordBuilder(),
    submitter: Submitter = SUBMITTER,
) -> Any:
    """The record of an event's body, by a builder whose clock and ids a test may set."""
    return builder.build(EventValidator(builder.clock).validate(IncomingEvent(body)), tenant_id, submitter)


def writer(database: Database[dict[str, Any]]) -> AuditWriter:
    """Stores records, each with its entry in the outbox."""
    return AuditWriter(database, Outbox(database))


def sealer(database: Database[dict[str, Any]], objects: Any, key: LogKey, bus: Any) -> Sealer:
    """A sealer with the objects of a new execution environment."""
    store = LogStore(database)
    return Sealer(store, Sequencer(database, store), TileStorage(objects), key, bus)


def sequence(database: Database[dict[str, Any]], tenant_id: str | None) -> int:
    """Sequences the leaves of a tenant without publishing them; how many."""
    store = LogStore(database)
    return Sequencer(database, store).sequence(store.open(tenant_id)).leaves


def envelope(detail: Any, **changes: Any) -> dict[str, Any]:
    """The EventBridge event around a detail."""
    return {
        "version": "0",
        "id": new_ref_id(),
        "detail-type": "Record Audit Event",
        "source": "agency.portal",
        "account": "000000000000",
        "time": "2026-03-01T12:00:00Z",
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
        **changes,
    }


def message(body: Any, receives: int = 1) -> dict[str, Any]:
    """An SQS message with a JSON body, or with text that is taken as it is."""
    return {
        "messageId": new_ref_id(),
        "receiptHandle": new_ref_id(),
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(receives)},
    }


def principal(role: str = "user", tenants: tuple[str, ...] = ("acme",), **changes: Any) -> dict[str, Any]:
    """The authorizer's context in a request."""
    return {"principalId": f"{role}-1", "role": role, "tenants": json.dumps(tenants), **changes}


def http(
    method: str,
    path: str,
    body: Any = None,
    *,
    caller: dict[str, Any] | None = None,
    query: dict[str, str | list[str]] | None = None,
    headers: dict[str, str] | None = None,
) -> dict[str, Any]:
    """A REST API proxy event; a list in `query` is a parameter that is given more than once.

    A body of bytes is in base64, as API Gateway has it; text is taken as it is, anything else is JSON.
    """
    every = {name: [value] if isinstance(value, str) else value for name, value in (query or {}).items()}
    return {
        "httpMethod": method,
        "path": path,
        "resource": path,
        "headers": headers or {},
        "multiValueHeaders": {},
        "queryStringParameters": {name: values[-1] for name, values in every.items()} or None,
        "multiValueQueryStringParameters": every or None,
        "pathParameters": None,
        "requestContext": {
            "authorizer": caller or {},
            "identity": {"sourceIp": "203.0.113.9"},
            "requestId": new_ref_id(),
        },
        "body": b64encode(body).decode() if isinstance(body, bytes) else _text(body),
        "isBase64Encoded": isinstance(body, bytes),
    }


def _text(body: Any) -> str | None:
    return body if body is None or isinstance(body, str) else json.dumps(body)


def handle(group: RouteGroup[Any], service: Any, event: dict[str, Any]) -> Answer:
    """The answer of a service to a proxy event, by the declared route of its method and path."""
    request = request_of(event)
    for route in group.routes:
        if route.method == request.method and (path := route.match(request.path)) is not None:
            return route.handle(lambda: service, request, path, lambda: 300_000)
    raise LookupError(f"{request.method} {request.path}")


def set_settings(database: Database[dict[str, Any]], tenant_id: str | None = "acme", **changes: Any) -> dict[str, Any]:
    """Stores settings of a tenant, in place of those that it has."""
    store = SettingsStore(lambda: database)
    values = {**DEFAULTS, **changes, "redaction": {**DEFAULTS["redaction"], **changes.get("redaction", {})}}
    return store.put(store.get(tenant_id), values, "admin", lambda: None)


def at(minutes: int) -> str:
    """RFC 3339 time so many minutes after noon."""
    return (NOON + timedelta(minutes=minutes)).isoformat()


def ids(answer: dict[str, Any]) -> list[str]:
    """The resource ids of a list's items, in its order."""
    return [item["resourceId"] for item in answer["items"]]


def sample(name: str) -> dict[str, Any]:
    """A sample event: `events/<function>/<name>.json`."""
    return json.loads((EVENTS / f"{name}.json").read_text())
