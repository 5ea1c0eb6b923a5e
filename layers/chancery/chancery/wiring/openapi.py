"""The OpenAPI document of every route."""

from functools import cache
from typing import Any

from chancery.core.web.openapi import ApiDescription
from chancery.wiring.routes import ROUTES


@cache
def description() -> ApiDescription:
    return ApiDescription(ROUTES)


def document() -> dict[str, Any]:
    """The OpenAPI document of this version."""
    return description().document
