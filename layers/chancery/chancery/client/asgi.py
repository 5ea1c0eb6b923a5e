"""ASGI middleware: audits every catalogued route of a host application without a call in it.

The catalogue's triggers (`POST /dm/v1/blog/:id/approve`) say which request is which action. Once an answer of success
has begun, the event is written, whatever becomes of the rest of it: resource id from the path's own parameter, or from
the `Location` header of a creation, or as the application said through `audit(scope, ...)`.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from chancery.client.context import correlated
from chancery.client.counts import Tally
from chancery.client.default import write_audit_log
from chancery.client.routing import Routes, resource_of
from chancery.core.formats.correlation import correlation_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Actor = Mapping[str, Any] | None
Identify = Callable[[Scope], Actor | Awaitable[Actor]]

log = logging.getLogger("chancery.client")

UNKNOWN: Mapping[str, Any] = MappingProxyType({"actor_type": "system", "actor_id": "unknown"})
_KEY = "chancery.audit"
_SEE_OTHER = 303  # what a form's POST is answered with when it has succeeded
_NO_ROUTES: Mapping[str, str] = MappingProxyType({})


def audit(scope: Scope, **fields: Any) -> None:
    """Adds to the event of the request being handled: `before`, `after`, `resource_id`, `metadata`, ...

    With an `action` it makes an event of a request that no route knows.
    """
    scope.setdefault(_KEY, {}).update(fields)


class AuditMiddleware:
    """Wraps an ASGI application.

    `identify(scope)`, which may be a coroutine function, says who is calling, in `write_audit_log`'s words (`actor_id`,
    `actor_name`, `actor_role`, `tenant_id`, ...); it is asked after the application has answered. Where it says nothing
    or fails the event is written as `UNKNOWN`'s, and counted. `routes` are the host's own, `prefix` is what the
    catalogue's paths are below. Nothing that goes wrong here reaches the request.
    """

    def __init__(
        self,
        app: App,
        identify: Identify,
        write: Callable[..., None] = write_audit_log,
        *,
        routes: Mapping[str, str] = _NO_ROUTES,
        prefix: str = "",
    ) -> None:
        self._app, self._identify, self._write = app, identify, write
        self._routes = Routes(routes, prefix)
        self._unidentified = Tally()

    @property
    def unidentified(self) -> int:
        """How many events were written of which nobody knows who did it."""
        return self._unidentified.value

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault(_KEY, {})
        request = dict(scope)  # routers change path and root_path on the way
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        answered: dict[str, Any] = {}

        async def observe(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answered.update(message, created_on=datetime.now(UTC))
            await send(message)

        with correlated(correlation_of(headers)):
            try:
                await self._app(scope, receive, observe)
            finally:  # what fails after the answer has begun does not undo the action
                if _is_success(request["method"], answered.get("status", 500)):
                    await self._audit(scope, request, headers, answered)

    async def _audit(
        self, scope: Scope, request: Scope, headers: Mapping[str, str], answered: Mapping[str, Any]
    ) -> None:
        event: dict[str, Any] | None = None
        with suppress(Exception):  # the host's request must not suffer
            event = self._event(scope, request, headers, answered)
        if event is None:
            return
        actor = UNKNOWN
        try:
            actor = await self._actor(scope)
        finally:  # also when it is cancelled
            self._unidentified.add(actor is UNKNOWN)
            with suppress(Exception):
                self._write(**event | dict(actor) | scope[_KEY])

    def _event(
        self, scope: Scope, request: Scope, headers: Mapping[str, str], answered: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        roots = (request.get("root_path", ""), scope.get("root_path", ""))
        match = self._routes.match(request["method"], request["path"], roots)
        action = scope[_KEY].get("action") or (match and match.action)
        if not action:
            return None
        client = request.get("client")
        return {
            "action": action,
            "resource_type": action.partition(".")[0],
            "resource_id": resource_of(action, match.parameters if match else {}) or _created(answered),
            "ip_address": client[0] if client else None,
            "user_agent": headers.get("user-agent"),
            "metadata": {"method": request["method"], "path": request["path"], "status": answered["status"]},
            "created_on": answered["created_on"],
        }

    async def _actor(self, scope: Scope) -> Mapping[str, Any]:
        try:
            found = self._identify(scope)
            actor = await found if inspect.isawaitable(found) else found
            if actor:
                return dict(actor)
            log.warning("AUDIT_ACTOR_UNKNOWN")
        except Exception as exc:
            log.warning("AUDIT_ACTOR_UNKNOWN %s", type(exc).__name__)
        return UNKNOWN


def _is_success(method: str, status: int) -> bool:
    return 200 <= status < 300 or (method == "POST" and status == _SEE_OTHER)


def _created(answered: Mapping[str, Any]) -> str:
    """The id of what a creation's `Location` names; `-` where it names nothing: `audit` may."""
    for name, value in answered.get("headers", ()):
        if name.lower() == b"location":
            return urlsplit(value.decode("latin-1")).path.rstrip("/").rpartition("/")[2] or "-"
    return "-"
