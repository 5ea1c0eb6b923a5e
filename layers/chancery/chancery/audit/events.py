"""`Audit Event Recorded`: the fact that a record is stored, published for whoever subscribes, at least once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import orjson

from chancery.core.aws.event_bus import MAX_BYTES
from chancery.core.formats.times import to_rfc3339

RECORD = "Record Audit Event"
RECORDED = "Audit Event Recorded"
_KEPT_BACK = frozenset({"_id", "before", "after", "salts"})
_METADATA_BYTES = MAX_BYTES // 2  # all other fields are shorter than that together


class Publisher(Protocol):
    """What publishes events: `core.bus.Bus`."""

    def publish(self, detail_type: str, details: Sequence[dict[str, Any]]) -> None: ...


def fact(record: Mapping[str, Any]) -> dict[str, Any]:
    """The fact of a record: all but before, after and salts, dates as RFC 3339; metadata goes where it is too large."""
    detail = {**record}
    for field in _KEPT_BACK:
        detail.pop(field, None)
    for field in ("createdOn", "recordedOn"):
        detail[field] = to_rfc3339(record[field])
    if "metadata" in detail and len(orjson.dumps(detail["metadata"])) > _METADATA_BYTES:
        del detail["metadata"]
    return detail


def as_json(value: Any) -> Any:
    """A stored value as the API shows it."""
    return to_rfc3339(value) if type(value) is datetime else value
