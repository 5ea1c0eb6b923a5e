"""The OpenAPI 3.1 document, generated from routes and the models that they are declared with."""

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from chancery import __version__
from chancery.core.web.answers import JSON, MARKDOWN, PROBLEM, TEXT, Declared, Problem
from chancery.core.web.listing import ListQuery
from chancery.core.web.request import MAX_BATCH
from chancery.core.web.routes import AnyRoute
from chancery.core.web.schemas import Schemas, contents_of

_ENTITY_TAGS = {"type": "string", "pattern": r'^(\*|(W/)?"[!#-~]*")$'}
_PROBLEMS = {
    400: "the input is not valid",
    401: "no access token, or one that is not valid",
    403: "the role may not do this",
    404: "no such record for this caller",
    409: "the resource is in another state",
    412: "the resource has changed since it was read; read it again",
    413: "the body is too large, also where it is so only without its compression",
    415: "the Content-Encoding is not gzip",
    416: "the range begins behind the end of the body",
    422: "the input is not valid; every wrong field is named",
    428: "If-Match must name the version that is changed",
    429: "too many requests; wait for Retry-After seconds",
    503: "a dependency is unavailable; wait for Retry-After seconds",
}


def document(routes: Sequence[AnyRoute]) -> dict[str, Any]:
    """The OpenAPI document of some routes."""
    schemas = Schemas(routes)
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.openapi_path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chancery", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {"oidc": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operation(route: AnyRoute, schemas: Schemas) -> dict[str, Any]:
    responses = {str(status): _response(status, declared, schemas) for status, declared in route.answers.items()}
    operation: dict[str, Any] = {"summary": route.summary, "operationId": _operation_id(route), "responses": responses}
    if not route.open:
        operation["security"] = [{"oidc": []}]
        problem = {PROBLEM: {"schema": schemas.ref(Problem)}}
        if route.errors:
            problem = _content(route.errors.content, schemas)
        for status in _problems(route):
            responses[str(status)] = {"description": _PROBLEMS[status], "content": problem}
    if parameters := [*_path_parameters(route), *_query_parameters(route), *_header_parameters(route)]:
        operation["parameters"] = parameters
    if route.body:
        schema = schemas.ref(route.body.model)
        if route.body.batch:
            schema = {"anyOf": [schema, _batch(schema)]}
        content = {JSON: {"schema": schema}} | {media_type: {"schema": {}} for media_type in route.body.media_types}
        operation["requestBody"] = {"required": route.body.required, "content": content}
    return operation


def _batch(schema: dict[str, Any]) -> dict[str, Any]:
    records = {"type": "array", "items": schema, "minItems": 1, "maxItems": MAX_BATCH}
    return {
        "type": "object",
        "properties": {"records": records},
        "required": ["records"],
        "additionalProperties": False,
    }


def _response(status: int, declared: Declared, schemas: Schemas) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": _content(declared, schemas)}


def _content(declared: Declared, schemas: Schemas) -> dict[str, Any]:
    """Content by media type; text and bytes have no model, and JSON may have several."""
    content: dict[str, Any] = {}
    models = [item for item in contents_of(declared) if not isinstance(item, str)]
    if models:
        refs = [schemas.ref(model) for model in models]
        content[JSON] = {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}
    for media_type in contents_of(declared):
        if isinstance(media_type, str):
            content[media_type] = {"schema": {"type": "string"} if media_type in (TEXT, MARKDOWN) else {}}
    return content


def _problems(route: AnyRoute) -> Iterator[int]:
    """The problems that a route may answer with, by its declaration."""
    left_out = set() if route.precondition == "If-Match" else {412, 428}
    left_out |= set() if 206 in route.answers else {416}
    left_out |= set() if route.body else {413, 415}
    left_out |= {400, 422} - {route.errors.invalid if route.errors else 422}
    return (status for status in _PROBLEMS if status not in left_out)


def _operation_id(route: AnyRoute) -> str:
    parts = route.openapi_path.replace("-", "/").split("/")
    return route.method.lower() + "".join(part.strip("{}").title() for part in parts)


def _path_parameters(route: AnyRoute) -> Iterator[dict[str, Any]]:
    for name in route.parameters:
        values = route.path_values.get(name)
        schema = {"type": "string", "enum": list(values)} if values else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: AnyRoute) -> Iterator[dict[str, Any]]:
    if route.query is None:
        return
    schema = route.query.model_json_schema(by_alias=True)
    offered = route.query.offered if issubclass(route.query, ListQuery) else ()
    for name, detail in schema["properties"].items():
        described = {"name": name, "in": "query", "required": name in schema.get("required", ())}
        shape = _names(offered) if name == "fields" else {"schema": _present(detail)}
        yield {**described, **shape, "description": detail.get("description", name)}


def _names(offered: Sequence[str]) -> dict[str, Any]:
    """A parameter of some of the offered names with commas between them."""
    names = {"type": "array", "items": {"enum": list(offered)}, "uniqueItems": True}
    return {"schema": names, "style": "form", "explode": False}


def _present(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a query parameter that is there: null is no value of one."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch.get("type") != "null"]
    found = branches[0] if branches else schema
    return {name: value for name, value in found.items() if name not in ("default", "title", "description")}


def _header_parameters(route: AnyRoute) -> Iterator[dict[str, Any]]:
    if route.precondition:
        required = route.precondition == "If-Match"
        yield {"name": route.precondition, "in": "header", "required": required, "schema": _ENTITY_TAGS}
