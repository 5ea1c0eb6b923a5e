"""GET and PUT /v1/audit-settings: whether a tenant takes catalogued actions only."""

from chancery.audit.routes import SETTINGS
from chancery.core.web.responses import serve
from chancery.wiring import audit_api

handler = serve((SETTINGS, audit_api.settings_manager))
