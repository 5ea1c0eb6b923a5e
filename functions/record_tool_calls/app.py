"""POST /v1/tool-calls records a tool call; POST /v1/tool-calls/uploads announces a body too large for a request."""

from chancery.content.tool_calls.routes import WRITES
from chancery.core.web.responses import serve
from chancery.wiring import tool_calls
from chancery.wiring.callers import TENANTS

handler = serve((WRITES, tool_calls.submission), tenants=TENANTS)
