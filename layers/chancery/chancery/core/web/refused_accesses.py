"""The trace of refused and missed accesses: each is counted, and logged at most once a minute a caller and status.

`AccessesRefused` counts 401, 403 and 404 for a tenant that is not on the token, `AccessesMissed` every other 404. The
log line has subject and address, and how many of its kind went unlogged before it. What a caller of every tenant
missed is audited. `serve` calls this for every route: no service has to.
"""

from collections.abc import Callable, Iterable, Mapping

from chancery.core.errors import ChanceryError, Forbidden, ValidationFailed
from chancery.core.formats.correlation import correlation
from chancery.core.formats.identifiers import is_identifier
from chancery.core.identity.principal import Principal, TenantScope
from chancery.core.log_limit import LogLimit
from chancery.core.observability import count, logger
from chancery.core.redaction import redact_text
from chancery.core.web.request import Request
from chancery.core.web.routes import AnyRoute

_LONGEST = 200  # characters of a caller's text in a line
_LIMIT = LogLimit()

type RecordMiss = Callable[[Principal, TenantScope, str, str], None]
"""Audits what a caller did not find: principal, scope, route, id. `audit.access.AccessTrail.record_miss`."""


def trace_all(results: Iterable[object], request: Request) -> None:
    """Traces the records of a batch for tenants that the caller may not write for."""
    for result in results:
        if isinstance(result, Forbidden):
            trace(result, request)


def trace(error: ChanceryError, request: Request) -> None:
    """Counts an access that was refused (401, 403) or that found nothing (404), and logs it unless it is repeated."""
    if error.access is None:
        return
    code = "ACCESS_MISSED" if error.access == "missed" else "ACCESS_REFUSED"
    count("AccessesMissed" if error.access == "missed" else "AccessesRefused")
    caller = request.principal
    subject = caller.subject if caller else None
    unlogged = _LIMIT.unlogged((code, subject, request.address, error.status))
    if unlogged is None:
        return
    tenant = _named_tenant(request)
    logger.warning(
        code,
        status=error.status,
        subject=subject,
        role=caller and caller.role.value,
        tenants=caller and caller.tenants[:10],
        named_tenant=tenant and redact_text(tenant)[:_LONGEST],
        address=request.address,
        request_id=request.gateway_id,
        trace_id=correlation.get().trace_id,
        method=request.method,
        path=redact_text(request.path)[:_LONGEST],
        unlogged=unlogged,
    )


def audit_miss(
    error: ChanceryError, route: AnyRoute, path: Mapping[str, str], request: Request, record_miss: RecordMiss
) -> None:
    """Audits what a caller of every tenant looked for in vain, in the tenant that it named. Raises as `record_miss`."""
    caller = request.principal
    if error.access != "missed" or caller is None or not caller.crosses_tenants:
        return
    tenant = _named_tenant(request)
    scope = caller.read_scope(tenant if tenant and is_identifier(tenant) else None)
    looked_for = next((value for name, value in path.items() if name not in route.path_values), "*")
    record_miss(caller, scope, f"{route.method} {route.path}", looked_for)


def _named_tenant(request: Request) -> str | None:
    """The tenant that a request names: in its parameter, its body, or its header."""
    if named := request.query.get("tenantId"):
        return named
    try:
        body = request.json() if request.body else None
    except ValidationFailed:
        body = None
    named = body.get("tenantId") if isinstance(body, dict) else None
    return named if isinstance(named, str) else request.principal and request.principal.requested_tenant
