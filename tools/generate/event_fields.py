"""The rules of an audit event's fields as data, for `chancery-client`, which has no pydantic."""

import json
from typing import Any

from chancery.audit.catalog import RESERVED_TYPES, catalogue
from chancery.audit.models import AuditEvent
from chancery.core.documents import EXACT, ID, marked
from chancery.core.formats.identifiers import HIDDEN, OwnEventId
from chancery.core.formats.json_limits import LARGEST_INTEGER
from chancery.core.identity.principal import PLATFORM

_LIMITS = ("minLength", "maxLength", "pattern", "enum")


def event_fields() -> str:
    """JSON: each field's kind and limits by its API name, the limits of free-form values, and what is reserved."""
    properties = AuditEvent.model_json_schema()["properties"]
    rules = {
        "largestInteger": LARGEST_INTEGER,
        "hidden": _in_ascii(HIDDEN.pattern),
        "reserved": {
            "tenants": [PLATFORM, "platform"],
            "resourceTypes": sorted(RESERVED_TYPES),
            "actions": sorted(catalogue().reserved),
            "eventIdPrefixes": sorted(OwnEventId),
        },
        "fields": {name: _field(name, _not_null(schema)) for name, schema in properties.items()},
    }
    return json.dumps(rules, indent=2) + "\n"


def _in_ascii(pattern: str) -> str:
    """The same regular expression with escapes: JSON has no halves of surrogate pairs."""
    return "".join(char if " " <= char <= "~" else f"\\U{ord(char):08x}" for char in pattern)


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
