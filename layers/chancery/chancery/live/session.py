"""What a run of the fan-out does for its tenant: each tick, at most one frame for each connection.

A frame is sent by a thread, and its result is taken by a later tick: a client that is slow or gone delays no other.
"""

import time
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import orjson

from chancery.core.errors import ChanceryError, NotFound
from chancery.core.feeds import Feed, Matches
from chancery.core.mongo.client import Document
from chancery.core.observability import count, logger
from chancery.live.frames import FeedView, frame_of
from chancery.live.store import ConnectionStore

_PAGE = 500  # records of a feed that are read for a frame
_MOST_BEHIND, _KEPT = 5000, 500  # a connection that is further behind goes on with the newest records
_HEARTBEAT = 20.0  # seconds without a frame; API Gateway ends an idle connection after ten minutes
_MOST_FAILURES, _LONGEST_BACKOFF = 6, 30.0


class Sockets(Protocol):
    """Messages to clients: `core.aws.websockets.WebSockets`."""

    def post(self, connection_id: str, data: str) -> None: ...
    def close(self, connection_id: str) -> None: ...


@dataclass(slots=True)
class _Sending:
    """A frame on its way, and the position that it takes the connection to."""

    result: Future[None]
    position: dict[str, int]


@dataclass(slots=True)
class _Reader:
    """A connection: how far it is served, the frame on its way, and when it may have another. Times are monotonic."""

    connection: Document
    matches: Mapping[str, Matches]
    position: dict[str, int]
    sent_at: float
    sending: _Sending | None = None
    failures: int = 0
    retry_at: float = 0.0
    waits_since: float | None = None  # since when there has been a record beyond its position

    @property
    def key(self) -> tuple[str, int]:
        """The subscription: a connection may replace its own."""
        return self.connection["_id"], self.connection["version"]

    @property
    def is_free(self) -> bool:
        """Whether it may have a frame now."""
        return self.sending is None and self.retry_at <= time.monotonic()

    def sent(self, position: dict[str, int]) -> None:
        self.position, self.sent_at, self.failures = position, time.monotonic(), 0

    def failed(self) -> bool:
        """Delays its next frame; False where it has failed too often."""
        self.failures += 1
        self.retry_at = time.monotonic() + min(2.0**self.failures / 4, _LONGEST_BACKOFF)
        return self.failures < _MOST_FAILURES

    def delay(self, pages: "_Pages") -> float:
        """Seconds for which records have waited for it; none while it is paused or does not answer."""
        is_behind = any(pages.last(feed) > at for feed, at in self.position.items())
        if not is_behind or self.connection["paused"] or self.failures:
            self.waits_since = None
            return 0.0
        moment = time.monotonic()
        self.waits_since = self.waits_since or moment
        return moment - self.waits_since


class _Pages:
    """What is read of the feeds in one tick; connections at the same position share it."""

    def __init__(self, feeds: Mapping[str, Feed], tenant_id: str | None) -> None:
        self.last = cache(lambda feed: feeds[feed].last(tenant_id))
        self.after = cache(lambda feed, position: feeds[feed].after(tenant_id, position, _PAGE))


