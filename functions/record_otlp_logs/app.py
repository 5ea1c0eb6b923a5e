"""POST /v1/otlp/v1/logs: records log records of OpenTelemetry SDKs and Collectors."""

from chancery.core.web.responses import serve
from chancery.logs.otlp.routes import RECORDING
from chancery.wiring.callers import TENANTS
from chancery.wiring.logs import otlp_submission

handler = serve((RECORDING, otlp_submission), tenants=TENANTS)
