"""Managed calls to external systems: begin one, read it, have it tried again, cancel it."""

from chancery.core.web.responses import serve
from chancery.integrations.calls.routes import CALLS
from chancery.wiring import calls
from chancery.wiring.callers import TENANTS

handler = serve((CALLS, calls.calls), tenants=TENANTS)
