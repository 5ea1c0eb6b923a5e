"""Destinations, events and deliveries as senders get them, and senders that may reach servers of the test."""

import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from chancery.core.outbound.client import OutboundClient
from chancery.destinations.events import Event, Item, SourceName
from chancery.destinations.ports import OpenDestination, Outgoing
from chancery.destinations.senders.by_kind import Senders
from chancery.logs.otlp.mapping import _value

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
        "types": sorted({event.type for event in events}) or ["log.error"],
        "items": [{"sequence": event.item.sequence, "refId": event.item.ref_id} for event in events],
    }
    if events:
        found |= {"source": events[0].source, "first": events[0].item.sequence, "last": events[-1].item.sequence}
    return found | fields


def content_of(message: Outgoing) -> bytes:
    """A message's body, uncompressed."""
    return gzip.decompress(message.body) if message.body.startswith(b"\x1f\x8b") else message.body


def payloads_in(kind: str, message: Outgoing) -> list[dict[str, Any]]:
    """The events of a message, each as its destination takes it, without the vendor's envelope."""
    content = content_of(message)
    match kind:
        case "webhook":
            return [orjson.loads(content)]
        case "splunk_hec":
            return [orjson.loads(line)["event"] for line in content.split(b"\n")]
        case "datadog":
            return [entry["chancery"] for entry in orjson.loads(content)]
        case "s3":
            return [orjson.loads(line) for line in content.splitlines()]
        case "eventbridge":
            return [orjson.loads(orjson.loads(line)["Detail"]) for line in content.split(b"\n")]
    attributes = [pair for record in _records(content) for pair in record.attributes]
    return [_value(pair.value) for pair in attributes if pair.key == "chancery.event"]


def sizes_in(kind: str, message: Outgoing) -> list[int]:
    """The bytes of each event of a message, as its destination counts them."""
    if kind == "otlp":
        return [record.ByteSize() for record in _records(content_of(message))]
    return [len(orjson.dumps(payload)) for payload in payloads_in(kind, message)]


def _records(content: bytes) -> Sequence[LogRecord]:
    return ExportLogsServiceRequest.FromString(content).resource_logs[0].scope_logs[0].log_records


DESTINATIONS: dict[str, dict[str, Any]] = {  # kind → a destination of it
    "webhook": {"url": "https://hooks.example.org/a"},
    "splunk_hec": {"url": "https://splunk.example.org", "token": "a-token"},
    "datadog": {"url": "https://datadog.example.org", "token": "a-key"},
    "otlp": {"url": "https://otlp.example.org"},
    "s3": {"url": "s3://bucket/prefix", "roleArn": "arn:aws:iam::123456789012:role/chancery"},
    "eventbridge": {
        "url": "arn:aws:events:us-east-1:123456789012:event-bus/customer",
        "roleArn": "arn:aws:iam::123456789012:role/chancery",
    },
}
