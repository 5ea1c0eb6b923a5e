"""What a caller's own objects become in an event: JSON that redaction can look into, or nothing but a type's name."""

from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

_SPEAKING = (UUID, Decimal, PurePath, date, time, Enum)  # whose text is all that they are


def plain(value: Any) -> Any:
    """orjson's `default`. Never raises: an object that cannot be looked into is `<its type>`."""
    try:
        return _plain(value)
    except Exception:  # the object's own code
        return type_name(value)


def _plain(value: Any) -> Any:
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key if isinstance(key, str) else str(plain_key(key)): item for key, item in value.items()}
    if isinstance(value, Set | tuple):
        return list(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value))
    return str(value) if isinstance(value, _SPEAKING) else type_name(value)


def plain_key(key: Any) -> Any:
    """A key of a mapping, as text."""
    return key if isinstance(key, str | int | float | None) else plain(key)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return f"<{len(value)} bytes>"


def type_name(value: Any) -> str:
    """What stands for an object that cannot be looked into."""
    return f"<{type(value).__name__}>"
