"""Free-form JSON (`before`, `after`, `metadata`) within the limits of intake: what MongoDB and RFC 8785 both hold."""

from typing import Any

from chancery_client.encoding import TOO_DEEP
from chancery_client.event_fields import event_fields
from chancery_client.redaction import MAX_DEPTH

_REFERENCE = ("$ref", "$id")  # drivers read an object with both as a DBRef
_RENAMED = "\N{FULLWIDTH DOLLAR SIGN}ref"


def is_storable(value: Any, depth: int = 0) -> bool:
    """Whether the JSON value is within the limits."""
    if isinstance(value, int | float):
        return bool(abs(value) <= event_fields().largest_integer)
    if isinstance(value, dict):
        named = all("\0" not in key for key in value) and not _is_reference(value)
        return named and depth < MAX_DEPTH and all(is_storable(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return depth < MAX_DEPTH and all(is_storable(item, depth + 1) for item in value)
    return True


def storable(value: Any, depth: int = 0) -> Any:
    """A copy within the limits: large numbers as text, NUL in names and `$ref` replaced, deep nesting cut."""
    if isinstance(value, int | float):
        return value if is_storable(value) else str(value)
    if isinstance(value, dict | list) and depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, list):
        return [storable(item, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    copy: dict[str, Any] = {}
    is_reference = _is_reference(value)
    for key, item in value.items():
        name = _RENAMED if is_reference and key == "$ref" else key.replace("\0", "\N{REPLACEMENT CHARACTER}")
        while name in copy or (name != key and name in value):
            name += "_"
        copy[name] = storable(item, depth + 1)
    return copy


def _is_reference(value: dict[str, Any]) -> bool:
    return all(name in value for name in _REFERENCE)
