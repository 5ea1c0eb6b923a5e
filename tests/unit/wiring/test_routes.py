"""The routes of the whole API: their OpenAPI document, and the answers to other paths and methods."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from chancery.core.documents import Document, build
from chancery.core.errors import MethodNotAllowed, NotFound
from chancery.core.web.routes import answer_unserved, methods_by_path
from chancery.wiring.openapi import document
from chancery.wiring.routes import ROUTES


def test_the_openapi_document_has_every_route_and_resolves():
    text = str(document())

    for name in set(re.findall(r"#/components/schemas/(\w+)", text)):
        assert name in document()["components"]["schemas"]
    assert {(method.upper(), path) for path, item in document()["paths"].items() for method in item} == {
        (route.method, route.openapi_path) for route in ROUTES
    }


def test_a_path_with_a_parameter_is_known_with_its_methods():
    with pytest.raises(MethodNotAllowed) as refused:
        answer_unserved(methods_by_path(ROUTES), "DELETE", "/v1/audit-logs/01J")
    assert refused.value.headers == {"Allow": "GET, OPTIONS"}
    with pytest.raises(MethodNotAllowed) as refused:
        answer_unserved(methods_by_path(ROUTES), "GET", "/v1/contracts/verify")
    assert refused.value.headers == {"Allow": "OPTIONS, POST"}
    with pytest.raises(NotFound):
        answer_unserved(methods_by_path(ROUTES), "GET", "/v1/audit-logs/01J/more")


def unions(schema: Any) -> Iterator[Any]:
    """The unions in a core schema whose types pydantic would name in the places of errors."""
    if isinstance(schema, dict):
        if schema.get("type") == "union":
            yield schema["choices"]
        for name, part in schema.items():
            if name not in ("metadata", "serialization"):
                yield from unions(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            yield from unions(part)


MODELS = {
    model.__name__: model
    for route in ROUTES
    for model in (route.query, route.body and route.body.model)
    if model and issubclass(model, Document)
}


@pytest.mark.parametrize("name", MODELS)
def test_an_error_in_a_union_is_at_the_place_of_the_value(name):
    assert list(unions(build(MODELS[name]).__pydantic_core_schema__)) == []  # `by_type`, or a Discriminator
