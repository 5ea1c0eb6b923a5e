"""GET /v1/activities/{activityId}/stream: what agents write, as server-sent events or as text."""

from chancery.content.streams.routes import READS
from chancery.core.web.responses import serve
from chancery.wiring import streams
from chancery.wiring.callers import TENANTS

handler = serve((READS, streams.reader), tenants=TENANTS)
