"""The pump: reads the sources of a destination beyond its positions, and makes deliveries of what it selects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chancery.core.mongo.client import Document
from chancery.destinations import filters
from chancery.destinations.delivery import alerts, making
from chancery.destinations.events import Event, SourceName, selects, sources_of
from chancery.destinations.ports import DELIVERY_SYSTEM, BatchLimits, Sender, Source, SourcePage

_PAGE = 500  # events of a source that are read at once


@dataclass(slots=True)
class Batch:
    """What was read: deliveries to store, with the state that is stored with them. `events`: refId → its events."""

    deliveries: list[Document] = field(default_factory=list)
    events: dict[str, Sequence[Event]] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    window: Document | None = None
    read: int = 0


@dataclass(slots=True)
class _Chunk:
    """Events that wait for others; their numbers come after `after`."""

    after: int
    events: list[Event] = field(default_factory=list)
    size: int = 0


class Pump:
    """Reads for one destination during one run.

    `positions` are stored ones: a chunk that is not full yet is read again by the next run.
    """

    def __init__(
        self,
        sources: Mapping[SourceName, Source],
        sender: Sender,
        destination: Mapping[str, Any],
        positions: Mapping[str, int],
        window: Mapping[str, Any] | None,
    ) -> None:
        names = sources_of(destination["events"])
        self._sources = {name: sources[name] for name in names if name in sources}
        self._sender = sender
        self._destination = destination
        self._limits: BatchLimits = sender.limits(destination)
        self._selects = selects(destination["events"])
        given = destination.get("filter")
        self._matches: filters.Matches | None = filters.compiled(given) if given else None
        self._window = dict(window) if window else None
        self._stored = {name: positions.get(name, -1) for name in self._sources}
        self._read = {  # a source without a position is followed from now on
            name: at if at >= 0 else self._sources[name].last(destination["tenantId"])
            for name, at in self._stored.items()
        }
        self._chunks = {name: _Chunk(self._read[name]) for name in self._sources}

    def read(self, room: int, now: datetime) -> Batch:
        """Reads a page of each source and makes at most about `room` deliveries. Raises Unavailable.

        Where the batch is not stored, the pump is of no use any more.
        """
        batch, limit = Batch(window=self._window), max(1, min(_PAGE, room))
        for name in self._sources:
            page = self._page(name, limit)
            if page.missed:
                self._add(batch, making.of_missed(self._destination, name, page.missed, now), ())
            selected = [event for event in page.events if self._is_selected(event)]
            self._read[name] = page.last
            batch.read += len(page.events)
            if self._destination.get("alert"):
                self._count(batch, selected, now)
            elif self._limits.entries > 1:
                self._fill(batch, name, selected, now)
            else:
                for event in selected:
                    self._add(batch, making.of_event(self._destination, event, now), [event])
            chunk = self._chunks[name]
            position = chunk.after if chunk.events else page.last
            if position != self._stored[name]:
                batch.positions[name] = self._stored[name] = position
        self._window = batch.window
        return batch

    def due_on(self) -> datetime | None:
        """When the oldest chunk that waits for more events is sent as it is."""
        waiting = [chunk.events[0].occurred_on for chunk in self._chunks.values() if chunk.events]
        return min(waiting) + self._age if waiting else None

    def has_more(self) -> bool:
        """Whether a source has events that were not read yet. Raises Unavailable."""
        tenant_id = self._destination["tenantId"]
        return any(source.last(tenant_id) > self._read[name] for name, source in self._sources.items())

    @property
    def _age(self) -> timedelta:
        return self._limits.age

    def _page(self, name: SourceName, limit: int) -> SourcePage:
        """What comes next. Asking for the newest number first has audit records numbered that wait for it."""
        source, tenant_id, at = self._sources[name], self._destination["tenantId"], self._read[name]
        return source.after(tenant_id, at, limit) if source.last(tenant_id) > at else SourcePage((), at)

    def _is_selected(self, event: Event) -> bool:
        """Deliveries are exchanges themselves, whose completion is no event for a destination."""
        is_own = event.source == "events" and event.data.get("systemCode") == DELIVERY_SYSTEM
        return self._selects(event.type) and not is_own and (self._matches is None or self._matches(event.data))

    def _count(self, batch: Batch, events: Sequence[Event], now: datetime) -> None:
        for event in events:
            counted = alerts.counted(batch.window, event, self._destination["alert"], now)
            batch.window = counted.window
            if counted.content:
                self._add(batch, making.of_alert(self._destination, event, counted.content, now), ())

    def _fill(self, batch: Batch, name: SourceName, events: Sequence[Event], now: datetime) -> None:
        """Adds events to the chunk of a source; a full one, and one that is old enough, becomes a delivery."""
        chunk = self._chunks[name]
        for event in events:
            size = self._sender.size(self._destination, event)
            is_full = len(chunk.events) >= self._limits.entries or chunk.size + size > self._limits.payload_bytes
            if chunk.events and is_full:
                chunk = self._close(batch, name, event.item.sequence - 1, now)
            chunk.events.append(event)
            chunk.size += size
        if not chunk.events:
            chunk.after = self._read[name]
            return
        oldest = chunk.events[0].occurred_on  # in the future where a clock is ahead
        if oldest > now or now - oldest >= self._age or len(chunk.events) >= self._limits.entries:
            self._close(batch, name, self._read[name], now)

    def _close(self, batch: Batch, name: SourceName, last: int, now: datetime) -> _Chunk:
        chunk = self._chunks[name]
        self._add(
            batch, making.of_chunk(self._destination, name, chunk.events, (chunk.after + 1, last), now), chunk.events
        )
        self._chunks[name] = _Chunk(last)
        return self._chunks[name]

    def _add(self, batch: Batch, delivery: Document, events: Sequence[Event]) -> None:
        batch.deliveries.append(delivery)
        batch.events[delivery["refId"]] = events
