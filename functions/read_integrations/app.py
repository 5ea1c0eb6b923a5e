"""GET of /v1/integrations/systems and their endpoints."""

from chancery.core.web.responses import serve
from chancery.integrations.registry.routes import ENDPOINT_READS, SYSTEM_READS
from chancery.wiring import integration_registry
from chancery.wiring.callers import TENANTS

handler = serve(
    (SYSTEM_READS, integration_registry.system_reader),
    (ENDPOINT_READS, integration_registry.endpoint_reader),
    tenants=TENANTS,
)
