"""Platform events as a source: `exchange.completed`, `checkpoint.sealed`, `contract.issued`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from chancery.core.feeds import Item
from chancery.core.mongo.client import Document
from chancery.destinations.events import Event, SourceName
from chancery.destinations.ports import SourcePage
from chancery.destinations.sources.event_store import EventStore


@dataclass(frozen=True, slots=True)
class EventSource:
    """Implements `ports.Source`. Reading has the events of the tenant stored, which are not without a reader."""

    store: EventStore
    name: ClassVar[SourceName] = "events"

    def last(self, tenant_id: str) -> int:
        """The newest number of a tenant, 0 without any. Raises Unavailable."""
        self.store.follow(tenant_id)
        return self.store.last(tenant_id)

    def after(self, tenant_id: str, sequence: int, limit: int) -> SourcePage:
        """The events beyond a number, at most `limit`. Raises Unavailable."""
        self.store.follow(tenant_id)
        newest = self.store.last(tenant_id)  # before the events: what it counts is visible to them
        if newest <= sequence:
            return SourcePage([], sequence)
        found = self.store.after(tenant_id, sequence, limit)
        first = found[0]["sequence"] if found else newest + 1
        missed = (sequence + 1, first - 1) if first > sequence + 1 else None
        return SourcePage([_event(item) for item in found], found[-1]["sequence"] if found else newest, missed)

    def get(self, tenant_id: str, items: Sequence[Item]) -> list[Event]:
        """The events of items in their order, without those that are not stored any more. Raises Unavailable."""
        found = self.store.get(tenant_id, [item.ref_id for item in items])
        return [_event(found[item.ref_id]) for item in items if item.ref_id in found]


def _event(stored: Document) -> Event:
    data: dict[str, Any] = stored["data"]
    return Event("events", Item(stored["sequence"], stored["refId"]), stored["type"], stored["occurredOn"], data)
