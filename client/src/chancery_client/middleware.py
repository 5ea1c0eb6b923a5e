"""ASGI middleware: records an audit event for each successful request that the catalogue or the host has a route for.

A trigger of the catalogue (`POST /dm/v1/blog/:id/approve`) maps method and path to an action. The event is written once
a successful response has begun, whatever becomes of its rest. The resource id is the path's parameter, else the last
part of the `Location` header; the application overrides it with `audit(scope, ...)`.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from chancery_client.client import write_audit_log
from chancery_client.conformance import NO_ID, UNKNOWN
from chancery_client.correlation import correlated, correlation_of
from chancery_client.impersonation import with_impersonation
from chancery_client.metrics import Counter
from chancery_client.routes import Routes, resource_id_of
from chancery_client.termination import install_handler
from chancery_client.throttled_log import ThrottledLog

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Actor = Mapping[str, Any] | None
Identify = Callable[[Scope], Actor | Awaitable[Actor]]

UNKNOWN_ACTOR: Mapping[str, Any] = MappingProxyType({"actor_type": "system", "actor_id": UNKNOWN})
_KEY = "chancery.audit"
_SEE_OTHER = 303  # the response to a form's POST that succeeded
_NO_ROUTES: Mapping[str, str] = MappingProxyType({})


def audit(scope: Scope, **fields: Any) -> None:
    """Sets fields of the current request's event: `before`, `after`, `resource_id`, `metadata`, ...

    Given an `action`, a request without a route is recorded too.
    """
    scope.setdefault(_KEY, {}).update(fields)


class AuditMiddleware:
    """Wraps an ASGI application.

    `identify(scope)`: a function or coroutine function that returns the actor as fields of `write_audit_log`
    (`actor_id`, `actor_name`, `actor_role`, `tenant_id`, ...), and as `act` the claim of that name of a token that the
    host has verified; called after the application has responded. Where it returns no `actor_id` or raises, the event
    has `UNKNOWN_ACTOR` and is counted as `unidentified`. `routes`: the host's own, method and path to action. `prefix`:
    the path below which the catalogue's paths begin. No error reaches the request.
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
        self._unidentified, self._log = Counter(), ThrottledLog()
        install_handler()  # the default client may be made in another thread, with the first event

    @property
    def unidentified(self) -> int:
        """The number of events written with an unknown actor."""
        return self._unidentified.value

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault(_KEY, {})
        request = dict(scope)  # routers change path and root_path on the way
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
        response: dict[str, Any] = {}

        async def observe(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                response.update(message, created_on=datetime.now(UTC))
            await send(message)

        with correlated(correlation_of(headers)):
            try:
                await self._app(scope, receive, observe)
            finally:  # a failure after the response has begun does not undo the action
                if _is_success(request["method"], response.get("status", 500)):
                    await self._audit(scope, request, headers, response)

    async def _audit(
        self, scope: Scope, request: Scope, headers: Mapping[str, str], response: Mapping[str, Any]
    ) -> None:
        event: dict[str, Any] | None = None
        with suppress(Exception):  # must not fail the host's request
            event = self._event(scope, request, headers, response)
        if event is None:
            return
        actor = UNKNOWN_ACTOR
        try:
            actor = await self._actor(scope)
        finally:  # also when the request is cancelled
            self._unidentified.add(actor.get("actor_id") == UNKNOWN_ACTOR["actor_id"])
            with suppress(Exception):
                self._write(**event | dict(actor) | scope[_KEY])

    def _event(
        self, scope: Scope, request: Scope, headers: Mapping[str, str], response: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        roots = (request.get("root_path", ""), scope.get("root_path", ""))
        match = self._routes.match(request["method"], request["path"], roots)
        action = scope[_KEY].get("action") or (match and match.action)
        if not action:
            return None
        return {
            "action": action,
            "resource_type": action.partition(".")[0],
            "resource_id": resource_id_of(action, match.parameters if match else {}) or _created_id(response),
            "ip_address": _address(request.get("client")),
            "user_agent": headers.get("user-agent"),
            "metadata": {"method": request["method"], "path": request["path"], "status": response["status"]},
            "created_on": response["created_on"],
        }

    async def _actor(self, scope: Scope) -> Mapping[str, Any]:
        """The actor's fields. UNKNOWN_ACTOR replaces an id that is missing and leaves the other fields."""
        try:
            found = self._identify(scope)
            named = {str(name): value for name, value in dict((await _result(found)) or {}).items()}
            actor = with_impersonation(named)
        except Exception as exc:
            self._log.warn("AUDIT_ACTOR_UNKNOWN", type(exc).__name__)
            return UNKNOWN_ACTOR
        if any(actor.get(name) not in (None, "") for name in ("actor_id", "actorId")):
            return actor
        self._log.warn("AUDIT_ACTOR_UNKNOWN", "no actor id")
        return {**actor, **UNKNOWN_ACTOR}


async def _result(found: Actor | Awaitable[Actor]) -> Actor:
    return await found if inspect.isawaitable(found) else found


def _is_success(method: str, status: int) -> bool:
    return 200 <= status < 300 or (method == "POST" and status == _SEE_OTHER)


def _created_id(response: Mapping[str, Any]) -> str:
    """The last part of the path in `Location`; NO_ID without one."""
    for name, value in response.get("headers", ()):
        if name.lower() == b"location":
            with suppress(ValueError):  # `http://[` is no URL
                return urlsplit(value.decode("latin-1")).path.rstrip("/").rpartition("/")[2] or NO_ID
    return NO_ID


def _address(client: Any) -> Any:
    """The caller's address in a scope's `client`: `(address, port)`, or None behind a Unix socket."""
    return client[0] if isinstance(client, list | tuple) and client else None
