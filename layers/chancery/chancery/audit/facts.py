"""`Audit Event Recorded`: the fact that a record is stored, published for whoever subscribes.

At least once: the queue's consumer publishes again for a repeated delivery. A fact that an HTTP write cannot publish
goes to the audit queue as its own event once more; the consumer finds it stored and publishes the fact.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson

from chancery.audit.models import OWN_FIELDS
from chancery.core.bus import MAX_BYTES
from chancery.core.errors import Unavailable
from chancery.core.observability import count, logger
from chancery.core.queue import Queue
from chancery.core.times import to_rfc3339

RECORD = "Record Audit Event"
RECORDED = "Audit Event Recorded"
_KEPT_BACK = frozenset({"_id", "before", "after", "salts"})


_METADATA_BYTES = MAX_BYTES - 64 * 1024  # all other fields are shorter than that together


class Publisher(Protocol):
    """What publishes events: `core.bus.Bus`."""

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None: ...


class Facts:
    """Publishes the facts of stored records; `retry` is the queue that gets what the bus did not take."""

    def __init__(self, bus: Publisher, retry: Queue | None = None) -> None:
        self._bus = bus
        self._retry = retry

    def publish(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Publishes a fact a record. Raises Unavailable when there is no retry queue and the bus is away."""
        try:
            self._bus.publish(RECORDED, [fact(record) for record in records])
        except Unavailable:
            if self._retry is None:
                raise
            for record in records:
                self._requeue(record)

    def _requeue(self, record: Mapping[str, Any]) -> None:
        try:
            assert self._retry is not None
            self._retry.send(orjson.dumps({"detail-type": RECORD, "detail": event_of(record)}).decode())
        except Unavailable:
            count("FactsUnpublished")
            logger.error("FACT_UNPUBLISHED", ref_id=record["refId"])


def fact(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fact of a record: all but before, after and salts, dates as RFC 3339; metadata goes where it is too large."""
    detail = {field: as_json(value) for field, value in record.items() if field not in _KEPT_BACK}
    if "metadata" in detail and len(orjson.dumps(detail["metadata"])) > _METADATA_BYTES:
        del detail["metadata"]
    return detail


def event_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The event a record was made from, so that it can be delivered once more under the same eventId."""
    return {field: as_json(value) for field, value in record.items() if field not in OWN_FIELDS}


def as_json(value: Any) -> Any:
    """A stored value as the API shows it."""
    return to_rfc3339(value) if type(value) is datetime else value
