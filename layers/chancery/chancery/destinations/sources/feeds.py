"""Audit records and log lines as events: a source each, over the feed of its type."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chancery.core.feeds import Feed, FeedRecord, Item
from chancery.destinations.events import Event, SourceName
from chancery.destinations.ports import SourcePage


@dataclass(frozen=True, slots=True)
class FeedSource:
    """Implements `ports.Source`. `type_of`: the event type of a record. `more`: what an event's data has besides."""

    name: SourceName
    feed: Feed
    type_of: Callable[[FeedRecord], str]
    more: Callable[[FeedRecord], dict[str, Any]]

    def last(self, tenant_id: str) -> int:
        """The newest number of a tenant, 0 without any. Raises Unavailable."""
        return self.feed.last(tenant_id)

    def after(self, tenant_id: str, sequence: int, limit: int) -> SourcePage:
        """The events beyond a number, at most `limit`. Raises Unavailable."""
        page = self.feed.after(tenant_id, sequence, limit)
        return SourcePage([self._event(record) for record in page.records], page.last, page.missed)

    def get(self, tenant_id: str, items: Sequence[Item]) -> list[Event]:
        """The events of items in their order, without those that are not stored any more. Raises Unavailable."""
        return [self._event(record) for record in self.feed.get(tenant_id, items)]

    def _event(self, record: FeedRecord) -> Event:
        document = record.document
        item = Item(record.sequence, document["refId"], record.kind)
        data = {**self.feed.to_response(record), **self.more(record)}
        return Event(self.name, item, self.type_of(record), document["createdOn"], data)


def audit_source(feed: Feed) -> FeedSource:
    """`audit.<action>`: records as a list has them, with `leafIndex`, their place in the tenant's log."""
    return FeedSource(
        "audit", feed, lambda record: f"audit.{record.document['action']}", lambda r: {"leafIndex": r.sequence - 1}
    )


def log_source(feed: Feed) -> FeedSource:
    """`log.<kind>`: whole lines."""
    return FeedSource("logs", feed, lambda record: f"log.{record.kind}", lambda _: {})
