"""POST /v1/contract-templates publishes a version of a template, POST /v1/contracts issues a contract."""

from chancery.contracts.routes import ISSUE, PUBLICATION
from chancery.core.web.responses import serve
from chancery.wiring import contracts
from chancery.wiring.callers import TENANTS

handler = serve((PUBLICATION, contracts.publisher), (ISSUE, contracts.issuer), tenants=TENANTS)
