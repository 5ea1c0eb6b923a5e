"""The reads of tool calls: lists, one with the heads of its bodies, and the bodies."""

from chancery.content.tool_calls.routes import READS
from chancery.core.web.responses import serve
from chancery.wiring import tool_calls
from chancery.wiring.callers import TENANTS

handler = serve((READS, tool_calls.reader), tenants=TENANTS)
