"""What clients of the live tail send: a connection comes and goes, and follows feeds by messages.

    {"action": "subscribe", "audit": {"action": "invoice.*"}, "logs": {"level": "warn"}, "after": {"audit": 41}}
    {"action": "unsubscribe"}   {"action": "pause"}   {"action": "resume"}   {"action": "ping"}

Each message is answered with one: `subscribed`, `unsubscribed`, `paused`, `resumed`, `pong`, or `refused` with a
problem.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from chancery.core.errors import (
    ChanceryError,
    FieldError,
    Forbidden,
    Limited,
    NotFound,
    Unauthenticated,
    ValidationFailed,
)
from chancery.core.identity.principal import Principal
from chancery.core.identity.roles import READERS, Role
from chancery.core.mongo.audited_reader import Trail
from chancery.core.mongo.client import Document
from chancery.core.web.refused_accesses import trace
from chancery.core.web.request import RateClass, Request, TakeFromLimit
from chancery.core.web.validation import parse, wrong_query
from chancery.live.fan_out import FanOut
from chancery.live.models import FEEDS, Subscribe

MOST_SUBSCRIBED = 500  # connections of a tenant that follow something
_RATE: RateClass = "read"  # a message costs what a request does
_NO_SUBSCRIPTION = "Subscribe first; this connection follows nothing."


class Origin(NamedTuple):
    """Where an event comes from: the caller's address, and the id that API Gateway gives the event."""

    address: str | None = None
    gateway_id: str | None = None


UNKNOWN = Origin()


