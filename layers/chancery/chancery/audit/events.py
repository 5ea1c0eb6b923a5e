"""`Audit Event Recorded`: published for each stored record, at least once; consumers drop repetitions by refId."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import orjson

from chancery.core.aws.event_bus import MAX_BYTES
from chancery.core.formats.times import to_rfc3339

RECORD = "Record Audit Event"
RECORDED = "Audit Event Recorded"
_LEFT_OUT = frozenset({"_id", "before", "after", "salts"})
_METADATA_BYTES = MAX_BYTES // 2  # all other fields are shorter than that together


class Publisher(Protocol):
    """Publishes events: `core.aws.event_bus.Bus`."""

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None: ...


def recorded_event(record: Mapping[str, Any]) -> dict[str, Any]:
    """The event's detail: the record without before, after and salts, dates as RFC 3339; without too large metadata."""
    detail = {**record}
    for field in _LEFT_OUT:
        detail.pop(field, None)
    for field in ("createdOn", "recordedOn"):
        detail[field] = to_rfc3339(record[field])
    if "metadata" in detail and len(orjson.dumps(detail["metadata"])) > _METADATA_BYTES:
        del detail["metadata"]
    return detail
