"""Limits of free-form JSON (before, after, metadata, ...): what RFC 8785 and BSON can both hold exactly."""

from collections.abc import Iterator
from typing import Any

from chancery.core.errors import FieldError
from chancery.core.redaction import MAX_DEPTH, redact_text

_EXACT_TYPES = frozenset((str, bool, type(None)))
LARGEST_INTEGER = 2**53 - 1  # RFC 7493 section 2.2: beyond it JSON readers disagree


def is_exact(value: Any, depth: int = 0) -> bool:
    """Whether the value is within the limits *and* free of what makes a canonical form laborious.

    True promises: no float, ASCII keys without NUL, integers within ±(2^53-1), no more than `MAX_DEPTH` levels. So
    plain sorted JSON is its RFC 8785 form. False only means that `problems` has to search.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int or isinstance(value, int):  # MongoDB's 64-bit integers come back as a kind of int
        return bool(-LARGEST_INTEGER <= value <= LARGEST_INTEGER)
    if depth >= MAX_DEPTH or kind is float:
        return False
    if kind is dict:
        if "$ref" in value and _is_reference(value):
            return False
        for key, item in value.items():
            if not key.isascii() or "\0" in key:
                return False
            if type(item) is not str and not is_exact(item, depth + 1):
                return False
        return True
    return _EXACT_TYPES.issuperset(map(type, value)) or all(is_exact(item, depth + 1) for item in value)


def problems(value: Any, pointer: str, depth: int = 0, *, in_bson: bool = True) -> Iterator[FieldError]:
    """Every place where a JSON value breaks the limits, with its pointer. `in_bson`: it is not stored as text."""
    if isinstance(value, int | float) and not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        # A float here may be an integer of more than 64 bits: the JSON parser has rounded it already.
        yield FieldError(_redacted(pointer), "is a number beyond 2^53-1; send it as a string")
    elif isinstance(value, dict | list) and depth >= MAX_DEPTH:
        yield FieldError(_redacted(pointer), f"is nested deeper than {MAX_DEPTH} levels; flatten it")
    elif isinstance(value, dict):
        if in_bson and _is_reference(value):
            yield FieldError(
                _redacted(pointer), "has $ref and $id, which MongoDB takes for a reference; rename one of them"
            )
        for key, item in value.items():
            place = f"{pointer}/{escape(key)}"
            if "\0" in key:
                yield FieldError(_redacted(place), "has a NUL character in its name; remove it")
            yield from problems(item, place, depth + 1, in_bson=in_bson)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from problems(item, f"{pointer}/{index}", depth + 1, in_bson=in_bson)


def _is_reference(value: dict[str, Any]) -> bool:
    """Whether drivers would read an object back as a DBRef, another type."""
    return isinstance(value.get("$ref"), str) and "$id" in value


def _redacted(pointer: str) -> str:
    """The pointer without the names in it that are credentials."""
    return "/".join(map(redact_text, pointer.split("/")))


def reference(name: str) -> str:
    """A name as a reference token that a caller may see: not one that is a credential."""
    return escape(redact_text(name))


def escape(token: str) -> str:
    """A reference token of RFC 6901."""
    return token.replace("~", "~0").replace("/", "~1")
