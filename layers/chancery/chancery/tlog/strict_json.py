"""JSON from untrusted files: no key twice, no member too many, and whether it is written as Chancery writes it."""

import json
from typing import Any

import orjson

from chancery.tlog.merkle import HASH_BYTES
from chancery.tlog.signed_notes import decode


def parse_object(text: bytes) -> tuple[dict[str, Any], bool]:
    """A JSON object, and whether its bytes are those that orjson writes. Raises ValueError, also for a repeated key."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ValueError("is not JSON") from None
    if type(value) is not dict:
        raise ValueError("is not a JSON object")
    if _is_serialization_of(value, text):
        return value, True
    json.loads(text.decode(), object_pairs_hook=_without_repeated_keys)
    return value, False


def members(value: dict[str, Any], **types: type) -> list[Any]:
    """The members of an object that must have exactly these names and types. Raises ValueError."""
    if {name: type(member) for name, member in value.items()} != types:
        raise ValueError("must have exactly " + ", ".join(f"{name} ({kind.__name__})" for name, kind in types.items()))
    return [value[name] for name in types]


def hashes(texts: list[Any]) -> list[bytes]:
    """SHA-256 hashes from base64. Raises ValueError."""
    if not all(type(text) is str for text in texts):
        raise ValueError("has a hash that is not text")
    found = [decode(text) for text in texts]
    if any(len(part) != HASH_BYTES for part in found):
        raise ValueError("has a hash that is not of SHA-256")
    return found


def _is_serialization_of(value: dict[str, Any], text: bytes) -> bool:
    """An object that orjson serializes to the same bytes has no repeated key: it would be shorter."""
    try:
        return orjson.dumps(value) == text
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        return False


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a key twice in one object")
    return found
