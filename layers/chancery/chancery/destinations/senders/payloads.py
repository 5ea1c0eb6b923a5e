"""What a message says of its events: the same JSON object for an event in every kind of destination.

    {"type": "audit.blog_post.updated", "timestamp": "2026-03-01T12:00:00.000Z", "source": "audit", "sequence": 42,
     "leafIndex": 41, "data": {"refId": "01J...", "tenantId": "acme", ...}}

`source` and `sequence` name an event for ever: a receiver finds duplicates and gaps by them. `leafIndex`: of audit
records, their place in the tenant's sealed log. `omitted`: fields of `data` that were left out since the event is
larger than the destination takes; the API has them.
"""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from chancery.core.formats.times import to_rfc3339
from chancery.core.mongo.client import Document
from chancery.destinations.events import Event
from chancery.destinations.ports import BatchLimits, Unsendable

type Payload = dict[str, Any]
TEXTS = ("description", "message", "summary", "reason")  # fields of data that say in words what happened
type Render = Callable[[Payload], bytes]

# By these an event is found in the API and in the sealed log: never left out. Each is short.
_KEPT = frozenset(("refId", "tenantId", "requestId", "action", "digest", "digestVersion", "createdOn", "recordedOn"))


def payload_of(tenant_id: str, event: Event) -> Payload:
    """The object of an event."""
    payload: Payload = {"type": event.type, "timestamp": to_rfc3339(event.occurred_on), "source": event.source}
    payload["sequence"] = event.item.sequence
    if event.source == "audit":
        payload["leafIndex"] = event.item.sequence - 1
    payload["data"] = {"refId": event.item.ref_id, **event.data, "tenantId": tenant_id}
    return payload


def payloads_of(delivery: Document, events: Sequence[Event]) -> list[Payload]:
    """The objects of a delivery: of its events, or the one of an alert or test. Raises Unsendable without any."""
    tenant_id = delivery["tenantId"]
    if delivery["kind"] == "events":
        if not events:
            raise Unsendable("events_expired", "The events of this delivery are not stored any more.")
        return [payload_of(tenant_id, event) for event in events]
    data = {"refId": delivery["refId"], **(delivery.get("content") or {}), "tenantId": tenant_id}
    if delivery["kind"] == "alert":
        data["types"] = delivery["types"]
    return [
        {"type": f"destination.{delivery['kind']}", "timestamp": to_rfc3339(delivery["createdOn"]), "data": data},
    ]


def title_of(payload: Payload) -> str:
    """What happened, in words where the event has some."""
    return next((str(payload["data"][name]) for name in TEXTS if payload["data"].get(name)), payload["type"])


def milliseconds_of(payload: Payload) -> int:
    """The event's time in milliseconds since 1970."""
    return round(datetime.fromisoformat(payload["timestamp"]).timestamp() * 1000)


def level_of_payload(payload: Payload) -> str:
    """The level of a log line; `error` of an exchange without success; else `info`."""
    data = payload["data"]
    if payload.get("source") == "logs":
        return str(data.get("level", "info"))
    return "error" if data.get("status") in ("FAILED", "TIMEOUT") and payload.get("source") == "events" else "info"


def shaped(destination: Mapping[str, Any], payload: Payload) -> Payload:
    """The object in the destination's format: as it is, or as an OCSF event."""
    if destination["format"] != "ocsf":
        return payload
    from chancery.destinations.senders.ocsf import ocsf_of

    return ocsf_of(payload)


def to_json(value: Any) -> bytes:
    """JSON text in UTF-8. Raises Unsendable for what has no JSON."""
    try:
        return orjson.dumps(value)
    except TypeError as exc:
        raise Unsendable("payload_invalid", "The event has a value that JSON does not allow.") from exc


def fitted(payload: Payload, most: int, render: Render = to_json) -> bytes:
    """An object as a receiver takes it, in at most `most` bytes: without its largest fields where it is larger.

    Also without all fields that may be left out where one of them has no form that the receiver takes: an event that
    cannot be sent whole must not hold up the others of its chunk. Raises Unsendable where even that is not possible.
    """
    text = _rendered(payload, render)
    if text is not None and len(text) <= most:
        return text
    data, omitted = dict(payload["data"]), list[str]()
    smallest_first = sorted((_size_of(value), name) for name, value in data.items() if name not in _KEPT)
    while text is None or len(text) > most:
        if not smallest_first:
            raise Unsendable("event_too_large", f"The event has more than {most} bytes without its large fields.")
        excess = len(text) - most if text is not None else sys.maxsize
        while excess > 0 and smallest_first:
            size, name = smallest_first.pop()
            omitted.append(_plain(name))
            excess -= size
            del data[name]
        text = _rendered({**payload, "data": data, "omitted": sorted(omitted)}, render)
    return text


def _rendered(payload: Payload, render: Render) -> bytes | None:
    """None for a value that the receiver's format does not have."""
    try:
        return render(payload)
    except (Unsendable, ValueError, TypeError, OverflowError):
        return None


def _size_of(value: Any) -> int:
    try:
        return len(orjson.dumps(value))
    except TypeError:
        return 0


def _plain(name: str) -> str:
    return name.encode(errors="replace").decode()


def with_age(limits: BatchLimits, destination: Mapping[str, Any]) -> BatchLimits:
    """The limits, with the time that the destination's first event of a chunk may wait where it states one."""
    seconds = destination.get("maxAgeSeconds")
    return limits if seconds is None else limits._replace(age=timedelta(seconds=seconds))


def manifest_of(delivery: Document, count: int, body: bytes) -> dict[str, Any]:
    """What is logged of a stream's message instead of its body."""
    return {
        "source": delivery.get("source"),
        "first": delivery.get("first"),
        "last": delivery.get("last"),
        "count": count,
        "sha256": hashlib.sha256(body).hexdigest(),
    }
