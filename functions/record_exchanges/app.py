"""POST and PATCH /v1/exchanges: opens and closes exchanges with other systems."""

from chancery.core.web.responses import serve
from chancery.integrations.exchanges.routes import WRITES
from chancery.wiring.callers import TENANTS
from chancery.wiring.exchanges import submission

handler = serve((WRITES, submission), tenants=TENANTS)
