"""POST /v1/logs/{kind}: records one log line, or up to 500."""

from chancery.core.web.responses import serve
from chancery.logs.routes import RECORDING
from chancery.wiring.callers import TENANTS
from chancery.wiring.logs import submission

handler = serve((RECORDING, submission), tenants=TENANTS)
