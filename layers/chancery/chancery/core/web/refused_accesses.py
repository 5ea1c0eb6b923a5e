"""The trace of refused and missed accesses: each is counted, and logged at most once a minute a caller and status.

`AccessesRefused` counts 401, 403 and 404 for a tenant that is not on the token, `AccessesMissed` every other 404. The
log line has subject and address, and how many of its kind went unlogged before it.
"""

from collections.abc import Iterable

from chancery.core.errors import ChanceryError, Forbidden, NoSuchTenant, NotFound
from chancery.core.log_limit import LogLimit
from chancery.core.observability import count, logger
from chancery.core.redaction import redact_text
from chancery.core.web.request import Request

_LONGEST = 200  # characters of a caller's text in a line
_LIMIT = LogLimit()


def trace_all(results: Iterable[object], request: Request) -> None:
    """Traces the records of a batch for tenants that the caller may not write for."""
    for result in results:
        if isinstance(result, Forbidden):
            trace(result, request)


def trace(error: ChanceryError, request: Request) -> None:
    """Counts an access that was refused (401, 403) or that found nothing (404), and logs it unless it is repeated."""
    missed = isinstance(error, NotFound) and not isinstance(error, NoSuchTenant)
    code = "ACCESS_MISSED" if missed else "ACCESS_REFUSED"
    count("AccessesMissed" if missed else "AccessesRefused")
    caller = request.principal
    subject = caller.subject if caller else None
    unlogged = _LIMIT.unlogged((code, subject, request.address, error.status))
    if unlogged is None:
        return
    tenant = request.query.get("tenantId") or (caller and caller.requested_tenant)
    logger.warning(
        code,
        status=error.status,
        subject=subject,
        role=caller and caller.role.value,
        tenants=caller and caller.tenants[:10],
        named_tenant=tenant and redact_text(tenant)[:_LONGEST],
        address=request.address,
        method=request.method,
        path=redact_text(request.path)[:_LONGEST],
        unlogged=unlogged,
    )
