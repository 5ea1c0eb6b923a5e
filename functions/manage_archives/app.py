"""The archive for administrators: archived months, runs, restores, and the months that may hold a record."""

from chancery.archive.routes import ARCHIVES, LOOKUP, RESTORES, RUNS
from chancery.core.web.responses import serve
from chancery.wiring import archive
from chancery.wiring.callers import TENANTS

handler = serve(
    (ARCHIVES, archive.archives),
    (RUNS, archive.runs),
    (LOOKUP, archive.locator),
    (RESTORES, archive.restores),
    tenants=TENANTS,
)
