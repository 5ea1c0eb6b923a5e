"""Stored records in the form of the API."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chancery.core.formats.times import to_rfc3339


def to_response(record: Mapping[str, Any], fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """A stored record, or the named fields of it: dates as RFC 3339, salts in hex."""
    response = {field: json_value(value) for field, value in record.items() if fields is None or field in fields}
    if "salts" in response:
        response["salts"] = {field: bytes(salt).hex() for field, salt in record["salts"].items()}
    return response


def json_value(value: Any) -> Any:
    """A field's stored value as JSON: a date as RFC 3339, any other value as it is."""
    return to_rfc3339(value) if type(value) is datetime else value
