"""GET /v1/error-groups: groups of errors, their counts, and why lines are in them."""

from chancery.core.web.responses import serve
from chancery.logs.groups.routes import READS
from chancery.wiring import error_groups
from chancery.wiring.callers import TENANTS

handler = serve((READS, error_groups.reader), tenants=TENANTS)