class Session:
    """Serves the connections of a tenant."""

    def __init__(
        self,
        tenant_id: str | None,
        connections: ConnectionStore,
        feeds: Mapping[str, Feed],
        sockets: Sockets,
        pool: Executor,
    ) -> None:
        self._tenant_id = tenant_id
        self._connections = connections
        self._feeds = feeds
        self._sockets = sockets
        self._pool = pool
        self._readers: dict[str, _Reader] = {}
        self.longest_delay = 0.0  # seconds that records waited for a connection that takes its frames

    def tick(self) -> bool:
        """Sends each connection what is new, at most one frame; False where there is no connection."""
        self._take_results()
        self._readers = {item["_id"]: self._reader(item) for item in self._subscribed()}
        pages = _Pages(self._feeds, self._tenant_id)
        for reader in self._readers.values():
            if reader.is_free:
                self._send(reader, pages)
            self.longest_delay = max(self.longest_delay, reader.delay(pages))
        return bool(self._readers)

    def settle(self) -> None:
        """Waits for the frames that are on their way, and stores the positions."""
        for reader in self._readers.values():
            if reader.sending:
                reader.sending.result.exception()
        self._take_results()

    # ---- connections

    def _subscribed(self) -> list[Document]:
        """The connections with a subscription. Ends those whose token has expired: their clients connect again."""
        found = self._connections.subscribed(self._tenant_id)
        expired = [item["_id"] for item in found if self._connections.has_expired(item)]
        if expired:
            self._connections.remove(expired)
            for connection_id in expired:
                self._pool.submit(self._sockets.close, connection_id)
            count("LiveConnectionsExpired", len(expired))
        return [item for item in found if item["_id"] not in expired]

    def _reader(self, connection: Document) -> _Reader:
        known = self._readers.get(connection["_id"])
        if known and known.connection["version"] == connection["version"]:
            return known
        matches = {feed: self._feeds[feed].matches(filters) for feed, filters in connection["feeds"].items()}
        return _Reader(connection, matches, dict(connection["position"]), time.monotonic())

    # ---- frames

    def _send(self, reader: _Reader, pages: _Pages) -> None:
        """Has the next frame of a connection sent, if there is one: records, else a heartbeat from time to time."""
        text, position = (None, reader.position) if reader.connection["paused"] else self._frame(reader, pages)
        if text is None:
            reader.position = position
            if time.monotonic() - reader.sent_at <= _HEARTBEAT:
                return
            text = _heartbeat(reader)
        sending = self._pool.submit(self._sockets.post, reader.connection["_id"], text)
        reader.sending = _Sending(sending, position)

    def _frame(self, reader: _Reader, pages: _Pages) -> tuple[str | None, dict[str, int]]:
        """The records beyond a connection's position as a message, None for none, and the position after it."""
        position = dict(reader.position)
        dropped = _drop(position, pages)
        views = {
            feed: FeedView(pages.after(feed, position[feed]), matches, self._feeds[feed].to_response)
            for feed, matches in reader.matches.items()
            if pages.last(feed) > position[feed]
        }
        return frame_of(reader.connection["version"], views, position, dropped)

    def _take_results(self) -> None:
        """Takes the results of frames that were on their way, and stores the positions."""
        served: dict[tuple[str, int], Mapping[str, int]] = {}
        gone: list[str] = []
        for reader in self._readers.values():
            if reader.sending is None or not reader.sending.result.done():
                continue
            sending, reader.sending = reader.sending, None
            error = sending.result.exception()
            if error is None:
                reader.sent(sending.position)
                served[reader.key] = reader.position
            elif isinstance(error, NotFound):
                gone.append(reader.connection["_id"])
            elif not reader.failed():
                self._close(reader, error)
                gone.append(reader.connection["_id"])
        if gone:
            self._connections.remove(gone)
        self._connections.advance(served)

    def _close(self, reader: _Reader, error: BaseException) -> None:
        """Gives up a connection that does not answer."""
        reason = error.detail if isinstance(error, ChanceryError) else type(error).__name__
        logger.warning("LIVE_CONNECTION_CLOSED", tenant_id=self._tenant_id, reason=reason)
        count("LiveConnectionsClosed")
        self._pool.submit(self._sockets.close, reader.connection["_id"])


def _heartbeat(reader: _Reader) -> str:
    version, paused = reader.connection["version"], reader.connection["paused"]
    beat = {"type": "heartbeat", "subscription": version, "position": reader.position, "paused": paused}
    return orjson.dumps(beat).decode()


def _drop(position: dict[str, int], pages: _Pages) -> list[dict[str, Any]]:
    """Moves a position that is too far behind near the newest record; the ranges that are left out."""
    ranges = []
    for feed, at in position.items():
        if pages.last(feed) - at > _MOST_BEHIND:
            position[feed] = pages.last(feed) - _KEPT
            ranges.append({"feed": feed, "from": at + 1, "to": position[feed]})
            count("LiveRecordsDropped", position[feed] - at)
    return ranges
