"""New deliveries of events. Pure; their refIds follow from destination, source and sequence."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from chancery.core.formats.identifiers import ref_id_of, ref_id_of_name
from chancery.core.mongo.client import Document
from chancery.destinations.events import Event, Item, SourceName

CREATOR = "chancery"  # `createdBy` of deliveries
_LONGEST_KEY = 500
_LATEST_MS = 2**48 - 1  # of a ULID


def of_event(destination: Mapping[str, Any], event: Event, now: datetime) -> Document:
    """The delivery of a single event. It sorts by the event's time."""
    name = f"{destination['refId']}/{event.source}/{event.item.sequence}"
    ref_id = ref_id_of(min(max(int(event.occurred_on.timestamp() * 1000), 0), _LATEST_MS), name)
    order_key = _order_key(destination, event)
    return _delivery(destination, ref_id, event.source, [event], (event.item.sequence,) * 2, now, order_key)


def of_chunk(
    destination: Mapping[str, Any], source: SourceName, events: Sequence[Event], span: tuple[int, int], now: datetime
) -> Document:
    """The delivery of a chunk: of the events that a destination selects of a range of numbers."""
    ref_id = ref_id_of_name(f"{destination['refId']}/{source}/chunk/{span[0]}-{span[1]}")
    return _delivery(destination, ref_id, source, events, span, now, source if destination.get("orderedBy") else None)


def of_alert(destination: Mapping[str, Any], event: Event, content: Document, now: datetime) -> Document:
    """The delivery of the alert that an event triggers."""
    ref_id = ref_id_of_name(f"{destination['refId']}/{event.source}/alert/{event.item.sequence}")
    span = (event.item.sequence,) * 2
    alert = _delivery(destination, ref_id, event.source, [], span, now, None)
    return {**alert, "kind": "alert", "types": [event.type], "content": content}


def of_missed(destination: Mapping[str, Any], source: SourceName, span: tuple[int, int], now: datetime) -> Document:
    """What stands for events that expired before they were read: a delivery that has failed."""
    ref_id = ref_id_of_name(f"{destination['refId']}/{source}/missed/{span[0]}-{span[1]}")
    missed = _delivery(destination, ref_id, source, [], span, now, None)
    del missed["dueOn"]
    return {**missed, "status": "failed", "reason": "events_expired", "endedOn": now}


def items_of(delivery: Mapping[str, Any]) -> list[Item]:
    """The events of a delivery, by which they are read again."""
    return [Item(item["sequence"], item["refId"], item.get("kind", "")) for item in delivery["items"]]


def _delivery(
    destination: Mapping[str, Any],
    ref_id: str,
    source: SourceName,
    events: Sequence[Event],
    span: tuple[int, int],
    now: datetime,
    order_key: str | None,
) -> Document:
    return {
        "refId": ref_id,
        "tenantId": destination["tenantId"],
        "createdBy": CREATOR,
        "createdOn": now,
        "destinationId": destination["refId"],
        "kind": "events",
        "source": source,
        "first": span[0],
        "last": span[1],
        "items": [_item(event.item) for event in events],
        "types": sorted({event.type for event in events}),
        **({"orderKey": order_key} if order_key is not None else {}),
        "status": "pending",
        "reason": "new",
        "round": 0,
        "attempt": 0,
        "retries": 0,
        "dueOn": now,
    }


def _item(item: Item) -> Document:
    return {"sequence": item.sequence, "refId": item.ref_id, **({"kind": item.kind} if item.kind else {})}


def _order_key(destination: Mapping[str, Any], event: Event) -> str | None:
    """The source and the value at the path `orderedBy` of an event's data; None without a value."""
    if not destination.get("orderedBy"):
        return None
    value: Any = event.data
    for name in destination["orderedBy"].split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        return None
    return f"{event.source}:{orjson.dumps(value, default=str).decode()}"[:_LONGEST_KEY]
