"""POST /v1/activities/{activityId}/stream: the text that agents write, in small pieces, and its end."""

from chancery.content.streams.routes import WRITES
from chancery.core.web.responses import serve
from chancery.wiring import streams
from chancery.wiring.callers import TENANTS

handler = serve((WRITES, streams.writer), tenants=TENANTS)
