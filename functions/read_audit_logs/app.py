"""The reads of the audit trail: search, one record, statistics, catalogue and coverage."""

from chancery.audit.catalog import catalogue
from chancery.audit.routes import CATALOGUE, READS
from chancery.core.web.responses import serve
from chancery.wiring import audit_api
from chancery.wiring.callers import TENANTS

handler = serve((READS, audit_api.reader), (CATALOGUE, catalogue), tenants=TENANTS)
