"""GET and PUT /v1/settings: what a tenant sets for its records."""

from chancery.core.web.responses import serve
from chancery.tenants.routes import SETTINGS
from chancery.wiring import tenants
from chancery.wiring.callers import TENANTS

handler = serve((SETTINGS, tenants.settings_manager), tenants=TENANTS)
