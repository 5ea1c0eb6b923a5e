"""Changes of /v1/destinations, tests and replays."""

from chancery.core.web.responses import serve
from chancery.destinations.registry.routes import EDITS, REQUESTS
from chancery.wiring import destinations
from chancery.wiring.callers import TENANTS

handler = serve((EDITS, destinations.editor), (REQUESTS, destinations.delivery_requests), tenants=TENANTS)
