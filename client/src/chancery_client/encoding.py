"""Encodes an event as JSON. Any value of the host is accepted, and none of its text escapes redaction.

An object becomes JSON that the name rule can search, or the name of its type: its `str()` could hold a password.
"""

import os
import time
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from decimal import Decimal
from enum import Enum
from itertools import count
from pathlib import PurePath
from typing import Any
from uuid import UUID

import orjson

_SCALARS = (UUID, Decimal, PurePath, date, time_of_day, Enum)  # their text is their whole content
_MAX_DEPTH = 100  # levels; MongoDB stores as many
_MAX_VALUES = 10_000
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def encode(event: dict[str, Any]) -> bytes:
    """The event as JSON. A value that JSON cannot hold is replaced: the event is never lost because of it."""
    try:
        return _dump(event)
    except orjson.JSONEncodeError:
        return _dump({str(name): _replaced(value, count(), 1) for name, value in event.items()})


def to_camel(name: str) -> str:
    """`actorId` of `actor_id`; a name in camel case stays as it is."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def to_rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`; a moment without a zone is local time."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat("T", "milliseconds") + "Z"


def new_event_id() -> str:
    """A ULID. Takes no lock, so a signal handler may call it; ids of one millisecond are not ordered."""
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def json_default(value: Any) -> Any:
    """orjson's `default`: what an object becomes. Never raises; returns `<its type>` where the object's code does."""
    try:
        return _json_value(value)
    except Exception:
        return _type_name(value)


def _dump(event: Any) -> bytes:
    return orjson.dumps(event, default=json_default, option=orjson.OPT_NON_STR_KEYS)


def _json_value(value: Any) -> Any:
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json")  # a pydantic model
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(_json_key(key)): item for key, item in value.items()}
    if isinstance(value, Set | tuple):
        return list(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _decoded(bytes(value))
    return str(value) if isinstance(value, _SCALARS) else _type_name(value)


def _json_key(key: Any) -> Any:
    return key if isinstance(key, str | int | float | None) else json_default(key)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"<{len(value)} bytes>"


def _type_name(value: Any) -> str:
    return f"<{type(value).__name__}>"


def _replaced(value: Any, seen: "count[int]", depth: int) -> Any:
    """A copy that orjson accepts: large numbers and keys as text, lone surrogates as `?`, endless nesting cut."""
    if depth > _MAX_DEPTH or next(seen) > _MAX_VALUES:
        return "[TOO DEEP]"
    if isinstance(value, dict):
        return {_text(_json_key(key)): _replaced(item, seen, depth + 1) for key, item in value.items()}
    if isinstance(value, list) or type(value) is tuple:
        return [_replaced(item, seen, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    try:
        _dump(value)
    except Exception:
        return _text(value) if isinstance(value, int) else _type_name(value)
    return value


def _text(value: Any) -> str:
    try:
        return str(value).encode(errors="replace").decode()
    except Exception:  # the object's own code; or an integer with more digits than Python converts
        return _type_name(value)
