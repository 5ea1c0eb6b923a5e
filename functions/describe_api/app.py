"""GET /v1/openapi.json, OPTIONS of every path, and the paths and methods without a route: 404, or 405 with Allow."""

from pathlib import Path

from chancery.core.web.description import DESCRIPTION, ApiDescription
from chancery.core.web.responses import serve

description = ApiDescription(Path(__file__).parent)
handler = serve((DESCRIPTION, lambda: description), every_path=description.methods)
