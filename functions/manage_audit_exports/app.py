"""POST /v1/audit-exports requests an export; GET /v1/audit-exports/{id} has its state, and links once it is done."""

from chancery.audit.routes import EXPORTS
from chancery.core.web.responses import serve
from chancery.wiring import audit_api
from chancery.wiring.callers import TENANTS

handler = serve((EXPORTS, audit_api.exports), tenants=TENANTS)
