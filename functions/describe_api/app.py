"""GET /v1/openapi.json, OPTIONS of every path, and the paths and methods without a route: 404, or 405 with Allow."""

from chancery.core.web.openapi import DESCRIPTION
from chancery.core.web.responses import serve
from chancery.wiring.openapi import description
from chancery.wiring.routes import ROUTES

handler = serve((DESCRIPTION, description), every_route=ROUTES)
