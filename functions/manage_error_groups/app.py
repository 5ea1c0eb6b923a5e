"""Changes of /v1/error-groups: status, merge, split."""

from chancery.core.web.responses import serve
from chancery.logs.groups.routes import EDITS
from chancery.wiring import error_groups
from chancery.wiring.callers import TENANTS

handler = serve((EDITS, error_groups.editor), tenants=TENANTS)
