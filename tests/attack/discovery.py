"""Gives both tenants something of every kind, and finds it again: nothing is hidden where nothing is."""

import json
from typing import Any

from chancery.core.identity.roles import Role
from chancery.core.web.routes import AnyRoute
from chancery.wiring.routes import ROUTES
from tests.attack.probe import FOREIGN, OWN, Reply
from tests.attack.target import Target, body_of, example_of
from tests.attack.wire import Wire

_TENANTS = (OWN, FOREIGN)


def prepare(target: Target, wire: Wire) -> None:
    """Stores the examples of docs/api for both tenants, and reads the first page of every list."""
    for tenant in _TENANTS:
        for route in ROUTES:
            if route.method == "POST" and route.body and "{" not in route.path and not route.open:
                _store(target, wire, route, tenant)
        for route in sorted(ROUTES, key=lambda route: route.path.count("{")):  # a system's endpoint, then a call of it
            if route.method == "POST" and route.body and "{" in route.path:
                _ask(target, wire, "POST", example_of(route).target.removeprefix("/v1"), tenant, body_of(route))
        for route in ROUTES:
            if route.method == "GET" and "{" not in route.path and not route.open:
                _read(target, wire, route.path, tenant)


def _store(target: Target, wire: Wire, route: AnyRoute, tenant: str) -> None:
    """Stores the example of a route. Where it conflicts with itself, finds the field that makes it another one."""
    body = body_of(route)
    statuses = [_ask(target, wire, "POST", target.path(route), tenant, body).status for _ in range(2)]
    if statuses[-1] != 409:
        return
    for name in (name for name, value in body.items() if isinstance(value, str)):
        changed = body | {name: f"{body[name]}-{tenant}"}
        if _ask(target, wire, "POST", target.path(route), tenant, changed).status < 300:
            target.unique[route.path] = name
            return


def _read(target: Target, wire: Wire, path: str, tenant: str) -> None:
    """Remembers an item of a list which is the tenant's, or of a list without tenants, and a cursor."""
    listed = _ask(target, wire, "GET", path.removeprefix("/v1"), tenant).json()
    items = listed.get("items") if isinstance(listed, dict) else None
    for item in items or ():
        if item.get("tenantId", tenant) == tenant:
            target.items.setdefault((tenant, path), item)
    page = _ask(target, wire, "GET", f"{path.removeprefix('/v1')}?limit=1", tenant).json()
    if isinstance(page, dict) and page.get("nextCursor"):
        target.cursors[tenant, path] = page["nextCursor"]


def _ask(target: Target, wire: Wire, method: str, path: str, tenant: str, body: Any = None) -> Reply:
    headers = [("Authorization", f"Bearer {target.token(Role.SUPER_ADMIN)}"), ("X-Tenant-Id", tenant)]
    return wire.send(method, path, headers, None if body is None else json.dumps(body).encode())
