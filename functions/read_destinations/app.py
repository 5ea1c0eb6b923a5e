"""GET of /v1/destinations, their deliveries and their health."""

from chancery.core.web.responses import serve
from chancery.destinations.registry.routes import DELIVERY_READS, HEALTH, READS
from chancery.wiring import destinations
from chancery.wiring.callers import TENANTS

handler = serve(
    (READS, destinations.destinations),
    (DELIVERY_READS, destinations.deliveries),
    (HEALTH, destinations.health),
    tenants=TENANTS,
)
