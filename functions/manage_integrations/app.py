"""Changes of /v1/integrations/systems and their endpoints, and dry runs of calls."""

from chancery.core.web.responses import serve
from chancery.integrations.registry.routes import DRY_RUNS, ENDPOINT_EDITS, SYSTEM_EDITS
from chancery.wiring import integration_registry
from chancery.wiring.callers import TENANTS

handler = serve(
    (SYSTEM_EDITS, integration_registry.system_editor),
    (ENDPOINT_EDITS, integration_registry.endpoint_editor),
    (DRY_RUNS, integration_registry.dry_runs),
    tenants=TENANTS,
)
