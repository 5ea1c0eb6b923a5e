"""The OpenAPI document of every route."""

from functools import cache
from typing import Any

from chancery.core.web import openapi
from chancery.wiring.routes import ROUTES


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document of this version."""
    return openapi.document(ROUTES)
