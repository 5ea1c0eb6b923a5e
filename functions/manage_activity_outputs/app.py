"""/v1/activity-outputs: what agents produce, from draft to published."""

from chancery.content.outputs.routes import OUTPUTS
from chancery.core.web.responses import serve
from chancery.wiring.callers import TENANTS
from chancery.wiring.outputs import outputs

handler = serve((OUTPUTS, outputs), tenants=TENANTS)
