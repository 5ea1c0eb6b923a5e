"""What a route takes, from its declaration: query parameters and fields of its body, by the names of the API."""

from functools import cache
from typing import Any

from pydantic import BaseModel

from chancery.core.web.routes import AnyRoute


def parameters_of(route: AnyRoute) -> tuple[str, ...]:
    """The query parameters of a route."""
    return _names(route.query)


def fields_of(route: AnyRoute) -> tuple[str, ...]:
    """The fields of a route's body."""
    return _names(route.body.model if route.body else None)


@cache
def _names(model: type[BaseModel] | None) -> tuple[str, ...]:
    if model is None:
        return ()
    schema: dict[str, Any] = model.model_json_schema(by_alias=True)
    return tuple(schema.get("properties", ()))
