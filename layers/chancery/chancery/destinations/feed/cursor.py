"""Cursors of the feed: how far a reader is in each source, as opaque text that holds for one tenant."""

import base64
import binascii
from collections.abc import Mapping

import orjson

from chancery.core.errors import FieldError, ValidationFailed
from chancery.core.web.pagination import binding
from chancery.destinations.events import SOURCES, SourceName

Positions = Mapping[SourceName, int]  # the sequence after which to go on; a source that is missing begins now
_LARGEST = 2**53 - 1


def encode(tenant_id: str, positions: Positions) -> str:
    """The cursor of positions."""
    payload = orjson.dumps([binding({"feed": tenant_id}), *(positions.get(name) for name in SOURCES)])
    return base64.urlsafe_b64encode(payload).rstrip(b"=").decode()


def decode(tenant_id: str, cursor: str, pointer: str) -> dict[SourceName, int]:
    """The positions of a cursor. Raises ValidationFailed for one that is damaged, or of another tenant."""
    try:
        bound, *numbers = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_"))
        found = dict(zip(SOURCES, numbers, strict=True))
    except (binascii.Error, ValueError, TypeError):
        raise _unusable(pointer, "is damaged; start again without it") from None
    positions = {name: number for name, number in found.items() if number is not None}
    if not all(type(number) is int and 0 <= number <= _LARGEST for number in positions.values()):
        raise _unusable(pointer, "is damaged; start again without it")
    if bound != binding({"feed": tenant_id}):
        raise _unusable(pointer, "belongs to another tenant; start without it")
    return positions


def _unusable(pointer: str, detail: str) -> ValidationFailed:
    return ValidationFailed("The cursor cannot be used.", errors=[FieldError(pointer, detail)])
