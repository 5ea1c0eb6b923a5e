"""Changes of /v1/feed/consumers: creating, committing, deleting."""

from chancery.core.web.responses import serve
from chancery.destinations.feed.routes import EDITS
from chancery.wiring import feed
from chancery.wiring.callers import TENANTS

handler = serve((EDITS, feed.editor), tenants=TENANTS)
