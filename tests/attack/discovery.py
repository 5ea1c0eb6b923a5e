"""Gives both tenants something of every kind, and finds it again: nothing is hidden where nothing is."""

import json
from typing import Any

from chancery.core.identity.roles import Role
from chancery.wiring.routes import ROUTES
from tests.attack.probe import FOREIGN, OWN, Reply
from tests.attack.target import Target, body_of
from tests.attack.wire import Wire

_TENANTS = (OWN, FOREIGN)


def prepare(target: Target, wire: Wire) -> None:
    """Stores the examples of docs/api for both tenants, and reads the first page of every list."""
    for tenant in _TENANTS:
        for route in ROUTES:
            if route.method == "POST" and route.body and "{" not in route.path and not route.open:
                _ask(target, wire, "POST", target.path(route), tenant, body_of(route))
        for route in ROUTES:
            if route.method == "GET" and "{" not in route.path and not route.open:
                _read(target, wire, route.path, tenant)


def _read(target: Target, wire: Wire, path: str, tenant: str) -> None:
    answer = _ask(target, wire, "GET", f"{path.removeprefix('/v1')}?limit=1", tenant).json()
    items = answer.get("items") if isinstance(answer, dict) else None
    if items and items[0].get("tenantId") in (tenant, None):
        target.items[tenant, path] = items[0]
        target.cursors[tenant, path] = answer.get("nextCursor") or ""


def _ask(target: Target, wire: Wire, method: str, path: str, tenant: str, body: Any = None) -> Reply:
    headers = [("Authorization", f"Bearer {target.token(Role.SUPER_ADMIN)}"), ("X-Tenant-Id", tenant)]
    return wire.send(method, path, headers, None if body is None else json.dumps(body).encode())
