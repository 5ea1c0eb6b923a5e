"""docs/api describes the API: every route has an example, every table the parameters or fields of its route."""

import re
from functools import cache
from typing import Any

import pytest

from chancery.wiring.openapi import document
from chancery.wiring.routes import ROUTES
from tests import api_pages

TABLES = [table for page in api_pages.pages() for table in api_pages.tables(page)]
EXAMPLES = [example for page in api_pages.pages() for example in api_pages.examples(page)]
ON_THE_INDEX = {"limit", "cursor", "fields", "tenantId", "If-Match", "If-None-Match"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_has_an_example(route: Any) -> None:
    requests = [example for example in EXAMPLES if isinstance(example, api_pages.Example)]

    assert route in [_route_of(example.method, example.target) for example in requests]


@pytest.mark.parametrize("page", api_pages.pages())
def test_headings_name_routes_of_the_api(page: str) -> None:
    for method, path in api_pages.headed_routes(page):
        assert path.partition("?")[0] in {route.openapi_path for route in ROUTES if route.method == method}


@pytest.mark.parametrize("page", api_pages.pages())
def test_pages_state_the_roles_of_their_routes(page: str) -> None:
    for (method, path), stated in api_pages.stated_roles(page):
        (route,) = [each for each in ROUTES if (each.method, each.openapi_path) == (method, path.partition("?")[0])]
        assert stated == (route.roles or frozenset()), f"{method} {path}"  # None is a route without a token


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.page}:{table.line}")
def test_tables_name_parameters_and_fields_of_their_route(table: api_pages.Table) -> None:
    method, path = table.route
    if table.kind == "parameter" and path:
        parameters = _parameters(method, path)
        assert set(table.names) <= parameters
        assert parameters - ON_THE_INDEX <= set(table.names)
    if table.kind == "field" and path:
        fields = _body_fields(method, path)
        assert set(table.names) <= fields
        assert fields <= set(table.names)


def _route_of(method: str, target: str) -> Any:
    path = target.partition("?")[0]
    matching = [route for route in ROUTES if route.method == method and route.match(path) is not None]
    return next((route for route in matching if route.path == path), matching[0] if matching else None)


@cache
def _document() -> dict[str, Any]:
    return document()


def _parameters(method: str, path: str) -> set[str]:
    operation = _document()["paths"][path.partition("?")[0]][method.lower()]
    return {each["name"] for each in operation.get("parameters", ()) if each["in"] != "path"}


def _body_fields(method: str, path: str) -> set[str]:
    operation = _document()["paths"][path][method.lower()]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    schema = schema["anyOf"][0] if "anyOf" in schema else schema
    if "$ref" in schema:
        schema = _document()["components"]["schemas"][re.sub(".*/", "", schema["$ref"])]
    return set(schema["properties"])
