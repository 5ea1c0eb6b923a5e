"""The files that `describe_api` answers from: the OpenAPI document, and the methods of every path."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chancery.core.web.routes import AnyRoute, methods_by_path


def openapi_json(document: Mapping[str, Any]) -> str:
    """The document with a line for each operation and each schema, so that a change of one is a change of a line."""
    return _lines(document, 3) + "\n"


def paths_json(routes: Iterable[AnyRoute]) -> str:
    """Declared path → its methods, a line each."""
    return _lines(methods_by_path(routes), 1) + "\n"


def _lines(value: Any, depth: int) -> str:
    if depth == 0 or not isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    items = (f"{json.dumps(name)}:{_lines(item, depth - 1)}" for name, item in value.items())
    return "{\n" + ",\n".join(items) + "\n}"
