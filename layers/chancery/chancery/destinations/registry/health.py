"""The health of a destination: how far it is behind its sources, and how its last attempts ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chancery.core.mongo.audited_reader import DocumentReader
from chancery.core.mongo.client import Document
from chancery.core.web.listing import to_response
from chancery.core.web.request import Call
from chancery.core.web.validation import TenantChoice
from chancery.destinations.events import SourceName, sources_of
from chancery.destinations.ports import Source
from chancery.destinations.registry.delivery_store import DeliveryStore
from chancery.destinations.registry.store import DestinationStore

_STATE_FIELDS = ("lastSuccessOn", "lastFailureOn", "lastError", "failingSince")


@dataclass(frozen=True, slots=True)
class DestinationHealth:
    """Shows how a destination is."""

    destinations: DocumentReader
    store: DestinationStore
    deliveries: DeliveryStore
    sources: Callable[[], Mapping[SourceName, Source]]

    def get(self, call: Call[TenantChoice]) -> Document:
        """Status, lag by source, deliveries that wait or have failed, last outcomes. Raises NotFound, Unavailable."""
        fields = ("refId", "enabled", "disabledReason", "disabledOn", "events")
        found, scope = self.destinations.find(call.principal, call.path["refId"], call.query.tenant_id, fields)
        self.destinations.trail.record(call.principal, scope, "destination.health_viewed", found["refId"])
        state = self.store.state(found)
        breaker = state.get("breaker") or {}
        due = self.deliveries.next_due(found)
        attempt = breaker.get("probeOn") or (due or {}).get("dueOn")
        health: Document = {
            "refId": found["refId"],
            "status": _status(found, state),
            **{name: found[name] for name in ("disabledReason", "disabledOn") if found.get(name)},
            "lag": {name: self._lag(found, state, name) for name in sources_of(found["events"])},
            "pending": self.deliveries.count(found, "pending", "blocked"),
            "failed": self.deliveries.count(found, "failed"),
            **{name: state[name] for name in _STATE_FIELDS if state.get(name) is not None},
            **({"nextAttemptOn": attempt} if attempt and found["enabled"] else {}),
            "isDown": bool(breaker.get("probeOn")),
            "consecutiveFailures": breaker.get("failures", 0),
        }
        return to_response(health)

    def _lag(self, destination: Document, state: Document, name: SourceName) -> Document:
        """Events that are not read yet, and how old the oldest event is that has not arrived."""
        source, tenant_id = self.sources().get(name), destination["tenantId"]
        position = state["positions"].get(name, 0)
        unread = max(0, source.last(tenant_id) - position) if source else 0
        waiting = self.deliveries.oldest_active(destination, name)
        times = [waiting["createdOn"]] if waiting else []
        if source and unread:
            times += [event.occurred_on for event in source.after(tenant_id, position, 1).events]
        return {"position": position, "events": unread, "seconds": self._seconds_since(times)}

    def _seconds_since(self, times: list[datetime]) -> int:
        return max(0, int((self.store.clock() - min(times)).total_seconds())) if times else 0


def _status(destination: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """`disabled`; `failing` since its last success; `ok`."""
    if not destination["enabled"]:
        return "disabled"
    return "failing" if state.get("failingSince") else "ok"
