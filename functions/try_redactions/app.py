"""POST /v1/redactions: what would be redacted of a value, and why."""

from chancery.core.web.responses import serve
from chancery.tenants.routes import REDACTIONS
from chancery.wiring import tenants
from chancery.wiring.callers import TENANTS

handler = serve((REDACTIONS, tenants.trials), tenants=TENANTS)
