"""GET /v1/health: whether the database and the bus respond, and the version. Open to everybody, without secrets."""

from chancery.core.web.health import HEALTH
from chancery.core.web.responses import serve
from chancery.wiring.health import health

handler = serve((HEALTH, health))
