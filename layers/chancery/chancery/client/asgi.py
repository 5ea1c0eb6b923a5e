"""ASGI middleware: audits every catalogued route of a host application without a call in it.

The catalogue's triggers (`POST /dm/v1/blog/:id/approve`) say which request is which action. After an answer below 400
the event is written: resource id from the path's last parameter, or from the `Location` header of a creation, or as
the application said through `audit(scope, ...)`.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from chancery.audit.catalog import Match, catalogue
from chancery.client.context import correlated
from chancery.client.default import write_audit_log
from chancery.core.correlation import correlation_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Identify = Callable[[Scope], Mapping[str, Any]]

_KEY = "chancery.audit"


def audit(scope: Scope, **fields: Any) -> None:
    """Adds to the event of the request being handled: `before`, `after`, `resource_id`, `metadata`, ..."""
    scope.setdefault(_KEY, {}).update(fields)


class AuditMiddleware:
    """Wraps an ASGI application.

    `identify(scope)` says who is calling, in `write_audit_log`'s words (`actor_id`, `actor_name`, `actor_role`,
    `tenant_id`, ...); it is asked after the application has answered. Nothing that goes wrong here reaches the request.
    """

    def __init__(self, app: App, identify: Identify, write: Callable[..., None] = write_audit_log) -> None:
        self._app, self._identify, self._write = app, identify, write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault(_KEY, {})
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        answered: dict[str, Any] = {}

        async def observe(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answered.update(message)
            await send(message)

        with correlated(correlation_of(headers)):
            await self._app(scope, receive, observe)
            if 200 <= answered.get("status", 500) < 400:
                self._audit(scope, headers, answered)

    def _audit(self, scope: Scope, headers: Mapping[str, str], answered: Mapping[str, Any]) -> None:
        with suppress(Exception):  # the host's request must not suffer
            match = catalogue().match(scope["method"], scope["path"])
            if match is not None and match.action is not None:
                self._write(**_event(match, scope, headers, answered, self._identify(scope)))


def _event(
    match: Match, scope: Scope, headers: Mapping[str, str], answered: Mapping[str, Any], actor: Mapping[str, Any]
) -> dict[str, Any]:
    assert match.action is not None
    client = scope.get("client")
    return {
        "action": match.action,
        "resource_type": match.action.partition(".")[0],
        "resource_id": _resource_id(match, answered),
        "ip_address": client[0] if client else None,
        "user_agent": headers.get("user-agent"),
        "metadata": {"method": scope["method"], "path": scope["path"], "status": answered["status"]},
        **actor,
        **scope[_KEY],
    }


def _resource_id(match: Match, answered: Mapping[str, Any]) -> str:
    if match.parameters:
        return list(match.parameters.values())[-1]
    for name, value in answered.get("headers", ()):
        if name.lower() == b"location":
            return str(value.decode("latin-1").rstrip("/").rpartition("/")[2]) or "-"
    return "-"  # a creation that does not say what it made; the application may, with `audit`
