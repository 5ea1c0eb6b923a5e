"""POST /v1/audit-logs: records one audit event, or up to 500."""

from chancery.audit.routes import RECORDING
from chancery.core.web.responses import serve
from chancery.wiring import audit_api

handler = serve((RECORDING, audit_api.submission))
