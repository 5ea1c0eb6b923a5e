"""Roles that may not, and tenants that are not the caller's."""

from collections.abc import Iterator
from urllib.parse import quote

from chancery.core.identity.roles import Role
from chancery.core.web.routes import AnyRoute
from chancery.wiring.routes import ROUTES
from tests.attack.probe import FOREIGN, OWN, Probe, Rule, anything, hidden, refused, unreached
from tests.attack.target import Target, fields_of, headers_of, parameters_of

_NAMES = (FOREIGN, f"{OWN},{FOREIGN}", FOREIGN.upper(), "null", f"{OWN}\u200b")


def roles(target: Target) -> Iterator[Probe]:
    """Every route with every role that may not call it, with and without a foreign tenant in the header."""
    for route in ROUTES:
        for role in sorted(set(Role) - (route.roles or set(Role))):
            for headers in ((), (("X-Tenant-Id", FOREIGN),)):
                yield _probe(target, route, role, target.path(route), refused(403), target.token(role), headers)


def tenants(target: Target) -> Iterator[Probe]:
    """Every route with every role of one tenant: another tenant in header, parameter, body and path."""
    for route in ROUTES:
        for role in sorted((route.roles or frozenset()) - {Role.SUPER_ADMIN}):
            token, path = target.token(role), target.path(route)
            for name in _NAMES:
                headers = (("X-Tenant-Id", name),)
                if name.isascii():
                    yield _probe(target, route, f"{role}, header {name}", path, hidden, token, headers)
                if "tenantId" in parameters_of(route):
                    yield _probe(
                        target, route, f"{role}, parameter {name}", f"{path}?tenantId={quote(name)}", hidden, token
                    )
                if "tenantId" in fields_of(route):
                    yield _probe(target, route, f"{role}, body {name}", path, hidden, token, tenant=name)
            if "{" in route.path:
                rule = anything if target.path(route, FOREIGN) == path else unreached
                yield _probe(target, route, f"{role}, item of another", target.path(route, FOREIGN), rule, token)


def _probe(
    target: Target,
    route: AnyRoute,
    name: str,
    path: str,
    rule: Rule,
    token: str,
    headers: tuple[tuple[str, str], ...] = (),
    tenant: str | None = None,
) -> Probe:
    body = target.body(route, None if tenant is None else {"tenantId": tenant})
    return Probe(route, name, path, rule, token, (*headers_of(route), *headers), body)
