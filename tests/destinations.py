"""Destinations as they are stored, for tests of what serves them."""

from collections.abc import Callable
from typing import Any

from chancery.core.aws.queue import ItemRef
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.formats.times import now


def destination_of(**changes: Any) -> dict[str, Any]:
    """A webhook of acme for its audit records."""
    ref_id = changes.get("refId") or new_ref_id()
    return {
        "refId": ref_id,
        "tenantId": "acme",
        "createdBy": "admin",
        "createdOn": now(),
        "version": 1,
        "kind": "webhook",
        "name": f"hook-{ref_id}",
        "url": "https://hooks.example.org/in",
        "events": ["audit.*"],
        "format": "json",
        "headerNames": [],
        "enabled": True,
        "ratePerSecond": 100,
        "sealed": {"key": b"key", "data": b"data", "length": 2},
        **changes,
    }


def add_destination(connect: Callable[[str], Any], positions: dict[str, int] | None = None, **changes: Any) -> ItemRef:
    """Stores a destination with its state, at the beginning of each source or at `positions`."""
    destination, database = destination_of(**changes), connect("writer")
    database.destinations.insert_one(destination)
    state = {"tenantId": destination["tenantId"], "refId": destination["refId"], "positions": positions or {}}
    database.destination_states.insert_one(state)
    return ItemRef.of(destination)
