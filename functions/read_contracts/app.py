"""The reads of contracts: templates and their versions, contracts and their PDFs, and which contract a file is."""

from chancery.contracts.routes import CONTRACTS, TEMPLATES
from chancery.core.web.responses import serve
from chancery.wiring import contracts
from chancery.wiring.callers import TENANTS

handler = serve((TEMPLATES, contracts.template_reader), (CONTRACTS, contracts.reader), tenants=TENANTS)
