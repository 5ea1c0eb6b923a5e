"""Destinations, events and deliveries as senders get them, and senders that may reach servers of the test."""

from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from chancery.core.outbound.client import OutboundClient
from chancery.destinations.events import Event, Item, SourceName
from chancery.destinations.ports import OpenDestination
from chancery.destinations.senders.by_kind import Senders

LOOPBACK = (ip_network("127.0.0.0/8"),)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = "acme"
REF_ID = "01JDELIVERY000000000000001"


def senders(*, client: OutboundClient | None = None, clock: Any = lambda: NOW) -> Senders:
    """All senders; their client reaches 127.0.0.1 as well."""
    return Senders(lambda: client or OutboundClient(LOOPBACK), clock)


def event_of(
    sequence: int = 1, source: SourceName = "audit", type_: str | None = None, at: datetime = NOW, **data: Any
) -> Event:
    """An event of a source, with a few fields of its records."""
    ref_id = f"01J{source.upper():0>13}{sequence:010}"
    base: dict[SourceName, tuple[str, dict[str, Any]]] = {
        "audit": ("audit.blog_post.updated", {"action": "blog_post.updated", "actorId": "u-1", "resourceId": "b-17"}),
        "logs": ("log.error", {"level": "error", "message": "it broke"}),
        "events": ("exchange.completed", {"requestId": ref_id, "systemCode": "sap", "status": "SUCCESS"}),
    }
    default, fields = base[source]
    kind = "error" if source == "logs" else ""
    created = {"createdOn": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
    return Event(
        source, Item(sequence, ref_id, kind), type_ or default, at, {"refId": ref_id, **created, **fields, **data}
    )


def destination_of(kind: str, url: str, **fields: Any) -> OpenDestination:
    """An open destination. `token`, `secrets`, `headers`: its secrets; the other fields are the document's."""
    token, secrets, headers = fields.pop("token", None), fields.pop("secrets", ()), fields.pop("headers", {})
    document = {
        "refId": "01JDEST0000000000000000001",
        "tenantId": TENANT,
        "kind": kind,
        "name": "Test",
        "url": url,
        "format": "json",
        **fields,
    }
    return OpenDestination(document, url, headers, token, secrets)


def delivery_of(events: Sequence[Event], **fields: Any) -> dict[str, Any]:
    """A delivery of events of one source; without events a test message."""
    found: dict[str, Any] = {
        "refId": REF_ID,
        "tenantId": TENANT,
        "createdOn": NOW,
        "destinationId": "01JDEST0000000000000000001",
        "kind": "events" if events else "test",
        "content": None if events else {"message": "A test."},
        "items": [{"sequence": event.item.sequence, "refId": event.item.ref_id} for event in events],
    }
    if events:
        found |= {"source": events[0].source, "first": events[0].item.sequence, "last": events[-1].item.sequence}
    return found | fields
