"""POST /v1/audit-logs: records one audit event, or up to 500."""

from chancery.audit.recording_routes import RECORDING
from chancery.core.web.responses import serve
from chancery.wiring.audit_submission import submission
from chancery.wiring.callers import TENANTS

handler = serve((RECORDING, submission), tenants=TENANTS)
