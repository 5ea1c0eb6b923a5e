"""Answers, held against the OpenAPI document that promises them."""

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from chancery.openapi import document
from chancery.routes import ROUTES


@cache
def _document() -> dict[str, Any]:
    return document()


def check_documented(method: str, path: str, status: int, media_type: str, answer: Any) -> None:
    """That a JSON answer is what the document says of its path, status and media type.

    Of what no document promises, our own failures and paths that are not there, that it is a problem.
    """
    matching = [route for route in ROUTES if route.method == method and route.pattern.fullmatch(path)]
    if matching and status != 500:
        route = next((route for route in matching if route.path == path), matching[0])
        response = _document()["paths"][route.openapi_path][method.lower()]["responses"][str(status)]
        schema = response["content"][media_type]["schema"]
    else:
        schema = {"$ref": "#/components/schemas/Problem"}
    Draft202012Validator({**schema, "components": _document()["components"]}).validate(answer)