@dataclass(frozen=True, slots=True)
class LiveSocket:
    """Answers the events of a WebSocket API."""

    fan_out: FanOut
    trail: Trail
    take_from_limit: TakeFromLimit

    def connect(
        self, connection_id: str, principal: Principal, token_expires_on: datetime, origin: Origin = UNKNOWN
    ) -> int:
        """Stores a connection, which ends with its token; the status of its handshake."""
        try:
            principal.require(READERS)
            self.take_from_limit(principal, _RATE, 1)
        except Forbidden as exc:
            trace(exc, _request("CONNECT", "", principal, origin))
            return exc.status
        except Limited as exc:
            return exc.status
        self.fan_out.connections.add(connection_id, principal, token_expires_on)
        return 200

    def disconnect(self, connection_id: str) -> None:
        """Removes a connection that has ended."""
        self.fan_out.connections.remove([connection_id])

    def receive(self, connection_id: str, text: str, origin: Origin = UNKNOWN) -> None:
        """Does what a message asks for, and answers it. Raises Unavailable where the answer cannot be sent."""
        try:
            answer = self._answer(self._connection(connection_id), text, origin)
        except ChanceryError as exc:
            answer = _refused(None, exc)
        try:
            self.fan_out.sockets.post(connection_id, orjson.dumps(answer).decode())
        except NotFound:
            self.disconnect(connection_id)

    def _connection(self, connection_id: str) -> Document:
        """The connection of a message. Raises NotFound, Unauthenticated, and Limited where it has sent too many."""
        connection = self.fan_out.connections.get(connection_id)
        if connection is None:
            raise NotFound("This connection has ended; connect again.")
        if self.fan_out.connections.has_expired(connection):
            raise Unauthenticated("The access token has expired; connect again with another one.")
        self.take_from_limit(_principal_of(connection), _RATE, 1)
        return connection

    def _answer(self, connection: Document, text: str, origin: Origin) -> dict[str, Any]:
        """The answer to a message; traces a subscription to a tenant that is not the caller's."""
        action: Any = None
        try:
            message = _message(text)
            action = message.get("action")
            return self._done(connection, message)
        except ChanceryError as exc:
            if exc.access == "refused":
                trace(exc, _request("MESSAGE", text, _principal_of(connection), origin))
            return _refused(action, exc)

    def _done(self, connection: Document, message: Mapping[str, Any]) -> dict[str, Any]:
        """Does what a message asks for; the answer."""
        actions: dict[str, Callable[[Document, Mapping[str, Any]], dict[str, Any]]] = {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "pause": self._pause,
            "resume": self._resume,
            "ping": self._ping,
        }
        action = message.get("action")
        if not isinstance(action, str) or action not in actions:
            detail = f"must be one of {', '.join(actions)}"
            raise ValidationFailed("The message is not valid.", errors=[FieldError("/action", detail)])
        return actions[action](connection, message)

    def _subscribe(self, connection: Document, message: Mapping[str, Any]) -> dict[str, Any]:
        asked = parse(Subscribe, dict(message))
        feeds = {feed: filters for feed in FEEDS if (filters := getattr(asked, feed)) is not None}
        if not feeds:
            raise wrong_query("/audit", "give the filters of audit, of logs, or of both; {} for every record")
        principal = _principal_of(connection)
        scope = principal.read_scope(asked.tenant_id)
        if scope.every_tenant:
            raise wrong_query("/tenantId", "name the tenant to follow, or null for the platform's own records")
        for feed, filters in feeds.items():
            self._check(feed, filters)
        position = self._position(scope.tenant_id, asked, feeds)
        if connection.get("feeds") is None or connection["tenantId"] != scope.tenant_id:
            self._require_room(scope.tenant_id)
        for feed, filters in feeds.items():
            self.trail.record(
                principal, scope, self.fan_out.feeds[feed].followed, details={"filters": sorted(filters), "live": True}
            )
        changes = {"tenantId": scope.tenant_id, "feeds": feeds, "position": position, "paused": False}
        changed = self.fan_out.connections.change(connection["_id"], changes)
        if changed is None:
            raise NotFound("This connection has ended; connect again.")
        self.fan_out.start(scope.tenant_id)
        return {"type": "subscribed", "subscription": changed["version"], "position": position}

    def _check(self, feed: str, filters: Mapping[str, Any]) -> None:
        """Raises ValidationFailed with pointers into the message."""
        try:
            self.fan_out.feeds[feed].matches(filters)
        except ValidationFailed as exc:
            errors = [FieldError(f"/{feed}{error.pointer}", error.detail) for error in exc.errors]
            raise ValidationFailed(exc.detail, errors=errors) from exc

    def _position(self, tenant_id: str | None, asked: Subscribe, feeds: Mapping[str, Any]) -> dict[str, int]:
        """Where each feed begins: after the number that the client names, else now. Raises ValidationFailed."""
        position = {}
        for feed in feeds:
            after, last = getattr(asked.after, feed), self.fan_out.feeds[feed].last(tenant_id)
            if after is not None and after > last:
                raise wrong_query(f"/after/{feed}", "is beyond the newest record of this tenant; leave it out")
            position[feed] = last if after is None else after
        return position

    def _require_room(self, tenant_id: str | None) -> None:
        """Raises Limited where the tenant has as many subscriptions as it may have."""
        if self.fan_out.connections.count(tenant_id, MOST_SUBSCRIBED) >= MOST_SUBSCRIBED:
            raise Limited(
                f"This tenant has {MOST_SUBSCRIBED} live subscriptions, as many as it may have.", retry_after=30
            )

    def _unsubscribe(self, connection: Document, _: Mapping[str, Any]) -> dict[str, Any]:
        self.fan_out.connections.change(connection["_id"], {"paused": False}, "feeds", "position")
        return {"type": "unsubscribed"}

    def _pause(self, connection: Document, _: Mapping[str, Any]) -> dict[str, Any]:
        return self._set_paused(connection, paused=True)

    def _resume(self, connection: Document, _: Mapping[str, Any]) -> dict[str, Any]:
        return self._set_paused(connection, paused=False)

    def _set_paused(self, connection: Document, *, paused: bool) -> dict[str, Any]:
        """Records wait while a connection is paused; it goes on where it was. Raises ValidationFailed."""
        if connection.get("feeds") is None:
            raise ValidationFailed(_NO_SUBSCRIPTION)
        changed = self.fan_out.connections.change(connection["_id"], {"paused": paused})
        if changed is None:
            raise NotFound("This connection has ended; connect again.")
        self.fan_out.start(connection["tenantId"])
        name = "paused" if paused else "resumed"
        return {"type": name, "subscription": changed["version"], "position": changed["position"]}

    def _ping(self, connection: Document, _: Mapping[str, Any]) -> dict[str, Any]:
        """Also starts the fan-out where its run was killed."""
        if connection.get("feeds") is not None:
            self.fan_out.start(connection["tenantId"])
        return {"type": "pong", "position": connection.get("position"), "paused": connection["paused"]}


def _refused(action: Any, error: ChanceryError) -> dict[str, Any]:
    """The answer to what cannot be done; `retryAfter`: seconds after which it may be tried again."""
    retry_after = {} if error.retry_after is None else {"retryAfter": error.retry_after}
    return {"type": "refused", "action": action, "problem": error.as_problem(), **retry_after}


def _message(text: str) -> dict[str, Any]:
    """The JSON object of a message. Raises ValidationFailed."""
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        message = None
    if not isinstance(message, dict):
        raise ValidationFailed("The message is not a JSON object.")
    return message


def _request(method: str, text: str, principal: Principal, origin: Origin) -> Request:
    """An event as the trace of refused accesses has requests."""
    return Request(method, "live", {}, {}, text.encode(errors="replace"), principal, **origin._asdict())


def _principal_of(connection: Document) -> Principal:
    tenants = tuple(connection["tenants"])
    return Principal(connection["subject"], Role(connection["role"]), tenants, connection.get("name"))
