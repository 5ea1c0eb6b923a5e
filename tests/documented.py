"""Answers, held against the OpenAPI document that promises them."""

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from chancery.wiring.openapi import document
from chancery.wiring.routes import PAGES, ROUTES

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_FORMATS = FormatChecker(formats=())
_FORMATS.checks("date-time")(lambda value: not isinstance(value, str) or _MOMENT.fullmatch(value) is not None)


@cache
def _document() -> dict[str, Any]:
    return document()


def check_documented(method: str, path: str, status: int, media_type: str, answer: Any) -> None:
    """That the document knows the status of its path, and that JSON is what it says of the media type there.

    Of what no document promises, our own failures and paths that are not there, that it is a problem; the viewer's
    files are in no document.
    """
    if any(page.match(path) is not None for page in PAGES):
        return  # no part of the API
    matching = [route for route in ROUTES if route.method == method and route.match(path) is not None]
    schema = {"$ref": "#/components/schemas/Problem"}
    if matching and status != 500:
        route = next((route for route in matching if route.path == path), matching[0])
        responses = _document()["paths"][route.openapi_path][method.lower()]["responses"]
        assert str(status) in responses, f"{method} {route.path} is not documented to answer {status}"
        content = responses[str(status)]["content"]
        assert media_type in (content or ("",)), f"{method} {route.path} is not documented to answer {media_type}"
        schema = content.get(media_type, {}).get("schema", {})
    if media_type.endswith("json"):
        resolvable = {**schema, "components": _document()["components"]}
        Draft202012Validator(resolvable, format_checker=_FORMATS).validate(answer)
