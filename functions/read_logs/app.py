"""The reads of logs: search, one line, and the lines around it."""

from chancery.core.web.responses import serve
from chancery.logs.routes import READS
from chancery.wiring.callers import TENANTS
from chancery.wiring.logs import reader

handler = serve((READS, reader), tenants=TENANTS)
