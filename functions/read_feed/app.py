"""GET /v1/feed: the events of a tenant in order, and named consumers."""

from chancery.core.web.responses import serve
from chancery.destinations.feed.routes import READS
from chancery.wiring import feed
from chancery.wiring.callers import TENANTS

handler = serve((READS, feed.feed), tenants=TENANTS)
