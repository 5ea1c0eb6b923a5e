"""The reads of logs: search and aggregates, one line, and the lines around it."""

from chancery.core.web.responses import serve
from chancery.logs.routes import AGGREGATES, READS
from chancery.wiring.callers import TENANTS
from chancery.wiring.logs import aggregator, reader

handler = serve((READS, reader), (AGGREGATES, aggregator), tenants=TENANTS)
