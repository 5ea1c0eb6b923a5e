"""GET /v1/audit-logs/stream: new audit records as server-sent events."""

from chancery.audit.routes import FEED
from chancery.core.web.responses import serve
from chancery.wiring import audit_api
from chancery.wiring.callers import TENANTS

handler = serve((FEED, audit_api.feed), tenants=TENANTS)
