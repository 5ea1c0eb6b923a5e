"""GET /v1/traces/{traceId}: every record of a trace, of every type, in time order."""

from chancery.core.web.responses import serve
from chancery.traces.routes import TRACES
from chancery.wiring.callers import TENANTS
from chancery.wiring.traces import traces

handler = serve((TRACES, traces), tenants=TENANTS)
