"""The reads of exchanges: lists, single ones, bodies, retries; health and figures of systems."""

from chancery.core.web.responses import serve
from chancery.integrations.exchanges.routes import READS, STATISTICS
from chancery.wiring.callers import TENANTS
from chancery.wiring.exchanges import reader, statistics

handler = serve((READS, reader), (STATISTICS, statistics), tenants=TENANTS)
