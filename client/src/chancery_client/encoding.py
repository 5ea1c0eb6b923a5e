"""Encodes an event as JSON. Any value of the host is accepted, and none of its text escapes redaction.

An object becomes JSON that the name rule can search, or the name of its type: its `str()` could hold a password.
"""

import os
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from itertools import count
from numbers import Integral, Real
from pathlib import PurePath
from typing import Any
from uuid import UUID

import orjson

from chancery_client.degradation import Degradation

# Their text is their whole content.
_SCALARS = (UUID, Decimal, PurePath, IPv4Address, IPv6Address)
_JSON_TYPES = (str, int, float, dict, list, tuple, type(None))
_MAX_DEPTH = 100  # levels; MongoDB stores as many
_MAX_VALUES = 10_000
TOO_DEEP = "[TOO DEEP]"
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK_SKEW = timedelta(days=1)  # into the future, which intake allows
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def encode(event: dict[str, Any], changes: Degradation) -> bytes:
    """JSON of the event and of its changes: `[event, changes]`; adds to these what JSON cannot hold and is replaced."""
    try:
        return _dump([event, changes], _complete_json_value)
    except orjson.JSONEncodeError:
        encodable = {_text(name): _encodable(name, value, changes) for name, value in event.items()}
        return _dump([encodable, changes], json_default)


def to_camel(name: str) -> str:
    """`actorId` of `actor_id`; a name in camel case stays as it is."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def to_rfc3339(moment: datetime) -> str:
    """`2026-01-31T12:00:00.000Z`; a moment without a zone is local time."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat("T", "milliseconds") + "Z"


def created_on(given: Any, now: datetime) -> str | None:
    """The time of an event as RFC 3339, from a datetime or its text; None where intake would refuse it."""
    try:
        moment = given if isinstance(given, datetime) else datetime.fromisoformat(given)
        moment = moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return to_rfc3339(moment) if _EARLIEST <= moment <= now + _CLOCK_SKEW else None


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


def _dump(value: Any, default: Callable[[Any], Any]) -> bytes:
    return orjson.dumps(value, default=default, option=orjson.OPT_NON_STR_KEYS)


def _encodable(name: str, value: Any, changes: Degradation) -> Any:
    """The value of a field as it is, or a copy in which what JSON cannot hold is replaced."""
    try:
        _dump(value, _complete_json_value)
    except orjson.JSONEncodeError:
        changes.add("replaced", _text(name))
        return _replaced(value, count(), 1)
    return value


def _complete_json_value(value: Any) -> Any:
    """What an object becomes without loss. Raises TypeError where only its type could be stored."""
    found = _json_value(value)
    if isinstance(found, _Summary):
        raise TypeError
    return found


def _json_value(value: Any) -> Any:
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json")  # a pydantic model
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_json_key(key): item for key, item in value.items()}
    if isinstance(value, Set | tuple):
        return list(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date | time_of_day):
        return value.isoformat()
    if isinstance(value, Integral):
        return int(value)  # of NumPy, for example
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _decoded(bytes(value))
    return str(value) if isinstance(value, _SCALARS) else _type_name(value)


def _json_key(key: Any) -> str:
    """The key as orjson writes it."""
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, bool):
        return orjson.dumps(key).decode()
    return str(key if isinstance(key, int | float) else json_default(key))


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return _Summary(f"<{len(value)} bytes>")


class _Summary(str):
    """Replaces a value that is not stored."""


def _type_name(value: Any) -> str:
    return _Summary(f"<{type(value).__name__}>")


def _replaced(value: Any, seen: "count[int]", depth: int) -> Any:
    """A copy that orjson accepts: large numbers and keys as text, lone surrogates as `?`, endless nesting cut."""
    if depth > _MAX_DEPTH or next(seen) > _MAX_VALUES:
        return TOO_DEEP
    if not isinstance(value, _JSON_TYPES):
        value = json_default(value)
    if isinstance(value, dict):
        return {_text(_json_key(key)): _replaced(item, seen, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, seen, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    try:
        _dump(value, json_default)
    except Exception:
        return _text(value) if isinstance(value, int) else _type_name(value)
    return value


def _text(value: Any) -> str:
    try:
        return str(value).encode(errors="replace").decode()
    except Exception:  # the object's own code; or an integer with more digits than Python converts
        return _type_name(value)
