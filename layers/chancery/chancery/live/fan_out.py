"""The fan-out: sends new records to the connections of a tenant, one frame a tick each.

A run holds the tenant's lease and goes on for most of a Lambda invocation; then it hands over to the next one by a
queue message. Where a run is killed, its lease expires, and the next ping of a client, or the schedule, starts another:
it goes on at the stored positions, so a frame may come twice, and none is missing. Clients skip what they have by its
sequence.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, NamedTuple, Protocol

import orjson

from chancery.core.aws.queue import Message, Queue, body_of
from chancery.core.aws.work_loop import Delivery
from chancery.core.errors import ChanceryError, NotFound, Unavailable, ValidationFailed
from chancery.core.feeds import Feed, Matches
from chancery.core.formats.identifiers import new_ref_id
from chancery.core.mongo.client import Document
from chancery.core.mongo.leases import Leases
from chancery.core.observability import count, gauge, logger
from chancery.live.frames import FeedView, frame_of
from chancery.live.store import ConnectionStore

_TICK = 0.2  # seconds
_PAGE = 500  # records of a feed that are read for a frame
_MOST_BEHIND, _KEPT = 5000, 500  # a reader that is further behind goes on with the newest
_HEARTBEAT = 20.0  # seconds without a frame; API Gateway ends an idle connection after ten minutes
_RENEWAL = 2.0  # seconds
_TIME_TO_END_MS = 12_000
_WORKERS = 64
_MOST_FAILURES, _LONGEST_BACKOFF = 6, 30.0


class Sockets(Protocol):
    """Messages to clients: `core.aws.websockets.WebSockets`."""

    def post(self, connection_id: str, data: str) -> None: ...
    def close(self, connection_id: str) -> None: ...


class Run(NamedTuple):
    """A message of the queue: the tenant to serve, and the token of the run that hands over."""

    tenant_id: str | None
    former: str | None = None

    def to_message(self) -> str:
        """The body of the message."""
        return orjson.dumps({"tenantId": self.tenant_id, "former": self.former}).decode()


@dataclass(slots=True)
class _Reader:
    """A connection as a run knows it: how far it is served, and the frame that is on its way."""

    connection: Document
    matches: Mapping[str, Matches]
    position: dict[str, int]
    sent_at: float
    sending: Future[None] | None = None
    reached: dict[str, int] = field(default_factory=dict)
    failures: int = 0
    retry_at: float = 0.0
    waits_since: float | None = None  # since when there has been a record beyond its position

    @property
    def key(self) -> tuple[str, int]:
        return self.connection["_id"], self.connection["version"]


@dataclass(frozen=True, slots=True)
class FanOut:
    """Serves the connections of tenants; the worker of the queue `live`."""

    connections: ConnectionStore
    leases: Leases
    feeds: Mapping[str, Feed]
    sockets: Sockets
    queue: Queue
    sleep: Callable[[float], None] = time.sleep

    name: ClassVar[str] = "live"
    rescheduled: ClassVar[bool] = True

    def parse(self, message: Message) -> Run:
        """The run that a message asks for. Raises ValidationFailed."""
        body = body_of(message, "tenantId")
        tenant_id, former = body["tenantId"], body.get("former")
        if not isinstance(tenant_id, str | None) or not isinstance(former, str | None):
            raise ValidationFailed("The message names no tenant: tenantId is text or null.")
        return Run(tenant_id, former)

    def work(self, run: Run, delivery: Delivery) -> None:
        """Serves a tenant until time is short or nobody is connected. Raises Unavailable."""
        token = new_ref_id()
        if not self.leases.take(_lease(run.tenant_id), token, run.former):
            return
        try:
            is_left = self._serve(run.tenant_id, token, delivery)
        except Exception:
            self.leases.release(_lease(run.tenant_id), token)  # the next delivery of the message takes it
            raise
        if is_left:
            self.queue.send(Run(run.tenant_id, token).to_message())
            return
        self.leases.release(_lease(run.tenant_id), token)
        if self.connections.count(run.tenant_id, 1):  # subscribed since the last look
            self.start(run.tenant_id)

    def _serve(self, tenant_id: str | None, token: str, delivery: Delivery) -> bool:
        """Serves a tenant while there is time, connections, and the lease; whether there are connections left."""
        renewed = time.monotonic()
        with ThreadPoolExecutor(_WORKERS) as pool:
            session = _Session(self, tenant_id, pool)
            while session.tick():
                if delivery.remaining_ms() < _TIME_TO_END_MS:
                    session.settle()
                    gauge("LiveDelay", session.longest_delay)
                    return True
                if time.monotonic() - renewed > _RENEWAL:
                    if not self.leases.renew(_lease(tenant_id), token):
                        return False
                    renewed = time.monotonic()
                self.sleep(_TICK)
        return False

    def failed(self, run: Run, reason: str) -> None:
        """Stores nothing: the schedule starts another run."""

    def start(self, tenant_id: str | None) -> None:
        """Has a tenant served that no run serves. Raises Unavailable."""
        if not self.leases.reserve(_lease(tenant_id)):
            return
        try:
            self.queue.send(Run(tenant_id).to_message())
        except Unavailable:
            self.leases.release(_lease(tenant_id))
            raise

    def start_all(self) -> None:
        """Has every tenant with subscriptions served, and counts these. Raises Unavailable."""
        for tenant_id in self.connections.tenants():
            self.start(tenant_id)
        count("LiveConnections", self.connections.count_all())


class _Session:
    """One run for one tenant."""

    def __init__(self, fan_out: FanOut, tenant_id: str | None, pool: ThreadPoolExecutor) -> None:
        self._fan_out = fan_out
        self._tenant_id = tenant_id
        self._pool = pool
        self._readers: dict[str, _Reader] = {}
        self.longest_delay = 0.0  # seconds that records waited for a connection that takes its frames

    def tick(self) -> bool:
        """Sends each connection what is new, at most one frame; False where there is no connection."""
        self._collect()
        connections = self._fan_out.connections
        found = connections.subscribed(self._tenant_id)
        if expired := [item["_id"] for item in found if connections.has_expired(item)]:
            self._end(expired)
        self._readers = {item["_id"]: self._reader(item) for item in found if item["_id"] not in expired}
        pages = _Pages(self._fan_out.feeds, self._tenant_id)
        for reader in self._readers.values():
            if reader.sending is None and reader.retry_at <= time.monotonic():
                self._serve(reader, pages)
            self._measure(reader, pages)
        return bool(self._readers)

    def _measure(self, reader: _Reader, pages: "_Pages") -> None:
        is_behind = any(pages.last(feed) > at for feed, at in reader.position.items())
        if not is_behind or reader.connection["paused"] or reader.failures:
            reader.waits_since = None
            return
        moment = time.monotonic()
        reader.waits_since = reader.waits_since or moment
        self.longest_delay = max(self.longest_delay, moment - reader.waits_since)

    def settle(self) -> None:
        """Waits for the frames that are on their way, and stores the positions."""
        for reader in self._readers.values():
            if reader.sending:
                reader.sending.exception()
        self._collect()

    def _end(self, connection_ids: list[str]) -> None:
        """Ends connections whose token has expired: their clients connect again with another one, and go on."""
        self._fan_out.connections.remove(connection_ids)
        for connection_id in connection_ids:
            self._pool.submit(self._fan_out.sockets.close, connection_id)
        count("LiveConnectionsExpired", len(connection_ids))

    def _reader(self, connection: Document) -> _Reader:
        known = self._readers.get(connection["_id"])
        if known and known.connection["version"] == connection["version"]:
            return known
        feeds = self._fan_out.feeds
        matches = {feed: feeds[feed].matches(filters) for feed, filters in connection["feeds"].items()}
        return _Reader(connection, matches, dict(connection["position"]), time.monotonic())

    def _serve(self, reader: _Reader, pages: "_Pages") -> None:
        subscription, text = reader.connection["version"], None
        if not reader.connection["paused"]:
            position = dict(reader.position)
            dropped = _dropped(position, pages)
            views = {
                feed: FeedView(pages.after(feed, position[feed]), matches, self._fan_out.feeds[feed].to_response)
                for feed, matches in reader.matches.items()
                if pages.last(feed) > position[feed]
            }
            text, reader.reached = frame_of(subscription, views, position, dropped)
            if text is None:
                reader.position = reader.reached
        if text is None and time.monotonic() - reader.sent_at > _HEARTBEAT:
            reader.reached, paused = reader.position, reader.connection["paused"]
            beat = {"type": "heartbeat", "subscription": subscription, "position": reader.position, "paused": paused}
            text = orjson.dumps(beat).decode()
        if text is not None:
            reader.sending = self._pool.submit(self._fan_out.sockets.post, reader.connection["_id"], text)

    def _collect(self) -> None:
        """Takes the results of frames that were on their way, and stores the positions."""
        served: dict[tuple[str, int], Mapping[str, int]] = {}
        gone: list[str] = []
        for reader in self._readers.values():
            if reader.sending is None or not reader.sending.done():
                continue
            error, reader.sending = reader.sending.exception(), None
            if error is None:
                reader.position, reader.sent_at, reader.failures = reader.reached, time.monotonic(), 0
                served[reader.key] = reader.position
            elif isinstance(error, NotFound) or not self._backed_off(reader, error):
                gone.append(reader.connection["_id"])
        if gone:
            self._fan_out.connections.remove(gone)
        self._fan_out.connections.advance(served)

    def _backed_off(self, reader: _Reader, error: BaseException) -> bool:
        """Delays the next frame of a connection that does not answer; False where it is given up and closed."""
        reader.failures += 1
        reader.retry_at = time.monotonic() + min(2.0**reader.failures / 4, _LONGEST_BACKOFF)
        if reader.failures < _MOST_FAILURES:
            return True
        reason = error.detail if isinstance(error, ChanceryError) else type(error).__name__
        logger.warning("LIVE_CONNECTION_CLOSED", tenant_id=self._tenant_id, reason=reason)
        count("LiveConnectionsClosed")
        self._pool.submit(self._fan_out.sockets.close, reader.connection["_id"])
        return False


class _Pages:
    """What is read of the feeds in one tick; connections at the same position share it."""

    def __init__(self, feeds: Mapping[str, Feed], tenant_id: str | None) -> None:
        self.last = cache(lambda feed: feeds[feed].last(tenant_id))
        self.after = cache(lambda feed, position: feeds[feed].after(tenant_id, position, _PAGE))


def _lease(tenant_id: str | None) -> dict[str, Any]:
    """The key of a tenant's lease."""
    return {"tenantId": tenant_id}


def _dropped(position: dict[str, int], pages: _Pages) -> list[dict[str, Any]]:
    """Moves a position that is too far behind near the newest record; the ranges that are left out."""
    ranges = []
    for feed, at in position.items():
        if pages.last(feed) - at > _MOST_BEHIND:
            position[feed] = pages.last(feed) - _KEPT
            ranges.append({"feed": feed, "from": at + 1, "to": position[feed]})
            count("LiveRecordsDropped", position[feed] - at)
    return ranges
