"""Reads events of several sources in one order, from the position in each.

Events of a source are in the order of their numbers; those of several are merged by time. A position moves behind an
event only when the event is in the page, or does not match: so a reader that goes on with the cursor skips nothing.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from chancery.core.web.listing import MOST_BYTES
from chancery.core.web.server_sent_events import Wait
from chancery.destinations.events import Event, SourceName
from chancery.destinations.feed.cursor import Positions
from chancery.destinations.feed.subscription import Subscription
from chancery.destinations.ports import Source
from chancery.destinations.senders.payloads import payload_of

_READ = 250  # events of a source that are read at once
_MOST_LOOKS = 20  # at full pages in one request: a filter that matches little
# What following itself records. These do not end a wait: two auditors would wake each other for ever.
_OF_FOLLOWING = frozenset({"audit.feed.followed", "audit.audit_log.followed", "audit.tenant.crossed"})


@dataclass(slots=True)
class FeedPage:
    """Events as a reader gets them, and the positions behind them. `more`: there may be more without waiting.

    `missed`: ranges of numbers that are not stored any more.
    """

    positions: dict[SourceName, int]
    items: list[dict[str, Any]] = field(default_factory=list)
    missed: list[dict[str, Any]] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True, slots=True)
class FeedReader:
    """Reads the events of tenants."""

    sources: Mapping[SourceName, Source]
    sleep: Callable[[float], None] = time.sleep

    def begin(self, tenant_id: str, names: Iterable[SourceName], start: str) -> dict[SourceName, int]:
        """The positions of `now`, or of `beginning`: before the oldest event that is stored. Raises Unavailable."""
        of = self.last if start == "now" else self._first
        return {name: of(tenant_id, name) for name in names}

    def _first(self, tenant_id: str, name: SourceName) -> int:
        missed = self.sources[name].after(tenant_id, 0, 1).missed
        return missed[1] if missed else 0

    def last(self, tenant_id: str, name: SourceName) -> int:
        """The newest number of a source. Raises Unavailable."""
        return self.sources[name].last(tenant_id)

    def read(self, tenant_id: str, of: Subscription, after: Positions, limit: int, wait: int) -> FeedPage:
        """The next events, at most `limit` and 5 MB of them, at least one where there is one. Raises Unavailable.

        Waits for up to `wait` seconds where there is none.
        """
        run = _Reading(self.sources, tenant_id, of, limit, FeedPage(dict(after)))
        timer = Wait(wait, self.sleep)
        for name in of.sources:
            if name not in run.page.positions:
                run.page.positions[name] = self.last(tenant_id, name)
        looks = 0
        while True:
            run.look()
            looks += 1
            if run.is_done or looks == _MOST_LOOKS:
                break
            if not run.page.more and (timer.is_over or not timer.pause()):
                break
        return run.page


@dataclass(slots=True)
class _Reading:
    """One request."""

    sources: Mapping[SourceName, Source]
    tenant_id: str
    of: Subscription
    limit: int
    page: FeedPage
    room: int = MOST_BYTES
    wakes: bool = False
    is_full: bool = False

    @property
    def is_done(self) -> bool:
        """Whether the answer is ready without another look."""
        return self.is_full or self.wakes

    def look(self) -> None:
        """Adds the next events of each source to the page."""
        self.page.more = False
        found: dict[SourceName, Sequence[Event]] = {}
        ends: dict[SourceName, int] = {}
        for name in self.of.sources:
            at = self.page.positions[name]
            read = self.sources[name].after(self.tenant_id, at, _READ)
            found[name] = [event for event in read.events if self.of.matches(event)]
            ends[name] = read.last
            self.page.more = self.page.more or read.last - at >= _READ
            if read.missed:
                self.page.missed.append({"source": name, "from": read.missed[0], "to": read.missed[1]})
        taken = self._take(found)
        for name, end in ends.items():
            left = found[name][taken[name] :]
            self.page.positions[name] = left[0].item.sequence - 1 if left else end
            self.page.more = self.page.more or bool(left)

    def _take(self, found: Mapping[SourceName, Sequence[Event]]) -> dict[SourceName, int]:
        """Adds events to the page, the oldest first, while there is room; how many of each source."""
        taken = dict.fromkeys(found, 0)
        while heads := {name: events[taken[name]] for name, events in found.items() if taken[name] < len(events)}:
            name = min(heads, key=lambda each: heads[each].occurred_on)
            item = {"refId": heads[name].item.ref_id, **payload_of(self.tenant_id, heads[name])}
            size = len(orjson.dumps(orjson.dumps(item).decode()))  # as a text in the answer of the function
            if len(self.page.items) == self.limit or (size > self.room and self.page.items):
                self.is_full = True
                break
            self.page.items.append(item)
            self.room -= size
            self.wakes = self.wakes or item["type"] not in _OF_FOLLOWING
            taken[name] += 1
        return taken
