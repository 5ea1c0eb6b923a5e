"""The rules of an audit event's fields as data, for `chancery-client`, which has no pydantic."""

import json
from typing import Any

from chancery.audit.models import AuditEvent
from chancery.core.documents import EXACT, ID, marked
from chancery.core.formats.json_limits import LARGEST_INTEGER

_LIMITS = ("minLength", "maxLength", "pattern", "enum")


def event_fields() -> str:
    """JSON: each field's kind and limits by its API name, and the limits of free-form values."""
    properties = AuditEvent.model_json_schema()["properties"]
    fields = {name: _field(name, _not_null(schema)) for name, schema in properties.items()}
    return json.dumps({"largestInteger": LARGEST_INTEGER, "fields": fields}, indent=2, ensure_ascii=False) + "\n"


def _field(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"kind": _kind(name, schema), **{limit: schema[limit] for limit in _LIMITS if limit in schema}}


def _kind(name: str, schema: dict[str, Any]) -> str:
    if name in marked(AuditEvent, ID):
        return "id"
    if "enum" in schema:
        return "choice"
    if schema["type"] == "object":
        return "object"
    if schema.get("format") == "date-time":
        return "time"
    return "address" if name in marked(AuditEvent, EXACT) else "text"


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    options: list[dict[str, Any]] = schema.get("anyOf", [schema])
    return next(option for option in options if option["type"] != "null")
