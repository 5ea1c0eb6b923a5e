"""An event that has a value JSON cannot hold: that value is degraded, the event is kept."""

from collections.abc import Callable
from itertools import count
from typing import Any

from chancery.client.plain import plain_key, type_name

_DEPTH = 100  # levels; MongoDB stores as many
_VALUES = 10_000


def degraded(event: dict[str, Any], dump: Callable[[Any], bytes]) -> dict[str, Any]:
    """A copy that `dump` takes: numbers and keys as text, lone surrogates as `?`, a note for what cannot be shown."""
    return {str(name): _degraded(value, dump, count(), 1) for name, value in event.items()}


def _degraded(value: Any, dump: Callable[[Any], bytes], seen: "count[int]", depth: int) -> Any:
    if depth > _DEPTH or next(seen) > _VALUES:  # nested endlessly, perhaps
        return "[TOO DEEP]"
    if isinstance(value, dict):
        return {_text(plain_key(key)): _degraded(item, dump, seen, depth + 1) for key, item in value.items()}
    if isinstance(value, list) or type(value) is tuple:
        return [_degraded(item, dump, seen, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    try:
        dump(value)
    except Exception:
        return _text(value) if isinstance(value, int) else type_name(value)
    return value


def _text(value: Any) -> str:
    try:
        return str(value).encode(errors="replace").decode()
    except Exception:
        return type_name(value)
